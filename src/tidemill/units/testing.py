"""Test a rule on its number types at once: plain checked ``int``, `CheckedUint`/`CheckedInt`, machine code.

Compiled rules run in a loop over arrays, so that a hundred thousand operands cost milliseconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tidemill.errors import Revert
from tidemill.units.language import Kind
from tidemill.units.rules import Rule

__all__ = [
    "EDGES",
    "assert_rule_equal_on_three_types",
    "outcome",
    "random_index",
    "random_int",
    "random_uint",
    "run_compiled",
]

EDGES = tuple(
    sorted(
        {0, 1, 2, 3}
        | {(1 << bits) + by for bits in (63, 64, 96, 127, 128, 160, 192, 255) for by in (-1, 0, 1)}
        | {(1 << 256) - 2, (1 << 256) - 1}
    )
)
"""Unsigned operands where limbs, signs and ranges end."""

_REASONS_COMPARED = 200  # a compiled revert is asked for its reason one by one


def random_uint(rng: random.Random) -> int:
    """An unsigned operand of random length, every length alike."""
    return rng.getrandbits(rng.randint(1, 256))


def random_int(rng: random.Random) -> int:
    """A signed operand of random length."""
    value = rng.getrandbits(rng.randint(1, 255))
    return value if rng.getrandbits(1) else -value - 1


def random_index(rng: random.Random) -> int:
    """A machine index of random length and sign, away from the ends."""
    value = rng.getrandbits(rng.randint(1, 40))
    return value if rng.getrandbits(1) else -value


def outcome(function: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """What `function` gives: its value, or the reason of its revert as ``("revert", reason)``."""
    try:
        return function(*operands)
    except Revert as revert:
        return ("revert", revert.reason)


def assert_rule_equal_on_three_types(
    rule: Rule[..., Any], operands: Iterable[Sequence[Any]], *, checked: int = 20_000
) -> int:
    """Assert that a rule gives equal values, or reverts for equal reasons, on all its number types.

    Where nothing reverts, the function as written (``rule.specification``) must agree as well.

    Parameters
    ----------
    operands : rows of arguments, each within its annotated range.
    checked : at most this many rows also run on the (slow) checked type.

    Returns
    -------
    int : how many rows reverted, for the test to bound.

    Raises
    ------
    AssertionError : names the first row that differs.
    """
    from tidemill.units.jit import compile_rule  # noqa: PLC0415 - numba only where it is needed

    rows = [tuple(row) for row in operands]
    expected = [outcome(rule, row) for row in rows]
    reverted = [isinstance(value, tuple) and value[:1] == ("revert",) for value in expected]
    for k, row in enumerate(rows):
        if k < checked:
            _same(rule, "checked int", row, expected[k], outcome(rule.checked, row))
        if not reverted[k]:
            _same(rule, "specification", row, expected[k], rule.specification(*row))
    for k, value in enumerate(run_compiled(rule, *rule.signature, rows)):
        if value is None and reverted[k]:
            continue
        _same(rule, "compiled", rows[k], expected[k], value)
    compiled = compile_rule(rule)
    for k in [k for k in range(len(rows)) if reverted[k]][:_REASONS_COMPARED]:
        _same(rule, "compiled revert", rows[k], expected[k], outcome(compiled, rows[k]))
    return sum(reverted)


def _same(rule: Rule[..., Any], where: str, row: tuple[Any, ...], expected: Any, got: Any) -> None:
    assert got == expected, f"{rule.specification.__name__}{row} on {where}: {got}, expected {expected}"


def run_compiled(
    function: Any, parameters: Sequence[Kind], results: Sequence[Kind], rows: Sequence[Sequence[Any]]
) -> list[Any]:
    """Run a rule (or any njit function of wide integers) over rows of operands in one compiled loop.

    Returns
    -------
    list : a value or tuple per row, ``None`` where it reverted.
    """
    import numpy as np  # noqa: PLC0415

    from tidemill.units.jit import pack, unpack  # noqa: PLC0415

    loop = _loop(function, tuple(parameters), tuple(results))
    columns = []
    for kind, column in zip(parameters, zip(*rows, strict=True), strict=True):
        columns.append(pack(column) if kind in (Kind.UINT, Kind.INT) else np.array(column, dtype=np.int64))
    outputs = [np.zeros((len(rows), 4 if k in (Kind.UINT, Kind.INT) else 1), np.uint64) for k in results]
    reverted = np.zeros(len(rows), dtype=np.uint8)
    loop(*columns, *outputs, reverted)
    values = [unpack(out, signed=kind is not Kind.UINT) for out, kind in zip(outputs, results, strict=True)]
    joined: list[Any] = list(values[0]) if len(values) == 1 else list(zip(*values, strict=True))
    return [None if gone else value for gone, value in zip(reverted, joined, strict=True)]


def _loop(function: Any, parameters: tuple[Kind, ...], results: tuple[Kind, ...]) -> Any:
    """Write and compile the loop over rows; numba knows no way to pass a varying number of columns."""
    from numba import njit  # noqa: PLC0415

    from tidemill.units.jit import load256, store256  # noqa: PLC0415
    from tidemill.units.jit.raw import as_signed, as_unsigned  # noqa: PLC0415

    load = {
        Kind.UINT: "load256(c{0}, i)",
        Kind.INT: "as_signed(load256(c{0}, i))",
        Kind.INDEX: "c{0}[i]",
        Kind.BOOL: "c{0}[i] != 0",
    }
    store = {
        Kind.UINT: "store256(r{0}, i, x{0})",
        Kind.INT: "store256(r{0}, i, as_unsigned(x{0}))",
        Kind.INDEX: "r{0}[i, 0] = x{0}",
        Kind.BOOL: "r{0}[i, 0] = x{0}",
    }
    takes = [f"c{k}" for k in range(len(parameters))] + [f"r{k}" for k in range(len(results))]
    gives = ", ".join(f"x{k}" for k in range(len(results)))
    arguments = ", ".join(load[kind].format(k) for k, kind in enumerate(parameters))
    lines = [
        f"def loop({', '.join(takes)}, reverted):",
        "    for i in range(reverted.shape[0]):",
        "        try:",
        f"            {gives} = function({arguments})",
        *(f"            {store[kind].format(k)}" for k, kind in enumerate(results)),
        "        except Exception:",
        "            reverted[i] = 1",
    ]
    scope = {
        "function": function,
        "load256": load256,
        "store256": store256,
        "as_signed": as_signed,
        "as_unsigned": as_unsigned,
    }
    exec("\n".join(lines), scope)  # noqa: S102 - our own text, above
    return njit(scope["loop"])
