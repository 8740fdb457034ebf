"""What the owner brings or takes out during a run: what was brought is held from when it came, and income stays income."""

from __future__ import annotations

import pytest

from tidemill.interfaces import Befell, Block, Happened, Mark, Transfer
from tidemill.ledger.families import CONTRIBUTED, MOVED
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.waterfall import waterfall

USD, ETH = "USDC@op", "ETH@op"
UNIT = 10**18


def prices(micro: int):
    return {USD: price_of_home(6), ETH: price_of_micro(micro, 18)}


def run(cause: str, amount: int):
    """One ETH throughout; ``amount`` more (or less) from when it is worth 2,000 until it is worth 2,100, from 1,900."""
    moved = Transfer(ETH, "market", "me", amount) if amount > 0 else Transfer(ETH, "me", "market", -amount)
    marks = [
        Mark(0, 1_000, "start", {ETH: UNIT}, (), prices(1_900 * 10**6)),
        Mark(1, 2_000, "before", {ETH: UNIT}, (), prices(2_000 * 10**6)),
        Mark(3, 2_000, "after", {ETH: UNIT + amount}, (), prices(2_000 * 10**6)),
        Mark(4, 3_000, "end", {ETH: UNIT + amount}, (), prices(2_100 * 10**6)),
    ]
    return waterfall(post([Befell(2, Happened("", "", cause, {ETH: amount}, Block(2_000, 1)), (moved,))], marks))


@pytest.mark.parametrize("cause", [CONTRIBUTED, MOVED])
@pytest.mark.parametrize(
    ("amount", "hodl", "brought"), [(UNIT, 300, 2_000), (2 * UNIT, 400, 4_000), (-UNIT // 2, 150, -1_000)]
)
def test_what_was_brought_is_held_from_when_it_came(cause: str, amount: int, hodl: int, brought: int):
    fall = run(cause, amount)
    assert fall.brought == brought * 10**6
    assert fall.keep == hodl * 10**6
    assert {line.key: line.value for line in fall.lines if line.value} == {"hodl": hodl * 10**6}
    assert fall.unexplained == 0
    assert fall.capital == max(2_000 + brought, 1_900) * 10**6  # the most that was at work, at its price then
