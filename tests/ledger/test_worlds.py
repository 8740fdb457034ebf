"""Books of random worlds balance to the wei and explain everything."""

from __future__ import annotations

import pytest

from ledger.tiny import Tiny
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall


@pytest.mark.parametrize("impact", [False, True])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("leave", [False, True])
def test_random_worlds_balance_and_explain_everything(flip: bool, impact: bool, leave: bool) -> None:
    seen: set[str] = set()
    for seed in range(12):
        world = Tiny(seed, flip=flip, impact=impact).live(60, leave=leave)
        books = post(world.record, world.marks)
        books.check()
        got = waterfall(books)
        assert abs(got.unexplained) <= got.bound <= 17
        assert got.keep == got.end_value - got.start_value
        assert sum(line.value for line in got.lines) + got.unexplained == got.keep
        seen |= {line.key for line in got.lines if line.tokens or line.value}
    assert seen >= {
        "fees",
        "growth",
        "rewards",
        "hodl",
        "divergence",
        "drift",
        "swaps",
        "l2",
        "failed",
        "rounding",
        "events",
    }
