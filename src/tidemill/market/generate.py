"""A seeded market through the exact pool rules: an arbitrageur and noise, providers who come and go.

The outside price is a walk of normal steps with jumps, in log space, on an integer grid. Traders arrive at a rate that
reverts to its mean, with log-normal sizes. When the pool leaves the band of its own fee around the outside price, the
arbitrageur brings it back to the edge. Everything is integer arithmetic on draws that derive from the specification,
so a market is the same, to the wei and to the byte of its content hash, on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidemill.errors import BadInput, InvariantBroken
from tidemill.market.book import FullBook
from tidemill.market.draws import ONE_SIGMA, Draws
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.limbs import to_limbs
from tidemill.market.replayer import position_amounts
from tidemill.market.schema import BLOCKS, EVENTS, PRICES, SIGNED, WIDTHS, Kind
from tidemill.market.state import encode_state
from tidemill.market.store import Dataset, make_manifest
from tidemill.market.walk import UNBOUNDED, Order, Spot, bound, price_at, walk
from tidemill.venues.uniswap_v3.model_state import Observation, PoolPosition, PoolState, TickInfo
from tidemill.venues.uniswap_v3.rules import MAX_TICK, max_liquidity_per_tick, tick_at_sqrt_ratio

__all__ = ["ARBITRAGEUR", "generate"]

_Q96 = 1 << 96
_NOISE = "0x" + "00" * 18 + "0a01"
ARBITRAGEUR = "0x" + "00" * 18 + "0a02"
"""Who brings the pool back to the outside price."""


def generate(spec: FlowSpec, outside: NDArray[np.int64] | None = None, silent: tuple[int, int] = (0, 0)) -> Dataset:
    """Make the market of ``spec``: a synthetic dataset of fidelity ``exact``, in memory.

    ``outside`` is a path of the outside price to follow instead of the specification's own walk: milliticks, one for each
    step. The seed of the specification should then name it, for it is not in the dataset's name otherwise; ``silent`` as well:
    from one step until before the other nobody does anything.
    """
    market = _Market(spec, outside)
    market.open_pool()
    state = encode_state(market.state())
    market.run(silent)
    tables = {"events": market.events(), "blocks": _fees(spec), "prices": _prices(spec, market.outside)}
    manifest = make_manifest(
        kind="uniswap_v3.events",
        pool=spec.pool,
        tables=tables,
        state=state,
        blocks=(spec.start_block, spec.start_block + spec.steps * spec.blocks_per_step),
        source=f"tidemill generator, specification {spec.content()[:16]}",
        synthetic=True,
        licence="our own",
        notes={"synthetic": "arbitrage and noise through the exact pool rules; no real trader, price or fee is in it"},
    )
    return Dataset(manifest, tables, state)


def log_scale(value: int, ticks: int) -> int:
    """``value * 1.0001 ** ticks``, rounded down."""
    return value * price_at(2 * max(-MAX_TICK // 2, min(MAX_TICK // 2, ticks))) >> 96


class _Market:
    def __init__(self, spec: FlowSpec, outside: NDArray[np.int64] | None) -> None:
        self.spec, self.pool, self.draws = spec, spec.pool, Draws(spec.content())
        self.fee_band = 1000 * round(spec.pool.fee / 100)  # a hundred millionths are a tick, to 1 in 10,000
        self.outside = self._outside() if outside is None else outside
        if len(self.outside) != spec.steps:
            raise BadInput(f"{len(self.outside)} prices for {spec.steps} steps", field="outside")
        price = price_at(spec.start_tick)
        self.spot = Spot(price, spec.start_tick, 0)
        self.book = FullBook(spec.pool.tick_spacing, {})
        self.ranges: list[tuple[int, int]] = []
        self.at = (0, 0)
        self.logs = 0
        self.rows: list[dict[str, Any]] = []

    def open_pool(self) -> None:
        """Place every provider's first position."""
        for provider in self.spec.providers:
            self.ranges.append(self._range(provider))
            self.book.change(*self.ranges[-1], provider.liquidity)
        self.spot = self.spot._replace(liquidity=sum(p.liquidity for p in self.spec.providers))

    def state(self) -> PoolState:
        """Return the pool before the first event, as the model keeps it: fee growth starts at zero."""
        spec, pool = self.spec, self.pool
        ticks: dict[int, TickInfo] = {}
        positions: dict[tuple[str, int, int], PoolPosition] = {}
        for number, (provider, (lower, upper)) in enumerate(zip(spec.providers, self.ranges, strict=True)):
            positions[_owner(number), lower, upper] = PoolPosition(provider.liquidity, 0, 0, 0, 0)
            for tick, sign in ((lower, 1), (upper, -1)):
                old = ticks.get(tick)
                gross, net = (old.liquidity_gross, old.liquidity_net) if old else (0, 0)
                # ticks at or below the price count what was before as below; nothing was, so all is zero
                seconds = spec.start_time if tick <= spec.start_tick else 0
                ticks[tick] = TickInfo(gross + provider.liquidity, net + sign * provider.liquidity, 0, 0, 0, 0, seconds)
        return PoolState(
            token0=f"{pool.token0.symbol}@{pool.network}",
            token1=f"{pool.token1.symbol}@{pool.network}",
            fee=pool.fee,
            tick_spacing=pool.tick_spacing,
            max_liquidity_per_tick=max_liquidity_per_tick(pool.tick_spacing),
            account=pool.address,
            owner="owner",
            sqrt_price_x96=self.spot.price,
            tick=self.spot.tick,
            liquidity=self.spot.liquidity,
            fee_protocol_0=pool.fee_protocol0,
            fee_protocol_1=pool.fee_protocol1,
            observation_cardinality=1,
            observation_cardinality_next=1,
            ticks=ticks,
            positions=positions,
            observations={0: Observation(spec.start_time, 0, 0, True)},
        )

    def run(self, silent: tuple[int, int] = (0, 0)) -> None:
        """Play the whole time, without the steps from ``silent`` on until before its end."""
        outside = self.outside.tolist()
        trades = dict(self._trades())
        moves = self._moves()
        low = high = 0
        moved = True
        for step, price in enumerate(outside):
            if silent[0] <= step < silent[1]:
                continue
            if moved:
                low, high = self._band()
            moved = False
            if step in moves:
                self._open_block(step)
                self._move_provider(moves[step])
            if step in trades:
                self._open_block(step)
                self._trade(*trades[step])
                low, high = self._band()
                moved = True
            if not low <= price <= high:
                self._open_block(step)
                self._arbitrage(price, price > high)
                moved = True

    def _outside(self) -> NDArray[np.int64]:
        """Outside price of every step, milliticks."""
        spec, n = self.spec, self.spec.steps
        change = self.draws.normal("price", n) * spec.sigma // ONE_SIGMA
        jump = self.draws.uniform("jump", n, 100 * 86_400 // spec.seconds_per_step) < spec.jumps_per_day
        change[jump] += self.draws.normal("jump size", n)[jump] * spec.jump_size // ONE_SIGMA
        return np.cumsum(change) + 1000 * spec.start_tick

    def _trades(self) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """Steps with a trade: (size draw, direction and kind draw, limit draw)."""
        spec, n = self.spec, self.spec.steps
        per_hour = 3600 // spec.seconds_per_step
        hours = -(-n // per_hour)
        shocks = self.draws.normal("volume", hours).tolist()
        # the innovation that keeps the spread: sd * sqrt(1 - memory**2)
        innovation = spec.volume_spread * _root(10_000 - spec.volume_memory**2) // 100
        level, rates = 0, []
        for shock in shocks:
            level = level * spec.volume_memory // 100 + shock * innovation // ONE_SIGMA
            # the mean of a log-normal is above its median by half the variance
            centre = level - spec.volume_spread**2 // 20_000
            rates.append(min(log_scale(spec.trades_per_day << 16, centre) * spec.seconds_per_step // 86_400, 65_535))
        rate = np.repeat(np.array(rates, np.int64), per_hour)[:n]
        steps = np.flatnonzero(self.draws.words("trade", n).astype(np.int64) < rate)
        size = self.draws.normal("size", len(steps)).tolist()
        kind = self.draws.uniform("kind", len(steps), 200).tolist()
        reach = self.draws.uniform("limit", len(steps), 4000).tolist()
        return zip(steps.tolist(), zip(size, kind, reach, strict=True), strict=True)

    def _moves(self) -> dict[int, int]:
        """Steps at which a provider moves."""
        moves: dict[int, int] = {}
        for number, provider in enumerate(self.spec.providers):
            if provider.moves_per_day:
                span = 100 * 86_400 // self.spec.seconds_per_step
                draw = self.draws.uniform(f"move {number}", self.spec.steps, span)
                moves |= dict.fromkeys(np.flatnonzero(draw < provider.moves_per_day).tolist(), number)
        return moves

    def _band(self) -> tuple[int, int]:
        """Outside prices (milliticks) between which the arbitrageur rests."""
        width = self.fee_band + self.spec.margin
        here = 1000 * self.spot.tick + 500
        return here - width, here + width

    def _arbitrage(self, outside: int, up: bool) -> None:
        target = outside - self.fee_band if up else outside + self.fee_band
        tick, part = divmod(target, 1000)
        price = price_at(tick) + (price_at(tick + 1) - price_at(tick)) * part // 1000
        if (price > self.spot.price) if up else (price < self.spot.price):
            self._swap(ARBITRAGEUR, Order(not up, True, UNBOUNDED, price))

    def _trade(self, size: int, kind: int, reach: int) -> None:
        spec = self.spec
        down, kind = kind < 100, kind % 100
        amount0 = max(log_scale(spec.trade_size, size * spec.trade_spread // ONE_SIGMA), 1)
        amount1 = max((amount0 * self.spot.price >> 96) * self.spot.price >> 96, 1)
        exact_in = kind >= spec.exact_out
        limit = bound(down)
        if exact_in and kind < spec.exact_out + spec.limited:
            tick = (1000 * self.spot.tick + (-reach if down else reach)) // 1000 + (0 if down else 2)
            limit = price_at(tick)
        amount = amount0 if down == exact_in else amount1
        if (limit < self.spot.price) if down else (limit > self.spot.price):
            self._swap(_NOISE, Order(down, exact_in, amount, limit))

    def _swap(self, sender: str, order: Order) -> None:
        done = walk(self.book, self.spot, order, self.pool.fee)
        if not order.exact_in and done.amount_out < order.amount:
            return  # a router would revert: not all of the output was there
        tick = done.tick if done.tick is not None else tick_at_sqrt_ratio(done.price)
        stopped = done.price == order.limit and (
            done.amount_in < order.amount if order.exact_in else done.amount_out < order.amount
        )
        paid, got = done.amount_in, -done.amount_out
        if not paid and not got:
            return
        self._log(
            Kind.SWAP,
            sender=sender,
            recipient=sender,
            amount0=paid if order.down else got,
            amount1=got if order.down else paid,
            sqrt_price_x96=done.price,
            liquidity=done.liquidity,
            tick=tick,
            swap_type=2 if stopped else (0 if order.exact_in else 1),
        )
        self.spot = Spot(done.price, tick, done.liquidity)

    def _move_provider(self, number: int) -> None:
        """Burn, collect what was burnt, and mint around the price."""
        provider, old = self.spec.providers[number], self.ranges[number]
        owner = _owner(number)
        gone = self._change(old, -provider.liquidity)
        self._log(Kind.BURN, owner=owner, range=old, liquidity=provider.liquidity, amount0=gone[0], amount1=gone[1])
        self._log(Kind.COLLECT, owner=owner, recipient=owner, range=old, amount0=gone[0], amount1=gone[1])
        new = self.ranges[number] = self._range(provider)
        paid = self._change(new, provider.liquidity)
        self._log(
            Kind.MINT,
            sender=owner,
            owner=owner,
            range=new,
            liquidity=provider.liquidity,
            amount0=paid[0],
            amount1=paid[1],
        )

    def _change(self, span: tuple[int, int], delta: int) -> tuple[int, int]:
        self.book.change(*span, delta)
        if span[0] <= self.spot.tick < span[1]:
            self.spot = self.spot._replace(liquidity=self.spot.liquidity + delta)
        if self.spot.liquidity <= 0:
            raise InvariantBroken("a generated market ran out of liquidity; give one provider the full range")
        return position_amounts(self.spot, *span, delta)

    def _range(self, provider: Provider) -> tuple[int, int]:
        spacing = self.pool.tick_spacing
        edge = MAX_TICK // spacing * spacing
        lower = max((self.spot.tick - provider.width) // spacing * spacing, -edge)
        return lower, min(-(-(self.spot.tick + provider.width) // spacing) * spacing, edge)

    def _open_block(self, step: int) -> None:
        spec = self.spec
        at = spec.start_block + (step + 1) * spec.blocks_per_step
        if self.at[0] != at:
            self.at, self.logs = (at, spec.start_time + (step + 1) * spec.seconds_per_step), 0

    def _log(self, kind: Kind, *, range: tuple[int, int] | None = None, **values: Any) -> None:  # noqa: A002
        block, time = self.at
        ticks = {"tick_lower": range[0], "tick_upper": range[1]} if range else {}
        self.rows.append(
            {"block": block, "time": time, "tx_index": self.logs + 1, "log_index": self.logs, "kind": int(kind)}
            | ticks
            | values
        )
        self.logs += 1

    def events(self) -> pl.DataFrame:
        """Return what has been logged as an ``EVENTS`` table."""
        columns = {}
        for name, dtype in EVENTS.items():
            if name in WIDTHS:
                values = (row.get(name, 0) for row in self.rows)
                limbs = to_limbs(values, WIDTHS[name], signed=name in SIGNED, name=name)
                columns[name] = pl.Series(name, limbs, dtype=dtype)
            else:
                columns[name] = pl.Series(name, [row.get(name) for row in self.rows], dtype=dtype)
        return pl.DataFrame(columns, schema=EVENTS)


def _owner(number: int) -> str:
    return f"0x{0x0B00 + number:040x}"


def _root(value: int) -> int:
    return int(value**0.5)


def _fees(spec: FlowSpec) -> pl.DataFrame:
    """Hourly fees of a synthetic OP-stack chain, wei: L2 base fee, L1 base fee and blob base fee."""
    hours = spec.days * 24
    draws = Draws(spec.content())
    columns: dict[str, Any] = {
        "block": [spec.start_block + h * 3600 // spec.seconds_per_block for h in range(hours)],
        "time": [spec.start_time + h * 3600 for h in range(hours)],
    }
    for name, middle, spread in (
        ("base_fee", 3_000_000, 9_000),
        ("blob_base_fee", 200_000_000, 12_000),
        ("l1_base_fee", 4_000_000_000, 6_000),
    ):
        level, values = 0, []
        for shock in draws.normal(name, hours).tolist():
            level = level * 95 // 100 + shock * (spread * 31 // 100) // ONE_SIGMA
            values.append(max(log_scale(middle, level), 1))
        columns[name] = values
    return pl.DataFrame(columns, schema=BLOCKS)


def _prices(spec: FlowSpec, outside: NDArray[np.int64]) -> pl.DataFrame:
    """Outside price of token1 in token0 (and of token0, 1) every five minutes, micro-units."""
    pool = spec.pool
    every = 300 // spec.seconds_per_step
    scale = 10 ** (pool.token1.decimals - pool.token0.decimals + 6)
    rows = []
    for step in range(0, spec.steps, every):
        price = price_at(int(outside[step]) // 1000)
        time = spec.start_time + step * spec.seconds_per_step
        rows.append((time, pool.token0.symbol, 1_000_000))
        rows.append((time, pool.token1.symbol, (_Q96 * _Q96 * scale) // (price * price)))
    return pl.DataFrame(rows, schema=PRICES, orient="row")
