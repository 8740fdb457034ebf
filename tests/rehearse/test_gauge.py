"""A position token staked and brought home: real contracts to the wei, one ledger, claims that neither vanish nor double."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import small_market
from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.market.store import write_dataset
from tidemill.studies.load import load
from tidemill.studies.rehearsal.run import Comparison
from tidemill.venues.cl_gauge.client_abi import MANAGER, STAKER
from tidemill.venues.merkle_campaign.client_abi import DISTRIBUTOR
from tidemill.venues.shared.client_parts import abi

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gauge")
    write_dataset(small_market(days=1), folder / "small")
    shutil.copy(EXAMPLES / "staked_range.py", folder)
    text = (EXAMPLES / "staked_range.toml").read_text().replace('dataset = "sample"', 'dataset = "small"')
    text = (
        text.replace("end = 2025-01-22T00:00:00Z\n", "")
        .replace("harvest_hours = 48", "harvest_hours = 2")
        .replace("days = 21", "days = 0")
    )
    text = text.replace("[parameters]", "[rehearse]\nactions = 240\nseconds = 5\n\n[parameters]")
    (folder / "study.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def played(folder: Path) -> Callable[..., Comparison]:
    done: dict[str, Comparison] = {}

    def rehearse(mode: str) -> Comparison:
        if mode not in done:
            done[mode] = load(folder / "study.toml").rehearse(mode, "measured")  # type: ignore[arg-type]
        return done[mode]

    return rehearse


@pytest.mark.chain
@pytest.mark.parametrize("mode", ["locked", "live-like"])
def test_a_staked_range_agrees_to_the_wei(played: Callable[..., Comparison], mode: str) -> None:
    comparison = played(mode)
    document = comparison.document
    assert document.agrees, document.differences
    assert {row.difference for row in document.balances} == {0}
    done = [
        (s.venue, s.verb) for s in comparison.chain.record if isinstance(s, Recorded) and isinstance(s.status, Filled)
    ]
    assert {("pool", "mint"), ("gauge", "stake"), ("gauge", "exit"), ("pool", "close")} <= set(done)
    assert done.index(("gauge", "stake")) < done.index(("gauge", "exit")) < done.index(("pool", "close"))
    rewards = [row for row in document.balances if row.token.startswith("OP@") and row.account == "me"]
    assert rewards[0].chain > 0
    assert {row.venue for row in document.state} == {"pool", "gauge"}


def test_claims_neither_vanish_nor_double(folder: Path, tmp_path: Path) -> None:
    """The same range with and without the gauge: rows alike, but that bringing the token home ends one block later."""
    staked = load(folder / "study.toml").run().document
    text = (folder / "study.toml").read_text().replace('dataset = "small"', f'dataset = "{folder / "small"}"')
    shutil.copy(EXAMPLES / "staked_range.py", tmp_path)
    (tmp_path / "plain.toml").write_text(text.replace("begins_after_hours = 2", "begins_after_hours = 700"))
    plain = load(tmp_path / "plain.toml").run().document
    rows, alone = ({row.key: row.value for row in one.waterfall} for one in (staked, plain))
    assert rows["rewards"] > 0
    assert "rewards" not in alone
    assert {key: rows[key] for key in ("hodl", "divergence", "swaps")} == {
        key: alone[key] for key in ("hodl", "divergence", "swaps")
    }
    assert 0 <= rows["fees"] - alone["fees"] < alone["fees"] // 100_000
    assert abs(rows["rounding"] - alone["rounding"]) < 4
    assert abs(staked.unexplained) <= staked.unexplained_bound


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ('pool = "pool"', 'pool = "pol"', r"venues\.gauge\.params\.pool.*pol"),
        ('pool = "pool"', 'pool = "gauge"', r"venues\.gauge\.params\.pool: gauge has no position tokens"),
        ('mode = "diluted"', 'mode = "small"', r"venues\.pool\.mode: .*use mode"),
        ("amount = 20_000", "amount = 0", r"venues\.gauge\.params: an incentive of nothing|params\.amount"),
        ("days = 0", "days = 800", r"params\.days: .*two years"),
        ("begins_after_hours = 2", "begins_after_hours = 800", r"params\.begins_after_hours: .*30 days"),
        ('reward = "OP"', 'reward = "XX"', r"tokens: decimals of XX are not known"),
    ],
)
def test_what_a_study_gets_wrong_is_named(folder: Path, tmp_path: Path, was: str, now: str, words: str) -> None:
    text = (folder / "study.toml").read_text()
    assert was in text
    text = text.replace(was, now).replace('dataset = "small"', f'dataset = "{folder / "small"}"')
    shutil.copy(EXAMPLES / "staked_range.py", tmp_path)
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(BadInput, match=words):
        load(tmp_path / "study.toml").run()


EVERY_VERB = '''
from msgspec import Struct
from tidemill.interfaces import At, Decision, Intent, Limits, Plan


class Memo(Struct, frozen=True):
    done: int = 0


class EveryVerb(Struct, frozen=True):
    """Does one thing every four minutes, whatever comes of it."""

    venue: str
    gauge: str
    home: str

    Memo = Memo

    def decide(self, view, memo, news):
        if view.in_flight or view.why == "end":
            return Decision(memo=memo)
        now = view.at["op-mainnet"].time
        _, _, start, _, _ = view.read(self.gauge, "key")
        if memo.done == 0:
            tick = view.read(self.venue, "slot0")[1] // 10 * 10
            args = {"tick_lower": tick, "tick_upper": tick + 2_000, "amount0_desired": 10**9, "amount1_desired": 0}
            args = {**args, "tick_lower": tick + 10}
            step = Intent(self.venue, "mint", args, Limits(amounts={"amount0_min": 0, "amount1_min": 0}))
            return Decision((Plan((step,)),), memo=Memo(1))
        if now < start:
            return Decision(wake=(At(start),), memo=memo)
        mine = [p for p in view.positions if p.venue == self.venue]
        token = {"position": mine[0].id}
        steps = [("unstake", token), ("deposit", token), ("withdraw", token), ("stake", token), ("stake", token),
                 ("claim", {}), ("unstake", token), ("claim", {"amount": 1}), ("claim", {}), ("stake", token),
                 ("withdraw", token), ("harvest", token), ("end_incentive", {}), ("transfer_deposit", {**token, "to": "me"}),
                 ("exit", token), ("exit", token), ("deposit", token), ("stake", token)]
        if memo.done > len(steps):
            return Decision(memo=memo)
        if now < start + 240 * memo.done:
            return Decision(wake=(At(start + 240 * memo.done),), memo=memo)
        verb, args = steps[memo.done - 1]
        return Decision((Plan((Intent(self.gauge, verb, args),)),), memo=Memo(memo.done + 1))
'''


@pytest.mark.chain
def test_every_verb_of_the_client_agrees(folder: Path, tmp_path: Path) -> None:
    text = (folder / "study.toml").read_text().replace('dataset = "small"', f'dataset = "{folder / "small"}"')
    text = text.replace("staked_range.py:StakedRange", "every.py:EveryVerb")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("below", "above", "harvest_hours")))
    (tmp_path / "study.toml").write_text(text.replace("actions = 240", "actions = 500"))
    (tmp_path / "every.py").write_text(EVERY_VERB)
    comparison = load(tmp_path / "study.toml").rehearse("locked", "measured")
    assert comparison.document.agrees, comparison.document.differences
    told = [(s.verb, type(s.status).__name__) for s in comparison.chain.record if isinstance(s, Recorded)]
    done = {verb for verb, status in told if status == "Filled"}
    assert done >= {"deposit", "withdraw", "stake", "unstake", "claim", "harvest", "exit", "transfer_deposit"}
    assert ("unstake", "Skipped") in told and ("end_incentive", "Skipped") in told


def test_the_clients_signatures_are_the_artefacts_own() -> None:
    texts = (
        (STAKER, "UniswapV3Staker"),
        (MANAGER, "NonfungiblePositionManager"),
        (DISTRIBUTOR, "CumulativeDistributor"),
    )
    for text, name in texts:
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" in signature:
                assert codec.outputs == real.functions[signature].outputs, signature
        for topic, event in ours.events.items():
            assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)
