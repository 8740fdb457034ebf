"""The four verbs of an ERC-4626 vault, whatever makes its shares grow. Shares and assets are tokens in the world's book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import structs

from tidemill.interfaces import Action, Context, Event, Position, Result, Revert, Transfer
from tidemill.venues.shared.words import count_words

__all__ = ["ENTERING", "VaultBooks", "VaultVerbs"]

ENTERING = ("deposit", "mint")
BY_SHARES = ("mint", "redeem")


class VaultBooks(Protocol):
    """What every vault's state has: token ids, the account where its assets lie, and how many shares there are."""

    account: str
    asset: str
    share: str
    total_shares: int


V = TypeVar("V", bound=VaultBooks)


class VaultVerbs(Generic[V]):
    """deposit, withdraw (``assets``), mint, redeem (``shares``); the caller is owner and receiver.

    A vault says what its shares depend on beside its state (``whole``: the pot, or an index), how it converts (``quote``),
    which storage words are its own, and when and in which words it refuses.
    """

    def whole(self, state: V, ctx: Context) -> int:
        """Return what a conversion needs beside the state."""
        raise NotImplementedError

    def quote(self, state: V, verb: str, amount: int, whole: int) -> tuple[int, int]:
        """Return (assets, shares) of a verb; each rounds in the vault's favour."""
        raise NotImplementedError

    def allow(self, state: V, verb: str, who: str, amount: int, held: int, whole: int) -> None:
        """Refuse to take out more than the ``held`` shares of ``who`` give, in the contract's own words and order."""
        raise NotImplementedError

    def own_words(self, state: V) -> tuple[int, ...]:
        """Return the vault's own storage words that a verb may write, balances apart."""
        return (state.total_shares,)

    def apply(self, state: V, action: Action, ctx: Context) -> Result:
        """Do one verb. Features count the storage words of shares and assets too."""
        before = self.own_words(state)
        result = self.act(state, action, ctx)
        pairs = list(zip(before, self.own_words(state), strict=True))
        for token, who in ((state.share, ctx.sender), (state.asset, ctx.sender), (state.asset, state.account)):
            held = ctx.balance(token, who)
            moved = sum(
                t.amount * ((t.target == who) - (t.source == who)) for t in result.transfers if t.token == token
            )
            pairs.append((held, held + moved))
        return structs.replace(result, features={**result.features, **count_words(pairs)})

    def act(self, state: V, action: Action, ctx: Context) -> Result:
        """Do one of the four verbs; a vault with more of them handles those first."""
        verb, me = action.verb, ctx.sender
        if verb not in ("deposit", "mint", "withdraw", "redeem"):
            raise Revert(f"no verb {verb!r}")
        amount, whole = int(action.args["shares" if verb in BY_SHARES else "assets"]), self.whole(state, ctx)
        held = ctx.balance(state.share, me)
        if verb not in ENTERING:
            self.allow(state, verb, me, amount, held, whole)
        assets, shares = self.quote(state, verb, amount, whole)
        if verb in ENTERING:
            return self._enter(state, me, assets, shares, first=held == 0)
        return self._leave(state, me, assets, shares, last=held == shares)

    def read(self, state: V, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name.

        ``maxWithdraw`` takes (shares held, whole); conversions and previews take (amount, whole): neither is in the state.
        """
        if query == "totalSupply":
            return state.total_shares
        if query in ("maxWithdraw", "convertToAssets"):
            return self.quote(state, "redeem", args[0], args[1])[0]
        if query == "convertToShares":
            return self.quote(state, "deposit", args[0], args[1])[1]
        if query.startswith("preview"):
            assets, shares = self.quote(state, query.removeprefix("preview").lower(), args[0], args[1])
            return shares if query in ("previewDeposit", "previewWithdraw") else assets
        raise KeyError(query)

    def positions(
        self, state: V, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """A vault holds nothing by name: its shares are tokens, valued by `rates`."""
        return ()

    @staticmethod
    def _enter(state: V, owner: str, assets: int, shares: int, *, first: bool) -> Result:
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

    @staticmethod
    def _leave(state: V, owner: str, assets: int, shares: int, *, last: bool) -> Result:
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
