"""The statement of a random portfolio, read back from its chain alone, against what the chain says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from statement.life import liquidations, live
from statement.portfolio import ME, Portfolio
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.studies.held_chain import Asked, from_chain

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world() -> Iterator[Portfolio]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Portfolio(anvil, "round trip")
        live(world, 60)
        liquidations(world)
        live(world, 30)
        yield world


def asked(world: Portfolio, **changes: object) -> Asked:
    at = {name: each[ME].deployment for name, each in world.clients.items()}
    contracts = (
        ("uniswap_v2", at["pair"].pair),
        ("erc4626", at["vault"].vault),
        ("staking_rewards", at["farm"].farm),
        ("minichef", at["chef"].chef),
        ("aave_v3", at["market"].pool),
        ("morpho_blue", at["morpho"].morpho),
    )
    given = {"RWD": "0.5", "SUSHI": "1.1", "BON": "2"}
    told = {"address": ME, "contracts": contracts, "home": "USDC", "given": given, "start": str(world.began)}
    return Asked(**(told | changes))


def test_it_adds_up(world: Portfolio) -> None:
    told = from_chain(world.rpc, asked(world))
    print(told.total.waterfall)
