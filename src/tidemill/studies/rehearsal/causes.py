"""Why a live-like run keeps another amount than the model said: parts that add up to the whole, exactly.

* price: what the market moved between sending a step and its inclusion, at the price when it was included.
* delay: what else inclusion as late as it usually was on the chain changes, on the model and the recorded market.
* failed: fees of own transactions that failed there (a min-out no longer met, say).
* gas: what receipts and signed bytes of the others cost beyond the table.
* others: what is left: others did not keep the recorded order, and decisions came at heads, not at every block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from statistics import median_high
from typing import Any, NamedTuple

import msgspec

from tidemill.engine.chain_live_world import LiveWorld
from tidemill.engine.run import Outcomes
from tidemill.engine.transaction import Transaction
from tidemill.engine.world import ModelWorld
from tidemill.errors import InvariantBroken
from tidemill.interfaces import Action, Block, Filled, Price, Recorded, Result, Reverted, Transfer
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.rehearsal.document import Cause, CauseRow, Fate, FateRow, PaceInfo
from tidemill.studies.rehearsal.sides import OnChain, OnModel, Sides

__all__ = ["Live", "NotingWorld", "causes_of", "fates_of", "pace_of"]

CAUSES: tuple[Cause, ...] = ("delay", "price", "failed", "gas", "others")


class Live(NamedTuple):
    """A live-like run: what it left behind, its world, why it kept another amount, and the usual delay in seconds."""

    chain: OnChain
    world: LiveWorld
    causes: list[CauseRow]
    delay_s: int


class NotingWorld(ModelWorld):
    """A model world that notes, for every own step, what it was going to give and what it gave.

    ``slips`` holds the change of the wallet beyond what was simulated when the step was sent, by token.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        self.asked: dict[bytes, tuple[Transfer, ...]] = {}
        self.slips: list[tuple[int, Counter[str]]] = []
        super().__init__(*args, **named)

    def transaction(self, network: str, block: Block, sender: str | None = None, *, landing: str = "") -> Transaction:
        """Open a transaction whose results are noted."""
        if landing:
            self.enter(network, block)
        return _Noting(self, landing, self.stages, self.book, block, network, sender or self.account)


class _Noting(Transaction):
    def __init__(self, world: NotingWorld, name: str, *args: Any) -> None:
        super().__init__(*args)
        self._world, self._name = world, name

    def run(self, venue: str, action: Action, sender: str | None = None) -> Result:
        result = super().run(venue, action, sender)
        key = msgspec.json.encode([venue, action])
        if not self._name:
            self._world.asked[key] = result.transfers
        elif key in self._world.asked:
            slip = _wallet(result.transfers)
            slip.subtract(_wallet(self._world.asked[key]))
            self._world.slips.append((self.block.time, slip))
        return result


def causes_of(sides: Sides, model: OnModel, tell: Callable[[str], None]) -> Live:
    """Play the window live-like on the chain and say why it differs from ``model``."""
    chain, world = sides.on_live(sides.rules(seed="live-like"), seed=sides.id, tell=tell)
    seconds = median_high(world.delays) if world.delays else 0
    blocks = -(-seconds // sides.prepared.network.block_time)
    tell("playing the window on the model with the same delay …")
    noted: list[NotingWorld] = []

    def noting(**named: Any) -> NotingWorld:
        noted.append(NotingWorld(**named))
        return noted[-1]

    later = max(blocks - sides.prepared.study.world.delay_blocks, 0)
    late = sides.on_model(sides.rules(later=later, seed="late"), world=noting)
    end = chain.outcomes.marks[-1].prices[sides.prepared.token(sides.prepared.native)]
    included = [row for row in chain.metered if not row.reverted]
    failed = _fees_of_failed(chain.outcomes) - _fees_of_failed(model.outcomes)
    more = sum(row.measured.total - row.table.total for row in included)
    parts: dict[Cause, int] = {
        "price": _down(_value(world.chain.slips, chain)),
        "delay": keep(late) - keep(model) - _down(_value(noted[-1].slips, late)),
        "failed": _down(Fraction(-failed * end.num, end.den)),
        "gas": _down(Fraction(-more * end.num, end.den)),
    }
    whole = keep(chain) - keep(model)
    parts["others"] = whole - sum(parts.values())
    how: dict[Cause, str] = {
        "price": "fills at inclusion against what was simulated at the head when the step was sent",
        "delay": f"what else inclusion {seconds:,} s ({blocks:,} blocks) after the decision changes, on the model",
        "failed": f"fees of {chain.played.own_failed} transactions that failed on the chain, against the model's",
        "gas": "receipts and signed bytes of the others against the table",
        "others": "others in another order, stepping in; decisions at heads; what remains",
    }
    return Live(chain, world, [CauseRow(cause, parts[cause], how[cause]) for cause in CAUSES], seconds)


def _fees_of_failed(outcomes: Outcomes) -> int:
    steps = [step for step in outcomes.record if isinstance(step, Recorded)]
    return sum(step.costs.total for step in steps if isinstance(step.status, Reverted))


def _value(slips: Sequence[tuple[int, Counter[str]]], side: OnModel | OnChain) -> Fraction:
    total = Fraction(0)
    for time, slip in slips:
        prices = _prices_at(side, time)
        total += sum(
            (Fraction(amount * prices[t].num, prices[t].den) for t, amount in slip.items() if t in prices), Fraction(0)
        )
    return total


def pace_of(live: Live) -> PaceInfo:
    """Return how time was compressed and what became of it."""
    chain, pace = live.world.chain, live.world.chain.pace
    return PaceInfo(
        pace.interval_ms, pace.seconds_per_block, pace.blocks, chain.blocks, pace.limit_s, live.delay_s, chain.late
    )


def fates_of(outcomes: Outcomes) -> list[FateRow]:
    """Return what became of every own step, counted by reason: landed, failed on the chain, or not sent at all."""
    found: dict[tuple[Fate, str], tuple[int, int]] = {}
    for step in outcomes.record:
        if not isinstance(step, Recorded):
            continue
        fate: Fate = "not sent"
        if isinstance(step.status, Filled):
            fate = "landed"
        elif isinstance(step.status, Reverted):
            fate = "failed"
        reason = str(getattr(step.status, "reason", "" if fate == "landed" else type(step.status).__name__.lower()))
        steps, cost = found.get((fate, reason), (0, 0))
        found[fate, reason] = steps + 1, cost + step.costs.total
    return [FateRow(fate, reason, *found[fate, reason]) for fate, reason in sorted(found)]


def keep(side: OnModel | OnChain) -> int:
    """Return what a side kept, micro-units of home.

    Raises ``InvariantBroken`` where the books do not close; where model and chain differ, it says how first.
    """
    try:
        return waterfall(post(side.outcomes.record, side.outcomes.marks)).keep
    except InvariantBroken as broken:
        if isinstance(side, OnChain) and side.differences:
            raise InvariantBroken(f"model and chain differ: {side.differences[0]}; then {broken}") from broken
        raise


def _prices_at(side: OnModel | OnChain, time: int) -> Mapping[str, Price]:
    marks = side.outcomes.marks
    return next((mark.prices for mark in marks if mark.time >= time), marks[-1].prices)


def _wallet(transfers: Sequence[Transfer]) -> Counter[str]:
    out: Counter[str] = Counter()
    for move in transfers:
        out[move.token] += move.amount * ((move.target == "me") - (move.source == "me"))
    return out


def _down(value: Fraction) -> int:
    return value.numerator // value.denominator
