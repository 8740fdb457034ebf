"""Time a plan over a generated list: 500 opportunities and 2,000 scenarios, doubts, expectations and solver included.

Usage: ``python -m benchmarks.bench_plan``.
"""

from __future__ import annotations

import datetime as dt
import random

from benchmarks.table import Row, median_seconds
from tidemill.studies.plan.asked import Asked
from tidemill.studies.plan.doubts import Rules
from tidemill.studies.plan.opportunities import Opportunity, parse_list
from tidemill.studies.plan.plan import plan


def offered(count: int, seed: int = 4) -> list[Opportunity]:
    """Rows of plausible size on five networks, all of which pass the rules."""
    rng = random.Random(seed)
    symbols = ("USDC", "USDT", "DAI", "WETH", "WSTETH", "USDC-WETH", "WBTC-WETH")
    rows = []
    for number in range(count):
        symbol, rate = rng.choice(symbols), rng.lognormvariate(1.2, 0.6)
        rows.append(
            {
                "chain": rng.choice(("Ethereum", "Optimism", "Base", "Unichain", "Mode")),
                "project": rng.choice(
                    ("aave-v3", "morpho-blue", "uniswap-v3", "uniswap-v2", "lido", f"other-{number % 40}")
                ),
                "symbol": symbol,
                "tvlUsd": 2e6 + rng.lognormvariate(15, 1.5),
                "apyBase": rate,
                "apy": rate,
                "apyMean30d": rate * rng.uniform(0.6, 1.2),
                "stablecoin": symbol in ("USDC", "USDT", "DAI"),
                "ilRisk": "yes" if "-" in symbol else "no",
                "count": 400,
                "pool": f"p{number}",
            }
        )
    return parse_list(rows)


def rows() -> list[Row]:
    """Time one plan."""
    have = {"USDC": "50000", "ETH": "10"}
    asked = Asked(have, 180, "moderate", dt.date(2026, 11, 21), {"USDC": "1", "ETH": "3000"}, {}, count=2_000)
    listed, rules = offered(500), Rules(most_bps=100_000)
    document = plan(listed, asked, rules).document
    seconds = median_seconds(lambda: plan(listed, asked, rules), 3)
    return [
        Row(
            f"plan: {document.believed} opportunities, {document.scenarios:,} scenarios",
            f"{seconds:.1f} s, {document.gap_bps / 100:.2f} % from the best possible",
            "",
            "<= 15 s",
            seconds <= 15,
        )
    ]


if __name__ == "__main__":
    for row in rows():
        print("  ".join(str(cell) for cell in row))
