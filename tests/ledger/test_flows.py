"""Money that comes and goes during a run: capital, never income; checked by hand and by planted faults."""

from __future__ import annotations

import pytest

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Befell, Block, Costs, Filled, Happened, Mark, Position, Recorded, Result, Transfer
from tidemill.ledger.judge import curves
from tidemill.ledger.measures import Measures
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.waterfall import waterfall

USD, ETH = "USDC@op", "ETH@op"
UNIT = 10**18


def prices(usd: int):
    return {USD: price_of_home(6), ETH: price_of_micro(usd * 10**6, 18)}


def held(usd: int, eth: int, fees: int, liquidity: int = 100) -> tuple[Position, ...]:
    if not liquidity:
        return ()
    return (Position("pool#1", "pool", "range", {"liquidity": liquidity}, {USD: usd, ETH: eth}, {USD: fees, ETH: 0}),)


def flow(seq: int, time: int, cause: str, amounts: dict[str, int]) -> Befell:
    moves = tuple(
        Transfer(t, "outside", "me", n) if n > 0 else Transfer(t, "me", "outside", -n) for t, n in amounts.items()
    )
    return Befell(seq, Happened("", "", cause, amounts, Block(time=time, number=time)), moves)


def step(seq: int, time: int, verb: str, moves: tuple[Transfer, ...]) -> Recorded:
    result = Result(transfers=moves, position="pool#1")
    return Recorded(
        seq, Block(time=time, number=time), "op", ETH, "tx", 0, "pool", verb, Filled(), Costs(), result=result
    )


def story(*, out: int = 110_000_000):
    """10 s: 100 USDC and 0.05 ETH go in at 2,000. 20 s: at 2,200 all comes out, converted, with fees of 5 USDC."""
    x, y = 100_000_000, UNIT // 20
    back = {USD: out, ETH: UNIT * 45 // 1000}
    marks = [
        Mark(0, 0, "start", {}, (), prices(2_000)),
        Mark(1, 10, "before", {}, (), prices(2_000)),
        Mark(3, 10, "after", {USD: x, ETH: y}, (), prices(2_000)),
        Mark(4, 10, "before", {USD: x, ETH: y}, (), prices(2_000)),
        Mark(6, 10, "after", {}, held(x, y, 0), prices(2_000)),
        Mark(7, 20, "before", {}, held(out - 5_000_000, back[ETH], 5_000_000), prices(2_200)),
        Mark(9, 20, "after", back, (), prices(2_200)),
        Mark(10, 20, "before", back, (), prices(2_200)),
        Mark(12, 20, "after", {}, (), prices(2_200)),
        Mark(13, 40, "end", {}, (), prices(3_000)),
    ]
    record = [
        flow(2, 10, "brought in", {USD: x, ETH: y}),
        step(5, 10, "mint", (Transfer(USD, "me", "pool", x), Transfer(ETH, "me", "pool", y))),
        step(8, 20, "close", tuple(Transfer(t, "pool", "me", n) for t, n in back.items())),
        flow(11, 20, "taken out", {t: -n for t, n in back.items()}),
    ]
    return record, marks


def test_only_what_the_position_earned_is_kept() -> None:
    books = post(*story())
    got = waterfall(books)
    value = {line.key: line.value for line in got.lines}
    # in: 100 + 0.05 x 2,000 = 200; out: 110 + 0.045 x 2,200 = 209; what came later is nobody's here
    assert (got.start_value, got.end_value, got.keep) == (0, 0, 9_000_000)
    assert value["fees"] == 5_000_000
    assert value["hodl"] == 10_000_000  # 0.05 ETH x 200, while it was in
    assert value["divergence"] == 5_000_000 - 11_000_000  # 5 USDC more, 0.005 ETH x 2,200 less
    assert value.get("fees_move", 0) == 0 and value.get("drift", 0) == 0
    assert got.unexplained == 0
    assert (got.capital, got.average) == (200_000_000, 50_000_000)  # 200 for 10 of 40 seconds
    drawn = curves(books)
    assert drawn.held == 10_000_000
    assert Measures(books).brought().value == -9_000_000


def test_a_flow_that_is_not_said_is_refused() -> None:
    record, marks = story()
    with pytest.raises(InvariantBroken, match="no step explains|the wallet's"):
        post(record[:-1], [mark for mark in marks if mark.seq not in (10, 12)])


@pytest.mark.parametrize("place", [0, 3])
def test_a_flow_of_another_amount_is_refused(place: int) -> None:
    record, marks = story()
    amounts = {token: amount + 1 for token, amount in record[place].happened.amounts.items()}
    record[place] = flow(record[place].seq, 10, record[place].happened.cause, amounts)
    with pytest.raises(InvariantBroken):
        waterfall(post(record, marks))


def test_what_left_as_income_is_not_followed_further() -> None:
    """Fees collected and taken out at once: their price move ends there, and so does holding's part."""
    record, marks = story()
    got = waterfall(post(record, marks))
    later = [*marks[:-1], Mark(13, 40, "end", {}, (), prices(9_000))]
    assert [line.value for line in waterfall(post(record, later)).lines] == [line.value for line in got.lines]
