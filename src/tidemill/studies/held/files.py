"""A statement from files of logs: what they determine is followed by the model, what they do not is said, never guessed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Position, Transfer
from tidemill.market.growth import Growth, growth_of_events, growth_of_state
from tidemill.market.positions import Change, Collected, Follower, Life, Start, collected, lives
from tidemill.studies.held.asked import Asked, moment
from tidemill.studies.held.document import Portfolio, Told, Unstated, state
from tidemill.studies.held.logs import Handed, Logs, read_logs
from tidemill.studies.held.story import Act, Happening, Snapshot, Story
from tidemill.studies.schema import Fidelity
from tidemill.venues.about import about
from tidemill.venues.shared.history import ME, Asset, Deed, Holding, Quote

if TYPE_CHECKING:
    from pathlib import Path

    from tidemill.market.manifest import PoolInfo

__all__ = ["from_files", "known_manager"]

_NO_FEES = "network fees are not in logs: what is kept is before them"


def from_files(
    files: Sequence[Path],
    asked: Asked,
    pool: PoolInfo | None,
    *,
    manager: str,
    tell: Callable[[str], None] = lambda _line: None,
) -> Portfolio:
    """Read and state the positions of one pool.

    Parameters
    ----------
    files : raw logs of the pool and of the position manager, in any number of files, or a dataset's folder.
    pool : which pool, where ``files`` are not a dataset that says so. manager : address of the position manager.

    A position that logs do not determine is in ``Portfolio.unstated`` with the reason; ``total`` is then of the others,
    ``None`` where there are none. A single one is stated from the moment on from which it is known.

    Raises
    ------
    BadInput : nothing here is what was asked for; a range that is reversed or not in the logs.
    BadData : logs are damaged, or contradict one another.
    """
    tell("reading logs …")
    logs = read_logs(files, pool, tokens=asked.token_ids or None)
    every = lives(logs.events, logs.manager, address=manager)
    mine = _chosen(every, asked, logs)
    tell("following the pool …")
    growth = growth_of_state(logs.dataset) if logs.dataset and logs.dataset.state else growth_of_events(*logs.source)
    first, last = _rows(growth, asked)
    starts = _starts(logs, mine)
    known, unstated = _known(mine, growth, starts, first, last)
    found = [one for life in mine for one in collected(life, growth, starts.get(life.name))]
    found = [one for one in found if first <= one.change.row < last]
    if not known:
        return Portfolio(None, {}, (), (), unstated, tuple(found))
    if len(known) == 1:
        first = max(first, known[0].begin)
    story = _Teller(logs, growth, [one.life for one in known], starts, asked).story(first, last)
    tell("stating …")
    told = _told(logs, asked, known, found)
    assets = {asset.id: asset for asset in _assets(logs.pool)}
    done = state(story, assets, told, home=asked.home, given=asked.given)
    return structs.replace(done, unstated=unstated, collects=tuple(found))


def known_manager(network: str) -> str:
    """Return where the position manager stands on a network; raises ``BadInput`` where nobody has listed it."""
    known = about("uniswap_v3").deployments.get(network, {}).get("position_manager")
    if known is None:
        raise BadInput(f"no position manager is known on {network!r}; give it as --at uniswap_v3=0x…", field="network")
    return str(known.value)


class _Known(NamedTuple):
    """A position, and the first event at which all of it is known."""

    life: Life
    begin: int
    rests_on: str


def _chosen(every: Sequence[Life], asked: Asked, logs: Logs) -> list[Life]:
    names = {life.token_id: life for life in every if life.token_id is not None}
    out: list[Life] = []
    for token in asked.token_ids:
        if token not in names:
            some = ", ".join(map(str, sorted(names)[:3]))
            raise BadInput(
                f"token {token} does not occur in these logs of {logs.title}"
                + (f"; others that do: {some}" if some else ""),
                field="token_id",
            )
        out.append(names[token])
    if asked.address and not asked.token_ids:
        owned = logs.tokens_of(asked.address)
        out = [life for life in every if life.owner == asked.address or life.token_id in owned]
        if not out:
            why = "" if logs.has_transfers else "; the manager's logs here hold no Transfer events: name its --token-id"
            raise BadInput(f"{asked.address} has nothing in these logs of {logs.title}{why}", field="address")
    if not out:
        raise BadInput("whose positions? give --address or --token-id", field="address")
    return out


def _rows(growth: Growth, asked: Asked) -> tuple[int, int]:
    """Return the period as places in the table of events: from the first price on, or as asked."""
    rows = growth.rows
    priced = next((number + 1 for number, spot in enumerate(growth.spots) if spot.price), None)
    if priced is None:
        raise BadInput("no swap in these logs: there is no price to value anything at", field="logs")

    def place(text: str, default: int, field: str) -> int:
        if not text or text == "latest":
            return default
        if text.isdecimal():
            at, ends = int(text), (rows[0].block, rows[-1].block)
            found = bisect_right(rows, at, key=lambda row: row.block)
        else:
            at, ends = moment(text, field), (rows[0].time, rows[-1].time)
            found = bisect_right(rows, at, key=lambda row: row.time)
        if not ends[0] - 1 <= at <= ends[1] and not (field == "to" and at > ends[1] and not text.isdecimal()):
            raise BadInput(f"{text} is not in these logs, which run from block {rows[0].block} to {rows[-1].block}",
                           field=field)  # fmt: skip
        return found

    first, last = max(place(asked.start, priced, "from"), priced), place(asked.end, len(rows), "to")
    if first >= last:
        raise BadInput(f"{asked.start or 'the first price'} is not before {asked.end}", field="from")
    return first, last


def _starts(logs: Logs, mine: Sequence[Life]) -> Mapping[str, Start]:
    """Return what an initial state says of positions held at the pool directly."""
    if logs.dataset is None or (initial := logs.dataset.initial_state()) is None:
        return {}
    from tidemill.venues.uniswap_v3.model_ticks import growth_inside  # noqa: PLC0415

    found = {}
    for life in mine:
        held = initial.positions.get((life.owner, life.lower, life.upper))
        if life.token_id is None and held is not None:
            now = growth_inside(initial, life.lower, life.upper)
            last = held.fee_growth_inside_0_last_x128, held.fee_growth_inside_1_last_x128
            grown = (now[0] - last[0]) % (1 << 256), (now[1] - last[1]) % (1 << 256)
            found[life.name] = Start(held.liquidity, (held.tokens_owed_0, held.tokens_owed_1), grown)
    return found


def _known(
    mine: Sequence[Life], growth: Growth, starts: Mapping[str, Start], first: int, last: int
) -> tuple[list[_Known], tuple[Unstated, ...]]:
    """Split positions into those that are known up to the end, from some event on, and the others with the reason."""
    known, unstated = [], []
    for life in mine:
        follower, begin, reason = Follower(life, growth, starts.get(life.name)), 0, ""
        for row in (*(change.row for change in life.changes if change.row < last), last):
            now = follower.state(row)
            if now is None:
                begin, reason = row + 1, follower.reason
        gone = now is not None and not now.liquidity and not any(now.claimable)
        if begin > last or (gone and begin > life.changes[-1].row):
            lost = follower.lost_at
            hint = f"; --to {lost - 1} states it up to there" if lost and lost > growth.rows[first].block else ""
            unstated.append(Unstated(life.name, reason + hint))
        elif begin > first and len(mine) > 1:
            at = growth.rows[begin - 1]
            unstated.append(Unstated(life.name, f"{reason}; known from {at} on: state it alone"))
        else:
            known.append(_Known(life, begin, follower.rests_on))
    return known, tuple(unstated)


class _Teller:
    """Tells the story of positions at one pool, state by state, forwards."""

    def __init__(
        self, logs: Logs, growth: Growth, mine: Sequence[Life], starts: Mapping[str, Start], asked: Asked
    ) -> None:
        self.pool, self.growth, self.lives, self.asked = logs.pool, growth, mine, asked
        self.token0, self.token1 = (asset.id for asset in _assets(logs.pool))
        self.venue = f"uniswap_v3:{logs.pool.token0.symbol}-{logs.pool.token1.symbol}-{logs.pool.fee}"
        self.followers = {life.name: Follower(life, growth, starts.get(life.name)) for life in mine}
        self.handed = [
            (one, life)
            for life in mine
            if asked.address and life.token_id is not None
            for one in logs.handed(life.token_id, growth)
        ]
        self.owned = {life.name for life in mine}

    def story(self, first: int, last: int) -> Story:
        """Tell from behind event ``first - 1`` to behind ``last - 1``."""
        self.owned -= {life.name for life in self.lives if not self._owned_at(life, first)}
        start, events = self._snapshot(first), list[Happening | Snapshot]()
        wanted = self._samples(first, last)
        changes = [(change, life) for life in self.lives for change in life.changes]
        both: list[tuple[Change | Handed, Life]] = [*self.handed, *changes]
        for one, life in sorted(both, key=lambda pair: (pair[0].row, isinstance(pair[0], Change))):
            if not first <= one.row < last:
                continue
            while wanted and wanted[0] <= one.row:
                events.append(self._snapshot(wanted.pop(0)))
            told = self._changed(one, life) if isinstance(one, Change) else self._given(one, life)
            events += [told] if told else []
        events += [self._snapshot(row) for row in wanted]
        network = self.pool.network
        native = networks.get(network).native_token if network in networks.names() else "ETH"
        return Story(network, f"{native}@{network}", start, tuple(events), self._snapshot(last))

    def _samples(self, first: int, last: int) -> list[int]:
        rows, count = self.growth.rows, self.asked.samples
        begin, end = rows[first - 1].time, rows[last - 1].time
        at = [begin + (end - begin) * k // (count + 1) for k in range(1, count + 1)]
        wanted = {bisect_right(rows, time, key=lambda row: row.time) for time in at}
        return sorted(row for row in wanted if first < row < last)

    def _owned_at(self, life: Life, row: int) -> bool:
        """Whether the account owned a position ahead of event ``row``, by what was given before or, if nothing, after."""
        given = [one for one, whose in self.handed if whose is life]
        before = [one for one in given if one.row < row]
        if before:
            return before[-1].target == self.asked.address
        return not given or given[0].source == self.asked.address

    def _snapshot(self, row: int) -> Snapshot:
        before = self.growth.rows[row - 1]
        return Snapshot(Block(time=before.time, number=before.block), self._holding(row))

    def _changed(self, change: Change, life: Life) -> Happening | None:
        if life.name not in self.owned:
            return None
        before = self._holding(change.row)
        act = Act(change.tx, (self._deed(change, life),), None)
        after = self._holding(change.row + 1)
        return Happening(Block(time=change.time, number=change.block), before, (act,), after, parent=False)

    def _given(self, one: Handed, life: Life) -> Happening | None:
        """Tell a position that came from somebody or went to somebody; made, it is told by what is put in."""
        before, had = self._holding(one.row), life.name in self.owned
        has = one.target == self.asked.address
        if had == has:
            return None
        self.owned ^= {life.name}
        if not one.source:
            return None
        deed = Deed(self.venue, self._name(life), "came" if has else "went", "received" if has else "sent")
        at = Block(time=one.time, number=one.block)
        return Happening(at, before, (Act(one.tx, (deed,), None),), self._holding(one.row), parent=False)

    def _holding(self, row: int) -> Holding:
        price = self.growth.spots[row - 1].price
        quote = Quote(self.token0, self.token1, price * price, 1 << 192)
        return Holding(tuple(self._positions(row)), quotes=(quote,))

    def _positions(self, row: int) -> Iterator[Position]:
        tokens = self.token0, self.token1
        for life in self.lives:
            if life.name not in self.owned:
                continue
            now = self.followers[life.name].state(row)
            assert now is not None, "only what is known is told"
            if now.liquidity or any(now.claimable):
                data = {"tick_lower": life.lower, "tick_upper": life.upper, "liquidity": now.liquidity}
                sides = (dict(zip(tokens, pair, strict=True)) for pair in (now.principal, now.claimable))
                yield Position(self._name(life), self.venue, "range", data, *sides)

    def _deed(self, change: Change, life: Life) -> Deed:
        pair = dict(zip((self.token0, self.token1), change.amounts, strict=True))
        moves: tuple[Transfer, ...] = ()
        if change.what != "decrease":
            ends = (ME, self.venue) if change.what == "increase" else (self.venue, ME)
            moves = tuple(Transfer(token, *ends, amount) for token, amount in pair.items() if amount)
        amounts = {"amount0": change.amounts[0], "amount1": change.amounts[1]}
        return Deed(self.venue, self._name(life), "own", change.what, amounts, moves)

    def _name(self, life: Life) -> str:
        return f"{self.venue}#{life.token_id if life.token_id is not None else life.name}"


def _assets(pool: PoolInfo) -> tuple[Asset, Asset]:
    token0, token1 = (
        Asset(f"{token.symbol}@{pool.network}", token.address, token.decimals) for token in (pool.token0, pool.token1)
    )
    return token0, token1


def _told(logs: Logs, asked: Asked, known: Sequence[_Known], found: Sequence[Collected]) -> Told:
    notes = [f"{one.life.name}: taken for true: {one.rests_on}" for one in known if one.rests_on]
    determined = [one for one in found if one.due is not None]
    exact = sum(one.exact for one in determined)
    names = ", ".join(one.life.name for one in known[:3]) + (" and others" if len(known) > 3 else "")
    return Told(
        title=f"What {names} earned",
        parameters={"address": asked.address, "token ids": ", ".join(map(str, asked.token_ids))},
        venues=[f"uniswap_v3 {logs.title}"],
        fidelity=Fidelity(
            "exact" if logs.dataset is not None and logs.dataset.state else "inferred",
            "n/a",
            "bytecode-equal",
            f"of {len(found)} collects in the logs {len(determined)} are determined by them, {exact} come out to the wei"
            if found
            else "not measured: no collect in the logs to compare with",
            notes,
        ),
        warnings=[_NO_FEES],
        unknown=dict.fromkeys(("l2", "l1", "failed"), _NO_FEES),
    )
