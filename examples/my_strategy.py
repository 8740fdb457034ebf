"""A strategy of one's own in twenty lines: enter a range, stay for a number of days, leave and hold the home asset."""

from msgspec import Struct

from tidemill.interfaces import At, Decision
from tidemill.strategies.liquidity import LpMemo, PoolView, enter, leave, now_of
from tidemill.strategies.ratio import usable_range


class FewDays(Struct, frozen=True):
    """Provide for ``days`` days within ``width`` ticks of the first price."""

    venue: str
    home: str
    width: int = 800
    days: int = 5

    Memo = LpMemo

    def decide(self, view, memo, news):
        """Called at the start, when the time has come, after each transaction, and at the end."""
        if view.in_flight:
            return Decision(memo=memo)
        now = now_of(view)
        if view.why == "start":
            pool = PoolView.of(view, self.venue)
            lower, upper = usable_range(pool.tick - self.width, pool.tick + self.width, pool.spacing)
            return Decision((enter(view, self.venue, lower, upper, 50),), memo=LpMemo(entered_at=now))
        if view.why == "end" or now >= memo.entered_at + self.days * 86_400:
            return leave(view, self.venue, self.home, 50, memo)
        return Decision(wake=(At(memo.entered_at + self.days * 86_400),), memo=memo)
