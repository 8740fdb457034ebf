"""Undo for model states: note what was there before each change, instead of copying the state.

A state is plain objects and dicts. Whoever changes it goes through a :class:`Journal`, which keeps the old value. A
revert plays the notes backwards. Notes are kept only while somebody may still want to go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Journal"]

_ABSENT: Any = object()


class Journal:
    """Old values, newest last.

    ``mark`` … ``rollback(mark)`` undoes; ``mark`` … ``commit(mark)`` keeps, and forgets the notes when no older mark is
    open. Marks nest like transactions.
    """

    __slots__ = ("_notes", "_open")

    def __init__(self) -> None:
        self._notes: list[tuple[Any, Any, Any]] = []
        self._open = 0

    def __len__(self) -> int:
        return len(self._notes)

    def mark(self) -> int:
        """Open a mark to go back to."""
        self._open += 1
        return len(self._notes)

    def since(self, mark: int) -> Iterator[tuple[Any, Any, Any]]:
        """Notes since a mark, oldest first: the object, the name or key, and what stood there (absent: an own mark)."""
        return iter(self._notes[mark:])

    def commit(self, mark: int) -> None:
        """Close a mark and keep what was done since."""
        self._open -= 1
        if self._open == 0:
            del self._notes[mark:]

    def rollback(self, mark: int) -> None:
        """Close a mark and undo what was done since."""
        self.undo(mark)
        self._open -= 1

    def forget(self) -> None:
        """Close every mark and drop all notes: nobody wants to go back any more."""
        self._notes.clear()
        self._open = 0

    def undo(self, mark: int) -> None:
        """Undo what was done since a mark and leave it open."""
        notes = self._notes
        while len(notes) > mark:
            target, key, old = notes.pop()
            if not isinstance(target, dict):
                setattr(target, key, old)
            elif old is _ABSENT:
                del target[key]
            else:
                target[key] = old

    def set(self, target: object, name: str, value: Any) -> None:
        """Set an attribute."""
        self._notes.append((target, name, getattr(target, name)))
        setattr(target, name, value)

    def put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        """Set an entry."""
        self._notes.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def drop(self, mapping: dict[Any, Any], key: Any) -> None:
        """Remove an entry that is there."""
        self._notes.append((mapping, key, mapping.pop(key)))
