"""What the logs of a transaction say that an account did at a vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.erc4626.client import VAULT, VaultClient, VaultDeployment
from tidemill.venues.shared.history import History, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Reader, handed, named, readers_of, topic
from tidemill.venues.shared.told import Told

__all__ = ["histories", "told"]


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


def histories(past: Past) -> Sequence[History]:
    """Return the readers of vaults whose shares the account has or had; found by its deposits. See ``Kind.history``."""
    who = topic_of(past.account or 0)
    marks = [
        LogQuery("", (topic(VAULT, "Deposit"), None, who)),
        LogQuery("", (topic(VAULT, "Withdraw"), None, None, who)),
    ]
    views = VAULT, ("asset", "totalAssets", "totalSupply", "decimals")
    return readers_of(past, "erc4626", lambda vault: _readers(past, vault), views, marks=marks)


def _readers(past: Past, vault: str) -> Sequence[History]:
    place = VaultDeployment.of_vault(past.rpc, vault, asset_id="", share_id="")
    asset, share = past.asset(place.asset), past.asset(vault)
    place = VaultDeployment(place.vault, place.asset, asset.id, share.id)
    client = VaultClient(past.rpc, place, venue=named("erc4626", share.id, vault), account=past.account)
    reader = Reader(past, client, vault, told, handed(vault, past.account), (asset, share), share=share)
    return (reader,) if reader.concerns() else ()
