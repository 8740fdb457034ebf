"""A vault over lending markets in memory. It calls the markets through the world, as the contract does on its chain."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action, Context, Position, Rate, Result, Transfer
from tidemill.units.integers import OVERFLOW
from tidemill.venues.morpho_vault.model_owner import VERBS as OWNERS
from tidemill.venues.morpho_vault.rules import fee_assets_down, less_or_zero, lost_after
from tidemill.venues.morpho_vault.state import VaultState
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.vault_rules import assets_for_shares_down, quoted, shares_for_assets_down
from tidemill.venues.shared.words import count_words

__all__ = ["Ahead", "LendingVaultModel", "Look"]

Look = Callable[..., Any]
"""(venue, query, arguments …) → a market's answer."""
Ahead = tuple[int, int, int]
"""All assets, losses counted as if they were there; what is lost; the fee in shares."""

_LIMIT = 1 << 256


class LendingVaultModel:
    """`Model` of the vault: deposit, mint, withdraw, redeem, accrue; its owner's verbs are in ``model_owner``."""

    def init(self, params: Mapping[str, Any]) -> VaultState:
        """Make an empty vault; ``params``: account, asset and share (token ids), owner, decimals_offset."""
        unit = 10 ** int(params.get("decimals_offset", 0))
        return VaultState(params["account"], params["asset"], params["share"], unit, params["owner"])

    def apply(self, state: VaultState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the markets' as well, and storage words."""
        effects, before = Effects(ctx), copy.copy(vars(state))
        words = state.words()
        try:
            amounts = self._apply(state, action, effects)
        except Revert as revert:
            vars(state).update(before)
            raise Revert("" if revert.reason == OVERFLOW else revert.reason) from None
        if action.verb in OWNERS:
            return effects.result(amounts)
        moved = dict.fromkeys(
            (t.token, who)
            for t in effects.transfers
            for who in (t.source, t.target)
            if who != "zero" and (t.token, who) != (state.asset, state.account)
        )
        pairs = [(ctx.balance(*key), effects.balance(*key)) for key in moved]
        for name, times in count_words([*pairs, *zip(words, state.words(), strict=True)]).items():
            effects.count(name, times)
        return effects.result(amounts)

    def _apply(self, state: VaultState, action: Action, effects: Effects) -> dict[str, int]:
        verb, args = action.verb, action.args
        if verb in OWNERS:
            if effects.ctx.sender != state.owner:
                raise Revert("not owner")
            if verb == "set_fee":
                self._accrue(state, effects)
            OWNERS[verb](state, effects, args)
            return {}
        if verb not in ("deposit", "mint", "withdraw", "redeem", "accrue"):
            raise Revert(f"no verb {verb!r}")
        total = self._accrue(state, effects)
        if verb == "accrue":
            return {}
        given = int(args["shares" if verb in ("mint", "redeem") else "assets"])
        assets, shares = within(state, verb, given, total)
        (self._enter if verb in ("deposit", "mint") else self._leave)(state, effects, assets, shares)
        return {"assets": assets, "shares": shares}

    @staticmethod
    def ahead(state: VaultState, look: Look, now: int) -> Ahead:
        """Return what accruing at ``now`` (seconds) would find."""
        there = sum(held(state, look, index, now)[0] for index in state.withdraw_queue)
        lost = lost_after(there, state.last_total, state.lost)
        total = there + lost
        part = fee_assets_down(total, state.last_total, state.fee)
        return total, lost, shares_for_assets_down(part, total - part, state.total_shares, state.offset_unit)

    def _accrue(self, state: VaultState, effects: Effects) -> int:
        total, lost, shares = self.ahead(state, effects.ctx.read, effects.ctx.block.time)
        effects.count("markets", len(state.withdraw_queue))
        if shares:
            state.total_shares += shares
            effects.count("fees_taken")
            effects.transfers.append(Transfer(state.share, "zero", state.fee_recipient, shares))
        state.last_total, state.lost = total, lost
        effects.log("AccrueInterest", newTotalAssets=total, feeShares=shares)
        return total

    def _enter(self, state: VaultState, effects: Effects, assets: int, shares: int) -> None:
        """Take assets and put them into the first markets that have room."""
        ctx, left = effects.ctx, assets
        me = ctx.sender
        wallet = ctx.balance(state.asset, me)
        if wallet < assets:
            raise Revert("balance")
        for name, times in count_words([(wallet, wallet - assets)]).items():
            effects.count(name, times)
        state.total_shares += shares
        if assets:
            ctx.move(Transfer(state.asset, me, state.account, assets))
        for index in state.supply_queue:
            place = state.places[index]
            part = min(less_or_zero(place.cap, held(state, ctx.read, index, ctx.block.time)[0]), left)
            if part:
                call(effects, state, index, "supply", part, (left, left - part))
                left -= part
        if left:
            raise Revert("all caps reached")
        state.last_total += assets
        if shares:
            effects.transfers.append(Transfer(state.share, "zero", me, shares))
        effects.log("Deposit", sender=me, owner=me, assets=assets, shares=shares)

    def _leave(self, state: VaultState, effects: Effects, assets: int, shares: int) -> None:
        """Take assets out of the first markets that have any to give."""
        ctx, left = effects.ctx, assets
        me, now = ctx.sender, ctx.block.time
        if effects.balance(state.share, me) < shares:
            raise Revert("balance")
        for index in state.withdraw_queue:
            part = min(*held(state, ctx.read, index, now), left)
            if part:
                call(effects, state, index, "withdraw", part, (assets - left, assets))
                left -= part
        if left:
            raise Revert("not enough liquidity")
        state.total_shares -= shares
        state.last_total = less_or_zero(state.last_total, assets)
        if shares:
            effects.transfers.append(Transfer(state.share, me, "zero", shares))
        if assets:
            effects.transfers.append(Transfer(state.asset, state.account, me, assets))
        effects.log("Withdraw", sender=me, receiver=me, owner=me, assets=assets, shares=shares)

    def read(self, state: VaultState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name.

        Those that look into markets (``totalAssets``; ``convertToAssets``, ``convertToShares`` and ``maxWithdraw``, of
        assets or of shares held; ``maxDeposit``) take the time and a look at the markets last.
        """
        plain = {
            "totalSupply": state.total_shares,
            "lastTotalAssets": state.last_total,
            "lostAssets": state.lost,
            "fee": state.fee,
            "feeRecipient": state.fee_recipient,
            "marketCount": len(state.places),
            "supplyQueue": list(state.supply_queue),
            "withdrawQueue": list(state.withdraw_queue),
        }
        if query in plain:
            return plain[query]
        if query == "cap":
            return state.places[args[0]].cap
        *given, now, look = args
        total, _, shares = self.ahead(state, look, now)
        whole = (total, state.total_shares + shares, state.offset_unit)
        if query == "totalAssets":
            return total
        if query == "convertToAssets":
            return assets_for_shares_down(given[0], *whole)
        if query == "convertToShares":
            return shares_for_assets_down(given[0], *whole)
        if query == "maxDeposit":
            pairs = ((state.places[i].cap, held(state, look, i, now)[0]) for i in state.supply_queue)
            return sum(less_or_zero(cap, lent) for cap, lent in pairs)
        if query == "maxWithdraw":
            free = sum(min(held(state, look, index, now)) for index in state.withdraw_queue)
            return min(assets_for_shares_down(given[0], *whole), free)
        raise KeyError(query)

    def positions(
        self, state: VaultState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """A vault holds nothing by name: its shares are tokens, valued by ``rates``."""
        return ()

    def worth(self, state: VaultState, venue: str, look: Look, now: int) -> Mapping[str, Rate]:
        """Return what a share stands for at ``now`` (seconds), unrounded, losses counted as if they were there."""
        total, _, shares = self.ahead(state, look, now)
        supply = state.total_shares + shares + state.offset_unit
        return {state.share: Rate(venue, {state.asset: total + 1}, supply)}

    def rates(self, state: VaultState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """Without a look at the markets nothing is known of what a share stands for: see ``worth``."""
        return {}


def within(state: VaultState, verb: str, amount: int, total: int) -> tuple[int, int]:
    """Return (assets, shares) of a verb; what the contract cannot multiply in 256 bits is refused without a word."""
    supply = state.total_shares
    per_asset, per_share = supply + state.offset_unit, total + 1
    factor, divisor = (per_asset, per_share) if verb in ("deposit", "withdraw") else (per_share, per_asset)
    if amount * factor + (divisor if verb in ("mint", "withdraw") else 0) >= _LIMIT:
        raise Revert("")
    return quoted(verb, amount, total, supply, state.offset_unit)


def held(state: VaultState, look: Look, index: int, now: int) -> tuple[int, int]:
    """Return what the vault has in a market at ``now``, and how much of the market is then not lent out: raw units."""
    place = state.places[index]
    lent, liquid = look(place.venue, "expectedSupplyAssets", place.market, state.account, now)
    return lent, liquid


def call(effects: Effects, state: VaultState, index: int, verb: str, assets: int, held: tuple[int, int]) -> None:
    """Supply to a market or withdraw from it, and count what moves gas there.

    ``held`` is the vault's own balance of the asset before and after (or any other that is as much nothing as that), raw
    units: it is nothing when the transaction begins and when it ends, so the word costs the same every time, and is not
    counted.
    """
    place = state.places[index]
    made = effects.ctx.call(place.venue, Action(verb, {"market": place.market, "assets": assets}))
    effects.count(f"{verb}_calls")
    own = count_words([held])
    for name, times in made.features.items():
        effects.count(name, times - own.get(name, 0))
