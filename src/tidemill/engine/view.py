"""What a strategy sees of a model world: its own book and questions without effect, valid until the world moves on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.errors import BadInput, InvariantBroken
from tidemill.interfaces import Block, Costs, Intent, Plan, Position, Result, Why

if TYPE_CHECKING:
    from tidemill.engine.world import ModelWorld
    from tidemill.venues.shared.oracle import Reading

__all__ = ["ModelView"]


class ModelView:
    """The view of ``interfaces.View`` on a ``ModelWorld``.

    Balances, positions and plans in flight are taken when the view is made; ``read``, ``quote``, ``fee`` and ``oracle``
    ask the world and raise ``InvariantBroken`` once it has moved on: a kept view would leak the future or the past.
    """

    def __init__(self, world: ModelWorld, why: Why, epoch: int) -> None:
        self._world, self._epoch = world, epoch
        self.why: Why = why
        self.at: Mapping[str, Block] = dict(world.at)
        self.balances: Mapping[str, int] = world.book.holdings(world.account)
        self.positions: Sequence[Position] = world.positions()
        self.purses: Mapping[str, Mapping[str, int]] = world.purses()
        self.owners: Mapping[str, str] = dict(world.scribe.purses.owners)
        self.in_flight: Sequence[Plan] = world.plans_in_flight()

    def oracle(self, oracle_id: str) -> Reading:
        """Read a price feed as it stands on its network now."""
        return self._now().read_oracle(oracle_id)

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """Answer a view of a venue; raises ``BadInput`` for one that it does not have."""
        try:
            return self._now().stage(venue).read(query, *args)
        except (KeyError, IndexError):
            raise BadInput(
                f"venue {venue} has no view {query!r}; is it of the kind that the strategy is for?"
            ) from None

    def quote(self, intent: Intent) -> Result:
        """Do the intent on the present state, take it back and return what it did; raises ``Revert``."""
        return self._now().quote(intent)

    def fee(self, intent: Intent) -> Costs:
        """Return what the intent's transaction would cost if it were included next."""
        return self._now().fee(intent)

    def _now(self) -> ModelWorld:
        if self._epoch != self._world.epoch:
            raise InvariantBroken("a strategy kept a view of the past; ask the view it was given in this decision")
        return self._world
