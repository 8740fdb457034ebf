"""What shocks do to a whole market's future beside its price: who is included when, what is taken, what a reward is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.engine.rules import Outage
from tidemill.errors import BadInput
from tidemill.interfaces import Mark
from tidemill.ledger.holdings import holdings
from tidemill.networks import Network
from tidemill.studies.prepare import Prepared
from tidemill.studies.shocks import Shock
from tidemill.studies.study import Study
from tidemill.units import parse_amount

__all__ = [
    "CALM", "LOST", "Unrest", "forced_hours", "outages", "priced_before", "priced_fall", "reward_pairs", "rewards",
    "scripted_fall", "taken",
]  # fmt: skip

LOST = "Lost with the venue"
"""The row of what an exploit takes."""
DAY_S, HOUR_S, MICRO = 86_400, 3_600, 6
WHOLE = 1_000_000
"""Of what a ratio is a part."""


class Unrest(Struct, frozen=True):
    """What one future's backtest meets.

    ``outages``: when nothing of one's own is included. ``sandwich_bps``: what somebody else takes of each own swap at most,
    ``None`` for nothing. ``falls``: by symbol of a token that the study prices, from which second on it is worth how much of
    that, as a ratio.
    """

    outages: tuple[Outage, ...] = ()
    sandwich_bps: int | None = None
    falls: Mapping[str, tuple[int, tuple[int, int]]] = {}

    def scale(self, time: int) -> dict[str, tuple[int, int]]:
        """Return by how much stated prices differ at ``time`` (seconds)."""
        return {f"price:{symbol}": ratio for symbol, (since, ratio) in self.falls.items() if time >= since}


CALM = Unrest()


def forced_hours(network: Network) -> int | None:
    """Return after how many hours a network includes what its sequencer leaves out, ``None`` where it never does."""
    facts = network.facts.facts if network.facts else {}
    if "force_inclusion" in facts:
        return -(-network.facts.integer("force_inclusion") // HOUR_S)
    if "seq_window_size" in facts:
        return -(-network.facts.integer("seq_window_size") * 12 // HOUR_S)
    return None


def outages(prepared: Prepared, shocks: tuple[Shock, ...], moment: int, end: int) -> tuple[Outage, ...]:
    """Return when nothing of one's own is included: ``moment`` is when a sequencer stops, ``end`` when one wants to leave.

    A sequencer is that of the study's own network, and is down no longer than inclusion there takes when it is forced. An
    exit that is frozen is frozen on every network.
    """
    found = []
    for shock in shocks:
        if shock.kind == "sequencer":
            forced = forced_hours(prepared.network)
            hours = shock.size if forced is None else min(shock.size, forced)
            found.append(Outage(moment, moment + round(hours * HOUR_S), prepared.study.network))
        elif shock.kind == "frozen":
            found.append(Outage(end - round(shock.size * DAY_S), end))
    return tuple(found)


def priced_before(study: Study, shocks: Sequence[Shock]) -> dict[str, Any]:
    """Return the prices that the study states, with those changed that a ``price`` shock names.

    Raises
    ------
    BadInput : the study states no price of it.
    """
    prices = {token: str(price) for token, price in study.prices.items()}
    for shock in shocks:
        if shock.kind != "price":
            continue
        if shock.token not in prices:
            known = ", ".join(prices) or "none"
            raise BadInput(
                f"{shock.words}: the study states no price of {shock.token} (it states {known})", field="shock"
            )
        micro = parse_amount(prices[shock.token], MICRO) * round((100 + shock.size) * 1000) // 100_000
        prices[shock.token] = f"{max(micro, 1) / 10**MICRO:.6f}"
    return prices


def rewards(study: Study) -> set[str]:
    """Return the symbols of tokens that the study's venues pay beside what they trade or lend."""
    told = (spec.params.get("reward", "") for spec in study.venues.values())
    return {str(symbol).partition("@")[0] for symbol in told if symbol} - {study.home}


def priced_fall(study: Study, shock: Shock, since: int) -> dict[str, tuple[int, tuple[int, int]]]:
    """Return the fall of those rewards that the study states a price of."""
    ratio = round((100 - shock.size) * WHOLE / 100), WHOLE
    return dict.fromkeys(rewards(study) & set(study.prices), (since, ratio))


def scripted_fall(study: Study, shock: Shock, day: int) -> Study:
    """Return the study with the fall of rewards in the scripted pairs that price them, from the start of ``day`` on.

    Raises
    ------
    BadInput : such a pair has a fall of its own already.
    """
    venues = dict(study.venues)
    for name in reward_pairs(study):
        spec = venues[name]
        if spec.params.get("shock_bps"):
            raise BadInput(
                f"{shock.words}: this pair's price falls by the study already; set it to 0",
                file=study.path or None,
                field=f"venues.{name}.params.shock_bps",
            )
        fall = {"shock_bps": round(shock.size * 100), "shock_day": day, "shock_days": 0}
        venues[name] = msgspec.structs.replace(spec, params={**spec.params, **fall})
    return msgspec.structs.replace(study, venues=venues)


def reward_pairs(study: Study) -> list[str]:
    """Return the scripted pairs in which a reward is traded as the first token, whose price is told in the second."""
    paid = rewards(study)
    return [
        name
        for name, spec in study.venues.items()
        if spec.kind == "uniswap_v2" and str(spec.params.get("token0")) in paid
    ]


def taken(marks: Sequence[Mark], part: float, worth: int) -> float:
    """Return which part of all of one's money goes where the venue that holds most of it loses ``part`` of what it holds.

    What one has there is told by the last of ``marks``, in integers, and is ``worth`` together with the rest (micro-units
    of home); what is owed at the same venue is not paid back beyond that.
    """
    gross, net = _at_venues(marks[-1])
    if not gross or worth <= 0:
        return 0.0
    venue = max(sorted(gross), key=lambda name: gross[name])
    return min(math.floor(gross[venue] * part), max(net[venue], 0)) / worth


def _at_venues(mark: Mark) -> tuple[dict[str, int], dict[str, int]]:
    """Return what one has at each venue, and that less what one owes there, micro-units of home rounded down.

    A share that is staked or lent somewhere counts there, not where it was made: it is in one place.
    """
    gross: dict[str, int] = {}
    net: dict[str, int] = {}
    seen_through = {f"{rate.venue}#shares" for rate in mark.rates.values()}
    held = [
        (claim.venue, token, amount)
        for name, claim in holdings(mark).claims.items()
        if name not in seen_through
        for token, amount in [*claim.principal.items(), *claim.pending.items()]
    ]
    held += [(rate.venue, token, mark.balances.get(token, 0)) for token, rate in mark.rates.items()]
    for venue, token, amount in held:
        value = _worth_down(mark, token, amount)
        gross[venue] = gross.get(venue, 0) + max(value, 0)
        net[venue] = net.get(venue, 0) + value
    return gross, net


def _worth_down(mark: Mark, token: str, amount: int) -> int:
    """Return micro-units of home, a receipt token's by what it stands for; 0 for what nothing prices."""
    if rate := mark.rates.get(token):
        return sum(_worth_down(mark, asset, part) for asset, part in rate.of_down(amount).items())
    price = mark.prices.get(token)
    return amount * price.num // price.den if price else 0
