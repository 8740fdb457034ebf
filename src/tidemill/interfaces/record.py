"""What a world writes down while it runs: the only thing the books are made of.

A world keeps two lists, ``record`` (:class:`Recorded` and :class:`Befell`) and ``marks`` (:class:`Mark`). Both carry
``seq`` from one counter, so that merged by ``seq`` they tell the run in order::

    start  sample*  decision  before  Recorded+  after  sample*  decision  ...  end

* Whatever is sent (filled, reverted, pending) or befalls a position stands between a ``before`` and an ``after`` mark:
  ``before`` is the state just ahead of it in its block, with the recorded flow already played up to there (on a chain:
  the parent block, or the state left by the previous own transaction of the same block); ``after`` is the state just
  behind it. Steps of one transaction share one pair. So no market flow hides inside an own step, and no own step hides
  between other marks. The ledger checks this.
* Transfers name one's own wallet ``me``; legs of wrapping and unwrapping the native token have the other side
  ``wrap:<network>``, so that they are told from what a venue takes.
* ``Skipped``, ``Expired`` and ``Cancelled`` cost nothing and need no marks.
* ``sample`` marks are taken at the study's cadence (hours or days) for curves and break-even; they change no total.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from tidemill.interfaces.news import Block, Costs, Happened, Status
from tidemill.interfaces.plans import Move
from tidemill.interfaces.venue import Action, Position, Result, Transfer

__all__ = ["Befell", "Mark", "Moved", "Price", "Rate", "Recorded"]


class Price(Struct, frozen=True):
    """An exact price: micro-units (1e-6) of the home asset = raw units of the token x ``num`` / ``den``.

    The home asset itself with ``d`` decimals has ``Price(10**6, 10**d)``. See ``tidemill.ledger.prices`` for how to
    make one of a ``sqrt_price_x96`` or of a price table.
    """

    num: int
    den: int


class Rate(Struct, frozen=True):
    """What a receipt token stands for, as ``venue`` would convert it now: ``shares`` raw shares are worth ``assets``, raw
    units by token. (ERC-4626: ``total_assets + 1`` behind ``total_supply + 10**offset``; a classic pool: its reserves
    behind its supply.) ``kind`` is the kind of position that holding it is: ``vault`` or ``pool``.
    """

    venue: str
    assets: Mapping[str, int]
    shares: int
    kind: str = "vault"

    def of_down(self, shares: int) -> dict[str, int]:
        """Return raw units by token that ``shares`` raw shares stand for, each rounded down."""
        return {token: shares * amount // self.shares for token, amount in self.assets.items()}


class Mark(Struct, frozen=True):
    """A snapshot of one's own holdings and of prices.

    Parameters
    ----------
    seq : place among marks and record together.
    time : world time, seconds.
    why : which kind of moment (see the module).
    balances : raw units in the wallet by token id, native gas token and receipt tokens included.
    positions : what ``me`` holds at venues. A vault whose shares are a token in ``balances`` may list its position
        too: it is then the same holding seen twice, and ``rates`` is what counts.
    prices : of every token held, earned or paid in since the start, by token id (a native token and its wrapped form
        are two entries; receipt tokens need none).
    rates : of every receipt token held, by its token id.
    blocks : the block of each network, by network id.
    parent : a ``before`` mark read from the parent block: what accrues inside the inclusion block ahead of the step
        (seconds of rewards, another actor's swap) is then booked with the step, as income or as conversion.
    settled : venues whose positions such a mark shows as they were just ahead of the step all the same.
    """

    seq: int
    time: int
    why: Literal["start", "sample", "decision", "before", "after", "end"]
    balances: Mapping[str, int]
    positions: tuple[Position, ...]
    prices: Mapping[str, Price]
    rates: Mapping[str, Rate] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    parent: bool = False
    settled: frozenset[str] = frozenset()


class Recorded(Struct, frozen=True):
    """One step answered.

    ``costs`` are wei of the token ``native`` paid by ``me``, not repeated in ``result.transfers``. ``phase`` is
    ``exit`` for the steps that close everything into the home asset at the end, else ``run``. ``features`` are what
    moved the gas (of ``result`` where there is one, else as known). ``transfers`` are all moves of tokens in the book,
    nested calls included (empty: ``result.transfers`` are all). ``tx`` names the transaction; steps of one atomic plan
    share it, and its costs stand on the first of them.
    """

    seq: int
    at: Block
    network: str
    native: str
    plan: str
    step: int
    venue: str
    verb: str
    status: Status
    costs: Costs
    action: Action | None = None
    result: Result | None = None
    features: Mapping[str, int] = field(default_factory=dict)
    phase: Literal["run", "exit"] = "run"
    transfers: tuple[Transfer, ...] = ()
    tx: str = ""


class Befell(Struct, frozen=True):
    """Something that happened unasked: ``happened.amounts`` are the change of all one's holdings by token (wallet and
    claims together); ``transfers`` are the part that moved in or out of the wallet.
    """

    seq: int
    happened: Happened
    transfers: tuple[Transfer, ...] = ()


class Moved(Struct, frozen=True):
    """A move between purses of the wallet, between two marks. ``why``: ``plan``, as the strategy decided, or ``gas``, one
    purse paying the fee of another's transaction.
    """

    seq: int
    time: int
    move: Move
    why: Literal["plan", "gas"] = "plan"
