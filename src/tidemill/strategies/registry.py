"""Strategies by name, and a user's own by file: made from checked parameters, with a digest for the result hash."""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput, UnknownName, nearest
from tidemill.interfaces import Strategy
from tidemill.wording import complaint, place

__all__ = ["Loaded", "describe", "find", "names", "table"]

_OURS = {
    "accumulate": ("accumulate", "Accumulate"),
    "batch_posting": ("batch_posting", "BatchPosting"),
    "batch_proving": ("batch_proving", "BatchProving"),
    "bridge_and_lend": ("bridge_and_lend", "BridgeAndLend"),
    "compound": ("compound", "Compound"),
    "delegate": ("delegate", "Delegate"),
    "collect_fees": ("collect_fees", "CollectFees"),
    "deposit_and_harvest": ("deposit_and_harvest", "DepositAndHarvest"),
    "exit_on_depeg": ("exit_on_depeg", "ExitOnDepeg"),
    "farm_compound": ("farm_compound", "FarmCompound"),
    "fill_orders": ("fill_orders", "FillOrders"),
    "fixed_range": ("fixed_range", "FixedRange"),
    "full_range": ("fixed_range", "FullRange"),
    "hedged_lp": ("hedged_lp", "HedgedLp"),
    "hold": ("hold", "Hold"),
    "hold_staked": ("hold_staked", "HoldStaked"),
    "income_splitter": ("income_splitter", "IncomeSplitter"),
    "lend": ("lend", "Lend"),
    "leveraged_staking": ("leveraged_staking", "LeveragedStaking"),
    "lending_ladder": ("lending_ladder", "LendingLadder"),
    "hold_lp": ("hold_lp", "HoldLp"),
    "lock_and_claim": ("lock_and_claim", "LockAndClaim"),
    "portfolio": ("portfolio", "Portfolio"),
    "network_hopper": ("network_hopper", "NetworkHopper"),
    "range_ladder": ("range_ladder", "RangeLadder"),
    "savings_plan": ("savings_plan", "SavingsPlan"),
    "treasury_split": ("treasury_split", "TreasurySplit"),
    "range_reset": ("range_reset", "RangeReset"),
    "volatility_range": ("volatility_range", "VolatilityRange"),
}


class Loaded(Struct, frozen=True):
    """A strategy's class, found but not made yet.

    ``digest`` is the SHA-256 of the file for a user's own code, and of the class's own source file for ours: it is part
    of the result hash.
    """

    name: str
    kind: type[Strategy[Any]]
    digest: str

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(getattr(self.kind, "__struct_fields__", ()))

    def make(
        self, parameters: Mapping[str, Any], given: Mapping[str, Any] | None = None, *, file: str | None = None
    ) -> Strategy[Any]:
        """Return the strategy with ``parameters`` checked against their types and ranges.

        Parameters
        ----------
        given : what the study knows (``venue``, ``home`` …): used where the strategy has such a field and the
            parameters do not say otherwise.
        file : named in errors.

        Raises
        ------
        BadInput : names the field, the value and what would be right.
        """
        for key in parameters:
            if key not in self.fields:
                raise BadInput(f"unknown key{nearest(key, self.fields)}", file=file, field=f"parameters.{key}")
        known = {key: value for key, value in (given or {}).items() if key in self.fields}
        try:
            made: Strategy[Any] = msgspec.convert(known | dict(parameters), self.kind)
        except BadInput as error:  # a strategy's own check of its parameters together
            at = f"parameters.{error.field}" if error.field else "parameters"
            raise BadInput(error.message, file=error.file or file, field=at) from None
        except msgspec.ValidationError as error:
            message, at = place(error)
            field = f"parameters.{at}" if at else "parameters"
            if isinstance(error.__cause__, BadInput):
                raise BadInput(str(error.__cause__), file=file, field="parameters") from None
            raise BadInput(complaint(message, parameters, at, self.kind), file=file, field=field) from None
        return made


def names() -> tuple[str, ...]:
    """Return the names of the strategies that come with tidemill."""
    return tuple(sorted(_OURS))


