"""Contracts onto a local chain, many in one block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_hash.auto import keccak
from msgspec import Struct, field

from tidemill.chain.abi import Abi, create_data
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call
from tidemill.errors import BadInput, RpcError

__all__ = ["AddressOf", "Deployment", "create_address", "deploy", "planned_addresses"]


class AddressOf(Struct, frozen=True):
    """The address of another deployment of the same batch, for use as a constructor argument."""

    name: str


class Deployment(Struct, frozen=True):
    """One contract: a name of its own, the artefact, constructor arguments, and where its libraries stand (by name)."""

    name: str
    artefact: str
    args: tuple[Any, ...] = ()
    libraries: Mapping[str, str | AddressOf] = field(default_factory=dict)


def create_address(sender: str, nonce: int) -> str:
    """Return where ``sender`` creates a contract with its transaction number ``nonce`` (hash of the RLP list of both).

    >>> create_address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 1)
    '0x343c43a37d37dff08ae8c4a11544c718abb4fcf8'
    """
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    encoded = number if len(number) == 1 and number[0] < 0x80 else bytes([0x80 + len(number)]) + number
    body = b"\x94" + bytes.fromhex(sender[2:]) + encoded
    return "0x" + keccak(bytes([0xC0 + len(body)]) + body).hex()[-40:]


def planned_addresses(deployments: Sequence[Deployment], sender: str, nonce: int) -> dict[str, str]:
    """Return each deployment's address when all are sent in order from ``nonce`` on."""
    names = [d.name for d in deployments]
    if len(set(names)) != len(names):
        raise BadInput(f"deployments: a name is used twice among {', '.join(names)}")
    return {name: create_address(sender, nonce + i) for i, name in enumerate(names)}


def deploy(anvil: Anvil, sender: str, deployments: Sequence[Deployment]) -> dict[str, str]:
    """Deploy all in one block and return addresses by name; raises ``RpcError`` naming the one that failed."""
    addresses = planned_addresses(deployments, sender, anvil.rpc.nonce(sender))
    calls = [(sender, Call("", _code(d, addresses), purpose=f"deploy {d.name}")) for d in deployments]
    _block, receipts = anvil.mine(calls)
    for deployment, receipt in zip(deployments, receipts, strict=True):
        if not receipt.status:
            raise RpcError(f"deploying {deployment.name} ({deployment.artefact}) reverted")
    return addresses


def _code(deployment: Deployment, addresses: Mapping[str, str]) -> bytes:
    made = artefact(deployment.artefact)

    def settle(value: Any) -> Any:
        return addresses[value.name] if isinstance(value, AddressOf) else value

    code = made.linked({name: settle(where) for name, where in deployment.libraries.items()})
    return create_data(Abi(made.abi), code, *map(settle, deployment.args))
