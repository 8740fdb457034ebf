"""``tidemill watch``: say when something happens to real positions that would change the plan."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tidemill.app.console import note, stdout
from tidemill.app.interrupts import import_polars, remembered
from tidemill.app.tables import plain
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from tidemill.studies.held.asked import Asked
    from tidemill.studies.study import Study
    from tidemill.studies.watch.judge import Limits, Look
    from tidemill.studies.watch.memory import Change

__all__ = ["Options", "watch"]

ATTENTION = 3
"""Exit code of one look where something holds that would change the plan."""


class Options(Struct, frozen=True):
    """The command's options as given; empty or ``None`` leaves it to the study, or to the default."""

    study: Path | None
    address: str
    token_ids: Sequence[int]
    rpc: str
    network: str
    at: Sequence[str]
    start: str
    health: str
    rate: str
    peg: Sequence[str]
    claim: int | None
    once: bool
    every: int
    webhook: Sequence[str]
    notify: Sequence[str]
    state: Path | None


def watch(options: Options, *, as_json: bool) -> int:
    """Watch once or until interrupted; 3 after one look at which something holds."""
    import_polars()
    from tidemill.chain.rpc import Rpc  # noqa: PLC0415
    from tidemill.studies.study import load_study  # noqa: PLC0415
    from tidemill.studies.watch.run import Watch  # noqa: PLC0415
    from tidemill.studies.watch.tell import channels  # noqa: PLC0415

    study = load_study(options.study) if options.study else None
    if not options.rpc:
        raise BadInput("through which endpoint? give --rpc (http(s)://… or the path of a local socket)", field="rpc")
    if not 1 <= options.every <= 86_400:
        raise BadInput(f"{options.every} is not between 1 and 86,400 seconds", field="every")
    asked, limits = _asked(options, study), _limits(options, study)
    watching = Watch(
        lambda: Rpc.connect(options.rpc, attempts=3),
        asked,
        limits,
        options.state or _state_of(asked),
        families=_families(study, asked.network) if study else (),
        told=channels(options.webhook, options.notify),
        say=_json_line if as_json else _line,
        note=_json_note if as_json else note,
        seen=(lambda _look: None) if as_json else _seen,
    )
    look: Look | None = None
    try:
        if options.once:
            look = watching.once()
        else:
            with remembered() as interrupted:
                watching.loop(options.every, stopped=interrupted)
    except KeyboardInterrupt:
        look = None
    finally:
        watching.close()
    if look is None:
        note(f"stopped after {watching.looks} looks; what was told is remembered")
        return 0
    if as_json:
        emit = {"event": "looked", "block": look.block, "time": look.time, "positions": look.positions}
        _emit({**emit, "active": list(watching.memory.active.values())})
    return ATTENTION if watching.memory.active else 0


def _asked(options: Options, study: Study | None) -> Asked:
    from tidemill.studies.held.asked import Asked, address_of  # noqa: PLC0415

    contracts = []
    for text in options.at:
        name, equals, place = text.partition("=")
        if not (name and equals and place):
            raise BadInput(f"{text!r} should be written as uniswap_v3=0x…", field="at")
        contracts.append((name, place))
    if not options.address and not options.token_ids:
        raise BadInput("whose positions? give --address or --token-id", field="address")
    return Asked(
        address=address_of(options.address) if options.address else "",
        token_ids=tuple(options.token_ids),
        start=options.start,
        network=options.network or (study.network if study else ""),
        contracts=tuple(contracts),
    )


def _families(study: Study, network: str) -> set[str]:
    """Return the families of the study's venues on a network: its own vault may stand for a real one of another kind."""
    from tidemill.venues.kinds import kind  # noqa: PLC0415

    there = [venue for venue in study.venues.values() if (venue.network or study.network) == network]
    if not there:
        raise BadInput(f"the study has no venue on {network}", field="network")
    return {kind(venue.kind).family for venue in there}


def _limits(options: Options, study: Study | None) -> Limits:
    """Return the limits given; a study's own guard on a health factor counts where none is given."""
    from tidemill.studies.watch.judge import Limits, parse_peg  # noqa: PLC0415

    default = Limits()
    guard = study.parameters.get("guard_bps") if study else None
    health = guard if isinstance(guard, int) and not options.health else _hundredths(options.health, "health", 100)
    rate = _hundredths(options.rate, "rate-below", 1)
    if options.claim is not None and not 1 <= options.claim <= 10**6:
        raise BadInput(f"{options.claim} is not between 1 and 1,000,000 times", field="claim")
    return Limits(
        health_bps=default.health_bps if health is None else health,
        rate_bps=default.rate_bps if rate is None else rate,
        claim_times=default.claim_times if options.claim is None else options.claim,
        pegs=tuple(parse_peg(text) for text in options.peg),
    )


def _hundredths(text: str, field: str, scale: int) -> int | None:
    """Return a decimal with up to two places as hundredths times ``scale``, ``None`` for none."""
    if not text:
        return None
    whole, _, part = text.strip().removesuffix("%").strip().partition(".")
    if not whole.isdecimal() or len(whole) > 3 or (part and not part.isdecimal()) or len(part) > 2:
        raise BadInput(f"{text!r} is no number from 0 to 999.99 with at most two decimals", field=field)
    return (int(whole) * 100 + int(part.ljust(2, "0") if part else 0)) * scale


def _state_of(asked: Asked) -> Path:
    """Return where a watch of these positions remembers, unless the user says: in the cache, by what is watched."""
    from tidemill.chain.cache import cache_root  # noqa: PLC0415

    what = msgspec.json.encode([asked.address, asked.token_ids, asked.network, sorted(asked.contracts)])
    return cache_root() / "watch" / f"{hashlib.sha256(what).hexdigest()[:32]}.json"


# --- showing ----------------------------------------------------------------------------------------------------------


def _line(change: Change) -> None:
    from tidemill.studies.watch.tell import said  # noqa: PLC0415

    when = dt.datetime.fromtimestamp(change.since, dt.UTC).strftime("%Y-%m-%d %H:%M")
    style = "bold red" if change.event == "alert" else "green"
    stdout().print(f"[{style}]{plain(said(change))}[/] [dim](since {when} UTC)[/]")


def _json_line(change: Change) -> None:
    _emit(change)


def _json_note(words: str) -> None:
    _emit({"event": "note", "words": words})


def _emit(content: object) -> None:
    print(msgspec.json.encode(content).decode(), flush=True)  # noqa: T201 - JSON lines, as they happen


def _seen(look: Look) -> None:
    held = (
        f"{len(look.positions)} position{'s' if len(look.positions) != 1 else ''}" if look.positions else "nothing held"
    )
    note(f"block {look.block:,}: {held}, {len(look.signs)} signs, {len(look.claims)} claims")
