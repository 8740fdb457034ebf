"""One action while it runs: its effects, the notes that undo it, and the contract's own words for what it refuses."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.errors import Revert
from tidemill.interfaces import Context
from tidemill.units.integers import DIVISION_BY_ZERO, OVERFLOW, UNDERFLOW
from tidemill.venues.minichef.state import ChefState, RewarderState, Share
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.journal import Journal

__all__ = ["HALT", "Doing", "boring", "halting", "require_owner"]

HALT = "halt InvalidFEOpcode"
"""Old Solidity's answer to a division by zero and to a pool that is not there: all gas is burnt, nothing is said."""

_WORDS = {"Mul": "BoringMath: Mul Overflow", "Add": "BoringMath: Add Overflow", "Sub": "BoringMath: Underflow"}
_LIMIT = 1 << 256


class Doing(Effects):
    """Effects of one action at a chef, and how to take it back."""

    __slots__ = ("undo",)

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.undo = Journal()

    def pay(self, token: str, source: str, target: str, amount: int) -> None:
        """Send tokens; the wrapper hides the token's own reason."""
        self.count("transfers")
        self.move(token, source, target, amount, "BoringERC20: Transfer failed")

    def set_points(self, whole: ChefState | RewarderState, share: Share, points: int, instead: int) -> None:
        """Give a share points, in the sum of all ``instead`` of so many."""
        total = whole.total_points - instead + points
        if total >= _LIMIT:
            raise Revert(_WORDS["Add"])
        if points >> 64:
            raise Revert("BoringMath: uint64 Overflow")
        self.undo.set(whole, "total_points", total)
        self.undo.set(share, "points", points)


def boring(what: str, rule: Callable[..., int], *args: int) -> int:
    """Apply a rule; where it leaves its range, refuse in the words of the contract's arithmetic library."""
    try:
        return rule(*args)
    except Revert as revert:
        if revert.reason in (OVERFLOW, UNDERFLOW):
            raise Revert(_WORDS[what]) from None
        raise


def halting(what: str, rule: Callable[..., int], *args: int) -> int:
    """Apply a rule that may divide by zero, which the contract does not survive."""
    try:
        return boring(what, rule, *args)
    except Revert as revert:
        if revert.reason == DIVISION_BY_ZERO:
            raise Revert(HALT) from None
        raise


def require_owner(doing: Doing, owner: str) -> None:
    """Refuse what only the owner may do."""
    if doing.ctx.sender != owner:
        raise Revert("Ownable: caller is not the owner")
