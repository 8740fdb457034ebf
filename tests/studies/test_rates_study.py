"""Studies over a table of rates: each family from file to statement, and what such a table cannot carry is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import tidemill
from kit import tidemill as command
from kit import to_toml
from tidemill.errors import BadData, BadInput
from tidemill.interfaces import Recorded
from tidemill.market import data_file, missing_reason
from tidemill.market.rates import read_rates
from tidemill.market.rates_survey import survey
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import load_study

DAY = 86_400
START = 1_735_689_600  # 2025-01-01
DAILY = "lending/aave_v3_daily_13networks.parquet"
FEES = {"op-mainnet": {"base_fee_gwei": "0.002", "l1_base_fee_gwei": "5", "blob_base_fee_gwei": "1"}}

KINDS: dict[str, dict[str, Any]] = {
    "aave_v3": {"asset": "USDC"},
    "morpho_blue": {"loan": "USDC"},
    "erc4626": {"asset": "USDC", "share": "vUSDC"},
    "staking_rewards": {"staking": "USDC", "reward": "OPX"},
    "minichef": {"staking": "USDC", "reward": "OPX"},
    "uniswap_v2": {"token0": "WETH", "token1": "USDC", "lp": "LP"},
}
STRATEGY = {
    "aave_v3": "lend",
    "morpho_blue": "lend",
    "erc4626": "deposit_and_harvest",
    "staking_rewards": "deposit_and_harvest",
    "minichef": "deposit_and_harvest",
    "uniswap_v2": "hold_lp",
}
TABLE = {
    "aave_v3": ("supply_apy,borrow_apy", "0.05,0.07"),
    "morpho_blue": ("supply_apy,borrow_apy", "0.05,0.07"),
    "erc4626": ("apy_percent", "5"),
    "staking_rewards": ("reward_per_day,total_staked", "100,90000"),
    "minichef": ("reward_per_day,total_staked", "100,90000"),
    "uniswap_v2": ("price,volume,liquidity", "3000,1000000,10000000"),
}


def table(folder: Path, head: str, rows: list[str], notes: str = "") -> Path:
    """Write a table with a row a day."""
    path = folder / "rates.csv"
    lines = [f"{START + at * DAY},{row}" for at, row in enumerate(rows)]
    path.write_text("\n".join([*([notes] if notes else []), f"time,{head}", *lines]) + "\n")
    return path


def study(folder: Path, kind: str, **changes: Any) -> Path:
    """Write a study of 10,000 USDC at one venue that follows ``rates.csv`` beside it."""
    venue = {"kind": kind, "dataset": "rates.csv", "params": KINDS[kind]} | changes.pop("venue", {})
    data = {
        "title": f"{kind} by bars",
        "network": "op-mainnet",
        "strategy": STRATEGY[kind],
        "capital": {"USDC": "10000", "ETH": "0.01"},
        "tokens": {"USDC": 6, "WETH": 18, "OPX": 18},
        "prices": {"OPX": "1.5"} | ({} if kind == "uniswap_v2" else {"WETH": "3000"}),
        "venues": {"place": venue},
        "fees": FEES,
    } | changes
    path = folder / "study.toml"
    path.write_text(to_toml(data))
    return path


def run(path: Path) -> ResultDocument:
    return Backtest(prepare(load_study(path))).main_run()[0]


def value(document: ResultDocument, key: str) -> int:
    return sum(row.value for row in document.waterfall if row.key == key)


# --- each family ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "row", "income"),
    [
        # a year at 5 % on 10,000 USDC, the last block's two seconds apart
        ("aave_v3", "interest", 500_000_000),
        ("morpho_blue", "interest", 500_000_000),
        ("erc4626", "growth", 500_000_000),
        # a tenth of 100 OPX a day for a year, at 1.5
        ("staking_rewards", "rewards", 365 * 10 * 1_500_000),
        ("minichef", "rewards", 365 * 10 * 1_500_000),
        # 0.3 % of a million on ten, a day: 0.03 % a day compounded on about 10,000 (each day's on the days before)
        ("uniswap_v2", "fees", None),
    ],
)
def test_a_year_of_each_family(tmp_path: Path, kind: str, row: str, income: int | None):
    head, cells = TABLE[kind]
    table(tmp_path, head, [cells] * 366, "# synthetic: true")
    document = run(study(tmp_path, kind))
    assert abs(document.unexplained) <= document.unexplained_bound
    found = value(document, row)
    if income is None:
        growth = 1.0003**365 - 1
        # half of it is swapped on the way in: 0.3 % to the pool and a thousandth of impact
        assert 0.9965 * growth * 10_000 * 10**6 < found < 0.9985 * growth * 10_000 * 10**6
        assert abs(value(document, "divergence")) < 1_000
    else:
        assert found == pytest.approx(income, rel=1e-6)
    fidelity = document.fidelity
    assert (fidelity.data, fidelity.proof) == ("bars", "bytecode-equal")
    assert fidelity.mode == ("diluted" if kind in ("staking_rewards", "minichef") else "small")
    assert "median: hourly rows" in fidelity.error
    assert document.study.synthetic
    assert document.study.end - document.study.start == 365 * DAY
    assert sum(cost.failed for cost in document.costs) == 0


def test_the_same_money_as_the_index_says_to_the_unit(tmp_path: Path):
    """Rays given as they are: what comes back is what the reserve's own rounding makes of them."""
    first, last = 1_023_969_313_696_843_928_663_736_399, 1_037_601_547_227_823_743_676_216_603
    table(tmp_path, "liquidity_index", [f"1.{str(index)[1:]}" for index in (first, last)])
    end = {"strategy": "own.py:Own", "exit": "mark"}
    (tmp_path / "own.py").write_text(
        "from msgspec import Struct\nfrom tidemill.interfaces import *\n"
        "class Own(Struct, frozen=True):\n"
        "    def decide(self, view, memo, news):\n"
        "        if view.why == 'start':\n"
        "            step = Intent('place', 'supply', {'asset': 'USDC@op-mainnet', 'amount': 10**10})\n"
        "            return Decision((Plan((step,)),))\n"
        "        return Decision()\n"
    )
    path = study(tmp_path, "aave_v3", **end)
    outcomes = Backtest(prepare(load_study(path))).main_run()[1]
    (supply,) = (step for step in outcomes.record if isinstance(step, Recorded))
    seconds = supply.at.time - START
    then = (first * (DAY - seconds) + last * seconds) // DAY
    scaled = (10**10 * 10**27 + then // 2) // then
    (held,) = outcomes.marks[-1].positions
    assert held.data["size"] == scaled
    assert held.principal["USDC@op-mainnet"] == (scaled * last + 5 * 10**26) // 10**27


@pytest.mark.parametrize("kind", ["aave_v3", "morpho_blue"])
@pytest.mark.parametrize(
    ("column", "growth"), [("borrow_rate", 0.1 / 365), ("borrow_apy_percent", 1.1 ** (1 / 365) - 1)]
)
def test_what_is_lent_grows_by_what_is_paid_on_the_part_that_is_borrowed(
    tmp_path: Path, kind: str, column: str, growth: float
):
    """At 90 % of usage and a protocol's part of a tenth, 81 % of the interest on debt."""
    rate = "10" if column.endswith("percent") else "0.1"
    table(tmp_path, f"{column},utilization,reserve_factor", [f"{rate},0.9,0.1"] * 200 + [f"{rate},0,1"] * 100)
    document = run(study(tmp_path, kind))
    assert value(document, "interest") == pytest.approx(((1 + growth * 0.81) ** 200 - 1) * 10_000 * 10**6, rel=1e-6)


BORROW = {
    "aave_v3": ("supply", "asset", "{'asset': WETH, 'amount': 10**18}", "{'asset': USDC, 'amount': 10**9}"),
    "morpho_blue": ("supply_collateral", "loan", "{'assets': 10**18}", "{'assets': 10**9}"),
}
"""How a WETH is put up and a thousand USDC borrowed on it, and what the asset lent is called."""


def borrowing(tmp_path: Path, kind: str, **changes: Any) -> Path:
    """Write a study that borrows at the start, and keeps the debt."""
    verb, asset, collateral, debt = BORROW[kind]
    (tmp_path / "loop.py").write_text(
        "from msgspec import Struct\nfrom tidemill.interfaces import *\n"
        "USDC, WETH = 'USDC@op-mainnet', 'WETH@op-mainnet'\n"
        "class Loop(Struct, frozen=True):\n"
        "    def decide(self, view, memo, news):\n"
        "        if view.why == 'start':\n"
        f"            steps = [Intent('place', '{verb}', {collateral}),\n"
        f"                     Intent('place', 'borrow', {debt})]\n"
        "            return Decision((Plan(tuple(steps)),))\n"
        "        return Decision()\n"
    )
    venue = {"params": {asset: "USDC", "collateral": "WETH"}}
    own = {"strategy": "loop.py:Loop", "exit": "mark", "capital": {"WETH": "1", "ETH": "0.01"}, "venue": venue}
    return study(tmp_path, kind, **(own | changes))


@pytest.mark.parametrize("kind", BORROW)
def test_a_debt_follows_its_own_index(tmp_path: Path, kind: str):
    table(tmp_path, "supply_apy,borrow_apy", ["0.05,0.10"] * 101)
    document = run(borrowing(tmp_path, kind))
    assert value(document, "borrowing") == pytest.approx(-1_000 * 10**6 * (1.1 ** (100 / 365) - 1), rel=1e-5)
    assert value(document, "interest") == 0
    assert any("the collateral earns nothing" in note for note in document.fidelity.notes)


@pytest.mark.parametrize("kind", BORROW)
def test_a_debt_that_its_own_interest_sinks_stops_the_run(tmp_path: Path, kind: str):
    table(tmp_path, "supply_index,borrow_index", ["1,1", "1,1", "1,2.3", "1,3"])
    with pytest.raises(BadData, match=r"rates.csv: at \d+ the debt is under water"):
        run(borrowing(tmp_path, kind))


@pytest.mark.parametrize("kind", BORROW)
def test_without_a_rate_of_debt_nobody_borrows(tmp_path: Path, kind: str):
    table(tmp_path, "supply_apy", ["0.05"] * 10)
    document = run(borrowing(tmp_path, kind))
    assert value(document, "borrowing") == 0
    assert any("borrowing is refused: the table has no rate of debt" in note for note in document.fidelity.notes)
    assert any("borrow at place" in warning for warning in document.warnings)


def test_a_chef_streams_a_bonus_beside_its_reward(tmp_path: Path):
    """A tenth of 20 BON a day at 2, beside a tenth of 100 OPX a day at 1.5; in another column form, by its second."""
    more = {"tokens": {"USDC": 6, "OPX": 18, "BON": 8}, "prices": {"OPX": "1.5", "BON": "2", "ETH": "3000"}}
    venue = {"params": KINDS["minichef"] | {"bonus": "BON"}}
    for column, cell, days in (("bonus_per_day", "20", 100), ("bonus_rate", "0.00023148148148148148", 20)):
        table(tmp_path, f"reward_per_day,total_staked,{column}", [f"100,90000,{cell}"] * (days + 1))
        document = run(study(tmp_path, "minichef", venue=venue, **more))
        assert value(document, "rewards") == pytest.approx(days * (10 * 1_500_000 + 2 * 2_000_000), rel=1e-4)
        assert abs(document.unexplained) <= document.unexplained_bound


def test_a_bonus_changes_from_one_row_on(tmp_path: Path):
    more = {"tokens": {"USDC": 6, "OPX": 18, "BON": 8}, "prices": {"OPX": "1.5", "BON": "2", "ETH": "3000"}}
    venue = {"params": KINDS["minichef"] | {"bonus": "BON"}}
    table(
        tmp_path,
        "reward_per_day,total_staked,bonus_per_day",
        [f"0,90000,{cell}" for cell in [20] * 5 + [0] * 3 + [50] * 2],
    )
    document = run(study(tmp_path, "minichef", venue=venue, **more))
    assert value(document, "rewards") == pytest.approx((5 * 2 + 1 * 5) * 2_000_000, rel=1e-4)


def test_a_bonus_that_no_token_is_named_for_is_noted(tmp_path: Path):
    table(tmp_path, "reward_per_day,total_staked,bonus_per_day", ["100,90000,20"] * 10)
    document = run(study(tmp_path, "minichef"))
    assert (
        "place: the table has a bonus that is not followed; name its token with params.bonus" in document.fidelity.notes
    )
    assert value(document, "rewards") == pytest.approx(9 * 10 * 1_500_000, rel=1e-4)


def test_a_vault_share_may_fall(tmp_path: Path):
    table(tmp_path, "share_price", ["1.2"] * 5 + ["1.14"] * 5)
    document = run(study(tmp_path, "erc4626"))
    assert value(document, "growth") == pytest.approx(-500_000_000, rel=1e-6)
    assert document.headline.keep < -499_000_000


def test_tables_compose_a_vault_and_a_farm(tmp_path: Path):
    head, cells = TABLE["staking_rewards"]
    table(tmp_path, head, [cells] * 31).rename(tmp_path / "farm.csv")
    head, cells = TABLE["erc4626"]
    table(tmp_path, head, [cells] * 31)
    farm = {"kind": "staking_rewards", "dataset": "farm.csv", "params": {"staking": "vUSDC", "reward": "OPX"}}
    vault = {"kind": "erc4626", "dataset": "rates.csv", "params": KINDS["erc4626"]}
    document = run(study(tmp_path, "erc4626", venues={"vault": vault, "farm": farm}))
    assert value(document, "rewards") == pytest.approx(30 * 10 * 1_500_000, rel=1e-3)
    assert value(document, "growth") == pytest.approx(10_000 * 10**6 * (1.05 ** (30 / 365) - 1), rel=1e-3)
    assert "vault over a table" in document.fidelity.error
    assert "farm over a table" in document.fidelity.error


def test_a_table_beside_a_script_is_labelled(tmp_path: Path):
    head, cells = TABLE["erc4626"]
    table(tmp_path, head, [cells] * 31)
    farm = {"kind": "staking_rewards", "params": {"staking": "vUSDC", "reward": "OPX"}}
    vault = {"kind": "erc4626", "dataset": "rates.csv", "params": KINDS["erc4626"]}
    document = run(study(tmp_path, "erc4626", venues={"vault": vault, "farm": farm}))
    assert "farm: no recorded market; scripted by seed 0" in document.fidelity.notes


# --- real rows --------------------------------------------------------------------------------------------------------


def real(tmp_path: Path, network: str, asset: str, **changes: Any) -> Path:
    if reason := missing_reason(DAILY):
        pytest.skip(reason)
    venue = {"dataset": str(data_file(DAILY)), "rates": {"network": network, "asset": asset}}
    return study(tmp_path, "aave_v3", venue=venue, **changes)


def test_what_was_lent_on_base_for_a_year(tmp_path: Path):
    document = run(real(tmp_path, "base", "USDC"))
    (row,) = survey(read_rates(data_file(DAILY)), network="base", asset="USDC").reserves
    assert row.growth_ppm
    assert (document.study.start, document.study.end) == (row.first, row.last)
    assert value(document, "interest") == pytest.approx(row.growth_ppm * 10_000, abs=10_000 * 2)
    assert not document.study.synthetic
    assert "place: 1 rows lie behind an earlier one and are left out" in document.fidelity.notes


def test_a_frozen_reserve_takes_no_new_money_and_says_so(tmp_path: Path):
    document = run(real(tmp_path, "polygon", "CRV"))
    assert document.costs == []
    assert "supply at place was never sent, for it would have been refused: 28 (frozen)" in document.warnings


@pytest.mark.parametrize(
    ("network", "asset", "says"),
    [
        ("zksync", "USDC", "rows are flagged suspect"),
        ("bnb", "USDC", "supply_index falls from 1088968"),
        ("polygon", "LINKK", "venues.place.rates.asset: .* did you mean 'LINK'"),
        ("polygone", "LINK", "venues.place.rates.network: .* did you mean 'polygon'"),
        ("", "LINK", "venues.place.rates.network: .* rows of several; say which"),
        ("polygon", "", "venues.place.rates.asset: .* rows of several; say which"),
        ("ethereum", "STG", "one moment only"),
    ],
)
def test_rows_that_cannot_be_relied_on_are_refused(tmp_path: Path, network: str, asset: str, says: str):
    with pytest.raises((BadData, BadInput), match=says):
        prepare(load_study(real(tmp_path, network, asset)))


# --- what a table cannot carry ----------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no table": ("aave_v3", {"venue": {"dataset": "none.csv"}}, "venues.place.dataset: no dataset at"),
    "bars without a table": ("aave_v3", {"venue": {"dataset": "sample", "fidelity": "bars"}}, "needs a table of rates"),
    "rows without a table": ("erc4626", {"venue": {"dataset": "sample", "rates": {"asset": "x"}}}, "needs a table"),
    "exact of a table": ("aave_v3", {"venue": {"fidelity": "exact"}}, "venues.place.fidelity: a table of rates does"),
    "inferred of a table": ("aave_v3", {"venue": {"fidelity": "inferred"}}, "does not support 'inferred'"),
    "impact in a table": ("uniswap_v2", {"venue": {"mode": "impact"}}, "venues.place.mode: 'impact' needs"),
    "small at a farm": ("staking_rewards", {"venue": {"mode": "small"}}, "over a table of rates .* is 'diluted'"),
    "a kind without bars": ("erc4626", {"venue": {"kind": "vote_escrow"}}, "vote_escrow follows no table of rates"),
    "rows of a pool": ("erc4626", {"venue": {"kind": "uniswap_v3", "rates": {"asset": "x"}}}, "replays events"),
    "another parameter": ("aave_v3", {"venue": {"params": {"asset": "USDC", "usage_bps": 3}}}, "unknown parameter"),
    "no asset": ("aave_v3", {"venue": {"params": {}}}, "params.asset: missing"),
    "unknown decimals": ("aave_v3", {"venue": {"params": {"asset": "DAI"}}}, "decimals of DAI are not known"),
    "collateral twice": ("aave_v3", {"venue": {"params": {"asset": "USDC", "collateral": "USDC"}}}, "same token"),
    "collateral that is lent": (
        "morpho_blue",
        {"venue": {"params": {"loan": "USDC", "collateral": "USDC"}}},
        "same token",
    ),
    "a price of nothing": (
        "morpho_blue",
        {"venue": {"params": {"loan": "USDC", "collateral": "WETH", "price": "0"}}},
        "params.price: 0: one collateral is worth more",
    ),
    "a bonus that is not told": (
        "minichef",
        {"venue": {"params": KINDS["minichef"] | {"bonus": "WETH"}}},
        "rates.csv: no bonus_rate or bonus_per_day, and WETH",
    ),
    "nobody in the vault": ("erc4626", {"venue": {"params": KINDS["erc4626"] | {"tvl": 0}}}, "params.tvl"),
    "tokens alike": ("uniswap_v2", {"venue": {"params": KINDS["uniswap_v2"] | {"lp": "USDC"}}}, "must differ"),
    "a table of another family": ("uniswap_v2", {"venue": {"dataset": "apy.csv"}}, "a amm venue follows reserve0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_table_cannot_carry_is_one_line(tmp_path: Path, case: str):
    kind, changes, says = WRONG[case]
    table(tmp_path, "apy", ["0.05"] * 10).rename(tmp_path / "apy.csv")
    head, cells = TABLE[kind]
    table(tmp_path, head, [cells] * 10)
    with pytest.raises((BadInput, BadData), match=says) as caught:
        prepare(load_study(study(tmp_path, kind, **changes)))
    assert "\n" not in str(caught.value)


CELLS: dict[str, tuple[str, str, list[str], str]] = {
    "a falling index": ("aave_v3", "supply_index", ["1.1", "1.2", "1.15"], "at 1735862400: supply_index falls"),
    "an index of 0": ("aave_v3", "supply_index", ["0", "1"], "supply_index is 0"),
    "all of it twice over": (
        "morpho_blue",
        "borrow_rate,utilisation,reserve_factor",
        ["0.1,90,0.1"] * 2,
        "at 1735689600: utilisation and reserve_factor are parts of one",
    ),
    "a protocol's part not told": (
        "morpho_blue",
        "borrow_rate,utilisation",
        ["0.1,0.9"] * 2,
        r"borrow_rate\+utilisation",
    ),
    "a percentage": ("aave_v3", "supply_apy", ["4.5", "4.6", "12"], "above 1,000 % a year; write 0.05 for 5 %"),
    "an empty rate": ("aave_v3", "supply_apy", ["0.05", "", "0.05"], "supply_apy at 1735776000: empty"),
    "a negative rate": ("erc4626", "apy", ["0.05", "-0.05"], "below 0"),
    "not a number": ("erc4626", "apy", ["0.05", "NaN"], "not a decimal amount"),
    "a share of nothing": ("erc4626", "share_price", ["1", "0"], "share_price is 0"),
    "an empty pool": ("uniswap_v2", "reserve0,reserve1,total_supply", ["1,1,1", "0,1,1"], "reserve0 is 0"),
    "no shares": ("uniswap_v2", "reserve0,reserve1,total_supply", ["1,1,0", "1,1,0"], "total_supply is 0"),
    "no depth": ("uniswap_v2", "price,volume,liquidity", ["1,1,1", "1,1,0"], "liquidity is 0"),
    "reserves that vanish": (
        "uniswap_v2",
        "reserve0,reserve1,total_supply",
        ["2,2,1", "1,1,1"],
        "part of the reserves",
    ),
    "one row": ("erc4626", "apy", ["0.05"], "one moment only"),
    "no stake told": ("staking_rewards", "reward_per_day", ["1", "1"], r"reward_rate\+total_staked or"),
}


@pytest.mark.parametrize("case", CELLS)
def test_a_cell_that_cannot_be_is_one_line(tmp_path: Path, case: str):
    kind, head, rows, says = CELLS[case]
    table(tmp_path, head, rows)
    with pytest.raises(BadData, match=says) as caught:
        prepare(load_study(study(tmp_path, kind)))
    assert "rates.csv" in str(caught.value)


def test_the_period_is_the_tables(tmp_path: Path):
    table(tmp_path, "apy", ["0.05"] * 10)
    path = study(tmp_path, "erc4626")
    for key, moment in (("start", "2024-12-31T00:00:00Z"), ("end", "2025-02-01T00:00:00Z")):
        path.write_text(f"{key} = {moment}\n" + study(tmp_path, "erc4626").read_text())
        with pytest.raises(BadInput, match=f"{key}: .* outside the data, which run from 2025-01-01"):
            prepare(load_study(path))


def test_rows_that_say_different_things_of_one_moment(tmp_path: Path):
    path = table(tmp_path, "apy", ["0.05"] * 3)
    path.write_text(path.read_text() + f"{START + DAY},0.06\n")
    with pytest.raises(BadData, match="two rows of 1735776000 say different things"):
        prepare(load_study(study(tmp_path, "erc4626")))


def test_a_silence_is_noted(tmp_path: Path):
    path = table(tmp_path, "apy", ["0.05"] * 20)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:8] + lines[12:]))
    document = run(study(tmp_path, "erc4626"))
    assert "place: longest silence 432,000 s where 86,400 s are usual: figures hold or go straight across it" in (
        document.fidelity.notes
    )


