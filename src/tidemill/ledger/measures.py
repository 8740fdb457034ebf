"""The sums that waterfall rows are made of, each from its own source.

With ``h_k`` all one owns at mark ``k`` less all income so far (``F_k``) and with converting positions at what was put
into them (their *basis*), ``P_k`` the prices, and ``u`` what converting positions hold beyond their basis:

    ``V_end - V_0 = sum_b b P_b                               brought in less taken out (mostly nothing at all)``
    ``            + sum_k H_k (P_{k+1} - P_k)                  holding``
    ``            + sum_k (h_k - H_k) (P_{k+1} - P_k)          drift: price move of what was changed``
    ``            + sum_f f P_f + sum_k F_k (P_{k+1} - P_k)    income when it accrued, and its price move``
    ``            + sum_lots (withdrawn - released) P_lot      divergence``
    ``            + sum_flows flow P_flow                      own swaps, network fees, events, rounding``

``H`` is ``h_0``, what was there at the start, and what the owner brought or took out since. Where positions come and go
with their tokens (a statement of real positions), there is no such start: ``H`` is then ``h`` itself, what was in it,
as it was put in, while it was in; and ``F`` leaves with what is taken out, income first.

It is an identity only if the flows really are all the flows: ``h_k`` is read from the marks, flows from the postings.
Docs: the waterfall page derives it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Mark, Price
from tidemill.ledger.books import Books, Entry
from tidemill.ledger.prices import Total

__all__ = ["Measure", "Measures"]

_Posted = tuple[int, Entry, str, int]
"""Number of a posting in order, its entry, token and raw units."""

_POSITIONS, _FLOWS = "equity:flows:", ("equity:flows:", "equity:owner:")


class Measure(NamedTuple):
    """An exact value in micro-units and the raw units by token that it stands for (none for a price move)."""

    value: Fraction
    tokens: dict[str, int]


class Measures:
    """Measures of one set of books."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._exposures: tuple[list[dict[str, int]], list[dict[str, dict[str, int]]]] | None = None

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
        for _, entry, token, amount in self._postings(prefixes):
            if token not in receipts and phase in (None, entry.phase):
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
        return self.flow(*_FLOWS)

    def owner_flows(self) -> list[tuple[int, int]]:
        """Return what came (negative: went) and was worth then, with its time: (seconds, micro-units rounded down)."""
        found = []
        for number, flows in sorted(self._flows().items()):
            worth = Total()
            for token, amount in flows:
                worth.add(amount, _price(self.books.marks[number], token))
            found.append((self.books.marks[number].time, worth.down()))
        return found

    def capital(self) -> tuple[Fraction, Fraction]:
        """Return what was at work, at what it was worth then: the most at any mark, and the average over the time.

        Without anything brought in or taken out both are the worth of what was there at the start.
        """
        start, marks = self.worth(0), self.books.marks
        seconds = marks[-1].time - marks[0].time
        if not self._flows() or not seconds:
            return start, start
        lasting, passing, time_sum = [start], [start], Fraction(0)
        for number, basket in enumerate(self._baskets()):
            worth, lasts = Total(), marks[number + 1].time - marks[number].time
            for token, amount in basket.items():
                if amount:
                    worth.add(amount, _price(marks[number], token))
            (lasting if lasts else passing).append(worth.exact())  # what is on its way in or out is not at work twice
            time_sum += worth.exact() * lasts
        return max(lasting) or max(passing), time_sum * Fraction(1, seconds)

    def held(self) -> list[Fraction]:
        """Return for each mark what holding would be worth: the same tokens, in and out at the same moments."""
        total, marks, found = Total(), self.books.marks, list[Fraction]()
        flows = self._flows()
        for token, amount in self.books.states[0].valued().items():
            total.add(amount, _price(marks[0], token))
        for number, basket in enumerate(self._baskets()):
            found.append(total.exact())
            now, then = marks[number], marks[number + 1]
            for token, amount in flows.get(number, ()):
                total.add(amount, _price(now, token))
            for token, amount in basket.items():
                if amount:
                    total.add_move(amount, _price(now, token), _price(then, token))
        return [*found, total.exact()]

    def holding(self) -> Measure:
        """Return the price move of what was there at the start; or, where tokens came and went, of what was in."""
        total, marks = Total(), self.books.marks
        for at, basket in enumerate(self._baskets()):
            for token, amount in basket.items():
                if amount:
                    total.add_move(amount, _price(marks[at], token), _price(marks[at + 1], token))
        return Measure(total.exact(), {})

    def drift(self) -> Measure:
        """Return the price move of what the strategy changed: of ``h_k - H_k``."""
        total, marks = Total(), self.books.marks
        for number, (held, first) in enumerate(zip(self._paths()[0], self._baskets(), strict=True)):
            for token in sorted(held.keys() | first.keys()):
                if changed := held.get(token, 0) - first.get(token, 0):
                    total.add_move(changed, _price(marks[number], token), _price(marks[number + 1], token))
        return Measure(total.exact(), {})

    def income_move(self, *prefixes: str) -> Measure:
        """Return the price move of income after it accrued, as if kept as it came (until it was taken out)."""
        total, marks = Total(), self.books.marks
        for number, incomes in enumerate(self._paths()[1]):
            for kind, earned in incomes.items():
                if kind.startswith(prefixes):
                    for token, amount in earned.items():
                        if amount:
                            total.add_move(amount, _price(marks[number], token), _price(marks[number + 1], token))
        return Measure(total.exact(), {})

    def _flows(self, *prefixes: str) -> dict[int, list[tuple[str, int]]]:
        """Return by mark what was brought in (negative: taken out), without receipt tokens."""
        receipts = self.books.receipts()
        found = self._by_mark(prefixes or _FLOWS)
        return {mark: [(t, n) for t, n in flows if t not in receipts] for mark, flows in found.items()}

    def _baskets(self) -> list[dict[str, int]]:
        """Return ``H`` for each interval: what holding would be holding."""
        if self._flows(_POSITIONS):
            return self._paths()[0]
        flows, basket, found = self._flows(), self.books.states[0].valued(), list[dict[str, int]]()
        for number in range(len(self.books.marks) - 1):
            if number in flows:
                basket = dict(basket)
                for token, amount in flows[number]:
                    basket[token] = basket.get(token, 0) + amount
            found.append(basket)
        return found

    def _by_mark(self, prefixes: tuple[str, ...]) -> dict[int, list[tuple[str, int]]]:
        found: dict[int, list[tuple[str, int]]] = {}
        for _, entry, token, amount in self._postings(prefixes):
            found.setdefault(entry.mark, []).append((token, -amount))
        return found

    @cached_property
    def _posted(self) -> dict[str, list[_Posted]]:
        """Return postings by account: a run has few accounts and thousands of postings, of which a sum wants a handful."""
        found: dict[str, list[_Posted]] = {}
        number = 0
        for entry in self.books.entries:
            for account, token, amount in entry.postings:
                found.setdefault(account, []).append((number, entry, token, amount))
                number += 1
        return found

    def _postings(self, prefixes: tuple[str, ...]) -> list[_Posted]:
        """Return the postings of accounts that begin with one of ``prefixes``, in the order in which they were made."""
        found = [one for account, made in self._posted.items() if account.startswith(prefixes) for one in made]
        found.sort(key=itemgetter(0))
        return found

    def _paths(self) -> tuple[list[dict[str, int]], list[dict[str, dict[str, int]]]]:
        """Return for each interval ``h``, and ``F`` by kind: in an own interval after its steps, else as it begins."""
        if self._exposures is None:
            books, basis = self.books, dict[str, int]()
            income, flows, lots = self._incomes(), self._flows(_POSITIONS), dict[int, list[tuple[str, int]]]()
            earned: dict[str, dict[str, int]] = {kind: {} for kind in sorted(income)}
            for lot in books.lots:
                changes = [*lot.added.items(), *((token, -amount) for token, amount in lot.released.items())]
                lots.setdefault(lot.mark, []).extend(changes)  # final lots lie at the end mark, where no move begins
            own, incomes = [], []
            for number in range(len(books.marks) - 1):
                for kind, incoming in income.items():
                    for token, amount in incoming.get(number, ()):
                        earned[kind][token] = earned[kind].get(token, 0) + amount
                for token, amount in flows.get(number, ()):
                    _release(earned, token, amount)
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
                for each in earned.values():
                    for token, amount in each.items():
                        held[token] = held.get(token, 0) - amount
                own.append(held)
                incomes.append({kind: dict(each) for kind, each in earned.items()})
            self._exposures = own, incomes
        return self._exposures

    def _incomes(self) -> dict[str, dict[int, list[tuple[str, int]]]]:
        """Return what accrued, by kind (``income:fees:``) and mark."""
        found: dict[str, dict[int, list[tuple[str, int]]]] = {}
        for account, made in self._posted.items():
            if account.startswith("income:"):
                kind = ":".join(account.split(":", 2)[:2]) + ":"
                marks = found.setdefault(kind, {})
                for _, entry, token, amount in made:
                    marks.setdefault(entry.mark, []).append((token, -amount))
        return found


def _release(earned: dict[str, dict[str, int]], token: str, amount: int) -> None:
    """Let what is taken out (negative ``amount``) take income with it first, what is brought in pay what was owed."""
    for each in earned.values():
        have = each.get(token, 0)
        if have * amount < 0:
            moved = min(abs(have), abs(amount))
            each[token] = have + moved if amount > 0 else have - moved
            amount += -moved if amount > 0 else moved


def _price(mark: Mark, token: str) -> Price:
    try:
        return mark.prices[token]
    except KeyError:
        raise InvariantBroken(
            f"mark seq {mark.seq} has no price of {token}, which is held or was paid or earned"
        ) from None
