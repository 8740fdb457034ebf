"""A strategy of one's own in twenty lines: enter a range, stay for a number of days, leave and hold the home asset."""

from msgspec import Struct

from tidemill.interfaces import At, Decision
from tidemill.strategies.ranges import enter, leave, look, range_around


class FewDays(Struct, frozen=True):
    """Provide for ``days`` days within ``width`` ticks of the first price."""

    venue: str
    home: str
    width: int = 800
    days: int = 5

    def decide(self, view, memo, news):
        """Called at the start, when the time has come, after each transaction, and at the end."""
        pool, here = look(view, self.venue), max(view.at.values()).time
        if view.in_flight:
            return Decision()
        if view.why == "start":
            plan = enter(view, pool, *range_around(pool, self.width), slippage_bps=50)
            return Decision((plan,), wake=(At(here + self.days * 86_400),))
        if view.why in ("condition", "end"):
            plan = leave(view, pool, self.home, slippage_bps=50)
            return Decision((plan,) if plan else ())
        return Decision(wake=(At(here + self.days * 86_400),))
