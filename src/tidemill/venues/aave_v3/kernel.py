"""Millions of supplies, withdrawals, loans and repayments in one market, in machine code, to the wei.

Heavy: importing it imports numba and numpy. The arithmetic is the rules' own; the order of steps is the model's, to which
`tests/venues/aave_v3/test_kernel.py` holds it. Everybody acts for himself with plenty of tokens; prices stand still
for a run, and there are no caps, categories, ceilings, siloed, frozen or paused reserves.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.errors import BadInput
from tidemill.units import MAX_UINT256, Uint, minimum, rule, wide
from tidemill.units.jit import as_index, borrow, load128, load256, pack, store256, unpack
from tidemill.units.kernels import kernel, part
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.rules import (
    binomial_interest_down,
    grow_half_up,
    linear_interest_down,
    liquidity_rate_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    treasury_shares_half_up,
    usage_ratio_half_up,
    variable_rate_half_up,
)
from tidemill.venues.aave_v3.rules_risk import (
    HEALTHY,
    average_down,
    collateral_needed,
    health_factor_half_up,
    value_down,
)
from tidemill.venues.aave_v3.state import MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30

__all__ = [
    "BORROW",
    "REASONS",
    "REPAY",
    "SUPPLY",
    "WITHDRAW",
    "KernelMarket",
    "Moves",
    "Played",
    "accrue_every",
    "warm",
]

SUPPLY, WITHDRAW, BORROW, REPAY = range(4)
"""Verbs."""

REASONS = (
    "",
    "arithmetic",
    Code.AMOUNT_ZERO,
    Code.BALANCE_TOO_SMALL,
    Code.MINT_TOO_SMALL,
    Code.BURN_TOO_SMALL,
    Code.NO_COLLATERAL,
    Code.LTV_ZERO,
    Code.UNHEALTHY,
    Code.COLLATERAL_TOO_SMALL,
    Code.NO_DEBT,
)
"""Why a row was refused, by `Played.refused`: nothing, any arithmetic (also where the pool has too little), or the code."""
_ARITHMETIC, _ZERO_AMOUNT, _TOO_MUCH, _MINT, _BURN, _NO_COLLATERAL, _LTV, _UNHEALTHY, _SHORT, _NO_DEBT = range(1, 11)

_INCOME, _DEBT, _INCOME_RATE, _DEBT_RATE, _ACCRUED, _SUPPLIED, _OWED, _CASH = range(8)
_PRICE, _UNIT, _OPTIMAL, _BASE, _SLOPE1, _SLOPE2, _FACTOR, _LTV_BPS, _THRESHOLD = range(8, 17)
_ROWS = 17
"""Rows of a reserve's cells; seconds of its last update lie beside them."""
_HELD, _BORROWED, _HELD_INDEX, _BORROWED_INDEX = range(4)
"""Rows of an account in a reserve: scaled balances, and the indices at which they were touched last."""
_COLLATERAL, _OWING = range(2)
_MOST_RESERVES = 64
_ALL = wide(int(MAX_UINT256))
_NONE: int = wide(0)
Limbs = NDArray[np.uint64]


class Moves(Struct, frozen=True):
    """What happens, a row each, in order of time.

    Parameters
    ----------
    times : seconds, never falling. who, reserves : indices of the account and of the reserve. verbs : one of the four.
        amounts : raw units as packed by `tidemill.units.jit.pack`, (n, 4) limbs; the largest number is everything.
    """

    times: NDArray[np.int64]
    who: NDArray[np.int64]
    reserves: NDArray[np.int64]
    verbs: NDArray[np.int8]
    amounts: Limbs


class Played(Struct, frozen=True):
    """What came of each row: raw units moved (limbs, 0 where refused), and a place in `REASONS`."""

    moved: Limbs
    refused: NDArray[np.int8]


