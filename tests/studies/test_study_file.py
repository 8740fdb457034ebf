"""Every field of a study file refuses what it should, in one line that names file, field and fix.

The table of cases is generated from the types themselves: a new field without cases here fails the last test.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.errors import BadInput
from tidemill.studies.study import (
    ContributionSpec,
    Fees,
    PoolSpec,
    RatesSpec,
    Rehearsal,
    StreamSpec,
    Study,
    TransferSpec,
    VenueSpec,
    WorldSpec,
    load_study,
    parse_study,
)

GOOD: dict[str, Any] = {
    "title": "A range",
    "network": "op-mainnet",
    "capital": {"USDC": "10000", "ETH": "0.05"},
    "venues": {"pool": {"kind": "uniswap_v3"}},
    "strategy": "range_reset",
}
POOL: dict[str, Any] = {
    "address": "0x" + "05" * 20,
    "token0": "USDC",
    "token1": "WETH",
    "decimals0": 6,
    "decimals1": 18,
    "fee": 500,
    "tick_spacing": 10,
}
TABLES = {
    "": Study,
    "venues.pool": VenueSpec,
    "streams.lp": StreamSpec,
    "transfers.0": TransferSpec,
    "contributions.0": ContributionSpec,
    "venues.pool.pool": PoolSpec,
    "venues.pool.rates": RatesSpec,
    "fees.op-mainnet": Fees,
    "world": WorldSpec,
    "rehearse": Rehearsal,
}
INTERNAL = {"path", "digest"}


def fields() -> list[tuple[str, msgspec.structs.FieldInfo]]:
    return [
        (f"{table}.{info.name}".strip("."), info)
        for table, struct in TABLES.items()
        for info in msgspec.structs.fields(struct)
        if info.name not in INTERNAL
    ]


def to_toml(data: dict[str, Any]) -> str:
    def value(item: Any) -> str:
        if isinstance(item, bool):
            return str(item).lower()
        if isinstance(item, dt.datetime | dt.date):
            return item.isoformat()
        if isinstance(item, dict):
            return "{" + ", ".join(f'"{key}" = {value(inner)}' for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(value(inner) for inner in item) + "]"
        return msgspec.json.encode(item).decode() if isinstance(item, str) else repr(item)

    return "".join(f"{key} = {value(item)}\n" for key, item in data.items())


def with_value(path: str, item: Any) -> str:
    data = msgspec.to_builtins(GOOD)
    if path.startswith("venues.pool.pool."):
        data["venues"]["pool"]["pool"] = dict(POOL)
    table, zeroth, key = path.partition(".0.")
    if zeroth:
        data[table] = [{key: item}]
        return to_toml(data)
    inner = data
    *parents, last = path.split(".")
    for part in parents:
        inner = inner.setdefault(part, {})
    inner[last] = item
    return to_toml(data)


def wrong_values(kind: Any) -> list[Any]:
    """Values that a field of this type must refuse: a wrong type, and each bound passed."""
    if get_origin(kind) is Annotated:
        base, *notes = get_args(kind)
        wrong = wrong_values(base)
        for note in notes:
            if getattr(note, "ge", None) is not None:
                wrong.append(note.ge - 1)
            if getattr(note, "le", None) is not None:
                wrong.append(note.le + 1)
            if getattr(note, "pattern", None):
                wrong += ["", "-1", "1e3", "x y", "½"]
            if getattr(note, "max_length", None) and base is str:
                wrong.append("x" * (note.max_length + 1))
            if getattr(note, "min_length", None):
                wrong.append("" if base is str else {})
        return wrong
    origin = get_origin(kind)
    if origin is Literal:
        return ["tiny", 3, True]
    if origin is dict:
        return [3, "text", [1], *([{"a b": "1"}] if get_args(kind)[0] is not str else [])]
    if origin is list:
        return [3, "text", {"a": 1}]
    if kind is str:
        return [3, 1.5, True, ["a"], {"a": 1}]
    if kind is int:
        return ["3", 1.5, True, [3]]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [3, "text", [1]]
    if dt.datetime in get_args(kind):
        return ["yesterday", 3, dt.date(2024, 1, 5), dt.datetime(2024, 1, 5)]  # noqa: DTZ001 - naive on purpose
    wrong = [item for option in get_args(kind) if option is not type(None) for item in wrong_values(option)]
    return wrong or [3.5]


def test_the_tables_are_all_there():
    """A new struct in the study file must be in TABLES."""

    def inside(kind: Any) -> list[Any]:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return [kind]
        return [struct for inner in getattr(kind, "__args__", ()) for struct in inside(inner)]

    found, todo = set(), [Study]
    while todo:
        struct = todo.pop()
        found.add(struct)
        todo += [new for f in msgspec.structs.fields(struct) for new in inside(f.type) if new not in found]
    assert found == set(TABLES.values())


ENTRIES = [
    ("tokens", {"USDC": -1}, ">= 0"),
    ("tokens", {"USDC": 37}, "<= 36"),
    ("tokens", {"USDC": "6"}, "whole number"),
    ("tokens", {"USDC": 1.5}, "whole number"),
    ("tokens", {"US DC": 6}, "short name"),
    ("prices", {"ETH": 3000}, "text in quotes"),
    ("prices", {"ETH": "3e3"}, "decimal number in quotes"),
    ("prices", {"ETH": "-1"}, "decimal number in quotes"),
    ("prices", {"ETH": "."}, "decimal number in quotes"),
    ("prices", {"1ETH": "1"}, "short name"),
    ("capital", {"USDC": 1000}, "text in quotes"),
    ("capital", {"USDC": "1_000"}, "decimal number in quotes"),
    ("capital", {"": "1"}, "short name"),
    ("venues", {"my pool": {"kind": "uniswap_v3"}}, "short name"),
    ("venues", {"pool": {"kind": "uniswap_v3", "params": {"a": 1.5}}}, "params"),
    ("venues", {"pool": {"kind": "uniswap_v3", "params": {"a": []}}}, "params"),
]


@pytest.mark.parametrize(("table", "entries", "says"), ENTRIES, ids=str)
def test_a_wrong_entry_of_a_table_is_named(table: str, entries: dict[str, Any], says: str):
    with pytest.raises(BadInput, match=says) as caught:
        parse_study(with_value(table, entries), "my.toml")
    line = str(caught.value)
    assert line.startswith(f"my.toml: {table}")
    assert "\n" not in line


CASES = [(path, item) for path, info in fields() for item in wrong_values(info.type)]


def test_the_good_study_is_good():
    study = parse_study(to_toml(GOOD))
    assert study.capital == {"USDC": "10000", "ETH": "0.05"}
    assert study.venues["pool"].mode == "diluted"
    assert study.exit == "close"


@pytest.mark.parametrize(("path", "item"), CASES, ids=lambda case: str(case)[:40])
def test_a_wrong_value_is_one_line_naming_file_and_field(path: str, item: Any):
    with pytest.raises(BadInput) as caught:
        parse_study(with_value(path, item), "my.toml")
    line = str(caught.value)
    assert line.startswith("my.toml: ")
    assert "\n" not in line
    assert path.split(".", maxsplit=1)[0] in line
    assert "$" not in line


@pytest.mark.parametrize("path", [path for path, _ in fields()])
def test_a_misspelt_key_names_the_nearest(path: str):
    *parents, last = path.split(".")
    text = with_value(".".join([*parents, last + "x"]), "1")
    with pytest.raises(BadInput, match=f"unknown key; did you mean '{last}'"):
        parse_study(text, "my.toml")


@pytest.mark.parametrize("key", ["title", "network", "capital", "venues", "strategy"])
def test_a_missing_key_is_named(key: str):
    with pytest.raises(BadInput, match=f"missing key `{key}`"):
        parse_study(to_toml({k: v for k, v in GOOD.items() if k != key}), "my.toml")


def test_dates_in_the_wrong_order_are_refused():
    text = "start = 2024-01-06T00:00:00Z\nend = 2024-01-05T00:00:00Z\n" + to_toml(GOOD)
    with pytest.raises(BadInput, match="end .* is not after start"):
        parse_study(text)


@pytest.mark.parametrize("key", sorted(INTERNAL))
def test_internal_fields_cannot_be_set(key: str):
    with pytest.raises(BadInput, match="unknown key"):
        parse_study(f'{key} = "x"\n' + to_toml(GOOD))


def test_files_that_are_not_studies(tmp_path: Path):
    with pytest.raises(BadInput, match="no such file"):
        load_study(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="cannot be read"):
        load_study(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_study(binary)
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 1_000_001)
    with pytest.raises(BadInput, match="larger than"):
        load_study(huge)


def test_the_digest_is_of_the_bytes(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_text(to_toml(GOOD))
    first = load_study(file).digest
    file.write_text("# a comment\n" + to_toml(GOOD))
    assert load_study(file).digest != first
    assert len(first) == 64


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_study_or_one_clear_line(text: str):
    try:
        parse_study(text, "fuzz.toml")
    except BadInput as error:
        assert str(error).startswith("fuzz.toml: ")  # noqa: PT017 - the other outcome is a study


SCALARS = st.one_of(st.integers(), st.text(max_size=8), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([path for path, _ in fields()]), NESTED)
def test_any_value_at_any_field_is_accepted_or_one_clear_line(path: str, item: Any):
    try:
        text = with_value(path, item)
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, TypeError, msgspec.EncodeError, AttributeError, UnicodeEncodeError):
        return
    try:
        parse_study(text, "fuzz.toml")
    except BadInput as error:
        assert str(error).startswith("fuzz.toml: ")  # noqa: PT017 - the other outcome is a study


def test_every_field_has_cases():
    covered = {path for path, _ in CASES}
    assert covered == {path for path, _ in fields()}
    assert len(CASES) > 100
