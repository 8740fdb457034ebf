"""A vault over markets of a study on a local chain: our contract over Morpho's, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.morpho_vault.client import LendingVaultClient
from tidemill.venues.morpho_vault.client_abi import MarketAt, VaultDeployment
from tidemill.venues.morpho_vault.stage import VaultStage
from tidemill.venues.shared.ground import Ground, Others, intent_of
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalLendingVault", "seat"]

_PLAIN = ("totalSupply", "lastTotalAssets", "lostAssets")
_STATE = (*_PLAIN, "fee", "marketCount", "supplyQueue", "withdrawQueue", "totalAssets", "maxDeposit")


class LocalLendingVault(ScriptedLocal):
    """``LocalVenue`` of a vault over markets, which stand already; its share is a token that later venues find."""

    in_vyper = True

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        assert isinstance(twin, VaultStage)
        state = twin.state
        symbol, asset = state.share.partition("@")[0], ground.token(state.asset)
        offset = len(str(state.offset_unit)) - 1
        args = (asset, ground.address(state.owner), f"Test {symbol}", symbol, offset)
        made = Deployment(twin.id, "LendingVault", args)
        vault = deploy(ground.anvil, ground.address("deployer"), [made])[twin.id].lower()
        ground.tokens[state.share] = vault
        ground.issued.add(state.share)
        markets: dict[str, MarketAt] = {}
        for name in twin.reached:
            there: Any = ground.venues[name]
            at = there.deployment
            markets[name] = MarketAt(at.morpho, at.params, at.id)
        self._at = VaultDeployment(vault, asset, state.asset, state.share, state.offset_unit, markets)
        super().__init__(ground, twin, (state.asset, state.share), (state.asset,), vault)

    def client_for(self, who: str) -> LendingVaultClient:
        """Return a client of the vault for an account."""
        return LendingVaultClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a scripted action, its approvals included; accounts are given by name."""
        return super().calls(Others(item.block, item.actor, self._addressed(item.action)))

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about."""
        return intent_of(self.id, self._addressed(action))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare shares, what the assets were counted as last, and what is lost."""
        return tuple(map(model.read, _PLAIN)), tuple(map(self.client.read, _PLAIN))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the vault's numbers, its caps and what a share stands for."""
        out = [(name, model.read(name), self.client.read(name)) for name in _STATE]
        caps = range(model.read("marketCount"))
        out += [(f"cap({index})", model.read("cap", index), self.client.read("cap", index)) for index in caps]
        rates = getattr(model, "rates")  # noqa: B009 - not of every stage
        return [*out, ("rate", dict(rates()), dict(self.client.rates()))]

    def _addressed(self, action: Action) -> Action:
        args = {name: self.ground.at(value) if name == "recipient" else value for name, value in action.args.items()}
        return Action(action.verb, args, action.limits)


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a vault is rehearsed, from the study's start on; its markets stand before it."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalLendingVault, rank=3)
