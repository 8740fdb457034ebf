"""What venues that stand on two networks have alike on local chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.interfaces import Action, Intent
from tidemill.venues.shared.ground import Ground, Others, intent_of

__all__ = ["LocalHalfBase"]


class LocalHalfBase:
    """The parts of ``LocalVenue`` that halves have alike: nobody else sends there, what happens by itself arises."""

    def __init__(self, ground: Ground, twin: Any, tokens: Sequence[str], accounts: Sequence[str]) -> None:
        self.ground, self.twin, self.id = ground, twin, str(twin.id)
        self.tokens, self.accounts = tokens, accounts

    def others(self) -> Sequence[Others]:
        """Nobody else uses it; what happens by itself arises as time goes on."""
        return ()

    def unscript(self) -> None:
        """There is no script."""

    def follow(self, item: Others) -> bool:
        """The model knows by itself what arises."""
        del item
        return False

    def endow(self, token: str, amount: int) -> None:
        """Give ``me`` more of the token, as whoever may make it does."""
        self.ground.run([self.ground.mint(token, "me", amount)], "endowing")

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about."""
        return intent_of(self.id, action)
