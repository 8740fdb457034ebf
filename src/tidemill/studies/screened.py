"""Screening: all variants of a sweep estimated at once, some of them played exactly, and how far off the estimate is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.studies.backtest import Backtest
from tidemill.studies.grid import Value
from tidemill.studies.metrics import Metric

__all__ = ["Answered", "Screen", "Screened", "answered", "errors", "screened"]

BPS = 10_000
Answered = Literal["exact runs", "fee index", "compiled policy"]
"""What answered a sweep: a backtest a variant; or, before the best were backtested, sums over the fee index; or the
strategy's policy in compiled code, which asks the index."""


class Screen(Struct, frozen=True):
    """What a screen says of each variant: what is kept (micro-units of home, estimated), and how often it was reset.

    ``resets`` are positions closed, less one: what is reset was closed, and what stands at the end is closed there.
    ``exactly`` says which part of it is no estimate.
    """

    keep: Any
    resets: Any
    by: Answered
    exactly: str


class Screened(Struct, frozen=True):
    """How the screen was used: variants screened and played exactly, and its error on all of those that were.

    ``median_error_bps`` and ``largest_error_bps`` are of the capital, rounded up; ``alike`` of the exact ones had as many
    resets. ``exactly`` says which part of the estimate is exact.
    """

    variants: int
    exact: int
    median_error_bps: int
    largest_error_bps: int
    alike: int
    exactly: str


def screened(
    backtest: Backtest, chosen: Sequence[Mapping[str, Value]], exact: int, metric: Metric
) -> tuple[Screen, list[int]]:
    """Screen all variants; return that, and which to play exactly: the best, and a fifth as many spread over the rest.

    Raises
    ------
    BadInput : a study, a parameter, a metric or a number that no screen knows; says which.
    """
    from tidemill.studies.fast.screens import screen  # noqa: PLC0415 - compiled code

    if metric != "keep":
        raise BadInput(f"a screen knows what is kept and no {metric}; rank by keep", field="rank")
    if not 1 <= exact <= len(chosen):
        raise BadInput(f"{exact} of {len(chosen):,} variants; play between 1 and all of them exactly", field="screen")
    found = screen(backtest, backtest.play(), chosen)
    order = sorted(range(len(chosen)), key=lambda place: (-found.keep[place], place))
    rest = order[exact:]
    spread_over = rest[:: max(len(rest) // max(exact // 5, 1), 1)] if rest else []
    return found, sorted([*order[:exact], *spread_over])


def errors(screening: Screen | None, played: Mapping[int, Mapping[str, Any]]) -> Screened | None:
    """Return how far the screen was off where variants were ``played`` (what each left, by place); ``None`` without one."""
    if screening is None:
        return None
    off = [
        abs(int(screening.keep[place]) - answer["keep"]) * BPS / answer["capital"] for place, answer in played.items()
    ]
    alike = sum(int(screening.resets[place]) == answer["resets"] for place, answer in played.items())
    return Screened(
        variants=len(screening.keep),
        exact=len(played),
        median_error_bps=int(np.ceil(np.median(off))),
        largest_error_bps=int(np.ceil(max(off))),
        alike=alike,
        exactly=screening.exactly,
    )


def answered(screening: Screen | None) -> str:
    """Say what answered a sweep."""
    if screening is None:
        return "the exact kernel, variant by variant, as a backtest"
    how = "the fee index" if screening.by == "fee index" else "the policy compiled over the fee index"
    return f"{how} in floats, the best of them by the exact kernel"
