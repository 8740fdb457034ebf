"""What `tools/mutants.py` spoils of Uniswap v2, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.uniswap_v2.rules",
    "tidemill.venues.uniswap_v2.model_pair",
    "tidemill.venues.uniswap_v2.model_router",
    "tidemill.venues.uniswap_v2.model",
    "tidemill.venues.uniswap_v2.replay",
    "tidemill.venues.uniswap_v2.state",
]

EQUIVALENT: dict[str, str] = {}


def run() -> None:
    """The edges, then short random lives: a part of what the twin tests do."""
    from twins.uniswap_v2_edges import EDGES
    from twins.uniswap_v2_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (40, 120):
        for setup in SETUPS:
            twins = Twins(*setup)
            twins.driver.run(actions, after=twins.compare)
