"""What following a table of rates is off by: the exact venue, written down once an hour or a day, and followed again.

For each family the same stay is played on both: entered and left at random moments between two rows. First with next to
nothing, which shows what the rows lose; then with a hundredth of what others hold, which shows what one's own part does.
The figures are those that every result over a table of rates prints.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest

from harness.book import Book, Ctx
from tidemill.interfaces import Action
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.sampled import sample_rates
from tidemill.studies.study import Study, load_study
from tidemill.units import isqrt_down
from tidemill.venues.kinds import Bars, kind
from tidemill.venues.shared.scripted import Scripted

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOUR, DAY = 3_600, 86_400
RICH = 1 << 150
STAYS = 8
STREAMS = ("farm", "chef", "bonus")
"""What is shared by stake: figures hold from row to row."""


@dataclass
class Family:
    """A venue of an example, and how one goes in and out. ``tiny`` and ``large`` are what one brings, raw units.

    ``columns`` are those of the table that are followed, where not all are.
    """

    example: str
    venue: str
    params: Sequence[str]
    tiny: int
    large: int
    tokens: Sequence[str]
    enter: Callable[[int], Action]
    leave: Callable[[Mapping[str, int]], Action]
    income: Callable[[Mapping[str, int], Mapping[str, int]], int]
    columns: Sequence[str] = ()


def pool_income(put: Mapping[str, int], got: Mapping[str, int]) -> int:
    """What the product of both tokens grew by, which the price does not move; parts in 10**12."""
    before, after = (isqrt_down(one["amount0"] * one["amount1"] << 80) for one in (put, got))
    return after * 10**12 // before - 10**12


FAMILIES = {
    "lending": Family(
        "lending", "aave", ["asset"], 10**9, 80_000 * 10**6, ["USDC"],
        lambda n: Action("supply", {"asset": "USDC@op-mainnet", "amount": n}),
        lambda put: Action("withdraw", {"asset": "USDC@op-mainnet", "amount": (1 << 256) - 1}),
        lambda put, got: got["amount"] - put["amount"],
    ),
    "morpho": Family(
        "morpho_supply", "market", ["loan", "collateral"], 3 * 10**7, 20_000 * 10**6, ["USDC", "WETH"],
        lambda n: Action("supply", {"assets": n}),
        lambda put: Action("withdraw", {"shares": put["shares"]}),
        lambda put, got: got["assets"] - put["assets"],
    ),
    "borrowed": Family(
        "morpho_supply", "market", ["loan", "collateral"], 3 * 10**7, 20_000 * 10**6, ["USDC", "WETH"],
        lambda n: Action("supply", {"assets": n}),
        lambda put: Action("withdraw", {"shares": put["shares"]}),
        lambda put, got: got["assets"] - put["assets"],
        ["borrow_rate", "utilisation", "reserve_factor"],
    ),
    "vault": Family(
        "vault_farm", "vault", ["asset", "share", "decimals_offset"], 10**9, 50_000 * 10**6, ["USDC"],
        lambda n: Action("deposit", {"assets": n}),
        lambda put: Action("redeem", {"shares": put["shares"]}),
        lambda put, got: got["assets"] - put["assets"],
    ),
    "farm": Family(
        "vault_farm", "farm", ["staking", "reward"], 10**12, 20_000 * 10**12, ["vUSDC", "OPX"],
        lambda n: Action("stake", {"amount": n}),
        lambda put: Action("exit", {}),
        lambda put, got: got["reward"],
    ),
    "chef": Family(
        "chef_farm", "farm", ["staking", "reward"], 10**12, 20_000 * 10**12, ["vUSDC", "SUSHI", "BONUS"],
        lambda n: Action("deposit", {"amount": n}),
        lambda put: Action("exit", {}),
        lambda put, got: got["reward"],
    ),
    "bonus": Family(
        "chef_farm", "farm", ["staking", "reward", "bonus"], 10**13, 20_000 * 10**12, ["vUSDC", "SUSHI", "BONUS"],
        lambda n: Action("deposit", {"amount": n}),
        lambda put: Action("exit", {}),
        lambda put, got: got["bonus"],
    ),
    "amm": Family(
        "classic_pool", "pool", ["token0", "token1", "lp"], 10**15, 67 * 10**17, ["WETH", "USDC", "UNI-V2"],
        lambda n: Action("add_liquidity", {"amount0_desired": n, "amount1_desired": RICH}),
        lambda put: Action("remove_liquidity", {"liquidity": put["liquidity"]}),
        pool_income,
    ),
}  # fmt: skip


@cache
def exact(name: str) -> tuple[Study, Prepared]:
    study = load_study(EXAMPLES / f"{FAMILIES[name].example}.toml")
    prepared = prepare(study)
    if name in STREAMS:
        stir(prepared, *(("stake", "withdraw") if name == "farm" else ("deposit", "withdraw")))
    return study, prepared


def stir(prepared: Prepared, enter: str, leave: str) -> None:
    """Let somebody else come and go at the farm about every three hours, so that shares of the stream move."""
    make, draws = prepared.placed["farm"].make, random.Random(5)
    script, inside, time = [], 0, prepared.start
    while (time := time + draws.randrange(1, 6 * HOUR)) < prepared.end:
        amount = draws.randrange(10**12, 400_000 * 10**12)
        verb = leave if inside >= amount else enter
        inside += amount if verb == enter else -amount
        script.append(Scripted(prepared.blocks.first_from(time), "crowd", Action(verb, {"amount": amount})))

    def stirred() -> Any:
        stage: Any = make()
        stage.script = sorted([*stage.script, *script], key=lambda item: item.block.number)
        return stage

    prepared.placed["farm"] = msgspec.structs.replace(prepared.placed["farm"], make=stirred)


@cache
def followed(name: str, seconds: int, folder: Path) -> Prepared:
    """The same venue over a table of itself."""
    family, (study, prepared) = FAMILIES[name], exact(name)
    path = folder / f"{name}-{seconds}.csv"
    path.write_text(some_of(sample_rates(study, family.venue, seconds, prepared), family.columns))
    spec = study.venues[family.venue]
    params = {key: spec.params[key] for key in family.params}
    bars = msgspec.structs.replace(spec, dataset=str(path), fidelity="bars", params=params)
    return prepare(msgspec.structs.replace(study, venues={**study.venues, family.venue: bars}))


def some_of(table: str, columns: Sequence[str]) -> str:
    """Return a table with the time and these columns, all where none are named."""
    notes, rows = (
        [line for line in table.splitlines() if line.startswith("#") is is_note] for is_note in (True, False)
    )
    head = rows[0].split(",")
    kept = [head.index(name) for name in ("time", *(columns or head[1:]))]
    return "\n".join([*notes, *(",".join(row.split(",")[at] for at in kept) for row in rows)]) + "\n"


def rich(stage: Any, family: Family) -> Book:
    """A book in which nobody is short of the venue's tokens."""
    book = Book()
    for symbol in family.tokens:
        for who in ("me", *stage.accounts):
            book.add(f"{symbol}@op-mainnet", who, RICH)
    return book


