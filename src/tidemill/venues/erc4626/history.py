"""What the logs of a transaction say that an account did at a vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.erc4626.client import VaultClient
from tidemill.venues.shared.told import Told

__all__ = ["told"]


def told(client: VaultClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account; shares that only change hands are no deed of the vault.

    ``Deposit`` stands for minting as well, ``Withdraw`` for redeeming: the events are the same.
    """
    at, out = client.deployment, []
    for event in client.events(logs):
        if event.name not in ("Deposit", "Withdraw") or event.args["owner"] != client.account:
            continue
        assets, shares = int(event.args["assets"]), int(event.args["shares"])
        sign = -1 if event.name == "Deposit" else 1
        legs = {at.asset_id: sign * assets, at.share_id: -sign * shares}
        verb, place = "deposit" if sign < 0 else "withdraw", f"{client.venue}#shares"
        out.append(Told(verb, place, legs, 0, {"assets": assets, "shares": shares}))
    return out
