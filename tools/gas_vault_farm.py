"""An ERC-4626 vault and a StakingRewards farm measured: several people come, earn, and go."""

from __future__ import annotations

from dataclasses import dataclass

from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.venues.shared.words import count_words

__all__ = ["measure"]

MAKER, GIVER = "0x" + "d1" * 20, "0x" + "d2" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))
EARLY = "0x" + "d3" * 20
ENDOWMENT = 10**30


@dataclass
class Stand:
    """The contracts, and who holds what (read from the chain)."""

    lab: Lab
    at: dict[str, str]

    def encode(self, contract: str, function: str, *args: object) -> bytes:
        return ABIS[contract].encode(function, *args)

    def ask(self, name: str, contract: str, function: str, *args: object) -> int:
        answer = self.lab.anvil.rpc.call(self.at[name], self.encode(contract, function, *args))
        return int(ABIS[contract].decode(function, answer)[0])

    def words(self, who: str) -> tuple[int, ...]:
        """What the models count, read from the chain."""
        held = [
            self.ask(token, "TestToken", "balanceOf", one)
            for token in ("asset", "vault", "reward")
            for one in (who, self.at["vault"], self.at["farm"])
        ]
        own = [
            self.ask("farm", "StakingRewards", name, who) for name in ("balanceOf", "userRewardPerTokenPaid", "rewards")
        ]
        whole = [self.ask("farm", "StakingRewards", name) for name in ("totalSupply", "rewardPerTokenStored")]
        return (*held, self.ask("vault", "TestToken", "totalSupply"), *own, *whole)

    def act(self, who: str, verb: str, calls: list[tuple[Call, str]], features: dict[str, int]) -> None:
        """Do a verb and count the words it moved."""
        before = self.words(who)
        self.lab.act(who, verb, calls, features)
        if "reverted" not in features:
            features |= count_words(zip(before, self.words(who), strict=True))

    def approve(self, token: str, spender: str, amount: int) -> tuple[Call, str]:
        """An exact approval, as the clients send it."""
        data = self.encode("TestToken", "approve", self.at[spender], amount)
        return Call(self.at[token], data, purpose="approve"), "approve"


ABIS: dict[str, Abi] = {}


def measure(vaults: Lab, farms: Lab, rounds: int) -> None:
    """Measure the vault's verbs into ``vaults`` and the farm's into ``farms``, which must be on one chain."""
    for name in ("TestToken", "TestVault", "StakingRewards"):
        ABIS[name] = Abi(artefact(name).abi)
    for offset in (0, 6):
        stand = _deploy(vaults, offset)
        for _ in range(rounds):
            for who in PEOPLE:
                _vault(stand, who)
                _farm(Stand(farms, stand.at), who)


def _deploy(lab: Lab, offset: int) -> Stand:
    for who in (MAKER, GIVER, EARLY, *PEOPLE):
        lab.anvil.set_balance(who, 10**24)
    asset, reward, vault = AddressOf("asset"), AddressOf("reward"), AddressOf("vault")
    at = deploy(
        lab.anvil,
        MAKER,
        [
            Deployment("asset", "TestToken", ("Test Asset", "AST", 18)),
            Deployment("reward", "TestToken", ("Test Reward", "RWD", 18)),
            Deployment("vault", "TestVault", (asset, "Test Vault", "vAST", offset)),
            Deployment("farm", "StakingRewards", (GIVER, reward, vault)),
        ],
    )
    stand = Stand(lab, at)
    mint = [(GIVER, Call(at["asset"], stand.encode("TestToken", "mint", who, ENDOWMENT))) for who in (EARLY, *PEOPLE)]
    mint.append((GIVER, Call(at["reward"], stand.encode("TestToken", "mint", at["farm"], ENDOWMENT))))
    lab.must(mint, "endowing")
    notify = stand.encode("StakingRewards", "notifyRewardAmount", 10**24)
    lab.must([(GIVER, Call(at["farm"], notify))], "starting rewards")
    # Somebody else is in already: the first ever pays for words that all later ones find set.
    early = [
        Call(at["asset"], stand.encode("TestToken", "approve", at["vault"], 2 * 10**24)),
        Call(at["vault"], stand.encode("TestVault", "deposit", 2 * 10**24, EARLY)),
        Call(at["vault"], stand.encode("TestToken", "approve", at["farm"], 10**24)),
        Call(at["farm"], stand.encode("StakingRewards", "stake", 10**24)),
    ]
    lab.must([(EARLY, call) for call in early], "coming first")
    return stand


