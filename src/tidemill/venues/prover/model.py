"""A prover in memory: transactions come with a fee each, proofs are made of what waits, fees of what is proven are collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.units import div_up
from tidemill.venues.shared.effects import Effects

__all__ = ["ProverModel", "ProverState"]

COST = "costs:proving:"
"""Account that takes what computing costs for good (``tidemill.ledger.families.COST``)."""


@dataclass
class ProverState:
    """What a prover has to do and to get; amounts are wei, times seconds.

    ``account`` holds the fees in the world's book, ``token`` is what they are paid in. A proof holds at most ``most``
    transactions, costs ``proof_wei`` of computing beside ``tx_wei`` for each, and ``verify_gas`` gas where it is checked.
    ``waiting`` are transactions not proven, ``open_fees`` what they pay; ``due`` are fees of what is proven.
    """

    venue: str
    account: str
    token: str
    operator: str
    most: int
    proof_wei: int
    tx_wei: int
    verify_gas: int
    proven_at: int
    waiting: int = 0
    open_fees: int = 0
    due: int = 0


class ProverModel:
    """`Model` of a prover. Of the script: serve (``count`` transactions, their ``fees``). Of the prover: prove, collect."""

    def init(self, params: Mapping[str, Any]) -> ProverState:
        """Make a prover with nothing to do; ``params``: the fields of `ProverState`."""
        return ProverState(**params)

    def apply(self, state: ProverState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. ``prove`` counts the ``verify_gas`` of its proofs."""
        verbs = {"serve": _serve, "prove": _prove, "collect": _collect}
        if action.verb not in verbs:
            raise Revert(f"no verb {action.verb!r}")
        if action.verb != "serve" and ctx.sender != state.operator:
            raise Revert("not the prover")
        return verbs[action.verb](state, Effects(ctx), action.args)

    def read(self, state: ProverState, query: str, *args: Any) -> Any:
        """Answer ``waiting`` (transactions), ``provenAt`` (when nothing waited last), ``fees`` (of what waits, of what is
        proven), or ``computing`` (wei that proving now takes, gas left out).
        """
        plain = {
            "waiting": state.waiting,
            "provenAt": state.proven_at,
            "fees": (state.open_fees, state.due),
            "computing": _computing(state)[1],
        }
        return plain[query]

    def positions(
        self, state: ProverState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the fees that lie with the venue, of what is proven and of what is still to be."""
        if owner != state.operator:
            return ()
        held = state.open_fees + state.due
        return (Position(f"{venue}#takings", venue, "takings", {"size": 1}, {}, {state.token: held} if held else {}),)

    def rates(self, state: ProverState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A prover has no receipt token."""
        return {}


def _computing(state: ProverState) -> tuple[int, int]:
    proofs = div_up(state.waiting, state.most)
    return proofs, proofs * state.proof_wei + state.waiting * state.tx_wei


def _serve(state: ProverState, effects: Effects, args: Mapping[str, Any]) -> Result:
    fees = int(args["fees"])
    effects.move(state.token, effects.ctx.sender, state.account, fees, "balance")
    state.waiting += int(args["count"])
    state.open_fees += fees
    return effects.result({"fees": fees})


def _prove(state: ProverState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    if state.waiting == 0:
        raise Revert("nothing to prove")
    proofs, computing = _computing(state)
    effects.move(state.token, state.operator, f"{COST}{state.venue}", computing, "balance")
    effects.count("verify_gas", proofs * state.verify_gas)
    told = {"transactions": state.waiting, "proofs": proofs, "computing": computing}
    state.due += state.open_fees
    state.waiting = state.open_fees = 0
    state.proven_at = effects.ctx.block.time
    effects.log("Proven", **told)
    return effects.result(told)


def _collect(state: ProverState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    if state.due == 0:
        raise Revert("nothing to collect")
    fees, state.due = state.due, 0
    effects.move(state.token, state.account, state.operator, fees, "balance")
    effects.log("Collected", fees=fees)
    return effects.result({"fees": fees})
