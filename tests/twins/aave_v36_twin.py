"""Aave v3.6 twice: lending, borrowing and accrual on the compiled pool and on the model, every view compared.

Two reserves that are lent against each other, and one that lends nothing. No e-mode, isolation, siloed debt.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from harness import Driver, assert_same, both
from harness.aave import RAY, VARIABLE, Listing
from harness.aave36 import Aave36
from harness.book import Book, ModelSide, numbers
from tidemill.interfaces import Action, Result
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.state import MarketState

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
SETUPS = [(MARKET, 1), (OTHER, 2)]
"""Listings and seed."""
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
}
FLAGS = {"paused", "frozen", "borrowing", "flash_loans"}
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


def described(market: Aave36, ids: list[str]) -> dict[str, Any]:
    """What a model is told of a market."""
    reserves = []
    for asset, reserve in zip(ids, market.reserves, strict=True):
        of = reserve.listing
        curve = {name: getattr(of, name) * RAY // 10_000 for name in ("optimal", "base", "slope1", "slope2")}
        config = {"ltv": of.ltv, "threshold": of.threshold, "bonus": of.bonus}
        config |= {"reserve_factor": of.factor, "liquidation_fee": of.fee}
        account = reserve.supply.address
        reserves.append({"asset": asset, "account": account, "decimals": of.decimals, "config": config, "curve": curve})
    prices = {asset: r.listing.price for asset, r in zip(ids, market.reserves, strict=True)}
    return {
        "treasury": market.treasury,
        "reserves": reserves,
        "prices": prices,
        "version": 36,
        "flash_premium": market.pool.view("FLASHLOAN_PREMIUM_TOTAL"),
    }


class Twins:
    """Model and bytecode of one market, with the same actors."""

    def __init__(self, listings: tuple[Listing, ...], seed: int | str) -> None:
        self.real = Aave36(listings)
        self.evm, self.listings = self.real.evm, listings
        self.ids = [f"{listing.symbol}@test" for listing in listings]
        model = MarketModel()
        state: MarketState = model.init(described(self.real, self.ids))
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
        self.driver = Driver(
            seed,
            {
                "supply": (32, self._supply),
                "withdraw": (26, self._withdraw),
                "borrow": (38, self._borrow),
                "repay": (32, self._repay),
                "repay_with_supply": (34, self._repay_with_supply),
                "set_collateral": (44, self._set_collateral),
                "mint_to_treasury": (19, self._mint_to_treasury),
                "liquidate": (43, self._liquidate),
                "flash_loan_simple": (24, self._flash_loan),
                "set_price": (20, self._set_price),
                "configure": (20, self._configure),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, who: str, verb: str, index: int, amount: int, *more: Any, **args: Any) -> Result:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        token = self.real.reserves[index].token.address
        action = Action(verb, {"asset": self.ids[index], "amount": amount, **args})
        return self._both(who, NAMES.get(verb, verb), (token, amount, *more), action)

    def _both(self, who: str, function: str, args: tuple[Any, ...], action: Action) -> Result:
        got, made = both(lambda: self.real.pool.send(who, function, *args), lambda: self.model.do(who, action))
        assert isinstance(made, Result)
        if got is not None:
            assert_same(got, made.amounts["amount"], "returned")
        self._check_log(made)
        return made

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
        return r.randrange(whole + 1) >> r.choice((0, 0, 1, 2, 5, 15))

    def _supply(self, r: random.Random) -> None:
        self._pass_time(r)
        who = self.who(r)
        whom = self.who(r) if r.random() < 0.2 else who
        index = self._own(whom) if r.random() < 0.6 else r.randrange(3)
        listing = self.listings[index]
        amount = r.randrange(1, 10**13) * 10**listing.decimals // listing.price
        if r.random() < 0.05:
            amount = r.choice((0, 1, 2, 1 << 119))
        if r.random() < 0.5:
            amount = self._up_to_cap(r, index, "supply") or amount
        self.do(who, "supply", index, amount, whom, 0, on_behalf_of=whom)

    def _someone(self, r: random.Random, kind: str) -> tuple[str, int]:
        for _ in range(8):
            who, index = self.who(r), r.randrange(3)
            if self.held(who, index, kind):
                break
        return who, index

    def _withdraw(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._someone(r, "supply")
        idle = int(self.real.pool.view("getVirtualUnderlyingBalance", self.real.reserves[index].token.address))
        most = min(self.held(who, index), idle) if r.random() < 0.95 else self.held(who, index)
        if r.random() < 0.7 and any(self.held(who, i, "debt") for i in range(3)):
            most //= 10
        self.do(who, "withdraw", index, ALL if r.random() < 0.1 else self._part(r, most), who)

    def _own(self, who: str) -> int:
        """The reserve that somebody mostly supplies: so that prices can part a debt from its collateral."""
        return list(self.real.actors.values()).index(who)

    def _borrow(self, r: random.Random) -> None:
        self._pass_time(r)
        for _ in range(6):
            who = self.who(r)
            index = (self._own(who) + r.randrange(1, 3)) % 3 if r.random() < 0.7 else r.randrange(3)
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

    def _repay(self, r: random.Random) -> None:
        self._pass_time(r)
        whose, index = self._someone(r, "debt")
        who = self.who(r) if r.random() < 0.3 else whose
        amount = ALL if r.random() < 0.2 else self._part(r, self.held(whose, index, "debt"))
        self.do(who, "repay", index, amount, VARIABLE, whose, on_behalf_of=whose)

    def _repay_with_supply(self, r: random.Random) -> None:
        self._pass_time(r)
        for _ in range(6):
            who, index = self._someone(r, "debt")
            if self.held(who, index):
                break
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
        index = r.randrange(3)
        action = Action("mint_to_treasury", {"asset": self.ids[index]})
        self._both(self.who(r), "mintToTreasury", ([self.real.reserves[index].token.address],), action)

    def _set_price(self, r: random.Random) -> None:
        for index, listing in enumerate(self.listings):
            self.set_price(index, max(1, listing.price * r.randrange(850, 1_200) // 1_000))

    def _liquidate(self, r: random.Random) -> None:
        """Somebody's debt, after prices have moved against it as far as the draw says; then they mostly come back."""
        self._pass_time(r)
        state, aim = self.model.state, Fraction(r.choice((99, 97, 95, 90, 60, 20)), 100)
        debts = [
            (self._cover(u, i), u, i) for u in self.real.actors.values() for i in range(3) if self.held(u, i, "debt")
        ]
        weak = [row for row in debts if row[0] < aim] or debts or [(Fraction(0), self.who(r), 0)]
        _, user, worst = r.choice(weak)
        debt = worst if r.random() < 0.7 else self._someone(r, "debt")[1]
        who = self.who(r)
        if who == user and r.random() < 0.95:
            who = next(other for other in self.real.actors.values() if other != user)
        prices = [state.prices[token] for token in self.ids]
        if r.random() < 0.95:
            self._sink(user, worst, aim, r.choice((1, 1, 10, 1_000)))
        used = [i for i in range(3) if state.collateral.get(user, 0) >> i & 1 and self.held(user, i)]
        collateral = r.choice(used) if used and r.random() < 0.97 else r.randrange(3)
        cover = ALL if r.random() < 0.3 else self._part(r, self.held(user, debt, "debt"))
        try:
            self.liquidate(who, collateral, debt, user, cover, receive=r.random() < 0.4)
        finally:
            if r.random() < 0.8:
                for index, price in enumerate(prices):
                    self.set_price(index, price)

    def _weighed(self, user: str, index: int) -> int:
        """Collateral times its threshold, in raw units times basis points."""
        used = self.model.state.collateral.get(user, 0) >> index & 1
        return used * self.held(user, index) * self.listings[index].threshold

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
            worth[i] * (aim * self.held(user, i, "debt") - Fraction(self._weighed(user, i), 10_000)) for i in range(3)
        ]
        if lacks[worst] > 0:
            grown = max(Fraction(1), 1 - sum(lacks) / lacks[worst])
            self.set_price(worst, min(10**30, int(state.prices[self.ids[worst]] * grown)))
        for index, token in enumerate(self.ids):
            self.set_price(index, max(1, state.prices[token] // scale))

    def _flash_loan(self, r: random.Random) -> None:
        self._pass_time(r)
        index = r.randrange(3)
        token = self.real.reserves[index].token.address
        idle = int(self.real.pool.view("getVirtualUnderlyingBalance", token))
        lent = int(self.real.reserves[index].supply.view("totalSupply"))
        amount = lent + r.randrange(2) if r.random() < 0.1 else self._part(r, idle)
        self.flash_loan(self.who(r), index, amount, accepted=r.random() < 0.95)

    def _configure(self, r: random.Random) -> None:
        """Break one thing, or mend what is broken."""
        if self.broken and r.random() < 0.8:
            index, field = self.broken.pop(r.randrange(len(self.broken)))
            listing = self.listings[index]
            mended = {
                "borrowing": 1,
                "flash_loans": 1,
                "reserve_factor": listing.factor,
                "liquidation_fee": listing.fee,
            }
            self.configure(index, field, mended.get(field, 0))
            if field == "frozen":
                self.configure(index, "ltv", listing.ltv)
            return
        index, field = r.randrange(3), r.choice([*SETTERS, "supply_cap", "borrow_cap"])
        kind = {"supply_cap": "supply", "borrow_cap": "debt"}.get(field)
        value = {"paused": 1, "frozen": 1}.get(field, 0)
        if field in ("reserve_factor", "liquidation_fee"):
            value = r.randrange(10_001)
        if kind:
            standing = int(getattr(self.real.reserves[index], kind).view("totalSupply"))
            value = standing // 10 ** self.listings[index].decimals + 1 + r.randrange(1_000)
        self.configure(index, field, value)
        self.broken.append((index, field))

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
            for view in ("getUserAccountData", "getUserConfiguration"):
                out[f"{view} {who}"] = ask(view, -1, who)
        return out

    def _asked_real(self, view: str, index: int, *args: Any) -> Any:
        pool = self.real.pool
        if index < 0:
            told = pool.view(view, *args)
            return tuple(told) if view == "getUserAccountData" else int(told[0])
        reserve = self.real.reserves[index]
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
            told = self.model.read(view, *args, now)
            return tuple(map(int, told)) if view == "getUserAccountData" else told
        asset = self.ids[index]
        if view == "balance":
            return self.model.book.held.get((asset, *args), 0)
        if view == "virtual":
            return self.model.state.reserves[asset].virtual
        timed = view.endswith((".totalSupply", ".balanceOf")) or view.startswith("getReserveNormalized")
        return self.model.read(view, asset, *args, *([now] if timed else []))
