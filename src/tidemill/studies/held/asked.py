"""What a statement of real positions is asked for, and how its words are read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tidemill.errors import BadInput

__all__ = ["Asked", "Tree", "address_of", "moment", "places_of", "tree_of"]

Tree = Sequence[tuple[str, str, int]]
"""Entries of a campaign's tree: account, token, cumulative raw units."""

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


class Asked(Struct, frozen=True):
    """What a statement is asked for.

    Parameters
    ----------
    address, token_ids : whose past, or which position tokens (or both: these of that account).
    start, end : a block number, a moment (``2024-01-05``, ``2024-01-05T12:00:00Z``), or ``latest``.
    network : name of the network the endpoint must be on; empty takes what it says.
    contracts : (kind, address) beside or instead of known deployments; see ``places_of``.
    home, given : see ``document.state``. samples : snapshots in between, for curves.
    find : look for contracts that nobody named, by the events that name the account.
    trees : what campaigns published (``tree_of``).
    """

    address: str = ""
    token_ids: tuple[int, ...] = ()
    start: str = ""
    end: str = "latest"
    network: str = ""
    contracts: tuple[tuple[str, str], ...] = ()
    home: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    samples: int = 24
    find: bool = False
    trees: tuple[Tree, ...] = ()


def address_of(text: str) -> str:
    """Read an address, lower case; raises ``BadInput``."""
    if not _ADDRESS.fullmatch(text):
        raise BadInput(f"{text!r} is no address (0x and 40 hexadecimal digits)", field="address")
    return text.lower()


def places_of(text: str) -> dict[str, str]:
    """Read where a venue stands: its address, and by name what it does not tell itself; raises ``BadInput``.

    >>> places_of("0x" + "ab" * 20 + ",share=0x" + "cd" * 20).keys()
    dict_keys(['address', 'share'])
    """
    first, *more = text.split(",")
    named = (one.partition("=") for one in more)
    return {"address": address_of(first)} | {name: address_of(address) for name, _, address in named}


def moment(text: str, field: str) -> int:
    """Read a moment, UTC where it does not say, as seconds; raises ``BadInput`` naming the field."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"{text!r} is neither a block number nor a moment such as 2024-01-05 or 2024-01-05T12:00:00Z", field=field
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def tree_of(path: Path) -> Tree:
    """Read a campaign's tree: JSON, a list of [account, token, cumulative raw units as a number or as text].

    Raises ``BadInput``, which names the file.
    """
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[tuple[str, str, int | str]])
        return [(address_of(account), address_of(token), int(amount)) for account, token, amount in rows]
    except (OSError, ValueError, BadInput) as wrong:
        raise BadInput(
            f"{path}: is no tree of a campaign, a list of [account, token, amount]: {wrong}", field="tree"
        ) from None
