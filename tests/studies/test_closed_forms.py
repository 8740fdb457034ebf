"""Closed forms: published values, identities among them, the exact contract rules, and Monte Carlo."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.closed_forms import (
    apy,
    arbitrage_constant_blocks,
    arbitrage_poisson_blocks,
    best_compoundings,
    capital_efficiency,
    compounded,
    cpmm_divergence,
    cpmm_loss_rate,
    range_amounts,
    range_delta,
    range_divergence,
    range_gamma,
    range_loss_rate,
    range_value,
    trade_probability_poisson,
)
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

FULL = (1e-12, 1e12)


@pytest.mark.parametrize(
    ("ratio", "loss"),
    [(0.25, -0.2), (0.5, -0.0571909584), (1, 0.0), (1.25, -0.00619201), (2, -0.0571909584), (5, -0.2546440075)],
)
def test_divergence_of_a_constant_product(ratio: float, loss: float) -> None:
    """2·√k/(1 + k) − 1; the values that are quoted everywhere."""
    assert cpmm_divergence(ratio) == pytest.approx(loss, abs=1e-10)
    assert cpmm_divergence(1 / ratio) == pytest.approx(cpmm_divergence(ratio))


@pytest.mark.parametrize(
    ("after", "span", "loss"),
    [
        (2, (0.5, 2), -0.19526214587563495),
        (0.5, (0.5, 2), -0.19526214587563506),
        (1.25, (0.8, 1.25), -0.05865156055560217),
        (0.5, (0.8, 1.25), -0.2939886704167016),
        (1.25, (0.5, 2), -0.021140844520669),
    ],
)
def test_divergence_of_a_range(after: float, span: tuple[float, float], loss: float) -> None:
    """Computed independently from x = L·(1/√P − 1/√b), y = L·(√P − √a)."""
    assert range_divergence(1.0, after, *span) == pytest.approx(loss, abs=1e-12)


def test_identities() -> None:
    rng = random.Random(5)
    for _ in range(200):
        ratio, price = math.exp(rng.uniform(-2, 2)), math.exp(rng.uniform(-1, 1))
        assert range_divergence(1.0, ratio, *FULL) == pytest.approx(cpmm_divergence(ratio), abs=3e-6)
        low = math.exp(rng.uniform(-2, -0.1))
        high = math.exp(rng.uniform(0.1, 2))
        assert range_divergence(1.0, ratio, low, high) <= 1e-15
        step = 1e-6
        up, down = (range_value(3.0, price + sign * step, low, high) for sign in (1, -1))
        assert range_delta(3.0, price, low, high) == pytest.approx((up - down) / (2 * step), abs=1e-6)
        inside = low < price < high
        assert (range_gamma(3.0, price, low, high) < 0) == inside
        # half gamma times variance is what is lost against rebalancing, per unit of time
        lost = -0.5 * range_gamma(3.0, price, low, high) * (0.4 * price) ** 2
        assert range_loss_rate(0.4, 3.0, price, low, high) == pytest.approx(lost)
    value = range_value(1.0, 1.0, *FULL)
    assert range_loss_rate(0.8, 1.0, 1.0, *FULL) / value == pytest.approx(cpmm_loss_rate(0.8), rel=1e-5)
    assert cpmm_loss_rate(0.05 * math.sqrt(365)) == pytest.approx(0.1140625)  # 5 % a day: 11.4 % a year


def test_capital_efficiency_is_liquidity_bought() -> None:
    for low, high, times in ((0.5, 2, 3.414213562), (0.9, 1 / 0.9, 19.48683298), (0.999, 1 / 0.999, 1999.499875)):
        assert capital_efficiency(low, high) == pytest.approx(times)
        assert range_value(1.0, 1.0, *FULL) / range_value(1.0, 1.0, low, high) == pytest.approx(times, rel=1e-5)


def test_amounts_are_those_of_the_contract_rules() -> None:
    """The integer rules that equal the bytecode, over random ranges: the float form is within 1e-12 of them."""
    rng = random.Random(11)
    for _ in range(300):
        lower = rng.randrange(-200_000, 200_000)
        upper = lower + rng.randrange(10, 40_000)
        tick = rng.randrange(lower - 5_000, upper + 5_000)
        liquidity = rng.randrange(10**20, 10**24)
        root = sqrt_ratio_at_tick(tick)
        exact = amounts_for_liquidity_down(root, sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper), liquidity)
        price = (root / 2**96) ** 2
        found = range_amounts(liquidity, price, 1.0001**lower, 1.0001**upper)
        for one, other in zip(found, exact, strict=True):
            assert one == pytest.approx(other, rel=1e-8, abs=2.0)


def test_loss_against_rebalancing_of_the_contract_rules() -> None:
    """An arbitrageur keeps a feeless range at the outside price; what it loses is σ²/4·L·√P per unit of time.

    One simulated path of many small steps: the mean of its terms is within three standard errors of the closed form.
    """
    rng = np.random.default_rng(3)
    liquidity, steps, sigma = 10**24, 20_000, 0.0005
    span = sqrt_ratio_at_tick(-20_000), sqrt_ratio_at_tick(20_000)
    lost, expected = np.zeros(steps), np.zeros(steps)
    price, held = 1.0, amounts_for_liquidity_down(1 << 96, *span, liquidity)
    for k, move in enumerate(rng.normal(0, sigma, steps)):
        expected[k] = range_loss_rate(sigma, float(liquidity), price, 1.0001**-20_000, 1.0001**20_000)
        price *= math.exp(move)
        now = amounts_for_liquidity_down(int(math.sqrt(price) * 2**96), *span, liquidity)
        lost[k] = -((now[0] - held[0]) * price + (now[1] - held[1]))
        held = now
    assert (lost > -1e9).all()  # 1e-15 of what is held: rounding
    error = (lost - expected).std(ddof=1) / math.sqrt(steps)
    assert abs((lost - expected).mean()) < 3 * error
    assert lost.sum() / expected.sum() == pytest.approx(1, abs=0.04)


def arbitrage(fee: float, blocks: int, paths: int, *, poisson: bool) -> tuple[np.ndarray, float]:
    """Mean gain per block of each path (units of σ²·P²·|dx/dP| per mean block), and how many blocks are traded in."""
    rng = np.random.default_rng(int(fee * 1000) + poisson)
    gap = np.zeros(paths)
    gain, traded = np.zeros(paths), 0
    for block in range(blocks + 200):
        spread = np.sqrt(rng.exponential(1.0, paths)) if poisson else 1.0
        gap = gap + rng.normal(0.0, 1.0, paths) * spread
        beyond = np.maximum(np.abs(gap) - fee, 0.0)
        gap = np.clip(gap, -fee, fee)
        if block >= 200:  # from there on the gap has forgotten its start
            gain += beyond * beyond / 2
            traded += int(np.count_nonzero(beyond))
    return gain / blocks, traded / blocks / paths


@pytest.mark.parametrize("fee", [0.25, 1.0, 2.0])
def test_arbitrage_with_fees_is_what_simulation_says(fee: float) -> None:
    gains, traded = arbitrage(fee, 1000, 3000, poisson=True)
    error = gains.std(ddof=1) / math.sqrt(len(gains))
    assert abs(gains.mean() - arbitrage_poisson_blocks(fee)) < 3 * error
    assert traded == pytest.approx(trade_probability_poisson(fee), rel=0.005)
    gains, _ = arbitrage(fee, 1000, 3000, poisson=False)
    error = gains.std(ddof=1) / math.sqrt(len(gains))
    assert abs(gains.mean() - arbitrage_constant_blocks(fee)) < 3 * error + 2e-4  # the form is itself an expansion
    assert abs(gains.mean() - arbitrage_constant_blocks(fee / 2)) > 30 * error  # the pool's fee is not the spread


@pytest.mark.parametrize(("fee", "poisson", "constant"), [(0, 0.50006, 0.50016), (8, 0.04065, 0.03397)])
def test_arbitrage_at_the_ends(fee: float, poisson: float, constant: float) -> None:
    """Means of 60,000 simulated paths of 1,200 blocks, made independently; tolerances as stated with them."""
    assert arbitrage_poisson_blocks(fee) == pytest.approx(poisson, rel=0.004)
    assert arbitrage_constant_blocks(fee) == pytest.approx(constant, rel=0.006)


TABLE = [
    (0, 0.50016, 1.0, 0.50006, 1.0),
    (0.25, 0.35161, 0.8078, 0.36935, 0.7388),
    (1, 0.18416, 0.4471, 0.20683, 0.4141),
    (2, 0.11271, 0.2737, 0.13049, 0.2612),
    (8, 0.03397, 0.0825, 0.04065, 0.0812),
]
"""One-sided fee over a block's deviation; gain and trades a block, constant blocks and Poisson blocks: simulated."""


