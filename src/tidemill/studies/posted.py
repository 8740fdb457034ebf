"""What rollups paid Ethereum on each day of 2024, beside what the posting rules say: a check of the sequencer, never a fit.

One number per chain is read off: the bytes that a transaction adds to a compressed batch, from January alone, when data were
calldata. February to Dencun is then a test of the calldata rule, and everything behind Dencun a test of the rule for blobs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tidemill import networks
from tidemill.market.data import data_file
from tidemill.networks import FeeEnv, TxShape, assumed
from tidemill.units import BPS, format_amount, mul_div_down, parse_amount
from tidemill.venues.sequencer.rules import BLOB_BYTES, Packing, batches_up, posting_gas

__all__ = [
    "CHAINS",
    "GAS_PRICES",
    "PERIODS",
    "SPENT",
    "Day",
    "Period",
    "bytes_per_tx",
    "compare",
    "days",
    "margin",
    "table",
    "taken",
]

SPENT = "fees/l2_daily_l1cost_2024.parquet"
GAS_PRICES = "fees/eth_daily_avg_gas_price_2015_2025.parquet"
CHAINS: Mapping[str, Packing] = {
    # Nitro charges its batch poster 210,000 gas a batch beside the data (per-batch gas since ArbOS 12).
    "arbitrum_one": Packing(BLOB_BYTES, 6, 210_000, 100_000, 210_000),
    "base": Packing(),
    "op_mainnet": Packing(),
}
"""How each chain of the file packs."""
BLOBS_FROM = dt.date(2024, 3, 14)
PERIODS: tuple[tuple[str, dt.date, dt.date], ...] = (
    ("January, calldata (bytes read off here)", dt.date(2024, 1, 1), dt.date(2024, 1, 31)),
    ("February to 13 March, calldata", dt.date(2024, 2, 1), dt.date(2024, 3, 13)),
    ("15 March to May, blobs", dt.date(2024, 3, 15), dt.date(2024, 5, 31)),
    ("June, blobs", dt.date(2024, 6, 1), dt.date(2024, 6, 30)),
    ("July to September, blobs", dt.date(2024, 7, 1), dt.date(2024, 9, 30)),
    ("October to December, blobs", dt.date(2024, 10, 1), dt.date(2024, 12, 31)),
)
"""Name, first and last day. 14 March is left out: Arbitrum changed over in the course of it."""


class Day(Struct, frozen=True):
    """A day of a chain: transactions, what its batcher paid Ethereum (wei), and Ethereum's mean gas price (wei)."""

    date: dt.date
    count: int
    paid: int
    gas_price: int
    execution: int
    """What its users paid for execution, wei: the mean fee of a transaction times their number. Of Arbitrum it is nonsense."""


class Period(Struct, frozen=True):
    """``paid`` and ``modelled`` wei of a period; ``blob_gas`` is what the model posts, ``dear`` the blob base fee in wei that
    would explain the difference (none where there is none to explain, or no blobs).
    """

    name: str
    transactions: int
    paid: int
    modelled: int
    blob_gas: int
    dear: int | None


def days(chain: str) -> list[Day]:
    """Return the recorded days of a chain; raises ``BadData`` where the files are absent."""
    import polars as pl  # noqa: PLC0415 - heavy; the rules do without it

    spent = pl.read_parquet(data_file(SPENT)).filter(pl.col("chain") == chain)
    both = spent.join(pl.read_parquet(data_file(GAS_PRICES)), on="date").sort("date")
    columns = (both[name] for name in ("date", "tx_count", "l1_gas_eth", "avg_gas_price_wei", "l2_fee_eth"))
    return [
        Day(date, count, _wei(paid), price, count * _wei(each))
        for date, count, paid, price, each in zip(*columns, strict=True)
    ]


def _wei(ether: float) -> int:
    return parse_amount(f"{ether:.18f}", 18)


def modelled(day: Day, packing: Packing, each: int) -> tuple[int, int]:
    """Return (wei, blob gas) of posting a day's transactions at ``each`` bytes, in full batches.

    The file has no blob prices, so blob gas costs its floor of 1 wei.
    """
    batches = batches_up(day.count * each, packing, blobs=day.date >= BLOBS_FROM)
    gas, blob_gas = posting_gas(batches, packing)
    return gas * day.gas_price + blob_gas, blob_gas


def bytes_per_tx(january: Sequence[Day], packing: Packing) -> int:
    """Return the least whole bytes a transaction at which the calldata rule pays as much as was paid."""
    paid, low, high = sum(day.paid for day in january), 1, 10_000
    while low < high:
        middle = (low + high) // 2
        if sum(modelled(day, packing, middle)[0] for day in january) >= paid:
            high = middle
        else:
            low = middle + 1
    return low


def compare(chain: str) -> tuple[int, list[Period]]:
    """Return the bytes a transaction read off in January, and every period beside what was paid."""
    packing, every = CHAINS[chain], days(chain)
    within = {name: [day for day in every if first <= day.date <= last] for name, first, last in PERIODS}
    each = bytes_per_tx(within[PERIODS[0][0]], packing)
    found = []
    for name, part in within.items():
        costs = [modelled(day, packing, each) for day in part]
        paid, wei, blob_gas = sum(day.paid for day in part), sum(c[0] for c in costs), sum(c[1] for c in costs)
        dear = (paid - wei) // blob_gas if blob_gas and paid > wei else None
        found.append(Period(name, sum(day.count for day in part), paid, wei, blob_gas, dear))
    return each, found


def taken(network: str, days_: Sequence[Day], tx: TxShape) -> tuple[int, int]:
    """Return (execution, data fees) that users paid on some days, wei.

    Execution as recorded; data fees by the formula in force for the mean transaction ``tx`` (an assumption) at Ethereum's
    mean gas price, a blob at its floor.
    """
    model, execution, data = networks.get(network), 0, 0
    for day in days_:
        time = int(dt.datetime.combine(day.date, dt.time(12), dt.UTC).timestamp())
        prices = {"base_fee": 0, "priority_fee": 0, "l1_base_fee": day.gas_price, "blob_base_fee": 1}
        env = FeeEnv.of(time, {name: assumed(value) for name, value in prices.items()})
        execution += day.execution
        data += day.count * model.fee(tx, env).l1_data
    return execution, data


def margin(days_: Sequence[Day], tx: TxShape) -> int:
    """Return what OP Mainnet's fees (``taken``) left of what its data cost, in basis points of the fees, rounded down."""
    fees, paid = sum(taken("op-mainnet", days_, tx)), sum(day.paid for day in days_)
    return (fees - paid) * BPS // fees


def table() -> str:
    """Return the comparison as Markdown, as it stands in the page of the venue."""
    lines = ["| chain, bytes a transaction | period | transactions, M | paid, ETH | model, ETH | model / paid |"]
    lines.append("|---|---|---|---|---|---|")
    for chain in CHAINS:
        each, periods = compare(chain)
        for one in periods:
            ratio = format_amount(mul_div_down(one.modelled, BPS, one.paid), 4, 2)
            cells = (
                f"{one.transactions // 10**6:,}",
                format_amount(one.paid, 18, 1),
                format_amount(one.modelled, 18, 1),
            )
            lines.append(f"| {chain}, {each} | {one.name} | {' | '.join(cells)} | {ratio} |")
    return "\n".join(lines)
