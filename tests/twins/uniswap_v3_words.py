"""Storage words that the model counts for gas and `Twin` does not read: the position manager's lists, and the tokens'.

A word's ends are read off the contracts. What goes on in between (locks, the router's word that is written and put
back) shows in no word; it is held against EIP-2200 by itself (``one_word_by_the_rule``) and against what is known of
the contracts (``locks_and_words_put_back``); ``tests/networks/test_gas_measured.py`` reads traces.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from eth_hash.auto import keccak

from harness import assert_same
from harness.book import counted
from harness.v3_storage import _slot, pool_slots, token_slots
from tidemill.venues.uniswap_v3.model_state import ManagerState
from tidemill.venues.uniswap_v3.model_storage import WORDS, storage_features, write_word
from tidemill.venues.uniswap_v3.rules import sqrt_ratio_at_tick
from twins.uniswap_v3_reverts import BELOW, E18, IN, PRICE, prepared
from twins.uniswap_v3_twin import Twin

TAKING = {
    "mint": ("amount0_desired", "amount1_desired"),
    "increase": ("amount0_desired", "amount1_desired"),
    "swap_exact_in": ("amount_in",),
    "swap_exact_out": ("amount_in_max",),
}
"""What a client approves before a verb."""
OWNERS, ALL_TOKENS, PLACES, POOL_IDS, POOL_KEYS, NEXT = 1, 2, 3, 10, 11, 13
"""Where the position manager keeps what is not a position."""
RANGES = ((-600, 600), (-120, 120), (-1200, -600))
BOTH = {"amount0_desired": E18, "amount1_desired": E18}
MOST_TOKENS = 9


class Counted(Twin):
    """A 0.3 % pool of which every word is read around every verb of the periphery.

    The sender approves exactly what the verb may take, as the client does.
    """

    def act(self, verb: str, who: str, **args: Any) -> dict[str, int]:
        allowed, before = self._approve(verb, who, args), self._words(verb, who)
        manager, told, apply = self._manager(verb, who, args), [], self.model.apply

        def noted(*args: Any) -> Any:
            told.append(apply(*args))
            return told[-1]

        self.model.apply = noted
        try:
            answer = super().act(verb, who, **args)
        finally:
            self.model.apply = apply
        features = told[-1].features
        expected = (
            manager
            | counted(zip(before, self._words(verb, who), strict=True))
            | {"approvals": sum(n > 0 for n in allowed)}
        )
        used = sum(n > 0 and not left for n, left in zip(allowed, self._allowances(verb, who), strict=False))
        expected |= {"allowances_used_up": used, "allowances_left": expected["approvals"] - used}
        assert_same(expected, {name: ended(features).get(name, 0) for name in expected}, f"what moves gas of {verb}")
        return answer

    def hold_nothing(self, who: str) -> None:
        """Give all of both tokens away."""
        for name, token in zip("01", (self.real.token0, self.real.token1), strict=True):
            amount, other = self.book.held[name, who], self.real.governor
            token.send(who, "transfer", other, amount)
            self.book.held[name, who] = 0
            self.book.held[name, other] = self.book.balance(name, other) + amount

    def _approve(self, verb: str, who: str, args: dict[str, Any]) -> list[int]:
        tokens = self._taken(verb, args)
        amounts = [args[name] for name in TAKING.get(verb, ())]
        for token, amount in zip(tokens, amounts, strict=True):
            token.send(who, "approve", self._called(verb), amount)
        self.taken = tokens
        return amounts

    def _taken(self, verb: str, args: dict[str, Any]) -> list[Any]:
        tokens = [self.real.token0, self.real.token1]
        if verb.startswith("swap_"):
            return [tokens[not args["zero_for_one"]]]
        return tokens if verb in TAKING else []

    def _called(self, verb: str) -> str:
        return (self.real.router if verb.startswith("swap_") else self.real.manager).address

    def _allowances(self, verb: str, who: str) -> list[int]:
        return [token.view("allowance", who, self._called(verb)) for token in self.taken]

    def _words(self, verb: str, who: str) -> list[int]:
        """Every word that a verb of the periphery may write."""
        manager, ids = self.real.manager.address, range(1, MOST_TOKENS + 1)
        slots = [NEXT, ALL_TOKENS, _slot(int(self.pool, 16), POOL_IDS), _slot(1, POOL_KEYS), _slot(1, POOL_KEYS) + 1]
        slots += [slot for token_id in ids for slot in (*token_slots(token_id), _slot(token_id, PLACES))]
        slots += [_listed(ALL_TOKENS) + i for i in range(2 * MOST_TOKENS)]
        for owner in self.actors:
            base = _slot(int(owner, 16), OWNERS)
            slots += [base, *(_listed(base) + i for i in range(MOST_TOKENS)), *(_slot(i, base + 1) for i in ids)]
        ticks = {tick for ends in RANGES for tick in ends}
        pool = pool_slots(ticks, [(manager, *ends) for ends in RANGES], range(4), range(-2, 3))
        return [
            *(self.evm.storage(manager, slot) for slot in slots),
            *(self.evm.storage(self.pool, slot) for slot in pool),
            *(n for account in (who, self.pool) for n in self.real.balances(account)),
            *self._allowances(verb, who),
        ]

    def _manager(self, verb: str, who: str, args: dict[str, Any]) -> dict[str, int]:
        """Position tokens moved in the manager's enumerations, and what is the first of its kind."""
        manager, held = self.real.manager, self.real.manager.view("balanceOf", who)
        if verb in ("burn", "close"):
            own = manager.view("tokenOfOwnerByIndex", who, held - 1)
            last = manager.view("tokenByIndex", manager.view("totalSupply") - 1)
            return {
                "own_tokens_moved": int(own != args["token_id"]),
                "tokens_moved": int(last != args["token_id"]),
            }
        known = self.evm.storage(manager.address, _slot(int(self.pool, 16), POOL_IDS))
        return {"first_of_owner": int(held == 0), "first_of_pool": int(known == 0)} if verb == "mint" else {}


