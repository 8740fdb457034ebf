"""What `tools/mutants.py` spoils of Morpho Blue, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.morpho_blue.rules",
    "tidemill.venues.morpho_blue.rules_rate",
    "tidemill.venues.morpho_blue.state",
    "tidemill.venues.morpho_blue.accrual",
    "tidemill.venues.morpho_blue.model_supply",
    "tidemill.venues.morpho_blue.model_borrow",
    "tidemill.venues.morpho_blue.model_govern",
    "tidemill.venues.morpho_blue.model",
]

EQUIVALENT = {
    "rules_rate.exponential: x < -far -> x <= -far": "at the bound it is set to the bound",
    "rules_rate.exponential: x > far -> x >= far": "at the bound it is set to the bound",
    "rules_rate.exponential: bounded < 0 -> bounded <= 0": "from 0 half of ln 2 rounds to 0 on either side",
    "rules_rate.exponential: q >= 0 -> q > 0": "shifting by 0 is the same to the left and to the right",
    "rules_rate.curve_rate: error < 0 -> error <= 0": "at no distance both slopes give the rate at target",
    "accrual.half_toward_zero: number >= 0 -> number > 0": "half of 0 is 0 either way",
}


def run() -> None:
    """Short random lives, then the edges: a part of what the twin tests do."""
    from twins.morpho_blue_edges import EDGES
    from twins.morpho_blue_twin import SETUPS, Twins

    for decimals, seed in SETUPS:
        twins = Twins(decimals, seed)
        twins.driver.run(40, after=twins.compare)
    for edge in EDGES:
        edge()
