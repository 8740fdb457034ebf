"""Stress: the study in many simulated futures, and what of it one would keep, lose, or never see again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import Struct

from tidemill import __version__
from tidemill.errors import BadInput
from tidemill.execution.ids import content_hash
from tidemill.interfaces import Befell, Recorded, Reverted
from tidemill.ledger.judge import curves
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.canonical import result_hash
from tidemill.studies.futures import Futures
from tidemill.studies.load import folder_name, write_together
from tidemill.studies.prepare import prepare
from tidemill.studies.processes import Model
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.statement import cost_label
from tidemill.studies.study import Study, load_study
from tidemill.studies.tried import Tried
from tidemill.studies.workers import spread

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MOST_WORLDS", "SCHEMA", "Cause", "Stress", "StressDocument", "folder_of", "stress"]

SCHEMA = "tidemill.stress/1"
BPS = 10_000
QUANTILES = (1, 5, 25, 50, 75, 95, 99)
TAIL_PERCENT = 5
MOST_WORLDS = 100_000


class Cause(Struct, frozen=True):
    """One row of the waterfall over all futures: mean, and the 5th and 95th of a hundred, micro-units of home."""

    key: str
    label: str
    mean: int
    low: int
    high: int


class StressDocument(Struct, frozen=True):
    """The versioned result. Money in micro-units of home; shares of futures in basis points.

    ``quantiles`` of what is kept, by percent; ``mean_error`` is the standard error of ``mean``. ``var`` and ``cvar`` are
    what is kept at the 5th of a hundred, and on average below it. ``loss_bps`` are futures in which less than nothing is
    kept, ``behind_bps`` those in which holding would have kept more, ``liquidated_bps`` those with a liquidation.
    ``drawdown_bps``: the deepest fall from a peak, median and 5th of a hundred. ``under_bps``: part of the time worth less
    than at the start, mean. ``volatility_bps`` is what the model was fitted to, per year; ``None`` where nothing is drawn.
    """

    schema: str
    tool_version: str
    title: str
    strategy: str
    home: str
    model: str
    shocks: list[str]
    days: int
    worlds: int
    capital_value: int
    volatility_bps: int | None
    history: str
    mean: int
    mean_error: int
    quantiles: dict[str, int]
    var: int
    cvar: int
    loss_bps: int
    behind_bps: int
    liquidated_bps: int
    drawdown_bps: list[int]
    under_bps: int
    failed: int
    causes: list[Cause]
    warnings: list[str]
    result_hash: str = ""


class Stress:
    """A finished stress: the document, and one row for each future."""

    def __init__(self, document: StressDocument, rows: list[dict[str, Any]]) -> None:
        self.document, self.rows = document, rows

    def frame(self) -> pl.DataFrame:
        """Return one row per future: what was kept, what holding kept, drawdown, and every row of the waterfall."""
        import polars as pl  # noqa: PLC0415 - the command line starts without it

        return pl.DataFrame([_flat(row) for row in self.rows], infer_schema_length=None)

    def write(self, out: str | Path, study: Study) -> Path:
        """Write stress.json and futures.csv into a folder of the study; raises ``BadInput`` where it cannot be written."""
        folder = folder_of(out, study)
        content = msgspec.json.format(msgspec.json.encode(self.document), indent=2)
        write_together(folder, {"stress.json": content, "futures.csv": self.frame().write_csv().encode()})
        return folder


def folder_of(out: str | Path, study: Study) -> Path:
    """Return where the stress of ``study`` is kept."""
    return Path(out) / f"{folder_name(study)}-stress"


def stress(
    path: str | Path,
    *,
    worlds: int = 100,
    model: Model = "bootstrap",
    shocks: Sequence[str] = (),
    days: int | None = None,
    jobs: int = 1,
    on: str = "",
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Stress:
    """Backtest a study in simulated futures.

    Parameters
    ----------
    worlds : how many futures. model : how the price moves (``processes``). shocks : words (``shocks``). days : length of a
        future, by default as long as the history.
    jobs, on : processes, of this machine or of a Ray cluster (``cluster``); the result is the same for any.
    out : finished futures are noted there, so that ``resume`` goes on. progress : told how many are done, and of how many.

    Raises
    ------
    BadInput : names the field; before anything is played.
    """
    if not 2 <= worlds <= MOST_WORLDS:
        raise BadInput(f"{worlds} futures is not between 2 and {MOST_WORLDS:,}", field="worlds")
    study = load_study(path)
    asked = (model, tuple(shocks), days)
    player = _Player(study, *asked)
    key = content_hash([study.digest, __version__, model, list(shocks), days or 0])
    notes = Tried(folder_of(out, study) / "futures.part", key, resume=resume) if out is not None else None
    answers: list[Any] = [notes.found({"future": number}) if notes else None for number in range(worlds)]
    tasks = [(number, number) for number, answer in enumerate(answers) if answer is None]
    for done, (number, answer) in enumerate(spread(partial(_Player, study, *asked), player, tasks, jobs, on), 1):
        answers[number] = answer
        if notes:
            notes.add({"future": number}, answer)
        if progress:
            progress(done, len(tasks))
    found = _stated(player, worlds, answers)
    if notes:
        notes.drop()
    return found


class _Player:
    """A study with its futures, played one after another."""

    def __init__(self, study: Study, model: Model, shocks: Sequence[str], days: int | None) -> None:
        self.model = model
        prepared = prepare(study)
        self.futures = Futures(prepared, model, parse_shocks(shocks), days)
        self.names = list(prepared.networks)
        self.data_fee = all(network.data_fee for network in prepared.networks.values())

    def play(self, number: int) -> dict[str, Any]:
        """Backtest one future and keep what is asked of it."""
        prepared = self.futures.make(number)
        played = Backtest(prepared).play(curves=True)
        record = played.outcomes.record
        books = post(record, played.outcomes.marks)
        fall, drawn = waterfall(books), curves(books)
        spans = np.diff(np.asarray(drawn.time, dtype=float))
        under = np.asarray(drawn.value[:-1]) < drawn.value[0]
        peak = np.maximum.accumulate(np.asarray(drawn.value, dtype=float))
        fallen = np.asarray(drawn.value, dtype=float) / np.maximum(peak, 1.0) - 1
        return {
            "keep": fall.keep,
            "holding": drawn.held,
            "capital": fall.capital,
            "rows": {line.key: line.value for line in fall.lines},
            "labels": {line.key: cost_label(line, self.names, data_fee=self.data_fee) for line in fall.lines},
            "drawdown_bps": math.floor(float(fallen.min()) * BPS),
            "under_bps": int(float((spans * under).sum()) / max(float(spans.sum()), 1.0) * BPS),
            "liquidated": sum(isinstance(line, Befell) and line.happened.cause == "liquidated" for line in record),
            "failed": sum(isinstance(line, Recorded) and isinstance(line.status, Reverted) for line in record),
        }


def _stated(player: _Player, worlds: int, answers: list[dict[str, Any]]) -> Stress:
    futures, study = player.futures, player.futures.study
    keep = np.sort(np.array([answer["keep"] for answer in answers], dtype=float))
    capital = answers[0]["capital"]
    tail = max(worlds * TAIL_PERCENT // 100, 1)
    drawn = np.array([answer["drawdown_bps"] for answer in answers])
    document = StressDocument(
        schema=SCHEMA,
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        home=study.home,
        model=player.model if futures.fitted else "seeds",
        shocks=[shock.words for shock in futures.shocks],
        days=futures.spec.days if futures.spec else round((futures.prepared.end - futures.prepared.start) / 86_400),
        worlds=worlds,
        capital_value=capital,
        volatility_bps=round(futures.fitted.per_year * BPS) if futures.fitted else None,
        history="; ".join(market.manifest.title for market in futures.prepared.markets.values()),
        mean=math.floor(keep.mean()),
        mean_error=math.ceil(keep.std(ddof=1) / math.sqrt(worlds)),
        quantiles={f"{q}": math.floor(np.quantile(keep, q / 100)) for q in QUANTILES},
        var=math.floor(np.quantile(keep, TAIL_PERCENT / 100)),
        cvar=math.floor(keep[:tail].mean()),
        loss_bps=_share(answer["keep"] < 0 for answer in answers),
        behind_bps=_share(answer["keep"] < answer["holding"] for answer in answers),
        liquidated_bps=_share(answer["liquidated"] > 0 for answer in answers),
        drawdown_bps=[math.floor(np.median(drawn)), math.floor(np.quantile(drawn, TAIL_PERCENT / 100))],
        under_bps=round(float(np.mean([answer["under_bps"] for answer in answers]))),
        failed=sum(answer["failed"] for answer in answers),
        causes=_causes(answers),
        warnings=_warnings(player, worlds),
    )
    rows = [{"future": number, **answer} for number, answer in enumerate(answers)]
    return Stress(msgspec.structs.replace(document, result_hash=result_hash(document)), rows)


def _share(found: Any) -> int:
    flags = [bool(flag) for flag in found]
    return sum(flags) * BPS // len(flags)


def _causes(answers: Sequence[dict[str, Any]]) -> list[Cause]:
    labels: dict[str, str] = {}
    for answer in answers:
        labels |= {key: label for key, label in answer["labels"].items() if key not in labels}
    out = []
    for key, label in labels.items():
        values = np.array([answer["rows"].get(key, 0) for answer in answers], dtype=float)
        if values.any():
            low, high = (math.floor(np.quantile(values, q)) for q in (0.05, 0.95))
            out.append(Cause(key, label, math.floor(values.mean()), low, high))
    return out


def _warnings(player: _Player, worlds: int) -> list[str]:
    found = []
    futures = player.futures
    if futures.fitted is None:
        found.append("no market is recorded here: futures differ by the seed of what is scripted, not by a drawn price")
    elif any(market.manifest.synthetic for market in futures.prepared.markets.values()):
        found.append("the history is synthetic: what is fitted to it says nothing of a real market")
    if worlds * TAIL_PERCENT < 2_000:
        count = max(worlds * TAIL_PERCENT // 100, 1)
        found.append(f"the tail rests on {count} of {worlds} futures; ask for more before relying on it")
    if futures.fitted is not None:
        found.append("the price is drawn without drift: a view on its direction is not in these figures")
    return found


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in row.items() if key not in ("rows", "labels")}
    return plain | {f"row_{key}": value for key, value in row["rows"].items()}
