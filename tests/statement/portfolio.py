"""A random portfolio on a local chain: real contracts of seven families, seeded actors who use them all at once.

One of the actors is ``ME``, whose statement is asked for. Others act in the same blocks, pay in for ME, send it tokens
and receipt tokens, and liquidate it; some transactions fail. What was done is kept in ``done``, to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from harness import actor
from statement.acting import ALICE, BOB, DAY, ME, OWNER, TOKEN, USERS, Acting, Doing, Done
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Reverted
from tidemill.venues.aave_v3.client import MarketClient, MarketDeployment
from tidemill.venues.aave_v3.local_market import Listed, deploy_market
from tidemill.venues.aave_v3.state import Config, Curve
from tidemill.venues.aave_v3.versions import V30
from tidemill.venues.erc4626.client import VaultClient, VaultDeployment
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import ChefDeployment
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.state import ADAPTIVE
from tidemill.venues.shared.client_parts import abi, ask
from tidemill.venues.staking_rewards.client import FarmClient, FarmDeployment
from tidemill.venues.uniswap_v2.client import FACTORY, PairClient, PairDeployment
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local

__all__ = ["ALICE", "BOB", "DAY", "ME", "OWNER", "USERS", "Doing", "Done", "Portfolio"]

TREASURY = actor("treasury")
USDC, WETH, SUSHI, RWD, BON = (f"{symbol}@op" for symbol in ("USDC", "WETH", "SUSHI", "RWD", "BON"))
LP, SHARE = "LP@op", "vUSDC@op"
DECIMALS = {USDC: 6, WETH: 18, SUSHI: 18, RWD: 18, BON: 8}
RAY = 10**27
PRICE = 2_000
_RISK = Config(ltv=7_500, threshold=8_000, bonus=10_500, reserve_factor=1_000, liquidation_fee=1_000)
_CURVE = Curve(8 * RAY // 10, 0, 4 * RAY // 100, 60 * RAY // 100)
_LLTV = 86 * 10**16
_ENDOWED = {USDC: 10**12, WETH: 10**21, SUSHI: 10**18, RWD: 10**18, BON: 10**8}


class Portfolio(Acting):
    """Contracts of seven families, actors with tokens and allowances, and what they did."""

    def __init__(self, anvil: Anvil, seed: str, aave: int = V30) -> None:
        super().__init__(anvil, seed, DECIMALS, _ENDOWED)
        self.aave = aave
        self.price = PRICE
        for place in (self._pair, self._range, self._vault, self._farm, self._chef, self._market, self._morpho):
            place()
        self._allow_all()
        self.began = self.rpc.block().number
        self._open_up()

    # --- contracts ----------------------------------------------------------------------------------------------------

    def _pair(self) -> None:
        stack = [
            Deployment("weth", "WETH9"),
            Deployment("factory", "UniswapV2Factory", (OWNER,)),
            Deployment("router", "UniswapV2Router02", (AddressOf("factory"), AddressOf("weth"))),
        ]
        at = deploy(self.anvil, OWNER, stack)
        pair = self.tokens[USDC], self.tokens[WETH]
        self.run([(OWNER, Call(at["factory"], abi(FACTORY).encode("createPair", *pair)))])
        (made,) = ask(self.rpc, at["factory"], FACTORY, "getPair", pair, "latest")
        ids = (USDC, WETH) if int(pair[0], 16) < int(pair[1], 16) else (WETH, USDC)
        place = PairDeployment.of_pair(self.rpc, made, at["router"], ids=ids, lp_id=LP)
        self.tokens[LP] = made
        self.of_all("pair", lambda who: PairClient(self.rpc, place, venue="pair", account=who))

    def _range(self) -> None:
        ids = self.clients["pair"][ME].deployment.token0_id, self.clients["pair"][ME].deployment.token1_id
        raw = {USDC: PRICE * 10**6, WETH: 10**18}  # as much of each is worth the same
        price = math.isqrt((raw[ids[1]] << 192) // raw[ids[0]])
        token0, token1 = (LocalToken(one, DECIMALS[one], self.tokens[one]) for one in ids)
        place = deploy_local(self.anvil, token0, token1, fee=500, sqrt_price_x96=price)
        self.of_all("range", lambda who: UniswapV3Client(self.rpc, place, venue="range", account=who))

    def _vault(self) -> None:
        self.anvil.errors.update(Abi(artefact("TestVault").abi).errors)
        args = self.tokens[USDC], "vault", "vUSDC", 3
        vault = deploy(self.anvil, OWNER, [Deployment("vault", "TestVault", args)])["vault"].lower()
        place = VaultDeployment.of_vault(self.rpc, vault, asset_id=USDC, share_id=SHARE)
        self.tokens[SHARE] = vault
        self.of_all("vault", lambda who: VaultClient(self.rpc, place, venue="vault", account=who))

    def _farm(self) -> None:
        args = OWNER, self.tokens[RWD], self.tokens[LP]
        farm = deploy(self.anvil, OWNER, [Deployment("farm", "StakingRewards", args)])["farm"]
        place = FarmDeployment.of_farm(self.rpc, farm, staking_id=LP, reward_id=RWD)
        self.of_all("farm", lambda who: FarmClient(self.rpc, place, venue="farm", account=who))

    def _chef(self) -> None:
        made = [
            Deployment("chef", "MiniChefV2", (self.tokens[SUSHI],)),
            Deployment("stream", "ComplexRewarderTime", (self.tokens[BON], 0, AddressOf("chef"))),
        ]
        at = {name: address.lower() for name, address in deploy(self.anvil, OWNER, made).items()}
        names = {address: name for name, address in self.tokens.items()}
        place = ChefDeployment(
            at["chef"],
            self.tokens[SUSHI],
            names,
            {"stream": at["stream"]},
            staked=(self.tokens[LP], self.tokens[SHARE]),
        )
        self.of_all("chef", lambda who: ChefClient(self.rpc, place, venue="chef", account=who, name=who))

    def _market(self) -> None:
        listed = [
            Listed(self.tokens[USDC], 6, 10**8, _RISK, _CURVE),
            Listed(self.tokens[WETH], 18, PRICE * 10**8, _RISK, _CURVE),
        ]
        market = deploy_market(self.anvil, OWNER, TREASURY, listed, version=self.aave)
        tokens = {token: self.tokens[token] for token in (USDC, WETH)}
        place = MarketDeployment.of_pool(self.rpc, market.pool, tokens)
        self.of_all("market", lambda who: MarketClient(self.rpc, place, venue="market", account=who))

    def _morpho(self) -> None:
        at = deploy(self.anvil, OWNER, [Deployment("morpho", "Morpho", (OWNER,)), Deployment("oracle", "OracleMock")])
        irm = deploy(self.anvil, OWNER, [Deployment("irm", "AdaptiveCurveRate", (at["morpho"],))])["irm"]
        params = self.tokens[USDC], self.tokens[WETH], at["oracle"], irm, _LLTV
        place = MorphoDeployment.of_market(at["morpho"], params, loan_id=USDC, collateral_id=WETH, irm_name=ADAPTIVE)
        self.of_all("morpho", lambda who: MorphoClient(self.rpc, place, venue="morpho", account=who))

    def _allow_all(self) -> None:
        """Standing allowances to everything, so that most actions are one transaction."""
        at = self.clients
        spenders: dict[str, Iterable[str]] = {
            at["pair"][ME].deployment.router: (USDC, WETH, LP),
            at["range"][ME].deployment.manager: (USDC, WETH),
            at["range"][ME].deployment.router: (USDC, WETH),
            self.tokens[SHARE]: (USDC,),
            at["farm"][ME].deployment.farm: (LP,),
            at["chef"][ME].deployment.chef: (LP, SHARE),
            at["market"][ME].deployment.pool: (USDC, WETH),
            at["morpho"][ME].deployment.morpho: (USDC, WETH),
        }
        self.allow(spenders)

    def _open_up(self) -> None:
        """Others put in what everybody lives on; rewards begin to flow."""
        self.turn(self.doing(OWNER, "pair", "add_liquidity", amount0_desired=0, amount1_desired=0))
        whole = {"amount0_desired": 10**14, "amount1_desired": 10**14}  # much, and not too much of either
        for venue, verb, args in (
            ("range", "mint", {"tick_lower": -887_270, "tick_upper": 887_270, **whole}),
            ("morpho", "enable_irm", {"irm": ADAPTIVE}),
            ("morpho", "enable_lltv", {"lltv": _LLTV}),
            ("morpho", "create_market", {}),
            ("morpho", "set_price", {"price": self._morpho_price()}),
            ("morpho", "supply", {"assets": 10**13}),
            ("market", "supply", {"asset": USDC, "amount": 10**13}),
            ("market", "supply", {"asset": WETH, "amount": 5 * 10**21}),
            ("vault", "deposit", {"assets": 10**11}),
            ("chef", "fund", {"token": SUSHI, "amount": 10**20}),
            ("chef", "fund", {"token": BON, "amount": 10**10, "rewarder": "stream"}),
            ("chef", "set_sushi_per_second", {"rate": 10**12}),
            ("chef", "rewarder_rate", {"rewarder": "stream", "rate": 100}),
            ("chef", "add_pool", {"points": 3, "token": LP, "rewarder": "stream"}),
            ("chef", "add_pool", {"points": 1, "token": SHARE, "rewarder": ""}),
            ("chef", "rewarder_add", {"rewarder": "stream", "points": 1, "pid": 0}),
        ):
            self.turn(self.doing(OWNER, venue, verb, **args))
        reward = Call(self.tokens[RWD], TOKEN.encode("transfer", self.clients["farm"][ME].deployment.farm, 10**20))
        self.turn(Doing(OWNER, "", "transfer", {}, (reward,)))
        self.turn(self.doing(OWNER, "farm", "notify_reward", reward=10**20))
        failed = [one for one in self.done if isinstance(one.status, Reverted)]
        assert not failed, failed

    def _morpho_price(self) -> int:
        return self.price * 10 ** (36 + 6 - 18)

    def doing(self, who: str, venue: str, verb: str, **args: Any) -> Doing:
        """Encode a verb; an ``add_liquidity`` of nothing is the first one."""
        if verb == "add_liquidity" and not args["amount0_desired"]:
            both = {USDC: 10**12, WETH: 10**12 // 2_000 * 10**12}
            at = self.clients["pair"][who].deployment
            args = {"amount0_desired": both[at.token0_id], "amount1_desired": both[at.token1_id]}
        return super().doing(who, venue, verb, **args)
