"""What the networks' own ways to Ethereum cost in network fees at a plan's assumed levels: its figures do not hold it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from tidemill.errors import TidemillError
from tidemill.networks import assumed
from tidemill.networks.bridges import exit_plans
from tidemill.studies.plan.fares import ETHER_DOLLARS, known_levels, levels_of
from tidemill.units import mul_div_up

if TYPE_CHECKING:
    from tidemill.studies.plan.document import PlanDocument

__all__ = ["WayHome", "told_of_ways", "ways_home"]

L1 = "ethereum"
MICRO, ETHER = 10**6, 10**18


class WayHome(Struct, frozen=True):
    """One withdrawal over a network's own bridge: your fees in ``wei``, ``None`` where a step's gas is not known."""

    network: str
    wei: int | None

    @property
    def dollars(self) -> int | None:
        """Micro-dollars with ether at ``ETHER_DOLLARS``, rounded up; ``None``: not known."""
        return None if self.wei is None else mul_div_up(self.wei, ETHER_DOLLARS * MICRO, ETHER)


def ways_home(document: PlanDocument) -> list[WayHome]:
    """Return a way for each network but Ethereum that something is held on; none where money is reached on its network."""
    if document.reach != L1:
        return []
    on = dt.date.fromisoformat(document.on)
    return [_way(name, on) for name in sorted({line.network for line in document.held} - {L1})]


@cache
def _way(network: str, on: dt.date) -> WayHome:
    start = int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp())
    tip = {"priority_fee": assumed(0, "a plan's assumption")}
    levels = {name: tip | known_levels(given) for name in (network, L1) if (given := levels_of(name))}
    try:
        plans = exit_plans(network, L1, "USDC", 10**6, start, levels)
    except TidemillError:
        return WayHome(network, None)
    own = next((one for one in plans if one.kind == "canonical" and not one.blocked), None)
    fees = [stage.fee for stage in own.stages if stage.by == "you"] if own else [None]
    natives = {stage.native for stage in own.stages if stage.by == "you"} if own else set()
    return WayHome(network, sum(fee or 0 for fee in fees) if None not in fees and natives <= {"ETH"} else None)


def told_of_ways(document: PlanDocument) -> str:
    """Say in one sentence what the ways home cost together, and whether that is more than is kept; empty without any."""
    from tidemill.studies.pages.figures import shown  # noqa: PLC0415 - a page asks for this sentence too

    ways: Sequence[WayHome] = ways_home(document)
    if not ways:
        return ""
    known = [one.dollars for one in ways if one.dollars is not None]
    lacks = [one.network for one in ways if one.dollars is None]
    text = "not in these figures: your network fees of the networks' own ways to Ethereum"
    if known:
        text += f", {'over ' if lacks else ''}{shown(sum(known), 'money', 'USD')} for a withdrawal from each"
        text += f" (ether at {ETHER_DOLLARS} USD)"
    if lacks:
        text += f", not known of {', '.join(lacks)}"
    if sum(known) > document.net:
        text += ": more than you should keep, so stay on the networks, use a liquidity bridge, or bring more"
    return f"{text}; tidemill exits"
