"""What `tools/mutants.py` spoils of the staker, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.cl_gauge.rules",
    "tidemill.venues.cl_gauge.doing",
    "tidemill.venues.cl_gauge.actions",
    "tidemill.venues.cl_gauge.model",
]

EQUIVALENT: dict[str, str] = {}


def run() -> None:
    """The edges, then short random lives of a staker: a part of what the twin tests do."""
    from twins.cl_gauge_edges import EDGES
    from twins.cl_gauge_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (40, 150):
        for decimals, fee, rewards, seed in SETUPS:
            twins = Twins(decimals, fee, rewards, seed)
            twins.begin(seed)
            twins.driver.run(actions, after=twins.compare)
