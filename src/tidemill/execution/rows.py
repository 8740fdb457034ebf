"""What the journal keeps of a transaction: the intent it serves and every set of bytes ever signed for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from tidemill.execution.decisions import Decided

__all__ = ["Attempt", "Journal", "Row", "State"]

State = Literal["open", "done", "failed"]
"""``open``: signed, not final yet. ``done``, ``failed``: final on the chain, succeeded or reverted."""


class Attempt(Struct, frozen=True):
    """Signed bytes. Every attempt of a row has the same nonce, receiver, value and data; only the fee may differ."""

    hash: str
    raw: bytes
    max_fee: int
    """Wei per gas."""
    tip: int


class Row(Struct, frozen=True):
    """One transaction, from the moment it is signed. ``id`` is ``ids.intent_id``; at most one row ever has it."""

    id: str
    chain_id: int
    sender: str
    nonce: int
    to: str
    value: int
    data: bytes
    gas: int
    state: State = "open"
    attempts: tuple[Attempt, ...] = ()
    tx_hash: str = ""
    block_number: int = -1
    block_hash: str = ""


class Journal(Protocol):
    """Decisions and transactions, each write all or nothing and durable when the call returns."""

    def decisions(self, run: str) -> Sequence[Decided]:
        """Return the decisions of ``run`` so far, in order."""
        ...

    def decide(self, run: str, decided: Decided) -> None:
        """Store a decision: plans, cancels, wake and memo in one write."""
        ...

    def open_row(self, row: Row) -> None:
        """Store a new row with its first attempt. Raises ``InvariantBroken`` if its id or its nonce is taken."""
        ...

    def add_attempt(self, row_id: str, attempt: Attempt) -> None:
        """Store further bytes for an open row."""
        ...

    def finish(self, row_id: str, state: State, tx_hash: str, block_number: int, block_hash: str) -> None:
        """Close a row: one of its attempts is final."""
        ...

    def row(self, row_id: str) -> Row | None:
        """Return a row, ``None`` if nothing was ever signed under that id."""
        ...

    def open_rows(self) -> Sequence[Row]:
        """Return every row that is not final, by nonce."""
        ...

    def last_nonce(self, chain_id: int, sender: str) -> int | None:
        """Return the highest nonce ever signed for this account there, ``None`` if there is none."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
