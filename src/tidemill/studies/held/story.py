"""What was really held and done: the story of an account, read back from where it happened.

Readers of each family (``venues.shared.history``) say what was held at a block and what a transaction did; here their
answers are put in order. ``books`` makes record and marks of a story, which is all that the ledger reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from tidemill.chain import answers
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.errors import RpcError
from tidemill.interfaces import Block, Costs, Rate
from tidemill.studies.held.checks import check_complete, settled, suffered
from tidemill.studies.held.sent import MOST, sent_by, without_logs
from tidemill.venues.shared.history import Deed, History, Holding, Touch, Transaction

__all__ = ["Act", "Happening", "Snapshot", "Story", "merged", "read_story"]


class Snapshot(Struct, frozen=True):
    """What is held at the end of a block, over all venues."""

    at: Block
    holding: Holding


class Act(Struct, frozen=True):
    """One transaction: what it did, and what it cost the account (``None``: not known)."""

    tx: str
    deeds: tuple[Deed, ...]
    costs: Costs | None


class Happening(Struct, frozen=True):
    """All transactions of one block. ``before`` is the state ahead of it (``parent``: the end of the block before, so that
    what others did in the block shows only ``after``). ``settled`` : venues whose part of it is exact all the same.
    """

    at: Block
    before: Holding
    acts: tuple[Act, ...]
    after: Holding
    parent: bool = True
    settled: frozenset[str] = frozenset()


class Story(Struct, frozen=True):
    """From ``start`` to ``end``: what happened, and snapshots in between (for curves), in order of time.

    ``notes`` are what its reader must know.
    """

    network: str
    native: str
    start: Snapshot
    events: tuple[Happening | Snapshot, ...]
    end: Snapshot
    notes: tuple[str, ...] = ()

    def holdings(self) -> Iterator[Holding]:
        """Yield every state told, in order."""
        yield self.start.holding
        for event in self.events:
            yield from (event.before, event.after) if isinstance(event, Happening) else (event.holding,)
        yield self.end.holding


def merged(holdings: Sequence[Holding]) -> Holding:
    """Join what is held at several venues at one moment."""
    shares: dict[str, int] = {}
    rates: dict[str, Rate] = {}
    for one in holdings:
        shares.update(one.shares)
        rates.update(one.rates)
    positions = tuple(position for one in holdings for position in one.positions)
    return Holding(positions, shares, rates, tuple(quote for one in holdings for quote in one.quotes))


def read_story(
    rpc: Rpc,
    readers: Sequence[History],
    *,
    network: str,
    native: str,
    account: str,
    first: int,
    last: int,
    samples: int = 0,
    tell: Callable[[str], None],
) -> Story:
    """Read the chain: state at the end of ``first``, each own transaction up to ``last``, and state then.

    ``samples`` more snapshots are taken at even distances. Network fees are the account's where it sent the transaction
    itself; without an account, those of whoever did.
    """
    reading = _Reading(rpc, readers, account)
    reading.find(first, last, tell)
    blocks = reading.blocks
    wanted = {first + (last - first) * k // (samples + 1) for k in range(1, samples + 1)} - blocks.keys() - {first}
    events: list[Happening | Snapshot] = []
    for number, block in enumerate(sorted(blocks.keys() | wanted), 1):
        tell(f"reading block {block:,} ({number} of {len(blocks) + len(wanted)}) …")
        if block not in blocks:
            events.append(reading.snapshot(block))
        elif any(act.deeds for act in blocks[block]):
            events.append(reading.happening(block))
    return Story(network, native, reading.snapshot(first), tuple(events), reading.snapshot(last), tuple(reading.notes))


class _Reading:
    """A chain being read: each state once, by venue."""

    def __init__(self, rpc: Rpc, readers: Sequence[History], account: str) -> None:
        self.rpc, self.readers, self.account = rpc, readers, account
        self.blocks: dict[int, list[Act]] = {}
        self.notes: list[str] = []
        self._told: dict[tuple[str, int], Holding] = {}

    def find(self, first: int, last: int, tell: Callable[[str], None]) -> None:
        """Find all transactions: those whose logs touch what is held, and what else the account paid fees for."""
        found = _transactions(self.rpc, sorted({touch for reader in self.readers for touch in reader.touches()}))
        deeds = {tx.at.tx: tuple(deed for reader in self.readers for deed in reader.deeds(tx)) for tx in found}
        if self.account:
            tell("looking for failed transactions and allowances …")
            more = self._silent(first, last, deeds)
            found = sorted([*found, *more], key=lambda tx: tx.at)
        for tx in found:
            self.blocks.setdefault(tx.at.block, []).append(_act(tx, deeds[tx.at.tx], self.account))

    def _silent(self, first: int, last: int, deeds: dict[str, tuple[Deed, ...]]) -> list[Transaction]:
        sent = sent_by(self.rpc, self.account, first, last)
        if sent is None:
            self.notes.append(
                f"the account sent more than {MOST:,} transactions: fees of failed ones and of allowances are not counted"
            )
            return []
        rest = _transactions(self.rpc, [one.at for one in sent if one.at.tx not in deeds])
        failed = {tx.at.tx for tx in rest if not tx.receipt.status}
        silent = without_logs(sent, deeds, failed.__contains__, self.readers)
        deeds.update({tx: (deed,) for tx, deed in silent.items()})
        return [tx for tx in rest if tx.at.tx in silent]

    def snapshot(self, block: int) -> Snapshot:
        """Return everything held at the end of a block."""
        return Snapshot(self._at(block), merged([self._held(reader, block) for reader in self.readers]))

    def happening(self, block: int) -> Happening:
        """Return a block in which something was done; raises ``BadData`` where logs do not come to what is held."""
        before, after = (merged([self._held(reader, b) for reader in self.readers]) for b in (block - 1, block))
        issuers = {token: rate.venue for one in (before, after) for token, rate in one.rates.items()}
        acts = tuple(structs.replace(act, deeds=settled(act.deeds, issuers)) for act in self.blocks[block])
        deeds = [deed for act in acts for deed in act.deeds]
        check_complete(before, deeds, after, block)
        touched = {deed.venue for deed in deeds}
        ahead = {reader.venue: reader.ahead(block) if reader.venue in touched else None for reader in self.readers}
        states = [ahead[reader.venue] or self._held(reader, block - 1) for reader in self.readers]
        told = suffered([act.deeds for act in acts], merged(states))
        acts = tuple(structs.replace(act, deeds=deeds) for act, deeds in zip(acts, told, strict=True))
        exact = frozenset(venue for venue, state in ahead.items() if state is not None)
        return Happening(self._at(block), merged(states), acts, after, settled=exact)

    def _held(self, reader: History, block: int) -> Holding:
        key = reader.venue, block
        if key not in self._told:
            self._told[key] = reader.holding(block)
        return self._told[key]

    def _at(self, block: int) -> Block:
        return Block(time=self.rpc.block(block).timestamp, number=block)


def _transactions(rpc: Rpc, touches: Sequence[Touch]) -> list[Transaction]:
    raw = rpc.batch([("eth_getTransactionReceipt", [touch.tx]) for touch in touches])
    found = []
    for touch, item in zip(touches, raw, strict=True):
        if isinstance(item, RpcRejected):
            raise item
        where = f"{rpc.address}: receipt of {touch.tx}"
        receipt = answers.receipt(item, where)
        if receipt is None or receipt.block_number != touch.block:
            raise RpcError(f"{where}: its log is of block {touch.block}, the endpoint says otherwise")
        found.append(Transaction(touch, _sender(item, where), receipt))
    return found


def _sender(raw: Mapping[str, Any], where: str) -> str:
    sender = raw.get("from")
    if not isinstance(sender, str):
        raise RpcError(f"{where}: from is missing")
    return sender.lower()


def _act(tx: Transaction, deeds: tuple[Deed, ...], account: str) -> Act:
    costs = Costs()
    if account in ("", tx.sender):
        receipt = tx.receipt
        paid = receipt.gas_used * receipt.effective_gas_price
        costs = Costs(l2_execution=paid, l1_data=receipt.l1_fee, gas_used=receipt.gas_used)
    return Act(tx.at.tx, deeds, costs)
