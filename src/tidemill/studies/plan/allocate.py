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

from tidemill.engine.clock import monotonic
from tidemill.errors import BadInput, MissingArtefact

__all__ = ["THE_EXCHANGE", "THE_TAIL", "Allocation", "Problem", "allocate", "group_caps"]

ROUNDS = 60
QUICK = 0.3
"""Part of the time in which cuts are looked for before the search proper."""
SLACK = 1e-9
OUT_OF_TIME, INFEASIBLE = 1, 2
"""Statuses of SciPy's ``milp``."""
THE_TAIL = "the bound on the worst twentieth"
THE_EXCHANGE = "the cap on what is exchanged"
THE_LEAST = "the least that is put to work"


class Problem(Struct, frozen=True):
    """What to solve. ``gain`` (n,) expected net part; ``returns`` (scenarios, n); ``cost`` (n,) money of coming and going.

    ``capital`` is money; ``most`` the largest part of it in one opportunity; ``groups`` caps as (name, members, part);
    ``tail`` the part of the capital that may be lost on average in the worst ``worst`` of scenarios; ``room`` (n,) the most
    money that each can take, ``None`` any; ``least`` the part that must be put to work. ``seconds`` bounds the whole search.

    ``start`` (k,) is what of the capital is held in each of k tokens and ``idle`` (scenarios, k) how their prices move; what is
    not put to work stays in some of them, and outcomes are against holding ``start``. ``made_of`` (n, k) says which part of an
    opportunity is one of these tokens, ``exchange`` the largest part of the capital that is exchanged for other tokens.
    ``None``: nothing moves by itself.
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
    least: float = 0.0
    start: Any = None
    idle: Any = None
    made_of: Any = None
    exchange: float = 1.0

    @property
    def nothing(self) -> Any:
        """What is there before anything is done: (parts, entered, held, given up)."""
        held = _held(self)
        return np.concatenate([np.zeros(2 * len(self.gain)), held, np.zeros(len(held))])


def _held(problem: Problem) -> Any:
    return np.zeros(0) if problem.start is None else np.asarray(problem.start, dtype=float)


class Allocation(Struct, frozen=True):
    """Money in each opportunity, the expected net money, the tail's mean loss (both parts of the capital), the solver's gap
    (part; 0 where it is proven best), and the names of caps that bind. ``stopped``: the time was over, so it is the best
    found so far. ``idle`` is the money that stays in each of the tokens held.
    """

    amounts: Any
    net: float
    tail: float
    gap: float
    binding: tuple[str, ...]
    stopped: bool = False
    idle: Any = None


def allocate(problem: Problem) -> Allocation:
    """Solve.

    Raises
    ------
    BadInput : no opportunity, or constraints that nothing can meet; names the binding one.
    MissingArtefact : SciPy is not installed.
    """
    n = len(problem.gain)
    if not n:
        raise BadInput("no opportunity is left to choose from", field="list")
    if problem.tail < 0:
        raise BadInput(f"{problem.tail} is no part of the capital that may be lost", field="risk")
    if problem.seconds <= 0:
        raise BadInput(f"{problem.seconds:g} s leave no time to search", field="time-limit")
    started = monotonic()
    room = np.full(n, np.inf) if problem.room is None else np.asarray(problem.room) / problem.capital
    most = np.minimum(problem.most, room)
    rows, limits, names = _caps(problem, most)
    best: Any = problem.nothing
    stopped = False
    rough, bound = _cut_quickly(problem, most, rows, limits, names, started)
    for _ in range(ROUNDS):
        left = problem.seconds - (monotonic() - started)
        if left <= 0:
            stopped = True
            break
        found = _milp(problem, most, rows, limits, whole=True, seconds=left)
        if found.status == INFEASIBLE:
            raise _unsatisfiable(problem, most, rows, limits, names)
        if found.x is None:
            stopped = True
            break
        best, bound, stopped = found.x, -float(found.mip_dual_bound), found.status == OUT_OF_TIME
        if _holds_or_cut(problem, best, rows, limits, names):
            break
    else:
        stopped = True
    if stopped:
        tried = [_best_so_far(problem, most, rows, limits, one) for one in (best, rough) if one is not None]
        best = min(tried, key=lambda one: (one[:n].sum() < problem.least - 1e-7, float(_objective(problem) @ one)))
    parts = np.where(best[n : 2 * n] > 0.5, np.minimum(best[:n], most), 0.0)
    if stopped and parts.sum() < problem.least - 1e-7:
        raise BadInput(
            f"{problem.seconds:g} s were not enough to find what meets every constraint; give more", field="time-limit"
        )
    used = np.array(rows) @ best
    held = [name for name, at, limit in zip(names, used, limits, strict=True) if name and at > limit - 1e-7]
    held = [name for name in held if name != THE_EXCHANGE or _matters(name, problem, most, rows, limits, names)]
    held += ["the cap on one opportunity"] if (parts > problem.most - 1e-7).any() else []
    held += ["the cap by what is in it"] if ((parts > room - 1e-7) & (parts > 0)).any() else []
    tail = _tail(problem, best, n)[0]
    net = float(-_objective(problem) @ best)
    gap = max(bound - net, 0.0) / max(abs(bound), 1e-12) if bound > net + 1e-12 else 0.0
    return Allocation(
        parts * problem.capital,
        net,
        tail,
        gap,
        tuple(dict.fromkeys(held)),
        stopped,
        best[2 * n : 2 * n + len(_held(problem))] * problem.capital,
    )


def _cut_quickly(
    problem: Problem, most: Any, rows: list[Any], limits: list[float], names: list[str], started: float
) -> tuple[Any, float]:
    """Add cuts of the tail where entering in part is allowed, which is quick: the search proper then needs few of its own.

    Return what was found last with all that it holds entered, ``None`` where nothing was, and how much is possible at most.
    """
    best, bound, n = None, 0.0, len(problem.gain)
    for _ in range(ROUNDS):
        left = problem.seconds * QUICK - (monotonic() - started)
        found = _milp(problem, most, rows, limits, whole=False, seconds=left) if left > 0 else None
        if found is None or found.status != 0:
            break
        best, bound = found.x.copy(), -float(found.fun)
        if _holds_or_cut(problem, best, rows, limits, names):
            break
    if best is not None:
        best[n : 2 * n] = best[:n] > SLACK
    return best, bound


def _holds_or_cut(problem: Problem, best: Any, rows: list[Any], limits: list[float], names: list[str]) -> bool:
    """Say whether the tail keeps its bound; where it does not, forbid what it comes from."""
    tail, cut, shift = _tail(problem, best, len(problem.gain))
    if tail <= _kept(problem):
        return True
    rows.append(cut)
    limits.append(_cut(problem) + shift)
    names.append(THE_TAIL)
    return False


def _kept(problem: Problem) -> float:
    """Return the tail with which the bound counts as kept: a hair inside, as what is told of a loss is rounded up."""
    return max(problem.tail - SLACK, SLACK)


def _cut(problem: Problem) -> float:
    """Return where a cut forbids the tail to be beyond: inside of what counts as kept, so that rounds come to an end."""
    return max(problem.tail - 2 * SLACK, 0.0)


def _objective(problem: Problem) -> Any:
    costs = np.asarray(problem.cost) / problem.capital
    return np.concatenate([-np.asarray(problem.gain) * 1.0, costs, np.zeros(2 * len(_held(problem)))])


def _milp(
    problem: Problem,
    most: Any,
    rows: list[Any],
    limits: list[float],
    *,
    entered: Any = None,
    whole: bool,
    seconds: float,
) -> Any:
    """Solve over (parts, entered). ``whole``: entered is yes or no, otherwise anything between, which is quick; or as given."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingArtefact("plan needs SciPy; install tidemill[plan]") from None
    n, k = len(most), 2 * len(_held(problem))
    low, high = (np.zeros(n), np.ones(n)) if entered is None else (entered, entered)
    return milp(
        _objective(problem),
        integrality=np.concatenate([np.zeros(n), np.full(n, 1.0 if whole else 0.0), np.zeros(k)]),
        bounds=Bounds(np.concatenate([np.zeros(n), low, np.zeros(k)]), np.concatenate([most, high, np.ones(k)])),
        constraints=[LinearConstraint(np.array(rows), -np.inf, np.array(limits))],
        options={"time_limit": seconds},
    )


