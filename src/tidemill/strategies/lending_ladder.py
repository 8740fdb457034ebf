"""A lending ladder: split a token among lending markets, and move a part of it to the better rate when that pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

from tidemill.errors import BadInput
from tidemill.interfaces import All, At, Decision, Intent, News, Plan, Position, View
from tidemill.strategies.lend import EVERYTHING
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, works
from tidemill.strategies.parameters import Amount, ExitHow, Seconds, Token, Venue
from tidemill.units import mul_div_down

__all__ = ["LadderMemo", "LendingLadder", "Seen"]

YEAR = 365 * 86_400
WAD = 10**18


class Seen(Struct, frozen=True):
    """What lay at a market at the last look: raw units, the position's size, and when (seconds)."""

    amount: int
    size: int
    time: int


class LadderMemo(Struct, frozen=True):
    """The last look by market, beside what failed lately."""

    seen: dict[str, Seen] = field(default_factory=dict)
    lately: LpMemo = field(default_factory=LpMemo)


class LendingLadder(Struct, frozen=True, forbid_unknown_fields=True):
    """Lend ``asset`` at several ``markets``; move one of ``parts`` to the best of them when the gain beats the cost.

    What a market pays is what one's own position there has grown by since the last look: after its fees, at one's own
    size, whatever its curve. So something stays everywhere (``foothold_bps``), to see with.

    Parameters
    ----------
    every : seconds between looks. horizon : seconds over which the better rate is expected to last.
    native_price : raw units of ``asset`` that 10**18 wei are worth, to compare costs.
    """

    markets: Annotated[tuple[Venue, ...], Meta(min_length=2, description="names of lending venues in the study")]
    asset: Token
    native_price: Amount
    parts: Annotated[int, Meta(ge=1, le=100, description="equal parts that move one at a time")] = 4
    foothold_bps: Annotated[int, Meta(ge=1, le=2_500, description="of all, left at every market")] = 100
    every: Seconds = 86_400
    horizon: Seconds = 30 * 86_400
    exit: ExitHow = "close"

    Memo: ClassVar[type[LadderMemo]] = LadderMemo

    def __post_init__(self) -> None:
        if len({*self.markets}) < len(self.markets):
            raise BadInput("a market is named twice", field="markets")

    def decide(self, view: View, memo: LadderMemo, news: Sequence[News]) -> Decision[LadderMemo]:
        """Split at the start; then look every so often, and move a part if it pays."""
        now = now_of(view)
        lately = learn(memo.lately, news, now)
        memo = LadderMemo(memo.seen, lately)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        held = self._held(view)
        if view.why == "end":
            return Decision(self._leave(view, held) if lately.failures <= PATIENCE else (), memo=memo)
        if now < lately.not_before:
            return Decision(wake=(At(lately.not_before),), memo=memo)
        if not held:
            plans: tuple[Plan, ...] = self._split(view)
        else:
            due = all(now - memo.seen[name].time >= self.every for name in held if name in memo.seen)
            plans = self._move(view, held, self._rates(held, memo.seen, now)) if due else ()
            if due or not memo.seen:
                memo = LadderMemo({name: _seen(p, self.asset, now) for name, p in held.items()}, lately)
        look = max((one.time for one in memo.seen.values()), default=now) + max(self.every, 1)
        return Decision(plans, wake=(At(max(look, now + 1)),), memo=memo)

    def _held(self, view: View) -> Mapping[str, Position]:
        """Return one's supply by market."""
        return {p.venue: p for p in view.positions if p.venue in self.markets and p.principal.get(self.asset, 0) > 0}

    def _split(self, view: View) -> tuple[Plan, ...]:
        """Supply the same to every market that takes it."""
        whole = view.balances.get(self.asset, 0)
        open_ = [name for name in self.markets if works(view, self._supply(name, whole // len(self.markets)))]
        steps = [self._supply(name, whole // len(open_)) for name in open_]
        return tuple(Plan((step,)) for step in steps if works(view, step))

    def _rates(self, held: Mapping[str, Position], seen: Mapping[str, Seen], now: int) -> Mapping[str, int]:
        """Return what each market paid a year since the last look, in wads, where nothing was put in or taken out."""
        rates = {}
        for name, position in held.items():
            last = seen.get(name)
            if last and last.amount and last.size == position.data["size"] and now > last.time:
                grown = position.principal[self.asset] - last.amount
                rates[name] = mul_div_down(max(grown, 0) * YEAR, WAD, last.amount * (now - last.time))
        return rates

    def _move(self, view: View, held: Mapping[str, Position], rates: Mapping[str, int]) -> tuple[Plan, ...]:
        """Return the plan that moves a part, with what lies idle, from the worst market to the best; none if it costs more."""
        whole = sum(p.principal[self.asset] for p in held.values())
        part, foothold = whole // self.parts, whole * self.foothold_bps // 10_000
        best = max(rates, key=lambda name: rates[name], default="")
        everything = Intent(best, "supply", {"asset": self.asset, "amount": All(self.asset)})
        idle = view.balances.get(self.asset, 0)
        if best and self._pays(view, idle, rates[best], (self._supply(best, idle),)):
            return (Plan((everything,)),)
        for worst in sorted(rates, key=lambda name: rates[name]):
            amount = min(part, held[worst].principal[self.asset] - foothold)
            take = Intent(worst, "withdraw", {"asset": self.asset, "amount": amount})
            if worst != best and self._pays(
                view, amount, rates[best] - rates[worst], (take, self._supply(best, amount))
            ):
                return (Plan((take, everything)),)
        return ()

    def _supply(self, market: str, amount: int) -> Intent:
        return Intent(market, "supply", {"asset": self.asset, "amount": amount})

    def _pays(self, view: View, amount: int, rate: int, steps: tuple[Intent, ...]) -> bool:
        """Say whether the steps can be done and ``amount`` gains more by ``rate`` (a year, wads) than they cost."""
        if amount <= 0 or not all(works(view, step) for step in steps):
            return False  # all lent out there, or full here
        gain = mul_div_down(amount * rate, self.horizon, WAD * YEAR)
        return gain * WAD > sum(view.fee(step).total for step in steps) * self.native_price

    def _leave(self, view: View, held: Mapping[str, Position]) -> tuple[Plan, ...]:
        """Take everything back from every market that can pay it now."""
        if self.exit == "mark":
            return ()
        steps = [Intent(name, "withdraw", {"asset": self.asset, "amount": EVERYTHING}) for name in held]
        return tuple(Plan((step,)) for step in steps if works(view, step))


def _seen(position: Position, asset: str, now: int) -> Seen:
    return Seen(position.principal[asset], position.data["size"], now)
