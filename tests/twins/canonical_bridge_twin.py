"""A canonical bridge lived twice: the model, and the real contracts on two local chains with one clock.

The rollup's blocks come evenly; the proposer (played here) names each output at the second the model expects it; deposits
are derived when the model says they arrive. Everything else is the contracts' own.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from harness import actor
from harness.book import Book, Ctx
from harness.driver import Tally
from tidemill.chain.anvil import Anvil
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Action, Block, Intent, Result, Revert
from tidemill.venues.canonical_bridge.client import BridgeClient
from tidemill.venues.canonical_bridge.local_bridge import LocalBridge, Terms
from tidemill.venues.canonical_bridge.model import BridgeModel, BridgeState
from tidemill.venues.shared.client_parts import ERC20, ask

VENUE, L1, L2 = "exit", "ethereum", "op-mainnet"
USDC1, USDC2 = f"USDC@{L1}", f"USDC@{L2}"
SECONDS, LAG, DEPOSIT = 20, 7, 45
"""Seconds per rollup block, of the proposer's delay, and of a deposit's way."""
PEOPLE = ("me", "other")
START = 10**12


class Twins:
    """Both twins from the same start; ``l1``, ``l2`` are fresh chains."""

    def __init__(self, l1: Anvil, l2: Anvil, seed: str, terms: Terms) -> None:
        self.rng = random.Random(seed)
        boss = actor("boss")
        for chain in (l1, l2):
            for who in (boss, *map(actor, PEOPLE)):
                chain.set_balance(who, 10**24)
        first = l2.rpc.block()
        self.bridge = LocalBridge(l1, l2, boss, terms=terms)
        self.l1, self.l2, self.terms = l1, l2, terms
        sites = self.bridge.sites
        self.clients = {who: BridgeClient(l1.rpc, l2.rpc, sites, venue=VENUE, account=actor(who)) for who in PEOPLE}
        self.model = BridgeModel()
        self.state = BridgeState(
            venue=VENUE, l1=L1, l2=L2, l1_token=USDC1, l2_token=USDC2, escrow="escrow", minter="zero",
            first=first.number, first_time=first.timestamp, block_seconds=SECONDS, proposal_blocks=terms.proposal_blocks,
            lag=LAG, maturity=terms.maturity_seconds, deposit_seconds=DEPOSIT,
        )  # fmt: skip
        self.book = Book()
        self.derived: set[int] = set()
        self.deposits: dict[int, Receipt] = {}
        self.proposing = True
        self.tally = Tally()
        mint = [self._mint(actor(who)) for who in PEOPLE]
        self._l1([(boss, call) for call in mint])
        for who in PEOPLE:
            self.book.add(USDC1, who, START)

    # --- clock --------------------------------------------------------------------------------------------------------

    def _mint(self, who: str) -> Call:
        from tidemill.chain.abi import Abi
        from tidemill.chain.artefacts import artefact

        return Call(self.bridge.sites.l1_token, Abi(artefact("TestToken").abi).encode("mint", who, START))

    def now(self) -> int:
        return self.l1.rpc.block().timestamp

    def wait(self, seconds: int) -> None:
        """Let time pass on both chains, with every output and deposit that falls into it."""
        goal = self.now() + seconds
        self._until(goal)
        if self.now() < goal:
            self.l1.mine(time_s=goal)

    def _until(self, time: int) -> None:
        """Play the proposer and the derivation up to ``time``, exclusive."""
        while (due := self._output_due()) < time:
            self._rollup_to(self._next_output())
            self.bridge.propose(time_s=due)
        self._rollup_until(time - 1)

    def _next_output(self) -> int:
        return self.state.first + (len(self.bridge.outputs) + 1) * self.terms.proposal_blocks

    def _output_due(self) -> int:
        return self.state.first_time + (self._next_output() - self.state.first) * SECONDS + LAG

    def _rollup_to(self, number: int) -> None:
        self._rollup_until(self.state.first_time + (number - self.state.first) * SECONDS)

    def _rollup_until(self, time: int) -> None:
        """Bring the rollup to its last block not after ``time``, deposits executed in the block in which they arrive."""
        head = self.l2.rpc.block()
        last = self.state.first + (time - self.state.first_time) // SECONDS
        for number, receipt in sorted(self.deposits.items()):
            arrives = self.state.first + -(-(self.state.tickets[number - 1].ready - self.state.first_time) // SECONDS)
            if number in self.derived or arrives > last:
                continue
            arrives = max(arrives, head.number + 1)
            if arrives - 1 > head.number:
                self.l2.skip(arrives - 1 - head.number)
            assert all(done.status for done in self.bridge.derive(receipt))
            self.derived.add(number)
            ticket = self.state.tickets[number - 1]
            ticket.stage = 3
            self.book.add(USDC2, ticket.owner, ticket.amount)
            head = self.l2.rpc.block()
        if last > head.number:
            self.l2.skip(last - head.number)

    def _l1(self, calls: list[tuple[str, Call]]) -> list[Receipt]:
        """One block of Ethereum, a second after the last; an output that is due comes before it."""
        self._until(self.now() + 1)
        return self.l1.mine(calls)[1]

    # --- both twins ---------------------------------------------------------------------------------------------------

    def act(self, who: str, action: Action) -> str | None:
        """Do one action on both; returns why both refused, ``None`` where both did it."""
        on_l1 = action.verb != "send"
        said, receipts = self._chain(who, action, on_l1=on_l1)
        block = (self.l1 if on_l1 else self.l2).rpc.block()
        ctx = Ctx(Block(block.timestamp, block.number), who, self.book)
        result, refusal = self._model(action, ctx, on_l1=on_l1)
        assert said == refusal, f"{action}: model {refusal!r}, chain {said!r}"
        if result is None:
            self.tally.failed[action.verb] += 1
            self.tally.reasons[action.verb, refusal or ""] += 1
            return refusal
        self.book.move(result)
        self.tally.done[action.verb] += 1
        if action.verb == "send":
            assert result.position is not None
            self.clients[who].learn(result.position, receipts[-1])
        if action.verb == "deposit":
            self.deposits[len(self.state.tickets)] = receipts[-1]
        return None

    def _model(self, action: Action, ctx: Ctx, *, on_l1: bool) -> tuple[Result | None, str | None]:
        before = copy.deepcopy(self.state)
        try:
            return self.model.apply(self.state, action, ctx, on_l1=on_l1), None
        except Revert as revert:
            assert self.state == before, f"{action.verb} was refused and changed the state"
            return None, revert.reason

    def _chain(self, who: str, action: Action, *, on_l1: bool) -> tuple[str | None, list[Receipt]]:
        while on_l1 and self.proposing and self._output_due() <= self.now() + 1:  # an output stands first in its second
            self._until(self._output_due() + 1)
        try:
            calls = self.clients[who].plan(Intent(VENUE, action.verb, dict(action.args)))
        except Revert as refusal:  # no output covers it: there is no transaction to send
            self.l1.mine()
            return refusal.reason, []
        sent = [(actor(who), call) for call in calls]
        receipts = self.l1.mine(sent)[1] if on_l1 else self.l2.mine(sent)[1]
        return (None if receipts[-1].status else receipts[-1].revert_reason), receipts

    def compare(self) -> None:
        """Hold every balance, the escrow, and how far each withdrawal is, against the chains."""
        sites = self.bridge.sites
        for who in PEOPLE:
            for token, chain, at in ((USDC1, self.l1, sites.l1_token), (USDC2, self.l2, sites.l2_token)):
                there = ask(chain.rpc, at, ERC20, "balanceOf", (actor(who),), "latest")[0]
                assert self.book.held.get((token, who), 0) == there, (who, token)
        held = ask(self.l1.rpc, sites.l1_token, ERC20, "balanceOf", (sites.l1_bridge,), "latest")[0]
        assert held == self.state.locked == self.book.held.get((USDC1, "escrow"), 0)
        for number, ticket in enumerate(self.state.tickets, 1):
            if ticket.out:
                position = f"{VENUE}#{number}"
                assert self.model.read(self.state, "stage", position) == self.clients[ticket.owner].stage_of(position)

    def random_action(self) -> tuple[str, Action]:
        """Draw what somebody might do, now and then what must be refused."""
        who = self.rng.choice(PEOPLE)
        mine = [n for n, t in enumerate(self.state.tickets, 1) if t.out and t.owner == who]
        verb = self.rng.choice(("send", "deposit", "prove", "prove", "finalize", "finalize"))
        if verb in ("prove", "finalize") and mine:
            stage = 1 if verb == "prove" else 2
            ready = [n for n in mine if self.state.tickets[n - 1].stage == stage]
            if ready and self.rng.random() < 0.8:
                chosen = self.rng.choice(ready)
                late = self.state.tickets[chosen - 1].ready - self.now()
                if late > 0:  # now and then a second too soon, or to the second
                    self.wait(max(late - self.rng.choice((0, 1, 1, 2)), 1))
            else:
                chosen = self.rng.choice(mine)
            return who, Action(verb, {"position": f"{VENUE}#{chosen}"})
        verb = "send" if verb == "send" else "deposit"
        token = USDC2 if verb == "send" else USDC1
        held = self.book.held.get((token, who), 0)
        amount = (
            held + 1 if self.rng.random() < 0.1 else self.rng.choice((0, 1, held // 3, self.rng.randrange(held + 1)))
        )
        return who, Action(verb, {"amount": amount})


def live(twins: Twins, actions: int) -> Tally:
    """Act and wait at random, comparing after each action."""
    for _ in range(actions):
        who, action = twins.random_action()
        twins.act(who, action)
        twins.compare()
        if twins.rng.random() < 0.3:
            twins.wait(twins.rng.randrange(1, 300))
            twins.compare()
    return twins.tally


def given(twins: Twins, amount: int) -> Any:
    """Let ``me`` have ``amount`` on the rollup."""
    assert twins.act("me", Action("deposit", {"amount": amount})) is None
    twins.wait(DEPOSIT + 2 * SECONDS)
    twins.compare()
    return twins
