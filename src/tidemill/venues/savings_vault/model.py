"""A savings vault in memory: how many shares there are, what one is worth, and the rate at which that grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from tidemill.interfaces import Action, Context, Event, Rate, Result, Revert, Transfer
from tidemill.units import RAY
from tidemill.venues.savings_vault.rules import (
    assets_for_shares_down,
    assets_for_shares_up,
    chi_after_down,
    interest_down,
    shares_for_assets_down,
    shares_for_assets_up,
)
from tidemill.venues.shared.vaults import VaultVerbs
from tidemill.venues.shared.vyper import SILENT

__all__ = ["ONE", "SavingsModel", "SavingsState"]

ONE = int(RAY)


@dataclass
class SavingsState:
    """State of one vault: ``chi`` is what a share was worth at ``rho`` (seconds), ``rate`` its growth per second; rays.

    ``account`` is where its assets lie in the world's book, ``governor`` may change the rate.
    """

    account: str
    asset: str
    share: str
    governor: str
    rate: int
    rho: int
    chi: int = ONE
    total_shares: int = 0


class SavingsModel(VaultVerbs[SavingsState]):
    """`Model` of a savings vault: the verbs of a vault, drip, and the governor's set_rate (``rate``)."""

    def init(self, params: Mapping[str, Any]) -> SavingsState:
        """Make an empty vault; ``params``: the fields of `SavingsState`."""
        return SavingsState(**params)

    def act(self, state: SavingsState, action: Action, ctx: Context) -> Result:
        """Do one verb, the vault brought up to date first; nothing changes when it reverts."""
        try:
            return self._act(state, action, ctx)
        except Revert as revert:
            raise Revert(SILENT.get(revert.reason, revert.reason)) from None

    def _act(self, state: SavingsState, action: Action, ctx: Context) -> Result:
        if action.verb == "set_rate":
            self._check_rate(state, int(action.args["rate"]), ctx.sender)
        chi, accrued = self.whole(state, ctx), int(ctx.block.time != state.rho)
        interest = interest_down(state.total_shares, state.chi, chi) if accrued else 0
        if action.verb == "drip":
            result = Result({"chi": chi})
        elif action.verb == "set_rate":
            state.rate = int(action.args["rate"])
            result = Result({"rate": state.rate}, events=(Event("RateSet", {"rate": state.rate}),))
        else:
            result = super().act(state, action, ctx)
        features = {**result.features, "accrued": accrued, "powers": _products(ctx.block.time - state.rho)}
        if not accrued:
            return structs.replace(result, features=features)
        state.chi, state.rho = chi, ctx.block.time
        minted = (Transfer(state.asset, "zero", state.account, interest),) if interest else ()
        dripped = Event("Drip", {"chi": chi, "interest": interest})
        return structs.replace(
            result, features=features, transfers=(*minted, *result.transfers), events=(dripped, *result.events)
        )

    def whole(self, state: SavingsState, ctx: Context) -> int:
        """Return what a share is worth now, a ray."""
        return self.chi_at(state, ctx.block.time)

    def chi_at(self, state: SavingsState, now: int) -> int:
        """Return what a share is worth at a time, a ray."""
        return chi_after_down(state.chi, state.rate, now - state.rho) if now != state.rho else state.chi

    def allow(self, state: SavingsState, verb: str, who: str, amount: int, held: int, whole: int) -> None:
        """Refuse more shares than are held, once the amount is converted."""
        if self.quote(state, verb, amount, whole)[1] > held:
            raise Revert("insufficient balance")

    def quote(self, state: SavingsState, verb: str, amount: int, whole: int) -> tuple[int, int]:
        """Return (assets, shares) of a verb at ``chi``; each rounds in the vault's favour."""
        if verb == "deposit":
            return amount, shares_for_assets_down(amount, whole)
        if verb == "mint":
            return assets_for_shares_up(amount, whole), amount
        if verb == "withdraw":
            return amount, shares_for_assets_up(amount, whole)
        return assets_for_shares_down(amount, whole), amount

    def own_words(self, state: SavingsState) -> tuple[int, ...]:
        """Return the vault's own words; its rate is written by the governor alone."""
        return state.total_shares, state.chi, state.rho, state.rate

    def read(self, state: SavingsState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; what depends on the time takes it last (seconds)."""
        plain = {"chi": state.chi, "rho": state.rho, "rate": state.rate}
        if query in plain:
            return plain[query]
        if query == "totalAssets":
            return assets_for_shares_down(state.total_shares, self.chi_at(state, args[0]))
        if args:
            args = (*args[:-1], self.chi_at(state, args[-1]))
        return super().read(state, query, *args)

    def rates(self, state: SavingsState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share stood for when the vault was last brought up to date."""
        return self.rates_at(state, venue, state.rho)

    def rates_at(self, state: SavingsState, venue: str, now: int) -> Mapping[str, Rate]:
        """What a share stands for at a time."""
        return {state.share: Rate(venue, {state.asset: self.chi_at(state, now)}, ONE)}

    @staticmethod
    def _check_rate(state: SavingsState, rate: int, sender: str) -> None:
        if sender != state.governor:
            raise Revert("not the governor")
        if rate < ONE:
            raise Revert("rate below one")


def _products(elapsed: int) -> int:
    """Return how many products it takes to raise the rate to so many seconds: one per bit, and one more where it is set."""
    return max(elapsed.bit_length() - 1, 0) + (elapsed >> 1).bit_count()
