"""Exact Uniswap v2 swaps: the kernel with all its checks, against the bytecode, in one run.

Usage: ``python benchmarks/bench_v2.py [swaps]`` (default 24,000). The bytecode is Router02 with its pair on pyrevm, left
out where the artefacts are absent; the same swaps must give the same amounts and the same state. Rounds alternate.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Row
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v2.kernel import SWAP_IN, SWAP_OUT, KernelPair, Outcome, PairFlow
from tidemill.venues.uniswap_v2.state import PairState

ROUNDS = 9
BYTECODE_SWAPS = 200  # in each round: the bytecode goes on where it stopped
PAIR = (0, 1)
START, TIME = 10**24, 1_700_000_000


def make_work(count: int) -> list[tuple[bool, bool, int]]:
    """Return random swaps (zero for one, exact in, amount): both directions and kinds, up to a hundredth of a reserve."""
    rng = random.Random("v2")
    return [(rng.random() < 0.5, rng.random() < 0.6, int(10 ** rng.uniform(15, 22))) for _ in range(count)]


def flow_of(work: list[tuple[bool, bool, int]]) -> PairFlow:
    """Return the swaps as a flow, twelve seconds apart."""
    n = len(work)
    kind = np.where([exact_in for _, exact_in, _ in work], SWAP_IN, SWAP_OUT).astype(np.uint8)
    down = np.array([d for d, _, _ in work], np.uint8)
    times = TIME + 12 * np.arange(1, n + 1, dtype=np.int64)
    return PairFlow(kind, down, times, pack([a for _, _, a in work]), np.zeros((n, 4), np.uint64))


class Bytecode:
    """The real router and pair on pyrevm, with calls encoded beforehand."""

    def __init__(self, work: list[tuple[bool, bool, int]]) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from harness.v2 import V2  # noqa: PLC0415

        self.v2 = v2 = V2(decimals=(18, 18, 18))
        self.evm, self.me = v2.evm, v2.actors["alice"]
        self.evm.at(1, TIME)
        tokens = [v2.tokens[i].address for i in PAIR]
        v2.router.send(self.me, "addLiquidity", *tokens, START, START, 0, 0, self.me, 1 << 255)
        functions = v2.router.abi.functions
        exact_in, exact_out = functions["swapExactTokensForTokens"], functions["swapTokensForExactTokens"]
        self.codec = exact_in
        self.calls = [
            (exact_in if into else exact_out).encode(
                *(amount, 0 if into else 1 << 200, tokens if down else tokens[::-1], self.me, 1 << 255)
            )
            for down, into, amount in work[: ROUNDS * BYTECODE_SWAPS]
        ]
        self.answers: list[bytes] = []

    def seconds(self) -> float:
        """Run the next swaps; return processor seconds per swap, the moving of the clock left out."""
        done, spent, router = len(self.answers), 0.0, self.v2.router.address
        for place, data in enumerate(self.calls[done : done + BYTECODE_SWAPS], start=done + 1):
            self.evm.at(1 + place, TIME + 12 * place)
            began = time.process_time()
            self.answers.append(self.evm.call(self.me, router, data))
            spent += time.process_time() - began
        return spent / BYTECODE_SWAPS

    def amounts(self) -> list[tuple[int, int]]:
        """Amounts in and out of the swaps so far."""
        return [tuple(self.codec.decode(answer)[0]) for answer in self.answers]  # type: ignore[misc]

    def state(self) -> tuple[int, ...]:
        """Reserves, accumulators and the time they were written down."""
        view = self.v2.pairs[PAIR].view
        reserve0, reserve1, updated = view("getReserves")
        return reserve0, reserve1, view("price0CumulativeLast"), view("price1CumulativeLast"), updated


def pair_state() -> PairState:
    """Return the model's pair before the swaps."""
    updated = TIME % (1 << 32)
    return PairState("pair", "A", "B", "LP", START, START, updated, total_supply=START)


def load_bytecode(work: list[tuple[bool, bool, int]]) -> Bytecode | None:
    """Return the real router and pair, or None without the artefacts."""
    try:
        return Bytecode(work)
    except Exception as error:  # noqa: BLE001 - whatever keeps the bytecode away is the note of the row
        print(f"(pyrevm left out: {error})")
        return None


def check(bytecode: Bytecode, flow: PairFlow, out: Outcome) -> None:
    """Make sure that the bytecode gave the same amounts and came to the same state."""
    done = len(bytecode.answers)
    assert bytecode.amounts() == list(zip(unpack(out.first[:done]), unpack(out.second[:done]), strict=True)), (
        "amounts differ"
    )
    pair, state = KernelPair(pair_state()), pair_state()
    pair.run(flow, 0, done)
    pair.write_to(state)
    ours = (state.reserve0, state.reserve1, state.price0_cumulative, state.price1_cumulative, state.updated)
    assert bytecode.state() == ours, "the bytecode's state differs"


def rows(count: int = 24_000) -> list[Row]:
    """Return one row: the median of one run, and its ratio to the bytecode."""
    work = make_work(count)
    flow = flow_of(work)
    out = KernelPair(pair_state()).run(flow)
    assert not out.status.any(), "a swap was refused"
    into: Any = KernelPair(pair_state()).run(flow)
    bytecode = load_bytecode(work)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        pair = KernelPair(pair_state())
        began = time.process_time()
        pair.run(flow, into=into)
        ours.append((time.process_time() - began) / count)
        if bytecode is not None:
            theirs.append(bytecode.seconds())
    for timed, first in zip(into, out, strict=True):
        assert np.array_equal(timed, first), "the timed run disagrees"
    if bytecode is not None:
        check(bytecode, flow, out)
    kernel = statistics.median(ours)
    ratio = statistics.median(theirs) / kernel if theirs else None
    return [
        Row(
            "exact v2 swaps, accumulators and all checks, one thread",
            f"{1 / kernel / 1e6:.2f} M/s",
            f"{ratio:,.0f} x pyrevm" if ratio else "pyrevm absent",
            ">= 200 x pyrevm",
            ratio >= 200 if ratio else None,
        )
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 24_000):
        print("  ".join(str(cell) for cell in row))
