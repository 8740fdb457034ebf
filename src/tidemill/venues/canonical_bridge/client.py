"""The real contracts of an OP Stack bridge: intents to calls on the network where each step is sent, logs to what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadData, BadInput, UnknownName
from tidemill.interfaces import Intent
from tidemill.venues.shared.client_parts import Given, abi, ask, with_approvals

__all__ = ["L2_BRIDGE", "L2_MESSENGER", "PASSER", "BridgeClient", "Output", "Sites", "Withdrawal"]

L2_MESSENGER = "0x4200000000000000000000000000000000000007"
L2_BRIDGE = "0x4200000000000000000000000000000000000010"
PASSER = "0x4200000000000000000000000000000000000016"
"""Predeploys: the same on every chain of the OP Stack (its specification)."""
MIN_GAS = 200_000
"""Gas that the message asks for on the other side; an ERC-20 transfer and the bridge's own work need less."""

_MESSAGE = "(uint256 nonce, address sender, address target, uint256 value, uint256 gasLimit, bytes data) tx"
_ROOTS = (
    "(bytes32 version, bytes32 stateRoot, bytes32 messagePasserStorageRoot, bytes32 latestBlockhash) outputRootProof"
)
PASSED = (
    "event MessagePassed(uint256 indexed nonce, address indexed sender, address indexed target, uint256 value, "
    "uint256 gasLimit, bytes data, bytes32 withdrawalHash)\n"
)
BRIDGE = """
function withdraw(address token, uint256 amount, uint32 minGasLimit, bytes extraData)
function depositERC20(address l1Token, address l2Token, uint256 amount, uint32 minGasLimit, bytes extraData)
"""
PORTAL = f"""
function proveWithdrawalTransaction({_MESSAGE}, uint256 l2OutputIndex, {_ROOTS}, bytes[] withdrawalProof)
function finalizeWithdrawalTransaction({_MESSAGE})
function finalizedWithdrawals(bytes32 hash) view returns (bool)
function provenWithdrawals(bytes32 hash) view returns (bytes32 outputRoot, uint128 timestamp, uint128 l2OutputIndex)
"""
ORACLE = """
function getL2OutputIndexAfter(uint256 l2BlockNumber) view returns (uint256)
function getL2Output(uint256 index) view returns ((bytes32 outputRoot, uint128 timestamp, uint128 l2BlockNumber) output)
function latestOutputIndex() view returns (uint256)
"""


class Sites(Struct, frozen=True):
    """Where the contracts stand that are not at the same address everywhere, and the token on both sides (lower case)."""

    portal: str
    oracle: str
    l1_bridge: str
    l1_token: str
    l2_token: str


