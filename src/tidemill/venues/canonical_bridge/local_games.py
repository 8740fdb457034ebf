"""The bridge of a rollup whose outputs are dispute games, between two local chains: portal, factory, games, registry of anchors.

Played: proposers, and whoever resolves a game. A game's virtual machine is an address without code: it is asked in the
last step of a dispute only, and a claim that nobody answers is decided before.
"""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from msgspec import Struct

from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Revert
from tidemill.networks.op_games import ready_to_finalize
from tidemill.venues.canonical_bridge.client import BridgeClient, Withdrawal
from tidemill.venues.canonical_bridge.local_bridge import LocalBridge
from tidemill.venues.canonical_bridge.model import NO_GAME
from tidemill.venues.shared.client_parts import abi, ask

__all__ = ["CLOCK_EXTENSION", "GameClient", "GameTerms", "GamesBridge"]

KIND = 0
"""The permissionless game of the OP Stack."""
CLOCK_EXTENSION = 10_800
_DEPTHS = (73, 30)
"""Of the whole game and of its upper half, as OP Mainnet's."""
_BESIDE = ("DisputeGameFactory", "AnchorStateRegistry", "DelayedWETH")
_FACTORY = """
function create(uint32 kind, bytes32 root, bytes extra) payable returns (address game)
function gameCount() view returns (uint256)
function gameAtIndex(uint256 index) view returns (uint32 kind, uint64 time, address game)
function setImplementation(uint32 kind, address game)
"""
_GAME = """
function l2BlockNumber() view returns (uint256)
function rootClaim() view returns (bytes32)
function createdAt() view returns (uint64)
function resolvedAt() view returns (uint64)
function maxClockDuration() view returns (uint64)
function status() view returns (uint8)
function getRequiredBond(uint128 position) view returns (uint256)
function attack(bytes32 disputed, uint256 parent, bytes32 claim) payable
function resolveClaim(uint256 index, uint256 most)
function resolve() returns (uint8)
"""
_PORTAL = """
function provenWithdrawals(bytes32 hash, address who) view returns (address game, uint64 time)
function finalizedWithdrawals(bytes32 hash) view returns (bool)
function proofMaturityDelaySeconds() view returns (uint256)
function disputeGameFinalityDelaySeconds() view returns (uint256)
function blacklistDisputeGame(address game)
function setRespectedGameType(uint32 kind)
"""


class GameTerms(Struct, frozen=True):
    """Seconds: of the clock each side has in a game, of the air gap after it, of a proof's maturity."""

    clock: int = 302_400
    finality: int = 302_400
    maturity: int = 604_800


