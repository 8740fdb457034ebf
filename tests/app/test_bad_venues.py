"""What a venue is told and cannot be, field by field, and what befalls a study there: one clear line, or words in the result.

The table of wrong parameters is made of the kinds themselves: each example's venue with one parameter wrong.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kit import tidemill, to_toml
from tidemill.errors import BadData, BadInput
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import Study, load_study, parse_study
from tidemill.venues.kinds import kind, kinds

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def of_examples() -> dict[str, tuple[Study, str]]:
    """The simplest study of every kind that an example places with parameters, cut to one day, and its venue's name."""
    found: dict[str, tuple[Study, str]] = {}
    studies = [load_study(path) for path in sorted(EXAMPLES.glob("*.toml"))]
    for study in sorted(studies, key=lambda study: len(study.venues)):
        for name, venue in study.venues.items():
            if venue.params and study.start and venue.dataset == "sample":
                day = msgspec.structs.replace(study, end=study.start + dt.timedelta(days=1))
                found.setdefault(venue.kind, (day, name))
    return found


STUDIES = of_examples()


def with_param(name: str, key: str, value: Any) -> Study:
    study, venue = STUDIES[name]
    spec = study.venues[venue]
    spec = msgspec.structs.replace(spec, params={**spec.params, key: value})
    return msgspec.structs.replace(study, venues={**study.venues, venue: spec})


def run(study: Study) -> ResultDocument:
    return Backtest(prepare(study)).main_run()[0]


def wrong() -> list[tuple[str, str, Any]]:
    """Every parameter with values that it cannot have."""
    out: list[tuple[str, str, Any]] = []
    for name in STUDIES:
        for key, (default, about) in kind(name).params.items():
            low, high = kind(name).limits.get(key, (0, 10**15))
            if isinstance(default, int):
                out += [(name, key, value) for value in (low - 1, high + 1, -1, 10**15 + 1, "much", "")]
            elif about.startswith("symbol of"):
                out += [
                    (name, key, value)
                    for value in (0, 17, "two words", "nosuchtoken@x", *([""] if default is None else []))
                ]
    return out


@pytest.mark.parametrize(("name", "key", "value"), wrong(), ids=str)
def test_a_parameter_that_cannot_be_is_one_line(name: str, key: str, value: Any):
    with pytest.raises(BadInput) as caught:
        prepare(with_param(name, key, value))
    line = str(caught.value)
    assert f"venues.{STUDIES[name][1]}.params.{key}" in line
    assert "\n" not in line


def extremes() -> list[tuple[str, str, int]]:
    return [
        (name, key, bound)
        for name in STUDIES
        for key, (default, _) in kind(name).params.items()
        if isinstance(default, int) and key in kind(name).limits
        for bound in kind(name).limits[key]
    ]


SLOW = {"reward_per_period", "reward_per_day", "bonus_per_day", "noise_per_day"}
"""So large a stream is claimed in every block: what the bound allows is asked for, and takes its time."""


@pytest.mark.parametrize(("name", "key", "bound"), extremes(), ids=str)
def test_at_its_bounds_a_study_runs_or_says_why_not(name: str, key: str, bound: int):
    if key in SLOW and bound:
        prepare(with_param(name, key, bound))
        return
    try:
        kept = Backtest.keep(Backtest(prepare(with_param(name, key, bound))).play().outcomes)  # books that fail raise
    except BadInput as error:
        told = str(error)
        assert ("venues." in told or "capital." in told) and "\n" not in told
    else:
        assert abs(kept) < 10**15


def test_every_kind_with_parameters_has_an_example_or_is_named_here():
    without = {name for name in kinds() if kind(name).params} - set(STUDIES)
    assert without == {"cl_gauge", "merkle_campaign"}  # they stand beside a recorded pool: minutes to lay out


# --- markets that take nothing, or have nothing -------------------------------------------------------------------------


def test_an_opening_that_cannot_be_is_refused_with_the_contracts_reason():
    with pytest.raises(BadInput, match=r"venues.aave.params: others cannot supply at the start: 51 \(supply cap\)"):
        run(with_param("aave_v3", "supply_cap", 10_000))
    with pytest.raises(BadInput, match=r"others cannot borrow at the start: 36 \(collateral too small\)"):
        run(with_param("aave_v3", "ltv_bps", 1))


def test_supply_over_the_cap_is_said():
    study, venue = STUDIES["aave_v3"]
    supplied = study.venues[venue].params["supplied"]
    document = run(with_param("aave_v3", "supply_cap", supplied))
    assert document.costs == []
    assert f"supply at {venue} was never sent, for it would have been refused: 51 (supply cap)" in document.warnings


def test_a_market_that_nobody_borrows_from_earns_nothing_and_runs():
    rows = {row.key: row.value for row in run(with_param("aave_v3", "usage_bps", 0)).waterfall}
    assert rows["interest"] == 0


@pytest.mark.parametrize("token", ["DAI@op-mainnet", "USDC@base"])
def test_a_reserve_that_no_venue_has_is_unknown(token: str):
    study, _ = STUDIES["aave_v3"]
    with pytest.raises(BadInput, match="parameters.asset: unknown token"):
        run(msgspec.structs.replace(study, parameters={"asset": token}))


def test_a_share_is_not_its_asset():
    with pytest.raises(BadInput, match="venues.vault.params.share: USDC is the asset already"):
        prepare(with_param("erc4626", "share", "USDC"))