def stay(prepared: Prepared, family: Family, amount: int, since: int, until: int) -> int:
    """Go in, stay, go out; return the income."""
    stage: Any = prepared.placed[family.venue].make()
    book = rich(stage, family)
    done: list[Mapping[str, int]] = []
    for time in (since, until):
        block = prepared.blocks.first_from(time)
        stage.advance(block)
        action = family.leave(done[0]) if done else family.enter(amount)
        result = stage.apply(action, Ctx(block, "me", book))
        book.move(result)
        done.append(result.amounts)
    return family.income(*done)


def errors(name: str, seconds: int, folder: Path, *, large: bool) -> list[int]:
    """Relative errors of the income of random stays of a week and more, parts per million."""
    family, (_, truth), guess = FAMILIES[name], exact(name), followed(name, seconds, folder)
    draws, found = random.Random(f"{name} {seconds}"), []
    for _ in range(STAYS):
        since = draws.randrange(truth.start + HOUR, truth.end - 8 * DAY)
        until = draws.randrange(since + 7 * DAY, truth.end)
        amount = family.large if large else family.tiny
        was, got = (stay(one, family, amount, since, until) for one in (truth, guess))
        assert was > 1_000
        found.append((got - was) * 1_000_000 // was)
    return found


def bars(name: str) -> Bars:
    found = kind(exact(name)[0].venues[FAMILIES[name].venue].kind).bars
    assert found
    return found


def percent(ppm: float) -> str:
    return f"{ppm / 10_000:.2f} %"


@pytest.mark.parametrize("name", FAMILIES)
def test_the_error_that_results_print_is_the_measured_one(name: str, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tables")
    said = []
    for word, seconds in (("hourly", HOUR), ("daily", DAY)):
        sizes = [abs(error) for error in errors(name, seconds, folder, large=False)]
        said.append(f"{word} rows {percent(median(sizes))}, at most {percent(max(sizes))}")
    assert "; ".join(said) in bars(name).error
    if FAMILIES[name].columns:
        return  # a venue of another row, of which less is told: one's own part is the same
    tiny, large = (errors(name, DAY, folder, large=large) for large in (False, True))
    if bars(name).mode == "small":
        assert f"with a hundredth of what others hold {percent(median(large))} too much" in bars(name).error
        assert median(large) > 5_000
    else:
        assert "your part is counted" in bars(name).error
        assert max(abs(a - b) for a, b in zip(tiny, large, strict=True)) < 500


@pytest.mark.parametrize("name", FAMILIES)
def test_a_followed_venue_says_what_its_table_says(name: str, tmp_path_factory: pytest.TempPathFactory):
    """Written down again, the followed venue gives its own table, to the rounding of raw units; with oneself in it too."""
    family, prepared = FAMILIES[name], followed(name, DAY, tmp_path_factory.mktemp("tables"))
    path, stage = prepared.rates_paths[family.venue], prepared.placed[family.venue].make()
    decimals = {prepared.token(symbol): places for symbol, places in prepared.decimals.items()}
    for at, time in enumerate(path.time[:-1:9]):
        block = prepared.blocks.first_from(time)
        stage.advance(block)
        if at == 3:
            stage.apply(family.enter(family.large), Ctx(block, "me", rich(stage, family)))
            stage.advance(block)
        told = {key: Fraction(cell) for key, cell in bars(name).sample(stage, block.time, decimals).items()}
        if name == "amm":
            told["root_per_share"] = Fraction(isqrt_down(int(told["reserve0"] * told["reserve1"] * 10**40)), 10**20)
            told["root_per_share"] /= told.pop("total_supply")
            whole = Fraction(path.held("reserve1", block.time)) / 10**27
            assert told["reserve1"] == whole if at < 3 else told["reserve1"] > whole
            assert float(told["reserve0"] / told["reserve1"]) == pytest.approx(
                path.held("reserve0", block.time) / path.held("reserve1", block.time), rel=1e-9
            )
        for key, value in told.items():
            if key in path.figures and not key.startswith("reserve"):
                expected = path.held(key, block.time) if name in STREAMS else path.between(key, block.time)
                mine = Fraction(family.large, 10**12) if key == "total_staked" and at > 2 else 0
                assert float(value - mine) == pytest.approx(expected / 10**27, rel=1e-9)
    if name == "lending":
        rate = stage.read("getReserveData", "USDC@op-mainnet")["currentLiquidityRate"]
        assert rate == path.slope("supply_index", stage.at.time) > 0


@pytest.mark.parametrize("name", ["lending", "morpho", "vault", "amm"])
def test_a_followed_venue_is_of_the_moment_it_acts_in(name: str, tmp_path_factory: pytest.TempPathFactory):
    family, prepared = FAMILIES[name], followed(name, DAY, tmp_path_factory.mktemp("tables"))
    first, later = (prepared.blocks.first_from(prepared.start + days * DAY) for days in (1, 20))
    got = []
    for arrive in ("advance", "enter", "apply"):
        stage: Any = prepared.placed[family.venue].make()
        stage.advance(first)
        book = rich(stage, family)
        put = stage.apply(family.enter(family.tiny), Ctx(first, "me", book))
        book.move(put)
        if arrive != "apply":
            getattr(stage, arrive)(later)
            seen = stage.rates() or stage.positions("me")[0].principal
        got.append(stage.apply(family.leave(put.amounts), Ctx(later, "me", book)).amounts)
        if arrive == "enter":
            other = prepared.placed[family.venue].make()
            other.advance(first)
            other.apply(family.enter(family.tiny), Ctx(first, "me", rich(other, family)))
            other.advance(later)
            assert seen == (other.rates() or other.positions("me")[0].principal)
    assert got[0] == got[1] == got[2]
    assert family.income(put.amounts, got[0]) > 0
