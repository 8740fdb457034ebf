"""Swaps through uniswappy's pool: prints seconds, peak memory and the amounts. Run by uniswappy's own interpreter."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from peak_memory import peak_kb
from uniswappy.cpt.factory import UniswapFactory
from uniswappy.erc import ERC20
from uniswappy.utils.data import UniswapExchangeData

MIN_LIMIT, MAX_LIMIT = 4295128740, 1461446703485210103287273052203988822378723970341


def main(kind: str, folder: Path) -> None:
    """Mint the positions, run the swaps."""
    work = json.loads((folder / f"{kind}.json").read_text())
    pool = UniswapFactory("pool", "0x1").deploy(
        UniswapExchangeData(
            tkn0=ERC20("A", "0xa"), tkn1=ERC20("B", "0xb"), symbol="LP", address="0x2",
            version="V3", precision="GWEI", tick_spacing=work["spacing"], fee=work["fee"],
        )
    )  # fmt: skip
    pool.initialize(1 << 96)
    for lower, upper, liquidity in work["positions"]:
        pool.mint("lp", lower, upper, liquidity)
    amounts = []
    began = time.process_time()
    for down, exact_in, size in work["swaps"]:
        said = pool.swap("trader", down, size if exact_in else -size, MIN_LIMIT if down else MAX_LIMIT)
        amounts.append((said[1], said[2]))
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "peak_kb": peak_kb(), "amounts": amounts}))


main(sys.argv[1], Path(sys.argv[2]))
