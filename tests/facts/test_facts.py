"""Dated facts: what loads, what is refused and how the refusal reads."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Confidence, Status, load_facts, parse_facts

FACT = 'value = 2, as_of = 2026-08-04, source = "registry", confidence = "code", status = "live"'
LINE = 'as_of = 2026-08-04\nsource = "registry"\nconfidence = "code"\nstatus = "live"\n'
FORKS = f'[timelines.fork]\n{LINE}entries = [{{ since = 100, value = "canyon" }}, {{ since = 200, value = "fjord" }}]\n'
HEAD = 'about = "a chain"\n'


def test_a_fact_carries_its_provenance() -> None:
    facts = parse_facts(HEAD + f'[facts]\nblock_time = {{ {FACT}, unit = "s", note = "no slot is missed" }}\n')
    fact = facts.fact("block_time")
    assert (fact.value, fact.unit, fact.note) == (2, "s", "no slot is missed")
    assert fact.as_of == dt.date(2026, 8, 4)
    assert (fact.source, fact.confidence, fact.status) == ("registry", Confidence.CODE, Status.LIVE)
    assert facts.integer("block_time") == 2


def test_integers_of_any_size_survive() -> None:
    big = 2**256 - 1
    facts = parse_facts(HEAD + f"[facts]\ncap = {{ {FACT.replace('= 2,', f'= {big},')} }}\n")
    assert facts.integer("cap") == big


def test_a_timeline_answers_by_time() -> None:
    line = parse_facts(HEAD + FORKS).timeline("fork")
    assert [line.at(t) for t in (100, 199, 200, 10**10)] == ["canyon", "canyon", "fjord", "fjord"]
    with pytest.raises(
        BadInput,
        match=r"timelines\.fork: nothing is known at time 99 \(1970-01-01T00:01:39Z\); .* begins at 100 \(",
    ):
        line.at(99)


def test_a_timeline_answers_by_block_and_by_fork() -> None:
    text = HEAD + FORKS
    text += f'[timelines.denominator]\naxis = "block"\n{LINE}entries = [{{ since = 7, value = 8 }}]\n'
    text += f'[timelines.scalar]\naxis = "fork"\nunit = "1e-6"\n{LINE}entries = [{{ since = "fjord", value = 5 }}]\n'
    facts = parse_facts(text)
    assert facts.timeline("denominator").axis == "block"
    assert facts.timeline("denominator").at(7) == 8
    assert facts.timeline("scalar").at(200) == 5
    assert facts.timeline("scalar").fact_at(250).unit == "1e-6"
    with pytest.raises(BadInput, match="begins at 200"):
        facts.timeline("scalar").at(199)


def test_an_entry_overrides_the_provenance_of_its_timeline() -> None:
    entries = 'entries = [{ since = 2024-03-14T00:00:01Z, value = 1, confidence = "uncertain", as_of = 2024-03-15 }]\n'
    fact = parse_facts(HEAD + f"[timelines.scalar]\n{LINE}{entries}").timeline("scalar").fact_at(1_710_374_401)
    assert (fact.confidence, fact.as_of, fact.source) == (Confidence.UNCERTAIN, dt.date(2024, 3, 15), "registry")


def test_unknown_names_name_the_nearest() -> None:
    facts = parse_facts(HEAD + f"[facts]\nblock_time = {{ {FACT} }}\n" + FORKS)
    with pytest.raises(UnknownName, match="unknown fact 'blok_time'; did you mean 'block_time'"):
        facts.fact("blok_time")
    with pytest.raises(UnknownName, match="unknown timeline 'forks'; did you mean 'fork'"):
        facts.timeline("forks")


def test_a_value_of_another_kind_is_refused_where_it_is_used() -> None:
    facts = parse_facts(HEAD + f"[facts]\na = {{ {FACT} }}\nb = {{ {FACT.replace('= 2,', '= true,')} }}\n")
    with pytest.raises(BadInput, match="facts.a.value: expected text, got 2"):
        facts.text("a")
    with pytest.raises(BadInput, match="facts.b.value: expected an integer, got True"):
        facts.integer("b")


def fact(text: str) -> str:
    return HEAD + f"[facts]\nx = {{ {text} }}\n"


def line(head: str, entries: str) -> str:
    return HEAD + FORKS + f"[timelines.y]\n{head}{LINE}entries = [{entries}]\n"


BAD = [
    ("about = ", "f.toml: not valid TOML"),
    ("", "f.toml: about: missing"),
    ('about = " "', "f.toml: about: missing"),
    (HEAD + "[fact]\n", "f.toml: fact: unknown key; did you mean 'facts'"),
    (HEAD + "facts = 3\n", "f.toml: facts: expected a table, got 3"),
    (HEAD + "[facts]\nx = 3\n", "f.toml: facts.x: expected a table, got 3"),
    (fact(FACT.replace("value = 2, ", "")), "facts.x.value: missing"),
    (fact(FACT.replace("as_of = 2026-08-04, ", "")), "facts.x.as_of: missing"),
    (fact(FACT.replace('source = "registry", ', "")), "facts.x.source: missing"),
    (fact(FACT.replace('confidence = "code", ', "")), "facts.x.confidence: missing"),
    (fact(FACT.replace(', status = "live"', "")), "facts.x.status: missing"),
    (fact(FACT + ", sorce = 1"), "facts.x.sorce: unknown key; did you mean 'source'"),
    (fact(FACT.replace("= 2,", "= 0.02,")), "facts.x.value: 0.02 is a float"),
    (fact(FACT.replace("= 2,", "= [2],")), r"facts.x.value: expected an integer, text or true/false, got \[2\]"),
    (fact(FACT.replace("2026-08-04", '"2026-08-04"')), "facts.x.as_of: expected a date"),
    (fact(FACT.replace("2026-08-04", "2026-08-04T00:00:00Z")), "facts.x.as_of: expected a date"),
    (fact(FACT.replace('"registry"', '" "')), "facts.x.source: empty"),
    (fact(FACT.replace('"registry"', "7")), "facts.x.source: expected text, got 7"),
    (fact(FACT.replace('"code"', '"sure"')), "facts.x.confidence: 'sure' is not one of code, spec, measured"),
    (fact(FACT.replace('"live"', '"alive"')), "facts.x.status: 'alive' is not one of live, scheduled"),
    (fact(FACT + ", unit = 3"), "facts.x.unit: expected text, got 3"),
    (line('axis = "epoch"\n', ""), "timelines.y.axis: 'epoch' is not one of time, block, fork"),
    (line("", ""), "timelines.y.entries: missing"),
    (line("", "3"), r"timelines.y.entries\[0\]: expected a table, got 3"),
    (line("", "{ value = 1 }"), r"timelines.y.entries\[0\].since: missing"),
    (line("", "{ since = 1 }"), r"timelines.y.entries\[0\].value: missing"),
    (line("", "{ since = 1, value = 1, at = 2 }"), r"timelines.y.entries\[0\].at: unknown key"),
    (line("", "{ since = -1, value = 1 }"), r"entries\[0\].since: expected unix seconds or a UTC date-time, got -1"),
    (line("", "{ since = 2024-03-14T00:00:01, value = 1 }"), r"entries\[0\].since: .* has no time zone"),
    (line('axis = "block"\n', "{ since = true, value = 1 }"), r"entries\[0\].since: expected a block number, got True"),
    (line("", "{ since = 5, value = 1 }, { since = 5, value = 2 }"), r"entries\[1\].since: 5 is not after the entry"),
    (
        line('axis = "fork"\n', '{ since = "canion", value = 1 }'),
        "'canion' is no fork of this file; did you mean 'canyon'",
    ),
    (
        HEAD + f'[timelines.y]\naxis = "fork"\n{LINE}entries = [{{ since = "fjord", value = 1 }}]\n',
        "axis is fork, but the file has no timeline `fork`",
    ),
    (
        HEAD + f"[timelines.y]\nforks = 1\n{LINE}entries = [{{ since = 1, value = 1 }}]\n",
        "timelines.y.forks: unknown key",
    ),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_bad_files_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        parse_facts(text, "f.toml")
    assert str(caught.value).startswith("f.toml: ")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path) -> None:
    with pytest.raises(BadInput, match="absent.toml: no such file"):
        load_facts(tmp_path / "absent.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="cannot be read as UTF-8"):
        load_facts(binary)
    with pytest.raises(BadInput, match="cannot be read"):
        load_facts(tmp_path)
    good = tmp_path / "good.toml"
    good.write_text(HEAD + FORKS)
    assert load_facts(good).file == str(good)


@pytest.mark.parametrize("module", ["tidemill.facts", "tidemill.networks"])
def test_importing_stays_light(module: str) -> None:
    code = f"import {module}, sys; print([m for m in ('numba', 'numpy', 'polars', 'web3') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
