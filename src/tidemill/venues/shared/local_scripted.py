"""What scripted venues on a local chain do alike: their script with real accounts, and questions on credit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eth_hash.auto import keccak

from tidemill.chain.types import Call
from tidemill.errors import RpcError
from tidemill.interfaces import Action, Block, Intent, Stage
from tidemill.venues.shared.ground import PLENTY, Ground, Others, Unrest, intent_of
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["ScriptedLocal", "ScriptedSeat"]


class ScriptedLocal:
    """The parts of ``LocalVenue`` that do not depend on the venue.

    Parameters
    ----------
    made : tokens that anybody may make. client_of : a client by the name of the account it serves.
    """

    share_slot = 0
    """Where a token that the venue issues keeps its balances."""
    vyper = False
    """Whether it was compiled by Vyper, which looks an entry of a mapping up by slot and key in this order."""

    def __init__(
        self, ground: Ground, twin: ScriptedStage[Any], tokens: Sequence[str], made: Sequence[str], contract: str
    ) -> None:
        self.ground, self.twin, self.id, self.tokens, self._made = ground, twin, twin.id, tokens, made
        ground.name(contract, twin.account)
        self._actors = list(dict.fromkeys(item.actor for item in twin.script))
        self.accounts: Sequence[str] = (twin.account, *self._actors)
        self._clients: dict[str, Any] = {}
        self.client: Any = self._of("me")

    def client_for(self, who: str) -> Any:
        """Return a client of the venue for an account; each venue says how."""
        raise NotImplementedError

    def start(self, at: Block) -> None:
        """Give others of everything they may bring; what the stage holds at its start is sent there for real."""
        del at
        for token in self._made:
            for actor in self._actors:
                self.ground.give(token, actor, PLENTY)
        for (token, account), amount in self.twin.holdings.held.items():
            if account == self.twin.account and amount > 0:
                self._bring(token, amount)

    def _bring(self, token: str, amount: int) -> None:
        giver = next(a for (t, a), held in self.twin.holdings.held.items() if t == token and held == -amount)
        codec = self.ground.transfer(token, giver, self.twin.account, amount)
        self.ground.run([codec], f"bringing {token} to {self.twin.account}")

    def others(self) -> Sequence[Others]:
        """Return the script."""
        return [Others(item.block, item.actor, item.action) for item in self.twin.script]

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a scripted action, its approvals included; the last call is the action: whether it is refused is counted."""
        sender = self.ground.address(item.actor)
        planned = list(self._of(item.actor).plan(intent_of(self.id, item.action)))
        while planned[-1].purpose == "approve":  # what is left of an allowance is not taken back
            planned.pop()
        return [(sender, call) for call in planned]

    def unscript(self) -> None:
        """Leave the script to the chain."""
        self.twin.script, self.twin.played = [], 0

    def follow(self, item: Others) -> bool:
        """Do what was included; say whether the model refuses it."""
        return not self.twin.play(Scripted(item.block, item.actor, item.action))

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about."""
        return intent_of(self.id, action)

    def endow(self, token: str, amount: int) -> None:
        """Give ``me`` more of a token: made if anybody may make it, else written into the token's own balance."""
        if token in self._made:
            self.ground.run([self.ground.mint(token, "me", amount)], "endowing")
            return
        me = self.ground.address("me")
        held = self.ground.held(["me"])[token, "me"]
        words = [bytes.fromhex(me[2:]).rjust(32, b"\0"), self.share_slot.to_bytes(32, "big")]
        slot = int.from_bytes(keccak(b"".join(reversed(words) if self.vyper else words)), "big")
        self.ground.anvil.set_storage(self.ground.tokens[token], slot, held + amount)
        if self.ground.held(["me"])[token, "me"] != held + amount:
            raise RpcError(f"{token}: the balance is not where the contract's source says")

    def _of(self, who: str) -> Any:
        if who not in self._clients:
            self._clients[who] = self.client_for(who)
        return self._clients[who]


class ScriptedSeat:
    """How a scripted venue is put on the model and on a chain.

    Parameters
    ----------
    make : a fresh stage. place : (ground, stage) → the venue on a chain. rank : venues whose tokens others need first.
    """

    made_up = False
    ranges = 0
    pair = None

    def __init__(
        self, make: Callable[[], Stage], place: Callable[[Ground, ScriptedStage[Any]], ScriptedLocal], *, rank: int
    ) -> None:
        self._make, self._place, self.rank = make, place, rank

    def model(self) -> ScriptedStage[Any]:
        """Return a fresh stage of the model."""
        stage = self._make()
        assert isinstance(stage, ScriptedStage)
        return stage

    def local(self, ground: Ground, unrest: Unrest | None = None) -> ScriptedLocal:
        """Place the venue on a chain, its twin beside it; ``unrest`` disturbs the script, for both."""
        twin = self.model()
        if unrest is not None:
            items = unrest([Others(item.block, item.actor, item.action) for item in twin.script])
            twin.script = [Scripted(item.block, item.actor, item.action) for item in items]
        return self._place(ground, twin)

    def notes(self) -> list[str]:
        """Nothing is made up here."""
        return []
