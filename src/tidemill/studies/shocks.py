"""Shocks: what is done to a simulated future beside what its model draws. They combine freely, each kind once.

``crash:30``       the volatile token loses 30 % within an hour somewhere in the middle, fees of the network are ten times as
                   high for a day, and nothing comes back
``depeg:12``       it loses 12 % and comes back, in the shape of USDC's of March 2023; ``depeg:usdc2023`` and
                   ``depeg:usde2025`` are the depegs themselves (``depegs.toml``: depth, fall, time at the bottom, recovery)
``bridge:60``      the volatile token is a bridged one and its bridge fails: it falls by 60 % at once and stays
``fees:10``        every fee level of the network is ten times as high, throughout
``l1:1280``        the data fee is 1,280 times as high, throughout: an operator's scalar, as Scroll raised it in April 2026
``price:OP:-90``   a token priced by the study falls by 90 % before the first day (by kernels: the one that fees are paid in)
``reward:90``      the token that a farm pays falls by 90 % in the middle
``sequencer:12``   the sequencer is down for 12 hours in the middle: nobody is included, liquidators neither; where the network
                   can be forced through its parent chain, no longer than that takes
``frozen:7``       for the last 7 days nothing of yours is included: you wanted to leave then, and leave at the end
``exploit:40``     the venue loses 40 % of what is in it in the middle, and you your part; in whole markets the one that holds
                   most of your money then
``sandwich``       each of your own swaps gets the worst that its limits allow; ``sandwich:50`` loses half a per cent at most
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.facts import load_facts

__all__ = ["BELOW", "CRASH_FEES", "KINDS", "Kind", "Shock", "parse_shocks"]

CRASH_FEES = 10
"""Times the fee levels on the day of a crash."""
Kind = Literal[
    "crash", "depeg", "bridge", "fees", "l1", "price", "reward", "sequencer", "frozen", "exploit", "sandwich"
]
BELOW = ("crash", "depeg", "bridge", "reward", "exploit")
"""Kinds whose size is a fall: more than 0 and less than 100 percent."""
_MOST = {"fees": 1_000_000, "l1": 1_000_000, "sequencer": 720, "frozen": 180, "sandwich": 10_000}
KINDS = (
    "crash:30, depeg:12, depeg:usdc2023, bridge:60, fees:10, l1:1280, price:TOKEN:-90, reward:90, sequencer:12, frozen:7, "
    "exploit:40 or sandwich"
)
_WORD = re.compile(r"(crash|depeg|bridge|fees|l1|reward|sequencer|frozen|exploit|sandwich):(\d+(?:\.\d+)?)")
_PRICE = re.compile(r"price:([A-Za-z0-9.]+):([+-]\d+(?:\.\d+)?)")
_CASE = re.compile(r"depeg:([a-z]+\d{4})")
_USUAL_CASE = "usdc2023"


class Shock(Struct, frozen=True):
    """One shock; ``size`` is in percent for falls and ``price`` (signed), times for ``fees`` and ``l1``, hours for
    ``sequencer``, days for ``frozen``, basis points for ``sandwich`` (0: what your limits leave).
    ``token``: whose price; ``case``: which depeg.
    """

    kind: Kind
    size: float
    token: str = ""
    case: str = ""

    @property
    def words(self) -> str:
        """How the user wrote it."""
        if self.case:
            return f"{self.kind}:{self.case}"
        if self.kind == "sandwich" and not self.size:
            return "sandwich"
        size = f"{self.size:+g}" if self.kind == "price" else f"{self.size:g}"
        return ":".join(part for part in (self.kind, self.token, size) if part)

    def shape(self) -> tuple[list[int], list[float]]:
        """Return a depeg's seconds since it began, and the part of its depth it has at each."""
        facts = _cases()[self.case or _USUAL_CASE]
        fall, bottom, back = facts["fall_s"], facts["bottom_s"], facts["back_s"]
        return [0, fall, fall + bottom, fall + bottom + back], [0.0, 1.0, 1.0, 0.0]


@cache
def _cases() -> dict[str, dict[str, int]]:
    """Return the depegs on file: depth in basis points, and seconds of the fall, at the bottom and back."""
    out: dict[str, dict[str, int]] = {}
    for name, fact in load_facts(str(resources.files("tidemill.studies") / "depegs.toml")).facts.items():
        case, _, figure = name.partition(".")
        out.setdefault(case, {})[figure] = int(str(fact.value))
    return out


def parse_shocks(words: Sequence[str]) -> tuple[Shock, ...]:
    """Return the shocks named, each a word of its own or several with commas between.

    Raises ``BadInput`` naming the word and what would be right.
    """
    found = []
    for word in (part.strip() for one in words for part in one.split(",")):
        if known := _WORD.fullmatch(word):
            kind: Any = known[1]
            found.append(Shock(kind, float(known[2])))
        elif word == "sandwich":
            found.append(Shock("sandwich", 0.0))
        elif known := _PRICE.fullmatch(word):
            found.append(Shock("price", float(known[2]), known[1]))
        elif (known := _CASE.fullmatch(word)) and known[1] in _cases():
            found.append(Shock("depeg", _cases()[known[1]]["depth"] / 100, case=known[1]))
        else:
            raise BadInput(f"{word!r} is no shock; write {KINDS}", field="shock")
        _check(found[-1], word)
    kinds = [(shock.kind, shock.token) for shock in found]
    if len(set(kinds)) < len(kinds):
        raise BadInput("the same shock twice", field="shock")
    return tuple(found)


def _check(shock: Shock, word: str) -> None:
    if shock.kind in BELOW and not 0 < shock.size < 100:
        raise BadInput(f"{word!r}: a fall is more than 0 and less than 100 percent", field="shock")
    if shock.kind == "price" and shock.size <= -100:
        raise BadInput(f"{word!r}: a token cannot fall by 100 percent or more", field="shock")
    if shock.kind in ("fees", "l1") and not 0 < shock.size <= _MOST[shock.kind]:
        raise BadInput(f"{word!r}: between 0 and a million times", field="shock")
    if shock.kind in _MOST and word != "sandwich" and not 0 < shock.size <= _MOST[shock.kind]:
        unit = {"sequencer": "hours", "frozen": "days", "sandwich": "basis points"}[shock.kind]
        raise BadInput(f"{word!r}: between 0 and {_MOST[shock.kind]:,} {unit}", field="shock")
