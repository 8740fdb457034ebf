"""Payees in memory: who has been paid how much. A payment is a transfer and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.venues.shared.effects import Effects

__all__ = ["PayeesModel", "PayeesState", "account_of"]


def account_of(name: str) -> str:
    """Return the account of a payee in the book.

    >>> account_of("rent")
    'paid:rent'
    """
    return f"paid:{name}"


@dataclass
class PayeesState:
    """``paid`` is raw units of ``token`` by payee."""

    token: str
    names: tuple[str, ...]
    paid: dict[str, int] = field(default_factory=dict)


class PayeesModel:
    """`Model` of accounts that are paid: ``pay`` (``to``, ``amount``)."""

    def init(self, params: Mapping[str, Any]) -> PayeesState:
        """Start with nobody paid; ``params``: the fields of `PayeesState`."""
        return PayeesState(**params)

    def apply(self, state: PayeesState, action: Action, ctx: Context) -> Result:
        """Pay; reverts for more than there is, and for somebody whom the study does not name."""
        if action.verb != "pay":
            raise Revert(f"no verb {action.verb!r}")
        name, amount, effects = str(action.args["to"]), int(action.args["amount"]), Effects(ctx)
        if name not in state.names:
            raise Revert(f"no payee {name!r}")
        left = effects.balance(state.token, ctx.sender) - amount
        effects.move(state.token, ctx.sender, account_of(name), amount, "insufficient balance")
        effects.count("first", int(bool(amount) and not state.paid.get(name)))
        effects.count("last", int(bool(amount) and not left))
        state.paid[name] = state.paid.get(name, 0) + amount
        return effects.result({"amount": amount})

    def read(self, state: PayeesState, query: str, *args: Any) -> Any:
        """Answer ``token``, ``names`` or ``paid`` (of a name), raw units."""
        if query in ("token", "names"):
            return getattr(state, query)
        if query == "paid":
            return state.paid.get(str(args[0]), 0)
        raise KeyError(query)

    def positions(
        self, state: PayeesState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return nothing: what is paid is gone."""
        return ()

    def rates(self, state: PayeesState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A payee issues no receipt token."""
        return {}
