"""The seam of `tidemill statement`: how each family says what an account did, and what it held.

A kind of venue that can be read back names a function in ``Kind.history``. It is given a :class:`Past` (the chain, whose
past, and where the contracts stand) and answers with readers (:class:`History`), one for each contract that the account
has to do with. The studies room asks them three things and makes record, marks and books of the answers:

* ``touches``: which transactions changed what the account holds there, by logs;
* ``deeds``: what such a transaction did (own deeds, and positions that came or went);
* ``holding``: what is held at the end of a block, read through the venue's client, and what tokens are worth there.

Readers never send, never guess and never value. What cannot be read is an error, or a line in ``notes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Receipt
from tidemill.interfaces import Position, Rate, Transfer

__all__ = [
    "ME",
    "OUTSIDE",
    "Asset",
    "Deed",
    "Histories",
    "History",
    "Holding",
    "LogQuery",
    "Past",
    "Quote",
    "Touch",
    "Transaction",
    "topic_of",
    "touch_of",
]

ME = "me"
"""One's own side of a transfer, as everywhere in a world's book."""

OUTSIDE = "outside"
"""Where a receipt token came from or went to that no venue here knows of."""


class Asset(Struct, frozen=True):
    """A token on the chain: ``id`` is ``SYMBOL@network`` (unique in one statement), ``address`` lower case."""

    id: str
    address: str
    decimals: int


class LogQuery(Struct, frozen=True):
    """Logs of one contract, of any where ``address`` is empty: ``topics`` as in ``eth_getLogs`` (a topic, several, or
    ``None`` for any, by place).
    """

    address: str
    topics: tuple[str | tuple[str, ...] | None, ...] = ()


class Past(Struct, frozen=True):
    """What a reader may ask.

    Parameters
    ----------
    rpc : the chain, pinned. network : its name here.
    account : whose past, lower-case hex; empty where positions are asked for by number alone.
    token_ids : numbers of position tokens asked for; empty for all that ``account`` has to do with.
    contracts : where the family's contracts stand, lower-case, by the name the deployments table gives them (or
        ``address``, where the user only gave one); the reader refuses what it misses.
    first, last : the statement goes from the end of block ``first`` to the end of block ``last``.
    logs : finds logs of blocks ``first + 1`` to ``last``, in order of the chain, as ``eth_getLogs`` gives them.
    asset : the token at an address. tell : shows progress.
    find : look for contracts that nobody named, by the events that name the account.
    keepers : contracts that hold position tokens for whoever handed them in, and say whose they are (the v3 staker).
    trees : what campaigns published: entries (account, token, cumulative raw units) of each, addresses in lower case.
    """

    rpc: Rpc
    network: str
    account: str
    token_ids: tuple[int, ...]
    contracts: Mapping[str, str]
    first: int
    last: int
    logs: Callable[[LogQuery], Sequence[Mapping[str, Any]]]
    asset: Callable[[str], Asset]
    tell: Callable[[str], None]
    find: bool = False
    trees: Sequence[Sequence[tuple[str, str, int]]] = ()
    keepers: tuple[str, ...] = ()


class Touch(Struct, frozen=True, order=True):
    """A transaction that changed what is held: its block, its place in it, its hash."""

    block: int
    index: int
    tx: str


def topic_of(value: str | int) -> str:
    """Write an address or a number as a topic.

    >>> topic_of(255)[-4:], len(topic_of("0x" + "ab" * 20))
    ('00ff', 66)
    """
    number = int(value, 16) if isinstance(value, str) else value
    return f"0x{number:064x}"


def touch_of(log: Mapping[str, Any]) -> Touch:
    """Return the transaction of a log."""
    return Touch(int(log["blockNumber"], 16), int(log["transactionIndex"], 16), str(log["transactionHash"]).lower())


class Transaction(Struct, frozen=True):
    """A transaction as the chain remembers it. ``sender`` signed and paid for it."""

    at: Touch
    sender: str
    receipt: Receipt


class Deed(Struct, frozen=True):
    """One thing that a transaction did.

    Parameters
    ----------
    venue : the reader's. position : id of the one it concerns, empty for none.
    kind : ``own`` (an action at the venue); ``came`` or ``went``: the position, or a receipt token that stands for one
        (``<venue>#shares``), was received, bought, sent or sold: money brought in or taken out, no income;
        ``befell``: unasked (liquidated, slashed); ``failed``: a transaction that reverted, of which the fee is left.
    verb : of an own action the venue's verb; else a word for it (``received``, ``sent``, ``liquidated``).
    amounts : raw units by the client's own names; for ``befell`` the change of all that is held, by token id.
    transfers : tokens that moved between the account (``me``) and the venue (its id), receipt tokens included; of a
        receipt token that came or went, from or to anywhere. What the account's tokens did elsewhere in the transaction
        (a swap in a zap) is not told: what the venue took was brought in.
    size : by how much the part of the position changed that time leaves alone (``Treatment.weight``: liquidity, scaled
        balances, a stake). All deeds of a block must come to what the chain says: so none is missing.
    fell : for ``befell``, of receipt tokens: what one stood for ahead of it and behind it, by token. The amounts are then
        of all that is held of it, wherever it lies, which no single venue knows.
    """

    venue: str
    position: str
    kind: Literal["own", "came", "went", "befell", "failed"]
    verb: str
    amounts: Mapping[str, int] = field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()
    size: int = 0
    fell: Mapping[str, tuple[Rate, Rate]] = field(default_factory=dict)


class Quote(Struct, frozen=True):
    """``num / den`` raw units of ``quote`` for one raw unit of ``base``: token ids, or ``USD`` (then in units of 1e-8)."""

    base: str
    quote: str
    num: int
    den: int


class Holding(Struct, frozen=True):
    """What is held at one moment.

    ``positions`` as the client gives them (an empty one with nothing to claim may be left out). ``shares`` are raw units
    of receipt tokens in the account's wallet, by id; ``rates`` what each stands for, told for every receipt token that
    the account has to do with, held at the moment or not. ``quotes`` are prices by the venue.
    """

    positions: tuple[Position, ...] = ()
    shares: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    quotes: tuple[Quote, ...] = ()


class History(Protocol):
    """What an account has to do with at one venue. ``venue`` is its id in the statement, unique; ``contracts`` are those
    of its own that transactions are sent to (a router is none).
    """

    venue: str
    contracts: Sequence[str]

    def touches(self) -> Sequence[Touch]:
        """Return the transactions of blocks ``first + 1`` to ``last`` that changed what is held here, in any order."""
        ...

    def deeds(self, tx: Transaction) -> Sequence[Deed]:
        """Return what ``tx`` did here, in order; nothing if it has nothing to do with this venue."""
        ...

    def holding(self, block: int) -> Holding:
        """Return what is held at the end of ``block``, and prices then."""
        ...

    def ahead(self, block: int) -> Holding | None:
        """Return what was held ahead of the account's first transaction of ``block`` that touches it, to the wei: as at
        the end of the block before, with what time alone added. ``None`` where that cannot be said, because others may
        have moved it first in the block.
        """
        ...

    def assets(self) -> Sequence[Asset]:
        """Return the tokens that occur here, receipt tokens included."""
        ...

    def notes(self) -> Sequence[str]:
        """Return what the reader of a statement must know of how this was read."""
        ...


Histories = Callable[[Past], Sequence[History]]
"""``Kind.history``: the readers of a family for one past; none where the account has nothing there.

Raises ``BadInput`` where ``contracts`` misses something, ``RpcError`` where the chain does not answer.
"""
