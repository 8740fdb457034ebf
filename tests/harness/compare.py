"""Comparison with differences that can be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Return one line per leaf that differs: where, both values and their distance. Empty means equal.

    Mappings are compared by key (an absent key is a difference), sequences by place, structs and dataclasses by field.
    ``True`` and ``1`` differ.
    """
    expected, actual = _open(expected), _open(actual)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        out = []
        for key in [*expected, *(k for k in actual if k not in expected)]:
            where = f"{path}.{key}" if path else str(key)
            if key not in expected:
                out.append(f"{where}: expected nothing, got {actual[key]!r}")
            elif key not in actual:
                out.append(f"{where}: expected {expected[key]!r}, got nothing")
            else:
                out += differences(expected[key], actual[key], where)
        return out
    if _listed(expected) and _listed(actual):
        out = [
            line
            for i, (e, a) in enumerate(zip(expected, actual, strict=False))
            for line in differences(e, a, f"{path}[{i}]")
        ]
        if len(expected) != len(actual):
            out.append(f"{path}: expected {len(expected)} items, got {len(actual)}")
        return out
    if type(expected) is type(actual) and expected == actual:
        return []
    if isinstance(expected, int) and type(expected) is type(actual):
        return [f"{path}: expected {expected}, got {actual} ({actual - expected:+d})"]
    return [f"{path}: expected {expected!r}, got {actual!r}"]


def assert_same(expected: Any, actual: Any, context: str = "") -> None:
    """Fail with every difference listed; ``context`` says what was being done."""
    if expected == actual and type(expected) is type(actual):
        # The common case, at the speed of C. (1 == True inside would pass here, so states hold no mixed types.)
        return
    if lines := differences(expected, actual):
        raise AssertionError("\n".join([context or "the twins differ", *(f"  {line}" for line in lines)]))


def _open(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
