"""A small life at what grows by itself: a savings vault, a vault over a lending market, and liquid staking, all really there.

``ME`` and others act in the same blocks, pay in for each other, send shares around and fail.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from statement.acting import ALICE, BOB, DAY, ME, OWNER, TOKEN, USERS, Acting, Doing
from statement.portfolio import PRICE, TREASURY, USDC, WETH
from tidemill.chain.anvil import Anvil
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.studies.held.asked import Asked
from tidemill.venues.liquid_staking.client import BridgedClient, StakingClient, StakingDeployment
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.state import MOCK
from tidemill.venues.morpho_vault.client import LendingVaultClient
from tidemill.venues.morpho_vault.client_abi import VAULT as LENDING
from tidemill.venues.morpho_vault.client_abi import MarketAt
from tidemill.venues.morpho_vault.client_abi import VaultDeployment as LendingAt
from tidemill.venues.savings_vault.client import SavingsClient
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.vault_client import VAULT, VaultDeployment

SAVED, LENT, STAKED, BRIDGED = "sUSDC@op", "mUSDC@op", "stWETH@op", "brWETH@op"
KINDS = {
    "savings": "savings_vault",
    "lending": "morpho_vault",
    "staking": "liquid_staking",
    "bridged": "liquid_staking",
}
SHARES = {"savings": SAVED, "lending": LENT, "staking": STAKED, "bridged": BRIDGED}
ASSETS = {"savings": USDC, "lending": USDC, "staking": WETH, "bridged": WETH}
_LLTV = 86 * 10**16
_RATE = 10**27 + 2 * 10**18  # some six percent a year


class Yielding(Acting):
    """Contracts, actors with tokens and allowances, and what they did."""

    def __init__(self, anvil: Anvil, seed: str) -> None:
        super().__init__(anvil, seed, {USDC: 6, WETH: 18, BRIDGED: 18}, {USDC: 10**13, WETH: 10**22})
        others = [Call(self.tokens[BRIDGED], TOKEN.encode("mint", who, 10**20)) for who in (ALICE, BOB, OWNER)]
        self.run([(OWNER, call) for call in others])
        self._savings()
        self._lending()
        self._staking()
        shares = (self.tokens[share] for share in SHARES.values())
        spenders = *shares, self.clients["market"][ME].deployment.morpho
        self.allow(dict.fromkeys(spenders, (USDC, WETH, BRIDGED)))
        self.began = self.rpc.block().number
        self._begin()

    def _savings(self) -> None:
        terms = "Savings", "sUSDC", 6, self.tokens[USDC], OWNER, _RATE, self.rpc.block().timestamp
        vault = deploy(self.anvil, OWNER, [Deployment("vault", "SavingsVault", terms)])["vault"].lower()
        place = VaultDeployment(vault, self.tokens[USDC], USDC, SAVED)
        self.tokens[SAVED] = vault
        self.of_all("savings", lambda who: SavingsClient(self.rpc, place, venue="savings", account=who))

    def _lending(self) -> None:
        made = [
            Deployment("morpho", "Morpho", (OWNER,)),
            Deployment("irm", "IrmMock"),
            Deployment("oracle", "OracleMock"),
        ]
        made.append(Deployment("vault", "LendingVault", (self.tokens[USDC], OWNER, "Lending", "mUSDC", 12)))
        at = {name: address.lower() for name, address in deploy(self.anvil, OWNER, made).items()}
        params = self.tokens[USDC], self.tokens[WETH], at["oracle"], at["irm"], _LLTV
        there = MorphoDeployment.of_market(at["morpho"], params, loan_id=USDC, collateral_id=WETH, irm_name=MOCK)
        self.of_all("market", lambda who: MorphoClient(self.rpc, there, venue="market", account=who))
        markets = {"market": MarketAt(there.morpho, there.params, there.id)}
        place = LendingAt(at["vault"], self.tokens[USDC], USDC, LENT, 10**12, markets)
        self.tokens[LENT] = at["vault"]
        self.of_all("lending", lambda who: LendingVaultClient(self.rpc, place, venue="lending", account=who))

    def _staking(self) -> None:
        terms = "Staked", "stWETH", 18, self.tokens[WETH], OWNER, TREASURY, 1_000, 10**21
        made = [Deployment("staking", "LiquidStaking", terms), Deployment("rate", "BridgedRate", (OWNER, 10**18))]
        at = {name: address.lower() for name, address in deploy(self.anvil, OWNER, made).items()}
        self.tokens[STAKED] = at["staking"]
        place = StakingDeployment(at["staking"], self.tokens[WETH], WETH, STAKED)
        self.of_all("staking", lambda who: StakingClient(self.rpc, place, venue="staking", account=who))
        there = StakingDeployment(at["rate"], self.tokens[WETH], WETH, BRIDGED, self.tokens[BRIDGED])
        self.of_all("bridged", lambda who: BridgedClient(self.rpc, there, venue="bridged", account=who))

    def _begin(self) -> None:
        for venue, verb, args in (
            ("market", "enable_irm", {"irm": MOCK}),
            ("market", "enable_lltv", {"lltv": _LLTV}),
            ("market", "create_market", {}),
            ("market", "set_price", {"price": PRICE * 10**24}),
            ("market", "supply", {"assets": 10**10}),
            ("market", "supply_collateral", {"assets": 10**20}),
            ("market", "borrow", {"assets": 9 * 10**9}),
            ("lending", "set_supply_queue", {"queue": "0"}),
            ("lending", "set_fee", {"fee": 10**17, "recipient": BOB}),
            ("lending", "deposit", {"assets": 10**10}),
            ("savings", "deposit", {"assets": 10**10}),
            ("staking", "stake", {"amount": 10**20}),
        ):
            if verb == "set_supply_queue":
                self._list_market()
            (done,) = self.turn(self.doing(OWNER, venue, verb, **args))
            assert done.receipts[0].status, (venue, verb, done.status)
        self.turn(self.sending(ALICE, BRIDGED, ME, 10**19))

    def _list_market(self) -> None:
        at = self.clients["lending"][OWNER].deployment
        there = at.markets["market"]
        self.run([(OWNER, Call(at.vault, abi(LENDING).encode("add_market", there.morpho, there.params, 10**13)))])


def live(world: Yielding, turns: int) -> None:
    """Let everybody act for so many blocks, ME in each, others before and behind it; something waits in the queue then."""
    rng = world.rng
    for _ in range(turns):
        who = [ME, *rng.sample([ALICE, BOB], rng.randint(0, 2)), *([OWNER] if rng.random() < 0.6 else [])]
        rng.shuffle(who)
        doings = [doing for one in who if (doing := _draw(world, rng, one)) is not None]
        world.turn(*doings, seconds=rng.choice((2, 600, DAY, 9 * DAY)))
    world.turn(world.doing(ME, "staking", "stake", amount=10**18))
    world.turn(world.doing(ME, "staking", "request_withdrawal", shares=10**17))


def _draw(world: Yielding, rng: Random, who: str) -> Doing | None:
    deeds: tuple[Callable[[Yielding, Random, str], Doing | None], ...] = (
        _vault,
        _vault,
        _stake,
        _stake,
        _send,
        _mistake,
    )
    return rng.choice((_govern, _report, _report) if who == OWNER else deeds)(world, rng, who)


def _vault(world: Yielding, rng: Random, who: str) -> Doing:
    venue = rng.choice(("savings", "lending"))
    shares = world.held(SHARES[venue], who)
    verb = rng.choice(("deposit", "mint", "withdraw", "redeem", "redeem")) if shares else "deposit"
    if verb == "deposit":
        return _paid_for(world, rng, who, venue)
    if verb == "withdraw":
        return world.doing(who, venue, verb, assets=rng.randrange(1, 10**6))
    part = shares if rng.random() < 0.3 else rng.randrange(1, shares)
    return world.doing(who, venue, verb, shares=part)


def _paid_for(world: Yielding, rng: Random, who: str, venue: str) -> Doing:
    """A deposit, which others may make for ME."""
    assets, to = rng.randrange(1, 10**9), rng.choice((who, ME))
    call = Call(world.tokens[SHARES[venue]], abi(VAULT).encode("deposit", assets, to))
    return Doing(who, venue, "deposit", {"assets": assets, "to": to}, (call,))


def _stake(world: Yielding, rng: Random, who: str) -> Doing:
    client, shares = world.clients["staking"][who], world.held(STAKED, who)
    paid = client.read("lastFinalized")
    ready = [one.id for one in client.positions(who) if int(one.id.partition("#")[2]) <= paid]
    if ready and rng.random() < 0.6:
        return world.doing(who, "staking", "claim", position=rng.choice(ready))
    if shares > 10**6 and rng.random() < 0.5:
        return world.doing(who, "staking", "request_withdrawal", shares=rng.randrange(10**4, shares + 1))
    return world.doing(who, "staking", "stake", amount=rng.randrange(10**6, 10**19))


def _report(world: Yielding, rng: Random, who: str) -> Doing:
    """Rewards, a loss, a queue that is paid; or the rate that is brought over, which may fall too."""
    pick, total = rng.randrange(8), world.clients["staking"][who].read("totalAssets")
    if pick < 2:
        return world.doing(who, "staking", "report_rewards", amount=rng.randrange(1, total // 50))
    if pick == 2:
        return world.doing(who, "staking", "report_slashing", amount=rng.randrange(1, total // 40))
    if pick < 6:
        return world.doing(who, "staking", "finalize", until=world.time - DAY)
    return world.doing(who, "bridged", "push", rate=10**18 + rng.randrange(10**17))


def _send(world: Yielding, rng: Random, who: str) -> Doing | None:
    token = rng.choice((*SHARES.values(), USDC))
    held, to = world.held(token, who), rng.choice([one for one in USERS if one != who])
    return world.sending(who, token, to, rng.randrange(1, held // 4)) if held > 8 else None


def _mistake(world: Yielding, rng: Random, who: str) -> Doing:
    return world.doing(who, rng.choice(("savings", "lending")), "redeem", shares=10**40)


def _govern(world: Yielding, rng: Random, who: str) -> Doing:
    pick = rng.randrange(3)
    if pick == 0:
        return world.doing(who, "savings", "set_rate", rate=10**27 + rng.randrange(4 * 10**18))
    return world.doing(who, *(("savings", "drip") if pick == 1 else ("lending", "accrue")))


def whereabouts(world: Yielding, venue: str) -> tuple[str, str]:
    """Kind and place of a venue, as a user names them."""
    place = world.tokens[SHARES[venue]]
    if venue == "bridged":
        rate = world.clients[venue][ME].deployment.contract
        place = f"{rate},share={place},asset={world.tokens[WETH]}"
    return KINDS[venue], place


def asked_of(world: Yielding, venue: str) -> Asked:
    """Ask for one venue alone."""
    home = ASSETS[venue].partition("@")[0]
    given = {"ETH": str(PRICE)} if home == "USDC" else {}
    return asked(world, contracts=(whereabouts(world, venue),), home=home, given=given, samples=0)


def asked(world: Yielding, **changes: Any) -> Asked:
    """Ask for everything ME had, by the contracts' addresses."""
    contracts = tuple(whereabouts(world, venue) for venue in KINDS)
    told = {"address": ME, "contracts": contracts, "home": "USDC", "given": {"ETH": str(PRICE)},
            "start": str(world.began), "samples": 2}  # fmt: skip
    return Asked(**(told | changes))
