"""Displayed rates are claims: which are left out, and what is believed of the others. Every rule is stated and has a name.

=================  ==================================================================================================
``unreadable``     no row at all, or one without chain, project or symbol
``no rate``        no number, or a rate below 0
``contradiction``  the same id twice, with other figures or words; or a rate that is not the sum of its parts
``repeated``       the same row again, word for word
``unknown tvl``    what is in it is not given
``absurd tvl``     more in it than there is money in all of these networks
``small``          less in it than asked for (``min_tvl``)
``no network``     a network that tidemill has no facts about
``ended``          the network or the venue there has ended or only lets money out, or has an open incident
``points only``    nothing but points or a token without a rate
``unproven``       its model, if there is one, is proven less than asked for (``proof``)
``absurd``         more than ``most`` a year is promised: no source of income pays that for long; two fifths of it where
                   no prices part: what borrowers, stakes and trades pay for tokens of one worth
``stale``          last looked at more than ``stale_days`` ago (a rate by a protocol's own rules: ``lasting_days``)
``later``          looked at after the day of the plan
``young``          followed for fewer days than asked for
``outlier``        the list itself calls it one
``exit too slow``  leaving it takes longer than the horizon (``exits``)
=================  ==================================================================================================

Of what is left the *lower* of today's rate and its mean of 30 days is believed; rewards in tokens are believed by half (of 47
airdropped tokens 36 had fallen by August 2024, by 62 % on average), so that a displayed rate is never the expected one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from tidemill import networks
from tidemill.facts import Status
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.venues.about import deployments
from tidemill.venues.kinds import kind

__all__ = ["Believed", "Doubt", "Rules", "sift"]

BPS = 10_000
ALONE = 4
"""Tenths of the largest rate believed possible that a place pays in which no prices part: a judgement."""
PROOFS = ("bytecode-equal", "fork-equal", "rule-checked", "unproven")
"""Proof levels, strongest first."""
MOST_TVL = 10**12 * 10**6
"""Micro-dollars that no opportunity holds: a trillion."""
FIELDS = {
    "unreadable": "chain, project, symbol",
    "contradiction": "pool, apy",
    "repeated": "pool",
    "no rate": "apy",
    "unknown tvl": "tvlUsd",
    "absurd tvl": "tvlUsd",
    "small": "tvlUsd",
    "no network": "chain",
    "ended": "chain, project",
    "points only": "apy, rewardTokens",
    "unproven": "project",
    "outlier": "outlier",
    "absurd": "apy",
    "young": "count",
    "stale": "timestamp",
    "later": "timestamp",
}
"""The field of a list's row that each rule looks at."""


class Rules(Struct, frozen=True):
    """What a list has to meet. ``most_bps`` is the largest rate believed possible; ``reward_bps`` is believed of rewards.

    ``now`` is the end of the day that a row's own date is compared with (unix seconds), ``None``: not compared.
    """

    min_tvl: int = 1_000_000 * 10**6
    min_days: int = 30
    most_bps: int = 10_000
    reward_bps: int = 5_000
    networks: tuple[str, ...] = ()
    proof: str = "unproven"
    now: int | None = None
    stale_days: int = 3
    lasting_days: int = 365


class Doubt(Struct, frozen=True):
    """An opportunity left out: the rule, what it found, and the field of the list that it found it in."""

    opportunity: Opportunity
    rule: str
    why: str
    field: str = ""


class Believed(Struct, frozen=True):
    """An opportunity kept, and what is believed of it: basis points a year of the base and of rewards."""

    opportunity: Opportunity
    base_bps: int
    reward_bps: int
    notes: tuple[str, ...] = ()

    @property
    def bps(self) -> int:
        """All that is believed."""
        return self.base_bps + self.reward_bps


def sift(rows: Sequence[Opportunity], rules: Rules) -> tuple[list[Believed], list[Doubt]]:
    """Part a list into what is believed, best first, and what is left out, with the rule."""
    kept: list[Believed] = []
    doubts: list[Doubt] = []
    seen: dict[str, Opportunity] = {}
    clashing = _clashing(rows)
    for row in rows:
        if row.id in seen and row.id not in clashing:
            doubts.append(
                Doubt(row, "repeated", f"row {row.row}: the same as row {seen[row.id].row}", FIELDS["repeated"])
            )
            continue
        seen[row.id] = row
        found = _doubt(row, rules, clashing)
        if found:
            doubts.append(Doubt(row, *found, _field(row, found[0])))
        else:
            kept.append(_believed(row, rules))
    kept.sort(key=lambda one: (-one.bps, one.opportunity.row))
    return kept, doubts


def _clashing(rows: Sequence[Opportunity]) -> set[str]:
    first: dict[str, Opportunity] = {}
    clashing: set[str] = set()
    for row in rows:
        other = first.setdefault(row.id, row)
        # whatever a row says counts, but for where it stands and how it spells a network that is known
        if replace(other, row=row.row, chain=row.chain if row.network else other.chain) != row:
            clashing.add(row.id)
    return clashing


