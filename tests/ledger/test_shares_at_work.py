"""Shares of a vault as other things are done with them: bought, lent at interest, seized, slashed, and put into a queue."""

from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.errors import InvariantBroken
from tidemill.interfaces import (
    Befell,
    Block,
    Costs,
    Filled,
    Happened,
    Mark,
    Position,
    Rate,
    Recorded,
    Result,
    Transfer,
)  # fmt: skip
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home
from tidemill.ledger.waterfall import Waterfall, waterfall

ETH, SHARE = "WETH@op", "wstETH@op"
E18 = 10**18


class Life:
    """A wallet with 120 WETH, a share worth 1.2 of it, a pool, a bank that takes shares, and a queue."""

    def __init__(self) -> None:
        self.wallet = {ETH: 120 * E18}
        self.rate = 1_200
        self.positions: dict[str, Position] = {}
        self.marks: list[Mark] = []
        self.record: list[Recorded | Befell] = []
        self.seq, self.time = 0, 1_000
        self.mark("start")

    def mark(self, why: str, *, parent: bool = False) -> None:
        rates = {SHARE: Rate("rate", {ETH: self.rate}, 1_000)}
        prices = {ETH: price_of_home(18)}
        held = tuple(self.positions.values())
        self.marks.append(Mark(self.seq, self.time, why, dict(self.wallet), held, prices, rates, parent=parent))
        self.seq, self.time = self.seq + 1, self.time + 10

    def hold(self, name: str, kind: str, amounts: dict[str, int], size: int = 1) -> None:
        self.positions.pop(name, None)
        if amounts:
            self.positions[name] = Position(name, name.partition("#")[0], kind, {"size": size}, amounts, {})

    def step(self, venue: str, verb: str, **moves: int) -> None:
        """Moves of WETH and shares into the wallet (negative: out of it); the mark ahead is already there."""
        transfers = []
        for name, amount in moves.items():
            token = ETH if name == "eth" else SHARE
            self.wallet[token] = self.wallet.get(token, 0) + amount
            other = (venue, "me") if amount > 0 else ("me", venue)
            transfers.append(Transfer(token, *other, abs(amount)))
        at, result = Block(self.time, 1), Result(transfers=tuple(transfers))
        self.record.append(Recorded(self.seq, at, "op", ETH, "p", 0, venue, verb, Filled(), Costs(), result=result))
        self.seq += 1

    def befall(self, position: str, cause: str, **amounts: int) -> None:
        named = {ETH if name == "eth" else SHARE: amount for name, amount in amounts.items()}
        happened = Happened(position.partition("#")[0], position, cause, named, Block(self.time, 1))
        self.record.append(Befell(self.seq, happened))
        self.seq += 1

    def buy(self, eth: int, shares: int, *, parent: bool = False) -> None:
        self.mark("before", parent=parent)
        self.step("pool", "swap_exact_in", eth=-eth, share=shares)
        self.mark("after")

    def supply(self, shares: int) -> None:
        self.mark("before")
        self.step("bank", "supply", share=-shares)
        self.hold("bank#supply", "supply", {SHARE: shares})
        self.mark("after")

    def told(self) -> tuple[dict[str, int], Waterfall]:
        self.mark("end")
        books = post(self.record, self.marks)
        books.check()
        found = waterfall(books)
        assert found.unexplained == 0
        return {line.key: line.value for line in found.lines} | {"keep": found.keep}, found


@pytest.mark.parametrize("parent", [False, True])
def test_both_legs_of_a_trade_count_and_what_they_differ_by_is_its_cost(*, parent: bool) -> None:
    life = Life()
    life.buy(120 * E18, 99 * E18, parent=parent)  # worth 118.8
    life.rate = 1_260
    rows, _ = life.told()
    assert rows["swaps"] == -1_200_000
    assert rows["growth"] == 5_940_000
    assert rows["keep"] == 4_740_000


