"""What a screen stands on: a study's recorded path with its fee index, its capital, and what its transactions cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.market.index import FeeIndex
from tidemill.studies.backtest import Backtest, Played
from tidemill.studies.market_data import MarketData
from tidemill.venues.uniswap_v3.tape import Tape

__all__ = ["Ground", "Terms", "floats", "recorded", "stand"]


class Terms(NamedTuple):
    """What compiled code needs beside the path: numbers alone, raw units, seconds and parts.

    ``costs``: what a swap, a mint and a close cost, raw units of the native token. ``native``: what one of these is worth in
    raw units of home, and whether the pool's price says it instead. ``period``: seconds from block to block.
    """

    start: int
    end: int
    have0: float
    have1: float
    spacing: int
    fee: float
    dilutes: bool
    home0: bool
    costs: tuple[float, float, float]
    native: tuple[float, bool]
    period: int


class Ground:
    """A study as a screen sees it.

    Parameters
    ----------
    backtest : a study over one recorded Uniswap v3 market, in ``small`` or ``diluted`` mode, closed at its end into a token
        of the pool. played : an exact run of it: what its transactions cost.

    Raises
    ------
    BadInput : a study that no screen knows; says why.
    """

    def __init__(self, backtest: Backtest, played: Played) -> None:
        self.name, self.market = _market(backtest)
        study, prepared = backtest.study, backtest.prepared
        pool, tape = self.market.pool, self.market.tape()
        token0, token1 = (prepared.token(token.symbol) for token in (pool.token0, pool.token1))
        native, wrapped = prepared.token(prepared.native), prepared.token(f"W{prepared.native}")
        if prepared.home not in (token0, token1) or study.exit != "close":
            raise BadInput("only a study that closes into a token of its pool can be screened", field="screen")
        if study.contributions:
            raise BadInput(
                "a study that is paid into on the way cannot be screened; leave --screen out", field="screen"
            )
        self.tape, self.index = tape, FeeIndex(tape)
        self.root, self.depth = floats(tape.sqrt_price) / 2.0**96, floats(tape.liquidity)
        self.parameters = backtest.chosen.parameters
        funds = prepared.funds()
        moves = wrapped in (token0, token1) and prepared.home != wrapped
        self.terms = Terms(
            start=prepared.start,
            end=prepared.end,
            have0=float(funds.get(token0, 0)),
            have1=float(funds.get(token1, 0)),
            spacing=pool.tick_spacing,
            fee=pool.fee / 1e6,
            dilutes=study.venues[self.name].mode == "diluted",
            home0=prepared.home == token0,
            costs=_costs(played, native),
            native=(0.0 if moves else _worth(prepared, wrapped, native), moves),
            period=self.market.seconds_per_block,
        )
        self._native = funds.get(native, 0)
        self._scale = 10.0 ** (6 - prepared.decimals[study.home])

    @property
    def path(self) -> tuple[Any, ...]:
        """What compiled code reads of the path, in the order in which it unpacks it."""
        return recorded(self.tape, self.index, self.root, self.depth, dilutes=self.terms.dilutes)

    def keep(self, kept: Any) -> Any:
        """Return micro-units of home for ``kept`` (raw units, gas paid): with what the native balance gained or lost.

        Gas leaves that balance, which is worth the price at the end; what is left of it moved with that price.
        """
        moved = self._native * (self.worth_at(self.row(self.terms.end)) - self.worth_at(self.row(self.terms.start)))
        return np.floor((kept + moved) * self._scale)

    def row(self, time: int) -> int:
        """Return the last step at or before ``time``, or the first."""
        return max(int(np.searchsorted(self.tape.time, time, side="right")) - 1, 0)

    def worth_at(self, row: int) -> float:
        """Return what a raw unit of the native token is worth there, in raw units of home."""
        constant, moves = self.terms.native
        square = float(self.root[row]) ** 2
        return (1.0 / square if self.terms.home0 else square) if moves else constant


def stand(
    backtest: Backtest, played: Played, variants: Sequence[Mapping[str, Any]], known: Sequence[str]
) -> tuple[Ground, list[dict[str, Any]]]:
    """Return the ground of a study, and all parameters of each variant.

    Raises
    ------
    BadInput : a study that no screen knows, or a parameter other than ``known`` that varies.
    """
    ground = Ground(backtest, played)
    if other := sorted({key for variant in variants for key in variant} - set(known)):
        listed = f"{', '.join(known[:-1])} and {known[-1]}"
        raise BadInput(f"{', '.join(other)}: a screen of {backtest.study.strategy} varies {listed}", field="grid")
    return ground, [{**ground.parameters, **variant} for variant in variants]


def floats(limbs: Any) -> Any:
    """Return limbs as floats."""
    weights = 2.0 ** (64 * np.arange(limbs.shape[1]))
    return limbs.astype(float) @ weights


def recorded(tape: Tape, index: FeeIndex, root: Any, depth: Any, *, dilutes: bool) -> tuple[Any, ...]:
    """Return a path as compiled screens read it: columns of steps, the lists of the index, and where own liquidity dilutes
    the sums of growth over liquidity (records like those of the index, and what a unit of them is).
    """
    each = floats(tape.fee) / np.maximum(depth, 1.0) * (depth > 0)
    down = tape.zero_for_one == 1
    grown = np.column_stack([each * down, each * ~down])
    columns = (tape.time, tape.block, tape.tick, tape.cell, root, depth, grown, index.lists)
    if not dilutes:
        return (*columns, (index.lists[0], index.lists[3], 1.0))
    scale = 2.0**10 * float(depth.max())  # raw units of fees are few: ten bits more keep a thousandth of one
    wide = np.floor(floats(tape.fee) * scale / np.maximum(depth, 1.0) * (depth > 0))
    high = np.floor(wide / 2.0**64)
    fee = np.column_stack([wide - high * 2.0**64, high]).astype(np.uint64)
    total, _, _, base, *_ = FeeIndex(tape._replace(fee=fee)).lists
    return (*columns, (total, base, 1.0 / scale))


def _market(backtest: Backtest) -> tuple[str, MarketData]:
    study, markets = backtest.study, backtest.prepared.markets
    if len(markets) != 1 or len(study.venues) != 1:
        raise BadInput("only a study of one recorded market can be screened; leave --screen out", field="screen")
    ((name, market),) = markets.items()
    if (mode := study.venues[name].mode) not in ("small", "diluted"):
        raise BadInput(f"a path that you move ({mode}) cannot be screened; leave --screen out", field="screen")
    return name, market


def _worth(prepared: Any, wrapped: str, native: str) -> float:
    """Return what a raw unit of the native token is worth in raw units of home, where that is one price."""
    if prepared.home in (wrapped, native):
        return 1.0
    decimals = prepared.decimals[prepared.study.home] - prepared.decimals[prepared.native]
    return float(prepared.study.prices[prepared.native]) * float(10.0**decimals)


def _costs(played: Played, native: str) -> tuple[float, float, float]:
    """Return the native token that a swap, a mint and a close cost on average in an exact run."""
    found = []
    for verb in ("swap_exact_in", "mint", "close"):
        lines = [line for line in played.outcomes.record if isinstance(line, Recorded) and line.verb == verb]
        paid = [line.costs.total for line in lines if line.costs.total and line.native == native]
        found.append(sum(paid) / len(paid) if paid else 0.0)
    return found[0], found[1], found[2]
