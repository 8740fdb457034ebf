"""Fidelity ``exact``: initial pool state and all events; every amount must reproduce.

Two replays: ``replay_exact`` walks swaps over the full book of liquidity and gives tape and flow; ``replay_model`` puts
every event through the venue's model, collects included, and gives the state at the end. The first mismatch stops both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from tidemill.errors import BadData, ReplayMismatch
from tidemill.interfaces import Block, Event
from tidemill.market.book import FullBook
from tidemill.market.replay import Account, Replay, SwapType
from tidemill.market.replayer import Replayer, position_amounts
from tidemill.market.rows import EventRow, event_rows
from tidemill.market.schema import Kind
from tidemill.market.walk import UNBOUNDED, Order, Spot, Step, bound, walk

if TYPE_CHECKING:
    from tidemill.market.store import Dataset
    from tidemill.venues.uniswap_v3.model_state import PoolState

__all__ = ["exact_pass", "model_events", "replay_exact", "replay_model"]


def replay_exact(dataset: Dataset) -> Replay:
    """Replay over the full book; raises ``ReplayMismatch`` naming the first event that does not reproduce."""
    replayer, rows = exact_pass(dataset)
    replayer.run(rows)
    swaps = sum(replayer.counts.values())
    account = Account(
        fidelity="exact",
        swaps=swaps,
        exact_in=replayer.counts[SwapType.EXACT_IN],
        exact_out=replayer.counts[SwapType.EXACT_OUT],
        price_limited=replayer.counts[SwapType.PRICE_LIMITED],
        in_cell=replayer.in_cell,
        cell_changing=replayer.cell_changing,
        positions=replayer.positions,
        model_error=f"all {swaps} swaps and {replayer.positions} position changes reproduce to the wei",
    )
    return Replay(*replayer.build(rows), account)


def exact_pass(dataset: Dataset) -> tuple[Replayer, list[EventRow]]:
    """Return the pass over a full book, ready to be run, and its events; raises ``BadData`` without an initial state."""
    state = _initial(dataset)
    book = FullBook(state.tick_spacing, {t: (i.liquidity_gross, i.liquidity_net) for t, i in state.ticks.items()})
    spot = Spot(state.sqrt_price_x96, state.tick, state.liquidity) if state.sqrt_price_x96 else None
    replayer = _Exact(dataset, book, spot)
    replayer.fee_protocol = [state.fee_protocol_0, state.fee_protocol_1]
    return replayer, list(event_rows(dataset.events))


class _Exact(Replayer):
    def __init__(self, dataset: Dataset, book: FullBook, spot: Spot | None) -> None:
        super().__init__(dataset.pool, book, spot)
        self.where = str(dataset.folder or dataset.manifest.title)

    def on_mismatch(self, row: EventRow, down: bool) -> NoReturn:
        if row.kind != Kind.SWAP:
            delta = row.liquidity if row.kind == Kind.MINT else -row.liquidity
            model = position_amounts(self.spot, row.lower, row.upper, delta)
            self.fail(
                row, f"amounts are {row.amount0}, {row.amount1} in the record, {model[0]}, {model[1]} in the model"
            )
        told = SwapType(row.swap_type or 0)
        exact_in = told != SwapType.EXACT_OUT
        amount = row.paid_in(down) if exact_in else row.paid_out(down)
        limit = row.price if told == SwapType.PRICE_LIMITED else bound(down)
        order = Order(down, exact_in, UNBOUNDED if told == SwapType.PRICE_LIMITED else amount, limit)
        done = walk(self.book, self.spot, order, self.pool.fee)
        self.fail(
            row,
            f"price {row.price}, in {row.paid_in(down)}, out {row.paid_out(down)}, liquidity {row.liquidity} in the "
            f"record; price {done.price}, in {done.amount_in}, out {done.amount_out}, liquidity {done.liquidity} in "
            "the model",
        )

    def on_unknown(self, number: int, row: EventRow, down: bool) -> list[Step]:
        raise AssertionError("a full book knows every cell")

    def fail(self, row: EventRow, what: str) -> NoReturn:
        raise ReplayMismatch(f"{self.where}: {Kind(row.kind).name.lower()} at {row} does not reproduce: {what}")


def _initial(dataset: Dataset) -> PoolState:
    state: PoolState | None = dataset.initial_state()
    if state is None:
        raise BadData(f"{dataset.folder or dataset.manifest.title}: no initial state; exact replay needs state.json")
    return state


_ARGUMENTS: dict[Kind, tuple[str, dict[str, str]]] = {
    Kind.SWAP: ("Swap", {"amount0": "amount0", "amount1": "amount1", "sqrtPriceX96": "price", "tick": "tick"}),
    Kind.MINT: ("Mint", {"amount": "liquidity", "amount0": "amount0", "amount1": "amount1"}),
    Kind.BURN: ("Burn", {"amount": "liquidity", "amount0": "amount0", "amount1": "amount1"}),
    Kind.COLLECT: ("Collect", {"amount0": "amount0", "amount1": "amount1"}),
    Kind.FLASH: ("Flash", {"amount0": "amount0", "amount1": "amount1", "paid0": "paid0", "paid1": "paid1"}),
    Kind.COLLECT_PROTOCOL: ("CollectProtocol", {"amount0": "amount0", "amount1": "amount1"}),
    Kind.INITIALIZE: ("Initialize", {"sqrtPriceX96": "price", "tick": "tick"}),
    Kind.SET_FEE_PROTOCOL: (
        "SetFeeProtocol",
        {
            "feeProtocol0Old": "paid0",
            "feeProtocol1Old": "paid1",
            "feeProtocol0New": "amount0",
            "feeProtocol1New": "amount1",
        },
    ),
    Kind.INCREASE_OBSERVATIONS: (
        "IncreaseObservationCardinalityNext",
        {"observationCardinalityNextOld": "amount0", "observationCardinalityNextNew": "amount1"},
    ),
}


def model_events(dataset: Dataset) -> list[tuple[Block, Event]]:
    """Return the events under the pool's own names and arguments, with their blocks."""
    out = []
    people = dataset.events.select("sender", "owner", "recipient").iter_rows()
    for row, (sender, owner, recipient) in zip(event_rows(dataset.events), people, strict=True):
        name, arguments = _ARGUMENTS[Kind(row.kind)]
        args: dict[str, int | str | bool] = {ours: getattr(row, theirs) for ours, theirs in arguments.items()}
        args |= {k: v for k, v in (("sender", sender), ("owner", owner), ("recipient", recipient)) if v is not None}
        if row.kind in {Kind.MINT, Kind.BURN, Kind.COLLECT}:
            args |= {"tickLower": row.lower, "tickUpper": row.upper}
        if row.kind == Kind.SWAP:
            args["liquidity"] = row.liquidity
            if row.swap_type is not None:
                args["swap_type"] = row.swap_type
        out.append((Block(time=row.time, number=row.block), Event(name, args)))
    return out


