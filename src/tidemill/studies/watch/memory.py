"""What a watch remembers between looks and between runs: what has been told, and how much things were worth.

So the same condition is told once, and its end once. A file that cannot be read is refused, not overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, field, structs

from tidemill.errors import BadInput
from tidemill.files import write_whole
from tidemill.studies.watch.judge import Alert

__all__ = ["Active", "Change", "Grown", "Memory", "changes", "load_memory", "save_memory"]

SCHEMA = 1
MOST_BYTES = 10_000_000


class Active(Struct, frozen=True):
    """A condition that holds since a moment (seconds); ``told`` is whether everybody has been told of it."""

    rule: str
    subject: str
    words: str
    since: int
    told: bool = False


class Grown(Struct, frozen=True):
    """What one share of something was worth at a moment: raw units times 10**36 over shares, and seconds."""

    time: int
    index: int


class Memory(Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered. ``over`` are ends that nobody could be told of yet; ``grown`` by subject; ``paid`` are the subjects
    that have once paid a rate.
    """

    schema: int = SCHEMA
    active: dict[str, Active] = field(default_factory=dict)
    over: dict[str, Active] = field(default_factory=dict)
    grown: dict[str, Grown] = field(default_factory=dict)
    paid: list[str] = field(default_factory=list)


class Change(Struct, frozen=True):
    """Something to tell: an ``alert`` that has begun, or one that is ``over``."""

    event: str
    rule: str
    subject: str
    words: str
    since: int

    @property
    def key(self) -> str:
        """The condition's."""
        return f"{self.rule} {self.subject}"


def changes(memory: Memory, alerts: Sequence[Alert], now: int) -> tuple[Memory, list[Change]]:
    """Return what has begun and what is over since the last look, and the memory with it.

    What was not told yet is told again; words of what still holds are brought up to date silently.
    """
    active: dict[str, Active] = {}
    for alert in alerts:
        known = memory.active.get(alert.key) or Active(alert.rule, alert.subject, alert.words, now)
        active[alert.key] = structs.replace(known, words=alert.words)
    over = {key: one for key, one in memory.over.items() if key not in active}
    over |= {key: one for key, one in memory.active.items() if key not in active and one.told}
    began = [Change("alert", one.rule, one.subject, one.words, one.since) for one in active.values() if not one.told]
    ended = [Change("over", one.rule, one.subject, one.words, one.since) for one in over.values()]
    return structs.replace(memory, active=active, over=over), [*began, *ended]


def delivered(memory: Memory) -> Memory:
    """Return the memory once everything has been told to everybody."""
    active = {key: structs.replace(one, told=True) for key, one in memory.active.items()}
    return structs.replace(memory, active=active, over={})


def load_memory(path: Path) -> Memory:
    """Read what was remembered, nothing where there is no file yet; raises ``BadInput`` naming one that is unreadable."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"larger than {MOST_BYTES:,} bytes: not what a watch remembers", file=str(path))
        memory = msgspec.json.decode(path.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=str(path)) from None
    except msgspec.MsgspecError as error:
        raise BadInput(f"not what a watch remembers ({error}); remove it to begin anew", file=str(path)) from None
    if memory.schema != SCHEMA:
        raise BadInput(f"of schema {memory.schema}, expected {SCHEMA}; remove it to begin anew", file=str(path))
    return memory


def save_memory(path: Path, memory: Memory) -> None:
    """Write what is remembered, whole or not at all; raises ``BadInput`` where it cannot be."""
    try:
        write_whole({path: msgspec.json.format(msgspec.json.encode(memory), indent=1)})
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(path)) from None
