"""What Morpho Blue remembers: markets, who holds what in each, and what its owner allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tidemill.errors import Revert
from tidemill.venues.morpho_blue.rules import assets_down, assets_up, max_borrow_down

__all__ = ["ADAPTIVE", "FREE", "MOCK", "NOBODY", "Account", "MarketState", "MorphoState", "in_its_words"]

MOCK, ADAPTIVE, FREE = "utilisation", "adaptive_curve", ""
"""Rate models by name; the last is none at all: borrowing costs nothing."""

EVERYTHING = (1 << 256) - 1


class Account(NamedTuple):
    """What somebody has in one market: shares of supply and of debt, and raw units of collateral."""

    supply_shares: int = 0
    borrow_shares: int = 0
    collateral: int = 0


NOBODY = Account()


@dataclass
class MarketState:
    """One market. ``lltv`` and ``fee`` are wads, ``price`` the oracle's answer, ``at_target`` the adaptive curve's rate."""

    name: str
    loan: str
    collateral: str
    irm: str
    lltv: int
    price: int
    supply_assets: int = 0
    supply_shares: int = 0
    borrow_assets: int = 0
    borrow_shares: int = 0
    last_update: int = 0
    fee: int = 0
    at_target: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)

    def of(self, who: str) -> Account:
        """Return what ``who`` has here."""
        return self.accounts.get(who, NOBODY)

    def healthy(self, account: Account) -> bool:
        """Return whether the collateral carries the debt, rounded against the borrower."""
        owed = assets_up(account.borrow_shares, self.borrow_assets, self.borrow_shares)
        return max_borrow_down(account.collateral, self.price, self.lltv) >= owed

    def supplied_down(self, account: Account) -> int:
        """Return raw units of the loan token that an account's supply is worth."""
        return assets_down(account.supply_shares, self.supply_assets, self.supply_shares)

    def owed_up(self, account: Account) -> int:
        """Return raw units of the loan token that an account owes."""
        return assets_up(account.borrow_shares, self.borrow_assets, self.borrow_shares)

    def words(self, who: str) -> tuple[int, ...]:
        """Return the storage words of the market, and of one account in it."""
        account = self.of(who)
        return (
            self.supply_assets | self.supply_shares << 128,
            self.borrow_assets | self.borrow_shares << 128,
            self.last_update | self.fee << 128,
            self.at_target,
            account.supply_shares,
            account.borrow_shares | account.collateral << 128,
        )


@dataclass
class MorphoState:
    """The contract. ``account`` is where all tokens of all markets lie in the world's book.

    ``authorized`` holds (who allows, whom); ``oracles`` and addresses are names.
    """

    account: str
    owner: str
    fee_recipient: str = "zero"
    irms: set[str] = field(default_factory=set)
    lltvs: set[int] = field(default_factory=set)
    authorized: set[tuple[str, str]] = field(default_factory=set)
    markets: dict[str, MarketState] = field(default_factory=dict)

    def market(self, name: str) -> MarketState:
        """Return a market; raises ``Revert`` as the contract does for one that nobody created."""
        if name not in self.markets:
            raise Revert("market not created")
        return self.markets[name]


def in_its_words(verb: str, args: Mapping[str, Any], loan: str, shares: Callable[[], int]) -> Mapping[str, Any]:
    """Return arguments of a verb as this contract has them, from those of lending markets in general.

    ``asset`` and ``amount`` become ``assets``; to withdraw 2**256 - 1, which elsewhere means everything, becomes all of
    one's ``shares``. Other arguments stay. Raises ``Revert`` for an asset that is not the market's.
    """
    if "asset" not in args:
        return args
    if args["asset"] != loan:
        raise Revert(f"{args['asset']} is not lent here")
    rest = {name: value for name, value in args.items() if name not in ("asset", "amount")}
    if verb == "withdraw" and args.get("amount") == EVERYTHING:
        return rest | {"shares": shares()}
    return rest | {"assets": args["amount"]} if "amount" in args else rest
