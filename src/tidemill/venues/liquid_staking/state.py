"""What a liquid staking contract remembers. Shares and assets themselves are tokens in the world's book."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["MIN_REQUEST", "Request", "StakingState"]

MIN_REQUEST = 100
"""Raw units of the asset: a request for less is refused."""


@dataclass
class Request:
    """A withdrawal asked for: ``paid`` is set once it is finalised. Raw units, seconds."""

    owner: str
    assets: int
    shares: int
    time: int
    paid: int = 0
    claimed: bool = False

    def words(self) -> tuple[int, ...]:
        """Return its storage words; that of the owner is never zero."""
        return (1, self.assets, self.shares, self.time, self.paid, int(self.claimed))


@dataclass
class StakingState:
    """State of one contract.

    ``account`` holds the assets, ``reporter`` says what validators earned or lost, ``treasury`` gets the fee's shares.
    ``expected`` is what people know of the reporter and the contract does not: (first report, seconds between reports,
    seconds that a request must be old to be finalised); ``None`` where they know nothing.
    """

    venue: str
    account: str
    asset: str
    share: str
    reporter: str
    treasury: str
    fee_bps: int
    max_request: int
    expected: tuple[int, int, int] | None = None
    total_assets: int = 0
    total_shares: int = 0
    finalized: int = 0
    requests: list[Request] = field(default_factory=list)

    def ready_up(self, time: int) -> int:
        """Return the first report at which a request made at ``time`` is old enough."""
        assert self.expected is not None
        first, every, age = self.expected
        return first + max(-(-(time + age - first) // every), 0) * every
