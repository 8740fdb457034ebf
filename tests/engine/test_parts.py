"""Book, blocks, feeds, seeds: the parts by themselves."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.engine.blocks import Blocks
from tidemill.engine.book import Book, Overdrawn
from tidemill.engine.rng import seed_of, stream
from tidemill.errors import BadInput, InvariantBroken
from tidemill.execution.ids import canonical, content_hash, intent_id, plan_id
from tidemill.interfaces import Block, Crosses, Transfer
from tidemill.venues.shared.oracle import Feed, Oracle, updates_from_prices

NAMES = st.sampled_from(["market", "me", "pool", "vault"])


@given(st.lists(st.tuples(st.sampled_from("ab"), NAMES, NAMES, st.integers(0, 40)), max_size=40), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_the_book_never_goes_negative_sums_to_zero_and_undoes_exactly(moves, cut):
    book = Book({"market"})
    states = {}
    for i, (token, source, target, amount) in enumerate(moves):
        if i == cut:
            states[book.checkpoint()] = book.accounts()
        held = book.balance(token, source)
        if held < amount and source != "market":
            with pytest.raises(Overdrawn):
                book.move(Transfer(token, source, target, amount))
            assert book.balance(token, source) == held
        else:
            book.move(Transfer(token, source, target, amount))
        assert all(n > 0 or account == "market" for (account, _), n in book.accounts().items())
        assert book.total("a") == book.total("b") == 0
    for checkpoint, accounts in states.items():
        book.undo(checkpoint)
        assert book.accounts() == accounts


@pytest.mark.parametrize("amount", [-1, 2**256])
def test_the_book_refuses_what_is_no_amount(amount):
    with pytest.raises(InvariantBroken):
        Book().move(Transfer("t", "market", "me", amount))


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 400)), min_size=1, max_size=6),
    st.integers(1, 20_000),
    st.integers(-500, 2_500),
)
@settings(max_examples=200, deadline=None)
def test_block_times_never_decrease_and_both_searches_agree(gaps, period_ms, time):
    number = seconds = 0
    knots = [Block(time=0, number=0)]
    for blocks, elapsed in gaps:
        number, seconds = number + blocks, seconds + elapsed
        knots.append(Block(time=seconds, number=number))
    blocks = Blocks(knots, period_ms)
    assert all(blocks.number(k.number) == k for k in knots)
    first, last = blocks.first_from(time), blocks.last_until(time)
    assert first.time >= time > blocks.number(first.number - 1).time
    assert last.time <= time < blocks.number(last.number + 1).time
    times = [blocks.number(n).time for n in range(-5, number + 5)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("knots", "period"), [([], 1), ([Block(1, 1)], 0), ([Block(2, 1), Block(1, 2)], 1), ([Block(1, 1), Block(1, 1)], 1)]
)
def test_blocks_that_cannot_be_are_refused(knots, period):
    with pytest.raises(BadInput):
        Blocks(knots, period)


def test_a_feed_answers_on_deviation_heartbeat_and_late():
    feed = Feed(heartbeat=100, deviation_bps=100, lag=7)
    path = [(0, 10_000), (10, 10_099), (20, 10_100), (30, 10_000), (60, 9_999), (131, 9_999)]
    assert updates_from_prices(path, feed) == [(7, 10_000), (27, 10_100), (67, 9_999)]


def test_a_feed_before_its_first_answer_is_stale_and_crosses_later():
    oracle = Oracle("o", "op", Feed(), [(50, 7), (60, 9)])
    assert oracle.reading(49).stale
    assert oracle.next_crossing(Crosses("o", "price", 8, above=True), after=0, until=100) == 60
    assert oracle.next_crossing(Crosses("o", "price", 8, above=True), after=70, until=100) == 70
    assert oracle.next_crossing(Crosses("o", "price", 8, above=True), after=0, until=59) is None
    assert oracle.next_crossing(Crosses("o", "price", 8, above=False), after=0, until=100) == 50
    with pytest.raises(BadInput, match="it has 'price'"):
        oracle.next_crossing(Crosses("o", "rate", 8, above=True), after=0, until=1)


def test_seeds_come_from_content_and_do_not_move():
    assert seed_of("a", 1) == 1_395_860_404_624_038_653
    assert stream("x").random() != stream("y").random()
    assert seed_of("ab", "c") != seed_of("a", "bc")


def test_ids_follow_from_content_alone():
    assert plan_id("run", "s", 0, 0) == plan_id("run", "s", 0, 0)
    assert len({plan_id("run", "s", i, j) for i in range(9) for j in range(9)}) == 81
    assert len({intent_id("p", 0), intent_id("p", 1), intent_id("p", 0, "prove"), intent_id("p", 0, "", 1)}) == 4
    assert canonical({"b": 2**200, "a": (1,)}) == '{"a":[1],"b":' + str(2**200) + "}"
    with pytest.raises(TypeError, match="float"):
        content_hash([1.0])


@pytest.mark.parametrize(
    "module", ["engine.book", "engine.blocks", "venues.shared.oracle", "engine.rng", "execution.ids"]
)
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(importlib.import_module(f"tidemill.{module}"))
    assert result.failed == 0


def test_importing_the_engine_is_light():
    heavy = ("numpy", "numba", "polars", "web3", "eth_account")
    code = f"import sys, tidemill.engine.run, tidemill.engine.world; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
