"""Exact Uniswap v3 swaps: the kernel with all its checks, against the prototype and the bytecode, in one run.

Usage: ``python benchmarks/bench_v3.py [swaps]`` (default 24,000). The prototype lies beside the data, outside the
repository, and is left out where it is absent; so is pyrevm without the contract artefacts. All must agree to the wei,
and the bytecode's final state with the kernel's. Rounds of the three alternate.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.table import Row
from tidemill.market.data import data_root
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.kernel import KernelPool
from tidemill.venues.uniswap_v3.kernel_state import GROWTH
from tidemill.venues.uniswap_v3.model import TICK_SPACING, UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import PoolState, TickInfo
from tidemill.venues.uniswap_v3.rules_ticks import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO
from tidemill.venues.uniswap_v3.tape import Flow

ROUNDS = 9
FEES = (500, 3000, 10_000)
BYTECODE_SWAPS = 200  # in each round: the bytecode goes on where it stopped


class Work(NamedTuple):
    """A pool's positions (lower, upper, liquidity) at price 1, and swaps (zero for one, exact in, amount)."""

    fee: int
    positions: list[tuple[int, int, int]]
    swaps: list[tuple[bool, bool, int]]


def make_work(fee: int, count: int) -> Work:
    """Return a pool of 101 positions and random swaps, both directions and kinds, one in eleven crossing a tick.

    On the real day of the tests (5 January 2024) one swap in ten leaves its cell.
    """
    rng = random.Random(fee)
    spacing = TICK_SPACING[fee]
    widest = MAX_TICK // spacing * spacing
    positions = [(-widest, widest, 10**24)]
    for _ in range(100):
        centre, half = rng.randint(-60, 60), rng.randint(1, 40)
        positions.append(((centre - half) * spacing, (centre + half) * spacing, rng.randint(10**20, 10**22)))
    sizes = [spacing * int(10 ** rng.uniform(14, 20)) for _ in range(count)]
    swaps = [(rng.random() < 0.5, rng.random() < 0.6, size) for size in sizes]
    return Work(fee, positions, swaps)


def pool_state(work: Work) -> PoolState:
    """Return the model's state of the pool before the swaps."""
    pool = UniswapV3Model().init({"token0": "A", "token1": "B", "fee": work.fee}).pool
    pool.sqrt_price_x96, pool.tick = 1 << 96, 0
    for lower, upper, liquidity in work.positions:
        for tick, delta in ((lower, liquidity), (upper, -liquidity)):
            held = pool.ticks.get(tick, TickInfo(0, 0, 0, 0, 0, 0, 0))
            pool.ticks[tick] = held._replace(
                liquidity_gross=held.liquidity_gross + liquidity, liquidity_net=held.liquidity_net + delta
            )
        if lower <= 0 < upper:
            pool.liquidity += liquidity
    for tick in pool.ticks:
        place = tick // pool.tick_spacing
        pool.bitmap[place >> 8] = pool.bitmap.get(place >> 8, 0) | 1 << (place & 255)
    return pool


def flow_of(work: Work) -> Flow:
    """Return the swaps as a flow."""
    n = len(work.swaps)
    down = np.array([d for d, _, _ in work.swaps], np.uint8)
    return Flow(
        np.zeros(n, np.int64), np.arange(n), np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n, np.uint8), down,
        pack([a if exact_in else -a for _, exact_in, a in work.swaps]),
        pack([MIN_SQRT_RATIO + 1 if d else MAX_SQRT_RATIO - 1 for d in down], 3),
        *(np.zeros((n, 4), np.uint64) for _ in range(2)), *(np.zeros(n, np.int32) for _ in range(2)),
        np.zeros((n, 4), np.uint64), np.zeros((n, 3), np.uint64),
    )  # fmt: skip


def seconds(work: Callable[[Any], Any], fresh: Callable[[], Any]) -> float:
    """Time one run of `work` on a fresh argument, in processor time: neighbours on the machine do not count."""
    argument = fresh()
    began = time.process_time()
    work(argument)
    return time.process_time() - began


def load_prototype() -> Any:
    """Return the prototype's module, or None where it is not at hand."""
    folder = Path(data_root() or ".").parent / "prototypes"
    if not (folder / "v3_kernel.py").is_file():
        return None
    sys.path.insert(0, str(folder))
    import v3_kernel  # noqa: PLC0415

    return v3_kernel


