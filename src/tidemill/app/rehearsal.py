"""A rehearsal on a terminal: the figures of its document and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemill.app.statement import amount, money
from tidemill.app.tables import table
from tidemill.studies.rehearsal.document import RehearsalDocument
from tidemill.wording import moment

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_rehearsal"]


def print_rehearsal(document: RehearsalDocument, console: Console) -> None:
    """Print what was rehearsed, account by account what both sides hold, fees, modes and the verdict."""
    window, done = document.window, document.transactions
    console.print(f"[bold]{document.title}[/bold]  rehearsed {document.mode}, gas {document.gas}")
    start, end = (moment(time, seconds=True) for time in (window.start, window.end))
    console.print(
        f"{document.strategy} · {', '.join(document.networks) or document.network} · {start} to {end} UTC · blocks "
        f"{window.first_block:,} to {window.last_block:,}"
    )
    console.print(
        f"{done.others:,} transactions of others ({done.others_refused:,} refused), {done.own:,} of your own "
        f"({done.own_failed:,} failed), all signed, journalled and sent; {done.questions:,} questions taken back"
    )
    if document.pace is not None:
        pace = document.pace
        console.print(
            f"a block every {pace.interval_ms} ms by itself, each {pace.seconds_per_block:,} s of world time later; "
            f"{pace.blocks:,} blocks ({pace.planned_blocks:,} planned, about "
            f"{pace.planned_blocks * pace.interval_ms // 1000} s; ends after {pace.limit_s} s at the latest); "
            f"{pace.late:,} actions of others came late"
        )
    for note in window.notes:
        console.print(f"[yellow]note[/yellow] {note}")
    console.print()
    locked = document.mode == "locked"
    if document.balances:
        cells = [
            [row.account, row.token, f"{row.model:,}", f"{row.chain:,}", _difference(row.difference, locked=locked)]
            for row in document.balances
        ]
        mine = "model>" if locked else "book>"
        console.print(table("", ["account", "token", mine, "chain>", "difference>"], cells))
        console.print()
    _state(document, console)
    _fees(document, console)
    _modes(document, console)
    for line in document.differences:
        console.print(f"[red]differs[/red] {line}")
    console.print(f"[bold {'green' if document.agrees else 'red'}]{document.verdict}[/]")


def _state(document: RehearsalDocument, console: Console) -> None:
    cells = [
        [row.venue, row.name, "equal" if row.equal else "[red]differs[/red]", row.values] for row in document.state
    ]
    console.print(table("", ["venue", "state", "", "value"], cells))
    if document.steps_compared:
        console.print(f"{document.steps_compared} steps and {document.marks_compared} marks compared one by one")
    console.print()


def _fees(document: RehearsalDocument, console: Console) -> None:
    if not document.fees:
        return
    cells = [
        [row.venue, row.verb, f"{row.count}", f"{row.reverted}", f"{row.model_gas:,}", f"{row.chain_gas:,}",
         _percent(row.gas_median_bps), _percent(row.gas_max_bps), _percent(row.fee_median_bps), _percent(row.fee_max_bps)]
        for row in document.fees
    ]  # fmt: skip
    columns = [
        "venue", "verb", "sent>", "failed>", "gas, model>", "gas, chain>", "gas error: median>", "max>",
        "fee error: median>", "max>",
    ]  # fmt: skip
    console.print(table("Transaction fees, compared apart", columns, cells))
    console.print()


def _modes(document: RehearsalDocument, console: Console) -> None:
    cells = [
        [row.name, money(row.keep), money(row.earned), amount(row.network_fees, 18), f"{row.steps}", row.note]
        for row in document.modes
    ]
    columns = ["mode", f"you keep, {document.home}>", "earned>", "network fees, native>", "own steps>", ""]
    console.print(table("The same window in each mode", columns, cells))
    console.print()
    if document.fates:
        cells = [[row.fate, row.reason, f"{row.steps}", amount(row.cost, 18)] for row in document.fates]
        console.print(table("What became of own steps", ["", "reason", "steps>", "network fees, native>"], cells))
        console.print()
    if document.causes:
        cells = [[row.cause, money(row.value), row.how] for row in document.causes]
        cells.append(["tracking error", money(document.tracking_error), "what the chain kept less what the model said"])
        console.print(table("Tracking error by cause", ["cause", f"{document.home}>", ""], cells))
        console.print()


def _difference(wei: int, *, locked: bool) -> str:
    if wei == 0:
        return "0 wei" if locked else "equal"
    return f"[red]{wei:+,} wei[/red]"


def _percent(bps: int) -> str:
    return f"{bps / 100:.2f} %"
