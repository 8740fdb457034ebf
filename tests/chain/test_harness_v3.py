"""The harness itself: its storage reader against the pool's own views, its typed reverts, its speed seams."""

from __future__ import annotations

import random

import pytest

from harness import V3, Evm, VaultFarm, actor, assert_same, differences, read_pool
from harness.driver import Driver, both
from harness.v3_storage import position_key
from tidemill.interfaces import Revert

pytestmark = pytest.mark.chain


def _views(v3: V3, ticks, positions, observations, words) -> dict:
    """The same shape as read_pool, through view functions only."""
    pool = v3.pool
    slot0 = pool.view("slot0")
    protocol = pool.view("protocolFees")
    tick_names = (
        "liquidity_gross liquidity_net fee_growth_outside_0_x128 fee_growth_outside_1_x128 tick_cumulative_outside "
        "seconds_per_liquidity_outside_x128 seconds_outside initialized"
    ).split()
    position_names = (
        "liquidity fee_growth_inside_0_last_x128 fee_growth_inside_1_last_x128 tokens_owed_0 tokens_owed_1"
    ).split()
    observation_names = "time tick_cumulative seconds_per_liquidity_x128 initialized".split()
    slot0_names = (
        "sqrt_price_x96 tick observation_index observation_cardinality observation_cardinality_next "
        "fee_protocol_0 fee_protocol_1 unlocked"
    ).split()
    return {
        **dict(zip(slot0_names, (*slot0[:5], slot0[5] % 16, slot0[5] >> 4, slot0[6]), strict=True)),
        "fee_growth_global_0_x128": pool.view("feeGrowthGlobal0X128"),
        "fee_growth_global_1_x128": pool.view("feeGrowthGlobal1X128"),
        "protocol_fees_0": protocol[0],
        "protocol_fees_1": protocol[1],
        "liquidity": pool.view("liquidity"),
        "ticks": {t: dict(zip(tick_names, pool.view("ticks", t), strict=True)) for t in ticks},
        "positions": {
            p: dict(zip(position_names, pool.view("positions", position_key(*p)), strict=True)) for p in positions
        },
        "observations": {
            i: dict(zip(observation_names, pool.view("observations", i), strict=True)) for i in observations
        },
        "bitmap": {w: pool.view("tickBitmap", w) for w in words},
    }


@pytest.mark.parametrize(("fee", "decimals"), [(500, (6, 18)), (3000, (18, 2)), (10000, (24, 18))])
def test_storage_reader_equals_the_views(fee: int, decimals: tuple[int, int]) -> None:
    v3 = V3(fee=fee, decimals=decimals)
    rng = random.Random(f"reader {fee}")
    spacing, alice, bob = v3.tick_spacing, v3.actors["alice"], v3.actors["bob"]
    v3.act("pool_set_fee_protocol", v3.governor, fee_protocol_0=4, fee_protocol_1=10)
    v3.act("pool_increase_observations", alice, observation_cardinality_next=5)
    ranges = [(-400 * spacing, 300 * spacing), (-3 * spacing, 2 * spacing), (5 * spacing, 9 * spacing)]
    for who in (alice, bob):
        for lower, upper in ranges:
            v3.act("pool_mint", who, tick_lower=lower, tick_upper=upper, liquidity=rng.randrange(10**20, 10**21))
    for _ in range(60):
        v3.evm.advance(seconds=rng.randrange(1, 1000))
        v3.act("pool_swap", alice, zero_for_one=rng.random() < 0.5, amount_specified=rng.randrange(10**15, 10**18))
    v3.act("pool_burn", bob, tick_lower=ranges[0][0], tick_upper=ranges[0][1], liquidity=10**17)
    v3.act("pool_flash", bob, amount0=10**12, amount1=10**12)
    what = (
        sorted({t for r in ranges for t in r} | {7 * spacing}),
        [(w, *r) for w in (alice, bob) for r in ranges],
        range(6),
        range(-3, 3),
    )
    stored = read_pool(v3.evm, v3.pool.address, *what)
    assert_same(_views(v3, *what), stored)
    # The comparison above saw something: fees grew, oracle wrote, an owed amount exists, a tick is negative.
    assert stored["fee_growth_global_0_x128"] > 0 < stored["protocol_fees_1"]
    assert stored["observations"][4]["initialized"] and not stored["observations"][5]["initialized"]
    assert stored["positions"][bob, *ranges[0]]["tokens_owed_0"] > 0
    assert min(t["liquidity_net"] for t in stored["ticks"].values()) < 0
    assert any(word != 0 for word in stored["bitmap"].values())


def test_balances_come_from_storage_and_equal_the_token() -> None:
    v3 = V3()
    alice = v3.actors["alice"]
    v3.act("pool_mint", alice, tick_lower=-60, tick_upper=60, liquidity=10**20)
    for who in (alice, v3.pool.address, actor("nobody")):
        assert v3.balances(who) == (v3.token0.view("balanceOf", who), v3.token1.view("balanceOf", who))
    assert v3.balances(v3.pool.address)[0] > 0


