"""Statements from files of logs: the same as from the chain they were logged on, and the real day's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from studies_chain import ME, OTHER, World, local_pool, rows, tokens
from tidemill.chain.anvil import Anvil
from tidemill.market import PoolInfo, Token
from tidemill.studies.held_asked import Asked
from tidemill.studies.held_document import Portfolio
from tidemill.studies.held_files import from_files
from tidemill.venues.uniswap_v3.client import V3Deployment

ETHER = 10**18


@pytest.fixture(scope="module")
def chain() -> Iterator[tuple[Anvil, V3Deployment]]:
    yield from local_pool()


@pytest.fixture
def world(chain: tuple[Anvil, V3Deployment]) -> Iterator[World]:
    anvil, at = chain
    snapshot = anvil.snapshot()
    yield World(anvil, at)
    anvil.revert(snapshot)


def logged(world: World, folder: Path) -> Path:
    """Everything that pool and manager have logged, as a file."""
    lines, times = [], {}
    for address in (world.at.pool, world.at.manager):
        for log in world.anvil.rpc.logs(address=address, from_block=0):
            block = int(log["blockNumber"], 16)
            times.setdefault(block, world.anvil.rpc.block(block).timestamp)
            lines.append(
                {
                    "block_number": block,
                    "block_timestamp": times[block],
                    "transaction_hash": log["transactionHash"],
                    "transaction_index": int(log["transactionIndex"], 16),
                    "log_index": int(log["logIndex"], 16),
                    "address": log["address"],
                    "topics": log["topics"],
                    "data": log["data"],
                }
            )
    path = folder / "logs.parquet"
    pl.DataFrame(lines).write_parquet(path)
    return path


def state(world: World, path: Path, **asked) -> Portfolio:
    pool = PoolInfo(10, "op-mainnet", world.at.pool, Token("USDC", 18), Token("WETH", 18), 500, 10)
    return from_files([path], Asked(**asked), pool, manager=world.at.manager)


@pytest.mark.chain
@pytest.mark.parametrize("seed", [1, 2])
def test_logs_and_chain_tell_the_same(world: World, tmp_path: Path, seed: int) -> None:
    draw, mine = random.Random(seed), [world.mint(amount=50 * ETHER, lower=-60, upper=80)]
    for _ in range(25):
        world.swap(draw.randrange(1, 60) * ETHER, draw.choice(["USDC@op", "WETH@op"]))
        match draw.randrange(6):
            case 0:
                low = draw.randrange(-30, 20) * 10
                mine.append(
                    world.mint(amount=draw.randrange(1, 90) * ETHER, lower=low, upper=low + draw.randrange(1, 9) * 10)
                )
            case 1:
                token = world.mint(OTHER, 20 * ETHER, -300, 10)
                world.swap(5 * ETHER)
                world.mine(world.give(token, OTHER, ME))
                mine.append(token)
            case 2 if len(mine) > 1:
                world.mine(world.give(mine.pop(draw.randrange(len(mine))), ME, OTHER))
            case 3:
                position = f"pool#{draw.choice(mine)}"
                world.do("increase", position=position, amount0_desired=3 * ETHER, amount1_desired=3 * ETHER)
            case 4:
                world.do("decrease", position=f"pool#{draw.choice(mine)}", liquidity=draw.randrange(1, 10**15))
            case _:
                world.do("harvest", position=f"pool#{draw.choice(mine)}")
    end = str(world.anvil.rpc.block().number)
    read = state(world, logged(world, tmp_path), address=ME, start=str(world.start + 2), end=end)
    real = world.state(start=str(world.start + 2), end=end)
    assert read.total is not None and real.total is not None
    assert not read.unstated
    opened = {one.position: (one.principal, one.claimable) for one in real.still_open}
    assert {one.position: (one.principal, one.claimable) for one in read.still_open} == opened
    assert tokens(read.total, "fees") == tokens(real.total, "fees")
    assert rows(read.total)["fees"] == pytest.approx(rows(real.total)["fees"], abs=20)
    # the chain is read block by block: what others did in a block of one's own is the market's there
    assert rows(read.total)["keep"] == pytest.approx(rows(real.total)["keep"] - rows(real.total)["l2"], abs=5)
    assert "l2" not in rows(read.total) and "not counted" in read.total.warnings[0]
    assert all(one.exact for one in read.collects) and read.collects
