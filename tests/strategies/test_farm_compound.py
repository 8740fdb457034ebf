"""Three venues in one ledger: a pool's share staked, its reward sold in another pool and put back."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.strategies.compound import best_harvest
from tidemill.studies.backtest import Backtest
from tidemill.studies.closed_forms import best_compoundings, compounded
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "farm_compound.toml"
LP, SUSHI, USDC, WETH = "UNI-V2@op-mainnet", "SUSHI@op-mainnet", "USDC@op-mainnet", "WETH@op-mainnet"


def changed(*, days: int = 30, farm: dict[str, int | str] | None = None, **parameters: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["farm"]
    venues = {**study.venues, "farm": structs.replace(spec, params={**spec.params, **(farm or {})})}
    end = study.start.replace(day=days + 1)
    return structs.replace(study, venues=venues, end=end, parameters={**study.parameters, **parameters})


def played(study: Study) -> Any:
    return Backtest(prepare(study)).play().outcomes


@cache
def example() -> Any:
    return played(changed())


def steps(outcomes: Any, venue: str, verb: str) -> list[Recorded]:
    return [
        line
        for line in outcomes.record
        if isinstance(line, Recorded) and (line.venue, line.verb) == (venue, verb) and isinstance(line.status, Filled)
    ]


def test_the_share_keeps_its_look_through_while_it_is_staked():
    """Nearly always all shares lie at the farm; fees and divergence of the pool are told all the same."""
    marks = [mark for mark in example().marks if any(p.venue == "farm" for p in mark.positions)]
    staked = [m for m in marks if not m.balances.get(LP) and m.rates[LP].kind == "pool"]
    assert len(staked) > len(marks) // 2
    books = post(example().record, example().marks)
    rows = {line.key: line for line in waterfall(books).lines}
    assert rows["fees"].value > 0 and set(rows["fees"].tokens) == {WETH, USDC}
    assert rows["divergence"].value < 0
    while_staked = {mark.seq for mark in staked}
    earned = [
        -amount
        for entry in books.entries
        if entry.seq in while_staked
        for account, _, amount in entry.postings
        if account == "income:fees:pool#shares"
    ]
    assert sum(amount > 0 for amount in earned) >= 20 and min(earned) >= 0


def test_rewards_are_income_in_their_own_token_and_selling_is_a_row_of_its_own():
    outcomes = example()
    rows = {line.key: line for line in waterfall(post(outcomes.record, outcomes.marks)).lines}
    claims = [*steps(outcomes, "farm", "claim"), *steps(outcomes, "farm", "exit")]
    harvested = sum(step.result.amounts["reward"] for step in claims)
    assert rows["rewards"].tokens == {SUSHI: harvested}
    sales = steps(outcomes, "market", "swap_exact_in")
    sold = sum(step.result.amounts["amount_in"] for step in sales)
    assert sold == harvested  # nothing of it is left
    before_exit = sum(step.result.amounts["amount_in"] for step in sales if step.phase == "run")
    assert rows["swaps"].tokens[SUSHI] == -before_exit and rows["swaps"].value < 0
    assert all(step.action.limits["amount_out_min"] > 0 and step.costs.total > 0 for step in sales)


def test_it_compounds_when_a_harvest_is_worth_a_multiple_of_its_cost():
    often, seldom = played(changed(k=300)), played(changed(k=3_000))
    counts = [len(steps(outcomes, "farm", "claim")) for outcomes in (often, seldom)]
    assert counts[0] >= 5 * max(counts[1], 1) and counts[1] >= 1
    for outcomes, k in ((often, 300), (seldom, 3_000)):
        claimed = steps(outcomes, "farm", "claim")
        sales = {s.plan: s for s in steps(outcomes, "market", "swap_exact_in")}
        for claim in claimed:
            paid = sum(s.costs.total for s in outcomes.record if isinstance(s, Recorded) and s.plan == claim.plan)
            price = outcomes.marks[0].prices[WETH]
            in_usdc = paid * price.num // price.den
            assert sales[claim.plan].result.amounts["amount_out"] > in_usdc * k // 3  # cost is foreseen, price moves


def test_without_k_it_harvests_at_the_optimum():
    sales = {s.plan: s for s in steps(example(), "market", "swap_exact_in")}
    claims = steps(example(), "farm", "claim")
    assert claims
    for claim in claims:
        cost = sum(s.costs.total for s in example().record if isinstance(s, Recorded) and s.plan == claim.plan)
        price = example().marks[0].prices[WETH]
        best = best_harvest(cost * price.num // price.den, 20_000 * 10**6)
        assert best // 2 < sales[claim.plan].result.amounts["amount_out"] < best * 2


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("per_cost", [2_000, 50_000, 10**6, 10**8])
def test_the_rule_s_cadence_is_that_of_the_closed_form(rate: float, per_cost: int):
    """What is harvested at the threshold, so many times a year, against the best count found by search."""
    cost = 10**6
    capital = cost * per_cost
    by_rule = rate * capital / best_harvest(cost, capital)
    best = best_compoundings(capital, rate, cost)
    # the search counts what a year's growth adds to the capital, e^rate in all, where the rule takes that of the day
    assert best * math.exp(-rate / 2) * 0.98 - 1 <= by_rule <= best + 1
    # so much is lost by it: a fortieth of what harvesting costs at most
    kept = [compounded(capital, rate, max(times, 1), cost) for times in (round(by_rule), best)]
    assert 0 <= kept[1] - kept[0] <= cost + best * cost / 40


def test_a_farm_that_cannot_pay_is_left_with_the_stake_alone():
    outcomes = played(changed(farm={"funded_days": 5}))
    assert steps(outcomes, "farm", "withdraw") and not steps(outcomes, "farm", "exit")
    assert steps(outcomes, "pool", "remove_liquidity")
    last = outcomes.marks[-1]
    assert not last.balances.get(LP) and not last.balances.get(WETH)
    (owed,) = (p for p in last.positions if p.venue == "farm")  # still owed, and told
    assert not owed.principal and owed.claimable[SUSHI] > 0
    assert not [line for line in outcomes.record if isinstance(line, Recorded) and not isinstance(line.status, Filled)]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"gas_token": "SUSHI"}, "trades WETH@op-mainnet and USDC@op-mainnet"),
        ({"market": "pool"}, "market: pool trades USDC@op-mainnet and WETH@op-mainnet, not SUSHI@op-mainnet"),
        ({"share": "SUSHI-USDC"}, "share: SUSHI-USDC@op-mainnet is not the share of pool"),
        ({"venue": "farm"}, "venue farm has no view 'getReserves'; is it of the kind"),
        ({"market": "farm"}, "venue farm has no view 'token0'; is it of the kind"),
    ],
)
def test_venues_that_do_not_belong_together_are_refused(parameters: dict[str, str], says: str):
    with pytest.raises(BadInput, match=re.escape(says)):
        played(changed(**parameters))
