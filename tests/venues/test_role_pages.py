"""Pages of roles say what their examples give."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"prover_quarter": (10**6, 3), "relayer_fortnight": (10**6, 2), "custodian_year": (10**6, 0)}
TOLD = {
    "prover_quarter": ("takings", "proving", "l2", "keep"),
    "relayer_fortnight": ("fills", "failed"),
    "custodian_year": ("takings", "carry"),
}


@pytest.mark.parametrize(
    ("kind", "example"),
    [("prover", "prover_quarter"), ("relayer", "relayer_fortnight"), ("custodian", "custodian_year")],
)
def test_the_page_says_what_the_example_gives(kind: str, example: str):
    document = Backtest(prepare(load_study(ROOT / "examples" / f"{example}.toml"))).main_run()[0]
    page = " ".join((ROOT / "docs" / "venues" / f"{kind}.md").read_text(encoding="utf-8").split())
    rows = {row.key: abs(row.value) for row in document.waterfall}
    unit, places = UNITS[example]
    for key in TOLD[example]:
        shown = f"{rows[key] / unit:,.{places}f}"
        assert shown in page, (key, shown)
    if kind == "relayer":
        assert (
            document.headline.per_year_bps is not None
            and f"{document.headline.per_year_bps / 100:.2f} % a year" in page
        )
        fills = next(cost for cost in document.costs if cost.verb == "fill")
        assert f"{fills.failed} late fills" in page and f"{fills.count} orders" in page
    else:
        assert document.headline.per_year_bps is None
