"""What `tools/mutants.py` spoils of the farm, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.staking_rewards.rules",
    "tidemill.venues.staking_rewards.model",
]

EQUIVALENT: dict[str, str] = {}


def run() -> None:
    """Short random lives of a vault and its farm: a part of what the twin tests do."""
    from twins.vault_farm_twin import SETUPS, Twins

    for actions in (60, 400):
        for setup in SETUPS:
            twins = Twins(*setup)
            twins.driver.run(actions, after=twins.compare)
