"""A plan: lists are doubted by their rules, expectations add up, and the solver finds what brute force finds."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.canonical import result_hash
from tidemill.studies.plan.allocate import Problem, allocate, group_caps
from tidemill.studies.plan.asked import Asked, Cap, parse_have, parse_horizon
from tidemill.studies.plan.document import PlanDocument
from tidemill.studies.plan.doubts import Rules, sift
from tidemill.studies.plan.expect import expect, scenarios
from tidemill.studies.plan.opportunities import parse_list, read_list
from tidemill.studies.plan.plan import plan

ON = dt.date(2026, 11, 21)
ROW = {
    "chain": "Base",
    "project": "aave-v3",
    "symbol": "USDC",
    "tvlUsd": 50e6,
    "apyBase": 5.0,
    "apyReward": None,
    "apy": 5.0,
    "apyMean30d": 5.5,
    "stablecoin": True,
    "ilRisk": "no",
    "outlier": False,
    "count": 400,
    "pool": "p",
    "rewardTokens": None,
}


def rows(*changes: dict[str, Any]) -> list[Any]:
    return parse_list([{**ROW, "pool": f"p{i}", **change} for i, change in enumerate(changes)])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"apy": None, "apyBase": None}, "no rate"),
        ({"apy": float("nan"), "apyBase": "5"}, "no rate"),
        ({"apy": -3.0}, "no rate"),
        ({"tvlUsd": None}, "unknown tvl"),
        ({"tvlUsd": -5}, "unknown tvl"),
        ({"tvlUsd": 999_999.0}, "small"),
        ({"chain": "Solana"}, "no network"),
        ({"apy": 0.0, "apyBase": 0.0, "rewardTokens": ["0x1"]}, "points only"),
        ({"apy": 0, "apyBase": None}, "points only"),
        ({"outlier": True}, "outlier"),
        ({"apy": 100.01}, "absurd"),
        ({"apy": 1e14}, "absurd"),
        ({"count": 29}, "young"),
    ],
)
def test_what_is_not_believed(change: dict[str, Any], rule: str) -> None:
    kept, doubts = sift(rows(change, {}), Rules())
    assert [doubt.rule for doubt in doubts] == [rule]
    assert len(kept) == 1


def test_what_is_believed_of_a_rate() -> None:
    (plain, spiked, paid), doubts = sift(
        rows(
            {"apy": 8.0, "apyBase": 8.0, "apyMean30d": 9.0},
            {"apy": 12.0, "apyBase": 12.0, "apyMean30d": 3.0},
            {"apy": 3.0, "apyBase": 1.0, "apyReward": 2.0, "apyMean30d": None},
        ),
        Rules(reward_bps=5_000),
    )
    assert not doubts
    assert (plain.base_bps, plain.reward_bps, plain.notes) == (800, 0, ())
    assert (spiked.base_bps, spiked.bps) == (300, 300) and "3.00 %, today 12.00 %" in spiked.notes[0]
    assert (paid.base_bps, paid.reward_bps) == (100, 100)
    (both,), _ = sift(rows({"apy": 30.0, "apyBase": 10.0, "apyReward": 20.0, "apyMean30d": 15.0}), Rules())
    assert (both.base_bps, both.reward_bps) == (500, 500)  # 15 % of which two thirds are rewards, by half


def test_the_same_row_again_is_one_and_another_is_a_contradiction() -> None:
    again = [{**ROW}, {**ROW}, {**ROW, "pool": "q"}, {**ROW, "pool": "q", "apy": 9.0}]
    kept, doubts = sift(parse_list(again), Rules())
    assert [one.opportunity.id for one in kept] == ["p"]
    said = [(doubt.opportunity.row, doubt.opportunity.id, doubt.rule) for doubt in doubts]
    assert said == [(2, "p", "repeated"), (3, "q", "contradiction"), (4, "q", "contradiction")]


@pytest.mark.parametrize("change", [{"symbol": "USDT"}, {"apyBase": 1.0, "apyReward": 4.0}, {"stablecoin": False}])
def test_an_id_that_says_two_things_is_believed_in_neither(change: dict[str, Any]) -> None:
    kept, doubts = sift(parse_list([ROW, {**ROW, **change}]), Rules())
    assert not kept and [doubt.rule for doubt in doubts] == ["contradiction"] * 2
    spelled = parse_list([{**ROW, "chain": "Arbitrum"}, {**ROW, "chain": "Arbitrum One"}])
    assert [doubt.rule for doubt in sift(spelled, Rules())[1]] == ["repeated"]


def test_nothing_below_zero_makes_more_believable() -> None:
    (lost, fell), doubts = sift(rows({"apy": 4.0, "apyReward": -1.0}, {"apyMean30d": -2.0}), Rules())
    assert not doubts
    assert (lost.base_bps, lost.reward_bps) == (400, 0)  # of 5 % and -1 % no more than the 4 % displayed
    assert fell.bps == 0 and "its mean of 30 days is -2.00 %" in fell.notes[0]


def test_a_rate_given_in_parts_alone_is_displayed_whole() -> None:
    (parted,), _ = sift(rows({"apy": None, "apyReward": 4.0, "apyMean30d": None}), Rules())
    assert parted.opportunity.displayed_bps == 900 and (parted.base_bps, parted.reward_bps) == (500, 200)
    assert expect(parted, 365, ON).displayed == pytest.approx(0.09)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_a_number_beyond_all_costs_its_row_alone_and_names_stay_as_they_are(number: str, tmp_path: Path) -> None:
    good = json.dumps({**ROW, "project": "NaN Infinity"})
    (tmp_path / "list.json").write_text("\ufeff[" + good.replace("50000000.0", number) + f", {good}]")
    found = read_list(tmp_path / "list.json")
    assert [one.tvl for one in found] == [None, 50 * 10**12]
    assert [one.project for one in found] == ["NaN Infinity"] * 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "not JSON"),
        ("{}", "expected a list of rows"),
        ("[]", "0 rows; between 1 and"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(BadInput, match=said):
        read_list(tmp_path / "list.json")


def test_rows_that_are_none_cost_no_others() -> None:
    odd = [
        5,
        None,
        {},
        {"chain": "Base", "project": "x"},
        {"chain": 7, "project": "x", "symbol": "y"},
        {**ROW, "symbol": " "},
    ]
    kept, doubts = sift(parse_list([*odd, ROW]), Rules())
    assert [one.opportunity.name for one in kept] == ["aave-v3 USDC on base"]
    assert {doubt.rule for doubt in doubts} == {"unreadable"} and len(doubts) == len(odd)
    assert doubts[0].opportunity.name == "row 1" and "row 4 does not say" in doubts[3].why


def test_a_messy_list_of_twelve_thousand(tmp_path: Path) -> None:
    """Whatever stands in a row, it is believed or left out by a rule: none is lost, and none raises."""
    rng = random.Random(9)
    odd: list[Any] = [None, float("nan"), -1, 0, 1e300, "12", True, [], 5.5, 1e7, 3]
    keys = (
        "tvlUsd",
        "apyBase",
        "apyReward",
        "apy",
        "apyMean30d",
        "stablecoin",
        "ilRisk",
        "outlier",
        "count",
        "rewardTokens",
    )
    messy = [
        {
            **ROW,
            "pool": f"m{i}",
            "chain": rng.choice(["Base", "Optimism", "Nowhere"]),
            **{k: rng.choice(odd) for k in keys},
        }
        for i in range(12_000)
    ]
    (tmp_path / "list.json").write_text(json.dumps({"data": messy}))
    kept, doubts = sift(read_list(tmp_path / "list.json"), Rules())
    assert len(kept) + len(doubts) == 12_000
    assert kept and all(0 <= one.bps <= 10_000 for one in kept)
    assert len({doubt.rule for doubt in doubts}) >= 5


@pytest.mark.parametrize("said", ["no", "", None, "NO", "yes"])
def test_unlike_tokens_part_whatever_the_list_says(said: str | None) -> None:
    pool = {"symbol": "USDC-WETH", "project": "uniswap-v3", "stablecoin": False, "ilRisk": said}
    market = {"symbol": "WETH-USDC", "project": "morpho-v1", "stablecoin": False, "ilRisk": "no"}
    alike = {"symbol": "WSTETH-WETH", "project": "uniswap-v3", "stablecoin": False, "ilRisk": "no"}
    assert [one.diverges for one in rows(pool, market, alike)] == [True, False, False]


def test_rates_of_many_years_do_not_live_on_a_few_absurd_ones() -> None:
    kept, _ = sift(rows({}), Rules())
    for days in (365, 5 * 365):
        expected = expect(kept[0], days, ON)
        drawn = np.sort(scenarios([expected], days, 20_001)[:, 0])
        spared = np.exp(-(0.8**2) / 2)  # what the median of a level is to its mean of 1, after a year or five
        assert drawn[len(drawn) // 2] == pytest.approx(expected.base * spared, rel=0.1)


def test_an_expectation_adds_up_and_scenarios_have_its_mean() -> None:
    kept, _ = sift(
        rows(
            {},
            {
                "symbol": "USDC-WETH",
                "project": "uniswap-v2",
                "ilRisk": "yes",
                "stablecoin": False,
                "apy": 9.0,
                "apyBase": 9.0,
            },
            {"project": "somebody", "apy": 4.0, "apyBase": 1.0, "apyReward": 3.0},
        ),
        Rules(),
    )
    expected = [expect(one, 365, ON) for one in kept]
    pool = next(one for one in expected if one.believed.opportunity.diverges)
    lent = next(one for one in expected if one.believed.opportunity.kind == "aave_v3")
    unknown = next(one for one in expected if one.believed.opportunity.project == "somebody")
    assert pool.divergence == pytest.approx(-(0.7**2) / 8) and lent.divergence == 0
    assert lent.base == pytest.approx(0.05) and unknown.reward == pytest.approx(0.015)
    assert unknown.loss < lent.loss < 0  # what nobody has facts about is expected to lose more
    drawn = scenarios(expected, 365, 40_000)
    for column, one in enumerate(expected):
        net = (1 + one.base + one.reward + one.divergence) * (1 + one.loss) - 1
        error = drawn[:, column].std() / 200
        assert abs(drawn[:, column].mean() - net) < 4 * error, one.believed.opportunity.name
    half = expect(kept[0], 182, ON)
    assert half.base == pytest.approx(kept[0].base_bps / 1e4 * 182 / 365)


def test_what_shares_a_network_falls_together() -> None:
    kept, _ = sift(
        rows({"project": "a"}, {"project": "b"}, {"project": "c", "chain": "Optimism", "symbol": "DAI"}), Rules()
    )
    drawn = scenarios([expect(one, 365, ON) for one in kept], 365, 20_000)
    lost = drawn < -0.1
    together = (lost[:, 0] & lost[:, 1]).mean()
    apart = (lost[:, 0] & lost[:, 2]).mean()
    assert together > 3 * apart


def brute(problem: Problem, step: float) -> float:
    """The best over a grid of parts."""
    best, n = 0.0, len(problem.gain)
    parts = np.arange(0, problem.most + step / 2, step)
    cost = np.asarray(problem.cost) / problem.capital
    for chosen in itertools.product(parts, repeat=n):
        x = np.array(chosen)
        if x.sum() > 1 + 1e-9 or any(x[list(members)].sum() > part + 1e-9 for _, members, part in problem.groups):
            continue
        entered = x > 0
        outcome = problem.returns @ x - cost @ entered
        worst = np.sort(outcome)[: max(int(len(outcome) * problem.worst), 1)]
        if -worst.mean() <= problem.tail + 1e-12:
            best = max(best, float(np.asarray(problem.gain) @ x - cost @ entered))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_solver_is_at_least_as_good_as_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.uniform(-0.01, 0.08, 3)
    returns = gain + rng.normal(0, 0.08, (200, 3)) * rng.uniform(0.2, 2, 3)
    returns -= returns.mean(axis=0) - gain
    caps = group_caps({"network": ["a", "a", "b"]}, {"network": 0.7})
    problem = Problem(1_000.0, gain, returns, rng.uniform(0, 15, 3), 0.6, caps, tail=0.04)
    found = allocate(problem)
    parts = found.amounts / 1_000
    assert found.net >= brute(problem, 0.05) - 1e-9
    assert found.tail <= 0.04 + 1e-6 and parts.sum() <= 1 + 1e-6 and (parts <= 0.6 + 1e-6).all()
    assert parts[0] + parts[1] <= 0.7 + 1e-6
    cost = np.asarray(problem.cost) / 1_000
    assert found.net == pytest.approx(float(gain @ parts - cost @ (parts > 0)), abs=1e-9)


def test_what_binds_is_named_and_small_capital_concentrates() -> None:
    gain, returns = np.array([0.05, 0.049, 0.048]), np.tile([0.05, 0.049, 0.048], (100, 1))
    caps = group_caps({"project": ["x", "y", "z"]}, {"project": 0.4})
    rich = allocate(Problem(1e6, gain, returns, np.full(3, 5.0), 1.0, caps, tail=0.1))
    assert (rich.amounts > 0).sum() == 3 and rich.binding == ("the cap on project x", "the cap on project y")
    poor = allocate(Problem(200.0, gain, returns, np.full(3, 3.95), 1.0, caps, tail=0.1))
    assert (poor.amounts > 0).sum() <= 1
    nothing = allocate(Problem(50.0, gain, returns, np.full(3, 5.0), 1.0, caps, tail=0.1))
    assert not nothing.amounts.any() and nothing.net == 0


def made(**changes: Any) -> PlanDocument:
    offered = rows(
        {},
        {"chain": "Optimism", "apy": 4.0, "apyBase": 4.0},
        {"chain": "Ethereum", "project": "lido", "symbol": "WSTETH", "apy": 3.0, "apyBase": 3.0, "stablecoin": False},
        {"chain": "Unichain", "project": "other", "symbol": "DAI", "apy": 6.0, "apyBase": 6.0},
        {"apy": 900.0},
    )
    asked = {
        "have": {"USDC": "7000", "ETH": "1"},
        "days": 180,
        "risk": "moderate",
        "on": ON,
        "prices": {"USDC": "1", "ETH": "3000"},
        "costs": {},
    }
    return plan(offered, Asked(**{**asked, **changes}), Rules()).document


def test_a_plan_adds_up() -> None:
    document = made()
    assert document.capital == 10_000 * 10**6
    assert document.idle + sum(line.amount for line in document.held) == document.capital
    for line in document.held:
        assert line.net == line.earned + line.rewards + line.divergence + line.losses + line.moving - line.costs
        assert line.part_bps <= 4_000 and line.moving < 0 and line.losses < 0
    assert document.net == sum(line.net for line in document.held) > 0
    assert document.left_out == {"absurd": 1} and document.doubts[0][1] == "absurd"
    quantiles = list(document.quantiles.values())
    assert quantiles == sorted(quantiles) and document.cvar <= quantiles[0]
    assert -document.cvar <= 0.06 * document.capital
    assert document.result_hash == result_hash(document) == made().result_hash
    assert made(risk="low").held != document.held


@pytest.mark.parametrize("capital", ["7000.000001", "1234.567891", "99.999999", "33333.333335"])
def test_no_rounding_puts_in_more_than_there_is(capital: str) -> None:
    caps = (Cap("one", "", 2_501), Cap("exchanged", "", 100))
    have = {"USDC": capital, "ETH": f"{float(capital) / 9_000:.6f}"}  # a quarter of it, about
    document = made(have=have, risk="high", least_bps=10_000, caps=caps, costs={"ethereum": 0})
    assert len(document.held) >= 4 and document.idle >= 0
    assert document.idle + sum(line.amount for line in document.held) == document.capital


def test_more_risk_is_never_worth_less_and_costs_never_more() -> None:
    low, moderate, high = (made(risk=risk).net for risk in ("low", "moderate", "high"))
    assert low <= moderate <= high
    assert made(costs={"base": 60 * 10**6, "op-mainnet": 60 * 10**6}).net < moderate


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"have": {"OP": "5"}}, "price: no price of OP; give --price OP="),
        ({"have": {"USDC": "0"}}, "have: nothing to plan with"),
        ({"have": {"USDC": "9" * 20}}, "have: 99,999,999,999,999,999,999 USD is absurdly much"),
        ({"have": {"USDC": "1.0000001"}}, "have: '1.0000001' has more than the 6 decimals"),
        ({"have": {"ETH": "1"}, "prices": {"ETH": "0.0000001"}}, "price: '0.0000001' has more than the 6 decimals"),
    ],
)
def test_what_cannot_be_planned(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        made(**changes)


def test_nothing_believed_names_the_rules() -> None:
    asked = Asked({"USDC": "10"}, 30, "low", ON, {"USDC": "1"}, {})
    with pytest.raises(BadInput, match=r"nothing of 2 rows is believed \(1 small, 1 absurd\)"):
        plan(rows({"tvlUsd": 5.0}, {"apy": 1e6}), asked, Rules())


def test_words_of_a_person() -> None:
    assert parse_have("10_000 USDC, 3.5 eth") == {"USDC": "10000", "ETH": "3.5"}
    assert [parse_horizon(text) for text in ("180d", "2w", "6m", "1y")] == [180, 14, 180, 365]
    for text in ("10000", "USDC 5", "5 USDC, 5 USDC", ""):
        with pytest.raises(BadInput):
            parse_have(text)
    for text in ("0d", "20y", "soon", "5"):
        with pytest.raises(BadInput):
            parse_horizon(text)


@pytest.mark.parametrize("capital", [2 * 10**8, 10**12])
def test_nobody_puts_more_into_a_pool_than_it_can_bear(capital: int) -> None:
    document = made(have={"USDC": str(capital)}, risk="high")
    assert document.held
    assert all(line.amount <= 50 * 10**6 * 10**6 // 10 for line in document.held)  # each has 50 million in it
    assert "the cap by what is in it" in document.binding
    assert any("no more than 10 % of what is in an opportunity" in line for line in document.assumptions)
    assert document.idle + sum(line.amount for line in document.held) == capital * 10**6
