"""The run loop: observe, decide, submit, learn. One loop for every world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct, structs

from tidemill.engine.scribe import record_hash
from tidemill.errors import BadData, BadInput
from tidemill.execution.decisions import Decided, memo_type
from tidemill.execution.ids import content_hash, plan_id, strategy_id
from tidemill.interfaces import Befell, Decision, Mark, Moved, News, Plan, Recorded, Strategy, View, World

__all__ = ["DecisionLog", "Outcomes", "run"]

MOST_AFTER_END = 1_000


class DecisionLog(Protocol):
    """Where decisions are kept (``execution.journal``): memory, or SQLite that survives the process."""

    def decisions(self, run: str) -> Sequence[Decided]:
        """Return the decisions of ``run`` so far, in order."""
        ...

    def decide(self, run: str, decided: Decided) -> None:
        """Store a decision durably, all of it or nothing."""
        ...


class Outcomes(Struct, frozen=True):
    """What a run leaves behind: all that the ledger reads, and the hash of it."""

    record: Sequence[Recorded | Befell]
    marks: Sequence[Mark]
    decisions: int
    hash: str
    moved: Sequence[Moved] = ()


def run(world: World, strategy: Strategy[Any], *, run_id: str, log: DecisionLog) -> Outcomes:
    """Let ``strategy`` meet ``world`` until the end, and until it has left its positions.

    Decisions that ``log`` already holds are taken from there instead of being made again: a run killed anywhere goes on
    where it stood and ends with the same hash. A model world is played again from its start (that is exact and
    fast); a world that cannot be, because it is a chain, has a ``resume`` method and is told the last decision.

    Parameters
    ----------
    run_id : content id of the run; plan ids derive from it, the strategy's parameters and the decision's number.

    Raises
    ------
    BadData : the log belongs to another world: what was seen at some decision differs.
    BadInput : the strategy still plans after a thousand decisions past the end.
    """
    memo_of, name = memo_type(strategy), strategy_id(strategy)
    memo: Any = memo_of() if memo_of else None
    stored, number, after_end = list(log.decisions(run_id)), 0, 0
    decision: Decision[Any] = Decision()
    resume = getattr(world, "resume", None)
    if stored and resume is not None:
        decision = stored[-1].decision(memo_of)
        memo, number, stored = decision.memo, len(stored), []
        resume(decision)
    while True:
        view, news = world.advance(decision.wake)
        if number < len(stored):
            decision = _again(stored[number], _seen(view, news), memo_of)
        else:
            decision = _named(strategy.decide(view, memo, news), run_id, name, number)
            log.decide(run_id, Decided.of(number, _seen(view, news), decision))
        if decision.moves:
            world.allot(decision.moves)
        world.submit(decision.plans, decision.cancels)
        memo, number = decision.memo, number + 1
        if view.why == "end":
            if not decision.plans and not view.in_flight:
                break
            after_end += 1
            if after_end > MOST_AFTER_END:
                raise BadInput(f"still planning {MOST_AFTER_END} decisions after the end", field=name)
    world.close()
    moved: Sequence[Moved] = getattr(world, "moved", ())
    return Outcomes(world.record, world.marks, number, record_hash(world.record, world.marks, moved), moved)


def _named(decision: Decision[Any], run_id: str, name: str, number: int) -> Decision[Any]:
    """Give the plans their ids."""
    if not isinstance(decision, Decision):
        raise BadInput(f"decide() returned {decision!r:.60}; it must return a Decision", field=name)

    def named(plan: Plan, index: int) -> Plan:
        own = plan_id(run_id, name, number, index)
        return structs.replace(plan, id=f"{plan.purse}:{own}" if plan.purse else own)

    return structs.replace(decision, plans=tuple(named(plan, index) for index, plan in enumerate(decision.plans)))


def _again(stored: Decided, seen: str, memo: type | None) -> Decision[Any]:
    if stored.seen != seen:
        raise BadData(
            f"decision {stored.number} was made on other inputs; use a new journal or the same study and data"
        )
    return stored.decision(memo)


def _seen(view: View, news: Sequence[News]) -> str:
    return content_hash([view.why, view.at, view.balances, news])
