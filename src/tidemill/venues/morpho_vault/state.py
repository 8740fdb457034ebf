"""What a vault over lending markets remembers. Its asset lies in the markets, its shares in the world's book."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Place", "VaultState"]


class Place(NamedTuple):
    """A market that the vault may lend in: at which venue, its name there, and the most that it shall hold (raw units)."""

    venue: str
    market: str
    cap: int


@dataclass
class VaultState:
    """One vault. ``account`` is whom the markets know it as; ``offset_unit`` is ``10**decimals_offset``.

    ``last_total`` is what the assets were counted as last time, ``lost`` of them not there; ``fee`` is a wad of growth.
    Queues are places by index: the first to be filled, the first to be emptied.
    """

    account: str
    asset: str
    share: str
    offset_unit: int
    owner: str
    total_shares: int = 0
    last_total: int = 0
    lost: int = 0
    fee: int = 0
    fee_recipient: str = "zero"
    places: list[Place] = field(default_factory=list)
    supply_queue: tuple[int, ...] = ()
    withdraw_queue: tuple[int, ...] = ()

    def words(self) -> tuple[int, ...]:
        """Return the storage words that an action of anybody may write."""
        return self.total_shares, self.last_total, self.lost
