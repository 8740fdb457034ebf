"""A vote escrow of a study on a local chain: the real escrow, our distributor, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import EscrowDeployment
from tidemill.venues.vote_escrow.rules import LONGEST, WEEK, week_down
from tidemill.venues.vote_escrow.state import EscrowState

__all__ = ["LocalEscrow", "seat"]

_PLAIN = ("supply", "epoch", "dividends.start_time", "dividends.last_token_time", "dividends.token_last_balance")
_OF_PEOPLE = ("locked", "user_point_epoch", "get_last_user_slope", "dividends.time_cursor_of")


class LocalEscrow(ScriptedLocal):
    """``LocalVenue`` of an escrow and its distributor."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: EscrowState = twin.state
        own, admin = state.dividends, ground.address(state.admin)
        ids = {"token_id": state.token, "paid_id": own.token}
        made = [
            Deployment(twin.id, "VotingEscrow", (ground.token(state.token), "Votes", "VOTES", admin)),
            Deployment(own.account, "WeeklyDividends", (AddressOf(twin.id), ground.token(own.token))),
        ]
        ground.reach(state.points[0].ts)  # what is not checkpointed counts from when the contracts were made
        at = deploy(ground.anvil, ground.address("deployer"), made)
        self._at = EscrowDeployment.of(ground.rpc, at[twin.id], at[own.account], **ids)
        tokens = tuple(dict.fromkeys(ids.values()))
        super().__init__(
            ground, twin, tokens, tuple(one for one in tokens if one not in ground.issued), self._at.escrow
        )
        ground.name(self._at.dividends, own.account)
        self.accounts = (*self.accounts, own.account)

    def client_for(self, who: str) -> EscrowClient:
        """Return a client of the escrow for an account."""
        return EscrowClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who), name=who)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what is locked, how often the sum was followed, and where dividends stand."""
        return tuple(map(model.read, _PLAIN)), tuple(map(self.client.read, _PLAIN))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare both contracts' numbers and those of everybody, but for the numbers of blocks: the local chain's are
        its own.
        """
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        for epoch in range(model.read("epoch") + 1):
            mine, real = (tuple(one.read("point_history", epoch))[:3] for one in (model, self.client))
            out.append((f"point_history({epoch})", mine, real))
        now = self.ground.rpc.block().timestamp
        first = model.read("dividends.start_time")
        for name in ("slope_changes", "dividends.tokens_per_week"):
            weeks = range(first, week_down(now) + LONGEST + WEEK, WEEK)
            out += [(f"{name}({week})", model.read(name, week), self.client.read(name, week)) for week in weeks]
        for who in ("me", *self._actors):
            at = self.ground.address(who)
            out += [(f"{name}({who})", model.read(name, who), self.client.read(name, at)) for name in _OF_PEOPLE]
            for time in (first, now, now + LONGEST // 2):
                asked = f"balanceOf({who}, {time})"
                out.append((asked, model.read("balanceOf", who, time), self.client.read("balanceOf", at, time)))
        return out


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how an escrow is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalEscrow, rank=2)
