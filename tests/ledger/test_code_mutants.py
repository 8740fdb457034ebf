"""One-token faults planted in the ledger's own source: its checks, or the statement's numbers, tell each.

A fault counts as caught by the ledger itself when a check raises; the few that only shift value between rows must at
least change the statement that other tests pin (closed forms, worked by hand).
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tidemill.ledger
from ledger.tiny import Tiny
from tidemill.errors import InvariantBroken

CHAIN = ["families", "prices", "timeline", "holdings", "books", "posting", "measures", "rows", "waterfall"]

RAISES: list[tuple[str, str, str]] = [
    ("posting", "Posting(WALLET, native, -costs.total)", "Posting(WALLET, native, costs.total)"),
    ("posting", "wallet.get(native, 0) - costs.total", "wallet.get(native, 0) + costs.total"),
    ("posting", '"l1": costs.l1_data, ', ""),
    ("posting", "wallet.get(token, 0) + amount", "wallet.get(token, 0) - amount"),
    ("posting", "paid.get(token, 0) - amount", "paid.get(token, 0) + amount"),
    ("posting", "Posting(WALLET, token, amount), ", ""),
    ("posting", 'Posting(f"transit:{v}", t, -n)', 'Posting(f"transit:{v}", t, n)'),
    ("posting", "if transfer.target == _ME", "if transfer.source == _ME"),
    ("posting", "self._drift(claim, _minus(pair.grown(), fees), mark)", "[]"),
    ("posting", "fees), mark) + self._income(pair, mark)", "fees), mark)"),
    ("posting", "if amount < 0 and not", "if amount > 0 and not"),
    ("posting", "if abs(amount) <= allowed", "if abs(amount) < 0"),
    ("posting", 'f"rounding:{venue}", token, -amount', 'f"rounding:{venue}", token, amount'),
    ("posting", "basis[token] -= amount", "basis[token] += amount"),
    ("posting", "basis[token] = basis.get(token, 0) + amount", "basis[token] = basis.get(token, 0) - amount"),
    ("posting", "{t: -n for t, n in principal.items()}", "{t: n for t, n in principal.items()}"),
    ("posting", "elif principal:\n            self._lot", "elif not principal:\n            self._lot"),
    ("posting", "n if after == 0 else n * (before - after) // before", "n * (before - after) // (before + 1)"),
    ("posting", "withdrawn=claim.principal, final=True", "withdrawn=self.basis[claim.id], final=True"),
    ("posting", 'self._enter(mark.seq, mark.time, "mark", claim.id, postings, interval.number + 1)',
     'self._enter(mark.seq, mark.time, "mark", claim.id, postings, interval.number)'),
    ("posting", "step.verb, postings, interval.number, step", "step.verb, postings, interval.number + 1, step"),
    ("holdings", "if (position.venue, position.kind) not in receipts", "if True"),
    ("holdings", "if token not in self.receipts", "if True"),
    ("measures", "total.add(-amount, _price(self.books.marks[entry.mark], token))",
     "total.add(amount, _price(self.books.marks[entry.mark], token))"),
    ("measures", "lot.withdrawn.get(token, 0) - lot.released.get(token, 0)", "lot.withdrawn.get(token, 0)"),
    ("measures", "held.get(token, 0) - first.get(token, 0)", "held.get(token, 0)"),
    ("measures", "add_move(changed, _price(marks[number], token)", "add_move(changed, _price(marks[0], token)"),
    ("measures", "add_move(amount, _price(marks[number], token)", "add_move(amount, _price(marks[0], token)"),
    ("measures", 'number + 1 if books.marks[number + 1].why == "after" else number', "number"),
    ("measures", "held[token] = held.get(token, 0) + amount", "held[token] = held.get(token, 0)"),
    ("measures", "amount, _price(marks[at], token)", "amount, _price(marks[0], token)"),
    ("rows", 'm.flow("swaps:", phase="run")', 'm.flow("swaps:")'),
    ("rows", 'm.flow("network:failed:")', 'm.flow("network:failed:", phase="exit")'),
    ("rows", "swaps.value + fees.value, tokens", "swaps.value, tokens"),
    ("rows", 'm.income_move("income:rewards:", "income:dilution:")', 'm.income_move("income:")'),
    ("posting", 'if how == "converts" else f"income', 'if how == "grows" else f"income'),
    ("rows", 'lambda m: m.flow("income:fees:"),', 'lambda m: m.flow("income:rewards:"),'),
    ("prices", "self.add(-amount, old)", "self.add(amount, old)"),
    ("timeline", "steps[at].seq < after.seq", "steps[at].seq > after.seq"),
]  # fmt: skip

TELLS: list[tuple[str, str, str]] = [
    ("posting", '{"failed": costs.total}', '{"l2": costs.total}'),
    ("posting", 'side = f"swaps:{venue}" if', 'side = f"swaps:{step.network}" if'),
]  # fmt: skip


@pytest.fixture
def clean() -> Iterator[None]:
    names = [f"tidemill.ledger.{name}" for name in CHAIN]
    kept = {name: importlib.import_module(name) for name in names}
    yield
    for name, module in kept.items():
        sys.modules[name] = module
        setattr(tidemill.ledger, name.rsplit(".", 1)[1], module)


def load(where: str = "", old: str = "", new: str = "") -> types.ModuleType:
    """Run the ledger's modules afresh, one of them changed."""
    folder = Path(tidemill.ledger.__file__).parent
    for name in CHAIN:
        source = (folder / f"{name}.py").read_text()
        if name == where:
            assert old in source, f"{old!r} is no longer in {name}.py: plant it anew"
            source = source.replace(old, new, 1)
        module = types.ModuleType(f"tidemill.ledger.{name}")
        sys.modules[module.__name__] = module
        exec(compile(source, name, "exec"), module.__dict__)
    return sys.modules["tidemill.ledger.waterfall"]


@cache
def worlds() -> tuple[Tiny, ...]:
    return Tiny(7, impact=True).live(60), Tiny(3, flip=True).live(40), Tiny(5).live(30, leave=False)


def statements(waterfall: types.ModuleType) -> list[object]:
    post = sys.modules["tidemill.ledger.posting"].post
    told = []
    for world in worlds():
        books = post(world.record, world.marks)
        fall = waterfall.waterfall(books)
        lines = [(line.key, line.value, tuple(sorted(line.tokens.items()))) for line in fall.lines]
        accounts = sorted({posting.account for entry in books.entries for posting in entry.postings})
        told.append((lines, accounts))
    return told


def ids(mutant: tuple[str, str, str]) -> str:
    return f"{mutant[0]}-{mutant[2][:40]}"


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("mutant", RAISES, ids=ids)
def test_the_ledger_notices(mutant: tuple[str, str, str]) -> None:
    with pytest.raises((InvariantBroken, KeyError)):
        statements(load(*mutant))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("mutant", TELLS, ids=ids)
def test_the_statement_differs(mutant: tuple[str, str, str]) -> None:
    honest = statements(load())
    assert statements(load(*mutant)) != honest


@pytest.mark.usefixtures("clean")
def test_unchanged_source_passes() -> None:
    assert statements(load()) == statements(load())
