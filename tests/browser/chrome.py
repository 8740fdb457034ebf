"""A headless Chromium over its own debugging pipe: no port, no driver, and it ends when the pipe closes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
TIMEOUT = 60.0
PROBES = Path(__file__).with_name("probes.js").read_text(encoding="utf-8")


def find_chromium() -> str | None:
    """The Chromium of this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser refused a command, died or did not answer in time."""


class Chrome:
    """One browser process with a profile of its own; use as a context manager."""

    def __init__(self, program: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="tidemill-chromium-")
        to_child, self._write = os.pipe()
        self._read, from_child = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4; the shell puts the pipe there.
        script = f'exec "$0" "$@" 3<&{to_child} 4>&{from_child} 2>/dev/null >/dev/null'
        self._process = subprocess.Popen(
            ["bash", "-c", script, program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(to_child, from_child),
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrowserError, OSError):
            self.command("Browser.close")
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def command(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Send one command and return its result; events that arrive meanwhile are kept."""
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + TIMEOUT
        while True:
            answer = self._next(until, method)
            if answer.get("id") != number:
                self.events.append(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def wait_for(self, method: str, session: str) -> dict[str, Any]:
        """Wait until the event `method` has come for `session`."""
        until = time.monotonic() + TIMEOUT
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event
            seen = len(self.events)
            self.events.append(self._next(until, method))

    def _next(self, until: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"no answer to {what} within {TIMEOUT:.0f} s")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise BrowserError(f"the browser ended during {what}")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, scale: float = 1) -> Page:
        """Open a file in a fresh tab and wait until it has drawn itself."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session, path.resolve().as_uri())
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.command(f"{domain}.enable")
        page.resize(width, height, scale)
        page.media("", dark=dark)
        self.events.clear()
        page.command("Page.navigate", url=page.url)
        self.wait_for("Page.loadEventFired", session)
        page.settle()
        page.run(PROBES)
        return page


class Page:
    """One tab."""

    def __init__(self, chrome: Chrome, target: str, session: str, url: str) -> None:
        self.chrome, self.target, self.session, self.url = chrome, target, session, url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.chrome.command("Target.closeTarget", targetId=self.target)

    def command(self, method: str, **params: Any) -> Any:
        return self.chrome.command(method, self.session, **params)

    def run(self, script: str) -> Any:
        """Evaluate an expression (a promise is awaited) and return its JSON value."""
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def probe(self, name: str, *args: Any) -> Any:
        """Ask one of the questions of ``probes.js``."""
        return self.run(f"probe.{name}({', '.join(map(json.dumps, args))})")

    def text(self, selector: str) -> str:
        """The text of the first element that matches, white space folded."""
        return " ".join(self.run(f"document.querySelector({json.dumps(selector)}).innerText").split())

    def texts(self, selector: str) -> list[str]:
        script = f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)"
        return [" ".join(text.split()) for text in self.run(script)]

    def values(self, selector: str) -> list[str]:
        """The ``value`` attributes of all elements that match: exact integers in decimals."""
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.getAttribute('value'))")

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        self.settle()

    def settle(self) -> None:
        """Wait for two animation frames: state has been rendered and canvases are drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def resize(self, width: int, height: int = 900, scale: float = 1) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )

    def media(self, kind: str, *, dark: bool) -> None:
        """Emulate a medium (``""`` is the true one) and the system's colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media=kind, features=[scheme])

    def screenshot(self, *, whole: bool = True) -> bytes:
        answer = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        return base64.b64decode(answer["data"])

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def pdf(self) -> bytes:
        answer = self.command("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        return base64.b64decode(answer["data"])

    def complaints(self) -> list[str]:
        """Console messages, uncaught exceptions and log entries so far."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._events() if event["method"] in kinds]

    def requests(self) -> list[str]:
        """Addresses asked for so far."""
        sent = (event["params"] for event in self._events() if event["method"] == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent]

    def _events(self) -> list[dict[str, Any]]:
        return [event for event in self.chrome.events if event.get("sessionId") == self.session]
