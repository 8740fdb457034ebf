"""Purses: parts of one wallet, so that several strategies can live from it without touching each other's money.

A purse is accounting: the chain knows one account. Everything is in ``COMMON`` at the start; what a plan moves and pays
belongs to the plan's purse, and so does a position that it opens. The purses are followed from the record alone, and
together they are the wallet, to the wei.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from tidemill.errors import InvariantBroken
from tidemill.interfaces import COMMON, Befell, Block, Costs, Happened, Mark, Move, Moved, Recorded, Transfer, purse_of
from tidemill.ledger.families import MOVED
from tidemill.ledger.timeline import Step, is_quiet

__all__ = ["Part", "Purses", "parts"]

ME = "me"
"""One's own wallet in what a world writes down."""


class Purses:
    """Who has how much of a wallet, and who opened which position.

    Parameters
    ----------
    opening : raw units by token at the start, all of it in ``COMMON``. account : the wallet's name in the book.

    >>> purses = Purses({"USDC@op": 10})
    >>> purses.move(Move("", "lend", "USDC@op", 4))
    >>> purses.balance("lend", "USDC@op"), purses.balance("", "USDC@op")
    (4, 6)
    """

    def __init__(self, opening: Mapping[str, int], account: str = ME) -> None:
        self._me = account
        self._held: dict[str, dict[str, int]] = {COMMON: dict(opening)}
        self.owners: dict[str, str] = {}
        self._acting = COMMON
        self._positions: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The purses that something was allotted to, ``COMMON`` apart."""
        return tuple(name for name in self._held if name != COMMON)

    def balance(self, purse: str, token: str) -> int:
        """Return raw units of ``token`` in ``purse``."""
        return self._held.get(purse, {}).get(token, 0)

    def holdings(self, purse: str) -> dict[str, int]:
        """Return what is in ``purse``, by token in order of name, zeros left out."""
        return {token: amount for token, amount in sorted(self._held.get(purse, {}).items()) if amount}

    def owner(self, position: str) -> str:
        """Return the purse that opened ``position``; what nobody did is in ``COMMON``."""
        return self.owners.get(position, COMMON)

    def move(self, move: Move) -> None:
        """Move tokens between purses; raises ``InvariantBroken`` for more than there is."""
        held = self.balance(move.source, move.token)
        if not 0 <= move.amount <= held:
            raise InvariantBroken(f"purse {move.source or 'common'} holds {held} {move.token}, not {move.amount}")
        self._add(move.source, move.token, -move.amount)
        self._add(move.target, move.token, move.amount)

    def recorded(self, line: Recorded) -> None:
        """Follow an own step: what it moved and what it cost."""
        self._acting = purse_of(line.plan)
        moved = line.transfers or (line.result.transfers if line.result else ())
        self._follow(self._acting, moved)
        if line.costs.total:
            self._add(self._acting, line.native, -line.costs.total)

    def befell(self, line: Befell) -> None:
        """Follow what came in or went out unasked: it befell the position's purse."""
        self._acting = self.owner(line.happened.position)
        self._follow(self._acting, line.transfers)

    def seen(self, mark: Mark) -> None:
        """Learn from a mark behind an own step which positions it opened."""
        now = frozenset(position.id for position in mark.positions)
        if mark.why == "after" and self._acting != COMMON:
            self.owners.update(dict.fromkeys(now - self._positions, self._acting))
        self._positions = now

    def check(self, wallet: Mapping[str, int]) -> None:
        """Prove that the purses are the wallet, token by token; raises ``InvariantBroken``."""
        for token in sorted(wallet.keys() | {token for held in self._held.values() for token in held}):
            together = sum(held.get(token, 0) for held in self._held.values())
            if together != wallet.get(token, 0):
                raise InvariantBroken(f"purses hold {together} {token} together, the wallet {wallet.get(token, 0)}")
        for name, held in self._held.items():
            for token, amount in held.items():
                if amount < 0:
                    raise InvariantBroken(f"purse {name or 'common'} holds {amount} {token}")

    def _follow(self, purse: str, transfers: Sequence[Transfer]) -> None:
        for transfer in transfers:
            if transfer.source == self._me:
                self._add(purse, transfer.token, -transfer.amount)
            if transfer.target == self._me:
                self._add(purse, transfer.token, transfer.amount)

    def _add(self, purse: str, token: str, amount: int) -> None:
        held = self._held.setdefault(purse, {})
        held[token] = held.get(token, 0) + amount


