"""The versioned result: one schema for terminal, JSON, report and dashboard: a figure is the same everywhere.

Money is integers. ``value`` fields are micro-units (1e-6) of the study's home asset; ``tokens`` and every other mapping
of amounts are raw units by token id (``TokenInfo.id``); rates are basis points per year (1e-4); times are Unix seconds.
Unknown is ``None`` with a reason, never 0.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

__all__ = [
    "SCHEMA",
    "Assumption",
    "Comparison",
    "CostRow",
    "Fidelity",
    "Headline",
    "PositionRow",
    "Proof",
    "ResultDocument",
    "Series",
    "StreamRow",
    "StudyInfo",
    "TokenInfo",
    "WaterfallRow",
]

SCHEMA = "tidemill.result/1"

Proof = Literal["bytecode-equal", "fork-equal", "rule-checked", "unproven"]
"""Proof levels, strongest first (architecture page)."""


class TokenInfo(Struct, frozen=True):
    """A token of the study: ``id`` is ``SYMBOL@network``."""

    id: str
    symbol: str
    decimals: int
    network: str


class StudyInfo(Struct, frozen=True):
    """What was run. ``synthetic`` data are labelled wherever they are shown; ``home`` is the symbol of the home asset,
    ``capital`` raw units by symbol.
    """

    title: str
    subtitle: str
    strategy: str
    strategy_hash: str
    parameters: dict[str, str]
    networks: list[str]
    venues: list[str]
    start: int
    end: int
    home: str
    synthetic: bool
    capital: dict[str, int]


class Fidelity(Struct, frozen=True):
    """How true the numbers are: data fidelity, mode of own liquidity, proof level, measured model error.

    ``data`` is ``scripted`` where no recorded market stands behind the study: flow and yield then follow from its
    parameters and its seed, and nothing was replayed.
    """

    data: Literal["exact", "inferred", "bars", "scripted"]
    mode: Literal["small", "diluted", "impact", "anchored", "n/a"]
    proof: Proof
    error: str
    notes: list[str] = field(default_factory=list)


class Headline(Struct, frozen=True):
    """What a person keeps, after closing into the home asset; ``per_year_bps`` is ``None`` for too short a period.

    ``break_even_day``: days from the start to the first moment from which on, until the end, the run is worth at least
    what holding is. ``minimum_capital``: where what scales with size just pays the network fees, holding compared.
    ``money_weighted_bps``: where capital came or went, the yearly rate at which all of it, from when it came, becomes
    the end value, compounded.
    """

    capital_value: int
    final_value: int
    keep: int
    keep_bps: int
    per_year_bps: int | None
    per_year_note: str
    break_even_day: float | None
    break_even_note: str
    minimum_capital: int | None
    minimum_capital_note: str
    what_would_change: str
    money_weighted_bps: int | None = None


class WaterfallRow(Struct, frozen=True):
    """One row: ``kind`` is ``flow`` (adds up), ``subtotal`` or ``total``; ``formula`` says how it was computed.

    ``key``: fees, growth, rewards, fees_move, growth_move, rewards_move, hodl, divergence, drift, swaps, l2, l1,
    operator, failed, events, rounding, before_exit (subtotal), exit, keep (total). A price move has no ``tokens``.
    """

    key: str
    label: str
    kind: Literal["flow", "subtotal", "total"]
    value: int
    per_year_bps: int | None
    tokens: dict[str, int]
    formula: str
    note: str = ""


class Comparison(Struct, frozen=True):
    """The same capital and period held another way."""

    name: str
    keep: int
    keep_bps: int
    note: str = ""


class CostRow(Struct, frozen=True):
    """Network fees by venue and verb. Fees in wei of the native token and in home micro-units."""

    venue: str
    verb: str
    count: int
    failed: int
    gas_used: int
    l2_execution: int
    l1_data: int
    operator: int
    value: int


class PositionRow(Struct, frozen=True):
    """A position's life. Ticks where it has a range; ``deposited``/``withdrawn``/``fees`` are raw units by token id.

    ``fees`` are all its income (rewards, growth); ``liquidity`` the most it held; ``in_range_bps`` is by time, at
    the marks.
    """

    id: str
    venue: str
    opened: int
    closed: int | None
    tick_lower: int | None
    tick_upper: int | None
    price_lower: float | None
    price_upper: float | None
    liquidity: int | None
    deposited: dict[str, int]
    withdrawn: dict[str, int]
    fees: dict[str, int]
    in_range_bps: int | None


class Assumption(Struct, frozen=True):
    """An input not found in the data, with the headline at half and double of it."""

    key: str
    label: str
    value: str
    unit: str
    source: str
    as_of: str
    keep_at_half: int | None
    keep_at_double: int | None


class StreamRow(Struct, frozen=True):
    """What one stream of a portfolio earned, micro-units of home; ``common`` is the purse of what no stream has.

    ``brought`` is what was moved to it less what was moved from it, at the prices then; ``rows`` are its waterfall by key
    and add up, over the streams, to the whole's, each but for one micro-unit of rounding a stream.
    """

    name: str
    start_value: int
    brought: int
    end_value: int
    keep: int
    rows: dict[str, int]
    unexplained: int


class Series(Struct, frozen=True):
    """Curves for drawing, about 2,000 points at most: same length, home micro-units; prices for display only."""

    time: list[int]
    value: list[int]
    hold: list[int]
    fees: list[int]
    costs: list[int]
    price: list[float]
    price_label: str = ""


class ResultDocument(Struct, frozen=True):
    """Everything a report shows. ``result_hash`` covers canonical content: keys sorted, integers as decimals."""

    schema: str
    kind: str
    tool_version: str
    study: StudyInfo
    tokens: list[TokenInfo]
    fidelity: Fidelity
    headline: Headline
    waterfall: list[WaterfallRow]
    unexplained: int
    unexplained_bound: int
    comparisons: list[Comparison]
    costs: list[CostRow]
    positions: list[PositionRow]
    assumptions: list[Assumption]
    series: Series
    warnings: list[str]
    result_hash: str = ""
    streams: list[StreamRow] = field(default_factory=list)