class GamesBridge(LocalBridge):
    """``LocalBridge`` with dispute games on the terms ``games``; the rest as it takes it."""

    def __init__(self, *args: Any, games: GameTerms | None = None, **named: Any) -> None:
        self.games = games or GameTerms()
        self.factory = ""
        super().__init__(*args, **named)

    def _portal(self) -> None:
        at, terms = self._at, self.games
        sites = at | {name: f"0x{int(at['L2OutputOracle'], 16) + 0x10 + n:040x}" for n, name in enumerate(_BESIDE)}
        self.factory, anchors, weth = (sites[name] for name in _BESIDE)
        game = (
            KIND, b"\1" * 32, *_DEPTHS, min(CLOCK_EXTENSION, terms.clock), terms.clock, "0x" + "77" * 20, weth, anchors,
            self.l2.rpc.chain_id,
        )  # fmt: skip
        made = deploy(self.l1, self.deployer, [
            Deployment("DisputeGameFactory", "DisputeGameFactory"),
            Deployment("AnchorStateRegistry", "AnchorStateRegistry", (self.factory,)),
            Deployment("DelayedWETH", "DelayedWETH", (terms.finality,)),
            Deployment("OptimismPortal", "OptimismPortal2", (terms.maturity, terms.finality)),
            Deployment("game", "FaultDisputeGame", game),
        ])  # fmt: skip
        behind = {name: (name, made[name]) for name in _BESIDE} | {
            "OptimismPortal": ("OptimismPortal2", made["OptimismPortal"])
        }
        first = [(KIND, (b"\2" * 32, self.start.number))]
        self._place(self.l1, sites, {
            "DisputeGameFactory": (self.deployer,),
            "AnchorStateRegistry": (first,),
            "DelayedWETH": (self.deployer, at["SuperchainConfig"]),
            "OptimismPortal": (self.factory, at["SystemConfig"], at["SuperchainConfig"], KIND),
        }, behind)  # fmt: skip
        data = abi(_FACTORY).encode("setImplementation", KIND, made["game"])
        self._do(self.l1, [Call(self.factory, data, purpose="setImplementation")], "setting up")

    # --- what others do -----------------------------------------------------------------------------------------------

    def open_game(self, number: int, stands: int) -> Call:
        """Return a proposer's transaction: a game over block ``number`` of the rollup, for which ``stands`` stands."""
        output = self.output(number, stands)
        extra = encode(["uint256"], [number])
        return Call(self.factory, abi(_FACTORY).encode("create", KIND, output.root, extra), purpose="create")

    def game(self, index: int) -> str:
        """Return a game's address."""
        return str(ask(self.l1.rpc, self.factory, _FACTORY, "gameAtIndex", (index,), "latest")[2])

    def games_so_far(self) -> int:
        """Return how many games there have been."""
        return int(ask(self.l1.rpc, self.factory, _FACTORY, "gameCount", (), "latest")[0])

    def told(self, game: str, name: str, *args: int) -> int:
        """Ask a view of a game that answers with a number."""
        return int(ask(self.l1.rpc, game, _GAME, name, args, "latest")[0])

    def attack(self, game: str, claim: bytes) -> Call:
        """Return a challenger's first move against a game's root."""
        root = ask(self.l1.rpc, game, _GAME, "rootClaim", (), "latest")[0]
        bond = self.told(game, "getRequiredBond", 2)
        return Call(game, abi(_GAME).encode("attack", root, 0, claim), bond, purpose="attack")

    def resolve(self, game: str, *, attacked: bool) -> list[Call]:
        """Return the transactions that resolve a game, the claims below first."""
        claims = [1, 0] if attacked else [0]
        calls = [Call(game, abi(_GAME).encode("resolveClaim", claim, 0), purpose="resolveClaim") for claim in claims]
        return [*calls, Call(game, abi(_GAME).encode("resolve"), purpose="resolve")]

    def guardian(self, name: str, value: str | int) -> Call:
        """Return the guardian's transaction at the portal."""
        return Call(self.sites.portal, abi(_PORTAL).encode(name, value), purpose=name)


class GameClient(BridgeClient):
    """``BridgeClient`` of a portal over dispute games: proofs are against the first game that covers the withdrawal.

    Of several the first is resolved first. ``against`` names another game by its index, until it is ``None`` again.
    """

    factory: str
    against: int | None = None

    def proof(self, found: Withdrawal) -> tuple[int, tuple[bytes, bytes, bytes, bytes], list[bytes]]:
        """Return a game's index, its output's parts and the storage proof; raises ``Revert`` where none covers it."""
        index, number = self._covering(found) if self.against is None else (self.against, self._number(self.against))
        return index, *self.witness(found, number)

    def stage_of(self, position: str) -> tuple[int, int]:
        """Return how far a withdrawal is (1 sent, 2 proven, 3 paid) and the second at which it was last proven, 0 before."""
        found, portal = self.sent[position], self.sites.portal
        _, proven = ask(self.l1, portal, _PORTAL, "provenWithdrawals", (found.hash, self.account), "latest")
        paid = ask(self.l1, portal, _PORTAL, "finalizedWithdrawals", (found.hash,), "latest")[0]
        return (3 if paid else 2 if proven else 1), proven

    def ready(self, position: str) -> int:
        """Return the first second at which a proven withdrawal can be paid where its game is resolved as soon as it can be."""
        found, portal = self.sent[position], self.sites.portal
        game, proven = ask(self.l1, portal, _PORTAL, "provenWithdrawals", (found.hash, self.account), "latest")
        maturity, finality = (
            int(ask(self.l1, portal, _PORTAL, f"{name}DelaySeconds", (), "latest")[0])
            for name in ("proofMaturity", "disputeGameFinality")
        )
        created, clock = (
            int(ask(self.l1, str(game), _GAME, name, (), "latest")[0]) for name in ("createdAt", "maxClockDuration")
        )
        return ready_to_finalize(proven, created, maturity, clock, finality)

    def _covering(self, found: Withdrawal) -> tuple[int, int]:
        count = int(ask(self.l1, self.factory, _FACTORY, "gameCount", (), "latest")[0])
        for index in range(count):
            if (number := self._number(index)) >= found.block:
                return index, number
        raise Revert(NO_GAME)

    def _number(self, index: int) -> int:
        game = ask(self.l1, self.factory, _FACTORY, "gameAtIndex", (index,), "latest")[2]
        return int(ask(self.l1, str(game), _GAME, "l2BlockNumber", (), "latest")[0])
