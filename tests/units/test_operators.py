"""Every operation of the rule language, on every number type, against plain int."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from tidemill.units import (
    Index,
    Int,
    Uint,
    absolute,
    bit_length,
    div_down,
    div_toward_zero,
    div_up,
    isqrt_down,
    least_significant_bit,
    maximum,
    minimum,
    mod,
    most_significant_bit,
    mul_div_down,
    mul_div_up,
    mul_mod,
    mul_shift_down,
    mul_shift_up,
    require,
    require_bits,
    rule,
    to_index,
    to_int,
    to_uint,
    wrapping_add,
    wrapping_mul,
    wrapping_neg,
    wrapping_shl,
    wrapping_sub,
)
from tidemill.units.testing import (
    EDGES,
    assert_rule_equal_on_three_types,
    outcome,
    random_index,
    random_int,
    random_uint,
)

N = 100_000
TOP = 1 << 256


@rule
def additive(a: Uint, b: Uint) -> tuple[Uint, Uint, Uint, Uint]:
    return a + b, wrapping_add(a, b), wrapping_sub(a, b), wrapping_neg(a)


@rule
def subtraction(a: Uint, b: Uint) -> Uint:
    return a - b


@rule
def product(a: Uint, b: Uint) -> Uint:
    return a * b


@rule
def bits(a: Uint, b: Uint) -> tuple[Uint, Uint, Uint, Uint, Uint, Uint]:
    return a & b, a | b, a ^ b, wrapping_mul(a, b), minimum(a, b), maximum(a, b)


@rule
def order(a: Uint, b: Uint) -> tuple[bool, bool, bool, bool, bool, bool]:
    return a < b, a <= b, a > b, a >= b, a == b, a != b


@rule
def division(a: Uint, b: Uint) -> tuple[Uint, Uint, Uint]:
    return div_down(a, b), div_up(a, b), mod(a, b)


@rule
def muldiv_down(a: Uint, b: Uint, d: Uint) -> Uint:
    return mul_div_down(a, b, d)


@rule
def muldiv_up(a: Uint, b: Uint, d: Uint) -> Uint:
    return mul_div_up(a, b, d)


@rule
def mulmod(a: Uint, b: Uint, d: Uint) -> Uint:
    return mul_mod(a, b, d)


@rule
def mulshift_down(a: Uint, b: Uint, n: Index) -> Uint:
    return mul_shift_down(a, b, n)


@rule
def mulshift_up(a: Uint, b: Uint, n: Index) -> Uint:
    return mul_shift_up(a, b, n)


@rule
def shifts(a: Uint, n: Index) -> tuple[Uint, Uint, Uint]:
    return a >> n, a << n, wrapping_shl(a, n)


@rule
def right_shift(a: Uint, n: Index) -> tuple[Uint, Uint]:
    return a >> n, wrapping_shl(a, n)


@rule
def measures(a: Uint) -> tuple[Uint, Index, Index, Index]:
    return isqrt_down(a), bit_length(a), most_significant_bit(a), least_significant_bit(a)


@rule
def narrowing(a: Uint, n: Int) -> tuple[Uint, Index, Int]:
    return require_bits(a, 128, "too wide"), to_index(n), to_int(a)


@rule
def signed_sum(a: Int, b: Int) -> tuple[Int, bool]:
    return a + b, a < b


@rule
def signed_difference(a: Int, b: Int) -> tuple[Int, Int]:
    return a - b, -a


@rule
def signed_product(a: Int, b: Int) -> Int:
    return a * b


@rule
def signed_division(a: Int, b: Int) -> tuple[Int, Uint]:
    return div_toward_zero(a, b), absolute(a)


@rule
def conversions(a: Int, i: Index) -> tuple[Uint, Int, Uint]:
    require(i != 7, "seven")
    return to_uint(a), to_int(i), to_uint(i)


@rule
def literals(a: Uint, i: Index) -> tuple[Uint, Index]:
    total = 0
    count = 0
    for k in range(4):
        if i > k:
            total += a * 3
            count = count + 1
        else:
            total = total + 1
    return total - 2, i * 2 - count


SIGNED_EDGES = sorted(
    {0, 1, -1, 2, -2}
    | {sign * (1 << bit) + by for sign in (1, -1) for bit in (63, 128, 254) for by in (-1, 0, 1)}
    | {(1 << 255) - 1, -(1 << 255), -(1 << 255) + 1}
)
SHIFTS = (0, 1, 31, 63, 64, 65, 95, 96, 127, 128, 129, 191, 192, 254, 255)


def uints(count: int, arity: int, seed: str) -> list[tuple[int, ...]]:
    rng = random.Random(seed)
    return [tuple(random_uint(rng) for _ in range(arity)) for _ in range(count)]


def edge_pairs() -> list[tuple[int, int]]:
    return list(itertools.product(EDGES, EDGES))


@pytest.mark.parametrize("tested", [additive, subtraction, product, bits, order, division], ids=repr)
def test_two_operand_rules_are_equal_on_three_types(tested):
    rows = edge_pairs() + uints(N, 2, tested.specification.__name__)
    reverted = assert_rule_equal_on_three_types(tested, rows)
    if tested in (bits, order):
        assert reverted == 0
    else:
        assert len(EDGES) <= reverted < 0.8 * len(rows)


@pytest.mark.parametrize("tested", [muldiv_down, muldiv_up, mulmod], ids=repr)
def test_512_bit_intermediates(tested):
    rng = random.Random(tested.specification.__name__)
    rows = list(itertools.product(EDGES, EDGES, (0, 1, 2, 3, (1 << 64) - 1, 1 << 64, 1 << 128, TOP - 1)))
    rows += uints(N, 3, tested.specification.__name__)
    for _ in range(20_000):  # quotients of 255 to 257 bits, where the overflow begins, and exact divisions
        d, q = random_uint(rng) + 1, TOP - rng.getrandbits(3) + 2
        a = rng.getrandbits(250) | 1 << 249
        rows.append((a, min(TOP - 1, q * d // a + rng.getrandbits(2)), min(d, TOP - 1)))
        b = rng.getrandbits(100) + 1
        rows.append((b * rng.getrandbits(120), rng.getrandbits(250), b))
    reverted = assert_rule_equal_on_three_types(tested, rows)
    assert 0 < reverted < 0.5 * len(rows)


@pytest.mark.parametrize("tested", [mulshift_down, mulshift_up], ids=repr)
def test_products_shifted_down(tested):
    rng = random.Random(3)
    rows = [(a, b, n) for a, b in edge_pairs() for n in (0, 96, 128, 256)]
    rows += [(random_uint(rng), random_uint(rng), rng.randint(0, 256)) for _ in range(N)]
    assert 0 < assert_rule_equal_on_three_types(tested, rows) < 0.5 * len(rows)


def test_shifts():
    rng = random.Random(4)
    rows = [(a, n) for a in EDGES for n in SHIFTS]
    rows += [(rng.getrandbits(rng.randint(1, 256)), rng.randint(0, 255)) for _ in range(N)]
    assert assert_rule_equal_on_three_types(right_shift, rows) == 0
    assert 0 < assert_rule_equal_on_three_types(shifts, rows) < 0.8 * len(rows)


def test_roots_and_bit_positions():
    rows = [(a,) for a in EDGES] + uints(N, 1, "measures")
    for root in (3, 1 << 64, (1 << 128) - 1, 12345678901234567890):
        rows += [(root * root,), (root * root - 1,), (root * root + 1,)]
    assert assert_rule_equal_on_three_types(measures, rows) == rows.count((0,))
    assert measures(10**36)[0] == 10**18 == math.isqrt(10**36)


def test_narrowing_casts():
    rng = random.Random(5)
    rows = [(a, n) for a in EDGES for n in (*SIGNED_EDGES, (1 << 63) - 1, -(1 << 63), -(1 << 63) - 1)]
    rows += [(random_uint(rng), random_index(rng)) for _ in range(N)]
    reverted = assert_rule_equal_on_three_types(narrowing, rows)
    assert N * 0.4 < reverted < N * 0.7
    assert outcome(narrowing, (1 << 128, 0)) == ("revert", "too wide")


@pytest.mark.parametrize("tested", [signed_sum, signed_difference, signed_product, signed_division], ids=repr)
def test_signed_rules(tested):
    rng = random.Random(6)
    rows = list(itertools.product(SIGNED_EDGES, SIGNED_EDGES))
    rows += [(random_int(rng), random_int(rng)) for _ in range(N)]
    assert 0 < assert_rule_equal_on_three_types(tested, rows) < 0.5 * len(rows)


def test_conversions_between_kinds():
    rng = random.Random(7)
    rows = [(a, i) for a in SIGNED_EDGES for i in (0, 1, 7, -1, (1 << 63) - 1, -(1 << 63))]
    rows += [(random_int(rng), random_index(rng)) for _ in range(N)]
    reverted = assert_rule_equal_on_three_types(conversions, rows)
    assert 0.5 * N < reverted < 0.9 * N
    assert outcome(conversions, (1, 7)) == ("revert", "seven")


def test_literals_take_the_kind_they_meet():
    rng = random.Random(8)
    rows = [(a, i) for a in EDGES for i in (-1, 0, 1, 4)]
    rows += [(random_uint(rng), rng.randint(-2, 6)) for _ in range(N)]
    assert 0 < assert_rule_equal_on_three_types(literals, rows) < 0.1 * len(rows)


def test_division_by_zero_names_itself_on_every_type():
    for tested in (muldiv_down, muldiv_up, mulmod):
        assert assert_rule_equal_on_three_types(tested, [(5, 7, 0), (0, 0, 0)]) == 2
        assert outcome(tested, (5, 7, 0)) == ("revert", "division by zero")
