"""A vault over three Morpho Blue markets twice: models that call one another, and contracts that do, compared after each act.

The vault is our own contract from the public rule (so this shows that the model does what the rule says); the markets are
Morpho's bytecode. Others borrow, repay and default in the markets while people come and go.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness import Driver, assert_same, both
from harness.book import Book, Ctx, counted, numbers
from harness.lending_vault import MARKETS, WAD, LendingVault
from tidemill.interfaces import Action, Block, Result, Revert, Transfer
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_vault.model import LendingVaultModel

SETUPS = [((6, 18), 12, 1), ((18, 8), 0, 2), ((2, 24), 6, 3), ((8, 6), 10, 4)]
"""Decimals of asset and collateral, the vault's offset, seed."""

ASSET, COLLATERAL, SHARE = "T0@test", "T1@test", "vTST@test"
YEAR = 365 * 86_400


@dataclass
class Nested(Ctx):
    """`Context` in a world of two venues: transfers are booked at once, as a chain does it."""

    world: World | None = None
    venue: str = ""

    def call(self, venue: str, action: Action) -> Result:
        assert self.world is not None
        return self.world.inside(self.world.accounts[self.venue], venue, action)

    def move(self, transfer: Transfer) -> None:
        self.book.move(Result(transfers=(transfer,)))

    def read(self, venue: str, query: str, *args: Any) -> Any:
        assert self.world is not None
        return self.world.models[venue].read(self.world.states[venue], query, *args)


class World:
    """Both models and one book; ``do`` is one transaction: all of it or nothing."""

    def __init__(
        self, accounts: dict[str, str], states: dict[str, Any], book: Book, block: Callable[[], Block]
    ) -> None:
        self.models: dict[str, Any] = {"morpho": MorphoModel(), "vault": LendingVaultModel()}
        self.accounts, self.states, self.book, self._block = accounts, states, book, block

    def do(self, sender: str, venue: str, action: Action) -> Result:
        before, held = copy.deepcopy(self.states), dict(self.book.held)
        try:
            return self.inside(sender, venue, action)
        except Revert:
            if venue == "vault":
                assert self.states["vault"] == before["vault"], f"{action.verb} was refused and changed the vault"
            self.states, self.book.held = before, held
            raise

    def inside(self, sender: str, venue: str, action: Action) -> Result:
        """Act within a transaction."""
        ctx = Nested(self._block(), sender, self.book, world=self, venue=venue)
        result: Result = self.models[venue].apply(self.states[venue], action, ctx)
        self.book.move(result)
        return result


