"""The exact pool in machine code: recorded events re-executed, a step log of what swaps did, the tape made of it.

One's own liquidity is in the pool like anybody's (``impact``); with ``anchored`` an arbitrageur trades the price back
to the recorded one after each recorded swap. Equality with the model is tested action by action.

>>> pool = KernelPool(state)                                             # doctest: +SKIP
>>> pool.mint(-600, 600, 10**18)                                         # doctest: +SKIP
>>> outcome = pool.run(flow)                                             # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.errors import InvariantBroken, Revert
from tidemill.units import to_index, wide, wrapping_neg, wrapping_sub
from tidemill.units.jit import as_index, borrow, load192, load256, pack, store128, store192, store256, unpack
from tidemill.units.kernels import kernel, part
from tidemill.venues.uniswap_v3.kernel_state import (
    BIAS,
    FEE,
    GROWTH,
    LIQUIDITY,
    PRICE,
    PROTOCOL,
    SHARE,
    STEPS,
    TICK,
    Cells,
    ensure_rows,
    growth_outside,
    make_cells,
    small,
)
from tidemill.venues.uniswap_v3.kernel_swap import (
    ARITHMETIC,
    DONE,
    NO_ROW,
    NONE_IN_RANGE,
    REASONS,
    change_range,
    get_small,
    set_small,
    swap,
    undo_swap,
)
from tidemill.venues.uniswap_v3.kernel_tape import StepLog, empty_log, read_log, split_steps
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.rules_fees import (
    fee_growth_down,
    fee_growth_inside,
    flash_fee_up,
    protocol_share_down,
    wrapping_add_128,
)
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["KernelPool", "Outcome", "one_event", "run_events", "warm"]

_SWAP, _MINT, _BURN, _COLLECT, _FLASH, _SET_SHARE, _COLLECT_PROTOCOL = range(7)
_ZERO: int = wide(0)
_WHATEVER = wide((1 << 255) - 1)  # an exact input that no pool can take: the swap ends at its price limit
_SIGN = wide(1 << 255)


class Outcome(NamedTuple):
    """What each event came to; rows as in the `Flow` run."""

    status: NDArray[np.uint8]
    """0 done, else a place in `kernel_swap.REASONS`: reverted, and the pool left as it was."""
    amount0: NDArray[np.uint64]
    """``(n, 4)``, two's complement: what token0 the event put in (positive) or took out."""
    amount1: NDArray[np.uint64]
    back0: NDArray[np.uint64]
    """The same for the trade back to the recorded price (``anchored``; 0 otherwise)."""
    back1: NDArray[np.uint64]
    sqrt_price: NDArray[np.uint64]
    """``(n, 3)``: price after the event (and the trade back)."""
    liquidity: NDArray[np.uint64]
    """``(n, 2)``."""
    tick: NDArray[np.int32]
    crossed: NDArray[np.int32]
    """Ticks in use that the price passed."""
    middle: NDArray[np.int32]
    """Tick after a swap, before the trade back (``anchored``; 0 otherwise)."""


def _empty_outcome(n: int) -> Outcome:
    return Outcome(
        status=np.zeros(n, np.uint8),
        amount0=np.zeros((n, 4), np.uint64),
        amount1=np.zeros((n, 4), np.uint64),
        back0=np.zeros((n, 4), np.uint64),
        back1=np.zeros((n, 4), np.uint64),
        sqrt_price=np.zeros((n, 3), np.uint64),
        liquidity=np.zeros((n, 2), np.uint64),
        tick=np.zeros(n, np.int32),
        crossed=np.zeros(n, np.int32),
        middle=np.zeros(n, np.int32),
    )


