"""`tidemill facts`: which facts are old, what an endpoint says today, and what ends when."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from tidemill.app.options import Json

__all__ = ["facts"]


facts = App(
    name="facts",
    help="Dated facts: which are old, what an endpoint says, what ends when.\n\nExample: `tidemill facts stale --older-than 90d`",
)


@facts.command
def stale(*, older_than: str = "90d", on: str = "", json: Json = False) -> int:
    """List facts in force that nobody has read again for long, over networks, their risk, venues and base rates.

    Example: `tidemill facts stale --older-than 365d`

    Parameters
    ----------
    older_than
        Days since they were read, e.g. 90d.
    on
        Counted up to this day (2026-11-21); default: today.
    json
        Print every fact as JSON on standard output.
    """
    from tidemill.app.facts import show_stale  # noqa: PLC0415

    return show_stale(older_than, on, as_json=json)


@facts.command
def calendar(*, json: Json = False) -> int:
    """List what has ended or will end: networks, services, deployments; with the day and what to do.

    Example: `tidemill facts calendar`

    Parameters
    ----------
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.facts import show_calendar  # noqa: PLC0415

    return show_calendar(as_json=json)


@facts.command
def refresh(network: str, *, rpc: str, write: Path | None = None, json: Json = False) -> int:
    """Ask an endpoint for a network's fee levels and show old → new; nothing is written unless `--write` names a file.

    Base fee of every network; scalars and Ethereum's prices on OP chains; prices of Arbitrum's ArbGasInfo; the blob base
    fee of Ethereum. The file is one of facts, dated by the block; `tidemill networks cost --levels` reads it.

    Example: `tidemill facts refresh op-mainnet --rpc http://localhost:8545 --write op_levels.toml`

    Parameters
    ----------
    network
        Its name, as `tidemill networks` lists it; the endpoint must be on its chain.
    rpc
        Endpoint, http(s)://… or the path of a local socket; it is only read.
    write
        File that receives the levels. One that is there already is compared with, and what was not asked for stays in it.
    json
        Print the differences as JSON on standard output.
    """
    from tidemill.app.facts import show_refresh  # noqa: PLC0415

    return show_refresh(network, rpc, write, as_json=json)
