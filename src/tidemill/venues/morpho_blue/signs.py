"""How safe a debt at a Morpho Blue market is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.units import mul_div_down
from tidemill.venues.shared.history import Holding
from tidemill.venues.shared.signs import Sign

__all__ = ["signs"]

PRICE_SCALE, WAD, BPS = 10**36, 10**18, 10_000


def signs(client: Any, holding: Holding, block: int) -> Sequence[Sign]:
    """Return the health factor of a debt: what its collateral may carry, by what is owed; see ``Kind.signs``."""
    at = client.deployment
    owed = sum(-one.principal.get(at.loan_id, 0) for one in holding.positions if one.principal.get(at.loan_id, 0) < 0)
    if not owed:
        return ()
    put_up = int(client.read("position", client.account, block=block)[2])
    worth = mul_div_down(put_up, int(client.read("price", block=block)), PRICE_SCALE)
    bps = mul_div_down(mul_div_down(worth, at.lltv, WAD), BPS, owed)
    return (Sign("health", f"{client.venue}#debt", bps, f"health factor {bps / BPS:.4f}"),)  # not money: a ratio