@kernel(_nrt=False)  # makes no array: as its parts, it need not count who holds one
def run_events(pool: Any, flow: Any, start: int, stop: int, anchored: bool, out: Any, log: Any) -> tuple[int, int]:
    """Execute events ``[start, stop)`` of a flow on a pool's cells.

    Stops early where the log might not hold another swap's steps: with none more than there are bitmap words and
    ticks. An event that reverts changes nothing and says why in ``out.status``.

    Returns
    -------
    (next event, rows logged)
    """
    pool, log = borrow(pool), borrow(log)
    logged = 0
    room = log.shape[0] // 4
    most = 2 * get_small(pool, STEPS)
    for k in range(start, stop):
        if room > 0 and logged + most > room:
            return k, logged
        status, crossed = ARITHMETIC, 0
        amount0 = amount1 = _ZERO
        kind = flow.kind[k]
        if kind == _SWAP:
            # leg 0 is the recorded swap, leg 1 (anchored) the trade back; one call, so that it is compiled once
            for leg in range(2 if anchored else 1):
                specified, limit = load256(flow.specified, k), load192(flow.limit, k)
                down = flow.zero_for_one[k] != 0
                if leg == 1:
                    specified, limit = _WHATEVER, load192(flow.sqrt_price, k)
                    price = load256(pool, PRICE)
                    down = limit < price
                    if limit == price:
                        break
                code, before = ARITHMETIC, logged
                paid = got = _ZERO
                passed = 0
                try:
                    exact_in = specified < _SIGN
                    amount = specified if exact_in else wrapping_neg(specified)
                    code, paid, got, logged, passed = swap(pool, down, exact_in, amount, limit, log, logged, k)
                except Exception:  # noqa: BLE001 - the only one that compiled code sees
                    code = ARITHMETIC
                if code != DONE:
                    logged = before
                    undo_swap(pool)
                else:
                    crossed += passed
                    gave = wrapping_neg(got)
                    if leg == 0:
                        amount0, amount1 = (paid, gave) if down else (gave, paid)
                    else:
                        store256(out.back0, k, paid if down else gave)
                        store256(out.back1, k, gave if down else paid)
                if leg == 0:
                    status = code
                    if anchored:
                        out.middle[k] = get_small(pool, TICK) - BIAS
        elif kind in (_MINT, _BURN):
            try:
                delta = load256(flow.liquidity_delta, k)
                if delta >= _SIGN:
                    delta = wrapping_neg(delta)
                lower, upper = as_index(flow.tick_lower[k]), as_index(flow.tick_upper[k])
                status, amount0, amount1 = change_range(pool, lower, upper, kind == _MINT, delta)
                if kind == _BURN:
                    amount0, amount1 = wrapping_neg(amount0), wrapping_neg(amount1)
            except Exception:  # noqa: BLE001
                status = ARITHMETIC
        elif kind == _FLASH:
            try:
                status, amount0, amount1 = _flash(pool, load256(flow.amount0, k), load256(flow.amount1, k))
            except Exception:  # noqa: BLE001
                status = ARITHMETIC
        else:
            status = _administer(pool, kind, load256(flow.amount0, k), load256(flow.amount1, k))
        out.status[k] = status
        store256(out.amount0, k, amount0)
        store256(out.amount1, k, amount1)
        store192(out.sqrt_price, k, load256(pool, PRICE))
        store128(out.liquidity, k, load256(pool, LIQUIDITY))
        out.tick[k], out.crossed[k] = get_small(pool, TICK) - BIAS, crossed
    return stop, logged


