"""What the page says equals what the document says, to the last digit, in a real browser."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tidemill.studies.report import write_report
from tidemill.studies.schema import Comparison, CostRow

from .documents import ALL, empty
from .figures import money, percent, token

pytestmark = pytest.mark.browser
NAMES = list(ALL)


def _known(*values):
    return [str(value) for value in values if value is not None]


@pytest.fixture(scope="module", params=NAMES)
def shown(request, chrome, report, documents):
    with chrome.open(report(request.param)) as page:
        yield documents[request.param], page


def test_it_draws_without_a_complaint_or_a_request(shown):
    document, page = shown
    assert page.text("h1") == " ".join(document.study.title.split())
    assert page.complaints() == []
    assert page.requests() == [page.url]


def test_headline(shown):
    document, page = shown
    head, home = document.headline, document.study.home
    assert page.values("#keep data") == [str(head.keep)]
    assert page.text("#keep") == money(head.keep, home, signed=True)
    assert page.values(".answer-line data") == _known(head.keep_bps, head.capital_value)
    figures = page.values(".fact-figure data")
    assert figures == _known(
        head.capital_value, head.final_value, head.per_year_bps,
        None if head.break_even_day is None else f"{head.break_even_day:g}", head.minimum_capital,
    )  # fmt: skip
    assert page.values(".fact-note data") == _known(*document.study.capital.values())
    assert " ".join(head.what_would_change.split()) in page.text(".notice-what")


def test_against_holding(shown):
    document, page = shown
    held = [other for other in document.comparisons if other.name.startswith("hold")]
    if not held:
        assert page.run("document.querySelector('#against-hold') === null")
        return
    gap = document.headline.keep - held[0].keep
    home = document.study.home
    assert page.text("#against-hold") == (
        f"{money(abs(gap), home)} {'better' if gap > 0 else 'worse'} than holding, which keeps "
        f"{money(held[0].keep, home, signed=True)}"
    )


def test_waterfall(shown):
    document, page = shown
    home = document.study.home
    assert page.values(".waterfall .row-value data") == _known(*(row.value for row in document.waterfall))
    assert page.texts(".waterfall .row-value") == [money(row.value, home, signed=True) for row in document.waterfall]
    assert page.values(".row-year data") == _known(*(row.per_year_bps for row in document.waterfall))
    raw = [amount for row in document.waterfall for amount in row.tokens.values()]
    assert page.values(".row-tokens data") == _known(*raw)
    assert page.texts(".row-tokens data") == [
        _amount(document, key, raw) for row in document.waterfall for key, raw in row.tokens.items()
    ]
    assert page.values("#unexplained data") == _known(document.unexplained, document.unexplained_bound)


def test_bars_end_where_the_next_begins(shown):
    document, page = shown
    bars = page.probe("bars")
    assert len(bars) == len(document.waterfall)
    total, ends = 0, []
    for row in document.waterfall:
        start, total = (total, total + row.value) if row.kind == "flow" else (0, row.value)
        ends.append((start, total))
    low = min(0, *(min(pair) for pair in ends))
    span = max(0, *(max(pair) for pair in ends)) - low or 1
    for (x, width), (start, end) in zip(bars, ends, strict=True):
        assert x == pytest.approx(100 * (min(start, end) - low) / span, abs=0.01)
        assert width == pytest.approx(max(100 * abs(end - start) / span, 0.35), abs=0.01)


def test_positions(shown):
    document, page = shown
    if not document.positions:
        assert "No position was opened." in page.text("#price")
        return
    for row, cells in zip(document.positions, page.probe("rows", "#price"), strict=True):
        assert cells[0]["text"].startswith(row.id.removeprefix(row.venue))
        assert cells[1]["text"] == _moment(row.opened)
        assert cells[2]["text"] == ("still open" if row.closed is None else _moment(row.closed))
        if row.tick_lower is None:
            assert cells[3]["text"] == "no range"
        else:
            assert cells[3]["titles"] == [f"ticks {row.tick_lower} to {row.tick_upper}"] or row.price_lower is None
        assert cells[4]["values"] == _known(row.in_range_bps)
        for cell, amounts in zip(cells[5:], (row.deposited, row.withdrawn, row.fees), strict=True):
            assert cell["values"] == _known(*amounts.values())


def test_costs(shown):
    document, page = shown
    if not document.costs:
        assert "no network fee was paid" in page.text("#flows")
        return
    rows = page.probe("rows", "#flows")
    for row, cells in zip(document.costs, rows, strict=True):
        assert cells[0]["text"].split() == [*row.verb.split(), *row.venue.split()]
        numbers = (row.count, row.failed, row.gas_used, row.l2_execution, row.l1_data, row.operator, row.value)
        assert [value for cell in cells[1:] for value in cell["values"]] == _known(*numbers)
    assert page.values("#costs-total data") == [str(sum(row.value for row in document.costs))]
    native = "sums" if len(document.study.networks) == 1 else "nothing to sum up: the networks' tokens differ"
    assert len(page.values("#flows tfoot data")) == (7 if native == "sums" else 4)


@pytest.mark.parametrize("known", [True, False])
def test_fees_that_logs_do_not_hold_are_unknown_and_not_nothing(known, chrome, documents, tmp_path):
    document = documents["realistic"]
    rows = [row for row in document.waterfall if known or row.key not in ("l2", "l1", "failed")]
    told = replace(document, kind="statement", waterfall=rows, costs=document.costs if known else [])
    with chrome.open(write_report(told, tmp_path / "report.html")) as page:
        assert (", after every cost, counted" in page.text(".answer-line")) == known
        assert (", before network fees, counted" in page.text(".answer-line")) != known
        assert ("Network fees are unknown" in page.text("#flows")) != known
        assert ("Costs" in page.text("#flows")) == known


def test_comparisons_and_assumptions(shown):
    document, page = shown
    keep = document.headline.keep
    for row, cells in zip(document.comparisons, page.probe("rows", "#comparisons"), strict=True):
        assert [value for cell in cells for value in cell["values"]] == _known(row.keep, row.keep_bps, keep - row.keep)
    for row, cells in zip(document.assumptions, page.probe("rows", "#assumptions"), strict=True):
        assert cells[1]["text"] == f"{row.value} {row.unit}"
        assert [value for cell in cells for value in cell["values"]] == _known(row.keep_at_half, row.keep_at_double)
        assert [cell["text"] for cell in cells[2:4]].count("unknown") == [row.keep_at_half, row.keep_at_double].count(
            None
        )


def test_trust_and_provenance(shown):
    document, page = shown
    truth = document.fidelity
    assert page.texts(".trust-value") == [truth.data, truth.mode, truth.proof, truth.error or "unknown"]
    assert page.texts(".notes li") == truth.notes
    foot = page.text(".provenance")
    for part in (document.result_hash or "none", document.tool_version, document.schema, document.study.strategy_hash):
        assert part in foot
    for name, value in document.study.parameters.items():
        assert name in foot
        assert value in foot
    assert page.texts(".notice-warning li") == [" ".join(text.split()) for text in document.warnings]


def test_synthetic_is_said_where_it_is_so(shown):
    document, page = shown
    head = page.text(".masthead")
    assert ("Synthetic data" in head) == document.study.synthetic
    assert ("generated, not recorded" in head) == document.study.synthetic


def test_unknown_is_never_zero(chrome, report, documents):
    head = documents["unknowns"].headline
    with chrome.open(report("unknowns")) as page:
        facts = page.texts(".fact")
        for title, word, note in (
            ("Per year", "unknown", head.per_year_note),
            ("Break-even", "none", head.break_even_note),
            ("Smallest sensible capital", "none", head.minimum_capital_note),
        ):
            fact = next(text for text in facts if text.startswith(title))
            assert fact == f"{title} {word} {note}"
        assert head.per_year_note in page.text("#waterfall .lead")
        assert "unknown" in page.texts("#price tbody td:nth-child(5)")


def test_formulas_on_demand(chrome, report, documents):
    rows = [row for row in documents["realistic"].waterfall if row.formula]
    with chrome.open(report("realistic")) as page:
        assert page.probe("visible", ".formula-row") == []
        page.click(f"tr[data-key={rows[2].key}] .formula-button")
        assert page.probe("visible", ".formula-row") == [rows[2].formula]
        assert page.run(f"document.querySelector('tr[data-key={rows[2].key}] .formula-button').ariaExpanded") == "true"
        page.click("#waterfall .section-head button")
        assert page.probe("visible", ".formula-row") == [row.formula for row in rows]
        page.click("#waterfall .section-head button")
        assert page.probe("visible", ".formula-row") == []


def test_many_rows_are_folded_until_asked_for(chrome, report):
    with chrome.open(report("long_labels")) as page:
        assert len(page.probe("visible", "#price tbody tr")) == 25
        page.click("#price .quiet-button")
        assert len(page.probe("visible", "#price tbody tr")) == 300


def test_hostile_text_is_text(chrome, report):
    with chrome.open(report("long_labels")) as page:
        assert page.run("document.title").startswith("A study with a title of")
        assert page.run("document.querySelectorAll('b[onclick]').length") == 0
        assert page.run("document.querySelectorAll('script').length") == 2


@pytest.mark.parametrize("home", ["USD", "USDC", "WETH@op"])
def test_any_amount_reads_as_it_must(chrome, tmp_path, home):
    rng = random.Random(f"amounts {home}")
    amounts = [0, 1, -1, 99, 100, 999_949, 999_950, 999_999, 10**6, 994_999, 10**21 - 1, 10**21, -(10**24) - 5, 2**256]
    amounts += [rng.choice((-1, 1)) * rng.randrange(10 ** rng.randrange(1, 40)) for _ in range(150)]
    costs = [CostRow("v", "x", 1, 0, abs(value), abs(value), 0, 0, value) for value in amounts]
    others = [Comparison(f"other {at}", value, value) for at, value in enumerate(amounts)]
    base = empty()
    document = replace(base, study=replace(base.study, home=home), costs=costs, comparisons=others)
    with chrome.open(write_report(document, tmp_path / "amounts.html")) as page:
        page.run("document.querySelectorAll('.table-frame > .quiet-button').forEach(b => b.click())")
        page.settle()
        rows = page.probe("rows", "#flows")
        assert [cells[7]["text"] for cells in rows] == [money(value, home) for value in amounts]
        assert [cells[4]["text"] for cells in rows] == [token(abs(value), 18) for value in amounts]
        assert [cells[3]["text"] for cells in rows] == [f"{abs(value):,}" for value in amounts]
        rows = page.probe("rows", "#comparisons")
        assert [cells[1]["text"] for cells in rows] == [money(value, home, signed=True) for value in amounts]
        assert [cells[2]["text"] for cells in rows] == [percent(value, signed=True) for value in amounts]


def test_a_page_without_data_says_so(chrome, report, tmp_path):
    text = report("empty").read_text(encoding="utf-8")
    start = text.index('id="tidemill-document">') + len('id="tidemill-document">')
    other = json.dumps({"schema": "tidemill.result/999"})
    for name, data, message in (("none", "", "holds no result"), ("newer", other, "tidemill.result/999")):
        path = tmp_path / f"{name}.html"
        path.write_text(text[:start] + data + text[text.index("</script>", start) :], encoding="utf-8")
        with chrome.open(path) as page:
            assert message in page.text("[role=alert]")


def _amount(document, key: str, raw: int) -> str:
    """A signed token amount with its unit, which names the network where two tokens share the symbol."""
    known = next((one for one in document.tokens if one.id == key), None)
    if known is None:
        return f"{token(raw, 0, signed=True)} {key} (raw units)"
    shared = [one.symbol for one in document.tokens].count(known.symbol) > 1
    return f"{token(raw, known.decimals, signed=True)} {known.id if shared else known.symbol}"


def _moment(at: int) -> str:
    then = datetime.fromtimestamp(at, UTC)
    return f"{then.day} {then:%b %Y, %H:%M}"
