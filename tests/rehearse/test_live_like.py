"""Live-like rehearsals: the chain mines by itself while others send; whatever order comes about, the books equal it.

Nothing here depends on how fast anything was: only on what must hold in every order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rehearse.played import rehearsed, shortened
from tidemill.chain.types import Call
from tidemill.engine.chain_endpoint import Decided
from tidemill.engine.chain_feed import Pace
from tidemill.engine.chain_live import LiveChain
from tidemill.errors import RpcError
from tidemill.interfaces import Filled, Recorded, Result, Reverted
from tidemill.studies.load import Loaded, load
from tidemill.studies.rehearsal.run import Comparison
from tidemill.venues.uniswap_v3.model import UniswapV3Model

pytestmark = pytest.mark.chain

NAMES = ("range_reset", "vault_farm", "compound")


def steps(comparison: Comparison) -> list[Recorded]:
    return [step for step in comparison.chain.record if isinstance(step, Recorded)]


@pytest.mark.parametrize("name", ["farm_compound", "lending_ladder", "morpho_supply"])
def test_scripted_venues_end_where_their_chain_does(name: str) -> None:
    """Three venues at once; liquidations, whose liquidator is asked for the model when the liquidation is mined, not later."""
    document = rehearsed(name, "live-like", "measured").document
    assert document.books_equal and document.agrees and not document.differences, document.differences
    assert document.transactions.others >= 100 and document.covered.own_steps >= 1
    assert not [row for row in document.fates if row.reason == "out of gas" and row.steps > 2]


@pytest.mark.parametrize("name", NAMES)
def test_the_books_equal_the_chain_to_the_wei(name: str) -> None:
    comparison = rehearsed(name, "live-like", "model", 1)
    document = comparison.document
    assert document.agrees and document.books_equal, document.differences
    assert "0 wei" not in document.verdict and "books equal the chain" in document.verdict
    assert len(document.balances) >= 5 and {row.difference for row in document.balances} == {0}
    assert all(row.equal for row in document.state) and len(document.state) >= 8
    assert document.gas == "measured" and any(row.token.startswith("ETH@") for row in document.balances)
    assert document.transactions.others >= 50
    assert document.transactions.others_refused == document.transactions.others_refused_by_model


@pytest.mark.parametrize("name", NAMES)
def test_the_chain_mined_by_itself_through_the_whole_window(name: str) -> None:
    document = rehearsed(name, "live-like", "model", 1).document
    pace = document.pace
    assert pace is not None
    assert pace.planned_blocks * pace.seconds_per_block >= document.window.end - document.window.start
    assert pace.blocks >= pace.planned_blocks and pace.planned_blocks * pace.interval_ms <= 5_000
    assert pace.limit_s >= 60 and pace.seconds_per_block % 2 == 0
    marks = rehearsed(name, "live-like", "model", 1).chain.marks
    times = {mark.time for mark in marks}
    # Every moment that anything is booked at is one of the chain's own blocks.
    assert {(time - document.window.start) % pace.seconds_per_block for time in times} <= {0}
    assert max(times) >= document.window.end


@pytest.mark.parametrize("name", NAMES)
def test_every_step_has_a_fate_and_every_transaction_a_row(name: str) -> None:
    comparison = rehearsed(name, "live-like", "model", 1)
    document = comparison.document
    fates = Counter[str]()
    for row in document.fates:
        fates[row.fate] += row.steps
        assert (row.cost > 0) == (row.fate != "not sent")
        assert bool(row.reason) == (row.fate != "landed")
    done = steps(comparison)
    assert sum(fates.values()) == len(done)
    assert fates["landed"] == sum(isinstance(step.status, Filled) for step in done) > 0
    assert fates["failed"] == sum(isinstance(step.status, Reverted) for step in done)
    assert {row.state for row in document.journal} <= {"done", "failed"}
    assert len(document.journal) == document.transactions.own >= fates["landed"] + fates["failed"]
    assert [row.nonce for row in document.journal] == list(range(len(document.journal)))
    assert {"close", "exit", "redeem"} & {step.verb for step in done if isinstance(step.status, Filled)}


@pytest.mark.parametrize("name", NAMES)
def test_causes_add_up_to_what_the_chain_kept_otherwise(name: str) -> None:
    document = rehearsed(name, "live-like", "model", 1).document
    assert [row.cause for row in document.causes] == ["delay", "price", "failed", "gas", "others"]
    chain, model = document.modes[0].keep, document.modes[1].keep
    assert document.tracking_error == chain - model == sum(row.value for row in document.causes)
    gas = {row.cause: row.value for row in document.causes}["gas"]
    more = sum(row.chain_fee - row.model_fee for row in document.fees if not row.reverted)
    assert document.transactions.own_failed or (gas <= 0) == (more >= 0)


GREEDY = '''
from msgspec import Struct
from tidemill.interfaces import Decision, Every, Intent, Limits, Plan


class Greedy(Struct, frozen=True):
    """Swaps a little every minute and asks for exactly what the swap would give now."""

    venue: str
    home: str

    def decide(self, view, memo, news):
        if view.in_flight or view.why not in ("start", "condition"):
            return Decision(wake=(Every(60),))
        args = {"token_in": self.home, "amount_in": 5_000_000}
        out = view.quote(Intent(self.venue, "swap_exact_in", args)).amounts["amount_out"]
        swap = Intent(self.venue, "swap_exact_in", args, Limits(amounts={"amount_out_min": out}))
        return Decision((Plan((swap,)),), wake=(Every(60),))
'''

STUDY = """
title = "Asks for exactly what the head shows"
network = "op-mainnet"
strategy = "greedy.py:Greedy"
home = "USDC"
exit = "mark"
end = 2025-01-01T01:30:00Z
[capital]
USDC = "8000"
ETH = "0.05"
[rehearse]
actions = 120
seconds = 5
[venues.pool]
kind = "uniswap_v3"
dataset = "sample"
[fees.op-mainnet]
base_fee_gwei = "0.004"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "6"
blob_base_fee_gwei = "0.2"
"""


def test_what_others_make_fail_is_paid_for_and_told(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text(GREEDY)
    (tmp_path / "study.toml").write_text(STUDY)
    comparison = load(tmp_path / "study.toml").rehearse("live-like")
    document = comparison.document
    assert document.agrees, document.differences
    tried = [step for step in steps(comparison) if isinstance(step.status, Filled | Reverted)]
    failed = [step for step in tried if isinstance(step.status, Reverted)]
    assert len(tried) >= 5 and document.transactions.own_failed == len(failed)
    assert {step.status.reason for step in failed} <= {"Too little received", "out of gas"}  # type: ignore[union-attr]
    assert all(step.costs.total > 0 for step in failed)
    assert sum(row.state == "failed" for row in document.journal) == len(failed)
    assert sum(row.cost for row in document.fates if row.fate == "failed") == sum(s.costs.total for s in failed)
    value = {row.cause: row.value for row in document.causes}["failed"]
    assert (value < 0) == bool(failed)


def test_a_limit_of_gas_that_others_made_too_low_is_a_failure_not_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimate, scanted = Decided.estimate_gas, []

    def scant(self: Decided, call: Call, sender: str) -> int:
        gas = estimate(self, call, sender)
        if call.purpose != "close" or scanted:
            return gas
        scanted.append(gas)
        return gas * 6 // 10

    monkeypatch.setattr(Decided, "estimate_gas", scant)
    document = Loaded(shortened("range_reset", actions=60)).rehearse("live-like").document
    assert document.agrees, document.differences
    failed = [row for row in document.fates if row.fate == "failed"]
    assert [row.reason for row in failed] == ["out of gas"] and failed[0].cost > 0
    assert {row.difference for row in document.balances} == {0}


def _one_more(original: Callable[..., Result]) -> Callable[..., Result]:
    def lie(self: Any, state: Any, action: Any, ctx: Any) -> Result:
        result = original(self, state, action, ctx)
        if action.verb == "swap_exact_in" and ctx.sender == "me":
            return msgspec.structs.replace(
                result, amounts={**result.amounts, "amount_out": result.amounts["amount_out"] + 1}
            )
        if action.verb == "pool_swap":
            state.pool.fee_growth_global_0_x128 += 1
        return result

    return lie


def test_a_lie_of_one_unit_in_the_model_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UniswapV3Model, "apply", _one_more(UniswapV3Model.apply))
    document = Loaded(shortened("range_reset", actions=60)).rehearse("live-like").document
    assert not document.agrees and "DIFFER" in document.verdict
    assert any("swap_exact_in" in line for line in document.differences)
    assert "feeGrowthGlobal0X128" in {row.name for row in document.state if not row.equal}


def test_a_book_that_is_one_wei_off_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wealth = LiveChain.wealth
    monkeypatch.setattr(LiveChain, "wealth", lambda self: wealth(self) + 1)
    document = Loaded(shortened("range_reset", actions=60)).rehearse("live-like").document
    assert not document.agrees and not document.books_equal
    assert any("the book holds" in line for line in document.differences)
    assert {row.difference for row in document.balances if row.token.startswith("ETH@")} == {1}


def test_it_ends_at_its_limit_with_one_line_and_no_chain_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "of", classmethod(lambda cls, *_: cls(100, 24, 50, 0)))
    with pytest.raises(RpcError, match=r"did not end within 0 s.*rehearse\.seconds"):
        Loaded(shortened("vault_farm", actions=60)).rehearse("live-like")


@pytest.mark.parametrize(
    ("window", "block_time", "budget", "each", "blocks"),
    [
        (14_400, 2, 60, 24, 600),
        (100, 2, 60, 2, 50),
        (7_201, 12, 60, 24, 301),
        (86_400, 2, 5, 1_728, 50),
        (1, 2, 1, 2, 1),
    ],
)
def test_a_pace_covers_the_window_within_the_budget(
    window: int, block_time: int, budget: int, each: int, blocks: int
) -> None:
    pace = Pace.of(window, block_time, budget)
    assert (pace.seconds_per_block, pace.blocks) == (each, blocks)
    assert pace.blocks * pace.seconds_per_block >= window and pace.blocks * pace.interval_ms <= budget * 1_000
    assert pace.seconds_per_block % block_time == 0
