"""A world on a local chain: the life cycle of the model world, with real transactions under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.engine.chain_local import LocalChain
from tidemill.engine.chain_meter import Meter
from tidemill.engine.flight import Moment
from tidemill.engine.rules import Inflow
from tidemill.engine.transaction import Transaction
from tidemill.engine.world import ModelWorld
from tidemill.interfaces import Action, Block, Costs, Filled, News, Outcome, Result, Reverted

__all__ = ["ChainWorld", "FedWorld"]


class ChainWorld(ModelWorld):
    """``World`` whose venues are ``ChainStage``. After every own step its book is compared with the chains.

    ``chains`` (by network) must be given as a keyword, all else as for ``ModelWorld``.
    """

    def __init__(self, *args: Any, chains: Mapping[str, LocalChain], **named: Any) -> None:
        self.chains = chains
        super().__init__(*args, **named)

    def transaction(self, network: str, block: Block, sender: str | None = None, *, landing: str = "") -> Transaction:
        """Open a transaction; one that lands is sent for good."""
        if not landing:
            return super().transaction(network, block, sender)
        self.enter(network, block)
        return _Landing(self.chains[network], landing, self.stages, self.book, block, network, sender or self.account)

    def _bring(self, inflow: Inflow, moment: Moment) -> None:
        """Let the owner's tokens come, in a block of that time."""
        ground = self.chains[moment.network].ground
        if inflow.token == self.networks[moment.network].native:
            ground.anvil.set_balance(ground.address("me"), ground.rpc.balance(ground.address("me")) + inflow.amount)
        else:
            ground.mine([ground.mint(inflow.token, "me", inflow.amount)], moment.time)

    def tell(self, news: News) -> None:
        """Queue news; after a step that was included, compare the books."""
        if isinstance(news, Outcome) and isinstance(news.status, Filled | Reverted):
            held = self.book.holdings(self.account)
            for chain in self.chains.values():
                chain.check_books(held)
        super().tell(news)


class _Landing(Transaction):
    """A transaction that is sent for good while it runs."""

    def __init__(self, chain: LocalChain, name: str, *args: Any) -> None:
        super().__init__(*args)
        self._chain, self._name, self._count = chain, name, 0

    def run(self, venue: str, action: Action, sender: str | None = None) -> Result:
        """Do the action for good."""
        self._chain.landing = f"{self._name}/{self._count}" if self._count else self._name
        self._count += 1
        try:
            return super().run(venue, action, sender)
        finally:
            self._chain.landing = ""


class FedWorld(ModelWorld):
    """A model world that is charged what was measured on a chain for the same transactions, by name.

    ``meter`` and ``fed`` must be given as keywords; ``meter`` is its ``cost`` and feeds.
    """

    def __init__(self, *args: Any, meter: Meter, fed: dict[str, Costs], **named: Any) -> None:
        self._meter, self._fed = meter, fed
        super().__init__(*args, cost=meter, **named)

    def transaction(self, network: str, block: Block, sender: str | None = None, *, landing: str = "") -> Transaction:
        """Open a transaction; the costs of one that lands are known."""
        if landing in self._fed:
            self._meter.landed(landing, self._fed[landing])
        return super().transaction(network, block, sender, landing=landing)
