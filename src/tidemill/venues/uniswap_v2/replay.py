"""A pair's log applied to a model that saw nothing else: reserves and shares must follow from it.

A pair logs what its shares did (Transfer), then its reserves (Sync), then why (Mint, Burn, Swap). Reserves are taken
from Sync; what is logged before and behind it must agree with them. (Skim logs nothing and changes nothing here.)
"""

from __future__ import annotations

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Context, Event
from tidemill.venues.uniswap_v2.model_pair import accrue
from tidemill.venues.uniswap_v2.rules import keeps_product
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["apply"]


def apply(state: ExchangeState, pair: PairState, event: Event, ctx: Context) -> None:
    """Apply one event; raises ``ReplayMismatch`` where it contradicts what came before."""
    args = event.args
    if event.name == "Transfer":
        issued, redeemed = args["from"] == "zero", args["to"] == "zero"
        pair.total_supply += int(args["value"]) * (issued - (redeemed and not issued))
        return
    if event.name == "Sync":
        accrue(pair, ctx.block.time)
        pair.before = pair.reserve0, pair.reserve1
        pair.reserve0, pair.reserve1 = int(args["reserve0"]), int(args["reserve1"])
        return
    was0, was1 = pair.before
    if event.name in ("Mint", "Burn"):
        if state.fee_to:
            pair.k_last = pair.reserve0 * pair.reserve1
        else:
            pair.k_last = 0
    _check(event, pair, was0, was1)


def _check(event: Event, pair: PairState, was0: int, was1: int) -> None:
    args = event.args
    if event.name == "Mint":
        moved = int(args["amount0"]), int(args["amount1"])
    elif event.name == "Burn":
        # Tokens that lay there unseen join the reserves: a burn may take out less than the reserves lost, never more.
        moved = -int(args["amount0"]), -int(args["amount1"])
        if pair.reserve0 < was0 + moved[0] or pair.reserve1 < was1 + moved[1]:
            raise ReplayMismatch(f"Burn of {args['amount0']} and {args['amount1']} does not fit the reserves")
        return
    else:
        in0, in1 = int(args["amount0In"]), int(args["amount1In"])
        moved = in0 - int(args["amount0Out"]), in1 - int(args["amount1Out"])
        if not keeps_product(pair.reserve0, pair.reserve1, in0, in1, was0, was1):
            raise ReplayMismatch(f"Swap of {in0} and {in1} breaks the product of {was0} and {was1}")
    if (was0 + moved[0], was1 + moved[1]) != (pair.reserve0, pair.reserve1):
        raise ReplayMismatch(f"{event.name} moves the reserves by {moved}, Sync says otherwise")
