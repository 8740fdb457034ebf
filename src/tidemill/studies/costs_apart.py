"""Costs of a study over several networks: each venue's by the formula and the levels of the network it stands on."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.interfaces import Block, Costs
from tidemill.studies.costs import Costing, Used
from tidemill.studies.prepare import Prepared

__all__ = ["Costings"]


class Costings:
    """``CostOf`` for a study: ``own`` prices what stands on the study's own network, whatever network ``own`` is for.

    ``scale`` multiplies assumed levels by a ratio, as it does those of ``own``.
    """

    def __init__(self, prepared: Prepared, own: Costing, scale: Mapping[str, tuple[int, int]] | None = None) -> None:
        self.network, self.rate = own.network, own.rate
        self._where, self._home = prepared.network_of, prepared.study.network
        self._by = {name: Costing(prepared, name, scale) for name in prepared.networks if name != self._home}
        self._by[self._home] = own
        self._told: dict[int, tuple[Costs, str]] = {}

    def __call__(self, venue: str, verb: str, features: Mapping[str, int], block: Block) -> Costs:
        """Return the costs of one own transaction (``engine.rules.CostOf``); both halves of a venue have one gas table."""
        network = self._where(venue)
        costs = self._by[network](venue.partition("@")[0], verb, features, block)
        self._told[id(costs)] = costs, network
        return costs

    def of(self, network: str) -> Costing:
        """Return what prices transactions on a network of the study."""
        return self._by[network]

    @property
    def used(self) -> dict[str, Used]:
        """Every assumed fee level, the study's own network first."""
        found = dict(self._by[self._home].used)
        for costing in self._by.values():
            found |= costing.used
        return found

    @property
    def told(self) -> list[Costs]:
        """Every answer given so far, in order."""
        return [costs for costs, _ in self._told.values()]

    def again(self, costs: Costs, other: Costings) -> Costs | None:
        """Return what ``other`` says of the transaction that this one answered ``costs`` for, ``None`` if it did not."""
        if id(costs) not in self._told:
            return None
        _, network = self._told[id(costs)]
        return self._by[network].again(costs, other._by[network])
