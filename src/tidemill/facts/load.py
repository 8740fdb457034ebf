"""Read a TOML file of facts and refuse anything incomplete, in one line that names file and field.

::

    about = "OP Mainnet"

    [facts.block_time]
    value = 2
    unit = "s"
    as_of = 2026-08-04
    source = "superchain-registry mainnet/op.toml"
    confidence = "code"
    status = "live"

    [timelines.fork]                      # axis = "time" unless said: since is unix seconds or a UTC date-time
    as_of = 2026-08-04                    # provenance of the whole timeline; an entry may override each field
    source = "superchain-registry mainnet/op.toml"
    confidence = "code"
    status = "live"
    entries = [{ since = 1704992401, value = "canyon" }]

    [timelines.eip1559_denominator]       # axis = "fork": since names a value of the timeline `fork`
    axis = "fork"
    ...
    entries = [{ since = "canyon", value = 250 }]
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tidemill.errors import BadInput, nearest
from tidemill.facts.types import Confidence, Entry, Fact, Facts, Scalar, Status, Timeline

__all__ = ["load_facts", "parse_facts"]

_FACT_KEYS = ("value", "as_of", "source", "confidence", "status", "unit", "note")
_REQUIRED = ("value", "as_of", "source", "confidence", "status")
_TIMELINE_KEYS = ("axis", "entries", *_FACT_KEYS[1:])
_ENTRY_KEYS = ("since", *_FACT_KEYS)
_AXES = ("time", "block", "fork")
_TOP_KEYS = ("about", "facts", "timelines")
E = TypeVar("E", Confidence, Status)


def load_facts(path: str | Path) -> Facts:
    """Load and check a file of facts.

    Raises
    ------
    BadInput : the file is absent, not TOML, or a field is missing, unknown or of the wrong kind.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", file=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read as UTF-8 text ({type(error).__name__})", file=str(path)) from None
    return parse_facts(text, str(path))


