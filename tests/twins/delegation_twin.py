"""Delegation twice: model and our contract under the same actions by several actors, compared after each."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.delegated import Delegated
from tidemill.interfaces import Action, Result
from tidemill.venues.delegation.model import DelegationModel
from tidemill.venues.delegation.state import DelegationState, Terms

TOKEN = "STK@test"
UNIT, DAY = 10**18, 86_400
POL = Terms(
    "pol", own=10**24, elsewhere=3 * 10**27, commission=5, supply=10**28, other_mint=10**26, unbonding=3 * DAY, least=UNIT,
    reward=29_414_914_611_872_146_118_721, interval=5_120, decrease=10, bonus=10, yearly=10**26, tips=7 * 10**24,
)  # fmt: skip
SMALL = msgspec.structs.replace(
    POL,
    own=0,
    elsewhere=1_000,
    commission=97,
    supply=1,
    other_mint=7,
    unbonding=0,
    least=1,
    reward=10**6,
    decrease=0,
    bonus=33,
)
CURVE = msgspec.structs.replace(POL, form="strk", numerator=213, alpha_bps=2_500, commission=3, unbonding=7 * DAY)
PURSE = msgspec.structs.replace(
    POL, form="subsidy", rate_bps=1_000, purse=10**29, ends=4_000 * DAY, other_mint=0, commission=0
)
SETUPS = [(POL, 1), (SMALL, 2), (CURVE, 3), (PURSE, 4)]
"""Terms, seed; a programme's end counts from its beginning."""
FUNCTIONS = {"claim_unbonded": "claimUnbonded"}
OWN = {"shares": True, "pacePaid": True, "beyondPaid": True, "total": False, "leavingCount": False}
"""Words by view, and whether it asks of whom."""
VIEWS = ("total", "minted", "spent", "at", "pace", "beyond")


def without(made: Result) -> dict[str, int]:
    """The storage words that the model counted."""
    return {name: n for name, n in made.features.items() if name.startswith("slots_")}


