"""What endpoints answer, checked: each reader raises one ``RpcError`` line when the value is not what it must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tidemill.chain.types import BlockRef, Call, Receipt
from tidemill.errors import BadInput, RpcError

__all__ = [
    "block_param",
    "block_ref",
    "data",
    "eth_call",
    "hash32",
    "logs",
    "mapping",
    "number_param",
    "quantity",
    "receipt",
    "revert_bytes",
    "shown",
    "transaction",
]

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_TAGS = frozenset({"latest", "safe", "finalized", "earliest", "pending"})


def quantity(raw: Any, what: str) -> int:
    """Read a hex number."""
    if isinstance(raw, str) and _QUANTITY.fullmatch(raw):
        return int(raw, 16)
    raise RpcError(f"{what}: expected a hex number, got {_brief(raw)}")


def data(raw: Any, what: str) -> bytes:
    """Read hex bytes."""
    if isinstance(raw, str) and _DATA.fullmatch(raw):
        return bytes.fromhex(raw[2:])
    raise RpcError(f"{what}: expected hex bytes, got {_brief(raw)}")


def hash32(raw: Any, what: str) -> str:
    """Read a 32-byte hash, lower case."""
    if isinstance(raw, str) and _HASH.fullmatch(raw):
        return raw.lower()
    raise RpcError(f"{what}: expected a 32-byte hash, got {_brief(raw)}")


def mapping(raw: Any, what: str) -> Mapping[str, Any]:
    """Read an object; ``null`` means the endpoint does not know it."""
    if isinstance(raw, dict):
        return raw
    raise RpcError(
        f"{what}: the endpoint has none" if raw is None else f"{what}: expected an object, got {_brief(raw)}"
    )


def block_ref(raw: Mapping[str, Any], what: str) -> BlockRef:
    """Read a header."""
    return BlockRef(
        number=quantity(raw.get("number"), f"{what}: number"),
        hash=hash32(raw.get("hash"), f"{what}: hash"),
        parent_hash=hash32(raw.get("parentHash"), f"{what}: parentHash"),
        timestamp=quantity(raw.get("timestamp"), f"{what}: timestamp"),
        base_fee=quantity(raw.get("baseFeePerGas") or "0x0", f"{what}: baseFeePerGas"),
    )


def logs(raw: Any, what: str) -> list[Mapping[str, Any]]:
    """Read a list of logs; each has an address, up to four topics, data, and its place on the chain."""
    if not isinstance(raw, list):
        raise RpcError(f"{what}: expected a list of logs, got {_brief(raw)}")
    for number, log in enumerate(raw):
        where = f"{what}: log {number}"
        topics = mapping(log, where).get("topics")
        if (
            not isinstance(topics, list)
            or len(topics) > 4
            or not all(isinstance(t, str) and _HASH.fullmatch(t) for t in topics)
        ):
            raise RpcError(f"{where}: topics are not up to four 32-byte hashes")
        if not (isinstance(log.get("address"), str) and _ADDRESS.fullmatch(log["address"])):
            raise RpcError(f"{where}: address is {_brief(log.get('address'))}")
        if not (isinstance(log.get("data"), str) and _DATA.fullmatch(log["data"])):
            raise RpcError(f"{where}: data is {_brief(log.get('data'))}")
        if log.get("removed") is True:
            raise RpcError(f"{where}: marked as removed by a reorganisation; ask again")
        hash32(log.get("blockHash"), f"{where}: blockHash")
        for key in ("blockNumber", "logIndex", "transactionIndex"):
            quantity(log.get(key), f"{where}: {key}")
    return raw


def receipt(raw: Any, what: str) -> Receipt | None:
    """Read a receipt; ``None`` when the chain has none yet."""
    if raw is None:
        return None
    fields = mapping(raw, what)
    gas_used = quantity(fields.get("gasUsed"), f"{what}: gasUsed")
    price = quantity(fields.get("effectiveGasPrice") or "0x0", f"{what}: effectiveGasPrice")
    # Arbitrum counts the transaction's data as gas too and says how much of it that is; taken apart here.
    posted = quantity(fields.get("gasUsedForL1") or "0x0", f"{what}: gasUsedForL1")
    if posted > gas_used:
        raise RpcError(f"{what}: gasUsedForL1 {posted} is more than gasUsed {gas_used}")
    return Receipt(
        tx_hash=hash32(fields.get("transactionHash"), f"{what}: transactionHash"),
        block_number=quantity(fields.get("blockNumber"), f"{what}: blockNumber"),
        block_hash=hash32(fields.get("blockHash"), f"{what}: blockHash"),
        status=quantity(fields.get("status"), f"{what}: status") == 1,
        gas_used=gas_used - posted,
        effective_gas_price=price,
        # Only OP-stack chains state what the transaction's data cost on L1.
        l1_fee=quantity(fields.get("l1Fee") or "0x0", f"{what}: l1Fee") + posted * price,
        logs=tuple(logs(fields.get("logs"), what)),
    )


def revert_bytes(raw: Any) -> bytes | None:
    """Find revert data in an error: endpoints put it in ``data``, or one or two levels deeper."""
    if isinstance(raw, dict):
        for key in ("data", "result", "output"):
            if (found := revert_bytes(raw.get(key))) is not None:
                return found
        return None
    if isinstance(raw, str):
        # Some write "Reverted 0x…".
        text = raw.rsplit(" ", 1)[-1]
        if _DATA.fullmatch(text):
            return bytes.fromhex(text[2:])
    return None


def block_param(block: str | int | BlockRef) -> Any:
    """Write a block as a parameter: tag, hex number, or (for a hash) the object of EIP-1898."""
    if isinstance(block, BlockRef):
        return {"blockHash": block.hash, "requireCanonical": True}
    if isinstance(block, int):
        if block < 0:
            raise BadInput(f"block {block}: numbers start at 0")
        return hex(block)
    if block in _TAGS:
        return block
    if _HASH.fullmatch(block):
        return {"blockHash": block, "requireCanonical": True}
    raise BadInput(f"block {block!r}: expected a number, a 32-byte hash or one of {', '.join(sorted(_TAGS))}")


def number_param(block: str | int | BlockRef) -> str:
    """Write a block as a bound of a range, where only tags and numbers are known."""
    if isinstance(block, BlockRef):
        return hex(block.number)
    param = block_param(block)
    if isinstance(param, dict):
        raise BadInput(f"block {block!r}: a range takes numbers or tags")
    return str(param)


def shown(block: str | int | BlockRef) -> str:
    """Name a block in a message."""
    return f"{block.number} ({block.hash})" if isinstance(block, BlockRef) else str(block)


def transaction(call: Call, sender: str | None = None, **fields: int) -> dict[str, str]:
    """Write an unsigned transaction as a parameter."""
    out = {"data": "0x" + call.data.hex()}
    if call.to:
        out["to"] = call.to
    if sender is not None:
        out["from"] = sender
    if call.value:
        out["value"] = hex(call.value)
    return out | {name: hex(value) for name, value in fields.items()}


def eth_call(
    to: str, data: bytes, block: str | int | BlockRef = "latest", sender: str | None = None, value: int = 0
) -> tuple[str, dict[str, str], Any]:
    """Write an ``eth_call``: method and both parameters."""
    return ("eth_call", transaction(Call(to, data, value), sender), block_param(block))


def _brief(raw: Any) -> str:
    text = "null" if raw is None else repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}…"
