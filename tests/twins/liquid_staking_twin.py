"""Liquid staking twice: model and our contract under the same actions by several actors, compared after each."""

from __future__ import annotations

import random
from typing import Any

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.staking import Staking
from tidemill.interfaces import Action, Result
from tidemill.venues.liquid_staking.model import StakingModel
from tidemill.venues.liquid_staking.state import StakingState

SETUPS = [((18, 1_000, 10**21), 1), ((6, 0, 10**12), 2), ((2, 2_500, 1 << 90), 3), ((24, 10_000, 10**27), 4)]
"""(decimals, the protocol's part in basis points, largest request), seed."""

ASSET, SHARE = "TETH@test", "wTETH@test"
OWN_EVENTS = ("Staked", "Rewarded", "Slashed", "WithdrawalRequested", "WithdrawalFinalized", "WithdrawalClaimed")
FUNCTIONS = {
    "stake": "stake",
    "transfer": "transfer",
    "request_withdrawal": "requestWithdrawal",
    "claim": "claim",
    "report_rewards": "reportRewards",
    "report_slashing": "reportSlashing",
    "finalize": "finalize",
}


class Twins:
    """Model and bytecode of one contract, with the same actors."""

    def __init__(self, terms: tuple[int, int, int], seed: int | str) -> None:
        decimals, fee_bps, most = terms
        self.real = Staking(decimals=decimals, fee_bps=fee_bps, max_request=most)
        self.evm, self.at, self.boss = self.real.evm, self.real.share.address, self.real.reporter
        model = StakingModel()
        state: StakingState = model.init(
            {
                "venue": "steth",
                "account": self.at,
                "asset": ASSET,
                "share": SHARE,
                "reporter": self.boss,
                "treasury": self.real.treasury,
                "fee_bps": fee_bps,
                "max_request": most,
            }
        )
        book = Book({ASSET: "balance"})
        for who in (*self.real.actors.values(), self.boss):
            book.add(ASSET, who, 1 << 100)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.people = {**self.real.actors, "reporter": self.boss, "treasury": self.real.treasury, "contract": self.at}
        self.driver = Driver(
            seed,
            {
                "stake": (17, self._stake),
                "transfer": (10, self._transfer),
                "request_withdrawal": (24, self._request),
                "claim": (19, self._claim),
                "report_rewards": (12, self._rewards),
                "report_slashing": (9, self._slashing),
                "finalize": (15, self._finalize),
            },
        )

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def held(self, token: str, who: str) -> int:
        return self.model.book.held.get((token, who), 0)

    def _boss(self, r: random.Random) -> str:
        return self.who(r) if r.random() < 0.06 else self.boss

    def _part(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, a unit or too much."""
        pick = r.random()
        if pick < 0.04:
            return 0
        if pick < 0.1:
            return whole
        if pick < 0.14:
            return whole + 1 + r.randrange(1 << 20)
        if pick < 0.18:
            return r.randrange(1, 200)
        return r.randrange(whole + 1) >> r.randrange(0, 12)

    def _stake(self, r: random.Random) -> None:
        who = self.who(r)
        most = min(self.held(ASSET, who), 1 << r.randrange(4, 90))
        amount = self._part(r, most)
        if r.random() < 0.03:
            amount = r.choice((self.held(ASSET, who) + 1, (1 << 256) - 1))
        self.act(who, "stake", amount=amount)

    def _transfer(self, r: random.Random) -> None:
        who = self._holder(r)
        self.act(who, "transfer", to=self.who(r), amount=self._part(r, self.held(SHARE, who)))

    def _holder(self, r: random.Random) -> str:
        everybody = list(self.real.actors.values())
        return max(everybody, key=lambda who: self.held(SHARE, who)) if r.random() < 0.6 else r.choice(everybody)

    def _request(self, r: random.Random) -> None:
        """Mostly what may be asked for at once."""
        self._pass_time(r)
        who, most = self._holder(r), self.model.state.max_request
        can = min(self.held(SHARE, who), self.model.read("convertToShares", most) if r.random() < 0.95 else 1 << 255)
        self.act(who, "request_withdrawal", shares=self._part(r, can))

    def _claim(self, r: random.Random) -> None:
        state = self.model.state
        open_ = [i for i, one in enumerate(state.requests, 1) if i <= state.finalized and not one.claimed]
        id_ = r.choice(open_) if open_ and r.random() < 0.85 else r.randrange(len(state.requests) + 2)
        owner = state.requests[id_ - 1].owner if 0 < id_ <= len(state.requests) else self.who(r)
        self.act(self.who(r) if r.random() < 0.05 else owner, "claim", position=f"steth#{id_}")

    def _rewards(self, r: random.Random) -> None:
        total = self.model.state.total_assets
        amount = self._part(r, total // 50)
        if r.random() < 0.03:
            amount = r.choice((1 << 101, (1 << 256) - 1))
        self.act(self._boss(r), "report_rewards", amount=amount)

    def _slashing(self, r: random.Random) -> None:
        total = self.model.state.total_assets
        self.act(self._boss(r), "report_slashing", amount=self._part(r, total if r.random() < 0.05 else total // 20))

    def _finalize(self, r: random.Random) -> None:
        self._pass_time(r)
        now = self.evm.block.time
        self.act(self._boss(r), "finalize", until=now - r.choice((0, 0, 3_600, 86_400)))

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.6:
            self.evm.advance(seconds=r.choice((12, 3_600, 43_200)))

    # -- both sides ----------------------------------------------------------------------------------------------------

    def act(self, who: str, verb: str, **args: Any) -> Result:
        """Do a verb on both; raises ``Revert`` when both refused alike."""
        sent = tuple(int(value.partition("#")[2]) if name == "position" else value for name, value in args.items())
        known = len(self.model.state.requests)
        id_ = sent[0] if verb == "claim" else known + 1
        before = self._words(who, id_)
        got, made = both(
            lambda: self.real.share.send(who, FUNCTIONS[verb], *sent), lambda: self.model.do(who, Action(verb, args))
        )
        assert isinstance(made, Result)
        self._check(verb, got, made, id_)
        real = [(name, numbers(told)) for name, told in self.real.share.events() if name in OWN_EVENTS]
        assert_same(real, [(e.name, numbers(e.args)) for e in made.events], "events")
        if verb in ("stake", "transfer", "request_withdrawal", "claim"):
            after = self._words(who, id_)
            want = counted([(before[key], after[key]) for key in before])
            if verb == "stake":
                want["first_shares"] = int(before[SHARE, who] == 0)
            if verb == "request_withdrawal":
                want["last_shares"] = int(after[SHARE, who] == 0)
            assert_same(want, dict(made.features), "what moves gas")
        return made

    @staticmethod
    def _check(verb: str, got: Any, made: Result, id_: int) -> None:
        """What the function returns is what the model says."""
        if verb == "request_withdrawal":
            assert_same((got, f"steth#{got}"), (id_, made.position), "the request's number")
        elif verb in ("stake", "report_rewards"):
            assert_same(got, made.amounts["shares"], verb)
        elif verb in ("claim", "finalize"):
            assert_same(got, made.amounts["assets"], verb)

    def _words(self, who: str, id_: int) -> dict[Any, int]:
        """Storage words that a verb may write, by the contract's views; of a request, its owner's word as 0 or 1."""
        share = self.real.share
        words: dict[Any, int] = {name: share.view(name) for name in ("totalSupply", "totalAssets", "requestCount")}
        for token, contract in ((SHARE, share), (ASSET, self.real.asset)):
            for one in (*self.real.actors.values(), self.at):
                words[token, one] = contract.view("balanceOf", one)
        found = share.view("request", id_) if 0 < id_ <= words["requestCount"] else ()
        names = ("owner", "assets", "shares", "time", "paid", "claimed")
        for name in names:
            words["request", name] = 0
        if found:
            values = dict(zip(names, found[0] if len(found) == 1 else found, strict=True))
            finalized = id_ <= share.view("lastFinalized")
            kept = {"owner": 1, "claimed": int(values["claimed"]), "paid": values["paid"] if finalized else 0}
            words |= {("request", name): kept.get(name, values[name]) for name in names}
        return words

    def compare(self) -> None:
        """Every total, balance and view, the requests last touched, and what the ledger is told."""
        state, share, read = self.model.state, self.real.share, self.model.read
        names = ("totalSupply", "totalAssets", "lastFinalized", "requestCount", "getRate")
        assert_same([share.view(name) for name in names], [read(name) for name in names], "totals")
        real = {
            (token, name): contract.view("balanceOf", who)
            for token, contract in ((SHARE, share), (ASSET, self.real.asset))
            for name, who in self.people.items()
        }
        assert_same(real, {(t, name): self.held(t, who) for t in (SHARE, ASSET) for name, who in self.people.items()})
        size = state.total_shares // 7 + 5
        for name in ("convertToShares", "convertToAssets"):
            if state.total_assets:
                assert_same(share.view(name, size), read(name, size), name)
        recent = {i for i in range(len(state.requests) - 3, len(state.requests) + 1) if i > 0}
        recent |= {i for i in (state.finalized, state.finalized + 1) if 0 < i <= len(state.requests)}
        asked = {id_: share.view("request", id_) for id_ in recent}
        for id_, found in asked.items():
            assert_same(tuple(found), tuple(read("request", id_)), f"request {id_}")
        self._compare_positions(asked)

    def _compare_positions(self, asked: dict[int, Any]) -> None:
        """Requests as positions, and the rate of a share, against the contract's own views."""
        rate = self.model.model.rates(self.model.state, "steth", self.held)[SHARE]
        assert_same({ASSET: self.real.share.view("getRate")}, rate.of_down(10**18), "rate")
        assert rate.venue == "steth"
        for who in self.real.actors.values():
            told = self.model.model.positions(self.model.state, "steth", who, self.evm.block.time, self.held)
            mine = {int(p.id.partition("#")[2]): p for p in told}
            for id_, (owner, _assets, shares, _time, paid, claimed) in asked.items():
                want = [({"size": shares}, {ASSET: paid})] if owner == who and not claimed else []
                assert_same(want, [(p.data, p.principal) for i, p in mine.items() if i == id_], f"position {id_}")
