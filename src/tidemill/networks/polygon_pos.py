"""Polygon PoS: EIP-1559 with its own schedule by block, no charge for data; and the network over its dated parameters.

The base fee is burned, the tip goes to the producer (PIP-65 divides it). A fork is a block number;
its time in the facts is that block's, where one is known, and says so where it is reckoned.
Source: 0xPolygon/bor, consensus/misc/eip1559, as given in the vectors of ``tests/networks/tables/eip1559.toml``.
"""

from __future__ import annotations

from tidemill.errors import UnknownName
from tidemill.networks import polygon_routes
from tidemill.networks.dated import GasOnly
from tidemill.networks.ethereum import next_base_fee_down
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role

__all__ = ["PolygonPos", "gas_target_down"]

_HUNDRED = 100


def gas_target_down(gas_limit: int, target_percent: int) -> int:
    """Return the gas that a block aims at; ``target_percent`` of the limit (50 before Dandeli, 65 from it on)."""
    return gas_limit * target_percent // _HUNDRED


class PolygonPos(GasOnly, frozen=True, dict=True):
    """Polygon PoS over its dated parameters."""

    family: str = "polygon_pos"

    def fork_at_block(self, number: int) -> str:
        """Return the fork in force at a block; raises ``BadInput`` before London."""
        return str(self.facts.timeline("fork_block").at(number))

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the base fee of the block at ``time`` from its parent's header."""
        return self.next_base_fee_in(self.fork(time), base_fee, gas_used, gas_limit)

    def next_base_fee_in(self, fork: str, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the base fee that follows under ``fork``, for who knows the block's fork by its number."""
        if fork not in self.forks:
            raise UnknownName("fork", fork, self.forks, field="fork")
        since = next(e.since for e in self.facts.timeline("fork").entries if e.fact.value == fork)
        target = gas_target_down(gas_limit, self.parameter("gas_target_percent", since))
        return next_base_fee_down(base_fee, gas_used, target, self.parameter("eip1559_denominator", since))

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the canonical bridge in both directions, and the way out of a delegation."""
        return polygon_routes.routes(self)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return validators and delegators, who stake on Ethereum, and the producer of a block."""
        return polygon_routes.roles(self)
