"""Memos survive: a run that goes on from any stored decision ends with the same hash as the one that was never stopped."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from plays import TOKENS, walk
from standins import RangePool
from worlds import world

from tidemill.engine.run import run
from tidemill.execution.journal import MemoryJournal
from tidemill.strategies.accumulate import Accumulate
from tidemill.strategies.exit_on_depeg import ExitOnDepeg
from tidemill.strategies.hedged_lp import HedgedLp
from tidemill.strategies.range_ladder import RangeLadder
from tidemill.strategies.volatility_range import VolatilityRange

WETH, USDC = TOKENS
AT = {"venue": "pool", "home": USDC}
STRATEGIES = [
    VolatilityRange(**AT, window=400, every=60, horizon=600, cooldown=60),
    RangeLadder(**AT, width=80, reset="edge", cooldown=60),
    Accumulate(**AT, width=40, follow=100),
    ExitOnDepeg("range_reset", USDC, WETH, "pool", seconds=200, every=60, inner_parameters={"width": 80}),
    HedgedLp(**AT, lending="desk", width=400, cooldown=60),
]


def lived(strategy: Any, log: MemoryJournal) -> str:
    pool = RangePool("pool", "op", TOKENS, walk("restart", step=40), fee_per_tick=10**4)
    told = world([pool, Desk(pool, USDC, WETH)], {USDC: 10**12, "ETH@op": 10**12})
    return run(told, strategy, run_id="restart", log=log).hash


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: type(s).__name__)
def test_a_run_goes_on_from_any_decision(strategy: Any) -> None:
    whole = MemoryJournal()
    ends = lived(strategy, whole)
    stored = whole.decisions("restart")
    assert len(stored) > 12
    for kept in (1, len(stored) // 2, len(stored) - 1):
        again = MemoryJournal()
        for decided in stored[:kept]:
            again.decide("restart", decided)
        assert lived(strategy, again) == ends
        assert again.decisions("restart") == stored
