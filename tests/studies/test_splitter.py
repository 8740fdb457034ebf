"""Income paid out by real transfers: parts of what was earned; the capital stays, and what was paid still counts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.errors import BadInput
from tidemill.interfaces import Context, Filled, Recorded, Revert, Transfer
from tidemill.interfaces.venue import Action
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.load import Loaded
from tidemill.studies.prepare import prepare
from tidemill.studies.study import ContributionSpec, Study, load_study
from tidemill.venues.payees.model import PayeesModel

EXAMPLE = Path(__file__).parents[2] / "examples" / "income_splitter.toml"
USDC = "USDC@op-mainnet"


def changed(**parameters: Any) -> Study:
    study = load_study(EXAMPLE)
    return structs.replace(study, parameters={**study.parameters, **parameters})


@cache
def example() -> Any:
    return Backtest(prepare(changed())).play().outcomes


def paid(outcomes: Any) -> list[Recorded]:
    return [r for r in outcomes.record if isinstance(r, Recorded) and r.verb == "pay" and isinstance(r.status, Filled)]


def test_parts_of_the_income_go_out_and_the_rest_stays():
    outcomes = example()
    pays = paid(outcomes)
    assert len(pays) == 22  # eleven times, to two
    for rent, school in zip(pays[::2], pays[1::2], strict=True):
        amounts = rent.result.amounts["amount"], school.result.amounts["amount"]
        assert (rent.action.args["to"], school.action.args["to"]) == ("rent", "school")
        assert abs(amounts[0] - 4 * amounts[1]) <= 4
        assert rent.transfers == (Transfer(USDC, "me", "paid:rent", amounts[0]),)
    fall = waterfall(post(outcomes.record, outcomes.marks))
    total = sum(one.result.amounts["amount"] for one in pays)
    interest = fall.line("interest").value
    assert fall.brought == -total
    assert total == pytest.approx(interest / 2, rel=0.06)  # the last four days are not shared out
    assert total < interest / 2
    assert fall.end_value == pytest.approx(fall.start_value + interest - total, abs=10**5)
    assert fall.keep == fall.end_value - fall.start_value + total  # paying is no loss
    assert abs(fall.unexplained) <= fall.bound


def test_the_statement_says_who_was_paid():
    document = Loaded(changed()).run().document
    said = [line for line in document.warnings if line.startswith("paid to ")]
    assert [line.split(":")[0] for line in said] == ["paid to rent", "paid to school"]
    assert all("taken out by its owner" in line for line in said)
    assert document.headline.money_weighted_bps is not None
    assert {(row.venue, row.verb): row.count for row in document.costs}["family", "pay"] == 22


def test_capital_that_arrives_is_not_paid_out():
    study = structs.replace(changed(), contributions=[ContributionSpec("USDC", "10000", every_days=7)])
    outcomes = Backtest(prepare(study)).play().outcomes
    fall = waterfall(post(outcomes.record, outcomes.marks))
    total = sum(one.result.amounts["amount"] for one in paid(outcomes))
    assert total < fall.line("interest").value / 2
    assert total == pytest.approx(fall.line("interest").value / 2, rel=0.1)


def test_a_payee_that_cannot_be_paid_takes_nothing_and_is_named():
    study = changed(parts=[{"to": "rent", "bps": 4_000}, {"to": "nobody", "bps": 1_000}])
    backtest = Backtest(prepare(study))
    assert not paid(backtest.play().outcomes)
    assert any("no payee 'nobody'" in line for line in backtest.main_run()[0].warnings)


def test_a_venue_that_pays_nobody_is_named_and_nothing_breaks():
    backtest = Backtest(prepare(changed(payees="aave")))
    assert not paid(backtest.play().outcomes)
    assert any("no verb 'pay'" in line for line in backtest.main_run()[0].warnings)


def test_what_is_too_little_waits():
    assert not paid(Backtest(prepare(changed(least=10**12))).play().outcomes)
    some = paid(Backtest(prepare(changed(least=25 * 10**6))).play().outcomes)
    sums = [a.result.amounts["amount"] + b.result.amounts["amount"] for a, b in zip(some[::2], some[1::2], strict=True)]
    assert sums
    assert all(one >= 25 * 10**6 for one in sums)
    assert len(some) < 22


class Purse(Context):
    """Ten units in every account."""

    block = None
    sender = "me"

    def balance(self, token: str, account: str) -> int:
        return 10


def test_payees_refuse_what_cannot_be_and_stay_as_they_were():
    model = PayeesModel()
    state = model.init({"token": USDC, "names": ("rent",)})
    for args, why in (({"to": "rant", "amount": 1}, "no payee"), ({"to": "rent", "amount": 11}, "insufficient")):
        with pytest.raises(Revert, match=why):
            model.apply(state, Action("pay", args), Purse())
    assert state.paid == {}
    first = model.apply(state, Action("pay", {"to": "rent", "amount": 10}), Purse())
    assert first.features == {"first": 1, "last": 1}
    assert model.apply(state, Action("pay", {"to": "rent", "amount": 3}), Purse()).features == {"first": 0, "last": 0}
    assert model.read(state, "paid", "rent") == 13


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            {"parts": [{"to": "rent", "bps": 6_000}, {"to": "school", "bps": 4_001}]},
            "parameters.parts: parts are 10001 bps",
        ),
        ({"parts": [{"to": "rent", "bps": 1}, {"to": "rent", "bps": 1}]}, "parameters.parts: somebody is paid twice"),
        ({"parts": []}, "parameters.parts: "),
        ({"parts": [{"to": "rent", "bps": 0}]}, "parameters.parts[0].bps: expected a whole number >= 1"),
        ({"every": 60}, "parameters.every: expected a whole number >= 3600"),
    ],
)
def test_contradictions_name_their_field(parameters: dict[str, Any], line: str):
    with pytest.raises(BadInput) as caught:
        Backtest(prepare(changed(**parameters)))
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("names", "says"), [("", "'' is no name"), ("a,a", "named twice"), ("a b", "'a b' is no name")]
)
def test_names_that_are_none_are_refused(names: str, says: str):
    study = changed()
    spec = structs.replace(study.venues["family"], params={"token": "USDC", "names": names})
    with pytest.raises(BadInput, match=says) as caught:
        prepare(structs.replace(study, venues={**study.venues, "family": spec}))
    assert "venues.family.params.names" in str(caught.value)
