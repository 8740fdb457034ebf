"""From facts to shocks: what a network, a kind of venue, a token and a position add to what may be lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from tidemill import networks
from tidemill.facts import Confidence, Fact, Status
from tidemill.networks.risk_facts import AXES, Axis, RiskFacts
from tidemill.studies.risk import base_rates
from tidemill.studies.risk.base_rates import number
from tidemill.studies.risk.beta import Beta, shrunk
from tidemill.studies.risk.estimates import Cause, Estimate, Reason, Shock, shifted
from tidemill.venues.kinds import Kind

__all__ = ["ASSET_AXES", "VENUE_AXES", "asset_shock", "counted_with", "network_shock", "position_shock", "venue_shock"]

_TAIL = 0.05
"""An interval leaves so much out at each end."""
_YEAR = 365.25
_LEAST_PART = 0.5
"""An unknown part lost may be half of the usual one: the half of half and double."""

VENUE_AXES: tuple[Axis, ...] = (
    Axis("upgrade", "who can change the contract, and how fast", 1, (("immutable",), ("delayed",), ("instant",))),
    Axis("oracle", "whose price it believes", 1, (("none",), ("feed",), ("chosen",), ("hard-coded",))),
)
ASSET_AXES: tuple[Axis, ...] = (
    Axis("class", "what holds its value", 1, (("fiat", "staked"), ("crypto", "wrapped"), ("synthetic",))),
)
NO_ISSUER = "native"
"""Class of a token that nobody stands behind: the cause does not arise."""


def network_shock(risk: RiskFacts, on: dt.date) -> Shock:
    """Return what can go wrong with a network itself, its own bridge included."""
    factor = f"network:{risk.name}"
    if risk.settles_itself:
        return _settlement(factor, risk)
    weight, base = number("weight"), number("network.incidents") / number("network.years")
    seen = f"{number('network.incidents'):.0f} incidents in {number('network.years'):.0f} network-years"
    words = f"base rate {base:.2%} a year: {seen}"
    reasons = [Reason(words, base_rates.fact("network.incidents"))]
    belief, unknown = _record(risk, on, base, weight, reasons)
    chance = _stepped(belief, AXES, risk.fact, on, reasons, unknown)
    return Shock("network", factor, chance, _exit_part(risk, on, reasons, unknown), tuple(reasons), tuple(unknown))


def _settlement(factor: str, risk: RiskFacts) -> Shock:
    chance = _between(shrunk(number("settlement.loss") / number("given_loss.usual"), number("weight")))
    words = "settles for itself; what lending lost of all causes in a year bounds what the chain lost"
    known = (
        Reason(words, base_rates.fact("settlement.loss")),
        Reason("its own consensus", risk.fact("state_validation")),
    )
    return Shock("network", factor, chance, _usual_part(), (*known, _part_reason()))


def _record(risk: RiskFacts, on: dt.date, base: float, weight: float, reasons: list[Reason]) -> tuple[Beta, list[str]]:
    """Return the chance after the network's own record, which draws the base rate towards itself."""
    lossy = [one for one in risk.incidents(on) if one.loss is None or one.loss > 0]
    launched, fact = _launched(risk)
    years = max((on - launched).days, 0) / _YEAR if launched else 0.0
    belief = shrunk(base, weight, len(lossy), years)
    for one in lossy:
        cost = "an unknown loss" if one.loss is None else f"{one.loss:,} {one.fact.unit}"
        reasons.append(Reason(f"incident of {one.date}: {cost}", one.fact))
    if launched is None:
        return belief, ["launched"]
    words = f"own record: {len(lossy)} in {years:.1f} years, so {belief.mean:.2%}"
    reasons.append(Reason(words, fact))
    return belief, []


def _launched(risk: RiskFacts) -> tuple[dt.date | None, Fact | None]:
    """Return since when a network has been there to fail: by its risk facts, else by what its own file knows first."""
    if (day := risk.launched()) is not None:
        return day, risk.fact("launched")
    first = networks.get(risk.name).first_known if risk.name in networks.names() else None
    return (None, None) if first is None else (dt.datetime.fromtimestamp(first.since, dt.UTC).date(), first.fact)


