"""The canonical content of a result, and its hash: same inputs, same hash, whatever the file looks like.

Keys are sorted, integers are written as decimals of any length, text is UTF-8 without escapes, nothing is indented.
There are no floats: what is drawn or read by eye only (``DISPLAY``) is left out, any other float is an error.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from tidemill.errors import InvariantBroken

__all__ = ["DISPLAY", "canonical", "result_hash"]

DISPLAY = frozenset({"price", "price_lower", "price_upper", "break_even_day"})
"""Fields of structs that hold floats for display; each follows from integers that are in the content."""

_OUTSIDE = frozenset({"result_hash", "tool_version"})
"""Not content: the hash itself, and which release wrote it."""


def canonical(content: Any) -> bytes:
    """Return the canonical bytes of a struct, mapping or sequence of integers, text, booleans and ``None``.

    Raises ``InvariantBroken``, naming the field, for a float outside ``DISPLAY`` or a key that is no text.

    >>> canonical({"b": 2**70, "a": [None, True, "µ"]}).decode()
    '{"a":[null,true,"µ"],"b":1180591620717411303424}'
    """
    plain = _plain(content, "")
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def result_hash(document: Any) -> str:
    """Return the SHA-256 of the canonical content, as hexadecimal text."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = (name for name in value.__struct_fields__ if name not in DISPLAY and name not in _OUTSIDE)
        value = {name: getattr(value, name) for name in fields}
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvariantBroken(f"result content: key {key!r} of {where or 'the top'} is no text")
        return {key: _plain(inner, f"{where}.{key}".lstrip(".")) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{where}[{place}]") for place, inner in enumerate(value)]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise InvariantBroken(f"result content: {where} is a {type(value).__name__}; only integers and text are hashed")