class KernelMarket:
    """A market in machine code, with the model's numbers.

    Parameters
    ----------
    state : of the model; all reserves plain, and at most 64 where there are people. people : the accounts that rows count.
    cash : raw units of each reserve's token that lie there, in the state's order.

    Raises
    ------
    BadInput : names the reserve and what of it is not plain.
    """

    def __init__(self, state: MarketState, people: Sequence[str], cash: Sequence[int]) -> None:
        if people and len(state.reserves) > _MOST_RESERVES:
            raise BadInput(f"{len(state.reserves)} reserves; the kernel plays accounts in at most {_MOST_RESERVES}")
        if any(state.emode.values()):
            raise BadInput("an account is in an e-mode category; the kernel knows none")
        self._people = list(people)
        self._ids = list(state.reserves)
        self.cells, self.updated = _cells(state, cash)
        numbers = []
        for who in self._people:
            for reserve in state.reserves.values():
                books = (reserve.supplied, reserve.owed, reserve.supplied_index, reserve.owed_index)
                numbers += [book.get(who, 0) for book in books]
        self.accounts = pack(numbers).reshape(-1, 4)
        bits = [(state.collateral.get(who, 0), state.borrowed.get(who, 0)) for who in self._people]
        self.bits = np.array(bits, np.uint64).reshape(-1, 2)

    def play(self, moves: Moves) -> Played:
        """Do every row. Raises ``BadInput`` for an index or a time that cannot be."""
        count, people, reserves = len(moves.times), len(self._people), len(self._ids)
        if count and not (
            0 <= moves.who.min() <= moves.who.max() < people
            and 0 <= moves.reserves.min() <= moves.reserves.max() < reserves
            and (np.diff(moves.times, prepend=self.updated.max()) >= 0).all()
        ):
            raise BadInput("who and reserves must count what there is, and times must not fall", field="moves")
        out = Played(np.zeros((count, 4), np.uint64), np.zeros(count, np.int8))
        columns = (moves.times, moves.who, moves.reserves, moves.verbs, moves.amounts)
        _play(self.cells, self.updated, self.accounts, self.bits, *columns, out.moved, out.refused)
        return out

    def cash(self) -> list[int]:
        """Raw units that lie at each reserve now."""
        return unpack(self.cells[_CASH::_ROWS])

    def write_to(self, state: MarketState) -> None:
        """Write all numbers back into the model's state."""
        rows, held = unpack(self.cells), unpack(self.accounts)
        for number, name in enumerate(self._ids):
            reserve, first = state.reserves[name], number * _ROWS
            _write_reserve(reserve, rows[first : first + _ROWS], int(self.updated[number]))
            books = (reserve.supplied, reserve.owed, reserve.supplied_index, reserve.owed_index)
            for place, who in enumerate(self._people):
                first = 4 * (place * len(self._ids) + number)
                for book, value in zip(books, held[first : first + 4], strict=True):
                    _put(book, who, value)
        for place, who in enumerate(self._people):
            _put(state.collateral, who, int(self.bits[place, _COLLATERAL]))
            _put(state.borrowed, who, int(self.bits[place, _OWING]))


def accrue_every(market: KernelMarket, times: NDArray[np.int64], threads: int = 1) -> None:
    """Bring every reserve's indices, treasury and rates up to each of ``times`` (seconds, never falling)."""
    count = len(market.updated)
    bounds = [count * n // threads for n in range(threads + 1)]  # down: the parts differ by one at most

    def run(start: int, stop: int) -> None:
        _accrue_every(market.cells, market.updated, times, start, stop)

    if threads == 1:
        run(0, count)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, bounds, bounds[1:]))


def warm() -> None:
    """Compile the kernels, or load them, by runs of nothing."""
    market, none = KernelMarket(MarketState(""), (), ()), np.zeros(0, np.int64)
    market.play(Moves(none, none, none, np.zeros(0, np.int8), pack([])))
    accrue_every(market, none)


