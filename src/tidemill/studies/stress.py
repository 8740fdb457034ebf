"""Stress: the study in many simulated futures, and what of it one would keep, lose, or never see again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tidemill import __version__
from tidemill.engine.lifecycle import unpaid
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
from tidemill.studies.reduction import Draws
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.statement import cost_label
from tidemill.studies.stress_annual import annual
from tidemill.studies.stress_document import BPS, TAIL_PERCENT, Cause, StressDocument, figures
from tidemill.studies.stress_hours import Tier, stress_hours
from tidemill.studies.study import Study, load_study
from tidemill.studies.tried import Tried
from tidemill.studies.unrest import LOST, taken
from tidemill.studies.workers import spread

if TYPE_CHECKING:
    import polars as pl

    from tidemill.studies.futures import Learned

__all__ = ["MOST_WORLDS", "SCHEMA", "Cause", "Stress", "StressDocument", "folder_of", "stress"]

SCHEMA = "tidemill.stress/1"
MOST_WORLDS = 100_000
MOMENTS = 100
"""Moments at which the value of every future is kept, for fan charts."""


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
    tier: Tier = "markets",
    history: str | Path | None = None,
    correlations: Mapping[tuple[str, str], float] | None = None,
    draws: Draws = "plain",
) -> Stress:
    """Backtest a study in simulated futures.

    Parameters
    ----------
    worlds : how many futures. model : how the price moves (``processes``). shocks : words (``shocks``). days : length of a
        future, by default as long as the history.
    jobs, on : processes, of this machine or of a Ray cluster (``cluster``); the result is the same for any.
    tier : ``markets`` plays whole markets event by event; ``exact`` drawn hours through integer kernels; ``fast`` the same in
        floats, with its error. history : a table of prices for the kernels' tiers. correlations : of tokens, for these.
    draws : of kernels: ``plain``, ``pairs`` or ``even`` (``reduction``).
    out : finished futures are noted there, so that ``resume`` goes on. progress : told how many are done, and of how many.

    Raises
    ------
    BadInput : names the field; before anything is played.
    """
    if not 2 <= worlds <= MOST_WORLDS:
        raise BadInput(f"{worlds} futures is not between 2 and {MOST_WORLDS:,}", field="worlds")
    study = load_study(path)
    if tier != "markets":
        notes_in = folder_of(out, study) if out is not None else None
        asked_hours = (worlds, model, tuple(shocks), days, tier, history, dict(correlations or {}))
        document, rows = stress_hours(
            study, *asked_hours, jobs=jobs, on=on, folder=notes_in, resume=resume, progress=progress, draws=draws
        )
        return Stress(msgspec.structs.replace(document, result_hash=result_hash(document)), rows)
    if history is not None or correlations or draws != "plain":
        raise BadInput(
            "only kernels take a table of prices and correlations, and choose draws; add --tier fast", field="tier"
        )
    asked = (model, tuple(shocks), days)
    player = _Player(study, *asked)
    key = content_hash([study.digest, __version__, model, list(shocks), days or 0])
    notes = Tried(folder_of(out, study) / "futures.part", key, resume=resume) if out is not None else None
    answers: list[Any] = [notes.found({"future": number}) if notes else None for number in range(worlds)]
    tasks = [(number, number) for number, answer in enumerate(answers) if answer is None]
    made = partial(_Player, study, *asked, player.futures.learned)
    for done, (number, answer) in enumerate(spread(made, player, tasks, jobs, on), 1):
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

    def __init__(
        self, study: Study, model: Model, shocks: Sequence[str], days: int | None, learned: Learned | None = None
    ) -> None:
        self.model = model
        prepared = prepare(study)
        self.futures = Futures(prepared, model, parse_shocks(shocks), days, learned)
        self.names = list(prepared.networks)
        self.data_fee = all(network.data_fee for network in prepared.networks.values())

    def play(self, number: int) -> dict[str, Any]:
        """Backtest one future and keep what is asked of it."""
        prepared, moment = self.futures.make(number), self.futures.moment(number)
        played = Backtest(prepared).play(curves=True, under=self.futures.unrest(prepared, moment))
        record, marks = played.outcomes.record, played.outcomes.marks
        books = post(record, marks)
        fall, drawn = waterfall(books), curves(books)
        time, value = np.asarray(drawn.time, dtype=float), np.asarray(drawn.value, dtype=float)
        rows = {line.key: line.value for line in fall.lines}
        labels = {line.key: cost_label(line, self.names, data_fee=self.data_fee) for line in fall.lines}
        if part := self.futures.taken:
            until = sum(mark.time <= prepared.start + moment for mark in marks)
            before = int((time <= marks[until - 1].time).sum()) - 1
            lost = taken(marks[:until], part, drawn.value[before])
            rows["exploit"], labels["exploit"] = -math.ceil(lost * drawn.value[-1]), LOST
            value[before + 1 :] *= 1 - lost  # what is left goes on as it did, by so much smaller
        moments = [(drawn.time[-1] - drawn.time[0]) * k // MOMENTS for k in range(MOMENTS + 1)]
        spans = np.diff(time)
        fallen = value / np.maximum(np.maximum.accumulate(value), 1.0) - 1
        return {
            "keep": fall.keep + rows.get("exploit", 0),
            "holding": drawn.held,
            "capital": fall.capital,
            "rows": rows,
            "labels": labels,
            "drawdown_bps": math.floor(float(fallen.min()) * BPS),
            "under_bps": int(float((spans * (value[:-1] < value[0])).sum()) / max(float(spans.sum()), 1.0) * BPS),
            "liquidated": sum(isinstance(line, Befell) and line.happened.cause == "liquidated" for line in record),
            "seconds": moments,
            "worth": np.floor(np.interp(moments, time - time[0], value)).astype(int).tolist(),
            "failed": sum(isinstance(line, Recorded) and isinstance(line.status, Reverted) for line in record),
            "short": sum(isinstance(line, Recorded) and unpaid(line.status) for line in record),
        }


def _stated(player: _Player, worlds: int, answers: list[dict[str, Any]]) -> Stress:
    futures, study = player.futures, player.futures.study
    document = StressDocument(
        schema=SCHEMA,
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        home=study.home,
        model=futures.joint.model if futures.joint else "seeds",
        asked=player.model,
        shocks=[shock.words for shock in futures.shocks],
        days=futures.spec.days if futures.spec else round((futures.prepared.end - futures.prepared.start) / 86_400),
        volatility_bps=round(futures.fitted.per_year * BPS) if futures.fitted else None,
        volatility_range_bps=[round(v * BPS) for v in futures.fitted.per_year_range] if futures.fitted else None,
        history="; ".join(market.manifest.title for market in futures.prepared.markets.values()),
        diagnostics=futures.joint.diagnostics if futures.joint else [],
        annual=annual(study, futures.prepared.end, answers[0]["capital"]),
        **figures(answers),
        warnings=_warnings(player, worlds),
    )
    rows = [{"future": number, **answer} for number, answer in enumerate(answers)]
    return Stress(msgspec.structs.replace(document, result_hash=result_hash(document)), rows)


def _warnings(player: _Player, worlds: int) -> list[str]:
    found = []
    futures = player.futures
    if futures.fitted is None:
        found.append("no market is recorded here: futures differ by the seed of what is scripted, not by a drawn price")
    elif any(market.manifest.synthetic for market in futures.prepared.markets.values()):
        found.append("the history is synthetic: what is fitted to it says nothing of a real market")
    if futures.joint:
        found += futures.joint.weaker(player.model)
    if worlds * TAIL_PERCENT < 2_000:
        count = max(worlds * TAIL_PERCENT // 100, 1)
        found.append(f"the tail rests on {count} of {worlds} futures; ask for more before relying on it")
    if futures.fitted is not None:
        found.append("the price is drawn without drift: a view on its direction is not in these figures")
    return found


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in row.items() if key not in ("rows", "labels", "seconds", "worth")}
    return plain | {f"row_{key}": value for key, value in row["rows"].items()}
