"""A pool on a local chain, shared by the tests of statements; each test finds it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from held_pool import World, local_pool
from tidemill.chain.anvil import Anvil
from tidemill.venues.uniswap_v3.client import V3Deployment


@pytest.fixture(scope="session")
def pool_chain() -> Iterator[tuple[Anvil, V3Deployment]]:
    yield from local_pool()


@pytest.fixture
def world(pool_chain: tuple[Anvil, V3Deployment]) -> Iterator[World]:
    anvil, at = pool_chain
    snapshot = anvil.snapshot()
    yield World(anvil, at)
    anvil.revert(snapshot)
