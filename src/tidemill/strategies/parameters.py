"""The units strategies take their parameters in: checked when a study is read, and shown in the docs from here."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

__all__ = ["Amount", "Bps", "ExitHow", "K", "MaybeVenue", "Seconds", "Ticks", "TicksOrNone", "Token", "Venue"]

Venue = Annotated[str, Meta(min_length=1, max_length=64, description="name of the venue in the study")]
MaybeVenue = Annotated[str, Meta(max_length=64, description="name of the venue in the study; empty for none")]
Token = Annotated[str, Meta(pattern=r"^[^@]+@[^@]+$", description="token id, SYMBOL@network")]
Ticks = Annotated[int, Meta(ge=1, le=887_272, description="ticks; one tick is 0.01 % of price")]
TicksOrNone = Annotated[int, Meta(ge=0, le=887_272, description="ticks; one tick is 0.01 % of price; 0 for none")]
Bps = Annotated[int, Meta(ge=0, le=5_000, description="hundredths of a per cent")]
Seconds = Annotated[int, Meta(ge=0, le=31_536_000, description="seconds")]
Amount = Annotated[int, Meta(ge=1, description="raw units of the token")]
K = Annotated[
    int,
    Meta(ge=1, le=1_000_000, description="times the cost, whole number; where none is given, as often as pays best"),
]
ExitHow = Literal["close", "mark"]
"""``close`` sells everything into the home asset at the end; ``mark`` leaves positions standing and values them."""