def _best_so_far(problem: Problem, most: Any, rows: list[Any], limits: list[float], best: Any) -> Any:
    """Return the best that meets every bound, by what was to be entered when the time was over; nothing if that is better.

    Which to enter stays as it was; how much of each is a linear programme, cut until the tail holds.
    """
    n = len(most)
    entered = np.round(best[n : 2 * n])
    rows, limits = list(rows), list(limits)
    for _ in range(ROUNDS):
        found = _milp(problem, most, rows, limits, entered=entered, whole=False, seconds=1.0)
        if found.x is None:
            break
        best = found.x
        if _holds_or_cut(problem, best, rows, limits, []):
            break
    best = _within_tail(problem, best, n)
    return problem.nothing if _objective(problem) @ best > 0 and not problem.least else best


def _within_tail(problem: Problem, best: Any, n: int) -> Any:
    """Return a portfolio nearer to what is held until the tail keeps its bound, if it does not yet."""
    if _tail(problem, best, n)[0] <= _kept(problem):
        return best

    def nearer(part: float) -> Any:
        mixed = best * part + problem.nothing * (1.0 - part)
        mixed[n : 2 * n] = best[n : 2 * n]  # coming and going costs the same
        return mixed

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(problem, nearer(middle), n)[0] <= _kept(problem) else (low, middle)
    return nearer(low) if low else problem.nothing


