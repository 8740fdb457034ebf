"""What a transaction of the past did to one account at one venue: read from its logs, whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from tidemill.interfaces import Rate

__all__ = ["Told", "add"]


class Told(Struct, frozen=True):
    """One thing that happened to one of an account's positions within a transaction.

    Parameters
    ----------
    verb : the venue's own word for it. position : id of the position; ``#shares`` of the venue for receipt tokens.
    legs : raw units by token id that the venue gave out for the account (negative: took in), whether or not they passed
        through its wallet: what somebody else paid in for it is here too. Receipt tokens count as tokens.
    size : by how much the part that does not move with time changed (scaled balance, shares, stake): what the ledger
        weighs the position by. It proves the logs complete.
    amounts : raw units by name, as the model's verb tells them.
    losses : what befell the position unasked: change in raw units by token. Empty if it was wanted.
    fell : what befell receipt tokens unasked, wherever they lie: what one stood for ahead of it and behind it, by token.
    """

    verb: str
    position: str
    legs: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    fell: Mapping[str, tuple[Rate, Rate]] = field(default_factory=dict)


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
