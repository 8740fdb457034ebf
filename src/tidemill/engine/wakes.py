"""From the closed set of conditions to the earliest moment: fixed ones once, the venues' own by their compiled scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemill.engine.flight import Moment
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import At, Claimable, Condition, Crosses, EventCount, Every, TickLeaves, Wake

if TYPE_CHECKING:
    from tidemill.engine.world import ModelWorld

__all__ = ["check_wake", "first_hit", "fixed_moment"]


def check_wake(world: ModelWorld, wake: Wake) -> None:
    """Refuse conditions on venues that are not there and cadences that never come (``BadInput``)."""
    for condition in wake:
        source = _source(condition)
        if source is not None and source not in world.stages:
            oracle = isinstance(condition, Crosses) and source in world.oracles
            if not oracle:
                raise UnknownName("venue", source, [*world.stages, *world.oracles], field="wake")
        if isinstance(condition, Every) and condition.seconds <= 0:
            raise BadInput(f"every {condition.seconds} seconds; give a positive number", field="wake")
        if isinstance(condition, EventCount) and condition.count <= 0:
            raise BadInput(f"after {condition.count} events; give a positive number", field="wake")


def fixed_moment(world: ModelWorld, wake: Wake) -> Moment | None:
    """Return the earliest moment among the conditions that nothing we or others do can shift: times and event counts.

    They are fixed when the wake is set; an event count counts from there.
    """
    now = max(block.time for block in world.at.values())
    moments: list[Moment] = []
    for condition in wake:
        if isinstance(condition, At):
            moments.append(world.first_block(condition.time))
        elif isinstance(condition, Every):
            rounds = (now - world.rules.start) // condition.seconds + 1  # down: the next multiple after now
            moments.append(world.first_block(world.rules.start + rounds * condition.seconds))
        elif isinstance(condition, EventCount):
            network = world.stages[condition.venue].network
            until = world.networks[network].blocks.last_until(world.rules.end)
            block = world.stages[condition.venue].next_wake((condition,), until)
            if block and block.number > world.at[network].number:
                moments.append(Moment(block.time, network, block.number))
    return min(moments, default=None)


def first_hit(world: ModelWorld, wake: Wake, horizon: Moment) -> Moment | None:
    """Return the first moment, not after ``horizon``, at which a venue or an oracle has something for us.

    Every venue is asked, even without a condition: what will befall a position is news.
    """
    best: Moment | None = None
    for stage in world.stages.values():
        own = tuple(c for c in wake if _source(c) == stage.id and not isinstance(c, EventCount))
        until = world.networks[stage.network].blocks.last_until(best.time if best else horizon.time)
        block = stage.next_wake(own, until)
        if block:
            best = _sooner(best, _at_least_next(world, stage.network, Moment(block.time, stage.network, block.number)))
    for condition in wake:
        if isinstance(condition, Crosses) and condition.source in world.oracles:
            oracle = world.oracles[condition.source]
            time = oracle.next_crossing(condition, world.at[oracle.network].time, horizon.time)
            if time is not None:
                block = world.networks[oracle.network].blocks.first_from(time)
                best = _sooner(
                    best, _at_least_next(world, oracle.network, Moment(block.time, oracle.network, block.number))
                )
    return best


def _source(condition: Condition) -> str | None:
    if isinstance(condition, TickLeaves | Claimable | EventCount):
        return condition.venue
    return condition.source if isinstance(condition, Crosses) else None


def _sooner(a: Moment | None, b: Moment) -> Moment:
    return b if a is None or b < a else a


def _at_least_next(world: ModelWorld, network: str, moment: Moment) -> Moment:
    return max(moment, world.block_after(network))