def _matters(which: str, problem: Problem, most: Any, rows: list[Any], limits: list[float], names: list[str]) -> bool:
    """Say whether more would be possible without a bound, entering in part allowed: one may hold and stand in no way."""
    kept = [at for at, name in enumerate(names) if name != which]
    bound = _milp(problem, most, rows, limits, whole=False, seconds=1.0)
    freed = _milp(problem, most, [rows[at] for at in kept], [limits[at] for at in kept], whole=False, seconds=1.0)
    return bound.status == 0 and freed.status == 0 and bool(freed.fun < bound.fun - 1e-9)


def _unsatisfiable(problem: Problem, most: Any, rows: list[Any], limits: list[float], names: list[str]) -> BadInput:
    """Say which constraint makes it impossible: each without which the others can be met."""
    guilty = []
    for name in dict.fromkeys(name for name in names if name and name != THE_LEAST):
        kept = [at for at, one in enumerate(names) if one != name]
        found = _milp(problem, most, [rows[at] for at in kept], [limits[at] for at in kept], whole=False, seconds=1.0)
        if found.status == 0:
            guilty.append(name)
    loose = np.ones(len(most)) if problem.room is None else np.minimum(np.asarray(problem.room) / problem.capital, 1.0)
    freed = _caps(problem, loose)[0]
    if _milp(problem, loose, freed + rows[len(freed) :], limits, whole=False, seconds=1.0).status == 0:
        guilty.append("the cap on one opportunity")
    said = " or without ".join(guilty) or "any one constraint, as several stand in the way together"
    return BadInput(
        f"{problem.least * 100:g} % cannot be put to work within the caps; it can without {said}"
        if guilty
        else f"{problem.least * 100:g} % cannot be put to work within the caps, not even without {said}",
        field="least",
    )


def _caps(problem: Problem, most: Any) -> tuple[list[Any], list[float], list[str]]:
    """Return rows over (parts, entered), their upper limits, and the names of those a person set."""
    n, k = len(most), len(_held(problem))
    whole = np.concatenate([np.ones(n), np.zeros(n), np.ones(k), np.zeros(k)])
    rows: list[Any] = [whole, -whole] if k else [whole]
    limits, names = ([1.0, -1.0], ["", ""]) if k else ([1.0], [""])
    for i in range(n):
        row = np.zeros(2 * n + 2 * k)
        row[i], row[n + i] = 1.0, -most[i]
        rows.append(row)
        limits.append(0.0)
        names.append("")
    for j in range(k):
        # what is left of a token, in places, idle and given up for others, is no less than what there was
        row = np.concatenate(
            [-np.asarray(problem.made_of)[:, j], np.zeros(n), -(np.arange(2 * k) % k == j).astype(float)]
        )
        rows.append(row)
        limits.append(-float(_held(problem)[j]))
        names.append("")
    if k:
        rows.append(np.concatenate([np.zeros(2 * n + k), np.ones(k)]))
        limits.append(problem.exchange)
        names.append(THE_EXCHANGE)
    for name, members, part in problem.groups:
        row = np.zeros(2 * n + 2 * k)
        row[list(members)] = 1.0
        rows.append(row)
        limits.append(part)
        names.append(name)
    if problem.least:
        rows.append(np.concatenate([-np.ones(n), np.zeros(n + 2 * k)]))
        limits.append(-problem.least)
        names.append(THE_LEAST)
    return rows, limits, names


def _tail(problem: Problem, best: Any, n: int) -> tuple[float, Any, float]:
    """Return the mean loss of the worst scenarios (a part of the capital, costs counted), the row that bounds it, and what
    holding would have brought in them, by which the bound on the row is shifted.
    """
    cost = np.asarray(problem.cost) / problem.capital
    idle = np.zeros((len(problem.returns), 0)) if problem.idle is None else problem.idle
    holding = idle @ _held(problem)
    outcome = problem.returns @ best[:n] - cost @ best[n : 2 * n] + idle @ best[2 * n : 2 * n + idle.shape[1]] - holding
    count = max(int(len(outcome) * problem.worst), 1)
    worst = np.argpartition(outcome, count - 1)[:count]
    row = np.concatenate(
        [-problem.returns[worst].mean(axis=0), cost, -idle[worst].mean(axis=0), np.zeros(idle.shape[1])]
    )
    shift = -float(holding[worst].mean())
    return float(row @ best) - shift, row, shift


def group_caps(
    kinds: Mapping[str, Sequence[str | tuple[str, ...]]],
    parts: Mapping[str, float],
    special: Mapping[tuple[str, str], float] | None = None,
) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    """Return a cap for every value of every kind of group: ``kinds`` say for each opportunity which values it has.

    ``parts`` are the caps by kind, ``special`` those of one value. An empty value belongs to no group; a cap of all of the
    capital is none.
    """
    found = []
    for kind, values in kinds.items():
        of = [(one,) if isinstance(one, str) else one for one in values]
        for value in dict.fromkeys(v for one in of for v in one if v):
            part = (special or {}).get((kind, value), parts[kind])
            members = tuple(i for i, one in enumerate(of) if value in one)
            if part < 1.0:
                found.append((f"the cap on {kind} {value}", members, part))
    return tuple(found)
