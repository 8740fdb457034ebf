"""What the tests that compute fees a second time share: prices, moments, and EIP-1559 by exact fractions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from itertools import product
from math import floor

from tidemill.networks import FeeEnv, from_data

NOW = 1_795_219_200  # 2026-11-21
U64 = 2**64 - 1


def at(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}+00:00").timestamp())


def env(time: int, fork: str | None = None, **levels: int) -> FeeEnv:
    prices = {"base_fee": 0, "priority_fee": 0} | levels
    return FeeEnv.of(time, {name: from_data(value) for name, value in prices.items()}, fork)


def next_base(base: int, used: int, target: int, denominator: int) -> int:
    step = floor(Fraction(floor(Fraction(base * abs(used - target), target)), denominator))
    return base + max(step, 1) if used > target else max(base - step, 0)


def draws(label: str, limit: int, target: int) -> Iterator[tuple[int, int]]:
    rng = random.Random(label)
    used = (0, 1, target - 1, target, target + 1, limit - 1, limit)
    yield from product((0, 1, 7, 8, 10**9, U64), used)
    yield from ((rng.randrange(10**12), rng.randrange(limit + 1)) for _ in range(50))
