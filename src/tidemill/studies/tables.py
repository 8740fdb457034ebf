"""The tables of a statement: network fees by verb, and the life of each position."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from tidemill.interfaces import Recorded, Reverted
from tidemill.ledger.books import Books, Entry
from tidemill.ledger.prices import Total
from tidemill.studies.schema import CostRow, PositionRow

__all__ = ["cost_rows", "position_rows"]

BPS = 10_000


class _Costs(Struct):
    count: int = 0
    failed: int = 0
    gas: int = 0
    l2: int = 0
    l1: int = 0
    operator: int = 0


def cost_rows(books: Books) -> list[CostRow]:
    """Return network fees by venue and verb, in order of name; values at the price of each step, rounded down."""
    rows: dict[tuple[str, str], _Costs] = {}
    values: dict[tuple[str, str], Total] = {}
    native_mark = {entry.seq: entry.mark for entry in books.entries if entry.kind == "fee"}
    for step in books.steps:
        if not isinstance(step, Recorded):
            continue
        key = (step.venue, step.verb)
        row, total = rows.setdefault(key, _Costs()), values.setdefault(key, Total())
        row.count += 1
        row.failed += isinstance(step.status, Reverted)
        row.gas += step.costs.gas_used
        row.l2 += step.costs.l2_execution
        row.l1 += step.costs.l1_data
        row.operator += step.costs.operator
        if step.costs.total:
            total.add(step.costs.total, books.marks[native_mark[step.seq]].prices[step.native])
    return [
        CostRow(venue, verb, r.count, r.failed, r.gas, r.l2, r.l1, r.operator, values[venue, verb].down())
        for (venue, verb), r in sorted(rows.items())
    ]


class _Life(Struct):
    venue: str
    kind: str
    opened: int
    closed: int | None = None
    ticks: tuple[int, int] | None = None
    liquidity: int | None = None
    seconds: int = 0
    inside: int = 0
    put_in: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    income: dict[str, int] = field(default_factory=dict)


def position_rows(books: Books, tick_price: Callable[[str, int], float | None] | None = None) -> list[PositionRow]:
    """Return the life of each position, in order of opening.

    ``tick_price`` gives a price for display at a tick of a venue. A position counts as in range between two marks if
    at the first of them it held both tokens; positions without a range have ``None``.
    """
    lives = _lives(books)
    for entry in books.entries:
        for account, token, amount in entry.postings:
            kind, _, name = account.partition(":")
            if kind == "income":
                life = lives.get(name.partition(":")[2])
                if life is not None:
                    life.income[token] = life.income.get(token, 0) - amount
            elif kind in {"claims", "locked"} and entry.kind in {"open", "claim"} and name in lives:
                side = lives[name].put_in if amount > 0 else lives[name].taken
                side[token] = side.get(token, 0) + abs(amount)
            elif kind == "rounding" and (alone := _only_deposit(entry, token)) in lives:
                lives[alone].put_in[token] += amount
    return [_row(name, life, tick_price) for name, life in lives.items()]


def _only_deposit(entry: Entry, token: str) -> str:
    """Return the one position whose principal grew in ``entry``: what the contract rounded off was paid for it."""
    own = [p for p in entry.postings if p.token == token and p.account.startswith(("claims:", "locked:"))]
    return own[0].account.partition(":")[2] if len(own) == 1 and own[0].amount > 0 else ""


def _lives(books: Books) -> dict[str, _Life]:
    lives: dict[str, _Life] = {}
    for number, (mark, state) in enumerate(zip(books.marks, books.states, strict=True)):
        until = books.marks[number + 1].time if number + 1 < len(books.marks) else mark.time
        shown = {position.id: position for position in mark.positions}
        for name, claim in state.claims.items():
            life = lives.setdefault(name, _Life(claim.venue, claim.treatment.family, mark.time))
            life.closed = None if claim.weight else life.closed if life.closed is not None else mark.time
            if claim.treatment.family == "liquidity" and claim.weight:
                life.liquidity = max(life.liquidity or 0, claim.weight)
                life.seconds += until - mark.time
                life.inside += (until - mark.time) * (all(claim.principal.values()) and len(claim.principal) > 1)
            position = shown.get(name)
            if position is not None and "tick_lower" in position.data:
                life.ticks = position.data["tick_lower"], position.data["tick_upper"]
        for name, life in lives.items():
            if name not in state.claims and life.closed is None:
                life.closed = mark.time
    return lives


def _row(name: str, life: _Life, tick_price: Callable[[str, int], float | None] | None) -> PositionRow:
    prices: list[float] = []
    if life.ticks and tick_price is not None:
        prices = sorted(price for tick in life.ticks if (price := tick_price(life.venue, tick)) is not None)
    return PositionRow(
        id=name,
        venue=life.venue,
        opened=life.opened,
        closed=life.closed,
        tick_lower=life.ticks[0] if life.ticks else None,
        tick_upper=life.ticks[1] if life.ticks else None,
        price_lower=prices[0] if len(prices) == 2 else None,
        price_upper=prices[1] if len(prices) == 2 else None,
        liquidity=life.liquidity,
        deposited=life.put_in,
        withdrawn=life.taken,
        fees=life.income,
        in_range_bps=life.inside * BPS // life.seconds if life.seconds else None,
    )
