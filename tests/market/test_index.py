"""The fee index against brute force in Python integers, and its refusals."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tidemill.errors import BadData, BadInput
from tidemill.market.index import FeeIndex, Growth
from tidemill.market.index_bracket import BracketIndex
from tidemill.market.limbs import from_limbs, to_limbs
from tidemill.venues.uniswap_v3.tape import Tape


class Path:
    """A random path in plain integers, and the same as a tape."""

    def __init__(self, seed: int, n: int, *, jumps: bool = False, wraps: bool = False, deep: int = 90) -> None:
        draw = random.Random(seed)
        self.cells, self.fees, self.depth = [], [], []
        cell = draw.randint(-50, 50)
        for _ in range(n):
            if draw.random() < 0.5:
                cell += draw.randint(-30, 30) if jumps and draw.random() < 0.1 else draw.choice((-1, 1))
            self.cells.append(cell)
            self.depth.append(draw.getrandbits(draw.randint(40, deep)) | 1)
            self.fees.append(draw.getrandbits(draw.randint(1, 60)))
        if wraps:  # sums that carry through every limb: growth just below 2**64, 2**128 and near 2**191
            for k in range(n):
                self.depth[k] = draw.choice([1, 2**64 - 1, 2**64, 2**64 + 1, 2**127 + 1])
                self.fees[k] = draw.choice([0, 1, 2**32, 2**50 - 1, 2**54])
        self.down = [draw.random() < 0.5 for _ in range(n)]
        self.growth = [(f << 128) // d for f, d in zip(self.fees, self.depth, strict=True)]
        cells = np.array(self.cells, np.int32)
        at = np.arange(n)
        self.tape = Tape(
            time=at * 3,
            block=at,
            event=at.astype(np.int32),
            cell=cells,
            tick=cells,
            sqrt_price=np.zeros((n, 3), np.uint64),
            liquidity=to_limbs(self.depth, 2),
            fee=to_limbs(self.fees, 2),
            zero_for_one=np.array(self.down, np.uint8),
        )

    def sums(self, low: int, up: int, p: int, q: int) -> tuple[int, int]:
        inside = [k for k in range(p, q) if low <= self.cells[k] < up]
        return sum(self.growth[k] for k in inside if self.down[k]), sum(
            self.growth[k] for k in inside if not self.down[k]
        )

    def leaves(self, low: int, up: int, p: int) -> int:
        return next((k for k in range(p, len(self.cells)) if not low <= self.cells[k] < up), len(self.cells))

    def queries(self, seed: int, count: int) -> list[tuple[int, int, int, int]]:
        """Ranges in, around and outside the path, some empty; intervals of any length, some empty."""
        draw = random.Random(seed)
        least, most, n = min(self.cells), max(self.cells), len(self.cells)
        out = []
        for _ in range(count):
            low = draw.randint(least - 4, most + 3)
            up = draw.choice([low, low + 1, draw.randint(low, most + 5)])
            p = draw.randint(0, n)
            out.append((low, up, p, draw.choice([p, n, draw.randint(p, n)])))
        return out


PATHS = [
    (1, {"n": 1}),
    (2, {"n": 2}),
    (3, {"n": 600}),
    (4, {"n": 600, "jumps": True}),
    (5, {"n": 600, "wraps": True}),
    (6, {"n": 600, "jumps": True, "deep": 127}),
    (7, {"n": 2000}),
    (8, {"n": 300, "wraps": True, "jumps": True}),
]


@pytest.mark.parametrize(("seed", "kind"), PATHS)
def test_sums_and_exits_equal_brute_force(seed, kind):
    """8 paths x 2,600 sums and exits: more than 20,000 of each in all."""
    path = Path(seed, **kind)
    index = FeeIndex(path.tape)
    asked = path.queries(seed, 2600)
    low, up, p, q = map(list, zip(*asked, strict=True))
    found = from_limbs(index.growth_many(low, up, p, q).reshape(-1, 3))
    assert list(zip(found[::2], found[1::2], strict=True)) == [path.sums(*one) for one in asked]
    assert index.first_exit_many(low, up, p).tolist() == [path.leaves(*one[:3]) for one in asked]


def test_fees_of_candidates_are_the_contracts():
    path = Path(11, 500)
    index = FeeIndex(path.tape)
    draw = random.Random(2)
    asked = path.queries(3, 1500)
    own = [draw.choice([0, 1, 2**64 - 1, 2**64, 2**127, draw.getrandbits(draw.randint(1, 128))]) for _ in asked]
    low, up, p, q = map(list, zip(*asked, strict=True))
    found = from_limbs(index.fees_many(low, up, p, q, to_limbs(own, 2)).reshape(-1, 2))
    for k, (one, mine) in enumerate(zip(asked, own, strict=True)):
        want = tuple((mine * g >> 128) % 2**128 for g in path.sums(*one))
        assert (found[2 * k], found[2 * k + 1]) == want
        assert index.fees(*one, liquidity=mine) == want


def test_a_scan_is_the_same_and_diluted_shares_every_step():
    path = Path(12, 400, deep=126)
    index = FeeIndex(path.tape)
    for low, up, p, q in path.queries(1, 150):
        assert index.growth_by_scan(low, up, p, q) == path.sums(low, up, p, q) == index.growth(low, up, p, q)
        own = 10**18
        inside = [k for k in range(p, q) if low <= path.cells[k] < up]
        shares = [
            sum((path.fees[k] << 128) // (path.depth[k] + own) for k in inside if path.down[k] == way)
            for way in (True, False)
        ]
        assert index.diluted_fees(low, up, p, q, liquidity=own) == Growth(*shares).fees(own)


def test_the_index_of_a_real_tape_equals_a_replay_of_it(market):
    tape = market.tape()
    index = FeeIndex(tape)
    growth = [(f << 128) // d for f, d in zip(from_limbs(tape.fee), from_limbs(tape.liquidity), strict=True)]
    cells, down = tape.cell.tolist(), tape.zero_for_one.tolist()
    draw = random.Random(1)
    for _ in range(60):
        p = draw.randint(0, index.steps)
        q = draw.randint(p, index.steps)
        low = draw.randint(min(cells) - 1, max(cells))
        up = low + draw.randint(0, 40)
        inside = [k for k in range(p, q) if low <= cells[k] < up]
        assert index.growth(low, up, p, q) == (
            sum(growth[k] for k in inside if down[k]),
            sum(growth[k] for k in inside if not down[k]),
        )
    assert index.step_at(int(tape.time[0])) == 0
    assert index.step_at(int(tape.time[-1]) + 1) == index.steps
    middle = int(tape.time[index.steps // 2])
    first = index.step_at(middle)
    assert tape.time[first] == middle and tape.time[first - 1] < middle


def test_what_cannot_be_indexed_is_refused():
    path = Path(1, 3)
    empty = Tape(*(column[:0] for column in path.tape))
    with pytest.raises(BadData, match="no steps"):
        FeeIndex(empty)
    heavy = path.tape._replace(fee=to_limbs([2**64] * 3, 2), liquidity=to_limbs([1] * 3, 2))
    with pytest.raises(BadData, match="exceed 2\\*\\*192"):
        FeeIndex(heavy)
    nearly = path.tape._replace(
        fee=to_limbs([2**63] * 3, 2), liquidity=to_limbs([1] * 3, 2), zero_for_one=np.ones(3, np.uint8)
    )
    with pytest.raises(BadData, match="exceed 2\\*\\*192"):
        FeeIndex(nearly)
    fits = nearly._replace(fee=to_limbs([2**63, 2**63 - 1, 0], 2))
    assert FeeIndex(fits).growth(-100, 100, 0, 3).token0 == (2**64 - 1) << 128
    far = path.tape._replace(cell=np.array([0, 800_000, 0], np.int32))
    with pytest.raises(BadData, match="jumps over empty cells"):
        FeeIndex(far)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (([0], [1], [0], [4]), "0 <= start <= stop <= 3"),
        (([0], [1], [-1], [3]), "0 <= start"),
        (([0], [1], [2], [1]), "start <= stop"),
        (([1], [0], [0], [1]), "above its upper"),
        (([0, 1], [1], [0], [1]), "differ in length"),
    ],
)
def test_bad_queries_are_refused(query, says):
    with pytest.raises(BadInput, match=says):
        FeeIndex(Path(1, 3).tape).growth_many(*query)


@pytest.mark.parametrize("spread", [3.3, 30.0])
@pytest.mark.parametrize("part", [0.001, 0.01, 0.07, 0.5, 5.0])
def test_the_bracket_holds_and_is_narrow(spread, part):
    """Exact diluted fees lie within it, always; at 7 % and a realistic spread of liquidity it is 1e-4 wide at most."""
    rng = np.random.default_rng(round(part * 1000))
    n = 4000
    cells = np.cumsum(rng.integers(-1, 2, n)).astype(np.int32)
    profile = spread ** rng.uniform(-0.5, 0.5, int(np.ptp(cells)) + 1)
    depth = (1e18 * profile[cells - cells.min()]).astype(np.uint64)
    zero = np.zeros(n, np.uint64)
    fee = np.exp(rng.normal(20, 1.5, n)).astype(np.uint64)
    at = np.arange(n)
    tape = Tape(
        at, at, at.astype(np.int32), cells, cells, np.zeros((n, 3), np.uint64),
        np.column_stack([depth, zero]), np.column_stack([fee, zero]), rng.integers(0, 2, n).astype(np.uint8),
    )  # fmt: skip
    bracket = BracketIndex(tape)
    start, stop = np.sort(rng.integers(0, n + 1, (2, 400)), axis=0).astype(np.int32)
    low = cells[rng.integers(0, n, 400)] - rng.integers(0, 30, 400).astype(np.int32)
    up = low + rng.integers(0, 60, 400).astype(np.int32)
    own = int(1e18 * part)
    found = bracket.bracket_many(low, up, start, stop, own)
    true = [bracket.index.diluted_fees(*map(int, q), liquidity=own) for q in zip(low, up, start, stop, strict=True)]
    for k, pair in enumerate(true):
        for token in range(2):
            assert found.low[k, token] <= pair[token] <= found.high[k, token]
    if part == 0.07 and spread == 3.3:
        assert found.width[found.high > 1e6].max() <= 1e-4
        assert np.median(found.width[found.high > 1e6]) < 1e-5


def test_a_bracket_of_constant_liquidity_has_no_width_to_speak_of():
    path = Path(4, 300)
    tape = path.tape._replace(liquidity=to_limbs([10**18] * 300, 2), fee=to_limbs([10**15 + k for k in range(300)], 2))
    found = BracketIndex(tape).bracket_many([-1000], [1000], [0], [300], 10**17)
    assert (found.width < 1e-8).all()
    assert found.high.min() > 0
