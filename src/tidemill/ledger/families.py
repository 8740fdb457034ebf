"""How each kind of holding is booked: the table that a new venue family adds a line to.

What differs between families is small: what the principal does by itself, what its income is called, and which datum
of the position says how much of it one holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tidemill.errors import InvariantBroken

__all__ = [
    "BROUGHT",
    "CONTRIBUTED",
    "COST",
    "EXCHANGE_VERBS",
    "MOVED",
    "OWNER",
    "PAID",
    "TAKEN",
    "TREATMENTS",
    "WRAP",
    "Treatment",
    "treatment",
]

WRAP = "wrap:"
"""Accounts of the book that wrap and unwrap a native token: ``wrap:<network>``."""

COST = "costs:"
"""Accounts of the book that take what earning costs for good: ``costs:<what>:<venue>``."""

BROUGHT, TAKEN = "brought in", "taken out"
"""Causes of what came from outside or went there: neither income nor loss, whatever is worth is capital."""

CONTRIBUTED, MOVED = "contributed", "moved"
"""Causes of what the owner brings during a run, and of what goes from one purse to another."""
OWNER = (CONTRIBUTED, MOVED)

PAID = "paid:"
"""Accounts of the book that the owner pays out to: ``paid:<who>``. Neither a cost nor a loss."""

EXCHANGE_VERBS = frozenset({"swap", "swap_exact_in", "swap_exact_out", "wrap", "unwrap"})
"""Verbs that trade wallet tokens for wallet tokens; every other verb moves tokens into or out of a position."""


class Treatment(Struct, frozen=True):
    """How one kind of position is booked.

    Parameters
    ----------
    family : whose waterfall rows apply (``tidemill.ledger.rows``).
    principal : what the principal does between own steps: ``converts`` (one token into another, booked claim <->
        market; divergence is taken when it leaves), ``grows`` (the change is income), ``fixed`` (it may not change).
    income : account of what accrues: ``income:<income>:<position>``.
    weight : key of ``Position.data`` that measures how much is held; what leaves, leaves in proportion.
    account : account of the principal; a negative principal is ``debt`` whatever stands here.
    rounding : most raw units per token that one action at such a venue may lose to rounding.
    compounds : what accrues joins the principal of a converting position: the growth of the product per share.
    shrinks : pending income may fall by itself.
    """

    family: str
    principal: Literal["converts", "grows", "fixed"]
    income: str
    weight: str
    account: Literal["claims", "locked", "flight"] = "claims"
    rounding: int = 2
    compounds: bool = False
    shrinks: bool = False


TREATMENTS: Mapping[str, Treatment] = {
    # Uniswap v3: amounts in are rounded up and principal is read rounded down (1), pending fees likewise (1).
    "range": Treatment("liquidity", "converts", "fees", "liquidity"),
    # Uniswap v2: a share of two reserves, fees left inside.
    "pool": Treatment("liquidity", "converts", "fees", "shares", compounds=True),
    # A share's rounding costs up to one share's worth of assets: the bound is widened by the rate (holdings.py).
    "vault": Treatment("vault", "grows", "growth", "shares"),
    # A queue of withdrawals: what it would pay may still grow up to its cap. A request rounds as a share does.
    "withdrawal": Treatment("vault", "grows", "growth", "size", account="locked"),
    "stake": Treatment("farm", "fixed", "rewards", "staked"),
    # A gauge's rewards beside the range that earns them; once an incentive is over, who waits out of range is diluted.
    "gauge": Treatment("farm", "fixed", "rewards", "staked", shrinks=True),
    # A campaign's claims: nothing is put in, and a later root may correct an earlier one downwards.
    "campaign": Treatment("farm", "fixed", "rewards", "share", shrinks=True),
    # What is locked cannot be taken out before its time (`end` in the data, seconds).
    "lock": Treatment("farm", "fixed", "rewards", "locked", account="locked"),
    # Lending: one position of all that is supplied, one of all that is owed, whose (negative) principal grows too; a
    # liquidation befalls each by itself. `size` changes whenever what was put in or borrowed does, with time it does not.
    "supply": Treatment("lending", "grows", "interest", "size"),
    "debt": Treatment("lending", "grows", "borrowing", "size"),
    # Stake asked back from a validator, paid after a wait; and rewards that only make up for tokens minted meanwhile.
    "unbonding": Treatment("farm", "fixed", "rewards", "size", account="locked"),
    "pace": Treatment("farm", "fixed", "dilution", "size"),
    # An operator's fees that users have paid in and nobody has collected; what they cost comes through ``COST``.
    "takings": Treatment("operator", "fixed", "takings", "size"),
    # … those that hang on a client's profit, told apart.
    "carry": Treatment("operator", "fixed", "carry", "size"),
    # A relayer's money, out or not; its fees come with what is repaid.
    "float": Treatment("relay", "fixed", "fills", "size"),
    # Money between two networks: booked as what will arrive, against what was sent (`bridge:<venue>`); it earns nothing.
    "flight": Treatment("bridge", "fixed", "nothing", "size", account="flight", rounding=0),
}
"""By ``Position.kind``."""


def treatment(kind: str) -> Treatment:
    """Return how positions of ``kind`` are booked; raises ``InvariantBroken`` for a kind without a line."""
    try:
        return TREATMENTS[kind]
    except KeyError:
        raise InvariantBroken(
            f"the ledger has no treatment for positions of kind {kind!r}; known: {', '.join(sorted(TREATMENTS))} "
            "(add a line to tidemill.ledger.families.TREATMENTS)"
        ) from None
