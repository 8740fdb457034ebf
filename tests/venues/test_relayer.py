"""A relayer in a world: the float is out until repaid, rivals cost gas, fees are what orders said, all of it comes back."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Filled, Recorded, Result, Reverted
from tidemill.networks.bridges import bridge_facts
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import Study, load_study
from tidemill.venues.kinds import kind
from tidemill.venues.relayer.model import RelayerModel, RelayerState
from tidemill.venues.relayer.rules import repaid_at

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "relayer_fortnight.toml"
USDC, DAY = "USDC@op-mainnet", 86_400


class Ctx:
    """A context over a book that a test can read."""

    def __init__(self, time: int, sender: str, book: dict[str, int]) -> None:
        self.block, self.sender, self.book = Block(time=time, number=time // 2), sender, book

    def balance(self, token: str, account: str) -> int:
        assert token == USDC
        return self.book.get(account, 0)


def fresh() -> RelayerState:
    return RelayerModel().init({
        "venue": "b", "account": "bridge", "token": USDC, "operator": "me",
        "start": 0, "interval": 100, "challenge": 50,
    })  # fmt: skip


def act(state: RelayerState, book: dict[str, int], time: int, sender: str, verb: str, **args: Any) -> Result:
    result = RelayerModel().apply(state, Action(verb, args), Ctx(time, sender, book))
    for moved in result.transfers:
        book[moved.source] = book.get(moved.source, 0) - moved.amount
        book[moved.target] = book.get(moved.target, 0) + moved.amount
        assert book[moved.source] >= 0
    return result


def held(state: RelayerState, now: int) -> tuple[int, int]:
    """Principal and claimable fees."""
    found = RelayerModel().positions(state, "b", "me", now, lambda *_: 0)
    return (found[0].principal.get(USDC, 0), found[0].claimable.get(USDC, 0)) if found else (0, 0)


def test_an_order_ties_up_the_float_until_its_bundle_is_paid():
    book, state, model = {"users": 10_000, "me": 1_000}, fresh(), RelayerModel()
    act(state, book, 0, "me", "deposit", amount=1_000)
    act(state, book, 10, "users", "order", amount=600, fee=6)
    act(state, book, 11, "users", "order", amount=500, fee=5)
    assert model.read(state, "orders") == ((1, 600, 6), (2, 500, 5))
    assert act(state, book, 12, "me", "fill", order=1).amounts == {"paid": 594, "fee": 6}
    assert model.read(state, "free", 12) == 406 and model.read(state, "repaid", 12) == repaid_at(12, 0, 100, 50) == 150
    with pytest.raises(Revert, match="the float does not hold as much"):
        act(state, book, 149, "me", "fill", order=2)
    assert held(state, 149) == (1_000, 0) and held(state, 150) == (1_000, 6)
    act(state, book, 150, "me", "fill", order=2)
    assert act(state, book, 151, "me", "collect").amounts == {"fees": 6}
    first = act(state, book, 160, "me", "withdraw")
    assert first.amounts == {"amount": 505, "fees": 0} and first.pending and first.pending.not_before.time == 250
    last = act(state, book, 250, "me", "withdraw", position=first.position)
    assert last.amounts == {"amount": 495, "fees": 5} and last.pending is None
    assert book == {"users": 8_900, "me": 1_011, "bridge": 0, "recipients": 1_089}
    assert held(state, 250) == (0, 0)


def test_random_lives_lose_nothing():
    draws = random.Random(5)
    for _ in range(60):
        book, state, time = {"users": 10**9, "rival": 0, "me": 10**6}, fresh(), 0
        act(state, book, 0, "me", "deposit", amount=draws.randrange(1, 10**6))
        earned = 0
        for _ in range(40):
            time += draws.randrange(60)
            orders = RelayerModel().read(state, "orders")
            verb = draws.choice(["order", "order", "take", "fill", "fill", "collect"])
            args: dict[str, int] = {"order": draws.choice(orders)[0]} if orders and verb in ("take", "fill") else {}
            if verb == "order":
                amount = draws.randrange(1, 400_000)
                args = {"amount": amount, "fee": draws.randrange(amount // 100 + 1)}
            if verb in ("take", "fill") and not args:
                continue
            before = sum(held(state, time))
            try:
                done = act(
                    state, book, time, "rival" if verb == "take" else "users" if verb == "order" else "me", verb, **args
                )
            except Revert:
                assert sum(held(state, time)) == before
                continue
            earned += done.amounts["fee"] if verb == "fill" else 0
            assert book["bridge"] >= sum(held(state, time)) - sum(one.paid for one in state.out if one.ready > time)
        for late in (time, time + 1_000):
            if sum(held(state, late)):
                act(state, book, late, "me", "withdraw")
        assert book["me"] == 10**6 + earned
        assert book["bridge"] == sum(amount for _, amount, _ in RelayerModel().read(state, "orders"))


@pytest.mark.parametrize(
    ("sender", "verb", "args", "reason"),
    [
        ("users", "fill", {"order": 1}, "not the relayer"),
        ("me", "fill", {"order": 1}, "already filled"),
        ("users", "take", {"order": 9}, "already filled"),
        ("me", "deposit", {"amount": 0}, "nothing to deposit"),
        ("me", "deposit", {"amount": 11}, "balance"),
        ("me", "withdraw", {}, "nothing to withdraw"),
        ("me", "collect", {}, "nothing to collect"),
        ("me", "bid", {}, "no verb 'bid'"),
    ],
)
def test_refusals(sender: str, verb: str, args: dict[str, Any], reason: str):
    with pytest.raises(Revert, match=reason):
        act(fresh(), {"me": 10}, 5, sender, verb, **args)


# --- in a study ---------------------------------------------------------------------------------------------------------


def changed(days: int = 3, parameters: dict[str, Any] | None = None, capital: str = "25000", **params: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["bridge"]
    spec = msgspec.structs.replace(spec, params={**spec.params, **params})
    assert study.start is not None
    return msgspec.structs.replace(
        study,
        end=study.start + dt.timedelta(days=days),
        venues={"bridge": spec},
        parameters=parameters or {},
        capital={**study.capital, "USDC": capital},
    )


def played(study: Study) -> tuple[ResultDocument, list[Recorded]]:
    document, outcomes = Backtest(prepare(study)).main_run()
    return document, [one for one in outcomes.record if isinstance(one, Recorded)]


def test_the_rows_are_the_fees_of_filled_orders_and_all_of_it_comes_home():
    document, record = played(changed())
    rows = {row.key: row for row in document.waterfall}
    fills = [one for one in record if one.verb == "fill"]
    filled = [one for one in fills if isinstance(one.status, Filled) and one.result]
    late = [one for one in fills if isinstance(one.status, Reverted)]
    fees = sum(one.result.amounts["fee"] for one in filled if one.result)
    assert filled and late and rows["fills"].tokens == {USDC: fees}
    assert rows["keep"].tokens[USDC] == fees
    assert -rows["failed"].tokens["ETH@op-mainnet"] == sum(one.costs.total for one in late)
    assert {one.status.reason for one in late if isinstance(one.status, Reverted)} == {"already filled"}
    assert all(one.costs.gas_used == 36_000 for one in late)
    assert document.positions[0].closed is not None and "takings" not in rows


def test_a_float_that_is_too_small_leaves_orders_to_rivals():
    large, small = (played(changed(capital=capital))[1] for capital in ("25000", "4000"))
    done = [sum(one.verb == "fill" and isinstance(one.status, Filled) for one in record) for record in (large, small)]
    assert 0 < done[1] < done[0]


def test_all_are_lost_or_none_as_the_study_says():
    for lost, status in ((0, Filled), (10_000, Reverted)):
        fills = [one for one in played(changed(lost_bps=lost))[1] if one.verb == "fill"]
        assert fills and all(isinstance(one.status, status) for one in fills)


def test_no_order_is_filled_that_does_not_pay_its_gas():
    dear = msgspec.structs.replace(changed(fee_bps=1), prices={"ETH": "99000000"})
    assert not [one for one in played(dear)[1] if one.verb == "fill"]
    picky = played(changed(parameters={"least_fee_bps": 3}))[1]
    fills = [
        one.result.amounts for one in picky if one.verb == "fill" and one.result and isinstance(one.status, Filled)
    ]
    assert fills == [] or all(one["fee"] * 10_000 >= 3 * (one["paid"] + one["fee"]) for one in fills)
    one_order = [
        one.result.amounts["paid"]
        for one in played(changed(parameters={"most_bps": 1_000}))[1]
        if one.verb == "fill" and one.result
    ]
    assert one_order and max(one_order) <= 2_500 * 10**6


def test_how_long_money_is_out_is_the_bridges_own_word():
    params = kind("relayer").params
    assert params["bundle_seconds"][0] == bridge_facts().integer("bundle_interval")
    assert params["challenge_seconds"][0] == bridge_facts().integer("challenge_period")
    notes = prepare(changed()).placed["bridge"].notes()
    # two basis points on 2,999.4 USDC for 7,200 and half of 5,400 s: 0.6 / 2999.4 x 31,536,000 / 9,900
    assert any("9,900 s and pays 63.72 % a year" in note for note in notes)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"amount": "0"}, "params.amount: 0: not above 0"),
        ({"amount": "much"}, "params.amount"),
        ({"amount": "0.0000001"}, "params.amount"),
        ({"fee_bps": 1_001}, "params.fee_bps"),
        ({"token": "DAI"}, "DAI"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput) as caught:
        prepare(changed(**params))
    assert says in str(caught.value) and "\n" not in str(caught.value)
