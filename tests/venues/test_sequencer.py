"""A sequencer in a world: every wei of fees is somewhere, costs are what the rules say, and the statement says the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill import networks
from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Result
from tidemill.networks import FeeEnv, TxShape, assumed
from tidemill.networks.op_revenue import revenue_share_down
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study
from tidemill.venues.sequencer.model import SequencerModel, SequencerState
from tidemill.venues.sequencer.rules import Packing, batches_up, posting_wei

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sequencer_year.toml"
ETH, GWEI, BLOBS = "ETH@op-mainnet", 10**9, 1_710_374_401


class Ctx:
    """A context over a book that a test can read."""

    def __init__(self, time: int, sender: str, book: dict[str, int]) -> None:
        self.block, self.sender, self.book = Block(time=time, number=time // 2), sender, book

    def balance(self, token: str, account: str) -> int:
        assert token == ETH
        return self.book.get(account, 0)


def fresh(**changes: Any) -> SequencerState:
    params: dict[str, Any] = {
        "venue": "seq", "account": "vaults", "token": ETH, "operator": "me", "packing": Packing(), "blobs_from": BLOBS,
        "proof_seconds": 3_600, "proof_gas": 90_000, "proving_wei": 3, "shares": True,
        "proven_at": BLOBS - 7_200, "posted_at": BLOBS - 7_200,
    }  # fmt: skip
    return SequencerModel().init({**params, **changes})


def act(state: SequencerState, book: dict[str, int], time: int, sender: str, verb: str, **args: Any) -> Result:
    result = SequencerModel().apply(state, Action(verb, args), Ctx(time, sender, book))
    for moved in result.transfers:
        book[moved.source] = book.get(moved.source, 0) - moved.amount
        book[moved.target] = book.get(moved.target, 0) + moved.amount
        assert book[moved.source] >= 0
    return result


SERVED = {
    "count": 1_000,
    "size": 230_000,
    "execution": 5 * 10**15,
    "l1_data": 10**16,
    "operator": 7,
    "gas_price": 20 * GWEI,
}


def test_every_wei_is_somewhere():
    book = {"users": 10**18, "me": 10**18}
    state = fresh()
    act(state, book, BLOBS - 10, "users", "serve", **SERVED, blob_base_fee=GWEI)
    posted = act(state, book, BLOBS - 5, "me", "post", form="cheaper").amounts
    # two minutes short of blobs: calldata of two transactions, and the state root of the one hour that is full
    assert posted["da"] == (2 * 21_000 + 230_000 * 16) * 20 * GWEI and posted["blobs"] == 0
    assert posted["proving"] == 90_000 * 20 * GWEI + 1_000 * 3
    collected = act(state, book, BLOBS, "me", "collect").amounts
    gross = 15 * 10**15 + 7
    assert collected == {"gross": gross, "share": revenue_share_down(gross, 10**16)}
    assert book["vaults"] == 0 and book["users"] == 10**18 - gross
    assert book["costs:da:seq"] == posted["da"] and book["costs:proving:seq"] == posted["proving"]
    assert book["me"] == 10**18 + gross - collected["share"] - posted["da"] - posted["proving"]
    assert sum(book.values()) == 2 * 10**18


def test_a_part_of_an_hour_counts_towards_the_next_state_root():
    book, state = {"users": 10**18, "me": 10**18}, fresh(proving_wei=0)
    sent = []
    for time in (BLOBS - 2_000, BLOBS + 1_000, BLOBS + 1_500, BLOBS + 3_600):
        act(state, book, time, "users", "serve", **SERVED, blob_base_fee=1)
        sent.append(act(state, book, time, "me", "post").amounts["proving"] // (90_000 * 20 * GWEI))
    assert sent == [1, 1, 0, 1]  # of roots due at -3,600, 0 and 3,600


def test_blobs_are_taken_when_they_are_there_and_cheaper():
    for blob_price, blobs in ((1, True), (14 * 20 * GWEI, True), (15 * 20 * GWEI, False)):
        book, state = {"users": 10**18, "me": 10**18}, fresh()
        act(state, book, BLOBS, "users", "serve", **SERVED, blob_base_fee=blob_price)
        posted = act(state, book, BLOBS, "me", "post", form="cheaper").amounts
        batches = batches_up(230_000, Packing(), blobs=blobs)
        assert (posted["blobs"] > 0) is blobs
        assert posted["da"] == posting_wei(batches, Packing(), 20 * GWEI, blob_price)


def test_a_batch_that_may_not_wait_is_paid_for_empty():
    book, state = {"users": 10**18, "me": 10**18}, fresh()
    act(state, book, BLOBS, "users", "serve", **SERVED, blob_base_fee=GWEI)
    posted = act(state, book, BLOBS, "me", "post", form="blob", max_seconds=600).amounts
    assert (posted["transactions"], posted["blobs"]) == (12, 12)  # of two hours, where two blobs would hold it all


@pytest.mark.parametrize(
    ("sender", "verb", "args", "reason"),
    [
        ("users", "post", {}, "not the operator"),
        ("users", "collect", {}, "not the operator"),
        ("me", "post", {}, "nothing to post"),
        ("me", "collect", {}, "nothing to collect"),
        ("me", "sell", {}, "no verb 'sell'"),
    ],
)
def test_refusals(sender: str, verb: str, args: dict[str, Any], reason: str):
    with pytest.raises(Revert, match=reason):
        act(fresh(), {"me": 10**18}, BLOBS, sender, verb, **args)


def test_refusals_of_a_form_and_of_a_short_purse():
    for purse, form, reason in (
        (10**18, "blob", "no blobs yet"),
        (10**18, "paper", "no form"),
        (0, "calldata", "balance"),
    ):
        book, state = {"users": 10**18, "me": purse}, fresh()
        act(state, book, BLOBS - 10, "users", "serve", **SERVED, blob_base_fee=1)
        waiting = state.waiting
        with pytest.raises(Revert, match=reason):
            act(state, book, BLOBS - 5, "me", "post", form=form)
        assert (state.waiting, book["me"]) == (waiting, purse)


# --- in a study ---------------------------------------------------------------------------------------------------------


def cut(days: int, **params: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["rollup"]
    spec = msgspec.structs.replace(spec, params={**spec.params, **params})
    start = dt.datetime(2024, 3, 8, tzinfo=dt.UTC)
    return msgspec.structs.replace(study, start=start, end=start + dt.timedelta(days=days), venues={"rollup": spec})


def test_the_rows_are_the_rules_sums():
    prepared = prepare(cut(10))
    stage: Any = prepared.stages()[0]
    takings = 0
    for item in stage.script:
        served = item.action.args
        takings += served["execution"] + served["l1_data"] + served["operator"]
    document, outcomes = Backtest(prepared).main_run()
    rows = {row.key: row for row in document.waterfall}
    posted = [step for step in outcomes.record if getattr(step, "verb", "") == "post" and step.result]
    collected = [step for step in outcomes.record if getattr(step, "verb", "") == "collect" and step.result]
    share = sum(step.result.amounts["share"] for step in collected)
    assert rows["takings"].tokens == {ETH: takings}
    assert rows["sharing"].tokens == {ETH: -share} and share * 40 >= takings
    assert rows["da"].tokens == {ETH: -sum(step.result.amounts["da"] for step in posted)}
    assert sum(step.result.amounts["size"] for step in posted) == sum(item.action.args["size"] for item in stage.script)
    assert [step.result.amounts["blobs"] > 0 for step in posted] == [step.at.time >= BLOBS for step in posted]


def test_a_tick_pays_the_networks_own_formula():
    stage: Any = prepare(cut(3, swing_bps=0, tx_per_day=1_000, tx_per_day_end=1_000)).stages()[0]
    served = stage.script[0].action.args
    prices = {name: assumed(value) for name, value in (
        ("base_fee", 0), ("priority_fee", 0), ("l1_base_fee", served["gas_price"]),
    )}  # fmt: skip
    env = FeeEnv.of(stage.script[0].block.time, prices)
    each = networks.get("op-mainnet").fee(TxShape(120_000, 330, 260, 240), env)
    assert served["count"] == 1_000 and served["l1_data"] == 1_000 * each.l1_data
    # Canyon: Regolith's data fee with overhead 188 and scalar 0.684
    assert each.l1_data == (4 * 260 + 16 * 240 + 188) * served["gas_price"] * 684_000 // 10**6


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"share": "all"}, "params.share"),
        ({"l1_gas_gwei": "dear"}, "params.l1_gas_gwei"),
        ({"l1_gas_gwei": "2000000"}, "params.l1_gas_gwei: 2000000: not between"),
        ({"base_fee_gwei_end": "-1"}, "params.base_fee_gwei_end"),
        ({"proving_gwei_per_tx": "0.0000000001"}, "params.proving_gwei_per_tx"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput, match="rollup") as caught:
        prepare(cut(2, **params))
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_network_whose_formula_needs_more_is_refused_with_what_it_needs():
    study = msgspec.structs.replace(cut(2), network="zksync-era", fees={})
    with pytest.raises(
        BadInput, match=r"venues.rollup.kind: zksync-era's fees need more than this stream tells: .*pubdata_bytes"
    ):
        prepare(study)


def test_a_network_before_its_launch_is_refused():
    study = msgspec.structs.replace(
        cut(2), start=dt.datetime(2022, 3, 8, tzinfo=dt.UTC), end=dt.datetime(2022, 3, 9, tzinfo=dt.UTC)
    )
    study = msgspec.structs.replace(study, end=dt.datetime(2022, 3, 12, tzinfo=dt.UTC))
    with pytest.raises(BadInput, match="op-mainnet is known from 2023-06-06"):
        prepare(study)


def test_dencun_is_seen_in_the_example_and_told_as_in_the_page():
    placed = prepare(load_study(EXAMPLE)).placed["rollup"]
    before, after = (note for note in placed.notes() if "% of the fees are left" in note)
    assert "2024-03-14, data as calldata" in before and "2024-03-15 to" in after
    page = (EXAMPLE.parents[1] / "docs" / "venues" / "sequencer.md").read_text(encoding="utf-8")
    for note in (before, after):
        assert f"({note.split()[-7]} %)" in page
