"""An endpoint that misbehaves: a proxy on loopback in front of a real chain, with faults injected in order."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

Fault = Callable[["Exchange"], None]
"""Answers one exchange in place of the real endpoint (or after asking it, through ``exchange.forward``)."""


class Exchange:
    """One request being answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes, upstream: str) -> None:
        self.handler, self.body, self._upstream = handler, body, upstream

    def forward(self) -> bytes:
        """Ask the real endpoint."""
        host = urlsplit(self._upstream)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
        try:
            connection.request("POST", "/", self.body, {"Content-Type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def reply(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.handler.send_response(status)
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def reply_json(self, value: Any) -> None:
        """Send JSON."""
        self.reply(json.dumps(value).encode())


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that gives up on a fault resets the connection; that is what the tests want.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class FaultProxy:
    """Forwards to ``upstream`` until faults are queued; each queued fault takes one request. Stops on exit."""

    def __init__(self, upstream: str) -> None:
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.seen: list[Any] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.seen.append(json.loads(body))
                exchange = Exchange(self, body, upstream)
                fault = proxy.faults.pop(0) if proxy.faults else proxy.always
                try:
                    if fault is None:
                        exchange.reply(exchange.forward())
                    else:
                        fault(exchange)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_args: object) -> None:
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def methods(self) -> list[str]:
        """Return the methods asked for, batches flattened."""
        return [m["method"] for body in self.seen for m in (body if isinstance(body, list) else [body])]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


# -- faults --------------------------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """An HTTP status; ``Retry_After="1"`` and the like become headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.reply(body, code, named)


def html(exchange: Exchange) -> None:
    """A web page with status 200."""
    exchange.reply(b"<!doctype html><html><body>Sign in to continue</body></html>")


def raw(body: bytes) -> Fault:
    """Any bytes."""
    return lambda exchange: exchange.reply(body)


def hang(seconds: float) -> Fault:
    """No answer for so long, then the right one."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.reply(exchange.forward())

    return fault


def accepted_then_silent(seconds: float) -> Fault:
    """The endpoint acts, but its answer never comes in time: the fault that pays twice when retried."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        time.sleep(seconds)
        exchange.reply(answer)

    return fault


def drip(pause_s: float, pieces: int = 50) -> Fault:
    """The right answer, a few bytes at a time."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward().ljust(pieces)
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Length", str(len(answer)))
        exchange.handler.end_headers()
        size = max(1, len(answer) // pieces)
        for start in range(0, len(answer), size):
            exchange.handler.wfile.write(answer[start : start + size])
            exchange.handler.wfile.flush()
            time.sleep(pause_s)

    return fault


def cut(exchange: Exchange) -> None:
    """Half of an answer, then the connection closes."""
    answer = exchange.forward()
    exchange.handler.send_response(200)
    exchange.handler.send_header("Content-Length", str(len(answer)))
    exchange.handler.end_headers()
    exchange.handler.wfile.write(answer[: len(answer) // 2])
    exchange.handler.close_connection = True


def chunked(exchange: Exchange) -> None:
    """The right answer in chunked transfer encoding (no fault: endpoints do it)."""
    answer = exchange.forward()
    exchange.handler.send_response(200)
    exchange.handler.send_header("Transfer-Encoding", "chunked")
    exchange.handler.end_headers()
    for start in range(0, len(answer), 7):
        piece = answer[start : start + 7]
        exchange.handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    exchange.handler.wfile.write(b"0\r\n\r\n")


def gzipped(exchange: Exchange) -> None:
    """The right answer, compressed (no fault: endpoints do it)."""
    import gzip

    exchange.reply(gzip.compress(exchange.forward()), headers={"Content-Encoding": "gzip"})


def vanish(exchange: Exchange) -> None:
    """The connection closes without a word."""
    exchange.handler.close_connection = True


def changed(change: Callable[[Any], Any]) -> Fault:
    """The real answer, changed."""
    return lambda exchange: exchange.reply_json(change(json.loads(exchange.forward())))


def result(value: Any) -> Fault:
    """The real answer with another result (in a batch: every result)."""

    def change(answer: Any) -> Any:
        if isinstance(answer, list):
            return [{**item, "result": value} for item in answer]
        return {**answer, "result": value}

    return changed(change)


def error(code: int, message: str, data: Any = None) -> Fault:
    """A JSON-RPC error."""

    def change(answer: Any) -> Any:
        return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": code, "message": message, "data": data}}

    return changed(change)
