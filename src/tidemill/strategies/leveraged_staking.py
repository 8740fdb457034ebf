"""Leveraged staking: supply a staking token, borrow what it is made of, buy more, and again; unwind before it is liquidated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, structs

from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import (
    All,
    Crosses,
    Decision,
    Every,
    Intent,
    News,
    Of,
    Plan,
    View,
    Wake,
)
from tidemill.strategies.liquidity import LpMemo, held_back, learn, now_of, sell
from tidemill.strategies.parameters import Bps, ExitHow, Seconds, Token, Venue

__all__ = ["LeveragedStaking"]

BPS = 10_000
WAD = 10**18
"""A whole token: ether and what is made of it have 18 decimals."""
_EVERYTHING = (1 << 256) - 1
_NEAR = 9_900
"""Part of what could be borrowed that is, and of what could be withdrawn: prices may move a little until then."""
_ENOUGH = 100
"""A round that adds less than a hundredth of one's own is left out."""

Leverage = Annotated[int, Meta(ge=10_000, le=200_000, description="staked per own capital, hundredths of a per cent")]
Health = Annotated[int, Meta(ge=10_000, le=100_000, description="health factor, 10000 is where liquidation begins")]


class LoopMemo(LpMemo, frozen=True):
    """What the loop remembers beside failures: whether it is as high as it should be."""

    built: bool = False


class Loan(Struct, frozen=True):
    """An account at the market: values in its base currency, threshold in basis points."""

    collateral: int
    debt: int
    free: int
    threshold: int

    @property
    def health_bps(self) -> int:
        """Collateral at the threshold per debt, in basis points, rounded down."""
        return self.collateral * self.threshold // self.debt if self.debt else 1 << 128


class LeveragedStaking(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold ``leverage_bps`` of one's own capital in the staking ``token``, the rest of it on credit.

    Parameters
    ----------
    lending : market where the token is supplied and ``asset`` borrowed. market : pool where one is sold for the other.
    guard_bps : health factor below which one step is unwound, up to ``restore_bps``. every : seconds between looks.
    """

    lending: Venue
    market: Venue
    asset: Token
    token: Token
    leverage_bps: Leverage = 30_000
    guard_bps: Health = 11_000
    restore_bps: Health = 12_000
    every: Seconds = 21_600
    slippage_bps: Bps = 100
    exit: ExitHow = "close"

    Memo: ClassVar[type[LoopMemo]] = LoopMemo

    def __post_init__(self) -> None:
        if self.restore_bps <= self.guard_bps:
            raise BadInput(f"{self.restore_bps} is not above guard_bps, {self.guard_bps}", field="restore_bps")

    def decide(self, view: View, memo: LoopMemo, news: Sequence[News]) -> Decision[LoopMemo]:
        """Build round by round, then watch the health factor; at the end take everything down."""
        memo = learn(memo, news, now_of(view))
        waits = held_back(view, memo, now_of(view), self.exit)
        if waits is not None:
            return waits
        loan = self._loan(view)
        if view.why == "end":
            plan = self._unwind(view, loan, _EVERYTHING) if loan.debt else self._leave(view, loan)
            return Decision((plan,) if plan else (), memo=memo)
        if loan.debt and loan.health_bps < self.guard_bps:
            plan = self._unwind(view, loan, self.restore_bps)
            memo = structs.replace(memo, built=True)
            return Decision((plan,) if plan else (), wake=(Every(self.every),), memo=memo)
        plan = None if memo.built else self._round(view, loan)
        if plan:
            return Decision((plan,), memo=memo)
        return Decision(wake=self._wake(view, loan), memo=structs.replace(memo, built=True))

    # --- up -----------------------------------------------------------------------------------------------------------

    def _round(self, view: View, loan: Loan) -> Plan | None:
        """Put to work what lies idle; then borrow, buy and supply, up to the leverage or what the market lends."""
        supply = Intent(self.lending, "supply", {"asset": self.token, "amount": All(self.token)})
        if idle := view.balances.get(self.asset, 0):
            buy = sell(view, self.market, self.asset, idle, self.slippage_bps)
            return Plan((buy, supply)) if buy else None
        if view.balances.get(self.token, 0):
            return Plan((supply,))
        own = loan.collateral - loan.debt
        wanted = min(own * (self.leverage_bps - BPS) // BPS - loan.debt, loan.free * _NEAR // BPS)
        if wanted * _ENOUGH <= own:
            return None
        amount = wanted * WAD // view.read(self.lending, "getAssetPrice", self.asset)
        borrow = Intent(self.lending, "borrow", {"asset": self.asset, "amount": amount})
        buy = sell(view, self.market, self.asset, amount, self.slippage_bps)
        if buy is None:
            return None
        return Plan(
            (borrow, Intent(self.market, buy.verb, {**buy.args, "amount_in": Of(0, "amount")}, buy.limits), supply)
        )

    # --- down ---------------------------------------------------------------------------------------------------------

    def _unwind(self, view: View, loan: Loan, restore_bps: int) -> Plan | None:
        """One step down: withdraw, sell, repay. As much as brings the health factor back, or as the market lets go."""
        price = view.read(self.lending, "getAssetPrice", self.token)
        loose = max(loan.collateral - -(-loan.debt * BPS // loan.threshold), 0) * _NEAR // BPS
        whole = loan.debt * (BPS + 2 * self.slippage_bps) // BPS  # sold for less than it is valued at
        wanted = whole
        if restore_bps != _EVERYTHING:
            short = loan.debt * restore_bps - loan.collateral * loan.threshold
            wanted = min(max(short, 0) // (restore_bps - loan.threshold) + 1, whole)
        amount = min(loose, wanted) * WAD // price
        sale = sell(view, self.market, self.token, amount, self.slippage_bps)
        if sale is None:
            return None
        sale = Intent(self.market, sale.verb, {**sale.args, "amount_in": Of(0, "amount")}, sale.limits)
        last = loose >= whole and wanted == whole
        repaid = _EVERYTHING if last else Of(1, "amount_out")
        return Plan(
            (
                Intent(self.lending, "withdraw", {"asset": self.token, "amount": amount}),
                sale,
                Intent(self.lending, "repay", {"asset": self.asset, "amount": repaid}),
            )
        )

    def _leave(self, view: View, loan: Loan) -> Plan | None:
        """Nothing is owed any more: take everything out and sell it."""
        if loan.collateral:
            return Plan((Intent(self.lending, "withdraw", {"asset": self.token, "amount": _EVERYTHING}),))
        held = view.balances.get(self.token, 0)
        sale = sell(view, self.market, self.token, held, self.slippage_bps) if held else None
        return Plan((sale,)) if sale else None

    # --- looking ------------------------------------------------------------------------------------------------------

    def _loan(self, view: View) -> Loan:
        data = view.read(self.lending, "getUserAccountData", "me", now_of(view))
        return Loan(data[0], data[1], data[2], data[3])

    def _wake(self, view: View, loan: Loan) -> Wake:
        """Look every few hours, and at once when the oracle's answer falls to where the guard stands."""
        if not loan.debt:
            return (Every(self.every),)
        oracle = f"{self.lending}:{self.token.partition('@')[0]}"
        price = view.read(self.lending, "getAssetPrice", self.token)
        try:
            view.oracle(oracle)
        except UnknownName:
            return (Every(self.every),)
        falls = Crosses(oracle, "price", price * self.guard_bps // loan.health_bps, above=False)
        return (Every(self.every), falls)
