"""A gauge placed in a world: its script, and the pool beside it whose position tokens it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, Block, Claimable, Context, Result
from tidemill.venues.cl_gauge.model import GaugeModel
from tidemill.venues.cl_gauge.state import GaugeState
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["GaugeStage"]


class GaugeStage(ScriptedStage[GaugeState]):
    """`Stage` of a gauge. What it does at the pool is undone with what it does here."""

    model: GaugeModel

    def meet(self, stages: Mapping[str, Any]) -> None:
        """Take the pool among the world's stages; raises ``BadInput`` where it is no pool for a gauge."""
        name = self.state.own.pool
        field = f"venues.{self.id}.params.pool"
        if name not in stages:
            raise UnknownName("venue", name, stages, field=field)
        pool = stages[name]
        if not hasattr(pool, "pass_token"):
            raise BadInput(f"{name} has no position tokens to stake; name a pool of kind uniswap_v3", field=field)
        if not getattr(pool, "diluted", True):
            raise BadInput(
                f'{name} leaves own liquidity out of account (mode "small"), but a gauge pays by the part one has of '
                'all that is in range; use mode "diluted"',
                field=f"venues.{name}.mode",
            )
        self.model.given = pool

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; what it pays or credits belongs to the position of rewards.

        Raises ``BadInput`` for bringing an incentive: it is given away, which no row of a statement is for.
        """
        if action.verb == "create_incentive":
            raise BadInput("an incentive is brought by others; a study's own account stakes", field=self.id)
        return structs.replace(super().apply(action, ctx), position=f"{self.id}#rewards")

    def snapshot(self) -> Any:
        """Return a point to go back to, the pool's too."""
        return self.model.pool.snapshot(), super().snapshot()

    def restore(self, snapshot: Any) -> None:
        """Go back, at the pool as well."""
        beside, own = snapshot
        super().restore(own)
        self.model.pool.restore(beside)

    def _when_claimable(self, condition: Claimable, until: Block) -> Block | None:
        raise BadInput(
            "what a gauge pays depends on where the price goes, which nobody knows ahead; wake by time instead",
            field=self.id,
        )