class Twins:
    """Models and contracts with the same actors."""

    def __init__(self, decimals: tuple[int, int], offset: int, seed: int | str) -> None:
        self.real = real = LendingVault(decimals=decimals, offset=offset)
        self.evm, self.owner, self.vault = real.evm, real.owner, real.vault
        self.one, self.morpho = 10 ** decimals[0], real.morpho.morpho
        self.unit = 10 ** decimals[1]
        accounts = {"morpho": self.morpho.address, "vault": self.vault.address}
        markets, vaults = MorphoModel(), LendingVaultModel()
        lending = markets.init({"account": accounts["morpho"], "owner": real.morpho.owner})
        params = {"account": accounts["vault"], "asset": ASSET, "share": SHARE, "owner": self.owner}
        states = {"morpho": lending, "vault": vaults.init({**params, "decimals_offset": offset})}
        book = Book({ASSET: "balance", COLLATERAL: "balance"})
        for who in real.actors.values():
            for token in (ASSET, COLLATERAL):
                book.add(token, who, 1 << 110)
        self.world = World(accounts, states, book, lambda: self.evm.block)
        named = {"loan": ASSET, "collateral": COLLATERAL, "price": real.price}
        for irm in {irm for irm, _ in MARKETS.values()}:
            self.world.do(real.morpho.owner, "morpho", Action("enable_irm", {"irm": irm}))
        for name, (irm, lltv) in MARKETS.items():
            self.world.do(real.morpho.owner, "morpho", Action("enable_lltv", {"lltv": lltv}))
            opened = {"market": name, **named, "irm": irm, "lltv": lltv}
            self.world.do(self.owner, "morpho", Action("create_market", opened))
        self.alice, self.bob, self.carol, self.dave = real.actors.values()
        self.people = (self.alice, self.bob, self.carol)
        self.driver = Driver(
            seed,
            {
                "deposit": (9, lambda r: self._enter(r, "deposit")),
                "mint": (8, lambda r: self._enter(r, "mint")),
                "withdraw": (10, lambda r: self._leave(r, "withdraw")),
                "redeem": (9, lambda r: self._leave(r, "redeem")),
                "accrue": (7, self._accrue),
                "set_cap": (8, self._set_cap),
                "set_supply_queue": (9, self._set_supply_queue),
                "set_withdraw_queue": (9, self._set_withdraw_queue),
                "reallocate": (11, self._reallocate),
                "set_fee": (8, self._set_fee),
                "borrow": (9, self._borrow),
                "repay": (9, self._repay),
                "default": (9, self._default),
            },
        )

    @property
    def state(self) -> Any:
        return self.world.states["vault"]

    def begin(self) -> None:
        """Three markets with caps, all in both queues, a fee, and somebody who borrows."""
        for number, name in enumerate(MARKETS):
            self.add_market(self.owner, name, (number + 1) * 10_000 * self.one)
        self.set_supply_queue(self.owner, (0, 1, 2))
        self.set_fee(self.owner, WAD // 10, self.dave)
        self.enter("deposit", self.alice, 20_000 * self.one)
        self.borrow("m0", 5_000 * self.one)

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, sender: str, verb: str, function: str, *args: Any, **named: Any) -> tuple[Any, Result]:
        """Do one act at the vault on both; raises ``Revert`` when both refused alike."""
        before = self._words(sender)
        action = Action(verb, named)
        real = lambda: self.vault.send(sender, function, *args)  # noqa: E731
        got, made = both(real, lambda: self.world.do(sender, "vault", action))
        assert isinstance(made, Result)
        known = ("Deposit", "Withdraw", "AccrueInterest")
        below = [name for name, _ in self.morpho.events()]
        logged = [(name, numbers(told)) for name, told in self.vault.events() if name in known]
        assert_same(logged, [(event.name, numbers(event.args)) for event in made.events], "events")
        if verb in ("deposit", "mint", "withdraw", "redeem", "accrue"):
            fees = int(dict(logged)["AccrueInterest"]["feeShares"] > 0)
            self._check_gas(before, self._words(sender), made, below, fees)
        return got, made

    def _words(self, who: str) -> dict[str, int]:
        """The vault's own words, those of the caller's tokens, and the markets'."""
        names = ("totalSupply", "lastTotalAssets", "lostAssets")
        words = {name: self.vault.view(name) for name in names}
        for person in dict.fromkeys((who, self.state.fee_recipient)):
            if person != "zero":
                words[person] = self.real.held(self.vault.address, person)
        words["asset"] = self.real.held(self.real.asset.address, who)
        words["lent"] = self.real.held(self.real.asset.address, self.morpho.address)
        for name, identity in self.real.morpho.ids.items():
            assets, shares, lent, debts, updated, fee = self.morpho.view("market", identity)
            words[f"{name} supply"], words[f"{name} debts"] = assets | shares << 128, lent | debts << 128
            words[f"{name} time"] = updated | fee << 128
            words[f"{name} rate"] = self.real.morpho.adaptive.view("rateAtTarget", identity)
            words[f"{name} own"] = self.morpho.view("position", identity, self.vault.address)[0]
        return words

    def _check_gas(
        self, before: dict[str, int], after: dict[str, int], made: Result, names: list[str], fees: int
    ) -> None:
        """Calls of markets, told by the chain's log; the fee's shares; all words written where at most one market is called."""
        want = {"supply_calls": names.count("Supply"), "withdraw_calls": names.count("Withdraw")}
        want["fees_taken"] = fees
        want["markets"] = len(self.vault.view("withdrawQueue"))
        want["accruals"] = names.count("AccrueInterest")
        assert_same(want, {name: made.features.get(name, 0) for name in want}, "what moves gas")
        own = counted([(before[name], after[name]) for name in before])
        told = {name: made.features[name] for name in own}
        if want["supply_calls"] + want["withdraw_calls"] <= 1:  # with more, words that both write count twice
            assert_same(own, told, "words")

    def market(self, sender: str, function: str, name: str, *args: Any, verb: str, **named: Any) -> None:
        """Do something in a market on both."""
        real = lambda: self.real.morpho.send(sender, function, name, *args)  # noqa: E731
        both(real, lambda: self.world.do(sender, "morpho", Action(verb, {"market": name, **named})))

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(self.people)

    def boss(self, r: random.Random) -> str:
        return self.who(r) if r.random() < 0.04 else self.owner

    def pass_time(self, r: random.Random) -> None:
        if r.random() < 0.75:
            self.evm.advance(r.choice((1, 60, 3_600, 86_400, r.randrange(1, 20 * 86_400))))

    def index(self, r: random.Random) -> int:
        return r.randrange(3) if r.random() < 0.97 else 3 + r.randrange(4)

    def _enter(self, r: random.Random, verb: str) -> None:
        self.pass_time(r)
        room = self.vault.view("maxDeposit", self.alice)
        pick, who = r.random(), self.who(r)
        amount = r.randrange(room + 1) >> r.randrange(0, 12)
        if pick < 0.05:
            amount = room + r.choice((0, 1, self.one))
        elif pick < 0.11:
            amount = r.choice((0, 1, 1 << 111, 1 << 111, 1 << 245, 1 << 255))
        if verb == "mint" and amount < 1 << 200:
            amount = self.vault.view("convertToShares", amount)
        self.enter(verb, who, amount)

    def _leave(self, r: random.Random, verb: str) -> None:
        self.pass_time(r)
        who = self.who(r)
        shares, most = self.real.held(self.vault.address, who), self.vault.view("maxWithdraw", who)
        pick = r.random()
        amount = r.randrange(most + 1) >> r.randrange(0, 6)
        if pick < 0.08:
            amount = most + r.choice((0, 0, 1, 2))
        elif pick < 0.12:
            amount = self.vault.view("convertToAssets", shares) + r.choice((0, 1, self.one))
        elif pick < 0.16:
            amount = r.choice((0, 1, 1 << 250, 1 << 255))
        if verb == "redeem" and amount < 1 << 200:
            amount = min(self.vault.view("convertToShares", amount) + (r.random() < 0.1), shares + (r.random() < 0.5))
        self.leave(verb, who, amount)

    def _accrue(self, r: random.Random) -> None:
        self.pass_time(r)
        self.accrue(self.who(r))

    def _set_cap(self, r: random.Random) -> None:
        self.set_cap(self.boss(r), self.index(r), r.choice((0, 1, r.randrange(60_000), 100_000)) * self.one)

    def _some(self, r: random.Random) -> tuple[int, ...]:
        """Two markets or all three, now and then with one that is not there or is there already."""
        order = r.sample(range(3), 3)
        if r.random() < 0.25:
            return (*order, r.choice((3, 7, order[0])))
        return tuple(order[: r.choice((2, 3))])

    def _set_supply_queue(self, r: random.Random) -> None:
        capped = [i for i in range(3) if self.state.places[i].cap]
        queue = tuple(r.sample(capped, len(capped))) if r.random() < 0.8 else self._some(r)
        self.set_supply_queue(self.boss(r), queue)

    def _set_withdraw_queue(self, r: random.Random) -> None:
        self.set_withdraw_queue(self.boss(r), tuple(r.sample(range(3), 3)) if r.random() < 0.8 else self._some(r))

    def _reallocate(self, r: random.Random) -> None:
        self.pass_time(r)
        pairs = [(a, b) for a in range(3) for b in range(3) if a != b and self.movable(a, b)]
        if r.random() < 0.1 or not pairs:
            self.reallocate(self.boss(r), self.index(r), self.index(r), r.choice((0, 1, self.one)))
            return
        source, target = r.choice(pairs)
        most = self.movable(source, target)
        amount = 1 + (r.randrange(most) >> r.randrange(0, 8))
        self.reallocate(self.boss(r), source, target, amount + (r.random() < 0.08) * most)

    def movable(self, source: int, target: int) -> int:
        """How much may go from one market to another."""
        places, now = self.state.places, self.evm.block.time
        ask = "expectedSupplyAssets"
        lent, liquid = self.look("morpho", ask, places[source].market, self.vault.address, now)
        there, _ = self.look("morpho", ask, places[target].market, self.vault.address, now)
        return max(min(lent, liquid, places[target].cap - there), 0)

    def _set_fee(self, r: random.Random) -> None:
        self.pass_time(r)
        nobody = r.random() < 0.03
        fee = r.choice((0, WAD // 10, WAD // 2, WAD // 2 + 1 if r.random() < 0.2 else 1))
        self.set_fee(self.boss(r), fee, "0x" + "00" * 20 if nobody else r.choice((self.dave, self.bob)))

    def _borrow(self, r: random.Random) -> None:
        self.pass_time(r)
        name = r.choice(list(MARKETS)) if r.random() < 0.1 else self.liquid(r)
        free = self.free(name)
        self.borrow(name, max(r.choice((free, free * r.randrange(101) // 100)), 1))

    def free(self, name: str) -> int:
        """What a market has that is not lent out."""
        assets, _, lent, *_ = self.morpho.view("market", self.real.morpho.ids[name])
        return int(assets - lent)

    def liquid(self, r: random.Random) -> str:
        """A market that could lend what Dave borrows at least, if there is one."""
        names = [name for name in MARKETS if self.free(name) >= self.one]
        return r.choice(names or list(MARKETS))

    def indebted(self, r: random.Random) -> str:
        """A market in which Dave owes something; he borrows a little where he owes nothing anywhere."""
        names = [name for name in MARKETS if self.debt(name)[1]]
        if names:
            return r.choice(names)
        name = self.liquid(r)
        self.borrow(name, self.one)
        return name

    def debt(self, name: str) -> tuple[int, int, int]:
        """Dave's shares of supply and debt, and his collateral."""
        supplied, owed, collateral = self.morpho.view("position", self.real.morpho.ids[name], self.dave)
        return supplied, owed, collateral

    def _repay(self, r: random.Random) -> None:
        self.pass_time(r)
        name = self.indebted(r)
        self.repay(name, max(self.debt(name)[1] * r.choice((100, r.randrange(1, 101))) // 100, 1))

    def _default(self, r: random.Random) -> None:
        """The price falls so far that a liquidation leaves a debt that nobody pays; mostly of little, or vaults would die."""
        name = self.indebted(r)
        owed = self.debt(name)[1]
        if r.random() < 0.8 and owed > 1:
            self.repay(name, owed - max(owed // 50, 1))
        self.default(name, r.choice((3, 30, 60)))

    # -- acts ----------------------------------------------------------------------------------------------------------

    def enter(self, verb: str, who: str, amount: int) -> Result:
        """Come in; what the contract answers is what the model says."""
        name, other = ("assets", "shares") if verb == "deposit" else ("shares", "assets")
        got, made = self.do(who, verb, verb, amount, who, **{name: amount})
        assert_same(got, made.amounts[other], verb)
        return made

    def leave(self, verb: str, who: str, amount: int) -> Result:
        """Go out."""
        name, other = ("assets", "shares") if verb == "withdraw" else ("shares", "assets")
        got, made = self.do(who, verb, verb, amount, who, who, **{name: amount})
        assert_same(got, made.amounts[other], verb)
        return made

    def accrue(self, who: str) -> None:
        """Count what has grown."""
        self.do(who, "accrue", "accrue")

    def add_market(self, who: str, name: str, cap: int) -> None:
        """Let the vault lend in a market."""
        params = self.real.morpho.params.get(name, (self.real.asset.address, *self.real.morpho.params["m0"][1:4], 7))
        named = {"venue": "morpho", "market": name, "cap": cap}
        self.do(who, "add_market", "add_market", self.morpho.address, params, cap, **named)

    def set_cap(self, who: str, index: int, cap: int) -> None:
        """Change a cap."""
        self.do(who, "set_cap", "set_cap", index, cap, index=index, cap=cap)

    def set_supply_queue(self, who: str, queue: tuple[int, ...]) -> None:
        """Say what is filled first."""
        self.do(who, "set_supply_queue", "set_supply_queue", queue, queue=",".join(map(str, queue)))

    def set_withdraw_queue(self, who: str, queue: tuple[int, ...]) -> None:
        """Say what is emptied first."""
        self.do(who, "set_withdraw_queue", "set_withdraw_queue", queue, queue=",".join(map(str, queue)))

    def reallocate(self, who: str, source: int, target: int, assets: int) -> None:
        """Move what is lent."""
        named = {"source": source, "target": target, "assets": assets}
        self.do(who, "reallocate", "reallocate", source, target, assets, **named)

    def set_fee(self, who: str, fee: int, recipient: str) -> None:
        """Change the fee."""
        told = "zero" if recipient == "0x" + "00" * 20 else recipient
        self.do(who, "set_fee", "set_fee", fee, recipient, fee=fee, recipient=told)

    def borrow(self, name: str, assets: int) -> None:
        """Dave borrows in a market on collateral that carries it with little to spare."""
        lltv = MARKETS[name][1]
        more = assets * 10**36 // self.price(name) * WAD // lltv * 11 // 10 + self.unit
        self.market(self.dave, "supplyCollateral", name, more, self.dave, b"", verb="supply_collateral", assets=more)
        args = (assets, 0, self.dave, self.dave)
        self.market(self.dave, "borrow", name, *args, verb="borrow", assets=assets)

    def repay(self, name: str, shares: int) -> None:
        """Dave repays."""
        self.market(self.dave, "repay", name, 0, shares, self.dave, b"", verb="repay", shares=shares)

    def default(self, name: str, percent: int) -> None:
        """Dave's collateral falls to so many per cent of his debt and is seized, all of it; then the price comes back."""
        price, (_, owed, collateral) = self.price(name), self.debt(name)
        _, _, lent, shares, *_ = self.morpho.view("market", self.real.morpho.ids[name])
        self.set_price(name, max(owed * lent * 10**36 * percent // (shares * collateral * 100), 1))
        try:
            args = (self.dave, collateral, 0, b"")
            self.market(self.carol, "liquidate", name, *args, verb="liquidate", borrower=self.dave, seized=collateral)
        finally:
            self.set_price(name, price)

    def price(self, name: str) -> int:
        """What the market's oracle says."""
        return int(self.real.morpho.oracles[name].view("price"))

    def set_price(self, name: str, price: int) -> None:
        """Move the market's oracle."""
        self.real.morpho.oracles[name].send(self.dave, "setPrice", price)
        self.world.do(self.dave, "morpho", Action("set_price", {"market": name, "price": price}))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The vault's whole state, what it has in every market, every balance, and the views."""
        state, real, now = self.state, self.real, self.evm.block.time
        vaults, look = self.world.models["vault"], self.look
        for name in (
            "totalSupply",
            "lastTotalAssets",
            "lostAssets",
            "fee",
            "marketCount",
            "supplyQueue",
            "withdrawQueue",
        ):
            told = self.vault.view(name)
            assert_same(list(told) if isinstance(told, tuple | list) else told, vaults.read(state, name), name)
        recipient = self.vault.view("feeRecipient")
        assert_same(recipient, "0x" + "00" * 20 if state.fee_recipient == "zero" else state.fee_recipient)
        for index, place in enumerate(state.places):
            assert_same(self.vault.view("cap", index), vaults.read(state, "cap", index), "cap")
            market, identity = self.world.states["morpho"].markets[place.market], real.morpho.ids[place.market]
            names = ("supply_assets", "supply_shares", "borrow_assets", "borrow_shares", "last_update")
            told = tuple(getattr(market, name) for name in names)
            assert_same(self.morpho.view("market", identity)[:5], told, place.market)
            for who in (self.vault.address, self.dave):
                assert_same(self.morpho.view("position", identity, who), tuple(market.of(who)), "position")
        assert_same(self.vault.view("totalAssets"), vaults.read(state, "totalAssets", now, look), "totalAssets")
        assert_same(
            self.vault.view("maxDeposit", self.alice), vaults.read(state, "maxDeposit", now, look), "maxDeposit"
        )
        held = self.world.book.held
        for who in (*self.real.actors.values(), self.vault.address, self.morpho.address):
            for token, contract in ((ASSET, real.asset), (COLLATERAL, real.collateral), (SHARE, self.vault)):
                assert_same(real.held(contract.address, who), held.get((token, who), 0), f"{token} of {who}")
        mine = held.get((SHARE, self.alice), 0)
        for name, amount, argument in (
            ("maxWithdraw", mine, self.alice),
            ("convertToAssets", mine, mine),
            ("convertToShares", self.one, self.one),
        ):
            assert_same(self.vault.view(name, argument), vaults.read(state, name, amount, now, look), name)
        assert vaults.positions(state, "vault", self.alice, now, lambda _t, _a: 0) == ()
        rate = vaults.worth(state, "vault", look, now)[SHARE]
        assert_same(rate.of_down(mine)[ASSET], self.vault.view("convertToAssets", mine), "rate")

    def look(self, venue: str, query: str, *args: Any) -> Any:
        """Ask a model's market."""
        return self.world.models[venue].read(self.world.states[venue], query, *args)
