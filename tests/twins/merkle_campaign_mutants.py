"""What `tools/mutants.py` spoils of the distributor, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.merkle_campaign.rules",
    "tidemill.venues.merkle_campaign.merkle",
    "tidemill.venues.merkle_campaign.state",
    "tidemill.venues.merkle_campaign.model",
]

EQUIVALENT = {
    "state.CampaignState.published: 1 -> 2": "any number below 0 says that nobody knows the root",
    "model.claim_of: 0 -> 1": "who is in no tree proves nothing, whatever amount he names",
    "model.CampaignModel.apply: True -> False": "the same words are read before and after: the lists are equally long",
}


def run() -> None:
    """The edges, then short random lives of a distributor: a part of what the twin tests do."""
    from twins.merkle_campaign_edges import EDGES
    from twins.merkle_campaign_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (30, 120):
        for decimals, seed in SETUPS:
            twins = Twins(decimals, seed)
            twins.driver.run(actions, after=twins.compare)