class _Recorded:
    """The context of a recorded event."""

    def __init__(self, block: Block) -> None:
        self.block, self.sender = block, ""

    def balance(self, token: str, account: str) -> int:
        return UNBOUNDED

    def move(self, transfer: Any) -> None:
        """Nothing: the recorded tokens have moved."""

    def call(self, venue: str, action: Any) -> NoReturn:
        raise NotImplementedError("a recorded event calls nobody")

    def read(self, venue: str, query: str, *args: Any) -> NoReturn:
        raise NotImplementedError("a recorded event asks nobody")


def replay_model(dataset: Dataset, *, params: Mapping[str, Any] | None = None) -> PoolState:
    """Put every event through the venue's model and return the pool's state after the last.

    Raises
    ------
    ReplayMismatch : an amount does not reproduce; names the event.
    """
    from tidemill.venues.uniswap_v3.model import UniswapV3Model  # noqa: PLC0415 - the model loads every verb

    model = UniswapV3Model()
    initial = _initial(dataset)
    told = {"token0": initial.token0, "token1": initial.token1, "fee": initial.fee, "account": initial.account}
    state = model.init({**told, "owner": initial.owner, "tick_spacing": initial.tick_spacing, **(params or {})})
    state.pool = initial
    where = dataset.folder or dataset.manifest.title
    for (block, event), row in zip(model_events(dataset), event_rows(dataset.events), strict=True):
        try:
            model.replay(state, event, _Recorded(block))
        except ReplayMismatch as error:
            raise ReplayMismatch(f"{where}: {row}: {error}") from None
    return state.pool
