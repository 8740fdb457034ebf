"""The figures of one reserve, vault, farm or pool along time, as integers: what a study's venue follows.

Whatever a table gives (an index, a yearly rate, an APY; reserves, or a price with volume and depth) becomes the one form
that venues follow: ``supply_index``, ``borrow_index``, ``share_price`` (rays), ``reward_rate``, ``bonus_rate`` (rays of a
whole token a second), ``total_staked``, ``reserve0``, ``reserve1``, ``total_supply`` (rays of a whole token);
``transactions`` (rays of one) until the next row, and prices in rays of a gwei.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from itertools import pairwise

import polars as pl
from msgspec import Struct

from tidemill.errors import BadData
from tidemill.market.rates import RatesTable
from tidemill.units import BPS, RAY, div_down, isqrt_down, mul_div_down

__all__ = ["RatesPath", "rates_path"]

YEAR = 365 * 86_400
DAY = 86_400
MOST_RATE = 10
"""A yearly rate above 1,000 % is taken for a percentage written as one."""
POOL_FEE_BPS = 30
"""What a classic pool leaves of a swap."""
_RAY = int(RAY)
_EXACT = Context(prec=60)
_FORMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "lending": (
        ("supply_index",),
        ("supply_apy",),
        ("supply_rate",),
        ("borrow_apy", "utilisation", "reserve_factor"),
        ("borrow_rate", "utilisation", "reserve_factor"),
    ),
    "vault": (("share_price",), ("supply_index",), ("supply_apy",), ("supply_rate",)),
    "farm": (("reward_rate", "total_staked"), ("reward_per_day", "total_staked")),
    "operator": (("transactions",),),
    "amm": (("reserve0", "reserve1", "total_supply"), ("price", "volume", "liquidity")),
}
"""Figures that a family can be followed by, the best first."""


class RatesPath(Struct, frozen=True):
    """What one venue follows.

    ``time`` are seconds, rising; ``figures`` rays, one for each moment, under the names above; ``flags`` the same of
    ``frozen`` and ``paused``. ``notes`` say what was left out.
    """

    title: str
    file: str
    source: str
    synthetic: bool
    time: Sequence[int]
    figures: Mapping[str, Sequence[int]]
    flags: Mapping[str, Sequence[bool]]
    notes: tuple[str, ...]

    def span(self) -> tuple[int, int]:
        """Return first and last moment, seconds."""
        return self.time[0], self.time[-1]

    def row(self, now: int) -> int:
        """Return the row that holds at ``now``: the last one not after it, the first one before all."""
        return max(bisect_right(self.time, now) - 1, 0)

    def held(self, figure: str, now: int) -> int:
        """Return a figure as last told."""
        return self.figures[figure][self.row(now)]

    def flag(self, name: str, now: int) -> bool:
        """Return a flag as last told; one that the table lacks is not set."""
        return bool(self.flags[name][self.row(now)]) if name in self.flags else False

    def between(self, figure: str, now: int) -> int:
        """Return a figure at ``now``, on the straight line between its neighbours, rounded down."""
        row, values = self.row(now), self.figures[figure]
        if row + 1 == len(values) or now <= self.time[row]:
            return values[row]
        passed, whole = now - self.time[row], self.time[row + 1] - self.time[row]
        return div_down(values[row] * (whole - passed) + values[row + 1] * passed, whole)

    def slope(self, figure: str, now: int) -> int:
        """Return the yearly rate (a ray) by which a figure grows at ``now``, simple, never below 0."""
        row, values = self.row(now), self.figures[figure]
        if row + 1 == len(values) or not values[row]:
            return 0
        grown = max(values[row + 1] - values[row], 0)
        return div_down(grown * _RAY * YEAR, values[row] * (self.time[row + 1] - self.time[row]))


def rates_path(
    table: RatesTable, family: str, *, network: str = "", asset: str = "", protocol_fee: bool = False
) -> RatesPath:
    """Make of a table what a venue of ``family`` (lending, vault, farm, amm, operator) follows.

    Rows that lie behind an earlier one are left out and noted, and so are repeated ones.

    Raises
    ------
    BadInput : no rows fit the choice, or those of several do (fields ``network``, ``asset``).
    BadData : the figures that the family needs are not there, contradict one another, or are flagged suspect.
    """
    told = set(table.figures)
    form = next((form for form in _FORMS[family] if told.issuperset(form)), None)
    if form is None:
        wanted = " or ".join("+".join(form) for form in _FORMS[family])
        raise BadData(f"{table.file}: a {family} venue follows {wanted}; it has {', '.join(table.figures)}")
    rows = table.of(network, asset)
    if "suspect" in rows.columns and rows["suspect"].any():
        count = rows["suspect"].sum()
        raise BadData(f"{table.file}: {count:,} of these {rows.height:,} rows are flagged suspect: not to be relied on")
    index = form[0] in ("supply_index", "share_price")
    rows, notes = _in_order(table, rows, "time" if index else "at")
    time = rows["time" if index else "at"].to_list()
    if len(time) < 2:
        raise BadData(f"{table.file}: one moment only; nothing can be earned between two")
    path = _Figures(table, rows, time)
    figures = _MAKE[family](path, form, protocol_fee=protocol_fee)
    name = " on ".join(part for part in (rows["name"][-1], rows["network"][0]) if part)
    return RatesPath(
        title=f"rates of {name}" if name else "rates",
        file=table.file,
        source=table.source,
        synthetic=table.synthetic,
        time=time,
        figures=figures,
        flags={name: rows[name].to_list() for name in ("frozen", "paused") if name in rows.columns},
        notes=(*notes, *_silence(time)),
    )


def _in_order(table: RatesTable, rows: pl.DataFrame, clock: str) -> tuple[pl.DataFrame, list[str]]:
    """Leave out rows behind an earlier one, then those that tell the same moment again."""
    ahead = rows.filter(pl.col(clock) >= pl.col(clock).cum_max())
    kept = ahead.unique(clock, keep="last", maintain_order=True)
    figures = list(table.figures) if clock == "at" else [f for f in table.figures if f.endswith(("index", "price"))]
    if ahead.select(pl.struct(clock, *figures).n_unique())[0, 0] != kept.height:
        twice = ahead.filter(pl.struct(clock, *figures).n_unique().over(clock) > 1)[clock][0]
        raise BadData(f"{table.file}: two rows of {twice} say different things")
    notes = []
    if lost := rows.height - ahead.height:
        notes.append(f"{lost} rows lie behind an earlier one and are left out")
    return kept, notes


def _silence(time: list[int]) -> list[str]:
    """Note the longest silence where it is out of the ordinary."""
    steps = sorted(b - a for a, b in pairwise(time))
    usual = steps[len(steps) // 2]
    if steps[-1] < 2 * usual:
        return []
    return [f"longest silence {steps[-1]:,} s where {usual:,} s are usual: figures hold or go straight across it"]


class _Figures:
    """Columns of the rows as rays, by name."""

    def __init__(self, table: RatesTable, rows: pl.DataFrame, time: list[int]) -> None:
        self.table, self.rows, self.time = table, rows, time

    def __getitem__(self, name: str) -> list[int]:
        return self.table.rays(self.rows, name)

    def has(self, name: str) -> bool:
        return name in self.table.figures

    def bad(self, row: int, message: str) -> BadData:
        return BadData(f"{self.table.file}: at {self.time[row]}: {message}")

    def rising(self, name: str) -> list[int]:
        """An index of lending: it starts above 0 and never falls."""
        values = self.positive(name)
        for row in range(1, len(values)):
            if values[row] < values[row - 1]:
                raise self.bad(row, f"{name} falls from {values[row - 1]} to {values[row]} (rays); an index never does")
        return values

    def positive(self, name: str) -> list[int]:
        values = self[name]
        if not all(values):
            raise self.bad(values.index(0), f"{name} is 0, by which nothing can be valued")
        return values

    def compounded(self, name: str) -> list[int]:
        """An index from 1.0 on: each rate holds until the next row."""
        index, out, apy = _RAY, [], name.endswith("_apy")
        rates = self[name]
        for row, rate in enumerate(rates):
            out.append(index)
            if rate > MOST_RATE * _RAY:
                raise self.bad(row, f"{name} is above 1,000 % a year; write 0.05 for 5 %, or call it {name}_percent")
            if row + 1 < len(rates):
                seconds = self.time[row + 1] - self.time[row]
                growth = _power_down(rate, seconds) if apy else _RAY + div_down(rate * seconds, YEAR)
                index = mul_div_down(index, growth, _RAY)
        return out


@lru_cache(maxsize=4096)
def _power_down(apy: int, seconds: int) -> int:
    """``(1 + apy) ** (seconds / year)`` in rays: 60 digits, then down."""
    one_more = _EXACT.divide(Decimal(_RAY + apy), Decimal(_RAY))
    power = _EXACT.exp(_EXACT.divide(_EXACT.multiply(_EXACT.ln(one_more), Decimal(seconds)), Decimal(YEAR)))
    return int(_EXACT.multiply(power, Decimal(_RAY)))


def _index(path: _Figures, name: str) -> list[int]:
    return path.rising(name) if name.endswith("_index") else path.compounded(name)


def _lending(path: _Figures, form: tuple[str, ...], **_: bool) -> dict[str, list[int]]:
    if form[0].startswith("borrow_"):
        owed = _index(path, form[0])
        return {"supply_index": _lent(path, owed), "borrow_index": owed}
    out = {"supply_index": _index(path, form[0])}
    for name in ("borrow_index", "borrow_apy", "borrow_rate"):
        if path.has(name):
            return out | {"borrow_index": _index(path, name)}
    return out


def _lent(path: _Figures, owed: list[int]) -> list[int]:
    """What is lent grows by the interest on the part of it that is borrowed, less the protocol's part, as told at each row."""
    used, kept = path["utilisation"], path["reserve_factor"]
    out = [_RAY]
    for row in range(len(owed) - 1):
        if max(used[row], kept[row]) > _RAY:
            raise path.bad(row, "utilisation and reserve_factor are parts of one; write 0.9 for 90 %")
        interest = mul_div_down(owed[row + 1] - owed[row], used[row], owed[row])
        out.append(out[-1] + mul_div_down(out[-1], mul_div_down(interest, _RAY - kept[row], _RAY), _RAY))
    return out


