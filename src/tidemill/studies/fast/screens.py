"""Which strategies can be screened, and by what: the fee index alone, or the policy compiled over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from tidemill.errors import BadInput
from tidemill.studies.backtest import Backtest, Played
from tidemill.studies.fast.ground import stand
from tidemill.studies.screened import Answered, Screen

__all__ = ["SCREENS", "screen"]


class _Kind(NamedTuple):
    """What answers: a module of this package, of the strategy's name, with ``answer`` and ``VARIES``."""

    by: Answered
    exactly: str


SCREENS = {
    "accumulate": _Kind("compiled policy", "first exits, and fees of a unit of liquidity"),
    "fixed_range": _Kind("fee index", "fees of the liquidity put in, and what own swaps meet"),
    "range_ladder": _Kind("compiled policy", "first exits, and fees of a unit of liquidity"),
    "range_reset": _Kind("compiled policy", "first exits, and fees of a unit of liquidity"),
    "volatility_range": _Kind("compiled policy", "first exits, and fees of a unit of liquidity"),
}


def screen(
    backtest: Backtest, played: Played, variants: Sequence[Mapping[str, Any]], *, by_scan: bool = False
) -> Screen:
    """Estimate what each variant of a study would keep.

    Parameters
    ----------
    backtest : a study as ``ground.Ground`` takes it. played : its exact run. variants : parameters that differ from the
        study's. by_scan : a compiled policy asks the path step by step instead of the index.

    Raises
    ------
    BadInput : a study or a parameter that no screen knows; says which.
    """
    name = backtest.study.strategy
    if name not in SCREENS:
        listed = ", ".join(SCREENS)
        message = f"{name or 'a portfolio'} cannot be screened, only {listed}; leave --screen out"
        raise BadInput(message, field="screen")
    kind, module = SCREENS[name], import_module(f"tidemill.studies.fast.{name}")
    ground, asked = stand(backtest, played, variants, module.VARIES)
    kept, closed = module.answer(ground, asked, **({"by_scan": True} if by_scan else {}))
    return Screen(ground.keep(kept), closed.astype(np.int64) - 1, kind.by, kind.exactly)
