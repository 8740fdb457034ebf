"""A chain of the OP Stack: the formula in force at a time, over the chain's own dated parameters."""

from __future__ import annotations

from tidemill.networks import op_stack, op_ways
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.op_header import header_parameters
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = ["OpChain"]

_LEGACY = ("l1_fee_overhead", "l1_fee_scalar")
_SCALARS = ("base_fee_scalar", "blob_base_fee_scalar")
_OPERATOR = ("operator_fee_scalar", "operator_fee_constant")


class OpChain(DatedNetwork, frozen=True, dict=True):
    """OP Mainnet, Unichain and the like; a chain is a file of dated parameters."""

    family: str = "op_stack"

    @property
    def forks(self) -> tuple[str, ...]:
        """Every fork of the family in order."""
        return op_stack.FORKS

    def _reached(self, fork: str, milestone: str) -> bool:
        return self.forks.index(fork) >= self.forks.index(milestone)

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the fields of ``FeeEnv`` that the formula of ``fork`` reads, beside the network's own two prices."""
        if not self._reached(fork, "ecotone"):
            return ("l1_base_fee", *_LEGACY)
        prices = ("l1_base_fee", "blob_base_fee", *_SCALARS)
        return (*prices, *_OPERATOR) if self._reached(fork, "isthmus") else prices

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs: execution, L1 data and, since Isthmus, the operator's part.

        Raises
        ------
        BadInput : a price that the formula needs is neither in ``env`` nor among the dated parameters.
        """
        env = self.resolve(env)
        execution = tx.gas_used * (env.need("base_fee", self.name) + env.need("priority_fee", self.name))
        return FeeParts(execution, self._l1_data(tx, env), self._operator(tx, env))

    def _l1_data(self, tx: TxShape, env: FeeEnv) -> int:
        fork = env.fork or ""
        values = [env.need(name, self.name) for name in self.needs(fork)]
        if not self._reached(fork, "ecotone"):
            l1_base_fee, overhead, scalar = values
            regolith = self._reached(fork, "regolith")
            l1_gas = op_stack.legacy_l1_gas(tx.zero_bytes, tx.nonzero_bytes, overhead, regolith=regolith)
            return op_stack.legacy_l1_fee_down(l1_gas, l1_base_fee, scalar)
        l1_base_fee, blob_base_fee, base_scalar, blob_scalar, *_ = values
        if not self._reached(fork, "fjord"):
            gas = op_stack.calldata_gas(tx.zero_bytes, tx.nonzero_bytes)
            return op_stack.ecotone_l1_fee_down(gas, l1_base_fee, base_scalar, blob_base_fee, blob_scalar)
        return op_stack.fjord_l1_fee_down(tx.fastlz_length, l1_base_fee, base_scalar, blob_base_fee, blob_scalar)

    def _operator(self, tx: TxShape, env: FeeEnv) -> int:
        fork = env.fork or ""
        if not self._reached(fork, "isthmus"):
            return 0
        scalar, constant = (env.need(name, self.name) for name in _OPERATOR)
        if self._reached(fork, "jovian"):
            return op_stack.jovian_operator_fee(tx.gas_used, scalar, constant)
        return op_stack.isthmus_operator_fee_down(tx.gas_used, scalar, constant)

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the bridge's ways in and out, and the way out past a silent sequencer; none where delays are unknown."""
        if not all(name in self.facts.facts for name in op_ways.DELAYS):
            return ()
        behind = tuple(self.facts.facts[name] for name in op_ways.DELAYS)
        return op_ways.routes(self.name, self.facts, op_ways.finalize_wait(self.facts), behind)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns here: the sequencer its fees, holders of the token nothing."""
        return op_ways.roles(self.facts)

    def next_base_fee(
        self,
        time: int,
        base_fee: int,
        gas_used: int,
        gas_limit: int,
        da_footprint: int = 0,
        extra_data: bytes | None = None,
    ) -> int:
        """Return the base fee of the block at ``time`` from its parent's header.

        ``da_footprint`` is the parent's (the sum of ``op_stack.da_footprint_down``); it counts since Jovian only.
        ``extra_data``, also the parent's, overrules the dated parameters where it is given: since Holocene it is the rule.
        """
        if extra_data is not None:
            said = header_parameters(extra_data)
            counted = da_footprint if self._reached(self.fork(time), "jovian") else 0
            return op_stack.next_base_fee_op_down(
                base_fee,
                gas_used,
                gas_limit,
                said.elasticity,
                said.denominator,
                da_footprint=counted,
                min_base_fee=said.min_base_fee,
            )
        elasticity = self.parameter("eip1559_elasticity", time)
        denominator = self.parameter("eip1559_denominator", time)
        if not self._reached(self.fork(time), "jovian"):
            return op_stack.next_base_fee_op_down(base_fee, gas_used, gas_limit, elasticity, denominator)
        floor = self.parameter("min_base_fee", time)
        return op_stack.next_base_fee_op_down(
            base_fee, gas_used, gas_limit, elasticity, denominator, da_footprint=da_footprint, min_base_fee=floor
        )

    def da_footprint(self, tx: TxShape, time: int) -> int:
        """Return the gas that ``tx`` adds to its block's data footprint; 0 before Jovian."""
        if not self._reached(self.fork(time), "jovian"):
            return 0
        return op_stack.da_footprint_down(tx.fastlz_length, self.parameter("da_footprint_gas_scalar", time))
