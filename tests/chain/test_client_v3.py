"""The Uniswap v3 client on a real local chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from harness import actor
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadData, BadInput, Revert, RpcError, UnknownName
from tidemill.interfaces import All, Filled, Intent, Limits, Reverted
from tidemill.venues.shared.client_parts import ERC20, abi
from tidemill.venues.uniswap_v3 import client_abi
from tidemill.venues.uniswap_v3.client import UniswapV3Client, V3Deployment
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow
from tidemill.venues.uniswap_v3.client_logs import decode_events

pytestmark = pytest.mark.chain

ME, OTHER = actor("alice"), actor("bob")
GOVERNOR = "0x" + "60" * 20


@pytest.fixture(scope="module")
def chain() -> Iterator[tuple[Anvil, V3Deployment]]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        at = deploy_local(anvil, LocalToken("USDC@op", 6), LocalToken("WETH@op", 18), fee=500, sqrt_price_x96=1 << 96)
        endow(anvil, at, [ME, OTHER], 1 << 110, 1 << 110)
        yield anvil, at


@pytest.fixture
def world(chain: tuple[Anvil, V3Deployment]) -> Iterator[World]:
    anvil, at = chain
    snapshot = anvil.snapshot()
    yield World(anvil, at)
    anvil.revert(snapshot)


class World:
    def __init__(self, anvil: Anvil, at: V3Deployment) -> None:
        self.anvil, self.at = anvil, at
        self.clients = {who: UniswapV3Client(anvil.rpc, at, venue="pool", account=who) for who in (ME, OTHER, GOVERNOR)}
        self.receipts: list[Receipt] = []

    def send(self, who: str, calls: Sequence[Call]) -> list[Receipt]:
        return self.anvil.mine([(who, call) for call in calls])[1]

    def do(self, verb: str, who: str = ME, limits: Limits | None = None, **args):
        client = self.clients[who]
        self.receipts = self.send(who, client.plan(Intent("pool", verb, args, limits or Limits())))
        return client.decode(self.receipts)

    def balances(self, who: str) -> tuple[int, int]:
        client = self.clients[ME]
        return client.read("balance", "USDC@op", who), client.read("balance", "WETH@op", who)


MIN_OUT = Limits(amounts={"amount_out_min": 1})


def test_our_signatures_are_the_artefacts_own() -> None:
    names = {"POOL": "UniswapV3Pool", "MANAGER": "NonfungiblePositionManager", "ROUTER": "SwapRouter"}
    names |= {"CALLEE": "PoolCallee", "FACTORY": "UniswapV3Factory"}
    texts = {getattr(client_abi, text): name for text, name in names.items()} | {ERC20: "TestToken"}
    for text, name in texts.items():
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" in signature:
                assert codec.outputs == real.functions[signature].outputs, signature
        for topic, event in ours.events.items():
            assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)
    assert len(abi(client_abi.POOL).events) == 9


def test_a_position_from_mint_to_close(world: World) -> None:
    start = world.balances(ME)
    minted = world.do("mint", tick_lower=-600, tick_upper=600, amount0_desired=10**12, amount1_desired=10**12)
    assert isinstance(minted, Filled) and minted.position == "pool#1"
    assert world.balances(ME) == (start[0] - minted.amounts["amount0"], start[1] - minted.amounts["amount1"])
    grown = world.do("increase", position="pool#1", amount0_desired=10**11, amount1_desired=10**11)
    assert grown.amounts["liquidity"] == pytest.approx(minted.amounts["liquidity"] / 10, rel=1e-6)
    swapped = world.do("swap_exact_in", OTHER, MIN_OUT, token_in="WETH@op", amount_in=10**11)
    assert swapped.amounts["amount_in"] == 10**11 and 0 < swapped.amounts["amount_out"] < 10**11
    before = world.balances(OTHER)
    bought = world.do(
        "swap_exact_out", OTHER, Limits(amounts={"amount_in_max": 10**11}), token_in="USDC@op", amount_out=10**10
    )
    assert bought.amounts["amount_out"] == 10**10
    assert world.balances(OTHER) == (before[0] - bought.amounts["amount_in"], before[1] + 10**10)
    me = world.clients[ME]
    claimable = me.read("claimable", 1)
    assert min(claimable) > 0
    before = world.balances(ME)
    harvested = world.do("harvest", position="pool#1")
    assert (harvested.amounts["amount0"], harvested.amounts["amount1"]) == claimable
    assert world.balances(ME) == (before[0] + claimable[0], before[1] + claimable[1])
    liquidity = minted.amounts["liquidity"] + grown.amounts["liquidity"]
    world.do("decrease", position="pool#1", bps=5000)
    assert me.read("positions", 1)[5] == liquidity - liquidity // 2
    before = world.balances(ME)
    closed = world.do("close", position="pool#1")
    gained = tuple(b - a for a, b in zip(before, world.balances(ME), strict=True))
    assert gained == (closed.amounts["amount0"], closed.amounts["amount1"])
    assert closed.amounts["principal0"] > 0 and closed.position == "pool#1"
    # The first half's principal was owed already, so more is paid out than this step's principal.
    assert closed.amounts["amount0"] > closed.amounts["principal0"]
    with pytest.raises(Revert, match="Invalid token ID"):
        me.read("positions", 1)
    assert me.read("liquidity") == 0


def test_what_was_collected_is_what_the_pool_paid(world: World) -> None:
    """Two tokens of one range are one position of the pool's, whose fees it rounds once: one of them may get a unit less
    than the manager logs.
    """
    ends = {"tick_lower": -600, "tick_upper": 600}
    for amount in (10**12 + 7, 3 * 10**12 + 1):
        world.do("mint", **ends, amount0_desired=amount, amount1_desired=amount)
    logged_more = 0
    for turn in range(24):
        world.do("swap_exact_in", OTHER, MIN_OUT, token_in="WETH@op", amount_in=10**9 + 12_345 * turn)
        for position in ("pool#1", "pool#2") if turn % 4 == 3 else ("pool#1",):
            before = world.balances(ME)
            told = world.do("harvest", position=position)
            moved = tuple(b - a for a, b in zip(before, world.balances(ME), strict=True))
            assert (told.amounts["amount0"], told.amounts["amount1"]) == moved
            events = world.clients[ME].events([log for r in world.receipts for log in r.logs])
            (logged,) = (e.args for e in events if e.name == "Manager.Collect")
            logged_more += (logged["amount0"], logged["amount1"]) != moved
    assert logged_more > 0


def test_no_allowance_is_left_behind(world: World) -> None:
    def allowances() -> set[int]:
        codec = abi(ERC20)
        asked = [
            (t, codec.encode("allowance", ME, s))
            for t in (world.at.token0, world.at.token1)
            for s in (world.at.manager, world.at.router)
        ]
        return {codec.decode("allowance", a)[0] for a in world.anvil.rpc.call_many(asked)}

    assert allowances() == {0}
    world.do("mint", tick_lower=-600, tick_upper=10, amount0_desired=10**12, amount1_desired=10**12)
    purposes = [
        c.purpose
        for c in world.clients[ME].plan(
            Intent("pool", "mint", {"tick_lower": -10, "tick_upper": 10, "amount0_desired": 5, "amount1_desired": 0})
        )
    ]
    assert purposes == ["approve", "mint", "approve"]
    world.do("swap_exact_in", ME, Limits(sqrt_price_x96=(1 << 96) - (1 << 80)), token_in="USDC@op", amount_in=10**12)
    world.do("swap_exact_out", ME, Limits(amounts={"amount_in_max": 10**11}), token_in="WETH@op", amount_out=10)
    world.do("increase", position="pool#1", amount0_desired=10**11, amount1_desired=10**11)
    assert allowances() == {0}


def test_a_standing_allowance_is_first_put_to_zero(world: World) -> None:
    codec = abi(ERC20)
    world.send(ME, [Call(world.at.token0, codec.encode("approve", world.at.router, 7))])
    plan = world.clients[ME].plan(Intent("pool", "swap_exact_in", {"token_in": "USDC@op", "amount_in": 9}, MIN_OUT))
    assert [(c.to, c.purpose) for c in plan] == [
        (world.at.token0, "approve"),
        (world.at.token0, "approve"),
        (world.at.router, "swap_exact_in"),
    ]
    plan = world.clients[ME].plan(Intent("pool", "swap_exact_in", {"token_in": "USDC@op", "amount_in": 7}, MIN_OUT))
    assert [c.purpose for c in plan] == ["swap_exact_in"]


def test_core_verbs_events_and_amounts(world: World) -> None:
    client = world.clients[GOVERNOR]
    world.do("pool_set_fee_protocol", GOVERNOR, fee_protocol_0=4, fee_protocol_1=5)
    assert client.events(world.receipts[0].logs)[0].args == {
        "feeProtocol0Old": 0,
        "feeProtocol1Old": 0,
        "feeProtocol0New": 4,
        "feeProtocol1New": 5,
    }
    world.do("pool_increase_observations", observation_cardinality_next=3)
    assert [e.name for e in client.events(world.receipts[0].logs)] == ["IncreaseObservationCardinalityNext"]
    minted = world.do("pool_mint", tick_lower=-100, tick_upper=100, liquidity=10**15)
    (event,) = client.events(world.receipts[0].logs)
    assert event.name == "Mint" and event.args["owner"] == ME and event.args["tickLower"] == -100
    assert minted.amounts == {"amount0": event.args["amount0"], "amount1": event.args["amount1"]}
    swapped = world.do("pool_swap", zero_for_one=True, amount_specified=10**12)
    (event,) = client.events(world.receipts[0].logs)
    assert swapped.amounts["amount0"] == event.args["amount0"] == 10**12
    assert event.args["tick"] == client.read("slot0")[1] < 0
    flashed = world.do("pool_flash", amount0=10**9, amount1=0)
    assert flashed.amounts == {"paid0": 10**9 * 500 // 10**6, "paid1": 0}
    burnt = world.do("pool_burn", tick_lower=-100, tick_upper=100, liquidity=10**14)
    collected = world.do("pool_collect", tick_lower=-100, tick_upper=100)
    assert collected.amounts["amount0"] > burnt.amounts["amount0"] > 0
    assert world.do("pool_collect_protocol", GOVERNOR).amounts["amount0"] > 0
    assert [e.name for e in client.events(world.receipts[0].logs)] == ["CollectProtocol"]


def test_reverted_receipts_and_views(world: World) -> None:
    too_dear = Limits(amounts={"amount_out_min": 10**30})
    world.do("pool_mint", tick_lower=-100, tick_upper=100, liquidity=10**15)
    assert world.do("swap_exact_in", ME, too_dear, token_in="USDC@op", amount_in=10**6) == Reverted(
        "Too little received"
    )
    with pytest.raises(Revert, match="^OLD$"):
        world.clients[ME].read("observe", [10**6])


@pytest.mark.parametrize(
    ("intent", "error", "says"),
    [
        (Intent("pool", "minted"), UnknownName, "did you mean 'mint'"),
        (Intent("pool", "mint", {"tick_lower": 0}), BadInput, "amount0_desired is missing"),
        (Intent("pool", "collect", {"position": "other#1"}), BadInput, "none of venue pool"),
        (Intent("pool", "collect", {"position": "pool#x"}), BadInput, "none of venue pool"),
        (
            Intent("pool", "swap_exact_in", {"token_in": "USDC@op", "amount_in": 5}),
            BadInput,
            "every swap needs a limit",
        ),
        (
            Intent("pool", "swap_exact_in", {"token_in": "DAI@op", "amount_in": 5}, MIN_OUT),
            BadInput,
            "not of this pool",
        ),
        (
            Intent("pool", "swap_exact_in", {"token_in": "USDC@op", "amount_in": All("USDC@op")}, MIN_OUT),
            BadInput,
            "int",
        ),
        (Intent("pool", "swap_exact_in", {"token_in": "USDC@op", "amount_in": -5}, MIN_OUT), BadInput, "below 0"),
        (Intent("pool", "burn", {"position": "pool#1"}, Limits(amounts={"amount0_mn": 5})), BadInput, "amount0_mn"),
        (Intent("pool", "pool_swap", {"zero_for_one": 1, "amount_specified": 1}), BadInput, "bool"),
    ],
)
def test_bad_intents_are_named(world: World, intent: Intent, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        world.clients[ME].plan(intent)


def test_foreign_and_damaged_logs(world: World) -> None:
    world.do("pool_mint", tick_lower=-100, tick_upper=100, liquidity=10**15)
    good = dict(next(log for log in world.receipts[0].logs if log["address"] == world.at.pool))
    client = world.clients[ME]
    assert len(client.events([good])) == 1
    assert client.events([{**good, "address": world.at.token0}]) == []
    for damage in (
        {"data": good["data"][:-2]},
        {"topics": good["topics"][:2]},
        {"topics": ["0x" + "00" * 32]},
        {"topics": []},
    ):
        with pytest.raises(BadData, match="log"):
            client.events([{**good, **damage}])


def test_a_wrong_address_is_no_pool(world: World) -> None:
    with pytest.raises(RpcError, match="no Uniswap v3 pool"):
        V3Deployment.of_pool(
            world.anvil.rpc, world.at.router, manager=world.at.manager, router=world.at.router, token_ids=("A", "B")
        )
    found = V3Deployment.of_pool(
        world.anvil.rpc,
        world.at.pool,
        manager=world.at.manager,
        router=world.at.router,
        token_ids=world.at.token_ids,
        callee=world.at.callee,
    )
    assert found == world.at
    assert [world.clients[ME].read(f"token{i}") for i in (0, 1)] == ["USDC@op", "WETH@op"]


def test_snapshot_reads_history_by_block_and_the_managers_positions(world: World) -> None:
    world.do("mint", tick_lower=-600, tick_upper=600, amount0_desired=10**12, amount1_desired=10**12)
    before = world.anvil.rpc.block()
    world.do("mint", OTHER, tick_lower=-60, tick_upper=60, amount0_desired=10**12, amount1_desired=10**12)
    world.do("swap_exact_in", OTHER, MIN_OUT, token_in="WETH@op", amount_in=10**11)
    client = world.clients[ME]
    old, new = client.snapshot(before), client.snapshot()
    assert sorted(old.pool.ticks) == [-600, 600] and sorted(new.pool.ticks) == [-600, -60, 60, 600]
    assert list(old.manager.tokens) == [1] and list(new.manager.tokens) == [1, 2]
    assert new.manager.tokens[2][:3] == (OTHER, -60, 60) and new.manager.next_id == 3
    assert old.pool.sqrt_price_x96 == 1 << 96 < new.pool.sqrt_price_x96
    # Both tokens are one owner, the manager, to the core.
    assert {owner for owner, _lower, _upper in new.pool.positions} == {world.at.manager}
    assert client.snapshot(before.number) == old == client.snapshot(before.hash)
    world.do("close", position="pool#1")
    assert list(client.snapshot().manager.tokens) == [2]


def test_a_day_of_real_logs_decodes_as_the_column_decoder_has_it() -> None:
    """Two decoders written apart, on 6,234 real logs."""
    import polars as pl

    from tidemill.market.data import data_file, missing_reason
    from tidemill.market.decode import decode_logs, normalise_logs
    from tidemill.market.limbs import from_limbs

    name = "uniswap_v3/eth_usdc_weth_005_20240105_rawlogs.parquet"
    if reason := missing_reason(name):
        pytest.skip(reason)
    frame = pl.read_parquet(data_file(name))
    pool = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
    ours = decode_events([{**row, "address": pool} for row in normalise_logs(frame).to_dicts()], pool=pool, manager="")
    theirs = decode_logs(frame)
    assert len(ours) == theirs.height == 6234
    for field in ("amount0", "amount1"):
        column = from_limbs(theirs[field].to_numpy(), signed=True)
        assert [event.args[field] for event in ours] == column
    swaps = [row for row, event in enumerate(ours) if event.name == "Swap"]
    prices = from_limbs(theirs["sqrt_price_x96"].to_numpy())
    assert len(swaps) == 6046
    for row in swaps:
        args = ours[row].args
        assert (args["sqrtPriceX96"], args["tick"], args["sender"]) == (
            prices[row],
            theirs["tick"][row],
            theirs["sender"][row],
        )
