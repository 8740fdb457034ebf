"""Operators' yearly revenues, model beside published: what dated inputs and the rules make of a year, and why it differs.

A figure is an interval wherever an input is known within bounds only, and unknown where an input is not known at all: nothing
is filled in. Inputs lie in ``revenue_inputs.toml``; published figures in the sequencer's ``published.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput, nearest
from tidemill.facts import Fact, Facts, load_facts
from tidemill.networks.op_revenue import revenue_share_down
from tidemill.units import BPS, div_down, div_up, format_amount, mul_div_down, mul_div_up, parse_amount
from tidemill.venues.sequencer.venue import PUBLISHED

__all__ = ["Interval", "Revenue", "cells", "input_fact", "inputs", "published", "revenues", "table"]

_ETH = 10**18
_YEAR_DAYS = 366
_CALLDATA, _BLOBS = 1_704_067_200, 1_710_374_401
"""1 January 2024, and the first second of blobs on the rollups."""


class Interval(Struct, frozen=True):
    """From ``low`` to ``high``, both possible."""

    low: int
    high: int

    def times(self, other: Interval, unit: int) -> Interval:
        """Return the product over ``unit``, outwards (of intervals that are not negative)."""
        return Interval(mul_div_down(self.low, other.low, unit), mul_div_up(self.high, other.high, unit))

    def plus(self, other: Interval) -> Interval:
        """Return the sum of two quantities that vary by themselves."""
        return Interval(self.low + other.low, self.high + other.high)


class Revenue(Struct, frozen=True):
    """A row: ``model`` and ``published`` in whole ``unit`` (the model outwards), ``None`` for unknown.

    ``kind``: ``rule`` (recorded inputs and a network's rules), ``restated`` (published amounts of tokens at known prices,
    or other published figures put together) or ``unknown``. ``inputs`` are names of facts, ``why`` explains the difference.
    """

    network: str
    period: str
    what: str
    unit: Literal["ETH", "USD", "bps"]
    kind: Literal["rule", "restated", "unknown"]
    model: Interval | None
    published: int | None
    source: str
    why: str
    inputs: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Say where the published figure lies: ``inside`` the interval, or how many times its nearer end.

        >>> Revenue("x", "", "", "USD", "rule", Interval(40, 80), 100, "", "").verdict
        '1.25 times the highest'
        """
        if self.model is None or self.published is None:
            return "unknown"
        if self.model.low <= self.published <= self.model.high:
            return "inside"
        end, name = (self.model.low, "lowest") if self.published < self.model.low else (self.model.high, "highest")
        return f"{format_amount(mul_div_down(self.published, 100, end), 2)} times the {name}" if end else "unknown"


@cache
def inputs() -> Facts:
    """Return the facts that the model is fed with."""
    return load_facts(Path(__file__).with_name("revenue_inputs.toml"))


def input_fact(name: str) -> Fact:
    """Return an input by the name that a row has of it: one of ours, or a published figure that another is held against."""
    return inputs().facts.get(name) or published().fact(name)


@cache
def published() -> Facts:
    """Return what others have published."""
    return load_facts(PUBLISHED)


def revenues(network: str = "") -> list[Revenue]:
    """Return every row, or those of a network.

    Raises
    ------
    BadInput : nothing is known of the revenues of such a network; names the nearest that has some.
    """
    rows = [*_collective(), *_margins(), *_base(), *_arbitrum(), *_express_lane(), *_zk()]
    names = sorted({row.network for row in rows})
    if network and network not in names:
        known = "no revenue of it is known here" if network in networks.names() else f"no network {network!r}"
        raise BadInput(f"{known}{nearest(network, names)}", field="network")
    return [row for row in rows if network in ("", row.network)]


def cells(row: Revenue) -> tuple[str, str, str, str, str]:
    """Return network and period, what, model, published and verdict of a row, for people."""
    if row.model is None:
        model = "unknown"
    else:
        low, high = (_shown(end, row.unit) for end in (row.model.low, row.model.high))
        model = f"{low} to {high}"
    told = "–" if row.published is None else _shown(row.published, row.unit)
    return f"{row.network}, {row.period}", f"{row.what}, {_UNITS[row.unit]}", model, told, row.verdict


