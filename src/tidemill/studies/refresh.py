"""What an endpoint says of a network's fee levels today, beside what the facts have; nothing is sent, nothing assumed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from tidemill import networks
from tidemill.chain.abi_text import abi_of_text
from tidemill.chain.answers import quantity
from tidemill.chain.rpc import Rpc
from tidemill.chain.types import BlockRef
from tidemill.errors import BadInput, RpcError
from tidemill.facts import Confidence, Fact, Facts, Status, load_facts
from tidemill.facts.write import facts_toml
from tidemill.files import write_whole
from tidemill.networks import Network
from tidemill.studies.network_facts import ABSURD, check_levels, levels_about

__all__ = ["Change", "Refreshed", "refresh"]

L1_BLOCK = "0x4200000000000000000000000000000000000015"
"""Where OP chains keep what they know of Ethereum (OP Stack specification, predeploys)."""
ARB_GAS_INFO = "0x000000000000000000000000000000000000006c"
"""Where Arbitrum chains answer for their prices (Arbitrum documentation, precompiles)."""

_ARB = {
    "getL1BaseFeeEstimate": ("price_per_unit", "wei"),
    "getMinimumGasPrice": ("min_base_fee", "wei"),
}
_UNITS = {
    "base_fee": "wei",
    "l1_base_fee": "wei",
    "blob_base_fee": "wei",
    "base_fee_scalar": "1e-6",
    "blob_base_fee_scalar": "1e-6",
    "operator_fee_scalar": "1e-6",
    "operator_fee_constant": "wei",
}
Answers = dict[str, tuple[int, str]]


class Change(Struct, frozen=True):
    """A level before and now; ``old`` is ``None`` where nothing was known, ``was`` says where it is from."""

    name: str
    unit: str
    old: int | None
    new: int
    was: str


class Refreshed(Struct, frozen=True):
    """What an endpoint said at a block; ``unanswered`` are questions that it did not answer, in words."""

    network: str
    block: int
    as_of: dt.date
    changes: tuple[Change, ...]
    unanswered: tuple[str, ...]
    facts: Facts

    def write(self, path: Path) -> None:
        """Write the levels as a file of facts, whole or not at all; raises ``BadInput`` where it cannot be."""
        try:
            write_whole({path: facts_toml(self.facts).encode()})
        except OSError as error:
            raise BadInput(f"cannot be written ({error.strerror})", file=str(path)) from None


def refresh(name: str, endpoint: str, file: Path | None = None) -> Refreshed:
    """Ask an endpoint for what a network's fees need; it must be on the network's chain.

    Parameters
    ----------
    file : levels kept before, compared with first where it is there; its other facts stay.

    Raises
    ------
    UnknownName : no such network. RpcError : an endpoint that fails, lies, or is on another chain.
    BadInput : ``file`` is there and holds no levels of this network, or no endpoint can be on it.
    """
    network = networks.get(name)
    if not network.chain_id:
        raise BadInput(
            f"{name} has no EIP-155 chain id that an endpoint could show; nothing was asked", field="network"
        )
    kept = _kept(file, name)
    with Rpc.connect(endpoint, chain_id=network.chain_id, attempts=2) as rpc:
        block = rpc.block()
        day = _day(rpc, network, block)
        found, unanswered = _ask(rpc, network, block)
        source = f"{rpc.address} at block {block.number}"
    now = {
        level: Fact(value, day, source, Confidence.MEASURED, Status.LIVE, unit)
        for level, (value, unit) in found.items()
    }
    changes = tuple(_change(level, fact, kept, network, block.timestamp) for level, fact in now.items())
    facts = Facts(file=str(file or ""), about=levels_about(name), facts={**kept, **now}, timelines={})
    return Refreshed(name, block.number, day, changes, tuple(unanswered), facts)


def _day(rpc: Rpc, network: Network, block: BlockRef) -> dt.date:
    """Return a block's day; raises ``RpcError`` for one that no block of the network can have."""
    try:
        day = dt.datetime.fromtimestamp(block.timestamp, dt.UTC).date()
    except (OverflowError, OSError, ValueError):
        day = None
    if day is None or block.timestamp < network.begins:
        raise RpcError(
            f"{rpc.address}: block {block.number} is of second {block.timestamp}, which {network.name} never had"
        )
    return day


def _kept(file: Path | None, name: str) -> Mapping[str, Fact]:
    if file is None or not file.exists():
        return {}
    return check_levels(load_facts(file), name).facts


