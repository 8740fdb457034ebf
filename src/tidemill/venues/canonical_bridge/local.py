"""A canonical bridge of a study on two local chains, each half a venue of its own chain; both halves share one model.

What no contract does on a live network happens here by itself: outputs are named on Ethereum when the model says that
they are, and deposits are executed on the rollup in the block in which they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.anvil import Anvil
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Stage
from tidemill.venues.canonical_bridge.client import L2_BRIDGE
from tidemill.venues.canonical_bridge.local_bridge import LocalBridge, Terms, bridged, sites_of
from tidemill.venues.canonical_bridge.local_client import GameHalf, HalfClient
from tidemill.venues.canonical_bridge.local_games import GamesBridge, GameTerms
from tidemill.venues.canonical_bridge.model import BridgeState
from tidemill.venues.canonical_bridge.rules import output_time
from tidemill.venues.canonical_bridge.stage import BridgeStage, PortalStage
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.ground import Ground, Others, Unrest
from tidemill.venues.shared.local_half import LocalHalfBase

__all__ = ["LocalPortal", "LocalRollup", "Seat", "seat"]

_DEPLOYER = "deployer"
_WEALTH = 10**24
_DEPOSIT = (
    "function depositERC20(address l1Token, address l2Token, uint256 amount, uint32 minGasLimit, bytes extraData)\n"
)
_GAS = 200_000
_AT_ONCE = 200
"""Outputs per block where many are named at once; a block has gas for 300."""


class _Half(LocalHalfBase):
    """What both halves have alike; ``client`` is there once the contracts are."""

    client: HalfClient

    def landed(self, receipts: Sequence[Receipt]) -> None:
        """Remember what is on its way from now on."""
        self.client.landed(receipts)


class LocalRollup(_Half):
    """The half on the rollup. ``beside`` is the other one, on the ground of the network below."""

    def __init__(self, ground: Ground, twin: BridgeStage) -> None:
        state = twin.state
        super().__init__(ground, twin, (state.l2_token,), ())
        self.beside = LocalPortal(ground.beyond[state.l1], twin.beside[0], self)
        self._supply: int | None = None
        self.bridge_of: list[LocalRollup] = []
        """Every token's half over the same bridge."""

    @property
    def waiting(self) -> bool:
        """Whether a withdrawal of this token waits for an output."""
        return any(slip.out and not slip.proven for slip in self.client.slips)

    def start(self, at: Block) -> None:
        """Put the contracts of both sides in place, and into escrow what lies there at the start."""
        del at
        below, state = self.beside.ground, self.twin.state
        self.bridge, lane = self._bridge(below, state)
        self.sites = sites_of(lane, below.token(state.l1_token), self.ground.token(state.l2_token))
        below.name(self.sites.l1_bridge, state.escrow)
        self.client = self._client(state, beside=None)
        self.beside.client = self._client(state, beside=self.client)
        self._fill(below, state)

    def _client(self, state: BridgeState, beside: HalfClient | None) -> HalfClient:
        """Return the client of this half, or of the other one where this one's is ``beside`` it."""
        me, at = self.ground.address("me"), self.twin.first_from
        named = {"account": me, "on_l1": beside is not None, "number_at": at, "beside": beside}
        if isinstance(self.bridge, GamesBridge):
            return GameHalf(self.bridge, self.sites, state, **named)
        return HalfClient(
            self.bridge, self.sites, state, account=me, on_l1=beside is not None, number_at=at, beside=beside
        )

    def _bridge(self, below: Ground, state: BridgeState) -> tuple[LocalBridge, int]:
        """Return the bridge between the two networks, made by the first token that needs it, and its lane."""
        lanes, terms = (
            below.fixtures.setdefault("bridges", {}),
            (state.lag, state.deposit_seconds, state.game, _terms(state)),
        )
        if state.l2 not in lanes:
            below.reach(state.first_time)  # the oracle refuses a first block that is not in the past
            first = Block(time=state.first_time, number=state.first)
            boss, chains = self.ground.address(_DEPLOYER), (below.anvil, self.ground.anvil)
            games = GameTerms(*state.windows, state.maturity) if state.game else None
            made = _made(chains, boss, _terms(state), games, start=first, lane=len(lanes))
            lanes[state.l2] = made, len(lanes), terms, []
            self.beside.proposes = True
        bridge, lane, agreed, self.bridge_of = lanes[state.l2]
        self.bridge_of.append(self)
        if agreed != terms:
            raise BadInput(
                f"{self.id}: between two networks stands one bridge; give all its tokens the same seconds and blocks",
                field=f"venues.{self.id}.params",
            )
        return bridge, lane

    def _fill(self, below: Ground, state: BridgeState) -> None:
        """Send over what is in escrow at the start, by real deposits of somebody else."""
        if not state.locked:
            return
        who, sites = f"{state.venue}:before", self.sites
        data = abi(_DEPOSIT).encode("depositERC20", sites.l1_token, sites.l2_token, state.locked, _GAS, b"")
        calls = [
            below.mint(state.l1_token, who, state.locked),
            below.approve(state.l1_token, who, sites.l1_bridge),
            (below.address(who), Call(sites.l1_bridge, data, purpose="deposit")),
        ]
        for receipt in self._mined(below, calls):
            self._mined(self.ground, self._derived(receipt))

    def _mined(self, ground: Ground, calls: list[tuple[str, Call]]) -> list[Receipt]:
        receipts = ground.mine(calls)
        for (_, call), receipt in zip(calls, receipts, strict=True):
            if not receipt.status:
                raise BadInput(f"{self.id}: {call.purpose} failed on the local chain: {receipt.revert_reason}")
        return receipts

    def _derived(self, receipt: Receipt) -> list[tuple[str, Call]]:
        calls = [(sender, call) for sender, call, _ in self.bridge.derived(receipt)]
        for sender, _ in calls:
            self.ground.anvil.set_balance(sender, _WEALTH)  # a deposited transaction pays nothing there
        return calls

    def arising(self, to: Block) -> Sequence[Others]:
        """Return the deposits that arrive in blocks up to ``to``."""
        found = []
        for number, slip in enumerate(self.client.slips, 1):
            if not slip.out and not slip.arrived and (block := self.twin.first_from(slip.ready)).number <= to.number:
                slip.arrived = True
                found.append(Others(block, "derivation", Action("derive", {"slip": number})))
        return found

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a deposit that arrives."""
        return self._derived(self.client.slips[int(item.action.args["slip"]) - 1].receipt)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare how much more of the token there is than at the start: what has arrived less what has left."""
        supply = self.client.read("supply")
        self._supply = supply if self._supply is None else self._supply  # asked first before anything is one's own
        return model.read("arrived"), supply - self._supply

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare how much more of the token there is than at the start."""
        return [("supply since the start", *self.pulse(model))]


class LocalPortal(_Half):
    """The half on Ethereum: the proposer names each output at the second at which the model expects it."""

    proposes = False
    """Of several tokens' halves one names the outputs."""

    def __init__(self, ground: Ground, twin: PortalStage, above: LocalRollup) -> None:
        super().__init__(ground, twin, (twin.state.l1_token,), (twin.state.escrow,))
        self._above, self._named, self._opened = above, 0, 0
        self._open: list[tuple[int, int]] = []
        """When each game that goes on is resolved, and which it is."""

    def start(self, at: Block) -> None:
        """The other half puts both in place."""
        del at

    def arising(self, to: Block) -> Sequence[Others]:
        """Return the outputs that are named by ``to``, while somebody waits for one.

        Nobody reads those between; the oracle takes them in order only, so they are named at once when the next is wanted.
        """
        if not self.proposes:
            return ()
        waiting = any(half.waiting for half in self._above.bridge_of)
        return self._games(to, waiting=waiting) if self.twin.state.game else self._outputs(to) if waiting else ()

    def _outputs(self, to: Block) -> Sequence[Others]:
        state, due = self.twin.state, []
        while (time := self._due(self._named + 1)) <= to.time:
            self._named += 1
            due.append((time, {"number": state.first + self._named * state.proposal_blocks}))
        now = self.ground.rpc.block().timestamp
        missed = sum(time < now for time, _ in due)
        return [
            Others(
                Block(time=max(time, now), number=(at - missed) // _AT_ONCE if at < missed else 0),
                "proposer",
                Action("propose", args),
            )
            for at, (time, args) in enumerate(due)
        ]

    def _games(self, to: Block, *, waiting: bool) -> Sequence[Others]:
        """Return the games that are opened, where somebody waits for one, and those that are resolved."""
        found, now, state = [], self.ground.rpc.block().timestamp, self.twin.state
        clock, _ = state.windows
        while (time := self._due(self._named + 1)) <= to.time:
            self._named += 1
            if waiting and time >= now:
                args = {"number": state.first + self._named * state.proposal_blocks}
                found.append(Others(Block(time=time, number=0), "proposer", Action("open", args)))
                self._open.append((time + clock, self._opened))
                self._opened += 1
        while self._open and self._open[0][0] <= to.time:
            time, game = self._open.pop(0)
            found.append(Others(Block(time=time, number=0), "proposer", Action("resolve", {"game": game})))
        return found

    def _due(self, number: int) -> int:
        """Return the second at which the ``number``-th output is named."""
        state = self.twin.state
        block = state.first + number * state.proposal_blocks
        return output_time(block, state.first, state.first_time, state.block_seconds, state.lag)

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode an output or a game over one: the rollup's state in its last local block not later than the block named."""
        state, bridge, args = self.twin.state, self._above.bridge, item.action.args
        if item.action.verb == "resolve":
            assert isinstance(bridge, GamesBridge)
            return [(bridge.deployer, call) for call in bridge.resolve(bridge.game(int(args["game"])), attacked=False)]
        number = int(args["number"])
        time = output_time(number, state.first, state.first_time, state.block_seconds, 0)
        stands = _last_until(bridge, time)
        if isinstance(bridge, GamesBridge):
            return [(bridge.deployer, bridge.open_game(number, stands))]
        return [(bridge.deployer, bridge.proposal(bridge.output(number, stands)))]

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what lies in escrow."""
        return model.read("deposits"), self.client.read("deposits")

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the escrow, and how far each withdrawal is."""
        stages = [
            (f"stage({position})", model.read("stage", position), self.client.stage_of(position))
            for position in self.client.sent
        ]
        return [("deposits", *self.pulse(model)), *stages]


def _made(
    chains: tuple[Anvil, Anvil], boss: str, terms: Terms, games: GameTerms | None, *, start: Block, lane: int
) -> LocalBridge:
    """Put a bridge between (the network below, the rollup); its tokens stand already."""
    if games is None:
        return LocalBridge(*chains, boss, terms=terms, start=start, lane=lane, tokens=("", ""))
    return GamesBridge(*chains, boss, games=games, terms=terms, start=start, lane=lane, tokens=("", ""))


def _terms(state: BridgeState) -> Terms:
    return Terms(state.proposal_blocks, state.block_seconds, state.maturity)


def _last_until(bridge: LocalBridge, time: int) -> int:
    """Return the rollup's last local block whose second is ``time`` or earlier."""
    head = bridge.l2.rpc.block()
    if head.timestamp <= time:
        return head.number
    low, high = 0, head.number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bridge.l2.rpc.block(middle).timestamp <= time else (low, middle)
    return low


class Seat:
    """How a bridge is put on the model and on two chains."""

    rank = 0
    pair = None
    made_up = False
    ranges = 0
    late = True
    """It begins after the others: its oracle wants the first block behind it."""

    def __init__(self, placed: Placed, venue: str) -> None:
        self._placed, self._venue = placed, venue
        state = self.model().state
        self.below = state.l1
        """The network whose chain must stand first: tokens of the rollup name theirs there."""

    def model(self) -> BridgeStage:
        """Return a fresh stage of the model, the other half ``beside`` it."""
        stage = self._placed.make()
        assert isinstance(stage, BridgeStage)
        return stage

    def pave(self, ground: Ground) -> None:
        """Say how the token of the rollup is made there, before anybody deploys it, and who makes it."""
        state = self.model().state
        symbol = state.l2_token.partition("@")[0]
        below = ground.beyond[state.l1].token(state.l1_token)
        ground.recipes[state.l2_token] = bridged(state.l2_token, below, symbol, ground.decimals[symbol]), L2_BRIDGE
        ground.anvil.set_balance(L2_BRIDGE, _WEALTH)

    def local(self, ground: Ground, unrest: Unrest | None = None) -> LocalRollup:
        """Place the half on the rollup; the other one is ``beside`` it."""
        del unrest
        return LocalRollup(ground, self.model())

    def notes(self) -> list[str]:
        """Return what is played beside the contracts."""
        played = "outputs are named and deposits executed at the model's seconds, as a proposer and a node do"
        over = "dispute games that nobody contests" if self.model().state.game else "an oracle of outputs"
        return [f"{self._venue}: {played}; its portal is the one over {over} (contracts-bedrock 0.17.3)"]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> Seat:
    """Return how a bridge is rehearsed, from the study's start on."""
    del network, market, at, until
    return Seat(placed, venue)
