"""The vault in memory: a count of shares over a pot. Pot and shares themselves are tokens in the world's book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Context, Event, Rate, Result, Revert, Transfer
from tidemill.venues.shared.vault_rules import quoted
from tidemill.venues.shared.vaults import VaultVerbs

__all__ = ["VaultModel", "VaultState"]


@dataclass
class VaultState:
    """State of one vault. ``account`` is where its assets lie in the world's book."""

    account: str
    asset: str
    share: str
    offset_unit: int
    total_shares: int = 0


class VaultModel(VaultVerbs[VaultState]):
    """`Model` of an ERC-4626 vault: deposit, mint, withdraw, redeem; yield is a transfer into the vault (``donate``)."""

    def init(self, params: Mapping[str, Any]) -> VaultState:
        """Make an empty vault; ``params``: account, asset and share (token ids), decimals_offset."""
        return VaultState(
            params["account"], params["asset"], params["share"], 10 ** int(params.get("decimals_offset", 0))
        )

    def act(self, state: VaultState, action: Action, ctx: Context) -> Result:
        """Do one verb."""
        if action.verb == "donate":
            amount = int(action.args["assets"])
            return Result({"assets": amount}, (Transfer(state.asset, ctx.sender, state.account, amount),))
        return super().act(state, action, ctx)

    def whole(self, state: VaultState, ctx: Context) -> int:
        """Return the pot: whatever lies at the vault."""
        return ctx.balance(state.asset, state.account)

    def allow(self, state: VaultState, verb: str, who: str, amount: int, held: int, whole: int) -> None:
        """Refuse, ahead of any conversion of the amount, what is more than the shares held."""
        limit = held if verb == "redeem" else self.quote(state, "redeem", held, whole)[0]
        if amount > limit:
            raise Revert(f"ERC4626ExceededMax{verb.capitalize()}({who}, {amount}, {limit})")

    def quote(self, state: VaultState, verb: str, amount: int, whole: int) -> tuple[int, int]:
        """Return (assets, shares) of a verb; each rounds in the vault's favour."""
        return quoted(verb, amount, whole, state.total_shares, state.offset_unit)

    def replay(self, state: VaultState, event: Event, ctx: Context) -> None:
        """Apply a recorded Deposit or Withdraw; both recorded amounts must reproduce one another."""
        assets, shares = int(event.args["assets"]), int(event.args["shares"])
        entering, pot = event.name == "Deposit", self.whole(state, ctx)
        verbs = ("deposit", "mint") if entering else ("redeem", "withdraw")
        quotes = {self.quote(state, verb, assets if verb in ("deposit", "withdraw") else shares, pot) for verb in verbs}
        if (assets, shares) not in quotes:
            raise ReplayMismatch(
                f"{event.name} of {assets} assets for {shares} shares; the model says {sorted(quotes)}"
            )
        state.total_shares += shares if entering else -shares

    def rates(self, state: VaultState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share stands for, as ``convertToAssets`` would say now, unrounded."""
        pot = balance(state.asset, state.account)
        return {state.share: Rate(venue, {state.asset: pot + 1}, state.total_shares + state.offset_unit)}
