"""How much of what: the most expected net money within a bound on the mean of the worst twentieth, and caps.

A mixed-integer programme: amounts are continuous, whether an opportunity is entered at all is yes or no, because coming and
going costs the same however much is put in — so small capital concentrates by itself. The tail (CVaR; Rockafellar and
Uryasev, 2000) is bounded by cuts: solve, look which scenarios are the worst for that portfolio, forbid that their mean loses
more than allowed, solve again. Solved by HiGHS through SciPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput, MissingArtefact

__all__ = ["Allocation", "Problem", "allocate"]

ROUNDS = 60
SLACK = 1e-9


class Problem(Struct, frozen=True):
    """What to solve. ``gain`` (n,) expected net part; ``returns`` (scenarios, n); ``cost`` (n,) money of coming and going.

    ``capital`` is money; ``most`` the largest part of it in one opportunity; ``groups`` caps as (name, members, part);
    ``tail`` the part of the capital that may be lost on average in the worst ``worst`` of scenarios; ``room`` (n,) the most
    money that each can take, ``None`` any.
    """

    capital: float
    gain: Any
    returns: Any
    cost: Any
    most: float
    groups: tuple[tuple[str, tuple[int, ...], float], ...]
    tail: float
    worst: float = 0.05
    room: Any = None
    seconds: float = 10.0


class Allocation(Struct, frozen=True):
    """Money in each opportunity, the expected net money, the tail's mean loss (both parts of the capital), the solver's gap
    (part; 0 where it is proven best), and the names of caps that bind.
    """

    amounts: Any
    net: float
    tail: float
    gap: float
    binding: tuple[str, ...]


def allocate(problem: Problem) -> Allocation:
    """Solve.

    Raises
    ------
    BadInput : no opportunity, or a constraint that nothing can meet; names it.
    MissingArtefact : SciPy is not installed.
    """
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingArtefact("plan needs SciPy; install tidemill[plan]") from None
    n = len(problem.gain)
    if not n:
        raise BadInput("no opportunity is left to choose from", field="list")
    if problem.tail < 0:
        raise BadInput(f"{problem.tail} is no part of the capital that may be lost", field="risk")
    room = np.full(n, np.inf) if problem.room is None else np.asarray(problem.room) / problem.capital
    most = np.minimum(problem.most, room)
    rows, limits, names = _caps(problem, most)
    objective = np.concatenate([-np.asarray(problem.gain) * 1.0, np.asarray(problem.cost) / problem.capital])
    whole = np.concatenate([np.zeros(n), np.ones(n)])
    bounds = Bounds(0.0, np.concatenate([most, np.ones(n)]))
    best: Any = np.zeros(2 * n)
    gap = 0.0
    for _ in range(ROUNDS):
        found = milp(
            objective,
            integrality=whole,
            bounds=bounds,
            constraints=[LinearConstraint(np.array(rows), -np.inf, np.array(limits))],
            options={"time_limit": problem.seconds},
        )
        if found.x is None:
            raise BadInput("the solver finds no portfolio within the caps", field="risk")
        best, gap = found.x, float(found.mip_gap or 0.0)
        tail, cut = _tail(problem, best, n)
        if tail <= max(problem.tail - SLACK, SLACK):
            break
        rows.append(cut)
        limits.append(max(problem.tail - 2 * SLACK, 0.0))  # a hair inside: what is told of it rounds the loss up
        names.append("the bound on the worst twentieth")
    parts = np.where(best[n:] > 0.5, np.minimum(best[:n], most), 0.0)
    used = np.array(rows) @ best
    held = [name for name, at, limit in zip(names, used, limits, strict=True) if name and at > limit - 1e-7]
    held += ["the cap on one opportunity"] if (parts > problem.most - 1e-7).any() else []
    held += ["the cap by what is in it"] if ((parts > room - 1e-7) & (parts > 0)).any() else []
    tail, _ = _tail(problem, best, n)
    return Allocation(parts * problem.capital, float(-objective @ best), tail, gap, tuple(dict.fromkeys(held)))


def _caps(problem: Problem, most: Any) -> tuple[list[Any], list[float], list[str]]:
    """Return rows over (parts, entered), their upper limits, and the names of those a person set."""
    n = len(most)
    rows: list[Any] = [np.concatenate([np.ones(n), np.zeros(n)])]
    limits, names = [1.0], [""]
    for i in range(n):
        row = np.zeros(2 * n)
        row[i], row[n + i] = 1.0, -most[i]
        rows.append(row)
        limits.append(0.0)
        names.append("")
    for name, members, part in problem.groups:
        row = np.zeros(2 * n)
        row[list(members)] = 1.0
        rows.append(row)
        limits.append(part)
        names.append(name)
    return rows, limits, names


def _tail(problem: Problem, best: Any, n: int) -> tuple[float, Any]:
    """Return the mean loss of the worst scenarios (a part of the capital, costs counted), and the row that bounds it."""
    cost = np.asarray(problem.cost) / problem.capital
    outcome = problem.returns @ best[:n] - cost @ best[n:]
    count = max(int(len(outcome) * problem.worst), 1)
    worst = np.argpartition(outcome, count - 1)[:count]
    row = np.concatenate([-problem.returns[worst].mean(axis=0), cost])
    return float(row @ best), row


def group_caps(
    kinds: Mapping[str, Sequence[str]], parts: Mapping[str, float]
) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    """Return a cap for every value of every kind of group: ``kinds`` say for each opportunity which value it has.

    A value that is empty belongs to no group; so does one that the list holds once and whose cap is no less than all.
    """
    found = []
    for kind, values in kinds.items():
        for value in dict.fromkeys(v for v in values if v):
            members = tuple(i for i, other in enumerate(values) if other == value)
            found.append((f"the cap on {kind} {value}", members, parts[kind]))
    return tuple(found)
