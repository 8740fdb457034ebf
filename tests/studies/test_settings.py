"""Streams, transfers and contributions varied: every variant is the backtest of the file that says so, errors name the stream."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

import tidemill
from kit import changed, write_study
from studies.test_contributions import DATES
from studies.test_contributions import STUDY as PLAN
from studies.test_portfolio import STUDY
from tidemill.errors import BadInput
from tidemill.studies.grid import parse_grid, variants
from tidemill.studies.optimise import optimise
from tidemill.studies.settings import changed as with_settings
from tidemill.studies.settings import current
from tidemill.studies.study import between, load_study
from tidemill.studies.sweep import Player, Sweep, sweep

SHARES = "streams.range.share_bps/streams.vault.share_bps"
AXES = parse_grid(["streams.range.width=100,400", f"{SHARES}=4000/2000,5000/500", "transfers.0.bps=5000,10000"])


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    return write_study(folder, STUDY, "streams.toml")


@pytest.fixture(scope="module")
def swept(path: Path) -> Sweep:
    return sweep(path, AXES)


def in_file(settings: dict[str, Any]) -> dict[str, Any]:
    """The study file that says what a variant of ``AXES`` says, written out by hand."""
    own, vault = settings[SHARES].split("/")
    first = STUDY["transfers"][0] | {"bps": settings["transfers.0.bps"]}
    told = STUDY
    for field, value in (
        ("range.parameters.width", settings["streams.range.width"]),
        ("range.share_bps", int(own)),
        ("vault.share_bps", int(vault)),
    ):
        told = changed(f"streams.{field}", value, told)
    return told | {"transfers": [first, STUDY["transfers"][1]]}


def test_each_variant_is_the_backtest_of_the_file_that_says_so(path: Path, swept: Sweep) -> None:
    trials = swept.document.trials
    assert len(trials) == 8
    for place in (0, 3, 6):
        told = write_study(path.parent, in_file(trials[place].parameters), f"streams{place}.toml")
        result = tidemill.load(told).run().document
        assert (trials[place].keep, trials[place].keep_bps) == (result.headline.keep, result.headline.keep_bps)
        assert trials[place].sent == sum(row.count for row in result.costs)
    for axis in AXES:  # each of the three moves what is kept
        others = [name for name in AXES if name != axis]
        groups: dict[tuple[Any, ...], set[int]] = {}
        for trial in trials:
            groups.setdefault(tuple(trial.parameters[name] for name in others), set()).add(trial.keep)
        assert any(len(keeps) > 1 for keeps in groups.values()), axis


def test_luck_and_windows_are_told_as_for_one_strategy(path: Path, swept: Sweep) -> None:
    document = swept.document
    assert document.luck is not None and document.luck.trials == 8
    assert document.plateau is not None and document.plateau.neighbours == 3
    assert document.forward is not None and len(document.forward.windows) == 4
    last = document.forward.windows[-1]
    when = {key: dt.datetime.fromtimestamp(getattr(last, key), dt.UTC) for key in ("start", "end")}
    told = write_study(path.parent, in_file(last.parameters) | when, "streams-window.toml")
    assert last.keep == tidemill.load(told).run().document.headline.keep


@pytest.mark.long
def test_two_processes_give_the_same_result(path: Path) -> None:
    few = {"streams.range.width": [100, 400]}
    assert sweep(path, few, jobs=2).document.result_hash == sweep(path, few).document.result_hash


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("streams.rang.width=1", "streams.rang.width: .*unknown stream 'rang'; did you mean 'range'"),
        ("streams.range.widht=1", "streams.range.parameters.widht: .*unknown key; did you mean 'width'"),
        ("streams.range.parameters.width=-3", "streams.range.parameters.width: .*expected a whole number >= 1"),
        ("streams.range=1", "streams.range: .*nothing to vary; name streams.range.share_bps"),
        ("streams.range.strategy=lend", "streams.range.strategy: .*nothing to vary"),
        ("streams.range.share_bps=20000", "streams.range.share_bps: .*expected a whole number <= 10000"),
        ("streams.range.share_bps=9000", "streams: .*shares are 11000 bps together"),
        ("streams.loan.capital.DAI=5", "streams.loan.capital.DAI: .*unknown token"),
        ("streams.range.width/gas=100/own/3", "3 values for 2 names"),
        ("transfers.0.bps=0", "transfers.0.bps: .*expected a whole number >= 1"),
        ("transfers.0.least=none", "transfers.0.least: .*expected a decimal number"),
        ("transfers.2.bps=1", "unknown setting 'transfers.2.bps'"),
        ("transfers.0.token=USDC", "unknown setting 'transfers.0.token'"),
        ("contributions.0.amount=5", r"contributions.0.amount: .*the study has no \[\[contributions\]\]"),
        ("venues.aave.supplied=5", "unknown table 'venues'"),
        ("gas=mine", "parameters: .*a portfolio has one parameter of its own"),
    ],
)
def test_what_cannot_be_varied_is_named(path: Path, word: str, said: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("tidemill.studies.sweep.Player.play", lambda *_: pytest.fail("played"))
    with pytest.raises(BadInput, match=said):
        sweep(path, parse_grid([word]))


def test_a_study_of_one_strategy_has_no_streams(study: Path) -> None:
    with pytest.raises(BadInput, match="the study has no streams; name the parameter alone"):
        sweep(study, parse_grid(["streams.range.width=100"]))


def test_amounts_are_decimals_and_all_else_stays(path: Path) -> None:
    told = load_study(path)
    new = with_settings(
        told, {"transfers.0.least": "2.5", "transfers.1.every_days": 4, "streams.loan.capital.USDC": 1000}
    )
    assert (new.transfers[0].least, new.transfers[1].every_days) == ("2.5", 4)
    assert new.streams["loan"].capital == {"USDC": "1000"}
    assert new.transfers[0].bps == told.transfers[0].bps and new.streams["vault"] == told.streams["vault"]
    assert (told.transfers[0].least, told.streams["loan"].capital) == ("0", {"USDC": "3000"})


def test_what_the_study_itself_has(path: Path) -> None:
    told, chosen = load_study(path), {"gas": "common", "range.width": 200, "range.trigger": 20}
    names = ("gas", "streams.range.width", SHARES, "streams.loan.capital.USDC", "transfers.0.bps", "transfers.0.least")
    assert [current(told, chosen, name) for name in names] == ["common", 200, "4000/2000", 3_000, 5_000, 0]


def test_contributions_are_varied_and_said_to_differ(folder: Path) -> None:
    path = write_study(folder, PLAN, "plan.toml")
    path.write_text(DATES + path.read_text())
    document = sweep(path, parse_grid(["contributions.0.every_days=10,45", "contributions.0.amount=500,1000"])).document
    assert any(line.startswith("variants bring different sums") for line in document.warnings)
    (row,) = PLAN["contributions"]
    for trial in document.trials:
        says = {name.rpartition(".")[2]: value for name, value in trial.parameters.items()}
        own = PLAN | {"contributions": [row | says | {"amount": str(says["amount"])}]}
        alone = write_study(folder, own, "plan-alone.toml")
        alone.write_text(DATES + alone.read_text())
        assert trial.keep == tidemill.load(alone).run().document.headline.keep
    assert len({trial.keep for trial in document.trials}) == 4
    with pytest.raises(BadInput, match=r"contributions.0.first_day: variant 1 .*the study is over after 100 days"):
        sweep(path, parse_grid(["contributions.0.first_day=200"]))


def test_a_search_over_streams_leaves_out_what_does_not_go_together(path: Path) -> None:
    """Beside the loan's third 45 % and 25 % each fit with the other's own share, and not with one another."""
    axes = parse_grid(
        ["streams.range.share_bps=4000,4500", "streams.vault.share_bps=2000,2500", "streams.range.width=200"]
    )
    document = optimise(path, axes, trials=10).document
    tried = {
        (t.parameters["streams.range.share_bps"], t.parameters["streams.vault.share_bps"]) for t in document.trials
    }
    assert tried == {(4_000, 2_000), (4_000, 2_500), (4_500, 2_000)}
    (line,) = [line for line in document.warnings if "left out" in line]
    assert line.startswith("1 combination left out, the first because: range, loan, vault take 9300 USDC@op-mainnet")
    own = {"streams.range.share_bps": 4_000, "streams.vault.share_bps": 2_000, "streams.range.width": 200}
    assert document.own_inside.parameters == own
    assert document.own_inside.keep == next(t.keep for t in document.trials if t.parameters == own)


def test_the_command_on_the_page_runs(tmp_path: Path) -> None:
    """Every variant of it is accepted, and one is played over two days of the sample."""
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs" / "sweep.md").read_text().replace("\\\n", "")
    (words,) = re.findall(r"^tidemill sweep examples/portfolio.toml --grid (.+)$", page, re.MULTILINE)
    start = dt.datetime(2025, 1, 5, tzinfo=dt.UTC)
    study = between(
        load_study(root / "examples" / "portfolio.toml"), int(start.timestamp()), int(start.timestamp()) + 2 * 86_400
    )
    player, chosen = Player(study), variants(parse_grid(words.split()))
    for number, settings in enumerate(chosen):
        player.check(settings, number)
    assert len(chosen) == 8
    assert player.play(chosen[0])["keep"] != player.play(chosen[-1])["keep"]
