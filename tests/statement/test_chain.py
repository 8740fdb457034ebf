"""Statements of real positions on a local chain, against what the contracts say and what was really paid."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec import structs

from harness import actor
from held_pool import ETH, ETHER, ME, MIN_OUT, OTHER, POOL, USDC, WETH, World, rows, tokens
from kit import tidemill
from tidemill.chain.rpc import RpcRejected
from tidemill.errors import BadInput, InvariantBroken, RpcError, UnknownName
from tidemill.interfaces import Befell, Event, Recorded
from tidemill.studies.held import chain
from tidemill.studies.held.document import Portfolio
from tidemill.venues.shared.history import Deed, Transaction
from tidemill.venues.uniswap_v3 import history
from tidemill.venues.uniswap_v3.history import PoolHistory

pytestmark = pytest.mark.chain


def paid_out(done: Portfolio) -> dict[str, int]:
    out: dict[str, int] = {}
    for step in done.record:
        for move in step.result.transfers if isinstance(step, Recorded) and step.result else ():
            out[move.token] = out.get(move.token, 0) + (move.amount if move.target == "me" else -move.amount)
    return out


def _doubled(event: Event) -> Event:
    return Event(event.name, {k: 2 * v if k in ("amount0", "amount1") else v for k, v in event.args.items()})


def test_a_position_from_mint_to_close_is_what_was_paid_in_and_out(world: World) -> None:
    before = [world.clients[ME].read("balance", token, ME) for token in ("USDC@op", "WETH@op")]
    token = world.mint(amount=1000 * ETHER)
    for _ in range(3):
        world.swap()
        world.swap(90 * ETHER, "WETH@op")
    harvested = world.do("harvest", position=f"pool#{token}")
    world.swap()
    closed = world.do("close", position=f"pool#{token}")
    after = [world.clients[ME].read("balance", token, ME) for token in ("USDC@op", "WETH@op")]
    done = world.state()
    assert not done.positions and not done.still_open and done.total is not None
    gained = {USDC: after[0] - before[0], WETH: after[1] - before[1]}
    assert paid_out(done) == gained
    fees = {
        name: harvested.amounts[f"amount{i}"] + closed.amounts[f"amount{i}"] - closed.amounts[f"principal{i}"]
        for i, name in enumerate((USDC, WETH))
    }
    assert tokens(done.total, "fees") == fees
    (costs,) = {row.venue for row in done.total.costs}
    assert costs == POOL and sum(row.l2_execution for row in done.total.costs) == world.paid
    told = rows(done.total)
    assert told["keep"] == done.total.headline.keep and told["l2"] < 0 < told["fees"]


def test_what_is_open_is_what_the_contracts_say(world: World) -> None:
    first, second = world.mint(amount=100 * ETHER), world.mint(amount=50 * ETHER, lower=-200, upper=400)
    world.swap()
    world.do("decrease", position=f"pool#{second}", liquidity=10**18)
    world.swap(30 * ETHER, "WETH@op")
    done = world.state()
    assert {one.position for one in done.still_open} == {f"{POOL}#{first}", f"{POOL}#{second}"}
    for one in done.still_open:
        token = int(one.position.partition("#")[2])
        for side, query in ((one.principal, "principal"), (one.claimable, "claimable")):
            assert (side[USDC], side[WETH]) == world.clients[ME].read(query, token)
    assert done.positions.keys() == {f"{POOL}#{first}", f"{POOL}#{second}"}


def test_single_statements_add_up_to_that_of_all(world: World) -> None:
    draw = random.Random(5)
    mine = [world.mint(amount=draw.randrange(1, 200) * ETHER, lower=-10 * k - 10, upper=10 * k + 300) for k in range(3)]
    for _ in range(12):
        world.swap(draw.randrange(1, 300) * ETHER, draw.choice(["USDC@op", "WETH@op"]))
        position = f"pool#{draw.choice(mine)}"
        if draw.random() < 0.5:
            world.do("harvest", position=position)
        else:
            world.do("increase", position=position, amount0_desired=10 * ETHER, amount1_desired=10 * ETHER)
    world.do("close", position=f"pool#{mine[0]}")
    done = world.state()
    assert done.total is not None and len(done.positions) == 3
    total, each = rows(done.total), [rows(one) for one in done.positions.values()]
    for key, value in total.items():
        assert abs(value - sum(one.get(key, 0) for one in each)) <= 3, key
    holding = done.total.comparisons[0].keep
    assert abs(holding - sum(one.comparisons[0].keep for one in done.positions.values())) <= 3
    for key in ("fees", "divergence"):
        summed: dict[str, int] = {}
        for one in done.positions.values():
            for token, amount in tokens(one, key).items():
                summed[token] = summed.get(token, 0) + amount
        assert summed == tokens(done.total, key)


def test_received_and_sent_positions_are_capital_not_income(world: World) -> None:
    token = world.mint(OTHER, 100 * ETHER)
    world.swap()
    world.mine(world.give(token, OTHER, ME))
    came = world.anvil.rpc.block().number
    worth = [world.clients[ME].read(query, token) for query in ("principal", "claimable")]
    world.swap(70 * ETHER, "WETH@op")
    world.swap(80 * ETHER)
    world.mine(world.give(token, ME, OTHER))
    went = world.anvil.rpc.block().number
    left = [world.clients[ME].read(query, token, block=went - 1) for query in ("principal", "claimable")]
    world.swap()
    done = world.state()
    flows = [step for step in done.record if isinstance(step, Befell)]
    named = {(flow.happened.cause, flow.happened.at.number): dict(flow.happened.amounts) for flow in flows}
    assert named["brought in", came] == {USDC: worth[0][0] + worth[1][0], WETH: worth[0][1] + worth[1][1]}
    gas = [flow for flow in flows if ETH in flow.happened.amounts]
    sent = next(f for f in flows if f.happened.cause == "taken out" and f.happened.position)
    assert dict(sent.happened.amounts) == {USDC: -left[0][0] - left[1][0], WETH: -left[0][1] - left[1][1]}
    assert len(gas) == 1  # mine was the second transfer; the other owner paid for the first
    assert not done.still_open and done.total is not None
    fees = tokens(done.total, "fees")
    assert fees == {USDC: left[1][0] - worth[1][0], WETH: left[1][1] - worth[1][1]}
    # the whole of it: what left less what came, nothing else
    assert "events" not in rows(done.total)


def test_several_own_transactions_of_one_block(world: World) -> None:
    token = world.mint(amount=100 * ETHER)
    world.swap()
    position = f"pool#{token}"
    increase = world.calls("increase", position=position, amount0_desired=ETHER, amount1_desired=ETHER)
    decrease = world.calls("decrease", position=position, liquidity=10**18)
    harvest = world.calls("harvest", position=position)
    world.mine(*harvest, *increase, *decrease, *harvest)
    world.swap(10 * ETHER, "WETH@op")
    done = world.state()
    assert done.total is not None
    verbs = [step.verb for step in done.record if isinstance(step, Recorded) and step.verb != "approve"]
    assert verbs == ["increase", "collect", "increase", "decrease", "collect"]
    (left,) = done.still_open
    assert (left.principal[USDC], left.principal[WETH]) == world.clients[ME].read("principal", token)


def test_a_swap_of_others_in_the_same_block_is_the_markets(world: World) -> None:
    token = world.mint(amount=100 * ETHER)
    others = world.calls("swap_exact_in", OTHER, MIN_OUT, token_in="USDC@op", amount_in=50 * ETHER)
    world.mine(*others, *world.calls("harvest", position=f"pool#{token}"))
    world.mine(*world.calls("close", position=f"pool#{token}"), *others)
    done = world.state()
    assert done.total is not None and not done.still_open and done.total.unexplained <= done.total.unexplained_bound
    assert sum(tokens(done.total, "fees").values()) > 0


def test_opened_and_closed_in_one_block(world: World) -> None:
    opening = world.calls("mint", tick_lower=-100, tick_upper=100, amount0_desired=ETHER, amount1_desired=ETHER)
    start, snapshot = world.anvil.rpc.block().number, world.anvil.snapshot()
    token = world.clients[ME].decode(world.mine(*opening)).position
    closing = world.calls("close", position=token)
    world.anvil.revert(snapshot)
    world.mine(*opening, *closing)
    done = world.state(start=str(start))
    assert done.total is not None and not done.still_open
    assert tokens(done.total, "rounding") == {USDC: -1, WETH: -1}


def test_by_number_alone_every_owner_counts(world: World) -> None:
    token = world.mint(amount=100 * ETHER)
    world.swap()
    world.mine(world.give(token, ME, OTHER))
    world.do("harvest", OTHER, position=f"pool#{token}")
    world.swap()
    done = world.state(address="", token_ids=(token,))
    assert done.total is not None
    assert not [s for s in done.record if isinstance(s, Befell) and s.happened.position]
    (left,) = done.still_open
    assert left.position == f"{POOL}#{token}"
    assert (left.claimable[USDC], left.claimable[WETH]) == world.clients[ME].read("claimable", token)


def test_one_of_several_tokens_of_an_account(world: World) -> None:
    first, second = world.mint(), world.mint(lower=-50, upper=50)
    world.swap()
    done = world.state(token_ids=(second,))
    assert [one.position for one in done.still_open] == [f"{POOL}#{second}"]
    assert first != second and not done.positions


def test_held_before_and_behind_the_period(world: World) -> None:
    token = world.mint(amount=100 * ETHER)
    world.swap()
    start = world.anvil.rpc.block().number
    worth = [world.clients[ME].read("claimable", token, block=start)]
    world.swap(40 * ETHER, "WETH@op")
    end = world.anvil.rpc.block().number
    now = world.clients[ME].read("claimable", token)
    world.do("close", position=f"pool#{token}")
    done = world.state(start=str(start), end=str(end))
    assert done.total is not None and not done.record
    assert tokens(done.total, "fees") == {WETH: now[1] - worth[0][1]}
    assert done.total.headline.capital_value > 0 and "l2" in rows(done.total)


def test_the_home_asset_may_be_named(world: World) -> None:
    world.mint(amount=100 * ETHER)
    world.swap()
    one, other = world.state(home="USDC"), world.state()
    assert one.total and other.total and (one.total.study.home, other.total.study.home) == ("USDC", "WETH")
    with pytest.raises(UnknownName, match="unknown token 'DAI'"):
        world.state(home="DAI")


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"address": actor("carol")}, "has nothing, and had nothing, at the venues read on op-mainnet"),
        ({"address": "", "token_ids": (999,)}, "token 999 has nothing"),
        ({"address": "0x12"}, "'0x12' is no address"),
        ({"address": ""}, "whose positions"),
        ({"start": "5", "end": "5"}, "from: block 5 is not before block 5"),
        ({"start": "latest", "end": "3"}, "is not before block 3"),
        ({"end": "99999999"}, "to: block 99,999,999 is not there yet"),
        ({"start": "yesterday"}, "from: 'yesterday' is neither a block number nor a moment"),
        ({"end": "2999-01-01"}, "to: 2999-01-01 lies after the newest block"),
        ({"network": "base"}, "network: base is chain 8453, the endpoint .* is on chain 10"),
        ({"network": "atlantis"}, "unknown network 'atlantis'"),
        ({"contracts": (("uniswap_v9", "0x" + "11" * 20),)}, "unknown kind of venue 'uniswap_v9'"),
        ({"given": {"DOGE": "1"}}, "price: unknown token 'DOGE'"),
        ({"given": {"USDC": "much"}}, "price.USDC: 'much' is no price"),
    ],
)
def test_bad_input_is_one_line(world: World, asked: dict[str, object], line: str) -> None:
    world.mint()
    with pytest.raises(BadInput, match=line) as told:
        world.state(**asked)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("which", ["token0", "pool", "nothing"])
def test_a_contract_that_is_no_manager_is_named(world: World, which: str) -> None:
    world.mint()
    address = {"token0": world.at.token0, "pool": world.at.pool, "nothing": "0x" + "12" * 20}[which]
    with pytest.raises(BadInput, match=f"at: {address} on op-mainnet is no position manager"):
        world.state(contracts=(("uniswap_v3", address),))


# --- planted faults, and endpoints that cannot ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["collect", "increase"])
def test_a_dropped_transfer_is_refused(world: World, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    token = world.mint(amount=100 * ETHER)
    world.swap()
    world.do("harvest", position=f"pool#{token}")
    told = PoolHistory.deeds

    def wrong(self: PoolHistory, tx: Transaction) -> list[Deed]:
        return [structs.replace(one, transfers=()) if one.verb == verb else one for one in told(self, tx)]

    monkeypatch.setattr(PoolHistory, "deeds", wrong)
    with pytest.raises(InvariantBroken, match="does not add up"):
        world.state()


@pytest.mark.parametrize("verb", ["harvest", "close"])
def test_a_pool_that_pays_twice_what_it_owes_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    token = world.mint(amount=100 * ETHER)
    world.swap()
    world.do(verb, position=f"pool#{token}")
    assert world.state().total is not None
    read = history.decode_events

    def twice(*args: Any, **named: Any) -> list[Event]:
        return [_doubled(event) if event.name == "Collect" else event for event in read(*args, **named)]

    monkeypatch.setattr(history, "decode_events", twice)
    with pytest.raises(InvariantBroken, match="more than was paid in"):
        world.state()


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("swap_exact_in", {"token_in": "USDC@op", "amount_in": 50 * ETHER}),
        ("pool_flash", {"amount0": 50 * ETHER, "amount1": 0}),
    ],
)
def test_fees_that_others_pay_in_the_same_block_are_income(world: World, verb: str, args: dict[str, Any]) -> None:
    """What was due just ahead of the harvest an endpoint cannot say then."""
    token = world.mint(amount=100 * ETHER)
    paid = world.calls(verb, OTHER, MIN_OUT if verb == "swap_exact_in" else None, **args)
    world.mine(*paid, *world.calls("harvest", position=f"pool#{token}"))
    done = world.state()
    assert done.total is not None
    assert tokens(done.total, "fees")[USDC] > ETHER // 10_000


def test_an_endpoint_without_old_state_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.mint()

    def pruned(*_args: object) -> None:
        raise RpcRejected("endpoint: eth_call: missing trie node", -32000, "missing trie node 12ab (path )")

    monkeypatch.setattr(PoolHistory, "holding", pruned)
    with pytest.raises(RpcError, match="has no state of old blocks .*; use an archive endpoint, or --logs"):
        world.state()


def test_a_long_chain_needs_a_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.mint()
    monkeypatch.setattr(chain, "_LONG", 3)
    with pytest.raises(BadInput, match="from: from when on\\? this chain has"):
        world.state(start="")


def test_the_command_reads_an_endpoint(world: World) -> None:
    world.mint(amount=100 * ETHER)
    world.swap()
    where = world.anvil.socket
    said = tidemill("statement", "--address", ME, "--rpc", where, "--at", f"uniswap_v3={world.at.manager}", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["total"]["kind"] == "statement" and len(told["open"]) == 1 and not told["unstated"]
    shown = tidemill("statement", "--address", ME, "--rpc", where, "--at", f"uniswap_v3={world.at.manager}")
    assert "Still open at the end" in shown.out and "Network fee" in shown.out
    wrong = tidemill("statement", "--address", ME, "--rpc", where, "--network", "base")
    assert wrong.code == 2 and "is on chain 10" in wrong.err
