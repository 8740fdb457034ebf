"""Morpho Blue in memory: one contract, many markets. Tokens are the world's book's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.venues.morpho_blue import model_borrow, model_supply
from tidemill.venues.morpho_blue.accrual import accrue
from tidemill.venues.morpho_blue.model_govern import GOVERN, govern
from tidemill.venues.morpho_blue.state import NOBODY, MarketState, MorphoState, in_its_words
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.words import count_words

__all__ = ["MorphoModel"]

_REASONS = {
    "overflow": "Panic(0x11)",
    "underflow": "Panic(0x11)",
    "division by zero": "Panic(0x12)",
}


class MorphoModel:
    """`Model` of Morpho Blue.

    In a market (``market`` names it where there are several): supply, withdraw, borrow, repay (``assets`` or
    ``shares``), supply_collateral, withdraw_collateral (``assets``), liquidate (``borrower``, ``seized`` raw units or
    ``repaid_shares``), accrue, set_price (of its oracle). ``on_behalf`` and ``receiver`` are the sender unless given.
    ``asset`` (the loan token) and ``amount``, as lending markets in general have them, do for ``assets``: `in_its_words`.
    Beside: flash_loan (``token``, ``assets``), and what governs: see ``model_govern``.
    """

    def init(self, params: Mapping[str, Any]) -> MorphoState:
        """Make a contract without markets; ``params``: account, owner."""
        return MorphoState(params["account"], params["owner"])

    def apply(self, state: MorphoState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the storage words of market and tokens."""
        effects = Effects(ctx)
        before = _kept(state)
        touched = state.markets.get(self._name(state, action))
        old = None if touched is None else replace(touched, accounts=dict(touched.accounts))
        try:
            amounts = self._apply(state, action, effects)
        except Revert as revert:
            vars(state).update(before)
            if touched is not None and old is not None:
                vars(touched).update(vars(old))
            raise Revert(_REASONS.get(revert.reason, revert.reason)) from None
        if action.verb in GOVERN:
            return effects.result(amounts)
        words = []
        if touched is not None and old is not None:
            people = dict.fromkeys((*old.accounts, *touched.accounts))
            words = [pair for who in people for pair in zip(old.words(who)[4:], touched.words(who)[4:], strict=True)]
            words += zip(old.words("")[:4], touched.words("")[:4], strict=True)
        moved = dict.fromkeys((t.token, who) for t in effects.transfers for who in (t.source, t.target))
        words += [(ctx.balance(*key), effects.balance(*key)) for key in moved]
        return structs.replace(effects.result(amounts), features={**effects.features, **count_words(words)})

    def _apply(self, state: MorphoState, action: Action, effects: Effects) -> dict[str, int]:
        verb, args, me = action.verb, action.args, effects.ctx.sender
        if verb in GOVERN:
            govern(state, verb, args, effects)
            return {}
        if verb == "flash_loan":
            return self._flash_loan(state, effects, str(args["token"]), int(args["assets"]))
        market = state.market(self._name(state, action))
        if verb == "set_price":
            market.price = int(args["price"])
            return {}
        if verb == "accrue":
            accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
            return {}
        owner, to = str(args.get("on_behalf", me)), str(args.get("receiver", me))
        args = in_its_words(verb, args, market.loan, lambda: market.of(owner).supply_shares)
        assets, shares = int(args.get("assets", 0)), int(args.get("shares", 0))
        if verb == "supply_collateral":
            model_supply.supply_collateral(state, market, effects, assets, owner)
            return {"assets": assets}
        if verb == "withdraw_collateral":
            model_supply.withdraw_collateral(state, market, effects, assets, owner, to)
            return {"assets": assets}
        if verb == "liquidate":
            seized, repaid = int(args.get("seized", 0)), int(args.get("repaid_shares", 0))
            return model_borrow.liquidate(state, market, effects, str(args["borrower"]), seized, repaid)
        if verb == "supply":
            done = model_supply.supply(state, market, effects, assets, shares, owner)
        elif verb == "withdraw":
            done = model_supply.withdraw(state, market, effects, assets, shares, owner, to)
        elif verb == "borrow":
            done = model_borrow.borrow(state, market, effects, assets, shares, owner, to)
        elif verb == "repay":
            done = model_borrow.repay(state, market, effects, assets, shares, owner)
        else:
            raise Revert(f"no verb {verb!r}")
        return {"assets": done[0], "shares": done[1]}

    @staticmethod
    def _flash_loan(state: MorphoState, effects: Effects, token: str, assets: int) -> dict[str, int]:
        """Lend and take back in one transaction, for nothing; the sender is a contract that gives back."""
        if assets == 0:
            raise Revert("zero assets")
        me = effects.ctx.sender
        effects.log("FlashLoan", caller=me, token=token, assets=assets)
        effects.move(token, state.account, me, assets, "transfer reverted")
        effects.move(token, me, state.account, assets, "transferFrom reverted")
        return {"assets": assets}

    def read(self, state: MorphoState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; those of a market take its name first where there are several.

        ``expectedSupplyAssets`` (of an account, at a time in seconds) is what the account's supply is worth with its
        interest up to then, and how much of the market is then not lent out: raw units. ``lastUpdate`` of a market that
        nobody created is 0.
        """
        if query == "feeRecipient":
            return state.fee_recipient
        if query == "owner":
            return state.owner
        if query == "isAuthorized":
            return (args[0], args[1]) in state.authorized
        if query == "isIrmEnabled":
            return args[0] in state.irms
        if query == "isLltvEnabled":
            return args[0] in state.lltvs
        if query == "lastUpdate":
            return state.markets[args[0]].last_update if args[0] in state.markets else 0
        names = args if args and args[0] in state.markets else (next(iter(state.markets), ""), *args)
        market = state.markets.get(names[0])
        if query == "expectedSupplyAssets":
            ahead = self.at(state, state.market(names[0]), names[2])
            return ahead.supplied_down(ahead.of(names[1])), ahead.supply_assets - ahead.borrow_assets
        if query == "position":
            return tuple(NOBODY if market is None else market.of(names[1]))
        if query == "market":
            m = market or MarketState("", "", "", "", 0, 0)
            return m.supply_assets, m.supply_shares, m.borrow_assets, m.borrow_shares, m.last_update, m.fee
        return {"price": market.price if market else 0, "rateAtTarget": market.at_target if market else 0}[query]

    def at(self, state: MorphoState, market: MarketState, now: int) -> MarketState:
        """Return a copy of a market with its interest up to ``now``, as the next touch would leave it."""
        ahead = replace(market, accounts=dict(market.accounts))
        accrue(ahead, now, state.fee_recipient, None)
        return ahead

    def positions(
        self, state: MorphoState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return what ``owner`` supplied, put up and owes at ``now`` (seconds), market by market, what there is of it."""
        found: list[Position] = []
        for market in state.markets.values():
            prefix = venue if len(state.markets) == 1 else f"{venue}#{market.name}"
            found += self._positions_in(self.at(state, market, now), prefix, venue, owner)
        return tuple(found)

    @staticmethod
    def _positions_in(market: MarketState, prefix: str, venue: str, owner: str) -> list[Position]:
        account = market.of(owner)
        told = (
            ("supply", "supply", account.supply_shares, market.loan, market.supplied_down(account)),
            ("collateral", "supply", account.collateral, market.collateral, account.collateral),
            ("debt", "debt", account.borrow_shares, market.loan, -market.owed_up(account)),
        )
        return [
            Position(f"{prefix}#{name}", venue, kind, {"size": size}, {token: amount}, {})
            for name, kind, size, token, amount in told
            if size
        ]

    def rates(self, state: MorphoState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A market issues no token: its shares are entries in its books."""
        return {}

    @staticmethod
    def _name(state: MorphoState, action: Action) -> str:
        return str(action.args["market"]) if "market" in action.args else next(iter(state.markets), "")


def _kept(state: MorphoState) -> dict[str, Any]:
    """Everything but the markets' own numbers, to go back to."""
    return {name: value if isinstance(value, str) else copy(value) for name, value in vars(state).items()}
