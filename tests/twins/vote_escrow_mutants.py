"""What `tools/mutants.py` spoils of the escrow, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.vote_escrow.rules",
    "tidemill.venues.vote_escrow.doing",
    "tidemill.venues.vote_escrow.votes",
    "tidemill.venues.vote_escrow.model",
    "tidemill.venues.vote_escrow.model_locks",
    "tidemill.venues.vote_escrow.model_dividends",
]

EQUIVALENT = {
    "doing.Doing.words: True -> False": "a value has as many words after a change as before: the lists are equally long",
}


def run() -> None:
    """The edges, then short random lives of an escrow: a part of what the twin tests do."""
    from twins.vote_escrow_edges import EDGES
    from twins.vote_escrow_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for decimals, seed in SETUPS:
        twins = Twins(decimals, seed)
        twins.driver.run(60, after=twins.compare)
