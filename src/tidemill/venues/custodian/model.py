"""Who manages for others, in memory: clients' money that gains and loses, comes and goes, and fees by period."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.units import BPS, minimum, mul_div_down
from tidemill.venues.custodian.rules import Client, Fees, bring, charge, take_out
from tidemill.venues.shared.effects import Effects

__all__ = ["CustodianModel", "CustodianState"]

BILLION = 10**9


@dataclass
class CustodianState:
    """``book`` are the clients and ``since`` when each was last charged (seconds); ``fees`` are charged and not collected.

    Clients' money is theirs and lies elsewhere; ``account`` holds the fees in the world's book, raw units of ``token``.
    """

    venue: str
    account: str
    token: str
    operator: str
    asset_bps: int
    profit_bps: int
    book: dict[int, Client] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    fees: Fees = field(default_factory=lambda: Fees(0, 0))

    def __deepcopy__(self, memo: object) -> CustodianState:
        """Copy quickly: stages copy before every action."""
        made = copy.copy(self)
        made.book, made.since = dict(self.book), dict(self.since)
        return made


class CustodianModel:
    """`Model` of a manager.

    Of the script: day (``result_ppb`` for all; then ``client`` takes ``out_bps`` of all that is managed, as far as it has
    that, and another one, ``new``, brings ``in_bps`` of it; ``run_bps``: a part of its money that every client takes out),
    charge (every client). Of the manager: collect.
    """

    def init(self, params: Mapping[str, Any]) -> CustodianState:
        """Make a manager; ``params``: the fields of `CustodianState`."""
        return CustodianState(**params)

    def apply(self, state: CustodianState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts."""
        verbs = {"day": _day, "charge": _charge, "collect": _collect}
        if action.verb not in verbs:
            raise Revert(f"no verb {action.verb!r}")
        if action.verb == "collect" and ctx.sender != state.operator:
            raise Revert("not the manager")
        return verbs[action.verb](state, Effects(ctx), action.args)

    def read(self, state: CustodianState, query: str, *args: Any) -> Any:
        """Answer ``assets`` (all that is managed), ``clients`` (with money), ``fees`` (on assets, on profit; not collected) or
        ``below`` (clients below their mark, of whom no fee on profit comes until they are above it).
        """
        plain = {
            "assets": sum(one.value for one in state.book.values()),
            "clients": sum(one.value > 0 for one in state.book.values()),
            "fees": (state.fees.assets, state.fees.profit),
            "below": sum(one.value < one.mark for one in state.book.values()),
        }
        return plain[query]

    def positions(
        self, state: CustodianState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return fees charged and not collected, those on profit by themselves."""
        if owner != state.operator:
            return ()
        both = (("takings", state.fees.assets), ("carry", state.fees.profit))
        return tuple(
            Position(f"{venue}#{kind}", venue, kind, {"size": 1}, {}, {state.token: due} if due else {})
            for kind, due in both
        )

    def rates(self, state: CustodianState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A manager has no receipt token: what clients hold is theirs."""
        return {}


def _charge_one(state: CustodianState, effects: Effects, name: int) -> None:
    now = effects.ctx.block.time
    client, fees = charge(state.book[name], state.asset_bps, state.profit_bps, now - state.since[name])
    state.book[name], state.since[name] = client, now
    state.fees = Fees(state.fees.assets + fees.assets, state.fees.profit + fees.profit)
    effects.move(state.token, effects.ctx.sender, state.account, fees.total, "balance")


def _charge(state: CustodianState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    before = state.fees.total
    for name in state.book:
        _charge_one(state, effects, name)
    return effects.result({"fees": state.fees.total - before})


def _take(state: CustodianState, effects: Effects, name: int, amount: int) -> None:
    """A client who takes money out pays for the time until then first."""
    _charge_one(state, effects, name)
    client = state.book[name]
    state.book[name] = take_out(client, minimum(amount, client.value))


def _day(state: CustodianState, effects: Effects, args: Mapping[str, Any]) -> Result:
    gain = BILLION + int(args["result_ppb"])
    for name, client in state.book.items():
        state.book[name] = structs.replace(client, value=mul_div_down(client.value, gain, BILLION))
    managed = sum(one.value for one in state.book.values())
    if args["out_bps"]:
        _take(state, effects, int(args["client"]), mul_div_down(managed, int(args["out_bps"]), BPS))
    if args["run_bps"]:
        for name in state.book:
            _take(state, effects, name, mul_div_down(state.book[name].value, int(args["run_bps"]), BPS))
    coming = mul_div_down(managed, int(args["in_bps"]), BPS)
    if coming:
        new = int(args["new"])
        if new in state.book:
            _charge_one(state, effects, new)
        state.since[new] = effects.ctx.block.time
        state.book[new] = bring(state.book.get(new, Client(0, 0)), coming)
    return effects.result({"managed": sum(one.value for one in state.book.values())})


def _collect(state: CustodianState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    fees = state.fees
    if not fees.total:
        raise Revert("nothing to collect")
    effects.move(state.token, state.account, state.operator, fees.total, "balance")
    state.fees = Fees(0, 0)
    effects.log("Collected", assets=fees.assets, profit=fees.profit)
    return effects.result({"assets": fees.assets, "profit": fees.profit})
