"""The vault in memory: a count of shares over a pot. Pot and shares themselves are tokens in the world's book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Context, Event, Position, Rate, Result, Revert, Transfer
from tidemill.venues.shared.vault_rules import assets_for_shares_down, quoted, shares_for_assets_down
from tidemill.venues.shared.words import count_words

__all__ = ["VaultModel", "VaultState"]


@dataclass
class VaultState:
    """State of one vault. ``account`` is where its assets lie in the world's book."""

    account: str
    asset: str
    share: str
    offset_unit: int
    total_shares: int = 0


class VaultModel:
    """`Model` of an ERC-4626 vault: deposit, mint, withdraw, redeem; yield is a transfer into the vault (``donate``)."""

    def init(self, params: Mapping[str, Any]) -> VaultState:
        """Make an empty vault; ``params``: account, asset and share (token ids), decimals_offset."""
        return VaultState(
            params["account"], params["asset"], params["share"], 10 ** int(params.get("decimals_offset", 0))
        )

    def apply(self, state: VaultState, action: Action, ctx: Context) -> Result:
        """Do one verb; the caller is owner and receiver. Features count the storage words of shares and assets too."""
        supply = state.total_shares
        result = self._apply(state, action, ctx)
        pairs = [(supply, state.total_shares)]
        for token, who in ((state.share, ctx.sender), (state.asset, ctx.sender), (state.asset, state.account)):
            held = ctx.balance(token, who)
            moved = sum(
                t.amount * ((t.target == who) - (t.source == who)) for t in result.transfers if t.token == token
            )
            pairs.append((held, held + moved))
        return structs.replace(result, features={**result.features, **count_words(pairs)})

    def _apply(self, state: VaultState, action: Action, ctx: Context) -> Result:
        verb, amount = action.verb, int(action.args["shares" if action.verb in ("mint", "redeem") else "assets"])
        pot, me = ctx.balance(state.asset, state.account), ctx.sender
        held = ctx.balance(state.share, me)
        if verb == "donate":
            return Result(transfers=(Transfer(state.asset, me, state.account, amount),), amounts={"assets": amount})
        if verb in ("deposit", "mint"):
            assets, shares = self._quote(state, verb, amount, pot)
            return self._enter(state, me, assets, shares, first=held == 0)
        if verb in ("withdraw", "redeem"):
            limit = held if verb == "redeem" else self._to_assets(state, held, pot)
            if amount > limit:
                raise Revert(f"ERC4626ExceededMax{verb.capitalize()}({me}, {amount}, {limit})")
            assets, shares = self._quote(state, verb, amount, pot)
            return self._leave(state, me, assets, shares, last=held == shares)
        raise Revert(f"no verb {verb!r}")

    def replay(self, state: VaultState, event: Event, ctx: Context) -> None:
        """Apply a recorded Deposit or Withdraw; both recorded amounts must reproduce one another."""
        assets, shares = int(event.args["assets"]), int(event.args["shares"])
        pot = ctx.balance(state.asset, state.account)
        entering = event.name == "Deposit"
        verbs = ("deposit", "mint") if entering else ("redeem", "withdraw")
        quotes = {
            self._quote(state, verb, assets if verb in ("deposit", "withdraw") else shares, pot) for verb in verbs
        }
        if (assets, shares) not in quotes:
            raise ReplayMismatch(
                f"{event.name} of {assets} assets for {shares} shares; the model says {sorted(quotes)}"
            )
        state.total_shares += shares if entering else -shares

    def read(self, state: VaultState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name.

        ``maxWithdraw`` takes (shares held, pot); conversions and previews take (amount, pot): both lie in the book.
        """
        if query == "totalSupply":
            return state.total_shares
        if query in ("maxWithdraw", "convertToAssets"):
            return self._to_assets(state, args[0], args[1])
        if query == "convertToShares":
            return shares_for_assets_down(args[0], args[1], state.total_shares, state.offset_unit)
        if query.startswith("preview"):
            assets, shares = self._quote(state, query.removeprefix("preview").lower(), args[0], args[1])
            return shares if query in ("previewDeposit", "previewWithdraw") else assets
        raise KeyError(query)

    def positions(
        self,
        state: VaultState,
        venue: str,
        owner: str,
        now: int,
        balance: Callable[[str, str], int],
    ) -> Sequence[Position]:
        """A vault holds nothing by name: its shares are tokens, valued by `rates`."""
        return ()

    def rates(self, state: VaultState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """What a share stands for, as ``convertToAssets`` would say now, unrounded."""
        pot = balance(state.asset, state.account)
        return {state.share: Rate(venue, {state.asset: pot + 1}, state.total_shares + state.offset_unit)}

    @staticmethod
    def _quote(state: VaultState, verb: str, amount: int, pot: int) -> tuple[int, int]:
        """Return (assets, shares) of a verb; each rounds in the vault's favour."""
        return quoted(verb, amount, pot, state.total_shares, state.offset_unit)

    @staticmethod
    def _to_assets(state: VaultState, shares: int, pot: int) -> int:
        return assets_for_shares_down(shares, pot, state.total_shares, state.offset_unit)

    def _enter(self, state: VaultState, owner: str, assets: int, shares: int, *, first: bool) -> Result:
        state.total_shares += shares
        return Result(
            amounts={"assets": assets, "shares": shares},
            transfers=(
                Transfer(state.asset, owner, state.account, assets),
                Transfer(state.share, "zero", owner, shares),
            ),
            events=(Event("Deposit", {"sender": owner, "owner": owner, "assets": assets, "shares": shares}),),
            features={"first_shares": int(first)},
        )

    def _leave(self, state: VaultState, owner: str, assets: int, shares: int, *, last: bool) -> Result:
        state.total_shares -= shares
        return Result(
            amounts={"assets": assets, "shares": shares},
            transfers=(
                Transfer(state.share, owner, "zero", shares),
                Transfer(state.asset, state.account, owner, assets),
            ),
            events=(
                Event(
                    "Withdraw", {"sender": owner, "receiver": owner, "owner": owner, "assets": assets, "shares": shares}
                ),
            ),
            features={"last_shares": int(last)},
        )
