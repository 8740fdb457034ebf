"""Where the contracts of one pool stand."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.errors import RpcError
from tidemill.venues.shared.client_parts import ask_many
from tidemill.venues.uniswap_v3.client_abi import POOL

__all__ = ["V3Deployment"]


class V3Deployment(Struct, frozen=True):
    """Where a pool and what surrounds it stand. All addresses are lower-case hex.

    ``token_ids`` are tidemill's names of token0 and token1 (``USDC@op``). ``callee`` is our test callee, empty on live
    networks, where the core's verbs with callbacks are refused.
    """

    pool: str
    manager: str
    router: str
    token0: str
    token1: str
    token_ids: tuple[str, str]
    fee: int
    tick_spacing: int
    callee: str = ""

    @classmethod
    def of_pool(
        cls, rpc: Rpc, pool: str, *, manager: str, router: str, token_ids: tuple[str, str], callee: str = ""
    ) -> Self:
        """Ask the pool for its tokens, fee and spacing; raises ``RpcError`` when it is none."""
        asked: list[tuple[str, tuple[()]]] = [(name, ()) for name in ("token0", "token1", "fee", "tickSpacing")]
        try:
            (token0,), (token1,), (fee,), (spacing,) = ask_many(rpc, pool, POOL, asked, "latest")
        except RpcError:
            raise RpcError(f"{rpc.address}: {pool} is no Uniswap v3 pool on chain {rpc.chain_id}") from None
        return cls(
            pool.lower(), manager.lower(), router.lower(), token0, token1, token_ids, fee, spacing, callee.lower()
        )
