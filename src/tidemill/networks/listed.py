"""A network that is known by its facts alone: where it stands, how money leaves it, what it pays; no fee formula."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NoReturn

from tidemill.errors import BadInput
from tidemill.networks import listed_routes
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = ["Listed"]


class Listed(DatedNetwork, frozen=True, dict=True):
    """A network of the second tier; every question of cost is refused in one line."""

    @cached_property
    def family(self) -> str:
        """The family that its file names."""
        return self.facts.text("family")

    def _refuse(self) -> NoReturn:
        raise BadInput(
            f"no fee formula is known for {self.name}; its facts, routes and status are there, its costs are not",
            field="network",
        )

    def fork(self, time: int) -> str:
        """Return where it stood at ``time``; raises ``BadInput`` before it began."""
        return self.standing(time).fact.status.value

    def levels(self) -> Mapping[str, str]:
        """Return nothing: no formula reads a level."""
        return {}

    def resolve(self, env: FeeEnv) -> FeeEnv:
        """Return ``env`` as it is: nothing of it is ever filled in."""
        return env

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Refuse: raises ``BadInput``."""
        self._refuse()

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Refuse: raises ``BadInput``."""
        self._refuse()

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the ways in and out that are described."""
        return listed_routes.routes(self, time)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns, and who does not."""
        return listed_routes.roles(self, time)
