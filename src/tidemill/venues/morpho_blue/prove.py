"""A deployed Morpho Blue market held against the model: supply, debt, collateral, and interest to the second.

The rate model is the deployed one, whatever it is: where it is the adaptive curve, this proves what is otherwise only
checked against its specification. Liquidations are left out: the oracle is not ours to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.errors import BadInput, Revert, RpcError
from tidemill.interfaces import Action
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.client_abi import IRM, MORPHO
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK, MorphoState
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids

__all__ = ["BESIDE", "MarketSubject", "subject"]

BESIDE = ("market",)
"""The market's id, 32 bytes in hex."""

_ID = 66
_NOBODY = "0x" + "00" * 20
_SCALE = 10**36
_PLAIN = ("market", "price", "rateAtTarget", "owner")
_VERBS = (
    "supply",
    "supply",
    "withdraw",
    "supply_collateral",
    "withdraw_collateral",
    "borrow",
    "borrow",
    "repay",
    "accrue",
)


class MarketSubject(Subject):
    """One market of the contract at the address."""

    def __init__(self, site: Site) -> None:
        market = site.beside.get("market", "")
        if len(market) != _ID:
            raise BadInput("which market? give market=0x… (its id, 32 bytes in hex)", field="with")
        params = ask(site.rpc, site.address, MORPHO, "idToMarketParams", (bytes.fromhex(market[2:]),), "latest")
        if params[0] == _NOBODY:
            raise BadInput(f"{site.address} has no market {market}", field="with")
        self.loan, self.collateral = symbol_ids(("loan", "collateral"))
        irm = _irm(site.rpc, params[3], market)
        at = MorphoDeployment.of_market(
            site.address, params, loan_id=self.loan, collateral_id=self.collateral, irm_name=irm
        )
        self.me, self.at = site.me, at
        self.client = MorphoClient(site.rpc, at, venue="market", account=site.me)
        self.model = MorphoModel()
        self.tokens = {self.loan: at.loan, self.collateral: at.collateral}
        self.accounts = (at.morpho,)
        supplied, price = self.client.read("market")[0], self.client.read("price")
        self.wealth = {
            self.loan: max(supplied, 10**6),
            self.collateral: max(4 * supplied * _SCALE // price if price else 0, 10**6),
        }

    def views(self, state: MorphoState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`."""
        del now, balance
        asked: list[tuple[Any, ...]] = [(name,) for name in _PLAIN] + [("position", self.me)]
        return self.asked(state, asked, block)

    def draw(self, random: Random, state: MorphoState, balance: Balance) -> Drawn:
        """See `Subject`."""
        (market,) = state.markets.values()
        verb, own = random.choice(_VERBS), market.of(self.me)
        held = balance(self.loan, self.me)
        if verb == "accrue":
            return [Action(verb)]
        if verb.endswith("collateral"):
            whole = balance(self.collateral, self.me) >> 1 if verb.startswith("supply") else own.collateral
            return [Action(verb, {"assets": min(part_of(random, whole), max(whole, 1))})]
        if verb == "borrow":
            room = market.supply_assets - market.borrow_assets
            return [Action(verb, {"assets": part_of(random, max(room >> 1, 1))})]
        by_shares = one_in(random, 2)
        if verb == "supply":
            amount = part_of(random, held >> 3)
            return [Action(verb, {"shares": amount * 10**6} if by_shares else {"assets": amount})]
        shares = own.supply_shares if verb == "withdraw" else own.borrow_shares
        worth = market.supplied_down(own) if verb == "withdraw" else market.owed_up(own) >> 1
        amount = part_of(random, shares) if by_shares else part_of(random, worth)
        return [Action(verb, {"shares" if by_shares else "assets": amount})]


def _irm(rpc: Rpc, irm: str, market: str) -> str:
    """Name the rate model: the adaptive curve answers to ``rateAtTarget``."""
    if irm == _NOBODY:
        return FREE
    try:
        ask(rpc, irm, IRM, "rateAtTarget", (bytes.fromhex(market[2:]),), "latest")
    except (Revert, RpcError):
        return MOCK
    return ADAPTIVE


def subject(site: Site) -> MarketSubject:
    """Return a deployed market; raises ``BadInput`` for an id it does not have."""
    return MarketSubject(site)
