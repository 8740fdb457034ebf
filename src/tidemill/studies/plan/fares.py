"""What coming to a place and going from it costs in network fees: measured gas of its verbs, by the network's own formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from tidemill import networks
from tidemill.errors import TidemillError
from tidemill.networks import Known, assumed
from tidemill.studies.network_costs import costs, environment
from tidemill.venues.kinds import kind

__all__ = ["ETHER_DOLLARS", "FEES", "fare", "known_levels", "levels_of"]

MICRO, GWEI = 10**6, 10**9
ETHER_DOLLARS = 3_000
"""Dollars for an ether where nobody gives its price, for fees alone."""
FEES: Mapping[str, Mapping[str, Any]] = {
    "ethereum": {"base_fee_gwei": "2", "priority_fee_gwei": "0.1"},
    "op_stack": {
        "base_fee_gwei": "0.002",
        "priority_fee_gwei": "0.001",
        "l1_base_fee_gwei": "5",
        "blob_base_fee_gwei": "1",
    },
    "arbitrum": {"base_fee_gwei": "0.01", "own": {"price_per_unit": 100_000_000}},
    "polygon_pos": {"base_fee_gwei": "30", "priority_fee_gwei": "25"},
    "zk_stack": {
        "base_fee_gwei": "0.04525",
        "own": {"fair_pubdata_price": 20_000_000_000, "pubdata_bytes": 350, "vm_gas_bps": 10_000},
    },
    "linea": {
        "base_fee_gwei": "0.000000007",
        "own": {
            "variable_cost": 6_300_000_000_000_000,
            "fixed_cost": 30_000_000,
            "min_margin": 1_000_000,
            "compressed_bps": 4_000,
        },
    },
}
"""Fee levels by family, as in examples/networks_compared.toml: assumptions, at half and double in every result."""
_LIKE = {"base": "op_stack"}


def levels_of(network: str) -> Mapping[str, Any] | None:
    """Return the fee levels assumed of a network, as a study's ``[fees.NETWORK]`` has them; ``None``: nobody says any."""
    family = networks.get(network).family
    return FEES.get(_LIKE.get(family, family))


@cache
def fare(name: str, network: str, on: dt.date, native_price: str) -> int | None:
    """Return what entering and leaving a kind of venue costs, micro-dollars rounded up; ``None`` where it cannot be said.

    Parameters
    ----------
    native_price : dollars for one of the network's native token, as decimal text.
    """
    levels = levels_of(network)
    verbs = kind(name).verbs
    if levels is None or not {"enter", "leave"} <= verbs.keys():
        return None
    chain = networks.get(network)
    time = int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp())
    actions = [(name, verbs["enter"]), (name, verbs["leave"])]
    try:
        env = environment(chain, time, known_levels(levels))
        found = costs(chain, actions, env, int(Decimal(native_price) * MICRO))
    except TidemillError:  # a level that nobody has, or a verb that is not sent there
        return None
    priced = [one.priced for one in found]
    return None if None in priced else sum(one for one in priced if one is not None)


def known_levels(levels: Mapping[str, Any]) -> dict[str, Known]:
    """Return levels as ``levels_of`` gives them in wei, each marked as assumed."""
    gwei = {key.removesuffix("_gwei"): int(Decimal(value) * GWEI) for key, value in levels.items() if key != "own"}
    return {key: assumed(value, "a plan's assumption") for key, value in {**gwei, **levels.get("own", {})}.items()}
