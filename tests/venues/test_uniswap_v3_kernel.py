"""The pool kernel equals the model: random actions, every outcome and the whole state."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tidemill.errors import Revert
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.kernel import KernelPool
from tidemill.venues.uniswap_v3.kernel_state import (
    BIAS,
    PRICE,
    PROTOCOL,
    SHARE,
    UNDO,
    bitmap_words,
    ensure_rows,
    small,
    tick_rows,
)
from tidemill.venues.uniswap_v3.kernel_swap import REASONS
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.rules_ticks import MAX_SQRT_RATIO, MIN_SQRT_RATIO
from venues.flows import Market, Row, flow_of

# (fee, first tick, wide position): three tiers in the middle, gaps without liquidity, and both ends of the range
MARKETS = [
    (500, 0, True),
    (3000, 201_234, True),
    (10_000, -85_000, True),
    (500, -201_000, False),
    (3000, 886_000, True),
    (3000, -886_500, True),
    (100, 3, False),
]
ACTIONS = 3_000


def assert_same_state(kernel: KernelPool, pool: PoolState) -> None:
    cells = kernel.cells
    assert unpack(cells[PRICE : PROTOCOL + 2]) == [
        pool.sqrt_price_x96,
        pool.liquidity,
        pool.fee_growth_global_0_x128,
        pool.fee_growth_global_1_x128,
        pool.protocol_fees_0,
        pool.protocol_fees_1,
    ]
    assert kernel.tick == pool.tick
    assert cells[SHARE, :2].tolist() == [pool.fee_protocol_0, pool.fee_protocol_1]
    assert tick_rows(cells) == {tick: info[:4] for tick, info in pool.ticks.items()}
    assert bitmap_words(cells) == {k: word for k, word in pool.bitmap.items() if word}


def assert_same_outcome(out, k: int, row: Row, columns) -> None:
    status = int(out.status[k])
    assert (REASONS[status] if status else None) == row.revert, (k, row)
    amount0, amount1, price, liquidity = (column[k] for column in columns)
    if row.kind in (0, 1, 2, 4):
        assert (amount0, amount1) == (row.amount0, row.amount1), (k, row)
    assert (price, int(out.tick[k]), liquidity) == (row.price, row.tick, row.liquidity), (k, row)


@pytest.mark.parametrize(("fee", "tick", "wide"), MARKETS)
def test_kernel_equals_model_on_random_actions(fee, tick, wide):
    market = Market(fee, tick, f"kernel {fee} {tick}", wide=wide)
    counts: Counter[tuple[int, bool]] = Counter()
    crossed = 0
    for _ in range(6):
        start = copy.deepcopy(market.pool)
        rows = [market.step() for _ in range(ACTIONS // 6)]
        flow = flow_of(rows)
        kernel = KernelPool(start, flow)
        out, log = kernel.run(flow)
        columns = (
            unpack(out.amount0, signed=True),
            unpack(out.amount1, signed=True),
            unpack(out.sqrt_price),
            unpack(out.liquidity),
        )
        for k, row in enumerate(rows):
            assert_same_outcome(out, k, row, columns)
            counts[row.kind, row.revert is None] += 1
        assert_same_state(kernel, market.pool)
        assert len(log.fee) == 0
        crossed += int(out.crossed.sum())
    for kind in (0, 1, 2, 4, 5, 6):
        assert counts[kind, True] > 5, (kind, counts)
    assert counts[0, False] > 20
    assert counts[1, False] > 20
    assert crossed > 100


def test_the_suite_compares_at_least_twenty_thousand_actions():
    assert len(MARKETS) * ACTIONS >= 20_000


def test_a_reverted_swap_turns_its_ticks_back():
    """A consistent pool cannot revert half-way, so a tick is made to carry more liquidity than 128 bits hold."""
    market = Market(3000, 0, "undo", wide=False)
    market.apply("pool_mint", tick_lower=-600, tick_upper=600, liquidity=10**18)
    market.apply("pool_mint", tick_lower=-6000, tick_upper=-1200, liquidity=10**18)
    kernel = KernelPool(market.pool)
    wrong = kernel.cells[:, 2].tolist().index(BIAS - 6000)
    kernel.cells[wrong + 1, 3] = 1 << 62
    before = kernel.snapshot()
    with pytest.raises(Revert, match="LA"):
        kernel.swap(True, 10**30, 4_295_128_740)
    end = small(kernel.cells, UNDO)
    assert np.array_equal(before[PRICE:end], kernel.cells[PRICE:end])
    assert np.count_nonzero(kernel.cells[end:, 0]) >= 3, "it had crossed ticks"


def test_own_positions_in_impact_mode_share_like_anybody():
    """Minting in the kernel then running the flow equals the model that had the position all along."""
    market = Market(3000, 201_234, "impact")
    for _ in range(300):
        market.step()
    ours = copy.deepcopy(market)
    base = market.pool.tick // 60 * 60
    kernel = KernelPool(market.pool)
    lower, upper = base - 600, base + 660
    paid = kernel.mint(lower, upper, 10**18)
    result = ours.apply("pool_mint", tick_lower=lower, tick_upper=upper, liquidity=10**18, recipient="me")
    assert paid == (result.amounts["amount0"], result.amounts["amount1"])
    inside = kernel.growth_inside(lower, upper)
    rows = [ours.step() for _ in range(300)]
    flow = flow_of(rows)
    kernel.cells = ensure_rows(kernel.cells, [tick for row in rows for tick in (row.lower, row.upper)])
    kernel.run(flow)
    assert_same_state(kernel, ours.pool)
    earned = [
        ((after - before) % (1 << 256)) * 10**18 >> 128
        for after, before in zip(kernel.growth_inside(lower, upper), inside, strict=True)
    ]
    ours.context.sender = "me"
    ours.apply("pool_burn", tick_lower=lower, tick_upper=upper, liquidity=0)
    held = ours.pool.positions["me", lower, upper]
    assert earned == [held.tokens_owed_0, held.tokens_owed_1]
    assert min(earned) > 0


def test_anchored_trades_back_to_the_recorded_price():
    market = Market(500, 0, "anchored")
    for _ in range(200):
        market.step()
    start = copy.deepcopy(market)
    rows = [row for row in (market._swap() for _ in range(400)) if row.revert is None]
    for row in rows:
        row.price = 0
    market = copy.deepcopy(start)
    for row in rows:  # the record: the same swaps without us
        market.apply(
            "pool_swap", zero_for_one=row.zero_for_one, amount_specified=row.specified, sqrt_price_limit_x96=row.limit
        )
        row.price = market.pool.sqrt_price_x96
    flow = flow_of(rows)
    kernel = KernelPool(start.pool, flow)
    base = start.pool.tick // 10 * 10
    ours = {"tick_lower": base - 3000, "tick_upper": base + 3000, "liquidity": start.pool.liquidity // 10}
    kernel.mint(*ours.values())
    start.apply("pool_mint", **ours)
    out, _ = kernel.run(flow, anchored=True)
    back = list(zip(unpack(out.back0, signed=True), unpack(out.back1, signed=True), strict=True))
    reasons: list[tuple[str, str]] = []
    for k, row in enumerate(rows):  # and with us, on the model: the swap, then the way back
        try:
            start.apply(
                "pool_swap",
                zero_for_one=row.zero_for_one,
                amount_specified=row.specified,
                sqrt_price_limit_x96=row.limit,
            )
        except Revert as revert:
            reasons.append((REASONS[out.status[k]], revert.reason))
        price = start.pool.sqrt_price_x96
        expected = (0, 0)
        if price != row.price:
            done = start.apply(
                "pool_swap",
                zero_for_one=row.price < price,
                amount_specified=(1 << 255) - 1,
                sqrt_price_limit_x96=row.price,
            )
            expected = done.amounts["amount0"], done.amounts["amount1"]
        assert back[k] == expected
        assert unpack(out.sqrt_price[k : k + 1])[0] == row.price
    assert_same_state(kernel, start.pool)
    assert all(mine == theirs for mine, theirs in reasons)
    assert sum(pair != (0, 0) for pair in back) > 30


def test_single_actions_raise_the_contracts_reasons():
    market = Market(3000, 0, "single")
    kernel = KernelPool(market.pool)
    for call, reason in (
        (lambda: kernel.swap(True, 0, 4_295_128_740), "AS"),
        (lambda: kernel.swap(True, 5, 1 << 100), "SPL"),
        (lambda: kernel.mint(60, 0, 5), "TLU"),
        (lambda: kernel.mint(-900_000, 0, 5), "TLM"),
        (lambda: kernel.mint(0, 900_000, 5), "TUM"),
        (lambda: kernel.mint(0, 60, 1 << 126), "LO"),
        (lambda: kernel.mint(1, 60, 5), ""),
        (lambda: kernel.burn(0, 60, 5), "LS"),
        (lambda: kernel.mint(0, 60, 0), ""),
    ):
        with pytest.raises(Revert) as raised:
            call()
        assert raised.value.reason == reason
    kernel.restore(kernel.snapshot())
    assert_same_state(kernel, market.pool)


def test_the_tape_splits_steps_where_ranges_may_begin():
    """Parts sum to the step, lie in one cell each, and end on the cell's own price."""
    from tidemill.market.tapes import split_step
    from tidemill.market.walk import Step

    market = Market(500, 1000, "tape")
    for _ in range(100):
        market.step()
    start = copy.deepcopy(market.pool)
    rows = [market.step() for _ in range(400)]
    flow = flow_of(rows)
    kernel = KernelPool(start, flow)
    _, log = kernel.run(flow, steps=True)
    tape = kernel.tape(log, flow)
    expected = []
    log_columns = [unpack(column) for column in (log.price_from, log.price_to, log.liquidity, log.fee)]
    for k, (price_from, price_to, liquidity, fee) in enumerate(zip(*log_columns, strict=True)):
        step = Step(int(log.tick_from[k]), price_from, price_to, liquidity, 0, 0, fee, None)
        for cell, tick, price, share in split_step(step, int(log.tick_to[k]), 10, fee):
            expected.append((int(log.event[k]), cell, tick, price, liquidity, share, int(log.zero_for_one[k])))
    got = list(
        zip(
            tape.event.tolist(),
            tape.cell.tolist(),
            tape.tick.tolist(),
            unpack(tape.sqrt_price),
            unpack(tape.liquidity),
            unpack(tape.fee),
            tape.zero_for_one.tolist(),
            strict=True,
        )
    )
    assert got == expected
    assert len(got) > len(log.fee) > 300
    assert np.array_equal(tape.block, flow.block[tape.event])


