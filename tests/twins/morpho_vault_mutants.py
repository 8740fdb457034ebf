"""What `tools/mutants.py` spoils of the vault over markets, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.morpho_vault.rules",
    "tidemill.venues.morpho_vault.model",
    "tidemill.venues.morpho_vault.model_owner",
]

EQUIVALENT = {
    "model.LendingVaultModel.apply: True -> False": "the same words are read before and after: the lists are equally long",
}


def run() -> None:
    """The edges, then short random lives of a vault: a part of what the twin tests do."""
    from twins.morpho_vault_edges import EDGES
    from twins.morpho_vault_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for decimals, offset, seed in SETUPS:
        twins = Twins(decimals, offset, seed)
        twins.begin()
        twins.driver.run(80, after=twins.compare)
