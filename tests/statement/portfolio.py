"""A random portfolio on a local chain: real contracts of seven families, seeded actors who use them all at once.

One of the actors is ``ME``, whose statement is asked for. Others act in the same blocks, pay in for ME, send it tokens
and receipt tokens, and liquidate it; some transactions fail. What was done is kept in ``done``, to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from harness import actor
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Action, Block, Filled, Reverted
from tidemill.venues.aave_v3.client import MarketClient, MarketDeployment
from tidemill.venues.aave_v3.local_market import Listed, deploy_market
from tidemill.venues.aave_v3.state import Config, Curve
from tidemill.venues.erc4626.client import VaultClient, VaultDeployment
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import ChefDeployment
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.state import ADAPTIVE
from tidemill.venues.shared.client_parts import ERC20, abi, ask
from tidemill.venues.shared.ground import intent_of
from tidemill.venues.staking_rewards.client import FarmClient, FarmDeployment
from tidemill.venues.uniswap_v2.client import FACTORY, PairClient, PairDeployment
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local

ME, ALICE, BOB, OWNER, TREASURY = (actor(name) for name in ("me", "alice", "bob", "owner", "treasury"))
USERS = (ME, ALICE, BOB)
USDC, WETH, SUSHI, RWD, BON = (f"{symbol}@op" for symbol in ("USDC", "WETH", "SUSHI", "RWD", "BON"))
LP, SHARE = "LP@op", "vUSDC@op"
DECIMALS = {USDC: 6, WETH: 18, SUSHI: 18, RWD: 18, BON: 8}
START = 1_800_000_000
BASE_FEE = 10**7
RAY, DAY = 10**27, 86_400
PRICE = 2_000
_RISK = Config(ltv=7_500, threshold=8_000, bonus=10_500, reserve_factor=1_000, liquidation_fee=1_000)
_CURVE = Curve(8 * RAY // 10, 0, 4 * RAY // 100, 60 * RAY // 100)
_LLTV = 86 * 10**16
_FOREVER = (1 << 256) - 1
_ENDOWED = {USDC: 10**12, WETH: 10**21, SUSHI: 10**18, RWD: 10**18, BON: 10**8}
_TOKEN = Abi(artefact("TestToken").abi)


class Done(NamedTuple):
    """What somebody did: all of its transactions were mined in ``block``; ``status`` is what the client makes of them."""

    block: int
    who: str
    venue: str
    verb: str
    args: dict[str, Any]
    receipts: tuple[Receipt, ...]
    status: Any


class Doing(NamedTuple):
    """Something to be done: its calls are encoded against the newest block."""

    who: str
    venue: str
    verb: str
    args: dict[str, Any]
    calls: tuple[Call, ...]


class Portfolio:
    """Contracts, actors with tokens and allowances, and what they did. ``tokens`` are addresses by id."""

    def __init__(self, anvil: Anvil, seed: str) -> None:
        self.anvil, self.rpc, self.rng = anvil, anvil.rpc, Random(seed)
        self.done: list[Done] = []
        self.time = START
        self.price = PRICE
        for who in (*USERS, OWNER):
            anvil.set_balance(who, 10**21)
        made = [Deployment(t, "TestToken", (t, t.partition("@")[0], d)) for t, d in DECIMALS.items()]
        self.tokens = {name: address.lower() for name, address in deploy(anvil, OWNER, made).items()}
        self._mint_all()
        self.clients: dict[str, dict[str, Any]] = {}
        for place in (self._pair, self._range, self._vault, self._farm, self._chef, self._market, self._morpho):
            place()
        self._allow_all()
        self.began = self.rpc.block().number
        self._open_up()

    # --- contracts ----------------------------------------------------------------------------------------------------

    def _of_all(self, venue: str, make: Any) -> None:
        self.clients[venue] = {who: make(who) for who in (*USERS, OWNER)}

    def _mint_all(self) -> None:
        mints = [
            (OWNER, Call(self.tokens[t], _TOKEN.encode("mint", who, 1000 * n if who == OWNER else n)))
            for t, n in _ENDOWED.items()
            for who in (*USERS, OWNER)
        ]
        self.run(mints)

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
        self._of_all("pair", lambda who: PairClient(self.rpc, place, venue="pair", account=who))

    def _range(self) -> None:
        ids = self.clients["pair"][ME].deployment.token0_id, self.clients["pair"][ME].deployment.token1_id
        raw = {USDC: PRICE * 10**6, WETH: 10**18}  # as much of each is worth the same
        price = math.isqrt((raw[ids[1]] << 192) // raw[ids[0]])
        token0, token1 = (LocalToken(one, DECIMALS[one], self.tokens[one]) for one in ids)
        place = deploy_local(self.anvil, token0, token1, fee=500, sqrt_price_x96=price)
        self._of_all("range", lambda who: UniswapV3Client(self.rpc, place, venue="range", account=who))

    def _vault(self) -> None:
        self.anvil.errors.update(Abi(artefact("TestVault").abi).errors)
        args = self.tokens[USDC], "vault", "vUSDC", 3
        vault = deploy(self.anvil, OWNER, [Deployment("vault", "TestVault", args)])["vault"].lower()
        place = VaultDeployment.of_vault(self.rpc, vault, asset_id=USDC, share_id=SHARE)
        self.tokens[SHARE] = vault
        self._of_all("vault", lambda who: VaultClient(self.rpc, place, venue="vault", account=who))

    def _farm(self) -> None:
        args = OWNER, self.tokens[RWD], self.tokens[LP]
        farm = deploy(self.anvil, OWNER, [Deployment("farm", "StakingRewards", args)])["farm"]
        place = FarmDeployment.of_farm(self.rpc, farm, staking_id=LP, reward_id=RWD)
        self._of_all("farm", lambda who: FarmClient(self.rpc, place, venue="farm", account=who))

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
        self._of_all("chef", lambda who: ChefClient(self.rpc, place, venue="chef", account=who, name=who))

    def _market(self) -> None:
        listed = [
            Listed(self.tokens[USDC], 6, 10**8, _RISK, _CURVE),
            Listed(self.tokens[WETH], 18, PRICE * 10**8, _RISK, _CURVE),
        ]
        market = deploy_market(self.anvil, OWNER, TREASURY, listed)
        tokens = {token: self.tokens[token] for token in (USDC, WETH)}
        place = MarketDeployment.of_pool(self.rpc, market.pool, tokens)
        self._of_all("market", lambda who: MarketClient(self.rpc, place, venue="market", account=who))

    def _morpho(self) -> None:
        at = deploy(self.anvil, OWNER, [Deployment("morpho", "Morpho", (OWNER,)), Deployment("oracle", "OracleMock")])
        irm = deploy(self.anvil, OWNER, [Deployment("irm", "AdaptiveCurveRate", (at["morpho"],))])["irm"]
        params = self.tokens[USDC], self.tokens[WETH], at["oracle"], irm, _LLTV
        place = MorphoDeployment.of_market(at["morpho"], params, loan_id=USDC, collateral_id=WETH, irm_name=ADAPTIVE)
        self._of_all("morpho", lambda who: MorphoClient(self.rpc, place, venue="morpho", account=who))

    def _allow_all(self) -> None:
        """Standing allowances to everything, so that most actions are one transaction."""
        at = self.clients
        spenders = {
            at["pair"][ME].deployment.router: (USDC, WETH, LP),
            at["range"][ME].deployment.manager: (USDC, WETH),
            at["range"][ME].deployment.router: (USDC, WETH),
            self.tokens[SHARE]: (USDC,),
            at["farm"][ME].deployment.farm: (LP,),
            at["chef"][ME].deployment.chef: (LP, SHARE),
            at["market"][ME].deployment.pool: (USDC, WETH),
            at["morpho"][ME].deployment.morpho: (USDC, WETH),
        }
        codec = abi(ERC20)
        self.run(
            [
                (who, Call(self.tokens[token], codec.encode("approve", spender, _FOREVER)))
                for who in (*USERS, OWNER)
                for spender, tokens in spenders.items()
                for token in tokens
            ]
        )

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
        reward = Call(self.tokens[RWD], _TOKEN.encode("transfer", self.clients["farm"][ME].deployment.farm, 10**20))
        self.turn(Doing(OWNER, "", "transfer", {}, (reward,)))
        self.turn(self.doing(OWNER, "farm", "notify_reward", reward=10**20))
        failed = [one for one in self.done if isinstance(one.status, Reverted)]
        assert not failed, failed

    def _morpho_price(self) -> int:
        return self.price * 10 ** (36 + 6 - 18)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def run(self, calls: Sequence[tuple[str, Call]]) -> None:
        """Mine what must succeed."""
        _, receipts = self.anvil.mine(calls)
        assert all(receipt.status for receipt in receipts), [receipt.revert_reason for receipt in receipts]

    def doing(self, who: str, venue: str, verb: str, **args: Any) -> Doing:
        """Encode a verb of a venue's client; arguments named ``..._min`` and ``..._max`` are its limits."""
        limits = {name: args.pop(name) for name in list(args) if name.endswith(("_min", "_max"))}
        if verb == "add_liquidity" and not args["amount0_desired"]:
            both = {USDC: 10**12, WETH: 10**12 // 2_000 * 10**12}
            at = self.clients["pair"][who].deployment
            args = {"amount0_desired": both[at.token0_id], "amount1_desired": both[at.token1_id]}
        calls = self.clients[venue][who].plan(intent_of(venue, Action(verb, args, limits)))
        # allowances stand: an action is its own transaction, and nothing is put back
        return Doing(who, venue, verb, args, tuple(call for call in calls if call.purpose == verb))

    def sending(self, who: str, token: str, to: str, amount: int) -> Doing:
        """A plain transfer of any token, of a reserve's own too."""
        address = self.tokens.get(token, token)
        call = Call(address, _TOKEN.encode("transfer", to, amount))
        return Doing(who, "", "transfer", {"token": token, "to": to, "amount": amount}, (call,))

    def turn(self, *doings: Doing, seconds: int = 12) -> list[Done]:
        """Mine one block of all of these, in order, so much later than the one before."""
        self.time = max(self.time, self.rpc.block().timestamp) + seconds
        calls = [(doing.who, call) for doing in doings for call in doing.calls]
        block, receipts = self.anvil.mine(calls, time_s=self.time, base_fee=BASE_FEE)
        out, rest = [], iter(receipts)
        for doing in doings:
            mine = tuple(next(rest) for _ in doing.calls)
            failed = next((Reverted(r.revert_reason or "") for r in mine if not r.status), None)
            client = self.clients[doing.venue][doing.who] if doing.venue else None
            status = failed or (client.decode(mine) if client else Filled())
            out.append(Done(block.number, doing.who, doing.venue, doing.verb, doing.args, mine, status))
        self.done += out
        return out

    # --- what is held -------------------------------------------------------------------------------------------------

    def held(self, token: str, who: str = ME, block: int | str = "latest") -> int:
        """Raw units of a token in a wallet."""
        return int(ask(self.rpc, self.tokens.get(token, token), ERC20, "balanceOf", (who,), block)[0])

    def at(self, number: int) -> Block:
        """A block by its number."""
        return Block(time=self.rpc.block(number).timestamp, number=number)
