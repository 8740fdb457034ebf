"""A lending market of a study on a local chain: Aave's contracts, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Stage
from tidemill.venues.aave_v3.client import MarketClient, MarketDeployment
from tidemill.venues.aave_v3.client_abi import ERRORS_36, ORACLE
from tidemill.venues.aave_v3.local_market import Listed, deploy_market
from tidemill.venues.aave_v3.versions import V36
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.ground import Ground, Others
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalMarket", "seat"]

_DEPLOYER = "deployer"
_OF_ACCOUNTS = ("scaledBalanceOf", "getPreviousIndex")


class LocalMarket(ScriptedLocal):
    """``LocalVenue`` of Aave v3: each reserve's tokens lie at its own aToken."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state = twin.state
        listed = [
            Listed(ground.token(asset), reserve.decimals, state.price(asset), reserve.config, reserve.curve)
            for asset, reserve in state.reserves.items()
        ]
        treasury = ground.address(state.treasury)
        market = deploy_market(ground.anvil, ground.address(_DEPLOYER), treasury, listed, version=state.version)
        if state.version == V36:
            ground.anvil.errors.update(abi(ERRORS_36).errors)
        tokens = {asset: ground.token(asset) for asset in state.reserves}
        self._at = MarketDeployment.of_pool(ground.rpc, market.pool, tokens)
        made = tuple(token for token in tokens if token not in ground.issued)
        super().__init__(ground, twin, tuple(tokens), made, self._at.reserves[next(iter(tokens))].supply)
        for asset, reserve in state.reserves.items():
            ground.name(self._at.reserves[asset].supply, reserve.account)
        self.accounts = (*(reserve.account for reserve in state.reserves.values()), *self._actors)

    def client_for(self, who: str) -> MarketClient:
        """Return a client of the pool for an account."""
        account = self.ground.address(who)
        return MarketClient(self.ground.rpc, self._at, venue=self.id, account=account, wide=who != "me")

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a scripted action, its approvals included: accounts are given by name, and prices may be set."""
        args = {name: self.ground.at(value) for name, value in item.action.args.items()}
        if item.action.verb == "set_price":
            token = self._at.reserves[str(args["asset"])].token
            data = abi(ORACLE).encode("setAssetPrice", token, args["price"])
            return [(self.ground.address(item.actor), Call(self._at.oracle, data, purpose="set_price"))]
        return super().calls(Others(item.block, item.actor, Action(item.action.verb, args, item.action.limits)))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what is supplied and owed of each reserve, scaled."""
        asked = [(f"{t}.scaledTotalSupply", asset) for asset in self.tokens for t in ("aToken", "variableDebtToken")]
        return tuple(model.read(*one) for one in asked), tuple(self.client.read(*one) for one in asked)

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare every reserve, and everybody's scaled balances and indices."""
        asked: list[tuple[str, tuple[str, ...]]] = []
        for asset in self.tokens:
            asked.append(("getReserveData", (asset,)))
            views = [f"{token}.{name}" for token in ("aToken", "variableDebtToken") for name in _OF_ACCOUNTS]
            asked += [(view, (asset, who)) for who in ("me", *self._actors) for view in views]
        return [
            (f"{view}({', '.join(args)})", model.read(view, *args), self.client.read(view, *map(self.ground.at, args)))
            for view, args in asked
        ]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a lending market is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalMarket, rank=2)
