"""Walk-forward, played anew: before each window the variant that was best until then, opened there and closed at its end.

The statistics in ``overfit`` join pieces of runs that were played through, at no cost of changing. Here each window is a
backtest of its own: the position is opened with the study's capital when the window begins and sold when it ends, costs
included, which a person who decides anew each time would pay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.studies.grid import Value
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.study import Study, between

__all__ = ["Forward", "Window", "walk"]


class Window(Struct, frozen=True):
    """One window (Unix seconds): the variant that was best until then, and what playing it kept there.

    ``keep`` and ``holding`` are in micro-units of home, on the study's capital.
    """

    start: int
    end: int
    parameters: dict[str, Value]
    keep: int
    holding: int


class Forward(Struct, frozen=True):
    """The windows, and the sums of what was kept and what holding kept over them, micro-units of home."""

    windows: list[Window]
    keep: int
    holding: int


def walk(
    study: Study,
    prepared: Prepared,
    play: Callable[[Study, Prepared, Mapping[str, Value]], Mapping[str, Any]],
    variants: Sequence[Mapping[str, Value]],
    gains: Any,
    windows: int,
) -> tuple[Forward | None, list[str]]:
    """Play the windows but the first; return them, or why a window cannot be played.

    Parameters
    ----------
    play : backtests a study with parameters; answers ``keep`` and ``holding`` in micro-units.
    variants, gains : what was tried, and their log gains over holding in equal steps of the period (variants, steps).
    """
    edges = np.linspace(0, gains.shape[1], windows + 1).astype(int)
    past = np.cumsum(np.add.reduceat(gains, edges[:-1], axis=1), axis=1)
    times = [prepared.start + (prepared.end - prepared.start) * at // windows for at in range(windows + 1)]
    found: list[Window] = []
    for at in range(1, windows):
        chosen = variants[int(np.argmax(past[:, at - 1]))]
        part = between(study, times[at], times[at + 1])
        try:
            answer = play(part, prepare(part, prepared.markets), chosen)
        except BadInput as error:
            return None, [f"a fifth of the period is too short to be played by itself: {error.message}"]
        found.append(Window(times[at], times[at + 1], dict(chosen), answer["keep"], answer["holding"]))
    return Forward(found, sum(one.keep for one in found), sum(one.holding for one in found)), []