def parse_facts(text: str, file: str = "facts.toml") -> Facts:
    """Check the text of a file of facts; ``file`` stands for it in error lines. Raises as ``load_facts``."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"not valid TOML: {error}", file=file) from None
    _only(data, _TOP_KEYS, file, "")
    about = data.get("about")
    if not isinstance(about, str) or not about.strip():
        raise BadInput('missing; write what the file is about, e.g. about = "OP Mainnet"', file=file, field="about")
    facts = {
        name: _fact(_table(raw, file, f"facts.{name}"), file, f"facts.{name}", _FACT_KEYS)
        for name, raw in _table(data.get("facts", {}), file, "facts").items()
    }
    timelines: dict[str, Timeline] = {}
    raw_lines = _table(data.get("timelines", {}), file, "timelines")
    for name in sorted(raw_lines, key=lambda n: n != "fork"):  # `fork` first: others may refer to it
        timelines[name] = _timeline(name, raw_lines[name], timelines.get("fork"), file)
    return Facts(file=file, about=about, facts=facts, timelines=timelines)


def _only(data: Mapping[str, Any], valid: tuple[str, ...], file: str, at: str) -> None:
    for key in data:
        if key not in valid:
            raise BadInput(f"unknown key{nearest(key, valid)}", file=file, field=f"{at}.{key}" if at else key)


def _table(raw: Any, file: str, field: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise BadInput(f"expected a table, got {raw!r}", file=file, field=field)
    return raw


def _fact(raw: Mapping[str, Any], file: str, field: str, valid: tuple[str, ...]) -> Fact:
    _only(raw, valid, file, field)
    for key in _REQUIRED:
        if key not in raw:
            raise BadInput("missing", file=file, field=f"{field}.{key}")
    return Fact(
        value=_scalar(raw["value"], file, f"{field}.value"),
        as_of=_date(raw["as_of"], file, f"{field}.as_of"),
        source=_words(raw["source"], file, f"{field}.source"),
        confidence=_one_of(Confidence, raw["confidence"], file, f"{field}.confidence"),
        status=_one_of(Status, raw["status"], file, f"{field}.status"),
        unit=_text(raw.get("unit", ""), file, f"{field}.unit"),
        note=_text(raw.get("note", ""), file, f"{field}.note"),
    )


def _scalar(raw: Any, file: str, field: str) -> Scalar:
    if isinstance(raw, float):
        raise BadInput(
            f"{raw!r} is a float; write an integer in a smaller unit, or the decimal as text", file=file, field=field
        )
    if not isinstance(raw, int | str | bool):
        raise BadInput(f"expected an integer, text or true/false, got {raw!r}", file=file, field=field)
    return raw


def _date(raw: Any, file: str, field: str) -> dt.date:
    if isinstance(raw, dt.datetime) or not isinstance(raw, dt.date):
        raise BadInput(f"expected a date such as 2026-08-04 (no quotes), got {raw!r}", file=file, field=field)
    return raw


def _text(raw: Any, file: str, field: str) -> str:
    if not isinstance(raw, str):
        raise BadInput(f"expected text, got {raw!r}", file=file, field=field)
    return raw


def _words(raw: Any, file: str, field: str) -> str:
    text = _text(raw, file, field)
    if not text.strip():
        raise BadInput("empty; name where the value was read", file=file, field=field)
    return text


def _one_of(kind: type[E], raw: Any, file: str, field: str) -> E:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        valid = ", ".join(member.value for member in kind)
        raise BadInput(f"{raw!r} is not one of {valid}", file=file, field=field) from None


def _timeline(name: str, raw: Any, forks: Timeline | None, file: str) -> Timeline:
    field = f"timelines.{name}"
    table = _table(raw, file, field)
    _only(table, _TIMELINE_KEYS, file, field)
    axis = table.get("axis", "time")
    if axis not in _AXES:
        raise BadInput(f"{axis!r} is not one of {', '.join(_AXES)}", file=file, field=f"{field}.axis")
    raw_entries = table.get("entries")
    if not isinstance(raw_entries, list) or not raw_entries:
        raise BadInput("missing; a timeline has at least one entry", file=file, field=f"{field}.entries")
    shared = {key: table[key] for key in _FACT_KEYS[1:] if key in table}
    entries: list[Entry] = []
    for index, raw_entry in enumerate(raw_entries):
        at = f"{field}.entries[{index}]"
        entry = _table(raw_entry, file, at)
        if "since" not in entry:
            raise BadInput("missing", file=file, field=f"{at}.since")
        since = _since(entry["since"], axis, forks, file, f"{at}.since")
        if entries and since <= entries[-1].since:
            raise BadInput(f"{since} is not after the entry before it", file=file, field=f"{at}.since")
        _only(entry, _ENTRY_KEYS, file, at)
        own = {key: value for key, value in entry.items() if key != "since"}
        entries.append(Entry(since, _fact(shared | own, file, at, _FACT_KEYS)))
    return Timeline(name=name, axis="block" if axis == "block" else "time", entries=tuple(entries), file=file)


def _since(raw: Any, axis: str, forks: Timeline | None, file: str, field: str) -> int:
    if axis == "fork":
        if forks is None:
            raise BadInput("axis is fork, but the file has no timeline `fork`", file=file, field=field)
        named = {str(entry.fact.value): entry.since for entry in forks.entries}
        if raw not in named:
            raise BadInput(f"{raw!r} is no fork of this file{nearest(str(raw), named)}", file=file, field=field)
        return named[raw]
    if axis == "time" and isinstance(raw, dt.datetime):
        if raw.tzinfo is None:
            raise BadInput(f"{raw} has no time zone; write {raw.isoformat()}Z", file=file, field=field)
        return int(raw.timestamp())
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        what = "unix seconds or a UTC date-time" if axis == "time" else "a block number"
        raise BadInput(f"expected {what}, got {raw!r}", file=file, field=field)
    return raw
