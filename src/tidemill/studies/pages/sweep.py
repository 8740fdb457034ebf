"""The page of a sweep: the best setting, whether it stands alone, and how much of it is luck."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from tidemill.studies.forward import Forward
from tidemill.studies.grid import Value as Setting
from tidemill.studies.luck import Luck
from tidemill.studies.metrics import METRICS
from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import PAGE, Block, Column, Figure, Heat, Notes, Page, Say, Section, Table, Value
from tidemill.studies.sweep import SweepDocument, Trial
from tidemill.wording import moment

__all__ = ["PROVEN_BPS", "luck_section", "said", "sweep_page"]

PROVEN_BPS = 9_500
"""A deflated Sharpe ratio from which on the best setting is called more than luck: the usual one in twenty."""
CHANCE_BPS = 5_000
"""Overfitting that is no better than tossing a coin."""


def sweep_page(document: SweepDocument) -> Page:
    """Return the page of ``document``."""
    best = document.trials[document.ranking[0]]
    sections = [
        _map_section(document),
        luck_section(document.luck),
        _forward_section(document.forward),
        _table_section(document),
    ]
    return Page(
        schema=PAGE,
        kind="sweep",
        tool_version=document.tool_version,
        title=document.title,
        subtitle=f"{len(document.trials):,} settings of {document.strategy}, ranked by {METRICS[document.metric]}",
        chips=[
            f"{moment(document.start)[:10]} to {moment(document.end)[:10]}",
            span(document.end - document.start),
            f"{len(document.trials):,} settings",
            f"answered by {document.answered_by}",
        ],
        synthetic=document.synthetic,
        home=document.home,
        says=_says(document, best),
        figures=_figures(document, best),
        warnings=document.warnings,
        sections=[section for section in sections if section.blocks],
        source=document.schema,
        result_hash=document.result_hash,
        again={"strategy": document.strategy, **{name: _axis(values) for name, values in document.axes.items()}},
    )


def said(parameters: Mapping[str, Setting]) -> str:
    """Return settings as a sentence has them: ``width 400, trigger 100``."""
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _axis(values: list[Setting]) -> str:
    return ", ".join(str(value) for value in values)


def _says(document: SweepDocument, best: Trial) -> list[Say]:
    over = best.keep - document.holding
    home = document.home
    beside = f"{shown(abs(over), 'money', home)} {'more' if over >= 0 else 'less'} than holding"
    of = f"{shown(best.keep_bps, 'rate')} of the capital"
    keep = Say(
        "keep",
        "What you would have kept",
        f"with {said(best.parameters)}, the best of {len(document.trials):,}: {of}, {beside}.",
        best.keep,
        "change",
    )
    return [keep, _risk(document, best), _next(document, best), _change(document)]


def _risk(document: SweepDocument, best: Trial) -> Say:
    fall = best.drawdown_bps
    words = "the deepest fall from a peak on the way, with the best setting."
    lost = sum(trial.keep < 0 for trial in document.trials)
    words += f" {lost:,} of {len(document.trials):,} settings lost money."
    return Say("risk", "What you risk", words, fall, "rate")


def _next(document: SweepDocument, best: Trial) -> Say:
    luck = document.luck
    if best.keep <= max(document.holding, 0):
        held = "holding kept more" if document.holding > best.keep else "nothing was kept"
        return Say("next", "What to do next", f"Do not use any of these settings: with the best of them {held}.")
    if luck is None:
        return Say(
            "next", "What to do next", "Try more settings, or a longer period: too little to tell skill from luck."
        )
    if luck.deflated_sharpe_bps < PROVEN_BPS or luck.overfit_bps >= CHANCE_BPS:
        return Say(
            "next",
            "What to do next",
            "Do not trust the peak: that the best setting is more than luck has a probability of only "
            f"{shown(luck.deflated_sharpe_bps, 'share')}. Choose from a broad plateau, and see how it fares in other futures: "
            "tidemill stress.",
        )
    return Say(
        "next", "What to do next", f"Put {said(best.parameters)} into the study and see other futures: tidemill stress."
    )


def _change(document: SweepDocument) -> Say:
    near = document.plateau
    if near is None:
        return Say(
            "change", "What would change this", "Another period or another market: only settings were varied here."
        )
    worst = shown(near.worst, "change", document.home)
    best = document.trials[document.ranking[0]]
    floor = max(document.holding, 0)
    if near.worst <= floor:
        verdict = "a peak that stands alone"
    elif 2 * (near.mean - floor) >= best.keep - floor:
        verdict = "a plateau"
    else:
        verdict = "a slope, not a plateau: most of what the best one has over holding is gone a step away"
    edges = _edges(document, best)
    further = f" The best lies at the end of what was tried of {edges}: try further." if edges else ""
    return Say(
        "change",
        "What would change this",
        f"One step away from the best setting you keep {worst} at worst, "
        f"{shown(near.mean, 'change', document.home)} on average of {near.neighbours}: {verdict}.{further}",
    )


def _edges(document: SweepDocument, best: Trial) -> str:
    """Return the parameters of which the best has the least or the largest number tried, of three or more."""
    found = []
    for name, tried in document.axes.items():
        numbers = [one for one in tried if isinstance(one, int | float) and not isinstance(one, bool)]
        if len(numbers) == len(tried) > 2 and best.parameters[name] in (min(numbers), max(numbers)):
            found.append(name)
    return " and ".join(found)


def _figures(document: SweepDocument, best: Trial) -> list[Figure]:
    figures = [
        Figure("Holding", document.holding, "change", "the same capital, untouched"),
        Figure("Worst 5% of steps", best.cvar_bps, "rate", "mean, with the best setting"),
        Figure("Transactions", best.sent, "count", f"{best.failed or 0:,} of them failed"),
    ]
    if document.luck:
        figures.append(Figure("More than luck", document.luck.deflated_sharpe_bps, "share", "deflated Sharpe ratio"))
        figures.append(Figure("Overfitting", document.luck.overfit_bps, "share", "50% is chance"))
    return figures


def _map_section(document: SweepDocument) -> Section:
    names = list(document.axes)
    lead = "What is kept at each pair of settings; where there are more than two, the best of the others in each cell."
    blocks: list[Block] = [
        _heat(document, across, down)
        for across, down in [(names[0], names[1] if len(names) > 1 else ""), *_more_pairs(names)]
        if len(document.axes[across]) > 1
    ]
    return Section("map", "Plateau or peak?", lead, blocks)


def _more_pairs(names: list[str]) -> list[tuple[str, str]]:
    """Return the other pairs of axes worth a map: the first with each other one."""
    return [(names[0], other) for other in names[2:4]]


def _heat(document: SweepDocument, across: str, down: str) -> Heat:
    columns = document.axes[across]
    rows: list[Setting] = document.axes[down] if down else [""]
    cells: dict[tuple[Setting, Setting], Trial] = {}
    for trial in document.trials:
        key = (trial.parameters[down] if down else "", trial.parameters[across])
        there = cells.get(key)
        # an exact figure goes before an estimate, however good that looks
        if there is None or (trial.exact, trial.keep) > (there.exact, there.keep):
            cells[key] = trial
    best = document.trials[document.ranking[0]]
    at = (rows.index(best.parameters[down]) if down else 0, columns.index(best.parameters[across]))
    beside = [(at[0] + i, at[1] + j) for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    tried = list(product(enumerate(rows), enumerate(columns)))
    return Heat(
        caption=f"What is kept, {document.home}: {across} across{f', {down} down' if down else ''}",
        across=across,
        down=down,
        columns=[str(value) for value in columns],
        rows=[str(value) for value in rows],
        cells=[[cells[row, column].keep if (row, column) in cells else None for column in columns] for row in rows],
        kind="change",
        best=list(at),
        near=[[i, j] for i, j in beside if 0 <= i < len(rows) and 0 <= j < len(columns)],
        estimated=[
            [i, j] for (i, row), (j, column) in tried if (found := cells.get((row, column))) and not found.exact
        ],
    )


def _table_section(document: SweepDocument) -> Section:
    names = list(document.axes)
    kinds = ["count" if all(isinstance(v, int) for v in document.axes[name]) else "text" for name in names]
    columns = [
        Column("rank", "count"),
        *(Column(name, "count" if kind == "count" else "text") for name, kind in zip(names, kinds, strict=True)),
        Column("keeps", "change"),
        Column("of capital", "rate"),
        Column("worst 5%", "rate"),
        Column("drawdown", "rate"),
        Column("Sharpe", "number"),
        Column("sent", "count"),
    ]
    trials = [document.trials[place] for place in document.ranking]
    exact = [trial for trial in trials if trial.exact]
    rows = [
        [
            rank,
            *(trial.parameters[name] for name in names),
            trial.keep,
            trial.keep_bps,
            trial.cvar_bps,
            trial.drawdown_bps,
            None if trial.sharpe_micro is None else trial.sharpe_micro / 10**6,
            trial.sent,
        ]
        for rank, trial in enumerate(exact, 1)
    ]
    blocks: list[Block] = [Table("Settings, best first", columns, rows, marked=[0])]
    if document.screened:
        known = document.screened
        error = (
            f"{known.variants:,} settings were estimated and {known.exact:,} of them played exactly; only those are listed. "
            f"The estimate is off by {known.median_error_bps} basis points of the capital in the middle, "
            f"{known.largest_error_bps} at most; as many resets in {known.alike}. Exact in it: {known.exactly}."
        )
        blocks.append(Notes([error]))
    return Section("settings", "Every setting", f"Ranked by {METRICS[document.metric]}.", blocks)


def _forward_section(forward: Forward | None) -> Section:
    """Return what choosing as one goes would have kept, each window opened and closed; without blocks where none was."""
    if forward is None:
        return Section("forward", "", "", [])
    rows: list[list[Value]] = [
        [f"{moment(one.start)[:10]} to {moment(one.end)[:10]}", said(one.parameters), one.keep, one.holding]
        for one in forward.windows
    ]
    rows.append(["together", "", forward.keep, forward.holding])
    columns = [Column("window"), Column("best until then"), Column("kept", "change"), Column("holding kept", "change")]
    lead = (
        "Before each window the setting that was best until then, opened with the capital and sold at its end, costs included: "
        "what a person who decides anew each time would have kept."
    )
    table = Table("Choosing as you go, played anew", columns, rows, marked=[len(rows) - 1], shown=len(rows))
    return Section("forward", "Choosing as you go", lead, [table])


def luck_section(luck: Luck | None) -> Section:
    """Return how much of the best of many is luck; without blocks where that cannot be said."""
    if luck is None:
        return Section("luck", "Is it luck?", "", [])
    rows: list[list[Value]] = [
        [
            "More than the luckiest of as many worthless settings",
            luck.deflated_sharpe_bps,
            "probability, by the deflated Sharpe ratio; 95% is the usual bar",
        ],
        [
            "Best in one half of the time, below the middle in the other",
            luck.overfit_bps,
            "of the ways to split it, the probability of backtest overfitting; 50% is chance",
        ],
        [
            "Choosing as you go, over holding",
            luck.walk_forward_bps,
            "before each of the last four fifths, what was best until then",
        ],
        ["The mean setting, over holding", luck.average_bps, "over the same four fifths"],
    ]
    table = Table(
        "How much of it is luck", [Column("measure"), Column("figure", "share"), Column("what it says")], rows
    )
    lead = (
        f"The best of {luck.trials:,} looks good by construction. Four figures say how much to believe it, from "
        f"{luck.steps:,} steps."
    )
    return Section("luck", "Is it luck?", lead, [table])
