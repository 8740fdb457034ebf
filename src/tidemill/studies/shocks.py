"""Shocks: what is done to a simulated future beside what its model draws.

``crash:30``   the volatile token loses 30 % within an hour somewhere in the middle, fees of the network are ten times as high
               for a day, and nothing comes back
``depeg:12``   it loses 12 % within two hours and is back a day and a half later (about what USDC did in March 2023)
``fees:10``    every fee level of the network is ten times as high, throughout
``l1:1280``    the data fee is 1,280 times as high, throughout: an operator's scalar, as Scroll raised it in April 2026
``price:OP:-90``  a token priced by the study falls by 90 % before the first day
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["CRASH_FEES", "Shock", "parse_shocks"]

CRASH_FEES = 10
"""Times the fee levels on the day of a crash."""
_WORD = re.compile(r"(crash|depeg|fees|l1):(\d+(?:\.\d+)?)")
_PRICE = re.compile(r"price:([A-Za-z0-9.]+):([+-]\d+(?:\.\d+)?)")


class Shock(Struct, frozen=True):
    """One shock; ``size`` is in percent for ``crash``, ``depeg`` and ``price`` (signed), times for ``fees`` and ``l1``."""

    kind: Literal["crash", "depeg", "fees", "l1", "price"]
    size: float
    token: str = ""

    @property
    def words(self) -> str:
        """How the user wrote it."""
        size = f"{self.size:+g}" if self.kind == "price" else f"{self.size:g}"
        return ":".join(part for part in (self.kind, self.token, size) if part)


def parse_shocks(words: Sequence[str]) -> tuple[Shock, ...]:
    """Return the shocks named; raises ``BadInput`` naming the word and what would be right."""
    found = []
    for word in words:
        if known := _WORD.fullmatch(word):
            found.append(Shock(known[1], float(known[2])))  # type: ignore[arg-type]
        elif known := _PRICE.fullmatch(word):
            found.append(Shock("price", float(known[2]), known[1]))
        else:
            raise BadInput(
                f"{word!r} is no shock; write crash:30, depeg:12, fees:10, l1:1280 or price:TOKEN:-90", field="shock"
            )
        _check(found[-1], word)
    kinds = [(shock.kind, shock.token) for shock in found]
    if len(set(kinds)) < len(kinds):
        raise BadInput("the same shock twice", field="shock")
    return tuple(found)


def _check(shock: Shock, word: str) -> None:
    if shock.kind in ("crash", "depeg") and not 0 < shock.size < 100:
        raise BadInput(f"{word!r}: a fall is more than 0 and less than 100 percent", field="shock")
    if shock.kind == "price" and shock.size <= -100:
        raise BadInput(f"{word!r}: a token cannot fall by 100 percent or more", field="shock")
    if shock.kind in ("fees", "l1") and not 0 < shock.size <= 1_000_000:
        raise BadInput(f"{word!r}: between 0 and a million times", field="shock")
