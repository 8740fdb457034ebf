"""Decoding of raw pool logs: equal to an independent decoder, and every kind of damage named."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from eth_utils import keccak

from tidemill.errors import BadData
from tidemill.market.decode import decode_logs
from tidemill.market.layouts import LAYOUTS, TOPICS
from tidemill.market.limbs import from_limbs
from tidemill.market.schema import EVENTS, SIGNED, WIDTHS, Kind

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

RAW_005, RAW_030 = "eth_usdc_weth_005_20240105_rawlogs", "eth_usdc_weth_030_20240105_rawlogs"


def test_topics_are_the_hashes_of_the_signatures():
    assert len(TOPICS) == len(LAYOUTS) == len(Kind)
    for topic, kind in TOPICS.items():
        assert topic == "0x" + keccak(text=LAYOUTS[kind].signature).hex()


def test_signatures_have_the_types_of_their_arguments_in_some_order():
    for layout in LAYOUTS.values():
        types = layout.signature.partition("(")[2].rstrip(")").split(",")
        assert sorted(types) == sorted(kind for _, kind in layout.indexed + layout.plain)


@pytest.mark.parametrize(
    ("raw", "reference", "rows"),
    [(RAW_005, "eth_usdc_weth_005_20240105_events", 6234), (RAW_030, "eth_usdc_weth_030_20240105_events", 304)],
)
def test_real_logs_equal_the_reference_decoding(raw, reference, rows):
    events = decode_logs(pl.read_parquet(shared.real(raw)))
    want = pl.read_parquet(shared.real(reference))
    log_index = "pool_log_index" if "pool_log_index" in want.columns else "log_index"
    want = want.with_columns(pl.col(log_index).cast(pl.Int64)).sort("block_number", log_index)
    assert events.height == want.height == rows
    assert events["block"].to_list() == want["block_number"].to_list()
    assert events["log_index"].to_list() == want[log_index].to_list()
    assert [Kind(k).name for k in events["kind"]] == want["tx_type"].to_list()
    assert events["tx_hash"].to_list() == want["transaction_hash"].to_list()
    assert events["time"].to_list() == want["block_timestamp"].dt.epoch("s").to_list()
    for name in ("amount0", "amount1"):
        assert from_limbs(events[name].to_numpy(), signed=True) == [int(v) for v in want[name]]
    swaps = np.flatnonzero(events["kind"].to_numpy() == Kind.SWAP)
    got, ref = events[swaps], want[swaps]
    assert from_limbs(got["sqrt_price_x96"].to_numpy()) == [int(v) for v in ref["sqrtPriceX96"]]
    assert from_limbs(got["liquidity"].to_numpy()) == [int(v) for v in ref["total_liquidity"]]
    assert got["tick"].to_list() == ref["current_tick"].to_list()
    assert got["sender"].to_list() == ref["sender"].to_list()
    assert got["recipient"].to_list() == ref["receipt"].to_list()
    moved = np.flatnonzero(np.isin(events["kind"].to_numpy(), [Kind.MINT, Kind.BURN]))
    assert from_limbs(events[moved]["liquidity"].to_numpy()) == [int(v) for v in want[moved]["liquidity"]]
    ranged = np.flatnonzero(events["tick_lower"].is_not_null().to_numpy())
    assert events[ranged]["tick_lower"].to_list() == want[ranged]["tick_lower"].to_list()
    assert events[ranged]["tick_upper"].to_list() == want[ranged]["tick_upper"].to_list()


def word(value: int) -> str:
    return (value % 2**256).to_bytes(32, "big").hex()


def log(
    kind: Kind, values: dict[str, int], *, block: int = 100, index: int = 0, **changes: object
) -> dict[str, object]:
    """A log as a contract would write it."""
    layout = LAYOUTS[kind]
    topic = next(t for t, k in TOPICS.items() if k == kind)
    return {
        "block_number": block,
        "block_timestamp": 1_700_000_000 + block,
        "transaction_index": 1,
        "log_index": index,
        "topics": [topic, *("0x" + word(values[name]) for name, _ in layout.indexed)],
        "data": "0x" + "".join(word(values[name]) for name, _ in layout.plain),
    } | changes


def values_of(kind: Kind, draw) -> dict[str, int]:
    """Extreme and random values of each argument's type."""
    out = {}
    for name, declared in LAYOUTS[kind].indexed + LAYOUTS[kind].plain:
        if declared == "address":
            out[name] = draw.choice([0, 2**160 - 1, draw.getrandbits(160)])
        elif declared.startswith("int"):
            bits = int(declared[3:])
            out[name] = draw.choice([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, -1, 0, draw.getrandbits(bits - 1)])
        else:
            bits = int(declared[4:])
            bits = min(bits, 64 * WIDTHS.get(name, 4))
            out[name] = draw.choice([0, 2**bits - 1, draw.getrandbits(bits)])
    if "tick_lower" in out:
        out["tick_lower"], out["tick_upper"] = -50_000, draw.randint(-49_000, 887_272)
    return out


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_round_trips(kind):
    import random

    draw = random.Random(int(kind))
    told = [values_of(kind, draw) for _ in range(200)]
    events = decode_logs(pl.DataFrame([log(kind, v, index=i) for i, v in enumerate(told)]))
    assert dict(events.schema) == EVENTS
    for name, declared in LAYOUTS[kind].indexed + LAYOUTS[kind].plain:
        column = events[name]
        if name in WIDTHS:
            found = from_limbs(column.to_numpy(), signed=declared.startswith("int") and name in SIGNED)
        elif declared == "address":
            found = [int(a, 16) for a in column]
        else:
            found = column.to_list()
        assert found == [v[name] for v in told]


