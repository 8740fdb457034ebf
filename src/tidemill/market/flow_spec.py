"""What a generated market is made of: every number an integer, so that the same text gives the same market everywhere."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.market.manifest import PoolInfo

__all__ = ["FlowSpec", "Provider"]


class Provider(Struct, frozen=True):
    """A liquidity provider: ``liquidity`` over ``width`` ticks each side of the price (rounded to the spacing).

    ``moves_per_day`` is how often, in hundredths, the position is closed and opened again around the price; 0 never.
    """

    liquidity: int
    width: int
    moves_per_day: int = 0


class FlowSpec(Struct, frozen=True, kw_only=True):
    """A seeded market: an outside price, traders who do not care about it, and an arbitrageur who does.

    Prices are in milliticks (a tick is a factor of 1.0001 of token1 per token0), sizes in raw units of token0.
    """

    pool: PoolInfo
    providers: tuple[Provider, ...]
    seed: str = ""
    days: int = 60
    start_time: int = 1_735_689_600
    start_block: int = 130_000_000
    seconds_per_block: int = 2
    blocks_per_step: int = 6
    start_tick: int = 195_000
    sigma: int = 3_700
    """Standard deviation of the outside price over one step, milliticks."""
    jumps_per_day: int = 40
    """Hundredths of a jump a day."""
    jump_size: int = 150_000
    """Standard deviation of a jump, milliticks."""
    trades_per_day: int = 1_000
    trade_size: int = 1_500_000_000
    """Median input, raw units of token0."""
    trade_spread: int = 15_000
    """Standard deviation of the logarithm of the size, ticks (10,000 ticks are a factor of e)."""
    volume_spread: int = 6_000
    """Standard deviation of the logarithm of trades per hour, ticks."""
    volume_memory: int = 90
    """Percent of that logarithm's distance from its mean that is left after an hour."""
    exact_out: int = 12
    """Percent of trades that name the output."""
    limited: int = 6
    """Percent of trades with a close price limit."""
    margin: int = 4_000
    """The arbitrageur acts when the pool is this far beyond the fee band, milliticks."""

    def __post_init__(self) -> None:
        if self.days < 1 or self.trades_per_day < 0 or self.blocks_per_step < 1 or self.seconds_per_block < 1:
            raise BadInput("a generated market needs days, blocks and seconds of at least 1, trades of at least 0")
        if not self.providers or any(p.liquidity <= 0 or p.width < self.pool.tick_spacing for p in self.providers):
            raise BadInput("a generated market needs providers, each with liquidity and at least one spacing of width")
        if not 0 <= self.volume_memory < 100 or not 0 <= self.exact_out + self.limited <= 100:
            raise BadInput("volume_memory, exact_out and limited are percents")

    @property
    def steps(self) -> int:
        """Steps of the outside price in all."""
        return self.days * 86_400 // self.seconds_per_step

    @property
    def seconds_per_step(self) -> int:
        """Seconds between two looks at the market."""
        return self.seconds_per_block * self.blocks_per_step

    def content(self) -> str:
        """Hash of everything above: the seed of the market's randomness, and the name of its dataset."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()
