"""The worst that somebody who sees our transaction first can do to it: push the price to the limit we gave.

A sandwich around a swap moves the price until the swap just still fills, and takes the difference. What that costs us
is exact without knowing the venue: the swap gets ``amount_out_min`` (or pays ``amount_in_max``) and not a unit better.
The venue is left as if the attacker had come and gone; the fees he pays there are left out, which errs against nobody.
"""

from __future__ import annotations

from msgspec import structs

from tidemill.engine.transaction import Transaction
from tidemill.interfaces import Action, Result, Revert, Transfer

__all__ = ["ADVERSARY", "sandwich"]

BPS = 10_000
ADVERSARY = "adversary"
"""His account in the book."""


def sandwich(tx: Transaction, action: Action, result: Result, most_bps: int = BPS) -> Result:
    """Take what a swap's limits leave to be taken, ``most_bps`` of it at most; return the result as we then see it.

    Raises
    ------
    Revert : the wallet cannot pay up to its own ``amount_in_max``; the attacker would stop just short of that, the
        model does not search for where.
    """
    bounds = {"amount_out": action.limits.get("amount_out_min"), "amount_in": action.limits.get("amount_in_max")}
    for name, bound in bounds.items():
        if bound is None or name not in result.amounts:
            continue
        filled = result.amounts[name]
        taken = min(abs(filled - bound), filled * most_bps // BPS)  # down: he cannot take a part of a unit
        moved = [t for t in result.transfers if tx.sender == (t.target if name == "amount_out" else t.source)]
        if not taken or not moved:
            continue
        theft = Transfer(moved[-1].token, tx.sender, ADVERSARY, taken)
        if tx.balance(theft.token, tx.sender) < taken:
            raise Revert("transfer amount exceeds balance")
        tx.move(theft)
        amounts = {**result.amounts, name: filled - taken if name == "amount_out" else filled + taken}
        result = structs.replace(result, amounts=amounts, transfers=(*result.transfers, theft))
    return result
