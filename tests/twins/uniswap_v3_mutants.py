"""What `tools/mutants.py` spoils of Uniswap v3, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.uniswap_v3.rules_bitmap",
    "tidemill.venues.uniswap_v3.rules_fees",
    "tidemill.venues.uniswap_v3.rules_liquidity",
    "tidemill.venues.uniswap_v3.rules_oracle",
    "tidemill.venues.uniswap_v3.rules_prices",
    "tidemill.venues.uniswap_v3.rules_swap",
    "tidemill.venues.uniswap_v3.rules_ticks",
    "tidemill.venues.uniswap_v3.model_oracle",
    "tidemill.venues.uniswap_v3.model_pool",
    "tidemill.venues.uniswap_v3.model_router",
    "tidemill.venues.uniswap_v3.model_swap",
    "tidemill.venues.uniswap_v3.model_ticks",
    "tidemill.venues.uniswap_v3.position_manager",
]

EQUIVALENT = {}


def run() -> None:
    """The refusals, then short random markets: a part of what the twin tests do."""
    from twins.uniswap_v3_edges import EDGES
    from twins.uniswap_v3_market import CASES
    from twins.uniswap_v3_reverts import ALLOWED, TABLE, attempt, prepared

    CASES["030-18-18"].market("first", mischief=0.1).run(150)
    for name, case in CASES.items():
        case.market(f"{name} mutants", mischief=0.1).run(300)
    for edge in EDGES:
        edge()
    for case in TABLE:
        assert attempt(prepared(case.pool), case) == case.reason
    for case in ALLOWED:
        assert attempt(prepared(case.pool), case) is None
