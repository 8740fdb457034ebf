"""A Uniswap v2 factory with its pairs and router, in memory. Tokens and shares are the world's book's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Context, Event, Position, Rate, Result, Revert
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.words import count_words
from tidemill.venues.uniswap_v2 import model_pair, model_router, replay
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["ExchangeModel"]

_ARITHMETIC = {"overflow": "ds-math-mul-overflow", "underflow": "ds-math-sub-underflow"}


class ExchangeModel:
    """`Model` of Uniswap v2.

    Through the router: add_liquidity, remove_liquidity, swap_exact_in, swap_exact_out (``path`` is token ids joined by
    ``>``, else the pair's two tokens). At the pair itself: pair_mint, pair_burn, pair_swap, skim, sync, after tokens
    were sent there (``send``). The protocol's share: set_fee_to. ``pair`` names a pair by its account where there are
    several; ``first`` is the token told to the router first (token0 otherwise).
    """

    def init(self, params: Mapping[str, Any]) -> ExchangeState:
        """Make empty pairs; ``params``: pairs, a list of (account, token0, token1, lp); fee_to."""
        made = [PairState(*pair) for pair in params["pairs"]]
        return ExchangeState({pair.account: pair for pair in made}, params.get("fee_to", ""))

    def apply(self, state: ExchangeState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the storage words of pairs, shares and tokens."""
        before, fee_to = {name: replace(pair) for name, pair in state.pairs.items()}, state.fee_to
        effects = Effects(ctx)
        try:
            amounts = self._apply(state, action, effects)
        except Revert as revert:
            state.pairs.update(before)
            state.fee_to = fee_to
            raise Revert(_ARITHMETIC.get(revert.reason, revert.reason)) from None
        words = [
            word for name, pair in state.pairs.items() for word in zip(_words(before[name]), _words(pair), strict=True)
        ]
        moved = {(t.token, who) for t in effects.transfers for who in (t.source, t.target) if who != "zero"}
        words += [(ctx.balance(*key), effects.balance(*key)) for key in moved]
        return structs.replace(effects.result(amounts), features={**effects.features, **count_words(words)})

    def _apply(self, state: ExchangeState, action: Action, effects: Effects) -> dict[str, int]:
        verb, args, me = action.verb, action.args, effects.ctx.sender
        if verb in ("swap_exact_in", "swap_exact_out"):
            return self._swap(state, action, effects)
        if verb == "set_fee_to":
            state.fee_to = str(args["to"])
            return {}
        pair = self._pair(state, args)
        if verb in ("add_liquidity", "remove_liquidity"):
            return self._liquidity(state, pair, action, effects)
        if verb == "send":
            token, amount = str(args["token"]), int(args["amount"])
            shares = token == pair.lp
            effects.move(token, me, pair.account, amount, "ds-math-sub-underflow" if shares else "balance")
            if shares:
                effects.log("Transfer", pair=pair.account, **{"from": me}, to=pair.account, value=amount)
            return {"amount": amount}
        if verb == "pair_mint":
            return {"liquidity": model_pair.mint(state, pair, effects, me)}
        if verb == "pair_burn":
            amount0, amount1 = model_pair.burn(state, pair, effects, me)
            return {"amount0": amount0, "amount1": amount1}
        if verb == "pair_swap":
            out = int(args["amount0_out"]), int(args["amount1_out"])
            amount0, amount1 = model_pair.swap(pair, effects, *out, me)
            return {"amount0_in": amount0, "amount1_in": amount1}
        if verb == "skim":
            amount0, amount1 = model_pair.skim(pair, effects, me)
            return {"amount0": amount0, "amount1": amount1}
        if verb == "sync":
            model_pair.sync(pair, effects)
            return {}
        raise Revert(f"no verb {verb!r}")

    def _liquidity(self, state: ExchangeState, pair: PairState, action: Action, effects: Effects) -> dict[str, int]:
        args, limits = action.args, action.limits
        _check_deadline(effects, limits)
        first = str(args.get("first", pair.token0))
        order = ("amount0", "amount1") if first == pair.token0 else ("amount1", "amount0")
        least = limits.get(f"{order[0]}_min", 0), limits.get(f"{order[1]}_min", 0)
        if action.verb == "remove_liquidity":
            out = model_router.remove_liquidity(state, pair, effects, first, int(args["liquidity"]), least)
            return dict(zip(order, out, strict=True))
        desired = int(args[f"{order[0]}_desired"]), int(args[f"{order[1]}_desired"])
        *into, liquidity = model_router.add_liquidity(state, pair, effects, first, desired, least)
        effects.count("approvals", 2)
        _count_left(effects, zip(into, desired, strict=True))
        return {**dict(zip(order, into, strict=True)), "liquidity": liquidity}

    def _swap(self, state: ExchangeState, action: Action, effects: Effects) -> dict[str, int]:
        args, limits = action.args, action.limits
        _check_deadline(effects, limits)
        token_in = str(args.get("token_in", ""))
        path = str(args["path"]).split(">") if "path" in args else [token_in, self._pair(state, args).other(token_in)]
        if action.verb == "swap_exact_in":
            least = limits.get("amount_out_min", 0)
            amounts = model_router.swap_exact_in(state, effects, path, int(args["amount_in"]), least)
        else:
            most = limits.get("amount_in_max", (1 << 256) - 1)
            amounts = model_router.swap_exact_out(state, effects, path, int(args["amount_out"]), most)
            _count_left(effects, [(amounts[0], most)])
        effects.count("hops", len(path) - 1)
        return {"amount_in": amounts[0], "amount_out": amounts[-1]}

    def replay(self, state: ExchangeState, event: Event, ctx: Context) -> None:
        """Apply a recorded event of a pair (``event.args["pair"]``); everything recorded must follow from the rules.

        The factory's ``feeTo`` is in no log: an event ``FeeTo`` of our own tells of each change (see `replay`).
        """
        if event.name == "FeeTo":
            replay.set_fee_to(state, event)
        else:
            replay.apply(state, self._pair(state, event.args), event, ctx)

    def read(self, state: ExchangeState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; those of a pair take its account first where there are several.

        ``getAmountsOut`` and ``getAmountsIn`` are the router's: (amount, path).
        """
        if query in ("getAmountsOut", "getAmountsIn"):
            quote = model_router.amounts_out if query == "getAmountsOut" else model_router.amounts_in
            return quote(state, args[1], args[0])
        if query == "feeTo":
            return state.fee_to
        pair = state.pairs[args[0]] if args else _sole(state)
        if query == "getReserves":
            return pair.reserve0, pair.reserve1, pair.updated
        names = {
            "token0": "token0",
            "token1": "token1",
            "totalSupply": "total_supply",
            "kLast": "k_last",
            "price0CumulativeLast": "price0_cumulative",
            "price1CumulativeLast": "price1_cumulative",
        }
        return getattr(pair, names[query])

    def positions(
        self, state: ExchangeState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """A pair holds nothing by name: its shares are tokens, valued by `rates`."""
        return ()

    def rates(self, state: ExchangeState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share of each pair stands for, as ``burn`` would give it now, unrounded.

        A burn first mints the protocol its share, and shares out all that lies at the pair.
        """
        out = {}
        for pair in state.pairs.values():
            k = pair.reserve0 * pair.reserve1
            shares = pair.total_supply + model_pair.protocol_share_down(state, pair, k, pair.total_supply)
            assets = {token: balance(token, pair.account) for token in (pair.token0, pair.token1)}
            if shares:
                out[pair.lp] = Rate(venue, assets, shares, kind="pool")
        return out

    @staticmethod
    def _pair(state: ExchangeState, args: Mapping[str, Any]) -> PairState:
        return state.pairs[str(args["pair"])] if "pair" in args else _sole(state)


def _sole(state: ExchangeState) -> PairState:
    (pair,) = state.pairs.values()
    return pair


def _check_deadline(effects: Effects, limits: Mapping[str, int]) -> None:
    deadline = limits.get("deadline")
    if deadline is not None and deadline < effects.ctx.block.time:
        raise Revert("UniswapV2Router: EXPIRED")


def _count_left(effects: Effects, used: Iterable[tuple[int, int]]) -> None:
    """Count approvals not wholly used: pairs of (taken, approved)."""
    left = [taken < approved for taken, approved in used]
    effects.count("allowances_left", sum(left))
    effects.count("allowances_used_up", len(left) - sum(left))


def _words(pair: PairState) -> tuple[int, ...]:
    """Storage words of a pair; reserves and time share one."""
    packed = pair.reserve0 | pair.reserve1 << 112 | pair.updated << 224
    return packed, pair.price0_cumulative, pair.price1_cumulative, pair.k_last, pair.total_supply
