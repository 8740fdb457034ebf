"""A study over two networks on two local chains: one strategy, the bridge's real halves on both, 0 wei everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from rehearse.played import EXAMPLES, pids_of_a_failure, rehearsed, shortened
from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Filled, Pending, Recorded, Result, Skipped, Status
from tidemill.studies.load import Loaded, load
from tidemill.studies.rehearsal.run import Comparison
from tidemill.studies.study import load_study
from tidemill.venues.canonical_bridge import model
from tidemill.venues.canonical_bridge.model import BridgeModel

pytestmark = pytest.mark.chain

NAME = "withdraw_and_lend"
WEEK = 604_800

ROUND_TRIP = '''
from msgspec import Struct
from tidemill.interfaces import At, Decision, Intent, Plan

DAY, MILLION = 86_400, 10**6
AGENDA = (
    (0, "exit@ethereum", "deposit", 5_000),  # while the rollup's own money stands at the other venue
    (0, "above", "supply", 9_000),
    (2, "above", "withdraw", 8_000),
    (2.5, "exit", "send", 12_000),  # 5,000 of it have come over
    (3, "second", "send", 700),
    (3, "exit", "send", 250),
    (20, "second@ethereum", "deposit", 100),
    (25, "exit", "send", 33),  # three weeks of outputs that nobody read lie before this one's
)


class There(Struct, frozen=True):
    """Do what the agenda says, on its day."""

    def decide(self, view, memo, news):
        now = max(block.time for block in view.at.values())
        memo = memo or [now, 0]
        start, done = memo
        plans = []
        while done < len(AGENDA) and start + int(AGENDA[done][0] * DAY) <= now:
            _, venue, verb, amount = AGENDA[done]
            args = {"amount": amount * MILLION} | ({"asset": "USDC@op-mainnet"} if venue == "above" else {})
            plans.append(Plan((Intent(venue, verb, args),)))
            done += 1
        wake = (At(start + int(AGENDA[done][0] * DAY)),) if done < len(AGENDA) else ()
        return Decision(tuple(plans), wake=wake, memo=[start, done])

    Memo = list
'''

STUDY = """
title = "There and back, two tokens"
network = "op-mainnet"
strategy = "there.py:There"
home = "USDC"
start = 2025-01-01T00:00:00Z
end = 2025-02-10T00:00:00Z
exit = "mark"
[capital]
USDC = "10000"
DAI = "900"
ETH = "0.05"
"USDC@ethereum" = "6000"
"DAI@ethereum" = "500"
"ETH@ethereum" = "0.3"
[tokens]
USDC = 6
DAI = 6
WETH = 18
[prices]
ETH = "3000"
DAI = "1"
[venues.exit]
kind = "canonical_bridge"
[venues.exit.params]
token = "USDC"
deposits = 50_000_000
[venues.second]
kind = "canonical_bridge"
[venues.second.params]
token = "DAI"
deposits = 900
[venues.above]
kind = "aave_v3"
[venues.above.params]
asset = "USDC"
collateral = "WETH"
supplied = 80_000_000
usage_bps = 7_500
slope1_bps = 550
slope2_bps = 4_000
reserve_factor_bps = 1_000
flow_every_hours = 24
[fees.op-mainnet]
base_fee_gwei = "0.002"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "1"
[fees.ethereum]
base_fee_gwei = "5"
priority_fee_gwei = "0.1"
"""


BOTH = """
from msgspec import Struct
from tidemill.interfaces import Decision, Intent, Plan

def one(verb, amount):
    return Plan((Intent("one", verb, {"asset": "USDC@base", "amount": amount * 10**6}),))


def two(verb, amount):
    return Plan((Intent("two", verb, {"asset": "USDC@polygon-pos", "amount": amount * 10**6}),))


class Both(Struct, frozen=True):
    def decide(self, view, memo, news):
        if view.why == "start":
            return Decision((one("supply", 4_000), two("supply", 3_000)), memo=1)
        if view.why == "end" and memo == 1:
            return Decision((one("withdraw", 1_000), two("withdraw", 500)), memo=2)
        return Decision(memo=memo)
    Memo = int
