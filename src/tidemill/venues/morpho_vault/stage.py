"""A vault in a world: the scripted stage, whose others act in the markets that the vault lends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Context, Rate, Result, Revert, Transfer
from tidemill.venues.morpho_vault.state import VaultState
from tidemill.venues.shared.scripted import Holdings, Inside, Scripted, ScriptedStage

__all__ = ["VaultStage"]

_NOW = ("totalAssets", "convertToAssets", "convertToShares", "maxDeposit", "maxWithdraw")
"""Views that move with time, and look into the markets."""


class VaultStage(ScriptedStage[VaultState]):
    """`Stage` of a vault over markets.

    One's own actions reach the markets through the world; what others do at the vault reaches them through ``meet``.
    """

    reached: tuple[str, ...] = ()
    """Venues whose markets the vault lends in."""
    _markets: Mapping[str, Any]
    _met = False

    def meet(self, stages: Mapping[str, Any]) -> None:
        """Learn the markets' stages, once; raises ``BadInput`` for a venue that is no market of the vault's asset."""
        if self._met:
            return
        for name in self.reached:
            script: Sequence[Scripted] = getattr(stages[name], "script", ())
            opened = [item.action.args["loan"] for item in script if item.action.verb == "create_market"]
            if opened != [self.state.asset]:
                raise BadInput(
                    f"{name} is no market in which {self.state.asset} is lent", field=f"venues.{self.id}.params.markets"
                )
        self._markets, self._met = {name: stages[name] for name in self.reached}, True

    def next_reach(self, until: Block) -> Block | None:
        """Return the next block in which somebody acts at the vault, and so in its markets."""
        ahead = self.script[self.played].block if self.played < len(self.script) else None
        return ahead if ahead is not None and ahead.number <= until.number else None

    def inside(self, block: Block, sender: str, outer: Context | None) -> Inside:
        """Return the context of an action, from which the markets can be reached."""
        if outer is not None:
            return _Own(block, sender, self.holdings, outer, self.account)
        return _Others(block, sender, self.holdings, self.account, self._markets)

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; state and holdings are unchanged when it reverts."""
        held = dict(self.holdings.held)
        try:
            return super().apply(action, ctx)
        except Revert:
            self.holdings.held = held
            raise

    def play(self, item: Scripted) -> bool:
        """Do what somebody else did; one that reverts changes nothing, in no market either."""
        held = dict(self.holdings.held)
        before = {name: stage.snapshot() for name, stage in self._markets.items()}
        done = super().play(item)
        if not done:
            self.holdings.held = held
            for name, snapshot in before.items():
                self._markets[name].restore(snapshot)
        return done

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view; those that look into the markets do so now."""
        more = (self.at.time, self._look) if query in _NOW else ()
        return self.model.read(self.state, query, *args, *more)

    def rates(self) -> Mapping[str, Rate]:
        """Return what a share stands for now."""
        worth: Mapping[str, Rate] = self.model.worth(self.state, self.id, self._look, self.at.time)  # type: ignore[attr-defined]
        return worth

    def _look(self, venue: str, query: str, *args: Any) -> Any:
        return self._markets[venue].read(query, *args)


class _Own(Inside):
    """One's own action: the world's book moves, and the venue's own notes follow."""

    def move(self, transfer: Transfer) -> None:
        super().move(transfer)
        self._holdings.move((transfer,))


class _Others(Inside):
    """An action of the script: the markets' stages do what the vault asks of them, and it is never short there."""

    def __init__(self, block: Block, sender: str, holdings: Holdings, account: str, markets: Mapping[str, Any]) -> None:
        super().__init__(block, sender, holdings, None, account)
        self._markets = markets

    def move(self, transfer: Transfer) -> None:
        self._holdings.move((transfer,))

    def call(self, venue: str, action: Action) -> Result:
        result: Result = self._markets[venue].apply(action, Inside(self.block, self._account, Holdings(), None, ""))
        return result

    def read(self, venue: str, query: str, *args: Any) -> Any:
        return self._markets[venue].read(query, *args)
