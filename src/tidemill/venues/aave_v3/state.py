"""What an Aave v3 market remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidemill.errors import Revert
from tidemill.units import RAY
from tidemill.venues.aave_v3.codes import Code

__all__ = ["Category", "Config", "Curve", "MarketState", "ReserveState"]


@dataclass
class Config:
    """What governance sets for a reserve. Percentages in basis points, caps in whole tokens (0: none).

    ``debt_ceiling`` is in hundredths of a unit of the base currency; where it is not 0, the reserve is collateral in
    isolation only. ``bonus`` is 10_000 and more, ``liquidation_fee`` the treasury's part of what exceeds 10_000.
    """

    ltv: int = 0
    threshold: int = 0
    bonus: int = 0
    reserve_factor: int = 0
    liquidation_fee: int = 0
    supply_cap: int = 0
    borrow_cap: int = 0
    debt_ceiling: int = 0
    category: int = 0
    active: bool = True
    frozen: bool = False
    paused: bool = False
    borrowing: bool = True
    flash_loans: bool = True
    isolated_borrowing: bool = False
    siloed: bool = False


@dataclass
class Curve:
    """The curve of the variable rate: rays per year; ``optimal`` usage in rays."""

    optimal: int
    base: int
    slope1: int
    slope2: int


@dataclass
class ReserveState:
    """One reserve. ``account`` is where its tokens lie in the world's book; ``updated`` is seconds.

    ``supplied`` and ``owed`` are scaled balances (raw units over the index) by account, ``*_index`` the indices at which
    each account was last touched. ``accrued`` is the treasury's scaled claim that is not minted yet. ``version`` is 30 or 36
    (see `versions`); since v3.1 the pool counts in ``virtual`` what it was given and has not lent, whatever lies there,
    and since v3.3 in ``deficit`` the raw units of bad debt that it has written off.
    """

    id: int
    asset: str
    account: str
    decimals: int
    config: Config
    curve: Curve
    liquidity_index: int = int(RAY)
    variable_index: int = int(RAY)
    liquidity_rate: int = 0
    variable_rate: int = 0
    stable_rate: int = 0
    updated: int = 0
    accrued: int = 0
    isolated_debt: int = 0
    version: int = 30
    virtual: int = 0
    deficit: int = 0
    total_supplied: int = 0
    total_owed: int = 0
    supplied: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    supplied_index: dict[str, int] = field(default_factory=dict)
    owed_index: dict[str, int] = field(default_factory=dict)

    @property
    def unit(self) -> int:
        """Raw units of a whole token."""
        return int(10**self.decimals)


@dataclass
class Category:
    """An e-mode category: basis points, and the asset whose price all of it takes (empty: each its own).

    Of v3.0 a reserve says which one it is in (`Config.category`). Of v3.6 a category says, by a bit per reserve id, which are
    ``collaterals`` of it, which of those lend nothing (``zero_ltv``), and which may be borrowed in it (``borrowables``).
    """

    ltv: int
    threshold: int
    bonus: int
    source: str = ""
    collaterals: int = 0
    borrowables: int = 0
    zero_ltv: int = 0


@dataclass
class MarketState:
    """A pool. ``collateral`` and ``borrowed`` hold a bit per reserve id, by account; prices are in the base currency.

    Flash premiums are basis points: of the loan, and the treasury's of the premium; a new pool has none. ``version``
    is that of every reserve.
    """

    treasury: str
    version: int = 30
    reserves: dict[str, ReserveState] = field(default_factory=dict)
    categories: dict[int, Category] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    collateral: dict[str, int] = field(default_factory=dict)
    borrowed: dict[str, int] = field(default_factory=dict)
    emode: dict[str, int] = field(default_factory=dict)
    flash_premium: int = 0
    flash_to_protocol: int = 0

    def price(self, asset: str) -> int:
        """Return the oracle's price; raises ``Revert`` as the pool does where there is none."""
        price = self.prices.get(asset, 0)
        if price <= 0:
            raise Revert(Code.NO_PRICE)
        return price

    def sole(self, bits: int) -> ReserveState | None:
        """Return the only reserve of a set of bits, ``None`` where there are none or several."""
        if bits == 0 or bits & (bits - 1):
            return None
        return next(reserve for reserve in self.reserves.values() if bits == 1 << reserve.id)
