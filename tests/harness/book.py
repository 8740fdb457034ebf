"""The model's side of a twin test: who holds what, and what a model may know while it acts."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tidemill.interfaces import Action, Block, Result, Revert

S = TypeVar("S")


@dataclass
class Book:
    """Balances by (token, account). ``reasons`` says with which words a token refuses what is not there."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def move(self, result: Result) -> None:
        """Book the transfers of an action; raises ``Revert`` with the token's reason and moves nothing."""
        held = dict(self.held)
        for t in result.transfers:
            if t.source != "zero":
                if held.setdefault((t.token, t.source), 0) < t.amount:
                    raise Revert(self.reasons.get(t.token, "balance"))
                held[t.token, t.source] -= t.amount
            if t.target != "zero":
                held[t.token, t.target] = held.get((t.token, t.target), 0) + t.amount
        self.held = held

    def add(self, token: str, account: str, amount: int) -> None:
        """Give somebody tokens from nowhere."""
        self.held[token, account] = self.held.get((token, account), 0) + amount


@dataclass
class Ctx:
    """`Context` over a book, with no other venue to call."""

    block: Block
    sender: str
    book: Book

    def balance(self, token: str, account: str) -> int:
        return self.book.held.get((token, account), 0)

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError

    def move(self, transfer: Any) -> None:
        raise NotImplementedError


class ModelSide(Generic[S]):
    """A model, its state and its book; ``do`` is one transaction: all of it, or a ``Revert`` and nothing.

    That a refused action leaves the state as it was is checked on every one.
    """

    def __init__(self, model: Any, state: S, book: Book, block: Callable[[], Block]) -> None:
        self.model, self.state, self.book, self._block = model, state, book, block

    def do(self, sender: str, action: Action) -> Result:
        before = pickle.dumps(self.state)  # a copy at a fifth of the price, and most actions never read it
        try:
            result: Result = self.model.apply(self.state, action, Ctx(self._block(), sender, self.book))
        except Revert:
            assert self.state == pickle.loads(before), f"{action.verb} was refused and changed the state"
            raise
        try:
            self.book.move(result)
        except Revert:
            # What the world does: a transfer that fails undoes the venue as well.
            vars(self.state).update(vars(pickle.loads(before)))
            raise
        return result

    def read(self, query: str, *args: Any) -> Any:
        return self.model.read(self.state, query, *args)


def counted(pairs: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Storage words set, changed and cleared, from each word before and after; told independently of the model."""
    kinds = [(a == 0, b == 0) for a, b in pairs if a != b]
    return {
        "slots_set": kinds.count((True, False)),
        "slots_changed": kinds.count((False, False)),
        "slots_cleared": kinds.count((False, True)),
    }


def numbers(args: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of an event."""
    return {name: value for name, value in args.items() if isinstance(value, int) and not isinstance(value, bool)}
