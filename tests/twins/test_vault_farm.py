"""The thin second venue against real bytecode: OpenZeppelin's ERC-4626 vault and Synthetix' StakingRewards.

After every action all balances, shares, stakes and accrual variables must be equal, or both must have refused for the
same reason; see `vault_farm_twin.py`.
"""

from __future__ import annotations

import pytest

from tidemill.chain import artefacts

if not artefacts.available("TestToken", "TestVault", "StakingRewards"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.vault_farm_edges import EDGES
from twins.vault_farm_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

REASONS_TO_HIT = {
    ("deposit", "balance"),
    ("mint", "balance"),
    ("withdraw", "ERC4626ExceededMaxWithdraw"),
    ("redeem", "ERC4626ExceededMaxRedeem"),
    ("stake", "Cannot stake 0"),
    ("stake", "SafeERC20: low-level call failed"),
    ("unstake", "Cannot withdraw 0"),
    ("unstake", "SafeMath: subtraction overflow"),
    ("exit", "Cannot withdraw 0"),
    ("notify", "Caller is not RewardsDistribution contract"),
    ("notify", "Provided reward too high"),
}


def play(setup: tuple[int, tuple[int, int], int], actions: int) -> None:
    twins = Twins(*setup)
    tally = twins.driver.run(actions, after=twins.compare)
    tally.enough(actions, 10)
    hit = {(verb, reason.partition("(")[0]) for verb, reason in tally.reasons}
    assert hit == REASONS_TO_HIT


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_model_equals_bytecode_after_every_action(setup: tuple[int, tuple[int, int], int]):
    play(setup, 2_000)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_models_equal_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    offset, decimals, _ = SETUPS[seed % 4]
    play((offset, decimals, 100 + seed), 10_000)
