"""A canonical bridge in memory: tickets that wait, one escrow on Ethereum, and what is minted against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Block, Context, Pending, Position, Result, Revert, Transfer
from tidemill.networks import op_games
from tidemill.venues.canonical_bridge.rules import covering_output_up, finalizable, output_time
from tidemill.venues.shared.effects import Effects

__all__ = ["BridgeModel", "BridgeState", "Ticket"]

NO_OUTPUT = "L2OutputOracle: cannot get output for a block that has not been proposed"
NO_GAME = "no dispute game covers the withdrawal's block yet"
NOT_PROVEN = "OptimismPortal: withdrawal has not been proven yet"
TOO_EARLY = "OptimismPortal: proven withdrawal finalization period has not elapsed"
PROVEN = "OptimismPortal: withdrawal hash has already been proven"
PAID = "OptimismPortal: withdrawal has already been finalized"
EMPTY = "the escrow does not hold as much"
"""Cannot happen while what is minted on the rollup is what lies in escrow. (The portal would take the step as done, and the
message would have to be sent again.)"""
SENT, PROVED, DONE = 1, 2, 3


@dataclass
class Ticket:
    """Money in flight: ``out`` of the rollup or into it; ``ready`` is the second at which its next step can be done."""

    owner: str
    amount: int
    out: bool
    ready: int
    output: int = 0
    proven: int = 0
    stage: int = SENT


@dataclass
class BridgeState:
    """One token's bridge. ``first``, ``first_time``: the oracle's starting block; ``tickets`` in order of sending."""

    venue: str
    l1: str
    l2: str
    l1_token: str
    l2_token: str
    escrow: str
    minter: str
    first: int
    first_time: int
    block_seconds: int
    proposal_blocks: int = 1_800
    lag: int = 0
    maturity: int = 604_800
    game: int = 0
    deposit_seconds: int = 180
    locked: int = 0
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def windows(self) -> tuple[int, int]:
        """``game`` in its two halves: the clock that each side of a dispute game has, and the air gap after it."""
        return self.game // 2, self.game - self.game // 2

    @property
    def portal(self) -> str:
        """The venue's other half, on Ethereum."""
        return f"{self.venue}@{self.l1}"


class BridgeModel:
    """`Model` of both halves. On the rollup: send (``amount``). On Ethereum: deposit (``amount``), prove and finalize
    (``position``: the ticket's). Every amount arrives as it was sent.
    """

    def init(self, params: Mapping[str, Any]) -> BridgeState:
        """Make a bridge over which nothing is under way; ``params``: the fields of `BridgeState`."""
        return BridgeState(**params)

    def apply(self, state: BridgeState, action: Action, ctx: Context, *, on_l1: bool) -> Result:
        """Do one verb on the side it belongs to; nothing changes when it reverts."""
        doing = (_ON_L1 if on_l1 else _ON_L2).get(action.verb)
        if doing is None:
            where = "Ethereum" if on_l1 else "the rollup"
            raise Revert(f"no verb {action.verb!r} on {where}")
        return doing(state, Effects(ctx), action.args)

    def read(self, state: BridgeState, query: str, *args: Any) -> Any:
        """Answer by name: ``stage`` of a ticket with the second it was proven; ``deposits`` (what lies in escrow);
        ``arrived`` (on the rollup since the start, less what was sent from there).
        """
        if query == "stage":
            found = _ticket(state, str(args[0]))
            return found.stage, found.proven
        if query == "deposits":
            return state.locked
        if query == "arrived":
            return sum(-one.amount if one.out else one.amount * (one.stage == DONE) for one in state.tickets)
        raise KeyError(query)

    def positions(self, state: BridgeState, owner: str, *, on_l1: bool) -> tuple[Position, ...]:
        """Return what is on its way to this side: it is worth what will arrive, and earns nothing."""
        token, venue = (state.l1_token, state.portal) if on_l1 else (state.l2_token, state.venue)
        return tuple(
            Position(
                f"{state.venue}#{number}",
                venue,
                "flight",
                {"size": one.amount, "stage": one.stage, "not_before": one.ready},
                {token: one.amount},
                {},
            )
            for number, one in enumerate(state.tickets, 1)
            if one.owner == owner and one.stage != DONE and one.out == on_l1
        )


