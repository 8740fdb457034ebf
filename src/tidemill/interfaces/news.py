"""News comes back: what became of plans, and what happened to positions without being asked for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

__all__ = [
    "Block",
    "Cancelled",
    "Costs",
    "Expired",
    "Filled",
    "Happened",
    "News",
    "Outcome",
    "Pending",
    "Reverted",
    "Skipped",
    "Status",
]


class Block(Struct, frozen=True, order=True):
    """A moment on one network. World time is seconds; each network has its own block numbers."""

    time: int
    number: int


class Costs(Struct, frozen=True):
    """What a transaction cost, in wei of its network's native token; parts as ``networks.FeeParts``."""

    l2_execution: int = 0
    l1_data: int = 0
    operator: int = 0
    gas_used: int = 0

    @property
    def total(self) -> int:
        """Wei paid in all."""
        return self.l2_execution + self.l1_data + self.operator


class Filled(Struct, frozen=True, tag="filled"):
    """Done. ``amounts`` are raw units by field name; ``position`` is the one opened or changed, if any."""

    amounts: Mapping[str, int] = field(default_factory=dict)
    position: str | None = None


class Reverted(Struct, frozen=True, tag="reverted"):
    """Included and undone; the fee is paid all the same."""

    reason: str


class Expired(Struct, frozen=True, tag="expired"):
    """The deadline passed before inclusion; nothing was paid."""


class Cancelled(Struct, frozen=True, tag="cancelled"):
    """Withdrawn on request before inclusion."""


class Skipped(Struct, frozen=True, tag="skipped"):
    """Not sent because an earlier step failed or planning refused; ``reason`` says which."""

    reason: str


class Pending(Struct, frozen=True, tag="pending"):
    """A staged intent is under way: its next stage starts at ``not_before`` of ``network`` or later."""

    stage: str
    network: str
    not_before: Block


Status = Filled | Reverted | Expired | Cancelled | Skipped | Pending


class Outcome(Struct, frozen=True, tag="outcome"):
    """What became of one step of a plan."""

    plan: str
    step: int
    at: Block
    costs: Costs
    status: Status


class Happened(Struct, frozen=True, tag="happened"):
    """Something befell a position: ``cause`` is ``liquidated``, ``slashed``, ``killed``, ``paid`` …; raw amounts by
    token, negative for a loss.
    """

    venue: str
    position: str
    cause: str
    amounts: Mapping[str, int]
    at: Block


News = Outcome | Happened
