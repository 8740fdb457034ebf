"""The compiled market against the model: every amount, every refusal and the state left, to the wei."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest

from harness.book import Book, ModelSide
from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block
from tidemill.units.jit import pack, unpack
from tidemill.venues.aave_v3 import kernel as k
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, update_rates
from tidemill.venues.aave_v3.state import MarketState

PEOPLE = [f"account {number}" for number in range(12)]
VERBS = ("supply", "withdraw", "borrow", "repay")
START, RAY, ALL = 1_700_000_000, 10**27, (1 << 256) - 1
RESERVES = (
    ("USD", 6, 7_500, 8_000, 1_000),
    ("ETH", 18, 8_000, 8_250, 1_500),
    ("NIL", 8, 0, 5_000, 0),
    ("BIG", 24, 5_000, 6_500, 10_000),
)
"""Token, decimals, loan to value, threshold, reserve factor."""
PRICES = {"USD": 10**8, "ETH": 2_000 * 10**8, "NIL": 7, "BIG": 3 * 10**8}


def market(slope2: int = 7_500, base: int = 0) -> MarketState:
    reserves = [
        {
            "asset": token,
            "account": f"at {token}",
            "decimals": decimals,
            "config": {"ltv": ltv, "threshold": threshold, "bonus": 10_500, "reserve_factor": factor},
            "curve": {
                "optimal": 8 * RAY // 10,
                "base": base,
                "slope1": 4 * RAY // 100,
                "slope2": slope2 * RAY // 10_000,
            },
        }
        for token, decimals, ltv, threshold, factor in RESERVES
    ]
    state: MarketState = MarketModel().init({"treasury": "treasury", "reserves": reserves, "prices": PRICES})
    return state


class Beside:
    """The model, with people who have plenty."""

    def __init__(self, state: MarketState) -> None:
        self.now, book = START, Book(dict.fromkeys(PRICES, "balance"))
        for who in PEOPLE:
            for token in PRICES:
                book.add(token, who, 1 << 250)
        self.side = ModelSide(MarketModel(), copy.deepcopy(state), book, lambda: Block(time=self.now, number=1))

    def do(self, time: int, who: int, reserve: int, verb: int, amount: int) -> tuple[str, int]:
        """Reason and amount."""
        self.now = time
        try:
            args = {"asset": RESERVES[reserve][0], "amount": amount}
            return "", self.side.do(PEOPLE[who], Action(VERBS[verb], args)).amounts["amount"]
        except Revert as revert:
            known = revert.reason in k.REASONS
            return (revert.reason or "arithmetic") if known else "arithmetic", 0

    def cash(self) -> list[int]:
        return [self.side.book.held.get((token, f"at {token}"), 0) for token in PRICES]


def draw(rng: random.Random, beside: Beside, now: int) -> tuple[int, int, int, int]:
    """Who, reserve, verb, amount: mostly what works, sometimes nothing, everything, one unit or too much."""
    who, reserve = rng.randrange(len(PEOPLE)), rng.randrange(len(RESERVES))
    verb = rng.choices(range(4), (4, 3, 4, 3))[0]
    name, state = RESERVES[reserve][0], beside.side.state
    read = MarketModel().read
    if verb == k.SUPPLY:
        whole = 10 ** (RESERVES[reserve][1] + 10 - len(str(PRICES[name])) + 4)
    elif verb == k.BORROW:
        try:
            free = read(state, "getUserAccountData", PEOPLE[who], now)[2]
        except Revert:
            free = 0
        whole = free * 10 ** RESERVES[reserve][1] // PRICES[name]
        if rng.random() < 0.9:
            whole = min(whole, beside.cash()[reserve])
    else:
        whole = read(
            state, f"{'aToken' if verb == k.WITHDRAW else 'variableDebtToken'}.balanceOf", name, PEOPLE[who], now
        )
    pick = rng.random()
    if pick < 0.05:
        return who, reserve, verb, rng.choice((0, 1, 2, whole + 1, whole))
    if pick < 0.12 and verb in (k.WITHDRAW, k.REPAY):
        return who, reserve, verb, ALL
    return who, reserve, verb, rng.randrange(whole + 1) >> rng.choice((0, 0, 1, 2, 5))


def compare(seed: str, state: MarketState, count: int, pauses: tuple[int, ...]) -> dict[tuple[int, str], int]:
    """Play random moves on both and compare everything; how often each (verb, reason) was met."""
    rng, beside, now = random.Random(seed), Beside(state), START
    rows, told = [], []
    for _ in range(count):
        now += rng.choice(pauses)
        row = (now, *draw(rng, beside, now))
        rows.append(row)
        told.append(beside.do(*row))
    times, who, reserves, verbs, amounts = zip(*rows, strict=True)
    columns = np.array(times, np.int64), np.array(who, np.int64), np.array(reserves, np.int64), np.array(verbs, np.int8)
    moves = k.Moves(*columns, pack(amounts))
    kernel = k.KernelMarket(state, PEOPLE, [0] * len(RESERVES))
    played = kernel.play(moves)
    met: dict[tuple[int, str], int] = {}
    for i, (made, moved) in enumerate(zip(told, unpack(played.moved), strict=True)):
        assert (k.REASONS[played.refused[i]], moved) == made, (i, rows[i])
        met[rows[i][3], made[0]] = met.get((rows[i][3], made[0]), 0) + 1
    kernel.write_to(state)
    assert state == beside.side.state
    assert kernel.cash() == beside.cash()
    return met


@pytest.mark.parametrize(
    ("seed", "pauses", "curve"),
    [
        ("usual", (0, 1, 12, 3_600), {}),
        ("months", (86_400, 5 * 86_400), {"slope2": 30_000, "base": RAY // 100}),
        ("one block", (0, 0, 0, 1), {}),
    ],
)
def test_kernel_equals_model(seed: str, pauses: tuple[int, ...], curve: dict[str, int]) -> None:
    met = compare(seed, market(**curve), 3_000, pauses)
    for verb in range(4):
        assert met[verb, ""] >= 150, met
    wanted = {Code.AMOUNT_ZERO, Code.BALANCE_TOO_SMALL, Code.NO_DEBT}
    wanted |= {Code.NO_COLLATERAL, Code.COLLATERAL_TOO_SMALL} if seed == "usual" else set()
    assert wanted <= {reason for _, reason in met}, met


def test_no_collateral_value_and_unhealthy_are_met() -> None:
    """A price that has fallen since, and collateral that lends nothing."""
    state = market()
    side = Beside(state)
    for row in (
        (START + 1, 0, 0, k.SUPPLY, 10**12),
        (START + 2, 1, 1, k.SUPPLY, 10**20),
        (START + 3, 1, 0, k.BORROW, 10**11),
        (START + 3, 1, 2, k.SUPPLY, 10**10),
        (START + 4, 2, 3, k.SUPPLY, 10**26),
        (START + 4, 2, 0, k.BORROW, 10**8),
    ):
        assert side.do(*row)[0] == ""
    state = side.side.state
    state.prices["ETH"] //= 2
    state.reserves["BIG"].config.ltv = 0
    kernel = k.KernelMarket(state, PEOPLE, side.cash())
    rows = [
        (START + 9, 1, 0, k.BORROW, 1),
        (START + 9, 1, 1, k.WITHDRAW, 1),
        (START + 9, 2, 0, k.BORROW, 1),
        (START + 9, 3, 2, k.SUPPLY, 10**9),
        (START + 9, 3, 0, k.BORROW, 1),
        (START + 9, 2, 1, k.SUPPLY, 10**18),
        (START + 9, 2, 1, k.WITHDRAW, 10**17),
        (START + 9, 2, 3, k.WITHDRAW, 10**17),
        (START + 10, 1, 1, k.WITHDRAW, ALL),
    ]
    told = [side.do(*row) for row in rows]
    times, who, reserves, verbs, amounts = zip(*rows, strict=True)
    columns = np.array(times, np.int64), np.array(who, np.int64), np.array(reserves, np.int64), np.array(verbs, np.int8)
    played = kernel.play(k.Moves(*columns, pack(amounts)))
    assert [k.REASONS[code] for code in played.refused] == [reason for reason, _ in told]
    assert {Code.UNHEALTHY, Code.LTV_ZERO, Code.NO_COLLATERAL, ""} <= {reason for reason, _ in told}
    kernel.write_to(state)
    assert state == side.side.state


def test_accrual_alone_is_the_model_s() -> None:
    side = Beside(market(base=RAY // 100))
    rows = [(START + 1, 0, r, k.SUPPLY, 10**26) for r in range(4)] + [
        (START + 2, 0, r, k.BORROW, 10**6) for r in (0, 1, 3)
    ]
    for row in rows:
        side.do(*row)
    state = side.side.state
    kernel = k.KernelMarket(state, PEOPLE, side.cash())
    times = START + 3_600 * np.arange(1, 101, dtype=np.int64)
    for time in times:
        for reserve in state.reserves.values():
            side.now = int(time)
            acting = Acting(_Ctx(side))
            accrue(reserve, acting)
            update_rates(reserve, acting)
    told = copy.deepcopy(state)
    k.accrue_every(kernel, times[:50])
    k.accrue_every(kernel, times[50:], threads=3)
    kernel.write_to(state)
    assert state == told
    assert state.reserves["ETH"].variable_index > RAY < state.reserves["BIG"].variable_index


class _Ctx:
    def __init__(self, side: Beside) -> None:
        self.block, self.sender, self._book = Block(time=side.now, number=1), "", side.side.book

    def balance(self, token: str, account: str) -> int:
        return self._book.held.get((token, account), 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"supply_cap": 1}, "USD: supply_cap is set"),
        ({"debt_ceiling": 1}, "debt_ceiling"),
        ({"category": 1}, "category"),
        ({"paused": True}, "paused"),
        ({"active": False}, "USD is not active"),
    ],
)
def test_what_the_kernel_cannot_play_is_named(change: dict[str, Any], says: str) -> None:
    state = market()
    vars(state.reserves["USD"].config).update(change)
    with pytest.raises(BadInput, match=says):
        k.KernelMarket(state, PEOPLE, [0] * 4)


def test_categories_prices_and_rows_that_cannot_be_are_named() -> None:
    state = market()
    state.emode["account 1"] = 1
    with pytest.raises(BadInput, match="e-mode"):
        k.KernelMarket(state, PEOPLE, [0] * 4)
    state = market()
    del state.prices["USD"]
    with pytest.raises(BadInput, match="no price"):
        k.KernelMarket(state, PEOPLE, [0] * 4)
    kernel = k.KernelMarket(market(), PEOPLE, [0] * 4)
    for times, who, reserve in (([2, 1], 0, 0), ([1, 2], 12, 0), ([1, 2], 0, 4), ([1, 2], -1, 0)):
        one = np.full(2, who, np.int64), np.full(2, reserve, np.int64), np.zeros(2, np.int8)
        with pytest.raises(BadInput, match="must count"):
            kernel.play(k.Moves(np.array(times, np.int64), *one, pack([1, 1])))
