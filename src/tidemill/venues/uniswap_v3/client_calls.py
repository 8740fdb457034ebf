"""Intents to calls: one method per verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.chain.types import Call
from tidemill.errors import BadInput, Revert, UnknownName
from tidemill.interfaces import Intent
from tidemill.venues.shared.client_parts import Given, abi, with_approvals
from tidemill.venues.uniswap_v3.client_abi import CALLEE, MANAGER, POOL, ROUTER

if TYPE_CHECKING:
    from tidemill.venues.uniswap_v3.client import UniswapV3Client

__all__ = ["Planner"]

_U128_MAX = (1 << 128) - 1
_MIN_SQRT_RATIO = 4295128739
_MAX_SQRT_RATIO = 1461446703485210103287273052203988822378723970342


class Planner:
    """Encodes the verbs of one client."""

    def __init__(self, client: UniswapV3Client, *, reset_approvals: bool) -> None:
        self._client, self._reset = client, reset_approvals
        self._at = client.deployment
        self._verbs: dict[str, Callable[[Given], Sequence[Call]]] = {
            "mint": self._mint,
            "increase": self._increase,
            "decrease": self._decrease,
            "collect": self._collect,
            "harvest": self._collect,
            "burn": self._burn,
            "close": self._close,
            "swap_exact_in": self._swap_exact_in,
            "swap_exact_out": self._swap_exact_out,
            "pool_initialize": self._pool_initialize,
            "pool_mint": self._pool_mint,
            "pool_burn": self._pool_burn,
            "pool_collect": self._pool_collect,
            "pool_swap": self._pool_swap,
            "pool_flash": self._pool_flash,
            "pool_set_fee_protocol": self._pool_set_fee_protocol,
            "pool_collect_protocol": self._pool_collect_protocol,
            "pool_increase_observations": self._pool_increase_observations,
        }

    def plan(self, intent: Intent) -> Sequence[Call]:
        """Return the calls of an intent; raises ``BadInput`` or ``UnknownName``."""
        if intent.verb not in self._verbs:
            raise UnknownName("verb of Uniswap v3", intent.verb, self._verbs)
        given = Given(intent)
        calls = self._verbs[intent.verb](given)
        given.finish()
        return calls

    # -- position manager ----------------------------------------------------------------

    def _mint(self, given: Given) -> Sequence[Call]:
        at = self._at
        desired = given.number("amount0_desired"), given.number("amount1_desired")
        params = (
            *(at.token0, at.token1, at.fee),
            *(given.number("tick_lower", signed=True), given.number("tick_upper", signed=True), *desired),
            *(given.limit("amount0_min", 0), given.limit("amount1_min", 0), self._client.account, given.deadline),
        )
        call = self._to_manager("mint", params, purpose="mint")
        return self._paying({at.token0: desired[0], at.token1: desired[1]}, at.manager, call, may_leave=True)

    def _increase(self, given: Given) -> Sequence[Call]:
        at = self._at
        desired = given.number("amount0_desired"), given.number("amount1_desired")
        minimum = given.limit("amount0_min", 0), given.limit("amount1_min", 0)
        params = (self._token_id(given), *desired, *minimum, given.deadline)
        call = self._to_manager("increaseLiquidity", params, purpose="increase")
        return self._paying({at.token0: desired[0], at.token1: desired[1]}, at.manager, call, may_leave=True)

    def _decrease(self, given: Given) -> Sequence[Call]:
        token_id = self._token_id(given)
        if "bps" in given.intent.args:
            bps = given.number("bps")
            if bps > 10_000:
                raise BadInput(f"decrease: bps = {bps} is above 10000")
            liquidity = self._liquidity(token_id) * bps // 10_000
        else:
            liquidity = given.number("liquidity")
        minimum = given.limit("amount0_min", 0), given.limit("amount1_min", 0)
        params = (token_id, liquidity, *minimum, given.deadline)
        return [self._to_manager("decreaseLiquidity", params, purpose="decrease")]

    def _collect(self, given: Given) -> Sequence[Call]:
        most = given.number("amount0_max", _U128_MAX), given.number("amount1_max", _U128_MAX)
        params = (self._token_id(given), self._client.account, *most)
        return [self._to_manager("collect", params, purpose=given.intent.verb)]

    def _burn(self, given: Given) -> Sequence[Call]:
        return [self._to_manager("burn", self._token_id(given), purpose="burn")]

    def _close(self, given: Given) -> Sequence[Call]:
        token_id = self._token_id(given)
        minimum = given.limit("amount0_min", 0), given.limit("amount1_min", 0)
        codec = abi(MANAGER)
        parts = []
        # The contract refuses to decrease by 0; an emptied position is collected and burnt all the same.
        if liquidity := self._liquidity(token_id):
            parts.append(codec.encode("decreaseLiquidity", (token_id, liquidity, *minimum, given.deadline)))
        parts.append(codec.encode("collect", (token_id, self._client.account, _U128_MAX, _U128_MAX)))
        parts.append(codec.encode("burn", token_id))
        return [self._to_manager("multicall", parts, purpose="close")]

    # -- router --------------------------------------------------------------------------

    def _swap_exact_in(self, given: Given) -> Sequence[Call]:
        token_in, token_out = self._pair(given)
        amount, bound = given.number("amount_in"), given.intent.limits.sqrt_price_x96
        if bound is None and "amount_out_min" not in given.intent.limits.amounts:
            raise BadInput("swap_exact_in: every swap needs a limit: limits.amounts.amount_out_min or sqrt_price_x96")
        params = (
            *(token_in, token_out, self._at.fee, self._client.account, given.deadline),
            *(amount, given.limit("amount_out_min", 0), bound or 0),
        )
        call = Call(self._at.router, abi(ROUTER).encode("exactInputSingle", params), purpose="swap_exact_in")
        # Only a price bound can leave part of the input unspent.
        return self._paying({token_in: amount}, self._at.router, call, may_leave=bound is not None)

    def _swap_exact_out(self, given: Given) -> Sequence[Call]:
        token_in, token_out = self._pair(given)
        most, bound = given.limit("amount_in_max"), given.intent.limits.sqrt_price_x96
        params = (
            *(token_in, token_out, self._at.fee, self._client.account, given.deadline),
            *(given.number("amount_out"), most, bound or 0),
        )
        call = Call(self._at.router, abi(ROUTER).encode("exactOutputSingle", params), purpose="swap_exact_out")
        return self._paying({token_in: most}, self._at.router, call, may_leave=True)

    # -- core ----------------------------------------------------------------------------

    def _pool_initialize(self, given: Given) -> Sequence[Call]:
        return [self._to_pool("initialize", given.number("sqrt_price_x96"), purpose="pool_initialize")]

    def _pool_mint(self, given: Given) -> Sequence[Call]:
        owner = given.text("recipient", self._client.account)
        ticks = given.number("tick_lower", signed=True), given.number("tick_upper", signed=True)
        return [self._to_callee("mint", owner, *ticks, given.number("liquidity"), purpose="pool_mint")]

    def _pool_burn(self, given: Given) -> Sequence[Call]:
        ticks = given.number("tick_lower", signed=True), given.number("tick_upper", signed=True)
        return [self._to_pool("burn", *ticks, given.number("liquidity"), purpose="pool_burn")]

    def _pool_collect(self, given: Given) -> Sequence[Call]:
        ticks = given.number("tick_lower", signed=True), given.number("tick_upper", signed=True)
        most = given.number("amount0", _U128_MAX), given.number("amount1", _U128_MAX)
        return [
            self._to_pool(
                "collect", given.text("recipient", self._client.account), *ticks, *most, purpose="pool_collect"
            )
        ]

    def _pool_swap(self, given: Given) -> Sequence[Call]:
        down = given.flag("zero_for_one")
        end = _MIN_SQRT_RATIO + 1 if down else _MAX_SQRT_RATIO - 1
        amount, bound = given.number("amount_specified", signed=True), given.number("sqrt_price_limit_x96", end)
        recipient = given.text("recipient", self._client.account)
        return [self._to_callee("swap", recipient, down, amount, bound, purpose="pool_swap")]

    def _pool_flash(self, given: Given) -> Sequence[Call]:
        return [self._to_callee("flash", given.number("amount0"), given.number("amount1"), purpose="pool_flash")]

    def _pool_set_fee_protocol(self, given: Given) -> Sequence[Call]:
        shares = given.number("fee_protocol_0"), given.number("fee_protocol_1")
        return [self._to_pool("setFeeProtocol", *shares, purpose="pool_set_fee_protocol")]

    def _pool_collect_protocol(self, given: Given) -> Sequence[Call]:
        most = given.number("amount0", _U128_MAX), given.number("amount1", _U128_MAX)
        return [
            self._to_pool(
                "collectProtocol", given.text("recipient", self._client.account), *most, purpose="pool_collect_protocol"
            )
        ]

    def _pool_increase_observations(self, given: Given) -> Sequence[Call]:
        room = given.number("observation_cardinality_next")
        return [self._to_pool("increaseObservationCardinalityNext", room, purpose="pool_increase_observations")]

    # -- pieces --------------------------------------------------------------------------

    def _to_manager(self, function: str, argument: Any, *, purpose: str) -> Call:
        return Call(self._at.manager, abi(MANAGER).encode(function, argument), purpose=purpose)

    def _to_pool(self, function: str, *args: Any, purpose: str) -> Call:
        return Call(self._at.pool, abi(POOL).encode(function, *args), purpose=purpose)

    def _to_callee(self, function: str, *args: Any, purpose: str) -> Call:
        if not self._at.callee:
            raise BadInput(f"{purpose}: needs the test callee, which stands on local chains only")
        return Call(self._at.callee, abi(CALLEE).encode(function, self._at.pool, *args), purpose=purpose)

    def _paying(self, due: Mapping[str, int], spender: str, call: Call, *, may_leave: bool) -> Sequence[Call]:
        client = self._client
        return with_approvals(client.rpc, client.account, due, spender, call, reset=may_leave and self._reset)

    def _pair(self, given: Given) -> tuple[str, str]:
        token, ids = given.text("token_in"), self._at.token_ids
        if token not in ids:
            raise BadInput(f"{given.intent.verb}: token_in = {token!r} is not of this pool ({' and '.join(ids)})")
        pair = (self._at.token0, self._at.token1)
        return pair if token == ids[0] else (pair[1], pair[0])

    def _token_id(self, given: Given) -> int:
        position = given.text("position")
        venue, _, number = position.rpartition("#")
        if venue != self._client.venue or not number.isdecimal():
            raise BadInput(f"{given.intent.verb}: position = {position!r} is none of venue {self._client.venue}")
        return int(number)

    def _liquidity(self, token_id: int) -> int:
        try:
            return int(self._client.read("positions", token_id)[5])
        except Revert:
            return 0  # no such token: the call itself is refused, with the contract's own reason
