"""The real bridge between two local chains: portal, oracle of outputs, messengers and standard bridges of both sides.

What no contract does on a live network is played here: the proposer (``propose``), and the derivation of deposits
(``derive``), which executes on the rollup what the portal logged. The proposer's output names the real storage root of
the message passer, as ``eth_getProof`` gives it; the state root beside it is the block's own and nobody checks it.
Contracts that stand behind upgradable proxies stand so here too, all behind the same plain one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import decode
from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.errors import RpcError
from tidemill.interfaces import Block
from tidemill.venues.canonical_bridge.client import L2_BRIDGE, L2_MESSENGER, PASSER, Output, Sites

__all__ = ["LocalBridge", "Terms", "bridged", "sites_of"]

_ADMIN = 0xB53127684A568B3173AE13B9F8A6016E243E63B6E8EE1178D6A717850B5D6103
"""EIP-1967: where a proxy keeps its admin."""
_RESOURCES = (20_000_000, 10, 8, 10**9, 1_000_000, 2**128 - 1)
"""The market for deposited gas, as OP Mainnet's configuration has it."""
_L1 = (
    "SuperchainConfig", "SystemConfig", "L2OutputOracle", "OptimismPortal", "L1CrossDomainMessenger", "L1StandardBridge"
)  # fmt: skip
_L2 = {
    "L1Block": "0x4200000000000000000000000000000000000015",  # the bridge asks it which token pays for gas
    "L2CrossDomainMessenger": L2_MESSENGER,
    "L2StandardBridge": L2_BRIDGE,
    "L2ToL1MessagePasser": PASSER,
}


class Terms(Struct, frozen=True):
    """How the oracle is set up: blocks of the rollup between outputs, its block time, and seconds of the dispute window."""

    proposal_blocks: int = 1_800
    block_seconds: int = 2
    maturity_seconds: int = 604_800


