"""A day of two reserves on Polygon (6 January 2024): indices follow from the rates before, to the last digit.

The index of debt follows everywhere. The liquidity index follows wherever no flash loan was paid back: each of those adds
its premium to what suppliers own, so the index jumps up there, and nowhere else.
"""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from tidemill.chain.abi import EventCodec
from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Block, Event
from tidemill.market.data import data_file, missing_reason
from tidemill.venues.aave_v3 import rules
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.shared.client_parts import abi

_RATES = "uint256 liquidityRate, uint256 stableBorrowRate, uint256 variableBorrowRate"
_WHOM = "address indexed reserve, address user, address indexed onBehalfOf, uint256 amount"
POOL = f"""
event ReserveDataUpdated(address indexed reserve, {_RATES}, uint256 liquidityIndex, uint256 variableBorrowIndex)
event Supply({_WHOM}, uint16 indexed referralCode)
event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount)
event Borrow({_WHOM}, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode)
event Repay(address indexed reserve, address indexed user, address indexed repayer, uint256 amount, bool useATokens)
"""


class Update(NamedTuple):
    """One ReserveDataUpdated; ``verb`` is the user's action that it belongs to, empty where the logs hold none."""

    time: int
    args: dict[str, Any]
    verb: str


def day(asset: str) -> list[Update]:
    """Read a reserve's day in order."""
    import polars as pl

    name = f"lending/polygon_aave_v3_{asset}_20240106_rawlogs.parquet"
    if reason := missing_reason(name):
        pytest.skip(reason)
    frame = pl.read_parquet(data_file(name)).with_columns(pl.col("block_number", "log_index").cast(pl.Int64))
    codecs: dict[str, EventCodec] = abi(POOL).events
    out: list[Update] = []
    last = ""
    for row in frame.sort("block_number", "log_index").iter_rows(named=True):
        topics = ast.literal_eval(row["topics"])
        codec = codecs[topics[0]]
        args = codec.decode(topics, bytes.fromhex(row["data"][2:]))
        if codec.name == "ReserveDataUpdated":
            time: datetime = row["block_timestamp"].replace(tzinfo=UTC)
            out.append(Update(int(time.timestamp()), args, ""))
            last = row["transaction_hash"]
        else:
            assert row["transaction_hash"] == last
            assert not out[-1].verb
            out[-1] = out[-1]._replace(verb=codec.name)
    return out


@pytest.mark.parametrize(("asset", "updates"), [("usdce", 1_231), ("weth", 445)])
def test_the_index_of_debt_follows_everywhere(asset: str, updates: int) -> None:
    rows = day(asset)
    assert len(rows) == updates
    for before, after in pairwise(rows):
        growth = rules.binomial_interest_down(before.args["variableBorrowRate"], after.time - before.time)
        assert rules.grow_half_up(before.args["variableBorrowIndex"], growth) == after.args["variableBorrowIndex"]


@pytest.mark.parametrize(("asset", "exact", "flash_loans"), [("usdce", 882, 348), ("weth", 413, 31)])
def test_the_liquidity_index_follows_except_where_flash_loans_paid(asset: str, exact: int, flash_loans: int) -> None:
    rows, same, jumped = day(asset), 0, 0
    for before, after in pairwise(rows):
        growth = rules.linear_interest_down(before.args["liquidityRate"], after.time - before.time)
        extra = after.args["liquidityIndex"] - rules.grow_half_up(before.args["liquidityIndex"], growth)
        if extra == 0:
            same += 1
            continue
        # Up, by an update that no supply, withdrawal, loan or repayment explains: a premium.
        assert extra > 0
        assert after.verb == ""
        jumped += 1
    assert (same, jumped) == (exact, flash_loans)


def test_the_model_replays_the_day_and_notices_an_index_that_does_not_follow() -> None:
    rows, model = day("usdce"), MarketModel()
    curve = {"optimal": 9 * 10**26, "base": 0, "slope1": 0, "slope2": 0}
    reserve = {"asset": "USDC.e", "account": "pool", "decimals": 6, "config": {}, "curve": curve}
    state = model.init({"treasury": "treasury", "reserves": [reserve]})
    first = rows[0].args
    state.reserves["USDC.e"].variable_index = first["variableBorrowIndex"]
    state.reserves["USDC.e"].updated = rows[0].time
    for update in rows:
        model.replay(state, _event(update.args), _At(update.time))
    last = rows[-1].args
    assert state.reserves["USDC.e"].variable_index == last["variableBorrowIndex"]
    assert model.read(state, "getReserveNormalizedIncome", "USDC.e", rows[-1].time) == last["liquidityIndex"]
    with pytest.raises(ReplayMismatch, match="variable borrow index"):
        model.replay(state, _event(last), _At(rows[-1].time + 1))


def _event(args: dict[str, Any]) -> Event:
    return Event("ReserveDataUpdated", {**args, "reserve": "USDC.e"})


class _At:
    """What a replay needs to know of the world: the time."""

    sender = ""

    def __init__(self, time: int) -> None:
        self.block = Block(time=time, number=0)
