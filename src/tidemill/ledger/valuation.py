"""The valuation ledger: the same books in integer micro-units of the home asset.

Every flow is valued at the prices of its mark, rounded towards zero, so that the two sides of a two-legged flow cancel.
At each mark every own account is brought to the value of its quantity at the mark's prices, against
``revaluation:<token>``. What splitting a flow into several legs leaves goes to ``rounding:valuation``, at most one
micro-unit for each posting. So at each mark one's own accounts sum to the value of all holdings, within one unit each.
"""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.ledger.books import Books, is_own
from tidemill.ledger.prices import value_toward_zero

__all__ = ["ValueEntry", "ValuePosting", "value_books"]


class ValuePosting(NamedTuple):
    """``value`` micro-units into ``account`` on behalf of ``amount`` raw units of ``token`` (0 for a revaluation)."""

    account: str
    token: str
    amount: int
    value: int


class ValueEntry(NamedTuple):
    """Postings that sum to zero; ``kind`` as in the quantity ledger, or ``revalue``."""

    seq: int
    time: int
    kind: str
    label: str
    phase: str
    postings: tuple[ValuePosting, ...]


def value_books(books: Books) -> list[ValueEntry]:
    """Value the books, in order.

    Raises ``InvariantBroken`` if an entry needs more rounding than one micro-unit for each of its postings. Receipt
    tokens have no value of their own; their entries carry 0.
    """
    receipts = books.receipts()
    quantity: dict[tuple[str, str], int] = {}
    value: dict[tuple[str, str], int] = {}
    result: list[ValueEntry] = []
    entries = iter(sorted(books.entries, key=lambda entry: entry.seq))
    entry = next(entries, None)
    for mark in books.marks:
        while entry is not None and entry.seq <= mark.seq:
            prices = books.marks[entry.mark].prices
            postings: list[ValuePosting] = []
            for account, token, amount in entry.postings:
                worth = 0 if token in receipts else value_toward_zero(amount, prices[token])
                postings.append(ValuePosting(account, token, amount, worth))
                if is_own(account):
                    key = (account, token)
                    quantity[key] = quantity.get(key, 0) + amount
                    value[key] = value.get(key, 0) + worth
            postings += _rounding(entry.seq, postings)
            result.append(ValueEntry(entry.seq, entry.time, entry.kind, entry.label, entry.phase, tuple(postings)))
            entry = next(entries, None)
        moved: list[ValuePosting] = []
        for key, amount in quantity.items():
            account, token = key
            worth = 0 if token in receipts or not amount else value_toward_zero(amount, mark.prices[token])
            if change := worth - value[key]:
                value[key] = worth
                moved.append(ValuePosting(account, token, 0, change))
                moved.append(ValuePosting(f"revaluation:{token}", token, 0, -change))
        if moved:
            result.append(ValueEntry(mark.seq, mark.time, "revalue", mark.why, "run", tuple(moved)))
    return result


def _rounding(seq: int, postings: list[ValuePosting]) -> list[ValuePosting]:
    off: dict[str, int] = {}
    for posting in postings:
        off[posting.token] = off.get(posting.token, 0) + posting.value
    if sum(abs(amount) for amount in off.values()) > len(postings):
        raise InvariantBroken(f"valuation: entry seq {seq} is off by {off}, more than one unit for each posting")
    return [ValuePosting("rounding:valuation", token, 0, -amount) for token, amount in off.items() if amount]
