"""A venue measured through its client, its model beside it: what is counted comes from the model, which stands in the same state.

The twin tests hold the model's counts to the chain's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gas_lab import Lab

from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Transfer

__all__ = ["PEOPLE", "ModelStand"]

PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))


@dataclass
class Book:
    """`Context` over balances read before an action."""

    block: Block = field(default_factory=lambda: Block(time=0, number=0))
    sender: str = ""
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def balance(self, token: str, account: str) -> int:
        return self.held.get((token, account), 0)

    def call(self, venue: str, action: Action) -> Any:
        raise NotImplementedError

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError


class ModelStand:
    """A client for everybody, and the model.

    Parameters
    ----------
    tokens : ids of all tokens that a verb moves. accounts : the venue's own, which hold them.
    """

    def __init__(
        self,
        lab: Lab,
        venue: str,
        clients: Mapping[str, Any],
        model: Any,
        state: Any,
        tokens: Sequence[str],
        accounts: Sequence[str],
    ) -> None:
        self.lab, self.venue, self.clients, self.model, self.state = lab, venue, clients, model, state
        self.tokens, self.accounts, self.book = tokens, accounts, Book()

    def set_up(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do something that is not measured."""
        self._remember(who, args)
        self.lab.must([(who, call) for call in self._plan(who, verb, args)], verb)
        self._follow(who, verb, args)

    def act(self, who: str, verb: str, args: Mapping[str, Any], *, at_once: bool = False) -> None:
        """Do a verb and count what moved; ``at_once`` in the second of the block before it."""
        self._remember(who, args)
        calls, seen = [], False
        for call in self._plan(who, verb, args):
            kind = verb if call.purpose != "approve" else "approve_reset" if seen else "approve"
            seen = seen or call.purpose != "approve"
            calls.append((call, kind))
        features: dict[str, int] = {}
        if at_once:
            self.lab.anvil.rpc.request("anvil_setBlockTimestampInterval", 0)
        self.lab.act(who, verb, calls, features)
        if at_once:
            self.lab.anvil.rpc.request("anvil_setBlockTimestampInterval", 12)
        assert self.lab.samples[-1].reason is None, f"{verb} reverted"
        features |= self._follow(who, verb, args)

    def refuse(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb that is refused, without the approvals around it."""
        (call,) = [call for call in self._plan(who, verb, args) if call.purpose != "approve"]
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})
        assert self.lab.samples[-1].reason is not None, f"{verb} was to be refused"

    def held(self, token: str, who: str) -> int:
        """Return the raw units that somebody holds."""
        return int(self.clients[who].read("balance", token, who))

    def _plan(self, who: str, verb: str, args: Mapping[str, Any]) -> Sequence[Call]:
        planned: Sequence[Call] = self.clients[who].plan(Intent(self.venue, verb, dict(args)))
        return planned

    def _remember(self, who: str, args: Mapping[str, Any]) -> None:
        self.book.sender = who
        people = (who, str(args.get("to", who)), *self.accounts)
        self.book.held = {
            (token, one): self.clients[who].read("balance", token, one) for token in self.tokens for one in people
        }

    def _follow(self, who: str, verb: str, args: Mapping[str, Any]) -> Mapping[str, int]:
        seen = self.lab.anvil.rpc.block()
        self.book.block = Block(time=seen.timestamp, number=seen.number)
        features: Mapping[str, int] = self.model.apply(self.state, Action(verb, dict(args)), self.book).features
        return features