def _send(state: BridgeState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me, block = int(args["amount"]), effects.ctx.sender, effects.ctx.block
    effects.move(state.l2_token, me, state.minter, amount, "ERC20: burn amount exceeds balance")
    number = covering_output_up(block.number, state.first, state.proposal_blocks)
    output = output_time(number, state.first, state.first_time, state.block_seconds, state.lag)
    state.tickets.append(Ticket(me, amount, True, output, output))
    return _under_way(state, effects, amount, Pending("prove", state.l1, Block(time=output, number=0), state.portal))


def _deposit(state: BridgeState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me, block = int(args["amount"]), effects.ctx.sender, effects.ctx.block
    effects.move(state.l1_token, me, state.escrow, amount, "balance")
    state.locked += amount
    state.tickets.append(Ticket(me, amount, False, block.time + state.deposit_seconds))
    return _under_way(state, effects, amount, None)


def _under_way(state: BridgeState, effects: Effects, amount: int, pending: Pending | None) -> Result:
    done = effects.result({"amount": amount}, f"{state.venue}#{len(state.tickets)}")
    return structs.replace(done, pending=pending)


def _prove(state: BridgeState, effects: Effects, args: Mapping[str, Any]) -> Result:
    position, now = str(args["position"]), effects.ctx.block
    found = _ticket(state, position)
    if now.time < found.output:
        raise Revert(NO_GAME if state.game else NO_OUTPUT)
    if found.stage != SENT and not state.game:  # against a game one may prove again, and waits anew
        raise Revert(PROVEN)
    found.stage, found.proven = max(found.stage, PROVED), now.time
    found.ready = finalizable(now.time, state.maturity, found.output, state.game)
    done = effects.result({"amount": found.amount}, position)
    return structs.replace(done, pending=Pending("finalize", state.l1, Block(time=found.ready, number=0), state.portal))


def _refusal(state: BridgeState, found: Ticket, now: int) -> str:
    """Return why the portal does not pay now, empty where it does."""
    if state.game:
        clock, finality = state.windows
        over = now >= op_games.resolvable(found.output, clock)  # somebody resolves it then
        game = op_games.Game(found.output, resolved=found.output + clock, defended=True if over else None)
        proof = op_games.Proof(game, found.proven) if found.proven else None
        portal = op_games.GamePortal(state.maturity, finality)
        return op_games.finalize_refusal(portal, proof, now, paid=found.stage == DONE)
    if found.stage == SENT:
        return NOT_PROVEN
    if now < found.ready:
        return TOO_EARLY
    return PAID if found.stage == DONE else ""


def _finalize(state: BridgeState, effects: Effects, args: Mapping[str, Any]) -> Result:
    position, now = str(args["position"]), effects.ctx.block
    found = _ticket(state, position)
    if refusal := _refusal(state, found, now.time):
        raise Revert(refusal)
    if found.amount > state.locked:
        raise Revert(EMPTY)
    if found.amount:
        effects.transfers.append(Transfer(state.l1_token, state.escrow, found.owner, found.amount))
    state.locked -= found.amount
    found.stage = DONE
    return effects.result({"amount": found.amount}, position)


_Doing = Callable[[BridgeState, Effects, Mapping[str, Any]], Result]
_ON_L2: Mapping[str, _Doing] = {"send": _send}
_ON_L1: Mapping[str, _Doing] = {"deposit": _deposit, "prove": _prove, "finalize": _finalize}


def _ticket(state: BridgeState, position: str) -> Ticket:
    venue, _, number = position.rpartition("#")
    if venue != state.venue or not number.isdigit() or not 0 < int(number) <= len(state.tickets):
        raise Revert(f"no withdrawal {position!r}")
    found = state.tickets[int(number) - 1]
    if not found.out:
        raise Revert(f"{position} is a deposit: it arrives by itself")
    return found
