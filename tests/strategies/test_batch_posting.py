"""When a batch is posted: enough bytes at a price that is not too dear, or a wait that is over; fees first, which pay for it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sequencer_year.toml"
DAY = 86_400


def played(parameters: dict[str, Any], days: int = 12, **params: Any) -> list[Recorded]:
    """Ticks of a day with 230,000 bytes each, from 1 April 2024 on."""
    study, start = load_study(EXAMPLE), dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
    spec = study.venues["rollup"]
    shape = {"tx_per_day": 1_000, "tx_per_day_end": 1_000, "swing_bps": 0, "blob_later_day": 0, **params}
    spec = msgspec.structs.replace(spec, params={**spec.params, **shape})
    end = start + dt.timedelta(days=days)
    study = msgspec.structs.replace(study, start=start, end=end, venues={"rollup": spec}, parameters=parameters)
    return [one for one in Backtest(prepare(study)).main_run()[1].record if isinstance(one, Recorded)]


def posts(record: list[Recorded], phase: str = "run") -> list[Recorded]:
    return [one for one in record if one.verb == "post" and one.phase == phase]


def sizes(record: list[Recorded], phase: str = "run") -> list[int]:
    return [one.result.amounts["size"] // 230_000 for one in posts(record, phase) if one.result]


def test_it_waits_for_enough_bytes_and_posts_the_rest_at_the_end():
    record = played({"batch_bytes": 700_000, "max_wait": 30 * DAY})
    assert sizes(record) == [4, 4]
    assert sizes(record, "exit") == [3]


def test_it_waits_no_longer_than_it_may():
    assert sizes(played({"batch_bytes": 10**9, "max_wait": 3 * DAY})) == [3, 3, 3]


def test_it_waits_while_blobs_are_dear():
    dear = {"blob_use_bps": 12_000}
    prompt, patient = (played({"blob_price": price, "max_wait": 5 * DAY}, **dear) for price in (0, 10**9))
    assert sizes(prompt) == [1] * 11
    assert sizes(patient) == [5, 5]


def test_a_price_to_wait_for_means_nothing_while_blobs_are_cheap():
    assert sizes(played({"blob_price": 1_000})) == [1] * 11


def test_fees_are_collected_before_data_are_paid():
    record = played({"collect_at": 1})
    assert [one.verb for one in record[:4]] == ["collect", "post", "collect", "post"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"form": "paper"}, "form"),
        ({"max_wait": -1}, "max_wait"),
        ({"collect_at": 0}, "collect_at"),
        ({"batch": 1}, "batch"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], says: str):
    with pytest.raises(BadInput, match=says):
        played(parameters, 2)


def test_no_smallest_capital_is_named_where_income_does_not_grow_with_it() -> None:
    study, start = load_study(EXAMPLE), dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
    study = msgspec.structs.replace(study, start=start, end=start + dt.timedelta(days=3))
    head = Backtest(prepare(study)).document()[0].headline
    assert head.minimum_capital is None and "do not grow with your capital" in head.minimum_capital_note
