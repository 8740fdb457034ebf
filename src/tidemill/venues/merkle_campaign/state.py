"""What a distributor remembers, and beside it what everybody can look up: the trees behind its roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

from eth_hash.auto import keccak

from tidemill.venues.merkle_campaign.merkle import Tree, leaf_of

__all__ = ["CampaignState", "Earned", "address_of"]


class Earned(Mapping[tuple[str, str], int]):
    """Cumulative raw units by (account, token): what one epoch's tree says. Once published it never changes."""

    def __init__(self, entries: Mapping[tuple[str, str], int]) -> None:
        self._entries = dict(entries)
        self._by_account: dict[str, dict[str, int]] = {}
        for (account, token), amount in entries.items():
            self._by_account.setdefault(account, {})[token] = amount

    def __getitem__(self, entry: tuple[str, str]) -> int:
        """Return what an account has earned of a token."""
        return self._entries[entry]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Walk over the entries."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def __deepcopy__(self, memo: Any) -> Self:
        """Nobody changes it: a copied state shares it."""
        return self

    def of(self, account: str) -> Mapping[str, int]:
        """Return what an account has earned by token."""
        return self._by_account.get(account, {})


NOTHING = Earned({})


@cache
def address_of(name: str) -> str:
    """Return an address for a name that has none of its own: it depends on the name only."""
    return name if name.startswith("0x") else "0x" + keccak(f"tidemill account {name}".encode()).hex()[-40:]


@dataclass
class CampaignState:
    """A distributor: ``account`` holds its tokens. Roots are 256-bit integers, 0 for none.

    ``delay`` : seconds until a root comes into force. ``bond`` : raw units of ``bond_token`` that a dispute takes.
    ``paid`` : raw units by (account, token). ``epochs`` : what has been earned by the end of each, published beside the contract;
    ``people`` and ``tokens`` : addresses by name, for leaves; a name without one has `address_of` it.
    ``roots`` : the epoch of each root that was submitted by its number. ``own`` : the token that verbs mean which name none.
    """

    account: str
    owner: str
    own: str
    delay: int
    bond_token: str
    bond: int
    epochs: list[Earned] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    last_root: int = 0
    next_root: int = 0
    active_at: int = 0
    disputer: str = ""
    paid: dict[tuple[str, str], int] = field(default_factory=dict)
    roots: dict[int, int] = field(default_factory=dict)

    def root(self, now: int) -> int:
        """Return the root in force at ``now`` (seconds)."""
        return self.next_root if now >= self.active_at and not self.disputer else self.last_root

    def leaf(self, account: str, token: str, cumulative: int) -> int:
        """Return the leaf of an entry given by names."""
        who = self.people.get(account) or address_of(account)
        return leaf_of(who, self.tokens.get(token) or address_of(token), cumulative)

    def tree(self, epoch: int) -> Tree:
        """Return the tree of an epoch."""
        return Tree(self.leaf(*entry, amount) for entry, amount in self.epochs[epoch].items())

    def published(self, root: int) -> tuple[int, Earned]:
        """Return which epoch's tree stands behind a root and what it says; (-1, nothing) where nobody knows."""
        epoch = self.roots.get(root, -1)
        return epoch, self.epochs[epoch] if epoch >= 0 else NOTHING
