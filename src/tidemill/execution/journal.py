"""The journal: what was decided and what was signed, before it happens. This file: its memory half."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.execution.decisions import Decided

__all__ = ["MemoryJournal"]


class MemoryJournal:
    """A journal for runs that need not survive the process: backtests and rehearsals."""

    def __init__(self) -> None:
        self._decisions: dict[str, list[Decided]] = {}

    def decisions(self, run: str) -> Sequence[Decided]:
        """Return the decisions of ``run`` so far, in order."""
        return tuple(self._decisions.get(run, ()))

    def decide(self, run: str, decided: Decided) -> None:
        """Store a decision."""
        self._decisions.setdefault(run, []).append(decided)
