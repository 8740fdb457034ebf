"""MasterChef, version 1, is the special case of the chef's rules: blocks for seconds, unsigned debts set anew.

Real bytecode and a few lines over the same three rules under random actions; it is no venue of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from harness import actor, assert_same
from harness.actors import endow
from harness.contract import deploy
from harness.evm import Evm
from tidemill.chain import artefacts
from tidemill.interfaces import Revert
from tidemill.venues.minichef.rules import accrued_down, emitted_down, growth_down, owed, per_share_after

if not artefacts.available("TestToken", "MasterChef", "SushiToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

pytestmark = pytest.mark.chain

OWNER, DEV, PEOPLE = actor("owner"), actor("dev"), (actor("alice"), actor("bob"), actor("carol"))
RATE, BONUS, START, BONUS_END = 40 * 10**18, 10, 50, 900
POINTS = (100, 30)


@dataclass
class Pool:
    """One pool of version 1, by the rules; times are blocks."""

    points: int
    updated: int
    per_share: int = 0
    lying: int = 0
    stakes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def reward_at(self, block: int) -> int:
        """Return what is minted for the pool when it is touched; each block counts ten times until the bonus ends."""
        if block <= self.updated or not self.lying:
            return 0
        early = max(min(block, BONUS_END) - self.updated, 0)
        elapsed = early * BONUS + max(block - max(self.updated, BONUS_END), 0)
        return emitted_down(elapsed, RATE, self.points, sum(POINTS))

    def total_at(self, block: int) -> int:
        """Return the reward per share at a block."""
        reward = self.reward_at(block)
        return per_share_after(self.per_share, growth_down(reward, self.lying)) if reward else self.per_share

    def due(self, who: str, block: int) -> int:
        """Return what would be paid now."""
        staked, debt = self.stakes.get(who, (0, 0))
        return owed(accrued_down(staked, self.total_at(block)), debt)

    def touch(self, who: str, by: int, block: int) -> int:
        """Put in (or, below zero, take out) and be paid; the debt is set anew."""
        staked, _ = self.stakes.get(who, (0, 0))
        if staked + by < 0:
            raise Revert("withdraw: not good")
        due = self.due(who, block)
        self.per_share, self.updated = self.total_at(block), max(block, self.updated)
        self.lying += by
        self.stakes[who] = staked + by, accrued_down(staked + by, self.per_share)
        return due


def test_version_one_is_the_same_rules_in_blocks():
    rng, evm = random.Random("master chef"), Evm()
    sushi = deploy(evm, OWNER, "SushiToken")
    tokens = [deploy(evm, OWNER, "TestToken", "LP", "LP", decimals) for decimals in (18, 6)]
    chef = deploy(evm, OWNER, "MasterChef", sushi.address, DEV, RATE, START, BONUS_END)
    sushi.send(OWNER, "transferOwnership", chef.address)
    for token, points in zip(tokens, POINTS, strict=True):
        chef.send(OWNER, "add", points, token.address, False)
    for who in PEOPLE:
        endow(tuple(tokens), who, 1 << 100, (chef.address,))
    pools = [Pool(points, START) for points in POINTS]
    paid, till, refused = dict.fromkeys(PEOPLE, 0), 0, 0
    for step in range(1_000):
        evm.advance(blocks=rng.choice((0, 1, 1, 2, 5)))
        pid, who, verb = rng.randrange(2), rng.choice(PEOPLE), rng.choice(("deposit", "deposit", "withdraw"))
        pool, block = pools[pid], evm.block.number
        amount = rng.randrange(1 << rng.randrange(1, 70)) if verb == "deposit" else rng.randrange(
            pool.stakes.get(who, (0, 0))[0] * 9 // 8 + 1
        )  # fmt: skip
        minted = pool.reward_at(block)
        try:
            due = pool.touch(who, amount if verb == "deposit" else -amount, block)
        except Revert as revert:
            refused += 1
            with pytest.raises(Revert, match=revert.reason):
                chef.send(who, verb, pid, amount)
            continue
        chef.send(who, verb, pid, amount)
        for index, mine in enumerate(pools):
            lp, points, updated, per_share = chef.view("poolInfo", index)
            assert (lp, points) == (tokens[index].address, mine.points)
            if mine is pool:
                assert_same((updated, per_share), (mine.updated, mine.per_share), f"step {step}")
            for one in PEOPLE:
                assert_same(chef.view("userInfo", index, one), mine.stakes.get(one, (0, 0)), f"step {step}")
                assert_same(chef.view("pendingSushi", index, one), mine.due(one, block), f"step {step}")
        sent = min(due, till + minted)  # version 1 pays what it has
        paid[who], till = paid[who] + sent, till + minted - sent
        assert_same(sushi.view("balanceOf", who), paid[who], f"step {step}")
        assert_same(sushi.view("balanceOf", chef.address), till, f"step {step}")
    assert evm.block.number > BONUS_END
    assert 20 < refused < 200
    assert min(paid.values()) > 10**20
