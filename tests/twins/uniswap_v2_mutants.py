"""What `tools/mutants.py` spoils of Uniswap v2, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.uniswap_v2.rules",
    "tidemill.venues.uniswap_v2.model_pair",
    "tidemill.venues.uniswap_v2.model_router",
    "tidemill.venues.uniswap_v2.model",
    "tidemill.venues.uniswap_v2.replay",
    "tidemill.venues.uniswap_v2.state",
]

EQUIVALENT = {
    "rules.protocol_liquidity_down: root <= root_last -> root < root_last": "equal roots give a share of 0 either way",
    "model_router.add_liquidity: True -> False": "both sides are made together, equally long",
    "model.ExchangeModel.apply: True -> False": "both sides are made together, equally long",
    "model.ExchangeModel._liquidity: True -> False": "both sides are made together, equally long",
    "model.ExchangeModel._liquidity: True -> False #2": "both sides are made together, equally long",
    "model.ExchangeModel._liquidity: True -> False #3": "both sides are made together, equally long",
    "model.ExchangeModel._swap: (1 << 256) - 1 -> (1 << 256) + 1": "no swap costs as much as either",
    "model.ExchangeModel._swap: 1 -> 2": "no swap costs as much as 2**256",
    "model.ExchangeModel._swap: 256 -> 257": "no swap costs as much as 2**256",
    "model.ExchangeModel._swap: 1 -> 2 #2": "no swap costs as much as 2**256 - 2",
    "model._words: 112 -> 113": "zero or changed is the same wherever the parts lie, as long as none is lost",
    "model._words: 224 -> 225": "zero or changed is the same wherever the parts lie, as long as none is lost",
    "replay._check_burn: True -> False": "both sides are made together, equally long",
    "state.PairState: 0 -> 1 #8": "a pair logs Sync ahead of every event that looks at the reserves before it",
    "state.PairState: 0 -> 1 #9": "a pair logs Sync ahead of every event that looks at the reserves before it",
}


def run() -> None:
    """The edges, then short random lives: a part of what the twin tests do."""
    from twins.uniswap_v2_edges import EDGES
    from twins.uniswap_v2_twin import SETUPS, Twins

    for edge in EDGES:
        edge()
    for actions in (40, 120):
        for setup in SETUPS:
            twins = Twins(*setup)
            twins.driver.run(actions, after=twins.compare)
