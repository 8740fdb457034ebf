"""A local chain as a world plays on it: others' transactions block by block, one's own through the executor.

Whatever is only asked (quotes, simulations) happens inside a snapshot of the chain that is taken back; what is one's own
and stays is signed, written down and sent by ``execution.Executor``, transaction by transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.engine.chain_endpoint import Decided
from tidemill.engine.chain_meter import Meter
from tidemill.errors import InvariantBroken
from tidemill.execution.executor import Executor, Finality, NotSent
from tidemill.execution.ids import intent_id
from tidemill.execution.journal import MemoryJournal
from tidemill.execution.limits import SpendLimits
from tidemill.execution.wallet import Wallet
from tidemill.interfaces import Action, Block, Costs, Revert, Reverted, Status
from tidemill.venues.shared.ground import Ground, LocalVenue, Others, intent_of

__all__ = ["RESERVE", "LocalChain", "Played", "decoded", "plain", "summed"]

MOST_FEE = 10**21
RESERVE = 10**24
"""Wei on top of what one brings, so that the wallet's own margins never stop a rehearsal; never counted."""
SHOWN = 20
"""Differences kept in words; the tables hold all of them."""

PriceTx = Callable[[int, bytes, Block], Costs]
"""(gas used, signed bytes, block) → what the study's network charges for it."""


class Played(Struct):
    """What happened on the chain besides one's own: transactions of others, and how many of them were refused."""

    others: int = 0
    refused: int = 0
    own: int = 0
    own_failed: int = 0
    asked: int = 0

    @classmethod
    def of(cls, parts: Iterable[Played]) -> Played:
        """Add up what happened on several chains."""
        found = list(parts)
        return cls(*(sum(getattr(one, name) for one in found) for name in cls.__struct_fields__))


