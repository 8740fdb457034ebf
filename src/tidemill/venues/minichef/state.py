"""What one MiniChefV2 and its rewarders remember. Tokens lie in the world's book, not here."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["NOTHING", "ChefState", "PoolState", "RewarderState", "Share"]

NOTHING = (0, 0)
"""(raw units staked, debt) of one who never came."""


@dataclass
class Share:
    """How one pool takes part in a stream.

    ``per_share`` is scaled by 1e12, ``updated`` in seconds, ``points`` the part of all points.
    ``stakes`` are (raw units staked, debt) by account.
    """

    points: int = 0
    updated: int = 0
    per_share: int = 0
    stakes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def word(self) -> int:
        """Return the storage word that holds all three numbers."""
        return self.per_share | self.updated << 128 | self.points << 192


@dataclass
class PoolState:
    """A pool of the chef: the token staked, the account of its rewarder ("" for none), and its share of SUSHI."""

    token: str
    rewarder: str
    share: Share


@dataclass
class RewarderState:
    """A second reward beside SUSHI.

    ``streams``: ``rate`` raw units a second over all its pools (ComplexRewarderTime); otherwise ``rate`` is a multiplier
    of the SUSHI paid, scaled by 1e18 (RewarderMock).
    """

    account: str
    token: str
    owner: str
    streams: bool
    rate: int
    total_points: int = 0
    pools: dict[int, Share] = field(default_factory=dict)


@dataclass
class ChefState:
    """A chef: ``account`` holds stakes and SUSHI alike; ``own`` is the pool that verbs mean which name none."""

    account: str
    sushi: str
    owner: str
    own: int = 0
    rate: int = 0
    total_points: int = 0
    pools: dict[int, PoolState] = field(default_factory=dict)
    rewarders: dict[str, RewarderState] = field(default_factory=dict)
