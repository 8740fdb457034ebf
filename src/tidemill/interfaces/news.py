"""News comes back: what became of plans, and what happened to positions without being asked for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

__all__ = [
    "ARRIVED",
    "REFUNDED",
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
    "Transfer",
]


ARRIVED, REFUNDED = "arrived", "refunded"
"""Causes of the news that money sent to another network is there, and that it came back to where it was."""


class Transfer(Struct, frozen=True):
    """``amount`` raw units of ``token`` moved from ``source`` to ``target`` (accounts of the world's book)."""

    token: str
    source: str
    target: str
    amount: int


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
    """The deadline had passed when the step was to be sent; nothing was paid. (Sent in time and included too late it
    is ``Reverted``, as on a chain, and the fee is paid.)
    """


class Cancelled(Struct, frozen=True, tag="cancelled"):
    """Withdrawn on request before it was sent; nothing was paid. What has been sent is not recalled."""


class Skipped(Struct, frozen=True, tag="skipped"):
    """Not sent because an earlier step failed, planning refused or the simulation reverted; ``reason`` says which."""

    reason: str


class Pending(Struct, frozen=True, tag="pending"):
    """A staged intent is under way: its next ``stage`` (a verb) starts at ``not_before`` of ``network`` or later.

    ``not_before`` holds when its time has come on that network; ``venue`` serves the stage, empty for the same one.
    """

    stage: str
    network: str
    not_before: Block
    venue: str = ""


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
    token, negative for a loss. ``transfers`` are the moves of tokens in the book that came with it, if any.
    """

    venue: str
    position: str
    cause: str
    amounts: Mapping[str, int]
    at: Block
    transfers: tuple[Transfer, ...] = ()


News = Outcome | Happened
