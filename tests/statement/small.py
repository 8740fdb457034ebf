"""A small portfolio: a lock with weekly dividends, on a chain of its own, and seeded actors."""

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
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import EscrowDeployment

__all__ = ["ALICE", "BOB", "ME", "OWNER", "Small"]

USDC, VOTE, PAID = "USDC@op", "VOTE@op", "PAID@op"
WEEK = 7 * DAY
_DECIMALS = {USDC: 6, VOTE: 18, PAID: 6}
_ENDOWED = {USDC: 10**12, VOTE: 10**24, PAID: 10**13}


class Small(Acting):
    """Contracts, actors, and what they did."""

    def __init__(self, anvil: Anvil, seed: str) -> None:
        super().__init__(anvil, seed, _DECIMALS, _ENDOWED)
        self._escrow()
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
        for _ in range(3):
            self.turn(self.doing(OWNER, "lock", "fund", amount=10**9), seconds=WEEK)
            self.turn(self.doing(OWNER, "lock", "checkpoint_dividends"))

    def _of_owner(self) -> Doing:
        if self.rng.random() < 0.5:
            return self.doing(OWNER, "lock", "checkpoint_dividends")
        return self.doing(OWNER, "lock", "fund", amount=self.rng.randrange(1, 10**10))

    def _draw(self, who: str) -> Doing:
        drawers: tuple[Callable[[Random, str], Doing], ...] = (self._lock,)
        return self.rng.choice(drawers)(self.rng, who)

    def _lock(self, rng: Random, who: str) -> Doing:
        amount, end = self.clients["lock"][who].read("locked", who)
        some = rng.randrange(1, 3 * 10**22)
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
        self.anvil.revert(snapshot)
        return {"lock#me": ({VOTE: locked} if locked else {}, {PAID: due} if due else {})}

    def _ask(self, contract: str, to: str, function: str, *args: object) -> tuple[Any, ...]:
        codec = Abi(artefact(contract).abi)
        return codec.decode(function, self.rpc.call(to, codec.encode(function, *args), sender=ME))
