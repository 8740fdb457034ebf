"""The sums that waterfall rows are made of, each from its own source.

With ``h_k`` all one owns at mark ``k`` less all income so far (``F_k``) and with converting positions at what was put
into them (their *basis*), ``P_k`` the prices, and ``u`` what converting positions hold beyond their basis:

    ``V_end - V_0 = sum_b b P_b                               brought in less taken out (mostly nothing at all)``
    ``            + sum_k H_k (P_{k+1} - P_k)                  holding, ``H_k`` what was there at first and brought since``
    ``            + sum_k (h_k - H_k) (P_{k+1} - P_k)          drift: price move of what was changed``
    ``            + sum_f f P_f + sum_k F_k (P_{k+1} - P_k)    income when it accrued, and its price move``
    ``            + sum_lots (withdrawn - released) P_lot      divergence``
    ``            + sum_flows flow P_flow                      own swaps, network fees, events, rounding``

It is an identity only if the flows really are all the flows: ``h_k`` is read from the marks, flows from the postings.
Docs: the waterfall page derives it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Mark, Price
from tidemill.ledger.books import Books
from tidemill.ledger.prices import Total

__all__ = ["Measure", "Measures"]


class Measure(NamedTuple):
    """An exact value in micro-units and the raw units by token that it stands for (none for a price move)."""

    value: Fraction
    tokens: dict[str, int]


class Measures:
    """Measures of one set of books."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._exposures: tuple[list[dict[str, int]], list[dict[str, int]]] | None = None

    def worth(self, mark: int) -> Fraction:
        """Return the value of all holdings at mark number ``mark`` (negative numbers count from the end)."""
        total = Total()
        for token, amount in self.books.states[mark].valued().items():
            if amount:
                total.add(amount, _price(self.books.marks[mark], token))
        return total.exact()

    def flow(self, *prefixes: str, phase: str | None = None) -> Measure:
        """Sum what the accounts beginning with one of ``prefixes`` gave (negative: took), each at its own prices."""
        total, tokens, receipts = Total(), dict[str, int](), self.books.receipts()
        for entry in self.books.entries:
            if phase is not None and entry.phase != phase:
                continue
            for account, token, amount in entry.postings:
                if account.startswith(prefixes) and token not in receipts:
                    total.add(-amount, _price(self.books.marks[entry.mark], token))
                    tokens[token] = tokens.get(token, 0) - amount
        return Measure(total.exact(), {token: amount for token, amount in tokens.items() if amount})

    def divergence(self) -> Measure:
        """Sum what left converting positions (or is marked in them at the end) less what had been put in for it."""
        total, tokens = Total(), dict[str, int]()
        for lot in self.books.lots:
            mark = self.books.marks[lot.mark]
            for token in sorted(lot.released.keys() | lot.withdrawn.keys()):
                amount = lot.withdrawn.get(token, 0) - lot.released.get(token, 0)
                if amount:
                    total.add(amount, _price(mark, token))
                    tokens[token] = tokens.get(token, 0) + amount
        return Measure(total.exact(), {token: amount for token, amount in tokens.items() if amount})

    def brought(self) -> Measure:
        """Return what was brought in during the run less what was taken out, at the prices then."""
        return self.flow("equity:flows:")

    def invested(self) -> Fraction:
        """Return the worth of what was there at the start and of all that was brought in since, at the prices then."""
        total, receipts = Total(), self.books.receipts()
        for entry in self.books.entries:
            sums: dict[str, int] = {}
            for account, token, amount in entry.postings:
                if account.startswith("equity:flows:") and token not in receipts:
                    sums[token] = sums.get(token, 0) - amount
            for token, amount in sums.items():
                total.add(max(amount, 0), _price(self.books.marks[entry.mark], token))
        return self.worth(0) + total.exact()

    def baskets(self) -> list[dict[str, int]]:
        """Return for each mark raw units by token of what was brought up to then: what holding would be holding."""
        basket = dict(self.books.states[0].valued())
        incoming, receipts = self._by_mark(("equity:flows:",)), self.books.receipts()
        found = []
        for number in range(len(self.books.marks)):
            found.append(dict(basket))
            for token, amount in incoming.get(number, ()):
                if token not in receipts:
                    basket[token] = basket.get(token, 0) + amount
        return found

    def holding(self) -> Measure:
        """Return the price move of what was there at the start, and of what was brought in since."""
        total, marks, baskets = Total(), self.books.marks, self.baskets()
        for at, basket in enumerate(baskets[1:]):
            for token, amount in basket.items():
                if amount:
                    total.add_move(amount, _price(marks[at], token), _price(marks[at + 1], token))
        return Measure(total.exact(), {})

    def drift(self) -> Measure:
        """Return the price move of what the strategy changed: of ``h_k - H_k``."""
        total, marks, baskets = Total(), self.books.marks, self.baskets()
        for number, held in enumerate(self._paths()[0]):
            first = baskets[number + 1]
            for token in sorted(held.keys() | first.keys()):
                if changed := held.get(token, 0) - first.get(token, 0):
                    total.add_move(changed, _price(marks[number], token), _price(marks[number + 1], token))
        return Measure(total.exact(), {})

    def income_move(self, *prefixes: str) -> Measure:
        """Return the price move of income after it accrued, as if kept as it came."""
        total, marks, earned = Total(), self.books.marks, dict[str, int]()
        incoming = self._by_mark(prefixes)
        for number in range(len(marks) - 1):
            for token, amount in incoming.get(number, ()):
                earned[token] = earned.get(token, 0) + amount
            for token, amount in earned.items():
                if amount:
                    total.add_move(amount, _price(marks[number], token), _price(marks[number + 1], token))
        return Measure(total.exact(), {})

    def _by_mark(self, prefixes: tuple[str, ...]) -> dict[int, list[tuple[str, int]]]:
        found: dict[int, list[tuple[str, int]]] = {}
        for entry in self.books.entries:
            for account, token, amount in entry.postings:
                if account.startswith(prefixes):
                    found.setdefault(entry.mark, []).append((token, -amount))
        return found

    def _paths(self) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
        """Return for each interval ``h`` and ``F``: in an own interval after its steps, else as it begins."""
        if self._exposures is None:
            books, earned, basis = self.books, dict[str, int](), dict[str, int]()
            income = self._by_mark(("income:",))
            lots: dict[int, list[tuple[str, int]]] = {}
            for lot in books.lots:
                changes = [*lot.added.items(), *((token, -amount) for token, amount in lot.released.items())]
                lots.setdefault(lot.mark, []).extend(changes)  # final lots lie at the end mark, where no move begins
            own, incomes = [], []
            for number in range(len(books.marks) - 1):
                for token, amount in income.get(number, ()):
                    earned[token] = earned.get(token, 0) + amount
                for token, amount in lots.get(number, ()):
                    basis[token] = basis.get(token, 0) + amount
                state = books.states[number + 1 if books.marks[number + 1].why == "after" else number]
                held = state.valued()
                for claim in state.claims.values():
                    if claim.treatment.principal == "converts":
                        for token, amount in claim.principal.items():
                            held[token] = held.get(token, 0) - amount
                for token, amount in basis.items():
                    held[token] = held.get(token, 0) + amount
                for token, amount in earned.items():
                    held[token] = held.get(token, 0) - amount
                own.append(held)
                incomes.append(dict(earned))
            self._exposures = own, incomes
        return self._exposures


def _price(mark: Mark, token: str) -> Price:
    try:
        return mark.prices[token]
    except KeyError:
        raise InvariantBroken(
            f"mark seq {mark.seq} has no price of {token}, which is held or was paid or earned"
        ) from None
