"""Planted faults: in what a world wrote down, in the books, in the formulas. Each must be caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ledger.tiny import ETH, RWD, USD, WETH, Tiny
from tidemill.errors import InvariantBroken
from tidemill.interfaces import Costs, Filled, Mark, Recorded
from tidemill.ledger import measures, rows
from tidemill.ledger import waterfall as waterfall_module
from tidemill.ledger.books import Books, Entry, Posting
from tidemill.ledger.measures import Measure, Measures
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall

replace = msgspec.structs.replace


NOT_LIVED = {"growth_move", "interest", "borrowing", "interest_move", "bridge"}  # test_families.py, test_flight.py
NOT_LIVED |= {
    "takings",
    "da",
    "proving",
    "sharing",
    "takings_move",
    "carry",
    "fills",
    "fills_move",
    "dilution",
}  # operators: test_operator.py, venues/test_delegation.py


def life() -> Tiny:
    return Tiny(7, impact=True).live(60)


def first(world: Tiny, wanted: Callable[[Recorded], Any]) -> int:
    return next(i for i, s in enumerate(world.record) if isinstance(s, Recorded) and wanted(s))


def with_result(step: Recorded, **changes: Any) -> Recorded:
    return replace(step, result=replace(step.result, **changes))


def sample(world: Tiny, wanted: Callable[[Mark], Any] = lambda mark: True) -> int:
    return next(i for i, m in enumerate(world.marks) if m.why in {"sample", "decision"} and i > 20 and wanted(m))


# --- in the record ----------------------------------------------------------------------------------------------------


def drop_a_fee(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "close" and s.result.transfers)
    step = world.record[i]
    less = tuple(replace(t, amount=t.amount * 9 // 10) for t in step.result.transfers)
    world.record[i] = with_result(step, transfers=less)


def drop_one_wei(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "swap_exact_in")
    step = world.record[i]
    one, *rest = step.result.transfers
    world.record[i] = with_result(step, transfers=(replace(one, amount=one.amount - 1), *rest))


def double_a_gas(world: Tiny) -> None:
    i = first(world, lambda s: s.costs.total)
    costs = world.record[i].costs
    world.record[i] = replace(world.record[i], costs=replace(costs, l2_execution=2 * costs.l2_execution))


def forget_the_data_fee(world: Tiny) -> None:
    i = first(world, lambda s: s.costs.l1_data)
    world.record[i] = replace(world.record[i], costs=replace(world.record[i].costs, l1_data=0))


def forgive_a_failure(world: Tiny) -> None:
    i = first(world, lambda s: not isinstance(s.status, Filled) and s.costs.total)
    world.record[i] = replace(world.record[i], costs=Costs())


def pay_gas_in_another_token(world: Tiny) -> None:
    i = first(world, lambda s: s.costs.total)
    world.record[i] = replace(world.record[i], native=WETH)


def flip_a_sign(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "mint" and s.result)
    step = world.record[i]
    turned = tuple(replace(t, source=t.target, target=t.source) for t in step.result.transfers)
    world.record[i] = with_result(step, transfers=turned)


def swap_two_tokens(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "swap_exact_in" and s.venue == "pool")
    step = world.record[i]
    a, b = step.result.transfers
    world.record[i] = with_result(step, transfers=(replace(a, token=b.token), replace(b, token=a.token)))


def omit_a_step(world: Tiny) -> None:
    del world.record[first(world, lambda s: s.verb == "swap_exact_in")]


def tell_a_step_twice(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "mint" and s.result)
    world.record.insert(i, world.record[i])


def call_a_swap_a_deposit(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "swap_exact_in")
    world.record[i] = replace(world.record[i], verb="mint")


def revert_that_moved_tokens(world: Tiny) -> None:
    i = first(world, lambda s: s.verb == "collect" and s.result.transfers)
    failed = next(s.status for s in world.record if isinstance(s, Recorded) and type(s.status).__name__ == "Reverted")
    world.record[i] = replace(world.record[i], status=failed)


# --- in the marks -----------------------------------------------------------------------------------------------------


def wallet_one_wei_off(world: Tiny) -> None:
    i = sample(world)
    balances = dict(world.marks[i].balances)
    balances[USD] += 1
    world.marks[i] = replace(world.marks[i], balances=balances)


def change_position(world: Tiny, i: int, **changes: Any) -> None:
    mark = world.marks[i]
    k = next(k for k, p in enumerate(mark.positions) if p.kind == "range")
    positions = list(mark.positions)
    positions[k] = replace(positions[k], **{key: change(getattr(positions[k], key)) for key, change in changes.items()})
    world.marks[i] = replace(mark, positions=tuple(positions))


def has_range(mark: Mark) -> bool:
    return any(p.kind == "range" and p.data["liquidity"] for p in mark.positions)


def pending_shrinks(world: Tiny) -> None:
    i = sample(world, lambda m: any(p.kind == "range" and p.claimable[USD] > 9 for p in m.positions))
    change_position(world, i + 1, claimable=lambda c: dict.fromkeys(c, 0))


def claim_appears(world: Tiny) -> None:
    i = next(i for i, m in enumerate(world.marks) if m.why == "after" and i > 20 and has_range(m))
    change_position(world, i, principal=lambda p: {t: n + 1000 for t, n in p.items()})


def liquidity_changes_by_itself(world: Tiny) -> None:
    change_position(world, sample(world, has_range), data=lambda d: {**d, "liquidity": d["liquidity"] - 1})


def position_vanishes(world: Tiny) -> None:
    i = sample(world, has_range)
    world.marks[i] = replace(world.marks[i], positions=())


def stake_shrinks(world: Tiny) -> None:
    i = sample(world, lambda m: any(p.kind == "stake" and p.data["staked"] for p in m.positions))
    positions = [
        replace(p, principal={t: n - 1 for t, n in p.principal.items()}) if p.kind == "stake" else p
        for p in world.marks[i].positions
    ]
    world.marks[i] = replace(world.marks[i], positions=tuple(positions))


def price_missing(world: Tiny) -> None:
    i = sample(world)
    world.marks[i] = replace(world.marks[i], prices={t: p for t, p in world.marks[i].prices.items() if t != WETH})


WORLD = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__annotations__", {}).get("world")
]
WORLD = [m for m in WORLD if m.__code__.co_argcount == 1]


@pytest.mark.parametrize("mutate", WORLD, ids=lambda m: m.__name__)
def test_fault_in_the_record_is_caught(mutate: Callable[[Tiny], None]) -> None:
    world = life()
    waterfall(post(world.record, world.marks))
    mutate(world)
    with pytest.raises(InvariantBroken):
        waterfall(post(world.record, world.marks))


# --- in the books -----------------------------------------------------------------------------------------------------


def pick(books: Books, account: str, kind: str | None = None) -> int:
    return next(
        i
        for i, e in enumerate(books.entries)
        if kind in {None, e.kind} and any(p.account.startswith(account) and abs(p.amount) > 10 for p in e.postings)
    )


def edit(books: Books, i: int, change: Callable[[Posting], Posting | None]) -> None:
    entry = books.entries[i]
    books.entries[i] = entry._replace(postings=tuple(q for p in entry.postings if (q := change(p))))


def omit_a_posting(books: Books) -> None:
    i = pick(books, "income:fees")
    books.entries[i] = books.entries[i]._replace(postings=books.entries[i].postings[1:])


def omit_an_entry(books: Books) -> None:
    del books.entries[pick(books, "network:l2")]


def double_an_entry(books: Books) -> None:
    books.entries.append(books.entries[pick(books, "network:l2")])


def flip_an_entry(books: Books) -> None:
    edit(books, pick(books, "swaps:"), lambda p: p._replace(amount=-p.amount))


def swap_tokens_of_an_entry(books: Books) -> None:
    edit(books, pick(books, "income:rewards"), lambda p: p._replace(token=WETH if p.token == RWD else p.token))


def fee_as_conversion(books: Books) -> None:
    def change(p: Posting) -> Posting:
        return p._replace(account="market:pool#1") if p.account.startswith("income:fees") else p

    edit(books, pick(books, "income:fees"), change)


def trade_as_income(books: Books) -> None:
    def change(p: Posting) -> Posting:
        return p._replace(account="income:fees:pool#1") if p.account.startswith("swaps:") else p

    edit(books, pick(books, "swaps:"), change)


def fee_valued_a_mark_late(books: Books) -> None:
    i = pick(books, "income:fees", "mark")
    books.entries[i] = books.entries[i]._replace(mark=books.entries[i].mark + 3)


def rounding_too_large(books: Books) -> None:
    postings = (Posting("rounding:pool", USD, 10**6), Posting("network:l2:op", USD, -(10**6)))
    books.entries.append(Entry(0, 0, "claim", "", "run", 1, postings))


def gas_as_rounding(books: Books) -> None:
    def change(p: Posting) -> Posting:
        return p._replace(account="rounding:pool") if p.account.startswith("network:") else p

    edit(books, pick(books, "network:l1"), change)


def forget_a_lot(books: Books) -> None:
    del books.lots[next(i for i, lot in enumerate(books.lots) if lot.withdrawn)]


def forget_what_was_put_in(books: Books) -> None:
    del books.lots[next(i for i, lot in enumerate(books.lots) if lot.added)]


def turn_a_lot_round(books: Books) -> None:
    i = next(i for i, lot in enumerate(books.lots) if lot.withdrawn and lot.withdrawn != lot.released)
    lot = books.lots[i]
    books.lots[i] = lot._replace(released=lot.withdrawn, withdrawn=lot.released)


def value_a_lot_at_the_start(books: Books) -> None:
    i = next(i for i, lot in enumerate(books.lots) if lot.withdrawn and lot.withdrawn != lot.released)
    books.lots[i] = books.lots[i]._replace(mark=0)


BOOKS = [
    omit_a_posting, omit_an_entry, double_an_entry, flip_an_entry, swap_tokens_of_an_entry, fee_as_conversion,
    trade_as_income, fee_valued_a_mark_late, rounding_too_large, gas_as_rounding, forget_a_lot,
    forget_what_was_put_in, turn_a_lot_round, value_a_lot_at_the_start,
]  # fmt: skip


@pytest.mark.parametrize("mutate", BOOKS, ids=lambda m: m.__name__)
def test_fault_in_the_books_is_caught(mutate: Callable[[Books], None]) -> None:
    world = life()
    books = post(world.record, world.marks)
    mutate(books)
    with pytest.raises(InvariantBroken):
        waterfall(books)


# --- in the formulas --------------------------------------------------------------------------------------------------


def negate(measure: Callable[..., Measure]) -> Callable[..., Measure]:
    def turned(*args: Any, **keys: Any) -> Measure:
        value, tokens = measure(*args, **keys)
        return Measure(-value, tokens)

    return turned


@pytest.mark.parametrize("name", ["flow", "divergence", "drift", "income_move"])
def test_flipped_sign_in_a_formula_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = life()
    books = post(world.record, world.marks)
    monkeypatch.setattr(Measures, name, negate(getattr(Measures, name)))
    bound = tuple(replace(row, measure=getattr(Measures, name)) if row.key == name else row for row in rows.ROWS)
    monkeypatch.setattr(waterfall_module, "ROWS", bound)
    with pytest.raises(InvariantBroken):
        waterfall(books)


@pytest.mark.parametrize("key", [row.key for row in rows.ROWS if row.key not in NOT_LIVED])
def test_row_left_out_is_caught(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = life()
    books = post(world.record, world.marks)
    monkeypatch.setattr(waterfall_module, "ROWS", tuple(row for row in rows.ROWS if row.key != key))
    with pytest.raises(InvariantBroken):
        waterfall(books)


def test_end_price_in_place_of_the_price_of_the_day_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    world = life()
    books = post(world.record, world.marks)
    honest, last = measures._price, books.marks[-1]
    flow = Measures.flow

    def late(self: Measures, *prefixes: str, phase: str | None = None) -> Measure:
        monkeypatch.setattr(measures, "_price", lambda mark, token: honest(last, token))
        try:
            return flow(self, *prefixes, phase=phase)
        finally:
            monkeypatch.setattr(measures, "_price", honest)

    monkeypatch.setattr(Measures, "flow", late)
    with pytest.raises(InvariantBroken):
        waterfall(books)


def test_gas_is_priced_in_the_gas_token() -> None:
    world = life()
    got = waterfall(post(world.record, world.marks))
    paid = sum(s.costs.total for s in world.record if isinstance(s, Recorded))
    shown = [line.tokens.get(ETH, 0) for line in got.lines if line.group == "fixed"]
    leaving = sum(s.costs.total for s in world.record if isinstance(s, Recorded) and s.phase == "exit")
    assert -sum(shown) == paid - leaving > 0
