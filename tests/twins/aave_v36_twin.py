"""Aave v3.6 twice: lending, borrowing and accrual on the compiled pool and on the model, every view compared.

Two reserves that are lent against each other, and one that lends nothing; and a wider market with e-modes, collateral in
isolation, a siloed reserve, and one that lends and is lent in an e-mode alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

from harness import Driver, assert_same, both
from harness.aave import RAY, VARIABLE, Listing
from harness.aave36 import Aave36, EMode
from harness.book import Book, ModelSide, numbers
from tidemill.interfaces import Action, Result, Revert
from tidemill.units import WAD
from tidemill.venues.aave_v3.client_state import config_of
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.model_account import account, terms
from tidemill.venues.aave_v3.model_emode import lends_in
from tidemill.venues.aave_v3.state import MarketState

Setup = tuple[tuple[Listing, ...], int | str] | tuple[tuple[Listing, ...], int | str, dict[int, EMode]]
ALL = (1 << 256) - 1
DAY = 86_400
MARKET = (
    Listing("USD", 6, 10**8, 7_500, 8_000, 10_500),
    Listing("ETH", 18, 1_999_12345678, 8_000, 8_250, 10_500, base=100, optimal=4_500, factor=1_500),
    Listing("NIL", 8, 31_00000000, 0, 6_500, 11_000, factor=10_000, slope2=30_000),
)
OTHER = (
    Listing("USD", 18, 99_990_000, 7_700, 8_000, 10_400, factor=0, slope1=500),
    Listing("ETH", 24, 123_456, 5_000, 6_500, 11_500, factor=1, base=1),
    Listing("NIL", 6, 7 * 10**8, 0, 7_000, 10_500, factor=3_333),
)
USD, ETH, STK, NIL, ISO, SIL, OUT = range(7)
WIDE = (
    Listing("USD", 6, 10**8, 7_500, 8_000, 10_500),
    Listing("ETH", 18, 1_999_12345678, 8_000, 8_250, 10_500, base=100, optimal=4_500, isolated=False),
    Listing("STK", 18, 2_200_00000000, 7_000, 7_500, 10_600, isolated=False, factor=2_500),
    Listing("NIL", 8, 31_00000000, 0, 6_500, 11_000, slope2=30_000),
    Listing("ISO", 8, 29_999_00000000, 7_000, 7_500, 11_000, ceiling=5 * 10**8, isolated=False),
    Listing("SIL", 18, 3 * 10**8, 5_000, 6_500, 11_500, siloed=True),
    Listing("OUT", 18, 5 * 10**8, 0, 0, 0, borrowing=False, isolated=False),
)
CATEGORIES = {
    1: EMode(9_300, 9_500, 10_100, (ETH, STK), (ETH,)),
    2: EMode(9_000, 9_200, 10_200, (USD, NIL, OUT), (USD, OUT, SIL), (NIL,)),
    3: EMode(5_000, 6_000, 10_300, (STK, USD), (USD, ETH, NIL)),
}
SETUPS: list[Setup] = [(MARKET, 1), (OTHER, 2), (WIDE, 3, CATEGORIES)]
"""Listings, seed, and e-mode categories."""
EVENTS = {
    "ReserveDataUpdated",
    "Supply",
    "Withdraw",
    "Borrow",
    "Repay",
    "LiquidationCall",
    "DeficitCreated",
    "FlashLoan",
    "MintedToTreasury",
    "UserEModeSet",
    "IsolationModeTotalDebtUpdated",
    "ReserveUsedAsCollateralEnabled",
    "ReserveUsedAsCollateralDisabled",
}
NAMES = {"repay_with_supply": "repayWithATokens"}
TOKEN_EVENTS = {"Mint", "Burn", "BalanceTransfer"}
SETTERS = {
    "paused": "setReservePause(address,bool)",
    "frozen": "setReserveFreeze",
    "borrowing": "setReserveBorrowing",
    "flash_loans": "setReserveFlashLoaning",
    "supply_cap": "setSupplyCap",
    "borrow_cap": "setBorrowCap",
    "reserve_factor": "setReserveFactor",
    "liquidation_fee": "setLiquidationProtocolFee",
    "isolated_borrowing": "setBorrowableInIsolation",
    "debt_ceiling": "setDebtCeiling",
}
FLAGS = {"paused", "frozen", "borrowing", "flash_loans", "isolated_borrowing"}
BREAKABLE = [field for field in SETTERS if field != "debt_ceiling"]
MEMBERS = {
    "collaterals": "setAssetCollateralInEMode",
    "borrowables": "setAssetBorrowableInEMode",
    "zero_ltv": "setAssetLtvzeroInEMode",
}
BITMAPS = {"collaterals": "Collateral", "borrowables": "Borrowable", "zero_ltv": "Ltvzero"}
FIELDS = {
    "liquidityIndex": 1,
    "currentLiquidityRate": 2,
    "variableBorrowIndex": 3,
    "currentVariableBorrowRate": 4,
    "currentStableBorrowRate": 5,
    "lastUpdateTimestamp": 6,
    "id": 7,
    "accruedToTreasury": 12,
    "isolationModeTotalDebt": 14,
}


def described(market: Aave36, ids: list[str], categories: dict[int, EMode] | None = None) -> dict[str, Any]:
    """What a model is told of a market."""
    reserves = []
    for asset, reserve in zip(ids, market.reserves, strict=True):
        of = reserve.listing
        curve = {name: getattr(of, name) * RAY // 10_000 for name in ("optimal", "base", "slope1", "slope2")}
        config = {"ltv": of.ltv, "threshold": of.threshold, "bonus": of.bonus}
        config |= {"reserve_factor": of.factor, "liquidation_fee": of.fee, "borrowing": of.borrowing}
        config |= {"debt_ceiling": of.ceiling, "isolated_borrowing": of.isolated, "siloed": of.siloed}
        account = reserve.supply.address
        reserves.append({"asset": asset, "account": account, "decimals": of.decimals, "config": config, "curve": curve})
    prices = {asset: r.listing.price for asset, r in zip(ids, market.reserves, strict=True)}
    return {
        "treasury": market.treasury,
        "reserves": reserves,
        "prices": prices,
        "version": 36,
        "categories": {number: emode(of) for number, of in (categories or {}).items()},
        "flash_premium": market.pool.view("FLASHLOAN_PREMIUM_TOTAL"),
    }


def emode(of: EMode) -> dict[str, int]:
    """What a model is told of a category."""
    members = {name: sum(1 << index for index in getattr(of, name)) for name in MEMBERS}
    return {"ltv": of.ltv, "threshold": of.threshold, "bonus": of.bonus, **members}


class Twins:
    """Model and bytecode of one market, with the same actors."""

    def __init__(
        self, listings: tuple[Listing, ...], seed: int | str, categories: dict[int, EMode] | None = None
    ) -> None:
        self.real = Aave36(listings, categories)
        self.evm, self.listings, self.many = self.real.evm, listings, len(listings)
        self.ids = [f"{listing.symbol}@test" for listing in listings]
        model = MarketModel()
        state: MarketState = model.init(described(self.real, self.ids, categories))
        for reserve in state.reserves.values():
            # Listing brings a reserve up to date.
            reserve.updated, reserve.variable_rate = self.evm.block.time, reserve.curve.base
        book = Book()
        for token in self.ids:
            for who in (*self.real.actors.values(), self.real.receiver.address):
                book.add(token, who, 1 << 118)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.people = [*self.real.actors.values(), self.real.treasury]
        self.broken: list[tuple[int, str]] = []
        self.turned: list[tuple[int, str, int]] = []
        self.driver = Driver(
            seed,
            {
                "supply": (75, self._supply),
                "withdraw": (64, self._withdraw),
                "borrow": (80, self._borrow),
                "repay": (80, self._repay),
                "repay_with_supply": (90, self._repay_with_supply),
                "set_collateral": (120, self._set_collateral),
                "set_emode": (60, self._set_emode),
                "mint_to_treasury": (56, self._mint_to_treasury),
                "liquidate": (120, self._liquidate),
                "flash_loan_simple": (77, self._flash_loan),
                "set_price": (57, self._set_price),
                "configure": (56, self._configure),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, who: str, verb: str, index: int, amount: int, *more: Any, **args: Any) -> Result:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        token = self.real.reserves[index].token.address
        action = Action(verb, {"asset": self.ids[index], "amount": amount, **args})
        return self._both(who, NAMES.get(verb, verb), (token, amount, *more), action)

    def _both(self, who: str, function: str, args: tuple[Any, ...], action: Action) -> Result:
        got, made = both(lambda: self._send(who, function, *args), lambda: self.model.do(who, action))
        assert isinstance(made, Result)
        if got is not None:
            assert_same(got, made.amounts["amount"], "returned")
        self._check_log(made)
        return made

    def _send(self, who: str, function: str, *args: Any) -> Any:
        """Send to the pool; a refusal names assets as the model does."""
        try:
            return self.real.pool.send(who, function, *args)
        except Revert as revert:
            reason = revert.reason
            for asset, reserve in zip(self.ids, self.real.reserves, strict=True):
                reason = reason.replace(reserve.token.address, asset)
            raise Revert(reason) from None

    def set_emode(self, who: str, category: int) -> Result:
        return self._both(who, "setUserEMode", (category,), Action("set_emode", {"category": category}))

    def _check_log(self, made: Result) -> None:
        """Every number of every event that the model writes, contract by contract and in order."""
        mine = [(e.name, numbers(e.args)) for e in made.events if e.name in EVENTS]
        real = [(name, numbers(args)) for name, args in self.real.pool.events() if name in EVENTS]
        assert_same(real, mine, "the pool's events")
        for asset, reserve in zip(self.ids, self.real.reserves, strict=True):
            for kind, contract in (("supply", reserve.supply), ("debt", reserve.debt)):
                heard = [(name, numbers(args)) for name, args in contract.events() if name in TOKEN_EVENTS]
                told = [(e.name, numbers(e.args)) for e in made.events if e.args.get("token") == f"{kind} {asset}"]
                assert_same(heard, told, f"{kind} {asset}")

    def set_price(self, index: int, price: int) -> None:
        self.real.set_price(index, price)
        self.model.do(self.real.admin, Action("set_price", {"asset": self.ids[index], "price": price}))

    def liquidate(
        self, who: str, collateral: int, debt: int, user: str, cover: int, *, receive: bool = False
    ) -> Result:
        args = {"collateral": self.ids[collateral], "debt": self.ids[debt], "user": user, "cover": cover}
        tokens = [self.real.reserves[i].token.address for i in (collateral, debt)]
        action = Action("liquidate", {**args, "receive_supply": receive})
        made = self._both(who, "liquidationCall", (*tokens, user, cover, receive), action)
        seized, treasury = self.real.reserves[collateral].supply, self.real.treasury
        moved = [args for name, args in seized.events() if name == "Transfer" and args["to"] == treasury]
        assert_same(sum(args["value"] for args in moved if args["from"] == user), made.amounts["fee"], "fee")
        return made

    def flash_loan(self, who: str, index: int, amount: int, *, accepted: bool = True) -> Result:
        receiver, token = self.real.receiver, self.real.reserves[index].token.address
        if receiver.view("answer") != accepted:
            receiver.send(who, "set_answer", accepted)
        args = {"asset": self.ids[index], "amount": amount, "receiver": receiver.address, "accepted": accepted}
        call = (receiver.address, token, amount, b"", 0)
        return self._both(who, "flashLoanSimple", call, Action("flash_loan_simple", args))

    def configure(self, index: int, field: str, value: int) -> None:
        """What governance sets."""
        token, config = self.real.reserves[index].token.address, self.model.state.reserves[self.ids[index]].config
        if field == "ltv":
            self.real.configure("configureReserveAsCollateral", token, value, config.threshold, config.bonus)
        else:
            self.real.configure(SETTERS[field], token, bool(value) if field in FLAGS else value)
        self.model.do(self.real.admin, Action("configure", {"asset": self.ids[index], "field": field, "value": value}))

    def configure_category(self, number: int, field: str, index: int, *, on: bool) -> None:
        """Who is in a category, as what."""
        self.real.configure(MEMBERS[field], self.real.reserves[index].token.address, number, on)
        args = {"asset": self.ids[index], "category": number, "field": field, "on": on}
        self.model.do(self.real.admin, Action("configure_category", args))

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def held(self, who: str, index: int, kind: str = "supply") -> int:
        return int(getattr(self.real.reserves[index], kind).view("balanceOf", who))

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.7:
            self.evm.advance(seconds=r.choice((1, 2, 12, 3_600, DAY, 3 * DAY)))

    def _part(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, one wei or too much."""
        pick = r.random()
        if pick < 0.02:
            return 0
        if pick < 0.09:
            return whole
        if pick < 0.12:
            return whole + 1 + r.randrange(1 << 20)
        if pick < 0.17:
            return r.randrange(1, 4)
        return max(1, r.randrange(whole + 1) >> r.choice((0, 0, 1, 2, 5, 15)))

    def _supply(self, r: random.Random) -> None:
        self._pass_time(r)
        who = self.who(r)
        whom = self.who(r) if r.random() < 0.2 else who
        index = self._own(whom) if r.random() < 0.6 else r.randrange(self.many)
        listing = self.listings[index]
        amount = r.randrange(1, 10**13) * 10**listing.decimals // listing.price
        if r.random() < 0.05:
            amount = r.choice((0, 1, 2, 1 << 119))
        if r.random() < 0.5:
            amount = self._up_to_cap(r, index, "supply") or amount
        self.do(who, "supply", index, amount, whom, 0, on_behalf_of=whom)

    def _someone(self, r: random.Random, kind: str) -> tuple[str, int]:
        rows = self._rows(r, kind)
        return r.choice(rows) if rows and r.random() < 0.97 else (self.who(r), r.randrange(self.many))

    def _rows(self, r: random.Random, *kinds: str) -> list[tuple[str, int]]:
        """Who has to do with which reserve in all these ways; mostly with more than a few units."""
        least = 10_000 if r.random() < 0.9 else 0
        return [
            (who, index)
            for who in self.real.actors.values()
            for index, reserve in enumerate(self.model.state.reserves.values())
            if all({"supply": reserve.supplied, "debt": reserve.owed}[kind].get(who, 0) > least for kind in kinds)
        ]

    def _let_somebody_owe(self, r: random.Random) -> None:
        """Where nobody owes and supplies in one reserve: most verbs of debt would be refused, and say little."""
        if self._rows(r, "debt", "supply") or r.random() < 0.1:
            return
        who = self.who(r)
        own = self._own(who)
        other = (own + 1) % 3
        whole = [
            10**12 * 10**listing.decimals // self.model.state.prices[token]
            for token, listing in zip(self.ids, self.listings, strict=True)
        ]
        with suppress(Revert):
            self.do(who, "supply", own, whole[own], who, 0, on_behalf_of=who)
            self.do(who, "supply", other, whole[other] // 2, who, 0, on_behalf_of=who)
            self.do(who, "borrow", other, whole[other] // 4, VARIABLE, 0, who)

    def _withdraw(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._someone(r, "supply")
        idle = int(self.real.pool.view("getVirtualUnderlyingBalance", self.real.reserves[index].token.address))
        most = min(self.held(who, index), idle) if r.random() < 0.95 else self.held(who, index)
        if r.random() < 0.7 and any(self.held(who, i, "debt") for i in range(self.many)):
            most //= 10
        self.do(who, "withdraw", index, ALL if r.random() < 0.1 else self._part(r, most), who)

    def _own(self, who: str) -> int:
        """The reserve that somebody mostly supplies: so that prices can part a debt from its collateral."""
        return list(self.real.actors.values()).index(who)

    def _borrow(self, r: random.Random) -> None:
        self._pass_time(r)
        for _ in range(6):
            who = self.who(r)
            index = self._aim(r, who)
            free = int(self.real.pool.view("getUserAccountData", who)[2])
            token = self.real.reserves[index].token.address
            if free and int(self.real.pool.view("getVirtualUnderlyingBalance", token)):
                break
        price = self.model.state.prices[self.ids[index]]
        most = free * 10 ** self.listings[index].decimals // price
        if r.random() < 0.9:
            token = self.real.reserves[index].token.address
            most = min(most, int(self.real.pool.view("getVirtualUnderlyingBalance", token)))
        amount = self._part(r, most)
        if r.random() < 0.5:
            amount = min(self._up_to_cap(r, index, "debt"), most) or amount
        self.do(who, "borrow", index, amount, VARIABLE, 0, who)

    def _aim(self, r: random.Random, who: str) -> int:
        """What somebody mostly borrows: something else than what they supply, and what their e-mode lends."""
        emode = self.model.state.emode.get(who)
        if emode and r.random() < 0.8:
            members = self.model.state.categories[emode].borrowables
            return r.choice([i for i in range(self.many) if members >> i & 1] or [0])
        return (self._own(who) + r.randrange(1, self.many)) % self.many if r.random() < 0.7 else r.randrange(self.many)

    def _repay(self, r: random.Random) -> None:
        self._pass_time(r)
        self._let_somebody_owe(r)
        whose, index = self._someone(r, "debt")
        who = self.who(r) if r.random() < 0.3 else whose
        amount = ALL if r.random() < 0.2 else self._part(r, self.held(whose, index, "debt"))
        self.do(who, "repay", index, amount, VARIABLE, whose, on_behalf_of=whose)

    def _repay_with_supply(self, r: random.Random) -> None:
        self._pass_time(r)
        self._let_somebody_owe(r)
        rows = self._rows(r, "debt", "supply")
        who, index = r.choice(rows) if rows and r.random() < 0.9 else self._someone(r, "debt")
        most = min(self.held(who, index, "debt"), self.held(who, index))
        if r.random() < 0.1:
            most = self.held(who, index, "debt")
        amount = ALL if r.random() < 0.15 else self._part(r, most)
        self.do(who, "repay_with_supply", index, amount, VARIABLE)

    def _set_collateral(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._someone(r, "supply")
        on = bool(self.model.state.collateral.get(who, 0) >> index & 1)
        on = not on if r.random() < 0.9 else on
        action = Action("set_collateral", {"asset": self.ids[index], "on": on})
        token = self.real.reserves[index].token.address
        self._both(who, "setUserUseReserveAsCollateral", (token, on), action)

    def _mint_to_treasury(self, r: random.Random) -> None:
        self._pass_time(r)
        index = r.randrange(self.many)
        action = Action("mint_to_treasury", {"asset": self.ids[index]})
        self._both(self.who(r), "mintToTreasury", ([self.real.reserves[index].token.address],), action)

    def _set_emode(self, r: random.Random) -> None:
        self._pass_time(r)
        state = self.model.state
        for _ in range(8):
            who, category = self.who(r), r.choice((0, *state.categories))
            owing = [x for x in state.reserves.values() if state.borrowed.get(who, 0) >> x.id & 1]
            if all(lends_in(state, category, reserve) for reserve in owing) and category != state.emode.get(who, 0):
                break
        self.set_emode(who, 9 if r.random() < 0.02 else category)

    def _set_price(self, r: random.Random) -> None:
        for index, listing in enumerate(self.listings):
            self.set_price(index, max(1, listing.price * r.randrange(850, 1_200) // 1_000))

    def _liquidate(self, r: random.Random) -> None:
        """Somebody's debt, after prices have moved against it as far as the draw says; then they mostly come back."""
        self._pass_time(r)
        self._let_somebody_owe(r)
        state = self.model.state
        prices = [state.prices[token] for token in self.ids]
        for _ in range(6):
            user, worst = self._weak(r)
            if account(state, user, self.evm.block.time).health < WAD or r.random() < 0.05:
                break
            for index, price in enumerate(prices):
                self.set_price(index, price)
        debt = worst if r.random() < 0.7 else self._someone(r, "debt")[1]
        who = self.who(r)
        if who == user and r.random() < 0.95:
            who = next(other for other in self.real.actors.values() if other != user)
        used = [i for i in range(self.many) if state.collateral.get(user, 0) >> i & 1 and self.held(user, i)]
        collateral = r.choice(used) if used and r.random() < 0.97 else r.randrange(self.many)
        cover = ALL if r.random() < 0.3 else self._part(r, self.held(user, debt, "debt"))
        try:
            self.liquidate(who, collateral, debt, user, cover, receive=r.random() < 0.4)
        finally:
            if r.random() < 0.8:
                for index, price in enumerate(prices):
                    self.set_price(index, price)

    def _weak(self, r: random.Random) -> tuple[str, int]:
        """Somebody and a debt of theirs that prices have moved against, as far as the draw says."""
        aim = Fraction(r.choice((99, 97, 95, 90, 60, 20)), 100)
        debts = [(self._cover(u, i), u, i) for u, i in self._rows(r, "debt")]
        weak = [row for row in debts if row[0] < aim] or debts or [(Fraction(0), self.who(r), 0)]
        _, user, worst = r.choice(weak)
        if r.random() < 0.95:
            self._sink(user, worst, aim, r.choice((1, 1, 10, 1_000)))
        return user, worst

    def _weighed(self, user: str, index: int) -> int:
        """Collateral times its threshold, in raw units times basis points."""
        used = self.model.state.collateral.get(user, 0) >> index & 1
        reserve = self.model.state.reserves[self.ids[index]]
        return used * self.held(user, index) * terms(self.model.state, user, reserve).threshold

    def _cover(self, user: str, index: int) -> Fraction:
        """What a user's collateral in a reserve is to its debt there: its health should that reserve's price go up for ever."""
        return Fraction(self._weighed(user, index), 10_000 * self.held(user, index, "debt"))

    def _sink(self, user: str, worst: int, aim: Fraction, scale: int) -> None:
        """Raise the price of ``worst`` until a user's health factor is ``aim``, where that can be; then all over ``scale``."""
        state = self.model.state
        worth = [
            Fraction(state.prices[token], 10**listing.decimals)
            for token, listing in zip(self.ids, self.listings, strict=True)
        ]
        lacks = [
            worth[i] * (aim * self.held(user, i, "debt") - Fraction(self._weighed(user, i), 10_000))
            for i in range(self.many)
        ]
        if lacks[worst] > 0:
            grown = max(Fraction(1), 1 - sum(lacks) / lacks[worst])
            self.set_price(worst, min(10**30, int(state.prices[self.ids[worst]] * grown)))
        for index, token in enumerate(self.ids):
            self.set_price(index, max(1, state.prices[token] // scale))

    def _flash_loan(self, r: random.Random) -> None:
        self._pass_time(r)
        index = r.randrange(self.many)
        token = self.real.reserves[index].token.address
        idle = int(self.real.pool.view("getVirtualUnderlyingBalance", token))
        lent = int(self.real.reserves[index].supply.view("totalSupply"))
        amount = lent + r.randrange(2) if r.random() < 0.1 else self._part(r, idle)
        self.flash_loan(self.who(r), index, amount, accepted=r.random() < 0.95)

    def _configure(self, r: random.Random) -> None:
        """Break one thing, or mend what is broken."""
        if self.model.state.categories and r.random() < 0.4:
            self._turn(r)
            return
        if self.broken and r.random() < 0.8:
            index, field = self.broken.pop(r.randrange(len(self.broken)))
            listing = self.listings[index]
            mended = {
                "borrowing": listing.borrowing,
                "isolated_borrowing": listing.isolated,
                "flash_loans": 1,
                "reserve_factor": listing.factor,
                "liquidation_fee": listing.fee,
            }
            self.configure(index, field, mended.get(field, 0))
            if field == "frozen" and listing.ltv:
                self.configure(index, "ltv", listing.ltv)
            return
        if self.listings[ISO % self.many].ceiling and r.random() < 0.2:
            standing = self.model.state.reserves[self.ids[ISO]].isolated_debt
            self.configure(ISO, "debt_ceiling", standing + r.randrange(1, 10**8))
            return
        index, field = r.randrange(self.many), r.choice([*BREAKABLE, "supply_cap", "borrow_cap"])
        kind = {"supply_cap": "supply", "borrow_cap": "debt"}.get(field)
        value = {"paused": 1, "frozen": 1}.get(field, 0)
        if field in ("reserve_factor", "liquidation_fee"):
            value = r.randrange(10_001)
        if kind:
            standing = int(getattr(self.real.reserves[index], kind).view("totalSupply"))
            value = standing // 10 ** self.listings[index].decimals + 1 + r.randrange(1_000)
        self.configure(index, field, value)
        self.broken.append((index, field))

    def _turn(self, r: random.Random) -> None:
        """Let a reserve be something in a category, or no longer; mostly it is turned back later."""
        state = self.model.state
        if self.turned and r.random() < 0.7:
            number, field, index = self.turned.pop(r.randrange(len(self.turned)))
        else:
            number, field, index = r.choice(list(state.categories)), r.choice(list(MEMBERS)), r.randrange(self.many)
            self.turned.append((number, field, index))
        category = state.categories[number]
        if field == "zero_ltv" and not category.collaterals >> index & 1:
            return
        self.configure_category(number, field, index, on=not getattr(category, field) >> index & 1)

    def _up_to_cap(self, r: random.Random, index: int, kind: str) -> int:
        """What a cap leaves, or an amount within a few units of it; nothing where there is no cap."""
        config = self.model.state.reserves[self.ids[index]].config
        cap = config.supply_cap if kind == "supply" else config.borrow_cap
        if not cap:
            return 0
        standing = int(getattr(self.real.reserves[index], kind).view("totalSupply"))
        if kind == "supply":
            data = self.real.pool.view("getReserveData", self.real.reserves[index].token.address)
            income = self.real.pool.view("getReserveNormalizedIncome", self.real.reserves[index].token.address)
            standing += int(data[FIELDS["accruedToTreasury"]]) * int(income) // RAY
        return max(0, cap * 10 ** self.listings[index].decimals - standing + r.randrange(-3, 4))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every view of every reserve and account."""
        assert_same(self._seen(self._asked_real), self._seen(self._asked_model))

    def _seen(self, ask: Callable[..., Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for i in range(len(self.ids)):
            out[f"{i} data"] = ask("getReserveData", i)
            out[f"{i} config"] = ask("config", i)
            for kind in ("aToken", "variableDebtToken"):
                for view in ("scaledTotalSupply", "totalSupply"):
                    out[f"{i} {kind} {view}"] = ask(f"{kind}.{view}", i)
                for view in ("scaledBalanceOf", "balanceOf", "getPreviousIndex"):
                    for who in self.people:
                        out[f"{i} {kind} {view} {who}"] = ask(f"{kind}.{view}", i, who)
            out[f"{i} tokens"] = [
                ask("balance", i, who) for who in (*self.people, self.real.reserves[i].supply.address)
            ]
            out[f"{i} virtual"] = ask("virtual", i)
            for view in ("getReserveDeficit", "getReserveNormalizedIncome", "getReserveNormalizedVariableDebt"):
                out[f"{i} {view}"] = ask(view, i)
        for who in self.people:
            for view in ("getUserAccountData", "getUserConfiguration", "getUserEMode"):
                out[f"{view} {who}"] = ask(view, -1, who)
        for number in self.model.state.categories:
            for field in BITMAPS:
                out[f"{field} of {number}"] = ask(field, -1, number)
        return out

    def _asked_real(self, view: str, index: int, *args: Any) -> Any:
        pool = self.real.pool
        if index < 0:
            if view in BITMAPS:
                return pool.view(f"getEModeCategory{BITMAPS[view]}Bitmap", *args)
            told = pool.view(view, *args)
            if view == "getUserEMode":
                return told
            return tuple(told) if view == "getUserAccountData" else int(told[0])
        reserve = self.real.reserves[index]
        if view == "config":
            return vars(config_of(pool.view("getConfiguration", reserve.token.address)[0]))
        if view == "getReserveData":
            data = pool.view(view, reserve.token.address)
            return {name: int(data[place]) for name, place in FIELDS.items()}
        if view == "balance":
            return reserve.token.view("balanceOf", *args)
        if view == "virtual":
            return pool.view("getVirtualUnderlyingBalance", reserve.token.address)
        kind, _, name = view.partition(".")
        if name:
            return (reserve.supply if kind == "aToken" else reserve.debt).view(name, *args)
        return pool.view(view, reserve.token.address)

    def _asked_model(self, view: str, index: int, *args: Any) -> Any:
        now = self.evm.block.time
        if index < 0:
            if view in BITMAPS:
                return getattr(self.model.state.categories[args[0]], view)
            if view == "getUserEMode":
                return self.model.read(view, *args)
            told = self.model.read(view, *args, now)
            return tuple(map(int, told)) if view == "getUserAccountData" else told
        asset = self.ids[index]
        if view == "config":
            return vars(self.model.state.reserves[asset].config)
        if view == "balance":
            return self.model.book.held.get((asset, *args), 0)
        if view == "virtual":
            return self.model.state.reserves[asset].virtual
        timed = view.endswith((".totalSupply", ".balanceOf")) or view.startswith("getReserveNormalized")
        return self.model.read(view, asset, *args, *([now] if timed else []))