def _listed(slot: int) -> int:
    """Where the entries of an array lie."""
    return int.from_bytes(keccak(slot.to_bytes(32, "big")), "big")


def ended(counts: dict[str, int]) -> dict[str, int]:
    """The same counts by how words ended."""
    returned, restored = counts.get("slots_returned", 0), counts.get("slots_restored", 0)
    changed = counts["slots_changed"] - counts["slots_cleared"] - restored
    return counts | {"slots_set": counts["slots_set"] - returned, "slots_changed": changed}


def position_tokens_from_first_to_last() -> None:
    """Several tokens of several owners, burnt in every order; wallets full and empty, allowances used up and left."""
    twin = Counted()
    alice, bob, _ = twin.actors
    Twin.act(twin, "pool_initialize", bob, sqrt_price_x96=PRICE)
    Twin.act(twin, "pool_increase_observations", bob, observation_cardinality_next=3)
    inside, narrow, below = ({"tick_lower": lower, "tick_upper": upper} for lower, upper in RANGES)
    for who, ends in ((bob, inside), (alice, narrow), (alice, inside), (alice, below), (bob, narrow)):
        twin.act("mint", who, **ends, **BOTH)
    twin.act("mint", alice, **below, amount0_desired=0, amount1_desired=1)  # nothing of token0 to approve
    twin.evm.advance()
    exact = {"zero_for_one": True, "amount_in": 10**16}
    twin.act("swap_exact_in", alice, **exact)
    twin.act("swap_exact_in", alice, **exact, sqrt_price_limit_x96=twin.state.pool.sqrt_price_x96 - (1 << 80))
    for zero_for_one in (True, False):
        twin.evm.advance()
        twin.act("swap_exact_out", bob, zero_for_one=zero_for_one, amount_out=10**15, amount_in_max=10**17)
    twin.act("increase", alice, token_id=2, **BOTH)
    twin.act("collect", alice, token_id=2)
    twin.act("collect", bob, token_id=5, amount0_max=1, amount1_max=0)
    twin.act("harvest", bob, token_id=5)
    twin.act("decrease", alice, token_id=3, liquidity=1000)
    twin.hold_nothing(alice)
    twin.act("collect", alice, token_id=3)
    twin.act("close", alice, token_id=2)
    twin.act("swap_exact_in", alice, zero_for_one=True, amount_in=twin.book.balance("0", alice))
    twin.act("decrease", bob, token_id=5, liquidity=twin.state.manager.tokens[5].liquidity)
    twin.act("collect", bob, token_id=5)
    twin.act("burn", bob, token_id=5)
    twin.act("mint", bob, **below, **BOTH)
    for who, token_id in ((bob, 1), (alice, 4), (alice, 3), (bob, 7), (alice, 6)):
        twin.act("close", who, token_id=token_id)
    twin.act("mint", bob, **inside, **BOTH)