@pytest.mark.parametrize(("fee", "constant", "trades", "poisson", "poisson_trades"), TABLE)
def test_arbitrage_over_the_whole_table(
    fee: float, constant: float, trades: float, poisson: float, poisson_trades: float
) -> None:
    """Within 0.6 % for constant blocks and 0.4 % for Poisson ones, from no fee to eight deviations."""
    assert arbitrage_constant_blocks(fee) == pytest.approx(constant, rel=0.006)
    assert arbitrage_poisson_blocks(fee) == pytest.approx(poisson, rel=0.004)
    assert trade_probability_poisson(fee) == pytest.approx(poisson_trades, rel=0.004)
    gains, traded = arbitrage(fee, 300, 2000, poisson=False)
    assert abs(gains.mean() - constant) < 3.5 * gains.std(ddof=1) / math.sqrt(len(gains))
    assert traded == pytest.approx(trades, rel=0.01)


def ends(sigma: float, paths: int) -> np.ndarray:
    """Prices after a unit of time that are expected to stay at 1."""
    return np.exp(np.random.default_rng(17).normal(-sigma * sigma / 2, sigma, paths))


@pytest.mark.parametrize("sigma", [0.2, 0.8])
@pytest.mark.parametrize("span", [FULL, (0.5, 2.0), (0.8, 1.25), (1.1, 1.4)])
def test_what_a_range_is_worth_on_average(sigma: float, span: tuple[float, float]) -> None:
    """Monte Carlo against the integral of the closed form, and for the full range e^(-sigma^2 / 8); three standard errors."""
    found = np.array([range_value(1.0, price, *span) for price in ends(sigma, 20_000)])
    z = np.linspace(-9, 9, 40_001)
    weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    values = [range_value(1.0, math.exp(sigma * one - sigma * sigma / 2), *span) for one in z]
    expected = float(weight @ np.array(values))
    error = found.std(ddof=1) / math.sqrt(len(found))
    assert abs(found.mean() - expected) < 3 * error
    if span == FULL:
        assert expected == pytest.approx(2 * math.exp(-sigma * sigma / 8), rel=1e-5)


