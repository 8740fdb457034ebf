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
from tidemill.studies.joint import Joint, fit_joint
from tidemill.studies.market_data import MarketData
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.processes import Fitted, Model
from tidemill.studies.shocks import CRASH_FEES, Shock
from tidemill.studies.unrest import (
    Unrest,
    outages,
    priced_before,
    priced_fall,
    reward_pairs,
    rewards,
    scripted_fall,
)
from tidemill.units import parse_amount

if TYPE_CHECKING:
    import polars as pl

    from tidemill.market.flow_spec import FlowSpec

    Learned = tuple[dict[str, FlowSpec], Joint | None]

__all__ = ["Futures"]

LOOK_S = 600
"""Seconds between two looks at a history, and between two draws of a model; in between the price walks."""
DAY_S = 86_400
TICK = math.log(1.0001)
LEVELS = ("base_fee", "l1_base_fee", "blob_base_fee")
DATA_LEVELS = ("l1_base_fee", "blob_base_fee")
CRASH_S = 3_600
BPS = 10_000
FALLS = ("crash", "depeg", "bridge")
MOVES = (*FALLS, "reward", "sequencer")
"""Shocks by which the market itself is another one."""


class Futures:
    """Futures of one study: ``make(number)`` is the world of that number, the same on every run.

    Parameters
    ----------
    prepared : the study over its own history. days : length of each future; by default as long as the history.
    learned : what another one of the same study, model and days found in the history (``learned``), so that it is
        calibrated and fitted once for all processes.

    Raises
    ------
    BadInput : the study follows a table of rates (nothing in it can be drawn anew), or has too little history. Markets that
        overlap are drawn together, from what their prices did at the same time.
    """

    def __init__(
        self,
        prepared: Prepared,
        model: Model,
        shocks: Sequence[Shock] = (),
        days: int | None = None,
        learned: Learned | None = None,
    ) -> None:
        self.prepared, self.study, self.shocks = prepared, prepared.study, tuple(shocks)
        self.taken = next((shock.size / 100 for shock in shocks if shock.kind == "exploit"), 0.0)
        """Part of what the venue holds that an exploit takes."""
        if self.taken and prepared.inflows:
            raise self._bad(
                "contributions", "an exploit is not reckoned where money arrives later; leave one of them out"
            )
        if prepared.rates_paths:
            name = next(iter(prepared.rates_paths))
            raise self._bad(
                f"venues.{name}.dataset",
                "follows a table of rates, of which no future can be drawn; script the venue (docs/study.md) in its place",
            )
        if days is not None and not 1 <= days <= 366:
            raise BadInput(f"{days} days is not between 1 and 366", field="days")
        self.joint: Joint | None = None
        self.specs: dict[str, FlowSpec] = {}
        for name, market in prepared.markets.items():
            if market.manifest.fidelity == "bars":
                raise self._bad(
                    f"venues.{name}.fidelity", "bars have no flow to make a market like; use recorded events"
                )
        if learned is None:
            self._learn(model, days)
        else:
            self.specs, self.joint = learned
        if not self.specs:
            for shock in shocks:
                if shock.kind in FALLS:
                    raise BadInput(
                        f"{shock.words}: no market of the study has a price to move: nothing is recorded. Add --tier fast, or "
                        "state the fall at a scripted pair (shock_bps)",
                        field="shock",
                    )
            if days is not None:
                raise BadInput("a scripted study has its own start and end", field="days")
        self._check_reward()

    def _check_reward(self) -> None:
        """Refuse the fall of a reward that nobody pays, or that nothing here prices."""
        shock = next((shock for shock in self.shocks if shock.kind == "reward"), None)
        if shock is None:
            return
        paid = rewards(self.study)
        if not paid:
            raise BadInput(
                f"{shock.words}: no venue of the study pays a token other than {self.study.home} as a reward",
                field="shock",
            )
        volatile = {self._volatile(spec.pool) for spec in self.specs.values()}
        if not (paid & (set(self.study.prices) | volatile) or reward_pairs(self.study)):
            raise BadInput(
                f"{shock.words}: what prices {', '.join(sorted(paid))} here cannot be moved: state its price (prices), or "
                "make it the first token of a scripted pair",
                field="shock",
            )

    def _bad(self, field: str, message: str) -> BadInput:
        return BadInput(message, file=self.study.path, field=field)

    @property
    def spec(self) -> FlowSpec | None:
        """What the first market is made of, ``None`` where nothing is recorded."""
        return next(iter(self.specs.values()), None)

    @property
    def learned(self) -> Learned:
        """What was found in the history: of what each market is made, and the model of their prices."""
        return self.specs, self.joint

    @property
    def fitted(self) -> Fitted | None:
        """The model of the first market's price."""
        return self.joint.each[0] if self.joint else None

    def _learn(self, model: Model, days: int | None) -> None:
        """Calibrate every market, and fit one model to what their prices did together."""
        from tidemill.market.calibrate import calibrate  # noqa: PLC0415 - heavy by numba

        markets = self.prepared.markets
        if not markets:
            return
        spans = [market.span() for market in markets.values()]
        first, last = max(span[0] for span in spans), min(span[1] for span in spans)
        at, names, moves = np.arange(first, last, LOOK_S), [], []
        for market in markets.values():
            tape, pool = market.tape(), market.pool
            ticks = tape.tick[np.maximum(np.searchsorted(tape.time, at, side="right") - 1, 0)].astype(float)
            pair = [pool.token0.symbol, pool.token1.symbol]
            names.append("/".join(pair if self._toward(pool) > 0 else reversed(pair)))
            moves.append(np.diff(ticks) * TICK * self._toward(pool))
        # before calibrating, which takes seconds: a history that is too short is refused at once
        self.joint = fit_joint(model, names, np.column_stack(moves), LOOK_S, {})
        length = days or max(1, (last - first) // DAY_S)
        self.specs = {name: calibrate(market.dataset, days=length, seed="") for name, market in markets.items()}
        # one clock for all; on one network one count of blocks, too
        start = max(spec.start_time for spec in self.specs.values())
        for name, spec in self.specs.items():
            here = [one for other, one in self.specs.items() if self._network(other) == self._network(name)]
            self.specs[name] = msgspec.structs.replace(
                spec,
                start_time=start,
                start_block=max(one.start_block for one in here),
                seconds_per_block=here[0].seconds_per_block,
                blocks_per_step=here[0].blocks_per_step,
            )

    def _network(self, name: str) -> str:
        return self.prepared.network_of(name)

    def moment(self, number: int) -> int:
        """Return when what comes once comes in future ``number``: seconds since its start."""
        rng = array_stream("moment", self.study.world.seed, number)
        return int(float(rng.uniform(0.1, 0.9)) * self._seconds())

    def _seconds(self) -> int:
        return self.spec.days * DAY_S if self.spec else self.prepared.end - self.prepared.start

    def unrest(self, prepared: Prepared, moment: int) -> Unrest:
        """Return what the backtest of one future meets beside its markets; ``prepared`` is that future, ``moment`` its own."""
        falls: dict[str, tuple[int, tuple[int, int]]] = {}
        sandwich = None
        for shock in self.shocks:
            if shock.kind == "reward":
                falls = priced_fall(self.study, shock, prepared.start + moment)
            elif shock.kind == "sandwich":
                sandwich = round(shock.size) or BPS
        return Unrest(outages(prepared, self.shocks, prepared.start + moment, prepared.end), sandwich, falls)

    def make(self, number: int) -> Prepared:
        """Return the study in future ``number``."""
        seed = seed_of("stress", self.study.world.seed, number) >> 1  # a study's seed has 63 bits
        world = msgspec.structs.replace(self.study.world, seed=seed)
        study = msgspec.structs.replace(
            self.study, world=world, prices=priced_before(self.study, self.shocks), fees=self._fees()
        )
        for shock in self.shocks:
            if shock.kind == "reward":
                study = scripted_fall(study, shock, max(self.moment(number) // DAY_S, 1))
        if not self.specs:
            return prepare(study)
        study = msgspec.structs.replace(study, start=None, end=None)
        return prepare(study, {name: MarketData(market) for name, market in self._markets(number).items()})

    # --- prices and fees the study states -----------------------------------------------------------------------------

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

    def _markets(self, number: int) -> dict[str, Any]:
        from tidemill.market.generate import generate  # noqa: PLC0415
        from tidemill.market.store import Dataset  # noqa: PLC0415

        if self.joint is None:
            raise RuntimeError("a market without its model")
        words = " ".join(shock.words for shock in self.shocks if shock.kind in MOVES)
        seed = f"stress {self.joint.model} {words} {self.study.world.seed} {number}"
        # what is drawn is drawn alike whatever befalls it, so that a shock is told from luck
        rng = array_stream(f"stress {self.joint.model}  {self.study.world.seed} {number}")
        drawn = self.joint.future(rng)
        moves, out, fell = None, {}, float(self.moment(number)) if self.shocks else None
        for place, (name, told) in enumerate(self.specs.items()):
            spec = msgspec.structs.replace(told, seed=f"{seed} {name}" if place else seed)
            if moves is None:
                moves = drawn.draw(self._knots(spec) - 1, rng)
            path, fell = self._path(spec, rng, moves[:, place], drawn.size, fell)
            made = generate(spec, path, self._silent(name, spec, fell))
            tables = {key: table for key, table in made.tables.items() if key != "blocks"}
            if (history := self.prepared.markets[name].dataset.blocks) is not None:
                tables["blocks"] = self._fee_table(spec, fell, history)
            out[name] = Dataset(made.manifest, tables, made.state)
        return out

    def _silent(self, name: str, spec: FlowSpec, fell: float | None) -> tuple[int, int]:
        """Return the steps in which nobody trades, for the sequencer of the study's network is down."""
        if fell is None or self._network(name) != self.study.network:
            return 0, 0
        down = [o for o in outages(self.prepared, self.shocks, int(fell), 0) if o.network]
        return (down[0].start // spec.seconds_per_step, down[0].end // spec.seconds_per_step) if down else (0, 0)

    @staticmethod
    def _knots(spec: FlowSpec) -> int:
        return -(-spec.steps * spec.seconds_per_step // LOOK_S) + 1

    def _path(
        self, spec: FlowSpec, rng: np.random.Generator, moves: Any, size: float = 1.0, fell: float | None = None
    ) -> tuple[Any, float | None]:
        """Return the outside price (milliticks per step) and the moment of the fall (seconds from the start), if any.

        ``moves``: the drawn log returns. ``size``: of this future's, as a multiple of the history's. ``fell``: when another
        market of this future fell.
        """
        step, knots = spec.seconds_per_step, self._knots(spec)
        level = np.concatenate([[0.0], np.cumsum(moves)]) / TICK * 1000 * self._toward(spec.pool)
        seconds = np.arange(1, spec.steps + 1) * step
        line = np.interp(seconds, np.arange(knots) * LOOK_S, level)
        path = line + size * self._bridge(spec, seconds, rng)
        for shock in self.shocks:
            if shock.kind in FALLS or (shock.kind == "reward" and self._volatile(spec.pool) in rewards(self.study)):
                fell = float(rng.uniform(0.1, 0.9)) * spec.steps * step if fell is None else fell
                path = path + self._fall(shock, seconds - fell, spec)
        return np.rint(path).astype(np.int64) + 1000 * spec.start_tick, fell

    def _bridge(self, spec: FlowSpec, seconds: Any, rng: np.random.Generator) -> Any:
        """Return how the price walks between two draws: a walk tied down at each, of the market's own variance per step."""
        walk = np.cumsum(rng.normal(0.0, spec.sigma, spec.steps))
        every = LOOK_S / spec.seconds_per_step
        knots = np.arange(0, spec.steps + every, every)
        at = np.interp(knots, np.arange(spec.steps + 1), np.concatenate([[0.0], walk]))
        return walk - np.interp(seconds / spec.seconds_per_step, knots, at)

    def _fall(self, shock: Shock, since: Any, spec: FlowSpec) -> Any:
        """Return milliticks by which the price differs ``since`` seconds after the fall began."""
        depth = math.log1p(-shock.size / 100) / TICK * 1000
        if shock.kind == "crash":
            part = np.interp(since, [0, CRASH_S], [0.0, 1.0])
        elif shock.kind == "depeg":
            part = np.interp(since, *shock.shape())
        else:
            part = np.where(since > 0, 1.0, 0.0)
        return depth * part * self._toward(spec.pool)

    def _volatile(self, pool: Any) -> str:
        token0, token1 = str(pool.token0.symbol), str(pool.token1.symbol)
        return token1 if token0 == self.study.home else token0

    def _toward(self, pool: Any) -> float:
        """Return -1 where the tick falls when the price in home rises: it is the price of token0 in token1.

        What is drawn is the price in home, for it is that price which is expected to stay: of one that walks by chance the
        inverse rises, by its variance.
        """
        return -1.0 if pool.token0.symbol == self.study.home else 1.0

    def _fee_table(self, spec: FlowSpec, fell: float | None, history: pl.DataFrame) -> pl.DataFrame:
        """Return the history's fee levels again, from its start and as often as the future is long, with the shocks."""
        import polars as pl  # noqa: PLC0415 - heavy

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
