"""The client of a Uniswap v2 pair on a local chain: every verb sent, decoded, and read back as the model says."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tidemill.chain.anvil import Anvil
from tidemill.chain.types import Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, Block, Filled, Intent, Limits, Reverted, Status
from tidemill.venues.kinds import Setup, kind
from tidemill.venues.shared.ground import Ground, intent_of
from tidemill.venues.uniswap_v2.local import LocalPair
from tidemill.venues.uniswap_v2.model import ExchangeModel

pytestmark = pytest.mark.chain

ME = "0x" + "ab" * 20
A, B, LP = "WETH@test", "USDC@test", "LP@test"
FUTURE = 10**11


@pytest.fixture(scope="module")
def placed() -> Iterator[tuple[Ground, LocalPair]]:
    """A pair with others in it, the protocol's share on, and tokens in one's own hands."""
    params: dict[str, Any] = {name: default for name, (default, _) in kind("uniswap_v2").params.items()}
    params |= {"token0": "WETH", "token1": "USDC", "lp": "LP", "price": "3000", "protocol_fee": 1}
    decimals = {"WETH": 18, "USDC": 6, "LP": 18}
    setup = Setup(
        id="pool", network="test", mode="", params=params, decimals=decimals, market=None, random=Random,
        first_from=lambda time: Block(time=time, number=time), start=0, end=3_600,
    )  # fmt: skip
    stage: Any = kind("uniswap_v2").place(setup).make()
    with Anvil() as anvil:
        ground = Ground(anvil, ME, decimals)
        local = LocalPair(ground, stage)
        local.start(Block(time=0, number=0))
        ground.run(local.calls(local.others()[0]), "others come")
        for token, amount in ((A, 10**21), (B, 10**13)):
            ground.give(token, "me", amount)
        yield ground, local


def send(ground: Ground, local: LocalPair, intent: Intent) -> tuple[Status, list[Receipt]]:
    """Send what the client plans, a transaction a block."""
    receipts = [ground.mine([(ME, call)])[0] for call in local.client.plan(intent)]
    return local.client.decode(receipts), receipts


def test_every_verb_does_what_the_model_says_and_its_log_replays(placed: tuple[Ground, LocalPair]):
    ground, local = placed
    client, at = local.client, local.client.deployment
    model, reader = ExchangeModel(), client.snapshot()
    for verb, args, limits in (
        ("add_liquidity", {"amount0_desired": 10**18, "amount1_desired": 10**10}, {"amount0_min": 10**18}),
        ("swap_exact_in", {"token_in": A, "amount_in": 10**18}, {"amount_out_min": 1}),
        ("swap_exact_out", {"token_in": B, "amount_out": 10**17}, {"amount_in_max": 10**10}),
        ("swap_exact_in", {"token_in": B, "amount_in": 10**9}, {"amount_out_min": 0}),
        ("remove_liquidity", {"liquidity": 10**12}, {}),
        ("sync", {}, {}),
    ):
        before = client.snapshot()
        held = {(token, who): client.read("balance", token, who) for token in (A, B, LP) for who in (ME, at.pair)}
        status, receipts = send(ground, local, intent_of("pool", Action(verb, args, limits)))
        assert isinstance(status, Filled), (verb, status)
        events = [event for receipt in receipts for event in client.events(receipt.logs) if event.name != "Approval"]
        assert "Sync" in {event.name for event in events}
        (number,) = {r.block_number for r in receipts if any(e.name == "Sync" for e in client.events(r.logs))}
        ctx = _Ctx(held, Block(time=ground.rpc.block(number).timestamp, number=number))
        made = model.apply(before, Action(verb, args, limits), ctx)
        assert dict(status.amounts) == {k: v for k, v in made.amounts.items() if k in status.amounts}
        assert set(status.amounts) == set(made.amounts)
        after = client.snapshot()
        assert before == after, verb  # the model has changed it in place
        for event in events:
            model.replay(reader, event, ctx)
        for name in ("getReserves", "totalSupply", "kLast", "price0CumulativeLast"):
            assert model.read(reader, name) == client.read(name), (verb, name)
        for token in (at.token0, at.token1, at.pair):
            data = client.rpc.call(token, _allowance(ME, at.router))
            assert int.from_bytes(data, "big") == 0, "an allowance was left standing"


def test_shares_are_rated_as_the_model_rates_them(placed: tuple[Ground, LocalPair]):
    _, local = placed
    client, at = local.client, local.client.deployment
    (rate,) = client.rates().values()
    assert rate.kind == "pool"
    assert rate.assets == {A: client.read("balance", A, at.pair), B: client.read("balance", B, at.pair)}
    assert rate.shares >= client.read("totalSupply")
    assert client.positions(ME) == ()
    assert client.read("getAmountsOut", 10**18, (A, B)) == ExchangeModel().read(
        client.snapshot(), "getAmountsOut", 10**18, (A, B)
    )
    assert (client.read("token0"), client.read("token1")) == (A, B)


def test_a_refusal_is_told_with_the_routers_reason(placed: tuple[Ground, LocalPair]):
    ground, local = placed
    swap = Intent("pool", "swap_exact_in", {"token_in": A, "amount_in": 10**18}, Limits({"amount_out_min": 1 << 100}))
    assert send(ground, local, swap)[0] == Reverted("UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT")
    late = Intent("pool", "swap_exact_in", {"token_in": A, "amount_in": 5}, Limits({"amount_out_min": 0}, None, 1))
    assert send(ground, local, late)[0] == Reverted("UniswapV2Router: EXPIRED")


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (Intent("pool", "swap_exact_in", {"token_in": A, "amount_in": 5}), "amount_out_min is missing"),
        (Intent("pool", "swap_exact_out", {"token_in": A, "amount_out": 5}), "amount_in_max is missing"),
        (Intent("pool", "swap_exact_in", {"token_in": LP, "amount_in": 5}), "is neither"),
        (Intent("pool", "add_liquidity", {"amount0_desired": 5}), "amount1_desired is missing"),
        (Intent("pool", "sync", {}, Limits({"amount0_min": 5})), "amount0_min is unknown"),
    ],
)
def test_what_cannot_be_sent_says_why(placed: tuple[Ground, LocalPair], intent: Intent, said: str):
    _, local = placed
    with pytest.raises(BadInput, match=said):
        local.client.plan(intent)


def test_unknown_names_say_what_there_is(placed: tuple[Ground, LocalPair]):
    _, local = placed
    with pytest.raises(UnknownName, match="add_liquidty"):
        local.client.plan(Intent("pool", "add_liquidty"))
    with pytest.raises(BadInput, match="no view"):
        local.client.read("slot0")
    with pytest.raises(BadInput, match="is not of venue"):
        local.client.read("balance", "DAI@test", ME)
    with pytest.raises(BadInput, match="no stages"):
        local.client.plan(Intent("pool", "sync"), "later")


class _Ctx:
    """What the model may know of the chain."""

    sender = ME

    def __init__(self, held: dict[tuple[str, str], int], block: Block) -> None:
        self._held, self.block = held, block

    def balance(self, token: str, account: str) -> int:
        return self._held.get((token, account), 0)


def _allowance(owner: str, spender: str) -> bytes:
    return bytes.fromhex("dd62ed3e" + owner[2:].rjust(64, "0") + spender[2:].rjust(64, "0"))
