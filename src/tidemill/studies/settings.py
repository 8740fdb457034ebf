"""What a sweep may vary of a study, by the names that its file has: parameters, and in a portfolio those of its streams.

``width`` is a parameter of the study's strategy; ``streams.NAME.parameters.width``, or ``streams.NAME.width`` in short, one
of a stream's; ``streams.NAME.share_bps`` and ``streams.NAME.capital.TOKEN`` its part of the capital; ``transfers.0.bps`` and
``contributions.0.every_days`` are fields of those tables. Names joined by ``/`` go together, with values joined so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from tidemill.errors import BadInput, UnknownName
from tidemill.studies.grid import Value
from tidemill.studies.prepare import Prepared
from tidemill.studies.study import ContributionSpec, StreamSpec, Study, TransferSpec, checked

__all__ = ["changed", "current", "with_settings"]

_TABLES: dict[str, tuple[type[msgspec.Struct], tuple[str, ...]]] = {
    "transfers": (TransferSpec, ("bps", "every_days", "least")),
    "contributions": (ContributionSpec, ("amount", "every_days", "first_day", "times")),
}
"""Lists of tables of a study file, and which of their fields are levels that one may try."""
_STREAM = ("parameters", "share_bps", "capital")


def with_settings(prepared: Prepared, settings: Mapping[str, Value]) -> Prepared:
    """Return a prepared study as if its file said ``settings``; raises ``BadInput`` naming the field that does not fit."""
    return prepared.told(changed(prepared.study, settings))


def changed(study: Study, settings: Mapping[str, Value]) -> Study:
    """Return the study as if its file said ``settings``.

    Raises
    ------
    BadInput : a name that is nothing to vary, or a value of the wrong type or out of its range; names the field.
    """
    for joined, value in settings.items():
        names = joined.split("/")
        values: list[Any] = [value] if len(names) == 1 else str(value).split("/")
        if len(values) != len(names):
            raise BadInput(f"{value!r} is {len(values)} values for {len(names)} names joined by /", field=joined)
        for name, one in zip(names, values, strict=True):
            study = _set(study, name, _number(one))
    return study


def current(study: Study, chosen: Mapping[str, Any], name: str) -> Value:
    """Return what the study itself has where ``settings`` would say ``name``.

    ``chosen`` are its strategy's parameters, defaults filled in, by stream in a portfolio (``Chosen.parameters``).
    """
    if "/" in name:
        return "/".join(str(current(study, chosen, one)) for one in name.split("/"))
    table, *path = name.split(".")
    found: Any
    if not path:
        found = chosen[name]
    elif table in _TABLES:
        found = getattr(getattr(study, table)[int(path[0])], path[1])
    else:
        stream, key, *rest = _of_stream(study, name)
        if key == "parameters":
            found = chosen[f"{stream}.{rest[0]}"]
        elif key == "capital":
            found = study.streams[stream].capital.get(rest[0], "its share")
        else:
            found = study.streams[stream].share_bps
    own: Value = _number(found)
    return own


def _number(value: Any) -> Any:
    """Return a whole number as one, however it was written: ``2000`` beside a ``/``, or in quotes in the study."""
    return int(value) if isinstance(value, str) and value.removeprefix("-").isdecimal() else value


def _set(study: Study, name: str, value: Value) -> Study:
    table, *path = name.split(".")
    if not path:
        return msgspec.structs.replace(study, parameters={**study.parameters, name: value})
    if table in _TABLES:
        return _set_row(study, name, value)
    if table != "streams":
        raise UnknownName("table", table, ["streams", *_TABLES], file=study.path or None, field=name)
    stream, key, *rest = _of_stream(study, name)
    spec = study.streams[stream]
    if key == "parameters":
        told: Any = {**spec.parameters, rest[0]: value}
    elif key == "capital":
        told = {**spec.capital, rest[0]: str(value)}
    else:
        told = value
    spec = checked(msgspec.structs.asdict(spec) | {key: told}, StreamSpec, study.path, f"streams.{stream}")
    return msgspec.structs.replace(study, streams={**study.streams, stream: spec})


def _of_stream(study: Study, name: str) -> list[str]:
    """Return stream, field and what is named in it, ``streams.NAME.width`` standing for that stream's parameter."""
    _, stream, *rest = name.split(".")
    if not study.streams:
        raise BadInput("the study has no streams; name the parameter alone", file=study.path or None, field=name)
    if stream not in study.streams:
        raise UnknownName("stream", stream, study.streams, file=study.path or None, field=name)
    if len(rest) == 1 and rest[0] not in StreamSpec.__struct_fields__:
        rest = ["parameters", rest[0]]
    if rest and rest[0] in _STREAM and len(rest) == (1 if rest[0] == "share_bps" else 2):
        return [stream, *rest]
    said = f"streams.{stream}.share_bps, streams.{stream}.capital.TOKEN or streams.{stream}.parameters.PARAMETER"
    raise BadInput(f"nothing to vary; name {said}", file=study.path or None, field=name)


def _set_row(study: Study, name: str, value: Value) -> Study:
    table, *path = name.split(".")
    kind, fields = _TABLES[table]
    rows: list[Any] = getattr(study, table)
    known = [f"{table}.{at}.{field}" for at in range(len(rows)) for field in fields]
    if name not in known:
        if not rows:
            raise BadInput(f"the study has no [[{table}]]", file=study.path or None, field=name)
        raise UnknownName("setting", name, known, file=study.path or None, field=name)
    at, field = int(path[0]), path[1]
    decimal = get_type_hints(kind)[field] is str
    row = msgspec.structs.asdict(rows[at]) | {field: str(value) if decimal else value}
    new = [*rows[:at], checked(row, kind, study.path, f"{table}.{at}"), *rows[at + 1 :]]
    return msgspec.structs.replace(study, **{table: new})
