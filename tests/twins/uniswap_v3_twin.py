"""Uniswap v3 twice: the model and the real bytecode under the same actions, compared after each.

``Twin`` does one verb on both and compares everything; ``Market`` draws random verbs. `tools/mutants.py` uses both.
"""

from __future__ import annotations

import random
from typing import Any

from harness import V3, actor, assert_same, both, read_pool
from harness.actors import endow
from harness.book import counted
from harness.contract import Contract, abi_of
from harness.evm import Evm
from harness.v3_storage import pool_slots, token_slots
from tidemill.interfaces import Action, Result, Transfer
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import NO_OBSERVATION, NO_POSITION, NO_TICK
from tidemill.venues.uniswap_v3.model_storage import storage_features

MAX = (1 << 256) - 1
TICK_FIELDS = (
    "liquidity_gross liquidity_net fee_growth_outside_0_x128 fee_growth_outside_1_x128 tick_cumulative_outside "
    "seconds_per_liquidity_outside_x128 seconds_outside"
).split()
POSITION_FIELDS = (
    "liquidity fee_growth_inside_0_last_x128 fee_growth_inside_1_last_x128 tokens_owed_0 tokens_owed_1"
).split()
GLOBALS = (
    "sqrt_price_x96 tick observation_index observation_cardinality observation_cardinality_next fee_protocol_0 "
    "fee_protocol_1 fee_growth_global_0_x128 fee_growth_global_1_x128 protocol_fees_0 protocol_fees_1 liquidity"
).split()
TOKEN_FIELDS = ("tick_lower", "tick_upper", *POSITION_FIELDS)
LIMITS = ("amount0_min", "amount1_min", "amount_out_min", "amount_in_max", "deadline")
REENTERING = {"pool_mint", "pool_swap", "pool_flash"}


class RealV3(V3):
    """The harness's Uniswap v3, with fee tiers of one's own, `close` as a multicall, and callees that reenter."""

    def __init__(self, *, spacing: int | None = None, fee: int = 3000, **kwargs: Any) -> None:
        super().__init__(fee=3000 if spacing else fee, sqrt_price_x96=None, **kwargs)
        if spacing:
            self.factory.send(self.governor, "enableFeeAmount", fee, spacing)
            address = self.factory.send(self.governor, "createPool", self.token0.address, self.token1.address, fee)
            self.pool = Contract(self.evm, address, abi_of("UniswapV3Pool"))
            self.fee, self.tick_spacing = fee, spacing

    def act(self, verb: str, sender: str, **args: Any) -> dict[str, int]:
        if args.pop("reenter", False):
            return self._reenter(verb, sender, **args)
        if verb == "close":
            return self._close(sender, **args)
        if verb == "harvest":
            verb = "collect"
        return super().act(verb, sender, **args)

    def _reenter(self, verb: str, sender: str, **args: Any) -> dict[str, int]:
        self.callee.send(sender, verb.removeprefix("pool_"), self.pool.address, *args.values(), True, 0, True)
        return {}

    def _close(self, sender: str, *, token_id: int, amount0_min: int = 0, amount1_min: int = 0, deadline: int = MAX):
        functions, calls = self.manager.abi.functions, []
        liquidity = 0
        if token_id in self.live:
            liquidity = self.manager_position(token_id)["liquidity"]
        if liquidity:
            args = (token_id, liquidity, amount0_min, amount1_min, deadline)
            calls.append(functions["decreaseLiquidity"].encode(args))
        calls.append(functions["collect"].encode((token_id, sender, (1 << 128) - 1, (1 << 128) - 1)))
        calls.append(functions["burn"].encode(token_id))
        answers = self.manager.send(sender, "multicall", calls)
        return dict(zip(("amount0", "amount1"), functions["collect"].decode(answers[-2]), strict=True))

    live: Any = ()


class Book:
    """The model's side of the world: balances and the block; the context of every action."""

    def __init__(self, held: dict[tuple[str, str], int], evm: Evm) -> None:
        self.held, self.evm, self.sender = held, evm, ""

    @property
    def block(self):
        return self.evm.block

    def balance(self, token: str, account: str) -> int:
        return self.held.get((token, account), 0)

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError("models here list their transfers")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("nothing here acts elsewhere")

    def post(self, result: Result) -> None:
        for moved in result.transfers:
            assert moved.amount > 0
            self.held[moved.token, moved.source] = self.balance(moved.token, moved.source) - moved.amount
            self.held[moved.token, moved.target] = self.balance(moved.token, moved.target) + moved.amount


