"""A manager in a world: clients' money is theirs, fees are the rules' sums, a run takes fees with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Result
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import Study, load_study
from tidemill.venues.custodian.model import CustodianModel, CustodianState
from tidemill.venues.custodian.rules import YEAR, Client, charge_book

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "custodian_year.toml"
USDC, UNIT = "USDC@base", 10**6
STILL = {"result_ppb": 0, "client": 0, "new": 0, "out_bps": 0, "in_bps": 0, "run_bps": 0}


class Ctx:
    """A context in which clients are never short."""

    def __init__(self, time: int, sender: str) -> None:
        self.block, self.sender = Block(time=time, number=time // 2), sender

    def balance(self, token: str, account: str) -> int:
        assert token == USDC
        return 10**30


def fresh(asset_bps: int = 200, profit_bps: int = 2_000) -> CustodianState:
    book = {0: Client(1_000 * UNIT, 1_000 * UNIT), 1: Client(3_000 * UNIT, 3_000 * UNIT)}
    params = {"venue": "c", "account": "fees", "token": USDC, "operator": "me"}
    terms = {"asset_bps": asset_bps, "profit_bps": profit_bps, "book": book, "since": dict.fromkeys(book, 0)}
    return CustodianModel().init({**params, **terms})


def act(state: CustodianState, time: int, sender: str, verb: str, **args: Any) -> Result:
    return CustodianModel().apply(state, Action(verb, args), Ctx(time, sender))


def test_a_year_charges_what_the_rules_say_and_the_manager_takes_only_that():
    state = fresh()
    act(state, 10, "clients", "day", **{**STILL, "result_ppb": 10**8})
    grown = {0: Client(1_100 * UNIT, 1_000 * UNIT), 1: Client(3_300 * UNIT, 3_000 * UNIT)}
    assert state.book == grown
    after, fees = charge_book({str(name): one for name, one in grown.items()}, 200, 2_000, YEAR)
    act(state, YEAR, "clients", "charge")
    assert (state.fees, list(state.book.values())) == (fees, list(after.values()))
    assert fees.assets == 88 * UNIT and fees.profit == (400 - 88) * UNIT // 5
    taken = act(state, YEAR, "me", "collect")
    assert taken.amounts == {"assets": fees.assets, "profit": fees.profit}
    assert [(one.source, one.target, one.amount) for one in taken.transfers] == [("fees", "me", fees.total)]
    with pytest.raises(Revert, match="nothing to collect"):
        act(state, YEAR, "me", "collect")


def test_who_leaves_pays_for_the_time_until_then_and_takes_part_of_the_mark():
    state = fresh(profit_bps=0)
    act(state, YEAR // 2, "clients", "day", **{**STILL, "client": 0, "out_bps": 1_000})  # a tenth of all: 400
    assert state.fees.assets == 10 * UNIT and state.since == {0: YEAR // 2, 1: 0}
    assert state.book[0].value == (1_000 - 10 - 400) * UNIT
    act(state, YEAR // 2, "clients", "day", **{**STILL, "client": 0, "out_bps": 9_999})
    assert state.book[0].value == 0  # no more than it has, and the other's stays
    assert state.book[1].value == 3_000 * UNIT


def test_new_money_is_not_charged_for_the_time_before_it_came():
    state = fresh(profit_bps=0)
    act(state, YEAR // 2, "clients", "day", **{**STILL, "new": 7, "in_bps": 5_000})
    assert state.book[7] == Client(2_000 * UNIT, 2_000 * UNIT)
    act(state, YEAR, "clients", "charge")
    assert state.fees.assets == (80 + 20) * UNIT
    again = fresh(profit_bps=0)
    act(again, YEAR // 2, "clients", "day", **{**STILL, "new": 0, "in_bps": 5_000})
    assert again.fees.assets == 10 * UNIT and again.book[0].value == 2_990 * UNIT


def test_a_run_takes_a_part_of_everybody():
    state = fresh(0, 0)
    act(state, 5, "clients", "day", **{**STILL, "run_bps": 3_000})
    assert [one.value for one in state.book.values()] == [700 * UNIT, 2_100 * UNIT]
    assert CustodianModel().read(state, "assets") == 2_800 * UNIT and CustodianModel().read(state, "below") == 0


def test_only_the_manager_collects():
    with pytest.raises(Revert, match="not the manager"):
        act(fresh(), 5, "clients", "collect")
    with pytest.raises(Revert, match="no verb 'lend'"):
        act(fresh(), 5, "me", "lend")


# --- in a study ---------------------------------------------------------------------------------------------------------


def changed(**params: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["platform"]
    return msgspec.structs.replace(
        study, venues={"platform": msgspec.structs.replace(spec, params={**spec.params, **params})}
    )


def run(study: Study) -> tuple[ResultDocument, Any]:
    prepared = prepare(study)
    return Backtest(prepared).main_run()[0], prepared


QUIET = {"swing_bps": 0, "in_bps_month": 0, "out_bps_month": 0, "run_day": 0, "run_bps": 0}


def test_a_still_book_pays_what_the_note_says():
    document, prepared = run(changed(**QUIET, result_bps=0, profit_fee_bps=0))
    rows = {row.key: row for row in document.waterfall}
    # four charges of 90 days are 360 of a year, on what is left of 5,000,000 each time
    left = paid = 0
    for _ in range(4):
        fee = (5_000_000 * UNIT - paid) * 100 * 90 // (365 * 10_000)
        paid += fee
        left = 5_000_000 * UNIT - paid
    assert abs(rows["takings"].tokens[USDC] - paid) < 4 * 40 * 2 and left > 0
    assert "carry" not in rows
    assert any("would pay 50000 and 0 a year" in note for note in prepared.placed["platform"].notes())


def test_fees_on_profit_stand_in_their_own_row_and_swings_raise_them():
    calm, wild = (run(changed(**{**QUIET, "swing_bps": swing}, asset_fee_bps=0))[0] for swing in (0, 200))
    carry = [next(row.value for row in one.waterfall if row.key == "carry") for one in (calm, wild)]
    # a tenth of 4 % of 5,000,000 in 360 of 365 days, day upon day, less what the quarters before have taken
    assert 19_900 * UNIT < carry[0] < 20_200 * UNIT < carry[1]
    assert all(next(row.value for row in one.waterfall if row.key == "takings") == 0 for one in (calm, wild))


def test_a_run_takes_its_part_of_the_fees_that_follow():
    quiet, run_ = (run(changed(**{**QUIET, "run_day": day, "run_bps": 3_000}, profit_fee_bps=0))[0] for day in (0, 90))
    fees = [next(row.value for row in one.waterfall if row.key == "takings") for one in (quiet, run_)]
    # one quarter at whole size, three at seven tenths
    assert abs(fees[1] / fees[0] - (1 + 3 * 0.7) / 4) < 0.004


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"token": "DAI"}, "DAI"),
        ({"clients": 0}, "params.clients"),
        ({"profit_fee_bps": 5_001}, "params.profit_fee_bps"),
        ({"assets": "all"}, "params.assets"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput) as caught:
        prepare(changed(**params))
    assert says in str(caught.value) and "\n" not in str(caught.value)
