"""The types between rooms, and nothing else. See the chapter "How a strategy meets a world" of the architecture page.

Identifiers are strings: a token is ``SYMBOL@network`` (``USDC@op``), a venue is the study's own name for it, a position
is ``venue#n`` (opaque to strategies), an account is a name in the world's token book (``me``, ``market``, a
venue's own).
"""

from tidemill.interfaces.amounts import All, Amount, Arg, Of, PositionOf
from tidemill.interfaces.news import (
    Block,
    Cancelled,
    Costs,
    Expired,
    Filled,
    Happened,
    News,
    Outcome,
    Pending,
    Reverted,
    Skipped,
    Status,
    Transfer,
)
from tidemill.interfaces.plans import COMMON, Decision, Intent, Limits, Move, Plan, purse_of
from tidemill.interfaces.record import Befell, Mark, Moved, Price, Rate, Recorded
from tidemill.interfaces.venue import (
    Action,
    Call,
    Client,
    Context,
    Event,
    Model,
    Position,
    Receipt,
    Result,
    Revert,
    Stage,
)
from tidemill.interfaces.wakes import At, Claimable, Condition, Crosses, EventCount, Every, TickLeaves, Wake
from tidemill.interfaces.world import OracleReading, Strategy, View, Why, World

__all__ = [
    "COMMON",
    "Action",
    "All",
    "Amount",
    "Arg",
    "At",
    "Befell",
    "Block",
    "Call",
    "Cancelled",
    "Claimable",
    "Client",
    "Condition",
    "Context",
    "Costs",
    "Crosses",
    "Decision",
    "Event",
    "EventCount",
    "Every",
    "Expired",
    "Filled",
    "Happened",
    "Intent",
    "Limits",
    "Mark",
    "Model",
    "Move",
    "Moved",
    "News",
    "Of",
    "OracleReading",
    "Outcome",
    "Pending",
    "Plan",
    "Position",
    "PositionOf",
    "Price",
    "Rate",
    "Receipt",
    "Recorded",
    "Result",
    "Revert",
    "Reverted",
    "Skipped",
    "Stage",
    "Status",
    "Strategy",
    "TickLeaves",
    "Transfer",
    "View",
    "Wake",
    "Why",
    "World",
    "purse_of",
]
