"""The v3 staker twice: model and real bytecode under the same actions by several actors, compared after each.

The pool beside it is Uniswap's, twice as well (`uniswap_v3_twin`): prices move, others add liquidity, blocks pass, while
position tokens of many ranges are staked in several incentives at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from eth_hash.auto import keccak

from harness import Driver, assert_same, both
from harness.actors import endow
from harness.book import Book, ModelSide, counted, numbers
from harness.contract import deploy
from tidemill.interfaces import Action, Position, Result, Revert
from tidemill.venues.cl_gauge.model import GaugeModel
from tidemill.venues.cl_gauge.state import Key
from tidemill.venues.uniswap_v3.position_manager import transfer
from twins.uniswap_v3_twin import Twin

SETUPS = [((18, 6), 3_000, (18, 6), 1), ((8, 18), 500, (2, 24), 2), ((2, 24), 10_000, (8, 18), 3)]
"""Decimals of the pool's tokens, its fee, decimals of the two rewards, seed."""

LEAD, LONGEST = 30 * 86_400, 90 * 86_400
NOBODY = "0x" + "00" * 20
REWARDS = ("R@test", "S@test")
KEY = ("reward", "pool", "start", "end", "refundee")
SOME = 3
"""Position tokens that each actor has at the start."""


PASSED = {"slots_set": 1_000, "slots_changed": 2_000, "slots_cleared": 3_000, "slots_returned": 4_000}
"""What passing a token on is said to write at the manager: told from all else by its size (v3's own twins count it)."""