def venue_shock(kind: Kind, on: dt.date) -> Shock:
    """Return what can go wrong with a protocol's contracts: one shock wherever they stand, as the code is the same."""
    known = base_rates.venues().facts
    name = "protocol.lending.loss" if kind.family == "lending" else "protocol.any.loss"
    base, reasons = _by_value(name, "given_loss.usual")
    unknown = ["own record"]
    belief = shrunk(base, number("weight"))
    chance = _stepped(belief, VENUE_AXES, lambda axis: known.get(f"{kind.name}.{axis}"), on, reasons, unknown)
    reasons.append(_part_reason())
    return Shock("protocol", f"protocol:{kind.name}", chance, _usual_part(), tuple(reasons), tuple(unknown))


def counted_with(kind: Kind) -> str:
    """Return what a kind's contracts are counted with already (a network's own bridge: ``network``), empty for none."""
    fact = base_rates.venues().facts.get(f"{kind.name}.counted")
    return str(fact.value) if fact else ""


def asset_shock(symbol: str, on: dt.date) -> Shock | None:
    """Return what can go wrong with who stands behind a token, ``None`` where nobody does (ether)."""
    known, symbol = base_rates.assets().facts, base_rates.spelled(symbol)
    kind, issuer = known.get(f"{symbol}.class"), known.get(f"{symbol}.issuer")
    if kind is not None and kind.value == NO_ISSUER:
        return None
    base, reasons = _by_value("issuer.loss", "given_loss.issuer")
    unknown = ["own record"]
    belief = shrunk(base, number("weight"))
    chance = _stepped(belief, ASSET_AXES, lambda axis: known.get(f"{symbol}.{axis}"), on, reasons, unknown)
    if issuer is None:
        unknown.append("issuer")
    else:
        reasons.append(Reason(f"{issuer.value} stands behind {symbol}", issuer))
    part = _part(number("given_loss.issuer"))
    reasons.append(Reason(f"{part.usual:.0%} lost if so", base_rates.fact("given_loss.issuer")))
    factor = f"issuer:{issuer.value}" if issuer else f"token:{symbol}"
    return Shock("asset", factor, chance, part, tuple(reasons), tuple(unknown))


def position_shock(kind: Kind, where: str, *, borrows: bool | None) -> Shock | None:
    """Return what can go wrong with the position by itself, ``None`` where nothing that is priced here can.

    Parameters
    ----------
    where : whose position, so that two are two shocks.
    borrows : whether it carries debt; ``None`` is unknown.
    """
    cause: Cause = "position"
    if kind.family == "amm":
        pools = number("position.pools")
        below, lvr = number("position.below_holding"), number("position.lvr")
        chance = _between(Beta(below * pools, (1.0 - below) * pools))
        usual = lvr * number("position.not_covered") / below
        part = Estimate(usual * _LEAST_PART, usual, lvr / below)
        reasons = (
            Reason(f"{below:.1%} of positions ended below holding", base_rates.fact("position.below_holding")),
            Reason(f"arbitrage takes {lvr:.1%} a year before fees", base_rates.fact("position.lvr")),
            Reason(f"fees left {number('position.not_covered'):.1%} of it", base_rates.fact("position.not_covered")),
        )
        return Shock(cause, f"divergence:{where}", chance, part, reasons, ("volatility of this pair",))
    if kind.family != "lending" or borrows is False:
        return None
    usual, most = number("position.penalty"), number("position.penalty.most")
    why = (
        Reason("no base rate of liquidations is known: anything from seldom to nearly always"),
        Reason(
            f"{usual:.1%} to {most:.1%} of the collateral goes to the liquidator", base_rates.fact("position.penalty")
        ),
    )
    chance = _between(Beta(0.5, 0.5))
    return Shock(cause, f"liquidation:{where}", chance, Estimate(usual * _LEAST_PART, usual, most), why, ("debt",))


def _by_value(loss: str, part: str) -> tuple[float, list[Reason]]:
    """Return the yearly chance behind a published loss of value: the loss, by the part that one costs."""
    base = number(loss) / number(part)
    words = f"base rate {base:.2%} a year: {number(loss):.2%} of value lost, at {number(part):.0%} each"
    return base, [Reason(words, base_rates.fact(loss))]