@part
def _flash(pool: Any, lent0: Any, lent1: Any) -> tuple[int, Any, Any]:
    """A loan repaid with exactly its fee; returns (code, fee of token0, fee of token1)."""
    fee, liquidity = get_small(pool, FEE), load256(pool, LIQUIDITY)
    if load256(pool, PRICE) == 0 or liquidity == 0:
        return NONE_IN_RANGE, _ZERO, _ZERO
    paid0, paid1 = flash_fee_up(lent0, fee), flash_fee_up(lent1, fee)
    share0 = protocol_share_down(paid0, get_small(pool, (SHARE, 0)))
    share1 = protocol_share_down(paid1, get_small(pool, (SHARE, 1)))
    growth0 = fee_growth_down(load256(pool, GROWTH), wrapping_sub(paid0, share0), liquidity)
    growth1 = fee_growth_down(load256(pool, GROWTH + 1), wrapping_sub(paid1, share1), liquidity)
    store256(pool, GROWTH, growth0)
    store256(pool, GROWTH + 1, growth1)
    store256(pool, PROTOCOL, wrapping_add_128(load256(pool, PROTOCOL), share0))
    store256(pool, PROTOCOL + 1, wrapping_add_128(load256(pool, PROTOCOL + 1), share1))
    return DONE, paid0, paid1


@part
def _administer(pool: Any, kind: int, value0: Any, value1: Any) -> int:
    """Collecting moves tokens only; the protocol's share is set, its fees are taken out."""
    if kind == _SET_SHARE:
        set_small(pool, (SHARE, 0), to_index(value0))
        set_small(pool, (SHARE, 1), to_index(value1))
    elif kind == _COLLECT_PROTOCOL:
        held0, held1 = load256(pool, PROTOCOL), load256(pool, PROTOCOL + 1)
        if value0 > held0 or value1 > held1:
            return ARITHMETIC
        store256(pool, PROTOCOL, wrapping_sub(held0, value0))
        store256(pool, PROTOCOL + 1, wrapping_sub(held1, value1))
    return DONE


