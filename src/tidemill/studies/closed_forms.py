"""Closed forms of liquidity provision and compounding: what simulations must agree with, and what explains them.

Plain floats of pure numbers: nothing here is booked. Prices are token1 per token0, values in token1, ``sigma`` is the
standard deviation of the log price over one unit of time, and rates are per the same unit.

Sources: Uniswap v3 white paper (2021) for values of a range; Milionis, Moallemi, Roughgarden and Zhang, "Automated Market
Making and Loss-Versus-Rebalancing" (2022) for the loss rate, and "Automated Market Making and Arbitrage Profits in the
Presence of Fees" (2023) for Poisson blocks; Nezlobin and Tassy, "Loss-Versus-Rebalancing under Deterministic and
Generalized Block-Times" (2025) for constant ones.
"""

from __future__ import annotations

import math

from tidemill.errors import BadInput

__all__ = [
    "apy",
    "arbitrage_constant_blocks",
    "arbitrage_poisson_blocks",
    "best_compoundings",
    "capital_efficiency",
    "compounded",
    "cpmm_divergence",
    "cpmm_loss_rate",
    "range_amounts",
    "range_delta",
    "range_divergence",
    "range_gamma",
    "range_loss_rate",
    "range_value",
    "trade_probability_poisson",
]

FULL_SPREAD = math.sqrt(2 * math.pi) / 1.4603545088095868
"""Slope of the constant-block formula in the full spread: √(2π) / −ζ(1/2) = 1.7164, one over the mean overshoot of a
normal walk (0.5826).
"""


def cpmm_divergence(ratio: float) -> float:
    """Return the value of a full-range position over holding, less 1, when the price has moved by ``ratio``.

    >>> round(cpmm_divergence(4.0), 10)
    -0.2
    """
    _positive("ratio", ratio)
    return 2 * math.sqrt(ratio) / (1 + ratio) - 1


def range_amounts(liquidity: float, price: float, low: float, high: float) -> tuple[float, float]:
    """Return (token0, token1) of ``liquidity`` over the prices [low, high]."""
    _span(low, high)
    _positive("price", price)
    at, a, b = math.sqrt(min(max(price, low), high)), math.sqrt(low), math.sqrt(high)
    return liquidity * (1 / at - 1 / b), liquidity * (at - a)


def range_value(liquidity: float, price: float, low: float, high: float) -> float:
    """Return the value of a range in token1."""
    token0, token1 = range_amounts(liquidity, price, low, high)
    return token0 * price + token1


def range_delta(liquidity: float, price: float, low: float, high: float) -> float:
    """Return the derivative of the value by the price: the token0 it holds."""
    return range_amounts(liquidity, price, low, high)[0]


def range_gamma(liquidity: float, price: float, low: float, high: float) -> float:
    """Return the second derivative of the value by the price: ``−L / (2·P^1.5)`` inside the range, 0 outside."""
    _span(low, high)
    return -liquidity / (2 * price * math.sqrt(price)) if low < price < high else 0.0


def range_divergence(before: float, after: float, low: float, high: float) -> float:
    """Return the value of a range over holding what it held at ``before``, less 1."""
    token0, token1 = range_amounts(1.0, before, low, high)
    return range_value(1.0, after, low, high) / (token0 * after + token1) - 1


def capital_efficiency(low: float, high: float) -> float:
    """Return how many times the liquidity a range buys that the full range would, at its geometric middle."""
    _span(low, high)
    return 1 / (1 - math.sqrt(math.sqrt(low / high)))


def cpmm_loss_rate(sigma: float) -> float:
    """Return the loss against rebalancing of a full-range position, per unit of its value and time: ``σ²/8``."""
    return sigma * sigma / 8


def range_loss_rate(sigma: float, liquidity: float, price: float, low: float, high: float) -> float:
    """Return the loss against rebalancing of a range in token1 per unit of time: ``σ²/4·L·√P`` inside, 0 outside."""
    _span(low, high)
    return sigma * sigma / 4 * liquidity * math.sqrt(price) if low < price < high else 0.0


def trade_probability_poisson(fee: float) -> float:
    """Return how many of the blocks an arbitrageur trades in, when blocks come as a Poisson process.

    ``fee`` is one-sided (what the pool takes) over the standard deviation of the log price per mean block.
    """
    _not_negative("fee", fee)
    return 1 / (1 + math.sqrt(2) * fee)


def arbitrage_poisson_blocks(fee: float) -> float:
    """Return the arbitrageur's gain per mean block in units of ``σ²·P²·|dx/dP|``: half the probability to trade."""
    return trade_probability_poisson(fee) / 2


def arbitrage_constant_blocks(fee: float) -> float:
    """Return the same for blocks of constant time: ``1 / (2 + 1.7164·γ)``.

    The paper's γ is the *full* spread, twice the one-sided ``fee``; with the pool's fee in its place the result is up to
    46 % too high (found by simulation).
    """
    _not_negative("fee", fee)
    return 1 / (2 + FULL_SPREAD * 2 * fee)


def apy(rate: float, times: int) -> float:
    """Return what ``rate`` a year gives when it is compounded ``times`` a year."""
    if times < 1:
        raise BadInput(f"{times} times a year", field="times")
    return math.expm1(times * math.log1p(rate / times))


def compounded(value: float, rate: float, times: int, cost: float) -> float:
    """Return what ``value`` has become after a unit of time at ``rate``, compounded ``times`` at ``cost`` each."""
    return value * (1 + apy(rate, times)) - times * cost if times else value * (1 + rate)


def best_compoundings(value: float, rate: float, cost: float) -> int:
    """Return how often to compound within a unit of time; near ``rate·√(value / (2·cost))`` for small rates.

    The gain of one time more falls and its cost does not, so the first one that does not pay ends the search.
    ``times = 1`` is simple interest that is paid once and costs once; 0 leaves it uncollected.
    """
    _positive("cost", cost)
    low, high = 1, 2
    while compounded(value, rate, high, cost) > compounded(value, rate, high - 1, cost):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if compounded(value, rate, middle, cost) > compounded(value, rate, middle - 1, cost):
            low = middle
        else:
            high = middle
    return low if compounded(value, rate, low, cost) > compounded(value, rate, 0, cost) else 0


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise BadInput(f"{value!r} is not above 0", field=name)


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise BadInput(f"{value!r} is below 0", field=name)


def _span(low: float, high: float) -> None:
    if not 0 < low < high:
        raise BadInput(f"{low!r} to {high!r} is no range of prices", field="low")
