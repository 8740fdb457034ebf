"""Bad input at the command: exit code 2, nothing on standard output, one clear line naming the place and the fix.

The types of the study file are covered field by field in ``tests/studies/test_study_file.py``; here stands what only
shows when a study meets its data, its network and its strategy.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kit import changed, raw_logs, small_market, tidemill, to_toml, write_study

WORKING = {"loading market data …", "running the strategy …", "stating …"}
"""What a command says on standard error while all is well."""


def refused(study: Path, out: Path) -> str:
    """Run a backtest that must be refused, and return the line that says why."""
    said = tidemill("backtest", study, "-o", out)
    assert said.code == 2, said.err
    assert said.out == ""
    (line,) = [line for line in said.err.splitlines() if line not in WORKING and not line.startswith("assumption ")]
    assert line.startswith("tidemill: ")
    assert "Traceback" not in line
    assert "Error" not in line
    assert not out.exists() or not list(out.iterdir())
    return line.removeprefix("tidemill: ")


# (path, value, what the line must say besides the file and the field)
VALUES: list[tuple[str, Any, str]] = [
    ("network", "op-mainet", "did you mean 'op-mainnet'"),
    ("network", "", "unknown network"),
    ("counterfactual", ["arbitrum-none"], "unknown network"),
    ("strategy", "range_rest", "did you mean 'range_reset'"),
    ("strategy", "nothing.py", "names no class"),
    ("strategy", "nothing.py:Mine", "No such file"),
    ("strategy", "../../etc/passwd", "unknown strategy"),
    ("parameters.widht", 3, "did you mean 'width'"),
    ("parameters.width", 0, ">= 1"),
    ("parameters.width", 900_000, "<= 887272"),
    ("parameters.width", "600", "expected a whole number, got text (here: '600')"),
    ("parameters.width", 1.5, "(here: 1.5)"),
    ("parameters.width", True, "(here: true)"),
    ("parameters.slippage_bps", 20_000, "<= 5000"),
    ("parameters.cooldown", -1, ">= 0"),
    ("parameters.venue", "pond", "pond"),
    ("capital", {"USDC": "0"}, "every amount is 0"),
    ("capital.USDC", "0.0000001", "decimals"),
    ("capital.USDC", "1" * 31, "decimal number"),
    ("capital.USDC", "1e6", "decimal number"),
    ("capital.USDC", "-5", "decimal number"),
    ("capital.USDT", "5", "did you mean 'USDC'"),
    ("capital", {}, "length"),
    ("home", "EURO", "no token of the study"),
    ("home", "us dollars", "letters"),
    ("venues.pool.kind", "uniswap_v33", "did you mean 'uniswap_v3'"),
    ("venues.pool.dataset", "nowhere", "no dataset at"),
    ("venues.pool.dataset", "", "length"),
    ("venues.pool.mode", "huge", "not a valid choice"),
    ("venues.pool.params", {"depth": 5}, "unknown parameter 'depth'"),
    ("venues.pool.pool", {"address": "0x12"}, "address"),
    ("start", "2031-01-01T00:00:00Z", "outside the data"),
    ("end", "2019-01-01T00:00:00Z", "outside the data"),
    ("world.delay_blocks", 0, ">= 1"),
    ("world.delay_blocks", 10_000, "world.delay_blocks: 10,000 blocks are 20,000 s, over a 10th of"),
    ("capital.USDC", "9" * 30, "capital.USDC: " + "9" * 30 + " is worth more than"),
    ("capital.ETH", "1" + "0" * 10, "capital.ETH: 10000000000 is worth more than 1,000,000,000,000 USDC"),
    ("capital.USDC", "1000000000000.000001", "capital.USDC: 1000000000000.000001 is worth more than"),
    ("world.seed", -1, ">= 0"),
    ("exit", "sell", "valid: close, mark"),
    ("venues.pool.fidelity", "rough", "valid: auto, exact, inferred, bars"),
    ("venues.pool.params", {"depth": 1.5}, "venues.pool.params.depth: expected a whole number or text"),
    ("venues.pool.dataset", "a" * 5_000, "File name too long"),
    ("capital.USDC", "10\n", "decimal number"),
    ("counterfactual", ["op-mainnet"], "own network"),
    ("counterfactual", ["base", "base"], "listed twice"),
    ("network", "arbitrum", "did you mean 'arbitrum-"),
    ("network", "bitcoin", "valid: arbitrum-nova, arbitrum-one, base"),
    ("network", "zksync-lit", "did you mean 'zksync-lite'"),
    ("network", "zksync-lite", "no fee formula is known for zksync-lite"),
    ("network", "dydx-v3", "withdraw-only since 2024-10-28"),
    ("network", "citrea", "citrea is known from 2026-01-27T00:00:00Z on; the study starts at 2025-01-01T"),
    ("counterfactual", ["plasma"], "takes no new money; for money still there"),
    ("counterfactual", ["citrea"], "counterfactual: citrea is known from 2026-01-27"),
    (
        "fees",
        {"op-mainnet": {"base_fee_gwei": "1" + "0" * 12}},
        "fees.op-mainnet.base_fee_gwei: 1000000000000 gwei is more than",
    ),
    ("fees", {"zksync-era": {"own": {"pubdata_byte": 1}}}, "did you mean 'pubdata_bytes'"),
    ("fees", {"polygon-pos": {"own": {"l1_fee": 1}}}, "fees.polygon-pos.own.l1_fee: unknown fee level 'l1_fee'"),
    ("fees", {"loopring": {"own": {"l1_fee": 1}}}, "fees.loopring.own.l1_fee: unknown fee level 'l1_fee'"),
    ("fees", {"scroll": {"own": {"compressed_bps": -1}}}, "fees.scroll.own.compressed_bps: -1 is no whole number"),
    ("fees", {"op-mainnet": {"priority_fee_gwei": "-1"}}, "fees.op-mainnet.priority_fee_gwei: expected a decimal"),
    ("prices", {"ETH": "0"}, "a price of 0"),
    ("prices", {"ETH": "0.000"}, "a price of 0"),
    ("fees", {"op-mainnet": {"fork": ""}}, "fees.op-mainnet.fork: expected the name of a fork"),
    ("fees", {"op-mainnet": {"base_fee_gwei": 1}}, "fees.op-mainnet.base_fee_gwei: expected text in quotes"),
    ("start", "0001-01-01T00:00:00Z", "no year of a chain"),
    ("end", "9999-12-31T23:59:59-23:00", "no year of a chain"),
    ("title", "two\nlines", "no line of text"),
    ("title", "\u001b[31mred", "no line of text"),
    ("title", "  ", "no line of text"),
    ("fees", {"op-mainet": {"base_fee_gwei": "1"}}, "op-mainet"),
    ("fees", {"op-mainnet": {"fork": "frontier"}}, "frontier"),
    ("fees", {"op-mainnet": {"own": {"base_fee_scaler": "1"}}}, "base_fee_scaler'; did you mean 'base_fee_scalar'"),
    ("fees", {"op-mainnet": {"own": {"base_fee_scalar": "1.5"}}}, "own.base_fee_scalar: '1.5' is no whole number"),
    ("fees", {"op-mainnet": {"own": {"base_fee_scalar": -1}}}, "own.base_fee_scalar: -1 is no whole number"),
    ("fees", {"op-mainnet": {"own": {"base_fee_scalar": str(2**256)}}}, "is no whole number"),
    ("fees", {"op-mainnet": {"own": {"base_fee_scalar": 1.5}}}, "expected a whole number or text"),
    ("fees", {"arbitrum-one": {"own": {"base_fee_scalar": "1"}}}, "valid: price_per_unit"),
    ("prices", {"DOGE": "1"}, "DOGE"),
    ("prices", {"USDC": "2"}, "home asset"),
    ("prices", {"WETH": "2"}, "a pool of the study prices"),
    ("tokens", {"USDC": 18}, "USDC"),
    ("tokens", {"USDC": 99}, "<= 36"),
    ("rehearse.actions", 0, ">= 1"),
    ("title", "", "length"),
]


@pytest.mark.parametrize(("path", "value", "says"), VALUES, ids=lambda item: str(item)[:32])
def test_a_wrong_value_is_one_line(markets: Path, tmp_path: Path, path: str, value: Any, says: str):
    text = to_toml(changed(path, value))
    if path in {"start", "end"}:
        text = text.replace(f'"{value}"', value)
    study = tmp_path / "bad.toml"
    study.write_text(text)
    (tmp_path / "small").symlink_to(markets / "small")
    line = refused(study, tmp_path / "out")
    assert line.startswith(str(study))
    field = {"parameters.venue": "venue", "fees": "f"}.get(path, path.partition(".")[0])
    assert field in line
    assert says in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing key"),
        ("title = ", "not valid TOML"),
        ("title = 'a'\ntitle = 'b'", "not valid TOML"),
        ("[[[", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ("\x00", "not valid TOML"),
        ("<html><body>404</body></html>", "not valid TOML"),
    ],
    ids=["empty", "cut", "twice", "brackets", "deep", "nul", "html"],
)
def test_malformed_toml_is_one_line(tmp_path: Path, text: str, says: str):
    study = tmp_path / "bad.toml"
    study.write_text(text)
    assert says in refused(study, tmp_path / "out")


def test_files_that_cannot_be_studies(tmp_path: Path):
    assert "no such file" in refused(tmp_path / "none.toml", tmp_path / "out")
    assert "cannot be read" in refused(tmp_path, tmp_path / "out")


# --- data -------------------------------------------------------------------------------------------------------------


def cut(folder: Path, name: str, size: int) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:size])


def edit(folder: Path, **fields: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def edit_sha(folder: Path, name: str) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit(folder, files=files | {name: files[name] | {"sha256": "0" * 64}})


def edit_pool(folder: Path, **fields: Any) -> None:
    pool = json.loads((folder / "manifest.json").read_text())["pool"]
    edit(folder, pool=pool | fields)


def edit_token(folder: Path, token: str, **fields: Any) -> None:
    pool = json.loads((folder / "manifest.json").read_text())["pool"]
    edit(folder, pool=pool | {token: pool[token] | fields})


def rewrite(folder: Path, change: Any) -> None:
    frame = pl.read_parquet(folder / "events.parquet")
    change(frame).write_parquet(folder / "events.parquet")


def edit_state(folder: Path, **fields: Any) -> None:
    path = folder / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def swap_rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame[[1, 0, *range(2, frame.height)]]


DAMAGES = {
    "no manifest": (lambda d: (d / "manifest.json").unlink(), "manifest.json"),
    "empty manifest": (lambda d: cut(d, "manifest.json", 0), "manifest.json"),
    "cut manifest": (lambda d: cut(d, "manifest.json", 100), "manifest.json"),
    "manifest of another version": (lambda d: edit(d, schema_version=99), "schema_version 99"),
    "manifest with other rows": (lambda d: edit(d, rows=-1), "rows: -1 said"),
    "manifest without files": (lambda d: edit(d, files={}), "no events.parquet listed"),
    "manifest with another sha256": (lambda d: edit_sha(d, "prices.parquet"), "prices.parquet: sha256 differs"),
    "manifest with another spacing": (lambda d: edit_pool(d, tick_spacing=60), "spacing"),
    "manifest with another fee": (lambda d: edit_pool(d, fee=3000), "block 13"),
    "manifest with absurd decimals": (lambda d: edit_token(d, "token0", decimals=-4), "decimals"),
    "manifest with huge decimals": (lambda d: edit_token(d, "token0", decimals=10**9), "decimals"),
    "no events": (lambda d: (d / "events.parquet").unlink(), "events.parquet"),
    "events cut": (lambda d: cut(d, "events.parquet", -100), "events.parquet"),
    "events emptied": (lambda d: cut(d, "events.parquet", 0), "events.parquet"),
    "no state": (lambda d: (d / "state.json").unlink(), "state.json"),
    "state cut": (lambda d: cut(d, "state.json", 50), "state.json"),
    "state of another price": (lambda d: edit_state(d, sqrt_price_x96=str(2**96)), "state.json: sha256"),
    "state with a word for a number": (lambda d: edit_state(d, liquidity="much"), "state.json: sha256"),
    "a row lost": (lambda d: rewrite(d, lambda f: f[:-1]), "rows"),
    "rows out of order": (lambda d: rewrite(d, swap_rows), "events.parquet: sha256"),
    "a value flipped": (
        lambda d: rewrite(d, lambda f: f.with_columns(pl.col("tick") + (pl.int_range(pl.len()) == 50).cast(pl.Int32))),
        "events.parquet: sha256",
    ),
    "fees cut": (lambda d: cut(d, "blocks.parquet", 30), "blocks.parquet"),
    "prices cut": (lambda d: cut(d, "prices.parquet", 30), "prices.parquet"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_dataset_is_one_line(markets: Path, tmp_path: Path, damage: str):
    shutil.copytree(markets / "small", tmp_path / "small")
    act, says = DAMAGES[damage]
    act(tmp_path / "small")
    line = refused(write_study(tmp_path), tmp_path / "out")
    assert str(tmp_path / "small") in line
    assert says in line


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small market as raw logs with the address of their pool."""
    return raw_logs(small_market().events, tmp_path_factory.mktemp("logs") / "logs.parquet", address="0x" + "05" * 20)


