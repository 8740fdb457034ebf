"""What may be signed at all, whatever a strategy wants."""

from __future__ import annotations

from msgspec import Struct

from tidemill.chain.types import Call

__all__ = ["SpendLimits"]


class SpendLimits(Struct, frozen=True):
    """Bounds checked before every signature (a first part of EX13).

    Parameters
    ----------
    value_per_tx, fee_per_tx : most wei sent along, and most wei of gas limit × price, per transaction.
    bump_bps : most fee a replacement may ask, in basis points of the first attempt's.
    allowed : (receiver in lower case, first four bytes of data) pairs that may be called; ``None`` allows all.
    """

    value_per_tx: int
    fee_per_tx: int
    bump_bps: int = 50_000
    allowed: frozenset[tuple[str, bytes]] | None = None

    def refusal(self, call: Call, fee: int) -> str | None:
        """Return why this transaction must not be signed, ``None`` if it may."""
        if call.value > self.value_per_tx:
            return f"sends {call.value} wei, more than {self.value_per_tx} per transaction"
        if fee > self.fee_per_tx:
            return f"may cost {fee} wei of fee, more than {self.fee_per_tx} per transaction"
        if self.allowed is not None and (call.to.lower(), call.data[:4]) not in self.allowed:
            return f"calls {call.to} with {call.data[:4].hex() or 'no data'}, which is not on the allow-list"
        return None