@pytest.mark.parametrize(("example", "token"), [("vault_farm", "OPX"), ("chef_farm", "BONUS"), ("lending", "ETH")])
def test_a_token_without_a_price_is_named(example: str, token: str):
    study = load_study(EXAMPLES / f"{example}.toml")
    prices = {symbol: price for symbol, price in study.prices.items() if symbol != token}
    with pytest.raises(BadInput, match=f"prices.{token}: no pool of the study prices {token}; give its price in USDC"):
        run(msgspec.structs.replace(study, prices=prices))


# --- over a table of rates ----------------------------------------------------------------------------------------------

BY_TABLE = """
title = "by a table"
network = "op-mainnet"
strategy = "{strategy}"
exit = "close"
[capital]
USDC = "1000"
WETH = "1"
ETH = "0.01"
[tokens]
USDC = 6
WETH = 18
[prices]
ETH = "3000"
[venues.aave]
kind = "aave_v3"
dataset = "{table}"
[venues.aave.params]
asset = "USDC"
collateral = "WETH"
[fees.op-mainnet]
base_fee_gwei = "0.002"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "1"
"""
LOAN = """
from msgspec import Struct
from tidemill.interfaces import *
class Loan(Struct, frozen=True):
    def decide(self, view, memo, news):
        if view.why != "start":
            return Decision()
        put = Intent("aave", "supply", {"asset": "WETH@op-mainnet", "amount": 10**18})
        return Decision((Plan((put, Intent("aave", "borrow", {"asset": "USDC@op-mainnet", "amount": 2_200 * 10**6}))),))
"""


def by_table(tmp_path: Path, rows: list[str], head: str, strategy: str = "lend") -> Study:
    days = [f"2025-01-{1 + at:02d}T00:00:00Z,{row}" for at, row in enumerate(rows)]
    (tmp_path / "rates.csv").write_text("\n".join([f"time,{head}", *days]) + "\n")
    study = parse_study(BY_TABLE.format(strategy=strategy, table=tmp_path / "rates.csv"))
    return msgspec.structs.replace(study, path=str(tmp_path / "study.toml"))


def test_a_reserve_frozen_later_pays_out_and_takes_nothing_more(tmp_path: Path):
    rows = ["0.05,false"] * 5 + ["0.05,true"] * 5
    document = run(by_table(tmp_path, rows, "supply_apy,frozen"))
    assert {(cost.verb, cost.count) for cost in document.costs} == {("supply", 1), ("withdraw", 1)}


def test_a_reserve_paused_at_the_end_keeps_the_money_and_the_result_says_so(tmp_path: Path):
    rows = ["0.05,false"] * 5 + ["0.05,true"] * 5
    document = run(by_table(tmp_path, rows, "supply_apy,paused"))
    assert {(cost.verb, cost.count) for cost in document.costs} == {("supply", 1)}
    (line,) = (line for line in document.warnings if line.startswith("withdraw"))
    assert "was not sent: would revert: 29 (paused)" in line
    assert any(line.startswith("still at aave at the end: 1001.20 USDC") for line in document.warnings)


def test_a_debt_under_water_ends_the_study_with_a_line(tmp_path: Path):
    (tmp_path / "loan.py").write_text(LOAN)
    study = by_table(tmp_path, ["0.01,9"] * 20, "supply_apy,borrow_apy", "loan.py:Loan")
    with pytest.raises(BadData, match=r"rates.csv: at \d+ the debt is under water \(health factor 0.9"):
        run(study)


# --- ended --------------------------------------------------------------------------------------------------------------

ENDED = """
about = "a market that was"
[facts."op-mainnet.pool"]
value = "0x0000000000000000000000000000000000000001"
as_of = 2024-06-30
source = "the protocol's own notice"
confidence = "web"
status = "{status}"
"""


@pytest.mark.parametrize("status", ["ended", "withdraw-only"])
def test_a_venue_that_has_ended_takes_no_new_money(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str):
    study, _ = STUDIES["aave_v3"]
    gone = msgspec.structs.replace(kind("aave_v3"), gas=str(tmp_path / "gas.toml"))
    (tmp_path / "gas.toml").write_text(Path(kind("aave_v3").gas).read_text())
    (tmp_path / "deployments.toml").write_text(ENDED.format(status=status))
    monkeypatch.setattr("tidemill.studies.prepare.kind", lambda name: gone if name == "aave_v3" else kind(name))
    with pytest.raises(BadInput, match=rf"venues.aave.kind: aave_v3 on op-mainnet is {status} \(as of 2024-06-30"):
        prepare(study)
    before = msgspec.structs.replace(
        study, start=dt.datetime(2024, 6, 1, tzinfo=dt.UTC), end=dt.datetime(2024, 6, 2, tzinfo=dt.UTC)
    )
    assert prepare(before).placed


def test_the_command_says_it_in_one_line(tmp_path: Path):
    table = tmp_path / "rates.csv"
    table.write_text("time,supply_apy\n2025-01-01,0.05\n2025-01-02,0.05\n")
    data = {
        "title": "t", "network": "op-mainnet", "strategy": "lend", "capital": {"USDC": "1", "ETH": "1"},
        "tokens": {"USDC": 6}, "prices": {"ETH": "3000"},
        "venues": {"aave": {"kind": "aave_v3", "dataset": "rates.csv", "params": {"asset": "USDC", "ltv_bps": 10_001}}},
    }  # fmt: skip
    (tmp_path / "study.toml").write_text(to_toml(data))
    said = tidemill("backtest", tmp_path / "study.toml", "-o", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert "study.toml: venues.aave.params.ltv_bps: 10001 is not between 1 and 10,000" in said.err.splitlines()[-1]
