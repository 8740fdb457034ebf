"""Who signs. For now only accounts that local development chains publish: their keys are no secret and hold nothing."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["DevWallet", "Unsigned", "Wallet"]

# Printed by every anvil at start, in its manual, and in a thousand tutorials. Money sent to it elsewhere is gone.
_DEV_KEYS = ("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",)
LOCAL_CHAINS = range(31_337, 31_400)


class Unsigned(Struct, frozen=True):
    """A type-2 transaction before it is signed. ``max_fee`` and ``tip`` are wei per gas."""

    chain_id: int
    nonce: int
    to: str
    value: int
    data: bytes
    gas: int
    max_fee: int
    tip: int


class Wallet(Protocol):
    """One account."""

    @property
    def address(self) -> str:
        """Its address, checksummed."""
        ...

    def sign(self, tx: Unsigned) -> tuple[bytes, str]:
        """Return (raw bytes, hash). The same transaction always gives the same bytes (RFC 6979)."""
        ...


class DevWallet:
    """**For local chains only**: a development account of anvil; it refuses every other chain id."""

    def __init__(self, index: int = 0) -> None:
        from eth_account import Account  # noqa: PLC0415 - heavy, and only for sending

        if not 0 <= index < len(_DEV_KEYS):
            raise BadInput(f"there is no development account {index}; give 0 to {len(_DEV_KEYS) - 1}", field="account")
        self._account = Account.from_key(_DEV_KEYS[index])

    def __repr__(self) -> str:
        return f"DevWallet({self.address})"

    @property
    def address(self) -> str:
        """Its address."""
        return str(self._account.address)

    def sign(self, tx: Unsigned) -> tuple[bytes, str]:
        """Sign for a local chain."""
        if tx.chain_id not in LOCAL_CHAINS:
            raise BadInput(f"development accounts sign for local chains, not for {tx.chain_id}")
        fields = {
            "type": 2,
            "chainId": tx.chain_id,
            "nonce": tx.nonce,
            "to": bytes.fromhex(tx.to.removeprefix("0x")),
            "value": tx.value,
            "data": tx.data,
            "gas": tx.gas,
            "maxFeePerGas": tx.max_fee,
            "maxPriorityFeePerGas": tx.tip,
        }
        if not tx.to:
            del fields["to"]
        signed = self._account.sign_transaction(fields)
        return bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex()
