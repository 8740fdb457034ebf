"""What `tools/mutants.py` spoils of Aave v3, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.aave_v3.rules",
    "tidemill.venues.aave_v3.rules_risk",
    "tidemill.venues.aave_v3.model_reserve",
    "tidemill.venues.aave_v3.model_account",
    "tidemill.venues.aave_v3.model_supply",
    "tidemill.venues.aave_v3.model_borrow",
    "tidemill.venues.aave_v3.model_liquidate",
    "tidemill.venues.aave_v3.model_reads",
    "tidemill.venues.aave_v3.model",
]

EQUIVALENT: dict[str, str] = {}


def run() -> None:
    """The edges, then short random lives of two markets: a part of what the twin tests do."""
    from twins.aave_v3_edges import EDGES
    from twins.aave_v3_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for setup in SETUPS:
        twins = Twins(*setup)
        twins.driver.run(200, after=twins.compare)
