"""Rules of a canonical bridge: by hand, and equal on the three number types; and the model at the second itself."""

from __future__ import annotations

import random

import pytest

from harness.book import Book, Ctx
from tidemill.interfaces import Action, Block, Revert
from tidemill.networks import op_games
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.canonical_bridge import rules as r
from tidemill.venues.canonical_bridge.model import NO_GAME, NO_OUTPUT, TOO_EARLY, BridgeModel, BridgeState

RANDOM = random.Random("canonical bridge")


def test_the_first_output_that_covers_a_block() -> None:
    assert [r.covering_output_up(block, 100, 30) for block in (100, 101, 130, 131, 160)] == [130, 130, 130, 160, 160]
    assert r.covering_output_up(3, 100, 30) == 130  # before the oracle began: its first output


def test_an_output_stands_a_lag_after_its_block() -> None:
    assert r.output_time(130, 100, 1_000, 2, 7) == 1_067


def test_both_windows_must_be_over() -> None:
    assert r.finalizable(1_000, 604_800, 900, 0) == 605_801
    assert r.finalizable(1_000, 10, 900, 500) == 1_401
    assert r.finalizable(1_000, 10, 900, 110) == 1_011


@pytest.mark.parametrize(("rule", "width"), [(r.covering_output_up, 3), (r.output_time, 5), (r.finalizable, 4)])
def test_rules_agree_on_three_number_types(rule, width: int) -> None:
    def value() -> int:
        return RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256)))

    rows = [tuple(value() for _ in range(width)) for _ in range(400)]
    assert 0 < assert_rule_equal_on_three_types(rule, rows) < len(rows)


def test_at_the_second_itself_an_output_stands_and_a_window_does_not_end() -> None:
    model, book = BridgeModel(), Book()
    book.add("USDC@op", "me", 5)
    book.add("USDC@ethereum", "escrow", 5)
    state = BridgeState(
        venue="exit", l1="ethereum", l2="op", l1_token="USDC@ethereum", l2_token="USDC@op", escrow="escrow", minter="zero",
        first=0, first_time=0, block_seconds=2, proposal_blocks=10, lag=3, maturity=100, locked=5,
    )  # fmt: skip

    def at(time: int, verb: str) -> str | None:
        args = {"amount": 5} if verb == "send" else {"position": "exit#1"}
        ctx = Ctx(Block(time=time, number=time // 2), "me", book)
        try:
            book.move(model.apply(state, Action(verb, args), ctx, on_l1=verb != "send"))
        except Revert as revert:
            return revert.reason
        return None

    assert at(8, "send") is None
    assert at(22, "prove") == NO_OUTPUT
    assert at(23, "prove") is None
    assert at(123, "finalize") == TOO_EARLY
    assert at(124, "finalize") is None
    assert book.held["USDC@ethereum", "me"] == 5


def test_against_a_game_one_may_prove_again_and_waits_anew() -> None:
    model, book = BridgeModel(), Book()
    book.add("USDC@op", "me", 5)
    book.add("USDC@ethereum", "escrow", 5)
    state = BridgeState(
        venue="exit", l1="ethereum", l2="op", l1_token="USDC@ethereum", l2_token="USDC@op", escrow="escrow", minter="zero",
        first=0, first_time=0, block_seconds=2, proposal_blocks=10, lag=3, maturity=100, game=151, locked=5,
    )  # fmt: skip
    assert state.windows == (75, 76)

    def at(time: int, verb: str) -> str | None:
        args = {"amount": 5} if verb == "send" else {"position": "exit#1"}
        ctx = Ctx(Block(time=time, number=time // 2), "me", book)
        try:
            book.move(model.apply(state, Action(verb, args), ctx, on_l1=verb != "send"))
        except Revert as revert:
            return revert.reason
        return None

    assert at(8, "send") is None
    assert at(22, "prove") == NO_GAME
    assert at(23, "finalize") == op_games.UNPROVEN
    assert at(23, "prove") is None  # in the very second of its game: it will never count
    assert at(900, "finalize") == op_games.TOO_OLD
    state.tickets[0].proven = 24
    assert at(97, "finalize") == op_games.IMMATURE  # the game could be resolved at 98
    assert at(124, "finalize") == op_games.IMMATURE
    assert at(125, "finalize") == op_games.AIR_GAP  # resolved at 98, 76 s of gap
    assert at(130, "prove") is None
    assert (state.tickets[0].proven, state.tickets[0].ready) == (130, 231)
    assert at(230, "finalize") == op_games.IMMATURE
    assert at(231, "finalize") is None
    assert at(231, "finalize") == op_games.PAID
    assert book.held["USDC@ethereum", "me"] == 5


@pytest.mark.parametrize(
    ("verb", "args", "on_l1", "says"),
    [
        ("prove", {"position": "exit#1"}, True, "no withdrawal"),
        ("prove", {"position": "other#1"}, True, "no withdrawal"),
        ("prove", {"position": "exit#x"}, True, "no withdrawal"),
        ("prove", {"position": "exit#1"}, False, "no verb 'prove' on the rollup"),
        ("send", {"amount": 1}, True, "no verb 'send' on Ethereum"),
    ],
)
def test_what_is_not_there_is_refused(verb, args, on_l1, says) -> None:
    state = BridgeState("exit", "ethereum", "op", "USDC@ethereum", "USDC@op", "escrow", "zero", 0, 0, 2)
    with pytest.raises(Revert, match=says):
        BridgeModel().apply(state, Action(verb, args), Ctx(Block(time=9, number=9), "me", Book()), on_l1=on_l1)
