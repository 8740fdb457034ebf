"""Logs of a pool and of the position manager, as typed events. (Millions at a time: see ``tidemill.market``.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.interfaces import Event
from tidemill.venues.shared.client_parts import decode_log
from tidemill.venues.uniswap_v3.client_abi import MANAGER, POOL

__all__ = ["decode_events"]


def decode_events(logs: Sequence[Mapping[str, Any]], *, pool: str, manager: str) -> list[Event]:
    """Return the events of these two contracts in order; logs of other contracts are left out.

    Parameters
    ----------
    logs : as an endpoint gives them: ``address``, ``topics`` (hex), ``data`` (hex).
    pool, manager : lower-case addresses; an empty one matches nothing.

    The position manager's events are named ``Manager.Collect`` and so on, as the pool has a ``Collect`` of its own.
    Raises ``BadData`` when a log of theirs is unknown or damaged.
    """
    events = []
    for log in logs:
        address = str(log["address"]).lower()
        if address == pool:
            events.append(decode_log(log, POOL, venue="a Uniswap v3 pool"))
        elif address == manager:
            event = decode_log(log, MANAGER, venue="the position manager", may_be_unknown=True)
            if event is not None:
                events.append(Event(f"Manager.{event.name}", event.args))
    return [event for event in events if event is not None]
