"""Measure steps on Ethereum of bridges in registry packages: Arbitrum's and Scroll's, and the OP Stack's portal over games.

Run from the checkout: ``python tools/gas_exits.py`` prints the facts for ``networks/bridge_gas.toml``;
``tests/twins/test_bridge_gas.py`` measures again and compares. Every contract stands behind the kind of proxy that it has on
Ethereum; the Merkle proof is one that the outbox really walks, of as many nodes as a tree of that many messages has.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

from eth_hash.auto import keccak

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Intent
from tidemill.venues.canonical_bridge.client import PASSER
from tidemill.venues.canonical_bridge.local_games import GameClient, GamesBridge
from tidemill.venues.shared.client_parts import abi

BASE_FEE = 5 * 10**9
DEPTH = 17
"""Nodes of the proof where some 131,000 messages have left; each doubling adds one."""
NODES = 7
"""Nodes of a storage proof in a message passer of a few million withdrawals."""
BOSS = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
ME = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
ROLLUP, OVER_THERE, SEQUENCER = (
    "0x" + keccak(name.encode()).hex()[-40:] for name in ("rollup", "over there", "sequencer")
)
DATA_SIZE = 117_964
"""Largest message of the inbox on Ethereum."""
GATEWAY = (
    "function finalizeInboundTransfer(address token, address from, address to, uint256 amount, bytes data) payable"
)
ROUTER = (
    "function outboundTransfer(address token, address to, uint256 amount, uint256 maxGas, uint256 price, bytes data) "
    "payable returns (bytes)"
)
RELAY = "function relayMessage(address from, address to, uint256 value, uint256 nonce, bytes message)"
DEPOSIT = "function depositTransaction(address to, uint256 value, uint64 gas, bool creation, bytes data) payable"


class Arbitrum:
    """Bridge, inbox, outbox, router and gateway of an Arbitrum chain on a local one; the rollup is an account that we play."""

    def __init__(self, chain: Anvil) -> None:
        self.chain, self.rng = chain, random.Random("tidemill exits")
        for who in (BOSS, ME, ROLLUP):
            chain.set_balance(who, 10**24)
        parts = ("ArbitrumBridge", "ArbitrumInbox", "ArbitrumOutbox", "L1ERC20Gateway", "L1GatewayRouter")
        args = {"ArbitrumInbox": (DATA_SIZE,)}
        batch = [Deployment("token", "TestToken", ("Test USDC", "USDC", 6))]
        batch += [Deployment(f"{name} code", name, args.get(name, ())) for name in parts]
        batch += [
            Deployment(name, "TransparentUpgradeableProxy", (AddressOf(f"{name} code"), OVER_THERE, b""))
            for name in parts
        ]
        self.at = deploy(chain, BOSS, batch)
        at = self.at
        self.do(BOSS, "ArbitrumBridge", "initialize", ROLLUP)
        self.do(BOSS, "ArbitrumInbox", "initialize", at["ArbitrumBridge"], SEQUENCER)
        self.do(BOSS, "ArbitrumOutbox", "initialize", at["ArbitrumBridge"])
        self.do(ROLLUP, "ArbitrumBridge", "setDelayedInbox", at["ArbitrumInbox"], True)
        self.do(ROLLUP, "ArbitrumBridge", "setOutbox", at["ArbitrumOutbox"], True)
        inbox = at["ArbitrumInbox"]
        self.do(BOSS, "L1ERC20Gateway", "initialize", OVER_THERE, at["L1GatewayRouter"], inbox, b"\1" * 32, OVER_THERE)
        zero = "0x" + "0" * 40
        self.do(BOSS, "L1GatewayRouter", "initialize", BOSS, at["L1ERC20Gateway"], zero, OVER_THERE, inbox)
        for who in (ME, at["L1ERC20Gateway"]):
            self.send(BOSS, "token", Abi(artefact("TestToken").abi).encode("mint", who, 10**15))

    def send(self, who: str, name: str, data: bytes, value: int = 0) -> Receipt:
        """Mine one transaction, which must succeed."""
        _, (receipt,) = self.chain.mine([(who, Call(self.at[name], data, value))])
        assert receipt.status, (name, receipt.revert_reason)
        return receipt

    def do(self, who: str, name: str, function: str, *args: object) -> Receipt:
        """Call a function of one of the parts."""
        return self.send(who, name, Abi(artefact(name).abi).encode(function, *args))

    def execute(self, depth: int, index: int) -> int:
        """Return the gas of taking out an ERC-20 withdrawal with a proof of so many nodes."""
        amount = self.rng.randrange(10**8, 10**10)
        extra = bytes.fromhex(f"{index:064x}{64:064x}{0:064x}")  # number of the exit, and no further data
        inner = abi(GATEWAY).encode("finalizeInboundTransfer", self.at["token"], ME, ME, amount, extra)
        about = (200_000_000 + index, 21_000_000, 1_760_000_000)  # blocks of both chains, second
        words = [OVER_THERE, self.at["L1ERC20Gateway"], *about, 0, inner]
        item = b"".join(
            bytes.fromhex(w[2:]) if isinstance(w, str) else w if isinstance(w, bytes) else w.to_bytes(32, "big")
            for w in words
        )
        proof = [self.rng.randbytes(32) for _ in range(depth)]
        root = keccak(keccak(item))
        for level, node in enumerate(proof):
            root = keccak(node + root if index >> level & 1 else root + node)
        self.do(ROLLUP, "ArbitrumOutbox", "updateSendRoot", root, b"\7" * 32)
        return self.do(ME, "ArbitrumOutbox", "executeTransaction", proof, index, *words).gas_used

    def deposit(self) -> int:
        """Return the gas of a deposit through the router, its approval included."""
        amount, gas, price = self.rng.randrange(10**8, 10**10), 300_000, 10**8
        approve = Abi(artefact("TestToken").abi).encode("approve", self.at["L1ERC20Gateway"], amount)
        first = self.send(ME, "token", approve).gas_used
        submission = (1_400 + 6 * 600) * BASE_FEE * 2
        data = bytes.fromhex(f"{submission:064x}{64:064x}{0:064x}")
        call = abi(ROUTER).encode("outboundTransfer", self.at["token"], ME, amount, gas, price, data)
        return first + self.send(ME, "L1GatewayRouter", call, submission + gas * price).gas_used

    def delayed(self, size: int = 275) -> int:
        """Return the gas of handing ``size`` signed bytes to the delayed inbox."""
        return self.do(ME, "ArbitrumInbox", "sendL2Message", b"\4" + self.rng.randbytes(size)).gas_used


def measure_arbitrum(depths: Sequence[int] = (9, DEPTH)) -> dict[str, int]:
    """Return the gas of each step: of ``execute`` at the last of ``depths``, and ``node``, what a further one costs."""
    with Anvil(AnvilOptions(seconds_per_block=12, base_fee=BASE_FEE)) as chain:
        one, found = Arbitrum(chain), {}
        for depth in depths:
            one.execute(depth, 2**depth - 2)  # the word that keeps what is spent is not empty on Ethereum
            found[depth] = one.execute(depth, 2**depth - 1)
        low, high = depths[-2], depths[-1]
        one.deposit()
        one.delayed()
        return {
            "execute": found[high],
            "node": (found[high] - found[low]) // (high - low),
            "deposit": one.deposit(),
            "send to the delayed inbox": one.delayed(),
        }


class Scroll:
    """Messenger, rollup and gateway of Scroll on a local chain; a batch is finalised by writing its root where they keep it."""

    def __init__(self, chain: Anvil) -> None:
        self.chain, self.rng = chain, random.Random("tidemill exits")
        for who in (BOSS, ME):
            chain.set_balance(who, 10**24)
        queue, other = OVER_THERE, SEQUENCER
        parts = {
            "ScrollChain": (534_352, queue, queue, other, other),
            "L1ScrollMessenger": (OVER_THERE, AddressOf("ScrollChain"), queue, queue, other),
            "L1StandardERC20Gateway": (OVER_THERE, other, AddressOf("L1ScrollMessenger"), other, other),
        }
        batch = [Deployment("token", "TestToken", ("Test USDC", "USDC", 6))]
        batch += [Deployment(f"{name} code", name, args) for name, args in parts.items()]
        batch += [
            Deployment(name, "TransparentUpgradeableProxy", (AddressOf(f"{name} code"), ROLLUP, b"")) for name in parts
        ]
        self.at = at = deploy(chain, BOSS, batch)
        zero = "0x" + "0" * 40
        self.do(BOSS, "L1ScrollMessenger", "initialize", OVER_THERE, zero, zero, zero)
        self.do(BOSS, "L1StandardERC20Gateway", "initialize", OVER_THERE, other, at["L1ScrollMessenger"], other, other)
        for who in (ME, at["L1StandardERC20Gateway"]):
            data = Abi(artefact("TestToken").abi).encode("mint", who, 10**15)
            chain.mine([(BOSS, Call(at["token"], data))])
        self.roots = self.place_of("withdrawRoots")
        chain.set_storage(at["ScrollChain"], self.roots + 2, 10**6 << 64)  # the index of the last batch that is final
        assert self.ask("ScrollChain", "isBatchFinalized", 10**6)

    def place_of(self, mapping: str) -> int:
        """Return the slot at which the rollup keeps a mapping by batch."""
        for slot in range(100, 200):
            self.chain.set_storage(self.at["ScrollChain"], _word_of(7, slot), 1)
            if int.from_bytes(self.ask("ScrollChain", mapping, 7), "big"):
                return slot
        raise AssertionError(mapping)

    def ask(self, name: str, function: str, *args: object) -> Any:
        """Ask a view of one of the parts."""
        codec = Abi(artefact(name).abi)
        return codec.decode(function, self.chain.rpc.call(self.at[name], codec.encode(function, *args)))[0]

    def do(self, who: str, name: str, function: str, *args: object) -> Receipt:
        """Call a function of one of the parts, which must succeed."""
        data = Abi(artefact(name).abi).encode(function, *args)
        _, (receipt,) = self.chain.mine([(who, Call(self.at[name], data))])
        assert receipt.status, (function, receipt.revert_reason)
        return receipt

    def relay(self, depth: int, nonce: int) -> int:
        """Return the gas of taking out an ERC-20 withdrawal with a proof of so many nodes."""
        gateway, token = self.at["L1StandardERC20Gateway"], self.at["token"]
        codec, amount = Abi(artefact("L1StandardERC20Gateway").abi), self.rng.randrange(10**8, 10**10)
        above = self.ask("L1StandardERC20Gateway", "getL2ERC20Address", token)
        inner = codec.encode("finalizeWithdrawERC20", token, above, ME, ME, amount, b"")
        sent = abi(RELAY).encode("relayMessage", OVER_THERE, gateway, 0, nonce, inner)
        root, proof = keccak(sent), [self.rng.randbytes(32) for _ in range(depth)]
        for level, node in enumerate(proof):
            root = keccak(node + root if nonce >> level & 1 else root + node)
        self.chain.set_storage(self.at["ScrollChain"], _word_of(nonce, self.roots), int.from_bytes(root, "big"))
        args = (OVER_THERE, gateway, 0, nonce, inner, (nonce, b"".join(proof)))
        receipt = self.do(ME, "L1ScrollMessenger", "relayMessageWithProof", *args)
        assert any(str(log["address"]).lower() == token for log in receipt.logs), "the message was relayed and failed"
        return receipt.gas_used


def _word_of(key: int, slot: int) -> int:
    return int.from_bytes(keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")


def measure_scroll(depths: Sequence[int] = (12, 20)) -> dict[str, int]:
    """Return the gas of the last step of a withdrawal at the last of ``depths``, and of a further node."""
    with Anvil(AnvilOptions(seconds_per_block=12, base_fee=BASE_FEE)) as chain:
        one = Scroll(chain)
        one.relay(2, 2)  # the gateway notes a token's other side once
        found = [one.relay(depth, 3_000 + depth) for depth in depths]
    return {"relayMessageWithProof": found[-1], "node": (found[-1] - found[-2]) // (depths[-1] - depths[-2])}


class Games:
    """A rollup of the OP Stack whose outputs are dispute games, with ``filled`` other withdrawals in its message passer."""

    def __init__(self, l1: Anvil, l2: Anvil, filled: int) -> None:
        self.l1, self.l2 = l1, l2
        for chain in (l1, l2):
            for who in (BOSS, ME):
                chain.set_balance(who, 10**24)
        self.bridge = GamesBridge(l1, l2, BOSS)
        for slot in range(filled):
            l2.set_storage(PASSER, int.from_bytes(keccak(f"{filled} {slot}".encode())), 1)
        self.client = GameClient(l1.rpc, l2.rpc, self.bridge.sites, venue="exit", account=ME)
        self.client.factory = self.bridge.factory
        mint = Abi(artefact("TestToken").abi).encode("mint", ME, 10**15)
        self.mined(l1, BOSS, Call(self.bridge.sites.l1_token, mint))
        self.bridge.derive(self.does(l1, "deposit", amount=10**12))

    def mined(self, chain: Anvil, who: str, call: Call) -> Receipt:
        """Mine one transaction, which must succeed."""
        _, (receipt,) = chain.mine([(who, call)])
        assert receipt.status, (call.purpose, receipt.revert_reason)
        return receipt

    def does(self, chain: Anvil, verb: str, **args: int | str) -> Receipt:
        """Do a verb of the bridge; returns the receipt of its last transaction."""
        return [self.mined(chain, ME, call) for call in self.client.plan(Intent("exit", verb, args))][-1]

    def withdrawals(self, count: int) -> tuple[list[tuple[int, int]], list[int]]:
        """Return (nodes, gas) of each proof and the gas of each payment, of so many withdrawals."""
        names = [f"exit#{number}" for number in range(count)]
        for number, name in enumerate(names):
            self.client.learn(name, self.does(self.l2, "send", amount=10**6 + number))
        self.l2.skip(1)
        head = self.l2.rpc.block().number
        self.mined(self.l1, BOSS, self.bridge.open_game(head, head))
        nodes = [len(self.client.proof(self.client.sent[name])[2]) for name in names]
        proofs = [
            (n, self.does(self.l1, "prove", position=name).gas_used) for n, name in zip(nodes, names, strict=True)
        ]
        self.l1.mine(time_s=self.l1.rpc.block().timestamp + self.bridge.games.clock)
        for call in self.bridge.resolve(self.bridge.game(0), attacked=False):
            self.mined(self.l1, BOSS, call)
        self.l1.mine(time_s=self.l1.rpc.block().timestamp + self.bridge.games.maturity)
        return proofs, [self.does(self.l1, "finalize", position=name).gas_used for name in names]

    def forced(self) -> int:
        """Return the gas of sending a withdrawal through the portal, past the sequencer."""
        (inner,) = self.client.plan(Intent("exit", "send", {"amount": 10**6}))
        data = abi(DEPOSIT).encode("depositTransaction", inner.to, 0, 300_000, False, inner.data)
        return self.mined(self.l1, ME, Call(self.bridge.sites.portal, data, purpose="forced")).gas_used


def measure_games(filled: Sequence[int] = (0, 15, 255, 4_095)) -> dict[str, int]:
    """Return the gas of each step of a withdrawal: ``prove`` at seven nodes, and ``node``, what a further one costs."""
    proofs: list[tuple[int, int]] = []
    for others in filled:
        one, two = AnvilOptions(seconds_per_block=12, base_fee=BASE_FEE), AnvilOptions(chain_id=10)
        with Anvil(one) as l1, Anvil(two) as l2:
            life = Games(l1, l2, others)
            proven, paid = life.withdrawals(8)
            proofs += proven
            life.forced()
            forced = life.forced()
    line = statistics.linear_regression([nodes for nodes, _ in proofs], [gas for _, gas in proofs])
    at_seven = round(line.intercept + NODES * line.slope)
    return {"prove": at_seven, "node": round(line.slope), "finalize": paid[-1], "send through the portal": forced}


def main() -> None:
    """Print what was measured."""
    for family, found in (
        ("arbitrum", measure_arbitrum()),
        ("scroll", measure_scroll()),
        ("op_stack", measure_games()),
    ):
        for step, gas in found.items():
            print(f"{family}.{step}: {gas:,}")


if __name__ == "__main__":
    main()
