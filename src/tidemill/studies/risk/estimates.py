"""Losses that may happen: a chance a year, a part lost if so, each with its interval; and how several come together.

Floats are chances and parts, never money: money meets them in ``expected_loss_up`` alone, exactly, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Literal

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.facts import Fact

__all__ = [
    "CAUSES",
    "Cause",
    "Estimate",
    "Position",
    "Reason",
    "Shock",
    "chance_of_loss",
    "expected",
    "expected_loss_up",
    "expected_of_all",
    "merged",
    "shifted",
]

Cause = Literal["network", "protocol", "asset", "position"]
CAUSES: tuple[Cause, ...] = ("network", "protocol", "asset", "position")
MOST_SHOCKS = 16
"""Shocks whose every combination is counted: 65,536 of them."""


class Estimate(Struct, frozen=True):
    """A number between 0 and 1 that is not known exactly.

    The ends leave out a twentieth each of what the record allows, and take everything unknown at its best or its worst.
    """

    low: float
    usual: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.usual <= self.high <= 1.0:
            raise BadInput(f"no estimate of a chance: {self.low}, {self.usual}, {self.high}")

    def times(self, other: Estimate) -> Estimate:
        """Return the product, end by end: both at their worst together."""
        return Estimate(self.low * other.low, self.usual * other.usual, self.high * other.high)


class Reason(Struct, frozen=True):
    """Why a number is what it is: words, the fact behind it (``None``: unknown, or a plain reckoning)."""

    words: str
    fact: Fact | None = None


class Shock(Struct, frozen=True):
    """One thing that can go wrong for everything that rests on ``factor``, e.g. ``network:op-mainnet``.

    ``chance`` is a year's; ``part`` is what of the money is lost if it happens. ``reasons`` tell how both came about,
    ``unknown`` what is not known of it.
    """

    cause: Cause
    factor: str
    chance: Estimate
    part: Estimate
    reasons: tuple[Reason, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def loss(self) -> Estimate:
        """Expected part lost in a year."""
        return self.chance.times(self.part)


class Position(Struct, frozen=True):
    """Money (``weight``, in any one unit) that rests on shocks."""

    weight: int
    shocks: tuple[Shock, ...]


def shifted(chance: float, steps: float, odds: float) -> float:
    """Return a chance whose odds are ``odds`` to the power of ``steps`` times as large.

    >>> round(shifted(0.5, 1, 3.0), 6)
    0.75
    """
    if chance <= 0.0 or chance >= 1.0:
        return chance
    grown: float = chance / (1.0 - chance) * odds**steps
    return grown / (1.0 + grown)


def merged(shocks: Iterable[Shock]) -> tuple[Shock, ...]:
    """Return shocks with each factor once, its worst chance and its worst part kept: one shock is counted once."""
    found: dict[str, Shock] = {}
    for shock in shocks:
        other = found.get(shock.factor)
        found[shock.factor] = shock if other is None else _worse(other, shock)
    return tuple(found.values())


def _worse(one: Shock, other: Shock) -> Shock:
    return Shock(
        one.cause,
        one.factor,
        _largest(one.chance, other.chance),
        _largest(one.part, other.part),
        tuple(dict.fromkeys((*one.reasons, *other.reasons))),
        tuple(dict.fromkeys((*one.unknown, *other.unknown))),
    )


def _largest(one: Estimate, other: Estimate) -> Estimate:
    return Estimate(max(one.low, other.low), max(one.usual, other.usual), max(one.high, other.high))


def expected(shocks: Iterable[Shock]) -> Estimate:
    """Return 1 − Π(1 − chance·part): what a year is expected to take, shocks being independent of each other."""
    losses = [shock.loss for shock in merged(shocks)]
    low, usual, high = (1.0 - prod(1.0 - getattr(loss, end) for loss in losses) for end in ("low", "usual", "high"))
    return Estimate(low, max(low, usual), max(low, usual, high))


def expected_of_all(positions: Sequence[Position]) -> Estimate:
    """Return what a year is expected to take of several positions together, by weight."""
    whole = _whole(positions)
    each = [(position.weight / whole, expected(position.shocks)) for position in positions]
    low, usual, high = (sum(share * getattr(one, end) for share, one in each) for end in ("low", "usual", "high"))
    return Estimate(min(low, 1.0), min(max(low, usual), 1.0), min(max(usual, high), 1.0))


def chance_of_loss(positions: Sequence[Position], more_than: float = 0.01) -> float | None:
    """Return the usual chance that a year takes more than a part of all positions together.

    Each factor is drawn once and hits every position that rests on it: two positions on one network fall together.
    ``None`` where there are more factors than can be counted through.
    """
    whole = _whole(positions)
    chances: dict[str, float] = {}
    for position in positions:
        for shock in merged(position.shocks):
            chances[shock.factor] = max(chances.get(shock.factor, 0.0), shock.chance.usual)
    factors = [name for name, chance in chances.items() if chance > 0.0]
    if len(factors) > MOST_SHOCKS:
        return None
    parts = [
        (position.weight / whole, {shock.factor: shock.part.usual for shock in merged(position.shocks)})
        for position in positions
    ]
    total = 0.0
    for hits in product((False, True), repeat=len(factors)):
        happened = [factor for factor, hit in zip(factors, hits, strict=True) if hit]
        if _lost(parts, happened) > more_than:
            total += prod(chances[f] if hit else 1.0 - chances[f] for f, hit in zip(factors, hits, strict=True))
    return total


def _lost(parts: Sequence[tuple[float, Mapping[str, float]]], happened: Sequence[str]) -> float:
    return sum(share * (1.0 - prod(1.0 - part.get(factor, 0.0) for factor in happened)) for share, part in parts)


def _whole(positions: Sequence[Position]) -> int:
    whole = sum(position.weight for position in positions)
    if whole <= 0 or any(position.weight < 0 for position in positions):
        raise BadInput("positions need a weight above 0 in all, and none below")
    return whole


def expected_loss_up(amount: int, part: float) -> int:
    """Return what an expected part of an amount is, in the same smallest unit, rounded up.

    >>> expected_loss_up(1_000_001, 0.5)
    500001
    """
    if amount < 0:
        raise BadInput(f"{amount} is negative")
    exact = Fraction(part) * amount
    return -(-exact.numerator // exact.denominator)