def _stepped(
    belief: Beta,
    axes: Sequence[Axis],
    find: Callable[[str], Fact | None],
    on: dt.date,
    reasons: list[Reason],
    unknown: list[str],
) -> Estimate:
    """Return the chance after facts: each moves it by its level, and one that is unknown or old spans all levels.

    What is unknown is put into ``unknown``, first what would lower the high end most if it turned out as expected.
    """
    odds, low, usual, high = number("odds"), 0, 0, 0
    spans: list[tuple[int, str]] = []
    for axis in axes:
        fact = find(axis.name)
        level = None if fact is None else axis.level(fact.value)
        if fact is not None and fact.status is Status.SUPERSEDED:
            reasons.append(Reason(f"{axis.name.replace('_', ' ')} was {fact.value} and is not any more: unknown", fact))
            level = None
        best, worst = -axis.typical, axis.count - 1 - axis.typical
        if fact is None or level is None:
            spans.append((worst, axis.name))
            low, high = low + best, high + worst
            continue
        steps = level - axis.typical
        usual += steps
        doubtful = _doubtful(fact, on)
        low, high = (low + best, high + worst) if doubtful else (low + steps, high + steps)
        words = f"{axis.name.replace('_', ' ')} {fact.value}: chance {_as_factor(odds, steps)}"
        reasons.append(Reason(words + (f"; {doubtful}: spans all levels" if doubtful else ""), fact))
        if doubtful:
            spans.append((worst - steps, f"{axis.name} ({doubtful})"))
    unknown[:0] = [words for _, words in sorted(spans, key=lambda span: -span[0])]
    (least, most), mean = _ends(belief), belief.mean
    chances = [shifted(least, low, odds), shifted(mean, usual, odds), shifted(most, high, odds)]
    return Estimate(min(chances[0], chances[1]), chances[1], max(chances[1], chances[2]))


def _doubtful(fact: Fact, on: dt.date) -> str:
    age = (on - fact.as_of).days
    if fact.confidence is Confidence.UNCERTAIN:
        return "uncertain"
    if age < 0:
        return f"read {-age} days later"
    return f"{age} days old" if age > base_rates.days("old_days") else ""


def _as_factor(odds: float, steps: int) -> str:
    return "as typical" if steps == 0 else f"odds × {odds**steps:.2f}"


def _ends(belief: Beta) -> tuple[float, float]:
    return belief.quantile(_TAIL), belief.quantile(1.0 - _TAIL)


def _between(belief: Beta) -> Estimate:
    low, high = _ends(belief)
    return Estimate(min(low, belief.mean), belief.mean, max(high, belief.mean))


def _part(usual: float) -> Estimate:
    return Estimate(usual * _LEAST_PART, usual, number("given_loss.most"))


def _usual_part() -> Estimate:
    return _part(number("given_loss.usual"))


def _part_reason() -> Reason:
    usual, most = number("given_loss.usual"), number("given_loss.most")
    return Reason(f"{usual:.0%} lost if so, at most {most:.0%}", base_rates.fact("given_loss.usual"))


def _exit_part(risk: RiskFacts, on: dt.date, reasons: list[Reason], unknown: list[str]) -> Estimate:
    """Return what is lost with a network: more where nobody can force a way out, anything where that is unknown."""
    fact, usual, most = risk.fact("forced_exit"), number("given_loss.usual"), number("given_loss.most")
    if fact is None or fact.status is Status.SUPERSEDED:
        unknown.append("forced_exit")
        return Estimate(usual * _LEAST_PART, usual, 1.0)
    doubtful, forced = _doubtful(fact, on), fact.value is not False
    known = Estimate(usual * _LEAST_PART, usual, most) if forced else Estimate(usual, most, 1.0)
    words = f"{'an exit can be forced' if forced else 'no forced exit'}: {known.usual:.0%} lost if so"
    reasons.append(Reason(words + (f"; {doubtful}: spans both" if doubtful else ""), fact))
    if doubtful:
        unknown.append(f"forced_exit ({doubtful})")
    return Estimate(usual * _LEAST_PART, known.usual, 1.0) if doubtful else known
