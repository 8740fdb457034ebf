"""Recorded events of the pool applied to the model: every amount must come out as recorded.

A Swap event does not say how it was called. It is tried as exact input, exact output, and as stopped by a price limit,
and kept where amounts, price, liquidity and tick all agree. Two of these can agree and differ by a unit of fee, which
no event shows: what is known of the call (``swap_type``: 0, 1 or 2) decides when it is given with the event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.errors import ReplayMismatch, Revert
from tidemill.interfaces import Action, Context, Event, Result, Transfer

if TYPE_CHECKING:
    from tidemill.venues.uniswap_v3.model import UniswapV3Model
    from tidemill.venues.uniswap_v3.model_state import UniswapV3State

__all__ = ["replay"]

_WHATEVER = (1 << 255) - 1
_ACTING = {"Mint": "owner", "Burn": "owner", "Collect": "owner"}
_BY_OWNER = frozenset({"SetFeeProtocol", "CollectProtocol"})


class _Replaying:
    """The recorded block; whoever pays can, since they did."""

    __slots__ = ("block", "sender")

    def __init__(self, ctx: Context, sender: str) -> None:
        self.block, self.sender = ctx.block, sender

    def balance(self, token: str, account: str) -> int:
        return _WHATEVER

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError("a recorded event moves what it moved")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("a recorded event calls nobody")

    def read(self, venue: str, query: str, *args: Any) -> Any:
        raise NotImplementedError("a recorded event asks nobody")


def replay(model: UniswapV3Model, state: UniswapV3State, event: Event, ctx: Context) -> None:
    """Apply ``event`` (the pool's own name and argument names).

    Raises
    ------
    ReplayMismatch : it does not reproduce; names the event and both values. The state is then unchanged.
    """
    who = str(event.args.get(_ACTING.get(event.name, "sender"), ""))
    if event.name in _BY_OWNER:
        who = state.pool.owner
    candidates: Sequence[Callable[[Event], Action] | None] = (_ACTIONS.get(event.name),)
    if event.name == "Swap":
        told = event.args.get("swap_type")
        candidates = _SWAPS if told is None else (_SWAPS[int(told)],)
        event = Event("Swap", {**event.args, "_price_before": state.pool.sqrt_price_x96})
    found = ""
    for make in candidates:
        if make is None:
            raise ReplayMismatch(f"{event.name} is no event of a pool")
        mark = state.journal.mark()
        try:
            result = model.apply(state, make(event), _Replaying(ctx, who))
            found = _difference(event, result)
        except Revert as revert:
            found = f"the model reverts with {revert.reason!r}"
        if not found:
            state.journal.commit(mark)
            return
        state.journal.rollback(mark)
    raise ReplayMismatch(f"{event.name} at block {ctx.block.number} does not reproduce: {found}")


def _difference(event: Event, result: Result) -> str:
    """What the model's event of the same name says differently; empty if nothing."""
    for made in result.events:
        if made.name == event.name:
            for name, value in made.args.items():
                if name in event.args and name not in {"sender", "recipient"} and event.args[name] != value:
                    return f"{name} is {event.args[name]} in the record, {value} in the model"
            return ""
    return "the model logs no such event"


def _swap(event: Event, amount_specified: int, limit: int | None) -> Action:
    before, after = int(event.args["_price_before"]), int(event.args["sqrtPriceX96"])
    zero_for_one = after < before or (after == before and int(event.args["amount0"]) > 0)
    args: dict[str, int | str | bool] = {"zero_for_one": zero_for_one, "amount_specified": amount_specified}
    if limit is not None:
        args["sqrt_price_limit_x96"] = limit
    return Action("pool_swap", args)


def _exact_in(event: Event) -> Action:
    return _swap(event, max(int(event.args["amount0"]), int(event.args["amount1"])), None)


def _exact_out(event: Event) -> Action:
    return _swap(event, min(int(event.args["amount0"]), int(event.args["amount1"])), None)


def _price_limited(event: Event) -> Action:
    return _swap(event, _WHATEVER, int(event.args["sqrtPriceX96"]))


def _ranged(verb: str, **names: str) -> Callable[[Event], Action]:
    names = {"tick_lower": "tickLower", "tick_upper": "tickUpper", **names}
    return lambda event: Action(verb, {ours: event.args[theirs] for ours, theirs in names.items()})


def _flash(event: Event) -> Action:
    return Action("pool_flash", {name: event.args[name] for name in ("amount0", "amount1", "paid0", "paid1")})


_SWAPS = (_exact_in, _exact_out, _price_limited)
_ACTIONS: dict[str, Callable[[Event], Action]] = {
    "Initialize": lambda event: Action("pool_initialize", {"sqrt_price_x96": event.args["sqrtPriceX96"]}),
    "Mint": _ranged("pool_mint", liquidity="amount"),
    "Burn": _ranged("pool_burn", liquidity="amount"),
    "Collect": _ranged("pool_collect", amount0="amount0", amount1="amount1"),
    "Flash": _flash,
    "SetFeeProtocol": lambda event: Action(
        "pool_set_fee_protocol",
        {"fee_protocol_0": event.args["feeProtocol0New"], "fee_protocol_1": event.args["feeProtocol1New"]},
    ),
    "CollectProtocol": lambda event: Action(
        "pool_collect_protocol", {"amount0": event.args["amount0"], "amount1": event.args["amount1"]}
    ),
    "IncreaseObservationCardinalityNext": lambda event: Action(
        "pool_increase_observations", {"observation_cardinality_next": event.args["observationCardinalityNextNew"]}
    ),
}
