"""One half of a bridge on local chains as a rehearsal reads it: everything from logs and views of the contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.types import Receipt
from tidemill.interfaces import Block, Event, Filled, Position, Reverted, Status
from tidemill.venues.canonical_bridge.client import PASSED, BridgeClient, Sites
from tidemill.venues.canonical_bridge.local_bridge import LocalBridge
from tidemill.venues.canonical_bridge.local_games import GameClient, GamesBridge
from tidemill.venues.canonical_bridge.model import DONE, EMPTY, SENT, BridgeState
from tidemill.venues.canonical_bridge.rules import covering_output_up, output_time
from tidemill.venues.shared.client_parts import ask, decode_log

__all__ = ["GameHalf", "HalfClient", "Slip"]

_MOVED = (
    "(address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount, bytes data)"
)
LOGS = f"""{PASSED}
event WithdrawalInitiated{_MOVED}
event ERC20DepositInitiated{_MOVED}
event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to)
event FailedRelayedMessage(bytes32 indexed msgHash)
event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success)
"""
_ORACLE = """
function FINALIZATION_PERIOD_SECONDS() view returns (uint256)
"""
_BRIDGE = "function deposits(address l1Token, address l2Token) view returns (uint256)\n"
_BRIDGED = "function totalSupply() view returns (uint256)\n"


class Slip(Struct):
    """What the logs told of money under way: ``receipt`` of its first step; ``ready`` when a deposit arrives."""

    out: bool
    amount: int
    receipt: Receipt
    ready: int = 0
    arrived: bool = False
    proven: bool = False


class HalfClient(BridgeClient):
    """``BridgeClient`` of one half beside a local bridge; ``slips`` in order, shared with the other half.

    ``number_at`` says which block of the rollup a second belongs to: the local chain has far fewer of them.
    """

    def __init__(
        self,
        bridge: LocalBridge,
        sites: Sites,
        terms: BridgeState,
        *,
        account: str,
        on_l1: bool,
        number_at: Callable[[int], Block],
        beside: HalfClient | None = None,
    ) -> None:
        super().__init__(bridge.l1.rpc, bridge.l2.rpc, sites, venue=terms.venue, account=account)
        self.bridge, self.on_l1, self.number_at = bridge, on_l1, number_at
        self.lag, self.arrival = terms.lag, terms.deposit_seconds
        self.half = terms.portal if on_l1 else terms.venue
        self.token = terms.l1_token if on_l1 else terms.l2_token
        self.slips: list[Slip] = beside.slips if beside else []
        self.sent = beside.sent if beside else self.sent

    def node_block(self, number: int) -> int:
        """Return which local block stood for a block of the rollup when its output was named."""
        return self.bridge.stands.get(number, number)

    def rollup_block(self, receipt: Receipt) -> int:
        """Return the rollup's block at the second at which a transaction was included locally."""
        return self.number_at(self.l2.block(receipt.block_number).timestamp).number

    # --- receipts -----------------------------------------------------------------------------------------------------

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Return what the transactions of one action came to."""
        last = receipts[-1]
        if not last.status:
            return Reverted(last.revert_reason or "")
        told = {event.name: event.args for log in last.logs if (event := self._event(log))}
        if (begun := self._begun(told)) is not None:
            number = next((n for n, one in enumerate(self.slips, 1) if one.receipt.tx_hash == last.tx_hash), 0)
            return Filled({"amount": begun[1]}, f"{self.venue}#{number or len(self.slips) + 1}")
        marked = told.get("WithdrawalFinalized") or told["WithdrawalProven"]
        position = self._position(marked)
        if "FailedRelayedMessage" in told:  # the portal takes it as done; the message would have to be sent again
            return Reverted(EMPTY)
        return Filled({"amount": self._slip(position).amount}, position)

    def landed(self, receipts: Sequence[Receipt]) -> None:
        """Remember money that has been sent for good."""
        last = receipts[-1]
        told = {event.name: event.args for log in last.logs if (event := self._event(log))}
        if not last.status or (begun := self._begun(told)) is None:
            if last.status and "WithdrawalProven" in told:
                self._slip(self._position(told["WithdrawalProven"])).proven = True
            return
        out, amount = begun
        ready = 0 if out else self.l1.block(last.block_number).timestamp + self.arrival
        self.slips.append(Slip(out, amount, last, ready))
        if out:
            self.learn(f"{self.venue}#{len(self.slips)}", last)

    @staticmethod
    def _begun(told: Mapping[str, Mapping[str, Any]]) -> tuple[bool, int] | None:
        for name, out in (("WithdrawalInitiated", True), ("ERC20DepositInitiated", False)):
            if name in told:
                return out, int(told[name]["amount"])
        return None

    def _event(self, log: Mapping[str, Any]) -> Event | None:
        return decode_log(log, LOGS, venue=self.venue, may_be_unknown=True)

    def _position(self, told: Mapping[str, Any]) -> str:
        found = str(told["withdrawalHash"]).lower()  # an indexed word comes as it stands in the topic
        return next(name for name, one in self.sent.items() if "0x" + one.hash.hex() == found)

    def _slip(self, position: str) -> Slip:
        return self.slips[int(position.rpartition("#")[2]) - 1]

    # --- views --------------------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any) -> Any:
        """Answer as the model does: ``stage`` of a withdrawal, ``deposits``, and the ``supply`` on the rollup."""
        if query == "stage":
            return self.stage_of(str(args[0]))
        if query == "deposits":
            sites = self.sites
            return ask(self.l1, sites.l1_bridge, _BRIDGE, "deposits", (sites.l1_token, sites.l2_token), "latest")[0]
        if query == "supply":
            return ask(self.l2, self.sites.l2_token, _BRIDGED, "totalSupply", (), "latest")[0]
        raise KeyError(query)

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what is on its way to this side, with the second from which its next step can be done."""
        if owner.lower() != self.account:
            return ()
        found = []
        for number, slip in enumerate(self.slips, 1):
            position = f"{self.venue}#{number}"
            if slip.out != self.on_l1 or slip.arrived:
                continue
            stage, ready = self._due(position) if slip.out else (SENT, slip.ready)
            if stage != DONE:
                data = {"size": slip.amount, "stage": stage, "not_before": ready}
                found.append(Position(position, self.half, "flight", data, {self.token: slip.amount}, {}))
        return found

    def _due(self, position: str) -> tuple[int, int]:
        """Return how far a withdrawal is and when its next step can be done, by the contracts' own terms."""
        stage, _ = self.stage_of(position)
        if stage != SENT:
            return stage, self.ready(position)
        start, terms = self.bridge.start, self.bridge.terms
        number = covering_output_up(self.sent[position].block, start.number, terms.proposal_blocks)
        return stage, output_time(number, start.number, start.time, terms.block_seconds, self.lag)

    def ready(self, position: str) -> int:
        """Return the first second at which a proven withdrawal can be paid."""
        return self.stage_of(position)[1] + self._term("FINALIZATION_PERIOD_SECONDS") + 1

    def _term(self, name: str, *args: int) -> int:
        return int(ask(self.l1, self.sites.oracle, _ORACLE, name, args, "latest")[0])


class GameHalf(GameClient, HalfClient):
    """``HalfClient`` of a portal over dispute games."""

    def __init__(self, bridge: GamesBridge, *args: Any, **named: Any) -> None:
        super().__init__(bridge, *args, **named)
        self.factory = bridge.factory
