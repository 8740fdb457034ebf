"""Optimise: search a strategy's parameters on the first part of the period, and judge what was found on the rest.

The search sees only the first part. What its winner earns on the rest, beside the study's own parameters and holding, is the
answer; how much better it looked where it was chosen says how much of that was fitted to the past. Every trial is a whole
exact backtest. The sampler is Optuna's tree-structured Parzen estimator, seeded by the study.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import Struct

from tidemill import __version__
from tidemill.engine.rng import seed_of
from tidemill.errors import BadInput, MissingArtefact
from tidemill.studies.canonical import result_hash
from tidemill.studies.grid import Value
from tidemill.studies.load import folder_name, write_together
from tidemill.studies.luck import Luck, judge
from tidemill.studies.metrics import Metric, cvar_bps, drawdown_bps, figure, log_returns, sharpe_micro
from tidemill.studies.prepare import prepare
from tidemill.studies.settings import current
from tidemill.studies.study import Study, between, load_study
from tidemill.studies.sweep import Player

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SCHEMA", "Judged", "OptimiseDocument", "Optimised", "optimise"]

SCHEMA = "tidemill.optimise/1"
BPS = 10_000
YEAR_S = 365 * 86_400


class Judged(Struct, frozen=True):
    """One set of parameters on one part of the period: kept (micro-units of home; basis points of the capital, in all and
    scaled to a year), and the figures that a sweep ranks by.
    """

    parameters: dict[str, Value]
    keep: int
    keep_bps: int
    per_year_bps: int
    cvar_bps: int
    drawdown_bps: int
    sharpe_micro: int


class OptimiseDocument(Struct, frozen=True):
    """The versioned result: every trial on the first part, in order; the winner and the study's own on both parts.

    ``cut`` is where the search's part ends and the judging one begins (Unix seconds). ``holding`` is what holding gained
    on the judging part. ``verdict`` says in words what to do. ``synthetic``: no recorded market stands behind it.
    """

    schema: str
    tool_version: str
    title: str
    strategy: str
    home: str
    start: int
    cut: int
    end: int
    metric: Metric
    axes: dict[str, list[Value]]
    trials: list[Judged]
    best: int
    own_inside: Judged
    best_outside: Judged
    own_outside: Judged
    holding: int
    luck: Luck | None
    verdict: str
    warnings: list[str]
    synthetic: bool = False
    result_hash: str = ""


class Optimised:
    """A finished search."""

    def __init__(self, document: OptimiseDocument) -> None:
        self.document = document

    def frame(self) -> pl.DataFrame:
        """Return one row per trial, in order."""
        import polars as pl  # noqa: PLC0415 - the command line starts without it

        rows = [msgspec.to_builtins(trial) for trial in self.document.trials]
        return pl.DataFrame([{**row.pop("parameters"), **row} for row in rows], infer_schema_length=None)

    def write(self, out: str | Path, study: Study) -> Path:
        """Write optimise.json and trials.csv into a folder of the study; raises ``BadInput`` where it cannot be written."""
        folder = Path(out) / f"{folder_name(study)}-optimise"
        content = msgspec.json.format(msgspec.json.encode(self.document), indent=2)
        write_together(folder, {"optimise.json": content, "trials.csv": self.frame().write_csv().encode()})
        return folder


def optimise(
    path: str | Path,
    axes: Mapping[str, Sequence[Value]],
    *,
    trials: int = 50,
    metric: Metric = "keep",
    inside_percent: int = 70,
    progress: Callable[[int, int], None] | None = None,
) -> Optimised:
    """Search ``axes`` for the best parameters on the first ``inside_percent`` of the period, and judge them on the rest.

    Raises
    ------
    BadInput : an unknown parameter or value, or a share that leaves nothing to judge by.
    MissingArtefact : Optuna is not installed.
    """
    if not 2 <= trials <= 10_000:
        raise BadInput(f"{trials} trials is not between 2 and 10,000", field="trials")
    if not 20 <= inside_percent <= 90:
        raise BadInput(f"{inside_percent} % is not between 20 and 90", field="inside")
    study = load_study(path)
    whole = prepare(study)
    cut = whole.start + (whole.end - whole.start) * inside_percent // 100
    inside, outside = (
        Player(part, prepare(part, whole.markets))
        for part in (between(study, whole.start, cut), between(study, cut, whole.end))
    )
    names = list(axes)
    for name in names:
        for value in axes[name]:
            inside.check({name: value}, 0)
    found, refused = _search(inside, axes, trials, metric, study.world.seed, progress)
    judged = [_judged(parameters, answer, cut - whole.start) for parameters, answer in found]
    best = max(range(len(judged)), key=lambda at: (figure(judged[at], metric), -at))
    own = {name: current(study, inside.backtest.chosen.parameters, name) for name in names}
    rest = whole.end - cut
    best_answer, own_answer = outside.play(judged[best].parameters), outside.play({})
    gains = np.array(
        [log_returns(np.array(a["value"], float)) - log_returns(np.array(a["hold"], float)) for _, a in found]
    )
    luck, warnings = judge(gains, best, len(found))
    warnings = [*refused, *warnings]
    document = OptimiseDocument(
        schema=SCHEMA,
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        home=study.home,
        start=whole.start,
        cut=cut,
        end=whole.end,
        metric=metric,
        axes={name: list(values) for name, values in axes.items()},
        trials=judged,
        best=best,
        own_inside=_judged(own, inside.play({}), cut - whole.start),
        best_outside=_judged(judged[best].parameters, best_answer, rest),
        own_outside=_judged(own, own_answer, rest),
        holding=best_answer["holding"],
        luck=luck,
        verdict="",
        warnings=warnings,
        synthetic=not whole.markets or any(market.manifest.synthetic for market in whole.markets.values()),
    )
    document = msgspec.structs.replace(document, verdict=_verdict(document))
    return Optimised(msgspec.structs.replace(document, result_hash=result_hash(document)))


def _search(
    inside: Player,
    axes: Mapping[str, Sequence[Value]],
    trials: int,
    metric: Metric,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[tuple[dict[str, Value], dict[str, Any]]], list[str]]:
    """Return the parameters tried and what each left, in order, none twice: the sampler is told and suggests the next.

    Values that are each right may not go together (shares over the whole): such a combination is left out, and that is said.
    """
    try:
        import optuna  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise MissingArtefact("optimise needs the package optuna; install tidemill[optimise]") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed_of("optimise", seed) >> 32, multivariate=False)
    search = optuna.create_study(direction="maximize", sampler=sampler)
    tried: dict[tuple[int, ...], float | None] = {}
    refused: list[BadInput] = []
    order: list[tuple[dict[str, Value], dict[str, Any]]] = []
    total = math.prod(len(values) for values in axes.values())
    asked = 0
    while len(order) < min(trials, total - len(refused)) and asked < 20 * trials:
        asked += 1
        trial = search.ask()
        # places on an axis, not values: neighbours stay neighbours however far apart they are
        at = tuple(trial.suggest_int(name, 0, len(values) - 1) for name, values in axes.items())
        if at not in tried:
            parameters = {name: values[i] for (name, values), i in zip(axes.items(), at, strict=True)}
            try:
                answer = inside.play(parameters)
            except BadInput as error:
                tried[at] = None
                refused.append(error)
            else:
                tried[at] = float(figure(_judged(parameters, answer, 1), metric))
                order.append((parameters, answer))
                if progress:
                    progress(len(order), min(trials, total))
        score = tried[at]
        search.tell(trial, score, state=optuna.trial.TrialState.FAIL if score is None else None)
    if not order:
        raise refused[0]
    if not refused:
        return order, []
    count = f"{len(refused):,} combination{'s' if len(refused) > 1 else ''}"
    return order, [f"{count} left out, the first because: {refused[0].message}"]


def _judged(parameters: Mapping[str, Value], answer: Mapping[str, Any], seconds: int) -> Judged:
    value, hold = np.array(answer["value"], float), np.array(answer["hold"], float)
    bps = answer["keep"] * BPS // answer["capital"]
    return Judged(
        parameters=dict(parameters),
        keep=answer["keep"],
        keep_bps=bps,
        per_year_bps=answer["keep"] * BPS * YEAR_S // (answer["capital"] * seconds),
        cvar_bps=cvar_bps(value),
        drawdown_bps=drawdown_bps(answer["value"]),
        sharpe_micro=sharpe_micro(log_returns(value) - log_returns(hold)),
    )


def _verdict(document: OptimiseDocument) -> str:
    """Say in words whether what was found held where it was not looked for."""
    best, own = document.best_outside, document.own_outside
    gained = figure(best, document.metric) - figure(own, document.metric)
    held = best.keep - document.holding
    if best.parameters == own.parameters:
        return "the study's own parameters are the best of those tried"
    if gained <= 0:
        return "not better than the study's own parameters where it was judged: keep those"
    if held <= 0:
        return "better than the study's own parameters where it was judged, and worse than holding: neither is worth it"
    return "better than the study's own parameters, and than holding, where it was judged: one period, no promise"
