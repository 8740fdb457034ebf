"""A range whose position token is staked in a gauge: fees stay with the token, rewards come beside them."""

from msgspec import Struct

from tidemill.interfaces import At, Decision, Intent, Plan
from tidemill.strategies.liquidity import LpMemo, PoolView, enter, learn, leave, now_of, ranges
from tidemill.strategies.ratio import usable_range


class StakedRange(Struct, frozen=True):
    """Enter ``below`` to ``above`` ticks around the price, stake while the incentive runs, harvest every some hours."""

    venue: str
    gauge: str
    home: str
    below: int = 1_000
    above: int = 1_000
    harvest_hours: int = 24
    slippage_bps: int = 50

    Memo = LpMemo

    def decide(self, view, memo, news):
        """Called at the start, after each transaction, when the incentive begins, at each harvest, and at the end."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)
        held = ranges(view, self.venue)
        staked = any(p.id == f"{self.gauge}#rewards" and p.data["staked"] for p in view.positions)
        if view.why == "end":
            if staked:
                return self._do("exit", held[0], memo)
            return leave(view, self.venue, self.home, self.slippage_bps, memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        if not held:
            pool = PoolView.of(view, self.venue)
            lower, upper = usable_range(pool.tick - self.below, pool.tick + self.above, pool.spacing)
            plan = enter(view, self.venue, lower, upper, self.slippage_bps)
            return Decision((plan,) if plan else (), memo=memo)
        _, _, start, end, _ = view.read(self.gauge, "key")
        if now < start:
            return Decision(wake=(At(start),), memo=memo)
        if now >= end:  # over: later seconds only dilute, so take the token home
            return self._do("exit", held[0], memo) if staked else Decision(memo=memo)
        if not staked:
            return self._do("stake", held[0], LpMemo(entered_at=now))
        every = self.harvest_hours * 3_600
        due = memo.entered_at + every
        if now >= due:
            return self._do("harvest", held[0], LpMemo(entered_at=now))
        return Decision(wake=(At(min(due, end)),), memo=memo)

    def _do(self, verb, position, memo):
        return Decision((Plan((Intent(self.gauge, verb, {"position": position.id}),)),), memo=memo)
