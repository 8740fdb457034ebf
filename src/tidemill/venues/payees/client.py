"""Payees on a chain: the token's own transfer, receipts to what they mean, balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Rate, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log

__all__ = ["PayeesClient"]

TRANSFER = """
event Transfer(address indexed sender, address indexed receiver, uint256 value)
function transfer(address receiver, uint256 value) returns (bool)
"""


class PayeesClient:
    """One token paid to ``payees`` (address by name); ``token`` is its address, ``token_id`` its name in the book."""

    def __init__(self, rpc: Rpc, token: str, token_id: str, payees: Mapping[str, str], *, venue: str) -> None:
        self.rpc, self.token, self.token_id, self.payees, self.venue = rpc, token, token_id, dict(payees), venue

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a payment; raises ``BadInput`` naming verb and argument."""
        del stage, view
        if intent.verb != "pay":
            raise UnknownName("verb of payees", intent.verb, ("pay",))
        given = Given(intent)
        name, amount = given.text("to"), given.number("amount")
        given.finish()
        if name not in self.payees:
            raise UnknownName("payee", name, self.payees)
        return [Call(self.token, abi(TRANSFER).encode("transfer", self.payees[name], amount), purpose="pay")]

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one payment mean."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        moved = self.events([log for receipt in receipts for log in receipt.logs])
        return Filled({"amount": sum(int(event.args["value"]) for event in moved)})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the token's transfers in order; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.token.lower()]
        decoded = [decode_log(log, TRANSFER, venue="payees") for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's."""
        if query == "token":
            return self.token_id
        if query == "names":
            return tuple(self.payees)
        if query != "paid":
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        held: int = ask(self.rpc, self.token, ERC20, "balanceOf", (self.payees[str(args[0])],), block)[0]
        return held

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return nothing: what is paid is gone."""
        del owner, block
        return ()

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """A payee issues no receipt token."""
        del block
        return {}
