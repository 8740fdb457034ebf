"""Liquid staking, a savings vault and delegated stake measured: several people come, earn, and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gas_lab import Lab
from gas_stand import PEOPLE, ModelStand

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.venues.delegation.client import DelegationClient, DelegationDeployment
from tidemill.venues.delegation.local import contract_terms
from tidemill.venues.delegation.model import DelegationModel
from tidemill.venues.delegation.state import DelegationState, Terms
from tidemill.venues.liquid_staking.client import StakingClient, StakingDeployment
from tidemill.venues.liquid_staking.model import StakingModel
from tidemill.venues.savings_vault.client import SavingsClient
from tidemill.venues.savings_vault.model import SavingsModel
from tidemill.venues.shared.vault_client import VaultDeployment

__all__ = ["measure_delegation", "measure_savings", "measure_staking"]

BOSS, EARLY, TREASURY = "0x" + "d1" * 20, "0x" + "d3" * 20, "0x" + "d2" * 20
ENDOWMENT = 10**30
ASSET, SHARE = "AST@op", "wAST@op"
RATE = 1000000001547125957863212448
STAKED = Terms(
    "pol", own=10**24, elsewhere=10**27, commission=5, supply=10**28, other_mint=10**26, unbonding=1, least=10**18,
    reward=10**24, interval=5_120, decrease=10, bonus=10,
)  # fmt: skip
NAMES = {"account": "", "asset": ASSET, "share": SHARE}


def measure_staking(lab: Lab, rounds: int) -> None:
    """Measure every verb of stakers."""
    terms = ("Staked", "wAST", 18, AddressOf("asset"), BOSS, TREASURY, 1_000, ENDOWMENT)
    at = _deploy(lab, "LiquidStaking", terms)
    where = StakingDeployment(at["venue"], at["asset"], ASSET, SHARE)
    parties = {"venue": "staking", "reporter": BOSS, "treasury": TREASURY, "fee_bps": 1_000, "max_request": ENDOWMENT}
    state = StakingModel().init({**NAMES, "account": at["venue"], **parties})
    made: Callable[[str], Any] = lambda who: StakingClient(lab.anvil.rpc, where, venue="staking", account=who)  # noqa: E731
    stand = _stand(lab, "staking", made, StakingModel(), state, (at["venue"], TREASURY))
    stand.set_up(EARLY, "stake", {"amount": 10**27})
    stand.set_up(BOSS, "report_rewards", {"amount": 10**26})
    for number in range(rounds):
        for who in PEOPLE:
            _stake(stand, who)
        stand.set_up(BOSS, "report_rewards", {"amount": 10**23 + number})
        stand.set_up(BOSS, "finalize", {"until": lab.anvil.rpc.block().timestamp})
        for id_, one in enumerate(stand.state.requests, 1):
            if not one.claimed:
                stand.act(one.owner, "claim", {"position": f"staking#{id_}"})


def measure_savings(lab: Lab, rounds: int) -> None:
    """Measure every verb of savers."""
    since = lab.anvil.rpc.block().timestamp
    at = _deploy(lab, "SavingsVault", ("Saved", "wAST", 18, AddressOf("asset"), BOSS, RATE, since))
    where = VaultDeployment.of_vault(lab.anvil.rpc, at["venue"], asset_id=ASSET, share_id=SHARE)
    state = SavingsModel().init({**NAMES, "account": at["venue"], "governor": BOSS, "rate": RATE, "rho": since})
    made: Callable[[str], Any] = lambda who: SavingsClient(lab.anvil.rpc, where, venue="vault", account=who)  # noqa: E731
    stand = _stand(lab, "vault", made, SavingsModel(), state, (at["venue"],))
    stand.set_up(EARLY, "deposit", {"assets": 10**24})
    for _ in range(rounds):
        for who in PEOPLE:
            _save(stand, who)


def measure_delegation(lab: Lab, rounds: int) -> None:
    """Measure every verb of delegators."""
    since = lab.anvil.rpc.block().timestamp
    at = _deploy(lab, "DelegatedStake", (AddressOf("asset"), contract_terms(STAKED), since))
    where = DelegationDeployment(at["venue"], at["asset"], ASSET)
    state = DelegationState("stake", at["venue"], ASSET, STAKED, since)
    made: Callable[[str], Any] = lambda who: DelegationClient(lab.anvil.rpc, where, venue="stake", account=who)  # noqa: E731
    clients = {who: made(who) for who in (BOSS, EARLY, *PEOPLE)}
    stand = ModelStand(lab, "stake", clients, DelegationModel(), state, (ASSET,), (at["venue"],))
    stand.set_up(EARLY, "delegate", {"amount": 10**26})
    for _ in range(rounds):
        for who in PEOPLE:
            _delegate(stand, who)


def _deploy(lab: Lab, contract: str, terms: tuple[Any, ...]) -> dict[str, str]:
    for who in (BOSS, EARLY, *PEOPLE):
        lab.anvil.set_balance(who, 10**24)
    stack = [Deployment("asset", "TestToken", ("Test Asset", "AST", 18)), Deployment("venue", contract, terms)]
    at = {name: address.lower() for name, address in deploy(lab.anvil, BOSS, stack).items()}
    token = Abi(artefact("TestToken").abi)
    mints = [Call(at["asset"], token.encode("mint", who, ENDOWMENT)) for who in (BOSS, EARLY, *PEOPLE)]
    lab.must([(BOSS, call) for call in mints], "endowing")
    return at


def _stand(
    lab: Lab, venue: str, made: Callable[[str], Any], model: Any, state: Any, accounts: tuple[str, ...]
) -> ModelStand:
    clients = {who: made(who) for who in (BOSS, EARLY, *PEOPLE)}
    return ModelStand(lab, venue, clients, model, state, (ASSET, SHARE), accounts)


def _stake(stand: ModelStand, who: str) -> None:
    """Stake twice, give some away, ask for some of it back; one in two asks for all."""
    random = stand.lab.random
    for _ in range(2):
        stand.act(who, "stake", {"amount": random.randrange(1, 1_000) * 10 ** random.randrange(16, 21)})
    held = stand.held(SHARE, who)
    stand.act(
        who,
        "transfer",
        {"to": random.choice([one for one in PEOPLE if one != who]), "amount": held // random.randrange(5, 9)},
    )
    held = stand.held(SHARE, who)
    for shares in (held // 3, held - held // 3 if random.randrange(2) else held // 3):
        stand.act(who, "request_withdrawal", {"shares": shares})
    stand.refuse(who, "claim", {"position": f"staking#{len(stand.state.requests)}"})
    stand.refuse(who, "request_withdrawal", {"shares": ENDOWMENT})
    stand.refuse(who, "transfer", {"to": EARLY, "amount": ENDOWMENT})
    stand.refuse(who, "stake", {"amount": 10**18})  # no allowance


def _delegate(stand: ModelStand, who: str) -> None:
    """Come twice, the second time with something owed; claim, restake, and ask for some of it or for all."""
    random, epoch = stand.lab.random, {"blocks": 5_120, "signed_bps": 10_000, "proposer": 1}
    for _ in range(2):
        stand.act(who, "delegate", {"amount": random.randrange(10, 1_000) * 10 ** random.randrange(20, 24)})
        stand.set_up(BOSS, "epoch", epoch)
    stand.act(who, "claim", {})
    stand.refuse(who, "claim", {})
    stand.refuse(who, "restake", {})
    stand.set_up(BOSS, "epoch", epoch)
    if stand.model.read(stand.state, "rewards", who) >= STAKED.least:
        stand.act(who, "restake", {})
    held = stand.state.shares[who]
    stand.act(who, "undelegate", {"amount": held // 3})
    stand.set_up(BOSS, "epoch", epoch)
    stand.act(who, "undelegate", {"amount": held - held // 3 if random.randrange(2) else held // 3})
    for number, one in enumerate(stand.state.leaving, 1):
        if one.owner == who and not one.claimed:
            stand.act(who, "claim_unbonded", {"position": f"stake#{number}"})
    stand.refuse(who, "claim_unbonded", {"position": f"stake#{len(stand.state.leaving)}"})
    stand.refuse(who, "undelegate", {"amount": ENDOWMENT})
    stand.refuse(who, "delegate", {"amount": 10**18})  # no allowance


def _save(stand: ModelStand, who: str) -> None:
    """Come twice, touch, take out some twice; one in two leaves with everything. Some of it in one second."""
    random = stand.lab.random
    amount = lambda: random.randrange(1, 1_000) * 10 ** random.randrange(16, 21)  # noqa: E731

    def at_once() -> bool:
        """Let some time pass, and say whether the next comes in one second with what it follows."""
        stand.lab.anvil.rpc.request("anvil_setBlockTimestampInterval", random.choice((2, 45, 601, 9_001, 86_400)))
        return random.randrange(4) == 0

    stand.act(who, "deposit", {"assets": amount()}, at_once=at_once())
    stand.act(who, "mint", {"shares": amount()}, at_once=at_once())
    stand.act(who, "drip", {})
    shares = stand.held(SHARE, who)
    stand.act(who, "withdraw", {"assets": shares // 5}, at_once=at_once())
    shares = stand.held(SHARE, who)
    stand.act(who, "redeem", {"shares": shares if random.randrange(2) else shares // 3}, at_once=at_once())
    for verb, name in (("withdraw", "assets"), ("redeem", "shares")):
        stand.refuse(who, verb, {name: ENDOWMENT * 10})
    stand.refuse(who, "deposit", {"assets": 10**18})  # no allowance
    stand.refuse(who, "mint", {"shares": 10**18})
