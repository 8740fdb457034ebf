"""A pair's log applied to a model that saw nothing else: reserves, shares and the protocol's share must follow from it.

A pair logs what its shares did (Transfer), then its reserves (Sync), then why (Mint, Burn, Swap). Reserves are taken
from Sync; what is logged before and behind it must be what the rules give. (Skim logs nothing and changes nothing here.)

Whether the protocol takes its share is the factory's to say, and the factory logs nothing: whoever replays reads
``feeTo()`` beside the logs and tells of each change by an event of our own, ``FeeTo`` with the address (zero: off).
"""

from __future__ import annotations

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Context, Event
from tidemill.venues.uniswap_v2.model_pair import accrue, protocol_share_down
from tidemill.venues.uniswap_v2.rules import (
    MINIMUM_LIQUIDITY,
    first_liquidity_down,
    keeps_product,
    liquidity_for_down,
    share_down,
)
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["apply", "set_fee_to"]

_NOBODY = frozenset(("", "zero", "0x" + "00" * 20))


def set_fee_to(state: ExchangeState, event: Event) -> None:
    """Note who earns the protocol's share from here on."""
    to = str(event.args["to"])
    state.fee_to = "" if to in _NOBODY else to


def apply(state: ExchangeState, pair: PairState, event: Event, ctx: Context) -> None:
    """Apply one event; raises ``ReplayMismatch`` where it contradicts what came before."""
    args = event.args
    if event.name == "Transfer":
        _shares(pair, str(args["from"]), str(args["to"]), int(args["value"]))
    elif event.name == "Sync":
        accrue(pair, ctx.block.time)
        pair.before = pair.reserve0, pair.reserve1
        pair.reserve0, pair.reserve1 = int(args["reserve0"]), int(args["reserve1"])
    elif event.name == "Swap":
        _check_swap(pair, event)
    elif event.name in ("Mint", "Burn"):
        told = int(args["amount0"]), int(args["amount1"])
        supply = pair.total_supply - sum(pair.issued) + pair.redeemed
        share = protocol_share_down(state, pair, pair.before[0] * pair.before[1], supply)
        taken = [share] if share else []
        if event.name == "Mint":
            _check_mint(pair, told, supply + share, taken)
        else:
            _check_burn(pair, told, supply + share, taken, kept=str(args["to"]) == pair.account)
        pair.k_last = pair.reserve0 * pair.reserve1 if state.fee_to else 0
        pair.issued, pair.redeemed = (), 0


def _shares(pair: PairState, source: str, target: str, value: int) -> None:
    """Count shares made and unmade; what lies at the zero address was sent there and is still counted."""
    if source in _NOBODY:
        pair.total_supply += value
        pair.issued = (*pair.issued, value)
    elif target in _NOBODY and source == pair.account:
        pair.total_supply -= value
        pair.redeemed += value


def _check_mint(pair: PairState, told: tuple[int, int], supply: int, taken: list[int]) -> None:
    was0, was1 = pair.before
    if (was0 + told[0], was1 + told[1]) != (pair.reserve0, pair.reserve1):
        raise ReplayMismatch(f"Mint of {told} on reserves {pair.before}: Sync says otherwise")
    if supply == 0:
        due = [MINIMUM_LIQUIDITY, first_liquidity_down(*told) - MINIMUM_LIQUIDITY]
    else:
        due = [liquidity_for_down(*told, was0, was1, supply)]
    if [*taken, *due] != list(pair.issued):
        raise ReplayMismatch(f"Mint of {told} issues {[*taken, *due]} shares, logged are {list(pair.issued)}")


def _check_burn(pair: PairState, told: tuple[int, int], supply: int, taken: list[int], *, kept: bool) -> None:
    """Check a withdrawal; ``kept`` if the pair paid it to itself."""
    held = [now + (0 if kept else out) for now, out in zip((pair.reserve0, pair.reserve1), told, strict=True)]
    due = share_down(pair.redeemed, held[0], supply), share_down(pair.redeemed, held[1], supply)
    if due != told:
        raise ReplayMismatch(f"Burn of {pair.redeemed} shares gives {due}, logged are {told}")
    if taken != list(pair.issued):
        raise ReplayMismatch(f"Burn issues {taken} shares to the protocol, logged are {list(pair.issued)}")


def _check_swap(pair: PairState, event: Event) -> None:
    in0, in1, out0, out1 = (int(event.args[n]) for n in ("amount0In", "amount1In", "amount0Out", "amount1Out"))
    was0, was1 = pair.before
    if (was0 + in0 - out0, was1 + in1 - out1) != (pair.reserve0, pair.reserve1):
        raise ReplayMismatch(f"Swap of {in0} and {in1} for {out0} and {out1} on {pair.before}: Sync says otherwise")
    if not keeps_product(pair.reserve0, pair.reserve1, in0, in1, was0, was1):
        raise ReplayMismatch(f"Swap of {in0} and {in1} breaks the product of {was0} and {was1}")