def _field(row: Opportunity, rule: str) -> str:
    """Return what a doubt is about: a list's field, or where else the row is from."""
    return {"list": FIELDS[rule], "hand": "offer", "facts": "own facts"}[row.origin]


def _doubt(row: Opportunity, rules: Rules, clashing: set[str]) -> tuple[str, str] | None:
    total = row.displayed_bps
    if not (row.chain and row.project and row.symbol):
        return "unreadable", f"row {row.row} does not say chain, project and symbol"
    if row.id in clashing:
        return "contradiction", f"row {row.row}: the same id stands in the list with other figures"
    if total is None or total < 0:
        return "no rate", "no rate is given" if total is None else f"{total / 100:.2f} % a year"
    if (row.tvl is None and row.origin == "list") or (row.tvl is not None and row.tvl <= 0):
        return "unknown tvl", "what is in it is not given"
    if row.tvl is not None and row.tvl > MOST_TVL:
        return "absurd tvl", f"{row.tvl // 10**6:,} USD in it"
    if row.network not in networks.names():
        return "no network", f"{row.chain} is no network that tidemill has facts about"
    if rules.networks and row.network not in rules.networks:
        return "no network", f"{row.network} is not among the networks asked for"
    ended = _standing(row.network) or _venue_standing(row.kind, row.network)
    if ended:
        return "ended", ended
    proof = kind(row.kind).proof if row.kind else "unproven"
    if PROOFS.index(proof) > PROOFS.index(rules.proof):
        return "unproven", f"its model is {proof}" if row.kind else "there is no model of it"
    if total == 0 and (row.rewarded or not row.base_bps):
        return "points only", "nothing is paid that has a rate"
    if row.outlier:
        return "outlier", "the list calls it one"
    most = rules.most_bps if row.diverges else rules.most_bps * ALONE // 10
    if total > most:
        return "absurd", f"{total / 100:,.0f} % a year is promised, more than {most / 100:,.0f} %"
    parts = (row.base_bps or 0) + (row.reward_bps or 0)
    if row.apy_bps is not None and row.base_bps is not None and abs(parts - total) > max(100, total // 10):
        return "contradiction", f"{total / 100:.2f} % a year, but its parts come to {parts / 100:.2f} %"
    if row.tvl is not None and row.tvl < rules.min_tvl:
        return "small", f"{row.tvl // 10**6:,} USD in it, fewer than {rules.min_tvl // 10**6:,}"
    if found := _aged(row, rules):
        return found
    if row.days is not None and row.days < rules.min_days:
        return "young", f"followed for {row.days} days, fewer than {rules.min_days}"
    return None


def _aged(row: Opportunity, rules: Rules) -> tuple[str, str] | None:
    """Doubt a rate by the day that it is of."""
    if rules.now is None or row.updated is None:
        return None
    age = (rules.now - row.updated) // 86_400
    if age < 0:
        return "later", f"it is of {row.as_of}, after the day of the plan"
    most = rules.lasting_days if row.lasting else rules.stale_days
    return ("stale", f"{(row.displayed_bps or 0) / 100:.2f} % on {row.as_of}, {age:,} days ago") if age > most else None


def _standing(network: str) -> str:
    status = networks.get(network).status
    closed = (Status.ENDED, Status.WITHDRAW_ONLY, Status.INCIDENT)
    return f"{network} is {status.value}: no new money goes there" if status in closed else ""


@cache
def _venue_standing(name: str, network: str) -> str:
    """Say that all known contracts of a kind on a network have ended; empty where one is live or none is known."""
    facts = deployments(kind(name)).get(network, {}) if name else {}
    if not facts or any(fact.status is Status.LIVE for fact in facts.values()):
        return ""
    return f"{name} on {network} is {next(iter(facts.values())).status.value}: no new money goes there"


def _believed(row: Opportunity, rules: Rules) -> Believed:
    total = row.displayed_bps or 0
    reward = max(min(row.reward_bps or 0, total), 0)  # a reward below 0 is no reason to believe more of the rest
    notes = []
    believed = total
    if row.mean_bps is not None and row.mean_bps < total:
        believed = max(row.mean_bps, 0)
        notes.append(f"its mean of 30 days is {row.mean_bps / 100:.2f} %, today {total / 100:.2f} %")
    if row.low_bps is not None and row.low_bps < believed:
        believed = row.low_bps
        notes.append(f"facts allow for {row.low_bps / 100:.2f} to {total / 100:.2f} %: the least is believed")
    notes += [row.note] if row.note else []
    if row.tvl is None:
        notes.append("what is in it is not given: how much your own money weighs on its rate is not known")
    # what is taken off is taken off both parts alike
    reward = reward * believed // total if total else 0
    base = believed - reward
    if reward:
        notes.append(f"{reward / 100:.2f} % is paid in tokens, believed by {rules.reward_bps / 100:.0f} %")
    return Believed(row, base, reward * rules.reward_bps // BPS, tuple(notes))