class LocalChain:
    """The chain of one rehearsal.

    Parameters
    ----------
    venues : in the study's order, each brought to its start. meter : learns what own transactions cost.
    price : prices a receipt. base_fee : wei per gas of a block.
    """

    def __init__(
        self,
        ground: Ground,
        venues: Sequence[LocalVenue],
        wallet: Wallet,
        meter: Meter,
        *,
        price: PriceTx,
        base_fee: Callable[[Block], int],
    ) -> None:
        self.ground, self.venues, self.meter = ground, {venue.id: venue for venue in venues}, meter
        self.price, self.base_fee = price, base_fee
        self.journal = MemoryJournal()
        self._wallet = wallet
        self.endpoint, self.executor = self.executor_on(ground.rpc)
        self.queue = _merged(venues)
        self.done = 0
        self.landing = ""
        """Name of the own transaction that is being included; empty while things are only asked."""
        self.played = Played()
        self.differences: list[str] = []
        self.count = 0
        self.native = ""
        """The native token, where receipts are fed back and it is to agree as well."""

    def executor_on(self, rpc: Rpc) -> tuple[Decided, Executor]:
        """Return an executor that sends over ``rpc``, and its endpoint."""
        endpoint, limits = Decided(rpc), SpendLimits(value_per_tx=0, fee_per_tx=MOST_FEE)
        executor = Executor(
            endpoint,
            self._wallet,
            self.journal,
            limits,
            chain_id=rpc.chain_id,
            finality=Finality(depth=0),
            patience=None,
        )
        executor.start()
        return endpoint, executor

    # --- others -------------------------------------------------------------------------------------------------------

    def play(self, to: Block) -> None:
        """Mine what others do up to and including block ``to``, and let the clock come to its time."""
        self.ground.base_fee = self.base_fee(to)
        self._admit(to)
        until = to.time, to.number
        while self.done < len(self.queue) and _when(self.queue[self.done]) <= until:
            now, stop = _when(self.queue[self.done]), self.done
            while stop < len(self.queue) and _when(self.queue[stop]) == now:
                stop += 1
            self._mine(self.queue[self.done : stop])
            self.done = stop
        self.ground.reach(to.time)

    def _admit(self, to: Block) -> None:
        """Put what arises by itself until then among what others do."""
        new = [
            (venue, item)
            for venue in self.venues.values()
            if (arising := getattr(venue, "arising", None))
            for item in arising(to)
        ]
        if new:
            self.queue[self.done :] = sorted([*self.queue[self.done :], *new], key=_when)

    def _mine(self, items: Sequence[tuple[LocalVenue, Others]]) -> None:
        calls: list[tuple[str, Call]] = []
        last = []
        for venue, item in items:
            calls += venue.calls(item)
            last.append(len(calls) - 1)
        receipts = self.ground.mine(calls, items[0][1].block.time)
        self.played.others += len(items)
        self.played.refused += sum(not receipts[i].status for i in last)

    # --- one's own ----------------------------------------------------------------------------------------------------

    def ask(
        self, venue: LocalVenue, action: Action, block: Block, wanted: dict[str, int]
    ) -> tuple[Status, list[Receipt]]:
        """Do an action as if it were included in ``block``; the caller takes it back.

        ``wanted`` : what the wallet can spend by token; what it lacks is made for the occasion.
        """
        self.played.asked += 1
        for token, amount in wanted.items():
            lacking = amount - self.ground.held(["me"])[token, "me"]
            if lacking > 0:
                venue.endow(token, lacking)
        me = self.ground.address("me")
        try:
            calls = [(me, call) for call in venue.client.plan(venue.question(action))]
        except Revert as refusal:  # what a call must carry (a proof) is refused by the contracts that would give it
            return Reverted(refusal.reason), []
        receipts = self.ground.mine(calls, block.time)
        return decoded(venue, receipts), receipts

    def wealth(self) -> int:
        """Return one's own wei as the chain has them, beyond the reserve for gas that every account has."""
        return self.ground.rpc.balance(self.ground.address("me")) - RESERVE

    def land(self, venue: LocalVenue, action: Action, block: Block) -> tuple[Status, list[Receipt]]:
        """Sign, write down, send and include every transaction of an action, each in a block of that time."""
        self.ground.reach(block.time)
        receipts: list[Receipt] = []
        costs, wealth = Costs(), self.wealth()
        for number, call in enumerate(venue.client.plan(intent_of(venue.id, action))):
            name = intent_id(self.landing, 0, venue.id, number)
            try:
                row = self.executor.send(name, call)
            except NotSent as refusal:
                raise InvariantBroken(
                    f"{action.verb} at {venue.id} was decided and then not sent: {refusal.reason}"
                ) from None
            self.ground.include(block.time)
            receipt = self.executor.receipt(name)
            if receipt is None:
                raise InvariantBroken(f"{row.attempts[-1].hash} was sent and not included")
            self.executor.poll()
            self.played.own += 1
            self.played.own_failed += not receipt.status
            receipts += self.ground.anvil.explained([receipt])
            costs = summed(costs, self.price(receipt.gas_used, row.attempts[-1].raw, block))
        if (landed := getattr(venue, "landed", None)) is not None:
            landed(receipts)
        # The local chain takes its own price and no fee for data: put right to what the study's network takes.
        self.ground.anvil.set_balance(self.ground.address("me"), wealth - costs.total + RESERVE)
        self.meter.landed(self.landing, costs)
        return decoded(venue, receipts), receipts

    # --- agreement ----------------------------------------------------------------------------------------------------

    def differ(self, what: str) -> None:
        """Note that chain and model disagree."""
        self.count += 1
        if len(self.differences) < SHOWN:
            self.differences.append(what)

    def check_books(self, held: dict[str, int]) -> None:
        """Compare what the world's book says that one holds with what the chain says, for every token."""
        found = {token: amount for (token, _), amount in self.ground.held(["me"]).items()}
        if self.native:
            found[self.native] = self.wealth()
        for token, amount in found.items():
            if held.get(token, 0) != amount:
                self.differ(
                    f"{self.landing or 'books'}: the book holds {held.get(token, 0)} {token}, the chain {amount}"
                )


def _merged(venues: Sequence[LocalVenue]) -> list[tuple[LocalVenue, Others]]:
    """Put what others do everywhere in one order: by block, within a block by venue."""
    items: list[tuple[LocalVenue, Others]] = [(venue, item) for venue in venues for item in venue.others()]
    return sorted(items, key=_when)


def _when(pair: tuple[LocalVenue, Others]) -> tuple[int, int]:
    """Return second and number of the block of something that others do: what has no number comes first in its second."""
    return pair[1].block.time, pair[1].block.number


def decoded(venue: LocalVenue, receipts: Sequence[Receipt]) -> Status:
    """Return what receipts of one action mean; one that failed without a reason is a revert all the same."""
    status: Status = venue.client.decode(receipts)
    if isinstance(status, Reverted) or all(receipt.status for receipt in receipts):
        return status
    return Reverted("")


def summed(a: Costs, b: Costs) -> Costs:
    """Add costs part by part."""
    return Costs(
        a.l2_execution + b.l2_execution, a.l1_data + b.l1_data, a.operator + b.operator, a.gas_used + b.gas_used
    )


def plain(value: Any) -> Any:
    """Return sequences as tuples, so that answers of chain and model compare."""
    return tuple(plain(item) for item in value) if isinstance(value, list | tuple) else value
