"""What `tools/mutants.py` spoils of the savings vault, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.shared.vaults",
    "tidemill.venues.savings_vault.rules",
    "tidemill.venues.savings_vault.model",
]

EQUIVALENT = {
    "vaults.VaultVerbs.apply: True -> False": "a vault has as many words of its own before as after",
    "rules.ray_pow_half_up: 63 -> 64": "seconds have 63 bits, and nothing is left of them after so many halvings",
    "model.SavingsModel._act: 0 -> 1": "interest is not looked at where nothing has accrued",
}


def run() -> None:
    """The edges, then short random lives: a part of what the twin tests do."""
    from twins.savings_vault_edges import EDGES
    from twins.savings_vault_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (40, 120):
        for terms, seed in SETUPS:
            twins = Twins(terms, seed)
            twins.driver.run(actions, after=twins.compare)
