"""What the logs of a pool and of its position manager say of each position, and how far they say it.

A position is a token of the manager, or what an owner holds at the pool directly. Its liquidity, what it is owed and what
it was paid are followed by the contract's own arithmetic (``fees_owed_down``, growth inside its range). What began before
the first log is not known, unless logs show it: a token made here begins with nothing (between the pool's ``Mint`` and the
manager's ``IncreaseLiquidity`` lies the log of its making, and only then); a collect that the pool was not asked to
bring up to date (no ``Burn`` of 0 ahead of it) proves that no liquidity was left; what was owed is known once everything
has been collected. A collect that is *determined* is computed from all of that and compared with what was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from msgspec import Struct, field

from tidemill.errors import BadData
from tidemill.market.growth import Growth
from tidemill.market.replayer import position_amounts
from tidemill.market.schema import Kind
from tidemill.venues.uniswap_v3.rules_fees import fees_owed_down

__all__ = ["Change", "Collected", "Follower", "Life", "Start", "State", "collected", "lives", "principals"]

_KINDS = {"increase": Kind.MINT, "decrease": Kind.BURN, "collect": Kind.COLLECT}
_Pair = tuple[int, int]


class Change(Struct, frozen=True):
    """One thing that happened to a position.

    ``row`` is the pool's event in its table. ``asked`` is what the manager names (a unit more than ``amounts``, what the
    pool paid, where the pool owes less). ``made``: the position begins here. ``poked``: a collect ahead of which the pool
    was asked to bring the position up to date: it had liquidity.
    """

    what: str
    row: int
    block: int
    time: int
    tx_index: int
    log_index: int
    tx: str
    liquidity: int
    amounts: _Pair
    asked: _Pair
    made: bool = False
    poked: bool = False


class Life(Struct, frozen=True):
    """A position: a token of the manager (``token_id``) or an ``owner``'s own at the pool, and all that happened to it."""

    name: str
    token_id: int | None
    owner: str
    lower: int
    upper: int
    changes: list[Change] = field(default_factory=list)

    def liquidity_before(self) -> int | None:
        """Return its liquidity ahead of the first change, ``None`` where logs do not show it.

        Raises ``BadData`` where they show two values.
        """
        shown: set[int] = set()
        change = 0
        for one in self.changes:
            if one.made:
                shown.add(-change)
            if one.what == "collect" and not one.poked and self.token_id is not None:
                shown.add(-change)
            change += {"increase": one.liquidity, "decrease": -one.liquidity}.get(one.what, 0)
        if len(shown) > 1 or any(value < 0 for value in shown):
            raise BadData(f"{self.name}: its logs contradict one another: liquidity before them {sorted(shown)}")
        return next(iter(shown), None)


class Collected(Struct, frozen=True):
    """A collect: what was paid, and what it should have been; ``due`` is ``None`` with a ``reason`` where logs do not say.

    ``rests_on``: what had to be taken for true, confirmed by the amounts if they agree; empty for nothing.
    """

    life: str
    change: Change
    due: _Pair | None
    reason: str = ""
    rests_on: str = ""

    @property
    def exact(self) -> bool:
        """Whether it is determined and equals what was asked for, to the wei."""
        return self.due == self.change.asked

    @property
    def possible(self) -> bool:
        """Whether no more was paid than was due; less is what a collect of a part asks for. True where that is not known."""
        return self.due is None or all(a <= b for a, b in zip(self.change.asked, self.due, strict=True))


def lives(events: pl.DataFrame, manager: pl.DataFrame, *, address: str) -> list[Life]:
    """Join the pool's events and the manager's, by transaction and place in it.

    Parameters
    ----------
    events : table ``EVENTS`` of one pool. manager : of ``manager_events``; tokens of other pools are left out.
    address : of the manager, lower case; positions of other owners at the pool are told as well.

    Raises ``BadData`` where the two contradict each other, naming the log.
    """
    pool = _pool_changes(events)
    by_place = {(change["block"], change["log_index"]): change for change in pool}
    found: dict[str, Life] = {}
    told: set[int] = set()
    for block, _, _, index, _, what, token_id, a, b, c in _near(manager, events).iter_rows():
        near = (by_place.get((block, index - back)) for back in ((1, 2) if what == "increase" else (1,)))
        own = next((one for one in near if one and one["owner"] == address and one["kind"] == _KINDS[what]), None)
        if own is None:
            continue  # of another pool
        _check(own, what, (a, b, c), f"token {token_id}: block {block}, log index {index}")
        asked = int(b, 16), int(c, 16)
        name = f"token {token_id}"
        life = found.setdefault(name, Life(name, token_id, address, own["lower"], own["upper"]))
        if (life.lower, life.upper) != (own["lower"], own["upper"]):
            raise BadData(f"{name}: its logs contradict one another: two ranges, at block {block}, log index {index}")
        made = what == "increase" and index - own["log_index"] == 2
        life.changes.append(_change(own, what, asked, made=made))
        told.add(own["row"])
    for one in pool:
        if one["row"] in told or one["owner"] == address:
            continue
        what = {Kind.MINT: "increase", Kind.BURN: "decrease", Kind.COLLECT: "collect"}[one["kind"]]
        name = f"{one['owner']} [{one['lower']}, {one['upper']})"
        life = found.setdefault(name, Life(name, None, one["owner"], one["lower"], one["upper"]))
        life.changes.append(_change(one, what, one["amounts"], made=False))
    return list(found.values())


