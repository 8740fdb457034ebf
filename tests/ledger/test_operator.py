"""An operator's books: fees that come in by themselves, and what is paid away for data, proofs and a share."""

from __future__ import annotations

import pytest

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Block, Costs, Filled, Mark, Position, Recorded, Result, Transfer
from tidemill.ledger import waterfall as module
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.rows import ROWS

USD, ETH, UNIT = "USDC@op", "ETH@op", 10**18


class Role:
    """Fees of 5 ETH at 2,000, a posting of 2 with proofs of 1, then 3,000, the vaults collected with a share of 1; in a position
    of ``kind``.
    """

    def __init__(self, kind: str = "takings") -> None:
        self.kind = kind
        self.wallet, self.vaults, self.price = {USD: 0, ETH: 10 * UNIT}, 0, 2_000_000_000
        self.seq, self.marks, self.record = 0, list[Mark](), list[Recorded]()
        self.mark("start")
        self.vaults = 5 * UNIT
        self.mark("sample")
        self.step("post", Transfer(ETH, "me", "costs:da:seq", 2 * UNIT), Transfer(ETH, "me", "costs:proving:seq", UNIT))
        self.price = 3_000_000_000
        self.mark("sample")
        self.step("collect", Transfer(ETH, "vaults", "me", 5 * UNIT), Transfer(ETH, "me", "costs:sharing:seq", UNIT))
        self.mark("end")

    def mark(self, why: str) -> None:
        held = (Position("seq#takings", "seq", self.kind, {"size": 1}, {}, {ETH: self.vaults} if self.vaults else {}),)
        prices = {USD: price_of_home(6), ETH: price_of_micro(self.price, 18)}
        self.marks.append(Mark(self.seq, self.seq * 10, why, dict(self.wallet), held, prices))
        self.seq += 1

    def step(self, verb: str, *moved: Transfer) -> None:
        self.mark("before")
        for one in moved:
            self.wallet[ETH] += one.amount * ((one.target == "me") - (one.source == "me"))
        self.vaults -= sum(one.amount for one in moved if one.source == "vaults")
        at, result = Block(self.seq * 10, 1), Result(transfers=moved)
        self.record.append(Recorded(self.seq, at, "op", ETH, "p", 0, "seq", verb, Filled(), Costs(), result=result))
        self.seq += 1
        self.mark("after")


def test_fees_and_costs_stand_in_rows_of_their_own():
    role = Role()
    books = post(role.record, role.marks)
    books.check()
    got = module.waterfall(books)
    value = {line.key: line.value for line in got.lines}
    assert got.families == ("operator",)
    assert value["takings"] == 5 * 2_000_000_000
    assert value["da"] == -2 * 2_000_000_000
    assert value["proving"] == -2_000_000_000
    assert value["sharing"] == -3_000_000_000
    assert value["takings_move"] == 5 * 1_000_000_000
    assert value["drift"] == -3 * 1_000_000_000  # the three that had gone for data and proofs
    assert value["hodl"] == 10 * 1_000_000_000
    assert got.keep == 11 * 3_000_000_000 - 10 * 2_000_000_000 and got.unexplained == 0


@pytest.mark.parametrize("key", ["takings", "da", "proving", "sharing", "takings_move"])
def test_a_row_left_out_is_caught(key: str, monkeypatch: pytest.MonkeyPatch):
    role = Role()
    monkeypatch.setattr(module, "ROWS", tuple(row for row in ROWS if row.key != key))
    with pytest.raises(InvariantBroken):
        module.waterfall(post(role.record, role.marks))


@pytest.mark.parametrize(
    ("kind", "family", "move"), [("carry", "operator", "takings_move"), ("float", "relay", "fills_move")]
)
def test_other_roles_have_rows_of_their_own_that_are_missed(
    kind: str, family: str, move: str, monkeypatch: pytest.MonkeyPatch
):
    role, income = Role(kind), {"carry": "carry", "float": "fills"}[kind]
    books = post(role.record, role.marks)
    got = module.waterfall(books)
    value = {line.key: line.value for line in got.lines}
    assert got.families == (family,) and got.unexplained == 0
    assert value[income] == 5 * 2_000_000_000 and value[move] == 5 * 1_000_000_000
    for key in (income, move):
        monkeypatch.setattr(module, "ROWS", tuple(row for row in ROWS if row.key != key))
        with pytest.raises(InvariantBroken):
            module.waterfall(books)


def test_a_cost_that_comes_out_of_the_vaults_unsaid_is_caught():
    role = Role()
    last = role.record[-1]
    assert last.result is not None
    (taken, _share) = last.result.transfers
    role.record[-1] = Recorded(
        last.seq, last.at, "op", ETH, "p", 0, "seq", "collect", Filled(), Costs(), result=Result(transfers=(taken,))
    )
    with pytest.raises(InvariantBroken, match="wallet"):
        post(role.record, role.marks)
