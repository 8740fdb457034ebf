"""The rule language: which Python a rule may use, and the kind of number of each expression.

A rule is branches, bounded loops and scalar arithmetic, so its types follow from its parameters.
One pass over the syntax tree finds them; `tidemill.units.weave` uses them to check ``+ - *`` on plain integers,
the lint reports the problems found. The compiled rule is made from the untouched source, and every rule is tested
on all its number types.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Analysis", "Kind", "Problem", "Signature", "analyse"]


class Kind(Enum):
    """Kind of number (or truth value) of an expression."""

    UINT = "Uint"
    INT = "Int"
    INDEX = "Index"
    BOOL = "bool"
    LITERAL = "literal"  # a small constant, which takes the kind of what it meets
    TEXT = "text"  # the reason of a revert
    NONE = "None"
    UNKNOWN = "unknown"  # already reported


@dataclass(frozen=True)
class Signature:
    """What a callable takes and gives; `result` holds one kind, or several for a tuple.

    `accepts` lists per parameter the kinds it takes.
    """

    accepts: tuple[frozenset[Kind], ...]
    result: tuple[Kind, ...]


@dataclass(frozen=True)
class Problem:
    """One departure from the rule language; `line` counts from the start of the parsed source."""

    line: int
    message: str


@dataclass
class Analysis:
    """Outcome of `analyse`: the kinds of the arithmetic nodes and the problems."""

    arithmetic: dict[int, Kind] = field(default_factory=dict)  # id(node) of + - * << and unary - -> kind
    problems: list[Problem] = field(default_factory=list)


Name = Signature | Kind | int | None
"""What a global name means to a rule: something to call, a constant's kind or value, or nothing allowed."""

_SPLIT = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_NUMBERS = (Kind.UINT, Kind.INT, Kind.INDEX, Kind.LITERAL)
_LONG = 1 << 63


def analyse(
    function: ast.FunctionDef,
    parameters: Sequence[Kind],
    result: Sequence[Kind],
    lookup: Callable[[str], Name],
) -> Analysis:
    """Find the kind of every arithmetic node of `function` and every departure from the rule language.

    Parameters
    ----------
    function : the syntax tree of the rule.
    parameters, result : declared kinds, in order.
    lookup : the meaning of a global name.
    """
    env = {arg.arg: kind for arg, kind in zip(function.args.args, parameters, strict=True)}
    while True:  # a literal-valued variable takes a kind from a later assignment: repeat until nothing changes
        before = dict(env)
        walk = _Walk(env, tuple(result), lookup)
        walk.body(function.body)
        if env == before:
            return walk.analysis