"""

APART = """
title = "Two markets, no bridge"
network = "base"
strategy = "both.py:Both"
home = "USDC"
exit = "mark"
start = 2025-01-01T00:00:00Z
end = 2025-01-08T00:00:00Z
[capital]
USDC = "5000"
ETH = "0.05"
"USDC@polygon-pos" = "5000"
"POL@polygon-pos" = "30"
[tokens]
USDC = 6
WETH = 18
POL = 18
[prices]
ETH = "3000"
POL = "0.5"
[venues.one]
kind = "aave_v3"
[venues.one.params]
asset = "USDC"
collateral = "WETH"
supplied = 80_000_000
[venues.two]
kind = "aave_v3"
network = "polygon-pos"
[venues.two.params]
asset = "USDC"
collateral = "WETH"
supplied = 8_000_000
[fees.base]
base_fee_gwei = "0.002"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "1"
[fees.polygon-pos]
base_fee_gwei = "30"
priority_fee_gwei = "30"
"""


def statuses(comparison: Comparison) -> list[tuple[str, str, Status]]:
    return [(step.venue, step.verb, step.status) for step in comparison.chain.record if isinstance(step, Recorded)]


def own(comparison: Comparison) -> list[tuple[str, str, type]]:
    return [(venue, verb, type(status)) for venue, verb, status in statuses(comparison)]


@pytest.mark.parametrize("gas", ["model", "measured"])
def test_the_example_rehearses_on_two_chains_with_no_wei_of_difference(gas: str) -> None:
    comparison = rehearsed(NAME, gas=gas)
    document = comparison.document
    assert document.agrees and document.books_equal and not document.differences, document.differences
    assert {row.difference for row in document.balances} == {0}
    assert document.networks == ["op-mainnet", "ethereum"]
    assert own(comparison) == [
        ("exit", "send", Pending),
        ("exit@ethereum", "prove", Pending),
        ("exit@ethereum", "finalize", Filled),
        ("aave", "supply", Filled),
        ("aave", "withdraw", Filled),
    ]
    held = {(row.account, row.token): row.chain for row in document.balances}
    assert held["op-mainnet:bridge", "USDC@ethereum"] == 10**15 - 20_000 * 10**6
    assert held["me", "USDC@ethereum"] > 20_000 * 10**6
    natives = {row.token for row in document.balances if row.token.startswith("ETH@")}
    assert natives == ({"ETH@op-mainnet", "ETH@ethereum"} if gas == "measured" else set())
    assert {row.venue for row in document.state} == {"exit", "exit@ethereum", "aave"}
    assert document.covered.own_steps == 5 and document.verdict.startswith("0 wei difference")


def test_every_transaction_is_journalled_on_its_own_chain() -> None:
    journal = rehearsed(NAME, gas="measured").document.journal
    by = {name: [row for row in journal if row.network == name] for name in ("op-mainnet", "ethereum")}
    assert [len(rows) for rows in by.values()] == [1, 5]  # an approval stands before the supply
    for rows in by.values():
        assert [row.nonce for row in rows] == list(range(len(rows)))
    assert {row.state for row in journal} == {"done"} and len({row.id for row in journal}) == 6


def test_steps_of_both_networks_cost_what_their_receipts_say() -> None:
    rows = {row.verb: row for row in rehearsed(NAME, gas="measured").document.fees}
    assert rows.keys() == {"send", "prove", "finalize", "supply", "withdraw"}
    # The first withdrawal that a bridge sees writes words anew that the table finds written, and so does the payment to somebody
    # who holds none of the token; the proof has the two nodes of an empty trie where the table has the seven of a full one.
    assert rows["send"].gas_max_bps < 1_400
    assert rows["finalize"].chain_gas == pytest.approx(rows["finalize"].model_gas + 17_100, rel=0.001)
    assert rows["prove"].chain_gas == pytest.approx(rows["prove"].model_gas - 5 * 34_116, rel=0.005)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("round")
    (folder / "there.py").write_text(ROUND_TRIP)
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.mark.parametrize("games", [False, True], ids=["oracle of outputs", "dispute games"])
def test_two_tokens_there_and_back_over_one_bridge(tmp_path: Path, *, games: bool) -> None:
    (tmp_path / "there.py").write_text(ROUND_TRIP)
    text = STUDY.replace("deposits =", "game_seconds = 604_801\ndeposits =") if games else STUDY
    (tmp_path / "study.toml").write_text(text)
    comparison = load(tmp_path / "study.toml").rehearse(gas="measured")
    document = comparison.document
    assert any("dispute games that nobody contests" in note for note in document.window.notes) == games
    assert document.agrees, document.differences
    steps = own(comparison)
    assert len([step for step in steps if step[2] is Filled]) == 8, (
        steps
    )  # two deposits, two at the venue, four paid out
    assert len([step for step in steps if step[2] is Pending]) == 8  # four sent, four proven
    held = {(row.account, row.token): row.chain for row in document.balances if row.account != "others"}
    assert held["me", "DAI@ethereum"] == (500 + 700 - 100) * 10**6
    assert held["me", "DAI@op-mainnet"] == (900 - 700 + 100) * 10**6
    assert held["me", "USDC@ethereum"] == (6_000 - 5_000 + 12_000 + 250 + 33) * 10**6
    assert held["op-mainnet:bridge", "USDC@ethereum"] == (50_000_000 + 5_000 - 12_283) * 10**6
    stages = {row.name: row.values for row in document.state if row.name.startswith("stage")}
    assert len(stages) == 4 and all(values.startswith("(3, ") for values in stages.values())
    # what others did, and every output up to the last withdrawal's, which an oracle takes in order only; games stand alone
    assert (document.transactions.others > 25 * 24 + 40) != games


def test_what_the_escrow_lacks_is_not_sent_on_either_side(tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text(ROUND_TRIP)
    (tmp_path / "study.toml").write_text(STUDY.replace("deposits = 900", "deposits = 0"))
    comparison = load(tmp_path / "study.toml").rehearse()
    assert comparison.document.agrees, comparison.document.differences
    (refused,) = [status for *_, status in statuses(comparison) if isinstance(status, Skipped)]
    assert refused.reason == f"would revert: {model.EMPTY}"


def test_two_networks_without_a_bridge_pay_in_their_own_tokens(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(BOTH)
    (tmp_path / "study.toml").write_text(APART)
    document = load(tmp_path / "study.toml").rehearse(gas="measured").document
    assert document.agrees, document.differences
    paid = {row.token: row.chain for row in document.balances if row.token in ("ETH@base", "POL@polygon-pos")}
    ether, matic = 5 * 10**16 - paid["ETH@base"], 30 * 10**18 - paid["POL@polygon-pos"]
    assert ether > 0 and matic > 10**16
    bytecode = document.modes[0]
    assert bytecode.steps == 4
    assert bytecode.network_fees == pytest.approx(ether + matic / 6_000, rel=1e-9)  # POL at 0.5, ETH at 3,000


@pytest.mark.long
def test_a_year_of_hopping_between_networks() -> None:
    document = load(EXAMPLES / "network_hopper.toml").rehearse().document
    assert document.agrees, document.differences
    assert document.covered.own_steps == document.covered.own_steps_of > 30
    assert {row.difference for row in document.balances} == {0} and len(document.networks) > 1


def keeps_one_less(original: Callable[..., Result]) -> Callable[..., Result]:
    def lie(self: Any, state: Any, action: Any, ctx: Any, *, on_l1: bool) -> Result:
        result = original(self, state, action, ctx, on_l1=on_l1)
        state.locked -= action.verb == "finalize"
        return result

    return lie


def test_a_unit_missing_in_escrow_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BridgeModel, "apply", keeps_one_less(BridgeModel.apply))
    document = Loaded(shortened(NAME)).rehearse().document
    assert not document.agrees and "DIFFER" in document.verdict
    (row,) = [row for row in document.balances if row.difference]
    assert (row.account, row.difference) == ("op-mainnet:bridge", 1)
    assert [row.name for row in document.state if not row.equal] == ["deposits"]


def test_a_second_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = model.finalizable
    monkeypatch.setattr(model, "finalizable", lambda *args: right(*args) - 1)
    document = Loaded(shortened(NAME)).rehearse().document
    assert not document.agrees
    assert any("not_before" in line for line in document.differences)


def test_what_two_chains_cannot_rehearse_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"mode: live-like rehearses one network, this study has 2 \(op-mainnet, ethereum\)"
    ):
        load(folder / "study.toml").rehearse("live-like")
    (tmp_path / "there.py").write_text(ROUND_TRIP)
    for more in ("game_seconds", "maturity_seconds", "proposal_blocks"):
        (tmp_path / "study.toml").write_text(STUDY.replace("deposits = 900", f"deposits = 900\n{more} = 5"))
        with pytest.raises(BadInput, match=r"venues\.second\.params: .* between .* one bridge") as caught:
            load(tmp_path / "study.toml").rehearse()
        assert str(caught.value).count("\n") == 0


def test_both_chains_are_stopped_when_the_strategy_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = pids_of_a_failure(NAME, monkeypatch)
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_money_hops_over_a_liquidity_bridge_with_no_wei_of_difference() -> None:
    """A month of the example with a limit below its pieces: those come back, what is left over goes on and is paid."""
    study = load_study(EXAMPLES / "hop_liquidity.toml")
    bridge = structs.replace(study.venues["bridge"], params={**study.venues["bridge"].params, "limit": "14999"})
    study = structs.replace(study, end=study.start.replace(month=2), venues={**study.venues, "bridge": bridge})
    comparison = Loaded(study).rehearse()
    document = comparison.document
    assert document.agrees and document.books_equal and not document.differences, document.differences
    assert {row.difference for row in document.balances} == {0} and document.networks == ["op-mainnet", "base"]
    sent = [venue for venue, verb, _ in statuses(comparison) if verb == "send"]
    causes = [step.happened.cause for step in comparison.chain.record if isinstance(step, Befell)]
    assert len(sent) == len(causes) and causes.count("refunded") >= 2 and causes.count("arrived") >= 1, causes
    assert {row.venue for row in document.state} == {"bridge", "bridge@base", "here", "there"}
    rows = {(row.venue, row.verb): row for row in document.fees}
    assert rows["bridge", "send"].gas_median_bps < 500


def test_money_hops_there_and_back_with_no_wei_of_difference() -> None:
    """Two months of the example: out over the bridge's three steps, back over its one, and to work on either side."""
    study = load_study(EXAMPLES / "network_hopper.toml")
    comparison = Loaded(structs.replace(study, end=study.start.replace(month=3))).rehearse()
    document = comparison.document
    assert document.agrees and document.books_equal and not document.differences, document.differences
    assert {row.difference for row in document.balances} == {0}
    verbs = [verb for _, verb, _ in statuses(comparison)]
    assert verbs.count("send") >= 2 and verbs.count("deposit") >= 1 and verbs.count("supply") >= 4
