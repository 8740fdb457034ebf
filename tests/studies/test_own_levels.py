"""Fee levels that only one network's formula reads: taken from the study, listed, scaled, refused by their key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tidemill
from kit import STUDY, small_market, write_study
from tidemill.errors import BadInput

LEVELS = {"base_fee_gwei": "0.05", "l1_base_fee_gwei": "10", "blob_base_fee_gwei": "1"}
OP = {"op-mainnet": {**LEVELS, "own": {"base_fee_scalar": "5227", "blob_base_fee_scalar": 0}}}
ARBITRUM = {"base_fee_gwei": "0.1", "own": {"price_per_unit": "30000000"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tidemill.market import write_dataset

    made = tmp_path_factory.mktemp("own")
    write_dataset(small_market(), made / "small")
    return made


def run(folder: Path, fees: dict[str, Any], **more: Any) -> Any:
    return tidemill.load(write_study(folder, {**STUDY, "fees": fees, **more})).run().document


def test_an_own_level_replaces_the_dated_value_and_is_listed_at_half_and_double(folder: Path) -> None:
    own = run(folder, OP)
    rows = {row.key: row for row in own.assumptions}
    scalar = rows["op-mainnet:base_fee_scalar"]
    assert (scalar.value, scalar.unit, scalar.source) == ("5227", "1e-6", "the study file")
    assert scalar.keep_at_double < own.headline.keep < scalar.keep_at_half
    blob = rows["op-mainnet:blob_base_fee_scalar"]
    assert blob.keep_at_half == own.headline.keep == blob.keep_at_double, "nothing, halved or doubled, is nothing"
    larger = run(folder, {"op-mainnet": {**LEVELS, "own": {"base_fee_scalar": 10454, "blob_base_fee_scalar": 0}}})
    assert larger.headline.keep == scalar.keep_at_double


def test_costs_as_on_arbitrum_one(folder: Path) -> None:
    document = run(folder, {**OP, "arbitrum-one": ARBITRUM}, counterfactual=["arbitrum-one"])
    found = {row.name: row for row in document.comparisons}["costs as on arbitrum-one"]
    assert found.keep is not None
    dearer = {**ARBITRUM, "own": {"price_per_unit": "60000000"}}
    more = run(folder, {**OP, "arbitrum-one": dearer}, counterfactual=["arbitrum-one"])
    assert {row.name: row for row in more.comparisons}["costs as on arbitrum-one"].keep < found.keep
    assert more.headline.keep == document.headline.keep


def test_a_level_that_nothing_gives_is_asked_for_by_its_key(folder: Path) -> None:
    with pytest.raises(
        BadInput, match=r"study.toml: fees.arbitrum-one.own.price_per_unit: arbitrum-one needs price_per"
    ):
        run(folder, {**OP, "arbitrum-one": {"base_fee_gwei": "0.1"}}, counterfactual=["arbitrum-one"])
    with pytest.raises(BadInput, match=r"study.toml: fees.base.l1_base_fee_gwei: base needs l1_base_fee"):
        run(folder, {**OP, "base": {"base_fee_gwei": "0.1"}}, counterfactual=["base"])
