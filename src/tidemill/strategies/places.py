"""Places: where a token can be left to earn and taken from again, a lending market or a vault alike."""

from __future__ import annotations

from msgspec import Struct

from tidemill.interfaces import All, Intent, Revert, View
from tidemill.strategies.lend import EVERYTHING
from tidemill.strategies.parameters import Token, Venue

__all__ = ["Place"]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A venue that takes ``asset``: a vault where ``share`` names its receipt token, else a lending market."""

    venue: Venue
    asset: Token
    share: Token | None = None

    def put(self, amount: int | All) -> Intent:
        """Return the step that puts ``amount`` there."""
        if self.share:
            return Intent(self.venue, "deposit", {"assets": amount})
        return Intent(self.venue, "supply", {"asset": self.asset, "amount": amount})

    def take(self, amount: int) -> Intent:
        """Return the step that takes ``amount`` back."""
        if self.share:
            return Intent(self.venue, "withdraw", {"assets": amount})
        return Intent(self.venue, "withdraw", {"asset": self.asset, "amount": amount})

    def leave(self) -> Intent:
        """Return the step that takes everything back."""
        if self.share:
            return Intent(self.venue, "redeem", {"shares": All(self.share)})
        return Intent(self.venue, "withdraw", {"asset": self.asset, "amount": EVERYTHING})

    def worth(self, view: View) -> int:
        """Return raw units of ``asset`` that lie there, as they would be paid now (0 where nothing can be had)."""
        if not self.share:
            return sum(max(p.principal.get(self.asset, 0), 0) for p in view.positions if p.venue == self.venue)
        shares = view.balances.get(self.share, 0)
        try:
            return view.quote(Intent(self.venue, "redeem", {"shares": shares})).amounts["assets"] if shares else 0
        except Revert:
            return 0

    def there(self, view: View) -> bool:
        """Say whether anything lies there at all."""
        if self.share:
            return bool(view.balances.get(self.share, 0))
        return any(p.principal.get(self.asset, 0) > 0 for p in view.positions if p.venue == self.venue)
