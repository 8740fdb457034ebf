"""A local chain that mines by itself: others send beside us, what we send is included whenever the next block comes.

The model beside each venue follows: whatever a block holds, in the order it holds it, is done on the model as well, so
that the two must be equal to the wei at every head, whatever order came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Receipt
from tidemill.engine import clock
from tidemill.engine.chain_feed import Due, Feed, Pace, numbered
from tidemill.engine.chain_local import RESERVE, LocalChain, decoded, plain, summed
from tidemill.engine.chain_stage import ChainStage
from tidemill.errors import InvariantBroken, RpcError
from tidemill.execution.ids import intent_id
from tidemill.execution.rows import Row
from tidemill.interfaces import (
    Action,
    Block,
    Context,
    Costs,
    Happened,
    Position,
    Rate,
    Result,
    Revert,
    Reverted,
    Status,
    Transfer,
)
from tidemill.venues.shared.ground import LocalVenue, Others, intent_of

__all__ = ["LiveChain", "LiveStage", "Mined"]

OUT_OF_GAS = "out of gas"
_LOOKS = 10
_FAR_BEHIND = 2
"""An action of others included more than so many blocks after its recorded second was late."""


class Mined(Struct, frozen=True):
    """A transaction in a block, with its receipt."""

    sender: str
    nonce: int
    receipt: Receipt


class _Own(Struct):
    """Transactions of one own action on their way: approvals, the action itself (``at``), approvals taken back."""

    name: str
    rows: list[Row]
    at: int


class LiveChain(LocalChain):
    """The chain of a live-like rehearsal; ``begin`` lets it mine by itself, ``finish`` ends that.

    Parameters are those of ``LocalChain``, and ``pace``.
    """

    def __init__(self, *args: Any, pace: Pace, **named: Any) -> None:
        super().__init__(*args, **named)
        self.pace = pace
        self.mining = False
        """Whether it mines by itself."""
        self.following = False
        """Whether a block is being gone through: what comes next is planned behind it."""
        self.head = 0
        self.blocks = 0
        self.late = 0
        self.events: Counter[str] = Counter()
        self.asked: dict[bytes, tuple[Transfer, ...]] = {}
        self.slips: list[tuple[int, Counter[str]]] = []
        self.ready: list[Receipt] = []
        self._own: dict[int, _Own] = {}
        self._corrected = 0
        self._included = 0
        self._deadline = 0.0
        self._rpc: Rpc
        self._feed: Feed

    # --- begin and end ------------------------------------------------------------------------------------------------

    def begin(self, block: Block) -> None:
        """Start mining by itself, and others' sending."""
        ground, pace = self.ground, self.pace
        for venue in self.venues.values():
            venue.unscript()
        self.mining = True
        queue = sorted(self.queue[self.done :], key=lambda pair: pair[1].block.time)
        due = numbered(ground.rpc, queue)  # while time stands still
        ground.anvil.mine_every(pace.interval_s, seconds_per_block=pace.seconds_per_block)
        self._rpc = self._connect()
        self.endpoint, self.executor = self.executor_on(self._rpc)
        self._feed = Feed(self._connect(), due, pace, price=2 * self.base_fee(block) + 1)
        self.head = self._rpc.block().number
        ground.rpc.pin = self.head
        self._deadline = clock.monotonic() + pace.limit_s
        self._feed.start()

    def finish(self) -> None:
        """Let others send no more, wait until what they sent is included, and stop mining."""
        self._feed.stop()
        self._feed.check()
        last = self._rpc.block().number
        while any(self._rpc.nonce(due.sender) <= due.nonce for due in self._feed.newest()):
            self._wait(last)
            last = self._rpc.block().number
        self.ground.anvil.stop_mining()

    def close(self) -> None:
        """Let go of thread and connections, whatever happened; harmless before ``begin``."""
        if hasattr(self, "_feed"):
            self._feed.stop()
        if hasattr(self, "_rpc"):
            self._rpc.close()

    def _connect(self) -> Rpc:
        anvil = self.ground.anvil
        return Rpc.connect(anvil.socket, chain_id=anvil.options.chain_id, timeout_s=60.0, attempts=1)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def newest(self) -> int:
        """Return the number of the newest block, mined since the last look or not."""
        return self._rpc.block().number

    def wait(self) -> int:
        """Wait for a block beyond those gone through and return the newest one's number.

        Raises ``RpcError`` when the rehearsal has taken longer than its pace allows.
        """
        self._feed.check()
        self._wait(self.head)
        return self.newest()

    def _wait(self, beyond: int) -> None:
        while self._rpc.block().number <= beyond:
            if clock.monotonic() > self._deadline:
                raise RpcError(
                    f"the live-like rehearsal did not end within {self.pace.limit_s} s; this machine is too busy for a "
                    f"block every {self.pace.interval_ms} ms: give fewer rehearse.actions or more rehearse.seconds"
                )
            clock.sleep(self.pace.interval_s / _LOOKS)

    def mined(self, number: int) -> tuple[int, list[Mined]]:
        """Return the time of a block and its transactions in order."""
        raw = self._rpc.raw_block(number, full=True)
        receipts = self._rpc.receipts([str(tx["hash"]) for tx in raw["transactions"]])
        self.blocks += 1
        out = []
        for tx, receipt in zip(raw["transactions"], receipts, strict=True):
            if receipt is None:
                raise RpcError(f"anvil has no receipt for {tx['hash']} of its block {number}")
            out.append(Mined(str(tx["from"]).lower(), int(str(tx["nonce"]), 16), receipt))
        return int(str(raw["timestamp"]), 16), out

    def is_own(self, tx: Mined) -> bool:
        """Whether a transaction is one's own."""
        return tx.sender == self.ground.address("me")

    def others_did(self, tx: Mined, block: Block) -> None:
        """Let the model do what somebody else has done; it must refuse what the chain refused, and only that."""
        due: Due | None = self._feed.known.get((tx.sender, tx.nonce))
        if due is None:
            raise InvariantBroken(f"{tx.receipt.tx_hash} was sent by nobody of this rehearsal")
        if not due.last:
            return
        refused = due.venue.follow(Others(block, due.item.actor, due.item.action))
        self.played.others += 1
        self.played.refused += not tx.receipt.status
        self.late += block.time > due.item.block.time + _FAR_BEHIND * self.pace.seconds_per_block
        self.events[due.venue.id] += 1
        if refused == tx.receipt.status:
            said = "refuses" if refused else "allows"
            self.differ(f"block {block.number}: the model {said} {due.item.action.verb} of others, the chain does not")

    def strikes(self, tx: Mined) -> bool:
        """Whether a transaction of others may befall one's own positions."""
        due: Due | None = self._feed.known.get((tx.sender, tx.nonce))
        strikes = getattr(due.venue.twin, "strikes", None) if due is not None and due.last else None
        return due is not None and strikes is not None and bool(strikes(due.item.action))

    # --- one's own ----------------------------------------------------------------------------------------------------

    def send(self, name: str, venue: LocalVenue, action: Action) -> None:
        """Sign and send every transaction of an action; raises ``NotSent`` when it would fail on the newest state."""
        calls = venue.client.plan(intent_of(venue.id, action))
        own = _Own(name, [], max(i for i, call in enumerate(calls) if call.purpose != "approve"))
        for number, call in enumerate(calls):
            self.endpoint.strict = number == 0  # what stands behind an approval cannot be tried before it is there
            row = self.executor.send(intent_id(name, 0, venue.id, number), call)
            own.rows.append(row)
            self._own[row.nonce] = own

    def own_included(self, tx: Mined, block: Block) -> str | None:
        """Note an own transaction of a block; if it is an action itself, return that action's name.

        Receipts of all that belongs to it are ``ready`` then, and measured costs are with the meter: approvals that are
        taken back a block later are waited for.
        """
        own = self._own.pop(tx.nonce)
        if tx.nonce != own.rows[own.at].nonce:
            return None
        receipts = self.ground.anvil.explained([self._receipt(row) for row in own.rows])
        self.ready = [_with_gas(row, receipt) for row, receipt in zip(own.rows, receipts, strict=True)]
        costs = Costs()
        for row, receipt in zip(own.rows, self.ready, strict=True):
            costs = summed(costs, self.price(receipt.gas_used, row.attempts[-1].raw, block))
            self._corrected += receipt.gas_used * receipt.effective_gas_price
        self._corrected -= costs.total
        self.played.own += len(own.rows)
        self.played.own_failed += sum(not receipt.status for receipt in self.ready)
        self.meter.landed(own.name, costs)
        return own.name

    def _receipt(self, row: Row) -> Receipt:
        while (receipt := self._rpc.receipt(row.attempts[-1].hash)) is None:
            self._wait(self.newest())
        return receipt

    def land(self, venue: LocalVenue, action: Action, block: Block) -> tuple[Status, list[Receipt]]:
        """Return what has been included already."""
        del action, block
        return decoded(venue, self.ready), self.ready

    def wealth(self) -> int:
        """Return one's own wei as they would be had the study's network charged what it charges."""
        return self.ground.rpc.balance(self.ground.address("me")) - RESERVE + self._corrected

    @property
    def quiet(self) -> bool:
        """Whether nothing of one's own is on its way."""
        return not self._own

    def poll(self) -> None:
        """Let the executor look at what is open."""
        self.executor.poll()


