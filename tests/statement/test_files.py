"""Statements from files of logs: the same as from the chain they were logged on, and the real day's."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
from msgspec import structs

from held_pool import ME, OTHER, World, rows, tokens
from kit import NEEDS_PAGE, Said, small_market, tidemill
from tidemill.errors import InvariantBroken
from tidemill.market import PoolInfo, Token, data_root, missing_reason, write_dataset
from tidemill.market.importing import dataset_of_events
from tidemill.market.positions import Change, Life
from tidemill.studies.held.asked import Asked
from tidemill.studies.held.document import Portfolio
from tidemill.studies.held.files import _Teller, from_files
from tidemill.venues.shared.history import Deed

ETHER = 10**18
BUILT = not NEEDS_PAGE.args[0]


def logged(world: World, folder: Path) -> Path:
    """Everything that pool and manager have logged, as a file."""
    lines, times = [], {}
    for address in (world.at.pool, world.at.manager):
        for log in world.anvil.rpc.logs(address=address, from_block=0):
            block = int(log["blockNumber"], 16)
            times.setdefault(block, world.anvil.rpc.block(block).timestamp)
            lines.append(
                {
                    "block_number": block,
                    "block_timestamp": times[block],
                    "transaction_hash": log["transactionHash"],
                    "transaction_index": int(log["transactionIndex"], 16),
                    "log_index": int(log["logIndex"], 16),
                    "address": log["address"],
                    "topics": log["topics"],
                    "data": log["data"],
                }
            )
    path = folder / "logs.parquet"
    pl.DataFrame(lines).write_parquet(path)
    return path


def state(world: World, path: Path, **asked) -> Portfolio:
    pool = PoolInfo(10, "op-mainnet", world.at.pool, Token("USDC", 18), Token("WETH", 18), 500, 10)
    return from_files([path], Asked(**asked), pool, manager=world.at.manager)


@pytest.mark.chain
@pytest.mark.parametrize("seed", [1, 2])
def test_logs_and_chain_tell_the_same(world: World, tmp_path: Path, seed: int) -> None:
    draw, mine = random.Random(seed), [world.mint(amount=50 * ETHER, lower=-60, upper=80)]
    for _ in range(25):
        world.swap(draw.randrange(1, 60) * ETHER, draw.choice(["USDC@op", "WETH@op"]))
        match draw.randrange(6):
            case 0:
                low = draw.randrange(-30, 20) * 10
                mine.append(
                    world.mint(amount=draw.randrange(1, 90) * ETHER, lower=low, upper=low + draw.randrange(1, 9) * 10)
                )
            case 1:
                token = world.mint(OTHER, 20 * ETHER, -300, 10)
                world.swap(5 * ETHER)
                world.mine(world.give(token, OTHER, ME))
                mine.append(token)
            case 2 if len(mine) > 1:
                world.mine(world.give(mine.pop(draw.randrange(len(mine))), ME, OTHER))
            case 3:
                position = f"pool#{draw.choice(mine)}"
                world.do("increase", position=position, amount0_desired=3 * ETHER, amount1_desired=3 * ETHER)
            case 4:
                world.do("decrease", position=f"pool#{draw.choice(mine)}", liquidity=draw.randrange(1, 10**15))
            case _:
                world.do("harvest", position=f"pool#{draw.choice(mine)}")
    end = str(world.anvil.rpc.block().number)
    read = state(world, logged(world, tmp_path), address=ME, start=str(world.start + 2), end=end)
    real = world.state(start=str(world.start + 2), end=end)
    assert read.total is not None and real.total is not None
    assert not read.unstated
    opened = {one.position: (one.principal, one.claimable) for one in real.still_open}
    assert {one.position: (one.principal, one.claimable) for one in read.still_open} == opened
    assert tokens(read.total, "fees") == tokens(real.total, "fees")
    assert rows(read.total)["fees"] == pytest.approx(rows(real.total)["fees"], abs=20)
    # the chain is read block by block: what others did in a block of one's own is the market's there
    assert rows(read.total)["keep"] == pytest.approx(rows(real.total)["keep"] - rows(real.total)["l2"], abs=5)
    assert "l2" not in rows(read.total) and "before them" in read.total.warnings[0]
    assert all(one.exact for one in read.collects) and read.collects


# --- the real day -----------------------------------------------------------------------------------------------------

NFPM, POOL = (f"uniswap_v3/eth_{name}_20240105_rawlogs.parquet" for name in ("nfpm", "usdc_weth_005"))
REAL = pytest.mark.skipif(
    bool(missing_reason(NFPM) or missing_reason(POOL)), reason=str(missing_reason(NFPM) or missing_reason(POOL))
)
DESCRIBED = ("--token0", "USDC:6", "--token1", "WETH:18", "--fee", 500, "--tick-spacing", 10)


def real(*more: object, files: tuple[Path, ...] | None = None) -> Said:
    root = data_root()
    given = files or (root / NFPM, root / POOL)
    return tidemill("statement", *(part for path in given for part in ("--logs", path)), *DESCRIBED, *more)


@REAL
def test_a_position_of_the_real_day(tmp_path: Path) -> None:
    said = (
        real("--token-id", 639514, "--json", "--out", tmp_path / "out")
        if BUILT
        else real("--token-id", 639514, "--json")
    )
    assert said.code == 0, said.err
    told = json.loads(said.out)
    (collect,) = told["collects"]
    assert collect["paid"] == [1952521869533, 0] and collect["exact"] and not collect["rests_on"]
    found = {row["key"]: row["tokens"] for row in told["total"]["waterfall"]}
    # what was collected is what was put in, converted, and the fees: each from its own source
    assert found["fees"] == {"USDC@ethereum": 976260936}
    assert found["keep"]["USDC@ethereum"] == 1952521869533
    assert told["total"]["fidelity"]["data"] == "inferred" and not told["open"]
    if BUILT:
        assert {path.name for path in (tmp_path / "out").iterdir()} == {
            "report.html",
            "ledger.parquet",
            "statement.json",
        }
    seen = real("--token-id", 639514)
    assert "1 collects: 1 determined by the logs, 1 of these to the wei" in seen.out
    assert "nothing is open at the end" in seen.out and "unknown" in seen.out


@REAL
def test_what_the_day_does_not_show_is_said() -> None:
    said = real("--token-id", 632428)
    assert said.code == 0 and "You keep" not in said.out
    assert "not stated: token 632428: it was opened before the logs begin" in said.out
    assert "205739613694 + 360048026340201092288" in said.out
    cut = real("--token-id", 639504)
    assert "--to 18942402 states it up to there" in " ".join(cut.out.split())
    there = json.loads(real("--token-id", 639504, "--to", 18942402, "--json").out)
    (held,) = there["open"]
    assert held["claimable"] == {"USDC@ethereum": 82358968, "WETH@ethereum": 42859256375339363}


@REAL
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--token-id", 1), "token_id: token 1 does not occur in these logs of USDC/WETH 0.05 % on ethereum"),
        (("--address", "0x" + "12" * 20), "has nothing in these logs"),
        (("--address", "me"), "address: 'me' is no address"),
        ((), "whose positions?"),
        (("--token-id", 639514, "--from", "2024-01-06"), "from: 2024-01-06 is not in these logs"),
        (("--token-id", 639514, "--to", "12"), "to: 12 is not in these logs"),
        (("--token-id", 639514, "--from", 18943000, "--to", 18938000), "from: 18943000 is not before 18938000"),
        (("--token-id", 639514, "--from", "soon"), "from: 'soon' is neither a block number nor a moment"),
        (("--token-id", 639514, "--home", "DAI"), "home: unknown token 'DAI'"),
        (("--token-id", 639514, "--network", "atlantis"), "no position manager is known on 'atlantis'"),
        (("--token-id", 639514, "--rpc", "http://localhost:1"), "give either --rpc (an endpoint) or --logs (files)"),
        (("--token-id", 639514, "--at", "uniswap_v3"), "at: 'uniswap_v3' should be written as"),
        (("--token-id", 639514, "--price", "ETH:5"), "price: 'ETH:5' should be written as"),
    ],
)
def test_bad_input_is_one_line(options: tuple[object, ...], line: str) -> None:
    said = real(*options)
    assert said.code == 2 and said.out == ""
    (told,) = [one for one in said.err.splitlines() if one.startswith("tidemill: ")]
    assert line in told and said.err.splitlines()[-1] == told


@REAL
def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    root = data_root()
    frame = pl.read_parquet(root / POOL)
    missing, other, damaged = tmp_path / "none.parquet", tmp_path / "other.parquet", tmp_path / "damaged.parquet"
    frame.select("block_number", "data").write_parquet(other)
    place = pl.int_range(frame.height) == 100  # a swap's data, the first byte of its price no longer 0
    wrong = pl.concat_str(pl.col("data").str.slice(0, 130), pl.lit("ff"), pl.col("data").str.slice(132))
    frame.with_columns(data=pl.when(place).then(wrong).otherwise("data")).write_parquet(damaged)
    changed = tmp_path / "changed.parquet"
    frame.head(101).tail(1).with_columns(data=pl.lit("0x" + "11" * 160)).write_parquet(changed)
    cases = {
        (missing,): "no such file",
        (other,): "no column 'time'",
        (root / NFPM,): "no logs of the pool among them",
        (damaged, root / NFPM): "is damaged",
        (root / POOL, root / NFPM, changed): "given twice, and the two differ",
    }
    for files, line in cases.items():
        said = real("--token-id", 639514, files=files)
        assert said.code == 2 and line in said.err, said.err
    again = real("--token-id", 639514, "--json", files=(root / POOL, root / NFPM, root / POOL))
    assert again.code == 0 and json.loads(again.out)["collects"][0]["exact"]  # a log given in two files counts once
    said = tidemill("statement", "--logs", root / POOL, "--token-id", 5)
    assert said.code == 2 and "which pool are these logs of?" in said.err


@REAL
def test_a_swap_left_out_is_a_contradiction_or_seen(tmp_path: Path) -> None:
    """Drop one swap in which the position earned: its collect no longer comes out, and that is printed."""
    frame = pl.read_parquet(data_root() / POOL)
    swap = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
    dropped = pl.col("topics").str.contains(swap) & (pl.col("block_number") == 18941528)
    less = tmp_path / "less.parquet"
    frame.filter(~dropped).write_parquet(less)
    assert frame.filter(dropped).height == 1
    said = real("--token-id", 639514, "--json", files=(data_root() / NFPM, less))
    told = json.loads(said.out)
    assert not told["collects"][0]["exact"]


@pytest.mark.parametrize("known", [True, False])
def test_a_datasets_folder_with_and_without_its_state(tmp_path: Path, known: bool) -> None:
    """What an owner holds at the pool directly: with the initial state from the first event on, else from when it shows."""
    data = small_market()
    if not known:
        data = dataset_of_events(data.events, data.pool, source="its events alone")
    folder = write_dataset(data, tmp_path / "small").folder
    owners = sorted({owner for owner in data.events["owner"].to_list() if owner})
    told = [from_files([folder], Asked(address=owner), None, manager="0x" + "3a" * 20) for owner in owners]
    stated = [one for one in told if one.total is not None]
    assert stated and all(collect.possible for one in told for collect in one.collects)
    assert all(one.total.fidelity.data == ("exact" if known else "inferred") for one in stated)
    assert (sum(len(one.unstated) for one in told) == 0) == known
    for one in stated:
        assert abs(one.total.unexplained) <= one.total.unexplained_bound
        assert "fees" in rows(one.total)


@pytest.mark.chain
@pytest.mark.parametrize("fault", ["a collect dropped", "a collect twice", "a wei too much", "a deposit dropped"])
def test_a_planted_fault_is_refused(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Marks from logs stand right beside each deed, so that nothing is left to the market: a wei more is refused."""
    token = world.mint(amount=100 * ETHER)
    world.swap()
    world.do("harvest", position=f"pool#{token}")
    world.swap(20 * ETHER, "WETH@op")
    told = _Teller._deed

    def wrong(self: _Teller, change: Change, life: Life) -> Deed:
        deed = told(self, change, life)
        if deed.verb != ("increase" if fault == "a deposit dropped" else "collect"):
            return deed
        if "dropped" in fault:
            return structs.replace(deed, transfers=())
        more = (lambda n: 2 * n) if fault == "a collect twice" else (lambda n: n + 3)
        return structs.replace(deed, transfers=tuple(structs.replace(m, amount=more(m.amount)) for m in deed.transfers))

    path = logged(world, tmp_path)
    assert state(world, path, address=ME).total is not None
    monkeypatch.setattr(_Teller, "_deed", wrong)
    with pytest.raises(InvariantBroken, match="does not add up"):
        state(world, path, address=ME)