def _cells(state: MarketState, cash: Sequence[int]) -> tuple[Limbs, NDArray[np.int64]]:
    numbers = []
    for (name, reserve), lying in zip(state.reserves.items(), cash, strict=True):
        config, curve = reserve.config, reserve.curve
        if reserve.version != V30:
            raise BadInput(f"{name}: version {reserve.version}; the kernel plays v3.0", field="version")
        for field in ("supply_cap", "borrow_cap", "debt_ceiling", "category", "siloed", "frozen", "paused"):
            if getattr(config, field):
                raise BadInput(f"{name}: {field} is set; the kernel plays plain reserves", field=field)
        if not (config.active and config.borrowing and state.prices.get(name, 0)):
            raise BadInput(f"{name} is not active, not lent or has no price; the kernel plays plain reserves")
        numbers += [reserve.liquidity_index, reserve.variable_index, reserve.liquidity_rate, reserve.variable_rate]
        numbers += [reserve.accrued, reserve.total_supplied, reserve.total_owed, lying, state.prices[name]]
        numbers += [reserve.unit, curve.optimal, curve.base, curve.slope1, curve.slope2]
        numbers += [config.reserve_factor, config.ltv, config.threshold]
    updated = [reserve.updated for reserve in state.reserves.values()]
    return pack(numbers).reshape(-1, 4), np.array(updated, np.int64)


def _write_reserve(reserve: ReserveState, rows: list[int], updated: int) -> None:
    reserve.liquidity_index, reserve.variable_index = rows[_INCOME], rows[_DEBT]
    reserve.liquidity_rate, reserve.variable_rate = rows[_INCOME_RATE], rows[_DEBT_RATE]
    reserve.accrued, reserve.total_supplied, reserve.total_owed = rows[_ACCRUED], rows[_SUPPLIED], rows[_OWED]
    if updated != reserve.updated:
        reserve.updated, reserve.stable_rate = updated, reserve.curve.slope1


def _put(book: dict[str, int], who: str, value: int) -> None:
    if value:
        book[who] = value
    else:
        book.pop(who, None)


# --- compiled ---------------------------------------------------------------------------------------------------------


@rule
def _plus(a: Uint, b: Uint) -> Uint:
    """A sum that reverts where it does not fit, also where kernels run as Python."""
    return a + b


@rule
def _minus(a: Uint, b: Uint) -> Uint:
    """A difference that reverts below 0."""
    return a - b


@part
def _accrued(cells: Any, first: int, elapsed: int) -> tuple[Any, Any, Any]:
    """Index of income, index of debt and the treasury's claim, ``elapsed`` seconds after the last update."""
    income, debt = load128(cells, first + _INCOME), load128(cells, first + _DEBT)
    accrued = load256(cells, first + _ACCRUED)
    if elapsed == 0:
        return income, debt, accrued
    before, owed, factor = debt, load256(cells, first + _OWED), load128(cells, first + _FACTOR)
    rate = load128(cells, first + _INCOME_RATE)
    if rate != 0:
        income = grow_half_up(income, linear_interest_down(rate, elapsed))
    if owed != 0:
        debt = grow_half_up(debt, binomial_interest_down(load128(cells, first + _DEBT_RATE), elapsed))
        if factor != 0:
            accrued = accrued + treasury_shares_half_up(owed, before, debt, factor, income)
    return income, debt, accrued


@part
def _rates(cells: Any, first: int, owed: Any, debt_index: Any, cash: Any) -> tuple[Any, Any]:
    """Rates of income and of debt, once ``cash`` lies there and ``owed`` (scaled) is lent."""
    debt = ray_mul_half_up(owed, debt_index)
    usage = usage_ratio_half_up(debt, cash)
    optimal, base = load128(cells, first + _OPTIMAL), load128(cells, first + _BASE)
    slope1, slope2 = load128(cells, first + _SLOPE1), load128(cells, first + _SLOPE2)
    variable = variable_rate_half_up(usage, optimal, base, slope1, slope2)
    income = liquidity_rate_half_up(debt, variable, usage, load128(cells, first + _FACTOR))
    return income, variable


@kernel
def _accrue_every(cells: Any, updated: Any, times: Any, start: int, stop: int) -> None:
    cells = borrow(cells)
    for reserve in range(start, stop):
        first = reserve * _ROWS
        for i in range(times.shape[0]):
            income, debt, accrued = _accrued(cells, first, times[i] - updated[reserve])
            owed, cash = load256(cells, first + _OWED), load256(cells, first + _CASH)
            income_rate, debt_rate = _rates(cells, first, owed, debt, cash)
            updated[reserve] = times[i]
            store256(cells, first + _INCOME, income)
            store256(cells, first + _DEBT, debt)
            store256(cells, first + _ACCRUED, accrued)
            store256(cells, first + _INCOME_RATE, income_rate)
            store256(cells, first + _DEBT_RATE, debt_rate)


