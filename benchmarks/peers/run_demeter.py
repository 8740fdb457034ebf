"""Minute bars through demeter: prints seconds of its run, peak memory and fees. Run by demeter's own interpreter."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from demeter import Actuator, MarketInfo, PeriodTrigger, Strategy, TokenInfo
from demeter.uniswap import UniLpMarket, UniV3Pool
from peak_memory import peak_kb

WIDE = 950


def table(path: Path, market: UniLpMarket) -> pd.DataFrame:
    """Read bars as its own loader leaves them; ticks as Python's integers, which its fee rule can divide."""
    amounts = dict.fromkeys(("netAmount0", "netAmount1", "inAmount0", "inAmount1", "currentLiquidity"), Decimal)
    bars = pd.read_csv(path, converters=amounts, index_col="timestamp", parse_dates=["timestamp"])
    for name in ("openTick", "lowestTick", "highestTick", "closeTick"):
        bars[name] = bars[name].astype(object)
    market.add_statistic_column(bars)
    return bars


def run(path: Path, decimals: list[int], strategy: Any, funds: tuple[Any, Any]) -> tuple[float, Any]:
    """Return the seconds of the run and the market after it."""
    zero, one = TokenInfo("usdc", decimals[0]), TokenInfo("weth", decimals[1])
    info = MarketInfo("lp")
    market = UniLpMarket(info, UniV3Pool(zero, one, 0.05, zero))
    market.data = table(path, market)
    actuator = Actuator()
    actuator.broker.add_market(market)
    actuator.broker.set_balance(zero, funds[0])
    actuator.broker.set_balance(one, funds[1])
    actuator.strategy = strategy
    strategy.info = info
    actuator.set_price(market.get_price_from_data())
    began = time.process_time()
    actuator.run(print_result=False)
    return time.process_time() - began, market


class Weekly(Strategy):
    """A range of 950 ticks to both sides, set anew every week."""

    def initialize(self) -> None:
        """Enter, and again each week."""
        self.triggers.append(PeriodTrigger(timedelta(days=7), trigger_immediately=True, do=self.reset_range))

    def reset_range(self, snapshot: Any) -> None:
        """Leave, balance, enter."""
        market = self.broker.markets[self.info]
        market.remove_all_liquidity()
        market.even_rebalance()
        tick = int(snapshot.market_status[self.info].closeTick) // 10 * 10
        market.add_liquidity_by_tick(tick - WIDE, tick + WIDE)


class Held(Strategy):
    """One position from the first bar to the last."""

    def __init__(self, lower: int, upper: int) -> None:
        super().__init__()
        self.range = lower, upper

    def initialize(self) -> None:
        """Enter at price 1."""
        self.broker.markets[self.info].add_liquidity_by_tick(*self.range, sqrt_price_x96=1 << 96)


def main(kind: str, folder: Path) -> None:
    """Run one kind of work."""
    logging.disable(logging.CRITICAL)
    given = json.loads((folder / f"{kind}.json").read_text())
    answer: dict[str, Any] = {"seconds": 0.0}
    with contextlib.redirect_stdout(sys.stderr):
        if kind == "year":
            answer["seconds"], _ = run(folder / "year.csv", given["decimals"], Weekly(), (Decimal(10_000), Decimal(0)))
        else:
            answer["fees"] = []
            for lower, upper, liquidity in given["own"]:
                funds = tuple(
                    Decimal(liquidity) * (1 - Decimal("1.0001") ** (Decimal(-width) / 2)) / 10**18
                    for width in (upper, -lower)
                )
                seconds, market = run(folder / "fees.csv", given["decimals"], Held(lower, upper), funds)
                (held,) = market.positions.values()
                answer["fees"].append(int((held.pending_amount0 + held.pending_amount1) * 10**18))
                answer["seconds"] += seconds
                print(lower, upper, liquidity, held.liquidity)
    print(json.dumps({**answer, "peak_kb": peak_kb()}))


main(sys.argv[1], Path(sys.argv[2]))