SWAP = {"sender": 1, "recipient": 2, "amount0": 5, "amount1": -5, "sqrt_price_x96": 2**96, "liquidity": 10, "tick": 0}
MINT = {"sender": 1, "owner": 2, "tick_lower": -10, "tick_upper": 10, "liquidity": 10, "amount0": 1, "amount1": 1}
GOOD = log(Kind.SWAP, SWAP)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([GOOD | {"topics": ["0x" + "ab" * 32]}], "no Uniswap v3 pool event"),
        ([GOOD | {"topics": []}], "no Uniswap v3 pool event"),
        ([GOOD | {"topics": GOOD["topics"][:2]}], "Swap, which has 3 topics; found 2"),
        ([GOOD | {"topics": [*GOOD["topics"], "0x" + word(0)]}], "found 4"),
        ([GOOD | {"data": GOOD["data"][:-2]}], "needs 160 bytes, found 159 bytes"),
        ([GOOD | {"data": GOOD["data"] + "00"}], "found 161 bytes"),
        ([GOOD | {"data": "0x" + "zz" + GOOD["data"][4:]}], "not hexadecimal"),
        ([GOOD | {"data": "0x" + " " * 2 + GOOD["data"][4:]}], "not hexadecimal"),
        ([GOOD | {"data": GOOD["data"][2:] + "00"}], "is cut short"),
        ([log(Kind.SWAP, SWAP | {"tick": 2**23})], "Swap.tick is not a valid int24"),
        ([log(Kind.SWAP, SWAP | {"tick": -(2**23) - 1})], "Swap.tick is not a valid int24"),
        ([log(Kind.SWAP, SWAP | {"tick": 2**255})], "Swap.tick is not a valid int24"),
        ([log(Kind.SWAP, SWAP | {"sqrt_price_x96": 2**160})], "sqrt_price_x96 is not a valid uint160"),
        ([log(Kind.SWAP, SWAP | {"liquidity": 2**128})], "liquidity is not a valid uint128"),
        ([log(Kind.SWAP, SWAP | {"sender": 2**160})], "sender is not a valid address"),
        ([GOOD, GOOD], "duplicates the log before it"),
        ([GOOD | {"log_index": 1}, GOOD], "out of order"),
        ([GOOD | {"block_number": 101}, GOOD], "out of order"),
        ([GOOD, GOOD | {"block_number": 101, "block_timestamp": 5}], "earlier in time"),
        ([log(Kind.MINT, MINT | {"tick_upper": -10})], "reversed or empty"),
        ([log(Kind.MINT, MINT | {"tick_lower": -15})], "off spacing 10"),
    ],
)
def test_damage_is_named(rows, says):
    with pytest.raises(BadData, match=says) as error:
        decode_logs(pl.DataFrame(rows), tick_spacing=10, where="file.parquet")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("file.parquet: log ")


def test_logs_of_another_pool_are_refused():
    mine, other = "0x" + "11" * 20, "0x" + "22" * 20
    frame = pl.DataFrame(
        [GOOD | {"address": mine.upper().replace("0X", "0x")}, GOOD | {"address": other, "log_index": 1}]
    )
    assert decode_logs(frame[:1], address=mine).height == 1
    with pytest.raises(BadData, match=f"log 1 .* is of contract {other}, not of pool {mine}"):
        decode_logs(frame, address=mine)


@pytest.mark.parametrize("column", ["block_number", "block_timestamp", "log_index", "topics", "data"])
def test_a_missing_or_empty_column_is_named(column):
    frame = pl.DataFrame([GOOD, GOOD | {"log_index": 1}])
    with pytest.raises(BadData, match="these are not raw logs"):
        decode_logs(frame.drop(column))
    with pytest.raises(BadData, match="is empty in row 1"):
        decode_logs(frame.with_columns(pl.when(pl.col("log_index") != 1).then(pl.col(column)).alias(column)))


def test_random_damage_never_passes_silently_nor_tracebacks():
    import random

    draw = random.Random(5)
    for _ in range(400):
        data = list(GOOD["data"])
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(len(data))
            data[place] = draw.choice("0123456789abcdefgx \n")
        damaged = "".join(data)
        try:
            events = decode_logs(pl.DataFrame([GOOD | {"data": damaged}]))
        except BadData:
            continue
        again = log(
            Kind.SWAP,
            SWAP
            | {
                name: from_limbs(events[name].to_numpy(), signed=name in SIGNED)[0]
                for name in ("amount0", "amount1", "sqrt_price_x96", "liquidity")
            }
            | {"tick": events["tick"][0]},
        )
        assert again["data"] == damaged
