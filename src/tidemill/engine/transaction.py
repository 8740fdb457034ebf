"""One transaction in a model world: all or nothing, over every venue it touches and the token book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.engine.book import Book, Overdrawn
from tidemill.errors import InvariantBroken, UnknownName
from tidemill.interfaces import Action, Block, Context, Result, Revert, Stage, Transfer

__all__ = ["Transaction", "stage_of"]


def stage_of(stages: Mapping[str, Stage], venue: str) -> Stage:
    """Return the stage called ``venue``, or raise ``UnknownName`` with the nearest valid one."""
    if venue not in stages:
        raise UnknownName("venue", venue, stages)
    return stages[venue]


CREDIT = 1 << 200
"""More than anything has ever been minted, and far from overflowing 256 bits."""


class Transaction:
    """What one account does in one block. ``undo`` leaves no trace; so does a revert, at the depth where it happened.

    Parameters
    ----------
    stages : every venue of the world by id. book : its token book.
    block, network : where the transaction is included. sender : the account that acts.
    on_credit : the sender can spend what it does not hold; for quotes, which are always undone.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        book: Book,
        block: Block,
        network: str,
        sender: str,
        *,
        on_credit: bool = False,
    ) -> None:
        self.book, self._stages, self._network = book, stages, network
        self.block, self.sender, self._on_credit = block, sender, on_credit
        self._checkpoint = book.checkpoint()
        self._touched: list[tuple[Stage, Any]] = []

    def run(self, venue: str, action: Action, sender: str | None = None) -> Result:
        """Do ``action`` at ``venue`` and make its transfers; raises ``Revert`` with nothing changed.

        ``sender`` is whoever calls the venue: the transaction's own sender unless another venue does.
        """
        stage = stage_of(self._stages, venue)
        if stage.network != self._network:
            raise InvariantBroken(f"a transaction on {self._network} cannot act at {venue} on {stage.network}")
        checkpoint, depth = self.book.checkpoint(), len(self._touched)
        self._touched.append((stage, stage.snapshot()))
        try:
            result = stage.apply(action, _Context(self, stage, sender or self.sender))
            for transfer in result.transfers:
                self.move(transfer)
        except Revert:
            self._rewind(checkpoint, depth)
            raise
        return result

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """Ask a venue as it stands within the transaction."""
        return stage_of(self._stages, venue).read(query, *args)

    def balance(self, token: str, account: str) -> int:
        """Return what ``account`` can spend."""
        held = self.book.balance(token, account)
        return held + CREDIT if self._on_credit and account == self.sender else held

    def move(self, transfer: Transfer) -> None:
        """Move tokens within the transaction; raises ``Revert`` where the source has too little, as a token would."""
        try:
            self.book.move(transfer, on_credit=self._on_credit and transfer.source == self.sender)
        except Overdrawn as why:
            raise Revert("transfer amount exceeds balance") from why

    def undo(self) -> None:
        """Take back everything, at every venue and in the book."""
        self._rewind(self._checkpoint, 0)

    def context(self) -> Context:
        """Return what an actor acts through: ``call`` reaches every venue of the network as the sender."""
        return _Context(self, None, self.sender)

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """Every move of tokens made so far, nested calls included."""
        return self.book.moves_since(self._checkpoint)

    def _rewind(self, checkpoint: int, depth: int) -> None:
        self.book.undo(checkpoint)
        while len(self._touched) > depth:
            stage, snapshot = self._touched.pop()
            stage.restore(snapshot)


class _Context:
    """What a venue sees of the transaction it is part of (``interfaces.Context``)."""

    def __init__(self, tx: Transaction, stage: Stage | None, sender: str) -> None:
        self._tx, self._sender = tx, sender
        self._caller = stage.account if stage else sender

    @property
    def block(self) -> Block:
        return self._tx.block

    @property
    def sender(self) -> str:
        return self._sender

    def balance(self, token: str, account: str) -> int:
        return self._tx.balance(token, account)

    def move(self, transfer: Transfer) -> None:
        self._tx.move(transfer)

    def call(self, venue: str, action: Action) -> Result:
        return self._tx.run(venue, action, self._caller)

    def read(self, venue: str, query: str, *args: Any) -> Any:
        return self._tx.read(venue, query, *args)