def _vault(stand: Stand, who: str) -> None:
    """Deposit, mint, see yield, withdraw some, redeem some; one in two leaves with everything."""
    lab, random = stand.lab, stand.lab.random
    scale = 10 ** random.randrange(18, 23)
    for verb in ("deposit", "mint"):
        first = stand.ask("vault", "TestVault", "balanceOf", who) == 0
        amount = random.randrange(1, 1000) * scale // 1000
        cost = stand.ask("vault", "TestVault", "previewMint", amount) if verb == "mint" else amount
        call = Call(stand.at["vault"], stand.encode("TestVault", verb, amount, who))
        stand.act(who, verb, [stand.approve("asset", "vault", cost), (call, verb)], {"first_shares": int(first)})
    donated = Call(stand.at["asset"], stand.encode("TestToken", "mint", stand.at["vault"], scale // 100))
    lab.must([(GIVER, donated)], "donating")
    shares = stand.ask("vault", "TestVault", "balanceOf", who)
    for verb, part in (("withdraw", 5), ("redeem", random.choice((1, 3)))):
        held = stand.ask("vault", "TestVault", "balanceOf", who)
        shares = held // part
        amount = shares if verb == "redeem" else stand.ask("vault", "TestVault", "previewRedeem", shares)
        call = Call(stand.at["vault"], stand.encode("TestVault", verb, amount, who, who))
        stand.act(who, verb, [(call, verb)], {"last_shares": int(verb == "redeem" and shares == held)})
    too_many = stand.ask("vault", "TestVault", "balanceOf", who) + 1
    for verb, amount in (("withdraw", too_many * 10**6), ("redeem", too_many)):
        call = Call(stand.at["vault"], stand.encode("TestVault", verb, amount, who, who))
        stand.act(who, verb, [(call, verb)], {"reverted": 1})
    for verb in ("deposit", "mint"):  # the allowance was taken back
        call = Call(stand.at["vault"], stand.encode("TestVault", verb, scale, who))
        stand.act(who, verb, [(call, verb)], {"reverted": 1})


def _farm(stand: Stand, who: str) -> None:
    """Stake, claim, unstake some, leave or stay."""
    lab, random = stand.lab, stand.lab.random
    held = stand.ask("vault", "TestVault", "balanceOf", who)
    if held < 10:
        lab.must(
            [
                (who, Call(stand.at["asset"], stand.encode("TestToken", "approve", stand.at["vault"], 10**21))),
                (who, Call(stand.at["vault"], stand.encode("TestVault", "deposit", 10**21, who))),
            ],
            "depositing",
        )
        held = stand.ask("vault", "TestVault", "balanceOf", who)
    for part in (3, 2):
        amount = held // part // 2
        first = stand.ask("farm", "StakingRewards", "balanceOf", who) == 0
        call = Call(stand.at["farm"], stand.encode("StakingRewards", "stake", amount))
        counted = {"first_stake": int(first)}
        stand.act(who, "stake", [stand.approve("vault", "farm", amount), (call, "stake")], counted)
    stand.act(who, "claim", [(_call(stand, "getReward"), "claim")], {})
    staked = stand.ask("farm", "StakingRewards", "balanceOf", who)
    some = _call(stand, "withdraw", staked // random.randrange(2, 5))
    stand.act(who, "withdraw", [(some, "withdraw")], {"last_stake": 0})
    stand.act(who, "withdraw", [(_call(stand, "withdraw", staked * 2), "withdraw")], {"reverted": 1})
    stand.act(who, "stake", [(_call(stand, "stake", 10**18), "stake")], {"reverted": 1})  # no allowance
    kind = random.randrange(3)
    if kind == 0:
        rest = stand.ask("farm", "StakingRewards", "balanceOf", who)
        stand.act(who, "withdraw", [(_call(stand, "withdraw", rest), "withdraw")], {"last_stake": 1})
        stand.act(who, "exit", [(_call(stand, "exit"), "exit")], {"reverted": 1})  # nothing is staked
    elif kind == 1:
        stand.act(who, "exit", [(_call(stand, "exit"), "exit")], {"last_stake": 1})


def _call(stand: Stand, function: str, *args: object) -> Call:
    return Call(stand.at["farm"], stand.encode("StakingRewards", function, *args))
