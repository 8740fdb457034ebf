"""What one staker contract remembers. Reward tokens lie in the world's book, position tokens at their manager."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["NO_INCENTIVE", "Deposit", "GaugeState", "Incentive", "Key", "Stake"]


class Key(NamedTuple):
    """What names an incentive: token and pool (ids), seconds of its start and end, and who gets back what is left."""

    reward: str
    pool: str
    start: int
    end: int
    refundee: str


class Incentive(NamedTuple):
    """``left`` raw units to be shared, Q128 seconds claimed so far, and how many tokens are staked."""

    left: int
    claimed_x128: int
    stakes: int


NO_INCENTIVE = Incentive(0, 0, 0)


class Deposit(NamedTuple):
    """A position token held here: whose it is, in how many incentives it is staked, and its range."""

    owner: str
    stakes: int
    tick_lower: int
    tick_upper: int


class Stake(NamedTuple):
    """Seconds per liquidity inside the range (Q128) and the liquidity, both of when it was staked."""

    inside_x128: int
    liquidity: int


@dataclass
class GaugeState:
    """A staker: ``account`` holds position tokens and rewards; ``own`` is the incentive that verbs mean which name none.

    ``lead`` and ``longest`` bound how far ahead an incentive may start and how long it may last, seconds.
    ``rewards`` are raw units credited and not yet claimed, by (token, account).
    """

    account: str
    own: Key
    lead: int
    longest: int
    incentives: dict[Key, Incentive] = field(default_factory=dict)
    deposits: dict[int, Deposit] = field(default_factory=dict)
    stakes: dict[tuple[int, Key], Stake] = field(default_factory=dict)
    rewards: dict[tuple[str, str], int] = field(default_factory=dict)