class LiveStage(ChainStage):
    """``ChainStage`` over a chain that mines by itself.

    Balances, positions and views are the model's, which has done whatever the chain's blocks hold; so are quotes, for a
    chain that goes on cannot be taken back. The contracts are asked the same at every head that was seen, once there is
    a block behind it: about its newest block anvil answers from a state that may have parts of the next one already.
    """

    chain: LiveChain

    def advance(self, to: Block) -> Sequence[Happened]:
        """Let the model's clock come to the end of ``to``; what happened in it is told one by one.

        Up to the window's first block others act as in a locked rehearsal.
        """
        return self.twin.advance(to) if self.chain.mining else super().advance(to)

    def enter(self, block: Block) -> None:
        """Let the model's clock come to ``block``."""
        enter = getattr(self.twin, "enter", None)
        if enter is not None:
            enter(block)

    def apply(self, action: Action, ctx: Context) -> Result:
        """Return what an own action that is included did; else try it on the model.

        Between the two the price moves: the difference in the wallet is noted.
        """
        key = msgspec.json.encode([self.id, action])
        if not self.chain.landing:
            result = self.twin.apply(action, ctx)
            self.chain.asked[key] = result.transfers
            return result
        status = decoded(self.local, self.chain.ready)
        if isinstance(status, Reverted) and status.reason == OUT_OF_GAS:
            raise Revert(OUT_OF_GAS)  # the model knows no limit of gas: the chain's word counts
        result = super().apply(action, ctx)
        if key in self.chain.asked:
            slip = _wallet(result.transfers)
            slip.subtract(_wallet(self.chain.asked[key]))
            self.chain.slips.append((ctx.block.time, slip))
        return result

    def snapshot(self) -> Any:
        """Remember the model."""
        return self.twin.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Take back what was tried on the model."""
        self.twin.restore(snapshot)

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view."""
        return self.twin.read(query, *args)

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what ``owner`` holds."""
        return self.twin.positions(owner)

    def rates(self) -> Mapping[str, Rate]:
        """Return what each receipt token stands for."""
        rates = getattr(self.twin, "rates", None)
        return dict(rates()) if rates is not None else {}

    def check(self, block: Block) -> None:
        """Compare model and contracts at the head seen last, which is no longer the newest."""
        me = self.chain.ground.address("me")
        pairs = (
            self.local.pulse(self.twin),
            (self.twin.positions("me"), self.local.client.positions(me)),
            (self.rates(), super().rates()),
        )
        for model, real in ((plain(a), plain(b)) for a, b in pairs):
            if model != real:
                self.chain.differ(
                    f"block {block.number}: {self.id} stands at {real} on the chain, at {model} in the model"
                )


def _with_gas(row: Row, receipt: Receipt) -> Receipt:
    """Name what no contract says: the limit, estimated at the head, was too low for the state it was included in.

    Where an inner call runs out, its caller reverts without a word, or in words of its own ("SafeERC20: low-level call
    failed"); either way most of the limit is gone, which is a fifth above the estimate.
    """
    silent = not receipt.revert_reason or receipt.revert_reason.startswith("halt")
    spent = receipt.gas_used * 100 >= row.gas * (90 if silent else 97)
    if receipt.status or not spent:
        return receipt
    return msgspec.structs.replace(receipt, revert_reason=OUT_OF_GAS)


def _wallet(transfers: Sequence[Transfer]) -> Counter[str]:
    out: Counter[str] = Counter()
    for move in transfers:
        out[move.token] += move.amount * ((move.target == "me") - (move.source == "me"))
    return out
