"""A savings vault twice: model and our contract under the same actions by several actors, compared after each."""

from __future__ import annotations

import random

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.savings import Savings
from tidemill.interfaces import Action, Result
from tidemill.venues.savings_vault.model import SavingsModel, SavingsState

RAY = 10**27
FIVE_PERCENT = 1000000001547125957863212448
SETUPS = [((18, FIVE_PERCENT), 1), ((6, RAY + 10**19), 2), ((2, RAY), 3), ((24, RAY + 10**20 + 1), 4)]
"""(decimals, rate per second), seed."""

ASSET, SHARE = "USDT@test", "sUSDT@test"
EVENTS = ("Deposit", "Withdraw", "Drip", "RateSet")
PREVIEWS = ("convertToShares", "convertToAssets", *(f"preview{v}" for v in ("Deposit", "Mint", "Withdraw", "Redeem")))


class Twins:
    """Model and bytecode of one vault, with the same actors."""

    def __init__(self, terms: tuple[int, int], seed: int | str) -> None:
        decimals, rate = terms
        self.real = Savings(decimals=decimals, rate=rate)
        self.evm, self.vault, self.at = self.real.evm, self.real.vault, self.real.vault.address
        model = SavingsModel()
        params = {"account": self.at, "asset": ASSET, "share": SHARE, "governor": self.real.governor}
        state: SavingsState = model.init({**params, "rate": rate, "rho": self.evm.block.time})
        book = Book({ASSET: "balance"})
        for who in self.real.actors.values():
            book.add(ASSET, who, 1 << 100)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.people = {**self.real.actors, "vault": self.at}
        verbs = {"deposit": 19, "mint": 16, "withdraw": 19, "redeem": 17}
        steps = {verb: (weight, lambda r, v=verb: self._vault(r, v)) for verb, weight in verbs.items()}
        self.driver = Driver(seed, {**steps, "drip": (9, self._drip), "set_rate": (13, self._set_rate)})

    # -- draws ---------------------------------------------------------------------------------------------------------

    def held(self, token: str, who: str) -> int:
        return self.model.book.held.get((token, who), 0)

    def _vault(self, r: random.Random, verb: str) -> None:
        self._pass_time(r)
        who, now = r.choice(list(self.real.actors.values())), self.evm.block.time
        if verb in ("deposit", "mint"):
            whole = min(self.held(ASSET, who), 1 << r.randrange(2, 96))
        else:
            rich = max(self.real.actors.values(), key=lambda one: self.held(SHARE, one))
            who = rich if r.random() < 0.6 else who
            whole = self.held(SHARE, who)
        if verb in ("mint", "withdraw"):
            whole = self.model.read({"mint": "convertToShares", "withdraw": "maxWithdraw"}[verb], whole, now)
        self.act(who, verb, self._part(r, whole, self.held(ASSET, who)))

    @staticmethod
    def _part(r: random.Random, whole: int, most: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, a unit, too much or far too much."""
        pick = r.random()
        if pick < 0.04:
            return 0
        if pick < 0.14:
            return whole
        if pick < 0.2:
            return max(whole, most) + 1 + r.randrange(1 << 20)
        if pick < 0.22:
            return r.choice(((1 << 256) - 1, 1 << 200))
        if pick < 0.3:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.randrange(0, 40)

    def _drip(self, r: random.Random) -> None:
        self._pass_time(r)
        self.act(r.choice(list(self.real.actors.values())), "drip")

    def _set_rate(self, r: random.Random) -> None:
        """Rates up to some ten per cent a year; below one they are refused."""
        self._pass_time(r)
        who = self.real.governor if r.random() < 0.9 else r.choice(list(self.real.actors.values()))
        rate = RAY + r.randrange(4 * 10**18) if r.random() < 0.9 else r.choice((RAY, RAY - 1, 0))
        self.act(who, "set_rate", rate)

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.7:
            self.evm.advance(seconds=r.choice((1, 2, 12, 3_600, 86_399, 7 * 86_400)))

    # -- both sides ----------------------------------------------------------------------------------------------------

    def act(self, who: str, verb: str, amount: int = 0) -> Result:
        """Do a verb on both; raises ``Revert`` when both refused alike."""
        name = {"set_rate": "rate", "deposit": "assets", "withdraw": "assets"}.get(verb, "shares")
        parties = {"deposit": (who,), "mint": (who,), "withdraw": (who, who), "redeem": (who, who)}.get(verb, ())
        sent = (amount, *parties) if verb != "drip" else ()
        function = {"set_rate": "setRate"}.get(verb, verb)
        action = Action(verb, {name: amount} if verb != "drip" else {})
        before, elapsed = self._words(who), self.evm.block.time - self.vault.view("rho")
        got, made = both(lambda: self.vault.send(who, function, *sent), lambda: self.model.do(who, action))
        assert isinstance(made, Result)
        if parties:
            assert_same(got, made.amounts["shares" if name == "assets" else "assets"], verb)
            assert_same(amount, made.amounts[name], verb)
        elif verb == "drip":
            assert_same(got, made.amounts["chi"], verb)
        else:
            assert_same(amount, made.amounts["rate"], verb)
        real = [(event, numbers(told)) for event, told in self.vault.events() if event in EVENTS]
        assert_same(real, [(e.name, numbers(e.args)) for e in made.events], "events")
        after = self._words(who)
        want = counted([(before[key], after[key]) for key in before]) | {"accrued": int(elapsed > 0)}
        bits = f"{elapsed:b}"
        want["powers"] = len(bits) - 1 + bits[:-1].count("1")
        if verb in ("deposit", "mint"):
            want["first_shares"] = int(before[SHARE] == 0)
        elif parties:
            want["last_shares"] = int(after[SHARE] == 0)
        assert_same(want, dict(made.features), "what moves gas")
        return made

    def _words(self, who: str) -> dict[str, int]:
        words = {name: self.vault.view(name) for name in ("totalSupply", "chi", "rho", "rate")}
        words[SHARE] = self.vault.view("balanceOf", who)
        return words | {f"asset {one}": self.real.asset.view("balanceOf", one) for one in {who, self.at}}

    def compare(self) -> None:
        """Every number and balance, previews now and a while later, and what the ledger is told."""
        now, read = self.evm.block.time, self.model.read
        names = ("totalSupply", "chi", "rho", "rate")
        assert_same([self.vault.view(name) for name in names], [read(name) for name in names], "numbers")
        real = {
            (token, name): contract.view("balanceOf", who)
            for token, contract in ((SHARE, self.vault), (ASSET, self.real.asset))
            for name, who in self.people.items()
        }
        assert_same(real, {(t, name): self.held(t, who) for t in (SHARE, ASSET) for name, who in self.people.items()})
        number = self.evm.block.number
        for later in (0, 1, 86_400):
            self.evm.at(number, now + later)
            self._compare_views(now + later)
        self.evm.at(number, now)

    def _compare_views(self, now: int) -> None:
        size, read = self.model.state.total_shares // 7 + 5, self.model.read
        for name in PREVIEWS:
            assert_same(self.vault.view(name, size), read(name, size, now), name)
        assert_same(self.vault.view("totalAssets"), read("totalAssets", now), "totalAssets")
        for who in self.real.actors.values():
            assert_same(self.vault.view("maxWithdraw", who), read("maxWithdraw", self.held(SHARE, who), now), "most")
        rate = self.model.model.rates_at(self.model.state, "vault", now)[SHARE]
        assert_same({ASSET: self.vault.view("convertToAssets", 10**18)}, rate.of_down(10**18), "rate")
        assert rate.venue == "vault"
