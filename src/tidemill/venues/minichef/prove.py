"""A deployed MiniChefV2 held against the model: one pool's stakers, SUSHI to the second, every refusal."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Event
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import CHEF, NOBODY, ChefDeployment
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState, PoolState, Share
from tidemill.venues.shared.client_parts import ERC20, ask, ask_many
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids

__all__ = ["BESIDE", "ChefSubject", "subject"]

BESIDE = ("pool",)
"""The pool's number, in hex; the first one without a rewarder where none is given."""

_PLAIN = ("poolLength", "totalAllocPoint", "sushiPerSecond")
_OF_POOL = ("lpToken", "rewarder", "poolInfo")
_VERBS = ("deposit", "deposit", "withdraw", "withdraw", "harvest", "withdraw_and_harvest", "exit", "update_pool")
_RARE = "emergency_withdraw"
_LEAST = 10**9


class ChefSubject(Subject):
    """One pool of a chef. A rewarder beside it keeps sums that no view tells, so a pool without one is tried."""

    def __init__(self, site: Site) -> None:
        self.rpc, self.me, self.chef = site.rpc, site.me, site.address
        self.pid = int(site.beside["pool"], 16) if "pool" in site.beside else self._plain_pool()
        sushi = ChefDeployment.sushi_of(site.rpc, site.address)
        (staked,), (rewarder,) = self._of_pools("latest", [self.pid])[0][:2]
        if rewarder != NOBODY:
            raise BadInput(
                f"pool {self.pid} has a rewarder; give the number of one without (--with pool=0x…)", field="with"
            )
        staked_id, sushi_id = symbol_ids(("staked", "sushi"))
        self.staked = sushi_id if staked == sushi else staked_id
        self.tokens = {sushi_id: sushi, self.staked: staked}
        at = ChefDeployment(self.chef, sushi, {address: name for name, address in self.tokens.items()}, pid=self.pid)
        self.client = ChefClient(site.rpc, at, venue="chef", account=site.me, name=site.me)
        self.model = ChefModel()
        self.accounts = (self.chef,)
        (lying,) = ask(site.rpc, staked, ERC20, "balanceOf", (self.chef,), "latest")
        self.wealth = {self.staked: max(lying, _LEAST)}

    def _of_pools(self, block: BlockId, pids: Sequence[int]) -> list[list[tuple[Any, ...]]]:
        asked = [(name, (pid,)) for pid in pids for name in _OF_POOL]
        found = ask_many(self.rpc, self.chef, CHEF, asked, block)
        return [found[place : place + len(_OF_POOL)] for place in range(0, len(found), len(_OF_POOL))]

    def _plain_pool(self) -> int:
        (count,) = ask(self.rpc, self.chef, CHEF, "poolLength", (), "latest")
        for pid, ((_token,), (rewarder,), info) in enumerate(self._of_pools("latest", range(count))):
            if rewarder == NOBODY and info[2]:
                return pid
        raise BadInput(f"{self.chef} has no pool with points and without a rewarder", field="address")

    def state(self, block: BlockId = "latest", events: Sequence[Event] = ()) -> ChefState:
        """See `Subject`: all pools, and of stakers oneself and those who act in ``events``."""
        plain = ask_many(self.rpc, self.chef, CHEF, [(name, ()) for name in (*_PLAIN, "owner")], block)
        (count,), (points,), (rate,), (owner,) = plain
        state = ChefState(self.chef, next(iter(self.tokens)), owner, self.pid, rate, points)
        names = {address: name for name, address in self.tokens.items()}
        for pid, ((token,), (rewarder,), info) in enumerate(self._of_pools(block, range(count))):
            share = Share(info[2], info[1], info[0])
            state.pools[pid] = PoolState(names.get(token, token), "" if rewarder == NOBODY else rewarder, share)
        who = [
            (event.args["pid"], event.args[name]) for event in events for name in ("user", "to") if name in event.args
        ]
        asked = list(dict.fromkeys([(self.pid, self.me), *who]))
        for (at, one), stake in zip(asked, self._stakes(asked, block), strict=True):
            if any(stake):
                state.pools[int(at)].share.stakes[str(one)] = stake[0], stake[1]
        return state

    def _stakes(self, asked: Sequence[tuple[Any, ...]], block: BlockId) -> list[tuple[Any, ...]]:
        return ask_many(self.rpc, self.chef, CHEF, [("userInfo", one) for one in asked], block)

    def views(self, state: ChefState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`."""
        asked: list[tuple[Any, ...]] = [(name,) for name in _PLAIN]
        asked += [
            ("poolInfo", self.pid),
            ("lpToken", self.pid),
            ("rewarder", self.pid),
            ("userInfo", self.pid, self.me),
        ]
        asked.append(("pendingSushi", self.pid, self.me, now, balance(self.staked, self.chef)))
        return self.asked(state, asked, block)

    def draw(self, random: Random, state: ChefState, balance: Balance) -> Drawn:
        """See `Subject`."""
        verb = _RARE if one_in(random, 20) else random.choice(_VERBS)
        own, _ = state.pools[self.pid].share.stakes.get(self.me, (0, 0))
        if verb == "deposit":
            whole = balance(self.staked, self.me) >> 1
            return [Action(verb, {"amount": min(part_of(random, whole), whole)})]
        if verb in ("withdraw", "withdraw_and_harvest"):
            amount = own + 1 if one_in(random, 10) else min(part_of(random, own), own)
            return [Action(verb, {"amount": amount})]
        return [Action(verb)]


def subject(site: Site) -> ChefSubject:
    """Return a deployed chef's pool; raises ``RpcError`` when the address is none."""
    return ChefSubject(site)
