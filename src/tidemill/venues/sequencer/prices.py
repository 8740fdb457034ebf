"""A blob's price over time by Ethereum's own rule, under a demand of others that gives way where blobs grow dear."""

from __future__ import annotations

from collections.abc import Iterator

from tidemill.networks.ethereum import BLOB_BASE_COST, GAS_PER_BLOB, BlobSchedule, blob_base_fee_down
from tidemill.units import BPS, div_down, maximum, mul_div_down

__all__ = ["blob_prices"]

SLOT = 12
HOUR = 3_600
CALM_BPS = 9_500
"""Of the target: what others use while blobs are dear."""


def blob_prices(
    schedule: BlobSchedule, excess: int, hours: int, use_bps: int, dear: int, base_fee: int
) -> Iterator[tuple[int, int]]:
    """Yield (excess blob gas, blob base fee) at the end of each hour.

    Within an hour every block holds the same number of blobs, ``use_bps`` of the target; while blob gas costs more than
    ``dear`` wei, a twentieth less than the target. The excess then moves by the same step each block: what EIP-4844 adds up
    block by block, rounded down. Where EIP-7918 binds (``base_fee`` is Ethereum's), it only grows.
    """
    target = schedule.target * GAS_PER_BLOB
    for _ in range(hours):
        price = blob_base_fee_down(excess, schedule.update_fraction)
        used = mul_div_down(target, use_bps if price <= dear else CALM_BPS, BPS)
        blocks = div_down(HOUR, SLOT)
        reserved = schedule.reserve_price and BLOB_BASE_COST * base_fee > GAS_PER_BLOB * price
        if reserved and excess + used >= target:
            excess += blocks * div_down(used * (schedule.maximum - schedule.target), schedule.maximum)
        else:
            excess = maximum(excess + blocks * used, blocks * target) - blocks * target
        yield excess, blob_base_fee_down(excess, schedule.update_fraction)
