"""A venue of a world whose truth is a local chain; the model beside it looks ahead and counts what moves gas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.engine.chain_local import LocalChain, plain
from tidemill.interfaces import (
    Action,
    Block,
    Condition,
    Context,
    Happened,
    Position,
    Rate,
    Result,
    Revert,
    Reverted,
    Transfer,
)
from tidemill.venues.shared.ground import LocalVenue

__all__ = ["ChainStage"]


class ChainStage:
    """``Stage`` over real contracts.

    Balances, positions, views and results are read from the chain. Only two things come from the model in lockstep:
    when a condition will hold (a chain cannot be asked about its future), and the counts that the gas table needs. The
    two are compared after every advance and every action, and what differs is noted, not smoothed over.
    """

    def __init__(self, chain: LocalChain, local: LocalVenue) -> None:
        self.chain, self.local, self.twin = chain, local, local.twin
        self.id, self.network, self.account = self.twin.id, self.twin.network, self.twin.account
        self.accounts = getattr(self.twin, "accounts", (self.account,))

    def meet(self, stages: Mapping[str, Any]) -> None:
        """Let the model beside this venue know the models beside the others."""
        meet = getattr(self.twin, "meet", None)
        if meet is not None:
            meet({name: stage.twin for name, stage in stages.items()})

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, to: Block) -> Sequence[Happened]:
        """Mine what others do up to and including ``to``; the model plays the same."""
        self.chain.play(to)
        happened = self.twin.advance(to)
        if not any(self.id in getattr(venue.twin, "reached", ()) for venue in self.chain.venues.values()):
            for venue in self._touched():
                self._compare(venue, to)
        return happened

    def _touched(self) -> list[LocalVenue]:
        """Return this venue and those it acts at: their models are in step once this one's has played."""
        return [self.local, *(self.chain.venues[name] for name in getattr(self.twin, "reached", ()))]

    def _compare(self, venue: LocalVenue, to: Block) -> None:
        model, real = map(plain, venue.pulse(venue.twin))
        if model != real:
            self.chain.differ(f"block {to.number}: {venue.id} stands at {real} on the chain, at {model} in the model")

    def enter(self, block: Block) -> None:
        """Let the chain's clock and the model's come to ``block``."""
        self.chain.ground.reach(block.time)
        enter = getattr(self.twin, "enter", None)
        if enter is not None:
            enter(block)

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Ask the model, which is where the chain is."""
        return self.twin.next_wake(conditions, until)

    def next_reach(self, until: Block) -> Block | None:
        """Ask the model in which block it acts at other venues next."""
        reach = getattr(self.twin, "next_reach", None)
        found: Block | None = reach(until) if reach is not None else None
        return found

    # --- one's own actions --------------------------------------------------------------------------------------------

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions with real transactions; raises ``Revert`` with the contract's reason."""
        chain = self.chain
        told: Result | Revert
        wanted = {token: ctx.balance(token, ctx.sender) for token in self.local.tokens}
        try:
            told = self.twin.apply(action, _Apart(ctx, self.chain, self.account) if len(self._touched()) > 1 else ctx)
        except Revert as revert:
            told = revert
        if chain.landing:
            status, receipts = chain.land(self.local, action, ctx.block)
        else:
            status, receipts = chain.ask(self.local, action, ctx.block, wanted)
        where = f"{chain.landing or 'asked'}: {action.verb} at {self.id}"
        if isinstance(status, Reverted):
            if not isinstance(told, Revert) or told.reason != status.reason:
                chain.differ(f"{where}: the chain refuses with {status.reason!r}, the model {_said(told)}")
            raise Revert(status.reason)
        amounts = dict(getattr(status, "amounts", {}))
        position = getattr(status, "position", None)
        if isinstance(told, Revert):
            chain.differ(f"{where}: the chain gives {amounts}, the model {_said(told)}")
            return Result(amounts, chain.ground.transfers(receipts), position=position)
        if any(amounts.get(name) != amount for name, amount in told.amounts.items()):
            chain.differ(f"{where}: the chain gives {amounts}, the model {dict(told.amounts)}")
        shown = {name: amounts[name] for name in told.amounts if name in amounts}
        moved = chain.ground.transfers(receipts)
        return Result(shown, moved, (), told.features, position or told.position, told.pending)

    def snapshot(self) -> Any:
        """Remember the whole chain and the model; while something lands there is nothing to go back to but the model."""
        twins = [venue.twin.snapshot() for venue in self._touched()]
        return None if self.chain.landing else self.chain.ground.anvil.snapshot(), twins

    def restore(self, snapshot: Any) -> None:
        """Take back what was asked; what has landed stays, the contracts undid a revert themselves."""
        at, twins = snapshot
        if at is not None:
            self.chain.ground.anvil.revert(at)
        for venue, twin in zip(self._touched(), twins, strict=True):
            venue.twin.restore(twin)

    # --- what worlds ask ----------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view of the contracts; accounts may be given by name."""
        return self.local.client.read(query, *map(self.chain.ground.at, args))

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what ``owner`` holds, as the contracts say."""
        return tuple(self.local.client.positions(self.chain.ground.address(owner)))

    def rates(self) -> Mapping[str, Rate]:
        """Return what each receipt token stands for, as the contracts say."""
        rates = getattr(self.local.client, "rates", None)
        return dict(rates()) if rates is not None else {}

    @property
    def sqrt_price_x96(self) -> int:
        """Price now, Q64.96, of a venue that has one."""
        return int(self.read("slot0")[0])


class _Apart:
    """What a model beside the chain may know when it acts at other venues: their models, and a book of its own.

    The chain's own receipts move the world's tokens; here they move apart, so that nothing moves twice. ``ctx`` is the
    world's own at every depth: what ``moved`` holds is added to its balances once.
    """

    def __init__(
        self,
        ctx: Context,
        chain: LocalChain,
        account: str,
        *,
        sender: str | None = None,
        moved: list[Transfer] | None = None,
    ) -> None:
        self.block, self.sender = ctx.block, sender or ctx.sender
        self._ctx, self._chain, self._account = ctx, chain, account
        self._moved: list[Transfer] = [] if moved is None else moved

    def balance(self, token: str, account: str) -> int:
        held = self._ctx.balance(token, account)
        mine = [one for one in self._moved if one.token == token]
        return held + sum(one.amount * ((one.target == account) - (one.source == account)) for one in mine)

    def move(self, transfer: Transfer) -> None:
        self._moved.append(transfer)

    def call(self, venue: str, action: Action) -> Result:
        twin = self._chain.venues[venue].twin
        below = _Apart(self._ctx, self._chain, twin.account, sender=self._account, moved=self._moved)
        result = twin.apply(action, below)
        self._moved.extend(result.transfers)
        return result

    def read(self, venue: str, query: str, *args: Any) -> Any:
        return self._chain.venues[venue].twin.read(query, *args)


def _said(told: Result | Revert) -> str:
    return f"refuses with {told.reason!r}" if isinstance(told, Revert) else f"gives {dict(told.amounts)}"
