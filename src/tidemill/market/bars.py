"""Fidelity ``bars``: an approximate tape from minute or hourly bars, and its error measured against event replay.

``to_bars`` makes bars of a dataset of events, ``measure_bars`` replays both and compares fees of a wide and a narrow
position: that figure is what every result from bars prints beside its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.errors import BadData
from tidemill.market.bar_columns import BarOf, BlocksOf, LimbsOf, PricesAt, TimesOf
from tidemill.market.bar_paths import trace_bars
from tidemill.market.index import FeeIndex
from tidemill.market.limbs import Limbs, from_limbs, to_limbs
from tidemill.market.replay import Account, Replay, SwapType
from tidemill.market.schema import BARS, Kind
from tidemill.market.store import PIECE, Dataset, make_manifest
from tidemill.market.tables import Held
from tidemill.market.walk import price_at
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK
from tidemill.venues.uniswap_v3.tape import Flow, Tape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidemill.market.manifest import PoolInfo
    from tidemill.market.tables import Table

__all__ = ["MEASURED", "BarError", "measure_bars", "replay_bars", "to_bars"]

NARROW, WIDE = 100, 1000
"""Half widths in ticks of the two positions that errors are measured on."""

EVEN = 0.6
"""Part of the back-and-forth trade spread evenly over a bar's ticks; the rest sits at its open and close."""

PART = 1 << 12
"""Bars laid out at a time."""

_TICKS = ("open_tick", "low_tick", "high_tick", "close_tick")
_WIDE = ("in0", "in1", "liquidity")


class BarError(Struct, frozen=True):
    """Fees from bars against fees from events, one position: parts per million of the latter, by value and by token."""

    half_width: int
    value_ppm: int
    token0_ppm: int
    token1_ppm: int


MEASURED = (
    "measured against event replay of mainnet USDC/WETH 0.05 %, 5 January 2024: minute bars, wide +0.36 %, narrow "
    "+1.87 %; hourly bars, wide +3.79 %, narrow +1.71 %"
)
"""What results from bars print; a test measures it again."""


def replay_bars(dataset: Dataset) -> Replay:
    """Make the approximate tape of a dataset of bars; raises ``BadData`` for a bar out of order in itself."""
    bars = dataset.table("bars")
    tape, flow = bar_tape(bars, dataset.pool)
    account = Account(
        fidelity="bars",
        swaps=bars.height,
        exact_in=0,
        exact_out=0,
        price_limited=0,
        model_error=f"path within each bar is a reconstruction; fees {MEASURED}",
    )
    return Replay(tape, flow, account)


def bar_tape(bars: Table | pl.DataFrame, pool: PoolInfo) -> tuple[Tape, Flow]:
    """Lay out the steps of bars (table ``BARS``). Bars without trades leave no step.

    Raises ``BadData`` for a bar that contradicts itself, or where none has a trade.
    """
    table = Held(bars) if isinstance(bars, pl.DataFrame) else bars
    span = _Span.of(table)
    length = _spacing(span.time)
    room, steps = 8 * table.height + 4096, None
    while steps is None:  # memory that is not written to costs nothing
        steps = _steps(table, span, pool, room)
        room *= 2
    traded, first, cell, tick, down, fee, liquidity, fell, close = steps
    start, seconds = span.time[traded], _block_seconds(pool)
    times, blocks = TimesOf(start, length, first), TimesOf(start, length, first, seconds)
    time, block, event, price = _arrays(times, blocks, BarOf(first), _prices(tick))
    tape = Tape(time, block, event, cell, tick, price, liquidity, fee, down)
    return tape, _flow(table, traded, start, fell, close, pool)


class _Span(NamedTuple):
    """What must be known of all bars before the first is laid out: their times, the lowest and the highest tick."""

    time: NDArray[np.int64]
    lowest: int
    highest: int

    @classmethod
    def of(cls, table: Table) -> _Span:
        time = table.read(("time",))["time"].to_numpy()
        ticks: list[int] = []
        for piece in table.pieces(_TICKS, PIECE):
            columns = [piece[name].to_numpy() for name in _TICKS]
            ticks += [int(which(column)) for column in columns for which in (np.min, np.max)]
        # a bar beyond the pool's ticks is found where it is laid out, if it has trades
        return cls(time, max(min(ticks), MIN_TICK), min(max(ticks), MAX_TICK))


def _arrays(*columns: Any) -> tuple[Any, ...]:
    """Let derived columns pass as the arrays whose part they play."""
    return columns


def _nonzero(column: pl.Series) -> NDArray[np.bool_]:
    limbs = column.to_numpy()
    out: NDArray[np.bool_] = limbs[:, 0] != 0
    out |= limbs[:, 1] != 0
    return out


