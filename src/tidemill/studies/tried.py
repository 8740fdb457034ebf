"""Finished variants noted one by one, so that an interrupted sweep goes on where it stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tidemill.errors import BadInput

__all__ = ["Tried"]


class Tried:
    """A file of lines: a key that names what was run, then one line for each variant played.

    ``resume`` keeps what is there if its key is the same; else the file begins anew. A line cut off by a crash is
    ignored and written again.
    """

    def __init__(self, file: Path, key: str, *, resume: bool) -> None:
        self.file = file
        self._known: dict[str, Any] = {}
        kept = _lines(file) if resume else []
        if kept and kept[0] != {"key": key}:
            kept = []
        for line in kept[1:]:
            self._known[_name(line["parameters"])] = line["answer"]
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = [{"key": key}, *kept[1:]]
            file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        except OSError as error:
            raise BadInput(f"cannot write to {file.parent}: {error.strerror or error}", field="out") from None

    def found(self, parameters: Mapping[str, Any]) -> Any | None:
        """Return what a variant left in an earlier run, ``None`` where it has not been played."""
        return self._known.get(_name(parameters))

    def add(self, parameters: Mapping[str, Any], answer: Any) -> None:
        """Note a finished variant."""
        with self.file.open("ab") as file:
            file.write(msgspec.json.encode({"parameters": dict(parameters), "answer": answer}) + b"\n")

    def drop(self) -> None:
        """Forget the notes: the result is whole."""
        with contextlib.suppress(FileNotFoundError):
            self.file.unlink()


def _name(parameters: Mapping[str, Any]) -> str:
    return msgspec.json.encode(dict(parameters), order="sorted").decode()


def _lines(file: Path) -> list[Any]:
    try:
        raw = file.read_bytes()
    except OSError:
        return []
    found = []
    for line in raw.splitlines():
        try:
            found.append(msgspec.json.decode(line))
        except msgspec.DecodeError:
            break
    return found
