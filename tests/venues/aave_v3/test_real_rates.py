"""Rates of 77 reserves on three networks (19 March 2025) from their own parameters, liquidity and debt.

All 77 variable rates are exact. Of the suppliers' rates 50 are exact as they stand. 26 are lower than liquidity and debt
say, by 7.7 · 10⁻⁶ of the rate at most: bad debt, which v3.3 counts as owed to suppliers and lent to nobody, and which the
snapshot does not hold. For each of them a whole number of raw units gives the recorded rate to the last digit, worth 155 dollars
at most. The last one is GHO on Ethereum, which is minted rather than lent: it has no suppliers and no rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tidemill.market.data import data_file, missing_reason
from tidemill.venues.aave_v3 import rules

NETWORKS = {"arbitrum": 18, "ethereum": 38, "polygon": 21}


def first(holds: Callable[[int], bool], most: int) -> int:
    """The least number for which ``holds``, by halving."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


@pytest.mark.parametrize("network", NETWORKS)
def test_every_rate_follows_from_its_reserve(network: str) -> None:
    import polars as pl

    name = f"lending/aave_v3_reserve_params_{network}_20250319.parquet"
    if reason := missing_reason(name):
        pytest.skip(reason)
    kinds: Counter[str] = Counter()
    for row in pl.read_parquet(data_file(name)).iter_rows(named=True):
        of = {key: int(value) for key, value in row.items() if value.isdecimal()}
        debt = rules.ray_mul_half_up(of["totalScaledVariableDebt"], of["variableBorrowIndex"])
        usage = rules.usage_ratio_half_up(debt, of["virtualUnderlyingBalance"])
        curve = [
            of[k] for k in ("optimalUsageRatio", "baseVariableBorrowRate", "variableRateSlope1", "variableRateSlope2")
        ]
        assert rules.variable_rate_half_up(usage, *curve) == of["variableBorrowRate"], row["symbol"]
        kinds[_explained(row, of, debt)] += 1
    assert kinds.total() == NETWORKS[network]
    assert (
        kinds
        == {
            "arbitrum": Counter({"exact": 10, "bad debt": 8}),
            "ethereum": Counter({"exact": 28, "bad debt": 9, "minted": 1}),
            "polygon": Counter({"exact": 12, "bad debt": 9}),
        }[network]
    )


def _explained(row: dict[str, str], of: dict[str, int], debt: int) -> str:
    """Say how a supplier's rate follows, or fail."""

    def rate(bad_debt: int) -> int:
        return rules.plain_liquidity_rate_half_up(
            debt,
            of["virtualUnderlyingBalance"],
            of["unbacked"] + bad_debt,
            of["variableBorrowRate"],
            of["reserveFactor"],
        )

    recorded = of["liquidityRate"]
    if rate(0) == recorded:
        return "exact"
    if row["virtualAccActive"] == "False":
        assert (row["symbol"], recorded) == ("GHO", 0)
        return "minted"
    assert 0 < rate(0) - recorded < recorded * 78 // 10**7, row["symbol"]
    bad_debt = first(lambda owed: rate(owed) <= recorded, debt)
    assert rate(bad_debt) == recorded, row["symbol"]
    assert bad_debt * of["priceInMarketReferenceCurrency"] < 155 * 10**8 * 10 ** of["decimals"]
    return "bad debt"
