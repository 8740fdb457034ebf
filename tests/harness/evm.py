"""One chain in memory (pyrevm), made to behave as transactions do."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyrevm

from tidemill.chain.abi import FunctionCodec, decode_revert
from tidemill.interfaces import Block, Revert

_REVERT = re.compile(r"Revert \{ gas_used: (\d+), output: 0x([0-9a-f]*) \}")
_HALT = re.compile(r"Halt \{ reason: (\w+)")
_GAS_LIMIT = 1 << 62  # pyrevm is not used for gas figures: it under-reports warm calls


class Evm:
    """Calls, storage and block control.

    State persists between calls; transient storage is cleared after each, as at the end of a transaction. Number and
    time stand still until ``at`` or ``advance`` moves them.
    """

    def __init__(self, *, number: int = 1, time: int = 1_700_000_000) -> None:
        self._evm = pyrevm.EVM()
        self.errors: dict[bytes, FunctionCodec] = {}
        self.calls = 0
        self.at(number, time)

    # -- block ---------------------------------------------------------------------------------------------------

    def at(self, number: int, time: int) -> None:
        """Set block number and time (seconds)."""
        self.block = Block(time=time, number=number)
        self._evm.set_block_env(pyrevm.BlockEnv(number=number, timestamp=time, basefee=0, gas_limit=_GAS_LIMIT))

    def advance(self, seconds: int = 12, blocks: int = 1) -> None:
        """Move on."""
        self.at(self.block.number + blocks, self.block.time + seconds)

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, sender: str, to: str, data: bytes, value: int = 0) -> bytes:
        """Send a transaction; raises ``Revert`` with the contract's own reason, state then unchanged."""
        self.calls += 1
        try:
            out = self._evm.message_call(sender, to, calldata=data, value=value)
        except RuntimeError as error:
            raise self._typed(error) from None
        finally:
            self._evm.reset_transient_storage()
        return bytes(out)

    def view(self, to: str, data: bytes, sender: str = "0x" + "00" * 20) -> bytes:
        """Answer a call without letting it change anything."""
        try:
            out = self._evm.message_call(sender, to, calldata=data, is_static=True)
        except RuntimeError as error:
            raise self._typed(error) from None
        finally:
            self._evm.reset_transient_storage()
        return bytes(out)

    def create(self, sender: str, code: bytes, value: int = 0) -> str:
        """Deploy and return the lower-case address; raises ``Revert``."""
        try:
            return str(self._evm.deploy(sender, code, value=value)).lower()
        except RuntimeError as error:
            raise self._typed(error) from None

    @property
    def logs(self) -> list[tuple[str, list[str], bytes]]:
        """Logs of the last call: (address, topics, data)."""
        result = self._evm.result
        if result is None:
            return []
        return [
            (log.address.lower(), ["0x" + t.removeprefix("0x") for t in log.topics], bytes(log.data[1]))
            for log in result.logs
        ]

    def _typed(self, error: RuntimeError) -> Revert:
        text = str(error)
        if found := _REVERT.search(text):
            return Revert(decode_revert(bytes.fromhex(found[2]), self.errors))
        if found := _HALT.search(text):
            # e.g. an assert of old Solidity: "halt InvalidFEOpcode"
            return Revert(f"halt {found[1]}")
        raise error

    # -- state ---------------------------------------------------------------------------------------------------

    def learn(self, errors: Mapping[bytes, FunctionCodec]) -> None:
        """Recognise these custom errors in reverts."""
        self.errors.update(errors)

    def storage(self, address: str, slot: int) -> int:
        """Return a storage word, 0.5 µs."""
        return int(self._evm.storage(address, slot))

    def set_storage(self, address: str, slot: int, value: int) -> None:
        """Overwrite a storage word of an account the chain has seen."""
        self._evm.insert_account_storage(address, slot, value)

    def balance(self, address: str) -> int:
        """Return native wei."""
        return int(self._evm.get_balance(address))

    def fund(self, address: str, wei: int) -> None:
        """Set native wei."""
        self._evm.set_balance(address, wei)

    def snapshot(self) -> object:
        """Remember everything, block included; give it to ``restore``."""
        return self._evm.snapshot(), self.block

    def restore(self, snapshot: object) -> None:
        """Go back; snapshots taken after this one are gone."""
        checkpoint, block = snapshot  # type: ignore[misc]
        self._evm.revert(checkpoint)
        self.at(block.number, block.time)
