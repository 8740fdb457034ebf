"""One action while it runs: its effects, the pool whose tokens are staked, and the notes that undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tidemill.interfaces import Context, Position
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.journal import Journal

__all__ = ["Doing", "RangePool"]


class RangePool(Protocol):
    """The pool whose position tokens are staked, as its stage is: the world passes it in."""

    @property
    def id(self) -> str:
        """The venue's id: its position tokens are ``id#number``."""
        ...

    def read(self, query: str, *args: Any) -> Any:
        """Answer ``slot0``, ``positions`` (of a token) and ``snapshotCumulativesInside`` (a range, the time), as contracts do."""
        ...

    def positions(self, owner: str) -> Sequence[Position]:
        """Return the position tokens of ``owner``."""
        ...

    def pass_token(self, number: int, source: str, target: str) -> Mapping[str, int]:
        """Hand a token on, by its owner; returns what moves gas, raises ``Revert`` as the manager does."""
        ...

    def snapshot(self) -> Any:
        """Return a point to go back to."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Go back."""
        ...


class Doing(Effects):
    """Effects of one action at a gauge, and how to take it back."""

    __slots__ = ("_mark", "pool", "undo")

    def __init__(self, ctx: Context, pool: RangePool) -> None:
        super().__init__(ctx)
        self.pool, self.undo = pool, Journal()
        self._mark = pool.snapshot()

    def take_back(self) -> None:
        """Undo what was done here and at the pool."""
        self.undo.undo(0)
        self.pool.restore(self._mark)

    def inside(self, tick_lower: int, tick_upper: int) -> int:
        """Return the pool's seconds per liquidity inside a range now (Q128, 160 bits)."""
        self.count("snapshots")
        self.count("in_range", int(tick_lower <= self.pool.read("slot0")[1] < tick_upper))
        return int(self.pool.read("snapshotCumulativesInside", tick_lower, tick_upper, self.ctx.block.time)[1])

    def pay(self, token: str, source: str, target: str, amount: int, unfunded: str) -> None:
        """Move reward tokens; none of them is a transfer as well."""
        self.count("transfers")
        self.move(token, source, target, amount, unfunded)

    def pass_token(self, number: int, source: str, target: str) -> None:
        """Move a position token; its owner is whoever the manager says."""
        for name, times in self.pool.pass_token(number, source, target).items():
            if name in ("slots_set", "slots_changed", "slots_cleared"):
                self.count(name, times)
        self.count("tokens_passed")
