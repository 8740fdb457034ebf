"""What a transaction of the past did to one account at one venue: read from its logs, whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

__all__ = ["Told", "add"]


class Told(Struct, frozen=True):
    """One thing that happened to an account's positions at a venue within a transaction.

    Parameters
    ----------
    verb : the venue's own word for it.
    legs : raw units by token id that the venue gave out for the account (negative: took in), whether or not they passed
        through its wallet: what somebody else paid in for it is here too. Receipt tokens count as tokens.
    sizes : by position id, by how much the part that does not move with time changed (shares, scaled balances, stakes):
        what the ledger weighs a position by. It proves the events complete.
    amounts : raw units by name, as the model's verb tells them.
    losses : what befell positions unasked, by position id: change in raw units by token. Empty if it was wanted.
    cause : what befell them: ``liquidated``, ``forfeited``.
    """

    verb: str
    legs: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cause: str = ""


def add(sums: dict[str, int], name: str, amount: int) -> None:
    """Add to a sum by name, leaving out what comes to nothing.

    >>> sums = {"a": 1}; add(sums, "a", -1); add(sums, "b", 2); sums
    {'b': 2}
    """
    total = sums.get(name, 0) + amount
    if total:
        sums[name] = total
    else:
        sums.pop(name, None)
