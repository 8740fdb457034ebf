"""Plans go out: intents, limits, plans and the decision that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from tidemill.interfaces.amounts import Arg
from tidemill.interfaces.wakes import Wake

__all__ = ["COMMON", "Decision", "Intent", "Limits", "Move", "Plan", "purse_of"]

M = TypeVar("M")

COMMON = ""
"""The purse that everything is in until it is allotted to another."""


class Limits(Struct, frozen=True, omit_defaults=True):
    """Bounds within which an intent may fill; outside them it reverts.

    Parameters
    ----------
    amounts : least (or, under a key that the verb documents as a maximum, most) raw amount per result field,
        e.g. ``{"amount_out": 1_000}``; a value may be resolved late like any argument.
    sqrt_price_x96 : exact price bound (Q64.96) of a swap; ``None`` means unbounded.
    deadline : world time in seconds after which the transaction reverts.
    max_fee : most wei of network fee for this step; planning refuses above it.
    """

    amounts: Mapping[str, Arg] = field(default_factory=dict)
    sqrt_price_x96: int | None = None
    deadline: int | None = None
    max_fee: int | None = None


class Intent(Struct, frozen=True, omit_defaults=True):
    """One step: a verb of a venue with its arguments. The venue names its network."""

    venue: str
    verb: str
    args: Mapping[str, Arg] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


class Plan(Struct, frozen=True):
    """Steps in order; a failed step skips the rest and says so.

    ``id`` is given by the run: the hash of (run, strategy, decision number, index in the decision).
    ``atomic`` asks for one transaction; planning refuses where no single transaction can do it.
    ``purse`` names the part of the wallet that the plan lives from, and its id then begins with it; ``payer`` the purse
    that its network fees come from, ``None`` for its own.
    """

    steps: tuple[Intent, ...]
    atomic: bool = False
    id: str = ""
    purse: str = COMMON
    payer: str | None = None


class Move(Struct, frozen=True):
    """``amount`` raw units of ``token`` from one purse of the wallet to another: accounting, no transaction."""

    source: str
    target: str
    token: str
    amount: int


def purse_of(plan_id: str) -> str:
    """Return the purse of a plan by its id.

    >>> purse_of("lp:3fa9"), purse_of("3fa9")
    ('lp', '')
    """
    return plan_id.rpartition(":")[0]


class Decision(Struct, Generic[M], frozen=True):
    """What a strategy wants: new plans, plan ids to cancel, when to be asked again, what to remember.

    ``moves`` between purses of the wallet come first, in order.
    """

    plans: tuple[Plan, ...] = ()
    cancels: tuple[str, ...] = ()
    wake: Wake = ()
    memo: M | Any = None
    moves: tuple[Move, ...] = ()
