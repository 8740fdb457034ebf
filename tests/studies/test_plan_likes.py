"""A rate above its like comes down: by what real reserves did; and a long messy list leaves nothing absurd believed."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidemill.market.data import data_root
from tidemill.studies.plan.asked import Asked, prices_of
from tidemill.studies.plan.by_hand import parse_offers
from tidemill.studies.plan.doubts import Rules, sift
from tidemill.studies.plan.likes import COMPANY, calmed, lasting_part, like
from tidemill.studies.plan.opportunities import parse_list, read_list
from tidemill.studies.plan.plan import plan
from tidemill.studies.plan.tokens import DOLLARS

ON = dt.date(2026, 11, 22)
DAILY = "lending/aave_v3_daily_13networks.parquet"


def lent(*rates: float, token: str = "USDC", reward: float = 0.0) -> Any:
    words = [f"none/p{n}@base:{token}={rate}%,reward={reward}%" for n, rate in enumerate(rates)]
    return sift(parse_offers(words, ON), Rules())[0]


def test_of_what_is_above_the_median_a_part_is_believed_and_no_more_of_what_is_below() -> None:
    found = calmed(lent(*[3] * 9, 2, 13), 90)
    assert [one.bps for one in found] == [300 + int(1_000 * lasting_part(90)), *[300] * 9, 200]
    assert "dollars usually pay 3.00 % here: of the 10.00 % above, 50 % is believed over 90 days" in found[0].notes[-1]
    assert calmed(lent(*[3] * 9, 2, 13), 180)[0].bps < found[0].bps
    few = lent(*[3] * (COMPANY - 2), 13)
    assert calmed(few, 90) == few  # nine say nothing of what is usual
    alone = [*lent(*[3] * 20), *lent(13, token="WETH")]
    assert calmed(alone, 90)[0].bps == 1_300  # ether is not like dollars


def test_rewards_come_down_with_the_rest() -> None:
    (top, *_) = calmed(lent(*[3] * 10, 13, reward=2), 90)
    before = lent(13, reward=2)[0]
    assert before.reward_bps == 100 and top.bps < before.bps
    assert top.reward_bps == before.reward_bps * top.bps // before.bps
    assert top.base_bps + top.reward_bps == top.bps


def test_what_is_like_what() -> None:
    words = ("uniswap_v2@base:WETH-USDC=9", "uniswap_v2@base:USDC-USDT=9", "aave_v3@base:WSTETH=2", "none/x@base:OP=3")
    assert [like(row) for row in parse_offers(words, ON)] == ["pairs", "dollars", "ether", "other tokens"]


@pytest.mark.parametrize(
    ("word", "believed"),
    [("none/x@base:USDC=40%", True), ("none/x@base:USDC=41%", False), ("uniswap_v2@base:WETH-USDC=99%", True)],
)
def test_where_no_prices_part_less_is_absurd(word: str, believed: bool) -> None:
    kept, doubts = sift(parse_offers([word], ON), Rules())
    assert bool(kept) is believed and [doubt.rule for doubt in doubts] == ["absurd"] * (not believed)


def test_the_part_that_lasts_is_the_one_that_was_measured() -> None:
    file = data_root() / DAILY
    if not file.is_file():
        pytest.skip(f"needs {file.name} (TIDEMILL_DATA)")
    import polars as pl

    named = {*DOLLARS, "EURC", "USDTB", "FRXUSD", "CUSD", "MAI", "SUSD", "XDAI", "MUSD", "USDM", "EURE"}
    table = (
        pl.read_parquet(file)
        .filter(~pl.col("suspect") & ~pl.col("frozen") & ~pl.col("paused"))
        .filter(pl.col("symbol").str.to_uppercase().is_in(sorted(named)))
        .with_columns(key=pl.col("network") + "/" + pl.col("asset_address"))
        .pivot(index="date", on="key", values="current_liquidity_rate", aggregate_function="first")
        .sort("date")
        .drop("date")
        .to_numpy()
    )
    assert table.shape[0] > 390 and table.shape[1] > 40
    for days, off in ((30, 0.1), (90, 0.06), (180, 0.06)):
        above, later = _excess(table, days)
        assert len(above) > 500
        assert above @ later / (above @ above) == pytest.approx(lasting_part(days), abs=off)


def _excess(table: Any, days: int) -> tuple[Any, Any]:
    """What was above the median of all on a day, as a plan would believe it, and what of it was there in the days after."""
    above, later = [], []
    with np.errstate(all="ignore"):
        for day in range(30, len(table) - days, 7):
            month, after = table[day - 30 : day + 1], table[day + 1 : day + 1 + days]
            sound = np.isfinite(month).any(axis=0) & np.isfinite(after).any(axis=0) & np.isfinite(table[day])
            now = np.fmin(table[day, sound], np.nanmean(month[:, sound], axis=0))
            middle = np.median(now)
            high = now > middle
            above += list(now[high] - middle)
            later += list(np.nanmean(after[:, sound], axis=0)[high] - middle)
    return np.array(above), np.array(later)


NAMES = {
    "ethereum": "Ethereum", "optimism": "OP Mainnet", "base": "Base", "arbitrum": "Arbitrum", "polygon": "Polygon",
    "linea": "Linea", "scroll": "Scroll", "zksync": "ZKsync Era", "avalanche": "Avalanche", "gnosis": "Gnosis",
}  # fmt: skip


def _real() -> list[dict[str, Any]]:
    """The last rate of every reserve of Aave v3 on 13 networks, in the shape of public lists; sizes are made up."""
    file = data_root() / DAILY
    if not file.is_file():
        pytest.skip(f"needs {file.name} (TIDEMILL_DATA)")
    import polars as pl

    last = pl.read_parquet(file).sort("snapshot_at", "network", "asset_address").group_by("network", "asset_address")
    rows = []
    for row in last.last().sort("network", "asset_address").to_dicts():
        rate = row["current_liquidity_rate"] * 100
        rows.append(
            {
                "chain": NAMES.get(row["network"], row["network"]),
                "project": "aave-v3",
                "symbol": row["symbol"],
                "tvlUsd": 2e7,
                "apyBase": rate,
                "apy": rate,
                "apyMean30d": rate,
                "stablecoin": row["symbol"].upper() in DOLLARS,
                "ilRisk": "no",
                "count": 398,
                "pool": f"{row['network']}-{row['asset_address']}",
            }
        )
    return rows


def _spoilt(rows: list[dict[str, Any]], count: int) -> list[Any]:
    """Those rows and ``count`` more made of them, each wrong in a way that lists are."""
    rng = random.Random(11)
    wrong: list[dict[str, Any]] = [
        {"apy": 1e9},
        {"apy": 97.0, "apyBase": 97.0, "apyMean30d": 97.0},
        {"apy": float("nan"), "apyBase": None},
        {"apy": -50.0},
        {"apy": 0, "apyBase": None, "rewardTokens": ["0x1"]},
        {"tvlUsd": None},
        {"tvlUsd": "12345"},
        {"tvlUsd": 2e12},
        {"chain": "Solana"},
        {"chain": 7},
        {"symbol": None},
        {"count": 2},
        {"outlier": True},
        {"timestamp": "2026-01-01T00:00:00Z"},
        {"timestamp": "2027-01-01T00:00:00Z"},
        {"apyBase": 1.0, "apyReward": 9.0, "apy": 30.0},
    ]
    out: list[Any] = list(rows)
    for number in range(count):
        row = {**rng.choice(rows), "pool": f"spoilt-{number}", **wrong[number % len(wrong)]}
        out.append(rng.choice([row, row, row, row, row, row, row, row, row, None, [], "x"]))
    rng.shuffle(out)
    return out


def test_of_twelve_thousand_spoilt_rows_none_is_believed_and_all_are_told_by_rule_and_field(tmp_path: Path) -> None:
    real = _real()
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"status": "success", "data": _spoilt(real, 12_000 - len(real))}))
    rows = read_list(file)
    assert len(rows) == 12_000
    asked = Asked({"USDC": "20000", "ETH": "5"}, 90, "moderate", ON, prices_of({"ETH": "3000"}), {}, count=500)
    rules = Rules(now=1_795_391_999)
    clean, _ = sift(parse_list(real), rules)
    kept, doubts = sift(rows, rules)
    assert {one.opportunity.id for one in kept} == {one.opportunity.id for one in clean} and len(kept) > 60
    assert len(kept) + len(doubts) == 12_000
    seen = {doubt.rule for doubt in doubts}
    wanted = {"absurd", "no rate", "points only", "unknown tvl", "absurd tvl", "no network", "unreadable", "young"}
    assert wanted | {"outlier", "stale", "later", "contradiction"} <= seen
    document = plan(rows, asked, rules).document
    assert sum(document.left_out.values()) == sum(n for of in document.left_out_fields.values() for n in of.values())
    assert document.believed + sum(document.left_out.values()) == document.offered == 12_000
    assert document.held and all(line.believed_bps <= line.displayed_bps <= 4_000 for line in document.held)
    assert document.changed == []
