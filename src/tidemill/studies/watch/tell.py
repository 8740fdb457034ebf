"""Tell somebody: a webhook, or a message through a notifier (desktop, e-mail, chat). What fails is said and tried again."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from tidemill.chain.wire import public_address
from tidemill.errors import BadInput, MissingArtefact, NoSource
from tidemill.studies.watch.memory import Change

__all__ = ["Channel", "Notifier", "Webhook", "channels", "said"]

SECONDS = 10.0


class Channel(Protocol):
    """Whom to tell. ``tell`` raises ``NoSource`` where it does not arrive."""

    def tell(self, about: str, changes: Sequence[Change]) -> None:
        """Tell of changes; ``about`` names what is watched."""
        ...


def said(change: Change) -> str:
    """Say a change in a line."""
    head = change.rule if change.event == "alert" else f"over: {change.rule}"
    return f"{head}: {change.subject}: {change.words}"


class Webhook:
    """An address that takes JSON: ``{"about", "changes": [{"event", "rule", "subject", "words", "since"}]}``."""

    def __init__(self, address: str) -> None:
        self._address, self.shown = address, public_address(address)
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"{self.shown}: expected https://…", field="webhook")
        if parts.scheme == "http" and not _is_near(parts.hostname):
            raise BadInput(f"{self.shown}: anybody on the way could read it; give https://…", field="webhook")

    def tell(self, about: str, changes: Sequence[Change]) -> None:
        """Post the changes; see ``Channel``."""
        import requests  # noqa: PLC0415 - only where somebody is told; endpoints need it as well

        body = msgspec.json.encode({"about": about, "changes": changes})
        try:
            answer = requests.post(
                self._address,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=SECONDS,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                status = answer.status_code
        except (requests.RequestException, OSError):
            raise NoSource(f"{self.shown}: cannot be reached; what there is to tell is kept") from None
        if not 200 <= status < 300:
            raise NoSource(f"{self.shown}: HTTP {status}; what there is to tell is kept")


class Notifier:
    """A desktop, a mailbox or a chat, by an address of the package Apprise (``mailto://…``, ``dbus://``, ``json://…``)."""

    def __init__(self, address: str) -> None:
        try:
            import apprise  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingArtefact("--notify needs Apprise; install tidemill[watch]") from None
        self.shown = f"{address.partition('://')[0]}://…"
        self._to: Any = apprise.Apprise()
        if not self._to.add(address):
            raise BadInput(f"{self.shown}: no address that Apprise knows; see its list of services", field="notify")

    def tell(self, about: str, changes: Sequence[Change]) -> None:
        """Send one message of all changes; see ``Channel``."""
        text = "\n".join(said(change) for change in changes)
        if not self._to.notify(title=f"tidemill: {about}", body=text):
            raise NoSource(f"{self.shown}: the message was not taken; what there is to tell is kept")


def channels(webhooks: Sequence[str], notify: Sequence[str]) -> list[Channel]:
    """Return the channels of addresses; raises ``BadInput`` or ``MissingArtefact``, before anything is watched."""
    return [*(Webhook(one) for one in webhooks), *(Notifier(one) for one in notify)]


def _is_near(host: str) -> bool:
    """Whether a host is this machine or one of a private network."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_private
    except ValueError:
        return False
