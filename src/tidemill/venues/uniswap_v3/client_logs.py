"""Logs of a pool and of the position manager, as typed events. (Millions at a time: see ``tidemill.market``.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.errors import BadData
from tidemill.interfaces import Event
from tidemill.venues.uniswap_v3.client_abi import MANAGER, POOL, abi

__all__ = ["decode_event", "decode_events"]


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
            events.append(decode_event(log, POOL))
        elif address == manager:
            event = decode_event(log, MANAGER, may_be_unknown=True)
            if event is not None:
                events.append(Event(f"Manager.{event.name}", event.args))
    return [event for event in events if event is not None]


def decode_event(log: Mapping[str, Any], contract: str, *, may_be_unknown: bool = False) -> Event | None:
    """Return one event of ``contract`` (a text of ``client_abi``), ``None`` if unknown and that is allowed."""
    topics = [str(t).lower() for t in log["topics"]]
    codec = abi(contract).events.get(topics[0]) if topics else None
    where = f"log {log.get('logIndex', '?')} of transaction {log.get('transactionHash', '?')}"
    if codec is None:
        if may_be_unknown:
            return None
        raise BadData(f"{where}: topic {topics[0] if topics else 'none'} is no event of a Uniswap v3 pool")
    try:
        args = codec.decode(topics, bytes.fromhex(str(log["data"]).removeprefix("0x")))
    except ValueError as error:
        raise BadData(f"{where}: {error}") from None
    return Event(codec.name, args)
