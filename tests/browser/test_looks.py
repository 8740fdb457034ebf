"""Both themes, phone width and paper: contrast, overflow, drawn pixels."""

from __future__ import annotations

import re
import zlib

import pytest
from msgspec.structs import replace

from tidemill.studies.report import write_report

from .documents import ALL
from .figures import money

pytestmark = pytest.mark.browser
CHARTS = ("#chart-value", "#chart-price", "#chart-flows")
WITH_CHARTS = [name for name in ALL if name != "empty"]


@pytest.mark.parametrize("name", WITH_CHARTS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_charts_are_drawn(chrome, report, name, dark):
    with chrome.open(report(name), dark=dark) as page:
        for chart in CHARTS:
            drawn, colours, pixels = page.probe("pixels", chart)
            assert drawn > pixels // 200, chart
            assert colours > 8, chart
        assert page.probe("tinted", "#chart-value", "own") > 200
        assert page.probe("tinted", "#chart-value", "hold") > 200
        assert page.probe("tinted", "#chart-price", "price") > 200
        assert page.probe("tinted", "#chart-flows", "gain") > 200


def test_ranges_are_drawn_where_the_positions_are(chrome, report, documents):
    """Each band is a wash of colour between its prices and times, and there is none outside."""
    document = documents["realistic"]
    series = document.series
    first, last = series.time[0], series.time[-1]
    reach = (max(series.price) - min(series.price)) * 1.5
    bounds = [edge for row in document.positions for edge in (row.price_lower, row.price_upper)]
    near = [edge for edge in bounds if min(series.price) - reach <= edge <= max(series.price) + reach]
    bottom, top = min(*series.price, *near), max(*series.price, *near)
    margin = (top - bottom) * 0.06
    bottom, top = bottom - margin, top + margin
    with chrome.open(report("realistic")) as page:
        for row in document.positions:
            x = ((row.opened + row.closed) / 2 - first) / (last - first)
            inside = (top - (row.price_lower * 0.03 + row.price_upper * 0.97)) / (top - bottom)
            assert page.probe("washed", "#chart-price", x, inside) == 25, row.id
            above = (top - row.price_upper) / (top - bottom) - 0.03
            if above > 0.01:
                assert page.probe("washed", "#chart-price", x, above) < 25, row.id


@pytest.mark.parametrize("name", WITH_CHARTS)
def test_the_legend_says_the_last_figures(chrome, report, documents, name):
    document = documents[name]
    series, home = document.series, document.study.home
    with chrome.open(report(name)) as page:
        assert page.texts("#chart-value .legend b") == [money(series.value[-1], home), money(series.hold[-1], home)]
        shown = page.texts("#flows .legend b")
        assert shown == [money(series.fees[-1], home), money(series.costs[-1], home)]
        assert page.texts("#chart-price .legend b") == [f"{series.price[-1]:,.2f}"]


def test_costs_have_their_own_scale_only_where_fees_would_hide_them(chrome, report):
    with chrome.open(report("realistic")) as page:
        assert page.probe("tinted", "#chart-costs", "loss") > 200
        assert "on a scale of their own" in page.text("#chart-costs")


def test_the_legend_follows_the_pointer(chrome, report, documents):
    with chrome.open(report("realistic")) as page:
        page.run("document.querySelector('#chart-value').scrollIntoView()")
        before = page.text("#chart-value .legend")
        box = page.probe("box", "#chart-value .u-over")
        page.command("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] / 4, y=box[1] + box[3] / 2)
        page.settle()
        after = page.text("#chart-value .legend")
        assert after != before
        day = page.text("#chart-value .legend-time")
        assert "Jan 2024" in day
        assert page.text("#chart-price .legend-time") == day


@pytest.mark.parametrize("name", list(ALL))
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_sideways_scroll_on_a_phone(chrome, report, name, dark):
    with chrome.open(report(name), width=360, height=740, dark=dark) as page:
        assert page.run("document.documentElement.scrollWidth") <= 360
        assert page.probe("outside") == []
        assert (
            page.run("[...document.querySelectorAll('.table-frame')].filter(f => f.scrollWidth > f.clientWidth).length")
            == 0
        )


@pytest.mark.parametrize("width", [320, 480, 768, 1024, 1600])
def test_no_sideways_scroll_at_other_widths(chrome, report, width):
    with chrome.open(report("realistic"), width=width) as page:
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.probe("outside") == []


@pytest.mark.parametrize("name", list(ALL))
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out(chrome, report, name, dark):
    with chrome.open(report(name), dark=dark) as page:
        page.click("#waterfall .section-head button")
        ratio, where = page.probe("contrast")
        assert ratio >= 4.5, where


def test_themes_follow_the_system_and_the_toggle(chrome, report):
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    with chrome.open(report("realistic")) as page:
        light = page.run(ground)
        page.media("", dark=True)
        page.settle()
        dark = page.run(ground)
        assert dark != light
        in_dark = page.probe("tinted", "#chart-value", "own")
        page.click(".theme-toggle")
        assert page.run(ground) == light
        assert page.run("document.querySelector('.theme-toggle').ariaLabel") == "Switch to dark theme"
        assert page.probe("tinted", "#chart-value", "own") > 200
        assert in_dark > 200
        page.run("localStorage.clear()")


def test_charts_follow_the_width(chrome, report):
    with chrome.open(report("realistic"), width=1280) as page:
        page.resize(500)
        page.settle()
        page.settle()
        canvas, frame = page.probe("box", "#chart-value canvas")[2], page.probe("box", "#chart-value .canvas-frame")[2]
        assert canvas == pytest.approx(frame, abs=1)
        assert page.run("document.documentElement.scrollWidth") <= 500


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_paper(chrome, report, documents, dark):
    """Printed from either theme the page is light, its charts are fine-grained and its formulas are there."""
    with chrome.open(report("realistic"), dark=dark) as page:
        screen = page.run("document.querySelector('#chart-value canvas').width")
        page.run("dispatchEvent(new Event('beforeprint'))")
        page.media("print", dark=dark)
        page.settle()
        assert page.run("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert page.probe("tinted", "#chart-value", "own") > 1000
        assert page.run("document.querySelector('#chart-value canvas').width") > 1.5 * screen
        assert page.run("document.querySelector('.theme-toggle').offsetHeight") == 0
        formulas = [row.formula for row in documents["realistic"].waterfall if row.formula]
        assert page.probe("visible", ".formula-row") == formulas
        assert page.probe("contrast")[0] >= 4.5
        page.media("", dark=dark)
        page.run("dispatchEvent(new Event('afterprint'))")
        page.settle()
        assert page.run("document.querySelector('#chart-value canvas').width") == screen


def test_the_printed_file_has_a_handful_of_pages_with_pictures(chrome, report):
    with chrome.open(report("realistic")) as page:
        pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 7
    # A canvas is printed as the lines it was drawn with, or by an older browser as a picture.
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    drawn = b"\n".join(zlib.decompressobj().decompress(stream) for stream in streams if stream[:1] == b"x")
    lines = len(re.findall(rb"^[\d.-]+ [\d.-]+ l$", drawn, re.MULTILINE))
    pictures = len(re.findall(rb"/Subtype\s*/Image", pdf))
    assert lines > 4_000 or pictures >= 4


def test_a_study_without_a_price_shows_its_positions_alone(chrome, documents, tmp_path):
    document = documents["realistic"]
    document = replace(document, series=replace(document.series, price=[], price_label=""))
    with chrome.open(write_report(document, tmp_path / "vault.html")) as page:
        assert page.complaints() == []
        assert page.text("#price h2") == "Your positions"
        assert page.run("document.querySelector('#chart-price') === null")
        assert page.probe("tinted", "#chart-value", "own") > 200
        assert len(page.probe("rows", "#price")) == len(document.positions)


def test_it_can_be_read_without_sight(chrome, report, documents):
    """Headings in order, every chart in words, every table with headers, every button named, focus visible."""
    with chrome.open(report("realistic")) as page:
        levels = page.run("[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert page.run("document.documentElement.lang") == "en"
        words = page.run("[...document.querySelectorAll('[role=img]')].map(e => e.ariaLabel)")
        assert len(words) == 4
        assert all(len(text) > 40 for text in words)
        assert "10,000" in words[0] or "9,998.07 USDC" in words[0]
        tables = page.probe("tables")
        assert len(tables) == 5
        assert all(caption and columns >= 4 and headed for caption, columns, headed in tables)
        names = page.run("[...document.querySelectorAll('button')].map(b => (b.ariaLabel ?? b.innerText).trim())")
        assert all(names)
        page.command("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        page.settle()
        assert page.run("document.activeElement.className") == "theme-toggle no-print"
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
