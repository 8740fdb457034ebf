"""Uniswap v3 in memory: the pool, the position manager and the router behind the `Model` protocol.

Verbs and their arguments are the field's (see README.md of this folder). Amounts are raw units, prices Q64.96.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Context, Event, Result
from tidemill.units import DIVISION_BY_ZERO, MAX_UINT128, MAX_UINT256, OVERFLOW, UNDERFLOW
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3 import model_pool as core
from tidemill.venues.uniswap_v3 import model_router as router
from tidemill.venues.uniswap_v3 import position_manager as npm
from tidemill.venues.uniswap_v3.model_reads import read
from tidemill.venues.uniswap_v3.model_replay import replay
from tidemill.venues.uniswap_v3.model_state import ManagerState, PoolState, UniswapV3State
from tidemill.venues.uniswap_v3.model_storage import storage_features
from tidemill.venues.uniswap_v3.model_swap import swap, widest_limit
from tidemill.venues.uniswap_v3.model_wallet import wallet_features
from tidemill.venues.uniswap_v3.rules_fees import flash_fee_up
from tidemill.venues.uniswap_v3.rules_ticks import max_liquidity_per_tick

__all__ = ["TICK_SPACING", "UniswapV3Model", "token_id_of"]

TICK_SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}
"""Tick spacing by fee (millionths) of the tiers the factory knows."""

UNFUNDED = "balance"
"""Why a token refuses to move what its owner lacks, as our own test token says it; passed on by a core callee."""

# Solidity 0.7 has no reason of its own for arithmetic that does not fit: the contract's own checks carry none there.
_SILENT = frozenset({OVERFLOW, UNDERFLOW, DIVISION_BY_ZERO})

Args = Mapping[str, int | str | bool]


class UniswapV3Model:
    """`Model` of one pool with its periphery."""

    def init(self, params: Mapping[str, Any]) -> UniswapV3State:
        """Make a pool just created, not initialised.

        Parameters
        ----------
        params : ``token0``, ``token1`` (in the pool's order), ``fee`` (millionths); optional: ``tick_spacing`` (for a
            fee tier of one's own), ``name`` (of the venue, starts position ids), ``account`` (holds the pool's
            tokens), ``manager`` (account of the position manager), ``owner`` (sets the protocol's share).

        Raises
        ------
        BadInput : a fee without a known tick spacing.
        """
        fee = int(params["fee"])
        spacing = params.get("tick_spacing", TICK_SPACING.get(fee))
        if spacing is None:
            raise BadInput(f"fee {fee} is none of {', '.join(map(str, TICK_SPACING))}; give tick_spacing", field="fee")
        name = str(params.get("name", "uniswap_v3"))
        pool = PoolState(
            token0=params["token0"],
            token1=params["token1"],
            fee=fee,
            tick_spacing=spacing,
            max_liquidity_per_tick=max_liquidity_per_tick(spacing),
            account=str(params.get("account", name)),
            owner=str(params.get("owner", "owner")),
        )
        return UniswapV3State(name, pool, ManagerState(str(params.get("manager", f"{name}:manager"))))

    def apply(self, state: UniswapV3State, action: Action, ctx: Context) -> Result:
        """Do one verb as the contracts would; raises `Revert` with the state unchanged.

        Raises
        ------
        BadInput : a verb that Uniswap v3 does not have.
        """
        verb = VERBS.get(action.verb)
        if verb is None:
            raise BadInput(f"Uniswap v3 has no verb {action.verb!r}; it has {', '.join(VERBS)}", field="verb")
        mark = state.journal.mark()
        try:
            result = verb(state, Effects(ctx), action)
        except Revert as revert:
            state.journal.rollback(mark)
            if revert.reason in _SILENT:
                raise Revert("") from revert
            raise
        except BaseException:
            state.journal.rollback(mark)
            raise
        features = Counter(result.features)
        features.update(storage_features(state.journal.since(mark), features["pool_calls"]))
        if not action.verb.startswith("pool_"):
            features.update(wallet_features(result, action, ctx, state.pool.token0, state.pool.token1))
        state.journal.commit(mark)
        return structs.replace(result, features={**features, "transfers": len(result.transfers)})

    def replay(self, state: UniswapV3State, event: Event, ctx: Context) -> None:
        """Apply a recorded event of the pool; raises `ReplayMismatch` when its amounts do not reproduce."""
        replay(self, state, event, ctx)

    def read(self, state: UniswapV3State, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; see `tidemill.venues.uniswap_v3.model_reads`."""
        return read(state, query, *args)


def token_id_of(position: int | str) -> int:
    """Return the token id of a position given as ``venue#n`` or as a number."""
    return int(str(position).rpartition("#")[2])


def _least(limits: Mapping[str, int]) -> tuple[int, int]:
    return limits.get("amount0_min", 0), limits.get("amount1_min", 0)


def _desired(args: Args) -> tuple[int, int]:
    return int(args["amount0_desired"]), int(args["amount1_desired"])


def _range(args: Args) -> tuple[int, int]:
    return int(args["tick_lower"]), int(args["tick_upper"])


def _most(args: Args, suffix: str = "") -> tuple[int, int]:
    return int(args.get(f"amount0{suffix}", MAX_UINT128)), int(args.get(f"amount1{suffix}", MAX_UINT128))


def _callee(effects: Effects, args: Args) -> core.Payer:
    return core.Payer(effects.ctx.sender, UNFUNDED, int(args.get("skimp", 0)), bool(args.get("reenter", False)))


def _pair(effects: Effects, amounts: tuple[int, int], position: str | None = None) -> Result:
    return effects.result({"amount0": amounts[0], "amount1": amounts[1]}, position)


def _mint(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id, added = npm.mint(
        state,
        effects,
        *_range(action.args),
        _desired(action.args),
        _least(action.limits),
        action.limits.get("deadline"),
    )
    return effects.result(added._asdict(), f"{state.name}#{token_id}")


def _increase(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id = token_id_of(action.args["position"])
    added = npm.increase(
        state, effects, token_id, _desired(action.args), _least(action.limits), action.limits.get("deadline")
    )
    return effects.result(added._asdict(), f"{state.name}#{token_id}")


def _decrease(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id = token_id_of(action.args["position"])
    if "bps" in action.args:
        token = state.manager.tokens.get(token_id)
        liquidity = token.liquidity * int(action.args["bps"]) // 10_000 if token else 0
    else:
        liquidity = int(action.args["liquidity"])
    amounts = npm.decrease(state, effects, token_id, liquidity, _least(action.limits), action.limits.get("deadline"))
    return _pair(effects, amounts, f"{state.name}#{token_id}")


def _collect(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id = token_id_of(action.args["position"])
    recipient = str(action.args.get("recipient", effects.ctx.sender))
    return _pair(
        effects,
        npm.collect(state, effects, token_id, recipient, *_most(action.args, "_max")),
        f"{state.name}#{token_id}",
    )


def _harvest(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    return _collect(state, effects, Action("collect", {"position": action.args["position"]}))


def _burn(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id = token_id_of(action.args["position"])
    npm.burn(state, effects, token_id)
    return effects.result({}, f"{state.name}#{token_id}")


def _close(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    token_id = token_id_of(action.args["position"])
    amounts = npm.close(state, effects, token_id, _least(action.limits), action.limits.get("deadline"))
    return _pair(effects, amounts, f"{state.name}#{token_id}")


def _swap_exact_in(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    spent, received = router.exact_input_single(
        state.pool,
        effects,
        str(action.args["token_in"]),
        int(action.args["amount_in"]),
        action.limits.get("amount_out_min", 0),
        action.limits.get("sqrt_price_x96", 0),
        action.limits.get("deadline"),
    )
    return effects.result({"amount_in": spent, "amount_out": received})


def _swap_exact_out(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    spent, received = router.exact_output_single(
        state.pool,
        effects,
        str(action.args["token_in"]),
        int(action.args["amount_out"]),
        action.limits.get("amount_in_max", MAX_UINT256),
        action.limits.get("sqrt_price_x96", 0),
        action.limits.get("deadline"),
    )
    return effects.result({"amount_in": spent, "amount_out": received})


def _pool_initialize(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    core.initialize(state.pool, effects, int(action.args["sqrt_price_x96"]))
    return effects.result({})


def _pool_mint(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    owner = str(action.args.get("recipient", effects.ctx.sender))
    payer = _callee(effects, action.args)
    return _pair(
        effects, core.mint(state.pool, effects, owner, *_range(action.args), int(action.args["liquidity"]), payer)
    )


def _pool_burn(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    return _pair(
        effects, core.burn(state.pool, effects, effects.ctx.sender, *_range(action.args), int(action.args["liquidity"]))
    )


def _pool_collect(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    me = effects.ctx.sender
    recipient = str(action.args.get("recipient", me))
    return _pair(effects, core.collect(state.pool, effects, me, recipient, *_range(action.args), *_most(action.args)))


def _pool_swap(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    zero_for_one = bool(action.args["zero_for_one"])
    limit = int(action.args.get("sqrt_price_limit_x96", widest_limit(zero_for_one)))
    recipient = str(action.args.get("recipient", effects.ctx.sender))
    payer = _callee(effects, action.args)
    moved = swap(state.pool, effects, recipient, zero_for_one, int(action.args["amount_specified"]), limit, payer)
    return _pair(effects, moved)


def _pool_flash(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    recipient = str(action.args.get("recipient", "callee"))
    amounts = int(action.args["amount0"]), int(action.args["amount1"])
    payer = _callee(effects, action.args)
    payers = (payer, payer)
    if "paid0" in action.args:  # a recorded flash: what was paid beside the loan is known
        due0, due1 = (flash_fee_up(amount, state.pool.fee) for amount in amounts)
        paid0, paid1 = int(action.args["paid0"]), int(action.args["paid1"])
        payers = (payer._replace(skimp=due0 - paid0), payer._replace(skimp=due1 - paid1))
    paid0, paid1 = core.flash(state.pool, effects, recipient, *amounts, payers)
    return effects.result({"paid0": paid0, "paid1": paid1})


def _pool_set_fee_protocol(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    core.set_fee_protocol(state.pool, effects, int(action.args["fee_protocol_0"]), int(action.args["fee_protocol_1"]))
    return effects.result({})


def _pool_collect_protocol(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    recipient = str(action.args.get("recipient", effects.ctx.sender))
    return _pair(effects, core.collect_protocol(state.pool, effects, recipient, *_most(action.args)))


def _pool_increase_observations(state: UniswapV3State, effects: Effects, action: Action) -> Result:
    core.increase_observations(state.pool, effects, int(action.args["observation_cardinality_next"]))
    return effects.result({})


VERBS: dict[str, Callable[[UniswapV3State, Effects, Action], Result]] = {
    "mint": _mint,
    "increase": _increase,
    "decrease": _decrease,
    "collect": _collect,
    "harvest": _harvest,
    "burn": _burn,
    "close": _close,
    "swap_exact_in": _swap_exact_in,
    "swap_exact_out": _swap_exact_out,
    "pool_initialize": _pool_initialize,
    "pool_mint": _pool_mint,
    "pool_burn": _pool_burn,
    "pool_collect": _pool_collect,
    "pool_swap": _pool_swap,
    "pool_flash": _pool_flash,
    "pool_set_fee_protocol": _pool_set_fee_protocol,
    "pool_collect_protocol": _pool_collect_protocol,
    "pool_increase_observations": _pool_increase_observations,
}
"""Every verb, by name."""
