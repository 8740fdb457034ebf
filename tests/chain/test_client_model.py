"""The client on a real chain against the model in memory: same answers, same state, both ways of being Uniswap v3."""

from __future__ import annotations

import dataclasses
import random

import pytest

from harness import actor, assert_same
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.interfaces import Action, Block, Filled, Intent, Limits, Result, Revert, Reverted, Status
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import UniswapV3State

pytestmark = pytest.mark.chain

ME, OTHER = actor("alice"), actor("bob")
GOVERNOR = "0x" + "60" * 20
VIEWS = (
    "slot0 liquidity feeGrowthGlobal0X128 feeGrowthGlobal1X128 protocolFees fee tickSpacing maxLiquidityPerTick"
).split()


class Book:
    """The model's side of the world: balances by address, the block, the sender."""

    def __init__(self, block: Block, held: dict[tuple[str, str], int]) -> None:
        self.block, self.held, self.sender = block, held, ""

    def balance(self, token: str, account: str) -> int:
        return self.held.get((token, account), 0)

    def move(self, transfer) -> None:
        raise NotImplementedError("Uniswap v3 lists its transfers")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("Uniswap v3 acts nowhere else")

    def post(self, result: Result) -> None:
        for moved in result.transfers:
            self.held[moved.token, moved.source] = self.balance(moved.token, moved.source) - moved.amount
            self.held[moved.token, moved.target] = self.balance(moved.token, moved.target) + moved.amount


class Pair:
    """One market, twice."""

    def __init__(self, anvil: Anvil, fee: int, decimals: tuple[int, int]) -> None:
        self.anvil = anvil
        tokens = [LocalToken(name, places) for name, places in zip(("A@op", "B@op"), decimals, strict=True)]
        self.at = deploy_local(anvil, *tokens, fee=fee, sqrt_price_x96=1 << 96)
        endow(anvil, self.at, [ME, OTHER], 1 << 110, 1 << 110)
        self.clients = {w: UniswapV3Client(anvil.rpc, self.at, venue="p", account=w) for w in (ME, OTHER, GOVERNOR)}
        self.model = UniswapV3Model()
        names = {"token0": "A@op", "token1": "B@op", "name": "p"}
        accounts = {"account": self.at.pool, "manager": self.at.manager, "owner": GOVERNOR}
        self.state = self.model.init({**names, **accounts, "fee": fee})
        me, everyone = self.clients[ME], (ME, OTHER, self.at.pool)
        held = {(t, w): me.read("balance", t, w) for t in self.at.token_ids for w in everyone}
        self.book = Book(Block(time=me.read("observations", 0)[0], number=1), held)
        self.model.apply(self.state, Action("pool_initialize", {"sqrt_price_x96": 1 << 96}), self.book)

    def chain(self, who: str, verb: str, args: dict, limits: dict[str, int], time: int) -> Status:
        """Plan, send and decode; approvals and resets get blocks of their own, the verb's block has ``time``."""
        receipts = []
        for call in self.clients[who].plan(Intent("p", verb, args, Limits(amounts=limits))):
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=time if main else None)
            receipts.append(receipt)
            if main:
                self.book.block = Block(time=block.timestamp, number=block.number)
        return self.clients[who].decode(receipts)

    def memory(self, who: str, verb: str, args: dict, limits: dict[str, int]) -> Result | Revert:
        self.book.sender = who
        try:
            result = self.model.apply(self.state, Action(verb, args, limits), self.book)
        except Revert as revert:
            return revert
        self.book.post(result)
        return result


