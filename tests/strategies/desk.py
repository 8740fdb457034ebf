"""A desk that lends the pool's other token against home, at the pool's own price and without interest.

It stands for a lending market where hundreds of short worlds are played; the real one is played in the example. Left out:
interest, other lenders, a late oracle, and liquidation: a health factor below one is for the test to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from standins import RangePool, Stand

from tidemill.interfaces import Context, Position, Result, Revert, Transfer

WAD = 10**18


@dataclass
class Loan:
    collateral: int = 0
    debt: int = 0


class Desk(Stand):
    """Lends up to ``ltv`` basis points; a loan is unhealthy beyond ``threshold``."""

    def __init__(self, pool: RangePool, home: str, other: str, ltv: int = 7_500, threshold: int = 8_000) -> None:
        super().__init__("desk", pool.network, Loan())
        self.pool, self.home, self.other, self.ltv, self.threshold = pool, home, other, ltv, threshold

    def worth(self, other: int) -> int:
        """Return an amount of the other token in home, at the pool's price."""
        square = self.pool.read("slot0")[0] ** 2
        return (other << 192) // square if self.home == self.pool.state.tokens[0] else other * square >> 192

    def health(self) -> int:
        """Return the health factor in wads."""
        debt = self.worth(self.state.debt)
        return self.state.collateral * self.threshold * WAD // (10_000 * debt) if debt else (1 << 256) - 1

    def read(self, query: str, *args: Any) -> Any:
        if query == "getAssetPrice":
            return 10**8 if args[0] == self.home else self.worth(10**8)
        assert query == "getUserAccountData"
        debt = self.worth(self.state.debt)
        free = max(self.state.collateral * self.ltv // 10_000 - debt, 0)
        return self.state.collateral, debt, free, self.threshold, self.ltv, self.health()

    def positions(self, owner: str) -> tuple[Position, ...]:
        loan, found = self.state, []
        if loan.collateral:
            found.append(Position("desk#supply", "desk", "supply", {}, {self.home: loan.collateral}, {}))
        if loan.debt:
            found.append(Position("desk#debt", "desk", "debt", {}, {self.other: -loan.debt}, {}))
        return tuple(found)

    def _supply(self, ctx: Context, asset: str, amount: int, limits: Any) -> Result:
        assert asset == self.home
        pays = self._pays(ctx, asset, amount, "transfer amount exceeds balance")
        self.state.collateral += amount
        return Result({"amount": amount}, (pays,))

    def _withdraw(self, ctx: Context, asset: str, amount: int, limits: Any) -> Result:
        assert asset == self.home
        amount = min(amount, self.state.collateral)
        self.state.collateral -= amount
        if self.health() < WAD:
            self.state.collateral += amount
            raise Revert("35")
        return Result({"amount": amount}, (Transfer(asset, self.account, ctx.sender, amount),))

    def _borrow(self, ctx: Context, asset: str, amount: int, limits: Any) -> Result:
        assert asset == self.other
        self.state.debt += amount
        if self.worth(self.state.debt) * 10_000 > self.state.collateral * self.ltv:
            self.state.debt -= amount
            raise Revert("36")
        return Result({"amount": amount}, (Transfer(asset, self.account, ctx.sender, amount),))

    def _repay(self, ctx: Context, asset: str, amount: int, limits: Any) -> Result:
        assert asset == self.other
        amount = min(amount, self.state.debt)
        pays = self._pays(ctx, asset, amount, "transfer amount exceeds balance")
        self.state.debt -= amount
        return Result({"amount": amount}, (pays,))
