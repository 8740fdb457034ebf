"""The token book: who holds how much of what. Models say which transfers they make; only the world moves tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Transfer

__all__ = ["Book", "Overdrawn"]

UINT256_MAX = 2**256 - 1


class Overdrawn(Exception):
    """An account holds less than it was to pay. Worlds turn it into a revert; it never reaches a user."""

    def __init__(self, transfer: Transfer, held: int) -> None:
        super().__init__(f"{transfer.source} holds {held} {transfer.token}, not {transfer.amount}")
        self.transfer, self.held = transfer, held


class Book:
    """Accounts by tokens in raw units: integers, never negative, every move undoable.

    Parameters
    ----------
    outside : accounts that stand for the rest of the world and may go below zero (``market``; a recorded venue whose
        other holders are not in the book). Their negative balance is what they have put in, so that each token sums
        to zero over all accounts.

    >>> book = Book({"market"})
    >>> book.move(Transfer("USDC@op", "market", "me", 5))
    >>> mark = book.checkpoint()
    >>> book.move(Transfer("USDC@op", "me", "pool", 3)); book.balance("USDC@op", "me")
    2
    >>> book.undo(mark); book.balance("USDC@op", "me"), book.total("USDC@op")
    (5, 0)
    """

    def __init__(self, outside: Iterable[str] = ("market",)) -> None:
        self.outside = frozenset(outside)
        self._held: dict[tuple[str, str], int] = {}
        self._journal: list[Transfer] = []

    def balance(self, token: str, account: str) -> int:
        """Return raw units of ``token`` held by ``account``; 0 where there never were any."""
        return self._held.get((account, token), 0)

    def holdings(self, account: str) -> dict[str, int]:
        """Return what ``account`` holds, by token in order of name, zeros left out."""
        return {t: n for (a, t), n in sorted(self._held.items()) if a == account and n}

    def total(self, token: str) -> int:
        """Return the sum over all accounts: 0, always."""
        return sum(n for (_, t), n in self._held.items() if t == token)

    def accounts(self) -> Mapping[tuple[str, str], int]:
        """Return every (account, token) balance that is not 0, in order of name."""
        return {key: n for key, n in sorted(self._held.items()) if n}

    def move(self, transfer: Transfer, *, on_credit: bool = False) -> None:
        """Move tokens; ``on_credit`` lets the source go below zero (for what is undone again: a quote).

        Raises
        ------
        Overdrawn : the source holds less (nothing moves).
        InvariantBroken : the amount is negative or no 256-bit number: a defect of the venue that asked.
        """
        if not 0 <= transfer.amount <= UINT256_MAX:
            raise InvariantBroken(f"{transfer.source} pays {transfer.target} {transfer.amount} {transfer.token}")
        held = self.balance(transfer.token, transfer.source)
        if held < transfer.amount and not on_credit and transfer.source not in self.outside:
            raise Overdrawn(transfer, held)
        self._add(transfer.source, transfer.token, -transfer.amount)
        self._add(transfer.target, transfer.token, transfer.amount)
        self._journal.append(transfer)

    def checkpoint(self) -> int:
        """Return a mark to ``undo`` to; it is the number of moves so far."""
        return len(self._journal)

    def undo(self, checkpoint: int) -> None:
        """Take back every move made since ``checkpoint``."""
        while len(self._journal) > checkpoint:
            transfer = self._journal.pop()
            self._add(transfer.target, transfer.token, -transfer.amount)
            self._add(transfer.source, transfer.token, transfer.amount)

    def moves_since(self, checkpoint: int) -> tuple[Transfer, ...]:
        """Return the moves made since ``checkpoint``, in order."""
        return tuple(self._journal[checkpoint:])

    def _add(self, account: str, token: str, amount: int) -> None:
        self._held[account, token] = self._held.get((account, token), 0) + amount
