"""From what was earned to what is kept: rows by their own formulas, checked against what really changed."""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

from tidemill.errors import InvariantBroken
from tidemill.ledger.books import Books
from tidemill.ledger.measures import Measures
from tidemill.ledger.rows import ROWS, Row

__all__ = ["Line", "Waterfall", "waterfall"]


class Line(Struct, frozen=True):
    """A computed row: ``value`` in micro-units rounded down, ``tokens`` in raw units by token id."""

    key: str
    label: str
    value: int
    tokens: dict[str, int]
    formula: str
    group: str


class Waterfall(Struct, frozen=True):
    """What a run earned, in micro-units of the home asset.

    ``keep`` is the change of the value of all holdings less ``brought`` (in from outside during the run, less what was
    taken out), ``unexplained`` is ``keep`` less all lines: it comes from rounding each line down once and is at most
    ``bound``, one unit for each line. ``capital`` is the most that was at work at any time, ``average`` what was over the
    time; both are the start value unless something was brought in or taken out.
    """

    start_value: int
    end_value: int
    keep: int
    lines: tuple[Line, ...]
    unexplained: int
    bound: int
    families: tuple[str, ...]
    brought: int = 0
    capital: int = 0
    average: int = 0

    def value(self, *groups: str) -> int:
        """Sum the lines of some groups."""
        return sum(line.value for line in self.lines if line.group in groups)

    def line(self, key: str) -> Line | None:
        """Return the line called ``key``, if it is there."""
        return next((line for line in self.lines if line.key == key), None)


def waterfall(books: Books) -> Waterfall:
    """Compute every row and prove that together they are the change, exactly.

    Raises
    ------
    InvariantBroken : the books do not balance, or rows and actual change differ, in value by any amount before
        rounding or in tokens by one raw unit: says which and by how much.
    """
    books.check()
    measures = Measures(books)
    families = tuple(sorted({c.treatment.family for state in books.states for c in state.claims.values()}))
    start, end, brought = measures.worth(0), measures.worth(-1), measures.brought()
    exact = Fraction(0)
    tokens: dict[str, int] = {}
    lines: list[Line] = []
    for row in ROWS:
        value, amounts = row.measure(measures)
        exact += value
        for token, amount in amounts.items():
            tokens[token] = tokens.get(token, 0) + amount
        belongs = not row.families or row.families & set(families)
        if value or amounts or (row.always and belongs):
            lines.append(Line(row.key, _label(row, families), _down(value), amounts, row.formula, row.group))
    change = end - start - brought.value
    if exact != change:
        raise InvariantBroken(f"the statement's rows explain {_down(exact)} micro-units of a change of {_down(change)}")
    _check_tokens(books, {t: tokens.get(t, 0) + brought.tokens.get(t, 0) for t in (*tokens, *brought.tokens)})
    keep = _down(end - brought.value) - _down(start)
    unexplained = keep - sum(line.value for line in lines)
    if abs(unexplained) > len(lines):
        raise InvariantBroken(
            f"{unexplained} micro-units are unexplained; rounding {len(lines)} lines explains as many"
        )
    return Waterfall(
        _down(start),
        _down(end),
        keep,
        tuple(lines),
        unexplained,
        len(lines),
        families,
        _down(brought.value),
        *map(_down, measures.capital()),
    )


def _check_tokens(books: Books, explained: dict[str, int]) -> None:
    first, last = books.states[0].valued(), books.states[-1].valued()
    for token in sorted(first.keys() | last.keys() | explained.keys()):
        change = last.get(token, 0) - first.get(token, 0)
        if change != explained.get(token, 0):
            raise InvariantBroken(
                f"the statement's rows explain {explained.get(token, 0)} {token} of a change of {change}"
            )


def _label(row: Row, families: tuple[str, ...]) -> str:
    return row.labels.get(families[0], row.label) if len(families) == 1 else row.label


def _down(value: Fraction) -> int:
    return value.numerator // value.denominator