def test_what_gamma_loses_is_what_theta_would_have_to_pay() -> None:
    """Of a price expected to stay, the value falls by the loss against rebalancing: E[V(T)] = V(0) - integral of E[loss rate]."""
    sigma, span, steps, paths = 0.6, (0.6, 1.7), 400, 4_000
    rng, price, lost = np.random.default_rng(23), np.ones(4_000), np.zeros(4_000)
    for _ in range(steps):
        inside = (price > span[0]) & (price < span[1])
        lost += np.where(inside, sigma * sigma / 4 * np.sqrt(price), 0.0) / steps
        price *= np.exp(rng.normal(-sigma * sigma / 2 / steps, sigma / math.sqrt(steps), paths))
    assert range_loss_rate(sigma, 1.0, 1.0, *span) == pytest.approx(sigma * sigma / 4)
    ended = np.array([range_value(1.0, one, *span) for one in price])
    off = ended - range_value(1.0, 1.0, *span) + lost
    assert abs(off.mean()) < 3 * off.std(ddof=1) / math.sqrt(paths)
    assert lost.mean() > 10 * off.std(ddof=1) / math.sqrt(paths)


def test_interest_of_the_market_is_the_exponential() -> None:
    """A loop's debt for a year at a rate that stands still: e^rate - 1 of what was borrowed, by floats and exactly."""
    from tidemill.studies.exact import loop as exact
    from tidemill.studies.fast import loop as fast

    p = fast.LoopSetup(
        1e18, 0.0, 1.0, 3.0, 1.05, 1.2, 0.003, 0.8, 0.85, 0.05, 1e27, 0.8, 0.0, 0.04, 0.6, 1e27,
        0.0, 0.0, 0.0, 0.0, 0.0, 24,
    )  # fmt: skip
    hours, used = 2_184, 0.6
    shape = (1, hours + 1)
    rate = p.slope1 * used / p.optimal * hours / 8_760
    for kernel in (fast, exact):
        out, noted = np.zeros((1, fast.OUT)), np.zeros((1, hours // 24 + 1))
        kernel.play(p, np.ones(shape), np.full((1, hours), used), np.ones(shape), np.zeros(shape, np.uint8), out, noted)
        debt = out[0, fast.INTEREST] / math.expm1(rate)
        assert 1.9e18 < debt < 2.0e18  # three times one's own, less the last step that was too small to take
        grown = noted[0, 0] - noted[0, -1]
        assert grown == pytest.approx(out[0, fast.INTEREST], rel=1e-6)
        assert out[0, fast.UNWOUND] == 0 and debt == pytest.approx(1.98e18, rel=0.02)


def test_errors_of_a_mean_shrink_with_the_root_of_the_number() -> None:
    gains, _ = arbitrage(1.0, 50, 16_000, poisson=False)
    errors = [gains[:16_000].reshape(-1, size).mean(axis=1).std(ddof=1) for size in (10, 40, 160)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.3)


def test_yearly_rates() -> None:
    for rate, times, grown in ((0.05, 12, 0.051161897881732976), (0.2, 365, 0.22133585825176727), (1.0, 1, 1.0)):
        assert apy(rate, times) == pytest.approx(grown, rel=1e-12)
    assert apy(0.2, 10**6) < math.expm1(0.2)
    assert apy(0.2, 11) < apy(0.2, 12)


def test_compounding_pays_until_it_does_not() -> None:
    """1,000 at 20 % with 0.5 a time: seven times, every 52 days, +21.45 % net."""
    assert best_compoundings(1000, 0.2, 0.5) == 7
    assert compounded(1000, 0.2, 7, 0.5) == pytest.approx(1214.5, abs=0.1)
    rng = random.Random(2)
    for _ in range(100):
        value, rate, cost = 10 ** rng.uniform(1, 6), rng.uniform(0.01, 1.5), 10 ** rng.uniform(-2, 2)
        most = max(range(400), key=lambda n: compounded(value, rate, n, cost))
        found = best_compoundings(value, rate, cost)
        assert found == most or found >= 399
    assert best_compoundings(10, 0.05, 5) == 0
    assert best_compoundings(1e8, 0.1, 0.01) == pytest.approx(0.1 * math.sqrt(1e8 / 0.02), rel=0.06)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: cpmm_divergence(0), "ratio"),
        (lambda: range_amounts(1, 1, 2, 1), "low"),
        (lambda: range_amounts(1, -1, 1, 2), "price"),
        (lambda: trade_probability_poisson(-1), "fee"),
        (lambda: apy(0.1, 0), "times"),
        (lambda: best_compoundings(1, 0.1, 0), "cost"),
    ],
)
def test_what_has_no_meaning_is_refused(call: object, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()  # type: ignore[operator]
    assert caught.value.field == field
