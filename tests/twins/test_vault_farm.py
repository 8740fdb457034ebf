"""The thin second venue against real bytecode: OpenZeppelin's ERC-4626 vault and Synthetix' StakingRewards.

Both run side by side: shares of the vault are staked in the farm. After every action all balances, shares, stakes and
accrual variables must be equal, or both must have refused for the same reason.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tidemill.chain import artefacts
from tidemill.interfaces import Action, Block, Result, Revert
from tidemill.venues.erc4626.model import VaultModel
from tidemill.venues.staking_rewards.model import FarmModel

if not artefacts.available("TestToken", "TestVault", "StakingRewards"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from harness import Driver, VaultFarm, assert_same, both

pytestmark = pytest.mark.chain

ASSET, SHARE, REWARD = "AST@test", "vAST@test", "RWD@test"
REASONS = {ASSET: "balance", SHARE: "ERC20InsufficientBalance", REWARD: "balance"}


@dataclass
class Book:
    """Balances of the model's side; a token refuses with its own reason."""

    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def move(self, result: Result) -> None:
        for t in result.transfers:
            if t.source != "zero" and self.held.get((t.token, t.source), 0) < t.amount:
                raise Revert(REASONS[t.token])
        for t in result.transfers:
            for who, sign in ((t.source, -1), (t.target, 1)):
                if who != "zero":
                    self.held[t.token, who] = self.held.get((t.token, who), 0) + sign * t.amount


@dataclass
class Ctx:
    block: Block
    sender: str
    book: Book

    def balance(self, token: str, account: str) -> int:
        return self.book.held.get((token, account), 0)

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError

    def move(self, transfer: Any) -> None:
        raise NotImplementedError


