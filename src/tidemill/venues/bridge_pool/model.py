"""A liquidity bridge's pool in memory: shares of what lies in it and of what is out; transfers advanced for a fee, repaid later.

One purse on both sides of the bridge: what is advanced comes back to the same pool, with its fee.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemill.interfaces import Action, Context, Rate, Result, Revert, Transfer
from tidemill.networks.liquidity import Pool, RateModel, pool_fee_up
from tidemill.units import WAD, mul_div_down
from tidemill.venues.shared.vault_rules import quoted
from tidemill.venues.shared.vaults import VaultVerbs

__all__ = ["BridgePoolModel", "BridgePoolState"]


@dataclass
class BridgePoolState:
    """State of one pool. ``account`` is where its assets lie in the world's book; ``lent`` is what is out (raw units), ``loans``
    are amounts (advanced, to be repaid) by number. ``rates`` are the pool's, ``terms`` how often a loan fits into a year.
    """

    account: str
    asset: str
    share: str
    rates: RateModel
    terms: int
    total_shares: int = 0
    lent: int = 0
    loans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __deepcopy__(self, memo: object) -> BridgePoolState:
        """Copy quickly: stages copy before every action."""
        made = copy.copy(self)
        made.loans = dict(self.loans)
        return made


class BridgePoolModel(VaultVerbs[BridgePoolState]):
    """`Model` of a pool: the verbs of a vault; and of the script: advance (``loan``, ``amount``), repay (``loan``).

    What is out is worth what was advanced until it is repaid: a fee is income when it comes in.
    """

    def init(self, params: Mapping[str, Any]) -> BridgePoolState:
        """Make an empty pool; ``params``: the fields of `BridgePoolState`."""
        return BridgePoolState(**params)

    def act(self, state: BridgePoolState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts."""
        if action.verb == "advance":
            return self._advance(state, ctx, int(action.args["loan"]), int(action.args["amount"]))
        if action.verb == "repay":
            return self._repay(state, ctx, int(action.args["loan"]))
        return super().act(state, action, ctx)

    def whole(self, state: BridgePoolState, ctx: Context) -> int:
        """Return the pot: what lies in the pool and what is out."""
        return ctx.balance(state.asset, state.account) + state.lent

    def allow(self, state: BridgePoolState, verb: str, who: str, amount: int, held: int, whole: int) -> None:
        """Refuse more than the shares held give, and more than lies in the pool: the rest is out until it is repaid."""
        assets, shares = self.quote(state, verb, amount, whole)
        if shares > held:
            raise Revert("not as many shares")
        if assets > whole - state.lent:
            raise Revert("the pool's money is out")

    def quote(self, state: BridgePoolState, verb: str, amount: int, whole: int) -> tuple[int, int]:
        """Return (assets, shares) of a verb; each rounds in the pool's favour."""
        return quoted(verb, amount, whole, state.total_shares, 1)

    def own_words(self, state: BridgePoolState) -> tuple[int, ...]:
        """Return the pool's own words that a verb of one's own may write."""
        return (state.total_shares,)

    def read(self, state: BridgePoolState, query: str, *args: Any) -> Any:
        """Answer ``lent``, ``utilisation`` (wad; given what lies in the pool) or a view of the shares."""
        if query == "lent":
            return state.lent
        if query == "utilisation":
            whole = int(args[0]) + state.lent
            return mul_div_down(state.lent, WAD, whole) if whole else 0
        return super().read(state, query, *args)

    def rates(self, state: BridgePoolState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share stands for, unrounded."""
        pot = balance(state.asset, state.account) + state.lent
        return {state.share: Rate(venue, {state.asset: pot + 1}, state.total_shares + 1)}

    @staticmethod
    def _advance(state: BridgePoolState, ctx: Context, loan: int, amount: int) -> Result:
        liquid = ctx.balance(state.asset, state.account)
        if not 0 < amount <= liquid:
            raise Revert("the pool has not as much")
        fee = pool_fee_up(Pool(liquid, state.lent, state.terms), state.rates, amount)
        if fee >= amount:
            raise Revert("the fee is all of it")
        paid = amount - fee
        state.loans[loan] = paid, amount
        state.lent += paid
        return Result({"paid": paid, "fee": fee}, (Transfer(state.asset, state.account, "recipients", paid),))

    @staticmethod
    def _repay(state: BridgePoolState, ctx: Context, loan: int) -> Result:
        if loan not in state.loans:
            raise Revert("no such loan")
        paid, amount = state.loans.pop(loan)
        state.lent -= paid
        return Result({"amount": amount}, (Transfer(state.asset, ctx.sender, state.account, amount),))
