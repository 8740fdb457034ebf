"""Rows against closed forms: constant-product divergence, concentrated positions, numbers worked by hand."""

from __future__ import annotations

from math import isqrt, sqrt

import pytest

from ledger.tiny import ETH, Q96, USD, WETH, Range, Tiny
from tidemill.interfaces import Price
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro, price_of_sqrt_down, value_down, value_toward_zero
from tidemill.ledger.waterfall import Waterfall, waterfall

# Values of the closed forms (float64): 2 sqrt(r) / (1 + r) - 1, and the value of a v3 range over that of its deposit.
CPMM = {
    0.25: -0.2, 0.5: -0.05719095841793653, 0.75: -0.010256681389212985, 1: 0.0, 1.25: -0.006192010000093395,
    1.5: -0.020204102886728803, 2: -0.05719095841793653, 3: -0.1339745962155614, 4: -0.2, 5: -0.2546440075000701,
}  # fmt: skip
V3 = [
    (0.5, 0.5, 2, -0.19526214587563506), (0.5, 0.8, 1.25, -0.2939886704167016), (0.8, 0.5, 2, -0.02114084452066889),
    (0.8, 0.8, 1.25, -0.05865156055560217), (1.25, 0.5, 2, -0.021140844520669), (2, 0.5, 2, -0.19526214587563495),
    (2, 0.8, 1.25, -0.2939886704167016), (0.5, 1e-12, 1e12, -0.05719101560895212),
]  # fmt: skip


def lone_range(ratio: float, low: float, high: float, *, leave: bool) -> tuple[Tiny, Waterfall]:
    """All money in one range opened at the start price; the price then goes to ``ratio`` of it, no fees."""
    world = Tiny(1, usd=10**30)
    start = world.sqrt
    world.wallet |= {WETH: 10**30, ETH: 10**18}
    world.marks.clear()
    world.mark("start")
    one = Range("pool#1", round(start * sqrt(low)), round(start * sqrt(high)), 0)
    world.increase(one, 10**20)
    world.sqrt = start * isqrt(round(ratio * 10**12) * 10**24) // 10**18
    world.time += 86_400
    world.mark("sample")
    if leave:
        world.close(one)
    world.mark("end")
    return world, waterfall(post(world.record, world.marks))


def deposited_value(world: Tiny) -> float:
    """Value at the end price of what was put in."""
    paid = {t.token: t.amount for t in world.record[0].result.transfers}
    prices = world.marks[-1].prices
    return sum(value_down(n, prices[t]) for t, n in paid.items())


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("ratio", CPMM)
def test_full_range_divergence_is_the_constant_product_formula(ratio: float, leave: bool) -> None:
    world, got = lone_range(ratio, 1e-18, 1e18, leave=leave)
    line = got.line("divergence")
    assert line is not None
    assert line.value / deposited_value(world) == pytest.approx(CPMM[ratio], abs=3e-9)
    assert got.line("fees").value == 0


@pytest.mark.parametrize(("ratio", "low", "high", "expected"), V3)
def test_divergence_of_a_range_is_its_closed_form(ratio: float, low: float, high: float, expected: float) -> None:
    world, got = lone_range(ratio, low, high, leave=True)
    assert got.line("divergence").value / deposited_value(world) == pytest.approx(expected, abs=1e-7)


def test_a_range_left_above_is_worth_its_token1() -> None:
    """Above the range a position is all token1: L (sqrt(pb) - sqrt(pa)), to the wei."""
    world, _ = lone_range(4, 0.5, 2, leave=False)
    one = world.ranges[0]
    held = world.marks[-1].positions[0].principal
    assert held == {WETH: 0, USD: one.liquidity * (one.upper - one.lower) // Q96}


def test_worked_by_hand() -> None:
    """100 USD and 1 ETH of gas money; buys WETH, fails once, earns nothing: every row by pencil."""
    world = Tiny(1, usd=100_000_000)
    world.wallet |= {WETH: 0, ETH: 10**18}
    flat = price_of_micro(2_000_000_000, 18)

    def prices() -> dict[str, Price]:
        return {USD: price_of_home(6), WETH: flat, ETH: flat}

    world.prices = prices
    world.marks.clear()
    world.mark("start")
    world.mark("before")
    world.charge = lambda: spend(world, 3 * 10**12, 2 * 10**12)
    world.step("pool", "swap_exact_in", [(USD, -40_000_000), (WETH, 19_900_000_000_000_000)])
    world.fail()
    flat = price_of_micro(3_000_000_000, 18)
    world.time += 60
    world.mark("end")
    got = waterfall(post(world.record, world.marks))
    values = {line.key: line.value for line in got.lines}
    assert values["swaps"] == 39_800_000 - 40_000_000  # 0.0199 WETH at 2,000, for 40
    assert values["l2"] == -6_000  # 3e12 wei at 2,000
    assert values["l1"] == -4_000
    assert values["failed"] == -10_000
    assert values["hodl"] == 1_000_000_000  # 1 ETH gained 1,000
    # 0.0199 WETH more than at the start and 1e13 wei of ETH less, each gaining 1,000
    assert values["drift"] == 19_900_000 - 10_000
    assert got.keep == sum(values.values()) + got.unexplained
    assert got.unexplained == 0


def spend(world: Tiny, l2: int, l1: int):
    from tidemill.interfaces import Costs

    world.wallet[ETH] -= l2 + l1
    return Costs(l2, l1, 0, 100_000)


def test_prices_of_a_pool_invert_each_other() -> None:
    home = price_of_home(6)
    sqrt_price = isqrt(2000 * 10**6 * Q96**2 // 10**18)
    weth = price_of_sqrt_down(sqrt_price, of_token0=True, quote=home)
    assert value_down(10**18, weth) == 1_999_999_999  # the square root is rounded down
    flipped = isqrt(10**18 * Q96**2 // (2000 * 10**6))
    other = price_of_sqrt_down(flipped, of_token0=False, quote=home)
    assert value_down(10**18, other) == 2_000_000_000
    assert value_toward_zero(-3, Price(1, 2)) == -1
    assert value_down(-3, Price(1, 2)) == -2
