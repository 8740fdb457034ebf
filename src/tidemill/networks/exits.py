"""How money leaves a network, or enters it: a route is stages in order, each with its wait and the gas of its step.

What a stage waits for is given as the network defines it: seconds, or blocks of Ethereum. ``least`` is a hard minimum
that no luck shortens; ``usual`` is what a person should expect; ``most`` is unknown (``None``) where nothing bounds it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tidemill.facts import Fact

__all__ = ["L1_BLOCK_SECONDS", "Route", "RouteStage", "Wait"]

L1_BLOCK_SECONDS = 12
"""Seconds per slot of Ethereum: what a wait in its blocks is turned into dates with (missed slots make it longer)."""


class Wait(Struct, frozen=True):
    """Time between the step before and the moment this one can be done."""

    least: int
    usual: int
    most: int | None = None
    unit: Literal["s", "L1 blocks"] = "s"

    @property
    def seconds(self) -> tuple[int, int, int | None]:
        """Return least, usual and most in seconds."""
        each = L1_BLOCK_SECONDS if self.unit == "L1 blocks" else 1
        return self.least * each, self.usual * each, None if self.most is None else self.most * each


class RouteStage(Struct, frozen=True):
    """One step of a route.

    ``verb`` is the step's name in the network's own words; ``network`` is where its transaction is sent, and ``by`` says
    who sends it: ``you`` pay its gas, a ``relayer`` or the ``operator`` does it for you (then you only wait).
    ``gas`` is what it uses there, ``None`` where nobody has measured it. ``facts`` are behind wait and gas.
    """

    verb: str
    network: str
    wait: Wait
    gas: int | None = None
    by: Literal["you", "relayer", "operator"] = "you"
    about: str = ""
    facts: tuple[Fact, ...] = ()


class Route(Struct, frozen=True):
    """A way from ``source`` to ``target`` (networks); ``canonical`` routes are the rollup's own bridge.

    ``blocked`` says why nobody can take it now, empty where it is open. ``warnings`` are what a user must know before.
    """

    id: str
    source: str
    target: str
    kind: Literal["canonical", "forced", "liquidity"]
    stages: tuple[RouteStage, ...]
    blocked: str = ""
    warnings: tuple[str, ...] = ()
