"""A savings vault in a world: a share's worth grows between blocks, so the stage tells it of the clock's own time."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.interfaces import Rate
from tidemill.venues.savings_vault.model import SavingsModel, SavingsState
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["SavingsStage"]


class SavingsStage(ScriptedStage[SavingsState]):
    """`Stage` of a savings vault."""

    model: SavingsModel

    def rates(self) -> Mapping[str, Rate]:
        """Return what a share stands for now."""
        return self.model.rates_at(self.state, self.id, max(self.at.time, self.state.rho))