class PoolBeside:
    """The model's pool as a gauge meets it."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.id = twin, twin.pool

    def read(self, query: str, *args: Any) -> Any:
        return self.twin.model.read(self.twin.state, query, *args)

    def positions(self, owner: str) -> list[Position]:
        held = self.twin.state.manager.tokens.items()
        return [Position(f"pool#{n}", "pool", "range", {}, {}, {}) for n, token in held if token.owner == owner]

    def pass_token(self, number: int, source: str, target: str) -> Mapping[str, int]:
        transfer(self.twin.state, number, source, "zero" if target == NOBODY else target)
        return PASSED

    def snapshot(self) -> Any:
        return self.twin.state.journal.mark()

    def restore(self, snapshot: Any) -> None:
        self.twin.state.journal.undo(snapshot)


class Twins:
    """Model and bytecode of one staker and its pool, with the same actors."""

    def __init__(self, decimals: tuple[int, int], fee: int, rewards: tuple[int, int], seed: int | str) -> None:
        self.v3 = v3 = Twin(fee=fee, decimals=decimals, endowment=1 << 180)
        self.evm, self.actors = v3.evm, v3.actors
        real = v3.real
        self.staker = deploy(
            self.evm, real.governor, "UniswapV3Staker", real.factory.address, real.manager.address, LEAD, LONGEST
        )
        self.at = self.staker.address
        self.tokens = {
            token: deploy(self.evm, real.governor, "TestToken", token, token[0], places)
            for token, places in zip(REWARDS, rewards, strict=True)
        }
        book = Book()
        for who in self.actors:
            endow(tuple(self.tokens.values()), who, 1 << 100, (self.at,))
            for token in REWARDS:
                book.add(token, who, 1 << 100)
        self.ids = {contract.address: token for token, contract in self.tokens.items()}
        self.pool = PoolBeside(v3)
        model = GaugeModel(self.pool)
        self.own = Key(REWARDS[0], v3.pool, self.evm.block.time + 60, self.evm.block.time + 3_660, self.actors[0])
        state = model.init({"account": self.at, "own": self.own, "lead": LEAD, "longest": LONGEST})
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.keys: list[Key] = []
        self.numbers: list[int] = []
        self.touched: tuple[int, Key] = (1, self.own)
        self.driver = Driver(
            seed,
            {
                "create_incentive": (8, self._create),
                "end_incentive": (8, self._end),
                "deposit": (9, self._deposit),
                "stake": (14, self._stake),
                "unstake": (9, self._unstake),
                "claim": (8, self._claim),
                "withdraw": (9, self._withdraw),
                "transfer_deposit": (8, self._transfer),
                "harvest": (9, self._harvest),
                "exit": (9, self._exit),
            },
        )

    def begin(self, seed: int | str = 0) -> None:
        """A pool with liquidity everywhere, position tokens for everybody, and one incentive to come."""
        r = random.Random(f"begin {seed}")
        v3, first = self.v3, self.actors[0]
        v3.act("pool_initialize", first, sqrt_price_x96=1 << 96)
        v3.act("pool_increase_observations", first, observation_cardinality_next=8)
        edge = 887_272 // v3.real.tick_spacing * v3.real.tick_spacing
        v3.act("pool_mint", first, tick_lower=-edge, tick_upper=edge, liquidity=1 << 70)
        for who in self.actors:
            for _ in range(SOME):
                self.mint(r, who)
        self.create(first, self.own, 10**12)

    # -- the pool ------------------------------------------------------------------------------------------------------

    def mint(self, r: random.Random, who: str) -> int:
        """Give somebody a new position token around, above or below the price."""
        spacing = self.v3.real.tick_spacing
        tick = self.v3.state.pool.tick // spacing * spacing
        lower = tick + r.randrange(-20, 12) * spacing
        upper = lower + r.randrange(1, 25) * spacing
        amount = 1 << r.randrange(40, 80)
        made = self.v3.act(
            "mint", who, tick_lower=lower, tick_upper=upper, amount0_desired=amount, amount1_desired=amount
        )
        self.numbers.append(made["token_id"])
        return made["token_id"]

    def empty(self, who: str, number: int) -> None:
        """Take all liquidity out of a token in its owner's wallet."""
        liquidity = self.v3.state.manager.tokens[number].liquidity
        if liquidity:
            self.v3.act("decrease", who, token_id=number, liquidity=liquidity)

    def swap(self, r: random.Random) -> None:
        """Move the price by some ticks, mostly; back towards where it began, more often than not."""
        tick, spacing = self.v3.state.pool.tick, self.v3.real.tick_spacing
        down = r.random() < (0.65 if tick > 0 else 0.35)
        goal = max(min(tick + r.randrange(1, 15 * spacing) * (-1 if down else 1), 800_000), -800_000)
        limit = int(1.0001 ** (goal / 2) * 2**96)
        now = self.v3.state.pool.sqrt_price_x96
        if (limit < now) == down and limit != now:
            self.v3.act("pool_swap", r.choice(self.actors), zero_for_one=down, amount_specified=1 << 120,
                        sqrt_price_limit_x96=limit)  # fmt: skip

    def increase(self, r: random.Random) -> None:
        """Add to anybody's token, staked or not: a stake goes on with the liquidity it began with."""
        number = r.choice(self.numbers)
        amount = 1 << r.randrange(40, 70)
        self.v3.act("increase", r.choice(self.actors), token_id=number, amount0_desired=amount, amount1_desired=amount)

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, verb: str, who: str, real: Callable[[], Any], **args: Any) -> Result:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        action = Action(verb, args)
        key = Key(*(args.get(name, getattr(self.own, name)) for name in KEY))
        self.touched = int(args.get("position", self.touched[0])), key
        slots = self._slots(who, args, key)
        before = [self.evm.storage(*place) for place in slots]
        journal = self.v3.state.journal
        try:
            got, made = both(real, lambda: self.model.do(who, action))
        finally:
            journal.forget()
        assert isinstance(made, Result)
        after = [self.evm.storage(*place) for place in slots]
        self._check_log(made)
        self._check_gas(counted(zip(before, after, strict=True)), made)
        if isinstance(got, int):
            assert_same(got, next(iter(made.amounts.values())), "amount")
        return made

    def _check_gas(self, want: dict[str, int], made: Result) -> None:
        """What moves gas, told from the chain: words, tokens that moved, and questions to the pool."""
        moved = [address for address, topics, _ in self.evm.logs if topics[0] == MOVED]
        passed = moved.count(self.v3.real.manager.address)
        want = {name: times + passed * PASSED[name] for name, times in want.items()}
        want["tokens_passed"] = passed
        want["transfers"] = sum(address in self.ids for address in moved)
        asked = [args["tokenId"] for name, args in self.staker.events() if name in ("TokenStaked", "TokenUnstaked")]
        tick = self.v3.real.pool.view("slot0")[1]
        ranges = [self.v3.real.manager_position(number) for number in asked]
        want["snapshots"] = len(asked)
        want["in_range"] = sum(one["tick_lower"] <= tick < one["tick_upper"] for one in ranges)
        found = {name: times for name, times in made.features.items() if name in want}
        assert_same(want, dict.fromkeys(want, 0) | found, "what moves gas")
        assert len(found) == len(made.features)

    def _slots(self, who: str, args: Mapping[str, Any], key: Key) -> list[tuple[str, int]]:
        """Every word of staker and reward token that an action may write."""
        places = self.incentive_slots(key)
        owners = {who}
        if "position" in args:
            number = int(args["position"])
            owner = self.staker.view("deposits", number)[0]
            owners = {owner if owner != NOBODY else who}
            places += [self.deposit_slot(number), *self.stake_slots(number, key)]
        places += [self.reward_slot(key.reward, owner) for owner in owners]
        places = [(self.at, place) for place in places]
        if key.reward in self.tokens:
            token = self.tokens[key.reward].address
            people = {who, self.at, key.refundee, args.get("to", who)} - {"zero"}
            places += [(token, _in_map(0, _pad(one), key_last=True)) for one in people]
        return places

    def _check_log(self, made: Result) -> None:
        """Every number of every event of the staker, in order."""
        real = [(name, numbers(args)) for name, args in self.staker.events()]
        assert_same(real, [(event.name, numbers(event.args)) for event in made.events], "events")

    def real_key(self, key: Key) -> tuple[Any, ...]:
        """An incentive as the contract takes it."""
        return (self.tokens[key.reward].address, *key[1:])

    def id_of(self, key: Key) -> bytes:
        """What the contract files an incentive under."""
        token, pool, start, end, refundee = self.real_key(key)
        return keccak(_pad(token) + _pad(pool) + start.to_bytes(32, "big") + end.to_bytes(32, "big") + _pad(refundee))

    def incentive_slots(self, key: Key) -> list[int]:
        first = _in_map(0, self.id_of(key))
        return [first, first + 1]

    def deposit_slot(self, number: int) -> int:
        return _in_map(1, number.to_bytes(32, "big"))

    def stake_slots(self, number: int, key: Key) -> list[int]:
        first = _in_map(_in_map(2, number.to_bytes(32, "big")), self.id_of(key))
        return [first, first + 1]

    def reward_slot(self, token: str, who: str) -> int:
        return _in_map(_in_map(3, _pad(self.tokens[token].address)), _pad(who))

    # -- acts ----------------------------------------------------------------------------------------------------------

    def create(self, who: str, key: Key, amount: int) -> None:
        """Bring rewards."""
        call = lambda: self.staker.send(who, "createIncentive", self.real_key(key), amount)  # noqa: E731
        self.do("create_incentive", who, call, amount=amount, **self._named(key))
        if key not in self.keys:
            self.keys.append(key)

    def end(self, who: str, key: Key) -> None:
        """Send back what is left."""
        self.do("end_incentive", who, lambda: self.staker.send(who, "endIncentive", self.real_key(key)),
                **self._named(key))  # fmt: skip

    def _named(self, key: Key) -> dict[str, Any]:
        return {name: value for name, value in zip(KEY, key, strict=True) if value != getattr(self.own, name)}

    def _hand_in(self, who: str, number: int, data: bytes) -> Callable[[], Any]:
        manager = self.v3.real.manager
        return lambda: manager.send(who, SAFE_TRANSFER, who, self.at, number, data)

    def deposit(self, who: str, number: int) -> None:
        """Hand a token in."""
        self.do("deposit", who, self._hand_in(who, number, b""), position=str(number))

    def stake(self, who: str, number: int, key: Key) -> None:
        """Stake a token, from wherever it lies."""
        call = lambda: self.staker.send(who, "stakeToken", self.real_key(key), number)  # noqa: E731
        if self.staker.view("deposits", number)[0] == NOBODY:
            token, pool, start, end, refundee = self.real_key(key)
            fields = _pad(token) + _pad(pool) + start.to_bytes(32, "big") + end.to_bytes(32, "big") + _pad(refundee)
            call = self._hand_in(who, number, fields)
        self.do("stake", who, call, position=str(number), **self._named(key))

    def unstake(self, who: str, number: int, key: Key) -> None:
        """Take a token out of an incentive."""
        self.do("unstake", who, lambda: self.staker.send(who, "unstakeToken", self.real_key(key), number),
                position=str(number), **self._named(key))  # fmt: skip

    def claim(self, who: str, token: str, to: str, amount: int) -> None:
        """Be paid."""
        args = {"reward": token} | ({"amount": amount} if amount else {}) | ({} if to == who else {"to": to})
        self.do("claim", who, lambda: self.staker.send(who, "claimReward", self.tokens[token].address, to, amount),
                **args)  # fmt: skip

    def withdraw(self, who: str, number: int, to: str) -> None:
        """Take a token home."""
        args = {} if to == who else {"to": "zero" if to == NOBODY else to}
        self.do("withdraw", who, lambda: self.staker.send(who, "withdrawToken", number, to, b""),
                position=str(number), **args)  # fmt: skip

    def transfer(self, who: str, number: int, to: str) -> None:
        """Give a token away that lies here."""
        self.do("transfer_deposit", who, lambda: self.staker.send(who, "transferDeposit", number, to),
                position=str(number), to="zero" if to == NOBODY else to)  # fmt: skip

    def together(self, verb: str, who: str, number: int, key: Key) -> None:
        """Harvest or exit, by the contract's multicall."""
        functions, real = self.staker.abi.functions, self.real_key(key)
        out = functions["unstakeToken"].encode(real, number)
        paid = functions["claimReward"].encode(real[0], who, 0)
        if verb == "harvest":
            calls = [out, functions["stakeToken"].encode(real, number), paid]
        else:
            calls = [out, paid, functions["withdrawToken"].encode(number, who, b"")]
        self.do(verb, who, lambda: self.staker.send(who, "multicall", calls), position=str(number), **self._named(key))

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(self.actors)

    def _live(self, r: random.Random) -> None:
        """Time passes, the price moves, others come."""
        if r.random() < 0.8:
            self.evm.advance(seconds=r.choice((1, 12, 60, 300)))
        pick = r.random()
        if pick < 0.3:
            self.swap(r)
        elif pick < 0.34:
            self.increase(r)

    def _keys(self, *, running: bool) -> list[Key]:
        now = self.evm.block.time
        state = self.model.state
        if running:
            mine = [k for k in self.keys if k.pool == self.v3.pool]
            return [k for k in mine if k.start <= now < k.end and state.incentives[k].left]
        return [k for k in self.keys if now >= k.end and state.incentives[k].left]

    def _any_key(self, r: random.Random) -> Key:
        """One that may be long over or never began; rarely one that nobody made."""
        if r.random() < 0.9:
            return r.choice(self.keys[-8:])
        now = self.evm.block.time
        return Key(r.choice(REWARDS), self.v3.pool, now - 10, now + r.randrange(1, 100), self.who(r))

    def _running(self, r: random.Random) -> Key:
        """An incentive that runs; one is made if none does."""
        found = self._keys(running=True)
        if not found:
            now = self.evm.block.time
            key = Key(r.choice(REWARDS), self.v3.pool, now, now + r.choice((600, 3_600, 20_000)), self.who(r))
            self.create(self.who(r), key, r.randrange(1, 1 << r.randrange(1, 60)) + 1)
            return key
        return r.choice(found)

    def _at_home(self, r: random.Random) -> tuple[str, int]:
        """A token in a wallet; one is made if there is none."""
        tokens = self.v3.state.manager.tokens
        home = [n for n in self.numbers if tokens[n].owner in self.actors]
        if not home or (len(self.numbers) < 40 and r.random() < 0.02):
            who = self.who(r)
            return who, self.mint(r, who)
        number = r.choice(home)
        return tokens[number].owner, number

    def _staked(self, r: random.Random) -> tuple[str, int, Key]:
        """A stake and its owner; one is made if there is none."""
        state = self.model.state
        if not state.stakes:
            key, tokens = self._running(r), self.v3.state.manager.tokens
            full = [n for n in self.numbers if tokens[n].owner in self.actors and tokens[n].liquidity]
            number = r.choice(full) if full else self.mint(r, self.who(r))
            self.stake(tokens[number].owner, number, key)
        number, key = r.choice(list(state.stakes))
        return state.deposits[number].owner, number, key

    def _idle(self, r: random.Random) -> tuple[str, int]:
        """A token held here that is staked nowhere; one is handed in if there is none."""
        state = self.model.state
        idle = [n for n, held in state.deposits.items() if not held.stakes]
        if not idle:
            who, number = self._at_home(r)
            self.deposit(who, number)
            return who, number
        number = r.choice(idle)
        return state.deposits[number].owner, number

    def _create(self, r: random.Random) -> None:
        self._live(r)
        now, pick = self.evm.block.time, r.random()
        start = now + r.choice((0, 0, 1, 30, 600))
        end = start + r.choice((60, 600, 3_600, 20_000))
        amount = r.randrange(1, 1 << r.randrange(2, 70))
        pool, who = self.v3.pool, self.who(r)
        if pick < 0.03:
            start = now - 1
        elif pick < 0.06:
            start = now + LEAD + r.randrange(2)
        elif pick < 0.09:
            end = start - r.randrange(2)
        elif pick < 0.12:
            end = start + LONGEST + r.randrange(2)
        elif pick < 0.15:
            amount = 0
        elif pick < 0.18:
            amount = 1 << 101
        elif pick < 0.23:
            pool = self.tokens[REWARDS[0]].address
        key = Key(r.choice(REWARDS), pool, start, end, self.who(r))
        ahead = [k for k in self.keys if k.start >= now]
        self.create(who, r.choice(ahead) if ahead and r.random() < 0.15 else key, amount)

    def _end(self, r: random.Random) -> None:
        self._live(r)
        if r.random() < 0.12:
            self.end(self.who(r), self._any_key(r))
            return
        state = self.model.state
        over = self._keys(running=False)
        if not over:
            key = min((k for k in self.keys if state.incentives[k].left), key=lambda k: k.end, default=None)
            key = key or self._running(r)
            self.evm.advance(seconds=max(key.end - self.evm.block.time, 0) + r.choice((0, 1, 500)))
            over = [key]
        key = min(over, key=lambda k: (state.incentives[k].stakes, k.end))
        if r.random() < 0.95:
            for number, staked in [s for s in state.stakes if s[1] == key]:
                self.unstake(self.who(r), number, staked)
        self.end(self.who(r), key)

    def _deposit(self, r: random.Random) -> None:
        self._live(r)
        who, number = self._at_home(r)
        pick = r.random()
        if pick < 0.06:
            who = self.who(r)
        elif pick < 0.09:
            number = r.choice((r.choice(self.numbers), 10**6))
        elif pick < 0.12:
            self.empty(who, number)
        self.deposit(who, number)

    def _stake(self, r: random.Random) -> None:
        self._live(r)
        state, tokens = self.model.state, self.v3.state.manager.tokens
        pick = r.random()
        if pick < 0.06:
            self.stake_wrongly(r)
            return
        key = self._running(r) if pick < 0.9 else self._any_key(r)
        fit = [n for n in self.numbers if (n, key) not in state.stakes and tokens[n].liquidity]
        number = r.choice(fit) if fit and r.random() < 0.85 else r.choice(self.numbers)
        held = state.deposits.get(number)
        who = held.owner if held else tokens[number].owner
        self.stake(self.who(r) if r.random() < 0.06 else who, number, key)

    def stake_wrongly(self, r: random.Random) -> None:
        """Stake again what is staked, or ahead of the start, or for another pool, or what is empty or not there."""
        who, number, key = self._staked(r)
        state, now, tokens = self.model.state, self.evm.block.time, self.v3.state.manager.tokens
        running = [(n, k) for n, k in state.stakes if k.start <= now < k.end]
        pick = r.randrange(5)
        if pick == 0 and running:
            number, key = r.choice(running)
            who = state.deposits[number].owner
        elif pick == 1:
            ahead = [k for k in self.keys if k.start > now]
            key = r.choice(ahead) if ahead else self.bring(r, self.v3.pool, now + 600)
        elif pick == 2:
            number = 10**6
        elif pick == 3:
            foreign = [k for k in self.keys if k.pool != self.v3.pool and k.start <= now < k.end]
            key = r.choice(foreign) if foreign else self.bring(r, self.tokens[REWARDS[0]].address, now)
        else:
            who, number = self._at_home(r)
            self.empty(who, number)
            key = self._running(r)
        held = state.deposits.get(number)
        if number in tokens:
            who = held.owner if held else tokens[number].owner
        self.stake(who, number, key)

    def bring(self, r: random.Random, pool: str, start: int) -> Key:
        """Make an incentive of an hour."""
        key = Key(r.choice(REWARDS), pool, start, start + 3_600, self.who(r))
        self.create(self.who(r), key, r.randrange(1, 1 << 40))
        return key

    def _unstake(self, r: random.Random) -> None:
        self._live(r)
        who, number, key = self._staked(r)
        pick = r.random()
        if pick < 0.12:
            who = self.who(r)
        elif pick < 0.2:
            number, key = r.choice(self.numbers), self._any_key(r)
        self.unstake(who, number, key)

    def _claim(self, r: random.Random) -> None:
        self._live(r)
        owed = [(token, who) for (token, who), amount in self.model.state.rewards.items() if amount]
        token, who = r.choice(owed) if owed and r.random() < 0.9 else (r.choice(REWARDS), self.who(r))
        credited = self.model.state.rewards.get((token, who), 0)
        amount = r.choice((0, 0, 1, credited // 2, credited, credited + 1))
        self.claim(who, token, who if r.random() < 0.7 else self.who(r), amount)

    def _withdraw(self, r: random.Random) -> None:
        self._live(r)
        who, number = self._idle(r)
        pick, to = r.random(), who
        if pick < 0.05:
            who = self.who(r)
        elif pick < 0.1:
            staked = [(held.owner, n) for n, held in self.model.state.deposits.items() if held.stakes]
            who, number = r.choice(staked) if staked and r.random() < 0.5 else (who, r.choice(self.numbers))
        elif pick < 0.13:
            to = self.at
        elif pick < 0.16:
            to = NOBODY
        elif pick < 0.4:
            to = self.who(r)
        self.withdraw(who, number, to)

    def _transfer(self, r: random.Random) -> None:
        self._live(r)
        held = list(self.model.state.deposits.items())
        who, number = (held and r.random() < 0.9 and _owner(r.choice(held))) or self._idle(r)
        pick = r.random()
        if pick < 0.08:
            who = self.who(r)
        elif pick < 0.12:
            number = r.choice(self.numbers)
        self.transfer(who, number, NOBODY if r.random() < 0.05 else self.who(r))

    def by_a_stranger(self, r: random.Random, verb: str) -> None:
        """A multicall for somebody else's stake, after the end if there is such a one or it is awaited."""
        self._staked(r)
        state = self.model.state
        alone = sorted((k.end, n, k) for n, k in state.stakes if state.deposits[n].stakes == 1)
        if alone and r.random() < 0.5:
            self.evm.advance(seconds=max(alone[0][0] - self.evm.block.time, 0))
        over = [(n, k) for end, n, k in alone if end <= self.evm.block.time]
        number, key = r.choice(over or list(state.stakes))
        others = [who for who in self.actors if who != state.deposits[number].owner]
        self.together(verb, r.choice(others), number, key)

    def _harvest(self, r: random.Random) -> None:
        self._live(r)
        if r.random() < 0.06:
            self.by_a_stranger(r, "harvest")
            return
        who, number, key = self._staked(r)
        running = [(n, k) for n, k in self.model.state.stakes if k.start <= self.evm.block.time < k.end]
        if running and r.random() < 0.85:
            number, key = r.choice(running)
            who = self.model.state.deposits[number].owner
        self.together("harvest", who, number, key)

    def _exit(self, r: random.Random) -> None:
        self._live(r)
        if r.random() < 0.06:
            self.by_a_stranger(r, "exit")
            return
        who, number, key = self._staked(r)
        once = [(n, k) for n, k in self.model.state.stakes if self.model.state.deposits[n].stakes == 1]
        if once and r.random() < 0.9:
            number, key = r.choice(once)
            who = self.model.state.deposits[number].owner
        self.together("exit", who, number, key)

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The whole state of the staker by its storage, every balance, who owns which token, and the views last touched."""
        state, evm = self.model.state, self.evm
        real: dict[Any, Any] = {}
        model: dict[Any, Any] = {}
        for key in self.keys[-12:]:
            left, packed = (evm.storage(self.at, slot) for slot in self.incentive_slots(key))
            real[key] = left, packed & (1 << 160) - 1, packed >> 160
            model[key] = self.model.read("incentives", *key)
        for number in self.numbers:
            word = evm.storage(self.at, self.deposit_slot(number))
            held = self.model.read("deposits", number)
            real[number] = word & (1 << 160) - 1, word >> 160 & (1 << 48) - 1
            model[number] = 0 if held[0] == "zero" else int(held[0], 16), held[1]
        for number, key in {*state.stakes, self.touched}:
            first, second = (evm.storage(self.at, slot) for slot in self.stake_slots(number, key))
            narrow = first >> 160
            real[number, key] = first & (1 << 160) - 1, second if narrow == (1 << 96) - 1 else narrow
            model[number, key] = self.model.read("stakes", number, *key)
        for token, contract in self.tokens.items():
            for who in self.actors:
                real[token, who, "owed"] = evm.storage(self.at, self.reward_slot(token, who))
                model[token, who, "owed"] = self.model.read("rewards", token, who)
            for who in (*self.actors, self.at):
                real[token, who] = evm.storage(contract.address, _in_map(0, _pad(who), key_last=True))
                model[token, who] = self.model.book.held.get((token, who), 0)
        assert_same(real, model)
        self._compare_views(*self.touched)
        self._compare_positions(self.actors[self.driver.tally.total % len(self.actors)])

    def _compare_positions(self, who: str) -> None:
        """What one of the actors has here, by the contract's own views."""
        state, view = self.model.state, self.staker.view
        mine = [n for n in self.numbers if view("deposits", n)[0] == who]
        due = {token: view("rewards", contract.address, who) for token, contract in self.tokens.items()}
        staked = 0
        for number, key in state.stakes:
            if number in mine:
                staked += view("stakes", number, self.id_of(key))[1]
                due[key.reward] += view("getRewardInfo", self.real_key(key), number)[0]
        want: list[tuple[Any, ...]] = [(f"pool#{number}", {}, {}) for number in mine]
        claimable = {token: amount for token, amount in due.items() if amount}
        if staked or claimable:
            want.append(("gauge#rewards", {"staked": staked}, claimable))
        found = self.model.model.positions(state, "gauge", who, self.evm.block.time, lambda *_: 0)
        assert_same(sorted(want), sorted((p.id, dict(p.data), dict(p.claimable)) for p in found), "positions")
        assert all(p.kind == "gauge" and not p.principal for p in found if p.venue == "gauge")

    def _compare_views(self, number: int, key: Key) -> None:
        """What the contract answers about the token and the incentive last touched."""
        read, view, now = self.model.read, self.staker.view, self.evm.block.time
        assert_same(view("incentives", self.id_of(key)), read("incentives", *key))
        owner, *rest = view("deposits", number)
        assert_same([owner if owner != NOBODY else "zero", *rest], list(read("deposits", number)), "deposit")
        assert_same(view("stakes", number, self.id_of(key)), read("stakes", number, *key))
        for token in (number, *(n for n, k in self.model.state.stakes if k == key)):
            told = _answer(lambda t=token: view("getRewardInfo", self.real_key(key), t))
            assert_same(told, _answer(lambda t=token: read("getRewardInfo", t, *key, now)), "getRewardInfo")
        if number in self.v3.state.manager.tokens:
            owned = self.v3.real.manager.view("ownerOf", number)
            assert_same(owned, self.v3.state.manager.tokens[number].owner, "owner")


MOVED = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
SAFE_TRANSFER = "safeTransferFrom(address,address,uint256,bytes)"


def _owner(entry: tuple[int, Any]) -> tuple[str, int]:
    return entry[1].owner, entry[0]


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Revert as revert:
        return revert.reason


def _pad(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def _in_map(slot: int, key: bytes, *, key_last: bool = False) -> int:
    """Where a mapping keeps an entry; Vyper hashes the slot first."""
    place = slot.to_bytes(32, "big")
    return int.from_bytes(keccak(place + key if key_last else key + place), "big")
