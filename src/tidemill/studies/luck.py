"""The verdict on a sweep: the statistics of ``overfit`` over its trials, as integers a result can carry."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.studies.overfit import deflated_sharpe, overfit_probability, sharpe, walk_forward

__all__ = ["WINDOWS", "Luck", "judge"]

BPS = 10_000
BLOCKS = 10
WINDOWS = 5
"""Equal parts of the period; before each but the first a choice is made."""


class Luck(Struct, frozen=True):
    """How much to believe the best of so many.

    ``deflated_sharpe_bps``: probability that the best one's gain over holding is more than the best of as many worthless
    ones would show. ``overfit_bps``: probability that the best of half the time is below the middle in the other half.
    ``walk_forward_bps``: gain over holding, in all, of choosing before each of five windows what was best until then;
    ``average_bps``: of the mean variant over the same windows. All in basis points.
    """

    trials: int
    steps: int
    deflated_sharpe_bps: int
    overfit_bps: int
    walk_forward_bps: int
    average_bps: int


def judge(gains: Any, best: int, count: int) -> tuple[Luck | None, list[str]]:
    """Judge log gains over holding (variants, steps), of which row ``best`` was chosen; and say what cannot be said.

    ``count`` variants were tried in all, those included that were screened and have no row.
    """
    if len(gains) < 2:
        return None, ["one variant is no choice: nothing to say about luck"]
    try:
        forward = walk_forward(gains, WINDOWS)
        deflated = deflated_sharpe(gains[best], [float(one) for one in sharpe(gains)], count)
        overfit = overfit_probability(gains, BLOCKS)
    except BadInput as error:
        return None, [f"too little to judge luck by: {error.message}"]
    found = Luck(
        trials=count,
        steps=gains.shape[1],
        deflated_sharpe_bps=_bps(deflated),
        overfit_bps=_bps(overfit),
        walk_forward_bps=_bps(np.expm1(forward.total)),
        average_bps=_bps(np.expm1(forward.average)),
    )
    return found, []


def _bps(part: float) -> int:
    return round(float(part) * BPS)