def _steps(table: Table, span: _Span, pool: PoolInfo, room: int) -> tuple[Any, ...] | None:
    """Return which bars traded (their rows, or a slice for all), rows of their first steps, the steps' cell, tick,
    direction, fee and liquidity, and of each bar whether it closed lower, and where; None if ``room`` rows are too few.
    """
    spacing, lowest, highest = pool.tick_spacing, span.lowest, span.highest
    low, high = lowest // spacing * spacing, (highest // spacing + 1) * spacing
    roots = 1.0001 ** (np.arange(2 * low, 2 * high + 2) / 4)
    low_cell = lowest // spacing - 1
    known = np.zeros((highest // spacing + 2 - low_cell, 2), np.uint64)
    visits = np.full(len(known), -1, np.int32)
    cell, tick = np.empty(room, np.int32), np.empty(room, np.int32)
    down, weight = np.empty(room, np.uint8), np.empty(room, np.float64)
    # limbs by column: high ones are nearly always zero, and zero pages that are only read take no memory
    fee, liquidity = (np.zeros((2, room), np.uint64).T for _ in range(2))
    first = np.empty(table.height + 1, np.int32 if room < 1 << 31 else np.int64)
    fell, close = np.empty(table.height, np.bool_), np.empty(table.height, np.int32)
    traded = np.zeros(table.height, np.bool_)
    at = bar = here = 0
    for start, piece in _parts(table):
        some = np.flatnonzero(_nonzero(piece["in0"]) | _nonzero(piece["in1"]))
        traded[start + some] = True
        ticks = np.column_stack([piece[name].to_numpy()[some] for name in _TICKS])
        _check(ticks, span.time[start + some])
        fell[bar : bar + len(some)], close[bar : bar + len(some)] = ticks[:, 3] < ticks[:, 0], ticks[:, 3]
        if bar == 0 and len(some):
            here = 2 * int(ticks[0, 0]) + 1  # half ticks: a price lies somewhere in its tick, so take the middle
        in0, in1, depth = (piece[name].to_numpy()[some] for name in _WIDE)
        fees = np.column_stack([_fee(in0, pool.fee, pool.fee_protocol0), _fee(in1, pool.fee, pool.fee_protocol1)])
        volume = np.column_stack([_floats(in0), _floats(in1)])
        at, here = trace_bars(
            ticks, volume, depth, fees, roots, 2 * low, spacing, EVEN, known, visits, low_cell, here,
            first[bar : bar + len(some)], cell, tick, down, fee, liquidity, weight, at, bar,
        )  # fmt: skip
        if at < 0:
            return None
        bar += len(some)
    if bar == 0:
        raise BadData("bars: none has a trade")
    first[bar] = at
    steps = first[: bar + 1], cell[:at], tick[:at], down[:at], fee[:at], liquidity[:at]
    return slice(None) if bar == table.height else traded, *steps, fell[:bar], close[:bar]


def _parts(table: Table) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield (row, bars from there on) in small parts: what is made of one is small enough to be made in the same place
    again for the next, where larger arrays would leave holes in the heap.
    """
    start = 0
    for piece in table.pieces((*_TICKS, *_WIDE), PIECE):
        for part in range(0, piece.height, PART):
            yield start + part, piece[part : part + PART]
        start += piece.height


def _check(ticks: NDArray[np.int32], time: NDArray[np.int64]) -> None:
    inside = (ticks[:, 1] <= np.minimum(ticks[:, 0], ticks[:, 3])) & (
        ticks[:, 2] >= np.maximum(ticks[:, 0], ticks[:, 3])
    )
    inside &= (ticks[:, 1] >= MIN_TICK) & (ticks[:, 2] <= MAX_TICK)
    if not inside.all():
        when = int(time[int(np.argmin(inside))])
        raise BadData(
            f"bars: at time {when} open or close lies outside lowest and highest tick, or these outside the pool's"
        )


def _spacing(time: NDArray[np.int64]) -> int:
    return int(np.diff(time).min()) if len(time) > 1 else 60


def _block_seconds(pool: PoolInfo) -> int:
    """Bars carry no block numbers: count blocks of the network's usual length from the epoch."""
    return 12 if pool.chain_id == 1 else 2


def _prices(tick: NDArray[np.int32]) -> PricesAt:
    low = int(tick.min())
    used = np.zeros(int(tick.max()) - low + 1, bool)
    for start in range(0, len(tick), PIECE):
        used[tick[start : start + PIECE] - low] = True
    table = np.zeros((len(used), 3), np.uint64)
    table[used] = to_limbs((price_at(int(t) + low) for t in np.flatnonzero(used)), 3)
    return PricesAt(tick, table, low)


def _fee(paid: Limbs, fee: int, protocol: int) -> Limbs:
    """Fee left to providers of each bar's input, rounded up as the pool rounds."""
    whole, rest = np.divmod(paid[:, 0], np.uint64(1_000_000))
    fees = whole * np.uint64(fee) + (rest * np.uint64(fee) + np.uint64(999_999)) // np.uint64(1_000_000)
    if protocol:
        fees -= fees // np.uint64(protocol)
    out = np.column_stack([fees, np.zeros_like(fees)])
    for row in np.flatnonzero(paid[:, 1]):
        value = -(-from_limbs(paid[row : row + 1])[0] * fee // 1_000_000)
        out[row] = to_limbs([value - (value // protocol if protocol else 0)], 2)[0]
    return out


def _floats(limbs: Limbs) -> NDArray[np.float64]:
    values: NDArray[np.float64] = limbs[:, 0].astype(np.float64) + limbs[:, 1].astype(np.float64) * 2.0**64
    return values


def _flow(
    table: Table,
    traded: Any,
    time: NDArray[np.int64],
    down: NDArray[np.bool_],
    close: NDArray[np.int32],
    pool: PoolInfo,
) -> Flow:
    """One swap a bar, to its close: what is known of the events. Wide columns are read where they are asked for."""
    n = len(time)
    zero_for_one = down.view(np.uint8)
    none = np.broadcast_to(np.int32(0), n)

    def paid(name: str) -> Any:
        return lambda: table.read((name,))[name].to_numpy()[traded]

    block, specified, limit, amount0, amount1 = _arrays(
        BlocksOf(time, _block_seconds(pool)),
        LimbsOf(zero_for_one, 4, paid("in0"), paid("in1")),
        _prices(close),
        LimbsOf(zero_for_one, 4, paid("in0")),
        LimbsOf(zero_for_one, 4, paid("in1")),
    )
    return Flow(
        time=time,
        block=block,
        log_index=none,
        kind=np.broadcast_to(np.uint8(Kind.SWAP), n),
        swap_type=np.broadcast_to(np.uint8(SwapType.PRICE_LIMITED), n),
        zero_for_one=zero_for_one,
        specified=specified,
        limit=limit,
        amount0=amount0,
        amount1=amount1,
        tick_lower=none,
        tick_upper=none,
        liquidity_delta=np.broadcast_to(np.uint64(0), (n, 4)),
        sqrt_price=limit,
    )


def to_bars(dataset: Dataset, seconds: int = 60) -> Dataset:
    """Make bars of ``seconds`` of a dataset of events: first, lowest, highest and last tick, input, liquidity."""
    events = dataset.events
    swaps = np.flatnonzero(events["kind"].to_numpy() == Kind.SWAP)
    part = events[swaps]
    start = part["time"].to_numpy() // seconds * seconds
    first = np.flatnonzero(np.diff(start, prepend=start[0] - 1))
    last = np.append(first[1:], len(start)) - 1
    tick = part["tick"].to_numpy()
    columns: dict[str, Any] = {
        "time": start[first],
        "open_tick": tick[first],
        "low_tick": np.minimum.reduceat(tick, first),
        "high_tick": np.maximum.reduceat(tick, first),
        "close_tick": tick[last],
    }
    for name, source in (("in0", "amount0"), ("in1", "amount1")):
        paid = [max(value, 0) for value in from_limbs(part[source].to_numpy(), signed=True)]
        sums = (sum(paid[a : b + 1]) for a, b in zip(first.tolist(), last.tolist(), strict=True))
        columns[name] = pl.Series(name, to_limbs(sums, 2, name=name), dtype=BARS[name])
    columns["liquidity"] = pl.Series("liquidity", part["liquidity"].to_numpy()[last], dtype=BARS["liquidity"])
    tables = {"bars": pl.DataFrame(columns, schema=BARS)}
    manifest = make_manifest(
        kind="uniswap_v3.bars",
        pool=dataset.pool,
        tables=tables,
        state=None,
        source=f"bars of {seconds} s of {dataset.content_hash[:16]}",
        synthetic=dataset.manifest.synthetic,
        licence=dataset.manifest.licence,
    )
    return Dataset(manifest, tables)


def measure_bars(dataset: Dataset, seconds: int = 60, *, bars: Dataset | None = None) -> tuple[BarError, BarError]:
    """Replay a dataset of events as events and as bars, and compare fees of a wide and a narrow position.

    Positions are centred on the first tick, held throughout, in ``small`` mode.
    """
    truth = FeeIndex(dataset.tape())
    guess = FeeIndex((bars or to_bars(dataset, seconds)).tape())
    centre, spacing = int(truth.tape.tick[0]), dataset.pool.tick_spacing
    price = price_at(int(truth.tape.tick[-1]))
    errors = []
    for half in (WIDE, NARROW):
        low, high = (centre - half) // spacing, (centre + half) // spacing
        was, got = (index.growth(low, high, 0, index.steps) for index in (truth, guess))
        values = [(g.token0 * price >> 96) * price + (g.token1 << 96) for g in (was, got)]
        errors.append(
            BarError(half, _ppm(values[1], values[0]), _ppm(got.token0, was.token0), _ppm(got.token1, was.token1))
        )
    return errors[0], errors[1]


def _ppm(found: int, true: int) -> int:
    return (found - true) * 1_000_000 // true if true else 0
