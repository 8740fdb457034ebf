"""What a finished run would have kept at other network fees or assumed prices, without playing its market again.

Fees and prices touch a run in few places: marks carry prices; a fee leaves the wallet, stands in the record and in the
news, and may decide what a strategy does or whether a transaction is sent. So everything a strategy saw and was
answered is noted, it is asked again with the other figures, and where it decides the same at every step, the run is the
same but for those figures. Wherever that is not certain ``None`` is returned, and the run has to be played.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput
from tidemill.execution.decisions import Decided, memo_type
from tidemill.interfaces import All, Costs, Decision, Mark, News, Outcome, Price, Recorded, Revert, Skipped
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall

__all__ = ["Noted", "Witness", "keep_at_costs", "keep_at_prices"]

CostsAt = Callable[[Costs], Costs | None]
"""Costs of the run → the same transaction's costs at other fee levels, ``None`` where they cannot be told."""


class _NotAsked(Exception):
    """The strategy asks something that it did not ask in the run."""


class _Seen:
    """One view: what it showed and what it answered. Asks ``view`` while the run lasts, and only its notes after."""

    def __init__(self, view: Any, news: Sequence[News], lines: int) -> None:
        self._view, self.news, self.lines = view, news, lines
        self.why, self.at, self.in_flight = view.why, view.at, view.in_flight
        self.balances, self.positions = view.balances, view.positions
        self.purses, self.owners = view.purses, view.owners
        self.answers: dict[str, Any] = {}

    def oracle(self, *args: Any) -> Any:
        return self._answer("oracle", args)

    def read(self, *args: Any) -> Any:
        return self._answer("read", args)

    def quote(self, *args: Any) -> Any:
        return self._answer("quote", args)

    def fee(self, *args: Any) -> Any:
        return self._answer("fee", args)

    def _answer(self, name: str, args: tuple[Any, ...]) -> Any:
        try:
            found = getattr(self._view, name)(*args)
        except Revert as revert:
            self.answers[repr((name, args))] = Revert(revert.reason)  # a copy: that one holds on to its frames
            raise
        except BadInput as unknown:  # a strategy may ask by which views a venue is read
            self.answers[repr((name, args))] = BadInput(str(unknown))
            raise
        self.answers[repr((name, args))] = found
        return found

    def forget(self) -> None:
        """Let go of the view; only the notes remain."""
        self._view = None


class _Told(_Seen):
    """A view shown again with other costs, from its notes."""

    def __init__(self, seen: _Seen, balances: Mapping[str, int], costs: CostsAt) -> None:
        super().__init__(seen, seen.news, seen.lines)
        self.balances, self.answers, self._costs = balances, seen.answers, costs
        self.purses = None  # who pays which fee is not in the notes: what looks at purses is played again
        self.missed = False

    def _answer(self, name: str, args: tuple[Any, ...]) -> Any:
        found = self.answers.get(repr((name, args)))
        if isinstance(found, Revert | BadInput):
            raise found
        if name == "fee" and found is not None:
            found = self._costs(found)
        if found is None:
            self.missed = True  # a strategy may swallow the exception
            raise _NotAsked
        return found


