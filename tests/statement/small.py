"""A small portfolio: a lock with weekly dividends and a campaign's claims, on a chain of its own, and seeded actors."""

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
from tidemill.venues.merkle_campaign.client import CampaignClient
from tidemill.venues.merkle_campaign.client_abi import CampaignDeployment
from tidemill.venues.merkle_campaign.state import CampaignState, Earned
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import EscrowDeployment

__all__ = ["ALICE", "BOB", "ME", "OWNER", "Small"]

USDC, VOTE, PAID, RWD = "USDC@op", "VOTE@op", "PAID@op", "RWD@op"
WEEK = 7 * DAY
_DECIMALS = {USDC: 6, VOTE: 18, PAID: 6, RWD: 18}
_ENDOWED = {USDC: 10**12, VOTE: 10**24, PAID: 10**13, RWD: 10**20}


class Small(Acting):
    """Contracts, actors, and what they did."""

    def __init__(self, anvil: Anvil, seed: str) -> None:
        super().__init__(anvil, seed, _DECIMALS, _ENDOWED)
        self._escrow()
        self._campaign()
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
        drawers: tuple[Callable[[Random, str], Doing], ...] = (self._lock, self._claim)
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
        return {
            "lock#me": ({VOTE: locked} if locked else {}, {PAID: due} if due else {}),
            "campaign#claims": ({}, {token: amount for token, amount in earned.items() if amount}),
        }

    def _ask(self, contract: str, to: str, function: str, *args: object) -> tuple[Any, ...]:
        codec = Abi(artefact(contract).abi)
        return codec.decode(function, self.rpc.call(to, codec.encode(function, *args), sender=ME))
