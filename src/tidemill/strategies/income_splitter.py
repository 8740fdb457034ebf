"""An income splitter: lend or save, and pay parts of what was earned to others on a schedule; the capital stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field, structs

from tidemill.errors import BadInput
from tidemill.interfaces import All, At, Decision, Happened, Intent, News, Plan, View
from tidemill.ledger.families import CONTRIBUTED
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, works
from tidemill.strategies.parameters import Amount, ExitHow, Venue
from tidemill.strategies.places import Place
from tidemill.units import mul_div_down

__all__ = ["IncomeSplitter", "Part", "SplitterMemo"]

BPS = 10_000


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """``bps`` of the income goes to the payee called ``to``."""

    to: Annotated[str, Meta(min_length=1, max_length=31)]
    bps: Annotated[int, Meta(ge=1, le=BPS)]


class SplitterMemo(Struct, frozen=True):
    """When the next payment is due (seconds), above what worth income begins (raw units), beside what failed lately."""

    due: int = 0
    level: int = 0
    lately: LpMemo = field(default_factory=LpMemo)


class IncomeSplitter(Struct, frozen=True, forbid_unknown_fields=True):
    """Put everything at ``place``; every so often take out what it has earned since and pay ``parts`` of it through ``payees``.

    What is not paid stays and earns. A payment below ``least`` in all waits for the next time, and so does one that cannot
    be taken out now. What is paid counts as taken out by its owner.
    """

    place: Annotated[Place, Meta(description="table of venue, asset and, of a vault, share")]
    payees: Venue
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=32, description="tables of to and bps")]
    every: Annotated[int, Meta(ge=3_600, le=31_536_000, description="seconds between payments")] = 30 * 86_400
    least: Amount = 1
    exit: ExitHow = "close"

    Memo: ClassVar[type[SplitterMemo]] = SplitterMemo

    def __post_init__(self) -> None:
        together = sum(part.bps for part in self.parts)
        if together > BPS:
            raise BadInput(f"parts are {together} bps together, more than the 10000 of the income", field="parts")
        if len({part.to for part in self.parts}) < len(self.parts):
            raise BadInput("somebody is paid twice", field="parts")

    def decide(self, view: View, memo: SplitterMemo, news: Sequence[News]) -> Decision[SplitterMemo]:
        """Pay if it is time, put to work what lies idle, otherwise wait."""
        now, asset = now_of(view), self.place.asset
        memo = self._heard(view, memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            leaves = self.exit == "close" and memo.lately.failures <= PATIENCE and self.place.there(view)
            return Decision(
                (Plan((self.place.leave(),)),) if leaves and works(view, self.place.leave()) else (), memo=memo
            )
        if now < memo.lately.not_before:
            return Decision(wake=(At(memo.lately.not_before),), memo=memo)
        if now >= memo.due:
            plan, memo = self._pay(view, memo, now)
            if plan:
                return Decision((plan,), memo=memo)
        idle = view.balances.get(asset, 0)
        if idle and works(view, self.place.put(idle)):
            return Decision((Plan((self.place.put(All(asset)),)),), memo=memo)
        return Decision(wake=(At(memo.due),), memo=memo)

    def _heard(self, view: View, memo: SplitterMemo, news: Sequence[News], now: int) -> SplitterMemo:
        """Learn; capital that the owner brings is no income."""
        if not memo.due:
            return SplitterMemo(now + self.every, view.balances.get(self.place.asset, 0), memo.lately)
        came = [one.amounts for one in news if isinstance(one, Happened) and one.cause == CONTRIBUTED]
        level = memo.level + sum(amounts.get(self.place.asset, 0) for amounts in came)
        return structs.replace(memo, level=level, lately=learn(memo.lately, news, now))

    def _pay(self, view: View, memo: SplitterMemo, now: int) -> tuple[Plan | None, SplitterMemo]:
        """Return the plan that takes out and pays what is due, and the level above which the next income begins."""
        due = memo.due + ((now - memo.due) // self.every + 1) * self.every  # down: the next time after now
        memo = structs.replace(memo, due=due)
        idle = view.balances.get(self.place.asset, 0)
        whole = self.place.worth(view) + idle
        income = max(whole - memo.level, 0)
        parts = [(part.to, mul_div_down(income, part.bps, BPS)) for part in self.parts]
        total = sum(amount for _, amount in parts)
        take = self.place.take(total - idle) if total > idle else None
        pays = [Intent(self.payees, "pay", {"to": to, "amount": amount}) for to, amount in parts if amount]
        steps = [take, *pays] if take else pays
        if total < self.least or not all(works(view, step) for step in steps):
            return None, memo  # nothing is owed less for it: the next time pays for this one too
        return Plan(tuple(steps)), structs.replace(memo, level=whole - total)