def _vault(path: _Figures, form: tuple[str, ...], **_: bool) -> dict[str, list[int]]:
    price = path.positive(form[0]) if form[0] == "share_price" else _index(path, form[0])
    return {"share_price": price}


def _farm(path: _Figures, form: tuple[str, ...], **_: bool) -> dict[str, list[int]]:
    out = {"reward_rate": _stream(path, form[0]), "total_staked": path["total_staked"]}
    beside = next((name for name in ("bonus_rate", "bonus_per_day") if path.has(name)), None)
    return out | ({"bonus_rate": _stream(path, beside)} if beside else {})


def _stream(path: _Figures, name: str) -> list[int]:
    """Whole tokens a second."""
    return [div_down(value, DAY) for value in path[name]] if name.endswith("_per_day") else path[name]


def _amm(path: _Figures, form: tuple[str, ...], *, protocol_fee: bool) -> dict[str, list[int]]:
    """Reserves, and what fees make of a share: from the shares told, or from volume and depth."""
    if form[0] == "reserve0":
        reserve0, reserve1, shares = (path.positive(name) for name in form)
        root = [
            div_down(isqrt_down(x * y) * _RAY, share) for x, y, share in zip(reserve0, reserve1, shares, strict=True)
        ]
        return {"reserve0": reserve0, "reserve1": reserve1, "root_per_share": _no_loss(path, root)}
    price, volume, depth = path.positive("price"), path["volume"], path.positive("liquidity")
    reserve1 = [div_down(value, 2) for value in depth]
    reserve0 = [mul_div_down(value, _RAY, by) for value, by in zip(reserve1, price, strict=True)]
    fee = div_down(POOL_FEE_BPS * _RAY * (5 if protocol_fee else 6), int(BPS) * 6)
    root = [_RAY]
    for traded, all_of_it in zip(volume[:-1], depth, strict=False):
        root.append(root[-1] + mul_div_down(root[-1], mul_div_down(traded, fee, _RAY), all_of_it))
    return {"reserve0": reserve0, "reserve1": reserve1, "root_per_share": root}


def _no_loss(path: _Figures, root: list[int]) -> list[int]:
    """Trading adds to the product per share, adding and removing leaves it: it falls by the rounding of digits alone."""
    for row in range(1, len(root)):
        if root[row] * 1_000_000 < root[row - 1] * 999_999:
            raise path.bad(
                row, "a share's part of the reserves falls, which no trade does: not one pool, or not its supply"
            )
        root[row] = max(root[row - 1 : row + 1])
    return root


def _operator(path: _Figures, form: tuple[str, ...], **_: bool) -> dict[str, list[int]]:
    prices = [name for name in ("base_fee_gwei", "l1_gas_gwei", "blob_gas_gwei") if path.has(name)]
    return {name: path[name] for name in (*form, *prices)}


_MAKE: Mapping[str, Callable[..., dict[str, list[int]]]] = {
    "lending": _lending,
    "vault": _vault,
    "farm": _farm,
    "amm": _amm,
    "operator": _operator,
}
