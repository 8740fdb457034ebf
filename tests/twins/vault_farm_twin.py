"""The vault and the farm twice: models and real bytecode under the same actions, compared after each.

Both run side by side: shares of the vault are staked in the farm. `tools/mutants.py` and the twin tests drive this.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from harness import Driver, VaultFarm, assert_same, both
from harness.book import Book, Ctx, ModelSide, counted, numbers
from tidemill.interfaces import Action, Result
from tidemill.venues.erc4626.model import VaultModel
from tidemill.venues.staking_rewards.model import FarmModel

SETUPS = [(0, (18, 18), 1), (6, (6, 18), 2), (0, (2, 6), 3), (6, (24, 24), 4)]
"""Decimals offset of the vault, decimals of asset and reward, seed."""

ASSET, SHARE, REWARD = "AST@test", "vAST@test", "RWD@test"
REASONS = {ASSET: "balance", SHARE: "ERC20InsufficientBalance", REWARD: "balance"}


class Twins:
    """Model and bytecode of one vault and one farm, with the same actors."""

    def __init__(self, offset: int, decimals: tuple[int, int], seed: int) -> None:
        self.real = VaultFarm(offset=offset, decimals=decimals)
        self.evm = self.real.evm
        self.vault, self.farm = VaultModel(), FarmModel()
        # What is as the models assume is not told, so that their assumptions are compared too.
        told = {"decimals_offset": offset} if offset else {}
        self.v = self.vault.init({"account": self.real.vault.address, "asset": ASSET, "share": SHARE, **told})
        self.f = self.farm.init(
            {
                "account": self.real.farm.address,
                "staking_token": SHARE,
                "reward_token": REWARD,
                **({"duration": self.real.farm.view("rewardsDuration")} if offset else {}),
                "distributor": self.real.distributor,
            }
        )
        self.logged_v, self.logged_f = copy.deepcopy(self.v), copy.deepcopy(self.f)
        self.book = Book(REASONS, {(ASSET, who): 1 << 100 for who in self.real.actors.values()})
        self.sides: dict[str, ModelSide] = {
            "vault": ModelSide(self.vault, self.v, self.book, lambda: self.evm.block),
            "farm": ModelSide(self.farm, self.f, self.book, lambda: self.evm.block),
        }
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
        held = dict(self.book.held)
        result = self.sides[which].do(sender, action)
        self._replay(which, sender, result, held)
        return result

    def _replay(self, which: str, sender: str, result: Result, held: dict[tuple[str, str], int]) -> None:
        """What was logged, told to a model that saw only logs: it must end in the same state."""
        model, state, seen = (
            (self.vault, self.v, self.logged_v) if which == "vault" else (self.farm, self.f, self.logged_f)
        )
        ctx = Ctx(self.evm.block, "a reader of logs", Book(held=held))
        for event in result.events:
            model.replay(seen, event, ctx)
        if not result.events:
            # A claim of nothing rounds the running total and logs nothing: no reader of logs can know.
            seen.__dict__.update(copy.deepcopy(state).__dict__)
        assert_same(state, seen, f"{which} replayed from its log")

    def _vault(self, r: random.Random, verb: str) -> None:
        vault, who = self.real.vault, self.who(r)
        if verb in ("deposit", "mint"):
            amount = self._payment(r, who, verb)
        else:
            # Mostly somebody who holds shares, so that leaving succeeds often enough to be tested.
            who = self._richest(vault) if r.random() < 0.5 else who
            amount = self.amount(r, vault.view("balanceOf" if verb == "redeem" else "maxWithdraw", who))
        self.vault_act(verb, who, amount)

    def _payment(self, r: random.Random, who: str, verb: str) -> int:
        """What a deposit brings, or how many shares are minted: any size, mostly no more than ``who`` can pay.

        Where yield came to a nearly empty vault a share costs more than most sizes; then often some whole shares.
        """
        most = 1 << 102 if (plenty := r.random() < 0.1) else self.real.asset.view("balanceOf", who)
        size = 1 << r.randrange(1, 90)
        if verb == "mint":
            most = self.real.vault.view("convertToShares", most)
        if plenty:  # as is, more than all of them have
            return most if r.random() < 0.5 else self.amount(r, most)
        if verb == "deposit" and r.random() < 0.5:
            size *= self.real.vault.view("convertToAssets", 1) or 1
        return self.amount(r, min(size, most))

    def _richest(self, token: Any) -> str:
        return max(self.real.actors.values(), key=lambda who: token.view("balanceOf", who))

    def vault_act(self, verb: str, who: str, amount: int) -> None:
        """Do a verb of the vault on both; raises ``Revert`` when both refused alike."""
        key = "assets" if verb in ("deposit", "withdraw") else "shares"
        args = (amount, who) if verb in ("deposit", "mint") else (amount, who, who)
        before = self._vault_words(who)
        real, model = both(
            lambda: self.real.vault.send(who, verb, *args),
            lambda: self._model("vault", who, Action(verb, {key: amount})),
        )
        assert isinstance(model, Result)
        assert_same(real, model.amounts["shares" if key == "assets" else "assets"])
        assert_same(amount, model.amounts[key])
        self._check_log(self.real.vault, {"Deposit", "Withdraw"}, model)
        after = self._vault_words(who)
        features = counted(zip(before, after, strict=True))
        if verb in ("deposit", "mint"):
            features["first_shares"] = int(before[1] == 0)
        else:
            features["last_shares"] = int(after[1] == 0)
        assert_same(features, model.features, "what moves gas")

    def _vault_words(self, who: str) -> tuple[int, ...]:
        """Storage words that a verb of the vault may write: supply, own shares, own assets, the pot."""
        vault, asset = self.real.vault, self.real.asset
        return (
            vault.view("totalSupply"),
            vault.view("balanceOf", who),
            asset.view("balanceOf", who),
            asset.view("balanceOf", vault.address),
        )

    def _farm_words(self, who: str) -> tuple[int, ...]:
        """Storage words of the farm, and of both tokens, that depend on stakes."""
        farm, vault, reward = self.real.farm, self.real.vault, self.real.reward
        return (
            *(farm.view(name, who) for name in ("balanceOf", "userRewardPerTokenPaid", "rewards")),
            *(farm.view(name) for name in ("totalSupply", "rewardPerTokenStored")),
            *(token.view("balanceOf", account) for token in (vault, reward) for account in (who, farm.address)),
        )

    @staticmethod
    def _check_log(contract: Any, names: set[str], result: Result) -> None:
        """Every number of every event of the venue, in order."""
        real = [(name, numbers(args)) for name, args in contract.events() if name in names]
        assert_same(real, [(e.name, numbers(e.args)) for e in result.events], "events")

    def _donate(self, r: random.Random) -> None:
        amount = 1 << r.randrange(0, 80)
        if r.random() < 0.9:  # yield follows what is there, else one gift after all have left is the price for ever
            amount = min(amount, self.real.vault.view("totalAssets") // 8 * (self.v.total_shares > 0) or 1)
        self.real.donate(amount)
        self.book.held[ASSET, self.v.account] = self.book.held.get((ASSET, self.v.account), 0) + amount

    def _farm(self, r: random.Random, verb: str) -> None:
        who = self.who(r)
        if r.random() < 0.85 and verb != "claim":
            # Mostly somebody who has something to stake or a stake, so that both succeed often enough to be tested.
            who = self._richest(self.real.vault if verb == "stake" else self.real.farm)
        self.evm.advance(seconds=r.randrange(0, 86_400 * 3))
        held = self.real.vault.view("balanceOf", who) if verb == "stake" else self.real.farm.view("balanceOf", who)
        amount = self.amount(r, held) or int(r.random() < 0.8 and held > 0)
        self.farm_act(verb, who, amount)

    def farm_act(self, verb: str, who: str, amount: int = 0) -> None:
        """Do a verb of the farm on both; raises ``Revert`` when both refused alike."""
        real_verb = {"claim": "getReward"}.get(verb, verb)
        args = (amount,) if verb in ("stake", "withdraw") else ()
        before = self._farm_words(who)
        _, model = both(
            lambda: self.real.farm.send(who, real_verb, *args),
            lambda: self._model("farm", who, Action(verb, {"amount": amount})),
        )
        assert isinstance(model, Result)
        self._check_log(self.real.farm, {"Staked", "Withdrawn", "RewardPaid"}, model)
        after = self._farm_words(who)
        features = counted(zip(before, after, strict=True))
        if verb == "stake":
            features["first_stake"] = int(before[0] == 0)
        elif verb != "claim":
            features["last_stake"] = int(after[0] == 0)
        assert_same(features, model.features, "what moves gas")
        moved = {"amount": abs(before[0] - after[0])} if verb != "claim" else {}
        if verb in ("claim", "exit"):
            moved["reward"] = before[8] - after[8]
        assert_same(moved, model.amounts, "amounts")

    def _notify(self, r: random.Random) -> None:
        reward = self.amount(r, 1 << r.randrange(30, 90)) if r.random() < 0.9 else 1 << 120
        sender = self.real.distributor if r.random() < 0.9 else self.who(r)
        self.notify(sender, reward, reward if reward < 1 << 100 and r.random() < 0.9 else 0)

    def notify(self, sender: str, reward: int, sent: int) -> None:
        """Send rewards to the farm, then tell it of ``reward``, on both."""
        if sent:
            self.real.reward.send(sender, "mint", self.real.farm.address, sent)
            self.book.held[REWARD, self.f.account] = self.book.held.get((REWARD, self.f.account), 0) + sent
        _, model = both(
            lambda: self.real.farm.send(sender, "notifyRewardAmount", reward),
            lambda: self._model("farm", sender, Action("notify_reward", {"reward": reward})),
        )
        assert isinstance(model, Result)
        self._check_log(self.real.farm, {"RewardAdded"}, model)
        assert_same({"reward": reward}, model.amounts, "amounts")

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
        real["quotes"], model["quotes"] = self._quotes(pot)
        assert_same(real, model)
        self._compare_positions(now)

    def _quotes(self, pot: int) -> tuple[list[int], list[int]]:
        """Conversions and previews of a size that changes with the supply."""
        amount = self.v.total_shares // 7 + 5
        names = (
            "convertToAssets",
            "convertToShares",
            *(f"preview{v}" for v in ("Deposit", "Mint", "Withdraw", "Redeem")),
        )
        return (
            [self.real.vault.view(name, amount) for name in names],
            [self.vault.read(self.v, name, amount, pot) for name in names],
        )

    def _compare_positions(self, now: int) -> None:
        """What the ledger is told of holdings, against the contracts' own views."""
        rate = self.vault.rates(self.v, "vault", lambda token, who: self.book.held.get((token, who), 0))[SHARE]
        one = 10**18
        assert_same({ASSET: self.real.vault.view("convertToAssets", one)}, rate.of_down(one), "rate")
        for who in self.real.actors.values():
            staked, earned = self.real.farm.view("balanceOf", who), self.real.farm.view("earned", who)
            told = self.farm.positions(self.f, "farm", who, now, lambda token, who: 0)
            real = [({SHARE: staked} if staked else {}, {REWARD: earned} if earned else {}, {"staked": staked})]
            assert_same(
                real if staked or earned else [], [(p.principal, p.claimable, p.data) for p in told], "position"
            )
