"""MiniChefV2 twice: model and real bytecode under the same actions by several actors, compared after each.

Pools of two tokens (one of them in two pools at once) and of SUSHI itself, with a streaming rewarder, a multiplying one
or none; everything that an owner may change is changed while people stake.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from eth_hash.auto import keccak

from harness import Driver, assert_same, both
from harness.book import Book, ModelSide, counted, numbers
from harness.chef import NOBODY, Chef
from tidemill.interfaces import Action, Block, Event, Result, Revert
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState

SETUPS = [((18, 6, 8), 1), ((2, 24, 18), 2), ((18, 18, 6), 3)]
"""Decimals of the two staked tokens and of the bonus, seed."""

SUSHI, BONUS = "SUSHI@test", "BON@test"
WEEK = 7 * 86_400
MOVED = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
CHEF_EVENTS = {"Deposit", "Withdraw", "EmergencyWithdraw", "Harvest", "LogUpdatePool", "LogPoolAddition", "LogSetPool"}
CHEF_EVENTS |= {"LogSushiPerSecond"}
STREAM_EVENTS = {"LogOnReward", "LogPoolAddition", "LogSetPool", "LogUpdatePool", "LogRewardPerSecond"}


class Logged:
    """`Context` of a reader of logs: it knows the block."""

    def __init__(self, block: Block) -> None:
        self.block = block


class Twins:
    """Model and bytecode of one chef, with the same actors."""

    def __init__(self, decimals: tuple[int, int, int], seed: int | str, *, multiplier: int = 10**18 // 2) -> None:
        self.real = Chef(decimals=decimals, multiplier=multiplier)
        self.evm = self.real.evm
        self.owner, self.at = self.real.owner, self.real.chef.address
        self.stream, self.multiple = self.real.stream.address, self.real.multiple.address
        self.ids = {contract.address: token for token, contract in self.real.tokens.items()}
        shared = {"token": BONUS, "owner": self.owner}
        params = {
            "account": self.at,
            "sushi": SUSHI,
            "owner": self.owner,
            "rewarders": [
                {"account": self.stream, "streams": True, "rate": 0, **shared},
                {"account": self.multiple, "streams": False, "rate": multiplier, **shared},
            ],
        }
        model = ChefModel()
        state: ChefState = model.init(params)
        book = Book()
        for token in ("SUSHI@test", "LPA@test", "LPB@test"):
            for who in self.real.actors.values():
                book.add(token, who, 1 << 100)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.seen = model.init(params)  # told what was logged only
        self.told: list[Event] = []
        self.touched = 0
        self.fresh = 1_000
        self.driver = Driver(
            seed,
            {
                "deposit": (8, self._deposit),
                "withdraw": (7.6, self._withdraw),
                "harvest": (8.2, lambda r: self._harvest(r, "harvest")),
                "withdraw_and_harvest": (8.2, self._withdraw_and_harvest),
                "emergency_withdraw": (7.8, self._emergency),
                "update_pool": (6.9, self._update_pool),
                "update_rewarder": (6.9, self._update_rewarder),
                "fund": (6.8, self._fund),
                "add_pool": (7.4, self._add_pool),
                "set_pool": (7.6, self._set_pool),
                "set_sushi_per_second": (7.2, self._set_rate),
                "rewarder_add": (8.2, self._rewarder_add),
                "rewarder_set": (7.6, self._rewarder_set),
                "rewarder_rate": (7.1, self._rewarder_rate),
            },
        )

    def begin(self) -> None:
        """Four pools: with the streaming rewarder, without any, the first token again with the other, and of SUSHI."""
        for token, rewarder in (
            ("LPA@test", self.stream),
            ("LPB@test", NOBODY),
            ("LPA@test", self.multiple),
            (SUSHI, self.stream),
        ):
            self.add_pool(self.owner, 100, token, rewarder)
        for pid in (0, 3):
            self.rewarder_add(self.owner, 50, pid)
        self.set_rate(self.owner, 10**15)
        self.rewarder_rate(self.owner, 10**6)

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, real: Callable[[], Any], sender: str, action: Action, pid: int | None = None) -> tuple[Any, Result]:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        self.touched = self.touched if pid is None else pid
        before = self._words(sender, action) if pid is not None else {}
        got, made = both(real, lambda: self.model.do(sender, action))
        assert isinstance(made, Result)
        self._check_log(made)
        if pid is not None:
            self._check_gas(before, self._words(sender, action), sender, action, made)
        return got, made

    def _check_gas(
        self, before: dict[Any, int], after: dict[Any, int], sender: str, action: Action, made: Result
    ) -> None:
        """What moves gas, told from the chain: words, token calls, the rewarder's call, first and last stake."""
        pid = int(action.args["pid"])
        holder = action.args.get("to", sender) if action.verb in ("deposit", "stake") else sender
        was, now = before[holder, "staked"], after[holder, "staked"]
        rewarded = self.real.chef_words(pid + 1)[3][pid][2] != 0
        want = counted([(before[key], after[key]) for key in before])
        want |= {"first_stake": int(not was and bool(now)), "last_stake": int(bool(was) and not now)}
        want["transfers"] = sum(address in self.ids and topics[0] == MOVED for address, topics, _ in self.evm.logs)
        want["rewarded"] = int(rewarded)
        assert_same(want, made.features, "what moves gas")

    def _words(self, sender: str, action: Action) -> dict[Any, int]:
        """Every storage word that a staker's verb may write, read from the chain."""
        pid = int(action.args["pid"])
        if pid >= len(self.model.state.pools):
            return {}
        people = list(dict.fromkeys((*self.real.actors.values(), self.at, self.stream, self.multiple)))
        words: dict[Any, int] = {"pool": self.real.chef_words(pid + 1)[3][pid][0], "stream": self.real.stream_pool(pid)}
        for who in self.real.actors.values():
            words[who, "staked"], words[who, "debt"] = self.real.stake_words(pid, who)
            words[who, "there"], words[who, "debt there"] = self.real.stream_stake(pid, who)
        for token, contract in self.real.tokens.items():
            for who in people:
                words[token, who] = self.real.balance(contract, who)
        return words

    def _check_log(self, made: Result) -> None:
        """Every number of every event of chef and rewarder, in order; and a reader of the log alone must end alike."""
        for contract, names in ((self.real.chef, CHEF_EVENTS), (self.real.stream, STREAM_EVENTS)):
            real = [(name, numbers(args)) for name, args in contract.events() if name in names]
            mine = [e for e in made.events if e.args.get("at", self.at) == contract.address]
            assert_same(real, [(e.name, numbers(e.args)) for e in mine], "events")
        self.told = self._logged()
        for event in self.told:
            self.model.model.replay(self.seen, event, Logged(self.evm.block))
        assert_same(self.model.state, self.seen, "what the log tells")

    def _logged(self) -> list[Event]:
        """The log of the last transaction as a reader meets it: addresses of tokens and of nobody by their names."""
        out = []
        for address, topics, data in self.evm.logs:
            if address not in (self.at, self.stream):
                continue
            contract = self.real.chef if address == self.at else self.real.stream
            codec = contract.abi.events[topics[0]]
            args = codec.decode(topics, data)
            for key, value in args.items():
                if isinstance(value, str):
                    args[key] = {NOBODY: ""}.get(value, self.ids.get(value, value))
            out.append(Event(codec.name, args if address == self.at else {**args, "at": address}))
        return out

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def boss(self, r: random.Random) -> str:
        """Mostly the owner."""
        return self.who(r) if r.random() < 0.04 else self.owner

    def pid(self, r: random.Random) -> int:
        """Mostly one of the first pools; rarely one that is not there."""
        pools = len(self.model.state.pools)
        pick = r.random()
        if pick < 0.02:
            return pools + r.randrange(3)
        return r.randrange(min(pools, 4)) if pick < 0.8 else r.randrange(pools)

    def _part(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, one unit or too much."""
        pick = r.random()
        if pick < 0.03:
            return 0
        if pick < 0.1:
            return whole
        if pick < 0.13:
            return whole + 1 + r.randrange(1 << 20)
        if pick < 0.18:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.randrange(0, 20)

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.7:
            self.evm.advance(seconds=r.choice((1, 12, 3_600, WEEK)))

    def _staker(self, r: random.Random) -> tuple[int, str, int, str]:
        """A pool, somebody (mostly with a stake in it), the stake, and who is to receive."""
        self._pass_time(r)
        pid = self.pid(r)
        stakes = self.model.state.pools[pid].share.stakes if pid in self.model.state.pools else {}
        holders = [who for who in self.real.actors.values() if stakes.get(who, (0, 0))[0]]
        who = r.choice(holders) if holders and r.random() < 0.9 else self.who(r)
        to = who if r.random() < 0.7 else self.who(r)
        return pid, who, stakes.get(who, (0, 0))[0], to

    def _deposit(self, r: random.Random) -> None:
        pid, who, _, to = self._staker(r)
        token = self.model.state.pools[pid].token if pid in self.model.state.pools else SUSHI
        held = self.model.book.held[token, who]
        self.deposit(pid, who, self._part(r, held >> r.randrange(0, 60)) if r.random() < 0.97 else held + 1, to)

    def _withdraw(self, r: random.Random) -> None:
        pid, who, staked, to = self._staker(r)
        self.withdraw("withdraw", pid, who, self._part(r, staked), to)

    def _withdraw_and_harvest(self, r: random.Random) -> None:
        pid, who, staked, to = self._staker(r)
        if staked > 3 and r.random() < 0.15:
            self.withdraw("withdraw", pid, who, r.randrange(1, staked), who)
            staked = 1
        if r.random() < 0.2:
            self.exit(pid, who, to)
        else:
            self.withdraw("withdraw_and_harvest", pid, who, self._part(r, staked), to)

    def _harvest(self, r: random.Random, verb: str) -> None:
        pid, who, staked, to = self._staker(r)
        if staked > 3 and r.random() < 0.2:
            # In the second of a withdrawal two roundings may leave less than nothing owed.
            self.withdraw("withdraw", pid, who, r.randrange(1, staked), who)
        self.plain(verb, pid, who, to)

    def _emergency(self, r: random.Random) -> None:
        pid, who, _, to = self._staker(r)
        self.plain("emergency_withdraw", pid, who, to)

    def _update_pool(self, r: random.Random) -> None:
        self._pass_time(r)
        self.update_pool(self.pid(r))

    def _update_rewarder(self, r: random.Random) -> None:
        self._pass_time(r)
        self.update_rewarder(self.pid(r))

    def _fund(self, r: random.Random) -> None:
        """Enough for days or for seconds."""
        if r.random() < 0.5:
            self.fund(SUSHI, max(self.model.state.rate, 1) * r.choice((1, 1_000, WEEK * 20)) // r.randrange(1, 4) + 1)
        else:
            rate = max(self.model.state.rewarders[self.stream].rate, 1)
            self.fund(BONUS, rate * r.choice((1, 1_000, WEEK * 20)) + 1, r.choice((self.stream, self.multiple)))

    def _add_pool(self, r: random.Random) -> None:
        self._pass_time(r)
        token = r.choice(("LPA@test", "LPB@test", SUSHI))
        points = r.choice((0, 1, 30, 100)) if r.random() < 0.95 else 1 << 64
        self.add_pool(self.boss(r), points, token, r.choice((NOBODY, self.stream, self.multiple)))

    def _set_pool(self, r: random.Random) -> None:
        self._pass_time(r)
        points = r.choice((0, 1, 30, 100, 250)) if r.random() < 0.95 else r.choice((1 << 64, (1 << 256) - 1))
        rewarder = r.choice((NOBODY, self.stream, self.multiple))
        self.set_pool(self.boss(r), self.pid(r), points, rewarder, overwrite=r.random() < 0.3)

    def _set_rate(self, r: random.Random) -> None:
        self._pass_time(r)
        self.set_rate(self.boss(r), r.choice((0, 1, 10**9, 10**15, 10**18)) * r.randrange(1, 10))

    def _rewarder_add(self, r: random.Random) -> None:
        """The chef's pools that nobody has touched there, or one that the chef may never have."""
        pid = self.pid(r)
        known = self.model.state.rewarders[self.stream].pools
        if pid in known and r.random() < 0.93:
            self.fresh += 1
            pid = self.fresh
        self.rewarder_add(self.boss(r), r.choice((0, 1, 50)) if r.random() < 0.97 else 1 << 64, pid)

    def _rewarder_set(self, r: random.Random) -> None:
        self._pass_time(r)
        points = r.choice((0, 1, 50, 99)) if r.random() < 0.96 else r.choice((1 << 64, (1 << 256) - 1))
        self.rewarder_set(self.boss(r), points, self.pid(r))

    def _rewarder_rate(self, r: random.Random) -> None:
        self._pass_time(r)
        self.rewarder_rate(self.boss(r), r.choice((0, 1, 10**4, 10**10)) * r.randrange(1, 10))

    # -- acts ----------------------------------------------------------------------------------------------------------

    def _staked(self, verb: str, call: Callable[[], Any], pid: int, who: str, to: str, args: dict[str, int]) -> Result:
        """A staker's verb: what the model says was paid must be what arrived."""
        tokens = self.real.tokens
        before = {token: contract.view("balanceOf", to) for token, contract in tokens.items()}
        own = {"to": to} if to != who else {}
        _, made = self.do(call, who, Action(verb, {"pid": pid, **args, **own}), pid)
        got = {token: contract.view("balanceOf", to) - before[token] for token, contract in tokens.items()}
        said = dict.fromkeys(tokens, 0)
        said[SUSHI] += made.amounts.get("reward", 0)
        said[BONUS] += made.amounts.get("bonus", 0)
        if verb not in ("deposit", "stake"):
            said[self.model.state.pools[pid].token] += made.amounts.get("amount", 0)
        elif who == to:
            said[self.model.state.pools[pid].token] -= made.amounts["amount"]
        assert_same(got, said, "what arrived")
        return made

    def deposit(self, pid: int, who: str, amount: int, to: str) -> Result:
        """Stake."""
        call = lambda: self.real.chef.send(who, "deposit", pid, amount, to)  # noqa: E731
        return self._staked("stake" if amount % 2 else "deposit", call, pid, who, to, {"amount": amount})

    def withdraw(self, verb: str, pid: int, who: str, amount: int, to: str) -> Result:
        """Take out a part, with or without its reward."""
        function = {"withdraw": "withdraw", "withdraw_and_harvest": "withdrawAndHarvest"}[verb]
        call = lambda: self.real.chef.send(who, function, pid, amount, to)  # noqa: E731
        return self._staked(verb, call, pid, who, to, {"amount": amount})

    def exit(self, pid: int, who: str, to: str) -> Result:
        """Take out everything with its reward."""
        staked = self.real.stake_words(pid, who)[0]
        call = lambda: self.real.chef.send(who, "withdrawAndHarvest", pid, staked, to)  # noqa: E731
        return self._staked("exit", call, pid, who, to, {})

    def plain(self, verb: str, pid: int, who: str, to: str) -> Result:
        """Harvest, or leave without."""
        function = {"emergency_withdraw": "emergencyWithdraw"}.get(verb, "harvest")
        call = lambda: self.real.chef.send(who, function, pid, to)  # noqa: E731
        return self._staked(verb, call, pid, who, to, {})

    def update_pool(self, pid: int) -> None:
        """Touch a pool."""
        self.touched = pid
        self.do(
            lambda: self.real.chef.send(self.owner, "updatePool", pid), self.owner, Action("update_pool", {"pid": pid})
        )

    def update_rewarder(self, pid: int) -> None:
        """Touch a pool at the streaming rewarder."""
        self.touched = pid
        action = Action("update_rewarder", {"pid": pid, "rewarder": self.stream})
        self.do(lambda: self.real.stream.send(self.owner, "updatePool", pid), self.owner, action)

    def fund(self, token: str, amount: int, rewarder: str = "") -> None:
        """Bring rewards."""
        contract = self.real.tokens[token]
        self.real.give(contract, self.owner, amount)
        self.model.book.add(token, self.owner, amount)
        args = {"token": token, "amount": amount, **({"rewarder": rewarder} if rewarder else {})}
        to = rewarder or self.at
        self.do(lambda: contract.send(self.owner, "transfer", to, amount), self.owner, Action("fund", args))

    def add_pool(self, who: str, points: int, token: str, rewarder: str) -> None:
        """Open a pool."""
        args = {"points": points, "token": token, "rewarder": _named(rewarder)}
        at = self.real.tokens[token].address
        self.do(lambda: self.real.chef.send(who, "add", points, at, rewarder), who, Action("add_pool", args))

    def set_pool(self, who: str, pid: int, points: int, rewarder: str, *, overwrite: bool) -> None:
        """Change a pool."""
        self.touched = pid
        args = {"pid": pid, "points": points, "rewarder": _named(rewarder), "overwrite": overwrite}
        self.do(
            lambda: self.real.chef.send(who, "set", pid, points, rewarder, overwrite), who, Action("set_pool", args)
        )

    def set_rate(self, who: str, rate: int) -> None:
        """Change the emission of SUSHI."""
        action = Action("set_sushi_per_second", {"rate": rate})
        self.do(lambda: self.real.chef.send(who, "setSushiPerSecond", rate), who, action)

    def rewarder_add(self, who: str, points: int, pid: int) -> None:
        """Let a pool take part in the bonus."""
        action = Action("rewarder_add", {"rewarder": self.stream, "points": points, "pid": pid})
        self.do(lambda: self.real.stream.send(who, "add", points, pid), who, action)

    def rewarder_set(self, who: str, points: int, pid: int) -> None:
        """Change a pool's part in the bonus."""
        action = Action("rewarder_set", {"rewarder": self.stream, "points": points, "pid": pid})
        self.do(lambda: self.real.stream.send(who, "set", pid, points), who, action)

    def rewarder_rate(self, who: str, rate: int) -> None:
        """Change the bonus."""
        action = Action("rewarder_rate", {"rewarder": self.stream, "rate": rate})
        self.do(lambda: self.real.stream.send(who, "setRewardPerSecond", rate), who, action)

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The whole state of chef and rewarder by its storage, every balance, and the views of the pool last touched."""
        state = self.model.state
        real: dict[Any, Any] = {"stream": self.real.stream_words()}
        stream = state.rewarders[self.stream]
        model: dict[Any, Any] = {"stream": (stream.total_points, stream.rate)}
        real["chef"] = self.real.chef_words(len(state.pools))
        rows = [
            (p.share.word(), int(self.real.tokens[p.token].address, 16), int(p.rewarder or "0", 16))
            for p in state.pools.values()
        ]
        model["chef"] = len(state.pools), state.total_points, state.rate, rows
        for pid in (*state.pools, *stream.pools):
            real["stream", pid] = self.real.stream_pool(pid)
            model["stream", pid] = stream.pools[pid].word() if pid in stream.pools else 0
            for name, who in self.real.actors.items():
                real[pid, name] = self.real.stake_words(pid, who), self.real.stream_stake(pid, who)
                here = self.model.read("userInfo", pid, who) if pid in state.pools else (0, 0)
                model[pid, name] = here, self.model.read("rewarder.userInfo", self.stream, pid, who)
        everybody = {**self.real.actors, "chef": self.at, "stream": self.stream, "multiple": self.multiple}
        for token, contract in self.real.tokens.items():
            for name, who in everybody.items():
                real[token, name] = self.real.balance(contract, who)
                model[token, name] = self.model.book.held.get((token, who), 0)
        assert_same(real, model)
        self._compare_views(self.touched)

    def _compare_views(self, pid: int) -> None:
        """What the contracts answer about one pool; and the positions made of it."""
        chef, read = self.real.chef, self.model.read
        if pid not in self.model.state.pools:
            return
        assert_same(chef.view("poolInfo", pid), read("poolInfo", pid))
        assert_same(self.ids[chef.view("lpToken", pid)], read("lpToken", pid))
        assert_same(chef.view("rewarder", pid), read("rewarder", pid) or NOBODY)
        assert_same(chef.view("sushiPerSecond"), read("sushiPerSecond"))
        assert_same(chef.view("totalAllocPoint"), read("totalAllocPoint"))
        assert_same(chef.view("poolLength"), read("poolLength"))
        assert_same(self.real.stream.view("poolInfo", pid), read("rewarder.poolInfo", self.stream, pid))
        assert_same(self.real.stream.view("rewardPerSecond"), read("rewarder.rewardPerSecond", self.stream))
        now, token = self.evm.block.time, self.model.state.pools[pid].token
        lying = self.model.book.held.get((token, self.at), 0)
        for who in self.real.actors.values():
            assert_same(chef.view("userInfo", pid, who), read("userInfo", pid, who))
            sushi = _answer(lambda w=who: chef.view("pendingSushi", pid, w))
            assert_same(sushi, _answer(lambda w=who: read("pendingSushi", pid, w, now, lying)), "pendingSushi")
            bonus = _answer(lambda w=who: self.real.stream.view("pendingToken", pid, w))
            told = _answer(lambda w=who: read("rewarder.pendingToken", self.stream, pid, w, now, lying))
            assert_same(bonus, told, "pendingToken")
            self._compare_position(pid, who, sushi)

    def _compare_position(self, pid: int, who: str, sushi: Any) -> None:
        balance = lambda token, account: self.model.book.held.get((token, account), 0)  # noqa: E731
        found = {
            p.id: p for p in self.model.model.positions(self.model.state, "farm", who, self.evm.block.time, balance)
        }.get(f"farm#{pid}")
        want: dict[str, int] = {}
        if isinstance(sushi, int):
            want[SUSHI] = sushi
            rewarder = self.model.state.pools[pid].rewarder
            contract = {self.stream: self.real.stream, self.multiple: self.real.multiple}.get(rewarder)
            if contract is not None:
                got = _answer(lambda: contract.view("pendingTokens", pid, who, sushi))
                want[BONUS] = got[1][0] if isinstance(got, tuple) else 0
        want = {token: amount for token, amount in want.items() if amount}
        staked = self.real.stake_words(pid, who)[0]
        if found is None:
            assert_same((0, {}), (staked, want), "no position")
        else:
            assert_same((want, staked), (found.claimable, found.data["staked"]), "position")
            assert found.principal == ({self.model.state.pools[pid].token: staked} if staked else {})


def _answer(ask: Callable[[], Any]) -> Any:
    """A view's answer, or the words of its refusal."""
    try:
        return ask()
    except Revert as revert:
        return revert.reason


def _named(rewarder: str) -> str:
    return "" if rewarder == NOBODY else rewarder
