"""Interest of Aave v3: ray arithmetic, indices, the rate curve, and what goes to the treasury.

Source: the Aave v3 technical paper (January 2022), sections 3 and 4, Aave's public documentation, and what the bytecode
of v3.0.2 (of v3.6 for ``taylor_interest_half_up``) answers.
Indices and rates are rays (1.0 is 10**27), percentages basis points (1.0 is 10**4), time seconds.
A division that rounds to the nearest, halves up, says ``_half_up``.
"""

from __future__ import annotations

from tidemill.units import MAX_UINT256, RAY, WAD, Uint, div_down, require, require_bits, rule, wide

__all__ = [
    "SECONDS_PER_YEAR",
    "add_to_index",
    "binomial_interest_down",
    "flash_premium_half_up",
    "grow_half_up",
    "linear_interest_down",
    "liquidity_rate_half_up",
    "percent_div_half_up",
    "percent_mul_half_up",
    "plain_liquidity_rate_half_up",
    "ray_div_half_up",
    "ray_mul_half_up",
    "taylor_interest_half_up",
    "treasury_shares_half_up",
    "usage_ratio_half_up",
    "variable_rate_half_up",
    "wad_div_half_up",
    "wad_to_ray",
]

SECONDS_PER_YEAR = 31_536_000
"""365 days: leap years are not known."""

_HALF_RAY = wide(5 * 10**26)
_ODD_RAY = 5**27
_MUL_MOST = wide(int(MAX_UINT256) - 5 * 10**26)
_PERCENT_MOST = wide(int(MAX_UINT256) - 5_000)
_WAD_TO_RAY = 10**9
_ONE = 10**4
_HALF = 5_000
_YEAR_SQUARED = 31_536_000**2


@rule(inlined=True)
def ray_mul_half_up(a: Uint, b: Uint) -> Uint:
    """``a * b`` in rays. This and the three below revert without a word where the contract's own numbers end.

    >>> ray_mul_half_up(3, 5 * 10**26)
    2
    """
    if (a | b) >> 128 != 0:
        require(b == 0 or a <= div_down(_MUL_MOST, b), "")
    return div_down((a * b + _HALF_RAY) >> 27, _ODD_RAY)  # a ray in two steps: the machine divides by one word


@rule
def ray_div_half_up(a: Uint, b: Uint) -> Uint:
    """``a / b`` in rays."""
    require(b != 0, "")
    if a >> 128 != 0:
        require(a <= div_down(MAX_UINT256 - (b >> 1), RAY), "")
    return div_down(a * RAY + (b >> 1), b)


@rule
def wad_div_half_up(a: Uint, b: Uint) -> Uint:
    """``a / b`` in wads."""
    require(b != 0, "")
    if a >> 128 != 0:
        require(a <= div_down(MAX_UINT256 - (b >> 1), WAD), "")
    return div_down(a * WAD + (b >> 1), b)


@rule
def wad_to_ray(a: Uint) -> Uint:
    """A wad as a ray."""
    if a >> 128 != 0:
        require(a <= div_down(MAX_UINT256, _WAD_TO_RAY), "")
    return a * _WAD_TO_RAY


@rule
def percent_mul_half_up(value: Uint, bps: Uint) -> Uint:
    """``bps`` basis points of ``value``; both rules of percentages refuse without a word as well."""
    if (value | bps) >> 128 != 0:
        require(bps == 0 or value <= div_down(_PERCENT_MOST, bps), "")
    return div_down(value * bps + _HALF, _ONE)


@rule
def percent_div_half_up(value: Uint, bps: Uint) -> Uint:
    """What ``value`` is ``bps`` basis points of."""
    require(bps != 0, "")
    if value >> 128 != 0:
        require(value <= div_down(MAX_UINT256 - (bps >> 1), _ONE), "")
    return div_down(value * _ONE + (bps >> 1), bps)


@rule
def linear_interest_down(rate: Uint, seconds: Uint) -> Uint:
    """Growth of what is supplied, in rays: simple interest."""
    return RAY + div_down(rate * seconds, SECONDS_PER_YEAR)