def test_tick_of_price_equals_the_rule_everywhere_it_could_differ():
    from numba import njit

    from tidemill.units.jit import load192
    from tidemill.venues.uniswap_v3.kernel_prices import PRICE_ROWS, tick_of_price
    from tidemill.venues.uniswap_v3.rules_ticks import (
        MAX_SQRT_RATIO,
        MAX_TICK,
        MIN_SQRT_RATIO,
        sqrt_ratio_at_tick,
        tick_at_sqrt_ratio,
    )

    rng = random.Random(9)
    prices = []
    for _ in range(15_000):
        ratio = sqrt_ratio_at_tick(rng.randint(-MAX_TICK, MAX_TICK))
        prices += [ratio - 1, ratio, ratio + 1, ratio + ratio // 10**9, ratio - ratio // 10**9]
        prices.append(rng.getrandbits(rng.randint(33, 160)))
    prices += [int(MIN_SQRT_RATIO), int(MAX_SQRT_RATIO) - 1]
    prices = [p for p in prices if MIN_SQRT_RATIO <= p < MAX_SQRT_RATIO]

    @njit
    def loop(table, column, ticks):
        for k in range(column.shape[0]):
            ticks[k] = tick_of_price(table, load192(column, k))

    ticks = np.zeros(len(prices), np.int64)
    loop(np.zeros((PRICE_ROWS, 4), np.uint64), pack(prices, 3), ticks)
    assert ticks.tolist() == [tick_at_sqrt_ratio(p) for p in prices]


@pytest.mark.parametrize("exact_in", [True, False])
def test_a_step_equals_the_rule_at_all_prices_depths_and_amounts(exact_in):
    from tidemill.units.language import Kind
    from tidemill.units.testing import outcome, run_compiled
    from tidemill.venues.uniswap_v3 import rules_swap
    from tidemill.venues.uniswap_v3.kernel_step import step_exact_in, step_exact_out

    mine, rule = (
        (step_exact_in, rules_swap.swap_step_exact_in) if exact_in else (step_exact_out, rules_swap.swap_step_exact_out)
    )
    reach = rules_swap.amount_in_up if exact_in else rules_swap.amount_out_down
    rows = _steps(random.Random(11), reach)
    short = coarse = 0
    values = run_compiled(mine, [Kind.UINT] * 4 + [Kind.INDEX], [Kind.UINT] * 4, rows)
    for row, value in zip(rows, values, strict=True):
        expected = outcome(rule, row)
        assert value == expected or (value is None and expected[0] == "revert"), row
        if value is not None:
            after, amount_in = value[:2]
            short += after not in row[:2]
            coarse += after < row[0] and after != row[1] and amount_in != row[3] * (10**6 - row[4]) // 10**6
    assert short > 8_000  # ended before their target
    assert not exact_in or coarse > 500  # and the move down cost less than what was there to spend


def _steps(rng: random.Random, reach) -> list[tuple[int, int, int, int, int]]:
    """Steps towards targets near and far, the amounts from hardly any to more than it takes."""
    rows = []
    while len(rows) < 40_000:
        price = rng.getrandbits(rng.randint(33, 160))
        shift = rng.randint(1, 40)
        target = rng.choice((price - (price >> shift), price + (price >> shift), rng.getrandbits(rng.randint(33, 160))))
        if not (MIN_SQRT_RATIO <= price < MAX_SQRT_RATIO and MIN_SQRT_RATIO <= target < MAX_SQRT_RATIO):
            continue
        liquidity = rng.getrandbits(rng.randint(1, 128))
        if len(rows) % 4 == 0:  # deep and far down: the contract divides twice where amount * price needs 257 bits
            price, target = rng.randrange(1 << 159, MAX_SQRT_RATIO), rng.getrandbits(rng.randint(115, 127)) + (1 << 113)
            liquidity = rng.randrange(1 << 126, 1 << 128)
        enough = reach(price, target, liquidity)
        amount = rng.choice(
            (
                enough * rng.randint(0, 1200) // 1000,
                enough,
                enough + rng.randint(0, 3),
                rng.getrandbits(rng.randint(1, 255)),
            )
        )
        rows.append((price, target, liquidity, amount % (1 << 255), rng.choice((100, 500, 3000, 10_000))))
    return rows


PLAIN = """
import copy, hashlib, sys
sys.path.insert(0, {tests!r})
from venues.flows import Market, flow_of
from tidemill.venues.uniswap_v3.kernel import KernelPool
market = Market(500, 1000, "plain")
start = copy.deepcopy(market.pool)
flow = flow_of([market.step() for _ in range(120)])
pool = KernelPool(start, flow)
out, log = pool.run(flow, steps=True)
tape = pool.tape(log, flow)
digest = hashlib.sha256()
for column in (*out, *log, *tape):
    digest.update(column.tobytes())
print(digest.hexdigest(), len(tape.fee) > 50, pool.sqrt_price_x96 == market.pool.sqrt_price_x96)
"""


def test_without_a_compiler_the_kernel_gives_the_same():
    tests = Path(__file__).parents[1]
    said = []
    for jit in ("1", "0"):
        env = {**os.environ, "PYTHONPATH": str(tests.parent / "src"), "TIDEMILL_JIT": jit}
        code = PLAIN.format(tests=str(tests))
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert said[0].endswith("True True\n")
