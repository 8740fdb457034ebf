"""What others do on a chain that mines by itself: sent into the mempool beside us, each at its recorded second."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.answers import transaction
from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Call
from tidemill.engine import clock
from tidemill.errors import TidemillError
from tidemill.venues.shared.ground import LocalVenue, Others

__all__ = ["Due", "Feed", "Pace", "numbered"]

_GAS = 10_000_000
_LOOKS = 8
"""How often within an interval the head is looked at."""


class Pace(Struct, frozen=True):
    """How time is compressed: every ``interval_ms`` of real time a block, ``seconds_per_block`` of world time each.

    ``blocks`` are planned for the window; ``limit_s`` of real time end the rehearsal whatever happens.
    """

    interval_ms: int
    seconds_per_block: int
    blocks: int
    limit_s: int

    @classmethod
    def of(cls, window_s: int, block_time: int, budget_s: int, *, interval_ms: int = 100) -> Pace:
        """Return the finest pace, in whole blocks of the network, at which ``window_s`` fit into ``budget_s``.

        >>> Pace.of(14_400, 2, 60)
        Pace(interval_ms=100, seconds_per_block=24, blocks=600, limit_s=240)
        """
        most = max(budget_s * 1_000 // interval_ms, 1)
        each = -(-window_s // (most * block_time)) * block_time
        blocks = -(-window_s // each)
        return cls(interval_ms, each, blocks, 3 * blocks * interval_ms // 1_000 + 60)

    @property
    def interval_s(self) -> float:
        """Real seconds from block to block."""
        return self.interval_ms / 1_000


class Due(Struct, frozen=True):
    """A transaction of somebody else: what it is part of, and whether it is that action itself (not an approval)."""

    venue: LocalVenue
    item: Others
    sender: str
    call: Call
    nonce: int
    last: bool


class Feed:
    """Sends transactions of others from a thread of its own, over a connection of its own.

    Between two blocks the clock of the rehearsal runs on evenly; what is recorded for a second is sent when the clock
    gets there, so it is included in the next block, before or after whatever else was sent by then.

    Parameters
    ----------
    rpc : to be closed at the end. due : in order of recorded time (`numbered`). price : wei per gas to offer.
    """

    def __init__(self, rpc: Rpc, due: Sequence[Due], pace: Pace, *, price: int = 1) -> None:
        self._rpc, self._due, self._pace, self._price = rpc, due, pace, price
        self.known = {(due.sender, due.nonce): due for due in self._due}
        self.sent = 0
        self._failed: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidemill-others", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failed is not None:
            raise self._failed

    def newest(self) -> list[Due]:
        """Return the last transaction sent by each sender."""
        return list({due.sender: due for due in self._due[: self.sent]}.values())

    def stop(self) -> None:
        """Send nothing more; harmless when repeated."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._rpc.close()

    def _run(self) -> None:
        try:
            seen, since = -1, clock.monotonic()
            while not self._stop.is_set() and self.sent < len(self._due):
                head = self._rpc.block()
                if head.number != seen:
                    seen, since = head.number, clock.monotonic()
                part = min((clock.monotonic() - since) / self._pace.interval_s, 1.0)
                self._send_until(head.timestamp + int(part * self._pace.seconds_per_block))
                self._stop.wait(self._pace.interval_s / _LOOKS)
        except TidemillError as error:
            self._failed = error

    def _send_until(self, time: int) -> None:
        stop = self.sent
        while stop < len(self._due) and self._due[stop].item.block.time <= time:
            stop += 1
        part = self._due[self.sent : stop]
        for answer in self._rpc.batch([("eth_sendTransaction", [self._fields(due)]) for due in part]):
            if isinstance(answer, Exception):
                raise answer
        self.sent = stop

    def _fields(self, due: Due) -> dict[str, Any]:
        fees = {"maxFeePerGas": self._price, "maxPriorityFeePerGas": 0}
        return transaction(due.call, due.sender, gas=_GAS, nonce=due.nonce, **fees)


def numbered(rpc: Rpc, queue: Sequence[tuple[LocalVenue, Others]]) -> list[Due]:
    """Encode everything beforehand and give it its nonce, so that a block's transactions are known by (sender, nonce)."""
    nonces: dict[str, int] = {}
    out = []
    for venue, item in queue:
        calls = venue.calls(item)
        for number, (sender, call) in enumerate(calls):
            nonce = nonces[sender] if sender in nonces else rpc.nonce(sender)
            nonces[sender] = nonce + 1
            out.append(Due(venue, item, sender, call, nonce, number == len(calls) - 1))
    return out
