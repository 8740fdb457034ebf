"""A position token staked and brought home: real contracts to the wei, one ledger, claims that neither vanish nor double."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import small_market
from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.market.store import write_dataset
from tidemill.studies.load import load
from tidemill.studies.rehearse import Comparison

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gauge")
    write_dataset(small_market(days=1), folder / "small")
    shutil.copy(EXAMPLES / "staked_range.py", folder)
    text = (EXAMPLES / "staked_range.toml").read_text().replace('dataset = "sample"', 'dataset = "small"')
    text = text.replace("harvest_hours = 48", "harvest_hours = 2").replace("days = 21", "days = 0")
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
    done = [(s.venue, s.verb) for s in comparison.chain.record if isinstance(s, Recorded) and isinstance(s.status, Filled)]
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
