"""A stage for venues without a hot path: a model in Python, and a script of what others did there.

The script is the recorded (or generated) flow: actions of others at known blocks. What those others hold lies in the
stage's own small book; one's own tokens lie in the world's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import (
    Action,
    At,
    Block,
    Claimable,
    Condition,
    Context,
    EventCount,
    Happened,
    Position,
    Rate,
    Result,
    Revert,
    Transfer,
)

__all__ = ["Holdings", "Inside", "Scripted", "ScriptedModel", "ScriptedStage"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Scripted(Struct, frozen=True):
    """What somebody else did: ``actor`` brings whatever the action pays with."""

    block: Block
    actor: str
    action: Action


class Holdings:
    """Balances of the venue and of the others at it; others are never short."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], int] = {}

    def move(self, transfers: Sequence[Transfer]) -> None:
        """Book transfers."""
        for t in transfers:
            self.held[t.token, t.source] = self.held.get((t.token, t.source), 0) - t.amount
            self.held[t.token, t.target] = self.held.get((t.token, t.target), 0) + t.amount


class ScriptedModel(Protocol[S_contra]):
    """A venue's model and how its holdings look to an owner."""

    def apply(self, state: S_contra, action: Action, ctx: Context) -> Result:
        """As `Model.apply`."""
        ...

    def read(self, state: S_contra, query: str, *args: Any) -> Any:
        """As `Model.read`."""
        ...

    def positions(
        self, state: S_contra, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return what ``owner`` has at the venue at time ``now``; ``balance(token, account)`` looks into the books."""
        ...

    def rates(self, state: S_contra, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """Return what each receipt token of the venue stands for now."""
        ...


class Inside:
    """The context of an action: the stage's own book for the venue and others, the world's for oneself."""

    def __init__(self, block: Block, sender: str, holdings: Holdings, outer: Context | None, account: str) -> None:
        self.block, self.sender = block, sender
        self._holdings, self._outer, self._account = holdings, outer, account

    def balance(self, token: str, account: str) -> int:
        """As `Context.balance`; others are never short."""
        if self._outer is not None and account == self.sender:
            return self._outer.balance(token, account)
        held = self._holdings.held.get((token, account), 0)
        return held if account == self._account else max(held, 0) + (1 << 200 if account == self.sender else 0)

    def call(self, venue: str, action: Action) -> Result:
        """As `Context.call`; an action of the script reaches no other venue."""
        if self._outer is None:
            raise Revert(f"no venue {venue!r} for a scripted action")
        return self._outer.call(venue, action)

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """As `Context.read`; an action of the script reaches no other venue."""
        if self._outer is None:
            raise Revert(f"no venue {venue!r} for a scripted action")
        return self._outer.read(venue, query, *args)

    def move(self, transfer: Transfer) -> None:
        """As `Context.move`."""
        if self._outer is None:
            raise Revert("a scripted action moves tokens by its result only")
        self._outer.move(transfer)


class ScriptedStage(Generic[S]):
    """`Stage` over a model and a script.

    Parameters
    ----------
    block_at : first block of the network at or after a time (seconds), for claims that grow with time alone.
    beside : accounts of further contracts of the venue that hold tokens.
    """

    def __init__(
        self,
        venue: str,
        network: str,
        account: str,
        model: ScriptedModel[S],
        state: S,
        script: Sequence[Scripted],
        block_at: Callable[[int], Block],
        me: str = "me",
        beside: Sequence[str] = (),
    ) -> None:
        self.id, self.network, self.account, self.me = venue, network, account, me
        self.accounts: tuple[str, ...] = (account, *beside)
        self.model, self.state, self.script, self._block_at = model, state, script, block_at
        self.holdings = Holdings()
        self.played = 0
        self.refused = 0
        """Scripted actions that reverted, and why the last one did."""
        self.last_refusal = ""
        self._foreseen: dict[Claimable, tuple[Block, Block | None]] = {}
        self.at = Block(time=0, number=0)

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the script up to and including ``to``; a scripted action that reverts did nothing, as on the chain."""
        while self.played < len(self.script) and self.script[self.played].block.number <= to.number:
            item = self.script[self.played]
            if not self._do(item) and self._must(item):
                raise BadInput(
                    f"others cannot {item.action.verb} at the start: {self.last_refusal}",
                    field=f"venues.{self.id}.params",
                )
            self.played += 1
        self.at = to
        return ()

    def _must(self, item: Scripted) -> bool:
        """Whether a study is wrong in which this is refused: what others do in the first block makes the venue."""
        return item.block == self.script[0].block

    def enter(self, block: Block) -> None:
        """Let the clock come to ``block`` with its script still to be played: an own transaction stands first in it."""
        self.at = max(self.at, block)

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block at which a condition holds: claims grow with time and change with the script."""
        found: list[Block] = []
        for condition in conditions:
            if isinstance(condition, EventCount):
                index = self.played + condition.count - 1
                if index < len(self.script):
                    found.append(self.script[index].block)
            elif isinstance(condition, Claimable):
                if (block := self._foresee(condition, until)) is not None:
                    found.append(block)
            elif not isinstance(condition, At):
                raise BadInput(f"{type(condition).__name__} is not a wake condition of this venue", field=self.id)
        found = [block for block in found if block.number <= until.number]
        return min(found, key=lambda block: block.number) if found else None

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; the state is unchanged when it reverts."""
        before = copy.deepcopy(self.state)
        self._foreseen = {}
        self.at = max(self.at, ctx.block, key=lambda block: block.number)  # claims grow up to the step's own block
        try:
            result = self.model.apply(self.state, action, self.inside(ctx.block, ctx.sender, ctx))
        except Revert:
            self.state = before
            raise
        self.holdings.move(result.transfers)
        return result

    def snapshot(self) -> Any:
        """Return a copy of state and holdings."""
        place = self.played, self.refused, self.at, self._foreseen
        return copy.deepcopy(self.state), dict(self.holdings.held), place

    def restore(self, snapshot: Any) -> None:
        """Go back to a copy."""
        state, held, (self.played, self.refused, self.at, self._foreseen) = snapshot
        self.state, self.holdings.held = copy.deepcopy(state), dict(held)

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view of the model."""
        return self.model.read(self.state, query, *args)

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what ``owner`` holds here now."""
        return self.model.positions(self.state, self.id, owner, self.at.time, self._balance)

    def rates(self) -> Mapping[str, Rate]:
        """Return what each receipt token issued here stands for now."""
        return self.model.rates(self.state, self.id, self._balance)

    def _balance(self, token: str, account: str) -> int:
        return self.holdings.held.get((token, account), 0)

    def inside(self, block: Block, sender: str, outer: Context | None) -> Inside:
        """Return the context of an action: one's own in ``outer``, else somebody's of the script."""
        return Inside(block, sender, self.holdings, outer, self.account)

    def play(self, item: Scripted) -> bool:
        """Do what somebody else did, in the script or not, and say whether it succeeded; one that reverts changes nothing."""
        self._foreseen = {}
        return self._do(item)

    def _do(self, item: Scripted) -> bool:
        before = copy.deepcopy(self.state)
        try:
            inside = self.inside(item.block, item.actor, None)
            self.holdings.move(self.model.apply(self.state, item.action, inside).transfers)
        except Revert as revert:
            self.state = before
            self.refused += 1
            words = getattr(self.model, "reasons", {}).get(revert.reason)
            self.last_refusal = f"{revert.reason or 'no reason given'}{f' ({words})' if words else ''}"
            return False
        return True

    def _foresee(self, condition: Claimable, until: Block) -> Block | None:
        """Search once: what others will do stands written, so an answer holds until one acts oneself."""
        known = self._foreseen.get(condition)
        if known is None or known[0].number < until.number:
            known = self._foreseen[condition] = until, self._when_claimable(condition, until)
        block = known[1]
        return None if block is None else max(block, self.at, key=lambda one: one.number)

    def _when_claimable(self, condition: Claimable, until: Block) -> Block | None:
        """Search the first time at which enough can be claimed, between one scripted action and the next."""
        scout = copy.copy(self)
        scout.state, scout.holdings = copy.deepcopy(self.state), copy.deepcopy(self.holdings)
        start = self.at
        for item in (*self.script[self.played :], None):
            stop = until if item is None or item.block.number > until.number else item.block
            if scout._claimable(condition, stop.time) >= condition.amount:  # noqa: SLF001 - it is one of us
                low, high = start.time, stop.time
                while low < high:
                    middle = (low + high) // 2
                    if scout._claimable(condition, middle) >= condition.amount:  # noqa: SLF001
                        high = middle
                    else:
                        low = middle + 1
                return self._block_at(low)
            if item is None or item.block.number > until.number:
                return None
            scout._do(item)  # noqa: SLF001
            start = item.block
        return None

    def _claimable(self, condition: Claimable, now: int) -> int:
        for position in self.model.positions(self.state, self.id, self.me, now, self._balance):
            if position.id == condition.position:
                return position.claimable.get(condition.token, 0)
        return 0
