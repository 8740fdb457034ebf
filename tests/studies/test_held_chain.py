"""Statements of real positions on a local chain, against what the contracts say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from harness import actor
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Intent, Limits
from tidemill.studies.held_asked import Asked
from tidemill.studies.held_chain import from_chain
from tidemill.venues.uniswap_v3.client import UniswapV3Client, V3Deployment
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow

pytestmark = pytest.mark.chain

ME, OTHER = actor("alice"), actor("bob")
MIN_OUT = Limits(amounts={"amount_out_min": 1})


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
        self.clients = {who: UniswapV3Client(anvil.rpc, at, venue="pool", account=who) for who in (ME, OTHER)}

    def send(self, who: str, calls: Sequence[Call]) -> list[Receipt]:
        return self.anvil.mine([(who, call) for call in calls])[1]

    def do(self, verb: str, who: str = ME, limits: Limits | None = None, **args):
        client = self.clients[who]
        return client.decode(self.send(who, client.plan(Intent("pool", verb, args, limits or Limits()))))

    def mint(self, who: str = ME, amount: int = 10**18, lower: int = -1000, upper: int = 1000) -> int:
        filled = self.do(
            "mint", who, tick_lower=lower, tick_upper=upper, amount0_desired=amount, amount1_desired=amount
        )
        return int(filled.position.partition("#")[2])

    def swap(self, amount: int, token: str = "USDC@op") -> None:
        self.do("swap_exact_in", OTHER, MIN_OUT, token_in=token, amount_in=amount)

    def state(self, **asked):
        asked = {"address": ME, "contracts": (("uniswap_v3", self.at.manager),)} | asked
        return from_chain(self.anvil.rpc, Asked(**asked))


def test_a_position_from_mint_to_close(world: World) -> None:
    world.mint(OTHER, 10**20)
    first = world.anvil.rpc.block().number
    token = world.mint()
    world.swap(10**17)
    world.swap(10**17, "WETH@op")
    world.do("harvest", position=f"pool#{token}")
    world.swap(10**17)
    world.do("close", position=f"pool#{token}")
    told = world.state(start=str(first))
    rows = {row.key: row for row in told.total.waterfall}
    print(rows)
    assert set(rows["fees"].tokens) and not told.positions
