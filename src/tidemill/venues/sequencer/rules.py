"""What posting a rollup's data costs on Ethereum, and what proofs cost: pure integer functions.

Sources: EIP-4844 (131,072 blob gas a blob, 4,096 field elements of which 31 whole bytes are free to use), EIP-2028 (16 gas for
a byte of calldata that is not zero). Amounts are wei, gas, bytes, seconds.
"""

from __future__ import annotations

from msgspec import Struct

from tidemill.networks.ethereum import GAS_PER_BLOB
from tidemill.units import div_up, maximum, minimum

__all__ = [
    "BLOB_BYTES",
    "CALLDATA_GAS",
    "Batches",
    "Packing",
    "batches_up",
    "posting_gas",
    "posting_wei",
]

BLOB_BYTES = 4_096 * 31
"""Bytes that fit into a blob by the simplest packing; a stack that packs tighter states its own number."""
CALLDATA_GAS = 16
"""Compressed bytes are all but never zero, so every byte counts as one that is not."""


class Packing(Struct, frozen=True):
    """How a stack packs and posts.

    Parameters
    ----------
    blob_bytes : data in a blob. blobs_per_tx : blobs that one transaction carries at most.
    tx_gas : gas of a transaction with blobs, beside the blobs'. calldata_bytes : data in a transaction of calldata at most.
    calldata_tx_gas : its gas beside the bytes'.
    """

    blob_bytes: int = BLOB_BYTES
    blobs_per_tx: int = 6
    tx_gas: int = 21_000
    calldata_bytes: int = 120_000
    calldata_tx_gas: int = 21_000


class Batches(Struct, frozen=True):
    """What a posting is made of: transactions, blobs (none in calldata), and the bytes in them."""

    transactions: int
    blobs: int
    size: int


def batches_up(size: int, packing: Packing, *, blobs: bool, at_least: int = 1) -> Batches:
    """Return how many transactions (and blobs) ``size`` bytes take, none for nothing.

    ``at_least`` : transactions that are sent however empty they are, because nothing may wait longer; each of them carries
    whole blobs of its own, so that what is sent early is paid for in air.

    >>> batches_up(126_976 * 6 + 1, Packing(), blobs=True)
    Batches(transactions=2, blobs=7, size=761857)
    >>> batches_up(1_000, Packing(), blobs=True, at_least=4).blobs
    4
    """
    if size == 0:
        return Batches(0, 0, 0)
    if not blobs:
        return Batches(maximum(div_up(size, packing.calldata_bytes), minimum(at_least, size)), 0, size)
    sent = maximum(div_up(size, packing.blob_bytes * packing.blobs_per_tx), minimum(at_least, size))
    # Spread evenly over what must be sent anyway; otherwise filled one after the other.
    if sent > div_up(size, packing.blob_bytes * packing.blobs_per_tx):
        return Batches(sent, sent * div_up(div_up(size, sent), packing.blob_bytes), size)
    return Batches(sent, div_up(size, packing.blob_bytes), size)


def posting_gas(batches: Batches, packing: Packing) -> tuple[int, int]:
    """Return (execution gas, blob gas) of a posting."""
    if batches.blobs:
        return batches.transactions * packing.tx_gas, batches.blobs * GAS_PER_BLOB
    return batches.transactions * packing.calldata_tx_gas + batches.size * CALLDATA_GAS, 0


def posting_wei(batches: Batches, packing: Packing, gas_price: int, blob_base_fee: int) -> int:
    """Return what a posting costs at a gas price and a blob base fee (wei).

    >>> posting_wei(batches_up(126_976, Packing(), blobs=True), Packing(), 30 * 10**9, 1)
    630000000131072
    """
    gas, blob_gas = posting_gas(batches, packing)
    return gas * gas_price + blob_gas * blob_base_fee