@rule
def binomial_interest_down(rate: Uint, seconds: Uint) -> Uint:
    """Growth of debt, in rays: the first three terms of the binomial of (1 + rate per second) ** seconds.

    >>> binomial_interest_down(10**26, 31_536_000)  # ten percent for a year; e**0.1 is 1.10517…
    1105162042821782412575504000
    """
    if seconds == 0:
        return RAY
    square = div_down(ray_mul_half_up(rate, rate), _YEAR_SQUARED)
    cube = div_down(ray_mul_half_up(square, rate), SECONDS_PER_YEAR)
    pairs = seconds * (seconds - 1)
    second = div_down(pairs * square, 2)
    if seconds < 3:
        return RAY + div_down(rate * seconds, SECONDS_PER_YEAR) + second
    third = div_down(pairs * (seconds - 2) * cube, 6)
    return RAY + div_down(rate * seconds, SECONDS_PER_YEAR) + second + third


@rule
def taylor_interest_half_up(rate: Uint, seconds: Uint) -> Uint:
    """Growth of debt since v3.6, in rays: the first four terms of e**x, nested as the bytecode does.

    >>> taylor_interest_half_up(10**26, 31_536_000)
    1105166666666666666666666667
    """
    x = div_down(rate * seconds, SECONDS_PER_YEAR)
    return RAY + ray_mul_half_up(x, RAY + div_down(x, 2) + ray_mul_half_up(x, div_down(x, 6)))


@rule
def grow_half_up(index: Uint, growth: Uint) -> Uint:
    """An index after ``growth``; it must fit 128 bits."""
    return require_bits(ray_mul_half_up(growth, index), 128, "SafeCast: value doesn't fit in 128 bits")


@rule
def usage_ratio_half_up(debt: Uint, available: Uint) -> Uint:
    """Debt per debt and idle liquidity, in rays; nothing where there is no debt."""
    if debt == 0:
        return debt
    return ray_div_half_up(debt, available + debt)


@rule
def variable_rate_half_up(usage: Uint, optimal: Uint, base: Uint, slope1: Uint, slope2: Uint) -> Uint:
    """The rate of variable debt per year: ``base``, then ``slope1`` up to the optimal usage, ``slope2`` beyond it."""
    if usage > optimal:
        return base + slope1 + ray_mul_half_up(slope2, ray_div_half_up(usage - optimal, RAY - optimal))
    return base + ray_div_half_up(ray_mul_half_up(slope1, usage), optimal)


@rule
def liquidity_rate_half_up(debt: Uint, variable_rate: Uint, usage: Uint, reserve_factor: Uint) -> Uint:
    """The rate of suppliers: what debt pays on average, times usage, less the treasury's part.

    The average over kinds of debt is taken even where there is only one, and rounds.
    """
    if debt == 0:
        return debt
    weight = wad_to_ray(debt)
    average = variable_rate
    # Beyond a ray of weight the product is off by less than half a weight, and its quotient is the rate itself.
    if weight <= RAY or (weight | variable_rate) >> 127 != 0:
        average = ray_div_half_up(ray_mul_half_up(weight, variable_rate), weight)
    return percent_mul_half_up(ray_mul_half_up(average, usage), _ONE - reserve_factor)


@rule
def plain_liquidity_rate_half_up(
    debt: Uint, available: Uint, unbacked: Uint, variable_rate: Uint, reserve_factor: Uint
) -> Uint:
    """The rate of suppliers where there are no stable rates any more (v3.2 and later): nothing is averaged.

    ``unbacked`` is owed to suppliers and lent to nobody: unbacked mints and, since v3.3, bad debt.
    """
    usage = usage_ratio_half_up(debt, available + unbacked)
    return percent_mul_half_up(ray_mul_half_up(variable_rate, usage), _ONE - reserve_factor)


@rule
def treasury_shares_half_up(scaled_debt: Uint, before: Uint, after: Uint, reserve_factor: Uint, index: Uint) -> Uint:
    """Scaled shares owed to the treasury: its part of what debt grew by from index ``before`` to ``after``."""
    grown = ray_mul_half_up(scaled_debt, after) - ray_mul_half_up(scaled_debt, before)
    return ray_div_half_up(percent_mul_half_up(grown, reserve_factor), index)


@rule
def flash_premium_half_up(amount: Uint, premium: Uint, to_protocol: Uint) -> tuple[Uint, Uint]:
    """Premium of a flash loan in all, and the treasury's part of it; both rates in basis points."""
    total = percent_mul_half_up(amount, premium)
    return total, percent_mul_half_up(total, to_protocol)


@rule
def add_to_index(index: Uint, amount: Uint, total: Uint) -> Uint:
    """The liquidity index after ``amount`` is spread over ``total``, both raw units."""
    growth = ray_div_half_up(wad_to_ray(amount), wad_to_ray(total)) + RAY
    return grow_half_up(index, growth)
