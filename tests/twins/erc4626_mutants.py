"""What `tools/mutants.py` spoils of the vault, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.shared.vaults",
    "tidemill.venues.shared.vault_rules",
    "tidemill.venues.erc4626.model",
]

EQUIVALENT = {
    "vaults.VaultVerbs.apply: True -> False": "a vault has as many words of its own before as after",
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
