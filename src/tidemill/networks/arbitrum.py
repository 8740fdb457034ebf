"""A chain of Arbitrum's Nitro: execution at the base fee, data at the price per unit, over dated parameters."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.errors import BadInput
from tidemill.networks import arbitrum_l1, arbitrum_l2, arbitrum_ways
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = ["ArbitrumChain"]

_MILLION = 1_000_000


class ArbitrumChain(DatedNetwork, frozen=True, dict=True):
    """Arbitrum One and Nova; a chain is a file of dated parameters."""

    family: str = "arbitrum"

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return what the formula reads beside the base fee: the price of a unit of data, wei."""
        return ("price_per_unit",)

    def levels(self) -> Mapping[str, str]:
        """Return the one level of its own."""
        return {"price_per_unit": "wei"}

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs: its gas at the base fee, and its data in whole gas at the same price.

        A tip is not charged: the sequencer orders by arrival and gives nothing for it. Where resources have prices of
        their own, all gas counts at the dearest here; ``arbitrum_l2.multi_gas_refund`` says what comes back.

        Raises
        ------
        BadInput : the price of a unit is not known, or the brotli length of ``tx`` was not measured.
        """
        env = self.resolve(env)
        base_fee = env.need("base_fee", self.name)
        price = env.need("price_per_unit", self.name)
        units = self.units(tx)
        return FeeParts(tx.gas_used * base_fee, arbitrum_l1.poster_fee_down(units, price, base_fee))

    def shape(self, gas_used: int, signed: bytes, time: int) -> TxShape:
        """Return the shape of a signed transaction, compressed at the level that the chain's state holds at ``time``."""
        return TxShape.of(gas_used, signed, self.parameter("brotli_level", time))

    def units(self, tx: TxShape) -> int:
        """Return the units of data that ``tx`` counts for; raises ``BadInput`` where its brotli length is unknown."""
        if tx.brotli_length is None:
            raise BadInput(f"{self.name} needs the length after brotli and has none measured", field="brotli_length")
        return arbitrum_l1.poster_units(tx.brotli_length)

    def split(self, tx: TxShape, env: FeeEnv) -> arbitrum_l1.FeeSplit:
        """Return who gets the fee of ``tx``; raises as ``fee``."""
        env = self.resolve(env)
        base_fee, price = (env.need(name, self.name) for name in ("base_fee", "price_per_unit"))
        floor = self.parameter("min_base_fee", env.time)
        return arbitrum_l1.fee_split(tx.gas_used, self.units(tx), price, base_fee, floor)

    def legacy(self, time: int) -> arbitrum_l2.Legacy:
        """Return the one-backlog model's parameters at ``time``."""
        names = ("speed_limit", "min_base_fee", "backlog_tolerance", "pricing_inertia")
        return arbitrum_l2.Legacy(*(self.parameter(name, time) for name in names))

    def constraints(self, time: int) -> tuple[arbitrum_l2.Constraint, ...]:
        """Return the constraints in force at ``time``, backlogs empty: none before ArbOS 51."""
        line = self.facts.timeline("gas_constraints")
        if time < line.entries[0].since:
            return ()
        pairs = [each.split("/") for each in str(line.at(time)).split()]
        return tuple(arbitrum_l2.Constraint(int(target) * _MILLION, int(window)) for target, window in pairs)

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Refuse: the price follows from backlogs, which no header shows; see ``arbitrum_l2``."""
        raise BadInput(
            f"{self.name} prices gas by its backlogs; use legacy_update, single_update or multi_update of arbitrum_l2",
            field="next_base_fee",
        )

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the bridge's ways in and out, and the way out past a silent sequencer."""
        return arbitrum_ways.routes(self.name, self.facts)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns here: the sequencer's fees go to the DAO, holders of ARB are paid nothing."""
        return arbitrum_ways.roles(self.facts)
