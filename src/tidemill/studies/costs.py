"""What a transaction of a study costs: measured gas and bytes of its verb, priced by the network's own formula.

Fee levels come from the data where they carry them and are of the same network; else from the study's ``[fees.NETWORK]``;
else from the network's dated facts. What comes from the study is an assumption: it is listed, and the headline is
computed at half and at double of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Costs
from tidemill.networks import FeeEnv, Known
from tidemill.networks.gas import CostModel, load_gas
from tidemill.studies.prepare import Prepared
from tidemill.units import parse_amount
from tidemill.venues.kinds import kind

__all__ = ["Costing", "Used"]

GWEI_DECIMALS = 9
LEVELS = {
    "base_fee": "base_fee_gwei",
    "priority_fee": "priority_fee_gwei",
    "l1_base_fee": "l1_base_fee_gwei",
    "blob_base_fee": "blob_base_fee_gwei",
}
"""Fields of ``FeeEnv`` and the study's keys for them."""

WORDS = {
    "base_fee": "execution base fee",
    "priority_fee": "tip per gas",
    "l1_base_fee": "base fee of Ethereum",
    "blob_base_fee": "blob base fee of Ethereum",
}


class Used(Struct, frozen=True):
    """An assumed fee level: its key for scaling, and what to print."""

    key: str
    label: str
    value: str
    unit: str
    source: str
    as_of: str


class Costing:
    """``CostOf`` for one network; ``scale`` multiplies assumed levels by a ratio, for half and double."""

    def __init__(self, prepared: Prepared, network: str, scale: Mapping[str, tuple[int, int]] | None = None) -> None:
        self._study = prepared.study
        self.network = networks.get(network)
        tables = {
            name: load_gas(prepared.placed[name].gas or kind(spec.kind).gas)
            for name, spec in prepared.study.venues.items()
        }
        self._model = CostModel(self.network, tables)
        self._scale = scale or {}
        self._data = self._recorded(prepared)
        self._given = self._study.fees.get(network)
        self.used: dict[str, Used] = {}
        self._told: dict[int, tuple[Costs, str, str, Mapping[str, int], Block]] = {}
        self._levels = {name: self._assumed(name) for name in LEVELS}

    def __call__(self, venue: str, verb: str, features: Mapping[str, int], block: Block) -> Costs:
        """Return the costs of one own transaction (``engine.rules.CostOf``)."""
        parts = self._model.fee(venue, verb, features, self.env(block))
        costs = Costs(parts.l2_execution, parts.l1_data, parts.operator, self._model.gas(venue, verb, features))
        self._told[id(costs)] = costs, venue, verb, dict(features), block
        return costs

    @property
    def told(self) -> list[Costs]:
        """Every answer given so far, in order."""
        return [answer[0] for answer in self._told.values()]

    def again(self, costs: Costs, other: Costing) -> Costs | None:
        """Return what ``other`` says of the transaction that this one answered ``costs`` for, ``None`` if it did not."""
        if id(costs) not in self._told:
            return None
        _, venue, verb, features, block = self._told[id(costs)]
        return other(venue, verb, features, block)

    def env(self, block: Block) -> FeeEnv:
        """Return fee levels at ``block``; raises ``BadInput`` naming the level that nothing provides."""
        levels = {name: self._at(name, block) for name in LEVELS}
        for name in ("base_fee", "priority_fee"):
            if levels[name] is None:
                raise BadInput(
                    f"the data carry no {WORDS[name]} of {self.network.name}; give {LEVELS[name]}",
                    file=self._study.path,
                    field=f"fees.{self.network.name}.{LEVELS[name]}",
                )
        fork = self._given.fork if self._given else None
        return FeeEnv.of(block.time, {name: level for name, level in levels.items() if level is not None}, fork)

    def _at(self, name: str, block: Block) -> Known | None:
        if self._data is not None and name in self._data:
            row = int(np.searchsorted(self._data["block"], block.number, side="right")) - 1
            value = self._data[name][max(row, 0)]
            if value is not None and value == value:  # noqa: PLR0124 - a missing value may be NaN
                return networks.from_data(int(value))
        return self._levels[name]

    def _assumed(self, name: str) -> Known | None:
        text = getattr(self._given, LEVELS[name], None) if self._given else None
        if text is None:
            return networks.assumed(0, "no tip given") if name == "priority_fee" else None
        key = f"{self.network.name}:{name}"
        up, down = self._scale.get(key, (1, 1))
        value = parse_amount(text, GWEI_DECIMALS) * up // down
        self.used[key] = Used(key, f"{WORDS[name]} ({self.network.name})", text, "gwei", "the study file", "")
        return networks.assumed(value, "the study file")

    def _recorded(self, prepared: Prepared) -> Any:
        for market in prepared.markets.values():
            if market.pool.network == self.network.name and market.fees is not None:
                return market.fees
        return None