def find(spec: str, folder: Path, *, own_code: bool, file: str | None = None) -> Loaded:
    """Return the strategy called ``spec``, or the class that ``FILE.py:CLASS`` names (relative to ``folder``).

    Parameters
    ----------
    own_code : whether running a file of the user's is allowed; the study that names it is the opt-in, a server that
        reads studies of others passes ``False``.

    Raises
    ------
    UnknownName, BadInput : the name, file or class is not there, or is no strategy.
    """
    path, colon, cls = spec.rpartition(":")
    if colon and path.endswith(".py"):
        if not own_code:
            raise BadInput(
                f"{spec!r} would run code from a file, which is not allowed here", file=file, field="strategy"
            )
        return _from_file(spec, folder / path, cls, file)
    if spec not in _OURS:
        if spec.endswith(".py"):
            raise BadInput(f"{spec!r} names no class; write {spec}:ClassName", file=file, field="strategy")
        raise UnknownName("strategy", spec, _OURS, file=file, field="strategy")
    module, cls = _OURS[spec]
    loaded = import_module(f"tidemill.strategies.{module}")
    return Loaded(spec, getattr(loaded, cls), _digest(Path(loaded.__file__ or "").read_bytes()))


def _from_file(spec: str, path: Path, cls: str, file: str | None) -> Loaded:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})", file=file, field="strategy") from None
    digest = _digest(source)
    module = types.ModuleType(f"tidemill_user_{digest[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # msgspec resolves annotations through it
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the user's own file, by explicit opt-in
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise BadInput(f"{path} fails: {type(error).__name__}: {error}", file=file, field="strategy") from error
    kind = getattr(module, cls, None)
    if not isinstance(kind, type):
        classes = [name for name, value in vars(module).items() if isinstance(value, type) and hasattr(value, "decide")]
        raise BadInput(f"{path} has no class {cls!r}{nearest(cls, classes)}", file=file, field="strategy")
    _check(kind, spec, file)
    return Loaded(spec, kind, digest)


def _check(kind: type, spec: str, file: str | None) -> None:
    if not callable(getattr(kind, "decide", None)):
        raise BadInput(f"{spec} has no method decide(view, memo, news)", file=file, field="strategy")
    config = getattr(kind, "__struct_config__", None)
    if config is None or not config.frozen:
        raise BadInput(
            f"{spec} must be a msgspec.Struct with frozen=True: no attribute may change", file=file, field="strategy"
        )


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def describe(loaded: Loaded) -> list[tuple[str, str, str, str]]:
    """Return one row per parameter: name, default, range, meaning; docs and errors are made of these."""
    rows = []
    info: Any = msgspec.inspect.type_info(loaded.kind)
    for field in info.fields:
        required = field.required
        default = "required" if required else "none" if field.default is msgspec.NODEFAULT else _said(field.default)
        rows.append((field.name, default, _range(field.type), _meaning(field.type)))
    return rows


def _said(value: Any) -> str:
    """Write a default or a bound as a study file takes it, long numbers in groups; nothing is no word of TOML."""
    if value is None:
        return "not given"
    return f"{value:_}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _plain(kind: Any) -> Any:
    """Return the type beneath descriptions and ``| None``."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return next(_plain(t) for t in kind.types if not isinstance(t, msgspec.inspect.NoneType))
    return kind


def _range(kind: Any) -> str:
    kind = _plain(kind)
    if isinstance(kind, msgspec.inspect.LiteralType):
        return " or ".join(map(str, kind.values))
    low, high = getattr(kind, "ge", None), getattr(kind, "le", None)
    return f"{_said(low)} to {_said(high)}" if high is not None else f"{_said(low)} or more" if low is not None else ""


def _meaning(kind: Any) -> str:
    if isinstance(kind, msgspec.inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", ""))
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((text for t in kind.types if (text := _meaning(t))), "")
    return ""


def table(name: str) -> str:
    """Return the parameters of one of ours as a Markdown table."""
    rows = describe(find(name, Path(), own_code=False))
    lines = ["| parameter | default | range | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| `{a}` | {b} | {c} | {d} |" for a, b, c, d in rows)])
