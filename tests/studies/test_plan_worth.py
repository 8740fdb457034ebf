"""A plan is against holding the same tokens: what it exchanges is bounded, told, and moves in its futures."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.plan.allocate import THE_EXCHANGE, Problem, allocate
from tidemill.studies.plan.asked import Asked, Cap, prices_of
from tidemill.studies.plan.by_hand import parse_offers
from tidemill.studies.plan.doubts import Rules
from tidemill.studies.plan.plan import plan
from tidemill.studies.plan.tokens import family
from tidemill.studies.plan.worth import exchanged, prices_of_plan, reach

ON = dt.date(2026, 11, 21)
LEND, ETHER, PAIR = "aave_v3@base:USDC=9%", "aave_v3@op-mainnet:WETH=3%", "uniswap_v2@unichain:WETH-USDC=20%"
ANY = tuple(Cap(group, "", 10_000) for group in ("one", "network", "project", "issuer", "asset"))


def asked(have: dict[str, str], *caps: Cap, **more: Any) -> Asked:
    every = {"days": 90, "risk": "high", "on": ON, "prices": prices_of({"ETH": "2000", "WBTC": "50000"}), "costs": {}}
    return Asked(have=have, caps=(*ANY, *caps), **{**every, **more})


def made(have: dict[str, str], *caps: Cap, words: tuple[str, ...] = (LEND, ETHER, PAIR), **more: Any) -> Any:
    return plan(parse_offers(words, ON), asked(have, *caps, **more), Rules()).document


def amounts(document: Any) -> dict[str, int]:
    return {"-".join(line.tokens): round(line.amount / 10**6) for line in document.held}


def test_nothing_is_exchanged_unless_asked_for() -> None:
    # 5,000 of each: the pair takes from both alike
    both = made({"USDC": "5000", "ETH": "2.5"}, words=(LEND, ETHER))
    assert amounts(both) == {"USDC": 5_000, "WETH": 5_000} and both.changed == []
    assert amounts(made({"ETH": "2.5"}, words=(LEND, ETHER))) == {"WETH": 5_000}
    assert amounts(made({"USDC": "5000"}, words=(LEND, ETHER))) == {"USDC": 5_000}
    mixed = made({"USDC": "9000", "ETH": "0.5"}, words=(LEND, PAIR))
    assert amounts(mixed) == {"USDC": 8_000, "WETH-USDC": 2_000} and mixed.changed == []
    only = made({"USDC": "5000"}, words=(PAIR,))
    assert only.held == [] and "--cap exchanged" in only.smallest_note
    assert only.candidates[0].why_not == "you have no ether; --cap exchanged=… allows for buying some"


def test_what_is_exchanged_keeps_its_cap_is_told_and_moves_in_the_futures() -> None:
    capped = made({"ETH": "2.5"}, Cap("exchanged", "", 1_000), words=(LEND, ETHER))
    assert amounts(capped) == {"WETH": 4_500, "USDC": 500} and THE_EXCHANGE in capped.binding
    told = {one.family: (one.have // 10**6, one.planned // 10**6) for one in capped.changed}
    assert told == {"ETH": (5_000, 4_500), "USD": (0, 500)}
    still = made({"ETH": "2.5"}, words=(LEND, ETHER))
    assert capped.net > still.net and capped.cvar < still.cvar - 150 * 10**6  # a tenth of it moves against ether
    wide = float(capped.quantiles["95"] - capped.quantiles["5"]) / 10**6
    # of 500 USD: e^(±1.645 × 0.7 × √(90/365)) - 1, and rates beside it
    assert 500 < wide < 750


def test_the_tail_bounds_what_may_be_exchanged_where_the_cap_does_not() -> None:
    free = made({"ETH": "2.5"}, Cap("exchanged", "", 10_000), words=(LEND, ETHER), risk="moderate")
    assert -free.cvar <= 300 * 10**6 and "the bound on the worst twentieth" in free.binding
    assert 0 < amounts(free)["USDC"] < 1_500
    with pytest.raises(BadInput, match=r"least: 100 % cannot be put to work .* without the cap on what is exchanged"):
        made({"ETH": "2.5"}, words=(LEND,), least_bps=10_000)


def test_tokens_of_one_worth_are_no_exchange() -> None:
    words = ("aave_v3@base:USDT=5%", "liquid_staking@ethereum:WSTETH=3%", "none/x@base:CBBTC=3%")
    held = made({"DAI": "5000", "ETH": "2.5", "WBTC": "0.1"}, words=words)
    assert amounts(held) == {"USDT": 5_000, "WSTETH": 5_000, "CBBTC": 5_000} and held.changed == []
    assert family("EURC") != family("USDC")


def test_least_is_exchanged_and_paid_out_of_what_is_left_over() -> None:
    rows = parse_offers((LEND, PAIR), ON)
    prices = prices_of_plan(rows, asked({"ETH": "2", "WBTC": "0.08"}))  # 4,000 of each
    at = {name: where for where, name in enumerate(prices.families)}
    change = exchanged(prices, [1_000.0, 4_000.0])  # needs 3,000 USD and 2,000 ETH
    assert change[at["USD"]] == pytest.approx(3_000) and change.sum() == pytest.approx(0)
    assert change[at["ETH"]] == pytest.approx(-1_000) and change[at["BTC"]] == pytest.approx(
        -2_000
    )  # of 2,000 and 4,000 spare
    assert np.abs(prices.moves.mean(axis=0)).max() < 1e-12 and not prices.moves[:, at["USD"]].any()
    log = np.log1p(prices.moves)
    assert np.corrcoef(log[:, at["ETH"]], log[:, at["BTC"]])[0, 1] == pytest.approx(0.64, abs=0.05)
    assert log[:, at["ETH"]].std() == pytest.approx(0.7 * (90 / 365) ** 0.5, rel=0.05)


def test_a_place_takes_what_there_is_of_its_tokens_and_what_may_be_bought() -> None:
    prices = prices_of_plan(
        parse_offers((LEND, ETHER, PAIR), ON), asked({"USDC": "6000", "ETH": "1"})
    )  # 2,000 of ether
    assert reach(prices, 0.0) == pytest.approx([6_000, 2_000, 4_000], rel=1e-6)
    assert reach(prices, 1_000.0) == pytest.approx([7_000, 3_000, 6_000], rel=1e-6)
    none = prices_of_plan(parse_offers((LEND, ETHER), ON), asked({"USDC": "6000"}))
    assert reach(none, 0.0) == pytest.approx([6_000, 6_000])  # of ether nothing, but by an exchange of all
    alone = made({"USDC": "6000", "ETH": "0.5"}, words=(ETHER,)).candidates[0]
    assert alone.amount // 10**6 == 1_000 or alone.amount // 10**6 == 999


@pytest.mark.parametrize("seed", range(6))
def test_with_tokens_the_solver_is_no_worse_than_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, start = 3, np.array([0.6, 0.4])
    move = np.column_stack([np.zeros(200), random.normal(0, 0.2, 200)])
    move -= move.mean(axis=0)
    made_of = random.dirichlet([1, 1], n)
    gain = random.uniform(0.0, 0.1, n)
    returns = gain + random.normal(0, 0.01, (200, n)) + move @ made_of.T
    cost, limit = random.uniform(0, 0.01, n), float(random.choice([0.0, 0.1, 1.0]))
    problem = Problem(1.0, gain, returns, cost, 0.7, (), 0.05, start=start, idle=move, made_of=made_of, exchange=limit)
    found = allocate(problem)
    exact = found.amounts @ made_of + found.idle
    assert exact.sum() == pytest.approx(1) and np.maximum(start - exact, 0).sum() <= limit + 1e-6
    assert found.tail <= 0.05 + 1e-7
    best = 0.0
    steps = np.linspace(0, 0.7, 8)
    for parts in itertools.product(steps, repeat=n):
        left = 1 - sum(parts)
        for share in np.linspace(0, 1, 11) if left >= 0 else ():
            idle = np.array([share, 1 - share]) * left
            total = np.array(parts) @ made_of + idle
            if np.maximum(start - total, 0).sum() > limit + 1e-12:
                continue
            entered = np.array(parts) > 0
            outcome = returns @ np.array(parts) + move @ idle - move @ start - cost @ entered
            if -np.sort(outcome)[:10].mean() <= 0.05:
                best = max(best, float(gain @ np.array(parts) - cost @ entered))
    assert found.net >= best - 1e-7
