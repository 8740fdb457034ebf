"""Position tokens that lie at a v3 staker: still the account's, though another owns them by the manager's word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tidemill.venues.shared.client_parts import ask, ask_many
from tidemill.venues.shared.history import LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Standing, topic

__all__ = ["KEPT", "handed_in", "kept_at_first", "kept_logs"]

_MANAGER = """
function balanceOf(address owner) view returns (uint256)
function tokenOfOwnerByIndex(address owner, uint256 index) view returns (uint256)
"""
_KEEPER = """
event DepositTransferred(uint256 indexed tokenId, address indexed oldOwner, address indexed newOwner)
function deposits(uint256 tokenId) view returns (address owner, uint48 numberOfStakes, int24 tickLower, int24 tickUpper)
"""

KEPT = topic(_KEEPER, "DepositTransferred")
"""Token, whose it was, whose it is: from nobody when it is handed in, to nobody when it is taken out."""


def kept_at_first(past: Past, manager: str) -> list[int]:
    """Return the account's tokens that lay at keepers at the end of the first block."""
    mine: list[int] = []
    for keeper in past.keepers:
        if not Standing(past.rpc).at(keeper, past.first) or not Standing(past.rpc).at(manager, past.first):
            continue
        (count,) = ask(past.rpc, manager, _MANAGER, "balanceOf", (keeper,), past.first)
        asked: list[tuple[str, tuple[Any, ...]]] = [("tokenOfOwnerByIndex", (keeper, i)) for i in range(count)]
        numbers = [n for (n,) in ask_many(past.rpc, manager, _MANAGER, asked, past.first)]
        asked = [("deposits", (n,)) for n in numbers]
        whose = ask_many(past.rpc, keeper, _KEEPER, asked, past.first)
        mine += [n for n, (owner, *_) in zip(numbers, whose, strict=True) if owner == past.account]
    return mine


def kept_logs(past: Past) -> list[Mapping[str, Any]]:
    """Return all logs that tell of tokens handed in, passed on or taken out that were the account's, or became its."""
    who = topic_of(past.account)
    topics = ((KEPT, None, who), (KEPT, None, None, who))
    return [log for keeper in past.keepers for one in topics for log in past.logs(LogQuery(keeper, one))]


def handed_in(log: Mapping[str, Any], logs: Sequence[Mapping[str, Any]], keepers: Collection[str]) -> bool:
    """Whether a token's transfer to a keeper (``log``) was understood there, so that it is still the account's."""
    if "0x" + str(log["topics"][2])[-40:].lower() not in keepers:
        return False
    number, tx = log["topics"][3], log["transactionHash"]
    return any(
        one["topics"][0] == KEPT and one["topics"][1] == number and not int(str(one["topics"][2]), 16)
        for one in logs
        if one["transactionHash"] == tx
    )
