"""What `tools/mutants.py` spoils of liquid staking, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.liquid_staking.rules",
    "tidemill.venues.liquid_staking.state",
    "tidemill.venues.liquid_staking.model",
    "tidemill.venues.liquid_staking.model_bridged",
]

EQUIVALENT = {
    "state.Request.words: 1 -> 2": "it stands for an address, which is never zero and never changes",
    "model.StakingModel.apply: True -> False": "the lists are made equally long just before",
}


def run() -> None:
    """The edges, then short random lives: a part of what the twin tests do."""
    from twins.liquid_staking_edges import EDGES
    from twins.liquid_staking_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (40, 200):
        for terms, seed in SETUPS:
            twins = Twins(terms, seed)
            twins.driver.run(actions, after=twins.compare)