ABOUT = {
    "address": "0x" + "05" * 20, "token0": "USDC", "decimals0": 6, "token1": "WETH", "decimals1": 18,
    "fee": 500, "tick_spacing": 10,
}  # fmt: skip


def log_study(folder: Path, pool: dict[str, Any], **fields: Any) -> Path:
    venue = {"kind": "uniswap_v3", "dataset": "logs.parquet", "pool": pool} | fields
    fees = {"op-mainnet": dict.fromkeys(("base_fee_gwei", "l1_base_fee_gwei", "blob_base_fee_gwei"), "0.01")}
    return write_study(folder, changed("venues", {"pool": venue}) | {"fees": fees})


LOGS: dict[str, tuple[dict[str, Any], str]] = {
    "of another pool": ({"address": "0x" + "06" * 20}, "logs of another pool"),
    "ticks off spacing": ({"tick_spacing": 60}, "off spacing 60"),
    "another fee": ({"fee": 10_000}, ""),
    "fee of more than all": ({"fee": 1_000_000}, "fee"),
    "spacing zero": ({"tick_spacing": 0}, "tick_spacing"),
    "address cut": ({"address": "0x0505"}, "address"),
    "decimals absurd": ({"decimals1": 37}, "decimals1"),
    "chain id zero": ({"chain_id": 0}, "chain_id"),
    "the same token twice": ({"token1": "USDC"}, "token"),
}


