"""A market in a world: the scripted stage, which also says when somebody liquidates one's own loan."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from tidemill.interfaces import Block, Condition, Happened, Position
from tidemill.venues.morpho_blue.state import MorphoState
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["MarketStage"]


class MarketStage(ScriptedStage[MorphoState]):
    """`Stage` of a market. A liquidation befalls collateral and debt, each by itself; their principals are the change."""

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the script up to and including ``to`` and say what befell one's own positions."""
        happened: list[Happened] = []
        while self.played < len(self.script) and self.script[self.played].block.number <= to.number:
            item = self.script[self.played]
            before = self._held(item.block) if self._strikes(item) else {}
            if self.play(item) and before:
                happened += self._befell(item.block, before)
            self.played += 1
        self.at = to
        return tuple(happened)

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block at which a condition holds or one's own loan is liquidated."""
        found = super().next_wake(conditions, until)
        ahead = [item for item in self.script[self.played :] if item.block.number <= (found or until).number]
        if not any(self._strikes(item) for item in ahead):
            return found
        scout = copy.copy(self)
        scout.state, scout.holdings = copy.deepcopy(self.state), copy.deepcopy(self.holdings)
        for item in ahead:
            if scout.play(item) and self._strikes(item):
                return item.block
        return found

    def _strikes(self, item: Scripted) -> bool:
        return item.action.verb == "liquidate" and item.action.args["borrower"] == self.me

    def _held(self, block: Block) -> dict[str, Position]:
        told = self.model.positions(self.state, self.id, self.me, block.time, self._balance)
        return {position.id: position for position in told if not position.id.endswith("#supply")}

    def _befell(self, block: Block, before: dict[str, Position]) -> list[Happened]:
        after, found = self._held(block), []
        for name, was in before.items():
            (token,) = was.principal
            now = after[name].principal[token] if name in after else 0
            if now != was.principal[token]:
                found.append(Happened(self.id, name, "liquidated", {token: now - was.principal[token]}, block))
        return found