def test_a_sale_in_a_depeg_is_the_exit_s_loss() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.mark("before")
    life.step("pool", "swap_exact_in", eth=108 * E18, share=-100 * E18)
    life.record[-1] = structs.replace(life.record[-1], phase="exit")
    life.mark("after")
    rows, _ = life.told()
    assert (rows["swaps"], rows["exit"], rows["keep"]) == (0, -12_000_000, -12_000_000)


def test_interest_paid_in_shares_is_interest_and_the_rate_is_growth() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.supply(60 * E18)
    life.rate = 1_250
    life.hold("bank#supply", "supply", {SHARE: 62 * E18})
    rows, _ = life.told()
    assert rows["interest"] == 2_500_000  # two shares at 1.25
    assert rows["growth"] == 5_000_000  # a hundred shares by 0.05
    assert rows["keep"] == 7_500_000


def test_a_unit_that_another_venue_rounds_off_is_rounding() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.mark("before")
    life.step("bank", "supply", share=-60 * E18)
    life.hold("bank#supply", "supply", {SHARE: 60 * E18 - 1})
    life.mark("after")
    rows, _ = life.told()
    assert rows["keep"] == -1  # less than a millionth, rounded down


def test_shares_that_come_from_nowhere_are_noticed() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.wallet[SHARE] += 1
    with pytest.raises(InvariantBroken, match="wallet's wstETH"):
        life.told()


@pytest.mark.parametrize("parent", [False, True])
def test_collateral_in_shares_that_is_seized_is_a_loss_of_what_they_stand_for(*, parent: bool) -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.supply(100 * E18)
    life.mark("before")
    life.step("bank", "borrow", eth=50 * E18)
    life.hold("bank#debt", "debt", {ETH: -50 * E18})
    life.mark("after")
    life.mark("before", parent=parent)
    life.befall("bank#supply", "liquidated", share=-10 * E18)
    life.befall("bank#debt", "liquidated", eth=11 * E18)
    life.hold("bank#supply", "supply", {SHARE: 90 * E18}, size=2)
    life.hold("bank#debt", "debt", {ETH: -39 * E18}, size=2)
    life.mark("after")
    rows, _ = life.told()
    assert rows["events"] == -1_000_000  # 12 for 11
    assert rows["keep"] == -1_000_000


def test_a_seizure_said_wrong_is_noticed() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.supply(100 * E18)
    life.mark("before")
    life.befall("bank#supply", "liquidated", share=-9 * E18)
    life.hold("bank#supply", "supply", {SHARE: 90 * E18}, size=2)
    life.mark("after")
    with pytest.raises(InvariantBroken, match="liquidated is said to change"):
        life.told()


def test_slashing_and_the_queue() -> None:
    life = Life()
    life.buy(120 * E18, 100 * E18)
    life.mark("before")
    life.step("rate", "request_withdrawal", share=-40 * E18)
    life.hold("rate#1", "withdrawal", {ETH: 48 * E18})
    life.mark("after")
    life.mark("before", parent=True)
    life.rate = 1_140
    life.befall("rate#1", "slashed", eth=-2_400_000_000_000_000_000)
    life.befall("rate#shares", "slashed", eth=-3_600_000_000_000_000_000)
    life.hold("rate#1", "withdrawal", {ETH: 45_600_000_000_000_000_000})
    life.mark("after")
    life.rate = 1_150
    life.hold("rate#1", "withdrawal", {ETH: 46 * E18})  # it may come back, up to its cap
    life.mark("sample")
    life.mark("before")
    life.step("rate", "claim", eth=46 * E18)
    life.hold("rate#1", "withdrawal", {})
    life.mark("after")
    rows, found = life.told()
    assert rows["events"] == -6_000_000
    assert rows["growth"] == 600_000 + 400_000
    assert rows["keep"] == -5_000_000
    assert found.families == ("vault",)
