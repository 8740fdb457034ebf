"""A treasury: fixed weights over tokens and places, put right when one of them has left its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

from msgspec import Meta, Struct, field

from tidemill.errors import BadInput
from tidemill.interfaces import All, At, Decision, Intent, News, Plan, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, PoolView, learn, now_of, sell, works
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue
from tidemill.strategies.places import Place
from tidemill.units import mul_div_down

__all__ = ["Target", "TreasuryMemo", "TreasurySplit"]

BPS = 10_000
X192 = 1 << 192


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the treasury: ``weight_bps`` of all in ``token``, at ``venue`` (of a vault with its ``share``) or idle;
    ``market`` is the pool in which the token is bought for the treasury's asset.
    """

    token: Token
    weight_bps: Annotated[int, Meta(ge=0, le=BPS)]
    venue: Venue | None = None
    share: Token | None = None
    market: Venue | None = None

    @property
    def place(self) -> Place | None:
        """Where it works."""
        return Place(self.venue, self.token, self.share) if self.venue else None


class TreasuryMemo(Struct, frozen=True):
    """When to look next (seconds), beside what failed lately."""

    look: int = 0
    lately: LpMemo = field(default_factory=LpMemo)


class _Stand(NamedTuple):
    """How a target stands, in raw units of the treasury's asset: what it is worth, and what it lacks (negative: has more)."""

    target: Target
    worth: int
    lacks: int