class LocalBridge:
    """A bridge between two chains, ``l1`` and ``l2``; both sides deployed and initialised by ``deployer``.

    ``start`` is the block of the rollup that the oracle knows first (by default the head of ``l2``). ``lane`` keeps
    apart the bridges of several rollups to one ``l1``. ``tokens`` are the token on either side; without them one is made.
    """

    def __init__(
        self,
        l1: Anvil,
        l2: Anvil,
        deployer: str,
        decimals: int = 6,
        terms: Terms | None = None,
        *,
        start: Block | None = None,
        lane: int = 0,
        tokens: tuple[str, str] | None = None,
    ) -> None:
        self.l1, self.l2, self.deployer, self.terms = l1, l2, deployer, terms or Terms()
        self.start = start or Block(time=(head := l2.rpc.block()).timestamp, number=head.number)
        self._at = _l1_sites(lane)
        self._set_up()
        self.sites = sites_of(lane, *(tokens or self._tokens(decimals)))
        self.outputs: list[Output] = []
        self.stands: dict[int, int] = {}
        """Which block of ``l2`` stood for a block of the rollup when its output was named, where they differ."""

    def _set_up(self) -> None:
        at, deployer = self._at, self.deployer
        self._place(self.l2, _L2, {
            "L2CrossDomainMessenger": (at["L1CrossDomainMessenger"],),
            "L2StandardBridge": (at["L1StandardBridge"],),
        })  # fmt: skip
        config = (deployer, 0, 0, bytes(32), 30_000_000, deployer, _RESOURCES, deployer)
        zero = "0x" + "0" * 40
        addresses = (at["L1CrossDomainMessenger"], zero, at["L1StandardBridge"], zero, at["OptimismPortal"], zero, zero)
        self._place(self.l1, at, {"SuperchainConfig": (deployer, False), "SystemConfig": (*config, addresses)})
        self._portal()
        self._place(self.l1, at, {
            "L1CrossDomainMessenger": (at["SuperchainConfig"], at["OptimismPortal"], at["SystemConfig"]),
            "L1StandardBridge": (at["L1CrossDomainMessenger"], at["SuperchainConfig"], at["SystemConfig"]),
        })  # fmt: skip

    def _portal(self) -> None:
        """Put the portal in place, and what it knows outputs from."""
        at, terms, start, who = self._at, self.terms, self.start, self.deployer
        oracle = (
            terms.proposal_blocks,
            terms.block_seconds,
            start.number,
            start.time,
            who,
            who,
            terms.maturity_seconds,
        )
        portal = (at["L2OutputOracle"], at["SystemConfig"], at["SuperchainConfig"])
        self._place(self.l1, at, {"L2OutputOracle": oracle, "OptimismPortal": portal})

    def _tokens(self, decimals: int) -> tuple[str, str]:
        made = Deployment("token", "TestToken", ("Test USDC", "USDC", decimals))
        here = deploy(self.l1, self.deployer, [made])["token"]
        return here, deploy(self.l2, self.deployer, [bridged("token", here, "USDC", decimals)])["token"]

    def propose(self, time_s: int | None = None) -> Output:
        """Do what the proposer does: name the rollup's next output on Ethereum; raises ``RpcError`` where it is too early."""
        oracle = Abi(artefact("L2OutputOracle").abi)
        number = oracle.decode(
            "nextBlockNumber", self.l1.rpc.call(self.sites.oracle, oracle.encode("nextBlockNumber"))
        )[0]
        output = self.output(number, number)
        _, (receipt,) = self.l1.mine([(self.deployer, self.proposal(output))], time_s=time_s)
        if not receipt.status:
            raise RpcError(f"the oracle refused output {number}: {receipt.revert_reason}")
        self.outputs.append(output)
        return output

    def output(self, number: int, stands: int) -> Output:
        """Return what a proposer names of block ``number`` of the rollup, for which block ``stands`` of ``l2`` stands."""
        if stands != number:
            self.stands[number] = stands
        block = self.l2.rpc.raw_block(stands)
        proof = self.l2.rpc.request("eth_getProof", PASSER, [], hex(stands))
        return Output(number, str(block["stateRoot"]), str(proof["storageHash"]), str(block["hash"]))

    def proposal(self, output: Output) -> Call:
        """Return the proposer's transaction for an output."""
        data = Abi(artefact("L2OutputOracle").abi).encode("proposeL2Output", output.root, output.number, bytes(32), 0)
        return Call(self._at["L2OutputOracle"], data, purpose="propose")

    def derive(self, receipt: Receipt, time_s: int | None = None) -> list[Receipt]:
        """Execute on the rollup every deposit that ``receipt`` of Ethereum logged, as its derivation would."""
        done: list[Receipt] = []
        for sender, call, gas in self.derived(receipt):
            # the limit is the deposit's own: intrinsic gas is paid on Ethereum
            _, receipts = self.l2.mine([(sender, call)], time_s=time_s, gas=gas + 100_000)
            done += receipts
        return done

    def derived(self, receipt: Receipt) -> list[tuple[str, Call, int]]:
        """Return the rollup's transactions that follow from ``receipt``: sender, call, gas; what they mint is there."""
        events = Abi(artefact("OptimismPortal").abi).events
        out: list[tuple[str, Call, int]] = []
        for log in receipt.logs:
            event = events.get(str(log["topics"][0]))
            if (
                event is None
                or event.name != "TransactionDeposited"
                or str(log["address"]).lower() != self.sites.portal
            ):
                continue
            sender, to = ("0x" + str(topic)[-40:] for topic in log["topics"][1:3])
            (packed,) = decode(["bytes"], bytes.fromhex(str(log["data"])[2:]))
            minted, value, gas = (int.from_bytes(packed[i : i + n]) for i, n in ((0, 32), (32, 32), (64, 8)))
            self.l2.set_balance(sender, self.l2.rpc.balance(sender) + minted)
            out.append((sender, Call(to, packed[73:], value, purpose="derive"), gas))
        return out

    def _place(
        self,
        chain: Anvil,
        sites: Mapping[str, str],
        init: Mapping[str, tuple[Any, ...]],
        made: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Put contracts behind proxies at their addresses and initialise them; on the rollup all of ``sites``.

        ``made`` : artefact and address of what stands already, because its constructor sets what no initialiser does.
        """
        proxy, calls = artefact("OptimismProxy"), []
        for name in sites if chain is self.l2 else init:
            where, (kind, behind) = (
                sites[name],
                (made or {}).get(name, (name, "0x" + keccak(name.encode())[-20:].hex())),
            )
            if made is None or name not in made:
                chain.set_code(behind, artefact(kind).deployed_bytecode)
            chain.set_code(where, proxy.deployed_bytecode)
            chain.set_storage(where, _ADMIN, int(self.deployer, 16))
            if name in init:
                data = Abi(artefact(kind).abi).encode("initialize", *init[name])
                calls.append(Call(where, Abi(proxy.abi).encode("upgradeToAndCall", behind, data), purpose=name))
            else:
                calls.append(Call(where, Abi(proxy.abi).encode("upgradeTo", behind), purpose=name))
        self._do(chain, calls, "setting up")

    def _do(self, chain: Anvil, calls: Sequence[Call], what: str, who: str = "") -> list[Receipt]:
        """Mine calls that must succeed; raises ``RpcError`` saying which did not."""
        _, receipts = chain.mine([(who or self.deployer, call) for call in calls])
        for call, receipt in zip(calls, receipts, strict=True):
            if not receipt.status:
                raise RpcError(f"{what} {call.purpose} reverted: {receipt.revert_reason}")
        return receipts


def _l1_sites(lane: int) -> dict[str, str]:
    return {name: f"0x{0x10E0 + 0x100 * lane + number:040x}" for number, name in enumerate(_L1)}


def sites_of(lane: int, l1_token: str, l2_token: str) -> Sites:
    """Return where the contracts of a lane stand, before or after they do."""
    at = _l1_sites(lane)
    return Sites(
        portal=at["OptimismPortal"],
        oracle=at["L2OutputOracle"],
        l1_bridge=at["L1StandardBridge"],
        l1_token=l1_token.lower(),
        l2_token=l2_token.lower(),
    )


def bridged(name: str, l1_token: str, symbol: str, decimals: int) -> Deployment:
    """Return how the rollup's side of a token is made: the bridge there, and nobody else, makes and burns it."""
    args = ("0x" + L2_BRIDGE[2:], l1_token, f"Bridged {symbol}", f"{symbol}.b", decimals)
    return Deployment(name, "OptimismMintableERC20", args)
