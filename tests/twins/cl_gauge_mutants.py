"""What `tools/mutants.py` spoils of the staker, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.cl_gauge.rules",
    "tidemill.venues.cl_gauge.doing",
    "tidemill.venues.cl_gauge.actions",
    "tidemill.venues.cl_gauge.model",
]

EQUIVALENT = {
    "actions._pay: 0 < most < credited -> 0 < most <= credited": "asked for exactly what is credited, both pay that",
    "model.GaugeModel.apply: True -> False": "the same words are read before and after: the lists are equally long",
    "model._words: 160 -> 161 #*": "any shift past 160 bits keeps the two parts of a word apart",
    "model._number: 48 -> 49": "only whether two deposits differ counts, and that none is zero",
    "model._number: 1 -> 2": "the same",
}


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
