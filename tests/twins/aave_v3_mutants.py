"""What `tools/mutants.py` spoils of Aave v3, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.aave_v3.rules",
    "tidemill.venues.aave_v3.rules_risk",
    "tidemill.venues.aave_v3.rules_v36",
    "tidemill.venues.aave_v3.versions",
    "tidemill.venues.aave_v3.model_reserve",
    "tidemill.venues.aave_v3.model_account",
    "tidemill.venues.aave_v3.model_emode",
    "tidemill.venues.aave_v3.model_supply",
    "tidemill.venues.aave_v3.model_borrow",
    "tidemill.venues.aave_v3.model_liquidate",
    "tidemill.venues.aave_v3.model_liquidate36",
    "tidemill.venues.aave_v3.model_reads",
    "tidemill.venues.aave_v3.model",
]

EQUIVALENT = {
    "rules.ray_div_half_up: 128 -> 129": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.ray_div_half_up: 0 -> 1 #2": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.wad_div_half_up: 128 -> 129": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.wad_div_half_up: 0 -> 1 #2": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.wad_to_ray: 128 -> 129": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.wad_to_ray: 0 -> 1": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.percent_div_half_up: 128 -> 129": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.percent_div_half_up: 0 -> 1 #2": "only numbers far above 2**129 overflow here, whatever bit is asked for",
    "rules.binomial_interest_down: div_down -> div_up #3": "n (n - 1) is even: nothing is rounded",
    "rules.binomial_interest_down: div_down -> div_up #5": "n (n - 1) (n - 2) is a multiple of six",
    "rules_risk.available_borrows: limit < debt -> limit <= debt": "both sides give nothing where they are equal",
    "rules.liquidity_rate_half_up: weight <= RAY -> weight < RAY": "at a ray of weight the average is the rate as well",
    "rules_v36.available_borrows_down: limit < debt -> limit <= debt": "both sides give nothing where they are equal",
    "rules_risk.isolated_units_down: div_down -> div_up #2": "a unit is a power of ten above a hundred",
    "model_reserve.update_rates: 0 -> 1 #3": "what is available plays no part where nothing is owed",
    "model_account.account: owing & bit -> owing | bit": "who is not marked as owing in a reserve owes nothing there",
    "model_borrow._owed_with: True -> False": "v3.0 rounds a debt as it rounds a supply",
    "model_supply.supply: False -> True #3": "v3.0 rounds a supply as it rounds a debt",
    "model_reads.positions: sign > 0 -> sign >= 0": "a sign is one or minus one",
    "model_reserve._touch: 0 -> 1 #2": "who never came has nothing that an index could have grown",
}


def run() -> None:
    """The edges, then short random lives of two markets: a part of what the twin tests do."""
    from twins.aave_v3_edges import EDGES
    from twins.aave_v3_twin import SETUPS, Twins
    from twins.aave_v36_edges import EDGES as EDGES_36
    from twins.aave_v36_kind_edges import EDGES as KIND_EDGES
    from twins.aave_v36_twin import SETUPS as SETUPS_36
    from twins.aave_v36_twin import Twins as Twins36

    for edge in (*EDGES, *EDGES_36, *KIND_EDGES):
        edge()
    for setup in SETUPS:
        twins = Twins(*setup)
        twins.driver.run(200, after=twins.compare)
    for setup_36 in SETUPS_36:
        newer = Twins36(*setup_36)
        newer.driver.run(250, after=newer.compare)
