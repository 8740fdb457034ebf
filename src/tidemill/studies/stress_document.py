"""What a stress says: the versioned document, and how it is filled from what each future left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

__all__ = [
    "BPS",
    "QUANTILES",
    "TAIL_PERCENT",
    "Annual",
    "Cause",
    "Fan",
    "ModelError",
    "Reduced",
    "StressDocument",
    "figures",
    "stopped_words",
]

BPS = 10_000
QUANTILES = (1, 5, 25, 50, 75, 95, 99)
TAIL_PERCENT = 5
STOPPED = {
    "short": "the wallet could not pay the network for what was to be done, so it was left undone",
    "gone": "a liquidation took everything, and nothing was left to act with",
}
"""Why a future stopped acting, by what counts it."""


class Cause(Struct, frozen=True):
    """One row of the waterfall over all futures: mean, and the 5th and 95th of a hundred, micro-units of home."""

    key: str
    label: str
    mean: int
    low: int
    high: int


class Fan(Struct, frozen=True):
    """What one's money is worth as time passes: for a fan chart.

    ``seconds`` since the start, about a hundred moments; ``quantiles`` by percent, each as long as ``seconds``, micro-units of
    home; ``mean`` likewise.
    """

    seconds: list[int]
    quantiles: dict[str, list[int]]
    mean: list[int]


class ModelError(Struct, frozen=True):
    """How far the float tier was from its exact twin on the same drawn futures: parts of the capital in billionths.

    ``paths``: the first so many futures, played by both. ``worst_ppb``: largest difference of what is kept; ``mean_ppb``: the
    mean of their sizes, both rounded up. A basis point is 100,000 of them.
    """

    paths: int
    worst_ppb: int
    mean_ppb: int


class Reduced(Struct, frozen=True):
    """The mean with less noise: what known expectations explain is taken off it (`reduction`).

    ``mean`` and its standard ``error`` in micro-units of home; the rows by cause add up to the plain mean, not to this one.
    ``gain_percent``: the plain error of as many independent futures over this one, 100 for no gain. ``controls``: how many.
    ``draws``: ``plain``, ``pairs`` or ``even``.
    """

    mean: int
    error: int
    gain_percent: int
    controls: int
    draws: str


class Annual(Struct, frozen=True):
    """What a year may take that no drawn price shows: hacks, issuers, networks. From dated facts (``studies.risk``).

    Expected loss of the capital, micro-units of home: lowest, usual and highest estimate, every factor that several parts
    rest on counted once; ``chance_bps`` of losing more than 1 % in a year, ``None`` where too much can go wrong to count;
    ``causes``: usual expected loss by cause. ``grade`` as `tidemill risk` gives it.
    """

    low: int
    usual: int
    high: int
    chance_bps: int | None
    grade: str
    causes: dict[str, int]
    factors: list[str]


class StressDocument(Struct, frozen=True):
    """The versioned result. Money in micro-units of home; shares of futures in basis points.

    ``quantiles`` of what is kept, by percent; ``mean_error`` is the standard error of ``mean``. ``var`` and ``cvar`` are
    what is kept at the 5th of a hundred, and on average below it. ``loss_bps`` are futures in which less than nothing is
    kept, ``behind_bps`` those in which holding would have kept more, ``liquidated_bps`` those with a liquidation.
    ``drawdown_bps``: the deepest fall from a peak, median and 5th of a hundred. ``under_bps``: part of the time worth less
    than at the start, mean. ``volatility_bps`` is what the model was fitted to, per year; ``None`` where nothing is drawn;
    ``volatility_range_bps``: between which nine of ten futures draw theirs. ``model`` is the one used, ``asked`` the one asked
    for: a short history gets a weaker one, and a warning says so.

    ``tier``: ``markets`` (whole markets, event by event), ``exact`` (drawn hours, integer kernels) or ``fast`` (drawn hours,
    floats, with its ``error``). ``diagnostics``: how well the model fits. ``assumed``: what nothing in the study says.
    ``stopped``: in how many futures something was left undone, by cause (`STOPPED`).
    ``cvar_by_cause``: the mean of each row over the worst twentieth: what made it the worst. ``reduced``: the mean by control
    variates, where kernels play enough futures.
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
    tier: str = "markets"
    error: ModelError | None = None
    fan: Fan | None = None
    annual: Annual | None = None
    diagnostics: list[str] = []
    assumed: list[str] = []
    cvar_by_cause: dict[str, int] = {}
    stopped: dict[str, int] = {}
    reduced: Reduced | None = None
    asked: str = ""
    volatility_range_bps: list[int] | None = None
    result_hash: str = ""