class Output(Struct, frozen=True):
    """What a proposer claims of a block of the rollup; each root as hex."""

    number: int
    state_root: str
    storage_root: str
    block_hash: str

    @property
    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return version 0 and the three roots, as the portal takes them."""
        return (bytes(32), *(bytes.fromhex(one[2:]) for one in (self.state_root, self.storage_root, self.block_hash)))  # type: ignore[return-value]

    @property
    def root(self) -> bytes:
        """Return what the oracle stores: the hash of the parts (OP Stack specification)."""
        return bytes(keccak(b"".join(self.parts)))


class Withdrawal(Struct, frozen=True):
    """A message that left the rollup: its fields, the hash over them, and the block that holds it."""

    fields: tuple[int, str, str, int, int, bytes]
    hash: bytes
    block: int

    @property
    def slot(self) -> str:
        """Return the word of the message passer that says it was sent."""
        return "0x" + keccak(encode(["bytes32", "uint256"], [self.hash, 0])).hex()


class BridgeClient:
    """One token's bridge as ``account`` (an address) uses it, over an endpoint of each network."""

    def __init__(self, l1: Rpc, l2: Rpc, sites: Sites, *, venue: str, account: str) -> None:
        self.l1, self.l2, self.sites, self.venue, self.account = l1, l2, sites, venue, account.lower()
        self.sent: dict[str, Withdrawal] = {}

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb; ``send`` goes to the rollup, ``deposit``, ``prove`` and ``finalize`` to Ethereum.

        Raises
        ------
        BadInput : no such withdrawal is known, or no output covers it yet.
        """
        del stage, view
        given = Given(intent)
        if intent.verb == "send":
            amount = given.number("amount")
            given.finish()
            return [
                Call(
                    L2_BRIDGE, abi(BRIDGE).encode("withdraw", self.sites.l2_token, amount, MIN_GAS, b""), purpose="send"
                )
            ]
        if intent.verb == "deposit":
            amount = given.number("amount")
            given.finish()
            tokens = self.sites.l1_token, self.sites.l2_token
            data = abi(BRIDGE).encode("depositERC20", *tokens, amount, MIN_GAS, b"")
            call = Call(self.sites.l1_bridge, data, purpose="deposit")
            return with_approvals(self.l1, self.account, {tokens[0]: amount}, self.sites.l1_bridge, call, reset=False)
        if intent.verb not in ("prove", "finalize"):
            raise UnknownName("verb of a canonical bridge", intent.verb, ("send", "deposit", "prove", "finalize"))
        position = given.text("position")
        if position not in self.sent:
            raise BadInput(f"{intent.verb}: no withdrawal {position} is known", field="position")
        found = self.sent[position]
        if intent.verb == "finalize":
            data = abi(PORTAL).encode("finalizeWithdrawalTransaction", found.fields)
        else:
            data = abi(PORTAL).encode("proveWithdrawalTransaction", found.fields, *self.proof(found))
        return [Call(self.sites.portal, data, purpose=intent.verb)]

    def proof(self, found: Withdrawal) -> tuple[int, tuple[bytes, bytes, bytes, bytes], list[bytes]]:
        """Return the output's index, its parts and the storage proof of a withdrawal; raises ``Revert`` where none covers it."""
        oracle = self.sites.oracle
        self._ask(oracle, ORACLE, "getL2OutputIndexAfter", found.block)  # refuses where none covers it
        index = self._ask(oracle, ORACLE, "latestOutputIndex")[0]  # nodes forget old states, so the newest
        _, _, number = self._ask(oracle, ORACLE, "getL2Output", index)[0]
        return index, *self.witness(found, number)

    def witness(self, found: Withdrawal, number: int) -> tuple[tuple[bytes, bytes, bytes, bytes], list[bytes]]:
        """Return the parts of the output of block ``number`` and the nodes that prove the withdrawal in it."""
        node = self.node_block(number)
        raw = self.l2.request("eth_getProof", PASSER, [found.slot], hex(node))
        block = self.l2.raw_block(node)
        output = Output(number, str(block["stateRoot"]), str(raw["storageHash"]), str(block["hash"]))
        nodes = [bytes.fromhex(str(one)[2:]) for one in raw["storageProof"][0]["proof"]]
        return output.parts, nodes

    def node_block(self, number: int) -> int:
        """Return by which number the node behind ``l2`` knows block ``number`` of the rollup."""
        return number

    def rollup_block(self, receipt: Receipt) -> int:
        """Return in which block of the rollup a transaction was included."""
        return receipt.block_number

    def learn(self, position: str, receipt: Receipt) -> Withdrawal:
        """Keep the withdrawal that a receipt of ``send`` logged, under ``position``; raises ``BadData`` where it has none."""
        for log in receipt.logs:
            event = abi(PASSED).events.get(str(log["topics"][0]))
            if event is None or str(log["address"]).lower() != PASSER:
                continue
            args: Mapping[str, Any] = event.decode([str(t) for t in log["topics"]], bytes.fromhex(str(log["data"])[2:]))
            fields = tuple(args[name] for name in ("nonce", "sender", "target", "value", "gasLimit", "data"))
            found = Withdrawal(fields, bytes(args["withdrawalHash"]), self.rollup_block(receipt))
            self.sent[position] = found
            return found
        raise BadData(f"{receipt.tx_hash} logged no message to Ethereum")

    def stage_of(self, position: str) -> tuple[int, int]:
        """Return how far a withdrawal is (1 sent, 2 proven, 3 paid) and the second at which it was proven, 0 before."""
        found = self.sent[position]
        _, proven, _ = self._ask(self.sites.portal, PORTAL, "provenWithdrawals", found.hash)
        if self._ask(self.sites.portal, PORTAL, "finalizedWithdrawals", found.hash)[0]:
            return 3, proven
        return (2 if proven else 1), proven

    def _ask(self, to: str, contract: str, name: str, *args: Any) -> tuple[Any, ...]:
        return ask(self.l1, to, contract, name, args, "latest")
