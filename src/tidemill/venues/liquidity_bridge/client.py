"""Our contract of a liquidity bridge: intents to calls where they are sent, receipts and views to what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import UnknownName
from tidemill.interfaces import Filled, Intent, Position, Reverted, Status
from tidemill.venues.liquidity_bridge.model import flight
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log, with_approvals

__all__ = ["BRIDGE", "HalfClient", "Site"]

BRIDGE = """
event Sent(uint256 indexed number, address indexed owner, uint256 amount, uint256 output, uint256 deadline)
event Paid(uint256 indexed number, address indexed owner, uint256 output, address relayer)
event Settled(uint256 indexed number, address indexed receiver, uint256 amount)
function send(uint256 amount) returns (uint256)
function fill(uint256 number, address owner, uint256 output, uint256 deadline)
function settle(uint256 number, address relayer)
function fee(uint256 amount) view returns (uint256)
function count() view returns (uint256)
function filled(uint256 number) view returns (bool)
function tickets(uint256 number) view returns (address owner, uint256 amount, uint256 output, uint256 deadline, bool settled)
"""
_SENT = "event Sent(uint256 indexed number, address indexed owner, uint256 amount, uint256 output, uint256 deadline)\n"


class Site(Struct, frozen=True):
    """One side: the study's name of it, its token's id there, an endpoint, and where contract and token stand."""

    id: str
    token: str
    rpc: Rpc
    bridge: str
    token_at: str


class HalfClient:
    """One side as ``account`` (an address) uses it; ``across`` is the other side, which is only read."""

    def __init__(self, here: Site, across: Site, *, account: str) -> None:
        self.here, self.across, self.account = here, across, account.lower()

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode ``send``; raises ``UnknownName`` for another verb."""
        del stage, view
        given = Given(intent)
        if intent.verb != "send":
            raise UnknownName("verb of a liquidity bridge", intent.verb, ("send",))
        amount = given.number("amount")
        given.finish()
        call = Call(self.here.bridge, abi(BRIDGE).encode("send", amount), purpose="send")
        due = {self.here.token_at: amount}
        return with_approvals(self.here.rpc, self.account, due, self.here.bridge, call, reset=False)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Return what the transactions of one action came to."""
        last = receipts[-1]
        if not last.status:
            return Reverted(last.revert_reason or "")
        found = [decode_log(log, _SENT, venue=self.here.id, may_be_unknown=True) for log in last.logs]
        (sent,) = [event.args for event in found if event is not None]
        amounts = {name: int(sent[name]) for name in ("amount", "output")}
        return Filled(amounts, f"{self.here.id}#{sent['number']}")

    def read(self, query: str, *args: Any) -> Any:
        """Answer as the model does: ``fee``, ``locked``, ``count``, ``ticket``, ``filled``; raises ``KeyError`` for another."""
        here = self.here
        if query == "locked":
            return ask(here.rpc, here.token_at, ERC20, "balanceOf", (here.bridge,), "latest")[0]
        if query == "ticket":
            return self.ticket(here, int(args[0]))[1:]
        if query not in ("fee", "count", "filled"):
            raise KeyError(query)
        return ask(here.rpc, here.bridge, BRIDGE, query, args, "latest")[0]

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what is on its way to this side, by both contracts."""
        found = []
        for number in range(1, self._asked("count") + 1):
            who, _, output, deadline, settled = self.ticket(self.across, number)
            if str(who).lower() == owner.lower() and not settled and not self.read("filled", number):
                found.append(flight(f"{self.across.id}#{number}", self.here.id, self.here.token, output, deadline))
        return found

    def _asked(self, name: str) -> int:
        return int(ask(self.across.rpc, self.across.bridge, BRIDGE, name, (), "latest")[0])

    @staticmethod
    def ticket(at: Site, number: int) -> tuple[Any, ...]:
        """Return a ticket sent from a side: owner, amount, output, deadline, whether it is settled."""
        return ask(at.rpc, at.bridge, BRIDGE, "tickets", (number,), "latest")
