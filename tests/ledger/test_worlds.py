"""Books of random worlds balance to the wei and explain everything."""

from __future__ import annotations

import pytest
from msgspec import structs

from ledger.tiny import Tiny
from tidemill.errors import InvariantBroken
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall


@pytest.mark.parametrize("impact", [False, True])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("leave", [False, True])
def test_random_worlds_balance_and_explain_everything(flip: bool, impact: bool, leave: bool) -> None:
    seen: set[str] = set()
    for seed in range(8):
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


@pytest.mark.parametrize("leave", [False, True])
def test_parent_block_marks_book_what_others_did_first(leave: bool) -> None:
    """On a chain the mark before is the parent block's: what accrues in the block itself is income, not rounding."""
    for seed in range(8):
        world = Tiny(seed, flip=seed % 2 == 0, parent=True).live(60, leave=leave)
        books = post(world.record, world.marks)
        got = waterfall(books)
        assert abs(got.unexplained) <= got.bound
        # without the word, the same marks are a fault
        strict = [structs.replace(mark, parent=False) for mark in world.marks]
        with pytest.raises(InvariantBroken):
            post(world.record, strict)
