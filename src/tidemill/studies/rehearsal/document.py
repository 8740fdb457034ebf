"""The versioned result of a rehearsal: what the terminal prints and ``rehearsal.json`` holds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

__all__ = [
    "BalanceRow",
    "Cause",
    "CauseRow",
    "Covered",
    "Fate",
    "FateRow",
    "FeeRow",
    "ModeRow",
    "OwnTransaction",
    "PaceInfo",
    "RehearsalDocument",
    "StateRow",
    "Transactions",
    "WindowInfo",
]

Cause = Literal["delay", "price", "failed", "gas", "others"]
Fate = Literal["landed", "failed", "not sent"]
SCHEMA = "tidemill.rehearsal/2"


class WindowInfo(Struct, frozen=True):
    """The part of the study that was rehearsed: seconds and blocks, and what stands at its start.

    ``synthetic_start`` says that the pool's ranges were made up to fit the liquidity that events show.
    """

    start: int
    end: int
    first_block: int
    last_block: int
    ranges: int
    synthetic_start: bool
    notes: list[str]


class Covered(Struct, frozen=True):
    """How much of the study the window holds: recorded actions, and own steps of the study's own backtest in it."""

    actions: int
    actions_of: int
    own_steps: int
    own_steps_of: int

    @property
    def actions_bps(self) -> int:
        """Share of the recorded actions, basis points, rounded down."""
        return self.actions * 10_000 // self.actions_of if self.actions_of else 10_000


class BalanceRow(Struct, frozen=True):
    """What an account holds of a token at the end, raw units, on both sides.

    Accounts of others were given a plenty of test tokens: theirs are counted from there, negative for what they paid.
    """

    account: str
    token: str
    model: int
    chain: int
    difference: int


class StateRow(Struct, frozen=True):
    """A part of a venue's state at the end; ``values`` is what both show, or what each shows where they differ."""

    venue: str
    name: str
    equal: bool
    values: str


class Transactions(Struct, frozen=True):
    """What the local chain mined, and how much of it was refused (on both sides, where they agree)."""

    others: int
    others_refused: int
    others_refused_by_model: int
    own: int
    own_failed: int
    questions: int


class OwnTransaction(Struct, frozen=True):
    """A signed transaction of the journal; nonces count on each network of their own."""

    id: str
    nonce: int
    hash: str
    block: int
    state: str
    network: str = ""


class FeeRow(Struct, frozen=True):
    """The model's gas and fee for a verb against receipts: errors in basis points of what was measured."""

    venue: str
    verb: str
    count: int
    reverted: int
    model_gas: int
    chain_gas: int
    model_fee: int
    chain_fee: int
    gas_median_bps: int
    gas_max_bps: int
    fee_median_bps: int
    fee_max_bps: int


class ModeRow(Struct, frozen=True):
    """The same window once more: what is kept and earned of it, micro-units of home; steps done.

    Network fees are in wei of the study's own native token; another network's at the prices of the end, rounded up.
    """

    name: str
    keep: int
    earned: int
    network_fees: int
    steps: int
    note: str


class PaceInfo(Struct, frozen=True):
    """How a live-like rehearsal compressed time, and what became of it.

    Every ``interval_ms`` of real time a block, each ``seconds_per_block`` of world time later; ``blocks`` were mined,
    ``planned_blocks`` are the window's own; ``limit_s`` of real time would have ended it. ``delay_s`` of world time lay
    between deciding a step and its inclusion, in the median (0 where nothing was included). ``late`` actions of others
    came more than two blocks behind their recorded second.
    """

    interval_ms: int
    seconds_per_block: int
    planned_blocks: int
    blocks: int
    limit_s: int
    delay_s: int
    late: int


class FateRow(Struct, frozen=True):
    """What became of own steps in a live-like rehearsal: how many, why, and what they cost in wei."""

    fate: Fate
    reason: str
    steps: int
    cost: int


class CauseRow(Struct, frozen=True):
    """A part of the tracking error, micro-units of home; the parts add up to the whole."""

    cause: Cause
    value: int
    how: str


class RehearsalDocument(Struct, frozen=True, kw_only=True):
    """A rehearsal. Money in micro-units of home, tokens in raw units, gas fees in wei."""

    schema: str = SCHEMA
    tool_version: str
    title: str
    strategy: str
    network: str
    home: str
    mode: Literal["locked", "live-like"]
    gas: Literal["model", "measured"]
    study_mode: str
    window: WindowInfo
    covered: Covered
    decimals: dict[str, int]
    balances: list[BalanceRow]
    state: list[StateRow]
    steps_compared: int
    marks_compared: int
    differences: list[str]
    transactions: Transactions
    journal: list[OwnTransaction]
    fees: list[FeeRow]
    modes: list[ModeRow]
    tracking_error: int | None
    causes: list[CauseRow]
    pace: PaceInfo | None
    fates: list[FateRow]
    books_equal: bool
    agrees: bool
    verdict: str
    networks: list[str] = field(default_factory=list)
