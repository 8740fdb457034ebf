"""What strategies at a classic (constant-product) pair do alike: bring both tokens in its ratio, and take them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidemill.interfaces import All, Arg, Intent, Limits, Revert, View
from tidemill.strategies.liquidity import sell
from tidemill.units import isqrt_down

__all__ = ["add", "remove", "surplus_down"]


def add(view: View, venue: str, slippage_bps: int, expected: Mapping[str, int] | None = None) -> tuple[Intent, ...]:
    """Return the steps that turn the wallet's two tokens, whatever their mix, into shares; none where that gives nothing.

    Sell what there is too much of, then add all: amounts expected less the slippage are the least. ``expected`` is what
    earlier steps of the plan will have brought into the wallet by then (raw units by token).
    """
    tokens = view.read(venue, "token0"), view.read(venue, "token1")
    held = [view.balances.get(token, 0) + (expected or {}).get(token, 0) for token in tokens]
    reserves = list(view.read(venue, "getReserves")[:2])
    if not all(reserves):
        return ()
    steps: tuple[Intent, ...] = ()
    more = 0 if held[0] * reserves[1] > held[1] * reserves[0] else 1
    amount = surplus_down((held[more], held[1 - more]), (reserves[more], reserves[1 - more]))
    if amount and (sale := sell(view, venue, tokens[more], amount, slippage_bps)):
        out = view.quote(sale).amounts["amount_out"]
        steps = (sale,)
        for place, moved in ((more, amount), (1 - more, -out)):
            held[place] -= moved
            reserves[place] += moved
    into = min(held[0], held[1] * reserves[0] // reserves[1]), min(held[1], held[0] * reserves[1] // reserves[0])
    least = [part * (10_000 - slippage_bps) // 10_000 for part in into]  # down: a limit errs to the loose side
    if not all(into):
        return ()
    args: dict[str, Arg] = {"amount0_desired": All(tokens[0]), "amount1_desired": All(tokens[1])}
    return (*steps, Intent(venue, "add_liquidity", args, _least(least)))


def remove(view: View, venue: str, share: str, slippage_bps: int) -> Intent | None:
    """Return the step that gives back all shares; ``None`` for dust that would give nothing of one token."""
    try:
        out = view.quote(Intent(venue, "remove_liquidity", {"liquidity": view.balances.get(share, 0)})).amounts
    except Revert:
        return None
    least = [out[name] * (10_000 - slippage_bps) // 10_000 for name in ("amount0", "amount1")]
    return Intent(venue, "remove_liquidity", {"liquidity": All(share)}, _least(least))


def surplus_down(held: tuple[int, int], reserves: tuple[int, int]) -> int:
    """Return how much of the first token to sell so that the rest has the ratio of the reserves left by the sale.

    With ``a``, ``b`` held of the first and the second, reserves ``x``, ``y`` and ``f = 0.997``, selling ``s`` gives
    ``y·f·s / (x + f·s)``, and what is left fits when ``(a − s) / (b + out) = (x + s) / (y − out)``. That is
    ``f·s² + (1 + f)·x·s − x·e = 0`` with the excess ``e = (a·y − b·x) / (b + y)``.

    >>> surplus_down((1_000_000, 0), (10**12, 10**12))
    500751
    """
    (a, b), (x, y) = held, reserves
    excess = (a * y - b * x) // (b + y)
    if excess <= 0:
        return 0
    return (isqrt_down(x * (x * 1997 * 1997 + 4 * 997 * 1000 * excess)) - 1997 * x) // (2 * 997)


def _least(amounts: Sequence[int]) -> Limits:
    return Limits({"amount0_min": amounts[0], "amount1_min": amounts[1]})
