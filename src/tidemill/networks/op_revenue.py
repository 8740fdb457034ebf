"""What an OP chain's sequencer takes in, by vault, and what it owes the Superchain; pure integer functions."""

from __future__ import annotations

from msgspec import Struct

from tidemill.networks.types import FeeParts

__all__ = ["Vaults", "revenue_share_down", "vaults"]

_BIPS = 10_000
_GROSS_BIPS = 250
_NET_BIPS = 1_500


class Vaults(Struct, frozen=True):
    """Wei that transactions left in each of the chain's fee vaults."""

    base_fee: int = 0
    sequencer: int = 0
    l1_fee: int = 0
    operator: int = 0

    @property
    def gross(self) -> int:
        """All that users paid."""
        return self.base_fee + self.sequencer + self.l1_fee + self.operator

    def plus(self, other: Vaults) -> Vaults:
        """Return both together."""
        return Vaults(
            self.base_fee + other.base_fee,
            self.sequencer + other.sequencer,
            self.l1_fee + other.l1_fee,
            self.operator + other.operator,
        )


def vaults(gas_used: int, base_fee: int, parts: FeeParts) -> Vaults:
    """Return where a transaction's fee goes: base fee and tip apart, data fee, operator fee; nothing is burned."""
    base = gas_used * base_fee
    return Vaults(base, parts.l2_execution - base, parts.l1_data, parts.operator)


def revenue_share_down(gross: int, l1_fees: int) -> int:
    """Return what a member of the Superchain owes: 2.5 % of gross or 15 % of gross without L1 fees, whichever is more.

    Each part is rounded down. ``l1_fees`` is what the L1 fee vault took in, not what was spent on Ethereum.

    >>> revenue_share_down(1_000_000, 900_000)
    25000
    >>> revenue_share_down(1_000_000, 100_000)
    135000
    """
    return max(gross * _GROSS_BIPS // _BIPS, (gross - l1_fees) * _NET_BIPS // _BIPS)
