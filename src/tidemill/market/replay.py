"""A dataset replayed: the tape and the flow, and an account of what could not be determined."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from tidemill.errors import BadData
from tidemill.market.book import UnknownLiquidity
from tidemill.market.rows import EventRow
from tidemill.market.walk import UNBOUNDED, Order, Spot, Walk, bound, price_at, walk
from tidemill.venues.uniswap_v3.tape import Flow, Tape

if TYPE_CHECKING:
    from tidemill.market.book import Book
    from tidemill.market.store import Dataset

__all__ = ["Account", "Replay", "SwapType", "replay", "reproduce"]


class SwapType(IntEnum):
    """How a swap was called, as far as its outcome tells; codes of ``Flow.swap_type``."""

    EXACT_IN = 0
    EXACT_OUT = 1
    PRICE_LIMITED = 2


class Account(Struct, frozen=True, kw_only=True):
    """What a replay did and did not reproduce to the wei. Events are named (block, log index)."""

    fidelity: str
    swaps: int
    exact_in: int
    exact_out: int
    price_limited: int
    in_cell: int = 0
    """Reproduced swaps that stayed in their cell."""
    cell_changing: int = 0
    """Reproduced swaps that left it."""
    positions: int = 0
    """Mints and burns whose amounts reproduced."""
    no_state: tuple[tuple[int, int], ...] = ()
    """Swaps with no earlier state: the first."""
    undeterminable: tuple[tuple[int, int], ...] = ()
    """Swaps through liquidity that no earlier event shows."""
    undeterminable_later: int = 0
    """Of these, how many reproduce once later events are used too."""
    mismatched: tuple[tuple[int, int], ...] = ()
    """Events that contradict earlier ones: something is missing from the data."""
    model_error: str = ""
    """One line for reports."""

    @property
    def reproduced(self) -> int:
        """Swaps reproduced to the wei: price, both amounts, fee, liquidity and tick."""
        return self.exact_in + self.exact_out + self.price_limited


class Replay(NamedTuple):
    """Tape, flow and account of a dataset."""

    tape: Tape
    flow: Flow
    account: Account


def replay(dataset: Dataset) -> Replay:
    """Replay a dataset at its own fidelity.

    Raises
    ------
    ReplayMismatch : an exact dataset does not reproduce; the message names the event.
    BadData : the events contradict each other.
    """
    fidelity = dataset.manifest.fidelity
    if fidelity == "inferred":
        from tidemill.market.infer import infer  # noqa: PLC0415  (loaded for what it replays only)

        return infer(dataset.events, dataset.pool)
    if fidelity == "exact":
        from tidemill.market.exact import replay_exact  # noqa: PLC0415

        return replay_exact(dataset)
    if fidelity == "bars":
        from tidemill.market.bars import replay_bars  # noqa: PLC0415

        return replay_bars(dataset)
    raise BadData(f"{dataset.folder or dataset.manifest.title}: fidelity {fidelity!r} is not exact, inferred or bars")


def reproduce(book: Book, spot: Spot, event: EventRow, down: bool, fee: int) -> tuple[SwapType, Walk] | None:
    """Find how a recorded swap was called: the first type whose execution gives every recorded value, or None.

    Raises ``UnknownLiquidity`` when no type fits and one of them met liquidity the book does not know.
    """
    paid, got = event.paid_in(down), event.paid_out(down)
    calls: Sequence[tuple[SwapType, bool, int, int]] = (
        (SwapType.EXACT_IN, True, paid, bound(down)),
        (SwapType.EXACT_OUT, False, got, bound(down)),
        (SwapType.PRICE_LIMITED, True, UNBOUNDED, event.price),
    )
    if event.swap_type is not None:
        calls = calls[event.swap_type : event.swap_type + 1]
    unknown = None
    for kind, exact_in, amount, limit in calls:
        try:
            done = walk(book, spot, Order(down, exact_in, amount, limit), fee)
        except UnknownLiquidity as error:
            unknown = error
            continue
        if (done.price, done.amount_in, done.amount_out, done.liquidity) != (event.price, paid, got, event.liquidity):
            continue
        if tick_fits(event.tick, done):
            return kind, done
    if unknown is not None:
        raise unknown
    return None


def tick_fits(tick: int, done: Walk) -> bool:
    """Whether ``tick`` is the one the contract stores after ``done``."""
    if done.tick is not None:
        return tick == done.tick
    return price_at(tick) <= done.price < price_at(tick + 1)
