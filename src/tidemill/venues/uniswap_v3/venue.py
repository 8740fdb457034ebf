"""Uniswap v3 as a study places it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.venues.kinds import Kind, Placed, Setup, signs_of

if TYPE_CHECKING:
    from tidemill.venues.shared.history import History, Past

__all__ = ["VENUE"]


def place(setup: Setup) -> Placed:
    """Replay a recorded pool in the study's mode.

    Raises
    ------
    BadInput : the mode needs a liquidity that the data do not show.
    """
    market = setup.market
    info = market.pool
    if setup.mode in ("impact", "anchored"):
        if market.initial_state() is None:
            raise BadInput(
                f"mode {setup.mode!r} executes the flow again and needs the pool's whole liquidity, which "
                f"{market.manifest.title} does not show (fidelity {market.manifest.fidelity}); use 'diluted'",
                field=f"venues.{setup.id}.mode",
            )
        from tidemill.venues.uniswap_v3.pool_stage import place_executed  # noqa: PLC0415 - that mode only

        return place_executed(setup)
    from tidemill.venues.uniswap_v3.stage import Pool, ReplayStage  # noqa: PLC0415 - heavy by numba

    token0, token1 = (f"{token.symbol}@{setup.network}" for token in (info.token0, info.token1))
    pool = Pool(token0, token1, info.fee, info.tick_spacing)
    liquidity = market.path_liquidity()
    tape, flow = market.tape(), market.flow()

    # Whether each observation takes a new word is known only where the pool's state is; a live pool has many.
    slots = min(2, market.initial_state().observation_cardinality) if market.manifest.fidelity == "exact" else 2
    diluted = setup.mode == "diluted"

    def make() -> Stage:
        return ReplayStage(
            setup.id, setup.network, pool, tape, flow, liquidity, diluted=diluted, observation_slots=slots
        )

    def notes() -> tuple[str, ...]:
        if not liquidity.beyond:
            return ()
        return (f"{liquidity.beyond} own-swap quotes met cells not visited before: nearest known liquidity used",)

    return Placed(
        make,
        {info.token0.symbol: info.token0.decimals, info.token1.symbol: info.token1.decimals},
        pair=lambda stage: (pool.token0, pool.token1, stage.sqrt_price_x96),
        notes=notes,
    )


def history(past: Past) -> Sequence[History]:
    """Read back the position tokens of an account."""
    from tidemill.venues.uniswap_v3.history import histories  # noqa: PLC0415 - with a chain only

    return histories(past)


VENUE = Kind(
    "uniswap_v3",
    "amm",
    "bytecode-equal",
    "Concentrated liquidity: fees of swaps while the price is in your range.",
    dataset=True,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    income="Traders pay a fee on every swap; liquidity whose range holds the price shares it in proportion.",
    risks=(
        "divergence: the range sells what rises and buys what falls, and beyond an edge it holds one token alone",
        "out of range it earns nothing until the price returns or the range is moved, which costs swaps and gas",
        "liquidity added next to yours takes part of the same fees; the governor may take up to a quarter of them",
    ),
    verbs={"enter": "mint", "harvest": "harvest", "leave": "close"},
    history=history,
    signs=signs_of("tidemill.venues.uniswap_v3.signs"),
)
