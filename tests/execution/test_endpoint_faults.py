"""An endpoint that misbehaves in every way the proxy knows, at every sending and at random other questions: each payee is
paid once all the same. Faults that answer wrongly are the transport's to find; here they must only not cost money.
"""

from __future__ import annotations

import json
import random

import pytest

from harness import proxy
from harness.proxy import FaultProxy
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.rpc import Rpc
from tidemill.chain.types import Call
from tidemill.errors import RpcError
from tidemill.execution.executor import Executor, Finality
from tidemill.execution.ids import intent_id
from tidemill.execution.journal import MemoryJournal
from tidemill.execution.limits import SpendLimits
from tidemill.execution.wallet import DevWallet

pytestmark = pytest.mark.chain

PAYEES = [f"0x{n:040x}" for n in range(0xD1, 0xD4)]


def error(code, message):
    return proxy.changed(
        lambda answer: {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": code, "message": message}}
    )


FAULTS = {
    "accepted, then silent": proxy.accepted_then_silent(0.5),
    "no answer in time": proxy.hang(0.5),
    "connection gone": proxy.vanish,
    "half an answer": proxy.cut,
    "web page": proxy.html,
    "garbage": proxy.raw(b"\x00\xff{"),
    "empty": proxy.raw(b""),
    "null": proxy.raw(b"null"),
    "429": proxy.status(429),
    "500": proxy.status(500),
    "503": proxy.status(503),
    "401": proxy.status(401),
    "accepted, then 502": lambda exchange: (exchange.forward(), exchange.reply(b"", 502)),
    "another hash": proxy.changed(lambda answer: {**answer, "result": "0x" + "11" * 32}),
    "wrong type": proxy.changed(lambda answer: {**answer, "result": 7}),
    "another id": proxy.changed(lambda answer: {**answer, "id": 10**6}),
    "already known": error(-32000, "already known"),
    "nonce too low": error(-32000, "nonce too low"),
    "underpriced": error(-32000, "replacement transaction underpriced"),
    "insufficient funds": error(-32000, "insufficient funds for gas * price + value"),
}


@pytest.fixture(scope="module")
def shared():
    with Anvil(AnvilOptions(base_fee=10**9, gas_limit=30_000_000)) as chain:
        yield chain


class Misbehaving(FaultProxy):
    """Answers each n-th send with the fault, and other questions with it at random (seeded)."""

    def __init__(self, upstream, fault, seed):
        super().__init__(upstream)
        self._fault, self._rng, self.injected = fault, random.Random(seed), 0
        self.always = self._maybe

    def _maybe(self, exchange):
        sends = b"eth_sendRawTransaction" in exchange.body
        asks = any(m in exchange.body for m in (b"getTransactionReceipt", b"eth_estimateGas", b"eth_getBalance"))
        if (sends and self._rng.random() < 0.7) or (asks and self._rng.random() < 0.05):
            self.injected += 1
            self._fault(exchange)
        else:
            exchange.reply(exchange.forward())


@pytest.mark.parametrize("name", FAULTS)
def test_each_payee_is_paid_once_whatever_the_endpoint_says(shared, name):
    snapshot = shared.snapshot()
    journal = MemoryJournal()
    before = shared.rpc.nonce(DevWallet().address)
    with Misbehaving(shared.http, FAULTS[name], name) as bad:
        rpc = Rpc.connect(bad.url, chain_id=31337, timeout_s=0.25, attempts=2, pause_s=0.01)
        sender = Executor(
            rpc, DevWallet(), journal, SpendLimits(10**18, 10**18), chain_id=31337, finality=Finality(depth=2)
        )
        for _ in range(40):
            try:
                sender.start()
                for i, payee in enumerate(PAYEES):
                    sender.send(intent_id("faults", i), Call(payee, b"", 5))
                shared.rpc.request("evm_mine")
                if not sender.poll() and bad.injected:
                    break
            except RpcError:
                continue  # said before anything was signed; ask again, as a person or a loop would
        rpc.close()
        assert bad.injected >= 2, json.dumps(bad.methods())
    assert [shared.rpc.balance(p) for p in PAYEES] == [5, 5, 5]
    assert shared.rpc.nonce(DevWallet().address) == before + 3
    assert not journal.open_rows()
    shared.rpc.request("anvil_dropAllTransactions")
    shared.revert(snapshot)
