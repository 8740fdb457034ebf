"""A list from where it is published, over loopback: bounded, kept with its date, never believed when stale."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tidemill.errors import BadInput, NoSource
from tidemill.studies.plan import fetched
from tidemill.studies.plan.fetched import fetch_list

ROW = {"chain": "Base", "project": "aave-v3", "symbol": "USDC", "tvlUsd": 5e7, "apy": 5.0, "apyBase": 5.0}
LIST = json.dumps({"status": "success", "data": [ROW, ROW]}).encode()


class Publisher:
    """A server on this machine that answers as a test says: ``answer`` is (status, body, what it claims the length is)."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes, int | None] = (200, LIST, None)
        self.drip = 0.0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, length = publisher.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                for at in range(0, len(body), 64):
                    time.sleep(publisher.drip)
                    try:
                        self.wfile.write(body[at : at + 64])
                    except OSError:
                        return

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/pools?key=SECRET"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("TIDEMILL_CACHE", str(tmp_path / "cache"))
    publisher = Publisher()
    yield publisher
    publisher.stop()


def clock(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    monkeypatch.setattr(fetched, "wall_seconds", lambda: time.time() + hours * 3_600)


def test_a_list_is_fetched_and_says_from_where_and_when(published: Publisher, tmp_path: Path) -> None:
    listed = fetch_list(published.address)
    assert [row.name for row in listed.rows] == ["aave-v3 USDC on base"] * 2
    assert "UTC" in listed.source and "SECRET" not in listed.source and not listed.note
    kept = sorted(path.suffix for path in (tmp_path / "cache" / "lists").iterdir())
    assert kept == [".json", ".kept"]
    (tmp_path / "list.json").write_bytes(LIST)
    assert (
        fetch_list(f"file://{tmp_path}/list.json").rows == fetch_list(str(tmp_path / "list.json")).rows == listed.rows
    )


def test_a_copy_stands_in_while_it_is_young_and_says_so(published: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_list(published.address)
    published.answer = (503, b"", None)
    clock(monkeypatch, 5.5)
    listed = fetch_list(published.address)
    assert len(listed.rows) == 2 and "HTTP 503: a copy 5 h old is used instead" in listed.note
    for hours, limit in ((25, 24), (5.5, 5), (-2, 24), (0.5, 0)):
        clock(monkeypatch, hours)
        with pytest.raises(NoSource, match=r"HTTP 503; the copy kept is of .* old: too old"):
            fetch_list(published.address, stale_hours=limit)


def test_a_damaged_copy_is_not_believed(published: Publisher, tmp_path: Path) -> None:
    fetch_list(published.address)
    published.answer = (500, b"", None)
    (copy,) = (tmp_path / "cache" / "lists").glob("*.json")
    copy.write_bytes(LIST.replace(b"5.0", b"9.0"))
    with pytest.raises(NoSource, match="HTTP 500; the copy kept is damaged"):
        fetch_list(published.address)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"", None), "HTTP 404"),
        ((302, b"", None), "sends on to another address"),
        ((200, b"x" * 3_000, None), "more than 2,000 bytes"),
        ((200, LIST[:50], 500), "cannot connect, or the connection broke|broke off after"),
    ],
)
def test_what_is_no_answer_is_one_line_without_the_key(
    published: Publisher, answer: tuple[int, bytes, int | None], said: str
) -> None:
    published.answer = answer
    with pytest.raises(NoSource, match=said) as caught:
        fetch_list(published.address, most=2_000)
    assert "SECRET" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_slow_answer_meets_the_deadline(published: Publisher) -> None:
    published.answer, published.drip = (200, LIST * 40, None), 0.05
    started = time.monotonic()
    with pytest.raises(NoSource, match=r"not complete within 0.3 s|no answer within"):
        fetch_list(published.address, seconds=0.3)
    assert time.monotonic() - started < 3


def test_what_is_no_list_is_neither_believed_nor_kept(published: Publisher, tmp_path: Path) -> None:
    published.answer = (200, b"<html>", None)
    with pytest.raises(BadInput, match="not JSON"):
        fetch_list(published.address)
    assert not (tmp_path / "cache" / "lists").exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://example.org/x", "expected https"),
        ("http://example.org/x", "anybody on the way could change it"),
        ("https://", "expected https"),
        ("nowhere.json", "cannot be read"),
    ],
)
def test_addresses_that_are_none(address: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        fetch_list(address)
