"""What one action does beside changing its venue's state: moves tokens, logs events, moves gas."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.interfaces import Context, Event, Result, Transfer

__all__ = ["Effects"]


class Effects:
    """Collected while an action runs, handed out as a `Result`.

    Balances are the book's, as changed by the action so far.
    """

    __slots__ = ("ctx", "events", "features", "transfers")

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.transfers: list[Transfer] = []
        self.events: list[Event] = []
        self.features: dict[str, int] = {}

    def balance(self, token: str, account: str) -> int:
        """Raw units that ``account`` holds now."""
        held = self.ctx.balance(token, account)
        for moved in self.transfers:
            if moved.token == token:
                held += moved.amount * ((moved.target == account) - (moved.source == account))
        return held

    def move(self, token: str, source: str, target: str, amount: int, unfunded: str) -> None:
        """Move ``amount`` raw units; reverts with ``unfunded`` when the source does not hold them."""
        if amount == 0:
            return
        if self.balance(token, source) < amount:
            raise Revert(unfunded)
        self.transfers.append(Transfer(token, source, target, amount))

    def log(self, name: str, **args: int | str | bool) -> None:
        """Log an event under the contract's own name and argument names."""
        self.events.append(Event(name, args))

    def count(self, feature: str, times: int = 1) -> None:
        """Count something that moves gas."""
        self.features[feature] = self.features.get(feature, 0) + times

    def result(self, amounts: dict[str, int], position: str | None = None) -> Result:
        """Return everything together."""
        return Result(amounts, tuple(self.transfers), tuple(self.events), self.features, position)
