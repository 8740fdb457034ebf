"""Simulated futures of a study: each a whole market, made through the exact pool rules, over which it is backtested.

A study with a Uniswap v3 market gets a market *like* its own (calibrated: depth, providers, traders, volatility) around
an outside price that a model draws; an arbitrageur keeps the pool at that price, block by block. Venues that are scripted
get another seed. Fee levels are the history's own, again from its start. So a future is float in one place only, the
drawn price; everything after it is the same exact code as a backtest's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tidemill.engine.rng import array_stream, seed_of
from tidemill.errors import BadInput
from tidemill.studies.market_data import MarketData
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.processes import Fitted, Model, fit
from tidemill.studies.shocks import CRASH_FEES, Shock
from tidemill.units import parse_amount

if TYPE_CHECKING:
    import polars as pl

    from tidemill.market.flow_spec import FlowSpec

__all__ = ["Futures"]

LOOK_S = 600
"""Seconds between two looks at a history, and between two draws of a model; in between the price walks."""
DAY_S = 86_400
TICK = math.log(1.0001)
LEVELS = ("base_fee", "l1_base_fee", "blob_base_fee")
DATA_LEVELS = ("l1_base_fee", "blob_base_fee")
CRASH_S = 3_600
FALLS = ("crash", "depeg", "bridge")
BY_HOURS = ("reward", "sequencer", "frozen", "exploit")
"""Kinds of shocks that only drawn hours know."""


class Futures:
    """Futures of one study: ``make(number)`` is the world of that number, the same on every run.

    Parameters
    ----------
    prepared : the study over its own history. days : length of each future; by default as long as the history.

    Raises
    ------
    BadInput : the study follows a table of rates (nothing in it can be drawn anew), or two recorded markets (their prices
        belong together, and no model here draws them so), or has too little history.
    """

    def __init__(self, prepared: Prepared, model: Model, shocks: Sequence[Shock] = (), days: int | None = None) -> None:
        self.prepared, self.study, self.shocks = prepared, prepared.study, tuple(shocks)
        self.sandwiched = any(shock.kind == "sandwich" for shock in shocks)
        for shock in shocks:
            if shock.kind in BY_HOURS:
                raise BadInput(
                    f"{shock.words}: whole markets know no such shock; add --tier fast or exact", field="shock"
                )
            if shock.kind == "sandwich" and shock.size:
                raise BadInput(
                    f"{shock.words}: in whole markets it takes what your limits leave; write sandwich", field="shock"
                )
        if prepared.rates_paths:
            name = next(iter(prepared.rates_paths))
            raise self._bad(
                f"venues.{name}.dataset", "follows a table of rates, of which no future can be drawn; script it"
            )
        if len(prepared.markets) > 1:
            raise self._bad("venues", "has two recorded markets; one outside price is drawn, so stress them one by one")
        if days is not None and not 1 <= days <= 366:
            raise BadInput(f"{days} days is not between 1 and 366", field="days")
        self.fitted: Fitted | None = None
        self.spec: FlowSpec | None = None
        self._fee_history: pl.DataFrame | None = None
        for name, market in prepared.markets.items():
            if market.manifest.fidelity == "bars":
                raise self._bad(
                    f"venues.{name}.fidelity", "bars have no flow to make a market like; use recorded events"
                )
            self._learn(market, model, days)
        if self.spec is None:
            for shock in shocks:
                if shock.kind in FALLS:
                    raise BadInput(f"{shock.words}: no market of the study has a price to move", field="shock")
            if days is not None:
                raise BadInput("a scripted study has its own start and end", field="days")

    def _bad(self, field: str, message: str) -> BadInput:
        return BadInput(message, file=self.study.path, field=field)

    def _learn(self, market: MarketData, model: Model, days: int | None) -> None:
        from tidemill.market.calibrate import calibrate  # noqa: PLC0415 - heavy by numba

        tape = market.tape()
        first, last = market.span()
        at = np.arange(first, last, LOOK_S)
        ticks = tape.tick[np.maximum(np.searchsorted(tape.time, at, side="right") - 1, 0)].astype(float)
        self.fitted = fit(model, np.diff(ticks) * TICK, LOOK_S)
        length = days or max(1, (last - first) // DAY_S)
        self.spec = calibrate(market.dataset, days=length, seed="")
        self._fee_history = market.dataset.blocks

    def make(self, number: int) -> Prepared:
        """Return the study in future ``number``."""
        seed = seed_of("stress", self.study.world.seed, number) >> 1  # a study's seed has 63 bits
        world = msgspec.structs.replace(self.study.world, seed=seed)
        study = msgspec.structs.replace(self.study, world=world, prices=self._prices(), fees=self._fees())
        if self.spec is None:
            return prepare(study)
        name = next(iter(self.prepared.markets))
        study = msgspec.structs.replace(study, start=None, end=None)
        return prepare(study, {name: MarketData(self._market(number))})

    # --- prices and fees the study states -----------------------------------------------------------------------------

    def _prices(self) -> dict[str, Any]:
        prices: dict[str, Any] = dict(self.study.prices)
        for shock in self.shocks:
            if shock.kind != "price":
                continue
            if shock.token not in prices:
                known = ", ".join(prices) or "none"
                raise BadInput(
                    f"{shock.words}: the study states no price of {shock.token} (it states {known})", field="shock"
                )
            micro = parse_amount(prices[shock.token], 6) * round((100 + shock.size) * 1000) // 100_000
            prices[shock.token] = f"{max(micro, 1) / 10**6:.6f}"
        return prices

    def _times(self, level: str) -> float:
        wanted = {"fees": LEVELS, "l1": DATA_LEVELS}
        times = [shock.size for shock in self.shocks if level in wanted.get(shock.kind, ())]
        return math.prod(times)

    def _fees(self) -> dict[str, Any]:
        out = {}
        for network, fees in self.study.fees.items():
            changed = {}
            for level in LEVELS:
                text = getattr(fees, f"{level}_gwei")
                if text is not None and self._times(level) != 1:
                    wei = round(parse_amount(text, 9) * self._times(level))
                    changed[f"{level}_gwei"] = f"{wei // 10**9}.{wei % 10**9:09d}"
            out[network] = msgspec.structs.replace(fees, **changed)
        return out

    # --- the market ---------------------------------------------------------------------------------------------------

    def _market(self, number: int) -> Any:
        from tidemill.market.generate import generate  # noqa: PLC0415
        from tidemill.market.store import Dataset  # noqa: PLC0415

        if self.spec is None or self.fitted is None:
            raise RuntimeError("a market without its specification")
        words = " ".join(shock.words for shock in self.shocks)
        seed = f"stress {self.fitted.model} {words} {self.study.world.seed} {number}"
        spec = msgspec.structs.replace(self.spec, seed=seed)
        rng = array_stream(seed)
        path, fell = self._path(spec, rng)
        made = generate(spec, path)
        tables = {name: table for name, table in made.tables.items() if name != "blocks"}
        if self._fee_history is not None:
            tables["blocks"] = self._fee_table(spec, fell)
        return Dataset(made.manifest, tables, made.state)

    def _path(self, spec: FlowSpec, rng: np.random.Generator) -> tuple[Any, float | None]:
        """Return the outside price (milliticks per step) and the moment of the fall (seconds from the start), if any."""
        fitted, step = self.fitted, spec.seconds_per_step
        if fitted is None:
            raise RuntimeError("a path without its model")
        knots = -(-spec.steps * step // LOOK_S) + 1
        level = np.concatenate([[0.0], np.cumsum(fitted.returns(knots - 1, rng))]) / TICK * 1000
        seconds = np.arange(1, spec.steps + 1) * step
        line = np.interp(seconds, np.arange(knots) * LOOK_S, level)
        path = line + self._bridge(spec, seconds, rng)
        fell = None
        for shock in self.shocks:
            if shock.kind in FALLS:
                fell = float(rng.uniform(0.1, 0.9)) * spec.steps * step if fell is None else fell
                path = path + self._fall(shock, seconds - fell)
        return np.rint(path).astype(np.int64) + 1000 * spec.start_tick, fell

    def _bridge(self, spec: FlowSpec, seconds: Any, rng: np.random.Generator) -> Any:
        """Return how the price walks between two draws: a walk tied down at each, of the market's own variance per step."""
        walk = np.cumsum(rng.normal(0.0, spec.sigma, spec.steps))
        every = LOOK_S / spec.seconds_per_step
        knots = np.arange(0, spec.steps + every, every)
        at = np.interp(knots, np.arange(spec.steps + 1), np.concatenate([[0.0], walk]))
        return walk - np.interp(seconds / spec.seconds_per_step, knots, at)

    def _fall(self, shock: Shock, since: Any) -> Any:
        """Return milliticks by which the price differs ``since`` seconds after the fall began."""
        depth = math.log1p(-shock.size / 100) / TICK * 1000
        if shock.kind == "crash":
            part = np.interp(since, [0, CRASH_S], [0.0, 1.0])
        elif shock.kind == "depeg":
            part = np.interp(since, *shock.shape())
        else:
            part = np.where(since > 0, 1.0, 0.0)
        # the tick is the price of token0 in token1: it rises when token1, the volatile one, falls
        home_is_token0 = self.spec is not None and self.spec.pool.token0.symbol == self.study.home
        return -depth * part if home_is_token0 else depth * part

    def _fee_table(self, spec: FlowSpec, fell: float | None) -> pl.DataFrame:
        """Return the history's fee levels again, from its start and as often as the future is long, with the shocks."""
        import polars as pl  # noqa: PLC0415 - heavy

        history = self._fee_history
        if history is None:
            raise RuntimeError("a table of fees without its history")
        since = history["time"] - history["time"][0]
        lap = int(since[-1]) + int(since[-1]) // max(len(since) - 1, 1) or DAY_S
        laps = -(-spec.days * DAY_S // lap)
        table = pl.concat([history.with_columns(time=spec.start_time + n * lap + since) for n in range(laps)])
        crashed = fell is not None and any(shock.kind == "crash" for shock in self.shocks)
        start = int(spec.start_time + (fell or 0.0))
        storm = pl.col("time").is_between(start, start + DAY_S) if crashed else pl.lit(value=False)
        block = spec.start_block + (pl.col("time") - spec.start_time) // spec.seconds_per_block
        times = {level: self._times(level) for level in LEVELS if level in table.columns}
        return table.with_columns(
            block.cast(table.schema["block"]).alias("block"),
            *(
                (pl.col(level) * factor * pl.when(storm).then(CRASH_FEES).otherwise(1))
                .round()
                .cast(table.schema[level])
                .alias(level)
                for level, factor in times.items()
            ),
        )
