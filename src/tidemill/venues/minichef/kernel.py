"""Millions of stakes, withdrawals and harvests in one pool of a chef, in machine code, to the wei.

Heavy: importing it imports numba and numpy. The arithmetic is the rules' own; the order of steps is the model's, to which
`tests/venues/test_minichef_kernel.py` holds it. The pool has no rewarder, and rates and points stand still for a run:
between two changes of them there is one run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.errors import BadInput
from tidemill.units import wide
from tidemill.units.jit import load256, pack, store256, unpack
from tidemill.units.kernels import kernel
from tidemill.venues.minichef.rules import accrued_down, emitted_down, growth_down, per_share_after
from tidemill.venues.minichef.state import NOTHING, ChefState, PoolState, Share

__all__ = ["BOTH", "DEPOSIT", "HARVEST", "REFUSALS", "WITHDRAW", "Actions", "Played", "play", "warm"]

DEPOSIT, WITHDRAW, HARVEST, BOTH = range(4)
"""Verbs; ``BOTH`` is withdraw_and_harvest."""

REFUSALS = ("", "halt InvalidFEOpcode", "BoringMath: Underflow", "Integer < 0", "BoringERC20: Transfer failed")
"""The contract's words by what `Played.refused` says; the first is none."""
_HALT, _TOO_MUCH, _BELOW_NOTHING, _SHORT = range(1, 5)

_PER_SHARE, _RATE, _POINTS, _TOTAL, _LYING, _TILL, _FIRST = range(7)
"""Rows of the pool; from the last one on two of each staker: stake and debt."""
_BIAS = wide(1 << 255)
"""Debts are signed: so much is added to store them."""
Limbs = NDArray[np.uint64]


class Actions(Struct, frozen=True):
    """What happens, a row each, in order of time.

    Parameters
    ----------
    times : seconds, never falling. who : index of the staker. verbs : one of the four. amounts : raw units as packed by
        `tidemill.units.jit.pack`, (n, 4) limbs; not looked at by a harvest.
    """

    times: NDArray[np.int64]
    who: NDArray[np.int64]
    verbs: NDArray[np.int8]
    amounts: Limbs


class Played(Struct, frozen=True):
    """What came of each row: SUSHI ``paid`` (limbs, 0 where refused) and why ``refused`` (an index into `REFUSALS`).

    ``lying`` and ``till`` are the raw units of the staked token and of SUSHI at the chef afterwards.
    """

    paid: Limbs
    refused: NDArray[np.int8]
    lying: int
    till: int


def play(state: ChefState, pid: int, people: Sequence[str], lying: int, till: int, actions: Actions) -> Played:
    """Do every action and leave pool ``pid`` of ``state`` as the model would.

    Parameters
    ----------
    people : the accounts that ``actions.who`` counts. lying, till : raw units of the staked token and of SUSHI at the chef
        (two different tokens). Who deposits has what he brings.

    Raises
    ------
    BadInput : a pool with a rewarder, or of SUSHI itself; an index or a time that cannot be.
    Revert : numbers that leave their range, which the contract would refuse for ever; the state is then unchanged.
    """
    pool = state.pools[pid]
    if pool.rewarder or pool.token == state.sushi:
        raise BadInput(f"pool {pid} has a rewarder or stakes SUSHI itself; the kernel plays plain pools", field="pid")
    count = len(actions.times)
    if count and (actions.who.min() < 0 or actions.who.max() >= len(people) or (np.diff(actions.times) < 0).any()):
        raise BadInput("who must count people, and times must not fall", field="actions")
    stakes = [pool.share.stakes.get(who, NOTHING) for who in people]
    whole = [pool.share.per_share, state.rate, pool.share.points, state.total_points, lying, till]
    cells = pack([*whole, *(number for staked, debt in stakes for number in (staked, debt + (1 << 255)))])
    clock = np.array([pool.share.updated], dtype=np.int64)
    paid, refused = np.zeros((count, 4), np.uint64), np.zeros(count, np.int8)
    _play(cells, clock, actions.times, actions.who, actions.verbs, actions.amounts, paid, refused)
    after = unpack(cells)
    done = refused == 0
    pool.share.per_share, pool.share.updated = after[_PER_SHARE], int(clock[0])
    for index in np.unique(actions.who[done]):
        staked, debt = after[_FIRST + 2 * index : _FIRST + 2 * index + 2]
        pool.share.stakes[people[index]] = staked, debt - (1 << 255)
    return Played(paid, refused, after[_LYING], after[_TILL])


def warm() -> None:
    """Compile the kernel, or load it, by a run of nothing."""
    state = ChefState("chef", "SUSHI", "owner", pools={0: PoolState("LP", "", Share())})
    none = Actions(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8), pack([]))
    play(state, 0, (), 0, 0, none)


@kernel
def _play(
    cells: Any, clock: Any, times: Any, who: Any, verbs: Any, amounts: Any, paid: Any, refused: Any
) -> None:  # fmt: skip
    for i in range(times.shape[0]):
        now, verb, row = times[i], verbs[i], _FIRST + 2 * who[i]
        per_share, lying = load256(cells, _PER_SHARE), load256(cells, _LYING)
        if now > clock[0] and lying > 0:
            total = load256(cells, _TOTAL)
            if total == 0:
                refused[i] = _HALT
                continue
            reward = emitted_down(now - clock[0], load256(cells, _RATE), load256(cells, _POINTS), total)
            per_share = per_share_after(per_share, growth_down(reward, lying))
        staked, debt = load256(cells, row), load256(cells, row + 1)
        till, due = load256(cells, _TILL), load256(paid, i)
        if verb in (HARVEST, BOTH):
            accrued = accrued_down(staked, per_share) + _BIAS
            if accrued < debt:
                refused[i] = _BELOW_NOTHING
                continue
            due, debt = accrued - debt, accrued
        if verb != HARVEST:
            amount = load256(amounts, i)
            part = accrued_down(amount, per_share)
            if verb == DEPOSIT:
                staked, debt, lying = staked + amount, debt + part, lying + amount
            elif amount > staked:
                refused[i] = _TOO_MUCH
                continue
            else:
                staked, debt, lying = staked - amount, debt - part, lying - amount
        if due > till:
            refused[i] = _SHORT
            continue
        clock[0] = max(clock[0], now)
        store256(cells, _PER_SHARE, per_share)
        store256(cells, _LYING, lying)
        store256(cells, _TILL, till - due)
        store256(cells, row, staked)
        store256(cells, row + 1, debt)
        store256(paid, i, due)
