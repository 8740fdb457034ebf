"""Our contract of delegated stake as it stands on a chain, over a test token."""

from __future__ import annotations

from tidemill.venues.delegation.local import contract_terms
from tidemill.venues.delegation.state import Terms

from .actors import actor, endow
from .contract import deploy
from .evm import Evm


class Delegated:
    """The contract and its token; ``actors`` are each endowed with ``endowment`` raw units and full approvals."""

    def __init__(
        self, terms: Terms, *, actors: tuple[str, ...] = ("alice", "bob", "carol"), endowment: int = 1 << 100
    ) -> None:
        self.evm = evm = Evm()
        self.token = deploy(evm, actor("maker"), "TestToken", "Test Stake", "STK", 18)
        self.stake = deploy(
            evm, actor("maker"), "DelegatedStake", self.token.address, contract_terms(terms), evm.block.time
        )
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow((self.token,), who, endowment, (self.stake.address,))
