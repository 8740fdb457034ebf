"""Logs described as another pool's are refused from a sample, naming the field and what fits."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from msgspec.structs import replace

from tidemill.errors import BadInput
from tidemill.market import import_rawlogs, verify, write_dataset
from tidemill.market.fit import FEWEST, check_fit
from tidemill.market.importing import dataset_of_events

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

WRONG = [
    ({"fee": 500, "tick_spacing": 10}, "fee: 500 given, with it 236 of 236 .* fee 3000 with tick spacing 60 fits"),
    ({"fee": 500}, "fee: 500 given, .* fee 3000 with tick spacing 60 fits"),
    ({"fee": 10_000}, "fee: 10000 given, .* fee 3000 with tick spacing 60 fits"),
    ({"tick_spacing": 10}, "tick_spacing: 10 given, but every position .* multiple of 60"),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=lambda item: str(item)[:40])
def test_the_030_pool_is_not_taken_for_another(change, says, tmp_path):
    right = import_rawlogs(shared.real("eth_usdc_weth_030_20240105_rawlogs"), shared.POOL_030)
    assert check_fit(right.events, right.pool).wrong == 0
    pool = replace(right.pool, **change)
    with pytest.raises(BadInput, match=f"^{says}"):
        check_fit(right.events, pool)
    write_dataset(dataset_of_events(right.events, pool, source="told wrongly"), tmp_path / "wrong")
    (error,) = verify(tmp_path / "wrong").errors
    assert "manifest.json: pool." + says.partition(" ")[0] in error


@pytest.mark.parametrize("fee", [100, 3000, 499, 501])
def test_any_other_fee_contradicts_a_generated_market(market, fee):
    fits = check_fit(market.events, market.pool)
    assert (fits.wrong, fits.note) == (0, "")
    assert fits.decided > 1_000
    with pytest.raises(BadInput, match=f"^fee: {fee} given, .* fee 500 with tick spacing 10 fits"):
        check_fit(market.events, replace(market.pool, fee=fee))


def test_a_hole_in_the_data_is_not_taken_for_a_wrong_fee(market):
    holed = market.events[:200].vstack(market.events[700:1500])
    assert check_fit(holed, market.pool).wrong * 10 < check_fit(holed, market.pool).decided


def test_too_few_swaps_pass_with_a_note(market, tmp_path):
    few = market.events[: FEWEST - 2]
    wrong = replace(market.pool, fee=3000)
    fit = check_fit(few, wrong)
    assert fit.decided < FEWEST
    assert f"only {fit.decided} swaps can be checked" in fit.note
    write_dataset(dataset_of_events(few, wrong, source="few"), tmp_path / "few")
    found = verify(tmp_path / "few")
    assert (found.ok, found.notes) == (True, (fit.note,))