@pytest.mark.parametrize("case", LOGS)
def test_logs_that_do_not_fit_their_description_are_one_line(logs: Path, tmp_path: Path, case: str):
    (tmp_path / "logs.parquet").symlink_to(logs)
    change, says = LOGS[case]
    line = refused(log_study(tmp_path, ABOUT | change), tmp_path / "out")
    assert says in line


def test_logs_without_a_description_say_where_to_give_it(logs: Path, tmp_path: Path):
    (tmp_path / "logs.parquet").symlink_to(logs)
    line = refused(write_study(tmp_path, changed("venues.pool.dataset", "logs.parquet")), tmp_path / "out")
    assert "[venues.pool.pool]" in line


def lose_column(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("topics")


RAW_DAMAGE = {
    "a column lost": (lose_column, "topics"),
    "no rows": (lambda f: f[:0], "no rows"),
    "one row": (lambda f: f[:1], "fewer than two"),
    "a gap in the path": (lambda f: f[[*range(30), *range(200, f.height)]], ""),
    "data cut short": (lambda f: f.with_columns(pl.col("data").str.head(40)), "cut short"),
    "not hexadecimal": (lambda f: f.with_columns(pl.col("data").str.replace("0x..", "0xzz")), "not hexadecimal"),
    "turned round": (lambda f: f.reverse(), "out of order"),
    "doubled": (lambda f: pl.concat([f[:5], f[:5]]).sort("block_number", "log_index"), "duplicates"),
}


@pytest.mark.parametrize("case", RAW_DAMAGE)
def test_damaged_logs_are_one_line_naming_the_log(logs: Path, tmp_path: Path, case: str):
    damage, says = RAW_DAMAGE[case]
    damage(pl.read_parquet(logs)).write_parquet(tmp_path / "logs.parquet")
    study = log_study(tmp_path, ABOUT)
    if (
        case == "a gap in the path"
    ):  # swaps are missing, which nothing but the jump of the price can show: it is labelled
        said = tidemill("backtest", study, "-o", tmp_path / "out", "--json")
        assert said.code == 0
        assert "contradict earlier events" in json.loads(said.out)["fidelity"]["error"]
        return
    line = refused(study, tmp_path / "out")
    assert says in line
    assert "logs.parquet" in line or "swaps" in line


@pytest.mark.parametrize("size", [0, 4, 1000, -8])
def test_truncated_logs_are_named(logs: Path, tmp_path: Path, size: int):
    (tmp_path / "logs.parquet").write_bytes(logs.read_bytes()[:size])
    assert "logs.parquet: not readable" in refused(log_study(tmp_path, ABOUT), tmp_path / "out")


@pytest.mark.parametrize("mode", ["impact", "anchored"])
def test_modes_that_execute_in_the_pool_are_refused_on_inferred_data(logs: Path, tmp_path: Path, mode: str):
    (tmp_path / "logs.parquet").symlink_to(logs)
    line = refused(log_study(tmp_path, ABOUT, mode=mode), tmp_path / "out")
    assert mode in line
    assert "diluted" in line


@pytest.mark.parametrize(
    ("pool", "capital"), [({}, "1000000000000"), ({"decimals0": 18}, "1000")], ids=["capital", "decimals"]
)
def test_money_out_of_proportion_to_the_pool_is_refused_and_not_ground_through(
    logs: Path, tmp_path: Path, pool: dict[str, Any], capital: str
):
    (tmp_path / "logs.parquet").symlink_to(logs)
    study = log_study(tmp_path, ABOUT | pool)
    study.write_text(study.read_text().replace('"USDC" = "1000"', f'"USDC" = "{capital}"'))
    line = refused(study, tmp_path / "out")
    assert "capital" in line
    assert "too large for this pool, or the decimals of a token are wrong" in line


@pytest.mark.parametrize("wanted", ["exact", "inferred", "bars"])
def test_the_fidelity_asked_for_is_what_runs_or_is_refused(logs: Path, tmp_path: Path, wanted: str):
    (tmp_path / "logs.parquet").symlink_to(logs)
    study = log_study(tmp_path, ABOUT, fidelity=wanted)
    if wanted == "exact":
        assert "venues.pool.fidelity: the data are inferred and do not support 'exact'" in refused(
            study, tmp_path / "out"
        )
        return
    said = tidemill("backtest", study, "-o", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["fidelity"]["data"] == wanted


def test_exact_data_are_used_as_inferred_where_a_study_asks(markets: Path, tmp_path: Path):
    study = write_study(markets, changed("venues.pool.fidelity", "inferred"), "inferred.toml")
    said = tidemill("backtest", study, "-o", tmp_path / "out", "--json")
    assert json.loads(said.out)["fidelity"]["data"] == "inferred"


def test_a_lowered_fidelity_keeps_its_replay_beside_the_others(markets: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(markets / "small", tmp_path / "small")
    for kept in (tmp_path / "small").glob("replay-*"):
        kept.unlink()
    inferred = write_study(tmp_path, changed("venues.pool.fidelity", "inferred"), "inferred.toml")
    runs = [
        (study, tidemill("backtest", study, "-o", tmp_path, "--json")) for study in (write_study(tmp_path), inferred)
    ]
    names = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "small").glob("replay-*"))
    assert names == ["replay-exact", "replay-inferred"]
    monkeypatch.setattr("tidemill.market.replay.replay", lambda _: pytest.fail("replayed again"))
    for study, first in runs:
        again = tidemill("backtest", study, "-o", tmp_path, "--json")
        assert (again.code, json.loads(again.out)) == (0, json.loads(first.out))
    assert json.loads(runs[0][1].out)["fidelity"] != json.loads(runs[1][1].out)["fidelity"]


@pytest.mark.parametrize(("value", "says"), [("", "set TIDEMILL_DATA"), ("/nowhere/at/all", "is not a folder")])
def test_where_data_were_looked_for_is_said(markets: Path, tmp_path: Path, monkeypatch, value: str, says: str):
    monkeypatch.setenv("TIDEMILL_DATA", value)
    monkeypatch.setattr("tidemill.studies.market_data.data_root", lambda: None)
    line = refused(write_study(tmp_path), tmp_path / "out")
    assert "no dataset at" in line
    assert says in line


def test_a_place_that_cannot_be_written_is_refused_before_the_work(markets: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    said = tidemill("backtest", write_study(markets, name="early.toml"), "-o", tmp_path / "file" / "deep")
    assert said.code == 2
    assert "is not a folder; choose another folder" in said.line  # one line: no work was begun


def test_logs_carry_no_fees_so_the_study_must(logs: Path, tmp_path: Path):
    (tmp_path / "logs.parquet").symlink_to(logs)
    venue = {"kind": "uniswap_v3", "dataset": "logs.parquet", "pool": ABOUT}
    line = refused(write_study(tmp_path, changed("venues", {"pool": venue})), tmp_path / "out")
    assert "fees.op-mainnet.base_fee_gwei" in line


# --- life of a study --------------------------------------------------------------------------------------------------


def test_no_gas_money_is_named(markets: Path, tmp_path: Path):
    line = refused(write_study(markets, changed("capital", {"USDC": "1000"}), "poor.toml"), tmp_path / "out")
    assert "ETH" in line


def test_venues_without_data_need_a_period_and_prices(tmp_path: Path):
    farm = {
        "title": "t", "network": "op-mainnet", "strategy": "deposit_and_harvest",
        "capital": {"USDC": "1000", "ETH": "1"}, "tokens": {"USDC": 6},
        "venues": {"vault": {"kind": "erc4626", "params": {"asset": "USDC", "share": "vUSDC"}}},
    }  # fmt: skip
    assert "must say start and end" in refused(write_study(tmp_path, farm), tmp_path / "out")
    text = "start = 2025-01-01T00:00:00Z\nend = 2025-02-01T00:00:00Z\n" + to_toml(farm)
    (tmp_path / "study.toml").write_text(text)
    assert "prices.ETH" in refused(tmp_path / "study.toml", tmp_path / "out")
    (tmp_path / "study.toml").write_text(text.replace('"share" = "vUSDC"', '"shear" = "vUSDC"'))
    assert "venues.vault.params.share: missing" in refused(tmp_path / "study.toml", tmp_path / "out")
    (tmp_path / "study.toml").write_text(text.replace('"USDC" = 6', '"USDT" = 6'))
    assert "decimals of USDC" in refused(tmp_path / "study.toml", tmp_path / "out")
    (tmp_path / "study.toml").write_text(text.replace('"share" =', '"tvl" = -1, "share" ='))
    assert "venues.vault.params.tvl" in refused(tmp_path / "study.toml", tmp_path / "out")


BODY = """from msgspec import Struct
from tidemill.interfaces import *
class Mine(Struct, frozen=True):
    def decide(self, view, memo, news):
"""
PLANS = """        if view.why == "end": return Decision()
        return Decision((Plan(steps=(Intent("{venue}", "swim", {{}}),)),))"""
STRATEGIES = {
    "does not parse": ("class Mine(:", "SyntaxError"),
    "fails to import": ("import no_such_package_at_all", "no_such_package_at_all"),
    "raises at import": ("1 / 0", "ZeroDivisionError"),
    "exits": ("raise SystemExit(7)", "SystemExit"),
    "has no such class": ("class Other:\n    def decide(self, view, memo, news): ...", "no class 'Mine'; valid: Other"),
    "is not a struct": ("class Mine:\n    def decide(self, view, memo, news): ...", "frozen=True"),
    "cannot decide": (
        "from msgspec import Struct\nclass Mine(Struct, frozen=True):\n    x: int = 1",
        "no method decide",
    ),
    "is not frozen": (
        "from msgspec import Struct\nclass Mine(Struct):\n    def decide(self, view, memo, news): ...",
        "frozen=True",
    ),
    "raises when it decides": (
        BODY + "        return 1 / 0",
        "line 5, in decide: ZeroDivisionError",
    ),
    "decides nothing sensible": (
        BODY + "        return 7",
        "Decision",
    ),
    "names a venue that is not there": (
        BODY + PLANS.format(venue="pond"),
        "pond",
    ),
    "asks for a verb that is not there": (
        BODY + PLANS.format(venue="pool"),
        "swim",
    ),
    "does not get what it needs": (
        BODY.replace("    def", "    depth: int\n    def") + "        ...",
        "depth",
    ),
}


@pytest.mark.parametrize("case", STRATEGIES)
def test_a_strategy_file_that_fails_is_one_line(markets: Path, tmp_path: Path, case: str):
    source, says = STRATEGIES[case]
    (tmp_path / "mine.py").write_text(source)
    (tmp_path / "small").symlink_to(markets / "small")
    data = changed("strategy", "mine.py:Mine")
    del data["parameters"]
    said = tidemill("backtest", write_study(tmp_path, data), "-o", tmp_path / "out")
    assert said.code == 2, said.err
    line = said.err.splitlines()[-1]
    assert line.startswith("tidemill: ")
    assert "Traceback" not in said.err
    assert says in line
    assert "defect" not in line


# --- market import and friends ----------------------------------------------------------------------------------------

GOOD = {
    "--address": "0x" + "05" * 20, "--token0": "USDC:6", "--token1": "WETH:18", "--fee": "500", "--tick-spacing": "10",
}  # fmt: skip

OPTIONS = [
    ("--address", "0x05", "address"),
    ("--address", "vitalik", "address"),
    ("--token0", "USDC", "SYMBOL:DECIMALS"),
    ("--token0", "USDC:99", "SYMBOL:DECIMALS"),
    ("--token0", ":6", "SYMBOL:DECIMALS"),
    ("--token1", "WETH:-1", "SYMBOL:DECIMALS"),
    ("--token1", "USDC:6", "token"),
    ("--fee", "0", "fee"),
    ("--fee", "1000000", "fee"),
    ("--fee", "many", "fee"),
    ("--fee", "3000", "fee: 3000 given, with it"),
    ("--fee", "499", "fee 500 with tick spacing 10 fits"),
    ("--tick-spacing", "0", "tick"),
    ("--tick-spacing", "60", "off spacing 60"),
    ("--tick-spacing", "-10", "tick"),
    ("--chain-id", "0", "chain"),
    ("--network", "", "network"),
]


@pytest.mark.parametrize(("option", "value", "says"), OPTIONS, ids=lambda item: str(item)[:24])
def test_a_wrong_option_of_import_is_one_line(logs: Path, tmp_path: Path, option: str, value: str, says: str):
    options = [part for pair in (GOOD | {option: value}).items() for part in pair]
    said = tidemill("market", "import", logs, "mine", *options, "--root", tmp_path / "markets")
    assert said.code == 2
    assert said.out == ""
    assert says in said.line
    assert not (tmp_path / "markets" / "mine").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "/abs"])
