"""Why a live-like run keeps another amount than the model said: parts that add up to the whole, exactly.

* price: what the market moved between a step's decision and its inclusion, at the price when it was included.
* delay: what else later inclusion at another place of the block changed, on the model.
* gas: what receipts and signed bytes cost beyond the table.
* others: what is left: others on the chain did not keep the recorded order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from tidemill.engine.transaction import Transaction
from tidemill.engine.world import ModelWorld
from tidemill.interfaces import Action, Block, Price, Result, Transfer
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.rehearse_document import Cause, CauseRow
from tidemill.studies.rehearse_sides import OnChain, OnModel, Sides

__all__ = ["NotingWorld", "causes_of"]

CAUSES: tuple[Cause, ...] = ("delay", "price", "gas", "others")
JITTER = 3
"""Most further blocks until inclusion, drawn by seed."""


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


def causes_of(sides: Sides, model: OnModel, tell: Callable[[str], None]) -> tuple[OnChain, list[CauseRow]]:
    """Play the window live-like on the chain and say why it differs from ``model``."""
    rules = sides.rules(jitter=JITTER, placement="seeded", seed="live-like")
    chain = sides.on_chain(rules, feed=True, seed=sides.id, tell=tell)
    tell("playing the window on the model with the same delays …")
    noted: list[NotingWorld] = []

    def noting(**named: Any) -> NotingWorld:
        noted.append(NotingWorld(**named))
        return noted[-1]

    late = sides.on_model(rules, world=noting)
    price = Fraction(0)
    for time, slip in noted[-1].slips:
        prices = _prices_at(late, time)
        price += sum(
            (Fraction(amount * prices[t].num, prices[t].den) for t, amount in slip.items() if t in prices), Fraction(0)
        )
    end = chain.outcomes.marks[-1].prices[sides.prepared.token(sides.prepared.native)]
    more = sum(row.measured.total - row.table.total for row in chain.metered)
    parts = {"price": _down(price), "gas": _down(Fraction(-more * end.num, end.den))}
    parts["delay"] = keep(late) - keep(model) - parts["price"]
    whole = keep(chain) - keep(model)
    parts["others"] = whole - sum(parts.values())
    how = {
        "delay": f"inclusion up to {JITTER} blocks later, anywhere in its block",
        "price": "fills at the price of inclusion instead of that of the decision",
        "gas": "receipts and signed bytes instead of the table",
        "others": "others shuffled, held back and stepping in; what remains",
    }
    return chain, [CauseRow(cause, parts[cause], how[cause]) for cause in CAUSES]


def keep(side: OnModel | OnChain) -> int:
    """Return what a side kept, micro-units of home."""
    return waterfall(post(side.outcomes.record, side.outcomes.marks)).keep


def _prices_at(side: OnModel, time: int) -> Mapping[str, Price]:
    marks = side.outcomes.marks
    return next((mark.prices for mark in marks if mark.time >= time), marks[-1].prices)


def _wallet(transfers: Sequence[Transfer]) -> Counter[str]:
    out: Counter[str] = Counter()
    for move in transfers:
        out[move.token] += move.amount * ((move.target == "me") - (move.source == "me"))
    return out


def _down(value: Fraction) -> int:
    return value.numerator // value.denominator
