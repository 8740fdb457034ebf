"""What everybody else does at a chef: its owner, the owner of a rewarder, whoever brings rewards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidemill.errors import Revert
from tidemill.venues.minichef import model_rewarder as rewarders
from tidemill.venues.minichef.doing import Doing, require_owner
from tidemill.venues.minichef.model_stakers import pool_of, update
from tidemill.venues.minichef.state import ChefState, PoolState, Share

__all__ = ["VERBS", "Verb", "verb"]


def _add_pool(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    require_owner(doing, state.owner)
    share, pid = Share(), len(state.pools)
    doing.set_points(state, share, int(args["points"]), 0)
    share.updated = doing.ctx.block.time
    pool = PoolState(str(args["token"]), str(args.get("rewarder", "")), share)
    doing.undo.put(state.pools, pid, pool)
    doing.log("LogPoolAddition", pid=pid, allocPoint=share.points, lpToken=pool.token, rewarder=pool.rewarder)


def _set_pool(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    """Change points, and the rewarder if asked to; what accrued since the last touch is shared by the new points."""
    require_owner(doing, state.owner)
    pid, overwrite = int(args["pid"]), bool(args.get("overwrite", False))
    pool = pool_of(state, pid)
    doing.set_points(state, pool.share, int(args["points"]), pool.share.points)
    if overwrite:
        doing.undo.set(pool, "rewarder", str(args.get("rewarder", "")))
    doing.log("LogSetPool", pid=pid, allocPoint=pool.share.points, rewarder=pool.rewarder, overwrite=overwrite)


def _set_rate(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    """Change the rate; what accrued since a pool's last touch is paid at the new one."""
    require_owner(doing, state.owner)
    doing.undo.set(state, "rate", int(args["rate"]))
    doing.log("LogSushiPerSecond", sushiPerSecond=state.rate)


def _update_pool(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    pid = int(args.get("pid", state.own))
    update(state, doing, pid, pool_of(state, pid))


def _update_rewarder(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    rewarders.update(state, doing, rewarders.known(state, str(args["rewarder"])), int(args.get("pid", state.own)))


def _fund(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    """Send a token to the chef, or to a rewarder: neither makes any by itself."""
    to = rewarders.known(state, str(args["rewarder"])).account if args.get("rewarder") else state.account
    doing.move(str(args["token"]), doing.ctx.sender, to, int(args["amount"]), "balance")


def _rewarder_add(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    rewarders.add(doing, rewarders.known(state, str(args["rewarder"])), int(args["points"]), int(args["pid"]))


def _rewarder_set(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    rewarders.set_points(doing, rewarders.known(state, str(args["rewarder"])), int(args["points"]), int(args["pid"]))


def _rewarder_rate(state: ChefState, doing: Doing, args: Mapping[str, Any]) -> None:
    rewarders.set_rate(doing, rewarders.known(state, str(args["rewarder"])), int(args["rate"]))


Verb = Callable[[ChefState, Doing, Mapping[str, Any]], None]

VERBS: Mapping[str, Verb] = {
    "add_pool": _add_pool,
    "set_pool": _set_pool,
    "set_sushi_per_second": _set_rate,
    "update_pool": _update_pool,
    "update_rewarder": _update_rewarder,
    "fund": _fund,
    "rewarder_add": _rewarder_add,
    "rewarder_set": _rewarder_set,
    "rewarder_rate": _rewarder_rate,
}


def verb(name: str) -> Verb:
    """Return a verb by name; raises ``Revert`` for none."""
    if name not in VERBS:
        raise Revert(f"no verb {name!r}")
    return VERBS[name]