def _draw(rng: random.Random, spacing: int, tokens: list[int]) -> tuple[str, dict, dict[str, int]]:
    """One random verb with arguments and limits; some are bound to be refused."""
    lower, upper = rng.choice([(-100, 100), (-2, 1), (3, 8), (8, 3)])
    ticks = {"tick_lower": lower * spacing, "tick_upper": upper * spacing}
    desired = {"amount0_desired": rng.randrange(10**12), "amount1_desired": rng.randrange(10**12)}
    position, side = {"position": f"p#{rng.choice(tokens or [1])}"}, {"token_in": rng.choice(["A@op", "B@op"])}
    big, small = rng.randrange(1, 10**12), rng.randrange(1, 10**9)
    return rng.choice(
        [
            ("pool_mint", {**ticks, "liquidity": rng.randrange(10**13, 10**14)}, {}),
            ("pool_burn", {**ticks, "liquidity": rng.randrange(10**13)}, {}),
            ("pool_swap", {"zero_for_one": rng.random() < 0.5, "amount_specified": big}, {}),
            ("pool_swap", {"zero_for_one": rng.random() < 0.5, "amount_specified": -big}, {}),
            ("pool_collect", ticks, {}),
            ("pool_flash", {"amount0": small, "amount1": rng.randrange(10**9)}, {}),
            ("pool_increase_observations", {"observation_cardinality_next": rng.randrange(1, 6)}, {}),
            ("mint", ticks | desired, {}),
            ("mint", ticks | desired, {"amount0_min": rng.randrange(10**12)}),
            ("increase", position | desired, {}),
            ("decrease", position | {"bps": rng.randrange(1, 10_001)}, {}),
            ("collect", position | {"amount0_max": small}, {}),
            ("harvest", position, {}),
            ("close", position, {}),
            ("burn", position, {}),
            ("swap_exact_in", {**side, "amount_in": big}, {"amount_out_min": rng.randrange(10**12)}),
            ("swap_exact_out", {**side, "amount_out": big // 10}, {"amount_in_max": rng.randrange(10**12)}),
        ]
    )


@pytest.mark.parametrize(("fee", "decimals"), [(500, (6, 18)), (3000, (18, 8))])
def test_the_client_and_the_model_agree_on_everything(fee: int, decimals: tuple[int, int]) -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        pair = Pair(anvil, fee, decimals)
        rng, done, refused, reasons = random.Random(f"client and model {fee}"), 0, 0, set()
        for step in range(140):
            who = rng.choice((ME, OTHER))
            verb, args, limits = _draw(rng, pair.at.tick_spacing, sorted(pair.state.manager.tokens))
            if step >= 138:  # whatever was closed before, two positions stand at the end
                spacing = pair.at.tick_spacing
                ends = {"tick_lower": -100 * spacing, "tick_upper": 100 * spacing}
                verb, args, limits = "mint", {**ends, "amount0_desired": 10**11, "amount1_desired": 10**11}, {}
            elif rng.random() < 0.05:
                who, limits = GOVERNOR, {}
                verb, args = "pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 7}
            status = pair.chain(who, verb, args, limits, 1_800_000_000 + 13 * step)
            result = pair.memory(who, verb, args, limits)
            if isinstance(result, Revert):
                reasons.add(result.reason)
                refused += 1
                assert status == Reverted(result.reason), (verb, args, limits)
                continue
            done += 1
            assert isinstance(status, Filled), (verb, args, limits, status)
            assert {name: status.amounts[name] for name in result.amounts} == result.amounts, verb
            assert status.position == result.position, verb
        assert done > 70 and refused > 15 and len(reasons) >= 4, reasons
        _same_state(pair)
        _same_views(pair)


def _same_state(pair: Pair) -> None:
    me, passing = pair.clients[ME], (pair.at.manager, pair.at.callee, pair.at.router, "callee")
    held = {key: amount for key, amount in pair.book.held.items() if key[1] not in passing}
    assert_same(held, {(token, who): me.read("balance", token, who) for token, who in held}, "balances")
    assert all(pair.book.balance(token, who) == 0 for token in pair.at.token_ids for who in passing)
    seen = me.snapshot()
    assert len(seen.pool.ticks) >= 4 and len(seen.pool.positions) >= 3 and len(seen.manager.tokens) >= 2
    assert_same(_plain(pair.state), _plain(seen), "state")


def _same_views(pair: Pair) -> None:
    model, state, me = pair.model, pair.state, pair.clients[ME]
    for query in VIEWS:
        assert me.read(query) == model.read(state, query), query
    for who in (ME, OTHER):
        numbers = [n for n, token in sorted(state.manager.tokens.items()) if token.owner == who]
        mine = pair.clients[who].positions(who)
        assert [p.id for p in mine] == [f"p#{n}" for n in numbers]
        for number, position in zip(numbers, mine, strict=True):
            for query in ("principal", "claimable"):
                value = model.read(state, query, number)
                assert me.read(query, number) == value == tuple(getattr(position, query).values())
            assert me.read("positions", number) == model.read(state, "positions", number)
            assert me.read("ownerOf", number) == who
    now, (lower, upper) = pair.anvil.rpc.block().timestamp, sorted(state.pool.ticks)[:2]
    for query, args in (("observe", ([0, 13],)), ("snapshotCumulativesInside", (lower, upper))):
        assert me.read(query, *args, now) == model.read(state, query, *args, now), query
    for key, position in state.pool.positions.items():
        assert me.read("pool_positions", *key) == tuple(position)
    for tick in (*state.pool.ticks, 5 * pair.at.tick_spacing):
        assert me.read("ticks", tick) == model.read(state, "ticks", tick)


def _plain(state: UniswapV3State) -> dict:
    pool = {f.name: getattr(state.pool, f.name) for f in dataclasses.fields(state.pool) if f.name != "journal"}
    # Room made for observations, emptied positions, cleared words: absent on one side, all zero on the other.
    for name in ("positions", "observations", "bitmap"):
        kept = ((k, v) for k, v in sorted(pool[name].items()) if (any(v) if isinstance(v, tuple) else v))
        pool[name] = dict(kept)
    pool["ticks"] = dict(sorted(pool["ticks"].items()))
    return {"name": state.name, "pool": pool, "next_id": state.manager.next_id, "tokens": state.manager.tokens}
