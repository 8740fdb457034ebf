"""Stress over drawn hours: thousands of futures through kernels, in floats with their error, or in integers."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import structs

from tidemill import __version__
from tidemill.engine.rng import array_stream
from tidemill.errors import BadInput
from tidemill.execution.ids import content_hash
from tidemill.studies.arrange import Arrangement, arrange
from tidemill.studies.backtest import Backtest
from tidemill.studies.joint import Joint, fit_joint, stated
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.price_table import ENOUGH_HOURS, read_prices
from tidemill.studies.processes import Model
from tidemill.studies.reduction import Draws, Mirrored, check_draws, controls, evenly, reduced
from tidemill.studies.shocks import Shock, parse_shocks
from tidemill.studies.stress_annual import annual
from tidemill.studies.stress_document import BPS, TAIL_PERCENT, ModelError, StressDocument, figures
from tidemill.studies.study import Study
from tidemill.studies.tried import Tried
from tidemill.studies.unrest import LOST, forced_hours, priced_before
from tidemill.studies.weather import weather
from tidemill.studies.workers import spread

__all__ = ["CHUNK", "SAMPLED", "Player", "Tier", "fitted", "stress_hours"]

Tier = Literal["markets", "exact", "fast"]
SAMPLED = 200
"""Futures that the exact twin plays as well, so that the float tier can state its error."""
CHUNK = 50
"""Futures in one task: fifty paths of a year are 15 MB of floats."""
DAY_HOURS, HOUR = 24, 3_600
MOMENTS = 100
PPB = 1e9
_KEEP = 0
_DRAWDOWN, _UNDER = -2, -1


def stress_hours(
    study: Study,
    paths: int,
    model: Model,
    shocks: Sequence[str],
    days: int | None,
    tier: Tier,
    history: str | Path | None,
    correlations: Mapping[tuple[str, str], float],
    *,
    jobs: int = 1,
    on: str = "",
    folder: Path | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    draws: Draws = "plain",
) -> tuple[StressDocument, list[dict[str, Any]]]:
    """Play a study over ``paths`` drawn futures by kernels; the result is the same for any number of ``jobs``.

    Parameters
    ----------
    days : a year by default. tier : ``fast`` or ``exact``. history : a table of prices (`price_table`). correlations : of
        tokens, in place of measured ones. folder : where finished chunks are noted. draws : as in `reduction`.

    Raises
    ------
    BadInput : the study is none that kernels play, or a field that does not fit it.
    """
    if days is not None and not 1 <= days <= 366:
        raise BadInput(f"{days} days is not between 1 and 366", field="days")
    told = parse_shocks(shocks)
    prepared = prepare(structs.replace(study, prices=priced_before(study, told)))
    hours = (days or 365) * DAY_HOURS
    every = max(hours // MOMENTS, 1)
    backtest = Backtest(prepared)
    fits = partial(fitted, model, correlations, history)
    arranged = arrange(backtest, backtest.play(), hours, every, fits, told)
    check_draws(draws, arranged.model.model)
    forced = forced_hours(prepared.network)
    # what is drawn is drawn alike whatever befalls it, so that a shock is told from luck
    seed = f"{study.digest} {study.world.seed} {model} []"
    player = Player(arranged, told, hours, tier, forced, seed, draws)
    tasks = [(n, (first, min(CHUNK, paths - first))) for n, first in enumerate(range(0, paths, CHUNK))]
    key = content_hash(
        [study.digest, __version__, tier, paths, model, list(shocks), hours, str(history), str(correlations), draws]
    )
    notes = Tried(folder / "futures.part", key, resume=resume) if folder else None
    answers: list[Any] = [notes.found({"chunk": n}) if notes else None for n, _ in tasks]
    todo = [task for task, answer in zip(tasks, answers, strict=True) if answer is None]
    finished = paths - sum(count for _, (_, count) in todo)
    made = partial(Player, arranged, told, hours, tier, forced, seed, draws)
    for n, answer in spread(made, player, todo, jobs, on):
        answers[n] = answer
        finished += tasks[n][1][1]
        if notes:
            notes.add({"chunk": n}, answer)
        if progress:
            progress(finished, paths)
    rows = [row for answer in answers for row in _rows(arranged, answer, hours, every)]
    error = _error(arranged, answers) if tier == "fast" else None
    document = _document(prepared, arranged, model, told, tier, rows, hours, error)
    if history is not None:
        document = structs.replace(document, history=Path(history).name)
    drawn = [one for answer in answers for one in answer["controls"]]
    document = structs.replace(document, reduced=reduced([row["keep"] for row in rows], drawn, draws))
    if notes:
        notes.drop()
    return document, [{"future": number, **row} for number, row in enumerate(rows)]


def fitted(
    model: Model,
    correlations: Mapping[tuple[str, str], float],
    history: str | Path | None,
    names: Sequence[str],
    returns: Any,
    sigmas: Sequence[float],
) -> Joint:
    """Fit the model: to the table of prices where one is given, else to the study's own history, else take what it states."""
    if history is not None:
        seconds, table, days = read_prices(history, names)
        return fit_joint(model, names, table, seconds, correlations, days)
    if returns is None:
        return stated(names, sigmas, correlations)
    if correlations:
        raise BadInput("one price is drawn here; there is nothing to correlate", field="correlation")
    hourly = len(returns) // 6
    if hourly >= ENOUGH_HOURS:
        return fit_joint(model, names, returns[: hourly * 6].reshape(hourly, 6).sum(axis=1), HOUR, {})
    return fit_joint(model, names, returns, HOUR // 6, {})


class Player:
    """An arranged study, played chunk by chunk."""

    def __init__(
        self,
        arranged: Arrangement,
        shocks: Sequence[Shock],
        hours: int,
        tier: Tier,
        forced: int | None,
        seed: str,
        draws: Draws = "plain",
    ) -> None:
        self.arranged, self.shocks, self.hours, self.tier = arranged, shocks, hours, tier
        self.forced, self.seed, self.draws = forced, seed, draws
        self.controls: list[list[float]] = []
        self.rows: list[Any] = []
        module = {"range": "range_lp", "loop": "loop", "farm": "farm"}[arranged.kind]
        self.fast: Any = importlib.import_module(f"tidemill.studies.fast.{module}")
        self.exact: Any = importlib.import_module(f"tidemill.studies.exact.{module}")

    def play(self, task: tuple[int, int]) -> dict[str, Any]:
        """Play ``count`` futures from number ``first`` on; the first `SAMPLED` by the exact twin too."""
        first, count = task
        arrays, skies = self.draw(first, count)
        kernel = self.fast if self.tier == "fast" else self.exact
        out, noted = self._run(kernel, arrays)
        twin: list[float] = []
        if self.tier == "fast" and first < SAMPLED:
            check, _ = self._run(self.exact, [array[: SAMPLED - first] for array in arrays])
            twin = check[:, _KEEP].tolist()
        return {
            "out": out.tolist(),
            "worth": np.floor(noted * self.arranged.scale).astype(np.int64).tolist(),
            "taken": [[sky.taken, sky.hour] for sky in skies],
            "twin": twin,
            "controls": self.controls,
        }

    def draw(self, first: int, count: int) -> tuple[list[Any], list[Any]]:
        """Return a kernel's arrays for so many futures, each drawn by its own number, and their weather."""
        skies, self.controls = [], []
        for row, number in enumerate(range(first, first + count)):
            rng: Any = array_stream("hours", self.seed, number // 2 if self.draws == "pairs" else number)
            if self.draws == "pairs" and number % 2:
                rng = Mirrored(rng)
            sky = weather(self.shocks, self.hours, rng, self.arranged.data_part, self.forced)
            model = self.arranged.model.future(rng)
            returns = model.returns(self.hours, rng)
            if self.draws == "even":
                returns = evenly(model, returns, self.seed, number)
            paths: Any = self.arranged.paths
            if model.size != 1 and hasattr(paths, "variance"):  # what counts as a wild hour is this future's
                paths = structs.replace(paths, variance=paths.variance * model.size**2)
            made = (*paths(returns, rng, sky), sky.gas, sky.still)
            self.controls.append(controls(self.arranged, model, returns, made))
            if not self.rows:  # taken once: fresh memory for every chunk costs as much as the kernel
                self.rows = [np.empty((CHUNK, len(one)), one.dtype) for one in made]
            for kept, one in zip(self.rows, made, strict=True):
                kept[row] = one
            skies.append(sky)
        return [kept[:count] for kept in self.rows], skies

    def _run(self, kernel: Any, arrays: Sequence[Any]) -> tuple[Any, Any]:
        every = self.arranged.setup.every
        count = len(arrays[0])
        out, noted = np.zeros((count, self.arranged.columns)), np.zeros((count, self.hours // every + 1))
        kernel.play(self.arranged.setup, *arrays, out, noted)
        return out, noted


def _rows(arranged: Arrangement, answer: dict[str, Any], hours: int, every: int) -> list[dict[str, Any]]:
    """Turn one chunk's columns into what each future left, micro-units of home."""
    scale = arranged.scale
    capital = math.floor(arranged.capital * scale)
    labels = {row.key: row.label for row in arranged.rows} | {"price": "Price, and what the position made of it"}
    seconds = [hour * HOUR for hour in range(0, hours + 1, every)]
    found = []
    for out, worth, (taken, hour) in zip(answer["out"], answer["worth"], answer["taken"], strict=True):
        keep = math.floor(out[_KEEP] * scale)
        rows = {row.key: math.floor(row.sign * out[row.column] * scale) for row in arranged.rows}
        fallen, under, kept_worth = out[_DRAWDOWN], out[_UNDER] / hours, worth
        if taken:
            lost = min(taken * arranged.exposed, 1.0)
            kept = math.floor((keep + capital) * (1 - lost)) - capital
            rows["exploit"], keep = kept - keep, kept
            labels["exploit"] = LOST
            cut = 1 - lost
            kept_worth = [math.floor(value * cut) if n * every > hour else value for n, value in enumerate(worth)]
            line = np.maximum(np.array(kept_worth, float), 0.0)
            fallen = float((line / np.maximum(np.maximum.accumulate(line), 1.0) - 1).min())
            under = float((line < line[0]).mean())
        rows["price"] = keep - sum(rows.values())
        found.append(
            {
                "keep": keep,
                "holding": rows.get("holding", 0),
                "capital": capital,
                "rows": rows,
                "labels": labels,
                "drawdown_bps": math.floor(fallen * BPS),
                "under_bps": int(under * BPS),
                "liquidated": int(out[arranged.liquidated]) if arranged.liquidated >= 0 else 0,
                "failed": 0,
                "short": int(out[arranged.short]),
                "gone": int(out[arranged.gone]) if arranged.gone >= 0 else 0,
                "seconds": seconds,
                "worth": kept_worth,
            }
        )
    return found


def _error(arranged: Arrangement, answers: Sequence[dict[str, Any]]) -> ModelError:
    pairs = [
        pair for answer in answers for pair in zip((row[_KEEP] for row in answer["out"]), answer["twin"], strict=False)
    ]
    off = np.array([abs(fast - exact) for fast, exact in pairs]) / arranged.capital
    return ModelError(len(pairs), math.ceil(off.max() * PPB), math.ceil(off.mean() * PPB))


def _document(
    prepared: Prepared,
    arranged: Arrangement,
    asked: Model,
    shocks: Sequence[Shock],
    tier: Tier,
    rows: list[dict[str, Any]],
    hours: int,
    error: ModelError | None,
) -> StressDocument:
    study, model = prepared.study, arranged.model
    return StressDocument(
        schema="tidemill.stress/1",
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        home=study.home,
        model=model.model,
        shocks=[shock.words for shock in shocks],
        days=hours // DAY_HOURS,
        asked=asked,
        volatility_bps=round(model.each[0].per_year * BPS),
        volatility_range_bps=[round(one * BPS) for one in model.each[0].per_year_range],
        history="; ".join(market.manifest.title for market in prepared.markets.values()) or "what the study states",
        warnings=[
            *_warnings(prepared, len(rows)),
            *model.weaker(asked),
        ],
        tier=tier,
        error=error,
        annual=annual(study, prepared.end, rows[0]["capital"]),
        diagnostics=model.diagnostics,
        assumed=list(arranged.assumed),
        **figures(rows),
    )


def _warnings(prepared: Prepared, paths: int) -> list[str]:
    found = ["futures are drawn by the hour: what happens within one is a mean, not a path"]
    if any(market.manifest.synthetic for market in prepared.markets.values()):
        found.append("the history is synthetic: what is fitted to it says nothing of a real market")
    if paths * TAIL_PERCENT < 2_000:
        count = max(paths * TAIL_PERCENT // 100, 1)
        found.append(f"the tail rests on {count} of {paths} futures; ask for more before relying on it")
    found.append("the price is drawn without drift: a view on its direction is not in these figures")
    return found
