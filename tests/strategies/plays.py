"""A pool on a given path of ticks, a strategy, and what came of it: what tests of liquidity strategies share."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from standins import RangePool
from worlds import world

from tidemill.engine.run import run
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import Filled, Mark, Recorded

TOKENS = ("WETH@op", "USDC@op")
FUNDS = {"USDC@op": 10**12, "WETH@op": 10**9, "ETH@op": 10**12}
HOME = {"venue": "pool", "home": "USDC@op"}
BLOCK = 2
"""Seconds; a world begins at 1,000 s with block 0."""

Path = Sequence[tuple[int, int]]
"""(block number, tick from then on), ascending."""


def played(strategy: Any, path: Path, funds: dict[str, int] = FUNDS, *, fee_per_tick: int = 0, **more: Any) -> Any:
    """Run ``strategy`` on one pool that takes ``path``."""
    pool = RangePool("pool", "op", more.pop("tokens", TOKENS), path, fee_per_tick=fee_per_tick)
    return run(world([pool], funds, **more), strategy, run_id="test", log=MemoryJournal())


def filled(outcomes: Any, *verbs: str) -> list[Recorded]:
    """Return the steps that were done, of some verbs alone if given."""
    done = [r for r in outcomes.record if isinstance(r, Recorded) and isinstance(r.status, Filled)]
    return [r for r in done if not verbs or r.verb in verbs]


def failures(outcomes: Any) -> list[Recorded]:
    """Return the steps that were not."""
    return [r for r in outcomes.record if isinstance(r, Recorded) and not isinstance(r.status, Filled)]


def walk(seed: object, *, step: int, every: int = 10, blocks: int = 1_000, start: int = 0) -> list[tuple[int, int]]:
    """Return a path that moves up to ``step`` ticks each ``every`` blocks."""
    rng = random.Random(f"walk {seed}")
    path, tick = [], start
    for number in range(0, blocks, every):
        path.append((number, tick))
        tick += rng.randint(-step, step)
    return path


def decisions(outcomes: Any) -> list[Mark]:
    """Return the marks taken where the strategy decided."""
    return [mark for mark in outcomes.marks if mark.why == "decision"]
