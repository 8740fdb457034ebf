"""What goes to a chain and what comes back, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

__all__ = ["BlockRef", "Call", "Receipt"]


class Call(Struct, frozen=True):
    """An unsigned transaction: hex address, calldata, wei; ``step`` and ``purpose`` say what it serves.

    An empty ``to`` creates the contract whose creation code is ``data``.
    """

    to: str
    data: bytes
    value: int = 0
    step: int = 0
    purpose: str = ""


class Receipt(Struct, frozen=True):
    """What a chain says of a sent transaction; ``logs`` as the endpoint gives them (address, topics, data).

    ``gas_used`` is without data and ``l1_fee`` what its data cost, on Arbitrum too, where both are gas.
    """

    tx_hash: str
    block_number: int
    block_hash: str
    status: bool
    gas_used: int
    effective_gas_price: int
    l1_fee: int
    logs: tuple[Mapping[str, Any], ...]
    revert_reason: str | None = None


class BlockRef(Struct, frozen=True):
    """A block by what cannot change under it: its hash. ``timestamp`` in seconds, ``base_fee`` in wei (0 if none)."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    base_fee: int = 0
