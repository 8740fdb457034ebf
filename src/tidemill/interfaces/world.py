"""How a strategy meets a world: observe → decide → submit plans → learn the news later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from tidemill.interfaces.news import Block, Costs, News
from tidemill.interfaces.plans import Decision, Intent, Move, Plan
from tidemill.interfaces.record import Befell, Mark, Recorded
from tidemill.interfaces.venue import Position, Result
from tidemill.interfaces.wakes import Wake

__all__ = ["OracleReading", "Strategy", "View", "Why", "World"]

M = TypeVar("M")
Why = Literal["start", "restart", "end", "condition", "news"]


class OracleReading(Protocol):
    """What a feed says: the answer in its own integer scale, when it was set, and whether it may be trusted."""

    @property
    def answer(self) -> int:
        """The price, in ``decimals``."""
        ...

    @property
    def decimals(self) -> int:
        """Scale of the answer."""
        ...

    @property
    def updated_at(self) -> int:
        """Since when it stands, seconds."""
        ...

    @property
    def stale(self) -> bool:
        """Past its heartbeat, in an outage of the sequencer or the grace after it, or not positive."""
        ...


class View(Protocol):
    """One strategy's own book and what it may look at; read-only, and good for one decision only."""

    @property
    def at(self) -> Mapping[str, Block]:
        """The block of each network, by network id."""
        ...

    @property
    def why(self) -> Why:
        """Why the strategy is asked."""
        ...

    @property
    def balances(self) -> Mapping[str, int]:
        """Raw units by token in the wallet."""
        ...

    @property
    def positions(self) -> Sequence[Position]:
        """What is held at venues."""
        ...

    @property
    def in_flight(self) -> Sequence[Plan]:
        """Plans submitted and not finally answered yet."""
        ...

    @property
    def purses(self) -> Mapping[str, Mapping[str, int]]:
        """Parts of the wallet by name, raw units by token; one, ``COMMON``, until something is allotted."""
        ...

    @property
    def owners(self) -> Mapping[str, str]:
        """Which purse opened which position, by position id; those of ``COMMON`` are left out."""
        ...

    def oracle(self, oracle_id: str) -> OracleReading:
        """Read a price feed (not the market price)."""
        ...

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """Answer a view of a venue; the same on both twins."""
        ...

    def quote(self, intent: Intent) -> Result:
        """What the intent would do now, changing nothing, as if the wallet held whatever it spends.

        That is how a strategy prices what an earlier step of the same plan will have given. Raises ``Revert`` if it
        would revert all the same.
        """
        ...

    def fee(self, intent: Intent) -> Costs:
        """What the intent's transactions would cost now."""
        ...


class Strategy(Protocol[M]):
    """Parameters are frozen and no attribute ever changes: all memory is in ``memo``.

    A class attribute ``Memo`` names the memo's type, a frozen struct whose defaults are the first memo; without it
    the memo is ``None``. The last views have ``why == "end"``: the strategy leaves its positions then, over as many
    decisions as that takes; the run is over when it plans nothing more and nothing is in flight.

    A method ``free(view, token, amount)``, where there is one, returns the plan that makes so much of a token idle, or
    ``None``: a portfolio asks for what it is to move elsewhere. ``worth(view, token)`` says how much of a token it has in
    all, where its positions do not show it (a vault's shares).
    """

    def decide(self, view: View, memo: M, news: Sequence[News]) -> Decision[M]:
        """Say what to do; never reads a return value, the wall clock or a random number."""
        ...


class World(Protocol):
    """Models, a local chain, a fork or a live network: the run loop cannot tell which."""

    @property
    def record(self) -> Sequence[Recorded | Befell]:
        """Every step answered and every event suffered so far."""
        ...

    @property
    def marks(self) -> Sequence[Mark]:
        """Every mark so far."""
        ...

    def advance(self, wake: Wake) -> tuple[View, Sequence[News]]:
        """Move to the first moment at which the wake holds or there is news; the end of the data ends the run."""
        ...

    def submit(self, plans: Sequence[Plan], cancels: Sequence[str]) -> None:
        """Hand over plans; their news comes later."""
        ...

    def allot(self, moves: Sequence[Move]) -> None:
        """Move tokens between purses of the wallet, before plans of the same decision are handed over."""
        ...

    def close(self) -> None:
        """Take the ``end`` mark; called once, when the strategy has nothing left to do."""
        ...
