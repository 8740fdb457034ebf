"""Aave v3.0.2 twice: model and real bytecode of a whole market under the same actions, every storage word compared.

Five reserves: two that share an e-mode category, one that is collateral in isolation only, one that is siloed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness import Driver, assert_same, both
from harness.aave import RAY, VARIABLE, Aave, Category, Listing
from harness.aave_storage import Words
from harness.book import Book, ModelSide, counted, numbers
from tidemill.interfaces import Action, Result, Revert
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.state import MarketState

USD, DAI, ETH, ISO, SIL = range(5)
DAY = 86_400
ALL = (1 << 256) - 1
LATE = 3_000
"""Actions after which debts in reach of a liquidator have become rare."""
MARKET = (
    Listing("USD", 6, 10**8, 7_500, 8_000, 10_500, emode=1, supply_cap=10**10, borrow_cap=10**9),
    Listing("DAI", 18, 99_990_000, 7_700, 8_000, 10_400, emode=1, factor=0, slope1=500, fee=0),
    Listing("ETH", 18, 2_000 * 10**8, 8_000, 8_250, 10_500, base=100, optimal=4_500, isolated=False, factor=1_500),
    Listing("ISO", 8, 30_000 * 10**8, 7_000, 7_500, 11_000, ceiling=5 * 10**8, slope2=30_000, isolated=False),
    Listing("SIL", 18, 3 * 10**8, 5_000, 6_500, 11_500, siloed=True, isolated=False, factor=10_000, fee=10_000),
)
CATEGORIES = {1: Category(9_300, 9_500, 10_100)}
OTHER = (
    replace(MARKET[USD], decimals=18, optimal=10_000, slope1=700),
    replace(MARKET[DAI], decimals=24, fee=2_000, factor=3_333),
    replace(MARKET[ETH], decimals=8, price=10**5, slope1=10_000),
    replace(MARKET[ISO], decimals=6, price=123_456_789),
    replace(MARKET[SIL], decimals=27, factor=1, base=1),
)
SETUPS = [(MARKET, CATEGORIES, 1), (OTHER, {1: Category(9_000, 9_300, 10_200, source=0)}, 2)]
"""Listings, e-mode categories, seed."""

POOL_EVENTS = {
    "ReserveDataUpdated",
    "Supply",
    "Withdraw",
    "Borrow",
    "Repay",
    "LiquidationCall",
    "FlashLoan",
    "MintedToTreasury",
    "UserEModeSet",
    "IsolationModeTotalDebtUpdated",
    "ReserveUsedAsCollateralEnabled",
    "ReserveUsedAsCollateralDisabled",
}
TOKEN_EVENTS = {"Mint", "Burn", "BalanceTransfer"}
SETTERS = {
    "paused": "setReservePause",
    "frozen": "setReserveFreeze",
    "active": "setReserveActive",
    "borrowing": "setReserveBorrowing",
    "flash_loans": "setReserveFlashLoaning",
    "supply_cap": "setSupplyCap",
    "borrow_cap": "setBorrowCap",
    "reserve_factor": "setReserveFactor",
    "liquidation_fee": "setLiquidationProtocolFee",
    "isolated_borrowing": "setBorrowableInIsolation",
    "debt_ceiling": "setDebtCeiling",
    "category": "setAssetEModeCategory",
    "siloed": "setSiloedBorrowing",
}
VALUED = ("collateral_valued", "debt_valued", "reserves_valued", "reserves_stale", "switched_on", "received_supply")
FLAGS = {"paused", "frozen", "active", "borrowing", "flash_loans", "isolated_borrowing", "siloed"}


def described(market: Aave, ids: list[str]) -> dict[str, Any]:
    """What a model is told of a market."""
    reserves = []
    for asset, reserve in zip(ids, market.reserves, strict=True):
        of = reserve.listing
        curve = {name: getattr(of, name) * RAY // 10_000 for name in ("optimal", "base", "slope1", "slope2")}
        config = {
            "ltv": of.ltv,
            "threshold": of.threshold,
            "bonus": of.bonus,
            "reserve_factor": of.factor,
            "liquidation_fee": of.fee,
            "supply_cap": of.supply_cap,
            "borrow_cap": of.borrow_cap,
            "debt_ceiling": of.ceiling,
            "category": of.emode,
            "borrowing": of.borrowing,
            "isolated_borrowing": of.isolated,
            "siloed": of.siloed,
        }
        account = reserve.supply.address
        reserves.append({"asset": asset, "account": account, "decimals": of.decimals, "config": config, "curve": curve})
    return {
        "treasury": market.treasury,
        "reserves": reserves,
        "prices": {asset: r.listing.price for asset, r in zip(ids, market.reserves, strict=True)},
        "flash_premium": 9,
        "flash_to_protocol": 3_000,
    }


class Twins:
    """Model and bytecode of one market, with the same actors."""

    def __init__(
        self, listings: tuple[Listing, ...] = MARKET, categories: dict[int, Category] | None = None, seed: int | str = 0
    ) -> None:
        categories = CATEGORIES if categories is None else categories
        self.real = Aave(listings, categories)
        self.evm, self.listings = self.real.evm, listings
        self.ids = [f"{listing.symbol}@test" for listing in listings]
        model = MarketModel()
        params = described(self.real, self.ids)
        params["categories"] = {
            n: {
                "ltv": c.ltv,
                "threshold": c.threshold,
                "bonus": c.bonus,
                "source": self.ids[c.source] if c.source >= 0 else "",
            }
            for n, c in categories.items()
        }
        state: MarketState = model.init(params)
        book = Book()
        for token in self.ids:
            for who in (*self.real.actors.values(), self.real.receiver.address):
                book.add(token, who, 1 << 118)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.people = [*self.real.actors.values(), self.real.treasury]
        self.words = Words(self.real, self.people)
        self.broken: list[tuple[int, str]] = []
        self.driver = Driver(
            seed,
            {
                "supply": (13, self._supply),
                "withdraw": (12, self._withdraw),
                "borrow": (14, self._borrow),
                "repay": (10, self._repay),
                "repay_with_supply": (10, self._repay_with_supply),
                "set_collateral": (13, self._set_collateral),
                "set_emode": (10, self._set_emode),
                "liquidate": (17, self._liquidate),
                "flash_loan_simple": (9, self._flash_loan),
                "mint_to_treasury": (8, self._mint_to_treasury),
                "set_price": (9, self._set_price),
                "configure": (8, self._configure),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, real: Callable[[], Any], sender: str, action: Action) -> tuple[Any, Result]:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        before = self.words.read()
        got, made = both(real, lambda: self.model.do(sender, action))
        assert isinstance(made, Result)
        self._check_log(made)
        after = self.words.read()
        moved = counted([(before[key], after[key]) for key in before])
        features = dict.fromkeys(VALUED, 0) | made.features
        switched = action.verb == "set_collateral" and before["user", sender] < after["user", sender]
        moved["switched_on"] = int(switched)
        moved["received_supply"] = int(bool(action.args.get("receive_supply")))
        word = self._valued(sender, action, before, after)
        named = [i for i in range(5) if word >> 2 * i & 3]
        moved["collateral_valued"] = sum(word >> 2 * i + 1 & 1 for i in named)
        moved["debt_valued"] = sum(word >> 2 * i & 1 for i in named)
        moved["reserves_valued"] = len(named)
        moved["reserves_stale"] = sum(self._stale(i, action, before, after) for i in named)
        assert_same(moved, features, "what moves gas")
        return got, made

    def _stale(self, index: int, action: Action, before: dict[Any, int], after: dict[Any, int]) -> bool:
        """Whether a reserve's indices were older than now when the account was valued."""
        # A liquidation brings the collateral up to now only after it has valued the account.
        late = action.verb == "liquidate" and self.ids[index] != action.args["debt"]
        times = (before if late else after)[index, "times"]
        return times >> 128 & (1 << 40) - 1 != self.evm.block.time

    def _valued(self, sender: str, action: Action, before: dict[Any, int], after: dict[Any, int]) -> int:
        """The word of the account that the pool had to value, as it stood then; 0 where it had to value none."""
        verb, args = action.verb, action.args
        was, left = before["user", sender], after["user", sender]
        if verb == "borrow":
            return was
        if verb == "liquidate":
            return before["user", args["user"]]
        if verb == "set_emode":
            return was if before["emode", sender] else 0
        index = self.ids.index(str(args.get("asset", self.ids[0])))
        used = was >> 2 * index + 1 & 1
        if verb == "withdraw" and used and any(left >> 2 * i & 1 for i in range(5)):
            return left
        return left if verb == "set_collateral" and not args["on"] and used else 0

    def _check_log(self, made: Result) -> None:
        """Every number of every event of the pool and of the reserves' tokens, in order."""
        real = [(name, numbers(args)) for name, args in self.real.pool.events() if name in POOL_EVENTS]
        mine = [(e.name, numbers(e.args)) for e in made.events if e.name in POOL_EVENTS]
        assert_same(real, mine, "events of the pool")
        for asset, reserve in zip(self.ids, self.real.reserves, strict=True):
            for token, contract in (("supply", reserve.supply), ("debt", reserve.debt)):
                real = [(name, numbers(args)) for name, args in contract.events() if name in TOKEN_EVENTS]
                logged = [e for e in made.events if e.args.get("token") == f"{token} {asset}"]
                assert_same(real, [(e.name, numbers(e.args)) for e in logged], f"events of {token} {asset}")

    def pool(self, who: str, function: str, *args: Any) -> Callable[[], Any]:
        """A transaction to the pool."""
        return lambda: self.real.pool.send(who, function, *args)

    def token(self, index: int) -> str:
        return str(self.real.reserves[index].token.address)

    def supply(self, who: str, index: int, amount: int, for_whom: str = "") -> Result:
        for_whom = for_whom or who
        action = Action("supply", {"asset": self.ids[index], "amount": amount, "on_behalf_of": for_whom})
        _, made = self.do(self.pool(who, "supply", self.token(index), amount, for_whom, 0), who, action)
        return made

    def withdraw(self, who: str, index: int, amount: int) -> Result:
        action = Action("withdraw", {"asset": self.ids[index], "amount": amount})
        got, made = self.do(self.pool(who, "withdraw", self.token(index), amount, who), who, action)
        assert_same({"amount": got}, made.amounts)
        return made

    def borrow(self, who: str, index: int, amount: int) -> Result:
        action = Action("borrow", {"asset": self.ids[index], "amount": amount})
        _, made = self.do(self.pool(who, "borrow", self.token(index), amount, VARIABLE, 0, who), who, action)
        return made

    def repay(self, who: str, index: int, amount: int, for_whom: str = "") -> Result:
        for_whom = for_whom or who
        action = Action("repay", {"asset": self.ids[index], "amount": amount, "on_behalf_of": for_whom})
        got, made = self.do(self.pool(who, "repay", self.token(index), amount, VARIABLE, for_whom), who, action)
        assert_same({"amount": got}, made.amounts)
        return made

    def repay_with_supply(self, who: str, index: int, amount: int) -> Result:
        action = Action("repay_with_supply", {"asset": self.ids[index], "amount": amount})
        got, made = self.do(self.pool(who, "repayWithATokens", self.token(index), amount, VARIABLE), who, action)
        assert_same({"amount": got}, made.amounts)
        return made

    def set_collateral(self, who: str, index: int, *, on: bool) -> None:
        action = Action("set_collateral", {"asset": self.ids[index], "on": on})
        self.do(self.pool(who, "setUserUseReserveAsCollateral", self.token(index), on), who, action)

    def set_emode(self, who: str, category: int) -> None:
        self.do(self.pool(who, "setUserEMode", category), who, Action("set_emode", {"category": category}))

    def liquidate(
        self, who: str, collateral: int, debt: int, user: str, cover: int, *, receive: bool = False
    ) -> Result:
        args = {"collateral": self.ids[collateral], "debt": self.ids[debt], "user": user, "cover": cover}
        call = self.pool(who, "liquidationCall", self.token(collateral), self.token(debt), user, cover, receive)
        _, made = self.do(call, who, Action("liquidate", {**args, "receive_supply": receive}))
        (told,) = [args for name, args in self.real.pool.events() if name == "LiquidationCall"]
        assert_same(told["debtToCover"], made.amounts["debt"])
        assert_same(told["liquidatedCollateralAmount"], made.amounts["collateral"])
        seized, treasury = self.real.reserves[collateral].supply, self.real.treasury
        moved = [args for name, args in seized.events() if name == "Transfer" and args["to"] == treasury]
        assert_same(sum(args["value"] for args in moved if args["from"] == user), made.amounts["fee"], "fee")
        return made

    def flash_loan(self, who: str, index: int, amount: int, *, accepted: bool = True) -> Result:
        receiver = self.real.receiver
        if receiver.view("answer") != accepted:
            receiver.send(who, "set_answer", accepted)
        args = {"asset": self.ids[index], "amount": amount, "receiver": receiver.address, "accepted": accepted}
        call = self.pool(who, "flashLoanSimple", receiver.address, self.token(index), amount, b"", 0)
        _, made = self.do(call, who, Action("flash_loan_simple", args))
        return made

    def mint_to_treasury(self, who: str, index: int) -> Result:
        action = Action("mint_to_treasury", {"asset": self.ids[index]})
        _, made = self.do(self.pool(who, "mintToTreasury", [self.token(index)]), who, action)
        told = [args["amountMinted"] for name, args in self.real.pool.events() if name == "MintedToTreasury"]
        assert_same({"amount": told[0]} if told else {}, made.amounts)
        return made

    def set_price(self, index: int, price: int) -> None:
        """What the oracle answers; 0 is no answer."""
        self.real.set_price(index, price)
        self.model.do(self.real.admin, Action("set_price", {"asset": self.ids[index], "price": price}))

    def configure(self, index: int, field: str, value: int) -> None:
        """What governance sets."""
        config = self.model.state.reserves[self.ids[index]].config
        if field == "ltv":
            self.real.configure(
                "configureReserveAsCollateral", self.token(index), value, config.threshold, config.bonus
            )
        else:
            self.real.configure(SETTERS[field], self.token(index), bool(value) if field in FLAGS else value)
        action = Action("configure", {"asset": self.ids[index], "field": field, "value": value})
        self.model.do(self.real.admin, action)

    # -- what is seen --------------------------------------------------------------------------------------------------

    def held(self, who: str, index: int) -> int:
        return int(self.real.reserves[index].supply.view("balanceOf", who))

    def owed(self, who: str, index: int) -> int:
        return int(self.real.reserves[index].debt.view("balanceOf", who))

    def price(self, index: int) -> int:
        return self.model.state.prices.get(self.ids[index], 0)

    def idle(self, index: int) -> int:
        reserve = self.real.reserves[index]
        return int(reserve.token.view("balanceOf", reserve.supply.address))

    def worth(self, index: int, value: int) -> int:
        """Raw units worth ``value`` of the base currency, at the price of the listing."""
        listing = self.listings[index]
        return int(value * 10**listing.decimals // listing.price)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def some(self, r: random.Random) -> int:
        return r.choices(range(5), (4, 3, 4, 2, 2))[0]

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
        if pick < 0.15:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.choice((0, 0, 1, 2, 5, 15))

    def _supply(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self.who(r), self.some(r)
        amount = r.choice((0, 1)) if r.random() < 0.03 else self.worth(index, r.randrange(1, 10**15))
        if r.random() < 0.02:
            amount = 1 << 119
        self.supply(who, index, amount, self.who(r) if r.random() < 0.2 else who)

    def _holding(self, r: random.Random, seen: Callable[[str, int], int]) -> tuple[str, int]:
        """Somebody with something to withdraw or to repay, if there is any."""
        for _ in range(12):
            who, index = self.who(r), self.some(r)
            if seen(who, index):
                break
        return who, index

    def _withdraw(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._holding(r, self.held)
        most = min(self.held(who, index), self.idle(index)) if r.random() < 0.9 else self.held(who, index)
        if r.random() < 0.8 and any(self.owed(who, i) for i in range(5)):
            most //= 10
        self.withdraw(who, index, ALL if r.random() < 0.1 else self._part(r, most))

    def _borrow(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index, free = self.who(r), self.some(r), 0
        for _ in range(6):
            free = self.real.pool.view("getUserAccountData", who)[2]
            if self._may_borrow(who, index) and free:
                break
            who, index = self.who(r), self.some(r)
        most = free * 10 ** self.listings[index].decimals // (self.price(index) or 1)
        if r.random() < 0.92:
            most = min(most, self.idle(index))
        self.borrow(who, index, self._part(r, most))

    def _may_borrow(self, who: str, index: int) -> bool:
        """A guess that keeps most draws sensible: siloed, isolated and e-mode limits."""
        state = self.model.state
        reserve = state.reserves[self.ids[index]]
        others = state.borrowed.get(who, 0) & ~(1 << index)
        if (reserve.config.siloed or state.borrowed.get(who, 0) >> SIL & 1) and others:
            return False
        only = state.sole(state.collateral.get(who, 0))
        if only and only.config.debt_ceiling and not reserve.config.isolated_borrowing:
            return False
        return not state.emode.get(who, 0) or reserve.config.category == state.emode[who]

    def _repay(self, r: random.Random) -> None:
        self._pass_time(r)
        for_whom, index = self._holding(r, self.owed)
        who = self.who(r) if r.random() < 0.3 else for_whom
        amount = ALL if r.random() < 0.2 else self._part(r, self.owed(for_whom, index))
        self.repay(who, index, amount, for_whom)

    def _repay_with_supply(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._holding(r, lambda w, i: self.owed(w, i) and self.held(w, i))
        most = min(self.owed(who, index), self.held(who, index)) if r.random() < 0.9 else self.owed(who, index)
        self.repay_with_supply(who, index, ALL if r.random() < 0.15 else self._part(r, most))

    def _set_collateral(self, r: random.Random) -> None:
        self._pass_time(r)
        who, index = self._holding(r, self.held)
        if r.random() < 0.1:
            who, index = self.who(r), self.some(r)
        on = bool(self.model.state.collateral.get(who, 0) >> index & 1)
        if on and r.random() < 0.6:
            on = False  # so that collateral is there to borrow against
        self.set_collateral(who, index, on=not on)

    def _set_emode(self, r: random.Random) -> None:
        self._pass_time(r)
        who = self.who(r)
        fits = not self.model.state.borrowed.get(who, 0) & ~0b11
        self.set_emode(who, r.choice((0, 1)) if fits and r.random() < 0.9 else r.choices((0, 1, 2), (20, 3, 1))[0])

    def _liquidate(self, r: random.Random) -> None:
        """Somebody who owes; mostly the price of its collateral falls just below what it needs."""
        self._pass_time(r)
        bits = self.model.state.collateral

        def within_reach(who: str, index: int) -> bool:
            return bool(self.owed(who, index) and bits.get(who, 0) and self._short(who))

        user, debt = self._holding(r, within_reach)
        if self.driver.tally.total > LATE and not self._sinks(user, debt):  # rare by then: look at everybody
            everybody = [(who, index) for who in self.real.actors.values() for index in range(5)]
            user, debt = r.choice([one for one in everybody if self._sinks(*one)] or [(user, debt)])
        using = [i for i in range(5) if bits.get(user, 0) >> i & 1]
        collateral = r.choice(using) if using else self.some(r)
        if r.random() < 0.05:
            collateral, debt = self.some(r), self.some(r)
        if r.random() < 0.95:
            self._sink(r, user, using, debt)
        owed = self.owed(user, debt)
        cover = r.choice((owed, owed, ALL, owed // 2, owed // 3, self._part(r, owed)))
        self.liquidate(self.who(r), collateral, debt, user, cover, receive=r.random() < 0.4)

    def _sinks(self, user: str, debt: int) -> bool:
        """Whether prices of collateral can fall, or that of the debt rise, so that a liquidator comes into reach."""
        state = self.model.state
        using, emode = state.collateral.get(user, 0), state.emode.get(user, 0)
        if not using or not self.owed(user, debt):
            return False
        pegged = emode and state.categories[emode].source  # all of the category at one price
        moving = [i for i in range(5) if not pegged or state.reserves[self.ids[i]].config.category != emode]
        short = self._short(user)
        falls = bool(short) and any(using >> i & 1 for i in moving if i not in short)
        return falls or (debt in short and debt in moving)

    def _sink(self, r: random.Random, user: str, using: list[int], debt: int) -> None:
        """Let collateral fall, or the debt rise where both are the same, until the user is in reach."""
        aim = r.choice((999, 980, 960, 951, 940, 900)) * 10**15
        if self.model.state.emode.get(user) and self.model.state.categories[1].source:
            debt = USD  # whose price all of the category takes
        short = self._short(user)
        for _ in range(6):
            health = self.real.pool.view("getUserAccountData", user)[-1]
            if health <= aim or health > 10**45:
                return
            for index in using:
                if index not in short:
                    self.set_price(index, max(1, self.price(index) * aim // health))
            if debt in short:
                self.set_price(debt, min(self.price(debt) * health // aim + 1, 10**30))

    def _short(self, user: str) -> list[int]:
        """Reserves in which somebody owes more than its supply there would cover."""
        return [i for i in range(5) if self.owed(user, i) * 10 > self.held(user, i) * 7]

    def _flash_loan(self, r: random.Random) -> None:
        self._pass_time(r)
        index = self.some(r)
        amount = self._part(r, self.idle(index))
        self.flash_loan(self.who(r), index, amount, accepted=r.random() > 0.03)

    def _mint_to_treasury(self, r: random.Random) -> None:
        self._pass_time(r)
        self.mint_to_treasury(self.who(r), self.some(r))

    def _set_price(self, r: random.Random) -> None:
        """Mostly all prices back to about what they were listed at; sometimes one is gone for a while."""
        for index, listing in enumerate(self.listings):
            self.set_price(index, max(1, listing.price * r.randrange(800, 1_250) // 1_000))
        if r.random() < 0.04:
            self.set_price(self.some(r), 0)

    def _configure(self, r: random.Random) -> None:
        """Break one thing, or mend what is broken."""
        if self.broken and r.random() < 0.8:
            index, field = self.broken.pop(r.randrange(len(self.broken)))
            self.configure(index, field, self._listed(index, field))
            return
        index = self.some(r)
        fields = ["paused", "frozen", "borrowing", "flash_loans", "ltv", "supply_cap", "borrow_cap", "reserve_factor"]
        fields += ["liquidation_fee"] + ["isolated_borrowing"] * (index < ETH)
        field = r.choice(fields + ["debt_ceiling"] * (index == ISO) * 3)
        value = {"paused": 1, "frozen": 1, "supply_cap": 1, "borrow_cap": 1, "debt_ceiling": 100}.get(field, 0)
        if field in ("reserve_factor", "liquidation_fee"):
            value = r.randrange(10_001)
        self.configure(index, field, value)
        self.broken.append((index, field))

    def _listed(self, index: int, field: str) -> int:
        listing = self.listings[index]
        names = {
            "reserve_factor": "factor",
            "liquidation_fee": "fee",
            "isolated_borrowing": "isolated",
            "debt_ceiling": "ceiling",
        }
        fixed = {"paused": 0, "frozen": 0, "flash_loans": 1}
        return fixed[field] if field in fixed else int(getattr(listing, names.get(field, field)))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every word of storage that moves, and every account as the pool sums it up."""
        assert_same(self.words.read(), self._model_words(), "storage")
        for who in self.people:
            real = _asked(lambda w=who: tuple(self.real.pool.view("getUserAccountData", w)))
            now = self.evm.block.time
            assert_same(real, _asked(lambda w=who, t=now: self.model.read("getUserAccountData", w, t)), who)
        index = self.driver.tally.total % 5
        self.compare_views(index)

    def compare_views(self, index: int) -> None:
        """Views of one reserve that move with time."""
        asset, now, reserve, pool = self.ids[index], self.evm.block.time, self.real.reserves[index], self.real.pool
        for name in ("getReserveNormalizedIncome", "getReserveNormalizedVariableDebt"):
            assert_same(pool.view(name, reserve.token.address), self.model.read(name, asset, now), name)
        for token, contract in (("aToken", reserve.supply), ("variableDebtToken", reserve.debt)):
            for name in ("totalSupply", "balanceOf"):
                args = (self.people[0],) if name == "balanceOf" else ()
                # A read of the model is told the time, which the chain knows.
                mine = self.model.read(f"{token}.{name}", asset, *args, now)
                assert_same(contract.view(name, *args), mine, f"{token}.{name}")

    def _model_words(self) -> dict[tuple[object, ...], int]:
        state, held = self.model.state, self.model.book.held
        out: dict[tuple[object, ...], int] = {}
        for i, (asset, listed) in enumerate(zip(self.ids, self.real.reserves, strict=True)):
            s = state.reserves[asset]
            out[i, "income"] = s.liquidity_index | s.liquidity_rate << 128
            out[i, "debt"] = s.variable_index | s.variable_rate << 128
            out[i, "times"] = s.stable_rate | s.updated << 128 | s.id << 168
            out[i, "accrued"], out[i, "isolated"] = s.accrued, s.isolated_debt
            out[i, "total supplied"], out[i, "total owed"] = s.total_supplied, s.total_owed
            for who in self.people:
                out[i, "supplied", who] = s.supplied.get(who, 0) | s.supplied_index.get(who, 0) << 128
                out[i, "owed", who] = s.owed.get(who, 0) | s.owed_index.get(who, 0) << 128
            for who in (*self.people, listed.supply.address, self.real.receiver.address):
                out[i, "balance", who] = held.get((asset, who), 0)
        for who in self.people:
            out["user", who] = self.model.read("getUserConfiguration", who)
            out["emode", who] = self.model.read("getUserEMode", who)
        return out


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Revert as revert:
        return revert.reason
