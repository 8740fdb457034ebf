"""Hold a classic pool's share: bring both tokens at the ratio of the reserves, keep the share, and leave at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import All, Arg, At, Decision, Intent, Limits, News, Plan, Revert, View
from tidemill.strategies.liquidity import LpMemo, learn, leave, now_of, sell
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue
from tidemill.units import isqrt_down

__all__ = ["HoldLp"]


class HoldLp(Struct, frozen=True, forbid_unknown_fields=True):
    """Provide liquidity to a constant-product pair, whose ``share`` is a token, and stay until the end."""

    venue: Venue
    home: Token
    share: Token
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Enter if not entered yet; nothing else until the end."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        held = view.balances.get(self.share, 0)
        if view.why == "end":
            plan = self._remove(view, held) if held and self.exit == "close" else None
            if plan:
                return Decision((plan,), memo=memo)
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if held:
            return Decision(memo=memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        plan = self._enter(view)
        return Decision((plan,) if plan else (), memo=memo)

    def _enter(self, view: View) -> Plan | None:
        """Sell what there is too much of, then add all: amounts expected less the slippage are the least."""
        tokens = view.read(self.venue, "token0"), view.read(self.venue, "token1")
        held = [view.balances.get(token, 0) for token in tokens]
        reserves = list(view.read(self.venue, "getReserves")[:2])
        if not all(reserves):
            return None
        steps: tuple[Intent, ...] = ()
        more = 0 if held[0] * reserves[1] > held[1] * reserves[0] else 1
        amount = surplus_down((held[more], held[1 - more]), (reserves[more], reserves[1 - more]))
        if amount and (sale := sell(view, self.venue, tokens[more], amount, self.slippage_bps)):
            out = view.quote(sale).amounts["amount_out"]
            steps = (sale,)
            for place, moved in ((more, amount), (1 - more, -out)):
                held[place] -= moved
                reserves[place] += moved
        into = min(held[0], held[1] * reserves[0] // reserves[1]), min(held[1], held[0] * reserves[1] // reserves[0])
        least = [part * (10_000 - self.slippage_bps) // 10_000 for part in into]  # down: a limit errs to the loose side
        if not all(into):
            return None
        args: dict[str, Arg] = {"amount0_desired": All(tokens[0]), "amount1_desired": All(tokens[1])}
        return Plan((*steps, Intent(self.venue, "add_liquidity", args, _least(least))))

    def _remove(self, view: View, held: int) -> Plan | None:
        args: dict[str, Arg] = {"liquidity": All(self.share)}
        try:
            out = view.quote(Intent(self.venue, "remove_liquidity", {"liquidity": held})).amounts
        except Revert:
            return None  # dust that would give nothing of one token
        least = [out[name] * (10_000 - self.slippage_bps) // 10_000 for name in ("amount0", "amount1")]
        return Plan((Intent(self.venue, "remove_liquidity", args, _least(least)),))


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
