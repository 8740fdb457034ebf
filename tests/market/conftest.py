"""Real files and small synthetic markets shared by the tests of the market room."""

from __future__ import annotations

import pytest

from tidemill.market import Dataset, PoolInfo, Token, data_file, import_rawlogs, missing_reason
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate

USDC, WETH = Token("USDC", 6), Token("WETH", 18)
POOL_005 = PoolInfo(1, "ethereum", "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640", USDC, WETH, 500, 10)
POOL_030 = PoolInfo(1, "ethereum", "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", USDC, WETH, 3000, 60)


def real(name: str) -> str:
    """Path of a reference file, or skip with the reason."""
    name = f"uniswap_v3/{name}.parquet"
    reason = missing_reason(name)
    if reason:
        pytest.skip(reason)
    return str(data_file(name))


@pytest.fixture(scope="session")
def day() -> Dataset:
    return import_rawlogs(real("eth_usdc_weth_005_20240105_rawlogs"), POOL_005)


def small_spec(**changes: object) -> FlowSpec:
    """A market of a day or two, two providers moving."""
    told = {
        "pool": PoolInfo(10, "op-mainnet", "0x" + "05" * 20, USDC, WETH, 500, 10),
        "providers": (
            Provider(30_000_000_000_000_000, 887_270),
            Provider(200_000_000_000_000_000, 800, moves_per_day=300),
            Provider(100_000_000_000_000_000, 150, moves_per_day=500),
        ),
        "days": 2,
        "seed": "test",
    }
    return FlowSpec(**{**told, **changes})


@pytest.fixture(scope="session")
def market() -> Dataset:
    return generate(small_spec())
