"""The same work through tidemill, in a process of its own: prints seconds (the second, warm run) and peak memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.peak_memory import peak_kb


def swaps(folder: Path) -> Callable[[], dict[str, Any]]:
    """Exact swaps in the kernel, all checks on."""
    from benchmarks.bench_v3 import Work, flow_of, pool_state  # noqa: PLC0415
    from tidemill.units.jit import unpack  # noqa: PLC0415
    from tidemill.venues.uniswap_v3.kernel import KernelPool  # noqa: PLC0415

    given = json.loads((folder / "swaps.json").read_text())
    work = Work(given["fee"], given["positions"], given["swaps"])
    state, flow = pool_state(work), flow_of(work)

    def once() -> dict[str, Any]:
        out, _ = KernelPool(state).run(flow)
        return {"out": out}

    def read(done: dict[str, Any]) -> dict[str, Any]:
        out = done["out"]
        return {"amounts": list(zip(*(unpack(side, signed=True) for side in (out.amount0, out.amount1)), strict=True))}

    once.read = read  # type: ignore[attr-defined]
    return once


def year(folder: Path) -> Callable[[], dict[str, Any]]:
    """A study over bars through the front door: costs, books and comparisons on."""
    import tidemill  # noqa: PLC0415

    def once() -> dict[str, Any]:
        tidemill.load(folder / "year.toml").run()
        return {}

    return once


def fees(folder: Path) -> Callable[[], dict[str, Any]]:
    """Fees of each position over the bars of ``fees.csv``, each sharing them with the pool."""
    from tidemill.market.importing import import_bars  # noqa: PLC0415
    from tidemill.market.index import FeeIndex  # noqa: PLC0415
    from tidemill.market.manifest import PoolInfo, Token  # noqa: PLC0415

    given = json.loads((folder / "fees.json").read_text())
    pool = PoolInfo(10, "op-mainnet", "0x" + "ba" * 20, Token("USDC", 18), Token("WETH", 18), 500, 10)

    def once() -> dict[str, Any]:
        index = FeeIndex(import_bars(folder / "fees.csv", pool).tape())
        return {
            "fees": [
                sum(index.diluted_fees(lower // 10, upper // 10, 0, index.steps, liquidity=liquidity))
                for lower, upper, liquidity in given["own"]
            ]
        }

    return once


def main(kind: str, folder: Path) -> None:
    """Run twice, report the second."""
    once = {"swaps": swaps, "year": year, "fees": fees}[kind](folder)
    once()
    began = time.process_time()
    done = once()
    seconds = time.process_time() - began
    done = once.read(done) if hasattr(once, "read") else done
    print(json.dumps({"seconds": seconds, "peak_kb": peak_kb(), **done}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
