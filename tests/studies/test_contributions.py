"""Capital that arrives during a study: counted as what was brought, told to the strategy, and what all of it became."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import tidemill
from kit import changed, write_study
from studies.test_portfolio import AAVE, VAULT
from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Recorded
from tidemill.ledger.judge import YEAR, money_weighted_bps_down
from tidemill.ledger.measures import Measures
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.portfolio import stream_rows
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

USDC, WETH = "USDC@op-mainnet", "WETH@op-mainnet"
STUDY: dict[str, Any] = {
    "title": "A savings plan",
    "network": "op-mainnet",
    "strategy": "savings_plan",
    "home": "USDC",
    "capital": {"USDC": "100", "ETH": "0.1"},
    "contributions": [{"token": "USDC", "amount": "1000", "every_days": 10, "first_day": 10}],
    "parameters": {"asset": "USDC", "place": {"venue": "savings", "asset": "USDC", "share": "sUSDC"}},
    "venues": {"savings": VAULT},
    "prices": {"ETH": "3000"},
    "tokens": {"USDC": 6},
    "fees": {
        "op-mainnet": {
            "base_fee_gwei": "0.002",
            "priority_fee_gwei": "0.001",
            "l1_base_fee_gwei": "5",
            "blob_base_fee_gwei": "1",
        }
    },
}
WETH_LENT = AAVE | {"params": AAVE["params"] | {"asset": "WETH", "collateral": "USDC", "supplied": 2_000}}
DATES = "start = 2025-01-01T00:00:00Z\nend = 2025-04-11T00:00:00Z\n"
"""A hundred days: contributions on the tenth, twentieth … ninetieth."""


def written(folder: Path, study: dict[str, Any], dates: str = DATES) -> Path:
    path = write_study(folder, study, "contributions.toml")
    path.write_text(dates + path.read_text())
    return path


def test_what_arrives_is_capital_and_what_it_earns_is_income(folder: Path):
    path = written(folder, STUDY)
    outcomes = Backtest(prepare(load_study(path))).play().outcomes
    came = [line for line in outcomes.record if isinstance(line, Befell)]
    start = outcomes.marks[0].time
    assert [line.happened.at.time - start for line in came] == [86_400 * day for day in range(10, 100, 10)]
    assert all(line.happened.amounts == {USDC: 10**9} for line in came)
    deposits = [line for line in outcomes.record if isinstance(line, Recorded) and line.verb == "deposit"]
    assert len(deposits) == 10  # the opening and every arrival, two seconds later
    assert [d.at.time - c.happened.at.time for d, c in zip(deposits[1:], came, strict=True)] == [2] * 9
    fall = waterfall(post(outcomes.record, outcomes.marks))
    assert fall.brought == 9_000 * 10**6
    assert fall.keep == fall.end_value - fall.start_value - fall.brought
    growth = fall.line("growth")
    assert growth is not None
    # 5 % a year, each amount from when it came
    due = sum(n * (1.05 ** ((100 - day) / 365) - 1) for n, day in [(100, 0), *((1_000, d) for d in range(10, 100, 10))])
    assert growth.value == pytest.approx(due * 10**6, rel=1e-4)
    hodl = fall.line("hodl")
    assert hodl is not None
    assert hodl.value == 0
    flows = Measures(post(outcomes.record, outcomes.marks)).owner_flows()
    assert flows == [(line.happened.at.time, 10**9) for line in came]


def test_the_headline_shows_the_money_weighted_rate_beside(folder: Path):
    document = tidemill.load(written(folder, STUDY | {"capital": {"USDC": "100", "ETH": "0.001"}})).run().document
    head = document.headline
    assert 480 <= (head.money_weighted_bps or 0) <= 500  # 5 % less the fees
    assert 470 <= (head.per_year_bps or 0) <= 500
    assert head.capital_value == pytest.approx(9_103 * 10**6, abs=10**5)
    assert any("9 contributions brought 9000 USDC during the study" in line for line in document.warnings)
    assert abs(document.unexplained) <= document.unexplained_bound
    without = {key: value for key, value in STUDY.items() if key != "contributions"}
    assert tidemill.load(written(folder, without)).run().document.headline.money_weighted_bps is None


@pytest.mark.parametrize("rate", [-5_000, -1, 0, 1, 437, 12_345])
def test_the_money_weighted_rate_is_the_one_that_made_the_flows(rate: int):
    flows = [(0, 10**12), (YEAR // 3, 5 * 10**11), (YEAR, -2 * 10**11)]
    end = sum(n * (1 + (rate + 0.5) / 10_000) ** ((2 * YEAR - t) / YEAR) for t, n in flows)
    assert money_weighted_bps_down(flows, int(end), 2 * YEAR) == rate
    assert money_weighted_bps_down(flows, 10**30, 2 * YEAR) is None
    assert money_weighted_bps_down([], 1, YEAR) is None


def test_averaging_spends_the_same_every_time_whatever_the_price(folder: Path):
    study = STUDY | {
        "capital": {"USDC": "1000", "ETH": "0.1"},
        "contributions": [{"token": "USDC", "amount": "500", "first_day": 1}],
        "venues": {"pool": {"kind": "uniswap_v3", "dataset": "small"}, "aave": WETH_LENT},
        "parameters": {
            "asset": "USDC",
            "buys": "WETH",
            "market": "pool",
            "spend": 300 * 10**6,
            "every": 3_600 * 6,
            "place": {"venue": "aave", "asset": "WETH"},
        },
        "tokens": {},
        "prices": {},
        "fees": {},
    }
    path = written(folder, study, "")
    outcomes = Backtest(prepare(load_study(path))).play().outcomes
    bought = [line for line in outcomes.record if isinstance(line, Recorded) and line.verb == "swap_exact_in"]
    spent = [line.action.args["amount_in"] for line in bought if line.action and line.action.args["token_in"] == USDC]
    assert spent[:4] == [300 * 10**6] * 3 + [100 * 10**6]
    assert sum(spent) == 1_500 * 10**6
    gaps = [b.at.time - a.at.time for a, b in itertools.pairwise(bought[:3])]
    assert all(abs(gap - 21_600) < 60 for gap in gaps)
    supplies = [line for line in outcomes.record if isinstance(line, Recorded) and line.verb == "supply"]
    assert len(supplies) == len(spent)
    assert set(outcomes.marks[-1].balances) == {"ETH@op-mainnet", USDC}
    assert waterfall(post(outcomes.record, outcomes.marks)).brought == 500 * 10**6


BAD = [
    ("contributions", [{"token": "USDX", "amount": "5"}], "contributions.0.token: unknown token 'USDX'"),
    ("contributions", [{"token": "USDC@base", "amount": "5"}], "contributions.0.token: unknown network 'base'"),
    ("contributions", [{"token": "USDC", "amount": "0"}], "contributions.0.amount: nothing would arrive"),
    ("contributions", [{"token": "USDC", "amount": "0.0000001"}], "contributions.0.amount: "),
    ("contributions", [{"token": "USDC", "amount": "1", "first_day": 100}], "contributions.0.first_day: the study is over"),
    ("contributions", [{"token": "USDC", "amount": "1", "every_days": 0}], "contributions.0.every_days: expected a whole"),
    ("parameters.place", None, "parameters.place: give a place to sweep into, a token to buy, or both"),
    ("parameters.buys", "USDC", "parameters.buys: buying needs a market, what to spend each time"),
    ("parameters.place.asset", "sUSDC", "parameters.place: the place takes sUSDC@op-mainnet, not USDC@op-mainnet"),
    ("parameters.place.venu", "x", "parameters.place"),
]  # fmt: skip


@pytest.mark.parametrize("fed", [False, True])
def test_what_arrives_in_a_portfolio_and_goes_nowhere_is_told(folder: Path, fed: bool):
    stream = {"strategy": STUDY["strategy"], "share_bps": 10_000, "parameters": STUDY["parameters"]}
    feed = {"source": "common", "target": "savings", "token": "USDC", "least": "1"}
    study = STUDY | {"strategy": "portfolio", "parameters": {}, "streams": {"savings": stream}}
    study |= {"transfers": [feed]} if fed else {}
    backtest = Backtest(prepare(load_study(written(folder, study))))
    told = [line for line in backtest.main_run()[0].warnings if "lies idle in the common purse" in line]
    assert len(told) == (not fed)
    if fed:  # then it is as it is alone, to the wei
        alone = Backtest(prepare(load_study(written(folder, STUDY)))).play().outcomes
        assert backtest.play().outcomes.marks[-1].balances == alone.marks[-1].balances


@pytest.mark.parametrize(("path", "value", "line"), BAD, ids=[line[:50] for _, _, line in BAD])
def test_bad_input_is_one_line_with_its_field(folder: Path, path: str, value: Any, line: str):
    with pytest.raises(BadInput) as caught:
        Backtest(prepare(load_study(written(folder, changed(path, value, STUDY)))))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_stream_was_given_is_not_its_income(folder: Path):
    """A small loan is fed by a large vault and gives away all that it earns itself, and no more."""
    streams = {
        "vault": {"strategy": "deposit_and_harvest", "share_bps": 9_000, "parameters": {"vault": "savings"}},
        "loan": {"strategy": "lend", "share_bps": 1_000, "parameters": {"lending": "aave"}},
    }
    transfers = [
        {"source": "vault", "target": "loan", "token": "USDC", "of": "income", "every_days": 2},
        {"source": "loan", "target": "common", "token": "USDC", "of": "income", "every_days": 2},
    ]
    study = {key: value for key, value in STUDY.items() if key not in ("contributions", "parameters")} | {
        "strategy": "portfolio",
        "capital": {"USDC": "100000", "ETH": "0.1"},
        "streams": streams,
        "transfers": transfers,
        "tokens": {"USDC": 6, "WETH": 18},
        "prices": {"ETH": "3000", "WETH": "3000"},
        "venues": {"savings": VAULT, "aave": AAVE | {"params": AAVE["params"] | {"flow_every_hours": 240}}},
    }
    outcomes = Backtest(prepare(load_study(written(folder, study)))).play().outcomes
    moved = [one.move for one in outcomes.moved if one.why == "plan"]
    given = sum(move.amount for move in moved if move.source == "vault")
    gone = sum(move.amount for move in moved if move.source == "loan")
    (loan,) = [row for row in stream_rows(outcomes) if row.name == "loan"]
    assert given > 5 * gone > 0
    assert loan.rows["interest"] * 9 // 10 < gone <= loan.rows["interest"]
