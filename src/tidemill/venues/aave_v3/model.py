"""An Aave v3 pool with its reserves, oracle and administration, in memory. Underlying tokens are the world's book's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Context, Event, Position, Rate, Result, Revert
from tidemill.venues.aave_v3 import (
    model_borrow,
    model_emode,
    model_liquidate,
    model_liquidate36,
    model_reads,
    model_supply,
)
from tidemill.venues.aave_v3.codes import ERRORS_V36, REASONS, Code
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, update_rates
from tidemill.venues.aave_v3.state import Category, Config, Curve, MarketState, ReserveState
from tidemill.venues.aave_v3.versions import MODELLED_V36, V30, check_modelled
from tidemill.venues.shared.words import count_words

__all__ = ["V36_VERBS", "MarketModel"]

_ARITHMETIC = {"overflow": Code.ARITHMETIC, "underflow": Code.ARITHMETIC}
V36_VERBS = {
    "supply",
    "withdraw",
    "borrow",
    "repay",
    "repay_with_supply",
    "set_collateral",
    "set_emode",
    "mint_to_treasury",
    "liquidate",
    "flash_loan_simple",
    "set_price",
    "configure",
    "configure_category",
}
"""What of v3.6 is modelled."""
_ADMINISTRATION = {"set_price", "configure", "configure_category"}


class MarketModel:
    """`Model` of Aave v3.

    Of everybody: supply, withdraw, borrow, repay, repay_with_supply, set_collateral, set_emode, liquidate,
    flash_loan_simple, mint_to_treasury. Of the oracle and of governance: set_price, configure, and of v3.6
    configure_category (asset, category, field, on). ``asset`` is a token id;
    an amount of ``2**256 - 1`` is everything.

    Not modelled: stable rates, borrowing on credit of others, transfers of aTokens, unbacked bridge mints, and what the
    configurator refuses governance.
    """

    reasons = REASONS
    """Words for the codes that it refuses with."""

    def init(self, params: Mapping[str, Any]) -> MarketState:
        """Make an empty market.

        ``params``: treasury; reserves, a list of mappings (asset, account, decimals, config and curve as mappings of
        their fields); prices by asset; categories by number; flash_premium and flash_to_protocol in basis points;
        version, 30 or 36. Of v3.6 only what `V36_VERBS` names is modelled, with the settings of `MODELLED_V36`.

        Raises ``BadInput`` for a version or a setting that is not modelled.
        """
        state = MarketState(str(params["treasury"]), int(params.get("version", V30)))
        for number, given in enumerate(params["reserves"]):
            state.reserves[given["asset"]] = ReserveState(
                number,
                given["asset"],
                given["account"],
                given["decimals"],
                Config(**given["config"]),
                Curve(**given["curve"]),
                version=state.version,
            )
        state.prices = dict(params.get("prices", {}))
        state.categories = {int(n): Category(**c) for n, c in params.get("categories", {}).items()}
        state.flash_premium = int(params.get("flash_premium", state.flash_premium))
        state.flash_to_protocol = int(params.get("flash_to_protocol", state.flash_to_protocol))
        check_modelled(state)
        return state

    def apply(self, state: MarketState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count storage words and reserves valued."""
        acting = Acting(ctx)
        people = {ctx.sender, state.treasury, *(str(action.args.get(key, "")) for key in ("user", "on_behalf_of"))}
        before = _words(state, people)
        try:
            amounts = self._apply(state, action, acting)
        except Revert as revert:
            acting.journal.undo(0)
            reason = _ARITHMETIC.get(revert.reason, revert.reason)
            raise Revert(reason if state.version == V30 else ERRORS_V36.get(reason, reason)) from None
        if action.verb in _ADMINISTRATION:
            return acting.result(amounts)
        words = list(zip(before, _words(state, people), strict=True))
        moved = {(t.token, who): 0 for t in acting.transfers for who in (t.source, t.target)}
        words += [(ctx.balance(*key), acting.balance(*key)) for key in moved]
        return structs.replace(acting.result(amounts), features={**acting.features, **count_words(words)})

    def _apply(self, state: MarketState, action: Action, acting: Acting) -> dict[str, int]:
        verb, args, me = action.verb, action.args, acting.sender
        if state.version != V30 and verb not in V36_VERBS:
            raise Revert(f"{verb} of v3.6 is not modelled")
        if verb == "set_emode":
            model_emode.set_emode(state, acting, int(args["category"]))
            return {}
        if verb == "liquidate":
            return self._liquidate(state, args, acting)
        if verb == "set_price":
            acting.put(state.prices, str(args["asset"]), int(args["price"]))
            return {}
        if "asset" not in args:  # also what was meant for a venue of another kind
            raise Revert(f"no verb {verb!r} of no asset")
        reserve = _reserve(state, args["asset"])
        if verb == "configure":
            _configure(state, reserve, acting, str(args["field"]), int(args["value"]))
            return {}
        if verb == "configure_category":
            number, field = int(args["category"]), str(args["field"])
            model_emode.configure_category(state, acting, number, field, reserve.id, on=bool(args["on"]))
            return {}
        if verb == "set_collateral":
            model_supply.set_collateral(state, reserve, acting, on=bool(args["on"]))
            return {}
        if verb == "mint_to_treasury":
            minted = model_supply.mint_to_treasury(state, reserve, acting)
            return {"amount": minted} if minted else {}
        amount, whose = int(args["amount"]), str(args.get("on_behalf_of", me))
        if verb == "supply":
            return {"amount": model_supply.supply(state, reserve, acting, amount, whose)}
        if verb == "withdraw":
            return {"amount": model_supply.withdraw(state, reserve, acting, amount)}
        if verb == "borrow":
            return {"amount": model_borrow.borrow(state, reserve, acting, amount)}
        if verb == "repay":
            return {"amount": model_borrow.repay(state, reserve, acting, amount, whose, by_supply=False)}
        if verb == "repay_with_supply":
            return {"amount": model_borrow.repay(state, reserve, acting, amount, me, by_supply=True)}
        if verb == "flash_loan_simple":
            receiver, accepted = str(args.get("receiver", me)), bool(args.get("accepted", True))
            premium = model_liquidate.flash_loan(state, reserve, acting, receiver, amount, accepted=accepted)
            return {"amount": amount, "premium": premium}
        raise Revert(f"no verb {verb!r}")

    @staticmethod
    def _liquidate(state: MarketState, args: Mapping[str, Any], acting: Acting) -> dict[str, int]:
        play = model_liquidate.liquidate if state.version == V30 else model_liquidate36.liquidate
        seized = play(
            state,
            _reserve(state, args["collateral"]),
            _reserve(state, args["debt"]),
            acting,
            str(args["user"]),
            int(args["cover"]),
            receive_supply=bool(args.get("receive_supply", False)),
        )
        return {"debt": seized.debt, "collateral": seized.collateral, "fee": seized.fee}

    def replay(self, state: MarketState, event: Event, ctx: Context) -> None:
        """Apply a recorded ReserveDataUpdated: indices must follow from the rates before, and then the rates are set.

        Raises ``ReplayMismatch`` where the index of debt does not follow.
        """
        if event.name != "ReserveDataUpdated":
            return
        reserve, args = state.reserves[str(event.args["reserve"])], event.args
        expected = model_reads.read(state, "getReserveNormalizedVariableDebt", reserve.asset, ctx.block.time)
        if args["variableBorrowIndex"] != expected:
            raise ReplayMismatch(
                f"{reserve.asset}: variable borrow index {args['variableBorrowIndex']}, expected {expected}"
            )
        reserve.variable_index, reserve.liquidity_index = expected, int(args["liquidityIndex"])
        reserve.variable_rate, reserve.liquidity_rate = int(args["variableBorrowRate"]), int(args["liquidityRate"])
        reserve.stable_rate, reserve.updated = int(args["stableBorrowRate"]), ctx.block.time

    def read(self, state: MarketState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name, see `model_reads.read`."""
        return model_reads.read(state, query, *args)

    def positions(
        self, state: MarketState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return what ``owner`` supplies and what it owes, interest up to ``now`` included."""
        del balance
        return model_reads.positions(state, venue, owner, now)

    def rates(self, state: MarketState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """No receipt token in the book: what is supplied is a position, for aTokens grow by themselves."""
        return {}


def _reserve(state: MarketState, asset: Any) -> ReserveState:
    """Return a reserve; raises ``Revert`` as the pool does for a token that is not listed."""
    if asset not in state.reserves:
        raise Revert("")
    return state.reserves[asset]


def _configure(state: MarketState, reserve: ReserveState, acting: Acting, field: str, value: int) -> None:
    """Set what governance sets, with what goes along with it."""
    config, newer = reserve.config, reserve.version != V30
    if newer and field not in MODELLED_V36:
        raise Revert(f"{field} of v3.6 is not modelled")
    if newer and field == "reserve_factor":
        accrue(reserve, acting)
    if newer and field == "ltv" and config.frozen:
        return  # kept aside until somebody thaws it
    acting.set(config, **{field: value})
    if newer and field == "reserve_factor":
        update_rates(reserve, acting)
    if newer and field == "frozen" and value:
        acting.set(config, ltv=0)  # since v3.1; thawing does not bring it back
        model_emode.freeze_in_categories(state, acting, reserve.id)
    if config.debt_ceiling == 0:
        acting.set(reserve, isolated_debt=0)  # no longer isolated, it carries nobody's debt


def _words(state: MarketState, people: set[str]) -> list[int]:
    """Storage words that a verb may write: two 128-bit fields in one where the contract packs them so."""
    who = sorted(people)
    out = []
    for reserve in state.reserves.values():
        out += [
            reserve.liquidity_index | reserve.liquidity_rate << 128,
            reserve.variable_index | reserve.variable_rate << 128,
            reserve.stable_rate | reserve.updated << 128 | reserve.id << 168,
            reserve.accrued | reserve.virtual << 128,
            reserve.isolated_debt,
            reserve.total_supplied,
            reserve.total_owed,
            reserve.deficit,
        ]
        out += [reserve.supplied.get(w, 0) | reserve.supplied_index.get(w, 0) << 128 for w in who]
        out += [reserve.owed.get(w, 0) | reserve.owed_index.get(w, 0) << 128 for w in who]
    out += [state.collateral.get(w, 0) | state.borrowed.get(w, 0) << 128 for w in who]
    return out + [state.emode.get(w, 0) for w in who]
