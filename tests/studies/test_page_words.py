"""What pages say in words: the verdicts that the first minute rests on, at both sides of their bars."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from browser.pages import stress_document, sweep_document
from tidemill.studies.pages.stress import stress_page
from tidemill.studies.pages.sweep import sweep_page
from tidemill.studies.stress_document import Reduced
from tidemill.studies.sweep import Plateau, SweepDocument

MICRO = 10**6


def changed(document: SweepDocument) -> str:
    """Return what the page of a sweep says under "what would change this"."""
    return next(say.words for say in sweep_page(document).says if say.about == "change")


@pytest.mark.parametrize(
    ("mean", "worst", "verdict"),
    [
        (800, 700, "a plateau"),
        (505, 300, "a plateau"),
        (504, 300, "a slope, not a plateau"),
        (365, 194, "a slope, not a plateau"),
        (800, 10, "a peak that stands alone"),
    ],
)
def test_a_plateau_keeps_half_of_what_the_best_has_over_holding(mean: int, worst: int, verdict: str) -> None:
    document = sweep_document()
    best = replace(document.trials[document.ranking[0]], keep=1_000 * MICRO)
    document.trials[document.ranking[0]] = best
    said = changed(replace(document, plateau=Plateau(2, mean * MICRO, worst * MICRO)))
    assert f"on average of 2: {verdict}" in said


def test_a_best_at_the_end_of_what_was_tried_is_said_so() -> None:
    document = sweep_document()
    at = document.trials[document.ranking[0]].parameters
    assert at["width"] not in (200, 1600) and "try further" not in changed(document)
    widths = [one for one in document.axes["width"] if one >= at["width"]]
    said = changed(replace(document, axes={**document.axes, "width": widths}))
    assert "at the end of what was tried of width: try further" in said and "trigger" not in said
    two = replace(document, axes={"width": widths[:2], "trigger": document.axes["trigger"]})
    assert "try further" not in changed(two)  # of two values each is an end


@pytest.mark.parametrize(
    ("loss", "behind", "said"),
    [
        (6_450, 2_200, "the better way to hold them: untouched they keep more in only 22 of 100"),
        (6_450, 5_000, "a longer time, or hold"),
        (1_000, 5_000, "Hold instead"),
        (1_000, 2_200, "tidemill rehearse"),
    ],
)
def test_holding_is_not_advised_where_it_keeps_less(loss: int, behind: int, said: str) -> None:
    document = replace(stress_document(fan=False), loss_bps=loss, behind_bps=behind, liquidated_bps=0)
    page = stress_page(document, [])
    assert said in next(say.words for say in page.says if say.about == "next")


def test_the_average_is_the_terminals() -> None:
    document = stress_document(fan=False)
    plain = next(one for one in stress_page(document, []).figures if one.title == "On average")
    assert plain.value == document.mean
    better = Reduced(mean=-5 * MICRO, error=2 * MICRO, gain_percent=300, controls=4, draws="plain")
    found = next(one for one in stress_page(replace(document, reduced=better), []).figures if one.title == "On average")
    assert found.value == -5 * MICRO and "4 control variates; plainly" in found.note


@pytest.mark.parametrize(
    ("tier", "said"), [("markets", "a whole backtest"), ("exact", "integer kernels"), ("fast", "kernels in floats")]
)
def test_a_page_says_what_a_future_is(tier: str, said: str) -> None:
    page = stress_page(replace(stress_document(fan=False), tier=tier), [])
    assert said in next(one.lead for one in page.sections if one.id == "spread")
