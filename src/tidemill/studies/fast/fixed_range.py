"""Fixed range, screened: any number of ranges at once, each answered by two look-ups in the fee index.

All candidates enter at one moment and leave at one, so nothing has to be played. Exact are the growth of fees inside every
range, hence in ``small`` mode the fees of the liquidity put in, to the raw unit; and what own swaps meet, which is the pool's
own steps at those two moments. In ``diluted`` mode fees are the middle of a rigorous bracket (``market.index_bracket``).
Estimated are the liquidity, in floats instead of integers, and network fees: each transaction costs what its kind cost on
average in an exact run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tidemill.market.index_bracket import BracketIndex
from tidemill.market.limbs import to_limbs
from tidemill.studies.fast.ground import Ground, floats
from tidemill.studies.fast.parts import MAX_TICK

__all__ = ["VARIES", "Fills", "answer", "fees"]

VARIES = ("below", "above")


def answer(ground: Ground, asked: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Return raw units of home that each of the parameters ``asked`` would keep, and positions that it would close."""
    terms, tape = ground.terms, ground.tape
    below, above = (np.array([one[key] for one in asked], np.int64) for key in VARIES)
    first, last = ground.row(terms.start), ground.row(terms.end)
    block = int(tape.block[first]) + (terms.start - int(tape.time[first])) // terms.period
    next_ = int(np.searchsorted(tape.block, block + 1, side="right")) - 1
    lower, upper = _usable(int(tape.tick[first]), below, above, terms.spacing)
    a, b = 1.0001 ** (lower / 2.0), 1.0001 ** (upper / 2.0)

    held0, held1, swaps = _balanced(ground, first, *_needed(ground.root[first], a, b))
    at = np.where(swaps, next_, first)  # the mint comes a block after the swap
    need0, need1 = _needed(ground.root[at], a, b)
    some = np.full(len(at), np.inf)
    paid0 = np.divide(held0, need0, out=some.copy(), where=need0 > 0.0)
    liquidity = np.floor(np.minimum(paid0, np.divide(held1, need1, out=some, where=need1 > 0.0)))
    earned = fees(ground, lower, upper, at + 1, np.full(len(at), max(last, next_) + 1), liquidity)
    back0, back1 = _needed(ground.root[last], a, b)
    held0 += liquidity * (back0 - need0) + earned[:, 0]
    held1 += liquidity * (back1 - need1) + earned[:, 1]

    sells, into = (held1, held0) if terms.home0 else (held0, held1)
    kept = into + Fills(ground, last, down=not terms.home0, most=float(sells.max(initial=0.0))).of(sells)
    swap, mint, close = terms.costs
    spent = swaps * swap + mint + close + (sells > 0.0) * swap
    square = float(ground.root[first]) ** 2
    begun = terms.have0 + terms.have1 / square if terms.home0 else terms.have0 * square + terms.have1
    return kept - spent * ground.worth_at(last) - begun, np.ones(len(asked))


def fees(ground: Ground, lower: Any, upper: Any, start: Any, stop: Any, liquidity: Any) -> Any:
    """Return fees (m, 2) of token0 and token1, raw units, of ``liquidity`` between ticks over steps ``[start, stop)``.

    In ``small`` mode exact for that liquidity; in ``diluted`` mode the middle of a bracket that holds the exact ones.
    """
    spacing = ground.terms.spacing
    query = lower // spacing, upper // spacing, start, stop
    if ground.terms.dilutes:
        low, high = BracketIndex(ground.tape, ground.index).bracket_many(*query, liquidity)
        return (low + high) / 2.0
    own = to_limbs([int(one) for one in liquidity.tolist()], 2, name="liquidity")
    found = ground.index.fees_many(*query, own)
    return np.column_stack([floats(found[:, :2]), floats(found[:, 2:])])


class Fills:
    """What selling token0 (``down``) or token1 brings at a row of the path, for any amount up to ``most``.

    The pool's own steps are walked once: within each the fill is a closed form of the amount.
    """

    def __init__(self, ground: Ground, row: int, *, down: bool, most: float) -> None:
        block = ground.tape.block[row]
        events = int(np.searchsorted(ground.market.flow().block, block, side="right"))
        book = ground.market.path_liquidity()
        steps = book.walked(row + 1, events, zero_for_one=down, amount=int(most) + 1)
        used = np.array([float(step.amount_in + step.fee) for step in steps])
        got = np.array([float(step.amount_out) for step in steps])
        self._from, self._got = np.cumsum(used) - used, np.cumsum(got) - got
        self._root = np.array([step.price_from / 2**96 for step in steps])
        self._depth = np.array([float(max(step.liquidity, 1)) for step in steps])
        self._down, self._left = down, 1.0 - ground.terms.fee

    def of(self, amount: Any) -> Any:
        """Return what each amount brings, raw units."""
        at = np.searchsorted(self._from, amount, side="right") - 1
        inside, root, depth = (amount - self._from[at]) * self._left, self._root[at], self._depth[at]
        if self._down:
            return self._got[at] + depth * root * root * inside / (depth + inside * root)
        return self._got[at] + inside / (root * (root + inside / depth))


def _usable(tick: int, below: Any, above: Any, spacing: int) -> tuple[Any, Any]:
    """Return ranges widened to the spacing, as ``strategies.ratio.usable_range``; they hold the price, so none is empty."""
    edge = MAX_TICK // spacing * spacing
    lower = np.maximum((tick - below) // spacing * spacing, -edge)
    return lower, np.minimum(-(-(tick + above) // spacing) * spacing, edge)


def _needed(root: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return token0 and token1 per unit of liquidity between the square-root prices ``a`` and ``b``."""
    at = np.clip(root, a, b)
    return 1.0 / at - 1.0 / b, at - a


def _balanced(ground: Ground, row: int, need0: Any, need1: Any) -> tuple[Any, Any, Any]:
    """Return what each holds once swapped into the ratio of what it needs, and which of them swap."""
    have0, have1, keeps = ground.terms.have0, ground.terms.have1, 1.0 - ground.terms.fee
    price = float(ground.root[row]) ** 2
    surplus = have0 * need1 - have1 * need0
    down, out = surplus > 0.0, []
    for way, have, more, mine, other, rate in (
        (True, have0, surplus, need1, need0, price * keeps),
        (False, have1, -surplus, need0, need1, keeps / price),
    ):
        amount = np.maximum(more, 0.0) / (mine + other * rate)
        fills = Fills(ground, row, down=way, most=have)
        # the second time at the rate that the first one would fill at
        got = np.divide(fills.of(amount), amount, out=np.full(len(amount), rate), where=amount > 0.0)
        amount = np.maximum(more, 0.0) / (mine + other * got)
        out.append((amount, fills.of(amount)))
    (sold0, got1), (sold1, got0) = out
    return np.where(down, have0 - sold0, have0 + got0), np.where(down, have1 + got1, have1 - sold1), surplus != 0.0
