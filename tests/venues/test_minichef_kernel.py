"""The chef's kernel against its model: every payment, every refusal and the state left, to the wei."""

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
from tidemill.venues.minichef import kernel as k
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState, PoolState, Share

PEOPLE = [f"staker {number}" for number in range(40)]
VERBS = ("deposit", "withdraw", "harvest", "withdraw_and_harvest")
START = 1_700_000_000
RICH = 1 << 120


def chef(rate: int, points: int = 40, total: int = 200) -> ChefState:
    """A chef with one plain pool."""
    state: ChefState = ChefModel().init({"account": "chef", "sushi": "SUSHI", "owner": "owner"})
    state.rate, state.total_points = rate, total
    state.pools[0] = PoolState("LP", "", Share(points, START))
    return state


def side(state: ChefState, till: int) -> ModelSide[ChefState]:
    """The model beside it, with rich stakers; its clock is ``now``."""
    book = Book()
    for who in PEOPLE:
        book.add("LP", who, RICH)
    book.add("SUSHI", "chef", till)
    made = ModelSide(ChefModel(), copy.deepcopy(state), book, lambda: Block(time=made.now, number=1))
    made.now = START
    return made


def draw(
    seed: str, count: int, pauses: tuple[int, ...], most: int, people: int = len(PEOPLE)
) -> tuple[list[tuple[int, int, int, int]], k.Actions]:
    """Random actions, as rows of (time, who, verb, amount) and as the kernel takes them."""
    rng, now, rows = random.Random(seed), START, []
    for _ in range(count):
        now += rng.choice(pauses)
        verb = rng.choices(range(4), (5, 3, 3, 2))[0]
        amount = rng.randrange(most >> rng.randrange(40) or 1) if rng.random() < 0.95 else rng.randrange(3)
        rows.append((now, rng.randrange(people), verb, amount if verb == k.DEPOSIT else amount >> rng.randrange(8)))
    times, who, verbs, amounts = zip(*rows, strict=True)
    columns = np.array(times, np.int64), np.array(who, np.int64), np.array(verbs, np.int8)
    return rows, k.Actions(*columns, pack(amounts))


def compare(state: ChefState, till: int, rows: list[tuple[int, int, int, int]], actions: k.Actions) -> set[str]:
    """Play on both and compare everything; returns the refusals met."""
    model = side(state, till)
    played = k.play(state, 0, PEOPLE, 0, till, actions)
    paid, met = unpack(played.paid), set()
    for index, (now, who, verb, amount) in enumerate(rows):
        model.now = now
        args: dict[str, Any] = {"pid": 0} if verb == k.HARVEST else {"pid": 0, "amount": amount}
        refused, reward = "", 0
        try:
            reward = model.do(PEOPLE[who], Action(VERBS[verb], args)).amounts.get("reward", 0)
        except Revert as revert:
            refused = revert.reason
        assert k.REFUSALS[played.refused[index]] == refused, index
        assert paid[index] == reward, index
        met.add(refused)
    assert model.state == state
    assert (played.lying, played.till) == (model.book.held["LP", "chef"], model.book.held["SUSHI", "chef"])
    assert sum(paid) == till - played.till
    return met


@pytest.mark.parametrize(
    ("seed", "rate", "pauses", "most", "till", "people"),
    [
        ("usual", 10**18, (0, 1, 12, 3_600), 10**22, 1 << 100, 40),
        ("short till", 10**15, (0, 12, 3_600), 10**24, 10**18, 40),
        ("one second", 10**9 + 7, (0, 0, 0, 0, 2), 10**10, 1 << 100, 2),
        ("huge stakes", 10**24, (1, 86_400), 1 << 110, 1 << 120, 40),
    ],
)
def test_kernel_equals_model(seed: str, rate: int, pauses: tuple[int, ...], most: int, till: int, people: int) -> None:
    rows, actions = draw(seed, 4_000, pauses, most, people)
    met = compare(chef(rate), till, rows, actions)
    assert {"", "BoringMath: Underflow"} <= met
    if seed == "short till":
        assert "BoringERC20: Transfer failed" in met
    if seed == "one second":
        assert "Integer < 0" in met


def test_every_refusal_is_met_somewhere() -> None:
    rows, actions = draw("no points", 50, (0, 1), 10**9)
    met = compare(chef(10**18, points=0, total=0), 1 << 90, rows, actions)
    assert "halt InvalidFEOpcode" in met


def test_a_run_in_parts_is_the_run() -> None:
    _, actions = draw("parts", 2_000, (0, 5, 60), 10**20)
    whole, parts = chef(10**17), chef(10**17)
    at_once = k.play(whole, 0, PEOPLE, 0, 10**24, actions)
    lying, till, paid = 0, 10**24, []
    for first in range(0, 2_000, 700):
        columns = (actions.times, actions.who, actions.verbs, actions.amounts)
        part = k.Actions(*(column[first : first + 700] for column in columns))
        played = k.play(parts, 0, PEOPLE, lying, till, part)
        lying, till = played.lying, played.till
        paid += unpack(played.paid)
    assert parts == whole
    assert paid == unpack(at_once.paid)
    assert (lying, till) == (at_once.lying, at_once.till)


def test_numbers_that_burst_leave_the_state_alone() -> None:
    state = chef(((1 << 128) - 1) // 10**12, 1, 1)
    before = copy.deepcopy(state)
    rows = [(START + second, 0, k.DEPOSIT, 1) for second in range(5)]
    times, who, verbs, amounts = zip(*rows, strict=True)
    actions = k.Actions(np.array(times, np.int64), np.array(who, np.int64), np.array(verbs, np.int8), pack(amounts))
    with pytest.raises(Revert, match="BoringMath: Add Overflow"):
        k.play(state, 0, PEOPLE, 0, 0, actions)
    assert state == before


def test_what_the_kernel_does_not_play_is_refused() -> None:
    _, actions = draw("refused", 10, (1,), 10**9)
    rewarded, sushi = chef(1), chef(1)
    rewarded.pools[0].rewarder, sushi.pools[0].token = "rewarder", "SUSHI"
    for state in (rewarded, sushi):
        with pytest.raises(BadInput, match="the kernel plays plain pools"):
            k.play(state, 0, PEOPLE, 0, 0, actions)
    backwards = k.Actions(actions.times[::-1].copy(), actions.who, actions.verbs, actions.amounts)
    for people, what in ((PEOPLE[:2], actions), (PEOPLE, backwards)):
        with pytest.raises(BadInput, match="who must count people"):
            k.play(chef(1), 0, people, 0, 0, what)
    none = k.Actions(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8), pack([]))
    assert k.play(chef(1), 0, PEOPLE, 3, 4, none).till == 4
