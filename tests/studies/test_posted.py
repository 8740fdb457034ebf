"""What Arbitrum, Base and OP Mainnet paid Ethereum in 2024, day by day, beside the posting rules; skipped without the files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tidemill.errors import BadData
from tidemill.facts import load_facts
from tidemill.market import missing_reason
from tidemill.networks import TxShape
from tidemill.studies.posted import CHAINS, GAS_PRICES, SPENT, Day, bytes_per_tx, compare, days, margin, modelled, table
from tidemill.venues.sequencer import venue
from tidemill.venues.sequencer.rules import Packing

ROOT = Path(__file__).resolve().parents[2]
REASON = missing_reason(SPENT) or missing_reason(GAS_PRICES)
recorded = pytest.mark.skipif(REASON is not None, reason=REASON or "")
GWEI = 10**9


def test_the_bytes_are_the_least_that_pay_as_much():
    january = [Day(dt.date(2024, 1, d), 400_000 + d, 0, (20 + d) * GWEI, 0) for d in range(1, 32)]
    cost = sum(modelled(day, Packing(), 173)[0] for day in january)
    for paid, each in ((cost, 173), (cost + 1, 174), (cost - 1, 173)):
        first = Day(january[0].date, january[0].count, paid, january[0].gas_price, 0)
        assert bytes_per_tx([first, *january[1:]], Packing()) == each


def test_a_day_costs_calldata_until_dencun_and_blobs_from_then_on():
    before, after = (Day(dt.date(2024, 3, d), 1_000_000, 0, 50 * GWEI, 0) for d in (13, 14))
    assert modelled(before, Packing(), 240) == ((2_000 * 21_000 + 240_000_000 * 16) * 50 * GWEI, 0)
    blobs, gas = 1_891, 131_072  # 240 MB
    assert modelled(after, Packing(), 240) == (316 * 21_000 * 50 * GWEI + blobs * gas, blobs * gas)


@recorded
@pytest.mark.parametrize(
    ("chain", "each", "calldata", "blobs"),
    # bytes read off in January; then model / paid, in per cent: February to 13 March, 15 March to May
    [
        ("arbitrum_one", 109, (98, 99), (109, 110)),
        ("base", 146, (94, 95), (85, 86)),
        ("op_mainnet", 235, (91, 92), (81, 82)),
    ],
)
def test_what_was_not_fitted(chain: str, each: int, calldata: tuple[int, int], blobs: tuple[int, int]):
    found, periods = compare(chain)
    assert found == each
    assert 0 <= periods[0].modelled - periods[0].paid < periods[0].paid // 100  # one byte more or less is under 1 %
    for period, (low, high) in ((periods[1], calldata), (periods[2], blobs)):
        assert low * period.paid <= 100 * period.modelled < high * period.paid
    dencun = periods[1], periods[2]
    a_tx = [(one.paid // one.transactions, one.modelled // one.transactions) for one in dencun]
    assert a_tx[0][0] > 100 * a_tx[1][0] and a_tx[0][1] > 100 * a_tx[1][1]  # a hundredth, paid and in the model


@recorded
def test_the_day_that_explains_june():
    """On 20 June blobs were bid up: that one day is nine tenths of what OP Mainnet paid beyond the model in June."""
    packing, each = CHAINS["op_mainnet"], 235
    june = [day for day in days("op_mainnet") if (day.date.year, day.date.month) == (2024, 6)]
    beyond = {day.date.day: day.paid - modelled(day, packing, each)[0] for day in june}
    assert beyond[20] * 100 > 85 * sum(beyond.values())
    wei, blob_gas = modelled(june[19], packing, each)
    assert 42 * GWEI < (june[19].paid - wei) // blob_gas < 43 * GWEI


@recorded
def test_the_margin_jumps_as_published_and_hangs_on_the_mean_transaction():
    every = days("op_mainnet")
    first, last = dt.date(2024, 3, 14), dt.date(2024, 8, 10)  # 150 days
    eras = [day for day in every if day.date < first], [day for day in every if first <= day.date <= last]
    shapes = TxShape(120_000, 330, 260, 240), TxShape(120_000, 460, 360, 340)  # 500 and 700 bytes signed
    small, large = ([margin(era, shape) for era in eras] for shape in shapes)
    assert small == [440, 9903] and large == [2777, 9903]
    facts = load_facts(Path(venue.__file__).with_name("published.toml"))
    before, after = facts.integer("margin_optimistic_before"), facts.integer("margin_optimistic_after")
    assert small[0] < before < large[0]
    assert after < small[1]  # the published one is of many rollups, some of them small: their blobs go out half empty


@recorded
def test_the_recorded_fee_of_arbitrum_is_not_one():
    """It would make its users pay a hundred times what its sequencer is known to have earned; hence it is not used."""
    year = days("arbitrum_one")
    assert sum(day.execution for day in year) > 10**6 * 10**18
    assert all(sum(day.execution for day in days(chain)) < 10**5 * 10**18 for chain in ("base", "op_mainnet"))


@recorded
def test_the_page_shows_this_table():
    assert table() in (ROOT / "docs" / "venues" / "sequencer.md").read_text(encoding="utf-8")


def test_without_the_files_it_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TIDEMILL_DATA", str(tmp_path))
    with pytest.raises(BadData, match="l2_daily_l1cost_2024"):
        days("base")
