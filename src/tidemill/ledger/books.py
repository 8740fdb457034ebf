"""The quantity ledger: entries that balance to zero per token, to the wei, and agree with what the world says.

Accounts. One's own: ``assets:me``, ``claims:<position>``, ``locked:<position>``, ``impaired:<position>``,
``debt:<position>``, ``pending:<position>`` (fees, rewards, and principal taken out but not collected), ``flight:<position>``
(between two networks). The other side:

===================================  ===================================================================================
``equity:opening``                   what was there at the start
``equity:flows:<position>``          brought in from outside or taken out during the run, the position itself perhaps
``equity:owner:<how>``               contributed or paid out by the owner during the run, or moved to another purse
``income:<what>:<position>``         fees, growth, rewards as they accrue
``market:<position>``                inventory converted inside a pool
``swaps:<venue>``                    own trades, both legs
``shares:<venue>``                   receipt tokens given out and taken back
``bridge:<venue>``                   what left one network, and what arrives on another for it
``transit:<venue>``                  between wallet and claim within one transaction; always left at 0
``costs:<what>:<venue>``             what earning costs beside network fees: data, proofs, shares of an operator
``network:<part>:<network>``         fees: ``l2``, ``l1``, ``operator``; ``failed`` for all of a reverted transaction
``events:<cause>:<position>``        liquidated, slashed, paid …
``rounding:<venue>``                 units lost or won to a contract's rounding, bounded by the number of actions
===================================  ===================================================================================

Own accounts are positive for what one owns; an account of the other side is positive for what it took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Mark
from tidemill.ledger.holdings import Holdings
from tidemill.ledger.timeline import Step

__all__ = ["OWN", "Books", "Entry", "Lot", "Posting", "is_own"]

OWN = ("assets", "claims", "locked", "impaired", "debt", "pending", "flight")
"""First parts of the names of one's own accounts."""

_CLAIM_SIDE = ("claims", "locked", "impaired", "debt", "pending", "flight")
_ACCOUNTS = {
    "open": (*OWN, "equity"),
    "mark": (*_CLAIM_SIDE, "market", "income"),
    "step": ("assets", "swaps", "transit", "shares", "costs", "bridge", "equity"),
    "fee": ("assets", "network"),
    "claim": (*_CLAIM_SIDE, "market", "income", "transit", "rounding", "events", "swaps", "equity", "bridge"),
    "event": ("assets", "events", "shares", "equity", "bridge"),
}
"""Which accounts each kind of entry may touch: a trade cannot pass for income, nor a fee for rounding."""


def is_own(account: str) -> bool:
    """Return whether ``account`` is one's own."""
    return account.split(":", 1)[0] in OWN


class Posting(NamedTuple):
    """``amount`` raw units of ``token`` into ``account`` (negative: out of it)."""

    account: str
    token: str
    amount: int


class Entry(NamedTuple):
    """Postings of one moment that sum to zero per token.

    ``kind``: ``open``, ``mark`` (the market moved), ``step`` (wallet side of an own step), ``fee`` (network), ``claim``
    (position side of own steps), ``event``. ``mark`` is the number of the mark whose prices value it.
    """

    seq: int
    time: int
    kind: Literal["open", "mark", "step", "fee", "claim", "event"]
    label: str
    phase: Literal["run", "exit"]
    mark: int
    postings: tuple[Posting, ...]


class Lot(NamedTuple):
    """Principal put into or taken out of a converting position, raw units by token.

    ``added`` is what the position held more after an own deposit. On taking out, ``released`` is the share of what had
    been added that belongs to what leaves (rounded down, the last one takes all), ``withdrawn`` what really left.
    ``mark`` is the number of the mark whose prices value it; ``final`` says that it is still open at the end and only
    marked.
    """

    position: str
    venue: str
    mark: int
    time: int
    added: Mapping[str, int]
    released: Mapping[str, int]
    withdrawn: Mapping[str, int]
    final: bool = False


class Books(Struct):
    """Everything posted. ``states`` are the holdings at each mark; ``actions`` counts position steps by venue;
    ``rounding_bound`` is the most that may be lost to rounding by (venue, token).
    """

    marks: Sequence[Mark]
    states: Sequence[Holdings]
    steps: Sequence[Step]
    entries: list[Entry]
    lots: list[Lot]
    actions: dict[str, int]
    rounding_bound: dict[tuple[str, str], int]

    def balances(self) -> dict[tuple[str, str], int]:
        """Sum all postings by (account, token); accounts at zero are left out."""
        sums: dict[tuple[str, str], int] = {}
        for entry in self.entries:
            for account, token, amount in entry.postings:
                sums[account, token] = sums.get((account, token), 0) + amount
        return {key: amount for key, amount in sums.items() if amount}

    def receipts(self) -> frozenset[str]:
        """Return the tokens that have no value of their own: receipt tokens at any mark."""
        return frozenset(token for state in self.states for token in state.receipts)

    def check(self) -> None:
        """Prove the books: raises ``InvariantBroken`` with account, token and amounts where they are wrong.

        Every entry balances to zero per token; what the postings leave in one's own accounts is what the world
        says at the end; nothing is left in transit; each venue's rounding is within its bound.
        """
        for entry in self.entries:
            _check_entry(entry)
        sums = self.balances()
        own = {key: amount for key, amount in sums.items() if is_own(key[0])}
        world = dict(self.states[-1].accounts)
        for key in sorted(own.keys() | world.keys()):
            if own.get(key, 0) != world.get(key, 0):
                raise InvariantBroken(
                    f"books: {key[0]} holds {own.get(key, 0)} {key[1]}, the world says {world.get(key, 0)}"
                )
        for (account, token), amount in sums.items():
            kind, _, venue = account.partition(":")
            if kind == "transit":
                raise InvariantBroken(f"books: {amount} {token} are left in {account}")
            if kind == "rounding" and abs(amount) > self.rounding_bound.get((venue, token), 0):
                raise InvariantBroken(
                    f"books: {account} took {amount} {token}; {self.actions.get(venue, 0)} actions allow "
                    f"{self.rounding_bound.get((venue, token), 0)}"
                )


def _check_entry(entry: Entry) -> None:
    sums: dict[str, int] = {}
    for account, token, amount in entry.postings:
        if account.split(":", 1)[0] not in _ACCOUNTS[entry.kind]:
            raise InvariantBroken(f"books: entry {entry.kind} {entry.label!r} (seq {entry.seq}) touches {account}")
        sums[token] = sums.get(token, 0) + amount
    for token, amount in sums.items():
        if amount:
            raise InvariantBroken(
                f"books: entry {entry.kind} {entry.label!r} (seq {entry.seq}) is off by {amount} {token}"
            )
