"""Lending: what is supplied, what is owed, interest on both, and a liquidation; and that a family is lines in tables."""

from __future__ import annotations

import pytest

from tidemill.errors import InvariantBroken
from tidemill.interfaces import (
    Befell,
    Block,
    Costs,
    Filled,
    Happened,
    Mark,
    Position,
    Recorded,
    Result,
    Transfer,
)  # fmt: skip
from tidemill.ledger import families
from tidemill.ledger import waterfall as module
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.rows import ROWS

USD, ETH = "USDC@op", "ETH@op"


class Loan:
    """10 ETH supplied, 5,000 USD borrowed, interest on both, then a liquidator takes 6 ETH for 4,000 of debt."""

    def __init__(self) -> None:
        self.wallet = {USD: 0, ETH: 11 * 10**18}
        self.supplied, self.debt, self.seq, self.time, self.impaired = 0, 0, 0, 1000, 0
        self.sizes = {ETH: 0, USD: 0}
        self.price = 2_000_000_000
        self.marks: list[Mark] = []
        self.record: list[Recorded | Befell] = []
        self.mark("start")

    def mark(self, why: str) -> None:
        held: tuple[Position, ...] = ()
        if self.supplied:
            data = {"size": self.sizes[ETH], "impaired": self.impaired}
            held = (Position("bank#supply", "bank", "supply", data, {ETH: self.supplied}, {}),)
        if self.debt:
            held += (Position("bank#debt", "bank", "debt", {"size": self.sizes[USD]}, {USD: -self.debt}, {}),)
        prices = {USD: price_of_home(6), ETH: price_of_micro(self.price, 18)}
        self.marks.append(Mark(self.seq, self.time, why, dict(self.wallet), held, prices))
        self.seq, self.time = self.seq + 1, self.time + 10

    def move(self, verb: str, token: str, amount: int) -> None:
        """``amount`` into the wallet, and as much out of the bank."""
        self.mark("before")
        self.wallet[token] += amount
        self.supplied, self.debt = self.supplied - amount * (token == ETH), self.debt + amount * (token == USD)
        self.sizes[token] += amount
        transfer = Transfer(token, "bank", "me", amount) if amount > 0 else Transfer(token, "me", "bank", -amount)
        result = Result(transfers=(transfer,))
        at = Block(self.time, 1)
        self.record.append(Recorded(self.seq, at, "op", ETH, "p", 0, "bank", verb, Filled(), Costs(), result=result))
        self.seq += 1
        self.mark("after")

    def liquidate(self) -> None:
        self.mark("before")
        self.supplied, self.debt = self.supplied - 6 * 10**18, self.debt - 4_000 * 10**6
        self.sizes = {ETH: 4, USD: 1}
        for where, change in (("supply", {ETH: -6 * 10**18}), ("debt", {USD: 4_000 * 10**6})):
            happened = Happened("bank", f"bank#{where}", "liquidated", change, Block(self.time, 1))
            self.record.append(Befell(self.seq, happened))
            self.seq += 1
        self.mark("after")


def lived() -> Loan:
    loan = Loan()
    loan.move("supply", ETH, -10 * 10**18)
    loan.move("borrow", USD, 5_000 * 10**6)
    loan.supplied += 10**17
    loan.debt += 50 * 10**6
    loan.mark("sample")
    loan.price = 700_000_000
    loan.impaired = 1
    loan.mark("sample")
    loan.liquidate()
    loan.mark("end")
    return loan


def test_a_loan_earns_and_pays_interest_and_suffers_a_liquidation() -> None:
    loan = lived()
    books = post(loan.record, loan.marks)
    sums = books.balances()
    assert sums["debt:bank#debt", USD] == -1_050 * 10**6
    assert sums["impaired:bank#supply", ETH] == 4_100_000_000_000_000_000
    assert ("claims:bank#supply", ETH) not in sums
    got = module.waterfall(books)
    lines = {line.key: line for line in got.lines}
    assert lines["interest"].value == 200_000_000
    assert lines["borrowing"].value == -50_000_000
    assert got.families == ("lending",)
    assert lines["interest_move"].value == -130_000_000
    assert lines["events"].value == 4_000_000_000 - 6 * 700_000_000
    assert lines["hodl"].value == -11 * 1_300_000_000
    assert got.unexplained == 0


@pytest.mark.parametrize("key", ["interest", "borrowing", "interest_move", "events"])
def test_a_row_of_lending_left_out_is_caught(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loan = lived()
    monkeypatch.setattr(module, "ROWS", tuple(row for row in ROWS if row.key != key))
    with pytest.raises(InvariantBroken):
        module.waterfall(post(loan.record, loan.marks))


def test_a_liquidation_said_wrong_is_noticed() -> None:
    loan = lived()
    said = loan.record[-1]
    wrong = Happened("bank", "bank#debt", "liquidated", {**said.happened.amounts, USD: 3_999 * 10**6}, said.happened.at)
    loan.record[-1] = Befell(said.seq, wrong)
    with pytest.raises(InvariantBroken, match="liquidated is said to change"):
        post(loan.record, loan.marks)


def test_an_unknown_kind_names_the_table_to_extend(monkeypatch: pytest.MonkeyPatch) -> None:
    loan = lived()
    monkeypatch.setattr(families, "TREATMENTS", {"supply": families.TREATMENTS["supply"]})
    with pytest.raises(InvariantBroken, match=r"no treatment for positions of kind 'debt'.*TREATMENTS"):
        post(loan.record, loan.marks)
