"""What every liquidity strategy does alike: see the pool, enter a range, and leave into the home asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct, structs

from tidemill.interfaces import (
    All,
    Arg,
    At,
    Cancelled,
    Decision,
    Expired,
    Intent,
    Limits,
    News,
    Outcome,
    Plan,
    Position,
    Revert,
    Reverted,
    Skipped,
    View,
)
from tidemill.strategies.parameters import ExitHow
from tidemill.strategies.ratio import Swap, least_amounts, liquidity_of, needs_of, swap_to_needs

__all__ = [
    "LpMemo",
    "M",
    "PoolView",
    "add_to",
    "balanced",
    "closed",
    "enter",
    "held_back",
    "learn",
    "leave",
    "minted",
    "now_of",
    "ranges",
    "sell",
    "works",
]

PATIENCE = 8
"""Failures in a row after which leaving is given up and what is left is marked; waits double up to 2**8 minutes."""


class LpMemo(Struct, frozen=True):
    """What a liquidity strategy remembers: when it last entered, failures in a row, when it may try again (seconds)."""

    entered_at: int = 0
    failures: int = 0
    not_before: int = 0
    harvested: bool = False


M = TypeVar("M", bound=LpMemo)


class PoolView(Struct, frozen=True):
    """A pool as it stands: tokens, price (Q64.96), tick, spacing, fee in millionths."""

    token0: str
    token1: str
    sqrt_price_x96: int
    tick: int
    spacing: int
    fee: int

    @classmethod
    def of(cls, view: View, venue: str) -> PoolView:
        """Read it through the contract's own views."""
        slot0 = view.read(venue, "slot0")
        names = ("token0", "token1", "tickSpacing", "fee")
        token0, token1, spacing, fee = (view.read(venue, name) for name in names)
        return cls(token0, token1, slot0[0], slot0[1], spacing, fee)

    def held(self, view: View) -> tuple[int, int]:
        """Return what the wallet holds of the two tokens, raw units."""
        return view.balances.get(self.token0, 0), view.balances.get(self.token1, 0)

    def worth_down(self, amounts: tuple[int, int]) -> int:
        """Return raw units of (token0, token1) in raw token1 at the pool's price, rounded down."""
        return (amounts[0] * self.sqrt_price_x96 * self.sqrt_price_x96 >> 192) + amounts[1]


def now_of(view: View) -> int:
    """Return world time in seconds: the latest block seen."""
    return max(block.time for block in view.at.values())


def ranges(view: View, venue: str) -> Sequence[Position]:
    """Return one's positions at ``venue``."""
    return [position for position in view.positions if position.venue == venue]


def learn(memo: M, news: Sequence[News], now: int) -> M:
    """Count failures in a row and wait one, two, four … minutes after each, so that no error repeats every block.

    What a memo of another strategy has beside that is kept as it is.
    """
    answers = [n.status for n in news if isinstance(n, Outcome)]
    if not answers:
        return memo
    if any(isinstance(status, Reverted | Expired | Skipped | Cancelled) for status in answers):
        failures = memo.failures + 1
        return structs.replace(memo, failures=failures, not_before=now + 60 * 2 ** min(failures - 1, PATIENCE))
    return structs.replace(memo, failures=0, not_before=0)


def held_back(view: View, memo: M, now: int, exit_how: ExitHow) -> Decision[M] | None:
    """Return the answer while nothing may be done, ``None`` when it is time to decide.

    Steps are under way; or it is the end and leaving is not asked for, or was given up; or a failure is waited out.
    """
    if view.in_flight:
        return Decision(memo=memo)  # its news will wake us
    if view.why == "end":
        return Decision(memo=memo) if exit_how == "mark" or memo.failures > PATIENCE else None
    return Decision(wake=(At(memo.not_before),), memo=memo) if now < memo.not_before else None


def sell(view: View, venue: str, token: str, amount: int, slippage_bps: int) -> Intent | None:
    """Return a swap of ``amount`` of ``token`` with its min-out: the quote less ``slippage_bps``.

    ``None`` where it would bring nothing or revert.
    """
    args: dict[str, Arg] = {"token_in": token, "amount_in": amount}
    try:
        quote = view.quote(Intent(venue, "swap_exact_in", args))
    except Revert:
        return None
    least = quote.amounts["amount_out"] * (10_000 - slippage_bps) // 10_000  # down: a limit errs to the loose side
    return Intent(venue, "swap_exact_in", args, Limits({"amount_out_min": least})) if least else None


def works(view: View, intent: Intent) -> bool:
    """Say whether a step would do anything now: dust may buy nothing, a market may be full, frozen or paused."""
    try:
        return any(view.quote(intent).amounts.values())
    except Revert:
        return False


