"""The transport against a real chain behind a proxy that misbehaves in every way we know of."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import actor, proxy
from harness.proxy import FaultProxy
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.chain.types import Call
from tidemill.chain.wire import public_address
from tidemill.errors import BadInput, RpcError, TransientRpcError

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(chain_id=8453)) as chain:
        for _ in range(5):
            chain.mine()
        yield chain


@pytest.fixture
def bad(anvil: Anvil) -> Iterator[FaultProxy]:
    with FaultProxy(anvil.http) as it:
        yield it


def connect(bad: FaultProxy, **options) -> Rpc:
    options = {"timeout_s": 10, "attempts": 2, "pause_s": 0.01, "chain_id": 8453, **options}
    rpc = Rpc.connect(bad.url + "/v2/SECRETKEY?token=SECRETKEY", **options)
    bad.seen.clear()
    return rpc


SHORT_S = 0.5
"""Time-out where the fault is time itself; elsewhere it is long, so that a busy machine fails no test."""

HEALS = {
    "no answer in time": proxy.hang(3 * SHORT_S),
    "too many requests": proxy.status(429),
    "server error": proxy.status(502, b"<html>bad gateway</html>"),
    "web page": proxy.html,
    "garbage": proxy.raw(b"\x00\xff{"),
    "empty": proxy.raw(b""),
    "half an answer": proxy.cut,
    "connection closed": proxy.vanish,
    "another's answer": proxy.changed(lambda a: {**a, "id": 999_999}),
    "rate limit as an error": proxy.error(-32005, "daily rate limit reached, try again later"),
    "slow drip": proxy.drip(0.05),
}


def patience(name: str) -> float:
    return SHORT_S if name in ("no answer in time", "slow drip", "hang", "accepted") else 10


@pytest.mark.parametrize("name", HEALS)
def test_a_passing_fault_is_survived(bad: FaultProxy, name: str) -> None:
    fault = HEALS[name]
    with connect(bad, timeout_s=patience(name)) as rpc:
        bad.faults.append(fault)
        assert rpc.block(3).number == 3
        assert len(bad.seen) == 2


@pytest.mark.parametrize("name", HEALS)
def test_a_lasting_fault_is_one_clear_line_without_secrets(bad: FaultProxy, name: str) -> None:
    with connect(bad, timeout_s=patience(name)) as rpc:
        bad.always = HEALS[name]
        start = time.monotonic()
        with pytest.raises(RpcError) as caught:
            rpc.block(3)
        line = str(caught.value)
        assert "\n" not in line and "SECRET" not in line and bad.url in line and "(2 tries)" in line
        assert time.monotonic() - start < 15
        # No chained exception may carry the address either.
        assert caught.value.__suppress_context__


ENDS = {
    "401": (proxy.status(401), "refused .HTTP 401.; check the key"),
    "403": (proxy.status(403), "refused .HTTP 403."),
    "404": (proxy.status(404), "no JSON-RPC endpoint"),
    "redirect": (proxy.status(302, Location="https://elsewhere.example/"), "HTTP 302"),
    "a list": (proxy.raw(b"[1]"), "no JSON-RPC object"),
    "a number": (proxy.raw(b"7"), "no JSON-RPC object"),
    "neither": (proxy.changed(lambda a: {"jsonrpc": "2.0", "id": a["id"]}), "neither result nor error"),
    "null": (proxy.result(None), "block 3: the endpoint has none"),
    "wrong type": (proxy.result("0x1"), "expected an object"),
    "bad number": (
        proxy.changed(lambda a: {**a, "result": {**a["result"], "number": 3}}),
        "expected a hex number, got 3",
    ),
    "bad hash": (proxy.changed(lambda a: {**a, "result": {**a["result"], "hash": "0x12"}}), "32-byte hash, got '0x12'"),
    "no time": (
        proxy.changed(lambda a: {**a, "result": {**a["result"], "timestamp": None}}),
        "timestamp: expected a hex",
    ),
    "an error": (proxy.error(-32601, "method\nnot found"), "eth_getBlockByNumber: method not found"),
    "odd error": (proxy.changed(lambda a: {"id": a["id"], "error": "no"}), "eth_getBlockByNumber: no"),
}


@pytest.mark.parametrize(("fault", "says"), ENDS.values(), ids=ENDS)
def test_what_asking_again_cannot_heal_is_not_asked_again(bad: FaultProxy, fault: proxy.Fault, says: str) -> None:
    with connect(bad) as rpc:
        bad.always = fault
        with pytest.raises(RpcError, match=says) as caught:
            rpc.block(3)
        assert "\n" not in str(caught.value) and "SECRET" not in str(caught.value)
        assert len(bad.seen) == 1


@pytest.mark.parametrize("answer", [proxy.chunked, proxy.gzipped], ids=["chunked", "gzip"])
def test_ordinary_encodings_are_read(bad: FaultProxy, answer: proxy.Fault) -> None:
    with connect(bad) as rpc:
        bad.always = answer
        assert rpc.block(4).number == 4


def test_an_oversized_answer_is_refused_early(bad: FaultProxy) -> None:
    with connect(bad, max_bytes=10_000) as rpc:
        bad.always = proxy.raw(b" " * 1_000_000)
        with pytest.raises(RpcError, match="above 10000 bytes; ask for less"):
            rpc.block(3)
        assert len(bad.seen) == 1


def test_retry_after_is_honoured_and_pauses_grow(bad: FaultProxy) -> None:
    pauses: list[float] = []
    from tidemill.chain.wire import HttpWire

    wire = HttpWire(bad.url, timeout_s=1, max_bytes=1000)
    rpc = Rpc(wire, chain_id=8453, attempts=5, pause_s=0.1, sleep=pauses.append)
    bad.faults += [
        proxy.status(429),
        proxy.status(429, Retry_After="7"),
        proxy.status(503),
        proxy.status(429, Retry_After="9999"),
    ]
    assert rpc.balance(actor("nobody")) == 0
    assert pauses == pytest.approx([0.1, 7.0, 0.225, 30.0])
    rpc.close()


class Silent:
    """A wire whose endpoint takes every question and never answers: each try costs the whole timeout."""

    address = "silent:1"

    def __init__(self, clock: list[float]) -> None:
        self.clock, self.tries = clock, 0

    def exchange(self, body: bytes) -> bytes:
        self.tries += 1
        self.clock[0] += 20.0
        raise TransientRpcError(f"{self.address}: no answer within 20 s")

    def close(self) -> None:
        pass


def test_a_silent_endpoint_is_told_of_and_given_up_after_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = [0.0], []
    wire = Silent(clock)
    monkeypatch.setattr("tidemill.chain.rpc.time.monotonic", lambda: clock[0])
    with pytest.raises(RpcError, match=r"silent:1: no answer within 20 s \(2 tries\)"):
        Rpc(wire, attempts=5, sleep=lambda _s: None, tell=told.append)
    assert (wire.tries, clock[0]) == (2, 40.0)
    assert told == ["silent:1: no answer within 20 s; trying again in 0.25 s (try 2 of at most 5)"]


def test_long_pauses_asked_for_do_not_count_as_silence(bad: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with connect(bad, attempts=5, tell=told.append) as rpc:
        rpc._sleep = lambda _seconds: None
        bad.faults += [proxy.status(429, Retry_After="25")] * 4
        assert rpc.balance(actor("nobody")) == 0
    assert len(told) == 4
    assert all("too many requests (HTTP 429); trying again in 25 s" in line for line in told)


# -- chain id ------------------------------------------------------------------------------------------------------


def test_a_wrong_chain_is_refused_at_the_start(bad: FaultProxy) -> None:
    with pytest.raises(RpcError, match="is on chain 8453, expected chain 10"):
        connect(bad, chain_id=10)


def test_a_chain_that_changes_is_noticed_before_each_send(bad: FaultProxy) -> None:
    with connect(bad) as rpc:
        bad.faults.append(proxy.result("0xa"))
        with pytest.raises(RpcError, match="is on chain 10, expected chain 8453; nothing was sent"):
            rpc.send_raw(b"\x02\xc0")
        assert bad.methods() == ["eth_chainId"]


def test_a_chain_that_changes_is_noticed_in_batches_and_in_time(bad: FaultProxy, anvil: Anvil) -> None:
    with connect(bad) as rpc:
        anvil.rpc.request("anvil_setChainId", 10)
        try:
            with pytest.raises(RpcError, match="is on chain 10"):
                rpc.batch([("eth_blockNumber", []), ("eth_gasPrice", [])])
            with pytest.raises(RpcError, match="is on chain 10"):  # noqa: PT012
                for _ in range(100):
                    rpc.request("eth_blockNumber")
        finally:
            anvil.rpc.request("anvil_setChainId", 8453)


def test_the_first_answer_is_pinned_when_no_chain_is_given(bad: FaultProxy) -> None:
    with connect(bad, chain_id=None) as rpc:
        assert rpc.chain_id == 8453


# -- sends ---------------------------------------------------------------------------------------------------------


LOST = {
    "hang": proxy.hang(3 * SHORT_S),
    "429": proxy.status(429),
    "500": proxy.status(500),
    "html": proxy.html,
    "closed": proxy.vanish,
    "accepted": proxy.accepted_then_silent(3 * SHORT_S),
}


@pytest.mark.parametrize("name", LOST)
def test_a_send_is_never_repeated(bad: FaultProxy, anvil: Anvil, name: str) -> None:
    me = actor(f"sender {name}")
    anvil.set_balance(me, 10**18)
    with connect(bad, timeout_s=patience(name)) as rpc:
        bad.faults += [proxy.changed(lambda a: a), LOST[name]]
        with pytest.raises(RpcError, match="may or may not have been accepted"):
            rpc.send_unlocked(Call(actor("x"), b""), me, gas=21000)
        assert bad.methods().count("eth_sendTransaction") == 1
    if patience(name) == SHORT_S:
        time.sleep(2.5 * SHORT_S)  # what was accepted late must have landed, once
        assert anvil.rpc.nonce(me, block="pending") == 1
    assert anvil.rpc.nonce(me, block="pending") <= 1
    # Leave no transaction behind for other tests.
    for waiting in anvil.rpc.raw_block("pending")["transactions"]:
        anvil.drop(waiting)


def test_a_refused_send_carries_the_endpoints_reason(bad: FaultProxy) -> None:
    with connect(bad) as rpc, pytest.raises(RpcRejected) as caught:
        rpc.send_raw(b"\x02\xc0")
    assert not caught.value.reverted and caught.value.reason


# -- batches -------------------------------------------------------------------------------------------------------


def test_batches_keep_order_and_report_each_refusal(bad: FaultProxy) -> None:
    with connect(bad) as rpc:
        bad.faults.append(proxy.changed(lambda answers: answers[::-1]))
        out = rpc.batch([("eth_getBlockByNumber", [hex(i), False]) for i in range(5)] + [("no_such_method", [])])
        assert [int(b["number"], 16) for b in out[:5]] == list(range(5))
        assert isinstance(out[5], RpcRejected)
        assert len(bad.seen) == 1


def test_long_lists_go_in_several_messages(bad: FaultProxy) -> None:
    with connect(bad, timeout_s=5) as rpc:
        assert rpc.call_many([(actor("x"), b"")] * 450) == [b""] * 450
        assert [len(m) for m in bad.seen] == [201, 201, 51]


def test_an_endpoint_without_batches_is_asked_singly(bad: FaultProxy) -> None:
    with connect(bad) as rpc:
        bad.faults.append(proxy.raw(json.dumps({"id": None, "error": {"code": -32600, "message": "batch"}}).encode()))
        blocks = rpc.batch([("eth_getBlockByNumber", [hex(i), False]) for i in range(3)])
        assert [int(b["number"], 16) for b in blocks] == [0, 1, 2]
        bad.seen.clear()
        assert len(rpc.batch([("eth_blockNumber", []), ("eth_blockNumber", [])])) == 2
        assert [type(m) for m in bad.seen] == [dict, dict]


BROKEN_BATCHES = {
    "short": proxy.changed(lambda a: a[:-1]),
    "doubled": proxy.changed(lambda a: [a[0], *a[:-1]]),
    "no ids": proxy.changed(lambda a: [{**i, "id": None} for i in a]),
    "not objects": proxy.changed(lambda a: [1 for _ in a]),
}


@pytest.mark.parametrize("fault", BROKEN_BATCHES.values(), ids=BROKEN_BATCHES)
def test_broken_batches_are_never_half_believed(bad: FaultProxy, fault: proxy.Fault) -> None:
    with connect(bad) as rpc:
        bad.always = fault
        with pytest.raises(RpcError, match="answers to 3 requests"):
            rpc.batch([("eth_blockNumber", []), ("eth_gasPrice", [])])


def test_call_many_names_wrong_types(bad: FaultProxy) -> None:
    with connect(bad) as rpc:
        bad.always = proxy.changed(lambda a: [{**i, "result": 5} if n == 0 else i for n, i in enumerate(a)])
        with pytest.raises(RpcError, match="eth_call: expected hex bytes, got 5"):
            rpc.call_many([(actor("x"), b"")] * 2)


# -- logs ----------------------------------------------------------------------------------------------------------

LOG = {
    "address": "0x" + "11" * 20,
    "topics": ["0x" + "22" * 32],
    "data": "0x",
    "blockHash": "0x" + "33" * 32,
    "blockNumber": "0x1",
    "logIndex": "0x0",
    "transactionIndex": "0x0",
}
BAD_LOGS = [
    ({"address": "0x11"}, "address is '0x11'"),
    ({"topics": ["0x22"]}, "topics are not"),
    ({"topics": [LOG["topics"][0]] * 5}, "topics are not"),
    ({"topics": None}, "topics are not"),
    ({"data": "0x1"}, "data is '0x1'"),
    ({"blockHash": None}, "blockHash: expected a 32-byte hash, got null"),
    ({"blockNumber": 1}, "blockNumber: expected a hex number, got 1"),
    ({"logIndex": None}, "logIndex: expected"),
    ({"removed": True}, "marked as removed by a reorganisation"),
]


@pytest.mark.parametrize(("damage", "says"), BAD_LOGS)
def test_damaged_logs_are_named(bad: FaultProxy, damage: dict, says: str) -> None:
    with connect(bad) as rpc:
        bad.always = proxy.result([LOG])
        assert rpc.logs() == [LOG]
        bad.always = proxy.result([LOG, LOG | damage])
        with pytest.raises(RpcError, match=f"log 1: {says}"):
            rpc.logs()
        bad.always = proxy.result({})
        with pytest.raises(RpcError, match="expected a list of logs"):
            rpc.logs()


# -- addresses, blocks, sockets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://node.example/v2/KEY", "https://node.example/…"),
        ("https://me:KEY@node.example:8545", "https://node.example:8545/…"),
        ("http://127.0.0.1:8545/?k=KEY", "http://127.0.0.1:8545/…"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://node.example:KEY/x", "https://node.example/…"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    assert public_address(url) == shown


def test_nobody_listening_and_bad_addresses() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/KEY"
        with pytest.raises(RpcError, match="cannot connect") as caught:
            Rpc.connect(url, attempts=1)
        assert "KEY" not in str(caught.value)
    with pytest.raises(RpcError, match="ftp://: not supported"):
        Rpc.connect("ftp://KEY@host")
    with pytest.raises(RpcError, match="not an address|cannot connect"):
        Rpc.connect("http://", attempts=1)
    with pytest.raises(RpcError, match="cannot connect"):
        Rpc.connect("/nowhere/anvil.ipc", attempts=1)


@pytest.mark.parametrize("block", [-1, "newest", "0x12"])
def test_blocks_that_are_none(bad: FaultProxy, block: object) -> None:
    with connect(bad) as rpc, pytest.raises(BadInput, match="block"):
        rpc.balance(actor("x"), block=block)  # type: ignore[arg-type]


def test_blocks_by_number_hash_and_reference(anvil: Anvil) -> None:
    seen = anvil.rpc.block(3)
    assert seen == anvil.rpc.block(seen.hash) == anvil.rpc.block(seen)
    assert anvil.rpc.block(4).parent_hash == seen.hash
    assert anvil.rpc.balance(actor("x"), block=seen) == 0
    with pytest.raises(RpcError, match="0x9999"):
        anvil.rpc.block("0x" + "99" * 32)
    with pytest.raises(RpcError):
        anvil.rpc.balance(actor("x"), block="0x" + "99" * 32)


def _socket_server(path: Path, answers: list[bytes]) -> threading.Thread:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    while connection.recv(65536):
                        connection.sendall(answer)
                        if not answer.endswith(b"\n"):
                            break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([b"<html>\n"], "a web page"),
        ([b"half"], "connection broke"),
        ([b'{"x": "' + b"y" * 70_000 + b'"}\n'], "above 65536"),
    ],
)
def test_sockets_fail_in_one_line_too(tmp_path: Path, answers: list[bytes], says: str) -> None:
    path = tmp_path / "s"
    thread = _socket_server(path, answers)
    with pytest.raises(RpcError, match=says):
        Rpc.connect(str(path), attempts=1, timeout_s=1, max_bytes=65536)
    thread.join(2)


def test_a_silent_socket_times_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with pytest.raises(RpcError, match=r"no answer within 0\.2 s"):
            Rpc.connect(str(tmp_path / "s"), attempts=1, timeout_s=0.2)
