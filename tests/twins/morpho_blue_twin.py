"""Morpho Blue twice: model and real bytecode under the same actions by several actors, compared after each.

Several markets at once: three tokens, three rate models (none, the package's mock, our contract of the adaptive curve).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.morpho import ZERO, Morpho
from tidemill.interfaces import Action, Result
from tidemill.venues.morpho_blue.accrual import rate_of
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.rules import max_borrow_down
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK, MorphoState

SETUPS = [((6, 18, 8), 1), ((18, 6, 2), 2), ((24, 8, 18), 3)]
"""Decimals of the three tokens, seed."""

WAD, E36, DAY = 10**18, 10**36, 86_400
LLTVS = [86 * 10**16, 385 * 10**15, 98 * 10**16, 0]
KINDS = [ADAPTIVE, MOCK, FREE]
MARKETS = tuple((i, (i + 1) % 3, KINDS[i], LLTVS[i]) for i in range(3))
FUNCTIONS = {
    "supply": "supply",
    "withdraw": "withdraw",
    "borrow": "borrow",
    "repay": "repay",
    "supply_collateral": "supplyCollateral",
    "withdraw_collateral": "withdrawCollateral",
}


class Twins:
    """Model and bytecode of one contract with its markets, with the same actors. ``price0`` is a market's first price.

    ``markets`` are opened at the start: (loan, collateral, rate model, limit); without them nothing is allowed yet.
    """

    def __init__(
        self,
        decimals: tuple[int, int, int],
        seed: int | str,
        markets: tuple[tuple[int, int, str, int], ...] = MARKETS,
    ) -> None:
        self.real = Morpho(decimals=decimals)
        self.decimals, self.evm = decimals, self.real.evm
        self.actors = list(self.real.actors.values())
        self.people = [*self.actors, "zero"]
        self.contract = self.real.morpho.address
        model, book = MorphoModel(), Book()
        state: MorphoState = model.init({"account": self.contract, "owner": self.real.owner})
        self.ids = [f"T{i}@test" for i in range(3)]
        for token in self.ids:
            for who in self.actors:
                book.add(token, who, 1 << 110)
        self.model: ModelSide[MorphoState] = ModelSide(model, state, book, lambda: self.evm.block)
        self.price0: dict[str, int] = {}
        self.last = ""
        if markets:
            for irm in KINDS:
                self.govern("enable_irm", self.real.owner, {"irm": irm})
            for lltv in LLTVS:
                self.govern("enable_lltv", self.real.owner, {"lltv": lltv})
        for number, market in enumerate(markets):
            self.create(f"m{number}", *market)
        self.driver = Driver(
            seed,
            {
                "supply": (9, lambda r: self._act(r, "supply")),
                "withdraw": (12, lambda r: self._act(r, "withdraw")),
                "supply_collateral": (9, lambda r: self._act(r, "supply_collateral")),
                "withdraw_collateral": (12, lambda r: self._act(r, "withdraw_collateral")),
                "borrow": (13, lambda r: self._act(r, "borrow")),
                "repay": (11, lambda r: self._act(r, "repay")),
                "liquidate": (12, self._liquidate),
                "set_price": (9, self._set_price),
                "accrue": (9, self._accrue),
                "set_fee": (10, self._set_fee),
                "govern": (13, self._govern),
                "flash_loan": (9, self._flash),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, real: Callable[[], Any], sender: str, action: Action) -> tuple[Any, Result]:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        self.last = str(action.args.get("market", self.last))
        before = self._words()
        self.fee = before.get("time", 0) >> 128
        got, made = both(real, lambda: self.model.do(sender, action))
        assert isinstance(made, Result)
        self.logged = logged = self.real.morpho.events()
        assert len(logged) == sum(log[0] == self.contract for log in self.evm.logs), "an event that is not known"
        assert_same(
            [(name, self._market_of(args), numbers(args)) for name, args in logged],
            [(e.name, e.args.get("id", ""), numbers(e.args)) for e in made.events if e.name != "CreateMarket"]
            if action.verb != "create_market"
            else [(e.name, e.args.get("id", ""), {}) for e in made.events],
            "events",
        )
        if action.verb in (*FUNCTIONS, "liquidate", "accrue", "flash_loan"):
            after = self._words()
            features = counted([(before[key], after[key]) for key in before])
            features |= self._features(action, dict(logged))
            assert_same(features, made.features, "what moves gas")
        return got, made

    def _features(self, action: Action, logged: dict[str, Any]) -> dict[str, int]:
        found = {"accruals": 1} if "AccrueInterest" in logged else {}
        if found and self.fee:
            found["fees_taken"] = 1
        if action.verb in ("supply", "repay") and not action.args.get("assets", action.args.get("amount")):
            found["by_shares"] = 1
        owing = False
        if action.verb == "withdraw_collateral":
            owing = bool(self.real.view("position", self.last, self._at(action.args["on_behalf"]))[1])
        if action.verb in ("borrow", "liquidate") or owing:
            found["health_checks"] = 1
        if logged.get("Liquidate", {}).get("badDebtShares"):
            found["bad_debts"] = 1
        return found

    def _market_of(self, args: dict[str, Any]) -> str:
        if "id" not in args:
            return ""
        (name,) = [n for n, i in self.real.ids.items() if "0x" + i.hex() == args["id"]]
        return name

    def _words(self) -> dict[Any, int]:
        """Every storage word that a verb in the market may write, tokens' included."""
        words: dict[Any, int] = {}
        if self.last in self.model.state.markets:
            supply, supply_shares, borrow, borrow_shares, last, fee = self.real.view("market", self.last)
            words["supply"], words["borrow"] = supply | supply_shares << 128, borrow | borrow_shares << 128
            words["time"] = last | fee << 128
            words["target"] = self.real.adaptive.view("rateAtTarget", self.real.ids[self.last])
            for who in self.people:
                shares, owed, collateral = self.real.view("position", self.last, self._at(who))
                words["shares", who], words["debt", who] = shares, owed | collateral << 128
        for index, token in enumerate(self.real.tokens):
            for who in (*self.actors, self.contract, self.real.taker.address):
                words[index, who] = token.view("balanceOf", who)
        return words

    @staticmethod
    def _at(who: str) -> str:
        return ZERO if who == "zero" else who

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def create(self, name: str, loan: int, collateral: int, irm: str, lltv: int, price: int | None = None) -> None:
        """Open a market, worth about a unit of loan token for one of collateral."""
        price = E36 * 10 ** self.decimals[loan] // 10 ** self.decimals[collateral] if price is None else price
        if name not in self.real.params:
            self.real.prepare(name, loan, collateral, irm, lltv, price)
            self.price0[name] = price
        args = {"market": name, "loan": self.ids[loan], "collateral": self.ids[collateral]}
        action = Action("create_market", {**args, "irm": irm, "lltv": lltv, "price": price})
        self.do(
            lambda: self.real.morpho.send(self.actors[0], "createMarket", self.real.params[name]),
            self.actors[0],
            action,
        )

    def govern(self, verb: str, who: str, args: dict[str, Any]) -> None:
        """Do what only the owner may."""
        function = {
            "enable_irm": "enableIrm",
            "enable_lltv": "enableLltv",
            "set_fee_recipient": "setFeeRecipient",
            "set_owner": "setOwner",
        }[verb]
        (value,) = args.values()
        told = self.real.irms[value] if verb == "enable_irm" else self._at(value) if isinstance(value, str) else value
        self.do(lambda: self.real.morpho.send(who, function, told), who, Action(verb, args))

    def authorize(self, who: str, to: str, *, allowed: bool) -> None:
        """Let somebody act for oneself, or no longer."""
        action = Action("set_authorization", {"to": to, "allowed": allowed})
        self.do(lambda: self.real.morpho.send(who, "setAuthorization", to, allowed), who, action)

    def set_fee(self, market: str, who: str, fee: int) -> None:
        """Set the protocol's part of the interest."""
        self.do(
            lambda: self.real.send(who, "setFee", self._known(market), fee),
            who,
            Action("set_fee", {"market": market, "fee": fee}),
        )

    def act(
        self, verb: str, market: str, who: str, assets: int, shares: int = 0, owner: str = "", to: str = ""
    ) -> Result:
        """Supply, withdraw, borrow, repay, or move collateral."""
        owner, to = owner or who, to or who
        args: dict[str, Any] = {"market": market, "assets": assets, "on_behalf": owner}
        plain = verb.endswith("collateral")
        sent: list[Any] = [assets, self._at(owner)] if plain else [assets, shares, self._at(owner)]
        if not plain:
            args["shares"] = shares
        if verb in ("withdraw", "borrow", "withdraw_collateral"):
            args["receiver"] = to
            sent.append(self._at(to))
        else:
            sent.append(b"")
        got, made = self.do(
            lambda: self.real.send(who, FUNCTIONS[verb], self._known(market), *sent), who, Action(verb, args)
        )
        assert_same({"assets": assets} if plain else dict(zip(("assets", "shares"), got, strict=True)), made.amounts)
        return made

    def liquidate(self, market: str, who: str, borrower: str, seized: int, repaid_shares: int) -> Result:
        """Repay somebody's debt for collateral."""
        args = {"market": market, "borrower": borrower, "seized": seized, "repaid_shares": repaid_shares}
        got, made = self.do(
            lambda: self.real.send(who, "liquidate", self._known(market), borrower, seized, repaid_shares, b""),
            who,
            Action("liquidate", args),
        )
        assert_same(got, (made.amounts["seized"], made.amounts["repaid"]))
        (told,) = [args for name, args in self.logged if name == "Liquidate"]
        names = {"seized": "seizedAssets", "repaid": "repaidAssets", "repaid_shares": "repaidShares"}
        names |= {"bad_debt": "badDebtAssets", "bad_debt_shares": "badDebtShares"}
        assert_same({mine: told[theirs] for mine, theirs in names.items()}, made.amounts, "amounts")
        return made

    def set_price(self, market: str, price: int) -> None:
        """Let the oracle say something else."""
        owner = self.real.owner
        self.do(
            lambda: self.real.oracles[market].send(owner, "setPrice", price),
            owner,
            Action("set_price", {"market": market, "price": price}),
        )

    def accrue(self, market: str, who: str) -> None:
        """Touch a market."""
        self.do(
            lambda: self.real.send(who, "accrueInterest", self._known(market)),
            who,
            Action("accrue", {"market": market}),
        )

    def flash(self, token: int, assets: int) -> None:
        """Take a flash loan and give it back."""
        taker, lent = self.real.taker, self.real.tokens[token].address
        action = Action("flash_loan", {"token": self.ids[token], "assets": assets})
        _, made = self.do(
            lambda: taker.send(self.actors[0], "take", self.contract, lent, assets, assets), taker.address, action
        )
        assert_same({"assets": assets}, made.amounts)

    def _known(self, market: str) -> str:
        """Prepare a market that nobody created, so that the contract can be asked about it."""
        if market not in self.real.params:
            self.real.prepare(market, 0, 1, MOCK, LLTVS[0], E36)
        return market

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(self.actors)

    def market(self, r: random.Random) -> str:
        if r.random() < 0.02:
            return "nowhere"
        return r.choice(list(self.model.state.markets)[-4:])

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.6:
            self.evm.advance(seconds=r.choice((1, 12, 3_600, DAY, DAY, 20 * DAY)))

    def _part(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes everything, one wei, one too many, far too much or nothing."""
        pick = r.random()
        if pick < 0.02:
            return 0
        if pick < 0.07:
            return whole
        if pick < 0.1:
            return whole + 1
        if pick < 0.13:
            return r.choice((1 << 107, 1 << 115, 1 << 128, 1 << 129, 1 << 200, (1 << 256) - 1))
        if pick < 0.17:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.choice((0, 0, 1, 2, 5, 20)) or 1

    def _enable(self, r: random.Random) -> str:
        """Make a loan possible somewhere: a price, something to lend, something to lend on. Returns the market."""
        name = r.choice([n for n, m in list(self.model.state.markets.items())[-4:] if m.lltv] or ["m0"])
        market = self.model.state.markets[name]
        loan, collateral = (self.decimals[self.ids.index(t)] for t in (market.loan, market.collateral))
        if market.price != self.price0[name]:
            self.set_price(name, self.price0[name])
        if market.supply_assets - market.borrow_assets < 10**loan and market.supply_assets < 1 << 100:
            self.act("supply", name, self.who(r), r.randrange(10**loan, 10 ** (loan + 4)))
        if not any(a.collateral > a.borrow_shares // 10**6 * 2 for a in market.accounts.values()):
            self.act("supply_collateral", name, self.who(r), r.randrange(10**collateral, 10 ** (collateral + 4)))
        return name

    def _rich(self, market: Any) -> str:
        """Who could borrow most."""
        return max(
            self.actors,
            key=lambda a: (
                max_borrow_down.specification(market.of(a).collateral, market.price, market.lltv)
                - market.owed_up(market.of(a))
            ),
        )

    def _act(self, r: random.Random, verb: str) -> None:
        self._pass_time(r)
        key = {"withdraw": 0, "repay": 1, "supply": 0}.get(verb, 2)
        name, who = self.market(r), self.who(r)
        for _ in range(9):
            # Mostly a market in which somebody has something to do this with.
            if name not in self.model.state.markets or any(
                a[key] for a in self.model.state.markets[name].accounts.values()
            ):
                break
            name = self.market(r)
        market = self.model.state.markets.get(name) or next(iter(self.model.state.markets.values()))
        if verb not in ("supply", "supply_collateral") and r.random() < 0.9:
            who = max(self.actors, key=lambda a: market.of(a)[key] >> r.randrange(8))
        if verb == "borrow" and r.random() < 0.8:
            name = self._enable(r)
            market = self.model.state.markets[name]
            who = self._rich(market)
        owner = who
        if r.random() < 0.1:
            owner = r.choice((*self.actors, *self.actors, "zero"))
        to = r.choice((*self.actors, "zero")) if r.random() < 0.1 else who
        assets, shares = self._size(r, verb, market, owner), 0
        if not verb.endswith("collateral") and r.random() < 0.4:
            # By shares: as many as those assets are worth, or all there are.
            totals = (market.supply_assets, market.supply_shares)
            if verb in ("borrow", "repay"):
                totals = (market.borrow_assets, market.borrow_shares)
            shares = assets * (totals[1] + 10**6) // (totals[0] + 1)
            held = market.of(owner)[int(verb == "repay")]
            if verb in ("withdraw", "repay"):
                shares = held if r.random() < 0.3 else min(shares, held)
            if shares < 1 << 256:
                assets = assets if r.random() < 0.03 else 0
            else:
                shares = 0
        self.act(verb, name, who, assets, shares, owner, to)

    def _size(self, r: random.Random, verb: str, market: Any, owner: str) -> int:
        account = market.of(owner)
        if verb == "supply":
            return self._part(r, 10 ** self.decimals[self.ids.index(market.loan)] * 10 ** r.randrange(0, 6))
        if verb == "supply_collateral":
            return self._part(r, 10 ** self.decimals[self.ids.index(market.collateral)] * 10 ** r.randrange(0, 6))
        free = market.supply_assets - market.borrow_assets
        if verb == "withdraw":
            return self._part(r, min(free, market.supplied_down(account)))
        if verb == "repay":
            return self._part(r, max(market.owed_up(account) - 1, 0))
        owed = market.owed_up(account)
        room = max(max_borrow_down.specification(account.collateral, market.price, market.lltv) - owed, 0)
        if verb == "borrow":
            return self._part(r, min(free, room * r.choice((1, 1, 1, 2))))
        if not owed:
            return self._part(r, account.collateral)
        need = owed * E36 * WAD // max(market.price * market.lltv, 1)
        return self._part(r, max(account.collateral - need, 0))

    def _liquidate(self, r: random.Random) -> None:
        self._pass_time(r)
        owing = [
            (name, who)
            for name, m in list(self.model.state.markets.items())[-4:]
            for who, account in m.accounts.items()
            if account.borrow_shares
        ]
        if not owing and r.random() < 0.9:
            name = self._enable(r)
            market = self.model.state.markets[name]
            self.act("borrow", name, self._rich(market), 1)
            owing = [(name, self._rich(market))]
        if not owing or r.random() < 0.03:
            self.liquidate(self.market(r), self.who(r), self.who(r), r.randrange(0, 3), r.randrange(0, 2))
            return
        name, borrower = r.choice(owing)
        market = self.model.state.markets[name]
        account = market.of(borrower)
        if r.random() < 0.9 and account.collateral and market.lltv:
            edge = market.owed_up(account) * E36 * WAD // (account.collateral * market.lltv)
            self.set_price(name, edge * r.choice((999, 970, 900, 600)) // 1_000)
            if r.random() < 0.05:
                self.set_price(name, 0)
        seized, shares = self._part(r, account.collateral), 0
        if r.random() < 0.5:
            seized, shares = 0, self._part(r, account.borrow_shares)
            if market.price and r.random() < 0.5:
                # What just about takes all the collateral.
                value = account.collateral * market.price // E36
                shares = min(shares, value * (market.borrow_shares + 10**6) // (market.borrow_assets + 1))
        try:
            self.liquidate(name, self.who(r), borrower, seized, shares)
        finally:
            if r.random() < 0.7:
                self.set_price(name, self.price0[name])

    def _set_price(self, r: random.Random) -> None:
        name = r.choice(list(self.model.state.markets)[-4:])
        base = self.price0[name]
        self.set_price(name, r.choice((base, base, base * r.randrange(800, 1_250) // 1_000, 2 * base, 0)))

    def _accrue(self, r: random.Random) -> None:
        self._pass_time(r)
        self.accrue(self.market(r), self.who(r))

    def _set_fee(self, r: random.Random) -> None:
        self._pass_time(r)
        owner = self.model.state.owner
        who = owner if r.random() < 0.95 else self.who(r)
        self.set_fee(
            self.market(r),
            who,
            r.choice((0, 10**17, 25 * 10**16, *(r.randrange(25 * 10**16) for _ in range(6)), 3 * 10**17)),
        )

    def _govern(self, r: random.Random) -> None:
        owner = self.model.state.owner
        who = owner if r.random() < 0.95 else self.who(r)
        pick = r.random()
        if pick < 0.12:
            self.govern("enable_irm", who, {"irm": r.choice(KINDS)})
        elif pick < 0.3:
            self.govern("enable_lltv", who, {"lltv": r.choice((LLTVS[0], r.randrange(WAD), r.randrange(WAD), WAD))})
        elif pick < 0.55:
            self.govern("set_fee_recipient", who, {"to": r.choice(self.people)})
        elif pick < 0.6:
            self.govern("set_owner", who, {"to": r.choice((self.real.owner, *self.actors))})
        elif pick < 0.8:
            a, b = r.sample(self.actors, 2)
            self.authorize(a, b, allowed=r.random() < 0.6)
        else:
            self._create(r)

    def _create(self, r: random.Random) -> None:
        loan, collateral = r.sample(range(3), 2)
        number = len(self.model.state.markets)
        if r.random() < 0.1:
            name = r.choice(list(self.model.state.markets))
            m = self.model.state.markets[name]
            self.create(name, self.ids.index(m.loan), self.ids.index(m.collateral), m.irm, m.lltv, m.price)
            return
        lltv = r.choice((*LLTVS[:3] * 4, 0, 5))
        self.real.params.pop(f"m{number}", None)
        self.create(f"m{number}", loan, collateral, r.choice(KINDS), lltv)

    def _flash(self, r: random.Random) -> None:
        token = r.randrange(3)
        self.flash(token, self._part(r, self.model.book.held.get((self.ids[token], self.contract), 0)))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every observable of the market just touched, of all markets now and then, and every balance."""
        names = list(self.model.state.markets)
        if self.evm.calls % 40:
            names = [self.last] if self.last in names else []
        real: dict[Any, Any] = {
            "feeRecipient": self.real.morpho.view("feeRecipient"),
            "owner": self.real.morpho.view("owner"),
        }
        model: dict[Any, Any] = {
            "feeRecipient": self._at(self.model.read("feeRecipient")),
            "owner": self.model.read("owner"),
        }
        for name in names:
            real[name], model[name] = self._of_market(name)
        for index, token in enumerate(self.real.tokens):
            for who in (*self.actors, self.contract, self.real.taker.address):
                real[index, who] = token.view("balanceOf", who)
                model[index, who] = self.model.book.held.get((self.ids[index], who), 0)
        for a in self.actors:
            for b in self.actors[:2]:
                real[a, b] = self.real.morpho.view("isAuthorized", a, b)
                model[a, b] = self.model.read("isAuthorized", a, b)
        assert_same(real, model)
        if names and self.evm.block.time % 7 == 0:
            self.compare_positions(names[-1])

    def _of_market(self, name: str) -> tuple[dict[Any, Any], dict[Any, Any]]:
        at, market = self.real.ids[name], self.model.state.markets[name]
        real: dict[Any, Any] = {
            "market": self.real.view("market", name),
            "rateAtTarget": self.real.adaptive.view("rateAtTarget", at),
            "price": self.real.oracles[name].view("price"),
        }
        model: dict[Any, Any] = {query: self.model.read(query, name) for query in real}
        for who in self.people:
            real[who] = self.real.view("position", name, self._at(who))
            model[who] = self.model.read("position", name, who)
        irm = self.real.irms[market.irm]
        if irm != ZERO:
            asked = self.real.adaptive.abi.functions["borrowRateView"]
            said = self.evm.view(irm, asked.encode(self.real.params[name], real["market"]))
            real["rate"] = asked.decode(said)[0]
            model["rate"] = rate_of(market, self.evm.block.time)[0]
        return real, model

    def compare_positions(self, name: str) -> None:
        """What the ledger is told some time later, against the contract touched then and taken back."""
        kept = self.evm.snapshot()
        self.evm.advance(seconds=DAY)
        now = self.evm.block.time
        self.real.send(self.actors[0], "accrueInterest", name)
        supply, supply_shares, borrow, borrow_shares, _, _ = self.real.view("market", name)
        real = {}
        for who in self.people:
            shares, owed, collateral = self.real.view("position", name, self._at(who))
            told = {
                "supply": (shares, shares * (supply + 1) // (supply_shares + 10**6)),
                "collateral": (collateral, collateral),
                "debt": (owed, owed * (borrow + 1) // -(borrow_shares + 10**6)),
            }
            for part, (size, amount) in told.items():
                if size:
                    real[who, part] = (size, amount)
        model = {}
        for who in self.people:
            for position in self.model.model.positions(self.model.state, "v", who, now, lambda _t, _a: 0):
                market, part = position.id.split("#")[1:] if position.id.count("#") == 2 else (name, position.id[2:])
                if market == name:
                    model[who, part] = (position.data["size"], *position.principal.values())
        self.evm.restore(kept)
        assert_same(real, model, "positions")
