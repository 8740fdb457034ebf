"""What a mark says one owns, by account: wallet, principal, pending; receipt tokens seen through to their assets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Mark, Position
from tidemill.ledger.families import Treatment, treatment

__all__ = ["WALLET", "Claim", "Holdings", "holdings"]

WALLET = "assets:me"
"""Account of one's own wallet in the quantity ledger."""


class Claim(NamedTuple):
    """One position as booked. ``principal`` and ``pending`` are raw units by token, ``weight`` how much is held,
    ``rounding`` the most one action may lose of each token; ``impaired`` is the venue's own word for it. ``product`` is the
    square root of the product of a pool's reserves, and the shares it belongs to: per share it grows by fees alone.
    ``matched`` is what one raw unit of a pool's other token is worth of each, rounded up: a deposit brings whole units of both,
    so of the finer token as much more than the shares made for it may be left to the pool.
    """

    id: str
    venue: str
    treatment: Treatment
    weight: int
    principal: Mapping[str, int]
    pending: Mapping[str, int]
    rounding: int
    impaired: bool = False
    product: tuple[int, int] | None = None
    matched: Mapping[str, int] = {}

    def accounts(self) -> dict[tuple[str, str], int]:
        """Return raw units by (account, token): principal (or debt), then what is pending."""
        kind = "impaired" if self.impaired else self.treatment.account
        held = {(f"{'debt' if n < 0 else kind}:{self.id}", token): n for token, n in self.principal.items() if n}
        held.update({(f"pending:{self.id}", token): n for token, n in self.pending.items() if n})
        return held


class Holdings(NamedTuple):
    """``wallet`` raw units by token; ``claims`` by id, in order; ``accounts`` raw units by (account, token), all of it;
    ``receipts`` the tokens that are counted through their assets and have no price of their own.
    """

    wallet: Mapping[str, int]
    claims: Mapping[str, Claim]
    accounts: Mapping[tuple[str, str], int]
    receipts: frozenset[str]

    def valued(self) -> dict[str, int]:
        """Return raw units by token over all accounts, without receipt tokens."""
        sums: dict[str, int] = {}
        for (_, token), amount in self.accounts.items():
            if token not in self.receipts:
                sums[token] = sums.get(token, 0) + amount
        return sums


def holdings(mark: Mark) -> Holdings:
    """Read a mark.

    A receipt token (``mark.rates``), wherever it lies, is booked in its own units and, summed, as a claim
    ``<venue>#shares`` on what they stand for, rounded down: the venue's own rounding. A vault that also
    lists a position for the same shares (of the kind that the rate names) is not counted twice.
    """
    accounts: dict[tuple[str, str], int] = {}
    claims: dict[str, Claim] = {}
    receipts = {(rate.venue, rate.kind) for rate in mark.rates.values()}
    for token, amount in mark.balances.items():
        if amount < 0:
            raise InvariantBroken(f"mark seq {mark.seq}: the wallet holds {amount} {token}")
        if amount:
            accounts[WALLET, token] = amount
    for position in mark.positions:
        if (position.venue, position.kind) not in receipts:
            claims[position.id] = _claim(position)
    shares = dict.fromkeys(mark.rates, 0)
    for token in shares:
        shares[token] = mark.balances.get(token, 0) + sum(
            claim.principal.get(token, 0) + claim.pending.get(token, 0) for claim in claims.values()
        )
    for token, rate in mark.rates.items():
        if shares[token]:
            name = f"{rate.venue}#shares"
            if name in claims:
                raise InvariantBroken(
                    f"mark seq {mark.seq}: venue {rate.venue} has shares of two kinds; place it twice"
                )
            # one share's worth of assets, rounded up, may be lost to rounding a number of shares
            lost = 2 + max(-(-amount // rate.shares) for amount in rate.assets.values())
            how = treatment(rate.kind)
            worth = rate.of_down(shares[token])
            product = (math.isqrt(math.prod(rate.assets.values())), rate.shares) if how.compounds else None
            matched = _matched(rate.assets) if how.compounds else {}
            claims[name] = Claim(name, rate.venue, how, shares[token], worth, {}, lost, False, product, matched)
    for claim in claims.values():
        accounts.update(claim.accounts())
    return Holdings(dict(mark.balances), claims, accounts, frozenset(mark.rates))


def _matched(assets: Mapping[str, int]) -> dict[str, int]:
    least = max(min(assets.values()), 1)
    return {token: -(-amount // least) if amount > least else 0 for token, amount in assets.items()}


def _claim(position: Position) -> Claim:
    how = treatment(position.kind)
    if how.weight not in position.data:
        raise InvariantBroken(
            f"position {position.id} of kind {position.kind!r} has no {how.weight!r} in its data, "
            "which the ledger needs to tell what part of it leaves"
        )
    weight = position.data[how.weight]
    impaired = bool(position.data.get("impaired"))
    principal, pending = position.principal, position.claimable
    return Claim(position.id, position.venue, how, weight, principal, pending, how.rounding, impaired)
