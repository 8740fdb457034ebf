"""A market in a study: what others draw, what is refused, and a loan of one's own that is liquidated piece by piece."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

import tidemill
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Befell, Block
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.venues.kinds import Setup, kind
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.stage import MarketStage
from tidemill.venues.shared.scripted import Scripted

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "morpho_supply.toml"
LOAN = """
from msgspec import Struct
from tidemill.interfaces import All, Decision, Intent, Plan

class Own(Struct, frozen=True):
    venue: str
    asset: str

    def decide(self, view, memo, news):
        held = {p.id.partition("#")[2]: p.data["size"] for p in view.positions}
        if view.in_flight:
            return Decision()
        if view.why == "start":
            put = Intent(self.venue, "supply_collateral", {"assets": All("WETH@op-mainnet")})
            return Decision((Plan((put, Intent(self.venue, "borrow", {"assets": 15_300 * 10**6}))),))
        if view.why == "end" and held:
            pay = Intent(self.venue, "repay", {"shares": held["debt"]})
            back = Intent(self.venue, "withdraw_collateral", {"assets": held["collateral"]})
            return Decision((Plan((pay, back)),))
        return Decision()
"""


def placed(**params: Any) -> MarketStage:
    """The example's market with other parameters."""
    told = {name: default for name, (default, _meaning) in kind("morpho_blue").params.items()}
    told |= {"loan": "USDC", "collateral": "WETH", "price": "3000", **params}
    made = kind("morpho_blue").place(
        Setup(
            "market",
            "op-mainnet",
            "small",
            told,
            {"USDC": 6, "WETH": 18},
            None,
            Random,
            lambda time: Block(time=time, number=time // 2),
            1_735_689_600,
            1_735_689_600 + 20 * 86_400,
        )
    )
    stage = made.make()
    assert isinstance(stage, MarketStage)
    return stage


@pytest.mark.parametrize("rate", ["adaptive_curve", "utilisation", "none"])
def test_others_lend_and_borrow_about_the_utilisation_asked_for(rate: str) -> None:
    stage = placed(rate=rate, utilisation_bps=7_000, oracle_move_bps=300, fee_bps=1_000)
    assert {i.block for i in stage.script} == {i.block for i in placed(rate=rate, oracle_move_bps=300).script}
    every = []
    for item in stage.script:
        stage.advance(item.block)
        market = stage.state.markets["market"]
        if market.supply_assets:
            every.append(market.borrow_assets * 10_000 // market.supply_assets)
    assert 5_500 < sum(every[10:]) // len(every[10:]) < 8_000
    verbs = Counter(item.action.verb for item in stage.script)
    assert {"supply", "withdraw", "borrow", "repay", "supply_collateral", "set_price", "set_fee"} <= set(verbs)
    assert (stage.state.markets["market"].of("owner").supply_shares > 0) == (rate != "none")


def test_nothing_lent_where_nothing_is_wanted() -> None:
    stage = placed(utilisation_bps=0)
    stage.advance(stage.script[6].block)
    assert stage.state.markets["market"].borrow_assets == 0


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"loan": "USDT"}, "decimals of USDT are not known"),
        ({"rate": "fixed"}, "a rate is adaptive_curve, utilisation, none"),
        ({"lltv_bps": 10_000}, "must be 1 to 9999"),
        ({"fee_bps": 2_501}, "must be 0 to 2500"),
        ({"supplied": 0}, "others must have supplied"),
        ({"price": "0"}, "more than 0"),
        ({"price": "cheap"}, "market.params.price"),
        ({"liquidation_lot": "0.0000000000000000001"}, "market.params.liquidation_lot"),
    ],
)
def test_parameters_that_make_no_market_are_named(params: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        placed(**params)


def test_a_loan_of_ones_own_is_liquidated_and_the_books_balance(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(LOAN)
    text = (
        EXAMPLE.read_text().replace("lend.py:Lend", "own.py:Own").replace('USDC = "20000"', 'USDC = "5000"\nWETH = "6"')
    )
    text = text.replace("oracle_move_bps = 100", 'oracle_move_bps = 250\nliquidation_lot = "0.5"')
    (tmp_path / "study.toml").write_text(text)
    loaded = tidemill.load(tmp_path / "study.toml")
    played = Backtest(prepare(loaded.study)).play()
    befell = [one.happened for one in played.outcomes.record if isinstance(one, Befell)]
    assert len(befell) >= 4
    assert {one.cause for one in befell} == {"liquidated"}
    assert {one.position for one in befell} == {"market#collateral", "market#debt"}
    for one in befell:
        ((token, amount),) = one.amounts.items()
        assert amount == -(10**18) // 2 if token.startswith("WETH") else amount > 10**9
    document = loaded.run().document
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["events"] < 0 > rows["borrowing"]
    assert abs(document.unexplained) <= document.unexplained_bound


def test_a_liquidation_ahead_wakes_before_any_other_condition() -> None:
    stage = placed(utilisation_bps=5_000)
    start = stage.script[0].block
    later = [Block(time=start.time + n, number=start.number + n) for n in range(1, 9)]
    stage.advance(start)
    for verb, args in (("supply_collateral", {"assets": 10**18}), ("borrow", {"assets": 2_500 * 10**6})):
        assert stage.play(Scripted(start, "me", Action(verb, args)))
    strike = Action("liquidate", {"borrower": "me", "seized": 10**18})
    stage.script, stage.played = (
        [
            Scripted(later[0], "liquidator", strike),
            Scripted(later[2], "oracle", Action("set_price", {"price": 1_500 * 10**24})),
            Scripted(later[3], "liquidator", strike),
            Scripted(later[5], "liquidator", strike),
        ],
        0,
    )
    assert stage.next_wake((), later[2]) is None
    assert stage.next_wake((), later[7]) == later[3]
    assert stage.advance(later[2]) == ()
    collateral, debt = stage.advance(later[7])
    assert (collateral.position, dict(collateral.amounts)) == ("market#collateral", {"WETH@op-mainnet": -(10**18)})
    assert debt.position == "market#debt"
    assert debt.amounts["USDC@op-mainnet"] >= 2_500 * 10**6  # repaid, and the rest written off
    assert MorphoModel().positions(stage.state, "market", "me", later[7].time, lambda _t, _a: 0) == ()
    assert stage.next_wake((), later[7]) is None
