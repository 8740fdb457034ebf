"""Delegation of a study on a local chain: our contract over a test token, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill import networks
from tidemill.chain.deploy import Deployment, deploy
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Stage
from tidemill.venues.delegation.client import STAKE, DelegationClient, DelegationDeployment
from tidemill.venues.delegation.state import FORMS, DelegationState, Terms
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalDelegation", "contract_terms", "seat"]

_TOTALS = ("total", "minted", "spent", "pace", "beyond", "at")


def contract_terms(terms: Terms) -> tuple[int, ...]:
    """Return terms as the contract's constructor takes them."""
    words: tuple[int, ...] = (FORMS.index(terms.form), terms.own, terms.elsewhere, terms.commission, terms.supply)
    words += (terms.other_mint, terms.unbonding, terms.least, terms.reward, terms.interval, terms.decrease, terms.bonus)
    return (*words, terms.numerator, terms.alpha_bps, terms.rate_bps, terms.purse, terms.ends, terms.tips)


class LocalDelegation(ScriptedLocal):
    """``LocalVenue`` of one validator."""

    in_vyper = True

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: DelegationState = twin.state
        symbol, _, network = state.token.partition("@")
        if symbol == networks.get(network).native_token:
            said = f"{symbol} is staked and pays the gas of {network}: a local chain's gas is no token, so no rehearsal"
            raise BadInput(said, field=f"venues.{twin.id}.params.token")
        token = ground.token(state.token)
        made = [Deployment(twin.id, "DelegatedStake", (token, contract_terms(state.terms), state.at))]
        at = deploy(ground.anvil, ground.address("deployer"), made)[twin.id].lower()
        self._at = DelegationDeployment(at, token, state.token)
        super().__init__(ground, twin, (state.token,), (state.token,), at)

    def client_for(self, who: str) -> DelegationClient:
        """Return a client of the contract for an account."""
        return DelegationClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare all stake, and what has been minted."""
        names = ("totalStake", "minted")
        return tuple(map(model.read, names)), tuple(map(self.client.read, names))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the contract's totals, and what each account has there and is owed."""
        held: DelegationState = model.state  # type: ignore[attr-defined]
        out = [
            (name, getattr(held, name), ask(self.ground.rpc, self._at.contract, STAKE, name, (), "latest")[0])
            for name in _TOTALS
        ]
        for who in sorted(held.shares):
            for name in ("shares", "rewards"):
                told = self.client.read(name, self.ground.address(who))
                out.append((f"{name}({who})", model.read(name, who), told))
        return out


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how it is rehearsed."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalDelegation, rank=3)
