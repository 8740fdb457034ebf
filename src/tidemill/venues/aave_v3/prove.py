"""A deployed Aave v3 pool held against the model: two of its reserves, interest to the second, health, caps, e-mode.

v3.0 and v3.6. Liquidations are left out: the oracle is not ours to move. Reserves that are not tried are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.errors import BadInput
from tidemill.interfaces import Action
from tidemill.venues.aave_v3.client import ALL, MarketClient, MarketDeployment
from tidemill.venues.aave_v3.client_abi import ERRORS_36, POOL
from tidemill.venues.aave_v3.client_state import config_of, version_at
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.state import Config, MarketState
from tidemill.venues.aave_v3.versions import V30, V36
from tidemill.venues.shared.client_parts import abi, ask, ask_many
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids

__all__ = ["BESIDE", "MarketSubject", "subject"]

BESIDE = ("asset", "collateral")
"""Tokens of the reserves to be tried; else the first that lends, and the first other that may be borrowed."""

_OF_RESERVE = ("getReserveNormalizedIncome", "getReserveNormalizedVariableDebt")
_NEWER = ("getReserveDeficit", "getVirtualUnderlyingBalance")
_VERBS = (
    "supply",
    "supply",
    "supply",
    "withdraw",
    "borrow",
    "borrow",
    "borrow",
    "repay",
    "repay_with_supply",
    "set_collateral",
    "mint_to_treasury",
    "set_emode",
)
_LEAST = 10**6


class MarketSubject(Subject):
    """Two reserves of a pool, each lent and borrowed as far as it may be."""

    replays = False  # an update of a reserve tells indices and rates, not whose balance moved

    def __init__(self, site: Site) -> None:
        self.version = version_at(site.rpc, site.address, "latest")
        asset, collateral = _chosen(site.rpc, site.address, site.beside)
        names = symbol_ids(BESIDE)
        self.tokens = dict(zip(names, (asset, collateral), strict=True))
        at = MarketDeployment.of_pool(site.rpc, site.address, self.tokens)
        self.me = site.me
        self.client = MarketClient(site.rpc, at, venue="market", account=site.me)
        self.model = MarketModel()
        self.accounts = tuple(reserve.supply for reserve in at.reserves.values())
        self.errors = {} if self.version == V30 else dict(abi(ERRORS_36).errors)
        standing = {name: self.client.read("aToken.totalSupply", name) for name in names}
        self.wealth = {name: max(amount, _LEAST) for name, amount in standing.items()}

    def views(self, state: MarketState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`. The stable rate is not compared: nobody bears it."""
        del balance
        asked: list[tuple[Any, ...]] = [("getUserAccountData", self.me, now)]
        asked += [(name, self.me) for name in ("getUserConfiguration", "getUserEMode")]
        for asset in self.tokens:
            asked += [(name, asset, now) for name in _OF_RESERVE]
            asked += [(name, asset) for name in ("getAssetPrice", *(_NEWER if self.version == V36 else ()))]
            for token in ("aToken", "variableDebtToken"):
                asked.append((f"{token}.scaledTotalSupply", asset))
                asked.append((f"{token}.totalSupply", asset, now))
                for who in (self.me, state.treasury):
                    asked += [(f"{token}.{name}", asset, who) for name in ("scaledBalanceOf", "getPreviousIndex")]
                    asked.append((f"{token}.balanceOf", asset, who, now))
        out = self.asked(state, asked, block)
        for name, *twins in self.asked(state, [("getReserveData", asset) for asset in self.tokens], block):
            here, there = ({k: v for k, v in one.items() if k != "currentStableBorrowRate"} for one in twins)
            out.append((name, here, there))
        return out

    def draw(self, random: Random, state: MarketState, balance: Balance) -> Drawn:
        """See `Subject`."""
        verb, asset = random.choice(_VERBS), random.choice(list(self.tokens))
        if verb == "set_emode":
            return [Action(verb, {"category": random.choice([0, *state.categories])})]
        if verb == "mint_to_treasury":
            return [Action(verb, {"asset": asset})]
        if verb == "set_collateral":
            used = state.collateral.get(self.me, 0) >> state.reserves[asset].id & 1
            return [Action(verb, {"asset": asset, "on": bool(used) == one_in(random, 10)})]
        return [Action(verb, {"asset": asset, "amount": self._amount(random, state, verb, asset, balance)})]

    def _amount(self, random: Random, state: MarketState, verb: str, asset: str, balance: Balance) -> int:
        now = max(reserve.updated for reserve in state.reserves.values())
        own = balance(asset, self.me)
        held, owed = (
            self.model.read(state, f"{token}.balanceOf", asset, self.me, now)
            for token in ("aToken", "variableDebtToken")
        )
        if verb == "supply":
            return min(part_of(random, own >> 3), own)
        if verb == "borrow":
            return self._loan(random, state, asset, balance, now)
        if verb == "withdraw":
            return ALL if one_in(random, 10) else held + 10**9 if one_in(random, 10) else part_of(random, held)
        most = min(owed, held) if verb == "repay_with_supply" else min(owed, own >> 1)
        return ALL if one_in(random, 10) and (verb == "repay_with_supply" or owed < own >> 1) else part_of(random, most)

    def _loan(self, random: Random, state: MarketState, asset: str, balance: Balance, now: int) -> int:
        """Mostly what can be borrowed, sometimes a little more."""
        free = self.model.read(state, "getUserAccountData", self.me, now)[2]
        reserve = state.reserves[asset]
        most = min(free * reserve.unit // state.price(asset), balance(asset, reserve.account))
        return part_of(random, most) + (most >> 3 if one_in(random, 8) else 0)


def _chosen(rpc: Rpc, pool: str, beside: Mapping[str, str]) -> list[str]:
    """Return the tokens of the asset and of the collateral."""
    (listed,) = ask(rpc, pool, POOL, "getReservesList", (), "latest")
    words = ask_many(rpc, pool, POOL, [("getReserveData", (token,)) for token in listed], "latest")
    configs = {token: config_of(data[0]) for token, data in zip(listed, words, strict=True)}
    found: list[str] = []
    for name in reversed(BESIDE):
        if name in beside:
            found.insert(0, beside[name].lower())
            continue
        fit = [token for token, of in configs.items() if _fits(of, name) and token not in (*beside.values(), *found)]
        if not fit:
            raise BadInput(f"the pool {pool} has no reserve that can be the {name} of a trial", field="address")
        found.insert(0, fit[0])
    return found


def _fits(of: Config, role: str) -> bool:
    if not of.active or of.frozen or of.paused:
        return False
    return bool(of.ltv and not of.debt_ceiling) if role == "collateral" else of.borrowing and not of.siloed


def subject(site: Site) -> MarketSubject:
    """Return two reserves of a deployed pool; raises ``BadInput`` for a version that is not modelled."""
    return MarketSubject(site)