class KernelPool:
    """A pool in machine code, with the model's numbers.

    Parameters
    ----------
    state : where it starts.
    flow : events it will run: the ticks they mint on get their rows.
    """

    def __init__(self, state: PoolState, flow: Flow | None = None) -> None:
        more: set[int] = set()
        if flow is not None:
            minted = flow.kind == _MINT
            ticks = np.concatenate([flow.tick_lower[minted], flow.tick_upper[minted]])
            more = set(ticks.tolist())
        self.cells: Cells = make_cells(state, more)

    @property
    def sqrt_price_x96(self) -> int:
        """Price, Q64.96."""
        return unpack(self.cells[PRICE : PRICE + 1])[0]

    @property
    def tick(self) -> int:
        """Current tick."""
        return small(self.cells, TICK) - BIAS

    @property
    def liquidity(self) -> int:
        """Active liquidity, one's own included."""
        return unpack(self.cells[LIQUIDITY : LIQUIDITY + 1])[0]

    def run(
        self,
        flow: Flow,
        start: int = 0,
        stop: int | None = None,
        *,
        anchored: bool = False,
        steps: bool = False,
        into: Outcome | None = None,
    ) -> tuple[Outcome, StepLog]:
        """Execute recorded events; with ``steps`` the log says what each swap did, step by step.

        ``into`` is an outcome of the same flow to write over (rows ``[start, stop)``), so that memory is taken once.

        Raises
        ------
        InvariantBroken : an event mints on a tick that the pool was not told of when it was made.
        """
        stop = len(flow.kind) if stop is None else stop
        out = _empty_outcome(len(flow.kind)) if into is None else into
        if into is not None:
            into.back0[start:stop] = into.back1[start:stop] = 0
            into.middle[start:stop] = 0
        logs = []
        while True:
            log = empty_log(self._log_room(stop - start) if steps else 0)
            start, logged = run_events(self.cells, flow, start, stop, anchored, out, log)
            logs.append(read_log(log, logged))
            if start >= stop:
                break
        if (out.status == NO_ROW).any():
            raise InvariantBroken("an event mints on a tick without a row: make the pool with the flow it runs")
        return out, StepLog._make(np.concatenate(columns) for columns in zip(*logs, strict=True))

    def _log_room(self, events: int) -> int:
        return 2 * small(self.cells, STEPS) + min(2 * events, 1 << 20)

    def tape(self, log: StepLog, flow: Flow) -> Tape:
        """Split a log's steps at every multiple of the tick spacing."""
        return split_steps(self.cells, log, flow)

    def swap(self, zero_for_one: bool, amount_specified: int, sqrt_price_limit_x96: int) -> tuple[int, int]:
        """Swap as the contract's ``swap``; returns (amount0, amount1), positive into the pool.

        Raises
        ------
        Revert : as the contract would, the pool unchanged.
        """
        flow = one_event(_SWAP, zero_for_one=zero_for_one, specified=amount_specified, limit=sqrt_price_limit_x96)
        return self._one(flow)

    def mint(self, tick_lower: int, tick_upper: int, liquidity: int) -> tuple[int, int]:
        """Add liquidity; returns what it costs (amount0, amount1)."""
        self.cells = ensure_rows(self.cells, (tick_lower, tick_upper))
        return self._one(one_event(_MINT, ticks=(tick_lower, tick_upper), delta=liquidity))

    def burn(self, tick_lower: int, tick_upper: int, liquidity: int) -> tuple[int, int]:
        """Take liquidity off; returns what it gives (amount0, amount1). Whose it is, the caller knows."""
        amount0, amount1 = self._one(one_event(_BURN, ticks=(tick_lower, tick_upper), delta=-liquidity))
        return -amount0, -amount1

    def growth_inside(self, tick_lower: int, tick_upper: int) -> tuple[int, int]:
        """Fee growth inside a range (token0, token1), as positions see it: only differences mean something."""
        lower, upper = growth_outside(self.cells, tick_lower), growth_outside(self.cells, tick_upper)
        growth = unpack(self.cells[GROWTH : GROWTH + 2])
        inside = (
            fee_growth_inside(self.tick, tick_lower, tick_upper, growth[side], lower[side], upper[side])
            for side in (0, 1)
        )
        token0, token1 = inside
        return token0, token1

    def snapshot(self) -> Cells:
        """Return a copy of the state for `restore`."""
        return self.cells.copy()

    def restore(self, snapshot: Cells) -> None:
        """Go back to a snapshot."""
        self.cells = snapshot.copy()

    def _one(self, flow: Flow) -> tuple[int, int]:
        out, _ = self.run(flow)
        status = int(out.status[0])
        if status != DONE:
            raise Revert(REASONS[status])
        return unpack(out.amount0, signed=True)[0], unpack(out.amount1, signed=True)[0]


def warm() -> None:
    """Compile the kernels, or load them: called at install."""
    pool = KernelPool(PoolState("A", "B", 3000, 60, 1 << 100, "pool", "owner", sqrt_price_x96=1 << 96))
    pool.mint(-60, 60, 10**6)
    flow = one_event(_SWAP, zero_for_one=True, specified=10, limit=1 << 95)
    _, log = pool.run(flow, steps=True)
    pool.tape(log, flow)


def one_event(
    kind: int,
    *,
    zero_for_one: bool = False,
    specified: int = 0,
    limit: int = 0,
    ticks: tuple[int, int] = (0, 0),
    delta: int = 0,
) -> Flow:
    """A flow of one event, at no time in particular."""
    return Flow(
        time=np.zeros(1, np.int64),
        block=np.zeros(1, np.int64),
        log_index=np.zeros(1, np.int32),
        kind=np.array([kind], np.uint8),
        swap_type=np.zeros(1, np.uint8),
        zero_for_one=np.array([zero_for_one], np.uint8),
        specified=pack([specified]),
        limit=pack([limit], 3),
        amount0=np.zeros((1, 4), np.uint64),
        amount1=np.zeros((1, 4), np.uint64),
        tick_lower=np.array([ticks[0]], np.int32),
        tick_upper=np.array([ticks[1]], np.int32),
        liquidity_delta=pack([delta]),
        sqrt_price=np.zeros((1, 3), np.uint64),
    )
