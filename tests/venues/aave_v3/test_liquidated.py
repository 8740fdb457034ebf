"""A loan of one's own at a market whose oracle falls: foreseen, told position by position, and a loss in the books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tidemill
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Befell, Block, Happened, Result, Revert, Transfer
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.versions import VERSIONS
from tidemill.venues.shared.loans import LoanStage
from tidemill.venues.shared.scripted import Scripted

ETH, USD = "WETH@op-mainnet", "USDC@op-mainnet"
BORROW = """
from msgspec import Struct
from tidemill.interfaces import Decision, Intent, Plan

class Own(Struct, frozen=True):
    venue: str
    asset: str

    def decide(self, view, memo, news):
        held = {p.id.partition("#")[2]: p for p in view.positions}
        if view.in_flight:
            return Decision()
        weth = self.asset.replace("USDC", "WETH")
        if view.why == "start":
            put = Intent(self.venue, "supply", {"asset": weth, "amount": 6 * 10**18})
            take = Intent(self.venue, "borrow", {"asset": self.asset, "amount": 13_000 * 10**6})
            return Decision((Plan((put, take)),))
        if view.why == "end" and held:
            everything = 2**256 - 1
            steps = []
            if "debt" in held:
                steps.append(Intent(self.venue, "repay", {"asset": self.asset, "amount": everything}))
            if weth in held["supply"].principal:
                steps.append(Intent(self.venue, "withdraw", {"asset": weth, "amount": everything}))
            return Decision((Plan(tuple(steps)),))
        return Decision()
"""
STUDY = """
title = "A loan that falls"
network = "op-mainnet"
strategy = "own.py:Own"
home = "USDC"
start = 2025-01-01T00:00:00Z
end = 2025-01-11T00:00:00Z
[capital]
USDC = "3000"
WETH = "6"
ETH = "0.01"
[tokens]
USDC = 6
WETH = 18
[prices]
ETH = "3000"
WETH = "3000"
[venues.aave]
kind = "aave_v3"
[venues.aave.params]
asset = "USDC"
collateral = "WETH"
price_path = "2:3000 6:2600"
oracle_move_bps = 20
liquidation_cover = 1_000
[parameters]
venue = "aave"
asset = "USDC@op-mainnet"
[fees.op-mainnet]
base_fee_gwei = "0.002"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "1"
[rehearse]
actions = 400
seconds = 5
"""
MOVES = 'price_path = "2:3000 6:2600"\noracle_move_bps = 20'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(BORROW)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def of_version(study: Path, version: str) -> Path:
    study.write_text(STUDY.replace('asset = "USDC"\n', f'asset = "USDC"\nversion = "{version}"\n', 1))
    return study


either = pytest.mark.parametrize("version", VERSIONS)


def told(record: Any) -> list[Happened]:
    return [one.happened for one in record if isinstance(one, Befell)]


@either
def test_a_loan_is_liquidated_and_the_books_balance(study: Path, version: str) -> None:
    loaded = tidemill.load(of_version(study, version))
    befell = told(Backtest(prepare(loaded.study)).play().outcomes.record)
    assert len(befell) >= 4
    assert {one.cause for one in befell} == {"liquidated"}
    assert {one.position for one in befell} == {"aave#supply", "aave#debt"}
    for one in befell:
        ((token, amount),) = one.amounts.items()
        assert (token, amount < 0) == ((ETH, True) if one.position.endswith("supply") else (USD, False))
    document = loaded.run().document
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["events"] < 0
    assert abs(document.unexplained) <= document.unexplained_bound


@pytest.mark.chain
@either
def test_the_same_on_real_contracts_to_the_wei(study: Path, version: str) -> None:
    comparison = tidemill.load(of_version(study, version)).rehearse("locked", "model")
    assert comparison.document.agrees, comparison.document.differences
    assert {row.difference for row in comparison.document.balances} == {0}
    befell = told(comparison.chain.record)
    assert befell == told(comparison.model.record)
    assert {one.position for one in befell} == {"aave#supply", "aave#debt"}


@pytest.mark.chain
@either
def test_a_chain_that_mines_by_itself_liquidates_and_is_told_of(study: Path, version: str) -> None:
    comparison = tidemill.load(of_version(study, version)).rehearse("live-like", "model")
    document = comparison.document
    assert document.agrees and document.books_equal, document.differences
    assert {row.difference for row in document.balances} == {0}
    befell = told(comparison.chain.record)
    assert {one.position for one in befell} == {"aave#supply", "aave#debt"}
    assert len(befell) >= 4 and {one.cause for one in befell} == {"liquidated"}


WATCHING = """
from msgspec import Struct
from tidemill.interfaces import Crosses, Decision, Every

