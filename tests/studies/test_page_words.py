"""What pages say in words: the verdicts that the first minute rests on, at both sides of their bars."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from browser.pages import sweep_document
from tidemill.studies.pages.sweep import sweep_page
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
