"""What a kind of venue says so that its model can be held against contracts that somebody has deployed.

A `Subject` is one deployed venue: how to read its state into the model, which views must then be equal, which actions to
try, and how they are sent. The kind's folder has it as ``prove.py``: a function ``subject(site)``, and ``BESIDE``, the names
of further contracts that it can use. `tidemill.studies.prove` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

from msgspec import Struct, field

from tidemill.chain.abi import FunctionCodec
from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import Revert
from tidemill.interfaces import Action, Event, Status
from tidemill.venues.shared.ground import intent_of

__all__ = ["Balance", "Drawn", "Site", "Subject", "one_in", "part_of", "symbol_ids"]

Balance = Callable[[str, str], int]
"""(token id, account) → raw units now, as the model's book has them."""

Drawn = Sequence[Action]
"""Actions to be done one after the other."""


class Site(Struct, frozen=True):
    """Where a subject stands.

    Parameters
    ----------
    rpc : of the chain (or a fork). address : of the contract asked for. me : who acts.
    beside : addresses of further contracts by the names the kind asks for (``router=0x…``). deploy : puts one of our
    own helpers on the fork and returns its address; ``None`` where nothing can be deployed.
    """

    rpc: Rpc
    address: str
    me: str
    beside: Mapping[str, str] = field(default_factory=dict)
    deploy: Callable[[str], str] | None = None


class Subject:
    """One deployed venue; each kind says what differs.

    Attributes
    ----------
    client, model : the twins. tokens : addresses by id of all that actions move. wealth : raw units to give ``me`` first.
    accounts : contracts whose balances are compared beside one's own. errors : custom errors by selector.
    approvals : (token address, spender) that ``me`` grants once, without limit. replays : whether the model can follow
    recorded logs up to a state that all views agree with.
    """

    client: Any
    model: Any
    tokens: Mapping[str, str]
    wealth: Mapping[str, int]
    accounts: Sequence[str]
    errors: Mapping[bytes, FunctionCodec] = {}
    approvals: Sequence[tuple[str, str]] = ()
    replays: bool = True

    def state(self, block: BlockId = "latest", events: Sequence[Event] = ()) -> Any:
        """Read the state at ``block`` into the model's own type, whatever ``events`` (to be replayed) depend on included."""
        return self.client.snapshot(block)

    def views(self, state: Any, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """Return (view, the model's answer, the contract's at ``block``); ``now`` is the block's time in seconds."""
        raise NotImplementedError

    def asked(self, state: Any, questions: Sequence[tuple[Any, ...]], block: BlockId) -> list[tuple[str, Any, Any]]:
        """Ask both twins views (name, arguments); a refusal is an answer too."""
        out = []
        for name, *args in questions:
            here = _answer(partial(self.model.read, state, name, *args))
            there = _answer(partial(self.client.read, name, *args, block=block))
            out.append((f"{name}({', '.join(map(str, args))})" if args else str(name), here, there))
        return out

    def draw(self, random: Random, state: Any, balance: Balance) -> Drawn:
        """Draw what to try next; mostly what succeeds, sometimes what must be refused."""
        raise NotImplementedError

    def calls(self, action: Action) -> Sequence[Call]:
        """Encode an action."""
        calls: Sequence[Call] = self.client.plan(intent_of(self.client.venue, action))
        return calls

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what came of it."""
        status: Status = self.client.decode(receipts)
        return status

    def told(self, event: Event) -> bool:
        """Say whether the model's ``replay`` is told of an event; others change nothing that is compared."""
        return True


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        value = ask()
    except Revert as revert:
        return f"refused with {revert.reason!r}"
    return tuple(value) if isinstance(value, list) else value


def one_in(random: Random, many: int) -> bool:
    """Return true one time in so many."""
    return random.randrange(many) == 0


def part_of(random: Random, whole: int) -> int:
    """Draw from 1 to ``whole``: of every size, sometimes all of it, sometimes a single unit."""
    if one_in(random, 20):
        return max(whole, 1)
    if one_in(random, 20):
        return 1
    return max(random.randrange(max(whole, 1)) >> random.randrange(24), 1)


def symbol_ids(addresses: Sequence[str]) -> list[str]:
    """Return ids for tokens about which nothing but the address is known."""
    return [f"{address}@chain" for address in addresses]