class Watching(Struct, frozen=True):
    venue: str

    def decide(self, view, memo, news):
        said, now = view.oracle("aave:WETH"), view.at["op-mainnet"].time
        real = view.read(self.venue, "getAssetPrice", "WETH@op-mainnet")
        assert said.answer == real, (said, real, view.why)
        assert said.updated_at <= now and not said.stale
        falls = Crosses("aave:WETH", "price", 2_500 * 10**8, above=False)
        return Decision(wake=(Every(7_777), falls) if said.answer >= 2_500 * 10**8 else (Every(7_777),))
"""


@pytest.mark.chain
@pytest.mark.parametrize("real", [False, True])
def test_the_oracle_object_says_what_the_contract_reads(study: Path, *, real: bool) -> None:
    (study.parent / "own.py").write_text(WATCHING)
    path = 'price_path = "2:3000 3:2000.5"\noracle_move_bps = 20\noracle_lag_s = 600\noracle_heartbeat_s = 9000'
    text = STUDY.replace("own.py:Own", "own.py:Watching").replace(MOVES, path)
    study.write_text(
        text.replace('asset = "USDC@op-mainnet"\n', "").replace('USDC = "3000"\nWETH = "6"', 'USDC = "3000"')
    )
    loaded = tidemill.load(study)
    if real:
        comparison = loaded.rehearse("locked", "model")
        assert comparison.document.agrees, comparison.document.differences
        outcomes = comparison.chain
    else:
        outcomes = Backtest(prepare(loaded.study)).play().outcomes
    falls = [mark.time for mark in outcomes.marks if mark.why == "decision"]
    # Between two wakes of the cadence it woke when the answer fell below 2,500, at noon of the third day and 600 s.
    assert any((time - 1_735_689_600) % 7_777 > 2 for time in falls)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("x", "a point is DAY:PRICE"),
        ("1:cheap", "a point is DAY:PRICE"),
        ("0:1", "days rise from 1"),
        ("1:0", "above 0"),
    ],
)
def test_a_path_that_is_none_is_named(study: Path, path: str, says: str) -> None:
    study.write_text(STUDY.replace(MOVES, f'price_path = "{path}"'))
    with pytest.raises(BadInput, match=says):
        prepare(tidemill.load(study).study)


def test_a_heartbeat_is_whole_minutes(study: Path) -> None:
    study.write_text(STUDY.replace(MOVES, f"{MOVES}\noracle_heartbeat_s = 90"))
    with pytest.raises(BadInput, match="whole minutes"):
        prepare(tidemill.load(study).study)


class Outside:
    """What an action of the world's account, or of an actor in it, is told."""

    def __init__(self, block: Block, sender: str) -> None:
        self.block, self.sender = block, sender

    def balance(self, token: str, account: str) -> int:
        return 1 << 100

    def call(self, venue: str, action: Action) -> Result:
        raise Revert(f"no {venue}")

    def move(self, transfer: Transfer) -> None:
        raise Revert(f"no {transfer}")


def at(number: int) -> Block:
    return Block(time=1_000 + 2 * number, number=number)


