"""Swaps through degenbot's pool: prints seconds, peak memory and the amounts. Run by degenbot's own interpreter."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from degenbot.uniswap.types import UniswapV3BitmapAtWord, UniswapV3LiquidityAtTick
from degenbot.uniswap.v3_liquidity_pool import UniswapV3Pool
from peak_memory import peak_kb

MIN_LIMIT, MAX_LIMIT = 4295128740, 1461446703485210103287273052203988822378723970341


def main(kind: str, folder: Path) -> None:
    """Run the swaps; the pool object itself needs an endpoint, so its swap method gets the state alone."""
    work = json.loads((folder / f"{kind}.json").read_text())
    net: dict[int, int] = {}
    gross: dict[int, int] = {}
    words = dict.fromkeys(range(-400, 400), 0)  # every word is known: nothing is to be fetched
    for lower, upper, liquidity in work["positions"]:
        for tick, change in ((lower, liquidity), (upper, -liquidity)):
            net[tick], gross[tick] = net.get(tick, 0) + change, gross.get(tick, 0) + liquidity
            place = tick // work["spacing"]
            words[place >> 8] |= 1 << (place & 255)
    pool = SimpleNamespace(
        liquidity=sum(liquidity for lower, upper, liquidity in work["positions"] if lower <= 0 < upper),
        sqrt_price_x96=1 << 96,
        tick=0,
        tick_bitmap={word: UniswapV3BitmapAtWord(bitmap=bits) for word, bits in words.items()},
        tick_data={tick: UniswapV3LiquidityAtTick(net[tick], gross[tick]) for tick in net},
        tick_spacing=work["spacing"],
        fee=work["fee"],
        sparse_liquidity_map=True,  # the bitmap's path; the other one (0.3.0) turns back at a word's last tick
        SwapState=UniswapV3Pool.SwapState,
        StepComputations=UniswapV3Pool.StepComputations,
    )
    amounts = []
    began = time.process_time()
    for down, exact_in, size in work["swaps"]:
        amount0, amount1, pool.sqrt_price_x96, pool.liquidity, pool.tick = UniswapV3Pool._calculate_swap(  # noqa: SLF001
            pool, down, size if exact_in else -size, MIN_LIMIT if down else MAX_LIMIT
        )
        amounts.append((amount0, amount1))
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "peak_kb": peak_kb(), "amounts": amounts}))


main(sys.argv[1], Path(sys.argv[2]))
