"""JSON-RPC to one endpoint whose chain is pinned. It carries bytes; it never signs and never decides.

Reads are tried again with growing pauses; a sent transaction never is, because asking twice may pay twice: that
decision belongs to ``execution``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec

from tidemill.chain import answers
from tidemill.chain.types import BlockRef, Call, Receipt
from tidemill.chain.wire import HttpWire, IpcWire, Wire
from tidemill.errors import RpcError, RpcRejected, TransientRpcError

__all__ = ["BlockId", "Rpc", "RpcRejected"]

BlockId = str | int | BlockRef
"""``latest``, ``safe``, ``finalized``, ``earliest``, ``pending``, a number, a block hash, or a block seen."""

_RECHECK = 64  # single requests between two looks at the chain id
_BATCH = 200
_BUSY = re.compile(r"rate.?limit|too many requests|throughput|over capacity|temporarily|try again", re.IGNORECASE)
_LONGEST_PAUSE_S = 30.0
_PATIENCE_S = 30.0
"""Seconds spent on answers to one question after which it is not asked again: two tries of a silent endpoint."""


class Rpc:
    """One endpoint on one chain.

    Parameters
    ----------
    wire : how to reach it; ``Rpc.connect`` makes one from an address.
    chain_id : what the endpoint must say; ``None`` takes its first answer and pins that.
    attempts : tries of a read in all.
    pause_s : before the second try; half as long again before each further one.
    sleep : how to wait; tests replace it.
    tell : told one line before each further try.

    A question whose tries have taken 30 s of waiting for answers (pauses not counted) is not asked again.

    Raises ``RpcError`` when the endpoint's chain differs, now or later: it is asked at the start, with every batch,
    before every send and every 64 requests.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        chain_id: int | None = None,
        attempts: int = 5,
        pause_s: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._tell = tell or (lambda _line: None)
        self._wire, self._attempts, self._pause, self._sleep = wire, max(1, attempts), pause_s, sleep
        self._id = 0
        self._since_check = 0
        self._batches = True
        self.pin: int | None = None
        """What ``latest`` means to reads of blocks and state: this block number; ``None``: the newest."""
        self.chain_id = chain_id if chain_id is not None else self._ask_chain_id()
        if chain_id is not None:
            self.check_chain()

    @classmethod
    def connect(
        cls,
        address: str,
        *,
        chain_id: int | None = None,
        timeout_s: float = 20.0,
        max_bytes: int = 64 << 20,
        attempts: int = 5,
        pause_s: float = 0.25,
        tell: Callable[[str], None] | None = None,
    ) -> Self:
        """Open ``http(s)://…`` or the path of a local socket."""
        if not address.strip():
            raise RpcError("an empty address; write http(s)://… or the path of a local socket")
        if address.startswith(("http://", "https://")):
            wire: Wire = HttpWire(address, timeout_s=timeout_s, max_bytes=max_bytes)
        elif "://" in address:
            raise RpcError(
                f"{address.split('://', 1)[0]}://: not supported; use http(s)://… or the path of a local socket"
            )
        else:
            wire = IpcWire(address, timeout_s=timeout_s, max_bytes=max_bytes)
        try:
            return cls(wire, chain_id=chain_id, attempts=attempts, pause_s=pause_s, tell=tell)
        except BaseException:
            wire.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._wire.close()

    @property
    def address(self) -> str:
        """Where the endpoint is, without secrets."""
        return self._wire.address

    # -- requests ------------------------------------------------------------------------

    def request(self, method: str, *params: Any) -> Any:
        """Ask one thing and return ``result``. Raises ``RpcRejected`` or ``RpcError``."""
        self._since_check += 1
        if self._since_check > _RECHECK:
            self.check_chain()
        return self._retrying(lambda: self._single(method, params))

    def batch(self, requests: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Ask many things at once, answers in order. An item the endpoint refused comes back as its ``RpcRejected``.

        Long lists go in several messages; an endpoint that knows no batches is asked one by one.
        """
        todo = list(requests)
        out: list[Any] = []
        for start in range(0, len(todo), _BATCH):
            part = todo[start : start + _BATCH]
            if self._batches and len(part) > 1:
                out += self._retrying(lambda part=part: self._many(part))  # type: ignore[misc]
            else:
                out += [self._or_rejected(method, params) for method, params in part]
        return out

    def check_chain(self) -> None:
        """Ask for the chain id now; raises ``RpcError`` when it is not the pinned one."""
        self._since_check = 0
        self._expect_chain(self._ask_chain_id())

    def _ask_chain_id(self) -> int:
        return answers.quantity(self._retrying(lambda: self._single("eth_chainId", ())), f"{self.address}: eth_chainId")

    def _expect_chain(self, found: int) -> None:
        if found != self.chain_id:
            raise RpcError(f"{self.address}: is on chain {found}, expected chain {self.chain_id}; nothing was sent")

    def _or_rejected(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self.request(method, *params)
        except RpcRejected as rejected:
            return rejected

    def _single(self, method: str, params: Sequence[Any]) -> Any:
        (message,) = self._messages([(method, params)])
        answer = self._exchange(msgspec.json.encode(message))
        result = self._result(answer, message["id"], method)
        if isinstance(result, RpcRejected):
            raise result
        return result

    def _many(self, part: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        messages = self._messages([*part, ("eth_chainId", ())])
        answer = self._exchange(msgspec.json.encode(messages))
        if not isinstance(answer, list):
            # One error object for the whole: no batches here (or too large a one); ask singly from now on.
            self._batches = False
            return [self._or_rejected(method, params) for method, params in part]
        by_id = {item.get("id"): item for item in answer if isinstance(item, dict)}
        if len(answer) != len(messages) or len(by_id) != len(messages):
            raise TransientRpcError(f"{self.address}: {len(answer)} answers to {len(messages)} requests")
        results = [self._result(by_id.get(message["id"]), message["id"], message["method"]) for message in messages]
        chain = results.pop()
        if isinstance(chain, RpcRejected):
            raise chain
        self._since_check = 0
        self._expect_chain(answers.quantity(chain, f"{self.address}: eth_chainId"))
        return results

    def _messages(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        first, self._id = self._id + 1, self._id + len(requests)
        return [
            {"jsonrpc": "2.0", "id": first + i, "method": method, "params": list(params)}
            for i, (method, params) in enumerate(requests)
        ]

    def _exchange(self, body: bytes) -> Any:
        raw = self._wire.exchange(body)
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            kind = "a web page" if raw.lstrip()[:1] == b"<" else "no JSON"
            raise TransientRpcError(f"{self.address}: answered with {kind} ({len(raw)} bytes)") from None

    def _result(self, answer: Any, expected_id: int, method: str) -> Any:
        """Return the result, or the ``RpcRejected`` for the caller to raise or keep."""
        if not isinstance(answer, dict):
            raise RpcError(f"{self.address}: {method}: the answer is no JSON-RPC object")
        error = answer.get("error")
        if error is not None:
            return self._rejected(error, method)
        if answer.get("id") != expected_id:
            raise TransientRpcError(f"{self.address}: {method}: answer to another request")
        if "result" not in answer:
            raise RpcError(f"{self.address}: {method}: the answer has neither result nor error")
        return answer["result"]

    def _rejected(self, error: Any, method: str) -> RpcRejected:
        if not isinstance(error, dict):
            error = {"message": str(error)}
        code = error.get("code")
        reason = " ".join(str(error.get("message", "no reason given")).split())[:300]
        if _BUSY.search(reason):
            raise TransientRpcError(f"{self.address}: {method}: {reason}")
        data = answers.revert_bytes(error.get("data"))
        return RpcRejected(f"{self.address}: {method}: {reason}", code if isinstance(code, int) else 0, reason, data)

    def _retrying(self, ask: Callable[[], Any]) -> Any:
        pause, waited = self._pause, 0.0
        for attempt in range(1, self._attempts + 1):
            asked = time.monotonic()
            try:
                return ask()
            except TransientRpcError as error:
                waited += time.monotonic() - asked
                if attempt == self._attempts or waited >= _PATIENCE_S:
                    tries = f" ({attempt} tries)" if attempt > 1 else ""
                    raise RpcError(f"{error}{tries}") from None
                wait = min(max(pause, error.retry_after or 0.0), _LONGEST_PAUSE_S)
                self._tell(f"{error}; trying again in {wait:.2g} s (try {attempt + 1} of at most {self._attempts})")
                self._sleep(wait)
                pause *= 1.5
        raise AssertionError("unreachable")

    # -- reads ---------------------------------------------------------------------------

    def _pinned(self, block: BlockId) -> BlockId:
        return self.pin if self.pin is not None and block == "latest" else block

    def block(self, block: BlockId = "latest") -> BlockRef:
        """Return a block's reference; raises ``RpcError`` when there is none."""
        return answers.block_ref(self.raw_block(block), f"{self.address}: block {answers.shown(block)}")

    def raw_block(self, block: BlockId = "latest", *, full: bool = False) -> Mapping[str, Any]:
        """Return a block as the endpoint gives it, with whole transactions if ``full``."""
        where = answers.block_param(self._pinned(block))
        if isinstance(where, dict):
            raw = self.request("eth_getBlockByHash", where["blockHash"], full)
        else:
            raw = self.request("eth_getBlockByNumber", where, full)
        return answers.mapping(raw, f"{self.address}: block {answers.shown(block)}")

    def call(
        self, to: str, data: bytes, *, block: BlockId = "latest", sender: str | None = None, value: int = 0
    ) -> bytes:
        """Run a view and return its bytes. Raises ``RpcRejected`` (``reverted``, ``data``) when it reverts."""
        raw = self.request(*answers.eth_call(to, data, self._pinned(block), sender, value))
        return answers.data(raw, f"{self.address}: eth_call")

    def call_many(self, calls: Iterable[tuple[str, bytes]], *, block: BlockId = "latest") -> list[bytes | RpcRejected]:
        """Run many views at one block: their bytes in order, an ``RpcRejected`` where one reverted.

        Give a number, hash or ``BlockRef``, not ``latest``, where all must see the same state.
        """
        requests = [answers.eth_call(to, data, self._pinned(block)) for to, data in calls]
        raw = self.batch([(method, params) for method, *params in requests])
        return [r if isinstance(r, RpcRejected) else answers.data(r, f"{self.address}: eth_call") for r in raw]

    def logs(
        self,
        *,
        address: str | Sequence[str] | None = None,
        topics: Sequence[Any] = (),
        from_block: BlockId = "earliest",
        to_block: BlockId = "latest",
        block_hash: str | None = None,
    ) -> list[Mapping[str, Any]]:
        """Return raw logs, each checked to be one; splitting ranges is the caller's business."""
        query: dict[str, Any] = {"topics": list(topics)}
        if address is not None:
            query["address"] = address if isinstance(address, str) else list(address)
        if block_hash is not None:
            query["blockHash"] = block_hash
        else:
            query |= {"fromBlock": answers.number_param(from_block), "toBlock": answers.number_param(to_block)}
        return answers.logs(self.request("eth_getLogs", query), f"{self.address}: eth_getLogs")

    def receipt(self, tx_hash: str) -> Receipt | None:
        """Return a receipt, ``None`` while the chain has none."""
        return answers.receipt(self.request("eth_getTransactionReceipt", tx_hash), f"{self.address}: receipt")

    def receipts(self, hashes: Sequence[str]) -> list[Receipt | None]:
        """Return many receipts in order."""
        raw = self.batch([("eth_getTransactionReceipt", [h]) for h in hashes])
        for item in raw:
            if isinstance(item, RpcRejected):
                raise item
        return [answers.receipt(item, f"{self.address}: receipt") for item in raw]

    def balance(self, who: str, *, block: BlockId = "latest") -> int:
        """Return native wei."""
        raw = self.request("eth_getBalance", who, answers.block_param(self._pinned(block)))
        return answers.quantity(raw, f"{self.address}: eth_getBalance")

    def nonce(self, who: str, *, block: BlockId = "latest") -> int:
        """Return the number of transactions sent; ``pending`` counts those waiting."""
        raw = self.request("eth_getTransactionCount", who, answers.block_param(block))
        return answers.quantity(raw, f"{self.address}: eth_getTransactionCount")

    def code(self, who: str, *, block: BlockId = "latest") -> bytes:
        """Return the contract standing there, empty if none."""
        return answers.data(
            self.request("eth_getCode", who, answers.block_param(block)), f"{self.address}: eth_getCode"
        )

    def storage(self, who: str, slot: int, *, block: BlockId = "latest") -> int:
        """Return a storage word."""
        what = f"{self.address}: eth_getStorageAt"
        word = answers.data(self.request("eth_getStorageAt", who, hex(slot), answers.block_param(block)), what)
        if len(word) > 32:
            raise RpcError(f"{what}: expected a word of 32 bytes, got {len(word)}")
        return int.from_bytes(word, "big")

    def estimate_gas(self, call: Call, sender: str, *, block: BlockId = "latest") -> int:
        """Return the endpoint's gas estimate; raises ``RpcRejected`` when it would revert."""
        raw = self.request("eth_estimateGas", answers.transaction(call, sender), answers.block_param(block))
        return answers.quantity(raw, f"{self.address}: eth_estimateGas")

    # -- sending: one try each -----------------------------------------------------------

    def send_raw(self, signed: bytes) -> str:
        """Hand over signed bytes once and return the hash the endpoint gives. Never tried again here."""
        return self._send("eth_sendRawTransaction", "0x" + signed.hex())

    def send_unlocked(self, call: Call, sender: str, **fields: int) -> str:
        """Let a local chain send for an account it holds or impersonates; ``fields`` such as ``gas`` and ``nonce``."""
        return self._send("eth_sendTransaction", answers.transaction(call, sender, **fields))

    def _send(self, method: str, *params: Any) -> str:
        self.check_chain()
        try:
            return answers.hash32(self._single(method, params), f"{self.address}: {method}")
        except TransientRpcError as error:
            raise RpcError(f"{error}; the transaction may or may not have been accepted") from None
