"""A local chain's endpoint as the executor sees it."""

from __future__ import annotations

from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.chain.types import BlockRef, Call, Receipt

__all__ = ["Decided"]

GAS = 10_000_000
"""Limit of what is sent though it would revert as things are."""


class Decided:
    """The endpoint as the executor sees it. A step is simulated when it is decided on; if what others did since makes it
    fail, it is on its way already and fails on the chain, where it costs. With ``strict`` the endpoint is asked again
    when the step is signed, and what fails there is not sent.
    """

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self.strict = False
        self.chain_id = rpc.chain_id

    def block(self, block: str | int = "latest") -> BlockRef:
        """Return a block's reference."""
        return self._rpc.block(block)

    def nonce(self, who: str, *, block: str = "latest") -> int:
        """Return the number of transactions sent."""
        return self._rpc.nonce(who, block=block)

    def balance(self, who: str) -> int:
        """Return native wei."""
        return self._rpc.balance(who)

    def estimate_gas(self, call: Call, sender: str) -> int:
        """Return the gas a call needs now, a plenty where it is to be sent though it would revert."""
        try:
            return self._rpc.estimate_gas(call, sender)
        except RpcRejected as rejected:
            if self.strict or not rejected.reverted:
                raise
            return GAS

    def send_raw(self, signed: bytes) -> str:
        """Hand over signed bytes once."""
        return self._rpc.send_raw(signed)

    def receipt(self, tx_hash: str) -> Receipt | None:
        """Return a receipt, ``None`` while there is none."""
        return self._rpc.receipt(tx_hash)