class Twin:
    """One pool with its periphery, real and modelled. Accounts of the book are the real addresses."""

    def __init__(
        self,
        *,
        fee: int = 3000,
        spacing: int | None = None,
        decimals: tuple[int, int] = (18, 18),
        time: int = 1_700_000_000,
        endowment: int = 1 << 200,
    ) -> None:
        self.real = RealV3(fee=fee, spacing=spacing, decimals=decimals, evm=Evm(time=time), endowment=endowment)
        self.evm, self.pool = self.real.evm, self.real.pool.address
        spenders = (self.real.callee.address, self.real.router.address, self.real.manager.address)
        self.pauper = actor("pauper")
        endow((self.real.token0, self.real.token1), self.pauper, 1000, spenders)
        self.actors = [*self.real.actors.values()]
        self.accounts = [*self.actors, self.pauper, self.real.governor, self.pool, *spenders]
        held = {(t, who): n for who in self.accounts for t, n in zip("01", self.real.balances(who), strict=True)}
        self.book = Book(held, self.evm)
        self.model = UniswapV3Model()
        self.state = self.model.init(
            {
                "token0": "0",
                "token1": "1",
                "fee": fee,
                "tick_spacing": self.real.tick_spacing,
                "account": self.pool,
                "manager": self.real.manager.address,
                "owner": self.real.governor,
            }
        )
        self.real.live = self.state.manager.tokens
        self.ever: dict[str, set] = {"ticks": set(), "positions": set(), "observations": set(), "bitmap": set()}
        self.words: dict[tuple[str, int], int] = {}
        self.crossed = self.checks = 0

    def act(self, verb: str, who: str, **args: Any) -> dict[str, int]:
        """Do a verb on both, compare, and return its amounts; raises ``Revert`` when both refused alike."""
        journal = self.state.journal
        mark = journal.mark()
        self.book.sender = who
        action = _action(verb, self.real.callee.address, args)
        try:
            real, result = both(
                lambda: self.real.act(verb, who, **args), lambda: self.model.apply(self.state, action, self.book)
            )
        except BaseException:
            if len(journal) != mark:
                raise AssertionError(f"{verb} left notes behind") from None
            journal.commit(mark)
            self.check_globals()
            raise
        self.book.post(result)
        touched = {(id(target), key) for target, key, _ in journal._notes[mark:]}
        words = self._words_written(list(journal.since(mark)))
        journal.commit(mark)
        self.crossed += result.features.get("ticks_crossed", 0)
        self.check_amounts(real, result)
        self.check_events(result)
        self.check_words(touched, words)
        self.check(touched)
        return real

    # -- comparison ------------------------------------------------------------------------------------------------

    def check_amounts(self, real: dict[str, int], result: Result) -> None:
        real = dict(real)
        if "token_id" in real:
            assert result.position == f"uniswap_v3#{real.pop('token_id')}"
        assert_same(real, {name: result.amounts[name] for name in real}, "amounts")

    def check_events(self, result: Result) -> None:
        """Every integer of every event of pool and position manager."""
        self.pool_events = self.real.pool.events()
        real = [(n, _integers(a)) for n, a in self.pool_events]
        model = [(e.name, _integers(e.args)) for e in result.events]
        assert_same(real, [e for e in model if "tokenId" not in e[1]], "events of the pool")
        # The manager also logs who owns a token; the model says that by the position's owner.
        real = [(n, _integers(a)) for n, a in self.real.manager.events() if n not in {"Transfer", "Approval"}]
        assert_same(real, [e for e in model if "tokenId" in e[1]], "events of the position manager")

    def check_globals(self) -> None:
        real = read_pool(self.evm, self.pool)
        assert_same({n: real[n] for n in GLOBALS}, {n: getattr(self.state.pool, n) for n in GLOBALS}, "globals")
        assert real["unlocked"] == (self.state.pool.sqrt_price_x96 != 0)
        balances = {who: self.real.balances(who) for who in self.accounts}
        mine = {who: (self.book.balance("0", who), self.book.balance("1", who)) for who in self.accounts}
        assert_same(balances, mine, "balances")

    def _words_written(self, notes: list[tuple[Any, Any, Any]]) -> dict[str, int]:
        """What the model counts for gas, of the words read here, by how each ended: nothing of those in between."""
        pool = self.state.pool
        read = {id(one) for one in (pool, *(getattr(pool, name) for name in self.ever), self.state.manager.tokens)}
        counts = storage_features(note for note in notes if id(note[0]) in read)
        return {
            "slots_set": counts["slots_set"] - counts["slots_returned"],
            "slots_changed": counts["slots_changed"] - counts["slots_cleared"] - counts["slots_restored"],
            "slots_cleared": counts["slots_cleared"],
        }

    def check_words(self, touched: set[tuple[int, Any]], written: dict[str, int]) -> None:
        """How many storage words were set, changed and cleared: the model counts them, for gas."""
        tokens = {key for target, key in touched if target == id(self.state.manager.tokens)}
        slots = [(self.pool, slot) for slot in pool_slots(*self._touched_in_pool(touched).values())]
        slots += [(self.real.manager.address, slot) for token_id in tokens for slot in token_slots(token_id)]
        now = {place: self.evm.storage(*place) for place in slots}
        # A word that nobody has touched yet is zero.
        real = counted((self.words.get(place, 0), word) for place, word in now.items())
        self.words |= now
        assert_same(real, written, "storage words")

    def _touched_in_pool(self, touched: set[tuple[int, Any]]) -> dict[str, set]:
        pool = self.state.pool
        return {name: {key for target, key in touched if target == id(getattr(pool, name))} for name in self.ever}

    def check(self, touched: set[tuple[int, Any]]) -> None:
        """Globals and balances always, and whatever the model touched; everything ever touched each 20th time."""
        self.check_globals()
        self.checks += 1
        keys = self._touched_in_pool(touched)
        for name, some in keys.items():
            self.ever[name] |= some
        tokens = {key for target, key in touched if target == id(self.state.manager.tokens)}
        if self.checks % 20 == 0:
            self.check_everything()
            return
        self.check_state(keys)
        self.check_tokens(tokens & set(self.state.manager.tokens))

    def check_everything(self) -> None:
        """Every record that the model ever touched, and every token."""
        self.check_state(self.ever)
        self.check_tokens(set(self.state.manager.tokens))

    def check_tokens(self, tokens: set[int]) -> None:
        for token_id in tokens:
            real = self.real.manager_position(token_id)
            token = self.state.manager.tokens[token_id]
            assert_same([real[f] for f in TOKEN_FIELDS], list(token[1:]), f"token {token_id}")

    def check_state(self, keys: dict[str, set]) -> None:
        pool = self.state.pool
        real = read_pool(self.evm, self.pool, keys["ticks"], keys["positions"], keys["observations"], keys["bitmap"])
        for tick in keys["ticks"]:
            expected, info = real["ticks"][tick], pool.ticks.get(tick, NO_TICK)
            assert_same([expected[f] for f in TICK_FIELDS], list(info), f"tick {tick}")
            assert expected["initialized"] == (info.liquidity_gross != 0)
        for key in keys["positions"]:
            mine = list(pool.positions.get(key, NO_POSITION))
            assert_same([real["positions"][key][f] for f in POSITION_FIELDS], mine, f"position {key}")
        for index in keys["observations"]:
            mine = list(pool.observations.get(index, NO_OBSERVATION))
            assert_same(list(real["observations"][index].values()), mine, f"observation {index}")
        for word in keys["bitmap"]:
            assert_same(real["bitmap"][word], pool.bitmap.get(word, 0), f"bitmap word {word}")

    def view(self, query: str, *args: Any, now: bool = False) -> Any:
        """A view on both, compared; ``now`` for views that move with time."""
        mine = (*args, self.evm.block.time) if now else args
        real, model = both(lambda: self.real.pool.view(query, *args), lambda: self.model.read(self.state, query, *mine))
        assert_same(_plain(real), _plain(model), f"{query}{args}")
        return real


def _action(verb: str, callee: str, args: dict[str, Any]) -> Action:
    args = dict(args)
    limits = {name: args.pop(name) for name in LIMITS if name in args}
    if verb.startswith("swap_exact"):
        args["token_in"] = "0" if args.pop("zero_for_one") else "1"
        if "sqrt_price_limit_x96" in args:
            limits["sqrt_price_x96"] = args.pop("sqrt_price_limit_x96")
    if "token_id" in args:
        args["position"] = f"uniswap_v3#{args.pop('token_id')}"
    if verb == "pool_flash":
        args["recipient"] = callee
    return Action(verb, args, limits)


def _integers(args: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in args.items() if isinstance(value, int)}


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def shuffled(rng: random.Random, items: list) -> list:
    """A seeded shuffle, the list left as it is."""
    return rng.sample(items, len(items))
