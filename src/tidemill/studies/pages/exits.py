"""The page of the ways out: how long each takes at least, usually and at worst, with dates, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tidemill import __version__
from tidemill.execution.ids import content_hash
from tidemill.networks.exit_plan import ExitPlan
from tidemill.studies.pages.figures import span
from tidemill.studies.pages.page import (
    PAGE,
    Block,
    Column,
    Figure,
    Ladder,
    Notes,
    Page,
    Rung,
    Say,
    Section,
    Table,
    Value,
)
from tidemill.wording import moment

__all__ = ["SCHEMA", "Way", "exits_page"]

SCHEMA = "tidemill.exits/1"
DAY = 86_400


class Way(Struct, frozen=True):
    """A planned way and its cost in words; ``lacks`` is what the cost does not hold."""

    plan: ExitPlan
    cost: str
    lacks: tuple[str, ...] = ()
    keep: str = ""

    @property
    def name(self) -> str:
        """What it is called beside others: a network's own ways name where they lead, a bridge does not."""
        return f"{self.plan.id} to {self.plan.target}" if self.plan.kind == "liquidity" else self.plan.id


def exits_page(amount: str, source: str, targets: Sequence[str], start: int, ways: Sequence[Way]) -> Page:
    """Return the page of ``ways`` for ``amount`` (as a person wrote it) from ``source`` to ``targets``, begun at ``start``."""
    target = " or ".join(targets)
    open_ = [way for way in ways if not way.plan.blocked]
    blocked = [way for way in ways if way.plan.blocked]
    sections = [_overview(open_, start), *(_steps(way, at) for at, way in enumerate(open_)), _closed(blocked)]
    return Page(
        schema=PAGE,
        kind="exits",
        tool_version=__version__,
        title=f"{amount} from {source} to {target}",
        subtitle="How money gets out: every way, how long it takes, what it costs, and who has to act.",
        chips=[
            f"begun {moment(start)} UTC",
            f"{len(open_)} ways open",
            *([f"{len(blocked)} blocked"] if blocked else []),
        ],
        synthetic=False,
        home="",
        says=_says(open_, blocked, start),
        figures=[
            Figure(way.name, span(way.plan.usual - start), "text", f"usually; costs {way.cost}") for way in open_[:5]
        ],
        warnings=list(dict.fromkeys(line for way in ways for line in way.plan.warnings)),
        sections=[section for section in sections if section.blocks],
        source=SCHEMA,
        result_hash=content_hash([amount, source, target, start, *(way.name for way in ways)]),
        again={"amount": amount, "from": source, "to": target, "begun": f"{moment(start)} UTC"},
    )


def _says(open_: Sequence[Way], blocked: Sequence[Way], start: int) -> list[Say]:
    if not open_:
        why = blocked[0].plan.blocked if blocked else "no way is described between these two"
        return [
            Say("keep", "What it costs", "nothing is known: no way is open.", "no way"),
            Say("risk", "What you risk", f"that the money stays where it is: {why}."),
            Say("next", "What to do next", "Do not send money there; look again when this changes."),
            Say("change", "What would change this", f"That this ends: {why}."),
        ]
    fast = min(open_, key=lambda way: way.plan.usual)
    sure = min(open_, key=lambda way: (way.plan.worst is None, way.plan.worst or 0))
    own = [way for way in open_ if way.plan.kind != "liquidity"]
    bound = "no bound" if sure.plan.worst is None else span(sure.plan.worst - start)
    lacks = "; ".join(dict.fromkeys(line for way in open_ for line in way.lacks))
    return [
        Say(
            "keep",
            "What the fastest way costs",
            f"by {fast.name}, usually {span(fast.plan.usual - start)}. "
            + (f"Not in it: {'; '.join(fast.lacks)}." if fast.lacks else "Fees of every step are in it."),
            fast.cost,
        ),
        Say(
            "risk",
            "How long it can take",
            f"at worst by {sure.name}, the way with the nearest bound. Each day that you act late is a day more."
            if sure.plan.worst is not None
            else "at worst by any way: somebody else must act, and nothing makes them. Usual times are below.",
            bound,
        ),
        Say(
            "next",
            "What to do next",
            f"Take the {fast.name} if the price is right. By the networks' own ways {_kept(own)}",
        ),
        Say(
            "change",
            "What would change this",
            f"Gas and fees at the time: {lacks}."
            if lacks
            else "Gas at the time, and whether the bridge's pool has the money.",
        ),
    ]


def _kept(own: Sequence[Way]) -> str:
    kept = next((way.keep for way in own if way.keep and way.keep != "nothing"), "")
    return (
        f"keep {kept} on Ethereum for the steps there, or the money waits." if kept else "no gas is needed on Ethereum."
    )


def _overview(ways: Sequence[Way], start: int) -> Section:
    if not ways:
        return Section("ways", "", "", [])
    rungs = [
        Rung(way.name, f"{way.plan.kind}; costs {way.cost}", way.plan.first, way.plan.usual, way.plan.worst)
        for way in sorted(ways, key=lambda way: way.plan.usual)
    ]
    rows: list[list[Value]] = [
        [
            way.name,
            way.plan.kind,
            way.plan.first - start,
            way.plan.usual - start,
            "no bound" if way.plan.worst is None else way.plan.worst - start,
            way.cost,
            way.keep,
        ]
        for way in ways
    ]
    columns = [
        Column("way"),
        Column("kind"),
        Column("at least", "span"),
        Column("usually", "span"),
        Column("at worst", "span"),
        Column("cost"),
        Column("keep on Ethereum"),
    ]
    blocks: list[Block] = [Ladder("When the money is there", start, rungs), Table("Every way", columns, rows)]
    return Section(
        "ways",
        "Every way",
        "No luck makes it shorter than “at least”; “no bound” means somebody else must act.",
        blocks,
    )


def _steps(way: Way, at: int) -> Section:
    plan = way.plan
    blocks = _ladder(plan)
    other = plan.otherwise
    if other is not None:
        blocks += _ladder(other, f"If it fails: {other.id}")
    if plan.fee_note:
        blocks.append(Notes([f"Fee of the bridge: {plan.fee_note}."]))
    return Section(f"way-{at}", f"Step by step: {way.name}", f"{plan.source} to {plan.target}, {plan.kind}.", blocks)


def _ladder(plan: ExitPlan, caption: str = "Dates of each step") -> list[Block]:
    rungs = [
        Rung(
            f"{stage.verb} on {stage.network}",
            " ".join(part for part in (f"By {_who(stage.by)}.", _gas(stage.gas, stage.by), stage.about) if part),
            stage.first,
            stage.usual,
            stage.worst,
        )
        for stage in plan.stages
    ]
    return [Ladder(caption, plan.start, rungs)] if rungs else []


def _who(by: str) -> str:
    return by if by == "you" else f"the {by}"


def _gas(gas: int | None, by: str) -> str:
    if by != "you":
        return ""
    return "Gas unknown." if gas is None else f"{gas:,} gas."


def _closed(ways: Sequence[Way]) -> Section:
    rows: list[list[Value]] = [[way.name, way.plan.kind, way.plan.blocked] for way in ways]
    table: list[Block] = [Table("Blocked ways", [Column("way"), Column("kind"), Column("why")], rows)] if rows else []
    return Section("blocked", "Ways that are blocked", "", table)