def tokens_among_others_unknown() -> None:
    """Somebody the model knows nothing of mints in another pool, before and after: the manager's lists are longer."""
    twin = Counted()
    alice, bob, stranger = twin.actors
    real, manager = twin.real, twin.state.manager
    Twin.act(twin, "pool_initialize", bob, sqrt_price_x96=PRICE)
    inside = {"tick_lower": RANGES[0][0], "tick_upper": RANGES[0][1]}
    twin.act("mint", bob, **inside, **BOTH)
    tokens = (real.token0.address, real.token1.address)
    real.manager.send(stranger, "createAndInitializePoolIfNecessary", *tokens, 500, PRICE)

    def minted_elsewhere() -> None:
        real.manager.send(stranger, "mint", (*tokens, 500, -600, 600, E18, E18, 0, 0, stranger, 1 << 60))
        manager.next_id += 1
        for name, amount in zip("01", real.balances(stranger), strict=True):
            twin.book.held[name, stranger] = amount

    minted_elsewhere()
    manager.elsewhere = True
    mine = []
    for _ in range(3):
        mine.append(manager.next_id)
        twin.act("mint", alice, **inside, **BOTH)
    for token_id in (mine[1], mine[2], mine[0]):
        minted_elsewhere()  # so theirs is the last when ours goes
        twin.act("close", alice, token_id=token_id)


def tokens_told_at_once() -> None:
    """A manager told of tokens that nobody has burnt enumerates them as one that saw them minted, and goes on alike."""
    twin = Counted()
    alice, bob, _ = twin.actors
    Twin.act(twin, "pool_initialize", bob, sqrt_price_x96=PRICE)
    inside = {"tick_lower": RANGES[0][0], "tick_upper": RANGES[0][1]}
    for who in (alice, bob, alice, alice, bob):
        twin.act("mint", who, **inside, **BOTH)
    lived = twin.state.manager
    told = ManagerState(lived.account, lived.next_id, dict(lived.tokens))
    for name in ("entries", "places", "sizes"):
        assert_same(getattr(lived, name), getattr(told, name), name)
    lived.entries, lived.places, lived.sizes = told.entries, told.places, told.sizes
    twin.act("close", alice, token_id=1)
    twin.act("mint", bob, **inside, **BOTH)


def tokens_of_one_unit_or_one_token() -> None:
    """A token of one unit of liquidity earns, is collected and closed; one that is owed token1 alone is not cleared."""
    twin = prepared()
    alice, bob, _ = twin.actors
    for token_id, who in ((1, alice), (3, alice)):
        twin.act("decrease", who, token_id=token_id, liquidity=twin.state.manager.tokens[token_id].liquidity - 1)
    for tick in (-1000, 1000):
        limit = {"amount_specified": 10**20, "sqrt_price_limit_x96": sqrt_ratio_at_tick(tick)}
        twin.act("pool_swap", bob, zero_for_one=tick < 0, **limit)
    twin.act("collect", alice, token_id=1)
    twin.act("close", alice, token_id=1)
    twin.act("close", alice, token_id=3)
    twin.act("pool_swap", bob, zero_for_one=True, amount_specified=10**20, sqrt_price_limit_x96=PRICE)
    twin.act("mint", alice, **BELOW, **BOTH)
    newest = twin.state.manager.next_id - 1
    twin.act("decrease", alice, token_id=newest, liquidity=twin.state.manager.tokens[newest].liquidity)
    owed = twin.state.manager.tokens[newest]
    assert owed.tokens_owed_0 == 0 < owed.tokens_owed_1
    reasons = []
    try:
        twin.act("burn", alice, token_id=newest)
    except Exception as error:  # noqa: BLE001 - Revert of whichever errors module is loaded
        reasons.append(getattr(error, "reason", repr(error)))
    assert reasons == ["Not cleared"]


