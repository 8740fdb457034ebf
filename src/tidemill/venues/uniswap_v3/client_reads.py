"""Views of the real contracts, under the model's names and with its values, so that both twins answer alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.chain.rpc import BlockId
from tidemill.errors import BadInput
from tidemill.interfaces import Position
from tidemill.venues.shared.client_parts import ERC20, abi, ask, ask_many
from tidemill.venues.uniswap_v3.client_abi import MANAGER, POOL
from tidemill.venues.uniswap_v3.client_snapshot import position_key
from tidemill.venues.uniswap_v3.model_reads import read as read_model
from tidemill.venues.uniswap_v3.model_state import ManagerState, PoolState, TickInfo, TokenPosition, UniswapV3State

if TYPE_CHECKING:
    from tidemill.venues.uniswap_v3.client import UniswapV3Client

__all__ = ["Reads"]

_TIMED = {"observe": 1, "snapshotCumulativesInside": 2}
"""Views that move with time, and how many arguments the contract takes: the model is told the time as one more."""


_GLOBAL = ("slot0", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128")


class Reads:
    """The views of one client."""

    def __init__(self, client: UniswapV3Client) -> None:
        self._client, self._at = client, client.deployment
        self._ours: Mapping[str, Callable[..., Any]] = {
            "positions": self._positions,
            "ownerOf": self._owner_of,
            "principal": self._worth,
            "claimable": self._worth,
            "balance": self._balance,
            "pool_positions": self._pool_positions,
        }

    def read(self, query: str, args: Sequence[Any], block: BlockId) -> Any:
        """Answer one view at ``block``; see ``UniswapV3Client.read``."""
        if query in ("principal", "claimable"):
            return self._worth(query, *args, block=block)
        if query in self._ours:
            return self._ours[query](*args, block=block)
        if query in ("token0", "token1"):
            return self._at.token_ids[int(query[-1])]
        if query not in abi(POOL).functions:
            raise BadInput(f"venue {self._client.venue}: no view {query!r}", field="query")
        return self._bare(self._view(self._at.pool, POOL, query, args[: _TIMED.get(query, len(args))], block))

    def positions_of(self, owner: str, block: BlockId) -> list[Position]:
        """Return the owner's position tokens of this pool in the order they were opened."""
        at = self._client.rpc.block(block)
        (count,) = self._view(self._at.manager, MANAGER, "balanceOf", (owner,), at)
        asked = [("tokenOfOwnerByIndex", (owner, i)) for i in range(count)]
        ids = sorted(token_id for (token_id,) in ask_many(self._client.rpc, self._at.manager, MANAGER, asked, at))
        return self.positions_by_id(ids, at)

    def positions_by_id(self, ids: Sequence[int], block: BlockId) -> list[Position]:
        """Return those of these position tokens that are of this pool, in order; every one must exist."""
        rpc, at = self._client.rpc, self._at
        kept = ask_many(rpc, at.manager, MANAGER, [("positions", (token_id,)) for token_id in ids], block)
        pool = at.token0, at.token1, at.fee
        mine = [(token_id, k) for token_id, k in zip(ids, kept, strict=True) if k[2:5] == pool]
        if not mine:
            return []
        ticks = sorted({tick for _, k in mine for tick in k[5:7]})
        asked: list[tuple[str, tuple[int, ...]]] = [(name, ()) for name in _GLOBAL]
        asked += [("ticks", (tick,)) for tick in ticks]
        answers = ask_many(rpc, at.pool, POOL, asked, block)
        state = self._pool(answers[:3], dict(zip(ticks, answers[3:], strict=True)))
        return [self._position(token_id, k, state) for token_id, k in mine]

    # -- the model's own names ---------------------------------------------------------------------------------------

    def _positions(self, token_id: int, *, block: BlockId) -> tuple[Any, ...]:
        kept = self._kept(token_id, block)
        names = {self._at.token0: self._at.token_ids[0], self._at.token1: self._at.token_ids[1]}
        return (*(names.get(token, token) for token in kept[2:4]), *kept[4:])

    def _owner_of(self, token_id: int, *, block: BlockId) -> str:
        return str(self._view(self._at.manager, MANAGER, "ownerOf", (token_id,), block)[0])

    def _pool_positions(self, owner: str, lower: int, upper: int, *, block: BlockId) -> tuple[Any, ...]:
        return self._view(self._at.pool, POOL, "positions", (position_key(owner, lower, upper),), block)

    def _balance(self, token: str, who: str, *, block: BlockId) -> int:
        pairs = dict(zip(self._at.token_ids, (self._at.token0, self._at.token1), strict=True))
        if token not in pairs:
            raise BadInput(f"token {token!r} is not of venue {self._client.venue}; it has {' and '.join(pairs)}")
        return int(self._view(pairs[token], ERC20, "balanceOf", (who,), block)[0])

    def _worth(self, query: str, token_id: int, *, block: BlockId) -> tuple[int, int]:
        # Ours beside the contracts' views: our own rules on what the contracts say at one block.
        at = self._client.rpc.block(block)
        amount0, amount1 = read_model(self._state(token_id, self._kept(token_id, at), at), query, token_id)
        return amount0, amount1

    # -- pieces ------------------------------------------------------------------------------------------------------

    def _kept(self, token_id: int, block: BlockId) -> tuple[Any, ...]:
        return self._view(self._at.manager, MANAGER, "positions", (token_id,), block)

    def _state(self, token_id: int, kept: tuple[Any, ...], block: BlockId) -> UniswapV3State:
        """Return as much of the model's state as one position's worth depends on."""
        asked: list[tuple[str, tuple[int, ...]]] = [(name, ()) for name in _GLOBAL]
        asked += [("ticks", (tick,)) for tick in kept[5:7]]
        answers = ask_many(self._client.rpc, self._at.pool, POOL, asked, block)
        pool = self._pool(answers[:3], dict(zip(kept[5:7], answers[3:], strict=True)))
        return self._holding(token_id, kept, pool)

    def _pool(self, answers: Sequence[tuple[Any, ...]], ticks: Mapping[int, tuple[Any, ...]]) -> PoolState:
        slot0, (growth0,), (growth1,) = answers
        return PoolState(
            token0=self._at.token_ids[0],
            token1=self._at.token_ids[1],
            fee=self._at.fee,
            tick_spacing=self._at.tick_spacing,
            max_liquidity_per_tick=0,
            account=self._at.pool,
            owner="",
            sqrt_price_x96=slot0[0],
            tick=slot0[1],
            fee_growth_global_0_x128=growth0,
            fee_growth_global_1_x128=growth1,
            ticks={tick: TickInfo(*info[:7]) for tick, info in ticks.items()},
        )

    def _holding(self, token_id: int, kept: tuple[Any, ...], pool: PoolState) -> UniswapV3State:
        token = TokenPosition("", *kept[5:])
        return UniswapV3State(self._client.venue, pool, ManagerState(self._at.manager, tokens={token_id: token}))

    def _position(self, token_id: int, kept: tuple[Any, ...], pool: PoolState) -> Position:
        state, ids = self._holding(token_id, kept, pool), self._at.token_ids
        return Position(
            f"{self._client.venue}#{token_id}",
            self._client.venue,
            "range",
            {"tick_lower": kept[5], "tick_upper": kept[6], "liquidity": kept[7]},
            dict(zip(ids, read_model(state, "principal", token_id), strict=True)),
            dict(zip(ids, read_model(state, "claimable", token_id), strict=True)),
        )

    def _view(self, to: str, contract: str, name: str, args: Sequence[Any], block: BlockId) -> tuple[Any, ...]:
        return ask(self._client.rpc, to, contract, name, args, block)

    @staticmethod
    def _bare(values: tuple[Any, ...]) -> Any:
        return values[0] if len(values) == 1 else tuple(tuple(v) if isinstance(v, list) else v for v in values)
