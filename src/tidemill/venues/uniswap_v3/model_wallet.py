"""Storage words of the tokens that an action moves: balances, and the allowance that a payment uses up."""

from __future__ import annotations

from tidemill.interfaces import Action, Context, Result
from tidemill.venues.uniswap_v3.model_storage import WORDS, write_word

__all__ = ["wallet_features"]


def wallet_features(result: Result, action: Action, ctx: Context, token0: str, token1: str) -> dict[str, int]:
    """Return counts of a verb of the periphery: token words, approvals asked for, allowances wholly used.

    Parameters
    ----------
    ctx : answers balances as they were before the action.
    """
    counts = dict.fromkeys(WORDS, 0)
    change: dict[tuple[str, str], int] = {}
    paid: dict[str, int] = {}
    for move in result.transfers:
        for account, sign in ((move.source, -1), (move.target, 1)):
            change[move.token, account] = change.get((move.token, account), 0) + sign * move.amount
        if move.source == ctx.sender:
            paid[move.token] = paid.get(move.token, 0) + move.amount
    for (token, account), amount in change.items():
        held = ctx.balance(token, account)
        write_word(counts, [(held,), (held + amount,)])
    allowed = _allowed(action, token0, token1)
    for token, amount in paid.items():
        write_word(counts, [(allowed[token],), (allowed[token] - amount,)])
    if allowed:
        counts["approvals"] = sum(amount > 0 for amount in allowed.values())
        counts["allowances_used_up"] = sum(allowed[token] == amount for token, amount in paid.items())
        counts["allowances_left"] = counts["approvals"] - counts["allowances_used_up"]
    return counts


def _allowed(action: Action, token0: str, token1: str) -> dict[str, int]:
    """What the client approves before a verb, by token: exactly what the verb may take."""
    args = action.args
    match action.verb:
        case "mint" | "increase":
            return {token0: int(args["amount0_desired"]), token1: int(args["amount1_desired"])}
        case "swap_exact_in":
            return {str(args["token_in"]): int(args["amount_in"])}
        case "swap_exact_out":
            # A quote may come without a limit; it never uses the allowance up.
            return {str(args["token_in"]): int(action.limits.get("amount_in_max", 1 << 256))}
    return {}
