"""What every network reads from its own file of dated parameters, whatever its fee formula."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from tidemill.facts import Facts

__all__ = ["DatedNetwork"]


class DatedNetwork(Struct, frozen=True, dict=True):
    """A network over its dated parameters; families add their formula."""

    facts: Facts

    @cached_property
    def name(self) -> str:
        """The name studies use."""
        return self.facts.text("name")

    @cached_property
    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return self.facts.integer("chain_id")

    @cached_property
    def native_token(self) -> str:
        """Symbol of the token that pays gas."""
        return self.facts.text("native_token")

    @cached_property
    def block_time(self) -> int:
        """Seconds between blocks (on Ethereum per slot; a missed slot makes a gap of two)."""
        return self.facts.integer("block_time")

    def fork(self, time: int) -> str:
        """Return the fork in force at ``time``; raises ``BadInput`` before the first the file knows."""
        return str(self.facts.timeline("fork").at(time))
