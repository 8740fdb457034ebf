"""Any logs at all decode to themselves or are refused in one line."""

from __future__ import annotations

import polars as pl
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from tidemill.errors import BadData
from tidemill.market.decode import decode_logs
from tidemill.market.layouts import TOPICS
from tidemill.market.limbs import from_limbs
from tidemill.market.schema import SIGNED, Kind

WORD = st.one_of(
    st.integers(0, 2**256 - 1),
    st.sampled_from([0, 1, 2**24 - 1, 2**128 - 1, 2**128, 2**160 - 1, 2**160, 2**255, 2**256 - 1, 2**256 - 887_272]),
    st.integers(-900_000, 900_000).map(lambda n: n % 2**256),
).map(lambda n: n.to_bytes(32, "big").hex())
HEXADECIMAL = st.one_of(
    st.lists(WORD, max_size=8).map(lambda words: "0x" + "".join(words)),
    st.text(max_size=80),
    st.binary().map(bytes.hex),
)
TOPIC = st.one_of(st.sampled_from(sorted(TOPICS)), HEXADECIMAL)
NUMBER = st.one_of(st.integers(0, 2**40), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))


@st.composite
def logs(draw: st.DrawFn) -> dict[str, object]:
    """A log whose parts may or may not fit together."""
    return {
        "block_number": draw(NUMBER),
        "block_timestamp": draw(NUMBER),
        "transaction_index": draw(NUMBER),
        "log_index": draw(NUMBER),
        "topics": draw(st.lists(TOPIC, max_size=5)),
        "data": draw(HEXADECIMAL),
    }


@seed(20240105)
@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(logs(), min_size=1, max_size=4))
@example([{"block_number": 1, "block_timestamp": 1, "transaction_index": 0, "log_index": 0, "topics": [], "data": ""}])
def test_any_logs_decode_or_are_refused_in_one_line(rows: list[dict[str, object]]):
    frame = pl.DataFrame(rows, schema_overrides={"topics": pl.List(pl.String)})
    try:
        events = decode_logs(frame, tick_spacing=10, where="fuzz.parquet")
    except BadData as error:
        line = str(error)
        assert line.startswith("fuzz.parquet: ")
        assert "\n" not in line
        return
    assert events.height == len(rows)


SWAP = next(topic for topic, kind in TOPICS.items() if kind == Kind.SWAP)


@seed(20240105)
@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(WORD, min_size=5, max_size=5), st.lists(WORD, min_size=2, max_size=2))
def test_a_swap_of_any_words_is_kept_to_the_bit_or_refused(words: list[str], topics: list[str]):
    row = {
        "block_number": 1, "block_timestamp": 1, "transaction_index": 0, "log_index": 0,
        "topics": [SWAP, *("0x" + topic for topic in topics)], "data": "0x" + "".join(words),
    }  # fmt: skip
    try:
        events = decode_logs(pl.DataFrame([row]))
    except BadData as error:
        line = str(error)
        assert "is not a valid" in line
        fits = int(words[2], 16) < 2**160 and int(words[3], 16) < 2**128 and all(int(t, 16) < 2**160 for t in topics)
        assert not (fits and ((int(words[4], 16) + 2**23) % 2**256) < 2**24)
        return
    names = ("amount0", "amount1", "sqrt_price_x96", "liquidity")
    told = [from_limbs(events[name].to_numpy(), signed=name in SIGNED)[0] % 2**256 for name in names]
    assert [*told, events["tick"][0] % 2**256] == [int(word, 16) for word in words]
