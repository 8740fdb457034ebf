"""Adding a family is adding lines: a loan with debt, interest and a liquidation, booked without touching the ledger."""

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
from tidemill.ledger.families import Treatment
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.rows import ROWS, Row

USD, ETH = "USDC@op", "ETH@op"


class Loan:
    """10 ETH supplied, 5,000 USD borrowed, interest on both, then a liquidator takes 6 ETH for 4,000 of debt."""

    def __init__(self) -> None:
        self.wallet = {USD: 0, ETH: 11 * 10**18}
        self.supplied, self.debt, self.seq, self.time, self.impaired = 0, 0, 0, 1000, 0
        self.price = 2_000_000_000
        self.marks: list[Mark] = []
        self.record: list[Recorded | Befell] = []
        self.mark("start")

    def mark(self, why: str) -> None:
        held: tuple[Position, ...] = ()
        if self.supplied or self.debt:
            data = {"size": 1, "impaired": self.impaired}
            held = (Position("bank#1", "bank", "loan", data, {ETH: self.supplied, USD: -self.debt}, {}),)
        prices = {USD: price_of_home(6), ETH: price_of_micro(self.price, 18)}
        self.marks.append(Mark(self.seq, self.time, why, dict(self.wallet), held, prices))
        self.seq, self.time = self.seq + 1, self.time + 10

    def move(self, verb: str, token: str, amount: int) -> None:
        """``amount`` into the wallet, and as much out of the bank."""
        self.mark("before")
        self.wallet[token] += amount
        self.supplied, self.debt = self.supplied - amount * (token == ETH), self.debt + amount * (token == USD)
        transfer = Transfer(token, "bank", "me", amount) if amount > 0 else Transfer(token, "me", "bank", -amount)
        result = Result(transfers=(transfer,), position="bank#1")
        at = Block(self.time, 1)
        self.record.append(Recorded(self.seq, at, "op", ETH, "p", 0, "bank", verb, Filled(), Costs(), result=result))
        self.seq += 1
        self.mark("after")

    def liquidate(self) -> None:
        self.mark("before")
        self.supplied, self.debt = self.supplied - 6 * 10**18, self.debt - 4_000 * 10**6
        change = {ETH: -6 * 10**18, USD: 4_000 * 10**6}
        self.record.append(Befell(self.seq, Happened("bank", "bank#1", "liquidated", change, Block(self.time, 1))))
        self.seq += 1
        self.mark("after")


@pytest.fixture
def loans(monkeypatch: pytest.MonkeyPatch) -> None:
    loan = Treatment("vault", "grows", "interest", "size")
    monkeypatch.setattr(families, "TREATMENTS", {**families.TREATMENTS, "loan": loan})
    row = Row("interest", "Interest", "sum of interest x price then", lambda m: m.flow("income:interest:"), "income")
    move = Row("interest_move", "Its price move", "", lambda m: m.income_move("income:interest:"), "proportional")
    monkeypatch.setattr(module, "ROWS", (row, move, *ROWS))


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


@pytest.mark.usefixtures("loans")
def test_a_loan_is_booked_by_two_lines_in_tables() -> None:
    loan = lived()
    books = post(loan.record, loan.marks)
    sums = books.balances()
    assert sums["debt:bank#1", USD] == -1_050 * 10**6
    assert sums["impaired:bank#1", ETH] == 4_100_000_000_000_000_000
    assert ("claims:bank#1", ETH) not in sums
    got = module.waterfall(books)
    lines = {line.key: line for line in got.lines}
    assert lines["interest"].value == 200_000_000 - 50_000_000
    assert lines["interest_move"].value == -130_000_000
    assert lines["events"].value == 4_000_000_000 - 6 * 700_000_000
    assert lines["hodl"].value == -11 * 1_300_000_000
    assert got.unexplained == 0


@pytest.mark.usefixtures("loans")
def test_a_liquidation_said_wrong_is_noticed() -> None:
    loan = lived()
    said = loan.record[-1]
    wrong = Happened("bank", "bank#1", "liquidated", {**said.happened.amounts, USD: 3_999 * 10**6}, said.happened.at)
    loan.record[-1] = Befell(said.seq, wrong)
    with pytest.raises(InvariantBroken, match="liquidated is said to change"):
        post(loan.record, loan.marks)


def test_an_unknown_kind_names_the_table_to_extend() -> None:
    loan = lived()
    with pytest.raises(InvariantBroken, match=r"no treatment for positions of kind 'loan'.*TREATMENTS"):
        post(loan.record, loan.marks)
