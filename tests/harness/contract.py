"""A deployed artefact with its codec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tidemill.chain.abi import Abi, create_data
from tidemill.chain.artefacts import artefact

from .evm import Evm


@cache
def abi_of(name: str) -> Abi:
    """Return the codec of an artefact, built once per process."""
    return Abi(artefact(name).abi)


class Contract:
    """An address that speaks an ABI. One output comes back bare, several as a tuple."""

    def __init__(self, evm: Evm, address: str, abi: Abi) -> None:
        self.evm, self.address, self.abi = evm, address, abi
        evm.learn(abi.errors)

    def send(self, sender: str, function: str, *args: Any, value: int = 0) -> Any:
        """Transact as ``sender``; raises ``Revert``."""
        codec = self.abi.functions[function]
        return _bare(codec.decode(self.evm.call(sender, self.address, codec.encode(*args), value)))

    def view(self, function: str, *args: Any) -> Any:
        """Ask; raises ``Revert``."""
        codec = self.abi.functions[function]
        return _bare(codec.decode(self.evm.view(self.address, codec.encode(*args))))

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Decode this contract's events of the last transaction, in order."""
        known = self.abi.events
        return [
            (known[topics[0]].name, known[topics[0]].decode(topics, data))
            for address, topics, data in self.evm.logs
            if address == self.address and topics and topics[0] in known
        ]


def deploy(evm: Evm, sender: str, name: str, *args: Any, libraries: Mapping[str, str] | None = None) -> Contract:
    """Deploy an artefact by name with its constructor arguments, linked with ``libraries`` (address by name)."""
    abi, made = abi_of(name), artefact(name)
    code = made.linked(libraries or {})
    return Contract(evm, evm.create(sender, create_data(abi, code, *args)), abi)


def _bare(values: tuple[Any, ...]) -> Any:
    if not values:
        return None
    return values[0] if len(values) == 1 else values
