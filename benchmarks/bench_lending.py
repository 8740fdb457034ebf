"""Aave's market in machine code against its bytecode on the same calls, and a year of hourly accrual for 200 reserves.

Usage: ``python benchmarks/bench_lending.py [calls]`` (default 20,000). The bytecode is the whole pool on pyrevm, its calls
encoded beforehand, left out where the artefacts are absent; the same calls must give the same state. Rounds alternate.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Row, median_seconds
from tidemill.units.jit import pack
from tidemill.venues.aave_v3.kernel import BORROW, REPAY, SUPPLY, WITHDRAW, KernelMarket, Moves, accrue_every
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.model_reads import read
from tidemill.venues.aave_v3.state import MarketState

ROUNDS = 9
BYTECODE_CALLS = 100  # in each round: the bytecode goes on where it stopped
START, RAY = 1_700_000_000, 10**27
TOKENS = (("USD", 6, 10**8), ("ETH", 18, 2_000 * 10**8), ("DAI", 18, 10**8))
"""Symbol, decimals, price."""
CONFIG = {"ltv": 7_500, "threshold": 8_000, "bonus": 10_500, "reserve_factor": 1_000, "liquidation_fee": 1_000}
CURVE = {"optimal": 8_000, "base": 0, "slope1": 400, "slope2": 7_500}
LENDERS, BORROWERS = ("alice", "bob"), ("carol", "dave")
PEOPLE = (*LENDERS, *BORROWERS)
YEAR_RESERVES, HOURS = 200, 8_760
Call = tuple[int, int, int, int]
"""Who, reserve, verb, amount."""


def make_work(count: int) -> list[Call]:
    """Return calls that all succeed: two lend and take back, two borrow against ether and pay back."""
    rng = random.Random("lending")
    work = [(who, r, SUPPLY, 10**7 * 10**decimals) for who in (0, 1) for r, (_, decimals, _) in enumerate(TOKENS)]
    work += [(who, 1, SUPPLY, 10**5 * 10**18) for who in (2, 3)]
    work += [(who, r, BORROW, 10**6 * 10 ** TOKENS[r][1]) for who in (2, 3) for r in (0, 2)]
    while len(work) < count:
        borrows = rng.random() < 0.5
        who = rng.choice((2, 3) if borrows else (0, 1))
        reserve = rng.choice((0, 2)) if borrows else rng.randrange(3)
        verb = rng.choice((BORROW, REPAY) if borrows else (SUPPLY, WITHDRAW))
        work.append((who, reserve, verb, rng.randrange(1, 10**3) * 10 ** TOKENS[reserve][1] // 7))
    return work


def moves_of(work: list[Call]) -> Moves:
    """Return the calls as rows, twelve seconds apart."""
    who, reserves, verbs, amounts = zip(*work, strict=True)
    times = START + 12 * np.arange(1, len(work) + 1, dtype=np.int64)
    columns = np.array(who, np.int64), np.array(reserves, np.int64), np.array(verbs, np.int8)
    return Moves(times, *columns, pack(amounts))


def market(tokens: tuple[tuple[str, int, int], ...] = TOKENS) -> MarketState:
    """Return the model's market before the calls."""
    curve = {name: bps * RAY // 10_000 for name, bps in CURVE.items()}
    reserves = [
        {"asset": token, "account": token, "decimals": decimals, "config": CONFIG, "curve": curve}
        for token, decimals, _ in tokens
    ]
    prices = {token: price for token, _, price in tokens}
    state: MarketState = MarketModel().init({"treasury": "treasury", "reserves": reserves, "prices": prices})
    for reserve in state.reserves.values():
        reserve.updated = START
    return state


def kernel_of(state: MarketState) -> KernelMarket:
    """Return a market in machine code in which nothing lies yet."""
    return KernelMarket(state, PEOPLE, [0] * len(state.reserves))


class Bytecode:
    """The real pool on pyrevm, with calls encoded beforehand."""

    def __init__(self, work: list[Call]) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from harness.aave import VARIABLE, Aave, Listing  # noqa: PLC0415

        listed = tuple(
            Listing(token, decimals, price, CONFIG["ltv"], CONFIG["threshold"], CONFIG["bonus"])
            for token, decimals, price in TOKENS
        )
        self.real = Aave(listed, actors=PEOPLE, premium_to_protocol=0)
        self.evm, self.pool = self.real.evm, self.real.pool
        names = {SUPPLY: "supply", WITHDRAW: "withdraw", BORROW: "borrow", REPAY: "repay"}
        encode = {verb: self.pool.abi.functions[name].encode for verb, name in names.items()}
        self.calls, self.done = [], 0
        for who, r, verb, amount in work[: ROUNDS * BYTECODE_CALLS]:
            me, token = self.real.actors[PEOPLE[who]], self.real.reserves[r].token.address
            kind = (VARIABLE,) if verb in (BORROW, REPAY) else ()
            behind = {SUPPLY: (me, 0), WITHDRAW: (me,), BORROW: (0, me), REPAY: (me,)}[verb]
            data = encode[verb](token, amount, *kind, *behind)
            self.calls.append((me, data))

    def seconds(self) -> float:
        """Do the next calls; return processor seconds per call, the moving of the clock left out."""
        spent, pool = 0.0, self.pool.address
        for me, data in self.calls[self.done : self.done + BYTECODE_CALLS]:
            self.done += 1
            self.evm.at(1 + self.done, START + 12 * self.done)
            began = time.process_time()
            self.evm.call(me, pool, data)
            spent += time.process_time() - began
        return spent / BYTECODE_CALLS

    def state(self) -> list[Any]:
        """Every reserve's indices, rates and claims, and everybody's scaled balances."""
        out: list[Any] = []
        for reserve in self.real.reserves:
            data = self.pool.view("getReserveData", reserve.token.address)
            out.append([int(value) for value in data[1:5] + data[6:7] + data[12:13]])
            both = (reserve.supply, reserve.debt)
            out += [[int(one.view("scaledBalanceOf", who)) for one in both] for who in self.real.actors.values()]
        return out


def load_bytecode(work: list[Call]) -> Bytecode | None:
    """Return the real pool, or None without the artefacts."""
    try:
        return Bytecode(work)
    except Exception as error:  # noqa: BLE001 - whatever keeps the bytecode away is the note of the row
        print(f"(pyrevm left out: {error})")
        return None


def check(bytecode: Bytecode, work: list[Call]) -> None:
    """Make sure that the bytecode came to the same state."""
    state, ours = market(), []
    kernel = kernel_of(state)
    kernel.play(moves_of(work[: bytecode.done]))
    kernel.write_to(state)
    for token, reserve in state.reserves.items():
        data = read(state, "getReserveData", token)
        names = ("liquidityIndex", "currentLiquidityRate", "variableBorrowIndex", "currentVariableBorrowRate")
        ours.append([data[name] for name in (*names, "lastUpdateTimestamp", "accruedToTreasury")])
        ours += [[reserve.supplied.get(who, 0), reserve.owed.get(who, 0)] for who in PEOPLE]
    assert bytecode.state() == ours, "the bytecode's state differs"


def rows(count: int = 20_000) -> list[Row]:
    """Return two rows: calls against the bytecode, and the year of accrual."""
    work = make_work(count)
    moves, bytecode = moves_of(work), load_bytecode(work)
    assert not kernel_of(market()).play(moves).refused.any(), "a call was refused"
    ours, theirs = [], []
    for _ in range(ROUNDS):
        kernel = kernel_of(market())
        began = time.process_time()
        kernel.play(moves)
        ours.append((time.process_time() - began) / count)
        if bytecode is not None:
            theirs.append(bytecode.seconds())
    if bytecode is not None:
        check(bytecode, work)
    mine = statistics.median(ours)
    ratio = statistics.median(theirs) / mine if theirs else None
    return [
        Row(
            "Aave supplies, withdrawals, loans, repayments: accrual, rates, health, one thread",
            f"{1 / mine / 1e6:.2f} M/s",
            f"{ratio:,.0f} x pyrevm" if ratio else "pyrevm absent",
            ">= 200 x pyrevm",
            ratio >= 200 if ratio else None,
        ),
        _year(),
    ]


def _year() -> Row:
    """Every hour of a year all reserves are brought up to date: indices, treasury, rates."""
    tokens = tuple((f"T{n}", 18, 10**8) for n in range(YEAR_RESERVES))
    state = market(tokens)
    for number, reserve in enumerate(state.reserves.values()):
        reserve.total_supplied, reserve.total_owed = 10**25, (number + 1) * 10**25 // (YEAR_RESERVES + 1)
    lying = [r.total_supplied - r.total_owed for r in state.reserves.values()]
    times = START + 3_600 * np.arange(1, HOURS + 1, dtype=np.int64)
    kernel = KernelMarket(state, (), lying)
    cells, updated = kernel.cells.copy(), kernel.updated.copy()

    def run() -> None:
        kernel.cells[:], kernel.updated[:] = cells, updated
        accrue_every(kernel, times, threads=2)

    run()
    began = time.process_time()
    seconds = median_seconds(run)
    each = (time.process_time() - began) / 5 / YEAR_RESERVES / HOURS
    what = f"{each * 1e9:,.0f} ns of a processor each: indices, treasury and rates"
    work = f"a year of hourly accrual for {YEAR_RESERVES} Aave reserves, two threads"
    return Row(work, f"{seconds:.2f} s", what, "<= 0.5 s", seconds <= 0.5)


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000):
        print("  ".join(str(cell) for cell in row))
