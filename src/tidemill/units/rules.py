"""`rule`: a pure function written once, run on ``int``, on a checked ``int`` and on 256-bit machine integers.

A rule has four faces, tested equal by `tidemill.units.testing.assert_rule_equal_on_three_types`:

* ``f(…)`` on plain integers, with ``+ - * <<`` checked as the contract checks them: what models call;
* ``f.specification(…)``: the function exactly as written, on unbounded integers;
* ``f.checked(…)``: the same function on `CheckedUint` and `CheckedInt`, which raise at each end;
* ``tidemill.units.jit.compile_rule(f)``: machine code; inside a kernel simply ``f(…)``.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from tidemill.errors import RuleError
from tidemill.units import integers
from tidemill.units.checked import checked_helper, checked_value, plain_value
from tidemill.units.language import Analysis, Kind, Name, Problem, Signature, analyse
from tidemill.units.quantities import Wide
from tidemill.units.weave import HELPERS, weave

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["Rule", "is_helper", "rule"]

P = ParamSpec("P")
R = TypeVar("R")

_ANNOTATED = {"Uint": Kind.UINT, "Int": Kind.INT, "Index": Kind.INDEX, "bool": Kind.BOOL, "str": Kind.TEXT}


@overload
def rule(function: Callable[P, R], /) -> Rule[P, R]: ...
@overload
def rule(*, inlined: bool) -> Callable[[Callable[P, R]], Rule[P, R]]: ...


def rule(function: Any = None, /, *, inlined: bool = False) -> Any:
    """Mark a pure function as a rule.

    Parameters are annotated `Uint`, `Int`, `Index` or ``bool``, the result likewise or as a tuple of them.
    What a rule may use is checked when it is first called, and by ``make lint``.
    With ``inlined`` its machine code stands wherever it is called, which then knows how large its operands can be: for a
    short one in hot places.
    """
    return Rule(function, inlined=inlined) if function is not None else lambda given: Rule(given, inlined=inlined)


class Rule(Generic[P, R]):
    """A function of the rule language; see the module's page for its four faces.

    Attributes
    ----------
    specification : the function as written, on unbounded ``int``.
    inlined : whether its machine code stands wherever it is called.
    """

    def __init__(self, function: Callable[P, R], *, inlined: bool = False) -> None:
        update_wrapper(self, function)
        self.specification, self.inlined = function, inlined
        self._run: Callable[P, R] = self._first_run

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run on plain integers, ``+ - * <<`` checked."""
        return self._run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<rule {self.specification.__module__}.{self.specification.__qualname__}>"

    def checked(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function as written on `CheckedUint` and `CheckedInt`; results are plain again."""
        kinds = self.signature[0]
        values = [checked_value(value, kind) for value, kind in zip(args, kinds, strict=True)]
        result: R = plain_value(self._on_checked(*values, **kwargs))
        return result

    @cached_property
    def signature(self) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
        """Kinds of the parameters and of the results, from the annotations.

        Raises
        ------
        RuleError : an annotation is missing or unknown.
        """
        tree = self.tree
        parameters = tuple(self._annotation(arg, arg.annotation) for arg in tree.args.args)
        if len(parameters) != self.specification.__code__.co_argcount or tree.args.vararg or tree.args.kwonlyargs:
            raise self.error(Problem(tree.lineno, "parameters are plain positional ones"))
        returns = tree.returns
        if isinstance(returns, ast.Subscript) and isinstance(returns.slice, ast.Tuple):
            return parameters, tuple(self._annotation(tree, part) for part in returns.slice.elts)
        return parameters, (self._annotation(tree, returns),)

    @property
    def tree(self) -> ast.FunctionDef:
        """A fresh syntax tree of the rule, its line numbers those of the file."""
        source = textwrap.dedent(inspect.getsource(self.specification))
        node = ast.parse(source).body[0]
        assert isinstance(node, ast.FunctionDef)
        return ast.increment_lineno(node, self.specification.__code__.co_firstlineno - 1)

    def analysis(self, tree: ast.FunctionDef | None = None) -> Analysis:
        """Kinds and problems of the rule's expressions."""
        parameters, result = self.signature
        return analyse(tree or self.tree, parameters, result, self._lookup)

    def problems(self) -> list[Problem]:
        """Departures from the rule language; empty for a good rule."""
        return self.analysis().problems

    def error(self, problem: Problem) -> RuleError:
        """A problem as an error that names file, line and rule."""
        file = self.specification.__code__.co_filename
        return RuleError(f"{file}:{problem.line}: rule {self.specification.__name__}: {problem.message}")

    def _first_run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        tree = self.tree
        analysis = self.analysis(tree)
        for problem in analysis.problems:
            raise self.error(problem)
        code = self.specification.__code__
        module = ast.Module([weave(tree, analysis)], [])
        scope: dict[str, Any] = {}
        globals_ = self.specification.__globals__
        globals_.update(HELPERS)
        exec(compile(module, code.co_filename, "exec", dont_inherit=True), globals_, scope)  # noqa: S102
        self._run = scope[code.co_name]
        return self._run(*args, **kwargs)

    @cached_property
    def _on_checked(self) -> Callable[..., Any]:
        """The function with its helpers, constants and rules replaced by those of the checked types."""
        given = self.specification.__globals__
        scope = {"__builtins__": given["__builtins__"]}
        for name in self.specification.__code__.co_names:
            value = given.get(name)
            if isinstance(value, Rule):
                scope[name] = value._on_checked  # noqa: SLF001
            elif isinstance(value, Wide):
                scope[name] = checked_value(value, Kind.UINT)
            elif is_helper(value):
                scope[name] = checked_helper(value, helper_signature(value).result[0])
            elif name in given:
                scope[name] = value
        return FunctionType(self.specification.__code__, scope)

    def _lookup(self, name: str) -> Name:
        value = self.specification.__globals__.get(name)
        if isinstance(value, Rule):
            parameters, result = value.signature
            return Signature(tuple(frozenset({kind}) for kind in parameters), result)
        if is_helper(value):
            return helper_signature(value)
        if isinstance(value, Wide):
            return Kind.UINT
        if isinstance(value, bool):
            return Kind.BOOL
        if isinstance(value, int):
            return value
        return Kind.TEXT if isinstance(value, str) else None

    def _annotation(self, node: ast.AST, annotation: ast.expr | None) -> Kind:
        name = ast.unparse(annotation) if annotation is not None else "nothing"
        if name not in _ANNOTATED:
            message = f"annotate with Uint, Int, Index or bool, not {name}"
            raise self.error(Problem(getattr(node, "lineno", 0), message))
        return _ANNOTATED[name]


def is_helper(value: object) -> TypeIs[Callable[..., Any]]:
    """Whether `value` is one of the helpers of `tidemill.units.integers`."""
    return inspect.isfunction(value) and getattr(integers, value.__name__, None) is value


def helper_signature(helper: Callable[..., Any]) -> Signature:
    """Kinds a helper takes and gives, from its annotations."""
    notes = [str(note) for note in helper.__annotations__.values()]
    accepts = tuple(frozenset(_ANNOTATED[part.strip()] for part in note.split("|")) for note in notes[:-1])
    return Signature(accepts, (_ANNOTATED.get(notes[-1], Kind.NONE),))
