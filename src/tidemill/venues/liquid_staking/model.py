"""A liquid staking contract in memory: what is staked, how many shares of it there are, and who waits for withdrawals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Block, Context, Pending, Position, Rate, Result, Revert, Transfer
from tidemill.venues.liquid_staking.rules import (
    added,
    assets_for_shares_down,
    fee_shares_down,
    paid_down,
    rate_down,
    shares_for_assets_down,
)
from tidemill.venues.liquid_staking.state import MIN_REQUEST, Request, StakingState
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.vyper import SILENT
from tidemill.venues.shared.words import count_words

__all__ = ["StakingModel"]

WAD = 10**18
_AT_ONCE = 256
"""Requests that one report finalises at most."""


class StakingModel:
    """`Model` of liquid staking.

    Of anybody: stake (``amount``), transfer (``to``, ``amount`` of shares), request_withdrawal (``shares``), claim
    (``position``: the request's). Of the reporter: report_rewards, report_slashing (``amount``), finalize (``until``: pays
    out every request made at that second or before).
    """

    def init(self, params: Mapping[str, Any]) -> StakingState:
        """Make a contract in which nothing is staked; ``params``: the fields of `StakingState`."""
        return StakingState(**params)

    def apply(self, state: StakingState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the storage words of contract and tokens."""
        effects = Effects(ctx)
        doing = _VERBS.get(action.verb)
        if doing is None:
            raise Revert(f"no verb {action.verb!r}")
        to = str(action.args.get("to", ctx.sender))
        before = _words(state, effects, to)
        try:
            result = doing(state, effects, action.args)
        except Revert as revert:
            raise Revert(SILENT.get(revert.reason, revert.reason)) from None
        after = _words(state, effects, to)
        before += [0] * (len(after) - len(before))
        return structs.replace(result, features={**result.features, **count_words(zip(before, after, strict=True))})

    def read(self, state: StakingState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name."""
        whole = state.total_assets, state.total_shares
        if query in ("getRate", "convertToAssets"):
            return assets_for_shares_down(args[0] if args else WAD, *whole)
        if query == "convertToShares":
            return shares_for_assets_down(args[0], *whole)
        if query == "request":
            found = state.requests[args[0] - 1]
            return found.owner, found.assets, found.shares, found.time, _worth(state, args[0]), found.claimed
        plain = {
            "totalAssets": state.total_assets,
            "totalSupply": state.total_shares,
            "lastFinalized": state.finalized,
            "requestCount": len(state.requests),
            "maxRequest": state.max_request,
        }
        return plain[query]

    def positions(
        self, state: StakingState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the owner's requests that are not claimed, at what they would be paid now. Shares are tokens: see `rates`."""
        return tuple(
            Position(f"{venue}#{id_}", venue, "withdrawal", {"size": one.shares}, {state.asset: _worth(state, id_)}, {})
            for id_, one in enumerate(state.requests, 1)
            if one.owner == owner and not one.claimed
        )

    def rates(self, state: StakingState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share stands for at the contract's own rate, unrounded."""
        shares = state.total_shares
        return {state.share: Rate(venue, {state.asset: state.total_assets if shares else 1}, shares or 1)}


def _stake(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me = int(args["amount"]), effects.ctx.sender
    if amount == 0:
        raise Revert("nothing to stake")
    shares = shares_for_assets_down(amount, state.total_assets, state.total_shares)
    if shares == 0:
        raise Revert("too little for a share")
    total = added(state.total_assets, amount)
    effects.count("first_shares", int(effects.balance(state.share, me) == 0))
    effects.transfers.append(Transfer(state.share, "zero", me, shares))
    effects.move(state.asset, me, state.account, amount, "balance")
    effects.log("Staked", owner=me, assets=amount, shares=shares)
    state.total_assets, state.total_shares = total, state.total_shares + shares
    return effects.result({"assets": amount, "shares": shares})


def _transfer(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount = int(args["amount"])
    effects.move(state.share, effects.ctx.sender, str(args["to"]), amount, "balance")
    return effects.result({"amount": amount})


def _request(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    shares, me, now = int(args["shares"]), effects.ctx.sender, effects.ctx.block
    if effects.balance(state.share, me) < shares:
        raise Revert("balance")
    assets = assets_for_shares_down(shares, state.total_assets, state.total_shares)
    if assets < MIN_REQUEST:
        raise Revert("request too small")
    if assets > state.max_request:
        raise Revert("request too large")
    effects.move(state.share, me, state.account, shares, "balance")
    effects.count("last_shares", int(effects.balance(state.share, me) == 0))
    state.requests.append(Request(me, assets, shares, now.time))
    id_ = len(state.requests)
    effects.log("WithdrawalRequested", id=id_, owner=me, assets=assets, shares=shares)
    done = effects.result({"assets": assets, "shares": shares}, f"{state.venue}#{id_}")
    if state.expected is None:
        return done
    ready = Block(time=state.ready_up(now.time), number=now.number)
    return structs.replace(done, pending=Pending("claim", state.share.partition("@")[2], ready))


def _claim(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    position = str(args["position"])
    id_, me = int(position.rpartition("#")[2]), effects.ctx.sender
    if not 0 < id_ <= len(state.requests):
        raise Revert("no such request")
    found = state.requests[id_ - 1]
    if found.owner != me:
        raise Revert("not the owner")
    if id_ > state.finalized:
        raise Revert("not finalized")
    if found.claimed:
        raise Revert("already claimed")
    effects.move(state.asset, state.account, me, found.paid, "balance")
    effects.log("WithdrawalClaimed", id=id_, owner=me, assets=found.paid)
    found.claimed = True
    return effects.result({"assets": found.paid}, position)


def _rewards(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me = int(args["amount"]), _reporter(state, effects)
    if state.total_shares == 0:
        raise Revert("nothing is staked")
    total = added(state.total_assets, amount)
    fee = fee_shares_down(amount, state.fee_bps, total, state.total_shares)
    effects.transfers.append(Transfer(state.share, "zero", state.treasury, fee))
    effects.move(state.asset, me, state.account, amount, "balance")
    effects.log("Rewarded", assets=amount, feeShares=fee)
    state.total_assets, state.total_shares = total, state.total_shares + fee
    return effects.result({"assets": amount, "shares": fee})


def _slashing(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me = int(args["amount"]), _reporter(state, effects)
    if amount >= state.total_assets:
        raise Revert("more than is staked")
    effects.move(state.asset, state.account, me, amount, "balance")
    effects.log("Slashed", assets=amount)
    state.total_assets -= amount
    return effects.result({"assets": amount})


def _finalize(state: StakingState, effects: Effects, args: Mapping[str, Any]) -> Result:
    until, _ = int(args["until"]), _reporter(state, effects)
    rate, assets, shares = rate_down(state.total_assets, state.total_shares), 0, 0
    due: list[tuple[Request, int]] = []
    for one in state.requests[state.finalized : state.finalized + _AT_ONCE]:
        if one.time > until:
            break
        paid = paid_down(one.assets, one.shares, rate)
        due.append((one, paid))
        assets, shares = assets + paid, shares + one.shares
        effects.log("WithdrawalFinalized", id=state.finalized + len(due), assets=paid, shares=one.shares)
    if not due:
        raise Revert("nothing to finalize")
    effects.move(state.share, state.account, "zero", shares, "")
    for one, paid in due:
        one.paid = paid
    state.finalized += len(due)
    state.total_assets -= assets
    state.total_shares -= shares
    return effects.result({"assets": assets, "shares": shares})


_VERBS: Mapping[str, Callable[[StakingState, Effects, Mapping[str, Any]], Result]] = {
    "stake": _stake,
    "transfer": _transfer,
    "request_withdrawal": _request,
    "claim": _claim,
    "report_rewards": _rewards,
    "report_slashing": _slashing,
    "finalize": _finalize,
}


def _reporter(state: StakingState, effects: Effects) -> str:
    if effects.ctx.sender != state.reporter:
        raise Revert("not the reporter")
    return state.reporter


def _worth(state: StakingState, id_: int) -> int:
    """Return what a request is paid, or would be paid now."""
    found = state.requests[id_ - 1]
    if id_ <= state.finalized:
        return found.paid
    return paid_down(found.assets, found.shares, rate_down(state.total_assets, state.total_shares))


def _words(state: StakingState, effects: Effects, to: str) -> list[int]:
    """Return every storage word that a verb may write; requests stand last, as there may be one more afterwards."""
    people = dict.fromkeys((effects.ctx.sender, to, state.account, state.treasury))
    held = [effects.balance(token, who) for token in (state.share, state.asset) for who in people]
    whole = [state.total_assets, state.total_shares, state.finalized, len(state.requests)]
    return [*whole, *held, *(word for one in state.requests for word in one.words())]
