"""Columns of the stored tables, and the kinds of pool event. One place; everything else refers here.

Wide integers are columns of type ``Array(UInt64, W)``: little-endian limbs, two's complement where signed (see
``limbs``). They are never null; which of them mean something depends on ``kind`` and stands in ``FIELDS``.
"""

from __future__ import annotations

from enum import IntEnum

import polars as pl

__all__ = ["BARS", "BLOCKS", "EVENTS", "FIELDS", "PRICES", "SCHEMA_VERSION", "SIGNED", "WIDTHS", "Kind"]

SCHEMA_VERSION = 1
"""Version of the tables below; a store of another version is refused with the command that rewrites it."""


class Kind(IntEnum):
    """Kinds of pool event; the first seven are the codes of ``Flow.kind``."""

    SWAP = 0
    MINT = 1
    BURN = 2
    COLLECT = 3
    FLASH = 4
    SET_FEE_PROTOCOL = 5
    COLLECT_PROTOCOL = 6
    INITIALIZE = 7
    INCREASE_OBSERVATIONS = 8


WIDTHS = {"liquidity": 2, "sqrt_price_x96": 3, "amount0": 4, "amount1": 4, "paid0": 4, "paid1": 4}
"""Limbs per wide column."""

SIGNED = frozenset({"amount0", "amount1"})
"""Wide columns in two's complement (a swap's amounts are the pool's signed balance changes)."""

EVENTS: dict[str, pl.DataType] = {
    "block": pl.Int64(),
    "time": pl.Int64(),  # seconds, UTC
    "tx_index": pl.Int32(),
    "log_index": pl.Int32(),
    "kind": pl.UInt8(),
    "tx_hash": pl.String(),
    "block_hash": pl.String(),
    "sender": pl.String(),
    "owner": pl.String(),
    "recipient": pl.String(),
    "tick_lower": pl.Int32(),
    "tick_upper": pl.Int32(),
    "tick": pl.Int32(),
    "swap_type": pl.UInt8(),  # as Flow.swap_type, where it is known; events do not say
    **{name: pl.Array(pl.UInt64(), width) for name, width in WIDTHS.items()},
}
"""The typed union table of a pool's events, in chain order, unique by (block, log_index)."""

FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.SWAP: ("sender", "recipient", "amount0", "amount1", "sqrt_price_x96", "liquidity", "tick"),
    Kind.MINT: ("sender", "owner", "tick_lower", "tick_upper", "liquidity", "amount0", "amount1"),
    Kind.BURN: ("owner", "tick_lower", "tick_upper", "liquidity", "amount0", "amount1"),
    Kind.COLLECT: ("owner", "recipient", "tick_lower", "tick_upper", "amount0", "amount1"),
    Kind.FLASH: ("sender", "recipient", "amount0", "amount1", "paid0", "paid1"),
    Kind.SET_FEE_PROTOCOL: ("paid0", "paid1", "amount0", "amount1"),  # old 0, old 1, new 0, new 1
    Kind.COLLECT_PROTOCOL: ("sender", "recipient", "amount0", "amount1"),
    Kind.INITIALIZE: ("sqrt_price_x96", "tick"),
    Kind.INCREASE_OBSERVATIONS: ("amount0", "amount1"),  # old, new cardinality
}
"""What each kind fills beside the chain columns, in the order of the event's own arguments."""

BLOCKS: dict[str, pl.DataType] = {
    "block": pl.Int64(),
    "time": pl.Int64(),
    "base_fee": pl.Int64(),
    "blob_base_fee": pl.Int64(),
    "l1_base_fee": pl.Int64(),
}
"""Fees of blocks where known, wei (null where not)."""

PRICES: dict[str, pl.DataType] = {"time": pl.Int64(), "token": pl.String(), "price_micro": pl.Int64()}
"""Prices of one whole token in millionths of the quote currency, where known."""

BARS: dict[str, pl.DataType] = {
    "time": pl.Int64(),
    "open_tick": pl.Int32(),
    "low_tick": pl.Int32(),
    "high_tick": pl.Int32(),
    "close_tick": pl.Int32(),
    "in0": pl.Array(pl.UInt64(), 2),
    "in1": pl.Array(pl.UInt64(), 2),
    "liquidity": pl.Array(pl.UInt64(), 2),
}
"""Bars: ticks of the first and last price and the extremes, volume in of each token, active liquidity at the close."""
