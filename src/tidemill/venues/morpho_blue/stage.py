"""A market in a world: the scripted stage, which also says when somebody liquidates one's own loan."""

from __future__ import annotations

from tidemill.venues.morpho_blue.state import MorphoState
from tidemill.venues.shared.loans import LoanStage

__all__ = ["MarketStage"]


class MarketStage(LoanStage[MorphoState]):
    """`Stage` of a market. A liquidation befalls collateral and debt, each by itself."""

    borrower = "borrower"
    touched = ("collateral", "debt")
