"""The statement: one :class:`ResultDocument` from what a world wrote down and what a study knows about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field

from tidemill import networks
from tidemill.errors import InvariantBroken
from tidemill.interfaces import Expired, Mark, Recorded, Skipped
from tidemill.ledger.books import Books
from tidemill.ledger.families import treatment
from tidemill.ledger.judge import Curves, curves, per_year_bps_down, per_year_bps_toward_zero
from tidemill.ledger.posting import post
from tidemill.ledger.timeline import Step
from tidemill.ledger.waterfall import Line, Waterfall, waterfall
from tidemill.studies.canonical import result_hash
from tidemill.studies.headline import BPS, MIN_YEAR_SECONDS, headline, money
from tidemill.studies.schema import (
    SCHEMA,
    Assumption,
    Comparison,
    Fidelity,
    ResultDocument,
    Series,
    StreamRow,
    StudyInfo,
    TokenInfo,
    WaterfallRow,
)
from tidemill.studies.tables import cost_rows, position_rows
from tidemill.units import format_amount
from tidemill.wording import rfc3339

__all__ = ["MAX_POINTS", "Alternative", "Facts", "TickPrice", "statement", "with_streams"]

NAMED = 2
"""Networks that a row names; of more it says how many."""

MAX_POINTS = 2_000
"""Most points of a drawn curve."""

_OF_RUNS = frozenset({"swaps", "exit"})
"""Rows of what a strategy does, which mean nothing where real positions are read back and show nothing of the kind."""

_OF_POSITIONS = {
    "hodl": ("Price move of what was in it", "sum over the time of what was in it, as it was put in, x price change"),
    "keep": ("What you keep", "value at the end and all taken out - value at the start and all brought in"),
}
"""Label and formula of rows that are another thing where tokens come and go (``tidemill.ledger.measures``)."""

TickPrice = Callable[[str, int], float | None]
"""(venue, tick) -> price for display, in the unit of the drawn price; ``None`` where it has none."""


class Alternative(Struct, frozen=True):
    """How the same capital fared another way: micro-units of the home asset at the end less at the start."""

    keep: int
    note: str = ""


def no_words(venue: str, reason: str) -> str:  # noqa: ARG001
    """Take reasons for words."""
    return ""


class Facts(Struct, frozen=True):
    """What the statement cannot know from the record.

    Parameters
    ----------
    study, tokens, fidelity, assumptions, warnings : printed as given. ``tokens`` name every token that moved.
    kind, tool_version : of the document.
    home : token id of the home asset; exit : as the study asked for it.
    priced : token id whose price in home is drawn, ``None`` for none.
    tick_price : for the price bounds of ranges.
    data_fee : whether the network charges for L1 data; where it does not, execution is the whole fee and called so.
    unknown : rows, by key, of which nothing is known, and why: they are left out instead of being printed as 0.
    alternatives : the same capital held another way, by name, run when asked for (``full range``, ...); ``holding`` is
        always computed here.
    words : for a venue and the reason it gave, words in brackets where the reason is a code, else nothing.
    """

    study: StudyInfo
    tokens: list[TokenInfo]
    fidelity: Fidelity
    home: str
    exit: Literal["close", "mark"] = "close"
    kind: str = "backtest"
    tool_version: str = ""
    assumptions: list[Assumption] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    priced: str | None = None
    tick_price: TickPrice | None = None
    data_fee: bool = True
    unknown: Mapping[str, str] = field(default_factory=dict)
    alternatives: Mapping[str, Callable[[], Alternative]] = field(default_factory=dict)
    words: Callable[[str, str], str] = no_words


def statement(record: Sequence[Step], marks: Sequence[Mark], facts: Facts) -> ResultDocument:
    """Keep the books, compute and prove the waterfall, and assemble the result with its hash.

    Raises ``InvariantBroken`` where books do not balance or rows do not explain the change (``tidemill.ledger``).
    """
    books = post(record, marks)
    fall = waterfall(books)
    drawn = curves(books)
    alternatives = {"holding": _holding(drawn, facts.kind)} | {name: run() for name, run in facts.alternatives.items()}
    seconds = marks[-1].time - marks[0].time
    document = ResultDocument(
        schema=SCHEMA,
        kind=facts.kind,
        tool_version=facts.tool_version,
        study=facts.study,
        tokens=facts.tokens,
        fidelity=facts.fidelity,
        headline=headline(books, fall, drawn, facts.study.home, fees_unknown=facts.unknown.get("l2", "")),
        waterfall=_rows(fall, seconds, facts),
        unexplained=fall.unexplained,
        unexplained_bound=fall.bound,
        comparisons=[_comparison(name, one, fall.capital) for name, one in alternatives.items()],
        costs=[] if "l2" in facts.unknown else cost_rows(books),
        positions=position_rows(books, facts.tick_price),
        assumptions=facts.assumptions,
        series=_series(books, drawn, facts),
        warnings=[
            *facts.warnings,
            *_refused(record, facts),
            *_locked(books, facts),
            *_in_flight(books, facts),
            *_leftovers(record, books, fall, facts),
        ],
    )
    return msgspec.structs.replace(document, result_hash=result_hash(document))


def with_streams(document: ResultDocument, streams: list[StreamRow]) -> ResultDocument:
    """Return a statement that says what each stream of a portfolio earned as well.

    Raises ``InvariantBroken`` where the streams' rows do not add up to the statement's, a micro-unit a stream apart.
    """
    if not streams:
        return document
    rows = {row.key: row.value for row in document.waterfall if row.kind == "flow"}
    rows["keep"] = document.headline.keep
    for key in dict.fromkeys([*rows, *(key for stream in streams for key in stream.rows)]):
        together = sum(stream.keep if key == "keep" else stream.rows.get(key, 0) for stream in streams)
        if abs(together - rows.get(key, 0)) > len(streams) + 1:
            raise InvariantBroken(
                f"the streams' rows of {key} come to {together} micro-units, the whole's to {rows.get(key, 0)}"
            )
    document = msgspec.structs.replace(document, streams=streams)
    return msgspec.structs.replace(document, result_hash=result_hash(document))


def _rows(fall: Waterfall, seconds: int, facts: Facts) -> list[WaterfallRow]:
    def yearly(value: int) -> int | None:
        return per_year_bps_toward_zero(value, fall.average, seconds) if seconds >= MIN_YEAR_SECONDS else None

    def total(value: int) -> int | None:
        """Round sums as the headline is rounded, so that both say the same."""
        return per_year_bps_down(value, fall.average, seconds) if seconds >= MIN_YEAR_SECONDS else None

    rows: list[WaterfallRow] = []
    running = 0
    sums: dict[str, int] = {}
    for line in fall.lines:
        note = ""
        if (line.key in facts.unknown or (line.key in _OF_RUNS and facts.kind == "statement")) and not line.value:
            continue
        if line.group == "exit":
            formula = "sum of the rows above"
            rows.append(
                WaterfallRow("before_exit", "Before leaving", "subtotal", running, total(running), _kept(sums), formula)
            )
            if facts.exit == "mark":
                note = "not closed: the study asked to be valued at the last price (exit = mark)"
        running += line.value
        for token, amount in line.tokens.items():
            sums[token] = sums.get(token, 0) + amount
        rows.append(
            WaterfallRow(
                line.key,
                _label(line, facts),
                "flow",
                line.value,
                yearly(line.value),
                dict(line.tokens),
                _OF_POSITIONS[line.key][1] if line.key in _OF_POSITIONS and facts.kind == "statement" else line.formula,
                note,
            )
        )
    formula = _OF_POSITIONS["keep"][1] if facts.kind == "statement" else "value of everything: end - start"
    rows.append(WaterfallRow("keep", "What you keep", "total", fall.keep, total(fall.keep), _kept(sums), formula))
    return rows


def _label(line: Line, facts: Facts) -> str:
    if line.key in _OF_POSITIONS and facts.kind == "statement":
        return _OF_POSITIONS[line.key][0]
    return cost_label(line, facts.study.networks, data_fee=facts.data_fee)


def cost_label(line: Line, names: Sequence[str], *, data_fee: bool) -> str:
    """Return what a row is called in a study over the networks ``names``.

    Execution is that of a Layer 2 only where a fee for data stands beside it everywhere (``data_fee``); of several networks
    each that takes the fee is named.
    """
    if line.key not in ("l1", "l2") or (len(names) == 1 and data_fee):
        return line.label
    if len(names) < 2:
        return "Network fee: execution" if line.key == "l2" else line.label
    what = "execution" if line.key == "l2" else "L1 data"
    taking = [name for name in names if line.key == "l2" or networks.get(name).data_fee]
    return f"Network fee: {what} on {' and '.join(taking) if len(taking) <= NAMED else f'{len(taking)} networks'}"


def _kept(sums: Mapping[str, int]) -> dict[str, int]:
    return {token: amount for token, amount in sums.items() if amount}


def _holding(drawn: Curves, kind: str) -> Alternative:
    if kind == "statement":
        return Alternative(drawn.held, "the same tokens, in and out at the same moments; nothing earned, no fees")
    return Alternative(drawn.held, "what you brought, untouched; nothing sold, no fees")


def _comparison(name: str, one: Alternative, capital: int) -> Comparison:
    return Comparison(name, one.keep, one.keep * BPS // capital if capital > 0 else 0, one.note)


def _series(books: Books, drawn: Curves, facts: Facts) -> Series:
    """Thin to at most ``MAX_POINTS``, evenly by place, the first and the last kept."""
    count = len(drawn.time)
    last = min(count, MAX_POINTS) - 1
    places = [place * (count - 1) // last for place in range(last + 1)] if last else [0]
    price: list[float] = []
    label = ""
    if facts.priced is not None:
        decimals = next(token.decimals for token in facts.tokens if token.id == facts.priced)
        for place in places:
            of = books.marks[drawn.marks[place]].prices[facts.priced]
            price.append(10**decimals * of.num // of.den / 10**6)
        label = f"{facts.study.home} per {facts.priced.split('@', 1)[0]}"
    return Series(
        time=[drawn.time[place] for place in places],
        value=[drawn.value[place] for place in places],
        hold=[drawn.hold[place] for place in places],
        fees=[drawn.income[place] for place in places],
        costs=[drawn.costs[place] for place in places],
        price=price,
        price_label=label,
    )


def _refused(record: Sequence[Step], facts: Facts) -> list[str]:
    """Say which steps were never sent and why; those skipped after them go without saying."""
    counts: dict[str, int] = {}
    for step in record:
        if isinstance(step, Recorded) and isinstance(step.status, Skipped | Expired):
            why = step.status.reason if isinstance(step.status, Skipped) else "its deadline had passed"
            if not why.startswith(("step ", "undone")):
                line = f"{step.verb} at {step.venue} was not sent: {why}{facts.words(step.venue, why)}"
                counts[line] = counts.get(line, 0) + 1
    return [line if count == 1 else f"{line} ({count} times)" for line, count in sorted(counts.items())]


def _in_flight(books: Books, facts: Facts) -> list[str]:
    """Say how long money was between two networks: all that time it earned nothing."""
    seen: dict[str, tuple[int, int]] = {}
    what: dict[str, str] = {}
    for place, state in enumerate(books.states):
        for claim in state.claims.values():
            if claim.treatment.account == "flight":
                there = books.marks[min(place + 1, len(books.marks) - 1)].time  # until the mark at which it is gone
                first, _ = seen.get(claim.id, (books.marks[place].time, 0))
                seen[claim.id] = first, there
                what[claim.id] = " and ".join(
                    f"{_whole(n, token, facts)} {token.replace('@', ' on its way to ')}"
                    for token, n in claim.principal.items()
                )
    return [
        f"{what[name]} for {(last - first) // 8_640 / 10} days ({name}): in flight it earned nothing"
        for name, (first, last) in seen.items()
    ]


def _locked(books: Books, facts: Facts) -> list[str]:
    """Name what is still locked at the end, and until when; of a queue nobody knows."""
    last, told = books.marks[-1], []
    for position in last.positions:
        if treatment(position.kind).account != "locked":
            continue
        for token, amount in position.principal.items():
            whole = f"{_whole(amount, token, facts)} {token.partition('@')[0]} at {position.venue}"
            if "end" not in position.data:  # nobody can say when a queue pays
                told.append(f"{whole} wait in a queue ({position.id}): valued at what it would pay now, not taken yet")
                continue
            date = rfc3339(position.data["end"])
            if position.data["end"] > last.time:
                told.append(
                    f"{whole} stay locked until {date}: valued at the last price, not sold, not to be had before"
                )
            else:
                told.append(f"{whole} were locked until {date} and have not been taken back")
    return told


def _whole(amount: int, token: str, facts: Facts) -> str:
    decimals = next(one.decimals for one in facts.tokens if one.id == token)
    return format_amount(amount, decimals, min(decimals, 6))


def _leftovers(record: Sequence[Step], books: Books, fall: Waterfall, facts: Facts) -> list[str]:
    """Say what was to be closed into the home asset and was not; gas money and dust (1 in 10,000) apart."""
    if facts.exit != "close":
        return []
    natives = {step.native for step in record if isinstance(step, Recorded)}
    end = books.states[-1]
    locked: dict[str, int] = {}
    for (account, token), amount in end.accounts.items():
        if account.startswith("locked:"):
            locked[token] = locked.get(token, 0) + amount
    left: list[str] = []
    for token, held in end.valued().items():
        amount = held - locked.get(token, 0)  # what is locked is named apart
        if token.partition("@")[0] == facts.study.home or token in natives or not amount:
            continue  # home is home on every network of the study
        of = books.marks[-1].prices[token]
        value = amount * of.num // of.den
        if value * BPS > fall.end_value:
            left.append(
                f"{_whole(amount, token, facts)} {token.partition('@')[0]} (worth {money(value, facts.study.home)})"
            )
    lines = [f"not closed into {facts.study.home} at the end: {', '.join(left)}"] if left else []
    for claim in books.states[-1].claims.values():
        amount, of = claim.principal.get(facts.home, 0), books.marks[-1].prices[facts.home]
        if claim.treatment.account != "locked" and amount * of.num // of.den * BPS > fall.end_value:
            decimals = next(one.decimals for one in facts.tokens if one.id == facts.home)
            lines.append(f"still at {claim.venue} at the end: {format_amount(amount, decimals, 2)} {facts.study.home}")
    return lines
