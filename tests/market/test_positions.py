"""Positions followed through logs: the real day's collects to the wei, and honest about the rest."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from eth_hash.auto import keccak

from tidemill.errors import BadData
from tidemill.market import data_root, missing_reason
from tidemill.market.exact import replay_model
from tidemill.market.growth import growth_of_events, growth_of_state
from tidemill.market.manager_logs import TOPICS_OF_MANAGER, manager_events
from tidemill.market.positions import Follower, Start, collected, lives, principals
from tidemill.venues.uniswap_v3.model_ticks import growth_inside

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

MANAGER = "0xc36442b4a4522e871399cd717abdd847ab11fe88"
NFPM = "uniswap_v3/eth_nfpm_20240105_rawlogs.parquet"
USER_LP = "uniswap_v3/eth_usdc_weth_005_20240105_user_lp.parquet"
NO_LOGS = pl.DataFrame(
    schema=dict.fromkeys(("block", "time", "tx_index", "log_index"), pl.Int64())
    | {"data": pl.String(), "topics": pl.List(pl.String)}
)


@pytest.fixture(scope="module")
def raw() -> pl.DataFrame:
    if reason := missing_reason(NFPM):
        pytest.skip(reason)
    return pl.read_parquet(data_root() / NFPM)


@pytest.fixture(scope="module")
def found(day, raw):
    growth = growth_of_events(day.events, day.pool)
    return growth, lives(day.events, manager_events(raw), address=MANAGER)


def test_topics_are_hashes_of_what_the_manager_logs():
    signatures = {
        "increase": "IncreaseLiquidity(uint256,uint128,uint256,uint256)",
        "decrease": "DecreaseLiquidity(uint256,uint128,uint256,uint256)",
        "collect": "Collect(uint256,address,uint256,uint256)",
        "transfer": "Transfer(address,address,uint256)",
    }
    assert {what: "0x" + keccak(text.encode()).hex() for what, text in signatures.items()} == {
        what: topic for topic, what in TOPICS_OF_MANAGER.items()
    }


def test_every_collect_of_the_day_that_logs_determine_comes_out_to_the_wei(found):
    growth, every = found
    assert Counter(life.token_id is not None for life in every) == {True: 44, False: 20}
    told = {life.name: collected(life, growth) for life in every}
    collects = [(life, one) for life in every for one in told[life.name]]
    determined = [(life, one) for life, one in collects if one.due is not None]
    assert (len(collects), len(determined), sum(one.exact for _, one in determined)) == (65, 39, 39)
    # position tokens: 6 made that day, 4 behind a collect of that day
    tokens = Counter(one.rests_on for life, one in determined if life.token_id is not None)
    assert tokens == {"": 6, "the collect before took everything": 4}
    # positions held at the pool directly: all of them opened and emptied that day
    direct = Counter(one.rests_on for life, one in determined if life.token_id is None)
    assert direct == {"nothing was there before its first mint": 29}
    why = Counter(one.reason.split(":")[0].split(" at block")[0] for _, one in collects if one.due is None)
    assert why == {"it was opened before the logs begin": 25, "the path of the swap": 1}


def test_what_a_decrease_pays_is_its_liquidity_at_the_price(found):
    growth, every = found
    counts = [principals(life, growth) for life in every]
    assert (sum(taken for taken, _ in counts), sum(exact for _, exact in counts)) == (55, 55)


@pytest.mark.skipif(missing_reason(USER_LP) is not None, reason=str(missing_reason(USER_LP)))
def test_tokens_and_liquidity_are_those_of_an_independent_table(found):
    _, every = found
    table = pl.read_parquet(data_root() / USER_LP)
    mine = {life.token_id: life for life in every if life.token_id is not None}
    checked = 0
    for row in table.iter_rows(named=True):
        token = int(row["position_id"]) if row["position_id"].isdecimal() else None
        if token not in mine:
            continue
        life = mine[token]
        assert (life.lower, life.upper) == (int(float(row["tick_lower"])), int(float(row["tick_upper"])))
        signed = [{"increase": c.liquidity, "decrease": -c.liquidity}.get(c.what, 0) for c in life.changes]
        moved = {abs(sum(signed[i:j])) for i in range(len(signed)) for j in range(i + 1, len(signed) + 1)}
        assert int(row["liquidity"]) in moved
        checked += 1
    assert checked >= 30


@pytest.mark.parametrize("fault", ["a fee twice", "a swap left out", "a collect left out"])
def test_a_planted_fault_is_seen(found, fault):
    growth, every = found
    life = next(one for one in every if one.name == "token 639514")
    if fault == "a collect left out":
        many = next(one for one in every if sum(c.what == "collect" for c in one.changes) == 4)
        first = next(place for place, c in enumerate(many.changes) if c.what == "collect" and place)
        changes = [c for place, c in enumerate(many.changes) if place != first]
        less = type(many)(many.name, many.token_id, many.owner, many.lower, many.upper, changes)
        assert any(one.due is not None and not one.exact for one in collected(less, growth))
        return
    amount, row = growth.amount.copy(), growth.row.copy()
    opened, closed = life.changes[0].row, life.changes[-1].row
    inside = [k for k in range(len(row)) if opened < row[k] < closed and life.lower <= growth.tick[k] < life.upper]
    amount[inside[0]] = amount[inside[0]] * 2 if fault == "a fee twice" else 0
    (one,) = collected(life, growth._replace(amount=amount))
    assert one.due is not None and not one.exact


def test_logs_that_contradict_the_pool_are_refused(day, raw):
    events = manager_events(raw)
    place = events.with_row_index().filter((pl.col("what") == "collect") & (pl.col("token_id") == 639514))["index"][0]
    word = f"{int(events['b'][place], 16) + 2:064x}"
    index = pl.int_range(events.height)
    wrong = events.with_columns(b=pl.when(index == place).then(pl.lit(word)).otherwise(pl.col("b")))
    with pytest.raises(BadData, match="token 639514: block .* contradict one another: collect of"):
        lives(day.events, wrong, address=MANAGER)


def test_damaged_and_doubled_logs_are_named(raw):
    cut = raw.with_columns(
        data=pl.when(pl.int_range(raw.height) == 7).then(pl.col("data").str.slice(0, 60)).otherwise("data")
    )
    with pytest.raises(BadData, match="a damaged (increase|decrease|collect) of a position"):
        manager_events(cut)
    with pytest.raises(BadData, match="is given twice"):
        manager_events(pl.concat([raw, raw.head(1)]))


@pytest.mark.parametrize("fidelity", ["exact", "inferred"])
def test_positions_end_as_the_venues_own_model_has_them(market, fidelity):
    growth = growth_of_state(market) if fidelity == "exact" else growth_of_events(market.events, market.pool)
    end, checked = replay_model(market), 0
    for life in lives(market.events, manager_events(NO_LOGS), address=MANAGER):
        held = market.initial_state().positions.get((life.owner, life.lower, life.upper))
        start = None
        if held is not None and fidelity == "exact":
            now = growth_inside(market.initial_state(), life.lower, life.upper)
            last = held.fee_growth_inside_0_last_x128, held.fee_growth_inside_1_last_x128
            grown = tuple((a - b) % 2**256 for a, b in zip(now, last, strict=True))
            start = Start(held.liquidity, (held.tokens_owed_0, held.tokens_owed_1), grown)
        elif held is not None:
            continue
        follower = Follower(life, growth, start)
        state = follower.state(len(growth.rows))
        left = end.positions[life.owner, life.lower, life.upper]
        if state is None:
            continue
        grown = [
            (a - b) % 2**256
            for a, b in zip(
                growth_inside(end, life.lower, life.upper) if left.liquidity else (0, 0),
                (left.fee_growth_inside_0_last_x128, left.fee_growth_inside_1_last_x128) if left.liquidity else (0, 0),
                strict=True,
            )
        ]
        owed = [
            o + g * left.liquidity // 2**128
            for o, g in zip((left.tokens_owed_0, left.tokens_owed_1), grown, strict=True)
        ]
        assert (state.liquidity, list(state.claimable)) == (left.liquidity, owed)
        checked += 1
    assert checked >= 8
    every = [
        one
        for life in lives(market.events, manager_events(NO_LOGS), address=MANAGER)
        for one in collected(life, growth)
    ]
    assert all(one.possible for one in every)