def _change(level: str, now: Fact, kept: Mapping[str, Fact], network: Network, time: int) -> Change:
    before = kept.get(level) or _in_force(network, level, time)
    old = before.value if before is not None and isinstance(before.value, int) else None
    was = f"{before.as_of}, {before.source}" if before is not None else "nothing known"
    return Change(level, now.unit, old, int(now.value), was)


def _in_force(network: Network, level: str, time: int) -> Fact | None:
    line = network.facts.timelines.get(level)
    return line.fact_at(time) if line is not None and time >= line.entries[0].since else None


def _ask(rpc: Rpc, network: Network, block: BlockRef) -> tuple[Answers, list[str]]:
    """Return what the endpoint answers for, and what it does not."""
    found: Answers = {}
    unanswered: list[str] = []
    questions: list[tuple[str, Callable[[], Answers]]] = [("base fee", lambda: _base_fee(rpc, block))]
    if network.family == "op_stack" or "base_fee_scalar" in network.facts.timelines:  # a chain with OP's scalars
        questions.append(("L1Block", lambda: _l1_block(rpc, block)))
    if network.family == "ethereum":
        questions.append(("blob base fee", lambda: _blob_fee(rpc)))
    if network.family.startswith("arbitrum"):
        questions += [(f"ArbGasInfo.{call}", lambda call=call: _arbitrum(rpc, block, call)) for call in _ARB]  # type: ignore[misc]
    for what, ask in questions:
        try:
            found |= _believed(rpc, ask())
        except RpcError as error:
            if what == "base fee":
                raise
            unanswered.append(f"{what}: {error}")
    return found, unanswered


def _believed(rpc: Rpc, answer: Answers) -> Answers:
    """Refuse what no fee level can be; raises ``RpcError``."""
    for name, (value, _) in answer.items():
        if value >= ABSURD:
            raise RpcError(f"{rpc.address}: {name} is absurdly large ({len(str(value))} digits)")
    return answer


def _base_fee(rpc: Rpc, block: BlockRef) -> Answers:
    raw = rpc.raw_block(block.number).get("baseFeePerGas")
    if raw is None:
        raise RpcError(f"{rpc.address}: block {block.number} has no base fee")
    return {"base_fee": (block.base_fee, "wei")}


def _l1_block(rpc: Rpc, block: BlockRef) -> Answers:
    """Read the words that nodes themselves price by (OP Stack specification, L1 attributes)."""
    if not rpc.code(L1_BLOCK, block=block.number):
        raise RpcError(f"{rpc.address}: no contract stands at {L1_BLOCK}")
    base, scalars, blob, operator = (rpc.storage(L1_BLOCK, slot, block=block.number) for slot in (1, 3, 7, 8))
    if base == 0:
        raise RpcError(f"{rpc.address}: L1Block has never been told of Ethereum")
    values = {
        "l1_base_fee": base,
        "blob_base_fee": blob,
        "base_fee_scalar": scalars >> 96 & 0xFFFFFFFF,
        "blob_base_fee_scalar": scalars >> 64 & 0xFFFFFFFF,
        "operator_fee_scalar": operator >> 64 & 0xFFFFFFFF,
        "operator_fee_constant": operator & 0xFFFFFFFFFFFFFFFF,
    }
    return {name: (value, _UNITS[name]) for name, value in values.items()}


def _blob_fee(rpc: Rpc) -> Answers:
    """Read the blob base fee of the next block: by its own question, or as the last of the fee history."""
    try:
        raw = rpc.request("eth_blobBaseFee")
    except RpcError:
        history = rpc.request("eth_feeHistory", "0x1", "latest", [])
        fees = history.get("baseFeePerBlobGas") if isinstance(history, dict) else None
        if not isinstance(fees, list) or not fees:
            raise RpcError(f"{rpc.address}: knows no blob base fee") from None
        raw = fees[-1]
    return {"blob_base_fee": (quantity(raw, f"{rpc.address}: blob base fee"), "wei")}


def _arbitrum(rpc: Rpc, block: BlockRef, call: str) -> Answers:
    name, unit = _ARB[call]
    abi = abi_of_text([f"function {call}() view returns (uint256)"])
    answer = rpc.call(ARB_GAS_INFO, abi.encode(call), block=block.number)
    if len(answer) != 32:
        raise RpcError(f"{rpc.address}: {len(answer)} bytes from {call}")
    return {name: (int.from_bytes(answer, "big"), unit)}
