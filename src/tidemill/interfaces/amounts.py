"""What a plan may say instead of a number: amounts that are resolved when their step is planned."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["All", "Amount", "Arg", "Of", "PositionOf"]


class All(Struct, frozen=True, tag="all"):
    """The whole balance of ``token`` at the time the step is planned, less ``keep`` (raw units, floor 0)."""

    token: str
    keep: int = 0


class Of(Struct, frozen=True, tag="of"):
    """``bps`` of what an earlier step of the same plan gave: ``Filled.amounts[field]``, rounded down."""

    step: int
    field: str
    bps: int = 10_000


class PositionOf(Struct, frozen=True, tag="position_of"):
    """The position that an earlier step of the same plan opened."""

    step: int


Amount = int | All | Of
"""Raw token units, or where to take them from."""

Arg = int | str | bool | All | Of | PositionOf
"""An argument of an intent. Ticks are ``int``, tokens and positions are ``str``."""
