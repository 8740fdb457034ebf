"""The headline: what a person keeps, from when on it pays, at what size it makes sense, and what would turn it."""

from __future__ import annotations

from tidemill.ledger.books import Books
from tidemill.ledger.judge import Curves, Scaling, break_even, money_weighted_bps_down, per_year_bps_down, scaling
from tidemill.ledger.measures import Measures
from tidemill.ledger.waterfall import Waterfall
from tidemill.studies.schema import Headline

__all__ = ["BPS", "MIN_YEAR_SECONDS", "figure", "headline", "money"]

BPS = 10_000
DAY = 86_400

MIN_YEAR_SECONDS = 7 * DAY
"""A shorter period is not annualised: one good day is not a year."""


def money(micro: int, home: str) -> str:
    """Write micro-units for a sentence, as ``figure`` has them.

    >>> money(-1_234_567_890, "USDC")
    '-1,234.57 USDC'
    """
    return f"{figure(micro)} {home}"


def figure(micro: int) -> str:
    """Write micro-units with two decimals from one unit up, else with as many as show something (at most six).

    >>> figure(-779_712), figure(12), figure(0)
    ('-0.7797', '0.000012', '0.00')
    """
    digits = 2 if abs(micro) >= 995_000 or not micro else 4 if abs(micro) >= 500 else 6
    unit = 10 ** (6 - digits)
    whole, part = divmod((abs(micro) + unit // 2) // unit, 10**digits)
    return f"{'-' if micro < 0 else ''}{whole:,}.{part:0{digits}d}"


def headline(books: Books, fall: Waterfall, drawn: Curves, home: str, *, fees_unknown: str = "") -> Headline:
    """Compose the headline of a statement; ``fees_unknown`` says why nothing is known of network fees."""
    start, end = books.marks[0].time, books.marks[-1].time
    seconds, split = end - start, scaling(books, fall)
    excess = fall.keep - drawn.held
    day, why = _break_even(drawn, excess, home)
    minimum, minimum_note = (None, fees_unknown) if fees_unknown else _minimum(split, excess, home)
    if fall.line("takings") is not None:
        minimum, minimum_note = (
            None,
            "fees from users do not grow with your capital, which only has to last until they come",
        )
    if fees_unknown:
        why = why.partition(";")[0]
    yearly = per_year_bps_down(fall.keep, fall.average, seconds)
    if seconds < MIN_YEAR_SECONDS:
        yearly, note = None, f"{_days(seconds)} days are too short a period to speak of a year"
    elif yearly is None:
        note = "nothing was invested"
    elif fall.line("takings") is not None:
        yearly, note = None, "what users and clients pay is no return on your own capital"
    else:
        note = f"simple, not compounded: {_days(seconds)} days scaled to 365"
    return Headline(
        capital_value=fall.capital,
        final_value=fall.capital + fall.keep if fall.brought else fall.end_value,
        keep=fall.keep,
        keep_bps=fall.keep * BPS // fall.capital if fall.capital > 0 else 0,
        per_year_bps=yearly,
        per_year_note=note,
        break_even_day=day,
        break_even_note=why,
        minimum_capital=minimum,
        minimum_capital_note=minimum_note,
        what_would_change=_what_would_change(fall, split, excess, home),
        money_weighted_bps=_money_weighted(books, fall, seconds),
    )


def _money_weighted(books: Books, fall: Waterfall, seconds: int) -> int | None:
    flows = Measures(books).owner_flows()
    if not flows or seconds < MIN_YEAR_SECONDS:
        return None
    opening = [(books.marks[0].time, fall.start_value)]
    return money_weighted_bps_down([*opening, *flows], fall.end_value, books.marks[-1].time)


def _break_even(drawn: Curves, excess: int, home: str) -> tuple[float | None, str]:
    at = break_even(drawn.time, drawn.value, drawn.hold)
    paid = break_even(drawn.time, drawn.income, drawn.costs)
    costs = (
        "income never stays above network fees and own swaps"
        if paid is None
        else f"income covers network fees and own swaps from day {_days(paid - drawn.time[0])} on"
    )
    if at is None:
        return None, f"at the end it is worth {money(-excess, home)} less than holding; {costs}"
    return (at - drawn.time[0]) / DAY, f"worth at least as much as holding from then until the end; {costs}"


def _minimum(split: Scaling, excess: int, home: str) -> tuple[int | None, str]:
    least = split.minimum_up
    fixed, scales = money(split.fixed, home), money(split.proportional, home)
    if least is None:
        return None, f"no size pays: what grows with capital came to {scales} beside holding, before {fixed} of fees"
    if least == 0 and split.proportional <= 0:
        return None, "nothing was earned beside holding and no network fees were paid: no size pays"
    if least == 0:
        return 0, "no network fees were paid, so that any size does"
    return least, (
        f"capital x {fixed} of network fees / {scales} that grows with capital, holding left out; "
        f"at {money(split.capital, home)} the run {'beats' if excess >= 0 else 'trails'} holding by "
        f"{money(abs(excess), home)}"
    )


def _what_would_change(fall: Waterfall, split: Scaling, excess: int, home: str) -> str:
    """Say by how much income or fees would have to differ for the run to do exactly as well as holding."""
    income = fall.value("income")
    parts: list[str] = []
    if income > 0:
        percent_up = _per_mille_up(abs(excess), income)
        way = "lower" if excess >= 0 else "higher"
        if excess < 0 or percent_up <= 1000:
            parts.append(f"income {percent_up // 10}.{percent_up % 10} % {way}")
    if split.fixed > 0 and excess >= 0:
        times = (split.fixed + excess) * 10 // split.fixed
        parts.append(f"network fees {_times(times)} times as high")
    elif 0 < -excess <= split.fixed:
        percent_up = _per_mille_up(-excess, split.fixed)
        parts.append(f"network fees {percent_up // 10}.{percent_up % 10} % lower")
    lost = fall.line("divergence")
    if lost is not None and excess < 0 and -lost.value >= -excess:
        percent_up = _per_mille_up(-excess, -lost.value)
        parts.append(f"divergence {percent_up // 10}.{percent_up % 10} % smaller")
    if excess == 0:
        return "it did exactly as well as holding"
    if not parts:
        return f"no single change: it is {money(-excess, home)} behind holding" if excess < 0 else "nothing it measured"
    verdict = "then holding would have kept as much" if excess > 0 else "then it would have kept as much as holding"
    return f"{', or '.join(parts)}: {verdict}"


def _times(tenths: int) -> str:
    return f"{tenths // 10:,}" if tenths >= 1_000 else f"{tenths // 10}.{tenths % 10}"


def _per_mille_up(part: int, whole: int) -> int:
    return -(-part * 1000 // whole)


def _days(seconds: int) -> str:
    tenths = seconds * 10 // DAY
    return f"{tenths // 10}.{tenths % 10}"