def test_a_name_that_leaves_the_folder_is_refused(logs: Path, tmp_path: Path, name: str):
    options = [part for pair in GOOD.items() for part in pair]
    said = tidemill("market", "import", logs, name, *options, "--root", tmp_path / "markets")
    assert (said.code, said.out) == (2, "")
    assert "plain folder name" in said.line
    assert not (tmp_path / "markets").exists()


def test_a_dataset_is_not_replaced_without_a_word(logs: Path, tmp_path: Path):
    options = [part for pair in GOOD.items() for part in pair]
    root = ["--root", tmp_path / "markets"]
    mine = tmp_path / "markets" / "mine"

    def held() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in mine.iterdir()}

    assert tidemill("market", "import", logs, "mine", *options, *root).code == 0
    first = held()
    again = tidemill("market", "import", logs, "mine", *options, *root)
    assert (again.code, again.line) == (0, f"already there: {mine} holds these 3,753 events")
    pl.read_parquet(logs)[:-5].write_parquet(tmp_path / "fewer.parquet")
    other = tidemill("market", "import", tmp_path / "fewer.parquet", "mine", *options, *root)
    assert (other.code, other.out) == (2, "")
    assert "name: " in other.line
    assert "3,753 events, and differs; add --replace" in other.line
    called = [part for pair in (GOOD | {"--token1": "ETH2:18"}).items() for part in pair]
    renamed = tidemill("market", "import", logs, "mine", *called, *root)
    assert (renamed.code, "--replace" in renamed.line) == (2, True)
    asked = tidemill("market", "import", "http://127.0.0.1:1", "mine", *options, "--from-block", "5", *root)
    assert (asked.code, "mine is there; add --replace" in asked.line) == (2, True)
    assert held() == first
    assert tidemill("market", "import", tmp_path / "fewer.parquet", "mine", *options, "--replace", *root).code == 0
    assert held() != first
    (mine / "events.parquet").write_bytes(b"")
    damaged = tidemill("market", "import", logs, "mine", *options, *root)
    assert (damaged.code, "damaged; add --replace" in damaged.line) == (2, True)
    assert tidemill("market", "import", logs, "mine", *options, "--replace", *root).code == 0


