"""A generated day of one pool, on both kinds of stage: what tests of own positions on recorded flow share."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from tidemill.interfaces import Action, Block
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.own_swaps import PathLiquidity
from tidemill.venues.uniswap_v3.pool_stage import PoolStage, executed_state, recorded_actions
from tidemill.venues.uniswap_v3.stage import Pool, ReplayStage

NET, ME = "op-mainnet", "me"
LAST = Block(time=2**60, number=2**60)
INFO = PoolInfo(10, NET, "0x" + "5e" * 20, Token("USDC", 6), Token("WETH", 18), 500, 10)
SPEC = FlowSpec(
    pool=INFO,
    providers=(
        Provider(liquidity=30_000_000_000_000_000, width=887_270),
        Provider(liquidity=150_000_000_000_000_000, width=2_000, moves_per_day=900),
        Provider(liquidity=80_000_000_000_000_000, width=300, moves_per_day=2_000),
    ),
    seed="modes",
    days=1,
    trades_per_day=1_500,
)


class Wallet:
    """A context in which ``me`` can pay for anything."""

    def __init__(self, block: Block, sender: str = ME) -> None:
        self.block, self.sender = block, sender

    def balance(self, token: str, account: str) -> int:
        return 1 << 200

    def call(self, venue: str, action: Action) -> Any:
        raise NotImplementedError

    def move(self, transfer: Any) -> None:
        raise NotImplementedError


@cache
def market() -> Any:
    dataset = generate(SPEC)
    assert dataset.manifest.fidelity == "exact"
    return dataset


def replay_stage(*, diluted: bool) -> ReplayStage:
    data = market()
    pool = Pool(f"USDC@{NET}", f"WETH@{NET}", INFO.fee, INFO.tick_spacing)
    slots = data.initial_state().observation_cardinality
    known = PathLiquidity.of(data)
    return ReplayStage("pool", NET, pool, data.tape(), data.flow(), known, diluted=diluted, observation_slots=slots)


def pool_stage(*, anchored: bool) -> PoolStage:
    setup = SimpleNamespace(market=market(), network=NET, id="pool")
    return PoolStage("pool", NET, executed_state(setup), recorded_actions(market().flow()), anchored=anchored)


def block_of(step: int) -> Block:
    tape = market().tape()
    return Block(time=int(tape.time[step]), number=int(tape.block[step]))
