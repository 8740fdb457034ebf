"""One action while it runs: its effects, the notes that undo it and count storage words, the contract's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Context
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.journal import Journal

__all__ = ["Doing", "signed", "silent"]

_LIMIT = 1 << 127


class Doing(Effects):
    """Effects of one action at an escrow, and how to take it back."""

    __slots__ = ("undo",)

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.undo = Journal()

    def words(self) -> Iterable[tuple[int, int]]:
        """Return every storage word written so far: before the action and now."""
        first: dict[tuple[int, Any], tuple[Any, Any, Any]] = {}
        for target, key, old in self.undo.since(0):
            first.setdefault((id(target), key), (target, key, old))
        for target, key, old in first.values():
            now = target[key] if isinstance(target, dict) else getattr(target, key)
            after = now if isinstance(now, tuple) else (now,)
            before = old if isinstance(old, tuple) else (old,) if isinstance(old, int) else (0,) * len(after)
            yield from zip(before, after, strict=True)


def signed(value: int) -> int:
    """Return a number that must fit into a signed 128-bit word; raises ``Revert`` where it is too large for one."""
    if value >= _LIMIT:
        raise Revert("")
    return value


def silent(rule: Callable[..., int], *args: Any) -> int:
    """Apply a rule; where it leaves its range, refuse without a word as the contract does."""
    try:
        return rule(*args)
    except Revert:
        raise Revert("") from None
