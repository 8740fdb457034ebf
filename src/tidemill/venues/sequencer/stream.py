"""The transactions of a rollup's users, tick by tick, priced by the network's own fee formula; and Ethereum's prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks import FeeEnv, FeeParts, TxShape, assumed
from tidemill.networks.ethereum import Ethereum
from tidemill.units import BPS, RAY, format_amount, mul_div_down
from tidemill.venues.sequencer.prices import HOUR, blob_prices
from tidemill.venues.shared.lines import between_down

__all__ = ["DAY", "Tick", "blobs_from", "fees_of", "sample", "ticks", "told"]

DAY = 24 * HOUR
_RAY_IN_WEI = int(RAY) // 10**9
"""A figure is a ray of a gwei."""
DEAR = 50 * 10**9
"""Wei a blob gas from which on others put off what can wait."""


class Tick(Struct, frozen=True):
    """What came in between the tick before and ``time``, and prices then (wei a gas): the rollup's base fee, Ethereum's two."""

    time: int
    count: int
    base_fee: int
    gas_price: int
    blob_base_fee: int


def fees_of(network: str, tx: TxShape, tick: Tick, priority_fee: int) -> FeeParts:
    """Return what one transaction pays, by the formula and the dated parameters in force.

    Raises
    ------
    BadInput : the formula needs something besides these prices that the network's file does not have.
    """
    prices = {
        "base_fee": assumed(tick.base_fee),
        "priority_fee": assumed(priority_fee),
        "l1_base_fee": assumed(tick.gas_price),
        "blob_base_fee": assumed(tick.blob_base_fee),
    }
    return networks.get(network).fee(tx, FeeEnv.of(tick.time, prices))


def blobs_from(network: str) -> int:
    """Return when a network may first post blobs: when Ethereum has them and its own fee formula knows them."""
    cancun = networks.get("ethereum").facts.timeline("blob_target").entries[0].since
    own = networks.get(network).facts.timelines.get("blob_base_fee_scalar")
    return max(cancun, own.entries[0].since) if own else cancun


def ticks(
    params: Mapping[str, int | str],
    l1_gas: tuple[int, int],
    base_fee: tuple[int, int],
    draws: Random,
    start: int,
    end: int,
) -> Iterator[Tick]:
    """Yield every tick of a study: counts and prices go in a straight line from first to last, most of them off by a draw.

    ``l1_gas``, ``base_fee`` : Ethereum's gas price and the rollup's base fee, wei, at the start and at the end.
    """
    ethereum = networks.get("ethereum")
    assert isinstance(ethereum, Ethereum)
    step, swing, excess = int(params["every_hours"]) * HOUR, int(params["swing_bps"]), 0
    first, last = int(params["tx_per_day"]), int(params["tx_per_day_end"])
    later = start + int(params["blob_later_day"]) * DAY
    for time in range(start + step, end, step):
        done, whole = time - start, end - start
        daily = between_down(first, last, done, whole)
        count = mul_div_down(mul_div_down(daily, step, DAY), BPS - swing + draws.randrange(2 * swing + 1), BPS)
        gas = mul_div_down(between_down(*l1_gas, done, whole), BPS - swing + draws.randrange(2 * swing + 1), BPS)
        blob = 0
        try:
            schedule = ethereum.blob_schedule(time)
        except BadInput:
            schedule = None  # before Cancun
        if schedule is not None:
            use = int(params["blob_use_later_bps" if time > later > start else "blob_use_bps"])
            use = mul_div_down(use, BPS - (swing >> 2) + draws.randrange((swing >> 1) + 1), BPS)
            *_, (excess, blob) = blob_prices(schedule, excess, step // HOUR, use, DEAR, gas)
        yield Tick(time, count, between_down(*base_fee, done, whole), gas, blob)


def told(path: Any, levels: Mapping[str, int], start: int, end: int) -> Iterator[Tick]:
    """Yield the ticks of a table (a ``RatesPath``): what a row tells came in until the next one, whose time is the tick's.

    ``levels`` : prices in wei by name (``l1_gas_gwei`` …) where the table has no such column. The last row ends the stream: how
    long it lasted nobody says.
    """

    def price(name: str, row: int) -> int:
        return path.figures[name][row] // _RAY_IN_WEI if name in path.figures else levels[name]

    for row, time in enumerate(path.time[1:]):
        if start < time < end:
            count = path.figures["transactions"][row] // RAY
            yield Tick(time, count, *(price(f"{name}_gwei", row) for name in ("base_fee", "l1_gas", "blob_gas")))


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:
    """Say what a table would of the ticks behind ``now``: the next one's transactions and prices; nothing behind the last."""
    del now, decimals
    ahead = [item.action.args for item in stage.script[stage.played :]]
    served = ahead[0] if ahead else {"count": 0, "gas_price": 0, "blob_base_fee": 0, "base_fee": 0}
    prices = {"base_fee_gwei": "base_fee", "l1_gas_gwei": "gas_price", "blob_gas_gwei": "blob_base_fee"}
    cells = {name: format_amount(int(served[key]), 9) for name, key in prices.items()}
    return {"transactions": str(served["count"]), **cells}