def locks_and_words_put_back() -> None:
    """A call of the pool that moves nothing writes its lock twice; the router puts a word of its own back."""
    twin = prepared()
    alice, bob, _ = twin.actors
    told = _listening(twin)

    def counts(*names: str) -> list[int]:
        return [told[-1].get(name, 0) for name in names]

    changed = ("slots_set", "slots_changed", "slots_restored", "slots_cleared", "slots_returned", "pool_calls", "pokes")
    twin.act("pool_collect", bob, **IN)
    assert counts(*changed) == [0, 1, 1, 0, 0, 1, 0]
    # Brought up to date without anything earned: the pool is called twice, and no word but its lock moves.
    twin.act("collect", alice, token_id=1)
    assert counts(*changed) == [0, 2, 2, 0, 0, 2, 1]
    # Without liquidity it is called once. One unit of token0 is paid: two balances, what the pool and what the token owes.
    twin.act("collect", bob, token_id=2, amount0_max=1, amount1_max=0)
    assert counts(*changed) == [0, 5, 1, 0, 0, 1, 0]
    # The same swap both ways, from the same words: asked for an output the router keeps what it paid, and puts that back.
    # (Asked for an input it uses the allowance up, which clears a word.)
    both = []
    asked = {"swap_exact_in": {"amount_in": 10**15}, "swap_exact_out": {"amount_out": 10**15, "amount_in_max": E18}}
    for verb, args in asked.items():
        twin = prepared()
        told = _listening(twin)
        twin.act(verb, twin.actors[0], zero_for_one=True, **args)
        both.append(counts(*changed))
    assert [out - in_ for in_, out in zip(*both, strict=True)] == [0, 1, 1, -1, 0, 0, 0]


def words_of_the_bitmap_and_of_observations() -> None:
    """Which words of the bitmap are looked at on the way, and when the ring of observations moves on."""
    twin = Twin()
    alice = twin.actors[0]
    twin.act("pool_initialize", alice, sqrt_price_x96=sqrt_ratio_at_tick(253 * 60))
    told = _listening(twin)
    ends = {"tick_lower": 252 * 60, "tick_upper": 258 * 60}  # compressed: one in word 0, one in word 1
    twin.act("pool_mint", alice, **ends, liquidity=E18)
    assert told[-1]["bitmap_words"] == 2
    twin.act("pool_increase_observations", alice, observation_cardinality_next=2)
    slots = []
    for tick, words in ((256 * 60 + 7, 2), (256 * 60 + 9, 1), (254 * 60, 2), (253 * 60 + 1, 1)):
        twin.evm.advance()
        limit = {"amount_specified": 1 << 100, "sqrt_price_limit_x96": sqrt_ratio_at_tick(tick)}
        twin.act("pool_swap", alice, zero_for_one=tick < twin.state.pool.tick, **limit)
        assert told[-1]["bitmap_words"] == words, tick
        slots.append((told[-1]["observations_written"], told[-1]["observation_slots"]))
    assert slots == [(1, 1)] * 4
    # With room for one the ring stays where it is.
    twin = prepared()
    told = _listening(twin)
    twin.evm.advance()
    twin.act("pool_swap", twin.actors[0], zero_for_one=True, amount_specified=10**19)
    assert (told[-1]["observations_written"], told[-1]["observation_slots"]) == (1, 0)


def _listening(twin: Twin) -> list[dict[str, int]]:
    """What the model will say moves gas, action by action."""
    told: list[dict[str, int]] = []
    apply = twin.model.apply

    def noted(*args: Any) -> Any:
        result = apply(*args)
        told.append(result.features)
        return result

    twin.model.apply = noted
    return told


def one_word_by_the_rule() -> None:
    """All short histories of one word, charged and refunded as EIP-2200 (with EIP-2929 and EIP-3529) says."""
    for length in range(1, 6):
        for history in itertools.product(range(3), repeat=length):
            counts = dict.fromkeys(WORDS, 0)
            write_word(counts, [(value,) for value in history])
            assert_same(charged(history), counts, f"a word that held {history}")
    assert not any(storage_features(iter(())).values())


def charged(history: Sequence[int]) -> dict[str, int]:
    """Count the writes of a word by what the rule charges and gives back for each, in the rule's own order."""
    counts, original = dict.fromkeys(WORDS, 0), history[0]
    for current, new in itertools.pairwise(history):
        if new == current:
            continue
        if current == original:
            counts["slots_set" if original == 0 else "slots_changed"] += 1
            counts["slots_cleared"] += original != 0 and new == 0
            continue
        if original != 0:
            counts["slots_cleared"] += (new == 0) - (current == 0)
        if new == original:
            counts["slots_returned" if original == 0 else "slots_restored"] += 1
    return counts


WORDS_WRITTEN = (
    position_tokens_from_first_to_last,
    tokens_among_others_unknown,
    tokens_told_at_once,
    tokens_of_one_unit_or_one_token,
    locks_and_words_put_back,
    words_of_the_bitmap_and_of_observations,
    one_word_by_the_rule,
)