def enter(view: View, venue: str, lower: int, upper: int, slippage_bps: int) -> Plan | None:
    """Return the plan that turns the wallet's two tokens, whatever their mix, into liquidity of ``[lower, upper)``.

    Swap to the ratio the range needs, then mint all there is. ``None`` if the wallet has nothing to bring.
    """
    steps, least = _to_ratio(view, venue, lower, upper, slippage_bps)
    if least is None:
        return None
    pool = PoolView.of(view, venue)
    args: dict[str, Arg] = {
        "tick_lower": lower,
        "tick_upper": upper,
        "amount0_desired": All(pool.token0),
        "amount1_desired": All(pool.token1),
    }
    return Plan((*steps, Intent(venue, "mint", args, least)))


def minted(
    venue: str, span: tuple[int, int], amounts: tuple[int, int], sqrt_price_x96: int, slippage_bps: int
) -> Intent | None:
    """Return the step that mints ``span`` of given amounts; ``None`` where they buy no liquidity at this price."""
    if not liquidity_of(amounts, sqrt_price_x96, *span):
        return None
    least = least_amounts(amounts, sqrt_price_x96, *span, slippage_bps)
    args: dict[str, Arg] = {
        "tick_lower": span[0],
        "tick_upper": span[1],
        "amount0_desired": amounts[0],
        "amount1_desired": amounts[1],
    }
    return Intent(venue, "mint", args, Limits({"amount0_min": least[0], "amount1_min": least[1]}))


def closed(position: Position) -> Plan:
    """Return the plan that takes everything out of a range and ends it, in one transaction."""
    return Plan((Intent(position.venue, "close", {"position": position.id}),))


def add_to(view: View, position: Position, slippage_bps: int) -> Plan | None:
    """Return the plan that adds the wallet's two tokens to ``position``; ``None`` if there is nothing to add."""
    data, venue = position.data, position.venue
    steps, least = _to_ratio(view, venue, data["tick_lower"], data["tick_upper"], slippage_bps)
    if least is None:
        return None
    pool = PoolView.of(view, venue)
    args: dict[str, Arg] = {
        "position": position.id,
        "amount0_desired": All(pool.token0),
        "amount1_desired": All(pool.token1),
    }
    return Plan((*steps, Intent(venue, "increase", args, least)))


def leave(view: View, venue: str, home: str, slippage_bps: int, memo: LpMemo, how: str = "close") -> Decision[Any]:
    """Leave: close every position at ``venue``, then sell into ``home`` whatever the pool trades against it.

    Called at every decision with ``why == "end"`` until it plans nothing more. With ``how="mark"`` nothing is sold.
    """
    if how == "mark" or memo.failures > PATIENCE:
        return Decision(memo=memo)
    held = ranges(view, venue)
    if held:
        return Decision(tuple(closed(p) for p in held), memo=memo)
    sales = tuple(Plan((sale,)) for sale in _sales(view, venue, home, slippage_bps))
    return Decision(sales, memo=memo)


def _sales(view: View, venue: str, home: str, slippage_bps: int) -> Iterator[Intent]:
    tokens = view.read(venue, "token0"), view.read(venue, "token1")
    for token, amount in ((token, view.balances.get(token, 0)) for token in tokens):
        if token != home and amount and home in tokens:
            sale = sell(view, venue, token, amount, slippage_bps)
            if sale:
                yield sale


def _to_ratio(
    view: View, venue: str, lower: int, upper: int, slippage_bps: int
) -> tuple[tuple[Intent, ...], Limits | None]:
    """Return the swap (if one is needed) and the mint's minimums; no minimums if there is nothing to mint."""
    pool = PoolView.of(view, venue)
    held, price = pool.held(view), pool.sqrt_price_x96
    sale, left = balanced(view, venue, needs_of(price, lower, upper), slippage_bps)
    least = least_amounts(left, price, lower, upper, slippage_bps)
    nothing = not any(held) or not liquidity_of(left, price, lower, upper)
    limits = None if nothing else Limits({"amount0_min": least[0], "amount1_min": least[1]})
    return (sale,) if sale else (), limits


def balanced(
    view: View, venue: str, needs: tuple[int, int], slippage_bps: int
) -> tuple[Intent | None, tuple[int, int]]:
    """Return the swap that brings the wallet's two tokens into the ratio of ``needs``, if any, and what there is then."""
    pool = PoolView.of(view, venue)
    held, price = pool.held(view), pool.sqrt_price_x96
    swap = swap_to_needs(held, needs, price, None, pool.fee)
    found, left = None, held
    for _ in range(2):  # the second time at the rate quoted for the first: the swap's own impact is in it
        if swap is None:
            break
        token = pool.token0 if swap.zero_for_one else pool.token1
        sale = sell(view, venue, token, swap.amount, slippage_bps)
        if sale is None:
            break
        out = view.quote(sale).amounts["amount_out"]
        found, left = sale, _after(held, swap, out)
        better = swap_to_needs(held, needs, price, (out, swap.amount), pool.fee)
        if better is None or better.zero_for_one != swap.zero_for_one:
            break
        swap = better
    return found, left


def _after(held: tuple[int, int], swap: Swap, out: int) -> tuple[int, int]:
    if swap.zero_for_one:
        return held[0] - swap.amount, held[1] + out
    return held[0] + out, held[1] - swap.amount
