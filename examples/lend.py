"""Lend to one market: supply everything at the start, take it back at the end, as far as it is not lent out then."""

from msgspec import Struct

from tidemill.interfaces import All, Decision, Intent, Plan, Revert


class Lend(Struct, frozen=True):
    """Supply ``asset`` to the lending market ``venue``."""

    venue: str
    asset: str

    def decide(self, view, memo, news):
        """Called at the start, after each transaction, and at the end."""
        if view.in_flight:
            return Decision()
        lent = [p for p in view.positions if p.id == f"{self.venue}#supply"]
        if view.why == "end":
            leave = self._leave(view, lent[0]) if lent else None
            return Decision((Plan((leave,)),) if leave else ())
        if not lent and view.balances.get(self.asset, 0):
            return Decision((Plan((Intent(self.venue, "supply", {"assets": All(self.asset)}),)),))
        return Decision()  # nothing to do until the end, which is always told

    def _leave(self, view, lent):
        """All shares if the market can pay them, else all it can pay now, else nothing."""
        supplied, _, borrowed, *_ = view.read(self.venue, "market")
        for args in ({"shares": lent.data["size"]}, {"assets": supplied - borrowed}):
            try:
                view.quote(Intent(self.venue, "withdraw", args))
            except Revert:
                continue
            return Intent(self.venue, "withdraw", args)
        return None
