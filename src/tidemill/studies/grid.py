"""Which variants of a study to try: a grid, or as many draws from it.

A grid is words such as ``width=200,400,800 trigger=0..200:50 width=log(100,3000,12)``: each names a parameter of the
strategy and its values; the variants are all combinations, in that order, the last word turning fastest. In a portfolio
names have dots, and names joined by ``/`` go together (``settings``).
"""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Literal

from tidemill.engine.rng import stream
from tidemill.errors import BadInput

__all__ = ["MOST_VARIANTS", "How", "parse_grid", "variants"]

MOST_VARIANTS = 100_000
How = Literal["grid", "random", "quasi"]
_NAME = re.compile(r"[A-Za-z_][\w@-]*(\.[\w@-]+)*")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?::(\d+))?")
_LOG = re.compile(r"log\((\d+),(\d+),(\d+)\)")
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)

Value = int | str


def parse_grid(words: Sequence[str]) -> dict[str, list[Value]]:
    """Return the values of each parameter.

    Raises
    ------
    BadInput : names the word and what would be right.
    """
    axes: dict[str, list[Value]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not all(map(_NAME.fullmatch, name.split("/"))) or not text:
            raise BadInput(f"{word!r} is not NAME=VALUES, e.g. width=200,400 or width=100..2000:100", field="grid")
        if name in axes:
            raise BadInput(f"{name} is given twice", field="grid")
        parts = re.split(r",(?![^(]*\))", text)  # commas that stand outside brackets
        found = [value for part in parts for value in _values(name, part)]
        axes[name] = list(dict.fromkeys(found))
    if not axes:
        raise BadInput("no parameter to vary; give some, e.g. width=200,400,800", field="grid")
    return axes


def _values(name: str, part: str) -> list[Value]:
    if found := _RANGE.fullmatch(part):
        low, high, step = int(found[1]), int(found[2]), int(found[3] or 1)
        if step < 1 or high < low:
            raise BadInput(f"{name}: {part} goes nowhere; write LOW..HIGH:STEP", field="grid")
        if (high - low) // step >= MOST_VARIANTS:
            raise BadInput(f"{name}: {part} has more than {MOST_VARIANTS:,} values", field="grid")
        return list(range(low, high + 1, step))
    if found := _LOG.fullmatch(part):
        low, high, count = (int(number) for number in found.groups())
        if not 0 < low < high or not 2 <= count <= MOST_VARIANTS:
            raise BadInput(f"{name}: {part}; write log(LOW,HIGH,COUNT) with 0 < LOW < HIGH", field="grid")
        return [round(low * math.exp(math.log(high / low) * i / (count - 1))) for i in range(count)]
    if not part or any(sign in part for sign in "()="):
        raise BadInput(f"{name}: {part!r} is no value", field="grid")
    return [int(part) if re.fullmatch(r"-?\d+", part) else part]


def variants(
    axes: Mapping[str, Sequence[Value]], how: How = "grid", count: int = 0, seed: int = 0
) -> list[dict[str, Value]]:
    """Return the variants: all combinations, or ``count`` draws from them without repeats, random or evenly spread.

    ``quasi`` walks a Halton sequence (van der Corput, 1935; Halton, 1960) over the axes.

    Raises
    ------
    BadInput : more than 100,000, or more draws than combinations.
    """
    sizes = [len(values) for values in axes.values()]
    total = math.prod(sizes)
    wanted = total if how == "grid" else count
    if wanted > MOST_VARIANTS:
        raise BadInput(f"{wanted:,} variants; at most {MOST_VARIANTS:,}: widen the steps or draw some", field="grid")
    if how == "grid":
        places: list[tuple[int, ...]] = list(itertools.product(*map(range, sizes)))
    elif not 1 <= count <= total:
        raise BadInput(f"{count} of {total:,} combinations; draw between 1 and all of them", field=how)
    elif how == "random":
        places = [_place(pick, sizes) for pick in sorted(_drawn(stream("sweep", seed, *axes), total, count))]
    else:
        places = _spread(sizes, count)
    names = list(axes)
    return [{name: axes[name][i] for name, i in zip(names, place, strict=True)} for place in places]


def _drawn(rng: Random, total: int, count: int) -> Iterable[int]:
    if total <= sys.maxsize:
        return rng.sample(range(total), count)
    picks: set[int] = set()  # of so many none comes twice, but for chance
    while len(picks) < count:
        picks.add(rng.randrange(total))
    return picks


def _place(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    out = []
    for size in reversed(sizes):
        number, i = divmod(number, size)
        out.append(i)
    return tuple(reversed(out))


def _spread(sizes: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """The first ``count`` distinct cells that the Halton sequence meets; it meets each in the end."""
    if len(sizes) > len(_PRIMES):
        raise BadInput(f"{len(sizes)} parameters; evenly spread draws know {len(_PRIMES)}", field="quasi")
    seen: dict[tuple[int, ...], None] = {}
    number = 0
    while len(seen) < count:
        number += 1
        seen.setdefault(tuple(_halton(number, base, size) for base, size in zip(_PRIMES, sizes, strict=False)))
    return sorted(seen)


def _halton(number: int, base: int, size: int) -> int:
    """Place ``number`` of the van der Corput sequence of ``base``, as a cell of ``size``: exact, in integers."""
    numerator, denominator = 0, 1
    while number:
        number, digit = divmod(number, base)
        numerator, denominator = numerator * base + digit, denominator * base
    return numerator * size // denominator