@kernel
def _play(
    cells: Any, updated: Any, accounts: Any, bits: Any,
    times: Any, who: Any, reserves: Any, verbs: Any, amounts: Any, moved: Any, refused: Any,
) -> None:  # fmt: skip
    cells, accounts = borrow(cells), borrow(accounts)
    for i in range(times.shape[0]):
        amount, code = load256(amounts, i), _ARITHMETIC
        try:
            code, amount = _act(cells, updated, accounts, bits, times[i], who[i], reserves[i], verbs[i], amount)
        except Exception:  # noqa: BLE001 - the only one that compiled code sees
            code = _ARITHMETIC
        refused[i] = code
        if code == 0:
            store256(moved, i, amount)


@part
def _act(
    cells: Any, updated: Any, accounts: Any, bits: Any, now: int, me: int, reserve: int, verb: int, amount: Any
) -> tuple[int, Any]:
    """Returns (code, raw units moved); nothing is stored on refusal."""
    first, row = reserve * _ROWS, 4 * (me * updated.shape[0] + reserve)
    income, debt, accrued = _accrued(cells, first, now - updated[reserve])
    if amount == 0:
        return _ZERO_AMOUNT, amount
    cash = load256(cells, first + _CASH)
    of_debt = verb in (BORROW, REPAY)
    total = load256(cells, first + (_OWED if of_debt else _SUPPLIED))
    index = debt if of_debt else income
    scaled = load128(accounts, row + (_BORROWED if of_debt else _HELD))
    whole, adds = _NONE, verb in (SUPPLY, BORROW)
    if not adds:
        whole = ray_mul_half_up(scaled, index)
        if verb == REPAY:
            if whole == 0:
                return _NO_DEBT, amount
            amount = minimum(amount, whole)
        else:
            amount = whole if amount == _ALL else amount
            if amount == 0:
                return _ZERO_AMOUNT, amount
            if amount > whole:
                return _TOO_MUCH, amount
    if verb == BORROW:
        held = load128(accounts, row + _HELD)
        code = _check_value(cells, updated, accounts, bits, now, me, reserve, amount, (income, debt, held))
        if code != 0:
            return code, amount
    # A supply or withdrawal sets the rates before it touches balances, a loan or repayment behind: so are the refusals.
    owed = total if of_debt else load256(cells, first + _OWED)
    takes = verb in (WITHDRAW, BORROW)
    if takes and cash < amount and verb == WITHDRAW and owed != 0:
        return _ARITHMETIC, amount
    part_of = ray_div_half_up(amount, index)
    if part_of == 0:
        return (_MINT if adds else _BURN), amount
    after = _plus(scaled, part_of) if adds else _minus(scaled, part_of)
    total = _plus(total, part_of) if adds else _minus(total, part_of)
    cash = _minus(cash, amount) if takes else _plus(cash, amount)
    if of_debt:
        owed = total
    income_rate, debt_rate = _rates(cells, first, owed, debt, cash)
    if (part_of | after | income_rate | debt_rate) >> 128 != 0:
        return _ARITHMETIC, amount
    using, owing = bits[me, _COLLATERAL], bits[me, _OWING]
    bit = np.uint64(1) << np.uint64(reserve)
    if verb == WITHDRAW and (using & bit) != 0 and owing != 0:
        code = _check_after(cells, updated, accounts, bits, now, me, reserve, amount == whole, (income, debt, after))
        if code != 0:
            return code, amount
    if verb == SUPPLY and scaled == 0 and load128(cells, first + _LTV_BPS) != 0:
        bits[me, _COLLATERAL] = using | bit
    elif verb == WITHDRAW and amount == whole:
        bits[me, _COLLATERAL] = using & ~bit
    elif verb == BORROW and scaled == 0:
        bits[me, _OWING] = owing | bit
    elif verb == REPAY and amount == whole:
        bits[me, _OWING] = owing & ~bit
    updated[reserve] = now
    store256(cells, first + _INCOME, income)
    store256(cells, first + _DEBT, debt)
    store256(cells, first + _ACCRUED, accrued)
    store256(cells, first + _INCOME_RATE, income_rate)
    store256(cells, first + _DEBT_RATE, debt_rate)
    store256(cells, first + (_OWED if of_debt else _SUPPLIED), total)
    store256(cells, first + _CASH, cash)
    store256(accounts, row + (_BORROWED if of_debt else _HELD), after)
    store256(accounts, row + (_BORROWED_INDEX if of_debt else _HELD_INDEX), index)
    return 0, amount


