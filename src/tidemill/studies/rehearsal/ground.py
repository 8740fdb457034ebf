"""Where a rehearsal plays: a local chain for each network of the study, every venue deployed on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.engine.chain_local import RESERVE
from tidemill.errors import BadInput
from tidemill.interfaces import Block
from tidemill.studies.prepare import Prepared
from tidemill.venues.shared.ground import Ground, LocalVenue, Unrest

__all__ = ["chains_for", "place"]

CHAIN_ID = 31_337
"""Of the study's own network; further ones count on."""

Placed = dict[str, tuple[Ground, list[LocalVenue]]]
"""By network: its ground and the venues there."""


@contextmanager
def chains_for(firsts: Mapping[str, Block]) -> Iterator[dict[str, Anvil]]:
    """Start a chain for each network a second before its first block, and stop them all whatever happens."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Anvil(AnvilOptions(chain_id=CHAIN_ID + number, timestamp=at.time - 1, seconds_per_block=0))
            )
            for number, (name, at) in enumerate(firsts.items())
        }


def place(
    prepared: Prepared,
    seats: Mapping[str, Any],
    firsts: Mapping[str, Block],
    anvils: Mapping[str, Anvil],
    *,
    me: str,
    base_fee: Callable[[str, Block], int],
    disturb: Unrest | None = None,
) -> Placed:
    """Deploy every venue, bring it to the window's start, and give oneself (the address ``me``) the study's capital.

    ``base_fee`` : wei per gas on a network in a block. Raises ``BadInput`` where bridges lead round in a circle.
    """
    grounds = {
        name: Ground(anvil, me, prepared.decimals, base_fee=base_fee(name, firsts[name]))
        for name, anvil in anvils.items()
    }
    for name in _lowest_first(prepared, seats):
        ground = grounds[name]
        ground.beyond = {other: there for other, there in grounds.items() if other != name}
        here = [seat for venue, seat in seats.items() if prepared.network_of(venue) == name]
        for seat in here:
            if (pave := getattr(seat, "pave", None)) is not None:
                pave(ground)
        ground.sort([seat.pair for seat in here if seat.pair])
    for venue, seat in sorted(seats.items(), key=lambda item: int(item[1].rank)):
        _stand(grounds, seat.local(grounds[prepared.network_of(venue)], disturb))
    for ground in grounds.values():
        for one in ground.venues.values():
            if (meet := getattr(one.twin, "meet", None)) is not None:
                meet({name: other.twin for name, other in ground.venues.items()})
    for venue in sorted(seats, key=lambda name: bool(getattr(seats[name], "late", False))):
        for one in _halves(grounds[prepared.network_of(venue)].venues[venue]):
            one.start(firsts[str(one.twin.network)])
    _endow(prepared, grounds)
    order = [one.id for name in seats for one in _halves(grounds[prepared.network_of(name)].venues[name])]
    return {
        name: (ground, [ground.venues[venue] for venue in order if venue in ground.venues])
        for name, ground in grounds.items()
    }


def _halves(venue: LocalVenue) -> list[LocalVenue]:
    beside = getattr(venue, "beside", None)
    return [venue] if beside is None else [venue, beside]


def _stand(grounds: Mapping[str, Ground], placed: LocalVenue) -> None:
    for one in _halves(placed):
        grounds[str(one.twin.network)].venues[one.id] = one


def _lowest_first(prepared: Prepared, seats: Mapping[str, Any]) -> list[str]:
    """Return the networks such that one which a bridge leads to comes before the one where it begins."""
    below: dict[str, set[str]] = {name: set() for name in prepared.networks}
    for venue, seat in seats.items():
        if lower := getattr(seat, "below", ""):
            below[prepared.network_of(venue)].add(lower)
    try:
        return list(TopologicalSorter(below).static_order())
    except CycleError as error:
        names = " and ".join(sorted(set(error.args[1])))
        raise BadInput(
            f"the bridges of {names} lead to each other; one of them must be the lower", field="venues"
        ) from None


def _endow(prepared: Prepared, grounds: Mapping[str, Ground]) -> None:
    """Give oneself the capital on every network, and no more tokens than that."""
    funds = prepared.funds()
    for name, ground in grounds.items():
        native = prepared.token(prepared.networks[name].native_token, name)
        for token, amount in funds.items():
            if token.partition("@")[2] == name and token != native:
                ground.give(token, "me", amount)
        ground.endowed = {key: amount for key, amount in ground.endowed.items() if key[1] != "me"}
        ground.anvil.set_balance(ground.address("me"), funds.get(native, 0) + RESERVE)
