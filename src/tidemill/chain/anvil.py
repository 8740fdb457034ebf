"""A local chain: anvil as a child process on loopback, controlled over its socket.

It never outlives us: it ends with the context manager, at interpreter exit, and (through a watchdog that holds the
other end of a pipe) when we are killed.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import shutil
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from tidemill.chain import answers
from tidemill.chain.abi import FunctionCodec, decode_revert
from tidemill.chain.artefacts import anvil_path
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.chain.types import BlockRef, Call, Receipt
from tidemill.errors import RpcError

__all__ = ["Anvil", "AnvilOptions"]

_LISTENING = re.compile(r"Listening on (127\.0\.0\.1:\d+)")
_START_S = 20.0
_STOP_S = 5.0
_TX_GAS = 10_000_000
_EARLY_S = 3_600
_LOOK_S = 0.01


class AnvilOptions(Struct, frozen=True):
    """How the chain starts. Defaults: chain id 31337, mines only when told, base fee 0, time 2023-11-14 22:13:20 UTC.

    ``seconds_per_block`` is how much later each block is than the one before, unless told otherwise (no wall clock);
    ``block_time`` mines every so many seconds (live-like); ``automine`` mines each transaction at once. ``network`` is
    ``optimism`` for an OP-stack chain (then hardforks have their own names). ``base_fee`` in wei. ``steps`` keeps every
    step of every transaction for traces.
    """

    chain_id: int = 31337
    automine: bool = False
    block_time: float | None = None
    timestamp: int = 1_700_000_000
    seconds_per_block: int = 2
    base_fee: int = 0
    gas_limit: int = 3_000_000_000
    hardfork: str | None = None
    network: str | None = None
    fork_url: str | None = None
    fork_block: int | None = None
    steps: bool = False

    def arguments(self) -> list[str]:
        """Return the command line, without address and socket."""
        out = ["--chain-id", str(self.chain_id), "--timestamp", str(self.timestamp), "--order", "fifo"]
        out += ["--block-base-fee-per-gas", str(self.base_fee), "--gas-limit", str(self.gas_limit)]
        out += ["--auto-impersonate", "--accounts", "1", "--color", "never", "--no-request-size-limit"]
        if self.block_time is not None:
            out += ["--block-time", str(self.block_time)]
        elif not self.automine:
            out += ["--no-mining"]
        out += ["--steps-tracing"] if self.steps else []
        for flag, value in (("--hardfork", self.hardfork), ("--network", self.network), ("--fork-url", self.fork_url)):
            out += [flag, value] if value else []
        if self.fork_url:
            # What it fetched would stay under the home folder by chain id and block number, and serve another local chain.
            out += ["--no-storage-caching"]
        return out + (["--fork-block-number", str(self.fork_block)] if self.fork_block is not None else [])


class Anvil:
    """A running local chain. ``rpc`` is its connection, ``http`` its address on loopback, ``socket`` its local socket.

    Any account may send (impersonation is on); nothing needs a key. ``errors`` are custom errors to recognise in reverts
    (``Abi.errors``), beside revert strings and panics. Use as a context manager, or call ``stop``.
    Raises ``MissingArtefact`` when no anvil is at hand, ``RpcError`` with its own last words when it does not start.
    """

    def __init__(self, options: AnvilOptions | None = None, *, timeout_s: float = 60.0) -> None:
        self.options = options or AnvilOptions()
        self.errors: dict[bytes, FunctionCodec] = {}
        anvil_path()  # asked before anything is made
        self._folder = Path(tempfile.mkdtemp(prefix="tidemill-"))
        self.socket = str(self._folder / "anvil.ipc")
        self._output = self._folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._finish: Callable[..., object] = _noop
        self.rpc: Rpc
        try:
            self._launch()
            self.rpc = Rpc.connect(self.socket, chain_id=self.options.chain_id, timeout_s=timeout_s, attempts=1)
            if self.options.block_time is None:
                self.rpc.request("anvil_setBlockTimestampInterval", self.options.seconds_per_block)
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        with self._output.open("wb") as output:
            process = subprocess.Popen(
                [
                    str(anvil_path()),
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "0",
                    "--ipc",
                    self.socket,
                    "--cache-path",  # old states go to disk: here, where they end with the chain
                    str(self._folder / "states"),
                    *self.options.arguments(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C is for us to handle; we then stop it in order
            )
        watchdog = _watch(process.pid, self._folder)
        # From here on the process ends with us, whatever happens.
        self._process, self._watchdog = process, watchdog
        self._finish = weakref.finalize(self, _end, process, watchdog, self._folder)
        atexit.register(self._finish)
        self.http = self._wait_listening()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id, ``None`` once stopped."""
        return self._process.pid if self._process is not None else None

    def stop(self) -> None:
        """End the process and remove its files; harmless when repeated."""
        if hasattr(self, "rpc"):
            self.rpc.close()
        self._finish()
        atexit.unregister(self._finish)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._process = None

    def mine_every(self, interval_s: float, *, seconds_per_block: int) -> None:
        """Go on as a chain that mines by itself, a block every ``interval_s`` of real time, with the state as it is now.

        Each block is ``seconds_per_block`` later than the one before, the next one than the last block now. Anvil takes
        whole seconds once it runs, so the process is started anew at the same socket; ``rpc`` goes on, history is gone.
        """
        state, head = self.rpc.request("anvil_dumpState"), self.rpc.block()
        self.rpc.close()
        self._finish.detach()  # type: ignore[attr-defined]
        atexit.unregister(self._finish)
        assert self._process is not None
        assert self._watchdog is not None
        _end(self._process, self._watchdog, None)
        Path(self.socket).unlink(missing_ok=True)
        early = head.timestamp - _EARLY_S  # its clock runs until told otherwise, and must not pass the state's
        self.options = msgspec.structs.replace(self.options, block_time=interval_s, timestamp=early)
        try:
            self._launch()
            self.rpc.request("anvil_setBlockTimestampInterval", 0)
            self._load(state, head.timestamp)
            self.rpc.request("anvil_setBlockTimestampInterval", seconds_per_block)
        except BaseException:
            self.stop()
            raise

    def _load(self, state: str, time_s: int) -> None:
        if self.rpc.request("anvil_loadState", state) is not True:
            raise RpcError("anvil did not take back its own state")
        self.rpc.request("evm_setNextBlockTimestamp", time_s)
        while self.rpc.block().timestamp < time_s:
            time.sleep(_LOOK_S)

    def stop_mining(self) -> None:
        """Let a chain that mines by itself mine no more; what is not included by then waits for ever."""
        self.rpc.request("evm_setIntervalMining", 0)

    def _wait_listening(self) -> str:
        process = self._process
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and process is not None:
            text = self._output.read_text(errors="replace")
            # The socket is made before the line is printed, but only just: ask for both.
            if (found := _LISTENING.search(text)) and Path(self.socket).exists():
                return f"http://{found[1]}"
            if process.poll() is not None:
                last = next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
                raise RpcError(f"anvil ended at once with code {process.returncode}: {last.strip()[:200]}")
            time.sleep(0.01)
        raise RpcError(f"anvil was not ready within {_START_S:g} s")

    # -- state ---------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Remember everything; the id works once."""
        return str(self.rpc.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot; raises ``RpcError`` when it is unknown or used."""
        if self.rpc.request("evm_revert", snapshot) is not True:
            raise RpcError(f"anvil has no snapshot {snapshot}; a snapshot works once")

    def set_balance(self, who: str, wei: int) -> None:
        """Set native wei."""
        self.rpc.request("anvil_setBalance", who, hex(wei))

    def set_storage(self, who: str, slot: int, value: int) -> None:
        """Set a storage word."""
        self.rpc.request("anvil_setStorageAt", who, f"0x{slot:064x}", f"0x{value:064x}")

    def set_code(self, who: str, code: bytes) -> None:
        """Put a contract (its deployed code) at an address."""
        self.rpc.request("anvil_setCode", who, "0x" + code.hex())

    def set_nonce(self, who: str, nonce: int) -> None:
        """Set an account's nonce."""
        self.rpc.request("anvil_setNonce", who, hex(nonce))

    # -- blocks --------------------------------------------------------------------------

    def set_next_timestamp(self, time_s: int) -> None:
        """Fix the next block's time in seconds; it must be later than the last block's."""
        self.rpc.request("evm_setNextBlockTimestamp", time_s)

    def set_base_fee(self, wei: int) -> None:
        """Fix the next block's base fee; anvil derives later ones from it, so set it before each block you care for."""
        self.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def mine(
        self,
        transactions: Sequence[tuple[str, Call]] = (),
        *,
        time_s: int | None = None,
        base_fee: int | None = None,
        gas: int = _TX_GAS,
    ) -> tuple[BlockRef, list[Receipt]]:
        """Mine one block of exactly these transactions (sender, call), in this order, and return it with receipts.

        ``gas`` is each transaction's limit: given, because estimating against the last block would miss what earlier
        transactions of the same block change. The price paid is the base fee, by default the options' own. Receipts of
        failed transactions carry the contract's own reason. Raises ``RpcError`` when the block came out otherwise (a
        transaction refused, or one left over from before).
        """
        if self.options.automine or self.options.block_time is not None:
            raise RpcError("this chain mines by itself; start it with automine=False to fill blocks by hand")
        # A base fee once set drifts into later blocks, so it is set for every block.
        price = self.options.base_fee if base_fee is None else base_fee
        self.set_base_fee(price)
        if time_s is not None:
            self.set_next_timestamp(time_s)
        hashes = [
            self.rpc.send_unlocked(call, sender, gas=gas, maxFeePerGas=2 * price, maxPriorityFeePerGas=0)
            for sender, call in transactions
        ]
        self.rpc.request("evm_mine")
        raw = self.rpc.raw_block()
        if list(raw["transactions"]) != hashes:
            raise RpcError(f"anvil mined {len(raw['transactions'])} transactions, not the {len(hashes)} given in order")
        receipts = [r for r in self.rpc.receipts(hashes) if r is not None]
        if len(receipts) != len(hashes):
            raise RpcError("anvil mined transactions but has no receipts for them")
        return answers.block_ref(raw, "anvil: mined block"), self.explained(receipts)

    def explained(self, receipts: list[Receipt]) -> list[Receipt]:
        """Fill in why transactions failed, which no receipt says: the trace holds what the contract answered."""
        failed = [r for r in receipts if not r.status]
        config = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
        traces = self.rpc.batch([("debug_traceTransaction", [r.tx_hash, config]) for r in failed])
        reasons = {}
        for receipt, trace in zip(failed, traces, strict=True):
            if isinstance(trace, RpcRejected):
                raise trace
            output = answers.data(trace.get("output") or "0x", "anvil: trace")
            halted = "" if output or trace.get("error") == "execution reverted" else f"halt {trace.get('error')}"
            reasons[receipt.tx_hash] = decode_revert(output, self.errors) or halted
        return [r if r.status else msgspec.structs.replace(r, revert_reason=reasons[r.tx_hash]) for r in receipts]

    def skip(self, blocks: int) -> None:
        """Mine empty blocks; thousands take seconds, so jump with ``time_s`` where the number does not matter."""
        self.rpc.request("anvil_mine", hex(blocks))

    def reorganise(self, depth: int, transactions: Sequence[tuple[Mapping[str, Any], int]] = ()) -> None:
        """Replace the last ``depth`` blocks by empty ones, or by ones with these (raw transaction, block offset)."""
        self.rpc.request("anvil_reorg", depth, [[dict(tx), offset] for tx, offset in transactions])

    def rollback(self, depth: int) -> None:
        """Remove the last ``depth`` blocks."""
        self.rpc.request("anvil_rollback", depth)

    def drop(self, tx_hash: str) -> None:
        """Remove a waiting transaction."""
        self.rpc.request("anvil_dropTransaction", tx_hash)


def _watch(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    # Blocks on a pipe whose other end only we hold; the pipe closes when we die, even by SIGKILL.
    return subprocess.Popen(
        ["sh", "-c", 'read -r _; kill -KILL "$1"; rm -rf -- "$2"', "tidemill-watchdog", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes], watchdog: subprocess.Popen[bytes], folder: Path | None) -> None:
    # The watchdog first: it must not kill by an id that the system may have given to someone else.
    watchdog.kill()
    if watchdog.stdin is not None:
        with contextlib.suppress(OSError):
            watchdog.stdin.close()
    watchdog.wait()
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _noop() -> None:
    """Stand in before there is a process."""