@part
def _check_value(
    cells: Any, updated: Any, accounts: Any, bits: Any, now: int, me: int, reserve: int, amount: Any, fresh: Any
) -> int:
    """Whether ``amount`` more may be borrowed."""
    collateral, debt, lent, weighted, _zero = _account(
        cells, updated, accounts, now, me, bits[me, _COLLATERAL], bits[me, _OWING], reserve, fresh
    )
    if collateral == 0:
        return _NO_COLLATERAL
    ltv = average_down(lent, collateral)
    if ltv == 0:
        return _LTV
    if health_factor_half_up(collateral, average_down(weighted, collateral), debt) <= HEALTHY:
        return _UNHEALTHY
    first = reserve * _ROWS
    value = value_down(amount, load256(cells, first + _PRICE), load128(cells, first + _UNIT))
    if collateral_needed(debt, value, ltv) > collateral:
        return _SHORT
    return 0


@part
def _check_after(
    cells: Any, updated: Any, accounts: Any, bits: Any, now: int, me: int, reserve: int, gone: bool, fresh: Any
) -> int:
    """Whether an account stays healthy with what is left as collateral in a reserve."""
    using = bits[me, _COLLATERAL]
    if gone:
        using = using & ~(np.uint64(1) << np.uint64(reserve))
    collateral, debt, _lent, weighted, zero_ltv = _account(
        cells, updated, accounts, now, me, using, bits[me, _OWING], reserve, fresh
    )
    if health_factor_half_up(collateral, average_down(weighted, collateral), debt) < HEALTHY:
        return _UNHEALTHY
    if zero_ltv and load128(cells, reserve * _ROWS + _LTV_BPS) != 0:
        return _LTV
    return 0


@part
def _account(
    cells: Any, updated: Any, accounts: Any, now: int, me: int, using: Any, owing: Any, reserve: int, fresh: Any
) -> tuple[Any, Any, Any, Any, bool]:
    """Collateral, debt, collateral by loan to value and by threshold, and whether some of it lends nothing.

    ``fresh`` is what ``reserve`` has already come to: both indices, and one's scaled supply there.
    """
    collateral, debt, lent, weighted, zero_ltv = _NONE, _NONE, _NONE, _NONE, False
    count = updated.shape[0]
    for r in range(count):
        bit = np.uint64(1) << np.uint64(r)
        if ((using | owing) & bit) == 0:
            continue
        first, row = r * _ROWS, 4 * (me * count + r)
        price, unit = load256(cells, first + _PRICE), load128(cells, first + _UNIT)
        income, owed, scaled = fresh
        elapsed = 0
        if r != reserve:
            income, owed = load128(cells, first + _INCOME), load128(cells, first + _DEBT)
            scaled, elapsed = load128(accounts, row + _HELD), as_index(now - updated[r])
        threshold = load128(cells, first + _THRESHOLD)
        if (using & bit) != 0 and threshold != 0:
            rate = load128(cells, first + _INCOME_RATE)
            if elapsed != 0 and rate != 0:
                income = ray_mul_half_up(linear_interest_down(rate, elapsed), income)
            value = value_down(ray_mul_half_up(scaled, income), price, unit)
            ltv = load128(cells, first + _LTV_BPS)
            collateral = collateral + value
            lent = lent + value * ltv
            weighted = weighted + value * threshold
            zero_ltv = zero_ltv or ltv == 0
        if (owing & bit) != 0:
            if elapsed != 0:
                owed = ray_mul_half_up(binomial_interest_down(load128(cells, first + _DEBT_RATE), elapsed), owed)
            debt = debt + value_down(ray_mul_half_up(load128(accounts, row + _BORROWED), owed), price, unit)
    return collateral, debt, lent, weighted, zero_ltv
