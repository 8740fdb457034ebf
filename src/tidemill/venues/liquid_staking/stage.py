"""A staking token in a world: the scripted stage, which also says when a loss falls on its holders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.interfaces import Action, Block, Happened, Position
from tidemill.venues.shared.loans import LoanStage

__all__ = ["StakingStage"]


class StakingStage(LoanStage[Any]):
    """`Stage` of either form. A loss befalls requests in the queue, each by itself, and everybody's shares.

    Where one's own shares lie this stage cannot know, so ``VENUE#shares`` is told without amounts: the world fills them in.
    """

    cause = "slashed"

    def strikes(self, action: Action) -> bool:
        """Say whether an action may lower what a share stands for."""
        return action.verb in ("report_slashing", "push")

    def _owing(self, block: Block) -> Mapping[str, Position]:
        told = {one.id: one for one in self.positions(self.me)}
        worth = {self.state.asset: int(self.read("getRate"))}
        return {**told, self._shares: Position(self._shares, self.id, "vault", {}, worth, {})}

    def _note(self, block: Block, before: Mapping[str, Position]) -> None:
        """Tell what fell; a request that reached its cap again is no event, nor is a rate that rises."""
        after = {one.id: one.principal for one in self.positions(self.me)}
        after[self._shares] = {self.state.asset: int(self.read("getRate"))}
        for name, was in before.items():
            fell = {token: amount - was.principal[token] for token, amount in after[name].items()}
            again = name == self._shares and any(told.position == name for told in self._befallen)
            if min(fell.values()) < 0 and not again:
                amounts = {} if name == self._shares else fell
                self._befallen = (*self._befallen, Happened(self.id, name, self.cause, amounts, block))

    @property
    def _shares(self) -> str:
        return f"{self.id}#shares"
