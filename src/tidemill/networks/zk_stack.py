"""Fee rules of the ZK Stack as pure integer functions, and a chain of it over its dated parameters.

Prices are wei per gas or wei per byte of pubdata (compressed state differences, not calldata). A block's base fee is the
larger of the fair gas price and what the dearest allowed pubdata gas asks for.
Source: zksync-era ``fee_model.rs`` and ``vm_latest`` as given in the vectors of ``tests/networks/tables/zk_stack.toml``.
"""

from __future__ import annotations

from msgspec import Struct

from tidemill.networks import zk_stack_routes
from tidemill.networks.compressed import VM_GAS, given
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = [
    "FeeModel",
    "ZkStack",
    "base_fee_up",
    "clipped",
    "fair_l2_gas_price_up",
    "fair_pubdata_price_up",
    "gas_per_pubdata_up",
    "overhead_gas",
]

_MILLION = 1_000_000
MOST_L2_GAS_PRICE = 10**13
MOST_PUBDATA_PRICE = 10**15


class FeeModel(Struct, frozen=True):
    """What an operator configures; the two ``_part`` are millionths of a batch's overhead that each price carries."""

    minimal_l2_gas_price: int
    compute_overhead_part: int
    pubdata_overhead_part: int
    batch_overhead_l1_gas: int
    max_gas_per_batch: int
    max_pubdata_per_batch: int


def _up(amount: int, by: int) -> int:
    return -(-amount // by)


def fair_l2_gas_price_up(model: FeeModel, l1_gas_price: int) -> int:
    """Return the gas price that covers computing: the operator's minimum and its part of the batch overhead per gas."""
    overhead = _up(l1_gas_price * model.batch_overhead_l1_gas, model.max_gas_per_batch)
    return model.minimal_l2_gas_price + overhead * model.compute_overhead_part // _MILLION


def fair_pubdata_price_up(model: FeeModel, l1_gas_price: int, l1_pubdata_price: int) -> int:
    """Return the price of a byte of pubdata: what L1 asks, and its part of the batch overhead per byte."""
    overhead = _up(l1_gas_price * model.batch_overhead_l1_gas, model.max_pubdata_per_batch)
    return l1_pubdata_price + overhead * model.pubdata_overhead_part // _MILLION


def clipped(fair_l2_gas_price: int, fair_pubdata_price: int) -> tuple[int, int]:
    """Return both prices, cut at the most a node accepts: 10^13 and 10^15 wei."""
    return min(fair_l2_gas_price, MOST_L2_GAS_PRICE), min(fair_pubdata_price, MOST_PUBDATA_PRICE)


def base_fee_up(fair_l2_gas_price: int, fair_pubdata_price: int, max_gas_per_pubdata: int) -> int:
    """Return the base fee: at least the fair price, and high enough that a byte never needs more gas than allowed."""
    return max(fair_l2_gas_price, _up(fair_pubdata_price, max_gas_per_pubdata))


def gas_per_pubdata_up(fair_pubdata_price: int, base_fee: int) -> int:
    """Return the gas that a byte of pubdata is charged as; 0 where both prices are 0."""
    return _up(fair_pubdata_price, base_fee) if base_fee else 0


def overhead_gas(encoded_length: int, slot_overhead: int = 10_000, per_byte: int = 10) -> int:
    """Return the gas that a transaction owes the batch for its place: of its slot or its bytes, the larger.

    >>> overhead_gas(300), overhead_gas(1_500)
    (10000, 15000)
    """
    return max(slot_overhead, per_byte * encoded_length)


_MODEL = tuple(FeeModel.__struct_fields__)
_LIMITS = ("max_gas_per_pubdata", "tx_slot_overhead_gas", "tx_overhead_gas_per_byte")
_INPUTS = ("l1_pubdata_price", "fair_pubdata_price", "pubdata_bytes", VM_GAS)


class ZkStack(DatedNetwork, frozen=True, dict=True):
    """ZKsync Era and the like. Tips are not charged; gas not used is refunded, so ``gas_used`` is what counts."""

    family: str = "zk_stack"

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the levels that the formula of ``fork`` may read beside the network's own two prices."""
        return ("l1_base_fee", *_MODEL, *_LIMITS, *_INPUTS)

    def pubdata_price(self, env: FeeEnv) -> int:
        """Return the price of a byte: the level ``fair_pubdata_price``, else by the operator's rule from L1's prices."""
        if "fair_pubdata_price" in env.known():
            return env.need("fair_pubdata_price", self.name)
        model = FeeModel(*(env.need(name, self.name) for name in _MODEL))
        prices = (env.need(name, self.name) for name in ("l1_base_fee", "l1_pubdata_price"))
        return clipped(0, fair_pubdata_price_up(model, *prices))[1]

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs: gas and the place in a batch, and its pubdata.

        Levels besides the common ones: ``fair_pubdata_price`` (wei per byte), or ``l1_pubdata_price`` with
        ``l1_base_fee``; ``pubdata_bytes`` where ``tx`` does not say.
        Raises ``BadInput`` naming what is missing.
        """
        env = self.resolve(env)
        pubdata = given(tx.pubdata_bytes, "pubdata_bytes", env, self.name, "compressed state differences it publishes")
        most, slot, per_byte = (env.need(name, self.name) for name in _LIMITS)
        price = self.pubdata_price(env)
        base_fee = base_fee_up(env.need("base_fee", self.name), price, most)
        gas = overhead_gas(tx.size, slot, per_byte) + tx.gas_used
        return FeeParts(base_fee * gas, base_fee * gas_per_pubdata_up(price, base_fee) * pubdata)

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return ``base_fee``: a batch's prices are the operator's, and demand does not move them."""
        self.fork(time)
        return base_fee

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the canonical bridge in both directions."""
        return zk_stack_routes.routes(self, time)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return the operator, and those who hold the token."""
        return zk_stack_routes.roles(self)
