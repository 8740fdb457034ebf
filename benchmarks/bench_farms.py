"""Stakes, withdrawals and harvests of a thousand people in one farm: `python -m benchmarks bench_farms`."""

from __future__ import annotations

import copy
import random
import time

import numpy as np

from benchmarks.table import Row, median_seconds
from tidemill.errors import Revert
from tidemill.interfaces import Action, Block, Result, Transfer
from tidemill.units.jit import pack, unpack
from tidemill.venues.minichef.kernel import Actions, Played, play
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState, PoolState, Share

START = 1_700_000_000
PEOPLE = [f"staker {number}" for number in range(1_000)]
VERBS = ("deposit", "withdraw", "harvest", "withdraw_and_harvest")
TILL = 10**36
FEW = 20_000


class Rich:
    """`Context` in which everybody has what he brings, and the chef what it says here."""

    def __init__(self) -> None:
        self.block, self.sender = Block(time=0, number=0), ""
        self.held = {"LP": 0, "SUSHI": TILL}

    def balance(self, token: str, account: str) -> int:
        """Return what the chef holds, or plenty."""
        return self.held[token] if account == "chef" else 1 << 200

    def call(self, venue: str, action: Action) -> Result:
        """Nothing is called."""
        raise NotImplementedError

    def move(self, transfer: Transfer) -> None:
        """Nothing is moved ahead."""
        raise NotImplementedError


def chef() -> ChefState:
    """A chef with one plain pool of a fifth of the points."""
    state: ChefState = ChefModel().init({"account": "chef", "sushi": "SUSHI", "owner": "owner"})
    state.rate, state.total_points = 10**18, 200
    state.pools[0] = PoolState("LP", "", Share(40, START))
    return state


def actions(count: int) -> tuple[list[int], Actions]:
    """Random verbs of random people with random amounts of 18 decimals, some seconds apart."""
    rng, draws = random.Random("farms"), np.random.default_rng(7)
    amounts = [rng.randrange(1, 10**22) for _ in range(count)]
    times = START + np.cumsum(draws.integers(0, 30, count))
    who, verbs = draws.integers(0, len(PEOPLE), count), draws.choice(4, count, p=(0.4, 0.25, 0.2, 0.15))
    return amounts, Actions(times.astype(np.int64), who.astype(np.int64), verbs.astype(np.int8), pack(amounts))


def by_model(state: ChefState, amounts: list[int], drawn: Actions, count: int) -> list[int]:
    """Do the first actions on the model; returns what each was paid."""
    model, ctx, paid = ChefModel(), Rich(), []
    for i in range(count):
        ctx.block, ctx.sender = Block(time=int(drawn.times[i]), number=i), PEOPLE[drawn.who[i]]
        verb = VERBS[drawn.verbs[i]]
        args = {"pid": 0} if verb == "harvest" else {"pid": 0, "amount": amounts[i]}
        try:
            result = model.apply(state, Action(verb, args), ctx)
        except Revert:
            paid.append(0)
            continue
        paid.append(result.amounts.get("reward", 0))
        for t in result.transfers:
            ctx.held[t.token] += t.amount if t.target == "chef" else -t.amount
    return paid


def rows(count: int = 1_000_000) -> list[Row]:
    """Return the row of farms; raises ``AssertionError`` where kernel and model differ on what the model did."""
    amounts, drawn = actions(count)
    few = Actions(drawn.times[:FEW], drawn.who[:FEW], drawn.verbs[:FEW], drawn.amounts[:FEW])
    compiled, slow = chef(), chef()
    played = play(compiled, 0, PEOPLE, 0, TILL, few)
    began = time.perf_counter()
    paid = by_model(slow, amounts, drawn, FEW)
    model_seconds = (time.perf_counter() - began) / FEW
    assert unpack(played.paid) == paid
    assert compiled == slow
    start, last = chef(), None

    def run() -> Played:
        return play(copy.deepcopy(start), 0, PEOPLE, 0, TILL, drawn)

    seconds = median_seconds(run)
    last = run()
    work = (
        f"{count:,} stakes, withdrawals and harvests by {len(PEOPLE):,} people, {np.mean(last.refused == 0):.0%} done"
    )
    ratio = f"{model_seconds * count / seconds:,.0f} x the Python model, equal to the wei on {FEW:,}"
    return [Row(work, f"{seconds:.2f} s", ratio, "<= 1 s", seconds <= 1)]