class TreasurySplit(Struct, frozen=True, forbid_unknown_fields=True):
    """Keep every target at its weight: look every so often, and put all right once one is off by more than ``band_bps``.

    What weights leave over stays idle in ``asset``. Tokens are counted at their market's price, places at what they would
    pay now. One plan does it: take from what has too much, sell, buy, put; what fails is tried again at the next look.

    Parameters
    ----------
    band_bps : of the whole, to either side. every : seconds between looks.
    """

    asset: Token
    targets: Annotated[
        tuple[Target, ...],
        Meta(
            min_length=1,
            max_length=16,
            description="tables of token, weight_bps, and where it has them venue, share, market",
        ),
    ]
    band_bps: Annotated[int, Meta(ge=10, le=5_000, description="hundredths of a per cent of the whole")] = 500
    every: Annotated[int, Meta(ge=60, le=31_536_000, description="seconds")] = 86_400
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[TreasuryMemo]] = TreasuryMemo

    def __post_init__(self) -> None:
        together = sum(target.weight_bps for target in self.targets)
        if together > BPS:
            raise BadInput(f"weights are {together} bps together, more than the 10000 of the whole", field="targets")
        for number, target in enumerate(self.targets):
            if (target.token == self.asset) != (target.market is None):
                wrong = "needs no market" if target.market else "needs the market in which it is bought"
                raise BadInput(f"{target.token} {wrong}", field=f"targets.{number}.market")
            if any(target.venue and target.venue == other.venue for other in self.targets[:number]):
                raise BadInput(f"{target.venue} is a target already", field=f"targets.{number}.venue")
        idle = [target.token for target in self.targets if target.venue is None]
        if len({*idle}) < len(idle):
            raise BadInput("a token is held idle twice", field="targets")

    def decide(self, view: View, memo: TreasuryMemo, news: Sequence[News]) -> Decision[TreasuryMemo]:
        """Look if it is time, or if something has arrived; otherwise wait."""
        now = now_of(view)
        memo = TreasuryMemo(memo.look, learn(memo.lately, news, now))
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return Decision(self._leave(view) if memo.lately.failures <= PATIENCE else (), memo=memo)
        if now < memo.lately.not_before:
            return Decision(wake=(At(memo.lately.not_before),), memo=memo)
        if now < memo.look and view.why != "news":
            return Decision(wake=(At(memo.look),), memo=memo)
        memo = TreasuryMemo(now + self.every, memo.lately)
        plan = self._right(view)
        return Decision((plan,) if plan else (), wake=(At(memo.look),), memo=memo)

    def _stands(self, view: View) -> tuple[list[_Stand], int]:
        """Return how every target stands, and what all is worth, raw units of the asset."""
        worths = [self._worth(view, target) for target in self.targets]
        idle = any(target.token == self.asset and not target.venue for target in self.targets)
        whole = sum(worths) + (0 if idle else view.balances.get(self.asset, 0))
        wanted = [mul_div_down(whole, target.weight_bps, BPS) for target in self.targets]
        return [_Stand(t, w, n - w) for t, w, n in zip(self.targets, worths, wanted, strict=True)], whole

    def _worth(self, view: View, target: Target) -> int:
        """Return what a target is worth: what works, and what of its token lies idle (the asset only where it is to)."""
        held = target.place.worth(view) if target.place else 0
        if not (target.place and target.token == self.asset):
            held += view.balances.get(target.token, 0)
        return self._valued(view, target, held)

    def _valued(self, view: View, target: Target, amount: int) -> int:
        """Return raw units of the asset that ``amount`` of the token is worth at the market's price, down."""
        if target.market is None:
            return amount
        pool = PoolView.of(view, target.market)
        price = pool.sqrt_price_x96 * pool.sqrt_price_x96  # token1 for token0, x 2^192
        return mul_div_down(amount, price, X192) if target.token == pool.token0 else mul_div_down(amount, X192, price)

    def _right(self, view: View) -> Plan | None:
        """Return the plan that puts all weights right, ``None`` while every one is within its band."""
        stands, whole = self._stands(view)
        band = mul_div_down(whole, self.band_bps, BPS)
        if not whole or all(abs(one.lacks) <= band for one in stands):
            return None
        some = max(band // 4, 1)  # what is off by less is let be: it is not worth its fees
        steps = [step for one in stands if one.lacks < -some for step in self._lessen(view, one)]
        sold = any(step.verb in ("swap_exact_in", "withdraw") for step in steps)
        for one in stands:
            if one.lacks > some:
                steps += self._more(view, one, sold=sold)
        return Plan(tuple(steps)) if steps else None

    def _lessen(self, view: View, one: _Stand) -> list[Intent]:
        """Take the surplus out and sell it for the asset."""
        target, has = one.target, view.balances.get(one.target.token, 0)
        at_work = target.place.worth(view) if target.place else 0
        whole = at_work + (0 if target.token == self.asset and target.place else has)
        surplus = mul_div_down(whole, -one.lacks, max(one.worth, 1))
        lacking = surplus if target.token == self.asset else surplus - has
        steps = [target.place.take(min(lacking, at_work))] if target.place and lacking > 0 else []
        if any(not works(view, step) for step in steps):
            return []  # all lent out there; the rest is put right without it
        if target.market:
            sale = sell(view, target.market, target.token, surplus, self.slippage_bps)
            return [*steps, sale] if sale else []
        return steps

    def _more(self, view: View, one: _Stand, *, sold: bool) -> list[Intent]:
        """Buy what is lacking and put it to work; what was sold for it may have brought less than its price by the slippage."""
        target = one.target
        spend = mul_div_down(one.lacks, BPS - self.slippage_bps * sold, BPS)
        steps: list[Intent] = []
        if target.market:
            purchase = sell(view, target.market, self.asset, spend, self.slippage_bps)
            if purchase is None:
                return []
            steps.append(purchase)
        if target.place:
            put = target.place.put(All(target.token) if target.market else spend)
            if not target.market and not works(view, put):
                return []  # full, or paused
            steps.append(put)
        return steps

    def _leave(self, view: View) -> tuple[Plan, ...]:
        """Take everything back, then sell it for the asset."""
        if self.exit == "mark":
            return ()
        places = [t.place for t in self.targets if t.place and t.place.there(view)]
        if places:
            return tuple(Plan((place.leave(),)) for place in places if works(view, place.leave()))
        sales = []
        for target in {t.token: t for t in self.targets if t.market}.values():
            held = view.balances.get(target.token, 0)
            sale = sell(view, target.market, target.token, held, self.slippage_bps) if target.market and held else None
            sales += [Plan((sale,))] if sale else []
        return tuple(sales)
