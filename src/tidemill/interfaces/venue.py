"""The two halves of a venue, and the stage on which a model world plays one.

``Model`` and ``Client`` are the twins. A ``Stage`` is a model placed in a world: its state, the flow recorded there,
and the mode in which one's own liquidity takes part. ``read(query)`` gives the same value on both twins; twin tests
compare exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field

from tidemill.chain.types import Call, Receipt
from tidemill.errors import Revert
from tidemill.interfaces.news import Block, Happened, Pending, Status, Transfer
from tidemill.interfaces.plans import Intent
from tidemill.interfaces.wakes import Condition

__all__ = [
    "Action",
    "Call",
    "Client",
    "Context",
    "Event",
    "Model",
    "Position",
    "Receipt",
    "Result",
    "Revert",
    "Stage",
    "Transfer",
]

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)


class Event(Struct, frozen=True):
    """What a contract would have logged: the event's own name and argument names, integers and addresses."""

    name: str
    args: Mapping[str, int | str | bool]


class Action(Struct, frozen=True):
    """A verb with every argument resolved to a plain value: what a model applies and a client encodes.

    ``limits`` hold resolved integers only.
    """

    verb: str
    args: Mapping[str, int | str | bool] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


class Result(Struct, frozen=True):
    """What an action did.

    ``amounts`` are raw units by field name (the same names ``Filled`` carries); ``features`` move gas (ticks crossed,
    ticks initialised, first use …) and are keyed as in the venue's gas table. ``pending`` makes the intent a saga: the
    world plans again at ``pending.not_before`` by applying ``Action(pending.stage, the same args + {"position":
    position})`` at ``pending.venue`` (this one if empty), which may lie on another network.
    """

    amounts: Mapping[str, int] = field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()
    events: tuple[Event, ...] = ()
    features: Mapping[str, int] = field(default_factory=dict)
    position: str | None = None
    pending: Pending | None = None


class Position(Struct, frozen=True):
    """A holding at a venue as its owner sees it.

    ``kind`` names how to read ``data`` (ticks and liquidity of a range, shares of a vault …); ``principal`` is what
    closing now would give in raw units by token before fees owed; ``claimable`` is what can be collected beside it.
    """

    id: str
    venue: str
    kind: str
    data: Mapping[str, int]
    principal: Mapping[str, int]
    claimable: Mapping[str, int]


class Context(Protocol):
    """What a model may know of the world when it applies an action."""

    @property
    def block(self) -> Block:
        """The block in which the action is included."""
        ...

    @property
    def sender(self) -> str:
        """The account that acts."""
        ...

    def balance(self, token: str, account: str) -> int:
        """Raw units held in the world's token book, as left by everything before this action."""
        ...

    def move(self, transfer: Transfer) -> None:
        """Move tokens now, where a nested call needs them; else list them in ``Result.transfers``, never both."""
        ...

    def call(self, venue: str, action: Action) -> Result:
        """Act at another venue within the same transaction, as this venue's account; its transfers are made by the
        world before it returns. A revert there undoes this action too.
        """
        ...

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """Ask another venue a view, as it stands within the transaction."""
        ...


class Model(Protocol[S]):
    """Pure and integer-exact. ``apply`` changes ``state`` in place or raises ``Revert`` leaving it unchanged."""

    def init(self, params: Mapping[str, Any]) -> S:
        """Make the state of a fresh contract."""
        ...

    def apply(self, state: S, action: Action, ctx: Context) -> Result:
        """Do ``action`` as the contract would."""
        ...

    def replay(self, state: S, event: Event, ctx: Context) -> None:
        """Apply a recorded event; raises ``ReplayMismatch`` when recorded amounts do not reproduce."""
        ...

    def read(self, state: S, query: str, *args: Any) -> Any:
        """Answer a view of the contract, by its own name."""
        ...


class Stage(Protocol):
    """A venue in a model world. The engine knows venues only through this.

    A stage may have an attribute ``multicall``, the set of verbs that its contract's own multicall can put into one
    transaction; without it (and without an account that batches) atomic plans there are refused. A stage whose views
    move with time alone has a method ``enter(block)``: an own transaction is about to be included in ``block``, ahead of
    what ``advance`` will play of it, and views from there on are of its time. A stage whose venue is several contracts
    has ``accounts``, all that hold its tokens. A stage that stands on others (a gauge on a pool, a vault that lends) has
    ``meet(stages)``: the world calls it with every stage by id before anything else; and where its own others act there,
    ``next_reach(until)``: the next block in which they do.
    """

    id: str
    network: str
    account: str
    """The account of the book that holds the venue's tokens."""

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block, not after ``until``, at which one of this venue's conditions holds; changes nothing.

        Runs compiled code over the recorded flow from the present position. A block at which something will befall
        a position (``Happened``) counts as well, even with no conditions given: news wakes, and what has been played
        cannot be unplayed. ``Crosses`` and ``Claimable`` include what grows with time alone (interest, streams). A
        condition that holds already gives the present block.
        """
        ...

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the recorded flow up to and including block ``to`` and say what befell positions, in order.

        ``to`` never lies before the last one and may equal it.
        """
        ...

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; raises ``Revert`` with the state unchanged."""
        ...

    def snapshot(self) -> Any:
        """Return a token for ``restore``: an action undone restores every venue it touched."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Go back to ``snapshot``."""
        ...

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view, as ``Model.read`` does."""
        ...

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what ``owner`` holds here, in the order it was opened."""
        ...


class Client(Protocol[S_co]):
    """The real contract. It encodes and decodes; it never sends."""

    def plan(self, intent: Intent, stage: str, view: Any) -> Sequence[Call]:
        """Encode an intent with every argument resolved (approvals and wraps included)."""
        ...

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean."""
        ...

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode raw logs, in order."""
        ...

    def read(self, query: str, *args: Any, block: str | int = "latest") -> Any:
        """Answer a view at ``block``, by its own name: equal to ``Model.read``."""
        ...

    def snapshot(self, block: str | int = "latest") -> S_co:
        """Read the whole state at ``block`` into the model's own state type."""
        ...
