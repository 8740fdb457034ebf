"""Ethereum's fee rules as pure integer functions: EIP-1559, EIP-4844 and EIP-7918; and Ethereum as a network.

Every division rounds down, as the EIPs state. The base-fee rule takes its two parameters, so that networks which
changed them (the OP Stack, Polygon PoS) use the same function.
"""

from __future__ import annotations

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.networks.dated import GasOnly

__all__ = [
    "BLOB_BASE_COST",
    "GAS_PER_BLOB",
    "BlobSchedule",
    "Ethereum",
    "blob_base_fee_down",
    "fake_exponential_down",
    "next_base_fee_down",
    "next_excess_blob_gas_down",
]

GAS_PER_BLOB = 131_072
"""EIP-4844: one blob is 2**17 bytes, one gas each."""
BLOB_BASE_COST = 8_192
"""EIP-7918: execution gas whose price a blob's gas must at least cost before the target binds."""
_MIN_BLOB_BASE_FEE = 1
_ELASTICITY = 2
_DENOMINATOR = 8


def next_base_fee_down(base_fee: int, gas_used: int, gas_target: int, denominator: int) -> int:
    """Return the base fee that follows a block (EIP-1559), wei per gas.

    The change is ``base_fee * |gas_used - gas_target| / gas_target / denominator``, rounded down, and at least 1 wei
    upwards.

    >>> next_base_fee_down(1_000_000_000, 11_000_000, 10_000_000, 8)
    1012500000
    """
    if gas_target <= 0 or denominator <= 0:
        raise BadInput(f"gas target {gas_target} and denominator {denominator} must be positive")
    change = base_fee * abs(gas_used - gas_target) // gas_target // denominator
    if gas_used > gas_target:
        return base_fee + max(1, change)
    return max(0, base_fee - change)


def fake_exponential_down(factor: int, numerator: int, denominator: int) -> int:
    """Return ``factor * e**(numerator / denominator)`` by the Taylor sum of EIP-4844, each term rounded down.

    >>> fake_exponential_down(1, 50_000_000, 2_225_652)
    5709098764
    """
    term, total, index = factor * denominator, 0, 1
    while term > 0:
        total += term
        term = term * numerator // (denominator * index)
        index += 1
    return total // denominator


def blob_base_fee_down(excess_blob_gas: int, update_fraction: int) -> int:
    """Return the blob base fee in wei per blob gas (EIP-4844)."""
    return fake_exponential_down(_MIN_BLOB_BASE_FEE, excess_blob_gas, update_fraction)


class BlobSchedule(Struct, frozen=True):
    """Blob parameters of a fork: blobs per block aimed at and allowed, update fraction, and whether EIP-7918 is on."""

    target: int
    maximum: int
    update_fraction: int
    reserve_price: bool


def next_excess_blob_gas_down(
    schedule: BlobSchedule, parent_excess: int, parent_blob_gas_used: int, parent_base_fee: int
) -> int:
    """Return the excess blob gas of a block from its parent's header, under the block's own ``schedule``.

    EIP-4844; where ``schedule.reserve_price`` holds, EIP-7918: while blob gas costs less than the execution price of
    handling a blob, the excess only grows, by the used share above target.
    """
    target = schedule.target * GAS_PER_BLOB
    if parent_excess + parent_blob_gas_used < target:
        return 0
    blob_price = GAS_PER_BLOB * blob_base_fee_down(parent_excess, schedule.update_fraction)
    if schedule.reserve_price and BLOB_BASE_COST * parent_base_fee > blob_price:
        grown = parent_blob_gas_used * (schedule.maximum - schedule.target) // schedule.maximum
        return parent_excess + grown
    return parent_excess + parent_blob_gas_used - target


class Ethereum(GasOnly, frozen=True, dict=True):
    """Ethereum over its dated parameters; ``fee`` has no data part: calldata is in the gas."""

    family: str = "ethereum"

    def blob_schedule(self, time: int) -> BlobSchedule:
        """Return the blob parameters in force at ``time``; raises ``BadInput`` before Cancun."""
        values = [self.facts.timeline(f"blob_{part}").at(time) for part in ("target", "maximum", "update_fraction")]
        target, maximum, fraction = (int(value) for value in values)
        return BlobSchedule(target, maximum, fraction, bool(self.facts.timeline("blob_reserve_price").at(time)))

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the base fee of the block at ``time``: half the limit is the target, an eighth the largest step."""
        self.fork(time)
        return next_base_fee_down(base_fee, gas_used, gas_limit // _ELASTICITY, _DENOMINATOR)
