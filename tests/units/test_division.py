"""The portable division step and everything built on it, against int and against the x86-64 path."""

from __future__ import annotations

import itertools
import platform
import random

import pytest
from numba import njit

from tidemill.units.integers import div_down, div_up, mod, mul_div_down, mul_div_up, mul_mod
from tidemill.units.jit.division import divide_step_portable, make_division
from tidemill.units.jit.raw import divide_step_x86, limb, resize_to
from tidemill.units.language import Kind
from tidemill.units.testing import EDGES, outcome, random_uint, run_compiled

N = 100_000
ONE = (1 << 64) - 1
STEPS = {"portable": divide_step_portable}
if platform.machine() in ("x86_64", "AMD64"):
    STEPS["x86-64"] = divide_step_x86
_wide = resize_to(256)


@pytest.mark.parametrize("name", STEPS)
def test_the_step_divides_128_by_64_bits(name):
    step = STEPS[name]

    @njit
    def widened(high, low, d):
        return _wide(step(limb(high, 0), limb(low, 0), limb(d, 0)))

    rng = random.Random(1)
    sizes = (0, 1, 2, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, ONE - 1, ONE)
    rows = [row for row in itertools.product(sizes, sizes, sizes) if row[0] < row[2]]
    while len(rows) < N:
        d = rng.getrandbits(rng.randint(1, 64))
        rows += [(rng.randrange(d), rng.getrandbits(rng.randint(1, 64)), d)] if d else []
    values = run_compiled(widened, [Kind.UINT] * 3, [Kind.UINT], rows)
    assert values == [((high << 64) + low) // d for high, low, d in rows]


def operands() -> list[tuple[int, int, int]]:
    rng = random.Random(2)
    rows = list(itertools.product(EDGES, EDGES, (0, 1, ONE, 1 << 64, (1 << 128) - 1, 1 << 192, (1 << 256) - 1)))
    rows += [(random_uint(rng), random_uint(rng), random_uint(rng)) for _ in range(N)]
    for _ in range(20_000):  # long runs of ones and zeros: where the estimated digit is corrected, twice at times
        a, b, d = (_runs(rng) for _ in range(3))
        rows.append((a, b, d))
        q, d = ((1 << 128) - 1 - (b & ONE if b & 1 else 0), d | 1) if a & 1 else (a | 1, d | 1)
        rows += [(d, q, d), (q, d - 1, d), (q, d + 1 & (1 << 256) - 1, d)]  # quotients at the edge of a digit
    shares = [(rng.getrandbits(rng.randint(1, 129)), _runs(rng) & ONE, _runs(rng) & ONE) for _ in range(20_000)]
    rows += shares  # a part of a whole, such as a fee in millionths: divided by a path of its own
    rows += [(a, min(b, d), max(b, d)) for a, b, d in shares]
    rows += [(a, b, d) for a in EDGES for b in (0, 1, ONE - 1, ONE) for d in (0, 1, ONE - 1, ONE)]
    return rows


def _runs(rng: random.Random) -> int:
    value = 0
    for _ in range(rng.randint(1, 5)):
        length = rng.randint(1, 64)
        value = value << length | (rng.getrandbits(1) * ((1 << length) - 1))
    return value & ((1 << 256) - 1)


@pytest.mark.parametrize("name", STEPS)
def test_every_division_on_every_step_equals_int(name):
    rows = operands()
    division = make_division(STEPS[name])
    pairs = [(a, d) for a, _, d in rows]
    for helper, mine, given in (
        (mul_div_down, division.mul_div_down, rows),
        (mul_div_up, division.mul_div_up, rows),
        (mul_mod, division.mul_mod, rows),
        (div_down, division.div_down, pairs),
        (div_up, division.div_up, pairs),
        (mod, division.mod, pairs),
    ):
        values = run_compiled(mine, [Kind.UINT] * len(given[0]), [Kind.UINT], given)
        reverted = 0
        for row, value in zip(given, values, strict=True):
            expected = outcome(helper, row)
            reverted += value is None
            assert value == expected or (value is None and expected[0] == "revert"), (name, helper, row)
        assert 0 < reverted < 0.5 * len(given)
