"""The embedded sample: a synthetic USDC/WETH market on an OP-stack chain, made once and kept in the user's cache."""

from __future__ import annotations

from pathlib import Path

from tidemill.chain.cache import cache_root
from tidemill.errors import BadData
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.store import Dataset, load_dataset, write_dataset

__all__ = ["SAMPLE", "sample_dataset", "sample_path"]

SAMPLE = FlowSpec(
    pool=PoolInfo(
        chain_id=10,
        network="op-mainnet",
        address="0x000000000000000000000000000000000005eed5",
        token0=Token("USDC", 6),
        token1=Token("WETH", 18),
        fee=500,
        tick_spacing=10,
    ),
    providers=(
        Provider(liquidity=30_000_000_000_000_000, width=887_270),
        Provider(liquidity=90_000_000_000_000_000, width=9_000, moves_per_day=3),
        Provider(liquidity=150_000_000_000_000_000, width=3_000, moves_per_day=10),
        Provider(liquidity=120_000_000_000_000_000, width=1_200, moves_per_day=40),
        Provider(liquidity=80_000_000_000_000_000, width=500, moves_per_day=100),
    ),
    seed="tidemill sample 1",
)
"""Its specification; the dataset's name in the cache is the hash of it."""


def sample_path() -> Path:
    """Return where the sample lies in the user's cache."""
    return cache_root() / "market" / f"sample-{SAMPLE.content()[:16]}"


def sample_dataset() -> Dataset:
    """Return the sample, made on first use (some seconds) and loaded afterwards."""
    path = sample_path()
    try:
        return load_dataset(path)
    except BadData:
        return write_dataset(generate(SAMPLE), path)
