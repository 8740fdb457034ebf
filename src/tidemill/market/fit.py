"""Whether logs fit the pool they are said to be of: a sample of swaps must reproduce with its fee and tick spacing.

Cheap on purpose: the first events only, with liquidity known from earlier ones, so that an import of a year costs no
replay of it. What passes here may still be refused by a replay of everything.
"""

from __future__ import annotations

from functools import reduce
from math import gcd

import msgspec
import polars as pl
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.market.book import SeenBook
from tidemill.market.manifest import PoolInfo
from tidemill.market.replayer import Replayer
from tidemill.market.rows import EventRow, event_rows
from tidemill.market.schema import Kind
from tidemill.market.walk import Step

__all__ = ["Fit", "check_fit"]

SAMPLE = 1_500
"""Events looked at, from the first on."""
FEWEST = 10
"""Swaps that must be decidable for a verdict."""
WRONG_SHARE = 10
"""Refuse where more than one decidable swap in so many contradicts: a hole in the data makes a few, a wrong fee most."""
USUAL = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
"""Tick spacing by fee in millionths, as the factory on mainnet has them (``feeAmountTickSpacing``)."""
TICKS = 12
"""Distinct ticks that positions must have used before what they have in common speaks about the spacing."""


class Fit(Struct, frozen=True):
    """How many sampled swaps a description decides, and how many of these contradict it."""

    decided: int
    wrong: int

    @property
    def note(self) -> str:
        """One line where there is too little to judge by, else empty."""
        if self.decided >= FEWEST:
            return ""
        return (
            f"only {self.decided} swaps can be checked against fee and tick spacing (their path is known from events "
            "before them): both are taken as told"
        )


def check_fit(events: pl.DataFrame, pool: PoolInfo) -> Fit:
    """Re-execute a sample of ``events`` (table ``EVENTS``, in order) as swaps of ``pool``.

    Raises
    ------
    BadInput : the swaps contradict the fee or the spacing; names the field and, where a usual one fits, which.
    """
    rows = list(event_rows(events[:SAMPLE]))
    fit = _fit(rows, pool)
    if fit.decided >= FEWEST and fit.wrong * WRONG_SHARE > fit.decided:
        raise _misfit(rows, pool, fit)
    usual = USUAL.get(pool.fee, pool.tick_spacing)
    if usual > pool.tick_spacing and _common(events) % usual == 0:
        raise BadInput(
            f"{pool.tick_spacing} given, but every position begins and ends at a multiple of {usual}, the usual "
            f"spacing of fee {pool.fee}; give {usual}",
            field="tick_spacing",
        )
    return fit


def _misfit(rows: list[EventRow], pool: PoolInfo, fit: Fit) -> BadInput:
    said = f"with it {fit.wrong} of {fit.decided} sampled swaps contradict the events before them"
    for fee, spacing in USUAL.items():
        if any(tick % spacing for row in rows if row.kind in {Kind.MINT, Kind.BURN} for tick in (row.lower, row.upper)):
            continue
        other = _fit(rows, msgspec.structs.replace(pool, fee=fee, tick_spacing=spacing))
        if other.decided >= FEWEST and other.wrong * WRONG_SHARE <= other.decided:
            fits = f"fee {fee} with tick spacing {spacing} fits"
            if fee != pool.fee:
                return BadInput(f"{pool.fee} given, {said}; {fits}", field="fee")
            return BadInput(f"{pool.tick_spacing} given, {said}; {fits}", field="tick_spacing")
    return BadInput(
        f"{pool.fee} given, {said}, and no usual fee fits: logs of another pool, or with events missing", field="fee"
    )


def _common(events: pl.DataFrame) -> int:
    """Greatest common divisor of the positions' ticks, 1 where too few differ to tell."""
    bounds = events.filter(pl.col("kind").is_in([Kind.MINT, Kind.BURN]))
    ticks = set(bounds["tick_lower"].to_list()) | set(bounds["tick_upper"].to_list())
    return reduce(gcd, ticks, 0) if len(ticks) >= TICKS else 1


def _fit(rows: list[EventRow], pool: PoolInfo) -> Fit:
    sample = _Sample(pool)
    sample.run(rows)
    return Fit(sum(sample.counts.values()) + sample.wrong, sample.wrong)


class _Sample(Replayer):
    """Counts, and keeps no path."""

    def __init__(self, pool: PoolInfo) -> None:
        super().__init__(pool, SeenBook(pool.tick_spacing), None)
        self.wrong = 0

    def on_unknown(self, number: int, row: EventRow, down: bool) -> list[Step]:
        return []

    def on_mismatch(self, row: EventRow, down: bool) -> list[Step]:
        self.wrong += row.kind == Kind.SWAP
        return []
