"""Rehearsals of the shipped examples, each played once and cut short, so that tests share them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.chain.anvil import Anvil
from tidemill.market.data import data_root
from tidemill.studies.load import Loaded
from tidemill.studies.rehearsal.run import Comparison
from tidemill.studies.study import Study, load_study

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTED = {
    "vault_farm": ("deposit", "redeem"),
    "chef_farm": ("deposit", "redeem"),
    "lending": ("supply", "withdraw"),
    "liquid_staking": ("stake", "claim"),
    "bridged_staking": ("swap_exact_in", "swap_exact_in"),
    "leveraged_staking": ("borrow", "repay"),
    "savings": ("deposit", "redeem"),
    "morpho_supply": ("supply", "withdraw"),
    "vault_over_markets": ("deposit", "redeem"),
    "lock_dividends": ("create_lock", "withdraw"),
    "classic_pool": ("add_liquidity", "remove_liquidity"),
    "farm_compound": ("add_liquidity", "remove_liquidity"),
    "delegate_pol": ("delegate", "claim_unbonded"),
    "delegate_zk": ("delegate", "claim_unbonded"),
    "pol_lent": ("supply", "withdraw"),
    "lending_ladder": ("supply", "withdraw"),
    "income_splitter": ("pay", "withdraw"),
    "exit_on_depeg": ("supply", "withdraw"),
    "withdraw_and_lend": ("supply", "withdraw"),
}
"""Examples without a recorded pool, and by which verbs they enter and leave."""
VERBS = {**SCRIPTED, "savings_plan": ("swap_exact_in", "swap_exact_in"), "treasury_split": ("supply", "redeem")}
"""By which verbs examples enter and leave that neither mint nor close."""
ACTIONS = {"vault_farm": 280, "chef_farm": 280, "lock_dividends": 500, "vault_over_markets": 500}
"""Recorded actions per rehearsal; the vault's script needs more to reach a claim, a lock to its end takes half a year."""
BEGINS, FOUR_DAYS = dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=4)
"""Studies of the sample end here in tests: their backtest finds the window, and two months of it take seconds."""


LIVE_SECONDS = 5
"""What a live-like rehearsal takes on the chain in tests."""


def shortened(name: str, *, actions: int | None = None, seed: int | None = None) -> Study:
    """Return an example with a small window."""
    study = load_study(EXAMPLES / f"{name}.toml")
    few = structs.replace(study.rehearse, actions=actions or ACTIONS.get(name, 150), seconds=LIVE_SECONDS)
    study = structs.replace(study, rehearse=few)
    if name not in ("real_day", "impact", *(SCRIPTED.keys() - {"classic_pool"})):
        study = structs.replace(study, end=(study.start or BEGINS) + FOUR_DAYS)
    if seed is not None:
        study = structs.replace(study, world=structs.replace(study.world, seed=seed))
    return study


@cache
def rehearsed(name: str, mode: str = "locked", gas: str = "model", seed: int | None = None) -> Comparison:
    """Rehearse an example, once per session."""
    if name == "real_day" and data_root() is None:
        pytest.skip("no market data: set TIDEMILL_DATA")
    return Loaded(shortened(name, seed=seed)).rehearse(mode, gas)


def pids_of_a_failure(name: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rehearse an example whose strategy fails at its first decision; return the processes of the chains it had started."""
    pids: list[int] = []
    start = Anvil.__enter__

    def noted(self: Anvil) -> Anvil:
        assert self.pid is not None
        pids.append(self.pid)
        return start(self)

    def fail(*_args: Any, **_named: Any) -> Any:
        raise RuntimeError("a strategy's own defect")

    monkeypatch.setattr(Anvil, "__enter__", noted)
    monkeypatch.setattr("tidemill.engine.chain_world.ChainWorld.submit", fail)
    with pytest.raises(RuntimeError, match="own defect"):
        Loaded(shortened(name, actions=20)).rehearse()
    return pids
