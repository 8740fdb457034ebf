"""A list of opportunities from where it is published: bounded in size and time, kept with its date, not believed when old.

What has been fetched lies in the user's cache with the moment of fetching. It is used where the address cannot be reached
and it is younger than asked for, and then said so; otherwise it is refused, never believed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tidemill.chain.cache import cache_root
from tidemill.chain.wire import public_address
from tidemill.engine.clock import monotonic, wall_seconds
from tidemill.errors import BadInput, MissingArtefact, NoSource
from tidemill.files import write_whole
from tidemill.studies.plan.opportunities import MOST_BYTES, Opportunity, decode_list, read_list

__all__ = ["Listed", "fetch_list"]

CHUNK = 1 << 18
SECONDS = 60.0
HOUR = 3_600


class Listed(Struct, frozen=True):
    """A list and where it is from: the address without secrets, when it was fetched, and a remark on its age."""

    rows: list[Opportunity]
    source: str
    note: str = ""


class _Kept(Struct, frozen=True):
    """What lies in the cache beside the bytes."""

    address: str
    fetched: int
    sha256: str


def fetch_list(address: str, *, stale_hours: int = 24, seconds: float = SECONDS, most: int = MOST_BYTES) -> Listed:
    """Return the list at ``address``: https, http on this machine alone, or a file.

    Parameters
    ----------
    stale_hours : how old a kept copy may be where the address cannot be reached; 0 believes none.
    seconds, most : of the whole exchange, and bytes of the answer.

    Raises
    ------
    BadInput : no such address or file, or what is there is no list.
    MissingArtefact : the package that fetches is not installed.
    NoSource : it cannot be reached or does not answer as it should, and no copy is young enough.
    """
    if "://" not in address or address.startswith("file://"):
        path = Path(address.removeprefix("file://"))
        return Listed(read_list(path), str(path))
    shown = public_address(address)
    _check(address, shown)
    place = cache_root() / "lists" / hashlib.sha256(address.encode()).hexdigest()[:32]
    try:
        raw = _read(address, shown, seconds, most)
    except NoSource as failure:
        return _kept(place, shown, stale_hours, failure)
    rows = decode_list(raw, shown)  # what is no list is not kept
    now = int(wall_seconds())
    kept = _Kept(shown, now, hashlib.sha256(raw).hexdigest())
    try:
        write_whole({place.with_suffix(".json"): raw, place.with_suffix(".kept"): msgspec.json.encode(kept)})
    except OSError as error:
        return Listed(rows, f"{shown}, {_moment(now)}", f"it could not be kept: {error.strerror}")
    return Listed(rows, f"{shown}, {_moment(now)}")


def _check(address: str, shown: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise BadInput(f"{shown}: expected https://… or a file", field="from")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise BadInput(f"{shown}: anybody on the way could change it; give https://…", field="from")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(address: str, shown: str, seconds: float, most: int) -> bytes:
    """Return the body; every failure is one line that holds no part of the address that may be secret."""
    try:
        import requests  # noqa: PLC0415 - an extra, and only where something is fetched
        import urllib3  # noqa: PLC0415
    except ImportError:
        raise MissingArtefact("fetching needs requests; install tidemill[plan]") from None

    deadline = monotonic() + seconds
    try:
        with requests.get(
            address, timeout=(min(10.0, seconds), seconds), stream=True, allow_redirects=False
        ) as response:
            if response.is_redirect:
                raise NoSource(f"{shown}: sends on to another address; give that one")
            if response.status_code != 200:
                raise NoSource(f"{shown}: HTTP {response.status_code}")
            return _body(response, shown, deadline, seconds, most)
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        raise NoSource(f"{shown}: no answer within {seconds:g} s") from None
    except requests.exceptions.SSLError:
        raise NoSource(f"{shown}: its certificate is not trusted") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        raise NoSource(f"{shown}: cannot connect, or the connection broke") from None


def _body(response: Any, shown: str, deadline: float, seconds: float, most: int) -> bytes:
    pieces, size = [], 0
    while piece := response.raw.read1(CHUNK, decode_content=True):
        size += len(piece)
        if size > most:
            raise NoSource(f"{shown}: more than {most:,} bytes; that is no list of opportunities")
        if monotonic() > deadline:
            raise NoSource(f"{shown}: not complete within {seconds:g} s")
        pieces.append(piece)
    told = response.headers.get("Content-Length", "")
    if told.isdigit() and not response.headers.get("Content-Encoding") and size < int(told):
        raise NoSource(f"{shown}: broke off after {size:,} of {int(told):,} bytes")
    return b"".join(pieces)


def _kept(place: Path, shown: str, stale_hours: int, failure: NoSource) -> Listed:
    """Return the copy kept, if it is sound and young enough; raises the failure with what is wrong with the copy."""
    try:
        kept = msgspec.json.decode(place.with_suffix(".kept").read_bytes(), type=_Kept)
        raw = place.with_suffix(".json").read_bytes()
    except (OSError, msgspec.DecodeError):
        raise failure from None
    if hashlib.sha256(raw).hexdigest() != kept.sha256:
        raise NoSource(f"{failure}; the copy kept is damaged")
    hours = (int(wall_seconds()) - kept.fetched) // HOUR
    if not 0 <= hours < stale_hours:
        raise NoSource(f"{failure}; the copy kept is of {_moment(kept.fetched)}, {hours} h old: too old (--stale)")
    rows = decode_list(raw, shown)
    return Listed(rows, f"{shown}, {_moment(kept.fetched)}", f"{failure}: a copy {hours} h old is used instead")


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
