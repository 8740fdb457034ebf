"""ABIs written as people write them, so that no fetched package is needed to read a log or make a call.

::

    function swap(address recipient, bool zeroForOne) returns (int256 amount0, int256 amount1)
    function mint((address token0, uint24 fee) params) payable returns (uint256 tokenId)
    event Swap(address indexed sender, int256 amount0)
    error Refused(uint256 code)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tidemill.chain.abi import Abi
from tidemill.errors import BadInput

__all__ = ["abi_of_text"]

_TUPLE = re.compile(r"\((?P<parts>.*)\)(?P<array>(?:\[\d*\])*)\s*(?P<name>\w*)$")


def abi_of_text(lines: Iterable[str]) -> Abi:
    """Return the codec of contracts described line by line; empty lines are skipped. Raises ``BadInput``.

    >>> token = abi_of_text(["function transfer(address to, uint256 amount) returns (bool)"])
    >>> token.encode("transfer", "0x" + "11" * 20, 7)[:4].hex()
    'a9059cbb'
    """
    return Abi([_entry(line.strip()) for line in lines if line.strip()])


def _entry(line: str) -> dict[str, Any]:
    start = line.find("(")
    head = line[:start].split()
    if start < 0 or len(head) != 2 or head[0] not in ("function", "event", "error"):
        raise BadInput(f"ABI line {line!r}: expected `function|event|error name(…)`")
    end = _closing(line, start)
    entry: dict[str, Any] = {"type": head[0], "name": head[1], "inputs": _parameters(line[start + 1 : end])}
    if head[0] == "event":
        entry["anonymous"] = False
    if head[0] == "function":
        rest = line[end + 1 :]
        words, _, outputs = rest.partition("returns")
        entry["outputs"] = _parameters(outputs.strip()[1:-1]) if outputs else []
        known = [w for w in words.split() if w in ("view", "pure", "payable", "nonpayable")]
        entry["stateMutability"] = known[0] if known else "nonpayable"
    return entry


def _closing(text: str, start: int) -> int:
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise BadInput(f"ABI line {text!r}: a bracket is not closed")


def _parameters(text: str) -> list[dict[str, Any]]:
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [_parameter(part.strip()) for part in [*parts, text[start:]] if part.strip()]


def _parameter(text: str) -> dict[str, Any]:
    if found := _TUPLE.fullmatch(text):
        kind, parts = f"tuple{found['array']}", _parameters(found["parts"])
        return {"type": kind, "name": found["name"], "components": parts, "indexed": False}
    words = text.split()
    indexed = "indexed" in words[1:]
    names = [w for w in words[1:] if w != "indexed"]
    return {"type": words[0], "name": names[0] if names else "", "indexed": indexed}