def _near(manager: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the manager's changes that stand one or two logs behind one of the pool: the only ones that can be of it."""
    changes = manager.filter(pl.col("what") != "transfer")
    places = events.filter(pl.col("kind").is_in([Kind.MINT, Kind.BURN, Kind.COLLECT])).select("block", "log_index")
    behind = pl.concat([places.with_columns(pl.col("log_index") + back) for back in (1, 2)]).unique()
    return changes.join(behind.cast({"log_index": changes["log_index"].dtype}), on=["block", "log_index"], how="semi")


def _pool_changes(events: pl.DataFrame) -> list[dict[str, Any]]:
    """Return mints, burns and collects of the pool as plain values, each with its row in the table."""
    from tidemill.market.limbs import from_limbs  # noqa: PLC0415 - numpy

    part = events.with_row_index("row").filter(pl.col("kind").is_in([Kind.MINT, Kind.BURN, Kind.COLLECT]))
    wide = [
        from_limbs(part[name].to_numpy(), signed=name != "liquidity") for name in ("liquidity", "amount0", "amount1")
    ]
    narrow = part.select(
        "row", "block", "time", "tx_index", "log_index", "tx_hash", "kind", "owner", "tick_lower", "tick_upper"
    )
    names = ["row", "block", "time", "tx_index", "log_index", "tx", "kind", "owner", "lower", "upper"]
    out = []
    before: dict[str, Any] = {}
    for values, liquidity, amount0, amount1 in zip(narrow.iter_rows(), *wide, strict=True):
        one = dict(zip(names, values, strict=True))
        one |= {"kind": Kind(one["kind"]), "liquidity": liquidity, "amounts": (amount0, amount1)}
        same = before and all(one[key] == before[key] for key in ("tx", "owner", "lower", "upper"))
        one["poked"] = bool(
            same and one["kind"] == Kind.COLLECT and before["kind"] == Kind.BURN and before["liquidity"] == 0
        )
        out.append(one)
        before = one
    return out


def _check(own: Mapping[str, Any], what: str, words: tuple[str, str, str], where: str) -> None:
    amounts = int(words[1], 16), int(words[2], 16)
    same = all(0 <= told - paid <= 1 for told, paid in zip(amounts, own["amounts"], strict=True))
    if what != "collect":
        same = amounts == own["amounts"] and int(words[0], 16) == own["liquidity"]
    if not same:
        raise BadData(
            f"{where}: its logs contradict one another: {what} of {amounts} by the manager, of {own['amounts']} by the pool"
        )


def _change(own: Mapping[str, Any], what: str, asked: _Pair, *, made: bool) -> Change:
    where = {key: own[key] for key in ("row", "block", "time", "tx_index", "log_index")}
    return Change(
        what=what,
        **where,
        tx=own["tx"] or "",
        liquidity=own["liquidity"],
        amounts=own["amounts"],
        asked=asked,
        made=made,
        poked=own["poked"],
    )


# --- what it is owed, and what collects should have been --------------------------------------------------------------


class State(Struct, frozen=True):
    """A position at one moment: liquidity, what closing would give before fees, what can be collected beside it."""

    liquidity: int
    principal: _Pair
    claimable: _Pair


class Start(Struct, frozen=True):
    """What is known of a position ahead of the first event: ``grown`` is growth inside its range since its snapshot."""

    liquidity: int
    owed: _Pair
    grown: _Pair


class Follower:
    """One position followed through its changes by the contract's arithmetic, forwards only.

    ``reason`` says why what it is owed is not known, empty where it is; ``lost_at`` is the block in which it ceased to be;
    ``rests_on`` what had to be taken for true.
    """

    def __init__(self, life: Life, growth: Growth, start: Start | None = None) -> None:
        self.life, self.growth = life, growth
        self.liquidity = life.liquidity_before()
        self.reason, self.rests_on = "" if self._begins_here() else _BEFORE, ""
        self.lost_at: int | None = None
        self._owed, self._last, self._grown, self._next = [0, 0], -1, (0, 0), 0
        if start is not None:
            if self.liquidity not in (None, start.liquidity):
                raise BadData(
                    f"{life.name}: its logs contradict the initial state: liquidity {self.liquidity}, {start}"
                )
            self.liquidity, self.reason = start.liquidity, ""
            self._owed, self._grown = list(start.owed), start.grown
        elif not self.reason:
            self.liquidity, self.rests_on = 0, "" if life.changes[0].made else _NEW

    def _begins_here(self) -> bool:
        first = self.life.changes[0]
        return first.made or (self.life.token_id is None and first.what == "increase" and self.liquidity in (None, 0))

    def state(self, row: int) -> State | None:
        """Return the position just ahead of event ``row``; ``None`` where it is not known, for ``reason``."""
        while self._next < len(self.life.changes) and self.life.changes[self._next].row < row:
            change = self.life.changes[self._next]
            if not self._as_it_stands(change):
                self._settle(change.row)
            self._book(change)
            self._next += 1
        owed = self._credited(row)
        if owed is None or self.liquidity is None:
            return None
        spot = self.growth.spots[row - 1] if row else self.growth.spots[0]
        principal = (
            position_amounts(spot, self.life.lower, self.life.upper, -self.liquidity) if self.liquidity else (0, 0)
        )
        return State(self.liquidity, principal, owed)

    def due(self, change: Change) -> _Pair | None:
        """Return what a collect can pay, ``None`` where it is not known, for ``reason``."""
        state = self.state(change.row)
        if state is None:
            return None
        return (self._owed[0], self._owed[1]) if self._as_it_stands(change) else state.claimable

    def _as_it_stands(self, change: Change) -> bool:
        """Whether the pool itself is asked to pay, which credits nothing first; the manager has it do so."""
        return change.what == "collect" and self.life.token_id is None

    def _credited(self, row: int) -> _Pair | None:
        """Return what it is owed ahead of ``row`` with the fees of its liquidity up to there."""
        if self.reason:
            return None
        if not self.liquidity:
            return self._owed[0], self._owed[1]
        where = self.life.lower, self.life.upper, self._last, row
        doubt = self.growth.doubt(*where)
        if doubt is not None:
            self.lost_at = doubt.block
            self.reason = f"the path of the swap at {doubt} through its range is not shown by the logs"
            return None
        pairs = zip(self._owed, self.growth.inside(*where), self._grown, strict=True)
        fees = (owed + fees_owed_down(grown + more, 0, self.liquidity) for owed, grown, more in pairs)
        return next(fees), next(fees)

    def _settle(self, row: int) -> None:
        owed = self._credited(row)
        self._last, self._grown = row, (0, 0)
        if owed is not None:
            self._owed = list(owed)

    def _book(self, change: Change) -> None:
        if self.liquidity is not None:
            self.liquidity += {"increase": change.liquidity, "decrease": -change.liquidity}.get(change.what, 0)
        if change.what == "decrease":
            self._owed = [owed + amount for owed, amount in zip(self._owed, change.amounts, strict=True)]
        elif change.what == "collect" and not self.reason:
            self._owed = [owed - asked for owed, asked in zip(self._owed, change.asked, strict=True)]
        elif change.what == "collect":
            self._owed = [0, 0]
            self.reason, self.rests_on = (_SIZE, "") if self.liquidity is None else ("", _ALL)


def collected(life: Life, growth: Growth, start: Start | None = None) -> list[Collected]:
    """Compute every collect of a position from what logs show before it."""
    follower, out = Follower(life, growth, start), []
    for change in life.changes:
        if change.what == "collect":
            due = follower.due(change)
            rests = follower.rests_on if due else ""
            out.append(Collected(life.name, change, due, "" if due else follower.reason, rests))
    return out


_BEFORE = "it was opened before the logs begin: what it had earned by then is not shown"
_SIZE = "its liquidity is not shown: it was opened before the logs begin and never seen empty"
_NEW = "nothing was there before its first mint"
_ALL = "the collect before took everything"


def principals(life: Life, growth: Growth) -> tuple[int, int]:
    """Return how many decreases a position had, and how many paid what liquidity and price say, to the wei."""
    taken = [one for one in life.changes if one.what == "decrease" and one.liquidity]
    exact = 0
    for one in taken:
        spot = growth.spots[one.row - 1] if one.row else None
        exact += spot is not None and position_amounts(spot, life.lower, life.upper, -one.liquidity) == one.amounts
    return len(taken), exact