def prototype_run(module: Any, work: Work) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Return what makes a fresh prototype pool, and what runs the swaps on it and returns its amounts."""
    table = module.table()
    down = np.array([d for d, _, _ in work.swaps])
    exact_in = np.array([e for _, e, _ in work.swaps])
    amounts = pack([a for _, _, a in work.swaps])
    out = np.zeros((7 * len(work.swaps), 4), np.uint64)

    def run(p: Any) -> Any:
        module.run(p.S, p.I, p.BM, p.WO, p.LN, p.FO, p.TO, table, down, exact_in, amounts, out, True)
        return out

    return lambda: module.Pool(work.fee, TICK_SPACING[work.fee], work.positions), run


class Bytecode:
    """The real pool on pyrevm, called the fastest way it can be: by one callee of ours that pays, encoded beforehand."""

    def __init__(self, work: Work) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from harness import V3  # noqa: PLC0415

        self.v3 = v3 = V3(fee=work.fee)
        self.me = me = v3.actors["alice"]
        for lower, upper, liquidity in work.positions:
            v3.act("pool_mint", me, tick_lower=lower, tick_upper=upper, liquidity=liquidity)
        self.codec = v3.callee.abi.functions["swap"]
        self.calls = [
            self.codec.encode(
                *(v3.pool.address, me, down, amount if exact_in else -amount),
                *(MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1, True, 0, False),
            )
            for down, exact_in, amount in work.swaps[: ROUNDS * BYTECODE_SWAPS]
        ]
        self.answers: list[bytes] = []

    def seconds(self) -> float:
        """Run the next swaps; return processor seconds per swap."""
        done = len(self.answers)
        calls = self.calls[done : done + BYTECODE_SWAPS]
        call, me, callee = self.v3.evm.call, self.me, self.v3.callee.address
        began = time.process_time()
        self.answers += [call(me, callee, data) for data in calls]
        return (time.process_time() - began) / len(calls)

    def amounts(self) -> list[tuple[int, int]]:
        """Amounts of token0 and token1 of the swaps so far."""
        return [self.codec.decode(answer)[:2] for answer in self.answers]

    def state(self) -> list[int]:
        """Price, tick, liquidity and both fee growths."""
        view = self.v3.pool.view
        names = ("liquidity", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128")
        return [*view("slot0")[:2], *(view(name) for name in names)]


def load_bytecode(work: Work) -> Bytecode | None:
    """Return the real pool, or None without the artefacts."""
    try:
        return Bytecode(work)
    except Exception as error:  # noqa: BLE001 - whatever keeps the bytecode away is the note of the row
        print(f"(pyrevm left out: {error})")
        return None


def check_bytecode(bytecode: Bytecode, state: PoolState, flow: Flow, amounts: list[tuple[int, int]]) -> None:
    """Make sure that the bytecode gave the same amounts and came to the same state."""
    done = len(bytecode.answers)
    assert bytecode.amounts() == amounts[:done], "the bytecode disagrees"
    pool = KernelPool(state)
    pool.run(flow, 0, done)
    growth = unpack(pool.cells[GROWTH : GROWTH + 2])
    assert bytecode.state() == [pool.sqrt_price_x96, pool.tick, pool.liquidity, *growth], "the bytecode's state differs"


def measure(fee: int, count: int, module: Any) -> tuple[float, float | None, float | None, float]:
    """Return seconds per swap of kernel, prototype and bytecode, and crossings per swap; all outcomes compared."""
    work = make_work(fee, count)
    state, flow = pool_state(work), flow_of(work)
    out, _ = KernelPool(state).run(flow, steps=True)
    amounts = list(zip(unpack(out.amount0, signed=True), unpack(out.amount1, signed=True), strict=True))
    assert not out.status.any()
    kernel_times, prototype_times, bytecode_times = [], [], []
    into, _ = KernelPool(state).run(flow)  # both write to memory that they have written to before
    if module is not None:
        fresh, run = prototype_run(module, work)
        theirs = unpack(run(fresh()), signed=True)
        assert amounts == list(zip(theirs[0::7], theirs[1::7], strict=True)), "the prototype disagrees"
    bytecode = load_bytecode(work)
    for _ in range(ROUNDS):
        kernel_times.append(seconds(lambda pool: pool.run(flow, into=into), lambda: KernelPool(state)))
        if module is not None:
            prototype_times.append(seconds(run, fresh))
        if bytecode is not None:
            bytecode_times.append(bytecode.seconds())
    for timed, logged in zip(into, out, strict=True):
        assert np.array_equal(timed, logged), "the timed run disagrees"
    if bytecode is not None:
        check_bytecode(bytecode, state, flow, amounts)
    return (
        statistics.median(kernel_times) / count,
        statistics.median(prototype_times) / count if prototype_times else None,
        statistics.median(bytecode_times) if bytecode_times else None,
        float(out.crossed.sum()) / count,
    )


def rows(count: int = 24_000) -> list[Row]:
    """Return one row per fee tier: medians of one run and ratios."""
    module = load_prototype()
    out = []
    for fee in FEES:
        kernel, prototype, bytecode, crossings = measure(fee, count, module)
        against = [
            f"{prototype / kernel:.2f} x prototype" if prototype else "prototype absent",
            f"{bytecode / kernel:,.0f} x pyrevm" if bytecode else "pyrevm absent",
        ]
        known = bool(prototype and bytecode)
        reached = bool(prototype and bytecode and prototype / kernel >= 0.8 and bytecode / kernel >= 300)
        out.append(
            Row(
                f"exact v3 swaps, all checks, one thread, fee {fee} ({crossings:.2f} crossings a swap)",
                f"{1 / kernel / 1e6:.2f} M/s",
                ", ".join(against),
                ">= 0.8 x prototype, >= 300 x pyrevm",
                reached if known else None,
            )
        )
    return out


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 24_000):
        print("  ".join(str(cell) for cell in row))
