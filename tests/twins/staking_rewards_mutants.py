"""What `tools/mutants.py` spoils of the farm, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.staking_rewards.rules",
    "tidemill.venues.staking_rewards.model",
    "tidemill.venues.shared.words",
]

EQUIVALENT = {
    "model.FarmModel.apply: True -> False": "the same five words are read before and after: the lists are equally long",
    "model.FarmModel._apply: 0 -> 1 #2": "one who never staked is owed nothing, and nothing is always there",
    "model.FarmModel._claim: 0 -> 1": "the touch just before has written what is pending, so the default is never used",
}


def run() -> None:
    """The edges, then short random lives of a vault and its farm: a part of what the twin tests do."""
    from twins.vault_farm_edges import EDGES
    from twins.vault_farm_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (60, 400):
        for setup in SETUPS:
            twins = Twins(*setup)
            twins.driver.run(actions, after=twins.compare)
