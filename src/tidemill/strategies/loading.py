"""Strategies by name, or from a file of one's own (``file.py:Class``), with their parameters checked."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput, UnknownName

__all__ = ["Loaded", "card", "load", "names"]

_OURS = {
    "compound": ("tidemill.strategies.liquidity", "Compound"),
    "deposit_and_harvest": ("tidemill.strategies.harvesting", "DepositAndHarvest"),
    "fixed_range": ("tidemill.strategies.liquidity", "FixedRange"),
    "full_range": ("tidemill.strategies.liquidity", "FullRange"),
    "hold": ("tidemill.strategies.liquidity", "Hold"),
    "range_reset": ("tidemill.strategies.liquidity", "RangeReset"),
}


class Loaded(Struct, frozen=True):
    """A strategy with its parameters; ``digest`` is the sha256 of the file that defines it."""

    name: str
    strategy: Any
    digest: str
    parameters: dict[str, Any]


def names() -> tuple[str, ...]:
    """Return the names of the ready-made strategies."""
    return tuple(sorted(_OURS))


def load(
    name: str, parameters: Mapping[str, Any], folder: Path | None = None, defaults: Mapping[str, Any] | None = None
) -> Loaded:
    """Load a strategy.

    Parameters
    ----------
    name : a ready-made one, or ``file.py:Class`` relative to ``folder``: that runs the file on this machine.
    parameters : checked against the class. defaults : used for fields that the class has and ``parameters`` lack.

    Raises
    ------
    UnknownName, BadInput : with the field under ``parameters`` that is wrong.
    """
    kind = _class(name, folder)
    fields = {f.name: f for f in msgspec.structs.fields(kind)} if issubclass(kind, Struct) else {}
    given = {k: v for k, v in (defaults or {}).items() if k in fields} | dict(parameters)
    for key in parameters:
        if fields and key not in fields:
            raise UnknownName("parameter", key, fields, field=f"parameters.{key}")
    try:
        strategy = msgspec.convert(given, kind) if fields else kind(**given)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        at = where.strip("`").removeprefix("$").removeprefix(".")
        here = f" (here: {given[at]!r})" if at in given else ""
        raise BadInput(f"{message}{here}", field=f"parameters.{at}".rstrip(".")) from None
    except TypeError as error:
        raise BadInput(f"{name}: {error}", field="parameters") from None
    if not callable(getattr(strategy, "decide", None)):
        raise BadInput(f"{name} has no method decide(view, memo, news)", field="strategy")
    shown = msgspec.structs.asdict(strategy) if isinstance(strategy, Struct) else dict(given)
    source = inspect.getsourcefile(kind)
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    return Loaded(name, strategy, digest, shown)


def card(name: str) -> str:
    """Return a strategy's description and parameters as Markdown, for the documentation."""
    kind = _class(name, None)
    lines = [f"## {name}", "", inspect.getdoc(kind) or "", "", "| parameter | default | meaning |", "|---|---|---|"]
    hints = kind.__annotations__ if not issubclass(kind, Struct) else {}
    del hints
    for info in msgspec.structs.fields(kind):
        default = "required" if info.required else repr(info.default)
        meta = [m for m in getattr(info.type, "__metadata__", ()) if isinstance(m, msgspec.Meta)]
        lines.append(f"| `{info.name}` | {default} | {meta[0].description if meta else ''} |")
    return "\n".join(lines) + "\n"


def _class(name: str, folder: Path | None) -> type[Any]:
    if ":" not in name:
        if name not in _OURS:
            raise UnknownName("strategy", name, names(), field="strategy")
        module, attribute = _OURS[name]
        found: type[Any] = getattr(import_module(module), attribute)
        return found
    file, _, attribute = name.rpartition(":")
    path = (folder or Path.cwd()) / file
    if not path.is_file():
        raise BadInput(f"no file {path}", field="strategy")
    spec = importlib.util.spec_from_file_location(
        f"tidemill_user_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}", path
    )
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} is not a Python file", field="strategy")
    module_ = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module_
    try:
        spec.loader.exec_module(module_)
    except Exception as error:  # noqa: BLE001 - whatever a user's file raises is told in one line
        raise BadInput(f"{path.name} does not load: {type(error).__name__}: {error}", field="strategy") from None
    mine = getattr(module_, attribute, None)
    if not isinstance(mine, type):
        classes = [n for n, v in vars(module_).items() if isinstance(v, type) and v.__module__ == spec.name]
        raise UnknownName("class", attribute, classes, field="strategy")
    return mine