def figures(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields of a document that what each future left decides.

    An answer has ``keep``, ``holding``, ``capital``, ``rows``, ``labels``, ``drawdown_bps``, ``under_bps``, ``liquidated``,
    ``failed``, counts by `STOPPED` where there are any, and ``worth`` at the moments ``seconds``.
    """
    keep = np.array([answer["keep"] for answer in answers], dtype=float)
    order = np.argsort(keep, kind="stable")
    tail = order[: max(len(keep) * TAIL_PERCENT // 100, 1)]
    drawn = np.array([answer["drawdown_bps"] for answer in answers])
    return {
        "worlds": len(answers),
        "capital_value": answers[0]["capital"],
        "mean": math.floor(keep.mean()),
        "mean_error": math.ceil(keep.std(ddof=1) / math.sqrt(len(keep))),
        "quantiles": {f"{q}": math.floor(np.quantile(keep, q / 100)) for q in QUANTILES},
        "var": math.floor(np.quantile(keep, TAIL_PERCENT / 100)),
        "cvar": math.floor(keep[tail].mean()),
        "loss_bps": _share(answer["keep"] < 0 for answer in answers),
        "behind_bps": _share(answer["keep"] < answer["holding"] for answer in answers),
        "liquidated_bps": _share(answer["liquidated"] > 0 for answer in answers),
        "drawdown_bps": [math.floor(np.median(drawn)), math.floor(np.quantile(drawn, TAIL_PERCENT / 100))],
        "under_bps": round(float(np.mean([answer["under_bps"] for answer in answers]))),
        "failed": sum(answer["failed"] for answer in answers),
        "stopped": {key: count for key in STOPPED if (count := sum(answer.get(key, 0) > 0 for answer in answers))},
        "causes": _causes(answers),
        "cvar_by_cause": _mean_rows([answers[i] for i in tail]),
        "fan": _fan(answers),
    }


def stopped_words(document: StressDocument) -> list[str]:
    """Say in how many futures something was left undone, and why."""
    return [
        f"in {count:,} of {document.worlds:,} futures {STOPPED[key]}" for key, count in sorted(document.stopped.items())
    ]


def _share(found: Any) -> int:
    flags = [bool(flag) for flag in found]
    return sum(flags) * BPS // len(flags)


def _labels(answers: Sequence[dict[str, Any]]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for answer in answers:
        labels |= {key: label for key, label in answer["labels"].items() if key not in labels}
    return labels


def _causes(answers: Sequence[dict[str, Any]]) -> list[Cause]:
    out = []
    for key, label in _labels(answers).items():
        values = np.array([answer["rows"].get(key, 0) for answer in answers], dtype=float)
        if values.any():
            low, high = (math.floor(np.quantile(values, q)) for q in (0.05, 0.95))
            out.append(Cause(key, label, math.floor(values.mean()), low, high))
    return out


def _mean_rows(answers: Sequence[dict[str, Any]]) -> dict[str, int]:
    found = {}
    for key in _labels(answers):
        values = [answer["rows"].get(key, 0) for answer in answers]
        if any(values):
            found[key] = math.floor(sum(values) / len(values))
    return found


def _fan(answers: Sequence[dict[str, Any]]) -> Fan | None:
    if "worth" not in answers[0]:
        return None
    worth = np.array([answer["worth"] for answer in answers], dtype=float)
    lines = np.floor(np.quantile(worth, [q / 100 for q in QUANTILES], axis=0)).astype(np.int64)
    return Fan(
        seconds=list(answers[0]["seconds"]),
        quantiles={f"{q}": line.tolist() for q, line in zip(QUANTILES, lines, strict=True)},
        mean=np.floor(worth.mean(axis=0)).astype(np.int64).tolist(),
    )
