"""Late amounts become numbers when their step is planned: not before, because only then is it known what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.errors import BadInput
from tidemill.interfaces import Action, All, Arg, Filled, Intent, Of, Plan, PositionOf

__all__ = ["Unplannable", "check_references", "resolve"]


class Unplannable(Exception):
    """A step cannot be planned; ``reason`` goes into ``Skipped``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_references(plan: Plan) -> None:
    """Refuse a plan whose steps refer to themselves or forward (a defect of the strategy, told at once).

    Raises
    ------
    BadInput : names the step and what it refers to.
    """
    for i, step in enumerate(plan.steps):
        for name, arg in (*step.args.items(), *step.limits.amounts.items()):
            if isinstance(arg, Of | PositionOf) and not 0 <= arg.step < i:
                raise BadInput(f"step {i} ({step.verb}) takes {name} from step {arg.step}, which is not before it")
            if isinstance(arg, Of) and not 0 <= arg.bps <= 10_000:
                raise BadInput(f"step {i} ({step.verb}) takes {arg.bps} bps as {name}; give 0 to 10000")


def resolve(intent: Intent, filled: Sequence[Filled | None], balance: Callable[[str], int]) -> Action:
    """Return the intent with every argument a plain value.

    Parameters
    ----------
    filled : what earlier steps of the plan gave, ``None`` for those that gave nothing (yet).
    balance : raw units of a token in the wallet now.

    Raises
    ------
    Unplannable : an argument refers to a step that gave no such amount or position.
    """

    def value(arg: Arg) -> int | str | bool:
        if isinstance(arg, All):
            return max(balance(arg.token) - arg.keep, 0)
        if isinstance(arg, Of):
            amounts = _given(filled, arg.step).amounts
            if arg.field not in amounts:
                raise Unplannable(
                    f"step {arg.step} gave no {arg.field}; it gave {', '.join(sorted(amounts)) or 'nothing'}"
                )
            return amounts[arg.field] * arg.bps // 10_000  # down: never more than the step gave
        if isinstance(arg, PositionOf):
            position = _given(filled, arg.step).position
            if position is None:
                raise Unplannable(f"step {arg.step} opened no position")
            return position
        return arg

    limits = {name: _integer(name, value(arg)) for name, arg in intent.limits.amounts.items()}
    return Action(intent.verb, {k: value(v) for k, v in intent.args.items()}, limits | _bounds(intent))


def _bounds(intent: Intent) -> dict[str, int]:
    limits = intent.limits
    bounds = {"sqrt_price_x96": limits.sqrt_price_x96, "deadline": limits.deadline}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _integer(name: str, value: int | str | bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unplannable(f"limit {name} is {value!r}, not an integer")
    return value


def _given(filled: Sequence[Filled | None], step: int) -> Filled:
    given = filled[step] if step < len(filled) else None
    if given is None:
        raise Unplannable(f"step {step} has given nothing yet")
    return given
