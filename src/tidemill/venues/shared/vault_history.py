"""What the logs of a transaction say that an account did at an ERC-4626 vault of any kind, and readers of such vaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tidemill.interfaces import Event
from tidemill.venues.shared.client_parts import ERC20, ask
from tidemill.venues.shared.history import Asset, History, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Reader, handed, named, readers_of, topic
from tidemill.venues.shared.told import Told
from tidemill.venues.shared.vault_client import VAULT

__all__ = ["KINDS", "Speaks", "histories_of", "offset_of", "told"]

_SAVINGS = "\nfunction chi() view returns (uint256)\nfunction rho() view returns (uint256)\n"
_LENDING = "\nfunction lastTotalAssets() view returns (uint256)\nfunction feeRecipient() view returns (address)\n"
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "erc4626": (VAULT, ("asset", "totalAssets", "totalSupply", "decimals")),
    "savings_vault": (VAULT + _SAVINGS, ("asset", "chi", "rho")),
    "morpho_vault": (VAULT + _LENDING, ("asset", "decimals", "lastTotalAssets", "feeRecipient")),
}
"""What vaults of each kind answer beside the standard's views: an ABI as text, and views of it without arguments."""


class _Place(Protocol):
    @property
    def asset_id(self) -> str: ...
    @property
    def share_id(self) -> str: ...


class Speaks(Protocol):
    """A vault's client, as far as it is needed here."""

    venue: str
    account: str

    @property
    def deployment(self) -> _Place:
        """Where the vault stands, and how asset and share are named."""
        ...

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the vault's own logs in order."""
        ...


def told(client: Speaks, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
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


def histories_of(
    past: Past,
    kind: str,
    make: Callable[[str, str, Asset, Asset], Any],
    read: Callable[[Any, Sequence[Mapping[str, Any]]], Sequence[Told]],
    *,
    others: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Sequence[History]:
    """Return the readers of a kind's vaults whose shares the account has or had; found by its deposits.

    Parameters
    ----------
    make : (venue, vault, asset, share) → its client. read : what its logs tell (``told``).
    others : topics of events by which others move what shares stand for beside time; ``None``: it cannot be told.

    A vault that answers as a more particular kind does is of that one alone; raises ``BadInput`` where it is named
    as another.
    """

    def readers(vault: str) -> Sequence[History]:
        (token,) = ask(past.rpc, vault, VAULT, "asset", (), past.last)
        asset, share = past.asset(token), past.asset(vault)
        client = make(named(kind, share.id, vault), vault, asset, share)
        moved = () if others is None else (LogQuery(vault, (tuple(others),)),)
        queries = handed(vault, past.account)
        reader = Reader(past, client, vault, read, queries, (asset, share), share=share, others=moved, notes=notes)
        return (reader,) if reader.concerns() else ()

    who = topic_of(past.account or 0)
    marks = [
        LogQuery("", (topic(VAULT, "Deposit"), None, who)),
        LogQuery("", (topic(VAULT, "Withdraw"), None, None, who)),
    ]
    particular = {name: views for name, views in KINDS.items() if kind == "erc4626" and name != kind}
    return readers_of(past, kind, readers, KINDS[kind], marks=marks, unless=particular)


def offset_of(past: Past, vault: str, asset: Asset) -> int:
    """Return ``10**decimals_offset`` of a vault with virtual shares: the decimals that it has beyond its asset's."""
    (decimals,) = ask(past.rpc, vault, ERC20, "decimals", (), past.last)
    return int(10 ** (decimals - asset.decimals))