class Twins:
    """Model and bytecode of one vault and one farm, with the same actors."""

    def __init__(self, offset: int, decimals: tuple[int, int], seed: int) -> None:
        self.real = VaultFarm(offset=offset, decimals=decimals)
        self.evm = self.real.evm
        self.vault, self.farm = VaultModel(), FarmModel()
        self.v = self.vault.init(
            {"account": self.real.vault.address, "asset": ASSET, "share": SHARE, "decimals_offset": offset}
        )
        self.f = self.farm.init(
            {
                "account": self.real.farm.address,
                "staking_token": SHARE,
                "reward_token": REWARD,
                "duration": self.real.farm.view("rewardsDuration"),
                "distributor": self.real.distributor,
            }
        )
        self.book = Book({(ASSET, who): 1 << 100 for who in self.real.actors.values()})
        self.driver = Driver(
            seed,
            {
                "deposit": (14, lambda r: self._vault(r, "deposit")),
                "mint": (10, lambda r: self._vault(r, "mint")),
                "withdraw": (10, lambda r: self._vault(r, "withdraw")),
                "redeem": (10, lambda r: self._vault(r, "redeem")),
                "donate": (8, self._donate),
                "stake": (18, lambda r: self._farm(r, "stake")),
                "unstake": (13, lambda r: self._farm(r, "withdraw")),
                "claim": (8, lambda r: self._farm(r, "claim")),
                "exit": (11, lambda r: self._farm(r, "exit")),
                "notify": (8, self._notify),
            },
        )

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def amount(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, one wei or too much."""
        pick = r.random()
        if pick < 0.04:
            return 0
        if pick < 0.14:
            return whole
        if pick < 0.2:
            return whole + 1 + r.randrange(1 << 20)
        if pick < 0.3:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.randrange(0, 40)

    def _model(self, which: str, sender: str, action: Action) -> Result:
        ctx = Ctx(self.evm.block, sender, self.book)
        model, state = (self.vault, self.v) if which == "vault" else (self.farm, self.f)
        import copy

        before = copy.deepcopy(state)
        try:
            result = model.apply(state, action, ctx)
            self.book.move(result)
        except Revert:
            # What the world does: a transfer that fails undoes the venue as well.
            state.__dict__.update(before.__dict__)
            raise
        return result

    def _vault(self, r: random.Random, verb: str) -> None:
        who = self.who(r)
        shares = self.real.vault.view("balanceOf", who)
        if verb in ("deposit", "mint"):
            amount = self.amount(r, (1 << r.randrange(1, 90)) if r.random() < 0.9 else 1 << 101)
        else:
            amount = self.amount(r, shares if verb == "redeem" else self.real.vault.view("maxWithdraw", who))
        key = "assets" if verb in ("deposit", "withdraw") else "shares"
        args = (amount, who) if verb in ("deposit", "mint") else (amount, who, who)
        real, model = both(
            lambda: self.real.vault.send(who, verb, *args),
            lambda: self._model("vault", who, Action(verb, {key: amount})),
        )
        assert isinstance(model, Result)
        assert_same(real, model.amounts["shares" if key == "assets" else "assets"])

    def _donate(self, r: random.Random) -> None:
        amount = 1 << r.randrange(0, 80)
        self.real.donate(amount)
        self.book.held[ASSET, self.v.account] = self.book.held.get((ASSET, self.v.account), 0) + amount

    def _farm(self, r: random.Random, verb: str) -> None:
        who = self.who(r)
        if verb in ("withdraw", "exit") and r.random() < 0.85:
            # Mostly somebody who has a stake, so that leaving succeeds often enough to be tested.
            who = max(self.real.actors.values(), key=lambda a: self.real.farm.view("balanceOf", a))
        self.evm.advance(seconds=r.randrange(0, 86_400 * 3))
        held = self.real.vault.view("balanceOf", who) if verb == "stake" else self.real.farm.view("balanceOf", who)
        amount = self.amount(r, held) or int(r.random() < 0.8 and held > 0)
        real_verb = {"claim": "getReward"}.get(verb, verb)
        args = (amount,) if verb in ("stake", "withdraw") else ()
        both(
            lambda: self.real.farm.send(who, real_verb, *args),
            lambda: self._model("farm", who, Action(verb, {"amount": amount})),
        )

    def _notify(self, r: random.Random) -> None:
        reward = self.amount(r, 1 << r.randrange(30, 90)) if r.random() < 0.9 else 1 << 120
        sender = self.real.distributor if r.random() < 0.9 else self.who(r)
        if sent := reward if reward < 1 << 100 and r.random() < 0.9 else 0:
            self.real.reward.send(sender, "mint", self.real.farm.address, sent)
            self.book.held[REWARD, self.f.account] = self.book.held.get((REWARD, self.f.account), 0) + sent
        both(
            lambda: self.real.farm.send(sender, "notifyRewardAmount", reward),
            lambda: self._model("farm", sender, Action("notify_reward", {"reward": reward})),
        )

    def compare(self) -> None:
        """Every observable of both venues, and every balance."""
        now, farm, vault = self.evm.block.time, self.real.farm, self.real.vault
        pot = self.book.held.get((ASSET, self.v.account), 0)
        names = ("totalSupply", "rewardRate", "periodFinish", "lastUpdateTime", "rewardPerTokenStored")
        real: dict[str, Any] = {name: farm.view(name) for name in names}
        model: dict[str, Any] = {name: self.farm.read(self.f, name) for name in names}
        real["vault"], model["vault"] = vault.view("totalSupply"), self.vault.read(self.v, "totalSupply")
        real["pot"], model["pot"] = vault.view("totalAssets"), pot
        real["perToken"], model["perToken"] = farm.view("rewardPerToken"), self.farm.read(self.f, "rewardPerToken", now)
        for name, who in {**self.real.actors, "farm": farm.address}.items():
            real[name] = {
                "shares": vault.view("balanceOf", who),
                "asset": self.real.asset.view("balanceOf", who),
                "reward": self.real.reward.view("balanceOf", who),
                "maxWithdraw": vault.view("maxWithdraw", who),
                "staked": farm.view("balanceOf", who),
                "earned": farm.view("earned", who),
                "paid": farm.view("userRewardPerTokenPaid", who),
                "rewards": farm.view("rewards", who),
            }
            model[name] = {
                "shares": self.book.held.get((SHARE, who), 0),
                "asset": self.book.held.get((ASSET, who), 0),
                "reward": self.book.held.get((REWARD, who), 0),
                "maxWithdraw": self.vault.read(self.v, "maxWithdraw", self.book.held.get((SHARE, who), 0), pot),
                "staked": self.farm.read(self.f, "balanceOf", who),
                "earned": self.farm.read(self.f, "earned", who, now),
                "paid": self.farm.read(self.f, "userRewardPerTokenPaid", who),
                "rewards": self.farm.read(self.f, "rewards", who),
            }
        assert_same(real, model)


SETUPS = [(0, (18, 18), 1), (6, (6, 18), 2), (0, (2, 6), 3), (6, (24, 24), 4)]
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
    print(tally)
    assert tally.total == actions
    assert tally.done.total() / tally.total >= 0.6
    for verb in tally.done:
        assert tally.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
    assert len(tally.done) == 10
    hit = {(verb, reason.partition("(")[0]) for verb, reason in tally.reasons}
    assert hit == REASONS_TO_HIT


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_model_equals_bytecode_after_every_action(setup: tuple[int, tuple[int, int], int]):
    play(setup, 2_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    offset, decimals, _ = SETUPS[seed % 4]
    play((offset, decimals, 100 + seed), 10_000)