class _Walk:
    def __init__(self, env: dict[str, Kind], result: tuple[Kind, ...], lookup: Callable[[str], Name]) -> None:
        self.env, self.result, self.lookup = env, result, lookup
        self.analysis = Analysis()

    def problem(self, node: ast.AST, message: str) -> Kind:
        self.analysis.problems.append(Problem(getattr(node, "lineno", 0), message))
        return Kind.UNKNOWN

    # --- statements ---

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass() | ast.Break() | ast.Continue():
                pass
            case ast.Expr(value=ast.Call()):
                self.kinds(node.value)
            case ast.Assign(targets=[target]):
                self.assign(target, self.kinds(node.value))
            case ast.AugAssign(target=ast.Name(id=name)):
                left = self.env.get(name, Kind.UNKNOWN)
                self.assign(node.target, (self.arithmetic(node, node.op, left, self.kind(node.value), node.value),))
            case ast.If():
                self.truth(node.test)
                self.body(node.body)
                self.body(node.orelse)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range")) as call, orelse=[]):
                if call.keywords or not call.args:
                    self.problem(node, "range takes positional bounds")
                for bound in call.args:
                    self.expect(bound, Kind.INDEX, "a bound of range")
                self.env[name] = Kind.INDEX
                self.body(node.body)
            case ast.Return(value=value) if value is not None:
                self.returned(node, self.kinds(value))
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Revert"), args=[reason]), cause=None):
                self.expect(reason, Kind.TEXT, "the reason of a revert")
            case ast.While() | ast.For():
                self.problem(node, "only `for … in range(…)` loops: a rule is bounded")
                self.body(node.body)
            case ast.Assert():
                self.problem(node, "assert may be stripped: use require(condition, reason)")
            case _:
                self.problem(node, f"{type(node).__name__} is not in the rule language")

    def assign(self, target: ast.expr, kinds: tuple[Kind, ...]) -> None:
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        if len(names) != len(kinds):
            self.problem(target, f"{len(kinds)} values for {len(names)} names")
            return
        for name, kind in zip(names, kinds, strict=True):
            if not isinstance(name, ast.Name):
                self.problem(name, "assign to names only: no containers, no attributes")
                continue
            old = self.env.get(name.id, kind)
            if old is Kind.LITERAL or old is Kind.UNKNOWN:
                self.env[name.id] = kind
            elif kind in (old, Kind.UNKNOWN) or (kind is Kind.LITERAL and old in _NUMBERS):
                self.env[name.id] = old
            else:
                self.problem(name, f"{name.id} is {old.value} and is given {kind.value}")

    def returned(self, node: ast.stmt, kinds: tuple[Kind, ...]) -> None:
        if len(kinds) != len(self.result):
            self.problem(node, f"returns {len(kinds)} values, declares {len(self.result)}")
            return
        for kind, declared in zip(kinds, self.result, strict=True):
            if kind not in (declared, Kind.UNKNOWN) and not (kind is Kind.LITERAL and declared in _NUMBERS):
                self.problem(node, f"returns {kind.value}, declares {declared.value}")

    # --- expressions ---

    def kinds(self, node: ast.expr) -> tuple[Kind, ...]:
        """Kinds of an expression that may be a tuple."""
        if isinstance(node, ast.Tuple):
            return tuple(self.kind(element) for element in node.elts)
        if isinstance(node, ast.Call):
            return self.call(node)
        return (self.kind(node),)

    def kind(self, node: ast.expr) -> Kind:
        match node:
            case ast.Constant(value=bool()):
                return Kind.BOOL
            case ast.Constant(value=int(value)):
                return self.literal(node, value)
            case ast.Constant(value=str()):
                return Kind.TEXT
            case ast.Constant(value=float()):
                return self.problem(node, "no floats in a rule")
            case ast.Name(id=name):
                return self.env[name] if name in self.env else self.constant(node, name)
            case ast.BinOp():
                return self.arithmetic(node, node.op, self.kind(node.left), self.kind(node.right), node.right)
            case ast.UnaryOp(op=ast.Not()):
                return self.truth(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return self.negation(node)
            case ast.BoolOp():
                for part in node.values:
                    self.truth(part)
                return Kind.BOOL
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                self.truth(node.test)
                return self.merge(node, self.kind(node.body), self.kind(node.orelse))
            case ast.Call():
                kinds = self.call(node)
                return kinds[0] if len(kinds) == 1 else self.problem(node, "a tuple where one value is needed")
            case ast.Attribute():
                return self.problem(node, "no attribute access in a rule: import the name")
            case ast.Subscript() | ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.Tuple():
                return self.problem(node, "no containers in a rule: scalars only")
            case _:
                return self.problem(node, f"{type(node).__name__} is not in the rule language")

    def literal(self, node: ast.AST, value: int) -> Kind:
        if not -_LONG <= value < _LONG:
            return self.problem(node, f"{value} needs more than 64 bits: declare it with wide(…) beside the rule")
        return Kind.LITERAL

    def constant(self, node: ast.expr, name: str) -> Kind:
        meaning = self.lookup(name)
        if isinstance(meaning, Kind):
            return meaning
        if isinstance(meaning, int):
            return self.literal(node, meaning)
        return self.problem(node, f"{name} is not a scalar, constant or rule")

    def truth(self, node: ast.expr) -> Kind:
        kind = self.kind(node)
        if kind not in (Kind.BOOL, Kind.UNKNOWN):
            return self.problem(node, f"a condition must be bool, not {kind.value}: write the comparison")
        return Kind.BOOL

    def expect(self, node: ast.expr, wanted: Kind, what: str) -> None:
        kind = self.kind(node)
        if kind not in (wanted, Kind.UNKNOWN) and not (kind is Kind.LITERAL and wanted in _NUMBERS):
            self.problem(node, f"{what} must be {wanted.value}, not {kind.value}")

    def merge(self, node: ast.AST, left: Kind, right: Kind) -> Kind:
        """Kind of two operands that must agree."""
        if Kind.UNKNOWN in (left, right):
            return Kind.UNKNOWN
        if left is Kind.LITERAL and right in _NUMBERS:
            return right
        if left is right or (right is Kind.LITERAL and left in _NUMBERS):
            return left
        return self.problem(node, f"{left.value} meets {right.value}: convert with to_uint, to_int or to_index")

    def comparison(self, node: ast.Compare) -> Kind:
        left = self.kind(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                self.problem(node, f"{type(op).__name__} is not in the rule language")
            right = self.kind(right_node)
            self.merge(node, left, right)
            left = right
        return Kind.BOOL

    def negation(self, node: ast.UnaryOp) -> Kind:
        if isinstance(node.operand, ast.Constant):
            return self.kind(node.operand)
        kind = self.kind(node.operand)
        if kind is Kind.UINT:
            return self.problem(node, "minus on a Uint: wrapping_neg, or a signed Int")
        if kind not in (*_NUMBERS, Kind.UNKNOWN):
            return self.problem(node, f"minus on {kind.value}")
        self.analysis.arithmetic[id(node)] = kind
        return kind

    def arithmetic(self, node: ast.AST, op: ast.operator, left: Kind, right: Kind, right_node: ast.expr) -> Kind:
        for kind in (left, right):
            if kind not in (*_NUMBERS, Kind.UNKNOWN):
                return self.problem(node, f"arithmetic on {kind.value}")
        if isinstance(op, ast.LShift | ast.RShift):
            if right not in (Kind.INDEX, Kind.LITERAL, Kind.UNKNOWN):
                return self.problem(right_node, f"a shift is by an Index, not {right.value}")
            self.analysis.arithmetic[id(node)] = left
            return left
        kind = self.merge(node, left, right)
        if isinstance(op, ast.Add | ast.Sub | ast.Mult):
            self.analysis.arithmetic[id(node)] = kind
            return kind
        if isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor):
            return kind
        if isinstance(op, ast.FloorDiv | ast.Mod):
            if kind in (Kind.INDEX, Kind.LITERAL, Kind.UNKNOWN):
                return kind
            return self.problem(node, f"bare division of {kind.value}: div_down, div_up, mod, mul_div_… name it")
        if isinstance(op, ast.Div):
            return self.problem(node, "no float division in a rule")
        return self.problem(node, f"{type(op).__name__} is not in the rule language")

    def call(self, node: ast.Call) -> tuple[Kind, ...]:
        if not isinstance(node.func, ast.Name):
            return (self.problem(node, "call rules and helpers by name"),)
        meaning = None if node.func.id in self.env else self.lookup(node.func.id)
        if not isinstance(meaning, Signature):
            return (self.problem(node, f"{node.func.id} is neither a rule nor a helper of tidemill.units"),)
        if node.keywords:
            self.problem(node, "arguments of rules are positional")
        if len(node.args) != len(meaning.accepts):
            self.problem(node, f"{node.func.id} takes {len(meaning.accepts)} arguments, got {len(node.args)}")
        for argument, accepted in zip(node.args, meaning.accepts, strict=False):
            kind = self.kind(argument)
            literal_fits = kind is Kind.LITERAL and any(k in _NUMBERS for k in accepted)
            if kind not in accepted and kind is not Kind.UNKNOWN and not literal_fits:
                names = " or ".join(sorted(k.value for k in accepted))
                self.problem(argument, f"{node.func.id} takes {names} here, got {kind.value}")
        return meaning.result