class Witness:
    """A world that notes what its strategy is shown (``interfaces.World``)."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.seen: list[_Seen] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def advance(self, wake: Any) -> tuple[Any, Sequence[News]]:
        """See ``World``."""
        view, news = self._world.advance(wake)
        self.seen.append(_Seen(view, news, len(self._world.record)))
        return self.seen[-1], news

    def close(self) -> None:
        """See ``World``; notes do not keep the world, and the tapes of its venues."""
        self._world.close()
        for seen in self.seen:
            seen.forget()


class Noted(Struct, frozen=True):
    """What is known of a finished run: how it went, what its strategy saw and decided, every cost it was told.

    ``natives`` are the tokens that costs are paid in.
    """

    outcomes: Outcomes
    strategy: Any
    seen: Sequence[_Seen]
    decided: Sequence[Decided]
    natives: Sequence[str]
    told: Sequence[Costs]


def keep_at_prices(outcomes: Outcomes, prices: Callable[[Mark], Mapping[str, Price] | None]) -> int | None:
    """Return what the run kept at other ``prices`` of its marks: valuation only, which no decision can see."""
    marks = []
    for mark in _told_marks(outcomes):
        found = prices(mark)
        if found is None:
            return None
        marks.append(structs.replace(mark, prices=dict(found)))
    return _keep(outcomes.record, marks)


def keep_at_costs(run: Noted, costs: CostsAt) -> int | None:
    """Return what the run would have kept at other ``costs``, ``None`` if it might have gone another way."""
    record: list[Any] = []
    extra: list[Mapping[str, int]] = [{}]
    for line in run.outcomes.record:
        now, more = line, extra[-1]
        if isinstance(line, Recorded):
            if isinstance(line.status, Skipped) and line.status.reason.startswith("fee "):
                return None
            if line.costs.total:
                changed = costs(line.costs)
                if changed is None:
                    return None
                now = structs.replace(line, costs=changed)
                dearer = changed.total - line.costs.total
                more = {**more, line.native: more.get(line.native, 0) + dearer}
        record.append(now)
        extra.append(more)
    marks = [_charged(m, extra[_before(run.outcomes.record, m.seq)]) for m in _told_marks(run.outcomes)]
    dearest = [costs(told) for told in run.told]
    if None in dearest:
        return None
    least = min(mark.balances.get(native, 0) for mark in marks for native in run.natives)
    if max((c.total for c in dearest if c), default=0) > least:  # it might not have been able to pay
        return None
    return _keep(record, marks) if _decides_the_same(run, costs, extra) else None


def _decides_the_same(run: Noted, costs: CostsAt, extra: Sequence[Mapping[str, int]]) -> bool:
    kind: Any = memo_type(run.strategy)
    memo = kind() if kind else None
    for seen, decided in zip(run.seen, run.decided, strict=True):
        then = decided.decision(kind)
        if _cares(then, run.natives):
            return False
        balances = _less(seen.balances, extra[seen.lines])
        news = [_news(item, costs) for item in seen.news]
        try:
            now = run.strategy.decide(told := _Told(seen, balances, costs), memo, tuple(news))
        except Exception:  # noqa: BLE001 - whatever it is, playing the run will show it
            return False
        named = tuple(structs.replace(p, id=t.id) for p, t in zip(now.plans, then.plans, strict=False))
        if (
            told.missed
            or len(now.plans) != len(then.plans)
            or Decided.of(0, "", structs.replace(now, plans=named)).body != decided.body
        ):
            return False
        memo = then.memo
    return True


def _cares(decision: Decision[Any], natives: Sequence[str]) -> bool:
    """Whether what is decided depends on a native token's balance or on the fee by itself."""
    for step in (step for plan in decision.plans for step in plan.steps):
        late: Iterable[Any] = (*step.args.values(), *step.limits.amounts.values())
        if step.limits.max_fee is not None or any(isinstance(a, All) and a.token in natives for a in late):
            return True
    return False


def _news(item: News, costs: CostsAt) -> News:
    if not isinstance(item, Outcome) or not item.costs.total:
        return item
    changed = costs(item.costs)
    return item if changed is None else structs.replace(item, costs=changed)


def _told_marks(outcomes: Outcomes) -> list[Mark]:
    """Marks without the samples, which change no total."""
    return [mark for mark in outcomes.marks if mark.why != "sample"]


def _before(record: Sequence[Any], seq: int) -> int:
    return bisect_left(record, seq, key=lambda line: line.seq)


def _charged(mark: Mark, extra: Mapping[str, int]) -> Mark:
    return structs.replace(mark, balances=_less(mark.balances, extra)) if any(extra.values()) else mark


def _less(balances: Mapping[str, int], extra: Mapping[str, int]) -> Mapping[str, int]:
    """Balances with ``extra`` less of each token, in order of name, zeros left out, as the book gives them."""
    changed = {**balances, **{token: balances.get(token, 0) - amount for token, amount in extra.items()}}
    return {name: amount for name, amount in sorted(changed.items()) if amount}


def _keep(record: Sequence[Any], marks: Sequence[Mark]) -> int:
    return waterfall(post(record, marks)).keep