def standing() -> LoanStage[Any]:
    """Six WETH at 3,000 stand behind 13,400 USDC of mine; 80 % is the threshold."""
    reserves = [
        {
            "asset": token,
            "account": f"market:a{token}",
            "decimals": decimals,
            "config": {"ltv": 7_500, "threshold": 8_000, "bonus": 10_500, "reserve_factor": 1_000},
            "curve": {"optimal": 9 * 10**26, "base": 0, "slope1": 55 * 10**24, "slope2": 4 * 10**26},
        }
        for token, decimals in ((USD, 6), (ETH, 18))
    ]
    state = {"treasury": "treasury", "reserves": reserves, "prices": {USD: 10**8, ETH: 3_000 * 10**8}}
    model = MarketModel()
    stage = LoanStage("aave", "op-mainnet", f"market:a{USD}", model, model.init(state), [], lambda t: at(t // 2))
    assert stage.play(Scripted(at(1), "lender", Action("supply", {"asset": USD, "amount": 10**12})))
    stage.advance(at(1))
    stage.apply(Action("supply", {"asset": ETH, "amount": 6 * 10**18}), Outside(at(1), "me"))
    stage.apply(Action("borrow", {"asset": USD, "amount": 13_400 * 10**6}), Outside(at(1), "me"))
    return stage


def price(number: int, dollars: int) -> Scripted:
    return Scripted(at(number), "oracle", Action("set_price", {"asset": ETH, "price": dollars * 10**8}))


def strike(number: int, cover: int = 10**9, user: str = "me") -> Scripted:
    args = {"collateral": ETH, "debt": USD, "user": user, "cover": cover, "receive_supply": False}
    return Scripted(at(number), "liquidator", Action("liquidate", args))


def test_the_first_liquidation_that_succeeds_is_foreseen_and_told_once() -> None:
    stage = standing()
    stage.script = [strike(3), price(5, 2_700), strike(7), price(9, 3_000), strike(11)]
    assert stage.next_wake((), at(6)) is None
    assert stage.next_wake((), at(20)) == at(7)
    assert stage.next_wake((), at(6)) is None  # also once the one behind is known
    assert stage.advance(at(6)) == ()
    assert stage.refused == 1
    assert stage.next_wake((), at(20)) == at(7)
    supply, debt = stage.advance(at(20))
    # 1,000 USDC paid at 2,700 a WETH, and 5 % more.
    assert (supply.position, dict(supply.amounts)) == ("aave#supply", {ETH: -388_888_888_888_888_889})
    assert (debt.position, dict(debt.amounts)) == ("aave#debt", {USD: 10**9})
    assert (supply.at, debt.at, supply.cause, debt.cause) == (at(7), at(7), "liquidated", "liquidated")
    assert stage.advance(at(30)) == ()
    assert stage.next_wake((), at(40)) is None


def test_what_one_does_in_between_changes_what_is_foreseen() -> None:
    stage = standing()
    stage.script = [price(5, 2_700), strike(7)]
    assert stage.next_wake((), at(20)) == at(7)
    kept = stage.snapshot()
    stage.apply(Action("repay", {"asset": USD, "amount": 5_000 * 10**6}), Outside(at(2), "me"))
    assert stage.next_wake((), at(20)) is None
    stage.restore(kept)
    assert stage.next_wake((), at(20)) == at(7)
    stage.apply(Action("repay", {"asset": USD, "amount": (1 << 256) - 1}), Outside(at(2), "me"))
    assert stage.next_wake((), at(20)) is None  # nothing is owed
    assert stage.advance(at(20)) == ()


def test_an_actor_of_the_world_is_told_of_as_well_and_can_be_undone() -> None:
    stage = standing()
    stage.script = [price(5, 2_700), strike(8, user="somebody")]
    stage.advance(at(6))
    kept = stage.snapshot()
    stage.apply(strike(7).action, Outside(at(7), "liquidator"))
    stage.restore(kept)
    assert stage.advance(at(7)) == ()
    with pytest.raises(Revert):
        stage.apply(strike(7, cover=0).action, Outside(at(7), "liquidator"))
    stage.apply(strike(7).action, Outside(at(7), "liquidator"))
    assert [one.position for one in stage.advance(at(7))] == ["aave#supply", "aave#debt"]
    assert stage.next_wake((), at(20)) is None  # who else falls is not one's own affair
