"""The file itself: complete, small, harmless, exact, written whole. No browser needed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidemill.errors import BadInput, MissingArtefact
from tidemill.studies import report
from tidemill.studies.report import SAFE_INTEGER, inline_json, report_html, write_report

from .documents import ALL, empty, long_labels, realistic

ROOT = Path(__file__).resolve().parents[2]
DATA = re.compile(r'<script type="application/json" id="tidemill-document">(.*?)</script>', re.DOTALL)


def _as_python(value: object, like: object) -> object:
    """Undo the transport: digits become integers again where the document has an integer."""
    if isinstance(like, dict):
        return {key: _as_python(value[key], item) for key, item in like.items()}
    if isinstance(like, list):
        return [_as_python(one, item) for one, item in zip(value, like, strict=True)]
    return int(value) if isinstance(like, int) and not isinstance(like, bool) else value


@pytest.mark.parametrize("name", [name for name in ALL if name != "unknowns"])
def test_the_data_survive_exactly(name):
    document = ALL[name]()
    data = DATA.search(report_html(document))[1]
    plain = msgspec.to_builtins(document)
    assert _as_python(json.loads(data), plain) == plain


def test_numbers_are_exact_in_javascript_and_only_those():
    data = json.loads(inline_json(ALL["huge"]()))

    def check(value):
        if isinstance(value, int):
            assert abs(value) <= SAFE_INTEGER
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(data)
    assert data["study"]["capital"]["WETH"] == str(2**256 - 1)
    assert data["series"]["time"][0] == realistic().series.time[0]


@given(st.integers(-(2**256), 2**256), st.text())
def test_any_integer_and_text_survive(value, text):
    document = empty()
    document = replace(document, unexplained=value, warnings=[text])
    data = inline_json(document)
    assert not set("<>&\u2028\u2029") & set(data)
    parsed = json.loads(data)
    assert int(parsed["unexplained"]) == value
    assert isinstance(parsed["unexplained"], str) == (abs(value) > 2**53 - 1)
    assert parsed["warnings"] == [text]


def test_floats_that_are_not_finite_become_null():
    document = empty()
    series = replace(document.series, price=[float("nan"), float("inf"), 1.5])
    assert json.loads(inline_json(replace(document, series=series)))["series"]["price"] == [None, None, 1.5]


def test_labels_cannot_leave_their_element():
    page = report_html(long_labels())
    scripts = re.findall(r"<script\b[^>]*>", page)
    assert len(scripts) == 2
    assert page.count("</script>") == 2
    assert "document.title='broken'</script>" not in page


def test_the_title_is_escaped():
    document = empty()
    page = report_html(replace(document, study=replace(document.study, title='a<b> & "c"')))
    assert "<title>a&lt;b&gt; &amp; &quot;c&quot; · tidemill</title>" in page


def test_the_page_is_small_and_asks_for_nothing():
    page = report_html(realistic())
    bare = DATA.sub("", page)
    assert len(bare.encode()) < 300_000
    assert not re.search(
        r"\b(?:src|href)\s*=\s*[\"'](?!data:|#)", re.sub(r"<script.*?</script>", "", bare, flags=re.DOTALL)
    )
    assert not re.search(r"@import|url\((?!['\"]?data:)", bare)


def test_the_policy_allows_only_what_is_inside():
    page = report_html(realistic())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    for directive, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_the_licences_of_what_is_inside_travel_with_it():
    page = report_html(empty())
    assert page.count("Permission is hereby granted") >= 2


def test_the_same_document_gives_the_same_file(tmp_path):
    first = write_report(realistic(), tmp_path / "a.html").read_bytes()
    assert first == write_report(realistic(), tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_written_whole_or_not_at_all(tmp_path, monkeypatch, owner, step):
    target = tmp_path / "out" / "report.html"
    write_report(empty(), target)
    before = target.read_text(encoding="utf-8")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, step, full)
    with pytest.raises(BadInput, match="No space left on device"):
        write_report(realistic(), target)
    assert target.read_text(encoding="utf-8") == before
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_in_the_way_is_one_clear_line(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(
        BadInput, match=r"report\.html: the report cannot be written: .*; choose another folder"
    ) as caught:
        write_report(empty(), tmp_path / "report.html")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_a_page_that_was_not_built_names_the_fix(tmp_path, monkeypatch):
    monkeypatch.setattr(report.resources, "files", lambda _package: tmp_path)
    with pytest.raises(MissingArtefact, match="make setup"):
        write_report(empty(), tmp_path / "report.html")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "report.html").write_text("<html></html>")
    with pytest.raises(MissingArtefact, match="make clean setup"):
        write_report(empty(), tmp_path / "report.html")


def test_the_types_have_not_drifted():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "web_types.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_lock_names_no_registry():
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    assert lock["packages"]
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    manifest = json.loads((ROOT / "web" / "package.json").read_text())
    pins = {**manifest["dependencies"], **manifest["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())


def test_importing_is_light():
    script = "import sys, tidemill.studies.report; print([m for m in ('numba', 'polars', 'web3', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
