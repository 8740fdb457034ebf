"""The pages of sweep, stress, plan and the others in a real browser: figures, themes, widths, keyboard, speed."""

from __future__ import annotations

import math
import random
import re
from itertools import accumulate, pairwise

import pytest
from msgspec.structs import replace

from tidemill.studies.pages.backtest import result_page
from tidemill.studies.pages.figures import shown
from tidemill.studies.pages.markdown import markdown
from tidemill.studies.pages.page import Bars, Spread, Steps, Table
from tidemill.studies.pages.pdf import print_pdf
from tidemill.studies.report import write_report
from tidemill.studies.schema import StreamRow

from .documents import realistic
from .figures import NBSP, money, percent
from .pages import HOSTILE, PAGES, keeps, plan_document, stress_document, sweep_document


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Path of the report of the page named."""
    folder = tmp_path_factory.mktemp("pages")

    def path(name):
        target = folder / f"{name}.html"
        return target if target.exists() else write_report(PAGES[name](), target)

    return path


pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", list(PAGES))
def test_every_page_is_quiet_readable_and_fits_a_phone(chrome, pages, name):
    """One tab each: nothing asked for, nothing complained of, four answers, contrast and width in both themes.

    And each figure stands in the file to the last digit, and reads in the browser as it does in Markdown.
    """
    with chrome.open(pages(name), width=390, height=844) as page:
        assert page.complaints() == []
        assert page.requests() == [page.url]
        about = page.run("[...document.querySelectorAll('.say')].map(e => e.id)")
        assert about == ["say-keep", "say-risk", "say-next", "say-change"]
        assert all(len(words) > 20 for words in page.texts(".say-words"))
        for dark in (False, True):
            page.media("", dark=dark)
            page.settle()
            assert page.run("document.documentElement.scrollWidth") <= 390
            assert page.probe("outside") == []
            ratio, where = page.probe("contrast")
            assert ratio >= 4.5, where
        page.resize(1200)
        page.settle()
        assert page.run("document.documentElement.scrollWidth") <= 1200
        assert all(caption and headed for caption, _, headed in page.probe("tables"))
        page.run("document.querySelectorAll('.table-frame > .quiet-button').forEach(b => b.click())")
        page.run("document.querySelectorAll('.tree details').forEach(d => { d.open = true })")
        page.settle()
        script = "[...document.querySelectorAll('main data')].map(e => [e.value, e.textContent])"
        there = {(value, read) for value, read in page.run(script)}
    text = markdown(PAGES[name]())
    for value, kind, home in _figures(PAGES[name]()):
        said = shown(value, kind, home)
        assert (str(value), said) in there, (value, kind)
        assert _escaped(said) in text


def test_the_map_has_every_cell_and_is_read_by_arrow_keys(chrome, pages):
    document = sweep_document()
    best = document.trials[document.ranking[0]]
    columns, rows = document.axes["width"], document.axes["trigger"]
    with chrome.open(pages("sweep")) as page:
        assert page.run("document.querySelectorAll('.heat-cell').length") == len(document.trials)
        words = f"width {best.parameters['width']}, trigger {best.parameters['trigger']}: "
        assert page.text(".heat-read").startswith(words + money(best.keep, "USDC", signed=True))
        page.run("document.querySelector('.heat-map').focus()")
        page.command(
            "Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft", code="ArrowLeft", windowsVirtualKeyCode=37
        )
        page.settle()
        i, j = columns.index(best.parameters["width"]) - 1, rows.index(best.parameters["trigger"])
        beside = document.trials[i * len(rows) + j]
        assert page.text(".heat-read").startswith(
            f"width {columns[i]}, trigger {rows[j]}: {money(beside.keep, 'USDC', signed=True)}"
        )
        page.click(".behind summary")
        page.settle()
        shown = page.values(".behind tbody data")
        assert sorted(map(int, shown)) == sorted(trial.keep for trial in document.trials)


def test_the_map_grows_lighter_with_what_is_kept(chrome, pages):
    """Lightness alone orders the cells, so that the map reads in grey and by any eye."""
    document = sweep_document()
    order = [trial.keep for trial in document.trials]
    with chrome.open(pages("sweep")) as page:
        fills = page.run("[...document.querySelectorAll('.heat-cell')].map(e => e.getAttribute('fill'))")
    light = [sum(w * int(c) for w, c in zip((0.3, 0.59, 0.11), fill[4:-1].split(), strict=True)) for fill in fills]
    width, rows = len(document.axes["width"]), len(document.axes["trigger"])
    keeps = [order[i * rows + j] for j in range(rows) for i in range(width)]
    ranked = [light[at] for at in sorted(range(len(keeps)), key=keeps.__getitem__)]
    assert all(one <= other + 1.5 for one, other in pairwise(ranked))


def test_a_thousand_settings_stay_fast(chrome, pages):
    with chrome.open(pages("sweep_large")) as page:
        assert page.run("document.querySelectorAll('.heat-cell').length") == 1_000
        drawn = page.run("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        assert drawn < 3_000
        start = "const t = performance.now(); document.querySelector('#settings .quiet-button').click();"
        drawn = "requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - t)))"
        opened = f"new Promise(done => {{ {start} {drawn} }})"
        assert page.run(opened) < 2_000
        assert len(page.probe("visible", "#settings tbody tr")) == 1_000


def _figures(page):
    """Every integer that a page states in words a reader sees, with its kind and its unit."""
    whole = ("money", "change", "rate", "share", "count")
    for one in (*page.says, *page.figures):
        if isinstance(one.value, int) and one.kind in whole:
            yield one.value, one.kind, page.home
    for block in (block for section in page.sections for block in section.blocks):
        if isinstance(block, Table):
            unit = "" if block.bare else page.home
            for row in block.rows:
                kinds = [column.kind for column in block.columns]
                yield from ((v, k, unit) for v, k in zip(row, kinds, strict=True) if isinstance(v, int) and k in whole)
        elif isinstance(block, Steps):
            yield from ((row.value, "change", page.home) for row in block.rows)
        elif isinstance(block, Bars):
            yield from ((row.value, block.kind, page.home) for row in block.rows)
        elif isinstance(block, Spread):
            yield from ((value, block.kind, page.home) for value in block.values)


def _escaped(said):
    return said.translate(str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"}))


def test_a_fan_has_its_bands_and_a_table_behind(chrome, pages):
    with chrome.open(pages("stress")) as page:
        assert page.probe("tinted", "#time .chart", "own") > 200
        drawn, colours, pixels = page.probe("pixels", "#time .chart")
        assert drawn > pixels // 20
        assert colours > 8
        page.click("#time .behind summary")
        page.settle()
        assert len(page.probe("rows", "#time")) == 20
    with chrome.open(pages("stress_bare")) as page:
        assert page.run("document.querySelector('#time') === null")


def test_whiskers_span_the_fifth_to_the_ninety_fifth(chrome, pages):
    """The whisker of a flow begins where its bar does: ends of bars and whiskers share one scale."""
    document = stress_document(fan=False)
    with chrome.open(pages("stress")) as page:
        lines = page.run(
            "[...document.querySelectorAll('.whisker')].map(g => [...g.querySelectorAll('line')].slice(0, 1)"
            ".flatMap(l => [l.x1.baseVal.valueInSpecifiedUnits, l.x2.baseVal.valueInSpecifiedUnits]))"
        )
        bars = page.probe("bars")
    sums = [0, *accumulate(cause.mean for cause in document.causes)]
    ends = [(so, so + c.mean, so + c.low, so + c.high) for so, c in zip(sums, document.causes, strict=False)]
    ends.append((0, document.mean, document.quantiles["5"], document.quantiles["95"]))
    low, high = min(0, *(min(four) for four in ends)), max(0, *(max(four) for four in ends))
    for (start, end, least, most), (x, width), line in zip(ends, bars, lines, strict=True):
        assert x == pytest.approx(100 * (min(start, end) - low) / (high - low), abs=0.01)
        assert width == pytest.approx(max(100 * abs(end - start) / (high - low), 0.35), abs=0.01)
        assert line == pytest.approx([100 * (least - low) / (high - low), 100 * (most - low) / (high - low)], abs=0.01)


def test_bins_count_every_future(chrome, pages):
    block = next(b for s in PAGES["stress"]().sections for b in s.blocks if isinstance(b, Spread))
    assert sum(block.counts) == 400
    for at, count in enumerate(block.counts):
        assert count == sum(block.edges[at] <= keep < block.edges[at + 1] for keep in keeps())
    with chrome.open(pages("stress")) as page:
        assert page.run("document.querySelectorAll('.bin').length") == len(block.counts)


def test_the_tree_opens_to_the_facts(chrome, pages):
    with chrome.open(pages("risk")) as page:
        assert "L2BEAT" not in page.text("#why")
        page.run("document.querySelectorAll('.tree details').forEach(d => { d.open = true })")
        page.settle()
        assert "L2BEAT" in page.text("#why")
        assert "as of" in page.text("#why")
    page_ = PAGES["plan"]()
    exposure = next(section for section in page_.sections if section.id == "exposure").blocks[0]
    by = {node.label: {one.label: one.value for one in node.inner} for node in exposure.nodes}
    assert set(by) == {"By issuer of a token", "By network", "By bridge to Ethereum", "By project"}
    held = sum(one.amount for one in plan_document().held)
    assert sum(by["By network"].values()) == held == sum(by["By bridge to Ethereum"].values())
    assert "Circle" in by["By issuer of a token"]


def test_a_ladder_has_dates_and_says_what_has_no_bound(chrome, pages):
    with chrome.open(pages("exits")) as page:
        first = page.text(".rung")
        bounds = [rung.worst for rung in next(s for s in PAGES["exits"]().sections if s.id == "ways").blocks[0].rungs]
        assert None in bounds
        assert [text.endswith("no bound") for text in page.texts("#ways .rung-when")] == [at is None for at in bounds]
        assert "Nov 2026" in first
        assert page.run("document.querySelectorAll('#ways .rung').length") == len(
            next(s for s in PAGES["exits"]().sections if s.id == "ways").blocks[0].rungs
        )
    assert "no way is open" in PAGES["exits_ended"]().says[0].words


def test_hostile_text_of_a_page_is_text(chrome, pages):
    with chrome.open(pages("sweep_hostile")) as page:
        assert page.text("h1") == HOSTILE
        assert page.run("document.querySelectorAll('b[onclick]').length") == 0
        assert page.run("document.querySelectorAll('script').length") == 2


def test_a_page_is_printed_whole(pages):
    """As ``--format pdf`` prints it: light, with every setting, several pages of lines and text."""
    pdf = print_pdf(pages("sweep").read_bytes())
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 6


def test_markdown_bears_hostile_text():
    text = markdown(PAGES["sweep_hostile"]())
    assert "<" not in text.replace("\\<", "")
    title = text.splitlines()[0]
    assert title == "# " + _escaped(HOSTILE)
    assert all(line.count(" | ") >= 1 for line in text.splitlines() if line.startswith("|") and "---" not in line)


def test_a_result_says_risk_and_next_step_and_each_stream(chrome, tmp_path):
    base = realistic()
    rows = {row.key: row.value // 3 for row in base.waterfall if row.kind == "flow"}
    parts = [
        StreamRow(name, 0, 5_000_000 * part, 0, sum(rows.values()) * part, {k: v * part for k, v in rows.items()}, 0)
        for part, name in ((1, "range"), (2, HOSTILE))
    ]
    document = replace(base, streams=parts)
    risk, step = result_page(document).says[1:3]
    peak = fall = 0
    for value in document.series.value:
        peak = max(peak, value)
        fall = min(fall, math.floor((value - peak) * 10_000 / peak))
    assert risk.value == fall
    with chrome.open(write_report(document, tmp_path / "streams.html"), width=390) as page:
        assert page.complaints() == []
        assert page.values(".notice-risk data") == [str(fall)]
        assert page.text(".notice-risk").endswith(risk.words)
        assert page.text(".notice-next").endswith(step.words)
        assert page.probe("outside") == []
        shown_rows = page.probe("rows", "#streams")
        assert [int(v) for cell in shown_rows[-1] for v in cell["values"]] == [part.keep for part in parts]
        assert [int(v) for cell in shown_rows[0] for v in cell["values"]] == [part.rows["fees"] for part in parts]
    assert "By stream" in markdown(result_page(document))


@pytest.mark.parametrize("home", ["USD", "USDC", "WETH@op"])
def test_sentences_write_money_as_the_page_does(home):
    """Against the second formatter, which the browser is held to as well: a figure in a sentence reads like the one above it."""
    rng = random.Random(f"sentences {home}")
    amounts = [0, 1, -1, 9, 10, 99, 100, 999_949, 999_950, 999_999, 10**6, 994_999, 10**9 - 1, 10**9, 123_456_789_012]
    amounts += [rng.choice((-1, 1)) * rng.randrange(10 ** rng.randrange(1, 20)) for _ in range(300)]
    for value in amounts:
        assert shown(value, "change", home).replace(NBSP, " ") == money(value, home, signed=True)
        assert shown(value, "money", home).replace(NBSP, " ") == money(value, home)
        assert shown(value, "rate") == percent(value, signed=True) or abs(value) >= 10**9