class Twins:
    """Model and bytecode of one validator, with the same actors."""

    def __init__(self, terms: Terms, seed: int | str) -> None:
        if terms.form == "subsidy":
            terms = msgspec.structs.replace(terms, ends=Delegated(terms).evm.block.time + terms.ends)
        self.terms, self.real = terms, Delegated(terms)
        self.evm, self.at = self.real.evm, self.real.stake.address
        state = DelegationState("val", self.at, TOKEN, terms, self.real.stake.view("at"))
        book = Book({TOKEN: "balance"})
        for who in self.real.actors.values():
            book.add(TOKEN, who, 1 << 100)
        self.model = ModelSide(DelegationModel(), state, book, lambda: self.evm.block)
        self.people = {**self.real.actors, "contract": self.at}
        verbs = {"delegate": (20, self._delegate), "undelegate": (17, self._undelegate), "claim": (14, self._claim)}
        verbs |= {"restake": (13, self._restake), "claim_unbonded": (15, self._unbonded), "epoch": (21, self._epoch)}
        self.driver = Driver(seed, verbs)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        """Anybody; mostly somebody to whom something is owed, or who has stake."""
        everybody = list(self.real.actors.values())
        if r.random() < 0.7:
            return max(everybody, key=lambda one: (self.model.read("rewards", one), self.model.read("shares", one)))
        return r.choice(everybody)

    def _delegate(self, r: random.Random) -> None:
        who = r.choice(list(self.real.actors.values()))
        held = self.model.book.held.get((TOKEN, who), 0)
        amount = self.terms.least + (r.randrange(held + 1) >> r.randrange(0, 60))
        if r.random() < 0.12:
            amount = r.choice((0, self.terms.least - 1, self.terms.least, held, held + 1, (1 << 256) - 1))
        self.act(who, "delegate", amount)

    def _undelegate(self, r: random.Random) -> None:
        self._pass_time(r)
        who = max(self.real.actors.values(), key=lambda one: self.model.read("shares", one))
        held = self.model.read("shares", who)
        amount = r.choice((0, 1, held, held + 1)) if r.random() < 0.2 else r.randrange(held + 1) >> r.randrange(0, 8)
        self.act(who, "undelegate", amount)

    def _claim(self, r: random.Random) -> None:
        self._earn(r)
        self.act(self.who(r), "claim")

    def _restake(self, r: random.Random) -> None:
        self._earn(r)
        self.act(self.who(r), "restake")

    def _earn(self, r: random.Random) -> None:
        if r.random() < 0.85:
            self._epoch(r)

    def _unbonded(self, r: random.Random) -> None:
        self._pass_time(r)
        leaving, now = self.model.state.leaving, self.evm.block.time
        ready = [n for n, one in enumerate(leaving, 1) if not one.claimed and one.ready <= now]
        id_ = r.choice(ready) if ready and r.random() < 0.85 else r.randrange(len(leaving) + 2)
        owner = leaving[id_ - 1].owner if 0 < id_ <= len(leaving) else self.who(r)
        self.act(r.choice(list(self.real.actors.values())) if r.random() < 0.06 else owner, "claim_unbonded", id_)

    def _epoch(self, r: random.Random) -> None:
        self._pass_time(r)
        blocks = r.choice(
            (0, 1, self.terms.interval, r.randrange(3 * self.terms.interval), r.randrange(15 * self.terms.interval))
        )
        self.act("anybody", "epoch", blocks, r.choice((10_000, r.randrange(6_667, 10_001))), bool(r.randrange(2)))

    def _pass_time(self, r: random.Random) -> None:
        self.evm.advance(seconds=r.choice((12, 3_600, 8_960, DAY, 4 * DAY)))

    # -- both sides ----------------------------------------------------------------------------------------------------

    def act(self, who: str, verb: str, *sent: Any) -> Result:
        """Do a verb on both; raises ``Revert`` when both refused alike."""
        names = {"epoch": ("blocks", "signed_bps", "proposer"), "claim_unbonded": ("position",)}.get(verb, ("amount",))
        args = dict(zip(names, sent, strict=False))
        if verb == "claim_unbonded":
            args["position"] = f"val#{sent[0]}"
        sender = next(iter(self.real.actors.values())) if who == "anybody" else who
        before = self._words(sender, sent)
        got, made = both(
            lambda: self.real.stake.send(sender, FUNCTIONS.get(verb, verb), *sent),
            lambda: self.model.do(sender, Action(verb, args)),
        )
        assert isinstance(made, Result)
        real = [(name, numbers(told)) for name, told in self.real.stake.events()]
        assert_same(real, [(event.name, numbers(event.args)) for event in made.events], "events")
        if verb != "epoch":
            after = self._words(sender, sent)
            assert_same(counted([(before.get(key, 0), value) for key, value in after.items()]), without(made), "words")
        if verb == "undelegate":
            assert_same(
                (got, f"val#{got}"), (len(self.model.state.leaving), made.position), "the number of an unbonding"
            )
            assert made.pending is not None
            assert_same(self.real.stake.view("leaving", got)[2], made.pending.not_before.time, "ready")
        elif verb not in {"delegate", "epoch"}:
            assert_same(got, made.amounts["reward" if verb == "claim" else "amount"], verb)
        return made

    def _words(self, who: str, sent: tuple[Any, ...]) -> dict[Any, int]:
        """Storage words that an own verb may write, by the contract's views; an owner's word as 1."""
        stake, token = self.real.stake, self.real.token
        words: dict[Any, int] = {name: stake.view(name, *((who,) if of else ())) for name, of in OWN.items()}
        words |= {("held", one): token.view("balanceOf", one) for one in (who, self.at)}
        count = words["leavingCount"]
        for id_ in {count, *(n for n in sent[:1] if n <= count)} - {0}:
            _owner, amount, ready, claimed = stake.view("leaving", id_)
            words |= {(id_, name): n for name, n in zip("oarc", (1, amount, ready, int(claimed)), strict=True)}
        return words

    def compare(self) -> None:
        """Every total, balance, debt and unbonding, and what the ledger is told."""
        state, stake, model = self.model.state, self.real.stake, self.model.model
        assert_same(
            {name: stake.view(name) for name in VIEWS}, {name: getattr(state, name) for name in VIEWS}, "totals"
        )
        assert_same(stake.view("totalStake"), self.model.read("totalStake"), "stake of everybody")
        held = {name: self.real.token.view("balanceOf", who) for name, who in self.people.items()}
        assert_same(
            held, {name: self.model.book.held.get((TOKEN, who), 0) for name, who in self.people.items()}, "held"
        )
        assert_same(stake.view("leavingCount"), len(state.leaving), "unbondings")
        for id_ in range(max(1, len(state.leaving) - 3), len(state.leaving) + 1):
            one = state.leaving[id_ - 1]
            assert_same(
                tuple(stake.view("leaving", id_)), (one.owner, one.amount, one.ready, one.claimed), f"unbonding {id_}"
            )
        for who in self.real.actors.values():
            shares, (pace, beyond) = stake.view("shares", who), stake.view("owed", who)
            assert_same(
                (shares, pace + beyond), (self.model.read("shares", who), self.model.read("rewards", who)), "owed"
            )
            told = model.positions(state, "val", who, self.evm.block.time, lambda _token, _who: 0)
            mine = [p for p in told if p.kind != "unbonding"]
            if shares or pace or beyond:
                assert_same((mine[0].data, mine[0].principal), ({"staked": shares}, {TOKEN: shares} if shares else {}))
                assert_same([p.claimable for p in mine], [{TOKEN: n} if n else {} for n in (beyond, pace)], "claimable")
            else:
                assert not mine
            open_ = [one.amount for one in state.leaving if one.owner == who and not one.claimed]
            assert_same([p.principal[TOKEN] for p in told if p.kind == "unbonding"], open_, "unbonding positions")
