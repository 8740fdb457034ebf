"""A staking token on a network to which it is bridged: nothing but the rate that a feeder last brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.venues.shared.effects import Effects

__all__ = ["BridgedModel", "BridgedState"]

WAD = 10**18


@dataclass
class BridgedState:
    """The rate: raw units of ``asset`` for 10**18 of ``share``, and since when (seconds)."""

    account: str
    asset: str
    share: str
    feeder: str
    rate: int
    updated: int = 0


class BridgedModel:
    """`Model` of a rate provider. The feeder's verb: push (``rate``). The token itself is traded where there is a pool for it."""

    def init(self, params: Mapping[str, Any]) -> BridgedState:
        """Make a provider; ``params``: the fields of `BridgedState`."""
        return BridgedState(**params)

    def apply(self, state: BridgedState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts."""
        effects = Effects(ctx)
        if action.verb != "push":
            raise Revert(f"no verb {action.verb!r}")
        if ctx.sender != state.feeder:
            raise Revert("not the feeder")
        rate = int(action.args["rate"])
        if rate == 0:
            raise Revert("no rate")
        state.rate, state.updated = rate, ctx.block.time
        effects.log("RateUpdated", rate=rate, time=ctx.block.time)
        return effects.result({"rate": rate})

    def read(self, state: BridgedState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name."""
        return {"getRate": state.rate, "updatedAt": state.updated}[query]

    def positions(
        self, state: BridgedState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """A provider holds nothing."""
        return ()

    def rates(self, state: BridgedState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What the token stands for by the last update, whatever a market pays for it."""
        return {state.share: Rate(venue, {state.asset: state.rate}, WAD)}
