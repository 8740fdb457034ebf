"""`tidemill risk`: print an assessment; with ``--why`` every number with its fact and source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidemill.app.console import emit_json, stdout
from tidemill.app.moments import day_of
from tidemill.app.reports import written
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput
from tidemill.studies.pages.risk import SCHEMA, risk_page
from tidemill.studies.pages.risk import share as _part
from tidemill.units import format_amount, parse_amount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tidemill.studies.pages.write import Format
    from tidemill.studies.risk import Assessment, Estimate

__all__ = ["risk"]

_PLACES = 6


def risk(
    subjects: Sequence[str],
    parts: str,
    on: str,
    amount: str,
    out: Path | None,
    formats: Sequence[Format],
    *,
    why: bool,
    as_json: bool,
) -> int:
    """Assess and print."""
    from tidemill.studies.risk import assess_all, expected_loss_up  # noqa: PLC0415

    found = assess_all(subjects, day_of(on), _parts(parts))
    money: tuple[str, str, str] | None = None
    if amount:
        value = _money(amount)
        ends = (found.loss.low, found.loss.usual, found.loss.high)
        low, usual, high = (format_amount(expected_loss_up(value, end), _PLACES) for end in ends)
        money = low, usual, high
    document = _document(found, money)
    written("risk", document, lambda: risk_page(found, amount, money), out, formats)
    if as_json:
        emit_json(document)
        return 0
    _print(found, money, amount)
    if why:
        _print_why(found)
    return 0


def _parts(text: str) -> list[int]:
    if not text:
        return []
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise BadInput(f"{text!r}: expected whole numbers above 0 such as 3,1", field="parts")
    return [int(word) for word in words]


def _money(text: str) -> int:
    try:
        value = parse_amount(text, _PLACES)
    except BadInput as error:
        raise BadInput(error.message, field="amount") from None
    if not 0 <= value < 10**30:
        raise BadInput(f"{text!r}: expected an amount from 0 up, and not absurdly large", field="amount")
    return value


def _document(found: Assessment, money: tuple[str, str, str] | None) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415

    out: dict[str, Any] = {"schema": SCHEMA, **msgspec.to_builtins(found)}
    out["causes"] = {cause: out["causes"][cause] for cause, one in found.causes.items() if one.high > 0.0}
    out |= {"unknown": found.unknown, "learn": found.learn}
    if money is not None:
        out["expected_loss"] = dict(zip(("low", "usual", "high"), money, strict=True))
    return out


def _share(part: float) -> str:
    """Return a part in per cent as a terminal shows it."""
    return _part(part).replace("%", " %")


def _row(name: str, one: Estimate) -> list[str]:
    return [name, _share(one.low), _share(one.usual), _share(one.high)]


def _print(found: Assessment, money: tuple[str, str, str] | None, amount: str) -> None:
    say = stdout().print
    letter = found.capped if found.capped == found.grade else f"{found.capped} (by the number {found.grade})"
    say(f"[bold]{plain(found.subject)}[/bold] on {found.on}: {letter}")
    rows = [_row(cause, one) for cause, one in found.causes.items() if one.high > 0.0]
    rows.append(_row("together", found.loss))
    say(table("Expected loss in a year", ["cause", "low>", "usual>", "high>"], rows))
    if money is not None:
        say(f"of {plain(amount)}: usually {money[1]}, from {money[0]} to {money[2]} (rounded up)")
    if found.chance is not None:
        say(f"chance of losing more than 1 % in a year: {_share(found.chance)}")
    for flag in found.flags:
        say(plain(f"flag, at best {flag.cap}: {flag.words} ({flag.fact.source}, as of {flag.fact.as_of})"))
    for line in found.none:
        say(plain(f"not counted: {line}"))
    say(f"unknown or doubtful: {found.unknown}; each widens the interval")
    if found.learn:
        say(plain(f"to narrow it most, learn {found.learn}"))
    say(plain(found.label))


def _print_why(found: Assessment) -> None:
    say = stdout().print
    for shock in found.shocks:
        say("")
        chance, part = shock.chance, shock.part
        say(
            plain(
                f"{shock.cause} · {shock.factor}: chance {_share(chance.usual)} ({_share(chance.low)} to "
                f"{_share(chance.high)}), lost if so {_share(part.usual)} ({_share(part.low)} to {_share(part.high)})"
            )
        )
        rows = [
            [
                plain(reason.words),
                *(
                    (
                        str(reason.fact.as_of),
                        reason.fact.confidence.value,
                        plain(reason.fact.source),
                        plain(reason.fact.note),
                    )
                    if reason.fact
                    else ("", "", "", "")
                ),
            ]
            for reason in shock.reasons
        ]
        say(table("", ["because", "as of", "known by", "source", "note"], rows))
        if shock.unknown:
            say(plain(f"unknown or doubtful: {', '.join(shock.unknown)}"))
