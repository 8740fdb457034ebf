"""Portfolios: streams under one wallet live apart to the wei, rows add up, and what cannot be is refused by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import tidemill
from kit import changed, write_study
from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput, InvariantBroken
from tidemill.execution.ids import content_hash
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import COMMON, Move
from tidemill.ledger.posting import post
from tidemill.ledger.purses import Purses, parts
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.portfolio import stream_rows
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

AAVE = {
    "kind": "aave_v3",
    "params": {"asset": "USDC", "collateral": "WETH", "supplied": 3_000_000, "usage_bps": 8_000},
}
VAULT = {"kind": "savings_vault", "params": {"asset": "USDC", "share": "sUSDC", "apy_bps": 500}}
RANGE = {"venue": "pool", "width": 200, "trigger": 20, "cooldown": 3_600}
STUDY: dict[str, Any] = {
    "title": "Three under one wallet",
    "network": "op-mainnet",
    "strategy": "portfolio",
    "home": "USDC",
    "capital": {"USDC": "9000", "ETH": "0.3"},
    "streams": {
        "range": {"strategy": "range_reset", "share_bps": 4_000, "parameters": RANGE},
        "loan": {"strategy": "lend", "capital": {"USDC": "3000"}, "parameters": {"lending": "aave"}},
        "vault": {"strategy": "deposit_and_harvest", "share_bps": 2_000, "parameters": {"vault": "savings"}},
    },
    "transfers": [
        {"source": "loan", "target": "range", "token": "USDC", "of": "income", "bps": 5_000, "every_days": 1},
        {"source": "vault", "target": "loan", "token": "USDC", "of": "income", "every_days": 1},
    ],
    "venues": {"pool": {"kind": "uniswap_v3", "dataset": "small"}, "aave": AAVE, "savings": VAULT},
}
"""Over the small market of two days."""


def played(folder: Path, study: Mapping[str, Any], name: str = "portfolio.toml") -> Outcomes:
    return Backtest(prepare(load_study(write_study(folder, dict(study), name)))).play().outcomes


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> Outcomes:
    return played(folder, STUDY)


def test_the_streams_are_the_book_to_the_wei_at_every_mark(outcomes: Outcomes):
    made = parts(outcomes.record, outcomes.marks, outcomes.moved)  # checks each mark itself; once more, apart from it
    assert set(made) == {COMMON, "range", "loan", "vault"}
    assert len(outcomes.marks) > 20
    for part in made.values():
        assert len(part.marks) >= len(outcomes.marks)
    last = [part.marks[-1] for part in made.values()]
    for token, amount in outcomes.marks[-1].balances.items():
        assert sum(mark.balances.get(token, 0) for mark in last) == amount
    assert sum(len(mark.positions) for mark in last) == len(outcomes.marks[-1].positions)


def test_income_goes_where_the_study_sends_it(outcomes: Outcomes):
    plans = [one.move for one in outcomes.moved if one.why == "plan"]
    assert plans[:3] == [
        Move("", "range", "USDC@op-mainnet", 3_600 * 10**6),
        Move("", "loan", "USDC@op-mainnet", 3_000 * 10**6),
        Move("", "vault", "USDC@op-mainnet", 1_800 * 10**6),
    ]
    sent = {(move.source, move.target) for move in plans[3:]}
    assert sent == {("loan", "range"), ("vault", "loan")}
    # a day of 5 % a year, compounded, on 1,800 USDC
    first = next(move for move in plans if move.source == "vault")
    assert abs(first.amount - 1_800 * 10**6 * (1.05 ** (1 / 365) - 1)) < 100
    assert all(one.move.source == "" for one in outcomes.moved if one.why == "gas")


def test_rows_add_up_and_every_part_keeps_its_own_books(outcomes: Outcomes):
    whole = waterfall(post(outcomes.record, outcomes.marks))
    rows = stream_rows(outcomes)
    assert sum(row.keep for row in rows) == pytest.approx(whole.keep, abs=len(rows))
    for line in whole.lines:
        assert abs(sum(row.rows.get(line.key, 0) for row in rows) - line.value) <= len(rows), line.key
    by_name = {row.name: row for row in rows}
    assert by_name["loan"].rows["interest"] > 0 == by_name["loan"].rows.get("fees", 0)
    assert by_name["vault"].rows["growth"] > 0
    assert by_name["range"].rows["fees"] > 0
    assert all(row.rows["l2"] < 0 for name, row in by_name.items() if name != "common")
    assert by_name["common"].rows["l2"] == 0
    assert all(row.start_value == 0 for name, row in by_name.items() if name != "common")
    for row in rows:
        assert row.keep == row.end_value - row.brought - row.start_value or abs(row.unexplained) <= len(row.rows)


@pytest.mark.parametrize("name", ["range", "loan", "vault"])
def test_a_stream_with_everything_does_what_the_strategy_does_alone(folder: Path, name: str):
    spec = STUDY["streams"][name]
    alone = STUDY | {"strategy": spec["strategy"], "parameters": spec["parameters"]}
    alone = {key: value for key, value in alone.items() if key not in ("streams", "transfers")}
    whole = STUDY | {"streams": {name: spec | {"share_bps": 10_000, "capital": {}}}, "transfers": []}
    one, two = played(folder, alone, "alone.toml"), played(folder, whole, "whole.toml")
    assert one.marks[-1].balances == two.marks[-1].balances
    assert [line.at for line in one.record] == [line.at for line in two.record]
    assert waterfall(post(one.record, one.marks)).keep == waterfall(post(two.record, two.marks)).keep


def test_a_run_killed_at_any_decision_ends_with_the_same_hash(folder: Path, monkeypatch: pytest.MonkeyPatch):
    backtest = Backtest(prepare(load_study(write_study(folder, STUDY, "killed.toml"))))
    whole = backtest.play()
    decided, name = whole.noted.decided, content_hash([backtest.study.digest, 0])
    assert len(decided) > 10
    assert sum(bool(json.loads(one.body)["moves"]) for one in decided) > 1
    for count in {1, 2, *range(3, len(decided), len(decided) // 5), len(decided) - 1}:
        begun = MemoryJournal()
        for one in decided[:count]:
            begun.decide(name, one)
        monkeypatch.setattr("tidemill.studies.backtest.MemoryJournal", lambda begun=begun: begun)
        again = backtest.play()
        assert again.outcomes.hash == whole.outcomes.hash
        assert list(begun.decisions(name)) == list(decided)


def test_each_may_pay_its_own_gas(folder: Path):
    study = STUDY | {"parameters": {"gas": "own"}, "capital": {"USDC": "9000", "ETH": "0.3"}}
    study["streams"] = {
        name: spec | {"capital": spec.get("capital", {}) | {"ETH": "0.1"}} for name, spec in STUDY["streams"].items()
    }
    outcomes = played(folder, study, "own.toml")
    assert not [one for one in outcomes.moved if one.why == "gas"]
    for name, part in parts(outcomes.record, outcomes.marks, outcomes.moved).items():
        paid = sum(line.costs.total for line in part.record if hasattr(line, "costs"))
        gas = 10**17 if name else 0
        assert part.marks[-1].balances.get("ETH@op-mainnet", 0) == gas - paid


def test_books_that_are_not_the_wallet_are_refused(outcomes: Outcomes):
    purses = Purses({"A@x": 5})
    purses.move(Move("", "one", "A@x", 2))
    purses.check({"A@x": 5})
    with pytest.raises(InvariantBroken, match="purses hold 5 A@x together, the wallet 6"):
        purses.check({"A@x": 6})
    with pytest.raises(InvariantBroken, match="purse one holds 2 A@x, not 3"):
        purses.move(Move("one", "", "A@x", 3))
    first = next(place for place, mark in enumerate(outcomes.marks) if mark.why == "after")
    mark = outcomes.marks[first]
    wrong = dict(mark.balances) | {"USDC@op-mainnet": mark.balances["USDC@op-mainnet"] + 1}
    marks = [*outcomes.marks[:first], structs.replace(mark, balances=wrong), *outcomes.marks[first + 1 :]]
    with pytest.raises(InvariantBroken, match="together"):
        parts(outcomes.record, marks, outcomes.moved)


def test_the_document_says_what_each_stream_earned(folder: Path):
    document = tidemill.load(write_study(folder, STUDY, "document.toml")).run().document
    assert [row.name for row in document.streams] == ["common", "range", "loan", "vault"]
    assert abs(sum(row.keep for row in document.streams) - document.headline.keep) <= 4
    assert document.study.parameters["gas"] == "common"
    assert document.study.parameters["loan.lending"] == "aave"
    assert abs(document.unexplained) <= document.unexplained_bound


BAD = [
    ("streams.range.share_bps", 9_000, "streams: shares are 11000 bps together, more than the 10000"),
    (
        "streams.loan.capital.USDC",
        "9000",
        "streams: range, loan, vault take 14400 USDC@op-mainnet; the capital has 9000",
    ),
    ("streams.loan.capital.USDX", "1", "streams.loan.capital.USDX: unknown token 'USDX'"),
    ("streams.loan.capital", {"WETH": "1"}, "streams.loan.capital: the capital has no WETH@op-mainnet"),
    ("streams.vault.share_bps", 0, "streams.vault: starts with nothing and no transfer feeds it"),
    ("streams.loan.capital.ETH", "0.3", "streams: the streams leave no ETH@op-mainnet to pay network fees with"),
    ("parameters", {"gas": "own"}, "streams.loan.capital: the stream has no ETH@op-mainnet to pay network fees"),
    ("parameters", {"gas": "mine"}, "parameters: a portfolio has one parameter of its own, gas"),
    ("streams.loan.strategy", "lendd", "streams.loan.strategy: unknown strategy 'lendd'; did you mean 'lend'?"),
    ("streams.loan.parameters.lendin", "aave", "streams.loan.parameters.lendin: unknown key; did you mean 'lending'?"),
    ("streams.loan.strategy", "portfolio", "streams.loan.strategy: a portfolio in a portfolio"),
    ("streams.common", {"strategy": "lend"}, "streams.common: this is the name of what no stream has"),
    ("strategy", "lend", 'streams: streams are for strategy = "portfolio"'),
    ("streams", {}, "streams: a portfolio is made of [streams.NAME]"),
    ("streams.loan.shares", 5, "streams.loan.shares: unknown key; did you mean 'share_bps'?"),
    ("streams.loan.share_bps", 10_001, "streams.loan.share_bps: expected a whole number <= 10000"),
]


def bad(source: str = "loan", target: str = "range", **more: Any) -> list[dict[str, Any]]:
    return [{"source": source, "target": target, "token": "USDC", **more}]


BAD_TRANSFERS = [
    (bad("laon", every_days=1), "transfers.0.source: unknown stream 'laon'; did you mean 'loan'?"),
    (bad(target="rage", every_days=1), "transfers.0.target: unknown stream 'rage'; did you mean 'range'?"),
    (bad(target="loan", every_days=1), "transfers.0.target: loan is the source as well"),
    (bad(), "transfers.0: say every_days, or the least that moves"),
    (bad(of="income", least="1"), "transfers.0.every_days: income is told from one time to the next"),
    (bad("range", "loan", of="income", every_days=1), "transfers.0.of: at pool one token turns into another"),
    (bad("common", "loan", of="income", every_days=1), "transfers.0.of: the common purse earns nothing"),
    (bad(least="1") + bad("range", "loan", least="1"), "transfers: USDC would go in a circle from"),
    ([bad(every_days=1)[0] | {"token": "UDSC"}], "transfers.0.token: unknown token 'UDSC'; did you mean 'USDC'?"),
    (bad(bps=0, every_days=1), "transfers.0.bps: expected a whole number >= 1"),
]


@pytest.mark.parametrize(
    ("study", "line"),
    [(changed(path, value, STUDY), line) for path, value, line in BAD]
    + [(STUDY | {"transfers": transfers}, line) for transfers, line in BAD_TRANSFERS],
    ids=lambda one: one[:60] if isinstance(one, str) else "",
)
def test_bad_input_is_one_line_with_its_field(folder: Path, study: dict[str, Any], line: str):
    with pytest.raises(BadInput) as caught:
        Backtest(prepare(load_study(write_study(folder, study, "bad.toml"))))
    assert "\n" not in str(caught.value)
    assert line in str(caught.value)


def test_two_streams_at_a_venue_that_keeps_one_account_are_refused(folder: Path):
    study = changed("streams.second", {"strategy": "lend", "share_bps": 100, "parameters": {"lending": "aave"}}, STUDY)
    with pytest.raises(BadInput, match=r"streams\.second: aave is stream loan's; it keeps one position"):
        Backtest(prepare(load_study(write_study(folder, study, "twice.toml"))))


def test_two_ranges_in_one_pool_do_not_see_each_other(folder: Path):
    second = {
        "strategy": "fixed_range",
        "share_bps": 500,
        "parameters": {"venue": "pool", "below": 400, "above": 400},
    }
    outcomes = played(folder, changed("streams.wide", second, STUDY), "pool.toml")
    made = parts(outcomes.record, outcomes.marks, outcomes.moved)
    ids = [{p.id for mark in made[name].marks for p in mark.positions} for name in ("range", "wide")]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    rows = {row.name: row for row in stream_rows(outcomes)}
    whole = waterfall(post(outcomes.record, outcomes.marks))
    for line in whole.lines:
        assert abs(sum(row.rows.get(line.key, 0) for row in rows.values()) - line.value) <= len(rows), line.key
