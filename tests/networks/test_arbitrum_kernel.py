"""The compiled pricing of many blocks against the plain functions, block by block."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks.arbitrum_kernel import base_fees_down
from tidemill.networks.arbitrum_l2 import Constraint, Legacy, grow, legacy_update, single_update

SIX = networks.get("arbitrum-one").constraints(1_790_000_000)  # type: ignore[attr-defined]


def plain(gas: list[int], seconds: list[int], constraints: tuple[Constraint, ...], floor: int):
    fees = []
    for used, passed in zip(gas, seconds, strict=True):
        constraints, fee = single_update(constraints, passed, floor)
        constraints = tuple(Constraint(c.target, c.window, grow(c.backlog, used)) for c in constraints)
        fees.append(fee)
    return fees, constraints


@pytest.mark.parametrize("seed", range(6))
def test_every_block_costs_what_the_plain_rule_says(seed: int) -> None:
    rng = random.Random(f"arbitrum blocks {seed}")
    if seed < 3:
        constraints, floor, busy = SIX, 20_000_000, (30_000_000, 60_000_000, 5_000_000)[seed]
    else:
        many = range(rng.randrange(1, 7))
        constraints = tuple(
            Constraint(rng.randrange(1, 10**6), rng.randrange(1, 5_000), rng.randrange(10**7)) for _ in many
        )
        floor, busy = rng.randrange(10**8), sum(c.target for c in constraints) // len(constraints) // 2
    gas = [rng.choice((0, rng.randrange(busy + 1), busy)) for _ in range(4_000)]
    seconds = [rng.choice((0, 0, 1, 1, 2, 30)) if seed != 1 else rng.choice((0, 1)) for _ in gas]
    fees, after = base_fees_down(np.array(gas), np.array(seconds), constraints, floor)
    want, left = plain(gas, seconds, constraints, floor)
    assert fees.tolist() == want
    assert after == left
    if seed == 1:
        assert max(want) > floor * 2, "a congested hour was in it"


def test_quotients_at_their_edges_are_not_missed_by_one() -> None:
    # A backlog one gas below and at each whole number of basis points: where a float is off by a hair.
    rng = random.Random("even quotients")
    for turn in range(4_000):
        target, window = rng.randrange(1, 10**8), rng.choice((9, 102, 2_105, 86_400))
        if turn % 2:
            target = target // 10_000 * 10_000 + 10_000  # the edge itself comes out even
        share = rng.choice((rng.randrange(1, 50_000), rng.randrange(900_000, 10**6)))
        edge = -(-share * target * window // 10_000)
        if edge > 9 * 10**14:
            continue
        backlog = edge - rng.randrange(2)
        fees, _ = base_fees_down(np.array([0]), np.array([0]), (Constraint(target, window, backlog),), 10**8)
        assert fees[0] == single_update((Constraint(target, window, backlog),), 0, 10**8)[1]


def test_the_old_model_is_one_constraint_with_its_tolerance() -> None:
    model = Legacy(7_000_000, 100_000_000)
    rng = random.Random("the old model")
    gas = [rng.randrange(32_000_000) for _ in range(3_000)]
    seconds = [rng.choice((0, 1, 2, 4)) for _ in gas]
    fees, (after,) = base_fees_down(
        np.array(gas),
        np.array(seconds),
        [Constraint(model.speed_limit, model.inertia, 50_000_000)],
        model.min_base_fee,
        model.tolerance,
    )
    backlog, want = 50_000_000, []
    for used, passed in zip(gas, seconds, strict=True):
        backlog, fee = legacy_update(model, backlog, passed)
        want.append(fee)
        backlog = grow(backlog, used)
    assert fees.tolist() == want
    assert after.backlog == backlog
    assert min(want) == model.min_base_fee < max(want)


def test_what_might_leave_63_bits_is_refused() -> None:
    one, zero = np.array([1]), np.array([0])
    with pytest.raises(BadInput, match="block 0 leaves 63 bits; use arbitrum_l2.single_update"):
        base_fees_down(one, zero, (Constraint(1, 1, 101),), 10)
    assert (
        base_fees_down(one, zero, (Constraint(1, 1, 100),), 10)[0][0]
        == single_update((Constraint(1, 1, 100),), 0, 10)[1]
    )
    with pytest.raises(BadInput, match="beyond 63 bits"):
        base_fees_down(one, zero, SIX, 10**8 + 1)
    with pytest.raises(BadInput, match="beyond 63 bits"):
        base_fees_down(np.array([10**15]), zero, SIX, 1)
    with pytest.raises(BadInput, match="beyond 63 bits"):
        base_fees_down(one, np.array([10**9]), SIX, 1)
    with pytest.raises(BadInput, match="2 seconds for 1 blocks"):
        base_fees_down(one, np.array([0, 1]), SIX, 1)
    with pytest.raises(BadInput, match="negative gas or seconds"):
        base_fees_down(-one, zero, SIX, 1)
    assert base_fees_down(np.array([]), np.array([]), SIX, 1)[0].size == 0
