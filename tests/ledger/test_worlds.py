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
    for seed in range(6):
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
    for seed in range(6):
        world = Tiny(seed, flip=seed % 2 == 0, parent=True).live(60, leave=leave)
        books = post(world.record, world.marks)
        got = waterfall(books)
        assert abs(got.unexplained) <= got.bound
        # without the word, the same marks are a fault
        strict = [structs.replace(mark, parent=False) for mark in world.marks]
        with pytest.raises(InvariantBroken):
            post(world.record, strict)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_cut_in_two_is_the_sum_of_its_parts(seed: int) -> None:
    """Books may begin with positions open: what they hold then is what was brought."""
    world = Tiny(seed, flip=seed % 2 == 0, impact=seed > 1).live(60)
    whole = waterfall(post(world.record, world.marks))
    held = [i for i, m in enumerate(world.marks) if m.why == "sample" and i > 40 and len(m.positions) > 1]
    for cut in held[:: max(len(held) // 4, 1)]:
        mark = world.marks[cut]
        first = [*world.marks[:cut], structs.replace(mark, why="end")]
        second = [structs.replace(mark, why="start"), *world.marks[cut + 1 :]]
        parts = [
            waterfall(post([s for s in world.record if s.seq < mark.seq], first)),
            waterfall(post([s for s in world.record if s.seq > mark.seq], second)),
        ]
        assert sum(part.keep for part in parts) == whole.keep
        # what accrued, was traded and was paid does not depend on where one cuts; price rows do
        for key in ("fees", "growth", "rewards", "swaps", "l2", "l1", "failed", "events", "rounding", "exit"):
            lines = [part.line(key) for part in parts]
            assert abs(sum(line.value for line in lines if line) - whole.line(key).value) <= 2
