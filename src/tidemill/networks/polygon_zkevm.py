"""Polygon zkEVM's effective gas price as pure integer functions; the network has ended, they serve to replay it.

A signed gas price was an offer: the sequencer charged the share of it that covered L1, rounded to 1/256.
Source: 0xPolygonHermez/zkevm-node, pool, as given in the vectors of ``tests/networks/tables/polygon_zkevm.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.networks.listed import Listed
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = [
    "PolygonZkEvm",
    "PriceModel",
    "break_even_gas_price_down",
    "effective_gas_price_down",
    "effective_percentage",
]

_MILLION = 10**6
_PARTS = 256
_PERCENTAGE_BYTES = 1  # the byte that carries the percentage is published too
_TRANSFER_GAS = 21_000


class PriceModel(Struct, frozen=True):
    """The sequencer's settings; factors in millionths, ``least`` and ``transfer`` (0: no fixed price) in wei per gas."""

    l1_gas_price_factor: int = 250_000
    byte_gas: int = 16
    zero_byte_gas: int = 4
    net_profit: int = _MILLION
    least: int = 1
    transfer: int = 0


def break_even_gas_price_down(
    zero_bytes: int, nonzero_bytes: int, offered: int, gas: int, l1_gas_price: int, model: PriceModel | None = None
) -> int:
    """Return the gas price at which a transaction pays for its share of a proof and its bytes on L1.

    One of no gas pays what it offered; a plain transfer the fixed price, where one is set.
    """
    model = model or PriceModel()
    if gas == 0:
        return offered
    if gas == _TRANSFER_GAS and model.transfer:
        return model.transfer
    computing = gas * max(l1_gas_price * model.l1_gas_price_factor // _MILLION, model.least)
    byte_gas = (nonzero_bytes + _PERCENTAGE_BYTES) * model.byte_gas + zero_bytes * model.zero_byte_gas
    return (computing + byte_gas * l1_gas_price) // gas * model.net_profit // _MILLION


def effective_gas_price_down(break_even: int, offered: int, suggested: int) -> int:
    """Return the price charged: who offers more than the node suggests pays as many times the break-even price."""
    if suggested <= 0:
        raise BadInput(f"suggested gas price {suggested} must be positive")
    return break_even * offered // suggested if offered > suggested else break_even


def effective_percentage(offered: int, effective: int) -> int:
    """Return the byte that says how much of the offered price is charged: ``(byte + 1) / 256`` of it.

    >>> effective_percentage(22_000_000_000, 19_800_000_000)
    230
    """
    if offered <= 0:
        raise BadInput(f"offered gas price {offered} must be positive")
    byte = -(-effective * _PARTS // offered) - 1
    return min(max(byte, 0), _PARTS - 1)


class PolygonZkEvm(Listed, frozen=True, dict=True):
    """Polygon zkEVM, for replay: its fee at prices of its day."""

    def levels(self) -> Mapping[str, str]:
        """Return the level that its formula reads besides the common prices."""
        return {"suggested_gas_price": "wei"}

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return gas at the share charged of the offered price, base fee plus tip.

        ``l1_base_fee`` is the L1 gas price the node saw; the level ``suggested_gas_price`` what it suggested.
        Raises ``BadInput`` naming what is missing.
        """
        offered = env.need("base_fee", self.name) + env.need("priority_fee", self.name)
        if not offered:
            raise BadInput(f"{self.name} charges a share of the gas price offered; it is 0", field="base_fee")
        l1_gas_price = env.need("l1_base_fee", self.name)
        factor, profit = (self.facts.integer(name) for name in ("l1_gas_price_factor", "net_profit"))
        model = PriceModel(l1_gas_price_factor=factor, net_profit=profit)
        sizes = tx.zero_bytes, tx.nonzero_bytes
        break_even = break_even_gas_price_down(*sizes, offered, tx.gas_used, l1_gas_price, model)
        suggested = env.need("suggested_gas_price", self.name)
        effective = effective_gas_price_down(break_even, offered, suggested)
        share = effective_percentage(offered, effective) + 1
        return FeeParts(tx.gas_used * (offered * share // _PARTS))
