"""What befell a position in the very block in which its owner did something, and marks that tell what was ahead of it."""

from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Befell, Block, Costs, Filled, Happened, Mark, Position, Recorded, Result, Transfer
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home
from tidemill.ledger.waterfall import Waterfall, waterfall

USD, ETH = "USDC@op", "ETH@op"


def mark(seq: int, why: str, supplied: int, *, wallet: int = 0, size: int = 0, **more: object) -> Mark:
    held = (Position("bank#supply", "bank", "supply", {"size": size}, {USD: supplied}, {}),) if supplied else ()
    return Mark(seq, 1_000 + seq, why, {USD: wallet}, held, {USD: price_of_home(6), ETH: price_of_home(18)}, **more)  # type: ignore[arg-type]


def told(
    *, lost: tuple[int, ...] = (), paid_in: int = 0, ahead: int = 1_000, after: int = 0, **more: object
) -> Waterfall:
    """A block: 1,000 supplied, ``lost`` by liquidations, ``paid_in`` by oneself, ``after`` left."""
    at = Block(1_002, 1)
    record: list[Recorded | Befell] = []
    for number, amount in enumerate(lost):
        happened = Happened("bank", "bank#supply", "liquidated", {USD: -amount}, at)
        record.append(Befell(2 + number, happened))
    if paid_in:
        moved = Result(transfers=(Transfer(USD, "me", "bank", paid_in),), position="bank#supply")
        record.append(Recorded(4, at, "op", ETH, "p", 0, "bank", "supply", Filled(), Costs(), result=moved))
    marks = [
        mark(0, "start", 1_000, wallet=500, size=10),
        mark(1, "before", ahead, wallet=500, size=10, parent=True, **more),
        mark(5, "after", after, wallet=500 - paid_in, size=9),
        mark(6, "end", after, wallet=500 - paid_in, size=9),
    ]
    return waterfall(post(record, marks))


def lines(fall: Waterfall) -> dict[str, int]:
    return {line.key: line.value for line in fall.lines if line.value}


def test_a_liquidation_and_a_deposit_in_one_block_are_told_apart() -> None:
    assert lines(told(lost=(300,), paid_in=200, after=900)) == {"events": -300}


def test_two_liquidations_in_one_block_both_count() -> None:
    assert lines(told(lost=(300, 100), after=600)) == {"events": -400}


def test_what_accrued_in_the_block_is_income() -> None:
    assert lines(told(lost=(300,), paid_in=200, after=907)) == {"events": -300, "interest": 7}
    assert lines(told(lost=(300,), after=707)) == {"events": -300, "interest": 7}
    assert lines(told(paid_in=200, after=1_207)) == {"interest": 7}


@pytest.mark.parametrize(("lost", "paid_in", "after"), [((300,), 200, 907), ((300,), 0, 707), ((), 200, 1_207)])
def test_where_a_mark_tells_what_was_ahead_nothing_else_can_have_come(
    lost: tuple[int, ...], paid_in: int, after: int
) -> None:
    exact = {"settled": frozenset({"bank"})}
    with pytest.raises(InvariantBroken, match="7 USDC@op"):
        told(lost=lost, paid_in=paid_in, after=after, **exact)
    fall = told(lost=lost, paid_in=paid_in, ahead=1_007, after=after, **exact)
    assert lines(fall) == {"interest": 7} | ({"events": -300} if lost else {})
    other = {"settled": frozenset({"another"})}
    assert lines(told(lost=lost, paid_in=paid_in, after=after, **other)).get("interest") == 7


def test_rounding_is_allowed_in_any_case() -> None:
    assert lines(told(paid_in=200, after=1_199, settled=frozenset({"bank"}))) == {"rounding": -1}
    assert structs.fields(Mark)[-1].name == "settled"
