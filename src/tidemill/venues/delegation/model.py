"""Delegation to one validator in memory: stake in, rewards by epoch, stake out after a wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Block, Context, Pending, Position, Rate, Result, Revert, Transfer
from tidemill.units import BPS, maximum, minimum, mul_div_down
from tidemill.venues.delegation.rules import (
    YEAR,
    checkpoint_pay_down,
    checkpoint_reward_down,
    earned_down,
    per_share_down,
    real_bps_down,
    yearly_mint_down,
)
from tidemill.venues.delegation.state import DelegationState, Unbonding
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.words import count_words

__all__ = ["DelegationModel"]


class DelegationModel:
    """`Model` of delegation.

    delegate (``amount``), undelegate (``amount``; then pending until ``claim_unbonded``), claim, restake. Of the script: epoch
    (``blocks`` of a checkpoint, ``signed_bps`` of all stake, ``proposer`` 0 or 1; nothing for the other forms, paid by time).
    """

    def init(self, params: Mapping[str, Any]) -> DelegationState:
        """Make a validator without delegations; ``params``: the fields of `DelegationState`."""
        return DelegationState(**params)

    def apply(self, state: DelegationState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features of own verbs count transfers and storage words."""
        doing, effects = _VERBS.get(action.verb), Effects(ctx)
        if doing is None:
            raise Revert(f"no verb {action.verb!r}")
        if action.verb == "epoch":
            return _epoch(state, effects, action.args)
        before = _words(state, effects)
        result = doing(state, effects, action.args)
        after = _words(state, effects)
        before += [0] * (len(after) - len(before))
        counts = count_words(zip(before, after, strict=True))
        return structs.replace(result, features={"transfers": len(effects.transfers), **counts})

    def read(self, state: DelegationState, query: str, *args: Any) -> Any:
        """Answer ``shares`` and ``rewards`` (of an owner), ``totalStake``, ``minted``, or ``yields``: what a delegator earns in
        a year after commission, by how much the supply grows in it, and what that leaves (basis points, rounded down).
        """
        if query == "shares":
            return state.shares.get(args[0], 0)
        if query == "rewards":
            return sum(_owed(state, args[0]))
        if query == "yields":
            return _yields(state)
        plain = {"totalStake": _all_stake(state), "minted": state.minted}
        return plain[query]

    def positions(
        self, state: DelegationState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the stake with its rewards, the part of them that makes up for new tokens by itself, and what is leaving."""
        shares, (pace, beyond) = state.shares.get(owner, 0), _owed(state, owner)
        out = []
        if shares or pace or beyond:
            held = {state.token: shares} if shares else {}
            more, kept = ({state.token: n} if n else {} for n in (beyond, pace))
            out.append(Position(f"{venue}#stake", venue, "stake", {"staked": shares}, held, more))
            out.append(Position(f"{venue}#pace", venue, "pace", {"size": 1}, {}, kept))
        for number, one in enumerate(state.leaving, 1):
            if one.owner == owner and not one.claimed:
                data = {"size": one.amount, "ready": one.ready}
                out.append(Position(f"{venue}#{number}", venue, "unbonding", data, {state.token: one.amount}, {}))
        return tuple(out)

    def rates(self, state: DelegationState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """Delegation issues no receipt token."""
        return {}


def _words(state: DelegationState, effects: Effects) -> list[int]:
    """Return every storage word that an own verb may write; what leaves stands last, as there may be one more afterwards."""
    me = effects.ctx.sender
    own = [state.shares.get(me, 0), *state.paid.get(me, (0, 0)), state.total, len(state.leaving)]
    held = [effects.balance(state.token, who) for who in (me, state.account)]
    return [*own, *held, *(n for one in state.leaving for n in (1, one.amount, one.ready, int(one.claimed)))]


def _all_stake(state: DelegationState) -> int:
    return state.terms.own + state.total + state.terms.elsewhere


def _owed(state: DelegationState, who: str) -> tuple[int, int]:
    shares, (pace, beyond) = state.shares.get(who, 0), state.owed.get(who, (0, 0))
    paid = state.paid.get(who, (0, 0))
    return pace + earned_down(shares, state.pace, paid[0]), beyond + earned_down(shares, state.beyond, paid[1])


def _pay(state: DelegationState, effects: Effects, who: str) -> int:
    """Move what is owed to its owner, if anything; `_settled` is called once nothing can be refused any more."""
    reward = sum(_owed(state, who))
    effects.move(state.token, state.account, who, reward, "rewards are short")
    if reward:
        effects.log("Claimed", owner=who, amount=reward)
    return reward


def _settled(state: DelegationState, who: str) -> None:
    state.owed[who] = 0, 0
    state.paid[who] = state.pace, state.beyond


def _delegate(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me = int(args["amount"]), effects.ctx.sender
    if amount < state.terms.least:
        raise Revert("too little to delegate")
    reward = _pay(state, effects, me)
    effects.move(state.token, me, state.account, amount, "balance")
    _settled(state, me)
    state.shares[me] = state.shares.get(me, 0) + amount
    state.total += amount
    effects.log("Delegated", owner=me, amount=amount)
    return effects.result({"amount": amount, "reward": reward})


def _undelegate(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, me, now = int(args["amount"]), effects.ctx.sender, effects.ctx.block
    if not 0 < amount <= state.shares.get(me, 0):
        raise Revert("not delegated so much")
    reward = _pay(state, effects, me)
    _settled(state, me)
    state.shares[me] -= amount
    state.total -= amount
    ready = now.time + state.terms.unbonding
    state.leaving.append(Unbonding(me, amount, ready))
    place = f"{state.venue}#{len(state.leaving)}"
    effects.log("Unbonding", id=len(state.leaving), owner=me, amount=amount, ready=ready)
    done = effects.result({"amount": amount, "reward": reward}, place)
    wait = Pending("claim_unbonded", state.token.partition("@")[2], Block(time=ready, number=now.number))
    return structs.replace(done, pending=wait)


def _claim_unbonded(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    place = str(args["position"])
    number = place.rpartition("#")[2]
    if not number.isdigit() or not 0 < int(number) <= len(state.leaving):
        raise Revert("no such unbonding")
    one = state.leaving[int(number) - 1]
    if one.owner != effects.ctx.sender:
        raise Revert("not the owner")
    if one.claimed:
        raise Revert("already claimed")
    if effects.ctx.block.time < one.ready:
        raise Revert("still unbonding")
    effects.move(state.token, state.account, one.owner, one.amount, "balance")
    one.claimed = True
    effects.log("Unbonded", id=int(number), owner=one.owner, amount=one.amount)
    return effects.result({"amount": one.amount}, place)


def _claim(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    reward = _pay(state, effects, effects.ctx.sender)
    if not reward:
        raise Revert("nothing to claim")
    _settled(state, effects.ctx.sender)
    return effects.result({"reward": reward})


def _restake(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    me = effects.ctx.sender
    reward = sum(_owed(state, me))
    if reward < state.terms.least:
        raise Revert("too little to restake")
    _settled(state, me)
    state.shares[me] = state.shares.get(me, 0) + reward
    state.total += reward
    effects.log("Restaked", owner=me, amount=reward)
    return effects.result({"amount": reward})


def _epoch(state: DelegationState, effects: Effects, args: Mapping[str, Any]) -> Result:
    """Mint what an epoch pays to the validator's delegators, and part it: what makes up for new tokens, and what is beyond."""
    now = effects.ctx.block.time
    seconds, state.at = now - state.at, now
    mint, theirs = _paid(state, args, seconds, now)
    minted = mint + mul_div_down(state.terms.other_mint, seconds, YEAR)
    pace = minimum(theirs, mul_div_down(state.total, minted, state.terms.supply + state.minted))
    effects.transfers.append(Transfer(state.token, "zero", state.account, theirs))
    state.pace = per_share_down(state.pace, pace, state.total)
    state.beyond = per_share_down(state.beyond, theirs - pace, state.total)
    state.minted += minted
    state.spent += theirs
    effects.log("Epoch", minted=minted, paid=theirs)
    return effects.result({"minted": minted, "paid": theirs})


def _paid(state: DelegationState, args: Mapping[str, Any], seconds: int, now: int) -> tuple[int, int]:
    """Return (minted to all stakers, paid to the validator's delegators) of an epoch."""
    terms, everybody = state.terms, _all_stake(state)
    if not terms.own + state.total:
        return 0, 0  # a validator without stake is none
    if terms.form == "pol":
        signed = mul_div_down(everybody, int(args.get("signed_bps", BPS)), BPS)
        blocks, proposer = int(args["blocks"]), bool(args.get("proposer", 0))
        mint = checkpoint_reward_down(blocks, signed, everybody, terms.reward, terms.interval, terms.decrease)
        cut = terms.commission
        theirs = checkpoint_pay_down(mint, terms.own, state.total, signed, terms.bonus, cut, proposer=proposer)
        return mint, theirs + mul_div_down(terms.tips * state.total, seconds, YEAR * everybody)
    if terms.form == "strk":
        whole = yearly_mint_down(terms.numerator, everybody, terms.supply + state.minted)
        mint = mul_div_down(whole, seconds, YEAR)
        ours = mul_div_down(mint - mul_div_down(mint, terms.alpha_bps, BPS), state.total, everybody)
        return mint, ours - mul_div_down(ours, terms.commission, 100)
    over = seconds - minimum(seconds, maximum(now, terms.ends) - terms.ends)
    pays = mul_div_down(state.total * over, terms.rate_bps, YEAR * BPS)
    return 0, minimum(pays, terms.purse - state.spent)


def _yields(state: DelegationState) -> tuple[int, int, int]:
    """Return (gross, inflation, net) of the year at the present stake, in basis points."""
    terms, everybody, supply = state.terms, _all_stake(state), state.terms.supply + state.minted
    yearly = terms.yearly if terms.form == "pol" else 0
    if terms.form == "strk":
        yearly = yearly_mint_down(terms.numerator, everybody, supply)
    for_us = yearly - mul_div_down(yearly, terms.alpha_bps, BPS)
    gross = mul_div_down(for_us * (100 - terms.commission) + terms.tips * 100, BPS, everybody * 100)
    if terms.form == "subsidy":
        gross = terms.rate_bps
    inflation = mul_div_down(yearly + terms.other_mint, BPS, supply)
    return gross, inflation, real_bps_down(gross, inflation)


_VERBS: Mapping[str, Callable[[DelegationState, Effects, Mapping[str, Any]], Result]] = {
    "delegate": _delegate,
    "undelegate": _undelegate,
    "claim_unbonded": _claim_unbonded,
    "claim": _claim,
    "restake": _restake,
    "epoch": _epoch,
}