REVERTS = [
    ("pool_mint", {"tick_lower": -60, "tick_upper": 60, "liquidity": 10**18, "skimp": 1}, "M0"),
    ("pool_mint", {"tick_lower": 60, "tick_upper": -60, "liquidity": 1}, "TLU"),
    ("pool_mint", {"tick_lower": -887280, "tick_upper": 0, "liquidity": 1}, "TLM"),
    ("pool_mint", {"tick_lower": 0, "tick_upper": 887280, "liquidity": 1}, "TUM"),
    ("pool_mint", {"tick_lower": -60, "tick_upper": 60, "liquidity": 11505743598341114571880798222544995}, "LO"),
    ("pool_mint", {"tick_lower": -61, "tick_upper": 60, "liquidity": 1}, ""),
    ("pool_mint", {"tick_lower": -60, "tick_upper": 60, "liquidity": 0}, ""),
    ("pool_swap", {"zero_for_one": True, "amount_specified": 10**18, "skimp": 1}, "IIA"),
    ("pool_swap", {"zero_for_one": True, "amount_specified": 0}, "AS"),
    ("pool_swap", {"zero_for_one": True, "amount_specified": 1, "sqrt_price_limit_x96": 1 << 97}, "SPL"),
    ("pool_flash", {"amount0": 1, "amount1": 1, "skimp": 1}, "F0"),
    ("pool_burn", {"tick_lower": 0, "tick_upper": 60, "liquidity": 1}, "LS"),
    ("pool_initialize", {"sqrt_price_x96": 1 << 96}, "AI"),
    ("pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 4}, ""),
    ("swap_exact_in", {"zero_for_one": True, "amount_in": 1000, "amount_out_min": 1000}, "Too little received"),
    ("swap_exact_out", {"zero_for_one": True, "amount_out": 1000, "amount_in_max": 1}, "Too much requested"),
    ("swap_exact_in", {"zero_for_one": True, "amount_in": 1000, "deadline": 1}, "Transaction too old"),
    ("burn", {"token_id": 1}, "Not cleared"),
    ("collect", {"token_id": 99}, "ERC721: operator query for nonexistent token"),
]


@pytest.mark.parametrize(("verb", "args", "reason"), REVERTS)
def test_reverts_are_typed_and_leave_no_trace(verb: str, args: dict, reason: str) -> None:
    v3 = V3()
    alice = v3.actors["alice"]
    v3.act("mint", alice, tick_lower=-600, tick_upper=600, amount0_desired=10**20, amount1_desired=10**20)
    before = read_pool(v3.evm, v3.pool.address), v3.balances(alice)
    with pytest.raises(Revert) as caught:
        v3.act(verb, alice, **args)
    assert caught.value.reason == reason
    assert (read_pool(v3.evm, v3.pool.address), v3.balances(alice)) == before


def test_reentering_and_uninitialised_pools_are_locked() -> None:
    v3 = V3()
    alice = v3.actors["alice"]
    v3.act("pool_mint", alice, tick_lower=-60, tick_upper=60, liquidity=10**18)
    with pytest.raises(Revert, match="^LOK$"):
        v3.callee.send(alice, "swap", v3.pool.address, alice, True, 1000, 4295128740, True, 0, True)
    with pytest.raises(Revert, match="^LOK$"):
        V3(sqrt_price_x96=None).act("pool_mint", alice, tick_lower=-60, tick_upper=60, liquidity=10**18)


def test_callbacks_answer_only_to_the_pool_of_the_call() -> None:
    v3 = V3()
    with pytest.raises(Revert, match="^not the pool$"):
        v3.callee.send(v3.actors["alice"], "uniswapV3SwapCallback", 10**18, 0, b"")


def test_batch_equals_single_actions_and_is_all_or_nothing() -> None:
    def prepared() -> V3:
        v3 = V3(endowment=1 << 100)
        v3.token0.send(v3.governor, "mint", v3.callee.address, 1 << 100)
        v3.token1.send(v3.governor, "mint", v3.callee.address, 1 << 100)
        return v3

    single, batched = prepared(), prepared()
    me, pool = single.callee.address, single.pool.address
    assert me == batched.callee.address
    alice = single.actors["alice"]
    limits = (4295128740, 1461446703485210103287273052203988822378723970341)
    acts = [(1, me, False, -600, 600, 10**20, 0, 0)]
    acts += [(0, me, i % 2 == 0, 0, 0, (i + 1) * 10**15, 0, limits[i % 2]) for i in range(10)]
    acts += [(4, me, False, 0, 0, 10**10, 10**9, 0), (2, me, False, -600, 600, 10**19, 0, 0)]
    acts += [(3, me, False, -600, 600, (1 << 127), (1 << 128) - 1, 0)]
    together = batched.callee.send(alice, "batch", batched.pool.address, acts, False)
    for act, outcome in zip(acts, together, strict=True):
        (one,) = single.callee.send(alice, "batch", pool, [act], False)
        state = read_pool(single.evm, pool)
        assert one == outcome
        assert outcome[2:] == (state["sqrt_price_x96"], state["tick"], state["liquidity"])
    assert read_pool(single.evm, pool) == read_pool(batched.evm, pool)
    assert together[0][0] > 0 and together[-1][0] > 0
    before = read_pool(batched.evm, pool)
    with pytest.raises(Revert, match="^AS$"):
        batched.callee.send(alice, "batch", pool, [acts[1], (0, me, True, 0, 0, 0, 0, limits[0])], False)
    assert read_pool(batched.evm, pool) == before


def test_snapshot_goes_back_with_the_block() -> None:
    v3 = V3()
    alice = v3.actors["alice"]
    snapshot, before = v3.evm.snapshot(), v3.balances(alice)
    v3.evm.advance(100, 3)
    v3.act("pool_mint", alice, tick_lower=-60, tick_upper=60, liquidity=10**20)
    assert v3.balances(alice) != before
    v3.evm.restore(snapshot)
    assert (v3.balances(alice), v3.evm.block.number, v3.evm.block.time) == (before, 1, 1_700_000_000)
    assert v3.pool.view("liquidity") == 0


@pytest.mark.parametrize("offset", [0, 6])
def test_vault_and_farm_pay(offset: int) -> None:
    world = VaultFarm(offset=offset)
    alice, bob = world.actors["alice"], world.actors["bob"]
    shares = world.vault.send(alice, "deposit", 10**18, alice)
    assert shares == 10 ** (18 + offset)
    with pytest.raises(Revert, match=r"^ERC4626ExceededMaxWithdraw\(0x[0-9a-f]{40}, 1, 0\)$"):
        world.vault.send(bob, "withdraw", 1, bob, bob)
    world.farm.send(alice, "stake", shares)
    duration = world.farm.view("rewardsDuration")
    world.fund_rewards(duration * 10**24)
    world.evm.advance(seconds=1000)
    assert world.farm.view("earned", alice) == 1000 * 10**24
    world.donate(10**17)
    world.farm.send(alice, "exit")
    assert world.reward.view("balanceOf", alice) > 0
    assert 10**18 < world.vault.send(alice, "redeem", shares, alice, alice) <= 11 * 10**17


def test_driver_counts_and_reproduces() -> None:
    def run() -> str:
        v3 = V3()
        alice = v3.actors["alice"]
        v3.act("pool_mint", alice, tick_lower=-6000, tick_upper=6000, liquidity=10**20)

        def swap(rng: random.Random) -> None:
            v3.act("pool_swap", alice, zero_for_one=rng.random() < 0.5, amount_specified=rng.randrange(-1, 2) * 10**15)

        def burn(rng: random.Random) -> None:
            v3.act("pool_burn", alice, tick_lower=-6000, tick_upper=6000, liquidity=rng.randrange(0, 10**18))

        driver = Driver("counting", {"swap": (3, swap), "burn": (1, burn)})
        tally = driver.run(200)
        assert tally.total == 200
        assert tally.done["swap"] > 60 and tally.done["burn"] > 30
        assert set(tally.reasons) == {("swap", "AS")}
        return str(tally) + str(read_pool(v3.evm, v3.pool.address))

    assert run() == run()


def test_both_wants_the_same_reason() -> None:
    def refuse(reason: str):
        def act() -> None:
            raise Revert(reason)

        return act

    assert both(lambda: 1, lambda: 2) == (1, 2)
    with pytest.raises(Revert, match="^AS$"):
        both(refuse("AS"), refuse("AS"))
    for expected, actual in [(refuse("AS"), refuse("LS")), (refuse("AS"), lambda: 1), (lambda: 1, refuse("AS"))]:
        with pytest.raises(AssertionError):
            both(expected, actual)


def test_differences_name_the_leaf() -> None:
    expected = {"ticks": {60: {"net": 5}}, "a": [1, 2], "b": True}
    assert differences(expected, {"ticks": {60: {"net": 5}}, "a": [1, 2], "b": True}) == []
    lines = differences(expected, {"ticks": {60: {"net": 4}, 120: {}}, "a": [1], "b": 1})
    assert lines == [
        "ticks.60.net: expected 5, got 4 (-1)",
        "ticks.120: expected nothing, got {}",
        "a: expected 2 items, got 1",
        "b: expected True, got 1",
    ]
    with pytest.raises(AssertionError, match="during a swap"):
        assert_same(expected, {}, "during a swap")


def test_asserts_of_old_solidity_are_halts_not_crashes() -> None:
    evm = Evm()
    # INVALID as the whole contract.
    address = evm.create(actor("maker"), bytes.fromhex("60fe60005360016000f3"))
    with pytest.raises(Revert, match="^halt InvalidFEOpcode$"):
        evm.call(actor("maker"), address, b"")
