"""What a pool, and the position manager beside it, remember: ints and dicts, as the contracts' storage does.

Records (ticks, positions, observations) are immutable and replaced whole; every change goes through the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tidemill.venues.shared.journal import Journal

__all__ = [
    "NO_OBSERVATION",
    "NO_POSITION",
    "NO_TICK",
    "ManagerState",
    "Observation",
    "PoolPosition",
    "PoolState",
    "TickInfo",
    "TokenEntry",
    "TokenPosition",
    "UniswapV3State",
]


class TickInfo(NamedTuple):
    """A tick in use. ``liquidity_net`` is signed: added when the price rises across. ``…_outside`` is what happened
    on the far side of the tick, as seen from the current price.
    """

    liquidity_gross: int
    liquidity_net: int
    fee_growth_outside_0_x128: int
    fee_growth_outside_1_x128: int
    tick_cumulative_outside: int
    seconds_per_liquidity_outside_x128: int
    seconds_outside: int


NO_TICK = TickInfo(0, 0, 0, 0, 0, 0, 0)


class PoolPosition(NamedTuple):
    """Liquidity of one owner in one range, the snapshot of fee growth inside, and what is owed (raw units)."""

    liquidity: int
    fee_growth_inside_0_last_x128: int
    fee_growth_inside_1_last_x128: int
    tokens_owed_0: int
    tokens_owed_1: int


NO_POSITION = PoolPosition(0, 0, 0, 0, 0)


class Observation(NamedTuple):
    """An entry of the oracle's ring; ``initialised`` is False for a slot that was only made room for."""

    time: int
    tick_cumulative: int
    seconds_per_liquidity_x128: int
    initialised: bool


NO_OBSERVATION = Observation(0, 0, 0, False)


class TokenPosition(NamedTuple):
    """A position token: its owner, its range, and its own share and snapshot of the manager's pool position."""

    owner: str
    tick_lower: int
    tick_upper: int
    liquidity: int
    fee_growth_inside_0_last_x128: int
    fee_growth_inside_1_last_x128: int
    tokens_owed_0: int
    tokens_owed_1: int


@dataclass(slots=True)
class PoolState:
    """One pool. ``sqrt_price_x96 == 0`` until initialised; the pool is locked until then.

    ``account`` holds the pool's tokens in the world's book; ``owner`` may set and collect the protocol's share;
    ``fee`` is in millionths.
    """

    token0: str
    token1: str
    fee: int
    tick_spacing: int
    max_liquidity_per_tick: int
    account: str
    owner: str
    sqrt_price_x96: int = 0
    tick: int = 0
    liquidity: int = 0
    fee_growth_global_0_x128: int = 0
    fee_growth_global_1_x128: int = 0
    fee_protocol_0: int = 0
    fee_protocol_1: int = 0
    protocol_fees_0: int = 0
    protocol_fees_1: int = 0
    observation_index: int = 0
    observation_cardinality: int = 0
    observation_cardinality_next: int = 0
    ticks: dict[int, TickInfo] = field(default_factory=dict)
    bitmap: dict[int, int] = field(default_factory=dict)
    positions: dict[tuple[str, int, int], PoolPosition] = field(default_factory=dict)
    observations: dict[int, Observation] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal, repr=False, compare=False)


class TokenEntry(NamedTuple):
    """An entry of an enumeration of position tokens; ``owner`` is empty in an owner's own."""

    token_id: int
    owner: str


@dataclass(slots=True)
class ManagerState:
    """The NonfungiblePositionManager as far as one pool is concerned; ``account`` owns its pool positions.

    ``elsewhere`` says that others hold tokens that this state does not know and go on minting, as on a live network.
    ``entries``, ``places`` and ``sizes`` are the enumerations of tokens by owner ("" for all) that cost gas and decide
    nothing (`model_tokens`).
    """

    account: str
    next_id: int = 1
    tokens: dict[int, TokenPosition] = field(default_factory=dict)
    elsewhere: bool = field(default=False, compare=False)
    entries: dict[tuple[str, int], TokenEntry] = field(default_factory=dict, compare=False, repr=False)
    places: dict[tuple[str, int], int] = field(default_factory=dict, compare=False, repr=False)
    sizes: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Enumerate tokens given, in the order of their numbers."""
        for token_id, token in sorted(self.tokens.items()):
            for group, owner in ((token.owner, ""), ("", token.owner)):
                size = self.sizes.get(group, 0)
                self.entries[group, size] = TokenEntry(token_id, owner)
                self.places[group, token_id] = size + 1
                self.sizes[group] = size + 1


@dataclass(slots=True)
class UniswapV3State:
    """A venue: its name, a pool and the manager. ``name`` starts position ids, ``name#token_id``."""

    name: str
    pool: PoolState
    manager: ManagerState

    @property
    def journal(self) -> Journal:
        """The undo notes of both."""
        return self.pool.journal
