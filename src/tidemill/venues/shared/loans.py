"""A scripted market where one's own loan can be liquidated: it says what befell, and foresees when."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tidemill.interfaces import Action, Block, Condition, Context, Happened, Position, Result
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["LoanStage"]

S = TypeVar("S")


class LoanStage(ScriptedStage[S]):
    """`Stage` of a lending market.

    Whoever liquidates ``me`` (the script, an actor of the world, a transaction that the chain included), ``advance``
    then tells one ``Happened`` per position touched, cause ``liquidated``; the change of its principal is the amount.
    """

    borrower = "user"
    """The argument of ``liquidate`` that names whose loan it is."""
    touched: tuple[str, ...] = ("supply", "debt")
    """Names of the positions that a liquidation takes from, as behind the ``#`` of their ids."""
    cause = "liquidated"
    """What it is called that befalls."""

    _befallen: tuple[Happened, ...] = ()
    _scout: LoanStage[S] | None = None
    _fell: Block | None = None

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the script up to and including ``to`` and say what befell one's own positions since the last time."""
        super().advance(to)
        befallen, self._befallen = self._befallen, ()
        if befallen:
            self._scout = None
        return befallen

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block at which a condition holds or one's own loan is liquidated."""
        found = super().next_wake(conditions, until)
        return self._next_fall(found or until) or found

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do an action of one's own, or of an actor of the world."""
        self._scout = None
        if ctx.sender == self.me or not self.strikes(action):
            return super().apply(action, ctx)
        before = self._owing(ctx.block)
        result = super().apply(action, ctx)
        self._note(ctx.block, before)
        return result

    def _do(self, item: Scripted) -> bool:
        # beneath `play` and `advance` alike: whoever acts, what befalls is noted
        if not self.strikes(item.action):
            return super()._do(item)
        before = self._owing(item.block)
        done = super()._do(item)
        if done:
            self._note(item.block, before)
        return done

    def _must(self, item: Scripted) -> bool:
        return not self.strikes(item.action) and super()._must(item)

    def snapshot(self) -> Any:
        """Return a copy of everything that an action may change."""
        return super().snapshot(), self._befallen

    def restore(self, snapshot: Any) -> None:
        """Go back to a copy."""
        held, self._befallen = snapshot
        self._scout = None
        super().restore(held)

    def _next_fall(self, until: Block) -> Block | None:
        """Return the first block up to ``until`` in which one is liquidated, playing ahead on a copy.

        The copy is kept: what others do ahead stays the same until one acts oneself.
        """
        if not (self._strikes_ahead(until) and self._owing(self.at)):
            return None
        scout = self._scout
        if scout is None or scout.played < self.played or scout.script is not self.script:
            scout = self._scout = self._sent_ahead()
        return scout._fall_until(until)  # noqa: SLF001 - it is one of us

    def _sent_ahead(self) -> LoanStage[S]:
        scout = copy.copy(self)
        scout.state, scout.holdings = copy.deepcopy(self.state), copy.deepcopy(self.holdings)
        scout._scout, scout._fell = None, None  # noqa: SLF001 - it is one of us
        return scout

    def _fall_until(self, until: Block) -> Block | None:
        """Play on, as a scout, up to ``until`` or the first time that one is liquidated."""
        while self._fell is None and self.played < len(self.script):
            item = self.script[self.played]
            if item.block.number > until.number:
                return None
            self.played += 1
            told = len(self._befallen)
            if self.play(item) and len(self._befallen) > told:
                self._fell = item.block
        return self._fell if self._fell is not None and self._fell.number <= until.number else None

    def _strikes_ahead(self, until: Block) -> bool:
        for item in self.script[self.played :]:
            if item.block.number > until.number:
                return False
            if self.strikes(item.action):
                return True
        return False

    def strikes(self, action: Action) -> bool:
        """Say whether an action is an attempt to liquidate one's own loan."""
        return action.verb == "liquidate" and action.args[self.borrower] == self.me

    def _owing(self, block: Block) -> Mapping[str, Position]:
        """One's positions that a liquidation may take from, where there is a debt."""
        told = self.model.positions(self.state, self.id, self.me, block.time, self._balance)
        named = {position.id: position for position in told if position.id.partition("#")[2] in self.touched}
        return named if f"{self.id}#debt" in named else {}

    def _note(self, block: Block, before: Mapping[str, Position]) -> None:
        """Tell what changed; the list is a new one each time, for scouts and snapshots share the old one."""
        told = self.model.positions(self.state, self.id, self.me, block.time, self._balance)
        after = {position.id: position.principal for position in told}
        for name, was in before.items():
            now, tokens = after.get(name, {}), dict.fromkeys((*was.principal, *after.get(name, {})))
            change = {token: now.get(token, 0) - was.principal.get(token, 0) for token in tokens}
            if changed := {token: amount for token, amount in change.items() if amount}:
                self._befallen = (*self._befallen, Happened(self.id, name, self.cause, changed, block))
