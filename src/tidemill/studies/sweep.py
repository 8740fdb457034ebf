"""Sweep: the same study with many settings of its strategy, ranked, and how much of the best one is luck.

Every variant is a whole backtest by the exact kernel; nothing is approximated. Variants are independent, so they are
played on as many processes as asked for, the results put in order of the grid: the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import Struct

from tidemill import __version__
from tidemill.errors import BadInput
from tidemill.execution.ids import content_hash
from tidemill.interfaces import Recorded, Reverted
from tidemill.ledger.judge import curves
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import CURVE_POINTS, Backtest
from tidemill.studies.canonical import result_hash
from tidemill.studies.forward import Forward, walk
from tidemill.studies.grid import How, Value, variants
from tidemill.studies.load import folder_name, write_together
from tidemill.studies.luck import WINDOWS, Luck, judge
from tidemill.studies.metrics import Metric, cvar_bps, drawdown_bps, figure, log_returns, sharpe_micro
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.screened import Answered, Screen, Screened, answered, errors, screened
from tidemill.studies.settings import with_settings
from tidemill.studies.strategy import varied
from tidemill.studies.study import Study, load_study
from tidemill.studies.tried import Tried
from tidemill.studies.workers import spread

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SCHEMA", "Plateau", "Player", "Sweep", "SweepDocument", "Trial", "sweep"]

SCHEMA = "tidemill.sweep/1"
BPS = 10_000


class Trial(Struct, frozen=True):
    """One variant: its place in the grid, its parameters, and what came of it.

    ``keep`` is in micro-units of home; ``cvar_bps`` and ``drawdown_bps`` are losses (0 or below), of the value at the
    step before and at the peak; ``sharpe_micro`` is per step, in millionths. ``sent`` counts transactions, ``failed`` of
    them failed. Where ``exact`` is false only ``keep`` and ``keep_bps`` are known, by the screen, and the rest is ``None``.
    """

    place: int
    parameters: dict[str, Value]
    keep: int
    keep_bps: int
    cvar_bps: int | None = None
    drawdown_bps: int | None = None
    sharpe_micro: int | None = None
    sent: int | None = None
    failed: int | None = None
    exact: bool = True


class Plateau(Struct, frozen=True):
    """The best variant's neighbours in the grid, a step to each side on each axis: what they keep, micro-units."""

    neighbours: int
    mean: int
    worst: int


class SweepDocument(Struct, frozen=True):
    """The versioned result. ``ranking`` are places of trials from best to worst by ``metric``."""

    schema: str
    tool_version: str
    title: str
    strategy: str
    home: str
    start: int
    end: int
    synthetic: bool
    how: How
    axes: dict[str, list[Value]]
    metric: Metric
    answered: Answered
    answered_by: str
    trials: list[Trial]
    ranking: list[int]
    holding: int
    plateau: Plateau | None
    luck: Luck | None
    forward: Forward | None
    screened: Screened | None
    warnings: list[str]
    result_hash: str = ""


class Sweep:
    """A finished sweep: the document, and one path of value for each variant (micro-units, at ``time``)."""

    def __init__(self, document: SweepDocument, time: Any, paths: Any) -> None:
        self.document, self.time, self.paths = document, time, paths

    def frame(self) -> pl.DataFrame:
        """Return one row per variant, best first."""
        import polars as pl  # noqa: PLC0415 - the command line starts without it

        trials = {trial.place: trial for trial in self.document.trials}
        rows = []
        for rank, place in enumerate(self.document.ranking, 1):
            row = msgspec.to_builtins(trials[place])
            rows.append({"rank": rank, **row.pop("parameters"), **row})
        return pl.DataFrame(rows, infer_schema_length=None)

    def write(self, out: str | Path, study: Study) -> Path:
        """Write sweep.json and trials.csv into a folder of the study; raises ``BadInput`` where it cannot be written."""
        folder = folder_of(out, study)
        content = msgspec.json.format(msgspec.json.encode(self.document), indent=2)
        write_together(folder, {"sweep.json": content, "trials.csv": self.frame().write_csv().encode()})
        return folder


