"""Aave v3.6: the model equals the compiled pool after every action, as far as it is modelled."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Tally
from tidemill.chain import artefacts

if not artefacts.available("PoolInstance", "AaveErrors36", "SupplyLogic36", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.aave_v36_twin import SETUPS, Twins

pytestmark = pytest.mark.chain


def play(setups: list[Any], actions: int) -> Tally:
    tally = Tally()
    for listings, seed in setups:
        own = Twins(listings, seed)
        tally.add(own.driver.run(actions, after=own.compare))
    print(tally)
    assert tally.done.total() / tally.total >= 0.6
    assert len(tally.done) == 8
    for verb in tally.done:
        assert tally.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    play(SETUPS, 1_500)
