"""A small portfolio on a local chain: a lock with dividends, a campaign's claims, staked ranges, and seeded actors."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from statement.acting import ALICE, BOB, DAY, ME, OWNER, USERS, Acting, Doing
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Filled
from tidemill.venues.cl_gauge.client import GaugeClient, id_of
from tidemill.venues.cl_gauge.client_abi import GaugeDeployment
from tidemill.venues.cl_gauge.state import Key
from tidemill.venues.merkle_campaign.client import CampaignClient
from tidemill.venues.merkle_campaign.client_abi import CampaignDeployment
from tidemill.venues.merkle_campaign.state import CampaignState, Earned
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import EscrowDeployment

__all__ = ["ALICE", "BOB", "ME", "OWNER", "Small"]

USDC, VOTE, PAID, RWD = "USDC@op", "VOTE@op", "PAID@op", "RWD@op"
WETH = "WETH@op"
WEEK = 7 * DAY
_DECIMALS = {USDC: 6, VOTE: 18, PAID: 6, RWD: 18, WETH: 18}
_ENDOWED = {USDC: 10**12, VOTE: 10**24, PAID: 10**13, RWD: 10**20, WETH: 10**21}


class Small(Acting):
    """Contracts, actors, and what they did."""

    def __init__(self, anvil: Anvil, seed: str) -> None:
        super().__init__(anvil, seed, _DECIMALS, _ENDOWED)
        self._escrow()
        self._campaign()
        self._gauge()
        self.began = self.rpc.block().number
        self.turn(self.doing(OWNER, "lock", "create_lock", amount=10**24, unlock_time=self._in_weeks(50)))

    # --- contracts ----------------------------------------------------------------------------------------------------

    def _escrow(self) -> None:
        made = [
            Deployment("escrow", "VotingEscrow", (self.tokens[VOTE], "Votes", "VOTES", OWNER)),
            Deployment("dividends", "WeeklyDividends", (AddressOf("escrow"), self.tokens[PAID])),
        ]
        at = deploy(self.anvil, OWNER, made)
        place = EscrowDeployment.of(self.rpc, at["escrow"], at["dividends"], token_id=VOTE, paid_id=PAID)
        self.of_all("lock", lambda who: EscrowClient(self.rpc, place, venue="lock", account=who))
        self.allow({place.escrow: (VOTE,)})

    def _campaign(self) -> None:
        made = Deployment("campaign", "CumulativeDistributor", (OWNER, 3_600, self.tokens[USDC], 1_000))
        at = deploy(self.anvil, OWNER, [made])["campaign"].lower()
        tokens = {token: self.tokens[token] for token in (RWD, PAID, USDC)}
        self.archive = CampaignState(at, OWNER, RWD, 3_600, USDC, 1_000, tokens=tokens)
        place = CampaignDeployment(at, tokens, self.archive)
        self.of_all("campaign", lambda who: CampaignClient(self.rpc, place, venue="campaign", account=who, name=who))
        for token in (RWD, PAID):
            self.turn(self.doing(OWNER, "campaign", "fund", token=token, amount=10**12))

    def _gauge(self) -> None:
        ids = sorted((USDC, WETH), key=lambda token: int(self.tokens[token], 16))
        token0, token1 = (LocalToken(one, _DECIMALS[one], self.tokens[one]) for one in ids)
        pool = deploy_local(self.anvil, token0, token1, fee=500, sqrt_price_x96=1 << 96)
        self.of_all("range", lambda who: UniswapV3Client(self.rpc, pool, venue="range", account=who))
        (factory,) = self._ask("NonfungiblePositionManager", pool.manager, "factory")
        made = Deployment("staker", "UniswapV3Staker", (factory, pool.manager, 30 * DAY, 400 * DAY))
        staker = deploy(self.anvil, OWNER, [made])["staker"].lower()
        self.allow({pool.manager: ids, pool.router: ids, staker: (RWD, PAID)})
        now = self.rpc.block().timestamp
        self.incentives = [
            Key(RWD, "range", now + DAY, now + 90 * DAY, OWNER),
            Key(PAID, "range", now + 20 * DAY, now + 400 * DAY, OWNER),
        ]
        tokens = {token: self.tokens[token] for token in (RWD, PAID)}
        place = GaugeDeployment(staker, pool.manager, pool.pool, self.incentives[0], tokens)
        ranges = self.clients["range"]
        self.of_all("gauge", lambda who: GaugeClient(self.rpc, place, venue="gauge", account=who, pool=ranges[who]))
        for key, amount in zip(self.incentives, (10**18, 10**10), strict=True):
            self.turn(self.doing(OWNER, "gauge", "create_incentive", amount=amount, **_terms(key)))
        for who, width in ((OWNER, 10_000), (ME, 200), (ALICE, 1_000)):
            (minted,) = self.turn(self._mint(who, width))
            assert isinstance(minted.status, Filled)
            if who != OWNER:  # staked before the statement begins
                self.turn(self.doing(who, "gauge", "stake", position=minted.status.position))

    def _mint(self, who: str, width: int) -> Doing:
        both = {"amount0_desired": 10**9, "amount1_desired": 10**9}
        return self.doing(who, "range", "mint", tick_lower=-width, tick_upper=width, **both)

    def trees(self) -> tuple[list[tuple[str, str, int]], ...]:
        """All that was published, by addresses."""
        return tuple(
            [(who, self.tokens[token], amount) for (who, token), amount in earned.items()]
            for earned in self.archive.epochs
        )

    def _in_weeks(self, weeks: int) -> int:
        return max(self.time, self.rpc.block().timestamp) + weeks * WEEK

    # --- a life -------------------------------------------------------------------------------------------------------

    def live(self, turns: int) -> None:
        """Let everybody act for so many blocks; ME in each, others in most of them."""
        for _ in range(turns):
            who = [ME, *self.rng.sample((ALICE, BOB), self.rng.randint(0, 2))]
            self.rng.shuffle(who)
            doings = [self._draw(one) for one in who]
            if self.rng.random() < 0.6:
                doings.insert(self.rng.randint(0, len(doings)), self._of_owner())
            self.turn(*doings, seconds=self.rng.choice((12, 3_600, DAY, 3 * DAY, WEEK)))

    def settle(self) -> None:
        """End with something held, and something due, everywhere."""
        if not self.clients["lock"][ME].read("locked", ME)[0]:
            self.turn(self.doing(ME, "lock", "create_lock", amount=10**20, unlock_time=self._in_weeks(9)))
        (minted,) = self.turn(self._mint(ME, 50_000))
        assert isinstance(minted.status, Filled)
        self.turn(self.doing(ME, "gauge", "stake", position=minted.status.position, **_terms(self.incentives[1])))
        for _ in range(2):
            self.turn(self._submit(), seconds=DAY)
        for _ in range(3):
            self.turn(self.doing(OWNER, "lock", "fund", amount=10**9), seconds=WEEK)
            self.turn(self.doing(OWNER, "lock", "checkpoint_dividends"))

    def _of_owner(self) -> Doing:
        pick = self.rng.random()
        if pick < 0.3:
            return self._submit()
        if pick < 0.6:
            return self.doing(OWNER, "lock", "checkpoint_dividends")
        return self.doing(OWNER, "lock", "fund", amount=self.rng.randrange(1, 10**10))

    def _draw(self, who: str) -> Doing:
        drawers: tuple[Callable[[Random, str], Doing], ...] = (
            self._lock, self._claim, self._stake, self._stake,
        )  # fmt: skip
        return self.rng.choice(drawers)(self.rng, who)

    def _lock(self, rng: Random, who: str) -> Doing:
        amount, end = self.clients["lock"][who].read("locked", who)
        some = rng.randrange(1, 2 * 10**22)
        verb = rng.choice(("increase_amount", "increase_unlock_time", "deposit_for", "claim", "claim", "claim_for"))
        if verb in ("claim", "claim_for"):
            whose = {"user": who if verb == "claim" else rng.choice(USERS)}
            return self.doing(who, "lock", "claim", **whose)
        if amount and end <= self.time:
            return self.doing(who, "lock", "withdraw")
        if not amount:
            return self.doing(who, "lock", "create_lock", amount=some, unlock_time=self._in_weeks(rng.randrange(2, 6)))
        if verb == "increase_unlock_time":
            return self.doing(who, "lock", verb, unlock_time=self._in_weeks(rng.randrange(2, 6)))  # fails when earlier
        if verb == "deposit_for":
            return self.doing(who, "lock", verb, user=rng.choice(USERS), amount=some)  # fails where none is locked
        return self.doing(who, "lock", verb, amount=some)

    def _submit(self) -> Doing:
        """More for everybody, once in six less: a correction."""
        last = dict(self.archive.epochs[-1]) if self.archive.epochs else {}
        sign = -1 if self.rng.random() < 1 / 6 else 3
        for entry in ((who, token) for who in USERS for token in (RWD, PAID)):
            last[entry] = max(last.get(entry, 0) + sign * self.rng.randrange(10**9), 0)
        self.archive.epochs.append(Earned(last))
        number = len(self.archive.epochs) - 1
        self.archive.roots[self.archive.tree(number).root] = number
        return self.doing(OWNER, "campaign", "submit", epoch=number)

    def _claim(self, rng: Random, who: str) -> Doing:
        whose = {"account": rng.choice((who, who, ME)), "token": rng.choice((RWD, RWD, PAID))}
        return self.doing(who, "campaign", "claim", **whose)  # fails where nothing is due

    def _stake(self, rng: Random, who: str) -> Doing:
        """Ranges minted, handed in, staked, taken back, passed on; and what is owed claimed."""
        mine = [p.id for p in self.clients["range"][who].positions(who)]
        here = [p.id for p in self.clients["gauge"][who].positions(who) if p.kind == "range"]
        key = _terms(rng.choice(self.incentives))
        pick = rng.random()
        if pick < 0.1 or not (mine or here):
            return self._mint(who, 10 * rng.randrange(1, 200))
        if pick < 0.25:
            amount = rng.randrange(1, 10**9)
            token = rng.choice((USDC, WETH))
            return self.doing(who, "range", "swap_exact_in", token_in=token, amount_in=amount, amount_out_min=0)
        if pick < 0.4:
            return self.doing(who, "gauge", "claim", reward=key["reward"])
        if mine and (pick < 0.6 or not here):
            if pick < 0.45:
                return self.doing(who, "range", "harvest", position=rng.choice(mine))
            return self.doing(who, "gauge", rng.choice(("deposit", "stake", "stake")), position=rng.choice(mine), **key)
        one = {"position": rng.choice(here)}
        verb = rng.choice(
            ("stake", "unstake", "harvest", "harvest", "exit", "withdraw", "transfer_deposit", "increase")
        )
        if verb == "increase":
            return self.doing(who, "range", verb, amount0_desired=10**6, amount1_desired=10**6, **one)
        if verb == "transfer_deposit":
            return self.doing(who, "gauge", verb, to=rng.choice([other for other in USERS if other != who]), **one)
        if verb == "withdraw":
            return self.doing(who, "gauge", verb, to=rng.choice(USERS), **one)  # fails while it is staked
        return self.doing(who, "gauge", verb, **one, **key)

    # --- what the chain says ------------------------------------------------------------------------------------------

    def truth(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """By venue and side: ME's principal and what can be claimed, by the contracts' own views and by claiming."""
        at = self.clients["lock"][ME].deployment
        ((locked, _),) = self._ask("VotingEscrow", at.escrow, "locked", ME)
        snapshot, before = self.anvil.snapshot(), self.held(PAID)
        codec = Abi(artefact("WeeklyDividends").abi)
        for _ in range(3):  # 50 weeks at a time
            self.run([(ME, Call(at.dividends, codec.encode("claim", ME)))])
        due = self.held(PAID) - before
        was = {token: self.held(token) for token in (RWD, PAID)}
        for token in was:
            claim = self.doing(ME, "campaign", "claim", account=ME, token=token).calls
            self.anvil.mine([(ME, call) for call in claim])  # fails where nothing is due
        earned = {token: self.held(token) - before for token, before in was.items()}
        self.anvil.revert(snapshot)
        return self._staked() | {
            "lock#me": ({VOTE: locked} if locked else {}, {PAID: due} if due else {}),
            "campaign#claims": ({}, {token: amount for token, amount in earned.items() if amount}),
        }

    def _staked(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """Ranges in the wallet and at the staker, by what their owner would be paid; stakes; rewards credited."""
        at, pool = self.clients["gauge"][ME].deployment, self.clients["range"][ME].deployment
        manager, most, out = "NonfungiblePositionManager", (1 << 128) - 1, {}
        for who in (ME, at.staker):
            (count,) = self._ask(manager, at.manager, "balanceOf", who)
            numbers = [self._ask(manager, at.manager, "tokenOfOwnerByIndex", who, i)[0] for i in range(count)]
            deposits = {n: self._ask("UniswapV3Staker", at.staker, "deposits", n)[0] for n in numbers}
            for n in (n for n in numbers if who == ME or deposits[n] == ME):
                liquidity = self._ask(manager, at.manager, "positions", n)[7]
                leaving = n, liquidity, 0, 0, 1 << 40
                worth = (
                    self._ask(manager, at.manager, "decreaseLiquidity", leaving, sender=who) if liquidity else (0, 0)
                )
                owed = self._ask(manager, at.manager, "collect", (n, who, most, most), sender=who)
                sides = [dict(zip(pool.token_ids, side, strict=True)) for side in (worth, owed)]
                out[f"range#{n}"] = sides[0], sides[1]
                out |= self._stakes(n) if who == at.staker else {}
        tokens = {RWD: self.tokens[RWD], PAID: self.tokens[PAID]}
        due = {t: self._ask("UniswapV3Staker", at.staker, "rewards", place, ME)[0] for t, place in tokens.items()}
        out["gauge#rewards"] = {}, due
        return {name: (_some(principal), _some(owed)) for name, (principal, owed) in out.items()}

    def _stakes(self, number: int) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        at, due, any_ = self.clients["gauge"][ME].deployment, dict[str, int](), False
        for key in map(at.on_chain, self.incentives):
            if self._ask("UniswapV3Staker", at.staker, "stakes", number, id_of(key))[1]:
                any_ = True
                token = RWD if key[0] == self.tokens[RWD] else PAID
                due[token] = self._ask("UniswapV3Staker", at.staker, "getRewardInfo", key, number)[0]
        return {f"gauge#{number}": ({}, due)} if any_ else {}

    def _ask(self, contract: str, to: str, function: str, *args: object, sender: str = ME) -> tuple[Any, ...]:
        codec = Abi(artefact(contract).abi)
        return codec.decode(function, self.rpc.call(to, codec.encode(function, *args), sender=sender))


def _terms(key: Key) -> dict[str, Any]:
    return dict(key._asdict())


def _some(amounts: dict[str, int]) -> dict[str, int]:
    return {token: amount for token, amount in amounts.items() if amount}
