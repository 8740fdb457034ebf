"""Merkle trees over what accounts have earned: leaves and pairs are hashed as the contract checks them.

A leaf is the hash of (account, token, cumulative amount), a word each; a node the hash of its two children, the lesser first; a
child without a sibling moves up as it is. Hashes are 256-bit integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from eth_hash.auto import keccak

__all__ = ["Tree", "leaf_of", "root_by_proof"]


def leaf_of(account: str, token: str, cumulative: int) -> int:
    """Return the hash of one entry; ``account`` and ``token`` are addresses in hex."""
    words = int(account, 16), int(token, 16), cumulative
    return _hashed(*words)


def root_by_proof(leaf: int, proof: Iterable[int]) -> int:
    """Return the root that a leaf and its siblings, from the bottom up, lead to."""
    node = leaf
    for other in proof:
        node = _hashed(*sorted((node, other)))
    return node


class Tree:
    """The tree over some leaves, in the order of their hashes; an empty one has the root 0."""

    def __init__(self, leaves: Iterable[int]) -> None:
        self.levels: list[list[int]] = [sorted(set(leaves))]
        while len(self.levels[-1]) > 1:
            self.levels.append(_above(self.levels[-1]))

    @property
    def root(self) -> int:
        """The hash above all leaves."""
        return self.levels[-1][0] if self.levels[-1] else 0

    def proof(self, leaf: int) -> list[int]:
        """Return the siblings of a leaf from the bottom up; raises ``ValueError`` for one that is not there."""
        place, out = self.levels[0].index(leaf), []
        for level in self.levels[:-1]:
            beside = place ^ 1
            if beside < len(level):
                out.append(level[beside])
            place //= 2
        return out


def _above(level: Sequence[int]) -> list[int]:
    pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
    return [_hashed(*sorted(pair)) if len(pair) > 1 else pair[0] for pair in pairs]


@lru_cache(maxsize=1 << 14)
def _hashed(*words: int) -> int:
    return int.from_bytes(keccak(b"".join(word.to_bytes(32, "big") for word in words)), "big")
