"""Rules as machine code.

Inside an ``@njit`` function a rule is called by its own name, machine integers being promoted at the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.extending import typeof_impl

from tidemill.units.checked import plain_value
from tidemill.units.jit import helpers as _helpers  # noqa: F401 - gives the helpers their compiled bodies
from tidemill.units.jit.types import I256, U256, SignedWide
from tidemill.units.language import Kind
from tidemill.units.quantities import wide
from tidemill.units.rules import Rule

__all__ = ["compile_rule", "jit"]

_TYPES = {Kind.UINT: U256, Kind.INT: I256, Kind.INDEX: types.int64, Kind.BOOL: types.boolean}
_WRAP: dict[Kind, Callable[[Any], Any]] = {Kind.UINT: wide, Kind.INT: SignedWide, Kind.INDEX: int, Kind.BOOL: bool}
_compiled: dict[Rule[..., Any], Any] = {}


def jit(rule: Rule[..., Any]) -> Any:
    """Return the compiled rule as a numba function, for use inside kernels.

    Raises
    ------
    RuleError : the rule leaves the rule language.
    """
    if rule not in _compiled:
        for problem in rule.problems():
            raise rule.error(problem)
        parameters, result = rule.signature
        returns = _TYPES[result[0]] if len(result) == 1 else types.Tuple([_TYPES[kind] for kind in result])
        signature = returns(*(_TYPES[kind] for kind in parameters))
        _compiled[rule] = njit([signature], forceinline=rule.inlined)(rule.specification)
    return _compiled[rule]


def compile_rule(rule: Rule[..., Any]) -> Callable[..., Any]:
    """Return the compiled rule as a Python function of plain integers (tests; slow per call, exact like any other).

    Raises
    ------
    RuleError : the rule leaves the rule language.
    ValueError : calling it with an argument outside its type.
    """
    function = jit(rule)
    wraps = [_WRAP[kind] for kind in rule.signature[0]]

    def run(*args: Any) -> Any:
        return plain_value(function(*(wrap(arg) for wrap, arg in zip(wraps, args, strict=True))))

    return run


@typeof_impl.register(Rule)
def _typeof_rule(rule: Rule[..., Any], _context: Any) -> types.Dispatcher:
    return types.Dispatcher(jit(rule))