def folder_of(out: str | Path, study: Study) -> Path:
    """Return where a sweep of ``study`` is kept."""
    return Path(out) / f"{folder_name(study)}-sweep"


def sweep(
    path: str | Path,
    axes: Mapping[str, Sequence[Value]],
    *,
    how: How = "grid",
    count: int = 0,
    metric: Metric = "keep",
    exact: int | None = None,
    jobs: int = 1,
    on: str = "",
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Backtest every variant of the strategy's parameters and rank them.

    Parameters
    ----------
    axes : values by parameter (``grid.parse_grid``). how, count : all combinations, or so many draws.
    jobs, on : processes, of this machine or of a Ray cluster (``cluster``).
    exact : screen all variants by compiled floats (``fast``) and play so many exactly: the best, and some spread over the
        rest, from which the screen's error is measured. ``None`` plays all of them exactly.
    progress : told how many variants are played, and of how many.
    out : finished variants are noted there as they come in, so that ``resume`` goes on after an interruption.

    Raises
    ------
    BadInput : an unknown parameter or a value out of its range, named before anything is played.
    """
    study = load_study(path)
    chosen = variants(axes, how, count, study.world.seed)
    player = Player(study)
    for number, parameters in enumerate(chosen):
        player.check(parameters, number)
    screening = None
    picked = list(range(len(chosen)))
    if exact is not None:
        screening, picked = screened(player.backtest, chosen, exact, metric)
    key = content_hash([study.digest, __version__, player.backtest.chosen.digest, CURVE_POINTS])
    notes = Tried(folder_of(out, study) / "trials.part", key, resume=resume) if out is not None else None
    answers: list[_Answer | None] = [notes.found(parameters) if notes else None for parameters in chosen]
    tasks = [(number, chosen[number]) for number in picked if answers[number] is None]
    for done, (number, answer) in enumerate(spread(partial(Player, study), player, tasks, jobs, on), 1):
        answers[number] = answer
        if notes:
            notes.add(chosen[number], answer)
        if progress:
            progress(done, len(tasks))
    found = _stated(player, axes, how, metric, chosen, answers, screening)
    if notes:
        notes.drop()
    return found


_Answer = dict[str, Any]
"""What one variant left: plain values, so that they travel between processes and lie in a file."""


class Player:
    """A study loaded once, played with one set of parameters after another."""

    def __init__(self, study: Study, prepared: Prepared | None = None) -> None:
        self.prepared = prepared or prepare(study)
        self.backtest = Backtest(self.prepared)

    def check(self, parameters: Mapping[str, Value], number: int) -> None:
        """Refuse parameters that the strategy does not have; raises ``BadInput`` naming the variant."""
        try:
            varied(self.prepared, parameters)
        except BadInput as error:
            said = ", ".join(f"{name}={value}" for name, value in parameters.items())
            raise BadInput(
                f"variant {number + 1} ({said}): {error.message}", file=error.file, field=error.field
            ) from None

    def times(self) -> Any:
        """Return the moments at which paths are compared: evenly spaced, the first and the last included."""
        return np.linspace(self.prepared.start, self.prepared.end, CURVE_POINTS + 1).astype(np.int64)

    def play(self, parameters: Mapping[str, Value]) -> _Answer:
        """Play one variant to its end."""
        played = Backtest(with_settings(self.prepared, parameters)).play(curves=True)
        books = post(played.outcomes.record, played.outcomes.marks)
        fall, drawn = waterfall(books), curves(books)
        place = np.searchsorted(np.asarray(drawn.time), self.times(), side="right") - 1
        at = np.maximum(place, 0)
        at[-1] = len(drawn.time) - 1  # leaving takes some blocks more: the last point is what is left after it
        sent = [line for line in played.outcomes.record if isinstance(line, Recorded) and line.costs.total]
        return {
            "keep": fall.keep,
            "capital": fall.capital,
            "holding": drawn.held,
            "sent": len(sent),
            "resets": sum(line.verb == "close" for line in sent) - 1,
            "failed": sum(isinstance(line.status, Reverted) for line in sent),
            "value": [drawn.value[i] for i in at],
            "hold": [drawn.hold[i] for i in at],
        }


def _anew(study: Study, prepared: Prepared, parameters: Mapping[str, Value]) -> _Answer:
    return Player(study, prepared).play(parameters)


def _stated(
    player: Player,
    axes: Mapping[str, Sequence[Value]],
    how: How,
    metric: Metric,
    chosen: Sequence[dict[str, Value]],
    answers: Sequence[_Answer | None],
    screening: Screen | None,
) -> Sweep:
    prepared, study = player.prepared, player.prepared.study
    played = {place: answer for place, answer in enumerate(answers) if answer is not None}
    rows = {place: row for row, place in enumerate(played)}
    value = np.array([answer["value"] for answer in played.values()], dtype=float)
    hold = np.array([answer["hold"] for answer in played.values()], dtype=float)
    gains = log_returns(value) - log_returns(hold)
    capital = next(iter(played.values()))["capital"]
    trials = []
    for place, parameters in enumerate(chosen):
        answer = played.get(place)
        if answer is None:
            keep = int(screening.keep[place]) if screening else 0
            trials.append(Trial(place, dict(parameters), keep, keep * BPS // capital, exact=False))
            continue
        trials.append(
            Trial(
                place=place,
                parameters=dict(parameters),
                keep=answer["keep"],
                keep_bps=answer["keep"] * BPS // answer["capital"],
                cvar_bps=cvar_bps(value[rows[place]]),
                drawdown_bps=drawdown_bps(answer["value"]),
                sharpe_micro=sharpe_micro(gains[rows[place]]),
                sent=answer["sent"],
                failed=answer["failed"],
            )
        )
    # what has been played exactly goes first: an estimate is no winner
    ranking = sorted(range(len(trials)), key=lambda at: (not trials[at].exact, -figure(trials[at], metric), at))
    luck, warnings = judge(gains, rows[ranking[0]], len(trials))
    forward = None
    if luck:
        variants = [chosen[place] for place in played]
        forward, short = walk(study, prepared, _anew, variants, gains, WINDOWS)
        warnings += short
    if any(part.startswith("contributions.") for name in axes for part in name.split("/")):
        warnings.append("variants bring different sums: holding is that of the first, per cent are of each one's own")
    markets = [market.manifest.synthetic for market in prepared.markets.values()]
    document = SweepDocument(
        schema=SCHEMA,
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        home=study.home,
        start=prepared.start,
        end=prepared.end,
        synthetic=not markets or any(markets),
        how=how,
        axes={name: list(values) for name, values in axes.items()},
        metric=metric,
        answered=screening.by if screening else "exact runs",
        answered_by=answered(screening),
        trials=trials,
        ranking=ranking,
        holding=next(iter(played.values()))["holding"],
        plateau=_plateau(axes, trials, ranking[0]) if how == "grid" else None,
        luck=luck,
        forward=forward,
        screened=errors(screening, played),
        warnings=warnings,
    )
    return Sweep(msgspec.structs.replace(document, result_hash=result_hash(document)), player.times(), value)


def _plateau(axes: Mapping[str, Sequence[Value]], trials: Sequence[Trial], best: int) -> Plateau | None:
    """Return what the best variant's neighbours keep: a peak that stands alone is seldom there tomorrow."""
    sizes = [len(values) for values in axes.values()]
    strides = [int(np.prod(sizes[axis + 1 :])) for axis in range(len(sizes))]
    near: list[int] = []
    for axis, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
        at = best // stride % size
        near += [best + step * strides[axis] for step in (-1, 1) if 0 <= at + step < size]
    keeps = [trials[place].keep for place in near]
    return Plateau(len(keeps), sum(keeps) // len(keeps), min(keeps)) if keeps else None