class Part(NamedTuple):
    """The record and marks of one purse, as if it were a wallet of its own; moves came in and went out of it."""

    record: list[Step]
    marks: list[Mark]


def parts(record: Sequence[Step], marks: Sequence[Mark], moved: Sequence[Moved]) -> dict[str, Part]:
    """Take a run apart by purse, ``COMMON`` first.

    What one purse does stands in the others' records too, without its tokens and costs: an own trade may move the pool
    in which another's position stands, and is then booked as it is in the whole. So rows add up to those of the whole.

    Raises ``InvariantBroken`` where the purses together are not the wallet at some mark.
    """
    names = dict.fromkeys([COMMON, *(name for one in moved for name in (one.move.source, one.move.target))])
    purses = Purses(marks[0].balances)
    made = {name: _Part(name) for name in names}
    lines = sorted([*record, *moved], key=lambda line: line.seq)
    at = 0
    for mark in marks:
        inside: list[Step | Moved] = []
        while at < len(lines) and lines[at].seq < mark.seq:
            inside.append(lines[at])
            at += 1
        steps = any(not isinstance(line, Moved) and not is_quiet(line) for line in inside)
        for line in inside:
            if isinstance(line, Moved):
                purses.move(line.move)
                for name in (line.move.source, line.move.target):
                    made[name].moved(line, purses, again=steps)
                continue
            owner = _follow(line, purses)
            for name, part in made.items():
                part.step(line if name == owner else _elsewhere(line))
        purses.seen(mark)
        purses.check(mark.balances)
        for part in made.values():
            part.mark(mark, purses)
    return {name: Part(part.record, part.marks) for name, part in made.items()}


def _follow(line: Step, purses: Purses) -> str:
    """Follow a line and return whose it is."""
    if isinstance(line, Recorded):
        purses.recorded(line)
        return purse_of(line.plan)
    purses.befell(line)
    return purses.owner(line.happened.position)


def _elsewhere(line: Step) -> Step:
    """Return what another purse's line is to those that it does not belong to."""
    if isinstance(line, Befell):
        return Befell(line.seq, structs.replace(line.happened, amounts={}, transfers=()))
    result = structs.replace(line.result, transfers=(), position=None) if line.result else None
    return structs.replace(line, costs=Costs(), result=result, transfers=())


class _Part:
    """One purse's record and marks in the making, numbered anew."""

    def __init__(self, name: str) -> None:
        self.name, self.record, self.marks, self._seq = name, list[Step](), list[Mark](), 0

    def step(self, line: Step) -> None:
        self.record.append(structs.replace(line, seq=self._next()))

    def mark(self, mark: Mark, purses: Purses) -> None:
        """Take the purse's part of a mark."""
        balances = purses.holdings(self.name)
        held = tuple(p for p in mark.positions if purses.owner(p.id) == self.name)
        self.marks.append(structs.replace(mark, seq=self._next(), balances=balances, positions=held))

    def moved(self, line: Moved, purses: Purses, *, again: bool) -> None:
        """Let a move come in or go out between a pair of marks of its own, at the last mark's prices.

        ``again``: own steps follow before the next mark, and want the pair's first mark ahead of them.
        """
        move, last = line.move, self.marks[-1]
        amount = move.amount if move.target == self.name else -move.amount
        other = move.source if move.target == self.name else move.target
        if last.why != "before":
            self.marks.append(structs.replace(last, seq=self._next(), why="before"))
        at = Block(time=line.time, number=0)
        pair = Transfer(move.token, other, ME, amount) if amount >= 0 else Transfer(move.token, ME, other, -amount)
        self.record.append(Befell(self._next(), Happened("", "", MOVED, {move.token: amount}, at), (pair,)))
        after = structs.replace(last, seq=self._next(), why="after", balances=purses.holdings(self.name))
        self.marks.append(after)
        if again:
            self.marks.append(structs.replace(after, seq=self._next(), why="before"))

    def _next(self) -> int:
        self._seq += 1
        return self._seq - 1
