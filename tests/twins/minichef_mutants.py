"""What `tools/mutants.py` spoils of the chef, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.minichef.rules",
    "tidemill.venues.minichef.doing",
    "tidemill.venues.minichef.model",
    "tidemill.venues.minichef.model_stakers",
    "tidemill.venues.minichef.model_owner",
    "tidemill.venues.minichef.model_rewarder",
    "tidemill.venues.minichef.replay",
]

EQUIVALENT = {
    "model.ChefModel._counted: True -> False": "the same words are read before and after: the lists are equally long",
    "model._read_rewarder: 0 -> 1 #2": "a stream does not look at the SUSHI paid, and only streams have this view",
}


def run() -> None:
    """The edges, then short random lives of a chef: a part of what the twin tests do."""
    from twins.minichef_edges import EDGES
    from twins.minichef_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (30, 120):
        for decimals, seed in SETUPS:
            twins = Twins(decimals, seed)
            twins.begin()
            twins.driver.run(actions, after=twins.compare)
