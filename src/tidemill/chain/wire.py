"""Bytes to an endpoint and back, over HTTP or a local socket: bounded in time and size, secrets never shown.

Both wires are our own few lines over ``requests`` and ``socket``: web3's providers bound neither the size nor the whole
time of an answer, its local-socket provider reads 4 KiB at a time and joins quadratically, and importing takes 0.7 s.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Protocol
from urllib.parse import urlsplit

from tidemill.errors import RpcError, TransientRpcError

__all__ = ["HttpWire", "IpcWire", "Wire", "public_address"]

_CHUNK = 1 << 18


class Wire(Protocol):
    """One way to an endpoint."""

    address: str
    """Fit to be shown: no user, password, path or query, which may hold keys."""

    def exchange(self, body: bytes) -> bytes:
        """Send one message and return the whole answer. Raises ``RpcError`` or ``TransientRpcError``."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def public_address(url: str) -> str:
    """Return scheme, host and port only; keys ride in user, path and query.

    >>> public_address("https://me:pw@node.example:8545/v2/KEY?token=KEY")
    'https://node.example:8545/…'
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # such as half an IPv6 address
        return "http://?"
    try:
        port = parts.port
    except ValueError:
        port = None
    shown = f"{parts.scheme}://{parts.hostname or '?'}" + (f":{port}" if port else "")
    secret = parts.path.strip("/") or parts.query or parts.username
    return f"{shown}/…" if secret else shown


class HttpWire:
    """JSON over HTTP POST, connections kept open.

    Parameters
    ----------
    url : http or https.
    timeout_s : for the whole exchange, not only for each piece of it.
    max_bytes : largest answer accepted.
    """

    def __init__(self, url: str, *, timeout_s: float, max_bytes: int) -> None:
        import requests  # noqa: PLC0415  only when an endpoint is used
        import urllib3  # noqa: PLC0415

        self._failures, self._broken = requests.exceptions, urllib3.exceptions
        self._url, self._timeout, self._max = url, timeout_s, max_bytes
        self.address = public_address(url)
        self._session = requests.Session()
        self._session.headers.update({"Content-Type": "application/json", "Accept": "application/json"})

    def exchange(self, body: bytes) -> bytes:
        """Post ``body``; see ``Wire``."""
        deadline = time.monotonic() + self._timeout
        failures, broken = self._failures, self._broken
        # The exceptions' own texts hold the full address, key and all: none of them is passed on.
        try:
            with self._session.post(
                self._url, data=body, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                self._check_status(response.status_code, response.headers.get("Retry-After"))
                return self._read(response, deadline)
        except (failures.Timeout, broken.ReadTimeoutError):
            raise TransientRpcError(f"{self.address}: no answer within {self._timeout:g} s") from None
        except failures.SSLError:
            raise RpcError(f"{self.address}: its certificate is not trusted") from None
        except (failures.InvalidURL, failures.InvalidSchema, failures.MissingSchema):
            raise RpcError(
                f"{self.address}: not an address; write http(s)://host[:port]/… or a socket's path"
            ) from None
        except (failures.RequestException, broken.HTTPError):
            raise TransientRpcError(f"{self.address}: cannot connect, or the connection broke") from None

    def _check_status(self, status: int, retry_after: str | None) -> None:
        if status == 200:
            return
        if status in (401, 403):
            raise RpcError(f"{self.address}: refused (HTTP {status}); check the key in the address")
        if status == 429 or status >= 500:
            wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
            what = "too many requests" if status == 429 else "the endpoint is in trouble"
            raise TransientRpcError(f"{self.address}: {what} (HTTP {status})", wait)
        raise RpcError(f"{self.address}: HTTP {status}; this is no JSON-RPC endpoint")

    def _read(self, response: Any, deadline: float) -> bytes:
        pieces, size = [], 0
        # read1 returns after one piece from the network, so that a slow drip meets the deadline too.
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > self._max:
                raise RpcError(f"{self.address}: answer above {self._max} bytes; ask for less at a time")
            if time.monotonic() > deadline:
                raise TransientRpcError(f"{self.address}: answer not complete within {self._timeout:g} s")
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class IpcWire:
    """JSON lines over a local socket; one exchange at a time, safe from several threads."""

    def __init__(self, path: str, *, timeout_s: float, max_bytes: int) -> None:
        self._path, self._timeout, self._max = path, timeout_s, max_bytes
        self.address = f"socket {path}"
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def exchange(self, body: bytes) -> bytes:
        """Write ``body`` and a newline, read one line; see ``Wire``."""
        with self._lock:
            try:
                return self._exchange(body)
            except TimeoutError:
                self._drop()
                raise TransientRpcError(f"{self.address}: no answer within {self._timeout:g} s") from None
            except OSError:
                self._drop()
                raise TransientRpcError(f"{self.address}: cannot connect, or the connection broke") from None
            except BaseException:
                # A half-read answer must never be taken for the next one.
                self._drop()
                raise

    def _exchange(self, body: bytes) -> bytes:
        deadline = time.monotonic() + self._timeout
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._timeout)
            self._socket.connect(self._path)
        self._socket.settimeout(self._timeout)
        self._socket.sendall(body + b"\n")
        pieces, size = [], 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            piece = self._socket.recv(_CHUNK)
            if not piece:
                raise ConnectionResetError
            size += len(piece)
            if size > self._max:
                raise RpcError(f"{self.address}: answer above {self._max} bytes; ask for less at a time")
            pieces.append(piece)
            if piece.endswith(b"\n"):
                return b"".join(pieces)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close the socket."""
        with self._lock:
            self._drop()
