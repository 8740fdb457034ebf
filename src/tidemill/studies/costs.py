"""What a transaction of a study costs: measured gas and bytes of its verb, priced by the network's own formula.

Fee levels come from the data where they carry them and are of the same network; else from the study's
``[fees.NETWORK]`` and, for what only that network's formula reads, ``[fees.NETWORK.own]``; else from the network's dated
facts. What comes from the study is an assumption: it is listed, and the headline is computed at half and at double of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Costs, Price
from tidemill.networks import FeeEnv, Known
from tidemill.networks.gas import CostModel, load_gas
from tidemill.studies.prepare import Prepared
from tidemill.units import parse_amount
from tidemill.venues.kinds import kind

__all__ = ["Costing", "Used", "in_native_up"]

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


Rate = tuple[Price, Price]
"""Prices of a network's native token and of the study's."""


class Used(Struct, frozen=True):
    """An assumed fee level: its key for scaling, and what to print."""

    key: str
    label: str
    value: str
    unit: str
    source: str
    as_of: str


def in_native_up(costs: Costs, theirs: Price, ours: Price) -> Costs:
    """Return costs in a token worth ``theirs`` as so much of a token worth ``ours``, each part rounded up."""

    def worth(part: int) -> int:
        return -(-part * theirs.num * ours.den // (theirs.den * ours.num))

    return Costs(worth(costs.l2_execution), worth(costs.l1_data), worth(costs.operator), costs.gas_used)


class Costing:
    """``CostOf`` for one network; ``scale`` multiplies assumed levels by a ratio, for half and double.

    ``rate`` says what its native token and the study's are worth now, where those are not the same: costs are then
    answered in the study's.
    """

    def __init__(
        self,
        prepared: Prepared,
        network: str,
        scale: Mapping[str, tuple[int, int]] | None = None,
        rate: Callable[[], Rate] | None = None,
    ) -> None:
        self._study = prepared.study
        self.network = networks.get(network)
        tables = {
            name: load_gas(prepared.placed[name].gas or kind(spec.kind).gas)
            for name, spec in prepared.study.venues.items()
        }
        self._model = CostModel(self.network, tables)
        self._scale = scale or {}
        self.rate = rate
        self._data = self._recorded(prepared)
        self._given = self._study.fees.get(network)
        self.used: dict[str, Used] = {}
        self._told: dict[int, tuple[Costs, str, str, Mapping[str, int], Block, Rate | None]] = {}
        self._levels = {name: self._assumed(name) for name in LEVELS}
        self._own = {name: self._own_level(name, str(value)) for name, value in self._own_given().items()}

    def __call__(self, venue: str, verb: str, features: Mapping[str, int], block: Block) -> Costs:
        """Return the costs of one own transaction (``engine.rules.CostOf``)."""
        rate = self.rate() if self.rate else None
        costs = self._answer(venue, verb, features, block, rate)
        self._told[id(costs)] = costs, venue, verb, dict(features), block, rate
        return costs

    def _answer(self, venue: str, verb: str, features: Mapping[str, int], block: Block, rate: Rate | None) -> Costs:
        try:
            parts = self._model.fee(venue, verb, features, self.env(block))
        except BadInput as error:
            raise self._placed(error) from None
        costs = Costs(parts.l2_execution, parts.l1_data, parts.operator, self._model.gas(venue, verb, features))
        return costs if rate is None else in_native_up(costs, *rate)

    @property
    def told(self) -> list[Costs]:
        """Every answer given so far, in order."""
        return [answer[0] for answer in self._told.values()]

    def again(self, costs: Costs, other: Costing) -> Costs | None:
        """Return what ``other`` says of the transaction that this one answered ``costs`` for, ``None`` if it did not."""
        if id(costs) not in self._told:
            return None
        _, venue, verb, features, block, rate = self._told[id(costs)]
        return other._answer(venue, verb, features, block, rate)

    def env(self, block: Block) -> FeeEnv:
        """Return fee levels at ``block``; raises ``BadInput`` naming the level that nothing provides."""
        levels: dict[str, Known | None] = {name: self._at(name, block) for name in LEVELS}
        for name in ("base_fee", "priority_fee"):
            if levels[name] is None:
                raise BadInput(
                    f"the data carry no {WORDS[name]} of {self.network.name}; give {LEVELS[name]}",
                    file=self._study.path,
                    field=f"fees.{self.network.name}.{LEVELS[name]}",
                )
        fork = self._given.fork if self._given else None
        known = {name: level for name, level in levels.items() if level is not None}
        return FeeEnv.of(block.time, known | self._own, fork)

    def _placed(self, error: BadInput) -> BadInput:
        """Return a refused level with this study's file and the key that would give it."""
        key = LEVELS.get(error.field or "")
        if error.field in self.network.levels():
            key = f"own.{error.field}"
        elif error.field == "fork":
            key = "fork"
        if key is None or error.file is not None:
            return error
        field = f"fees.{self.network.name}.{key}"
        return BadInput(error.message, file=self._study.path, field=field)

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
        return self._listed(name, WORDS[name], text, "gwei", parse_amount(text, GWEI_DECIMALS))

    def _own_given(self) -> Mapping[str, int | str]:
        return self._given.own if self._given else {}

    def _own_level(self, name: str, text: str) -> Known:
        return self._listed(name, name, text, self.network.levels()[name], int(text))

    def _listed(self, name: str, words: str, text: str, unit: str, value: int) -> Known:
        """Note an assumed level for the statement and return it, scaled if it is to be."""
        key = f"{self.network.name}:{name}"
        up, down = self._scale.get(key, (1, 1))
        self.used[key] = Used(key, f"{words} ({self.network.name})", text, unit, "the study file", "")
        return networks.assumed(value * up // down, "the study file")

    def _recorded(self, prepared: Prepared) -> Any:
        for market in prepared.markets.values():
            if market.pool.network == self.network.name and market.fees is not None:
                return market.fees
        return None