def test_nothing_stands_behind_a_table_to_rehearse(tmp_path: Path):
    table(tmp_path, "apy", ["0.05"] * 10)
    said = command("rehearse", study(tmp_path, "erc4626"), "-o", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert "venues.place.dataset: rates: no contract stands behind a table of rates" in said.err.splitlines()[-1]


def test_a_table_made_of_a_venue_is_followed(tmp_path: Path):
    example = Path(__file__).resolve().parents[2] / "examples" / "lending.toml"
    said = command("market", "sample", example, "aave", "--every", str(7 * DAY))
    assert said.code == 0
    (tmp_path / "rates.csv").write_text(said.out)
    assert said.out.startswith("# source: tidemill, aave_v3 scripted by seed 0")
    document = run(study(tmp_path, "aave_v3"))
    assert document.study.synthetic
    assert value(document, "interest") > 0
    for arguments, says in (
        (["pond"], "venue"),
        (["aave", "--every", "0"], "seconds"),
    ):
        wrong = command("market", "sample", example, *arguments)
        assert (wrong.code, wrong.out) == (2, "")
        assert says in wrong.line


def test_the_result_is_the_same_twice(tmp_path: Path):
    table(tmp_path, "apy", ["0.05"] * 30)
    path = study(tmp_path, "erc4626", prices={"WETH": "3000", "OPX": "1"})
    first, second = (tidemill.load(path).run().document for _ in range(2))
    assert json.loads(msgspec.json.encode(first)) == json.loads(msgspec.json.encode(second))
