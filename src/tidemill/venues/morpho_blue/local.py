"""A market of a study on a local chain: Morpho's contract with a rate model and a test oracle, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.state import ADAPTIVE
from tidemill.venues.shared.ground import ZERO, Ground, Others, intent_of
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalMarket", "seat"]

_IRM = {"utilisation": "IrmMock", "adaptive_curve": "AdaptiveCurveRate"}
_PARTIES = ("on_behalf", "receiver", "borrower", "to")


class LocalMarket(ScriptedLocal):
    """``LocalVenue`` of one Morpho Blue market. That it is created, and its oracle's price, stand in the script."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        terms = next(item.action.args for item in twin.script if item.action.verb == "create_market")
        loan, collateral, irm = str(terms["loan"]), str(terms["collateral"]), str(terms["irm"])
        maker = ground.address("deployer")
        at = deploy(
            ground.anvil,
            maker,
            [
                Deployment("morpho", "Morpho", (ground.address(twin.state.owner),)),
                Deployment("oracle", "OracleMock", ()),
            ],
        )
        made = Deployment("irm", _IRM[irm], (at["morpho"],) if irm == ADAPTIVE else ()) if irm else None
        rate = deploy(ground.anvil, maker, [made])["irm"] if made else ZERO
        params = (ground.token(loan), ground.token(collateral), at["oracle"], rate, int(terms["lltv"]))
        self._at = MorphoDeployment.of_market(
            at["morpho"], params, loan_id=loan, collateral_id=collateral, irm_name=irm
        )
        tokens = (loan, collateral)
        super().__init__(ground, twin, tokens, tuple(t for t in tokens if t not in ground.issued), at["morpho"])

    @property
    def deployment(self) -> MorphoDeployment:
        """Where the market stands, for a vault that lends in it."""
        return self._at

    def client_for(self, who: str) -> MorphoClient:
        """Return a client of the market for an account."""
        return MorphoClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a scripted action, its approvals included; accounts are given by name."""
        return super().calls(Others(item.block, item.actor, self._addressed(item.action)))

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about."""
        return intent_of(self.id, self._addressed(action))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what is supplied and lent, in raw units and shares."""
        return tuple(model.read("market")), tuple(self.client.read("market"))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the market's numbers and those of everybody in it."""
        names = ("market", "price", "rateAtTarget")
        out = [(name, model.read(name), self.client.read(name)) for name in names]
        for who in ("me", *self._actors):
            at = self.ground.address(who)
            out.append(
                (f"position({who})", tuple(model.read("position", who)), tuple(self.client.read("position", at)))
            )
        return out

    def _addressed(self, action: Action) -> Action:
        args = {name: self.ground.at(value) if name in _PARTIES else value for name, value in action.args.items()}
        return Action(action.verb, args, action.limits)


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a market is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalMarket, rank=2)
