"""The page of a stress: what is kept in many futures, how bad the bad ones are, and by which cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import (
    PAGE,
    Bar,
    Bars,
    Block,
    Column,
    Fan,
    Figure,
    Line,
    Notes,
    Page,
    Say,
    Section,
    Spread,
    Step,
    Steps,
    Table,
    Value,
)
from tidemill.studies.stress import Cause, StressDocument
from tidemill.studies.stress_document import STOPPED

__all__ = ["stress_page"]

BPS = 10_000
DAY = 86_400
BINS = 30
STOPPED_NAMES = {"short": "Futures without the money for gas", "gone": "Futures with nothing left"}
KERNELS = {"exact": "integer kernels", "fast": "kernels in floats"}
HALF_BPS = 5_000
"""From so many futures on a bad outcome is the rule."""


def stress_page(document: StressDocument, keeps: Sequence[int] = ()) -> Page:
    """Return the page of ``document``; ``keeps`` are what each future kept (micro-units), counted in bins where given."""
    price = {"seeds": "scripted by other seeds"}.get(document.model, f"price by {document.model}")
    sections = [
        _spread_section(document, keeps),
        _time_section(document),
        _cause_section(document),
        _bad_section(document),
        _beside_section(document),
        _made_section(document, price),
    ]
    return Page(
        schema=PAGE,
        kind="stress",
        tool_version=document.tool_version,
        title=document.title,
        subtitle=f"{document.strategy} in {document.worlds:,} futures of {span(document.days * DAY)}",
        chips=[price, *(f"shock {shock}" for shock in document.shocks), f"{document.worlds:,} futures"],
        synthetic=any("synthetic" in line for line in document.warnings),
        home=document.home,
        says=_says(document),
        figures=[
            Figure("You put in", document.capital_value, "money"),
            _average(document),
            Figure("Futures with a loss", document.loss_bps, "share"),
            Figure("Worse than holding", document.behind_bps, "share", "of the futures"),
            Figure("A liquidation", document.liquidated_bps, "share", "of the futures"),
        ],
        warnings=document.warnings,
        sections=[section for section in sections if section.blocks],
        source=document.schema,
        result_hash=document.result_hash,
        again={
            "strategy": document.strategy,
            "model": document.model,
            "shocks": ", ".join(document.shocks) or "none",
            "futures": f"{document.worlds} of {span(document.days * DAY)}",
        },
    )


def _average(document: StressDocument) -> Figure:
    """Return the mean as the terminal says it: by control variates where there are any, with the plain one in the note."""
    home, better = document.home, document.reduced
    error = shown(better.error if better else document.mean_error, "money", home)
    if better is None:
        return Figure("On average", document.mean, "change", f"± {error}")
    plainly = f"{shown(document.mean, 'change', home)} ± {shown(document.mean_error, 'money', home)}"
    return Figure(
        "On average",
        better.mean,
        "change",
        f"± {error}, by {better.controls} control variates; plainly {plainly}, to which the causes add up",
    )


def _says(document: StressDocument) -> list[Say]:
    home, capital = document.home, document.capital_value
    middle = document.quantiles["50"]
    low, high = (shown(document.quantiles[q], "change", home) for q in ("25", "75"))
    return [
        Say(
            "keep",
            "What you keep in the middle future",
            f"{shown(middle * BPS // capital, 'rate')} of {shown(capital, 'money', home)} in {span(document.days * DAY)}; half "
            f"of the futures lie between {low} and {high}.",
            middle,
            "change",
        ),
        Say(
            "risk",
            "What you risk",
            f"kept on average in the worst twentieth of futures. {_of_hundred(document.loss_bps)} futures lose money; the "
            f"deepest fall from a peak is {shown(document.drawdown_bps[0], 'rate')} in the middle one.{_besides(document)}",
            document.cvar,
            "change",
        ),
        Say("next", "What to do next", _next(document)),
        Say("change", "What would change this", _change(document)),
    ]


def _besides(document: StressDocument) -> str:
    """What no future shows, where it is known: it belongs to the risk, whatever the futures say."""
    if document.annual is None:
        return ""
    usual, high = (shown(value, "money", document.home) for value in (document.annual.usual, document.annual.high))
    return f" In none of them: a hack, an issuer's or a network's failure, expected to take {usual} a year, at worst {high}."


def _of_hundred(bps: int) -> str:
    return f"{bps / 100:g} of 100"


def _next(document: StressDocument) -> str:
    if document.liquidated_bps:
        return (
            f"Borrow less: {_of_hundred(document.liquidated_bps)} futures end in a liquidation. Lower the debt in the study and "
            "run this again."
        )
    if document.loss_bps >= HALF_BPS > document.behind_bps:
        return (
            f"Do not enter for this: {_of_hundred(document.loss_bps)} futures lose money. Where you hold these tokens anyway, "
            f"it is the better way to hold them: untouched they keep more in only {_of_hundred(document.behind_bps)}."
        )
    if document.loss_bps >= HALF_BPS:
        return (
            f"Do not enter like this: {_of_hundred(document.loss_bps)} futures lose money. Try other settings (tidemill sweep), "
            "a longer time, or hold."
        )
    if document.behind_bps >= HALF_BPS:
        return (
            f"Hold instead, or try other settings (tidemill sweep): in {_of_hundred(document.behind_bps)} futures the same "
            "tokens untouched keep more."
        )
    if document.cvar >= 0:
        bear = "Even the worst twentieth keeps something, so weigh what no future shows (below)"
    else:
        loss = shown(document.cvar, "change", document.home)
        bear = f"Enter only if you can bear {loss}, the mean of the worst twentieth"
    return f"{bear}; then run it on real contracts: tidemill rehearse."


def _change(document: StressDocument) -> str:
    flows = [cause for cause in document.causes if cause.key != "keep"]
    if not flows:
        return "Nothing here moves: no row of the waterfall is above zero."
    home = document.home
    widest = max(flows, key=lambda cause: cause.high - cause.low)
    worst = min(flows, key=lambda cause: cause.mean)
    said = (
        f"What moves the answer most is “{widest.label}”: from {shown(widest.low, 'change', home)} to "
        f"{shown(widest.high, 'change', home)}."
    )
    if worst is not widest and worst.mean < 0:
        said += f" What costs most is “{worst.label}”: {shown(worst.mean, 'change', home)} on average."
    return said


def _spread_section(document: StressDocument, keeps: Sequence[int]) -> Section:
    quantiles = sorted((int(q), value) for q, value in document.quantiles.items())
    edges, counts = _bins(sorted(keeps))
    spread = Spread(
        caption=f"What you keep over {document.worlds:,} futures, {document.home}",
        percents=[q for q, _ in quantiles],
        values=[value for _, value in quantiles],
        kind="change",
        edges=edges,
        counts=counts,
    )
    what = (
        "a whole backtest"
        if document.tier == "markets"
        else f"drawn by the hour and played by {KERNELS[document.tier]}"
    )
    lead = f"Each future is {what}. The bar darkens where outcomes are likelier; the mark is the middle."
    return Section("spread", "How it may turn out", lead, [spread])


def _bins(keeps: Sequence[int]) -> tuple[list[int], list[int]]:
    """Count outcomes in equal bins; none where all are alike or too few to show a shape."""
    if len(keeps) < BINS or keeps[0] == keeps[-1]:
        return [], []
    low, width = keeps[0], -(-(keeps[-1] - keeps[0] + 1) // BINS)
    counts = [0] * BINS
    for keep in keeps:
        counts[(keep - low) // width] += 1
    return [low + width * at for at in range(BINS + 1)], counts


def _time_section(document: StressDocument) -> Section:
    """Return quantiles of the value over time, where the document has them."""
    fan = document.fan
    if fan is None or len(fan.seconds) < 2:
        return Section("time", "", "", [])
    lines = [Line(f"{q} of 100 below", list(values)) for q, values in sorted(fan.quantiles.items(), key=_by_percent)]
    drawn = Fan(f"Value over time, {document.home}", list(fan.seconds), lines)
    lead = "What it is worth at each moment: the middle future as a line, the others as bands around it."
    return Section("time", "On the way", lead, [drawn])


def _by_percent(item: tuple[str, Any]) -> float:
    return float(item[0])


def _cause_section(document: StressDocument) -> Section:
    rows = [_step(cause) for cause in document.causes if cause.key != "keep"]
    low, high = (document.quantiles[q] for q in ("5", "95"))
    rows.append(Step("What you keep", "total", document.mean, low, high))
    lead = (
        "Every row as its mean over all futures; the whisker reaches from the 5th to the 95th of a hundred. Means add up; "
        "whiskers do not, since what moves one row moves another."
    )
    blocks: list[Block] = [Steps(f"From income to what you keep, {document.home}", rows)]
    worst = document.cvar_by_cause
    if worst:
        labels = {cause.key: (cause.label, cause.mean) for cause in document.causes}
        made: list[list[Value]] = [[*labels[key], value] for key, value in worst.items() if key in labels]
        columns = [Column(document.home), Column("on average", "change"), Column("in the worst twentieth", "change")]
        blocks.append(Table("What made the worst twentieth the worst", columns, made, bare=True))
    return Section("causes", "By cause", lead, blocks)


def _step(cause: Cause) -> Step:
    return Step(cause.label, "flow", cause.mean, cause.low, cause.high)


def _bad_section(document: StressDocument) -> Section:
    bars = Bars(
        "Deepest fall from a peak",
        "rate",
        [
            Bar("In the middle future", document.drawdown_bps[0]),
            Bar("In the 5th worst of a hundred", document.drawdown_bps[1]),
        ],
    )
    rows: list[list[Value]] = [
        ["What is kept at the edge of the worst twentieth", document.var, "value at risk, 95%"],
        ["What is kept on average beyond that edge", document.cvar, "expected shortfall"],
    ]
    money = Table("The worst twentieth", [Column(""), Column(document.home, "change"), Column("known as")], rows)
    times: list[list[Value]] = [
        ["Futures with a loss", document.loss_bps, "less than nothing is kept"],
        ["Futures worse than holding", document.behind_bps, "the same tokens untouched keep more"],
        ["Futures with a liquidation", document.liquidated_bps, ""],
        ["Time worth less than at the start", document.under_bps, "mean over the futures"],
    ]
    for key, count in document.stopped.items():
        times.append([STOPPED_NAMES[key], BPS * count // document.worlds, STOPPED[key]])
    shares = Table("How often", [Column(""), Column("of 100", "share"), Column("meaning")], times)
    return Section("bad", "When it goes wrong", "", [bars, money, shares])


def _made_section(document: StressDocument, price: str) -> Section:
    lines = [f"{price[:1].upper()}{price[1:]}; {document.failed:,} transactions failed in all futures together."]
    if document.volatility_bps is not None:
        fitted = shown(document.volatility_bps, "share")
        low, high = (shown(bps, "share") for bps in document.volatility_range_bps or [document.volatility_bps] * 2)
        spread = "" if low == high else f"; nine of ten futures draw theirs from {low} to {high}"
        lines.append(f"Fitted to {document.history}: the price moves by {fitted} a year{spread}.")
    error = document.error
    if error is not None:
        lines.append(
            f"Floats against the exact kernels on {error.paths} of these futures: off by {error.mean_ppb / 100_000:.5f} basis "
            f"points of the capital on average, {error.worst_ppb / 100_000:.5f} at most."
        )
    lines += [*document.diagnostics, *(f"Assumed: {line}" for line in document.assumed)]
    return Section("made", "How the futures are made", "", [Notes(lines)])


def _beside_section(document: StressDocument) -> Section:
    """Return what a year may take that no drawn price shows, where the document has it."""
    found = document.annual
    if found is None:
        return Section("beside", "", "", [])
    rows: list[list[Value]] = [[cause, -value] for cause, value in found.causes.items()]
    low, usual, high = (shown(value, "money", document.home) for value in (found.low, found.usual, found.high))
    table = Table("Expected loss of a year, by cause", [Column("cause"), Column("a year takes", "change")], rows)
    lead = (
        f"Hacks, issuers and networks, from dated facts: a year is expected to take {usual}, from {low} to {high} "
        f"(grade {found.grade}). Why: tidemill risk."
    )
    return Section("beside", "Not in these futures", lead, [table])
