"""The terms on which a strategy meets a model world: delays, placement, costs, and who else is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from tidemill.interfaces import Block, Context, Costs

__all__ = ["Actor", "CostOf", "Inflow", "Outage", "Rules", "free"]

CostOf = Callable[[str, str, Mapping[str, int], Block], Costs]
"""(venue, verb, features, block) → what the transaction costs there. A reverted one carries ``{"reverted": 1}``; an
atomic one the verb ``multicall`` and a count ``call:<verb>`` for each verb in it."""


def free(venue: str, verb: str, features: Mapping[str, int], block: Block) -> Costs:  # noqa: ARG001
    """Cost nothing."""
    return Costs()


class Outage(Struct, frozen=True):
    """Seconds from ``start`` until before ``end`` in which nothing of one's own is included by ``network``, empty for any."""

    start: int
    end: int
    network: str = ""


class Rules(Struct, frozen=True):
    """How own transactions meet the chain.

    Parameters
    ----------
    start, end : world time in seconds of the first view and of the one with ``why == "end"``.
    run : content id of the run; seeds derive from it.
    inclusion_delay : blocks between the block a step is sent after and the one that includes it, at least 1.
    delay_jitter : most further blocks, drawn per transaction from a seed of (run, plan, step).
    placement : where own transactions stand in their block.
    simulate : try each step on the present state before it is sent, as the executor does (EX8), and skip what would
        revert; without it such a step is sent and pays for its revert.
    batches : the account can put any steps of one network into one transaction (a smart account).
    adversary : every own swap gets the worst its limits allow (``engine.adversary``); a stress, off by default.
    adversary_bps : at most so much of a swap is taken, basis points.
    outages : what would be sent in one waits for its end and is planned again then, on the state of that time.
    sample_every : seconds between the ``sample`` marks that curves are drawn from, ``None`` for no such marks.
    """

    start: int
    end: int
    run: str = "run"
    inclusion_delay: int = 1
    delay_jitter: int = 0
    placement: Literal["first", "last", "seeded"] = "last"
    simulate: bool = True
    batches: bool = False
    adversary: bool = False
    adversary_bps: int = 10_000
    outages: tuple[Outage, ...] = ()
    sample_every: int | None = None


class Inflow(Struct, frozen=True, order=True):
    """What the owner brings during the run: ``amount`` raw units of ``token`` at the first block from ``time`` (seconds)."""

    time: int
    token: str
    amount: int


class Actor(Protocol):
    """Somebody else in the world (arbitrageur, liquidator); acts after a block's recorded events."""

    id: str
    network: str

    def next_act(self, until: Block) -> Block | None:
        """Return the first block, not after ``until``, in which it wants to act, judged from the present state."""
        ...

    def act(self, ctx: Context) -> None:
        """Act in ``ctx.block`` through ``ctx.call``, as ``ctx.sender``; a revert undoes all of it."""
        ...
