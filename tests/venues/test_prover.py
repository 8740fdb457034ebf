"""A prover in a world: every wei is somewhere, a full proof shares its cost, the rows are the rules' sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kit import tidemill
from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Recorded, Result
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study
from tidemill.venues.prover.model import ProverModel, ProverState
from tidemill.venues.prover.rules import break_even_fee_up, proof_cost

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "prover_quarter.toml"
ETH, GWEI = "ETH@ethereum", 10**9


class Ctx:
    """A context over a book that a test can read."""

    def __init__(self, time: int, sender: str, book: dict[str, int]) -> None:
        self.block, self.sender, self.book = Block(time=time, number=time // 12), sender, book

    def balance(self, token: str, account: str) -> int:
        assert token == ETH
        return self.book.get(account, 0)


def fresh() -> ProverState:
    return ProverModel().init({
        "venue": "p", "account": "fees", "token": ETH, "operator": "me", "most": 1_000,
        "proof_wei": 10**15, "tx_wei": 100 * GWEI, "verify_gas": 400_000, "proven_at": 0,
    })  # fmt: skip


def act(state: ProverState, book: dict[str, int], sender: str, verb: str, **args: Any) -> Result:
    result = ProverModel().apply(state, Action(verb, args), Ctx(100, sender, book))
    for moved in result.transfers:
        book[moved.source] = book.get(moved.source, 0) - moved.amount
        book[moved.target] = book.get(moved.target, 0) + moved.amount
        assert book[moved.source] >= 0
    return result


def test_every_wei_is_somewhere_and_only_proven_fees_are_paid():
    book, state = {"users": 10**18, "me": 10**18}, fresh()
    act(state, book, "users", "serve", count=2_500, fees=5 * 10**15)
    proved = act(state, book, "me", "prove")
    computing = 3 * 10**15 + 2_500 * 100 * GWEI
    assert proved.amounts == {"transactions": 2_500, "proofs": 3, "computing": computing}
    assert proved.features == {"verify_gas": 1_200_000}
    act(state, book, "users", "serve", count=1, fees=7)
    assert act(state, book, "me", "collect").amounts == {"fees": 5 * 10**15}
    assert book == {
        "users": 10**18 - 5 * 10**15 - 7,
        "fees": 7,
        "me": 10**18 - computing + 5 * 10**15,
        "costs:proving:p": computing,
    }
    (held,) = ProverModel().positions(state, "p", "me", 100, lambda *_: 0)
    assert held.claimable == {ETH: 7} and ProverModel().read(state, "fees") == (7, 0)


@pytest.mark.parametrize(
    ("sender", "verb", "reason"),
    [
        ("users", "prove", "not the prover"),
        ("users", "collect", "not the prover"),
        ("me", "prove", "nothing to prove"),
        ("me", "collect", "nothing to collect"),
        ("me", "post", "no verb 'post'"),
    ],
)
def test_refusals(sender: str, verb: str, reason: str):
    with pytest.raises(Revert, match=reason):
        act(fresh(), {"me": 10**18}, sender, verb)


def test_a_short_purse_proves_nothing():
    book, state = {"users": 10**18, "me": 10**15}, fresh()
    act(state, book, "users", "serve", count=1, fees=10**16)
    with pytest.raises(Revert, match="balance"):
        act(state, book, "me", "prove")
    assert (state.waiting, state.open_fees, state.due) == (1, 10**16, 0)


# --- in a study ---------------------------------------------------------------------------------------------------------


def changed(parameters: dict[str, Any] | None = None, days: int = 10, **params: Any) -> Study:
    import datetime as dt

    study = load_study(EXAMPLE)
    spec = study.venues["proofs"]
    spec = msgspec.structs.replace(spec, params={**spec.params, **params})
    assert study.start is not None
    end = study.start + dt.timedelta(days=days)
    parameters = study.parameters if parameters is None else parameters
    return msgspec.structs.replace(study, end=end, venues={"proofs": spec}, parameters=parameters)


def steps(study: Study) -> list[Recorded]:
    return [one for one in Backtest(prepare(study)).main_run()[1].record if isinstance(one, Recorded) and one.result]


def test_the_rows_are_the_rules_sums():
    study = changed()
    prepared = prepare(study)
    stage: Any = prepared.stages()[0]
    document, outcomes = Backtest(prepared).main_run()
    rows = {row.key: row for row in document.waterfall}
    proved = [one for one in outcomes.record if getattr(one, "verb", "") == "prove"]
    served = [one.action.args for one in stage.script]
    assert rows["takings"].tokens == {ETH: sum(one["fees"] for one in served)}
    count, proofs = sum(one["count"] for one in served), sum(one.result.amounts["proofs"] for one in proved)
    computing = proofs * 10**15 + count * 100 * GWEI
    assert rows["proving"].tokens == {ETH: -computing}
    fees = rows["takings"].tokens[ETH] - computing + rows["l2"].tokens[ETH] + rows["exit"].tokens.get(ETH, 0)
    assert rows["keep"].tokens == {ETH: fees}
    # 1.1 gwei a gas: a transaction's own 45,000 and 400,000 for each proof in it
    paid = sum(one.costs.l2_execution for one in proved)
    assert paid == (len(proved) * 45_000 + proofs * 400_000) * 1_100_000_000
    assert document.headline.per_year_bps is None and "no return on your own capital" in document.headline.per_year_note


def test_a_proof_waits_for_enough_or_for_long_enough():
    stream = {"tx_per_day": 100_000, "tx_per_day_end": 100_000, "swing_bps": 0, "won_bps": 10_000, "every_hours": 6}
    many = steps(changed({"transactions": 75_000, "max_wait": 30 * 86_400}, 4, **stream))
    assert [one.result.amounts["transactions"] for one in many if one.verb == "prove" and one.result][:2] == [
        75_000,
        75_000,
    ]
    soon = steps(changed({"transactions": 10**9, "max_wait": 43_200}, 4, **stream))
    assert {
        one.result.amounts["transactions"] for one in soon if one.verb == "prove" and one.phase == "run" and one.result
    } == {50_000}


def test_fuller_proofs_cost_less_and_the_notes_say_what_one_takes():
    rare, often = (
        Backtest(prepare(changed({"transactions": n, "max_wait": 10**6}))).main_run()[0] for n in (150_000, 1)
    )
    computing = [next(row.value for row in one.waterfall if row.key == "proving") for one in (rare, often)]
    assert computing[0] > computing[1]  # less is paid
    even = break_even_fee_up(proof_cost(10**15 + 50_000 * 100 * GWEI, 0, 0), 50_000)
    assert even == 120 * GWEI and any("takes 120 gwei of computing" in note for note in rare.fidelity.notes)


def test_fees_that_fall_and_a_part_that_is_won():
    whole: Any = prepare(changed(days=90, won_bps=10_000, swing_bps=0)).stages()[0]
    part: Any = prepare(changed(days=90, won_bps=6_000, swing_bps=0)).stages()[0]
    first, last = part.script[0].action.args, part.script[-1].action.args
    assert first["count"] == whole.script[0].action.args["count"] * 6_000 // 10_000
    assert first["fees"] // first["count"] > 249 * GWEI and 180 * GWEI <= last["fees"] // last["count"] < 181 * GWEI


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"fee_gwei_per_tx": "dear"}, "params.fee_gwei_per_tx"),
        ({"proof_gwei": "-1"}, "params.proof_gwei: -1: not between"),
        ({"computing_gwei_per_tx": "0.0000000001"}, "params.computing_gwei_per_tx"),
        ({"tx_per_proof": 0}, "params.tx_per_proof"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput, match="proofs") as caught:
        prepare(changed(**params))
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_it_cannot_be_rehearsed_and_says_so():
    said = tidemill("rehearse", str(EXAMPLE))
    assert said.code == 2 and "venues.proofs.kind: prover has no local contracts to rehearse against" in said.err
