"""The price that a recorded pool showed: what an oracle of a scripted market may follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidemill.errors import BadInput, UnknownName
from tidemill.venues.kinds import Setup

__all__ = ["quoted"]


def quoted(setup: Setup, field: str, base: str, quote: str) -> Callable[[int], int]:
    """Return what a whole ``base`` was worth at a time (seconds), raw units of ``quote``, rounded down.

    ``setup.params[field]`` names the venue whose recorded path is asked: its price after the last step at or before the
    time, so that nothing later is known; before the first step, the price of that.

    Raises
    ------
    UnknownName : no venue of that name has a recorded market. BadInput : it trades other tokens.
    """
    name, where = str(setup.params[field]), f"venues.{setup.id}.params.{field}"
    if name not in setup.recorded:
        raise UnknownName("venue with a recorded market", name, setup.recorded, field=where)
    market = setup.recorded[name]
    pair = market.pool.token0.symbol, market.pool.token1.symbol
    if {*pair} != {base, quote}:
        raise BadInput(f"{name} trades {pair[0]} and {pair[1]}, not {base} for {quote}", field=where)
    tape: Any = market.tape()
    one, of_token0 = int(10 ** setup.decimals[base]), base == pair[0]

    def worth(time: int) -> int:
        from tidemill.units.jit import unpack  # noqa: PLC0415 - numba-heavy

        row = max(int(tape.time.searchsorted(time, side="right")) - 1, 0)
        root = int(unpack(tape.sqrt_price[row : row + 1])[0])
        square = root * root
        return one * square >> 192 if of_token0 else (one << 192) // square

    return worth
