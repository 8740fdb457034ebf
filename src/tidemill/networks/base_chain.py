"""Base, on its own since it left the Superchain: the OP Stack's fee rules to Jovian, upgrades and proofs of its own."""

from __future__ import annotations

from tidemill.networks import op_stack, op_ways
from tidemill.networks.exits import Route, Wait
from tidemill.networks.op_chain import OpChain
from tidemill.networks.roles import Role

__all__ = ["BaseChain"]

_OWN = ("azul", "beryl")
"""Upgrades of its own; neither changes a fee rule."""


class BaseChain(OpChain, frozen=True, dict=True):
    """Base over its dated parameters."""

    family: str = "base"

    @property
    def forks(self) -> tuple[str, ...]:
        """Every fork in order: the OP Stack's to Jovian, then Base's own."""
        return (*op_stack.FORKS[: op_stack.FORKS.index("jovian") + 1], *_OWN)

    def finalize_wait(self, time: int) -> Wait:
        """Return the wait from proof to finalization: with one kind of proof, and the shorter one where both agree.

        A second past the window, as in the OP Stack's portal; that Base's own kept its strictness was not read from it.
        """
        single = self.parameter("single_proof_window", time)
        line = self.facts.timeline("dual_proof_window")
        both = int(line.at(time)) if time >= line.entries[0].since else single
        return Wait(both + 1, single + 1, None)

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the bridge's ways at ``time``: the last wait is the proof window then in force."""
        names = ("single_proof_window", "dual_proof_window")
        known = [self.facts.timeline(name) for name in names]
        behind = tuple(line.fact_at(time) for line in known if time >= line.entries[0].since)
        return op_ways.routes(self.name, self.facts, self.finalize_wait(time), behind)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns here: the operator alone, which shares nothing with the Superchain any more."""
        return op_ways.roles(self.facts)
