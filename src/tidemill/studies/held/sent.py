"""Own transactions that left no log at a venue and cost something all the same: failed ones, and allowances.

No log leads to them. An account's nonce does: it counts what the account sent, so every transaction is found by halving
the blocks between which it grew, however long the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain import answers
from tidemill.chain.abi import selector
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.venues.shared.history import Deed, History, Touch

__all__ = ["MOST", "Sent", "sent_by", "without_logs"]

MOST = 5_000
"""Transactions an account may have sent in the period for each to be looked for: about twenty questions each."""

_CLAIMS = ("claim", "harvest")
_APPROVE = "0x" + selector("approve(address,uint256)").hex()


class Sent(Struct, frozen=True):
    """A transaction as its sender made it: where to, and the first four bytes of its data, then the rest."""

    at: Touch
    to: str
    function: str
    data: str


def sent_by(rpc: Rpc, account: str, first: int, last: int) -> list[Sent] | None:
    """Return what ``account`` sent in blocks ``first + 1`` to ``last``; ``None`` where it is more than ``MOST``."""
    counts = dict(zip((first, last), _counts(rpc, account, (first, last)), strict=True))
    if counts[last] - counts[first] > MOST:
        return None
    open_, blocks = [(first, last)], []
    while open_:
        blocks += [high for low, high in open_ if high - low == 1 and counts[high] > counts[low]]
        wide = [(low, high) for low, high in open_ if high - low > 1 and counts[high] > counts[low]]
        middles = [(low + high) // 2 for low, high in wide]
        counts.update(zip(middles, _counts(rpc, account, middles), strict=True))
        open_ = [part for (low, high), m in zip(wide, middles, strict=True) for part in ((low, m), (m, high))]
    return [one for block in sorted(blocks) for one in _in_block(rpc, account, block)]


def without_logs(
    sent: Sequence[Sent], seen: Mapping[str, Sequence[Deed]], failed: Callable[[str], bool], readers: Sequence[History]
) -> dict[str, Deed]:
    """Return a deed for each failed transaction and each allowance that belongs to the venues, by transaction.

    A failed one belongs to a venue when it went to a contract of the venue, or where another went that did something there
    by the same function; an allowance when it is for such a contract. ``seen`` : deeds by transaction. ``failed`` : by hash.
    """
    firsts = {deed.venue: deed.position for deeds in seen.values() for deed in reversed(deeds) if deed.position}
    own = {address: reader.venue for reader in readers for address in reader.contracts if reader.venue in firsts}
    routes = {(one.to, one.function): seen[one.at.tx][0] for one in sent if seen.get(one.at.tx)}
    spenders = {to: deed.venue for (to, _), deed in routes.items()} | own
    tokens = {asset.address for reader in readers for asset in reader.assets()}
    out = {}
    for one in sent:
        if one.at.tx in seen:
            continue
        route = routes.get((one.to, one.function))
        venue = route.venue if route else own.get(one.to, "")
        spender = "0x" + one.data[24:64]
        if failed(one.at.tx):
            if venue:
                out[one.at.tx] = Deed(venue, firsts[venue], "failed", route.verb if route else "failed")
        elif one.function == _APPROVE and one.to in tokens and spender in spenders:
            venue = spenders[spender]
            out[one.at.tx] = Deed(venue, firsts[venue], "own", "approve")
        elif route and one.to in own and route.verb in _CLAIMS:
            out[one.at.tx] = Deed(venue, firsts[venue], "own", route.verb)  # there was nothing to be paid
    return out


def _counts(rpc: Rpc, account: str, blocks: Sequence[int]) -> list[int]:
    raw = rpc.batch([("eth_getTransactionCount", [account, answers.block_param(block)]) for block in blocks])
    return [answers.quantity(_whole(one), f"{rpc.address}: eth_getTransactionCount") for one in raw]


def _in_block(rpc: Rpc, account: str, block: int) -> list[Sent]:
    raw = rpc.raw_block(block, full=True)
    return [_sent(block, one) for one in raw.get("transactions", ()) if str(one.get("from", "")).lower() == account]


def _sent(block: int, raw: Mapping[str, Any]) -> Sent:
    data = str(raw.get("input", "0x")).lower()
    index = answers.quantity(raw.get("transactionIndex"), "transactionIndex")
    touch = Touch(block, index, str(raw["hash"]).lower())
    return Sent(touch, str(raw.get("to") or "").lower(), data[:10], data[10:])


def _whole(answer: Any) -> Any:
    if isinstance(answer, RpcRejected):
        raise answer
    return answer
