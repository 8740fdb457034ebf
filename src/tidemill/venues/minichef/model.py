"""MiniChefV2 in memory: stakes in several pools, SUSHI by points, and a rewarder told of every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action, Context, Event, Position, Rate, Result
from tidemill.venues.minichef import model_owner, model_stakers
from tidemill.venues.minichef import model_rewarder as rewarders
from tidemill.venues.minichef.doing import Doing, boring
from tidemill.venues.minichef.model_stakers import emitted, pool_of
from tidemill.venues.minichef.replay import replay
from tidemill.venues.minichef.rules import accrued_down, growth_down, owed
from tidemill.venues.minichef.state import NOTHING, ChefState, PoolState, RewarderState, Share
from tidemill.venues.shared.words import count_words

__all__ = ["ALIASES", "ChefModel"]

ALIASES = {"stake": "deposit", "claim": "harvest"}
"""The names that farms in general have for a chef's verbs."""

_WHOLE = ("harvest", "exit", "emergency_withdraw")
"""Verbs that concern the whole stake."""


class ChefModel:
    """`Model` of a chef.

    Of stakers: deposit, withdraw, harvest, withdraw_and_harvest, emergency_withdraw, exit (withdraw_and_harvest of
    everything), and ``stake`` and ``claim`` for deposit and harvest; ``pid`` is the state's own pool and ``to`` the
    sender where they are not named. Of anybody: update_pool, update_rewarder, fund. Of the owner: add_pool, set_pool,
    set_sushi_per_second; of a rewarder's owner: rewarder_add, rewarder_set, rewarder_rate.
    """

    def init(self, params: Mapping[str, Any]) -> ChefState:
        """Make a chef without pools; ``params``: account, sushi, owner, and rewarders: dicts of `RewarderState`."""
        made = [RewarderState(**one) for one in params.get("rewarders", ())]
        by_account = {rewarder.account: rewarder for rewarder in made}
        return ChefState(
            params["account"], params["sushi"], params["owner"], int(params.get("own", 0)), rewarders=by_account
        )

    def apply(self, state: ChefState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the storage words of stakes and tokens."""
        verb = ALIASES.get(action.verb, action.verb)
        doing = Doing(ctx)
        try:
            if verb in model_stakers.VERBS:
                return self._counted(state, doing, verb, action)
            model_owner.verb(verb)(state, doing, action.args)
        except Revert:
            doing.undo.undo(0)
            raise
        return doing.result({})

    def replay(self, state: ChefState, event: Event, ctx: Context) -> None:
        """Apply a recorded event; what was paid and what accrued must reproduce (see `replay`)."""
        replay(state, event, ctx.block.time)

    def read(self, state: ChefState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name, a rewarder's as ``rewarder.NAME`` with its account first.

        ``pendingSushi`` and ``rewarder.pendingToken`` take two more at their end: the time, and the raw units of the
        pool's token that lie at the chef.
        """
        plain = {"poolLength": len(state.pools), "totalAllocPoint": state.total_points, "sushiPerSecond": state.rate}
        if query in plain:
            return plain[query]
        if query.startswith("rewarder."):
            return _read_rewarder(query.partition(".")[2], rewarders.known(state, args[0]), *args[1:])
        pool = pool_of(state, args[0])
        if query == "poolInfo":
            return pool.share.per_share, pool.share.updated, pool.share.points
        if query == "userInfo":
            return pool.share.stakes.get(args[1], NOTHING)
        if query in ("lpToken", "rewarder"):
            return pool.token if query == "lpToken" else pool.rewarder
        if query == "pendingSushi":
            return _pending(state, pool, *args[1:])
        raise KeyError(query)

    def positions(
        self, state: ChefState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the owner's stake in each pool with both rewards it could claim at ``now`` (seconds).

        What the contract would refuse to pay at this moment is not claimable.
        """
        out = []
        for pid, pool in state.pools.items():
            staked, _ = pool.share.stakes.get(owner, NOTHING)
            lying = balance(pool.token, state.account)
            claimable = _claimable(state, pid, pool, owner, now, lying)
            if staked or claimable:
                principal = {pool.token: staked} if staked else {}
                out.append(Position(f"{venue}#{pid}", venue, "stake", {"staked": staked}, principal, claimable))
        return tuple(out)

    def rates(self, state: ChefState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A chef issues no receipt token."""
        return {}

    def _counted(self, state: ChefState, doing: Doing, verb: str, action: Action) -> Result:
        me = doing.ctx.sender
        pid, to = int(action.args.get("pid", state.own)), str(action.args.get("to", me))
        pool = pool_of(state, pid)
        holder = to if verb == "deposit" else me
        staked = pool.share.stakes.get(holder, NOTHING)[0]
        before = _words(state, doing, pid, holder, to)
        amount = staked if verb in _WHOLE else int(action.args["amount"])
        doing.count("transfers", 0)
        doing.count("rewarded", int(pool.rewarder != ""))
        amounts = model_stakers.VERBS[verb](state, doing, pid, pool, amount, to)
        left = pool.share.stakes.get(holder, NOTHING)[0]
        doing.count("first_stake", int(staked == 0 and left > 0))
        doing.count("last_stake", int(staked > 0 and left == 0))
        for name, times in count_words(zip(before, _words(state, doing, pid, holder, to), strict=True)).items():
            doing.count(name, times)
        return doing.result(amounts)


def _pending(state: ChefState, pool: PoolState, who: str, now: int, lying: int) -> int:
    share = pool.share
    per_share = share.per_share
    if now > share.updated and lying:
        # A view adds in 256 bits: it still answers where the pool itself could not be touched any more.
        per_share += boring("Mul", growth_down, emitted(state, share, now), lying)
    staked, debt = share.stakes.get(who, NOTHING)
    return owed(boring("Mul", accrued_down, staked, per_share), debt)


def _claimable(state: ChefState, pid: int, pool: PoolState, owner: str, now: int, lying: int) -> dict[str, int]:
    out: dict[str, int] = {}
    try:
        sushi = _pending(state, pool, owner, now, lying)
        out[state.sushi] = sushi
        if pool.rewarder:
            rewarder = rewarders.known(state, pool.rewarder)
            bonus = rewarders.pending(rewarder, pid, owner, now, lying, sushi)
            out[rewarder.token] = out.get(rewarder.token, 0) + bonus
    except Revert:
        pass
    return {token: amount for token, amount in out.items() if amount}


def _read_rewarder(query: str, rewarder: RewarderState, *args: Any) -> Any:
    if query in ("rewardPerSecond", "rewardMultiplier"):
        return rewarder.rate
    share = rewarder.pools.get(args[0], Share())
    if query == "poolInfo":
        return share.per_share, share.updated, share.points
    if query == "userInfo":
        return share.stakes.get(args[1], NOTHING)
    if query == "pendingToken":
        pid, who, now, lying = args
        return rewarders.pending(rewarder, pid, who, now, lying, 0)
    raise KeyError(query)


def _words(state: ChefState, doing: Doing, pid: int, holder: str, to: str) -> list[int]:
    """Return every storage word that a staker's verb may write."""
    pool = state.pools[pid]
    people, tokens = [doing.ctx.sender, to, state.account], {pool.token, state.sushi}
    words = [*pool.share.stakes.get(holder, NOTHING), pool.share.word()]
    if pool.rewarder:
        rewarder = rewarders.known(state, pool.rewarder)
        people.append(rewarder.account)
        tokens.add(rewarder.token)
        share = rewarder.pools.get(pid, Share())
        words += [*share.stakes.get(holder, NOTHING), share.word()]
    return words + [doing.balance(token, who) for token in sorted(tokens) for who in dict.fromkeys(people)]