@pytest.mark.parametrize("replace", [[], ["--replace"]])
def test_a_folder_that_is_no_dataset_is_never_replaced(logs: Path, tmp_path: Path, replace: list[str]):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    options = [part for pair in GOOD.items() for part in pair]
    said = tidemill("market", "import", logs, "thesis", *options, "--root", tmp_path, *replace)
    assert (said.code, "no dataset; choose another name" in said.line) == (2, True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("source", "more", "says"),
    [
        ("nowhere.parquet", [], "no such file"),
        ("http://127.0.0.1:1", [], "--from-block"),
        ("http://127.0.0.1:1", ["--from-block", "5"], "127.0.0.1:1"),
        ("http://127.0.0.1:1", ["--from-block", "5", "--to-block", "4"], "4"),
        ("ftp://example.org/x", [], "no such file"),
        ("/", [], "a folder, not a file of logs"),
        ("http://[::bad", ["--from-block", "5"], "not an address"),
        ("https://", ["--from-block", "5"], "not an address"),
    ],
)
def test_a_source_that_is_none_is_one_line(tmp_path: Path, source: str, more: list[str], says: str):
    options = [part for pair in GOOD.items() for part in pair]
    said = tidemill("market", "import", source, "mine", *options, *more, "--root", tmp_path / "markets")
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert not (tmp_path / "markets" / "mine").exists()
    tries = [line for line in said.err.splitlines() if "trying again" in line]
    assert len(tries) == (4 if says == "127.0.0.1:1" else 0)


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_folder_that_is_no_dataset_is_one_line(tmp_path: Path, command: str):
    for folder in (tmp_path, tmp_path / "none"):
        said = tidemill("market", command, folder)
        assert (said.code, said.out) == (2, "")
        assert "manifest.json" in said.line or "no such folder" in said.line


def test_a_folder_of_datasets_that_is_none_is_one_line(tmp_path: Path):
    said = tidemill("market", "ls", "--root", tmp_path / "none")
    assert (said.code, said.out) == (2, "")
    assert "is not a folder" in said.line
