"""OP Stack fee formulas as pure integer functions, one per rule; every division rounds down, as in consensus.

Amounts are wei, scalars are integers scaled by 1e6, ``length`` values are bytes of the *signed* transaction.
Sources: OP Stack specification, execution engine pages of each fork (Bedrock … Jovian); vectors in ``tests/networks``.
"""

from __future__ import annotations

from tidemill.networks.ethereum import next_base_fee_down

__all__ = [
    "FORKS",
    "calldata_gas",
    "da_footprint_down",
    "ecotone_l1_fee_down",
    "estimated_size_scaled",
    "fjord_l1_fee_down",
    "fjord_l1_gas_down",
    "isthmus_operator_fee_down",
    "jovian_operator_fee",
    "legacy_l1_fee_down",
    "legacy_l1_gas",
    "next_base_fee_op_down",
]

FORKS = (
    "bedrock",
    "regolith",
    "canyon",
    "delta",
    "ecotone",
    "fjord",
    "granite",
    "holocene",
    "isthmus",
    "jovian",
    "karst",
)
"""Every fork in order; a fork without a fee rule of its own keeps the one before it."""

_ZERO_BYTE_GAS = 4
_NONZERO_BYTE_GAS = 16
_UNSIGNED_PAD = 68  # before Regolith a signature's worth of non-zero bytes was added a second time
_SCALAR = 1_000_000

# Fjord: estimated compressed size = max(100, -42.5856 + 0.8365 * FastLZ length), scaled by 1e6
_SIZE_MINIMUM = 100_000_000
_SIZE_INTERCEPT = -42_585_600
_SIZE_SLOPE = 836_500


def calldata_gas(zero_bytes: int, nonzero_bytes: int) -> int:
    """Return what the bytes would cost as L1 calldata (EIP-2028 prices).

    >>> calldata_gas(0, 30)
    480
    """
    return _ZERO_BYTE_GAS * zero_bytes + _NONZERO_BYTE_GAS * nonzero_bytes


def legacy_l1_gas(zero_bytes: int, nonzero_bytes: int, overhead: int, *, regolith: bool) -> int:
    """Return the L1 gas that Bedrock (``regolith=False``) or Regolith charges for, ``overhead`` included."""
    pad = 0 if regolith else _UNSIGNED_PAD
    return calldata_gas(zero_bytes, nonzero_bytes + pad) + overhead


def legacy_l1_fee_down(l1_gas: int, l1_base_fee: int, scalar: int) -> int:
    """Return the L1 data fee of Bedrock and Regolith from ``legacy_l1_gas``."""
    return l1_gas * l1_base_fee * scalar // _SCALAR


def _weighted_price(l1_base_fee: int, base_fee_scalar: int, blob_base_fee: int, blob_base_fee_scalar: int) -> int:
    return 16 * l1_base_fee * base_fee_scalar + blob_base_fee * blob_base_fee_scalar


def ecotone_l1_fee_down(
    calldata_gas_used: int, l1_base_fee: int, base_fee_scalar: int, blob_base_fee: int, blob_base_fee_scalar: int
) -> int:
    """Return the L1 data fee of Ecotone."""
    price = _weighted_price(l1_base_fee, base_fee_scalar, blob_base_fee, blob_base_fee_scalar)
    return calldata_gas_used * price // (16 * _SCALAR)


def estimated_size_scaled(fastlz_length: int) -> int:
    """Return Fjord's estimate of the size in a batch, in millionths of a byte, never below 100 bytes.

    >>> estimated_size_scaled(170)
    100000000
    """
    return max(_SIZE_MINIMUM, _SIZE_INTERCEPT + _SIZE_SLOPE * fastlz_length)


def fjord_l1_fee_down(
    fastlz_length: int, l1_base_fee: int, base_fee_scalar: int, blob_base_fee: int, blob_base_fee_scalar: int
) -> int:
    """Return the L1 data fee of Fjord and later."""
    price = _weighted_price(l1_base_fee, base_fee_scalar, blob_base_fee, blob_base_fee_scalar)
    return estimated_size_scaled(fastlz_length) * price // (_SCALAR * _SCALAR)


def fjord_l1_gas_down(fastlz_length: int) -> int:
    """Return the ``l1GasUsed`` that receipts show since Fjord: the estimated size at 16 gas a byte."""
    return estimated_size_scaled(fastlz_length) * _NONZERO_BYTE_GAS // _SCALAR


def isthmus_operator_fee_down(gas_used: int, scalar: int, constant: int) -> int:
    """Return the operator fee of Isthmus: ``gas * scalar / 1e6 + constant``."""
    return gas_used * scalar // _SCALAR + constant


def jovian_operator_fee(gas_used: int, scalar: int, constant: int) -> int:
    """Return the operator fee of Jovian and later: ``gas * scalar * 100 + constant``; nothing is divided any more."""
    return gas_used * scalar * 100 + constant


def da_footprint_down(fastlz_length: int, footprint_gas_scalar: int) -> int:
    """Return one transaction's share of a block's data footprint, in gas (Jovian)."""
    return estimated_size_scaled(fastlz_length) // _SCALAR * footprint_gas_scalar


def next_base_fee_op_down(
    base_fee: int,
    gas_used: int,
    gas_limit: int,
    elasticity: int,
    denominator: int,
    *,
    da_footprint: int = 0,
    min_base_fee: int = 0,
) -> int:
    """Return the base fee that follows a block.

    Canyon to Granite take ``elasticity`` and ``denominator`` from the chain's configuration, Holocene and later from
    the parent's header. Since Jovian the larger of gas used and ``da_footprint`` counts, and the result is never below
    ``min_base_fee``; leave both 0 before.
    """
    raised = next_base_fee_down(base_fee, max(gas_used, da_footprint), gas_limit // elasticity, denominator)
    return max(raised, min_base_fee)
