"""Uniswap v3 as it stands on a chain: factory, one pool, position manager, routers, and our callee.

``act(verb, sender, …)`` speaks the verbs of the venue (the model's own names) and returns the amounts by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eth_hash.auto import keccak

from .actors import MAX, actor, endow, token_pair
from .contract import Contract, abi_of, deploy
from .evm import Evm

U128_MAX = (1 << 128) - 1
MIN_SQRT_RATIO = 4295128739
MAX_SQRT_RATIO = 1461446703485210103287273052203988822378723970342


class V3:
    """One pool with everything around it.

    Parameters
    ----------
    fee : in hundredths of a bip; 500, 3000 and 10000 are what the factory knows.
    decimals : of token0 and token1.
    sqrt_price_x96 : initial price; ``None`` leaves the pool uninitialised.
    actors : names of actors, each endowed with ``endowment`` raw units of both tokens and full approvals.
    """

    def __init__(
        self,
        evm: Evm | None = None,
        *,
        fee: int = 3000,
        decimals: tuple[int, int] = (18, 18),
        sqrt_price_x96: int | None = 1 << 96,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 120,
    ) -> None:
        self.evm = evm = evm or Evm()
        self.governor = actor("governor")
        self.weth = deploy(evm, self.governor, "WETH9")
        self.factory = deploy(evm, self.governor, "UniswapV3Factory")
        descriptor = actor("dummy descriptor")  # only draws pictures
        self.manager = deploy(
            evm, self.governor, "NonfungiblePositionManager", self.factory.address, self.weth.address, descriptor
        )
        self.router = deploy(evm, self.governor, "SwapRouter", self.factory.address, self.weth.address)
        self.quoter = deploy(evm, self.governor, "QuoterV2", self.factory.address, self.weth.address)
        self.callee = deploy(evm, self.governor, "PoolCallee")
        self.token0, self.token1 = token_pair(evm, *decimals)
        self.fee = fee
        self.tick_spacing: int = self.factory.view("feeAmountTickSpacing", fee)
        pool = self.factory.send(self.governor, "createPool", self.token0.address, self.token1.address, fee)
        self.pool = Contract(evm, pool, abi_of("UniswapV3Pool"))
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            self.endow(who, endowment)
        if sqrt_price_x96 is not None:
            self.pool.send(self.governor, "initialize", sqrt_price_x96)
        self._verbs: Mapping[str, Callable[..., dict[str, int]]] = {
            name: getattr(self, f"_{name}")
            for name in (
                "pool_initialize pool_mint pool_burn pool_collect pool_swap pool_flash pool_set_fee_protocol "
                "pool_collect_protocol pool_increase_observations "
                "mint increase decrease collect burn swap_exact_in swap_exact_out"
            ).split()
        }

    def endow(self, who: str, amount: int) -> None:
        """Give ``who`` both tokens and approve callee, router and position manager."""
        spenders = (self.callee.address, self.router.address, self.manager.address)
        endow((self.token0, self.token1), who, amount, spenders)

    def act(self, verb: str, sender: str, **args: Any) -> dict[str, int]:
        """Do a verb as ``sender`` (an address) and return its amounts; raises ``Revert``."""
        return self._verbs[verb](sender, **args)

    def balances(self, who: str) -> tuple[int, int]:
        """Return raw units of token0 and token1."""
        return _balance(self.evm, self.token0.address, who), _balance(self.evm, self.token1.address, who)

    # -- core ------------------------------------------------------------------------------------------------------

    def _pool_initialize(self, sender: str, *, sqrt_price_x96: int) -> dict[str, int]:
        self.pool.send(sender, "initialize", sqrt_price_x96)
        return {}

    def _pool_mint(
        self,
        sender: str,
        *,
        tick_lower: int,
        tick_upper: int,
        liquidity: int,
        recipient: str | None = None,
        skimp: int = 0,
    ) -> dict[str, int]:
        amounts = self.callee.send(
            sender,
            "mint",
            self.pool.address,
            recipient or sender,
            tick_lower,
            tick_upper,
            liquidity,
            True,
            skimp,
            False,
        )
        return {"amount0": amounts[0], "amount1": amounts[1]}

    def _pool_burn(self, sender: str, *, tick_lower: int, tick_upper: int, liquidity: int) -> dict[str, int]:
        amounts = self.pool.send(sender, "burn", tick_lower, tick_upper, liquidity)
        return {"amount0": amounts[0], "amount1": amounts[1]}

    def _pool_collect(
        self,
        sender: str,
        *,
        tick_lower: int,
        tick_upper: int,
        amount0: int = U128_MAX,
        amount1: int = U128_MAX,
        recipient: str | None = None,
    ) -> dict[str, int]:
        got = self.pool.send(sender, "collect", recipient or sender, tick_lower, tick_upper, amount0, amount1)
        return {"amount0": got[0], "amount1": got[1]}

    def _pool_swap(
        self,
        sender: str,
        *,
        zero_for_one: bool,
        amount_specified: int,
        sqrt_price_limit_x96: int | None = None,
        recipient: str | None = None,
        skimp: int = 0,
    ) -> dict[str, int]:
        if sqrt_price_limit_x96 is None:
            sqrt_price_limit_x96 = MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
        amounts = self.callee.send(
            sender,
            "swap",
            self.pool.address,
            recipient or sender,
            zero_for_one,
            amount_specified,
            sqrt_price_limit_x96,
            True,
            skimp,
            False,
        )
        return {"amount0": amounts[0], "amount1": amounts[1]}

    def _pool_flash(self, sender: str, *, amount0: int, amount1: int, skimp: int = 0) -> dict[str, int]:
        before = self.balances(self.pool.address)
        self.callee.send(sender, "flash", self.pool.address, amount0, amount1, True, skimp, False)
        after = self.balances(self.pool.address)
        return {"paid0": after[0] - before[0], "paid1": after[1] - before[1]}

    def _pool_set_fee_protocol(self, sender: str, *, fee_protocol_0: int, fee_protocol_1: int) -> dict[str, int]:
        self.pool.send(sender, "setFeeProtocol", fee_protocol_0, fee_protocol_1)
        return {}

    def _pool_collect_protocol(
        self, sender: str, *, amount0: int = U128_MAX, amount1: int = U128_MAX, recipient: str | None = None
    ) -> dict[str, int]:
        got = self.pool.send(sender, "collectProtocol", recipient or sender, amount0, amount1)
        return {"amount0": got[0], "amount1": got[1]}

    def _pool_increase_observations(self, sender: str, *, observation_cardinality_next: int) -> dict[str, int]:
        self.pool.send(sender, "increaseObservationCardinalityNext", observation_cardinality_next)
        return {}

    # -- periphery -------------------------------------------------------------------------------------------------

    def _mint(
        self,
        sender: str,
        *,
        tick_lower: int,
        tick_upper: int,
        amount0_desired: int,
        amount1_desired: int,
        amount0_min: int = 0,
        amount1_min: int = 0,
        recipient: str | None = None,
        deadline: int = MAX,
    ) -> dict[str, int]:
        out = self.manager.send(
            sender,
            "mint",
            (
                *(self.token0.address, self.token1.address, self.fee, tick_lower, tick_upper),
                *(amount0_desired, amount1_desired, amount0_min, amount1_min, recipient or sender, deadline),
            ),
        )
        return dict(zip(("token_id", "liquidity", "amount0", "amount1"), out, strict=True))

    def _increase(
        self,
        sender: str,
        *,
        token_id: int,
        amount0_desired: int,
        amount1_desired: int,
        amount0_min: int = 0,
        amount1_min: int = 0,
        deadline: int = MAX,
    ) -> dict[str, int]:
        out = self.manager.send(
            sender,
            "increaseLiquidity",
            (token_id, amount0_desired, amount1_desired, amount0_min, amount1_min, deadline),
        )
        return dict(zip(("liquidity", "amount0", "amount1"), out, strict=True))

    def _decrease(
        self,
        sender: str,
        *,
        token_id: int,
        liquidity: int,
        amount0_min: int = 0,
        amount1_min: int = 0,
        deadline: int = MAX,
    ) -> dict[str, int]:
        out = self.manager.send(sender, "decreaseLiquidity", (token_id, liquidity, amount0_min, amount1_min, deadline))
        return dict(zip(("amount0", "amount1"), out, strict=True))

    def _collect(
        self,
        sender: str,
        *,
        token_id: int,
        amount0_max: int = U128_MAX,
        amount1_max: int = U128_MAX,
        recipient: str | None = None,
    ) -> dict[str, int]:
        out = self.manager.send(sender, "collect", (token_id, recipient or sender, amount0_max, amount1_max))
        return dict(zip(("amount0", "amount1"), out, strict=True))

    def _burn(self, sender: str, *, token_id: int) -> dict[str, int]:
        self.manager.send(sender, "burn", token_id)
        return {}

    def _swap_exact_in(
        self,
        sender: str,
        *,
        zero_for_one: bool,
        amount_in: int,
        amount_out_min: int = 0,
        sqrt_price_limit_x96: int = 0,
        deadline: int = MAX,
    ) -> dict[str, int]:
        tokens = self._ordered(zero_for_one)
        out = self.router.send(
            sender,
            "exactInputSingle",
            (*tokens, self.fee, sender, deadline, amount_in, amount_out_min, sqrt_price_limit_x96),
        )
        return {"amount_out": out}

    def _swap_exact_out(
        self,
        sender: str,
        *,
        zero_for_one: bool,
        amount_out: int,
        amount_in_max: int = MAX,
        sqrt_price_limit_x96: int = 0,
        deadline: int = MAX,
    ) -> dict[str, int]:
        tokens = self._ordered(zero_for_one)
        out = self.router.send(
            sender,
            "exactOutputSingle",
            (*tokens, self.fee, sender, deadline, amount_out, amount_in_max, sqrt_price_limit_x96),
        )
        return {"amount_in": out}

    def _ordered(self, zero_for_one: bool) -> tuple[str, str]:
        pair = (self.token0.address, self.token1.address)
        return pair if zero_for_one else pair[::-1]

    def manager_position(self, token_id: int) -> dict[str, int | str]:
        """Return what the position manager keeps of one token id."""
        names = (
            "nonce operator token0 token1 fee tick_lower tick_upper liquidity fee_growth_inside_0_last_x128 "
            "fee_growth_inside_1_last_x128 tokens_owed_0 tokens_owed_1"
        ).split()
        return dict(zip(names, self.manager.view("positions", token_id), strict=True))


def _balance(evm: Evm, token: str, who: str) -> int:
    return evm.storage(token, _balance_slot(who))


_slots: dict[str, int] = {}


def _balance_slot(who: str) -> int:
    # TestToken.balanceOf is the first variable; Vyper hashes (slot, key).
    if who not in _slots:
        word = (0).to_bytes(32, "big") + bytes(12) + bytes.fromhex(who[2:])
        _slots[who] = int.from_bytes(keccak(word), "big")
    return _slots[who]
