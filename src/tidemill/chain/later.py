"""Views asked as if it were later: the state of a block, at a time after it, with no transaction in between.

Interest and rewards grow with time alone, so this is what a contract itself says of them ahead of a transaction of a
later block. ``eth_call`` takes the time as an override of the block's; not every endpoint does.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from tidemill.chain import answers
from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.chain.types import BlockRef
from tidemill.errors import RpcError

__all__ = ["Later"]

_SAY_TIME = bytes.fromhex("4260005260206000f3")
"""Creation code that answers with the block's time."""


class Later:
    """The part of ``Rpc`` that clients read with, at the end of block ``number`` and at ``time`` (seconds).

    Whatever block is asked for, this one answers.
    """

    def __init__(self, rpc: Rpc, number: int, time: int) -> None:
        self._rpc, self._number, self._time = rpc, number, time
        self.address, self.chain_id = rpc.address, rpc.chain_id

    def works(self) -> bool:
        """Whether the endpoint takes another time than the block's: some refuse, some do not listen."""
        try:
            answer = self._rpc.request(*self._request("", _SAY_TIME))
            return answers.quantity(hex(int(str(answer), 16)), "eth_call") == self._time
        except (RpcError, ValueError):
            return False

    def block(self, block: BlockId = "latest") -> BlockRef:
        """Return the block's reference, with the later time."""
        del block
        return structs.replace(self._rpc.block(self._number), timestamp=self._time)

    def call(self, to: str, data: bytes, *, block: BlockId = "latest") -> bytes:
        """Run a view and return its bytes; raises ``RpcRejected`` when it reverts."""
        del block
        return answers.data(self._rpc.request(*self._request(to, data)), f"{self.address}: eth_call")

    def call_many(self, calls: Iterable[tuple[str, bytes]], *, block: BlockId = "latest") -> list[bytes | RpcRejected]:
        """Run many views: their bytes in order, an ``RpcRejected`` where one reverted."""
        del block
        requests = [self._request(to, data) for to, data in calls]
        raw = self._rpc.batch([(method, params) for method, *params in requests])
        return [one if isinstance(one, RpcRejected) else answers.data(one, "eth_call") for one in raw]

    def _request(self, to: str, data: bytes) -> tuple[str, object, object, object, object]:
        what = {"data": "0x" + data.hex()} | ({"to": to} if to else {})
        return "eth_call", what, answers.block_param(self._number), {}, {"time": hex(self._time)}
