"""A vote escrow with its dividends twice: model and real bytecode under the same actions, compared after each.

People lock, add, extend and leave; weeks pass between, sometimes many; dividends arrive and are claimed. One of the
actors is a contract, which a checker may or may not let in.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from eth_hash.auto import keccak

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.escrow import NOBODY, Escrow
from tidemill.interfaces import Action, Result, Revert
from tidemill.venues.vote_escrow.model import EscrowModel
from tidemill.venues.vote_escrow.rules import LONGEST, WEEK
from tidemill.venues.vote_escrow.state import EscrowState
from tidemill.venues.vote_escrow.votes import FURTHEST

SETUPS = [((18, 6), 1), ((6, 18), 2), ((2, 24), 3), ((8, 8), 4)]
"""Decimals of the locked token and of the dividends, seed."""

VOTE, PAID = "VOTE@test", "PAID@test"
ENDOWMENT = 1 << 118
MOVED = "0x" + keccak(b"Transfer(address,address,uint256)").hex()


class Twins:
    """Model and bytecode of one escrow, with the same actors."""

    def __init__(
        self, decimals: tuple[int, int], seed: int | str, *, time: int = 1_700_000_000, endowment: int = ENDOWMENT
    ) -> None:
        self.real = Escrow(decimals=decimals, time=time, endowment=endowment)
        self.evm, self.admin = self.real.evm, self.real.admin
        self.ve, self.distributor = self.real.ve, self.real.dividends
        self.moved = {self.real.token.address, self.real.paid.address}
        self.wallet, everybody = self.real.wallet, frozenset(self.real.actors.values())
        params = {
            "account": self.ve.address,
            "token": VOTE,
            "admin": self.admin,
            "dividends": {"account": self.distributor.address, "token": PAID},
            "time": self.evm.block.time,
            "block": self.evm.block.number,
            "contracts": (self.wallet,),
            "lets": {self.real.yes: everybody, self.real.no: ()},
        }
        model = EscrowModel()
        state: EscrowState = model.init(params)
        state.checker = state.future_checker = NOBODY
        book = Book()
        for who in everybody:
            book.add(VOTE, who, endowment)
            book.add(PAID, who, endowment)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.driver = Driver(
            seed,
            {
                "create_lock": (17, self._create),
                "increase_amount": (11, self._increase),
                "deposit_for": (11, self._deposit_for),
                "increase_unlock_time": (12, self._extend),
                "withdraw": (7, self._withdraw),
                "checkpoint": (6, self._checkpoint),
                "claim": (7, self._claim),
                "checkpoint_dividends": (7, self._checkpoint_dividends),
                "fund": (7, self._fund),
                "commit_checker": (7, self._commit),
                "apply_checker": (7, self._apply),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, who: str, verb: str, contract: Any, function: str, *args: Any, **named: Any) -> tuple[Any, Result]:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        span = self._span()
        before = self._words(span)
        model = lambda: self.model.do(who, Action(verb, named))  # noqa: E731
        got, made = both(lambda: self.real.send(who, contract, function, *args), model)
        assert isinstance(made, Result)
        logged = [(name, numbers(told)) for name, told in (*self.ve.events(), *self.distributor.events())]
        assert_same(logged, [(event.name, numbers(event.args)) for event in made.events], "events")
        if verb.endswith("_checker"):
            assert not made.features
            return got, made
        sent = [topics for at, topics, _ in self.evm.logs if at in self.moved and topics[0] == MOVED]
        assert_same(len(sent) if verb != "fund" else 0, made.features.get("transfers", 0), "transfers")
        after = self._words(span)
        if contract is self.ve:
            assert_same(after["epoch"] - before["epoch"], made.features.get("weeks", 0), "weeks followed")
        slots = counted([(before[key], after[key]) for key in before])
        assert_same(slots, {name: made.features[name] for name in slots}, "what moves gas")
        return got, made

    def _span(self) -> tuple[range, range, dict[str, int]]:
        epoch = self.model.state.epoch
        weeks = (self.evm.block.time - self.real.point(epoch)[2]) // WEEK
        epochs = range(epoch, epoch + min(weeks, FURTHEST) + 3)
        return epochs, self._weeks(), {who: self.real.user_epoch(who) for who in self.real.actors.values()}

    def _words(self, span: tuple[range, range, dict[str, int]]) -> dict[Any, int]:
        """Every storage word that one act may write, from where the epochs stood before it."""
        real, (epochs, weeks, lasts) = self.real, span
        words: dict[Any, int] = dict(zip(("supply", "epoch"), real.whole(), strict=True))
        for epoch in epochs:
            words.update({("point", epoch, i): n for i, n in enumerate(real.point(epoch))})
        for week in weeks:
            words["slope", week], words["paid", week] = real.slope_change(week), real.week(week)
        for who, last in lasts.items():
            words["last", who], words["cursor", who] = real.user_epoch(who), real.cursor(who)
            for number in (last, last + 1):
                words.update({("mine", who, number, i): n for i, n in enumerate(real.user_point(who, number))})
            words.update({("lock", who, i): n for i, n in enumerate(real.lock(who))})
        words.update({("dividends", i): n for i, n in enumerate(real.dividend_words())})
        for who in (*real.actors.values(), self.ve.address, self.distributor.address):
            words["VOTE", who], words["PAID", who] = real.balance(real.token, who), real.balance(real.paid, who)
        return words

    def _weeks(self) -> range:
        """Those that one act may write: from where the dividends stand to the end of the longest lock."""
        now, first = self.evm.block.time // WEEK * WEEK, self.real.dividend_words()[0] // WEEK * WEEK
        return range(min(first, now - WEEK), now + LONGEST + WEEK, WEEK)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def one(self, r: random.Random, fits: Callable[[int, int], bool]) -> str:
        """Mostly one whose lock (amount, end) fits."""
        good = [who for who in self.real.actors.values() if fits(*self.real.lock(who))]
        return r.choice(good) if good and r.random() < 0.93 else self.who(r)

    def pass_time(self, r: random.Random) -> None:
        """Mostly hours or days; sometimes to a week's very start, sometimes months."""
        pick, now = r.random(), self.evm.block.time
        if pick < 0.3:
            seconds = 0
        elif pick < 0.7:
            seconds = r.randrange(1, 3 * 86_400)
        elif pick < 0.82:
            seconds = (now // WEEK + r.randrange(1, 4)) * WEEK - now
        elif pick < 0.99:
            seconds = r.randrange(86_400, 3 * WEEK)
        else:
            seconds = r.randrange(10 * WEEK, 60 * WEEK)  # rare: most locks end in it
        if seconds:
            self.evm.advance(seconds, r.choice((1, 5, max(seconds // 12, 1), r.randrange(1, seconds + 1))))

    def amount(self, r: random.Random, most: int) -> int:
        """Mostly part of what there is; sometimes nothing, little, everything or too much."""
        pick = r.random()
        if pick < 0.03:
            return 0
        if pick < 0.06:
            return most + 1 + r.randrange(1 << 20)
        if pick < 0.08:
            return r.choice((1 << 127, (1 << 127) - 1, (1 << 256) - 1))
        if pick < 0.16:
            return r.randrange(1, LONGEST * 3)
        return 1 + (r.randrange(most + 1) >> r.randrange(2, 60))

    def until(self, r: random.Random, least: int) -> int:
        """Mostly a time that fits; sometimes too early or too late."""
        now = self.evm.block.time
        if r.random() < 0.08:
            return r.choice((0, now, now + LONGEST + WEEK, least, (1 << 256) - 1))
        return min(least + WEEK + r.randrange(0, r.choice((3, 20, 52)) * WEEK), now + LONGEST)

    def _create(self, r: random.Random) -> None:
        self.pass_time(r)
        who = self.one(r, lambda amount, _end: amount == 0)
        self.create_lock(
            who, self.amount(r, self.real.balance(self.real.token, who)), self.until(r, self.evm.block.time)
        )

    def _open(self, amount: int, end: int) -> bool:
        return bool(amount) and end > self.evm.block.time

    def _increase(self, r: random.Random) -> None:
        self.pass_time(r)
        who = self.one(r, self._open)
        self.increase_amount(who, self.amount(r, self.real.balance(self.real.token, who)))

    def _deposit_for(self, r: random.Random) -> None:
        self.pass_time(r)
        who = self.one(r, self._open)
        self.deposit_for(self.who(r), who, self.amount(r, self.real.balance(self.real.token, who)))

    def _extend(self, r: random.Random) -> None:
        self.pass_time(r)
        furthest = self.evm.block.time + LONGEST - 2 * WEEK
        who = self.one(r, lambda amount, end: self._open(amount, end) and end < furthest)
        self.increase_unlock_time(who, self.until(r, max(self.real.lock(who)[1], self.evm.block.time)))

    def _withdraw(self, r: random.Random) -> None:
        self.pass_time(r)
        if r.random() < 0.6 and (ends := [end for who in self.real.actors.values() if (end := self.real.lock(who)[1])]):
            wait = min(ends) - self.evm.block.time + r.choice((-1, 0, 0, 0, 1))
            if wait > 0:
                self.evm.advance(wait, max(wait // 12, 1))
        self.withdraw(self.one(r, lambda amount, end: amount and end <= self.evm.block.time))

    def _checkpoint(self, r: random.Random) -> None:
        self.pass_time(r)
        self.checkpoint()

    def _claim(self, r: random.Random) -> None:
        self.pass_time(r)
        self.claim(self.who(r), self.who(r))

    def _checkpoint_dividends(self, r: random.Random) -> None:
        self.pass_time(r)
        self.checkpoint_dividends()

    def _fund(self, r: random.Random) -> None:
        who = self.who(r)
        pick = r.random()
        most = self.real.balance(self.real.paid, who)
        self.fund(who, most + 1 if pick < 0.06 else 0 if pick < 0.1 else r.randrange(most + 1) >> r.randrange(4, 60))

    def _boss(self, r: random.Random) -> str:
        return self.who(r) if r.random() < 0.05 else self.admin

    def _commit(self, r: random.Random) -> None:
        self.commit_checker(self._boss(r), r.choice((NOBODY, self.real.no, *(self.real.yes,) * 4)))

    def _apply(self, r: random.Random) -> None:
        self.apply_checker(self._boss(r))

    # -- acts ----------------------------------------------------------------------------------------------------------

    def create_lock(self, who: str, amount: int, until: int) -> None:
        """Lock."""
        self.do(who, "create_lock", self.ve, "create_lock", amount, until, amount=amount, unlock_time=until)

    def increase_amount(self, who: str, amount: int) -> None:
        """Lock more."""
        self.do(who, "increase_amount", self.ve, "increase_amount", amount, amount=amount)

    def deposit_for(self, sender: str, who: str, amount: int) -> None:
        """Add to somebody's lock."""
        self.do(sender, "deposit_for", self.ve, "deposit_for", who, amount, user=who, amount=amount)

    def increase_unlock_time(self, who: str, until: int) -> None:
        """Lock for longer."""
        self.do(who, "increase_unlock_time", self.ve, "increase_unlock_time", until, unlock_time=until)

    def withdraw(self, who: str) -> None:
        """Take everything back."""
        self.do(who, "withdraw", self.ve, "withdraw")

    def checkpoint(self) -> None:
        """Follow the sum."""
        self.do(self.admin, "checkpoint", self.ve, "checkpoint")

    def claim(self, who: str, user: str) -> int:
        """Claim for somebody; what is paid is what the contract says it is."""
        owed = self.model.read("dividends.owed", user)
        cursor = self.real.cursor(user)
        paid, made = self.do(who, "claim", self.distributor, "claim", user, user=user)
        self._check_reads(user, cursor, made)
        assert_same(paid, made.amounts["reward"], "claimed")
        assert paid <= owed
        return int(paid)

    def _check_reads(self, user: str, cursor: int, made: Result) -> None:
        """What a claim read of the past, told by searching the chain's own points as the escrow does."""
        real, looks, read, used, weeks = self.real, 0, set(), set(), 0
        slopes: list[int] = []
        if not real.user_epoch(user):
            assert {name: times for name, times in made.features.items() if times} == {"first_claim": 1}
            assert made.features.keys() >= {"weeks", "transfers"}
            return
        first = max(-(-real.user_point(user, 1)[2] // WEEK) * WEEK, real.dividend_words()[2])
        for week in range(cursor or first, real.cursor(user), WEEK):
            weeks += 1
            searched = [("mine", real.user_epoch(user), lambda number: real.user_point(user, number)[2])]
            if self.ve.view("balanceOf", user, week):
                searched.append(("all", real.whole()[1], lambda number: real.point(number)[2]))
            for name, last, time in searched:
                low, high = 0, last
                while low < high:
                    middle = (low + high + 1) // 2
                    looks += 1
                    read.add((name, middle))
                    low, high = (middle, high) if time(middle) <= week else (low, middle - 1)
                used.add((name, low))
                if name == "all":
                    slopes += [one for one in range(0, week + 1, WEEK) if one > time(low)]
        want = {"looks": looks, "points_read": len(read | used), "points_used": len(used), "weeks": weeks}
        want["first_claim"] = int(cursor == 0)
        want |= {"followed": len(slopes), "slopes_read": len(set(slopes))}
        assert_same({name: made.features.get(name, 0) for name in want}, want, "what a claim reads")

    def checkpoint_dividends(self) -> None:
        """Give what arrived to weeks."""
        self.do(self.admin, "checkpoint_dividends", self.distributor, "checkpoint_token")

    def fund(self, who: str, amount: int) -> None:
        """Send dividends."""
        to = self.distributor.address
        self.do(who, "fund", self.real.paid, "transfer", to, amount, amount=amount)

    def commit_checker(self, who: str, checker: str) -> None:
        """Name a checker."""
        self.do(who, "commit_checker", self.ve, "commit_smart_wallet_checker", checker, checker=checker)

    def apply_checker(self, who: str) -> None:
        """Put the checker in force."""
        self.do(who, "apply_checker", self.ve, "apply_smart_wallet_checker")

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The whole state by its storage, every balance, and the views."""
        real, state, read = self.real, self.model.state, self.model.read
        epoch = state.epoch
        assert_same(real.whole(), (state.supply, epoch), "supply and epoch")
        for number in range(max(epoch - 12, 0), epoch + 2):
            assert_same(real.point(number), read("point_history", number), f"point {number}")
        for week in self._weeks():
            assert_same(real.slope_change(week), read("slope_changes", week), f"slope change {week}")
            assert_same(real.week(week), read("dividends.tokens_per_week", week), f"dividends {week}")
        names = ("last_token_time", "token_last_balance", "start_time")
        assert_same(real.dividend_words(), tuple(read(f"dividends.{name}") for name in names), "distributor")
        for who in real.actors.values():
            last = real.user_epoch(who)
            assert_same(last, read("user_point_epoch", who))
            assert_same(real.lock(who), read("locked", who))
            assert_same(real.user_point(who, last), read("user_point_history", who, last))
            assert_same(real.cursor(who), read("dividends.time_cursor_of", who))
        held = self.model.book.held
        for token, contract in ((VOTE, real.token), (PAID, real.paid)):
            for who in (*real.actors.values(), self.ve.address, self.distributor.address):
                assert_same(real.balance(contract, who), held.get((token, who), 0), f"{token} of {who}")
        self._compare_views()

    def _compare_views(self) -> None:
        """What the contract answers of now, of the past and of what is to come, for one actor in turn."""
        now, number, read = self.evm.block.time, self.evm.block.number, self.model.read
        r = random.Random(f"views {self.driver.seed} {self.driver.tally.total} {now}")
        who = self.who(r)
        made = self.model.state.points[0]
        for time in (now, now // WEEK * WEEK, r.randrange(made.ts - 9, now + 9), now + r.randrange(60 * WEEK)):
            assert_same(self.ve.view("balanceOf", who, time), read("balanceOf", who, time), f"balanceOf {time}")
            assert_same(self.ve.view("totalSupply", time), read("totalSupply", time), f"totalSupply {time}")
        for block in (number, r.randrange(made.blk, number + 1), r.randrange(number + 3)):
            asked = lambda name, *args: _answer(lambda: self.ve.view(name, *args))  # noqa: E731
            told = lambda name, *args: _answer(lambda: read(name, *args, now, number))  # noqa: E731
            assert_same(asked("balanceOfAt", who, block), told("balanceOfAt", who, block), f"balanceOfAt {block}")
            assert_same(asked("totalSupplyAt", block), told("totalSupplyAt", block), f"totalSupplyAt {block}")
        for name in ("supply", "epoch", "admin", "smart_wallet_checker", "future_smart_wallet_checker"):
            assert_same(self.ve.view(name), read(name), name)
        for name in ("locked", "locked__end", "get_last_user_slope", "user_point_epoch"):
            assert_same(self.ve.view(name, who), read(name, who), name)
        last = r.randrange(self.real.user_epoch(who) + 2)
        for name in ("user_point_history", "user_point_history__ts"):
            assert_same(self.ve.view(name, who, last), read(name, who, last), name)
        assert_same(self.ve.view("point_history", 0), read("point_history", 0))
        week = now // WEEK * WEEK + r.randrange(52) * WEEK
        assert_same(self.ve.view("slope_changes", week), read("slope_changes", week))
        assert_same(self.distributor.view("tokens_per_week", week), read("dividends.tokens_per_week", week))
        self._compare_position(who)

    def _compare_position(self, who: str) -> None:
        """A position is the lock, and what claims would pay until there is no week left."""
        found = self.model.model.positions(self.model.state, "ve", who, self.evm.block.time, lambda _t, _a: 0)
        amount, end = self.real.lock(who)
        before, cursor = self.evm.snapshot(), -1
        try:
            while cursor != (cursor := self.real.cursor(who)):
                self.distributor.send(self.admin, "claim", who)
        except Revert:
            pass  # numbers burst: what is owed cannot be claimed
        owed = self.real.balance(self.real.paid, who) - self.model.book.held[PAID, who]
        self.evm.restore(before)
        if not amount and not owed:
            assert found == ()
            return
        (position,) = found
        assert_same((amount, end), (position.data["locked"], position.data["end"]), "position")
        assert position.principal == ({VOTE: amount} if amount else {})
        assert_same({PAID: owed} if owed else {}, dict(position.claimable), "claimable")


def _answer(ask: Callable[[], Any]) -> Any:
    """A view's answer, or the words of its refusal."""
    try:
        return ask()
    except Revert as revert:
        return revert.reason
