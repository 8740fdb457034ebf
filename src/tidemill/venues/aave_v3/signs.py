"""How safe a debt at Aave v3 is, what supply pays, and whether a reserve is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tidemill.units import mul_div_down
from tidemill.venues.aave_v3.client_abi import POOL
from tidemill.venues.aave_v3.client_state import config_of
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.history import Holding
from tidemill.venues.shared.signs import Sign

__all__ = ["signs"]

RAY, WAD, BPS = 10**27, 10**18, 10_000


def signs(client: Any, holding: Holding, block: int) -> Sequence[Sign]:
    """Return the health factor where there is a debt, and rate and state of each reserve used; see ``Kind.signs``."""
    return list(_signs(client, holding, block))


def _signs(client: Any, holding: Holding, block: int) -> Iterator[Sign]:
    if any(one.kind == "debt" and one.principal for one in holding.positions):
        health = int(client.read("getUserAccountData", client.account, block=block)[5])
        bps = min(mul_div_down(health, BPS, WAD), 10**9)
        yield Sign("health", f"{client.venue}#debt", bps, f"health factor {bps / BPS:.4f}")  # not money: a ratio
    used = {asset: one.kind for one in holding.positions for asset in one.principal}
    for asset, side in used.items():
        at = client.deployment
        token = at.reserves[asset].token
        told = ask(client.rpc, at.pool, POOL, "getReserveData", (token,), block)
        config = config_of(int(told[0]))
        words = [
            word
            for word, is_so in (("paused", config.paused), ("frozen", config.frozen), ("inactive", not config.active))
            if is_so
        ]
        yield Sign("closed", f"{client.venue}:{asset}", int(bool(words)), " and ".join(words))
        if side == "supply":
            rate = mul_div_down(
                int(client.read("getReserveData", asset, block=block)["currentLiquidityRate"]), BPS, RAY
            )
            yield Sign("rate", f"{client.venue}:{asset}", rate, f"{rate / 100:.2f} % a year")  # not money: a rate
