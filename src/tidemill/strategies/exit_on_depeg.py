"""Exit on depeg: hold a position as another strategy does, and leave into home when its token has been off its peg too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from msgspec import Meta, Struct, field, structs

from tidemill.errors import BadInput, nearest
from tidemill.interfaces import At, Condition, Crosses, Decision, Every, News, Plan, Strategy, View, Why
from tidemill.strategies.fixed_range import FixedRange, FullRange
from tidemill.strategies.hold import Hold
from tidemill.strategies.hold_lp import HoldLp
from tidemill.strategies.lend import Lend
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, sell
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue
from tidemill.strategies.range_reset import RangeReset
from tidemill.wording import complaint, place

__all__ = ["DepegMemo", "ExitOnDepeg"]

BPS = 10_000
MANY = 10**18
"""Raw units of the token that a peg is told of: enough digits for any pair of decimals."""

_INNER: dict[str, type[Any]] = {
    "fixed_range": FixedRange,
    "full_range": FullRange,
    "hold": Hold,
    "hold_lp": HoldLp,
    "lend": Lend,
    "range_reset": RangeReset,
}
Inner = Literal["fixed_range", "full_range", "hold", "hold_lp", "lend", "range_reset"]
Band = Annotated[int, Meta(ge=1, le=9_999, description="hundredths of a per cent below the peg")]
Own = Annotated[dict[str, int | str], Meta(description="further parameters of the inner strategy")]
AtPeg = Annotated[int, Meta(ge=1, description="raw units of home that 10**18 raw units of the token are worth at peg")]
Answer = Annotated[int, Meta(ge=1, description="the oracle's answer at peg")]
Feed = Annotated[str, Meta(max_length=128, description="id of an oracle of the study, VENUE:SYMBOL; empty for none")]

Lasting = Annotated[int, Meta(ge=0, le=31_536_000, description="seconds that the peg is lost before it leaves")]
Apart = Annotated[int, Meta(ge=1, le=31_536_000, description="seconds between looks")]


class DepegMemo(Struct, frozen=True):
    """The inner strategy's memo; since when the peg is lost (seconds, 0 while it holds), what said so, whether that is
    long enough to have left for good.
    """

    inner: LpMemo = field(default_factory=LpMemo)
    since: int = 0
    by: str = ""
    left: bool = False


class ExitOnDepeg(Struct, frozen=True, forbid_unknown_fields=True):
    """Do as ``inner`` does until ``token`` has been ``band_bps`` below its peg for ``seconds``; then leave into ``home``.

    What is watched is said by ``watch``: the price of the ``market`` pool, the answer of the ``oracle`` (stale answers say
    nothing), both of them at once, or either. The memo keeps which of them it was (``by``). There is no way back in: a peg
    that returns, as that of USDC did in March 2023, has then cost what was sold below it.

    Parameters
    ----------
    market : pool that trades ``token`` for ``home``; what the inner strategy leaves behind is sold there.
    venue, lending, asset, share : handed to the inner strategy, where it has such a parameter.
    """

    inner: Inner
    home: Token
    token: Token
    market: Venue
    watch: Literal["market", "oracle", "both", "either"] = "market"
    oracle: Feed = ""
    peg: AtPeg = MANY
    oracle_peg: Answer = 10**8
    band_bps: Band = 200
    seconds: Lasting = 3_600
    every: Apart = 900
    venue: Venue | None = None
    lending: Venue | None = None
    asset: Token | None = None
    share: Token | None = None
    inner_parameters: Own = {}
    slippage_bps: Bps = 200
    exit: ExitHow = "close"

    Memo: ClassVar[type[DepegMemo]] = DepegMemo

    def __post_init__(self) -> None:
        if self.watch != "market" and not self.oracle:
            raise BadInput(f"watch = {self.watch!r} needs an oracle, VENUE:SYMBOL", field="oracle")
        self._position(leaving=False)

    def decide(self, view: View, memo: DepegMemo, news: Sequence[News]) -> Decision[DepegMemo]:
        """Look at the peg; let the inner strategy do its work, or leave, and sell what it leaves behind."""
        now, ends = now_of(view), view.why == "end"
        memo = self._look(view, structs.replace(memo, inner=learn(memo.inner, news, now)), now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if memo.left and not ends:
            # a market that is overrun may let nobody out for days: it is tried until the end, with the waits of `learn`
            patient = structs.replace(memo.inner, failures=min(memo.inner.failures, PATIENCE))
            memo = structs.replace(memo, inner=patient)
            if now < patient.not_before:
                return Decision(wake=(At(patient.not_before),), memo=memo)
        leaving = memo.left or ends
        seen = cast(View, _Ending(view)) if leaving else view
        inner = self._position(leaving=memo.left).decide(seen, memo.inner, ())
        memo = structs.replace(memo, inner=inner.memo)
        plans = inner.plans or (self._rest(view, memo) if leaving else ())
        wake = () if leaving and not inner.plans else (*inner.wake, *self._wake(view, memo))
        return Decision(plans, wake=wake, memo=memo)

    # --- the peg ------------------------------------------------------------------------------------------------------

    def _look(self, view: View, memo: DepegMemo, now: int) -> DepegMemo:
        if memo.left:
            return memo
        off = {"market": self._market_off(view), "oracle": self._oracle_off(view)}
        told = {"both": all(off.values()), "either": any(off.values()), **off}
        if not told[self.watch]:
            return structs.replace(memo, since=0, by="")
        since = memo.since or now
        by = " and ".join(name for name in off if off[name] and self.watch in (name, "both", "either"))
        return structs.replace(memo, since=since, by=by, left=now - since >= self.seconds)

    def _market_off(self, view: View) -> bool:
        if self.watch == "oracle":
            return False
        return self._worth_down(view) * BPS < self.peg * (BPS - self.band_bps)

    def _oracle_off(self, view: View) -> bool:
        if self.watch == "market":
            return False
        told = view.oracle(self.oracle)
        return not told.stale and told.answer * BPS < self.oracle_peg * (BPS - self.band_bps)

    def _worth_down(self, view: View) -> int:
        """Return raw units of home that 10**18 raw units of the token are worth at the pool's price, rounded down."""
        tokens = view.read(self.market, "token0"), view.read(self.market, "token1")
        if {*tokens} != {self.token, self.home}:
            raise BadInput(f"{self.market} trades {' and '.join(tokens)}, not {self.token} for home", field="market")
        try:
            root = view.read(self.market, "slot0")[0]
            reserves = 1 << 192, root * root
        except BadInput:  # a classic pair: it has reserves instead
            reserves = view.read(self.market, "getReserves")[:2]
        of = dict(zip(tokens, reserves, strict=True))
        return int(MANY * of[self.home] // of[self.token])

    def _wake(self, view: View, memo: DepegMemo) -> tuple[Condition, ...]:
        due = (At(memo.since + self.seconds),) if memo.since else ()
        if self.watch == "market" or self._oracle_off(view):
            return (Every(self.every), *due)
        floor = -(-self.oracle_peg * (BPS - self.band_bps) // BPS)
        return (Every(self.every), *due, Crosses(self.oracle, "price", floor, above=False))

    # --- the position -------------------------------------------------------------------------------------------------

    def _position(self, *, leaving: bool) -> Strategy[LpMemo]:
        """Return the inner strategy; one that is left for good is closed, whatever the study's own end is to be."""
        kind = _INNER[self.inner]
        known = {
            "venue": self.venue or self.market,
            "home": self.home,
            "lending": self.lending,
            "asset": self.asset,
            "share": self.share,
            "slippage_bps": self.slippage_bps,
        }
        given = {key: value for key, value in known.items() if value is not None and key in kind.__struct_fields__}
        for key in self.inner_parameters:
            if key not in kind.__struct_fields__ or key == "exit":
                raise BadInput(f"unknown key{nearest(key, kind.__struct_fields__)}", field=f"inner_parameters.{key}")
        try:
            made: Strategy[LpMemo] = msgspec.convert(
                given | self.inner_parameters | {"exit": "close" if leaving else self.exit}, kind
            )
        except msgspec.ValidationError as error:
            message, at = place(error)
            says = complaint(message, self.inner_parameters, at, kind)
            raise BadInput(says, field=f"inner_parameters.{at}" if at else self.inner) from None
        return made

    def _rest(self, view: View, memo: DepegMemo) -> tuple[Plan, ...]:
        """Sell what is left of the token, once the inner strategy has nothing more to do."""
        held = view.balances.get(self.token, 0)
        if not held or (self.exit == "mark" and not memo.left) or memo.inner.failures > PATIENCE:
            return ()
        sale = sell(view, self.market, self.token, held, self.slippage_bps)
        return (Plan((sale,)),) if sale else ()


class _Ending:
    """A view that says it is the last: what a strategy is shown that is to leave now."""

    why: Why = "end"

    def __init__(self, view: View) -> None:
        self._view = view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)
