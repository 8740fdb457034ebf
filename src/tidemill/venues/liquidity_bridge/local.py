"""A liquidity bridge of a study on two local chains: our contract on either; who fills and who settles is played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Action, Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.liquidity_bridge.client import BRIDGE, HalfClient, Site
from tidemill.venues.liquidity_bridge.stage import LiquidityStage
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.ground import PLENTY, ZERO, Ground, Others, Unrest
from tidemill.venues.shared.local_half import LocalHalfBase

__all__ = ["LocalHalf", "Seat", "seat"]

_DEPLOYER = "deployer"


class LocalHalf(LocalHalfBase):
    """``LocalVenue`` of one half; ``beside`` is the other one, where this is the study's own."""

    client: HalfClient
    site: Site | None = None

    def __init__(self, ground: Ground, twin: LiquidityStage) -> None:
        self._side = twin.state.sides[twin.side]
        super().__init__(ground, twin, (self._side.token,), (self._side.spoke,))
        self.beside: LocalHalf | None = None
        self._told: set[tuple[str, int]] = set()
        for other in twin.beside:
            self.beside = LocalHalf(ground.beyond[other.network], other)

    def start(self, at: Block) -> None:
        """Deploy the contract and give the relayer of this side all he may need; the own half joins both clients."""
        if self.site is not None:
            return
        ground, side, terms = self.ground, self._side, self.twin.state.terms
        boss, token = ground.address(_DEPLOYER), ground.token(side.token)
        args = (token, boss, terms.bps, terms.flat, terms.expiry, terms.settle)
        made = deploy(ground.anvil, boss, [Deployment(side.id, "LiquidityBridge", args)])[side.id]
        ground.name(made, side.spoke)
        self.site = Site(side.id, side.token, ground.rpc, made.lower(), token.lower())
        ground.give(side.token, side.relayer, PLENTY)
        ground.run([ground.approve(side.token, side.relayer, made)], "approving")
        if self.beside is None:
            return
        self.beside.start(at)  # whichever is asked first, both stand before they know each other
        for half, across in ((self, self.beside), (self.beside, self)):
            assert half.site is not None
            assert across.site is not None
            half.client = HalfClient(half.site, across.site, account=half.ground.address("me"))

    def arising(self, to: Block) -> Sequence[Others]:
        """Return the fills and settlements that are due in blocks up to ``to``, each once."""
        found = []
        for due in self.twin.due(to):
            if (due.what, due.number) not in self._told:
                self._told.add((due.what, due.number))
                found.append(Others(due.block, self._side.relayer, Action(due.what, {"number": due.number})))
        return found

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a fill by the relayer of this side, or a settlement."""
        number, ground = int(item.action.args["number"]), self.ground
        if item.action.verb == "fill":
            owner, _, output, deadline, _ = self.client.ticket(self.client.across, number)
            data = abi(BRIDGE).encode("fill", number, owner, output, deadline)
            return [(ground.address(self._side.relayer), Call(self.client.here.bridge, data, purpose="fill"))]
        filled = self.twin.state.fill_time(self.twin.side, number) is not None
        relayer = ground.address(self._side.relayer) if filled else ZERO
        data = abi(BRIDGE).encode("settle", number, relayer)
        return [(ground.address(_DEPLOYER), Call(self.client.here.bridge, data, purpose="settle"))]

    def landed(self, receipts: Sequence[Receipt]) -> None:
        """The contracts remember by themselves."""

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare how many were sent and what is locked."""
        return tuple((one.read("count"), one.read("locked")) for one in (model, self.client))  # type: ignore[return-value]

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare every ticket sent from here, and which of the other side's were filled."""
        rows: list[tuple[str, Any, Any]] = [("count and locked", *self.pulse(model))]
        numbers = range(1, int(model.read("count")) + 1)
        rows += [(f"ticket({n})", model.read("ticket", n), self.client.read("ticket", n)) for n in numbers]
        across = range(1, len(self.twin.state.other(self.twin.side).tickets) + 1)
        return [*rows, *((f"filled({n})", model.read("filled", n), self.client.read("filled", n)) for n in across)]


class Seat:
    """How a liquidity bridge is put on the model and on two chains."""

    rank = 0
    pair = None
    made_up = False
    ranges = 0

    def __init__(self, placed: Placed, venue: str) -> None:
        self._placed, self._venue = placed, venue

    def model(self) -> LiquidityStage:
        """Return a fresh stage of the model, the other half ``beside`` it."""
        stage = self._placed.make()
        assert isinstance(stage, LiquidityStage)
        return stage

    def local(self, ground: Ground, unrest: Unrest | None = None) -> LocalHalf:
        """Place the study's half; the other one is ``beside`` it."""
        del unrest
        return LocalHalf(ground, self.model())

    def notes(self) -> list[str]:
        """Return what is played beside the contracts."""
        return [
            f"{self._venue}: our own contract on both chains; who fills and who settles is played at the model's seconds"
        ]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> Seat:
    """Return how a liquidity bridge is rehearsed."""
    del network, market, at, until
    return Seat(placed, venue)
