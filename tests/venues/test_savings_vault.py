"""A savings vault in a study: interest to the second, a rate that changes, and parameters that have no meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.studies.backtest import Backtest
from tidemill.studies.load import load
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study
from tidemill.venues.savings_vault.rules import chi_after_down
from tidemill.venues.savings_vault.venue import per_second_up

EXAMPLE = Path(__file__).parents[2] / "examples" / "savings.toml"
DAY, START = 86_400, 1_735_689_600


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (tmp_path / "study.toml").write_text(text)
    return tmp_path / "study.toml"


def test_interest_is_that_of_both_rates_to_the_second() -> None:
    _, outcomes = Backtest(prepare(load_study(EXAMPLE))).main_run()
    put, taken = (r for r in outcomes.record if isinstance(r, Recorded))
    change = START + 90 * DAY
    grown = (1 + 0.065) ** ((change - put.at.time) / (365 * DAY)) * (1 + 0.045) ** (
        (taken.at.time - change) / (365 * DAY)
    )
    paid = taken.result.amounts["assets"]
    assert abs(paid / put.result.amounts["assets"] - grown) < 1e-9
    # The same by the rule: chi at the deposit, on to the change, on to the end; days in between change nothing that is seen.
    chi = put.result.amounts["assets"] * 10**27 // put.result.amounts["shares"]
    late = chi_after_down(
        chi_after_down(chi, per_second_up(650), change - put.at.time), per_second_up(450), taken.at.time - change
    )
    assert abs(put.result.amounts["shares"] * late // 10**27 - paid) < 10**6


def test_a_rate_that_does_not_change_is_the_year_s(tmp_path: Path) -> None:
    path = changed(tmp_path, ("later_day = 90", "later_day = 0"), ("end = 2025-07-01", "end = 2026-01-01"))
    document = load(path).run().document
    rows = {row.key: row.value for row in document.waterfall}
    assert abs(rows["growth"] - 1_300_000_000) < 1_000  # 6.5 % of 20,000, but for the seconds of coming and going
    assert document.fidelity.proof == "rule-checked"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("apy_bps = 650 ", "apy_bps = 100_001 ", "at most 100000"),
        ("later_bps = 450 ", "later_bps = 100_001 ", "at most 100000"),
        ('asset = "USDS"', 'asset = "DAI"', "decimals of DAI are not known"),
    ],
)
def test_bad_parameters_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load(changed(tmp_path, (old, new))).run()