_UNITS = {"USD": "M USD", "ETH": "ETH", "bps": "%"}


def _shown(value: int, unit: str) -> str:
    return format_amount(value, 2) if unit == "bps" else f"{value:,}" if unit == "ETH" else format_amount(value, 6, 1)


def table() -> str:
    """Return the comparison as Markdown, as it stands in the page on operators, each difference explained below it."""
    rows = revenues()
    lines = ["| network, period | what | model | published | the published one |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    told = dict.fromkeys((f"{row.network}, {row.period}, {row.what}", row.why) for row in rows)
    return "\n".join([*lines, "", *(f"* {name}: {why}." for name, why in told)])


# --- what is read ---------------------------------------------------------------------------------------------------------


def _wei(name: str) -> int:
    return parse_amount(str(inputs().fact(name).value), 18)


def _told(name: str) -> Fact:
    return published().fact(name)


def _price(low: str, high: str) -> Interval:
    return Interval(inputs().integer(low), inputs().integer(high))


def _taken(chain: str, era: str) -> tuple[Interval, Interval, int]:
    """Return (all fees, of them for data, what Ethereum was paid) of an era, wei."""
    execution, paid = _wei(f"{chain}_{era}_execution"), _wei(f"{chain}_{era}_paid")
    data = Interval(_wei(f"{chain}_{era}_data_low"), _wei(f"{chain}_{era}_data_high"))
    return data.plus(Interval(execution, execution)), data, paid


def _both(chain: str) -> tuple[Interval, Interval, int]:
    first, second = _taken(chain, "calldata"), _taken(chain, "blobs")
    return first[0].plus(second[0]), first[1].plus(second[1]), first[2] + second[2]


def _share(gross: Interval, data: Interval, paid: int) -> Interval:
    """Return what a member owes by either reading of *net*: less the data fees taken in, or less what Ethereum was paid."""
    ends = ((gross.low, data.low), (gross.high, data.high))
    every = [revenue_share_down(fees, less) for fees, its_data in ends for less in (its_data, paid)]
    return Interval(min(every), max(every))


def _eth(wei: Interval) -> Interval:
    return Interval(div_down(wei.low, _ETH), div_up(wei.high, _ETH))


def _names(chain: str, *eras: str) -> tuple[str, ...]:
    return tuple(f"{chain}_{era}_{what}" for era in eras for what in ("execution", "data_low", "data_high", "paid"))


# --- Optimism ------------------------------------------------------------------------------------------------------------


def _collective() -> Iterator[Revenue]:
    for year in (2022, 2023):
        told = _told(f"optimism_revenue_{year}")
        why = f"transactions, fees and L1 spend of {year} are in no file here: the model says nothing"
        yield _of_collective(str(year), "what the Collective took in", "unknown", None, told, why)
    price, told = _price("eth_2024_low", "eth_2024_high"), _told("optimism_revenue_2024")
    gross, _, paid = _both("op")
    share = _share(*_both("base"))
    used = (*_names("op", "calldata", "blobs"), *_names("base", "calldata", "blobs"), "eth_2024_low", "eth_2024_high")
    net = Interval(gross.low - paid, gross.high - paid).plus(share)
    why = (
        "all of OP Mainnet's fees less its L1 spend, and Base's share; other members' shares are not in the data (little). The "
        "published page does not say what it counts: with OP Mainnet before its L1 spend (next row) the figure lies inside"
    )
    yield _of_collective("2024", "OP Mainnet net, and Base's share", "rule", net.times(price, _ETH), told, why, used)
    why = "the same with OP Mainnet's fees before its L1 spend: the reading that the published figure agrees with"
    before = gross.plus(share).times(price, _ETH)
    yield _of_collective("2024", "OP Mainnet gross, and Base's share", "rule", before, told, why, used)
    yield from _collective_2025()


def _collective_2025() -> Iterator[Revenue]:
    told = _told("optimism_revenue_2025")
    base = inputs().integer("base_2025_gross")
    owed = revenue_share_down(base, mul_div_down(base, inputs().integer("base_2025_l1_part"), BPS))
    part = _price("base_part_low", "base_part_high")
    whole = Interval(mul_div_down(owed, BPS, part.high), mul_div_up(owed, BPS, part.low))
    used: tuple[str, ...] = ("base_2025_gross", "base_2025_l1_part", "base_part_low", "base_part_high")
    why = (
        "Base's published fees by the rule of shares, over its published part of the whole; transactions and L1 spend of 2025 "
        "are not in the data. Base's fees are one weak source's, and its part is told for other months"
    )
    yield _of_collective("2025", "from Base's published fees", "restated", whole, told, why, used)
    eth, price = inputs().integer("collective_12_months"), _price("eth_2025_low", "eth_2025_high")
    used = ("collective_12_months", "eth_2025_low", "eth_2025_high")
    why = "a check of two published figures on each other: of which twelve months the ETH are is not told"
    worth = Interval(eth * price.low, eth * price.high)
    yield _of_collective("2025", "published ETH of 12 months at known prices", "restated", worth, told, why, used)


def _of_collective(
    period: str,
    what: str,
    kind: Literal["rule", "restated", "unknown"],
    model: Interval | None,
    told: Fact,
    why: str,
    used: tuple[str, ...] = (),
) -> Revenue:
    assert isinstance(told.value, int)
    return Revenue("op-mainnet", period, what, "USD", kind, model, told.value, told.source, why, used)


def _margins() -> Iterator[Revenue]:
    """Margins of fees over what Ethereum was paid, before EIP-4844 and with it."""
    cases = (
        ("op-mainnet", "op", "calldata", "before", "the mean transaction (500 to 700 signed bytes) decides it"),
        ("op-mainnet", "op", "blobs", "after", "published of many rollups, small ones with half-empty blobs among them"),
        ("base", "base", "calldata", "before", "the mean transaction is OP Mainnet's, scaled by the bytes read off in January"),
        ("base", "base", "blobs", "after", "published of many rollups, small ones with half-empty blobs among them"),
    )  # fmt: skip
    for network, chain, era, when, why in cases:
        gross, _, paid = _taken(chain, era)
        ends = [mul_div_down(fees - paid, BPS, fees) for fees in (gross.low, gross.high)]
        told = _told(f"margin_optimistic_{when}")
        period = "1 January to 13 March 2024" if era == "calldata" else "14 March to 31 December 2024"
        what = f"margin over data, {'calldata' if era == 'calldata' else 'blobs (EIP-4844)'}"
        model = Interval(ends[0], ends[1] + 1)
        assert isinstance(told.value, int)
        yield Revenue(network, period, what, "bps", "rule", model, told.value, told.source, why, _names(chain, era))


def _base() -> Iterator[Revenue]:
    told = _told("base_share_since_launch")
    assert isinstance(told.value, int)
    model = _eth(_share(*_taken("base", "to_october")))
    why = "published since the launch of August 2023; its first five months are not in the data"
    used = _names("base", "to_october")
    period = "1 January to 17 October 2024"
    yield Revenue("base", period, "share owed", "ETH", "rule", model, told.value, told.source, why, used)
    model = _eth(_share(*_both("base")))
    why = "by either reading of net: less data fees taken in (specification) or less L1 spend (the Collective's explainer)"
    yield Revenue(
        "base", "2024", "share owed", "ETH", "rule", model, None, "", why, _names("base", "calldata", "blobs")
    )


# --- Arbitrum ------------------------------------------------------------------------------------------------------------


def _floor_fees(transactions: int, time: int) -> Interval:
    """Return what transactions pay for gas at the least base fee, the mean one at half and at double its gas; wei."""
    floor = networks.get("arbitrum-one").facts.timeline("min_base_fee").at(time)
    assert isinstance(floor, int)
    gas = inputs().integer("mean_gas")
    return Interval(transactions * div_down(gas, 2) * floor, transactions * gas * 2 * floor)


def _arbitrum() -> Iterator[Revenue]:
    count, days = inputs().integer("arbitrum_calldata_transactions"), inputs().integer("calldata_days")
    a_year = mul_div_down(count, _YEAR_DAYS, days)
    base_fee = inputs().fact("arbitrum_year_base_fee")
    assert isinstance(base_fee.value, int)
    before = "12 months to March 2024"
    model = _eth(_floor_fees(a_year, _CALLDATA))
    why = (
        "at 0.1 gwei and the pace of the 73 recorded days; published 6,600 ETH are "
        f"{mul_div_down(base_fee.value, 10**10, a_year):,} gas a transaction"
    )
    used: tuple[str, ...] = ("arbitrum_calldata_transactions", "calldata_days", "mean_gas")
    yield _arbitrum_row(before, "base fee at its floor", "ETH", "rule", model, base_fee, why, used)
    parts = ("arbitrum_year_l1_surplus", "arbitrum_year_base_fee", "arbitrum_year_surplus")
    kept = sum(inputs().integer(name) for name in parts) * _ETH
    model = Interval(kept, kept).times(_price("eth_2023_low", "eth_2024_february"), _ETH)
    why = "ETH by the DAO's own report, at the prices known of those months: a surplus on data, the base fee, and congestion"
    used = (*parts, "eth_2023_low", "eth_2024_february")
    told = _told("arbitrum_profit_12_months_before_blobs")
    yield _arbitrum_row(before, "kept by the DAO", "USD", "restated", model, told, why, used)
    price = _price("eth_2024_low", "eth_2024_high")
    five = _floor_fees(inputs().integer("arbitrum_five_months_transactions"), _BLOBS).times(price, _ETH)
    why = (
        "at 0.01 gwei: what is above it came from congestion, which no file here tells, and from a surplus on data until "
        "ArbOS 20; the floor alone explains less than a third"
    )
    used = ("arbitrum_five_months_transactions", "mean_gas", "eth_2024_low", "eth_2024_high")
    told = _told("arbitrum_profit_5_months_with_blobs")
    blobs = "14 March to 13 August 2024"
    yield _arbitrum_row(blobs, "base fee at its floor", "USD", "rule", five, told, why, used)
    since = (inputs().integer("arbitrum_lifetime_kept") * _ETH) - kept
    model = Interval(since, since).times(price, _ETH)
    why = "ETH by the DAO's own reports, April to July 2024; published are five months, one more"
    used = ("arbitrum_lifetime_kept", *parts, "eth_2024_low", "eth_2024_high")
    yield _arbitrum_row(blobs, "kept by the DAO", "USD", "restated", model, told, why, used)
    for name, what, told_as in (("collected", "all fees", "revenue"), ("kept", "kept by the DAO", "profit")):
        eth = inputs().integer(f"arbitrum_lifetime_{name}") * _ETH
        model = Interval(eth, eth).times(_price("eth_2023_low", "eth_2024_high"), _ETH)
        why = "ETH since the DAO began (March 2023) at the prices known; published since the network began"
        told = _told(f"arbitrum_lifetime_{told_as}")
        used = (f"arbitrum_lifetime_{name}", "eth_2023_low", "eth_2024_high")
        yield _arbitrum_row("March 2023 to July 2024", what, "USD", "restated", model, told, why, used)


def _express_lane() -> Iterator[Revenue]:
    """Arbitrum's auctions: what was projected before the launch, against what came in at first."""
    first, told = _told("timeboost_first_3_months"), _told("timeboost_projected_low")
    assert isinstance(first.value, int)
    year = first.value * 4
    why = "published is the lowest projection before the launch; the other is what the first three months brought, four times"
    period, what = "a year from 17 April 2025", "express lane, projected and realised"
    yield _arbitrum_row(period, what, "USD", "restated", Interval(year, year), told, why, ("timeboost_first_3_months",))


def _zk() -> Iterator[Revenue]:
    """What is published of zk rollups together, beside which nothing stands."""
    for when, period in (("before", "before 13 March 2024"), ("after", "150 days with blobs")):
        told = _told(f"margin_zk_{when}")
        assert isinstance(told.value, int)
        why = "of zk rollups together; what they spend on data and on proofs is in no file here"
        what = "margin over data and proofs"
        yield Revenue("zksync-era", period, what, "bps", "unknown", None, told.value, told.source, why)


def _arbitrum_row(
    period: str,
    what: str,
    unit: Literal["ETH", "USD"],
    kind: Literal["rule", "restated"],
    model: Interval,
    told: Fact,
    why: str,
    used: tuple[str, ...],
) -> Revenue:
    assert isinstance(told.value, int)
    return Revenue("arbitrum-one", period, what, unit, kind, model, told.value, told.source, why, used)
