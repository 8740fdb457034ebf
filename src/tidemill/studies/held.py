"""What was really held and done: the story of an account, read back from where it happened.

Readers of each family (``venues.shared.history``) say what was held at a block and what a transaction did; here their
answers are put in order. ``held_books`` makes record and marks of a story, which is all that the ledger reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from tidemill.chain import answers
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.errors import BadData, RpcError
from tidemill.interfaces import Block, Costs, Rate, Transfer
from tidemill.ledger.families import treatment
from tidemill.venues.shared.history import ME, OUTSIDE, Deed, History, Holding, Touch, Transaction

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
    """From ``start`` to ``end``: what happened, and snapshots in between (for curves), in order of time."""

    network: str
    native: str
    start: Snapshot
    events: tuple[Happening | Snapshot, ...]
    end: Snapshot

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
    told: dict[int, Holding] = {}

    def at(block: int) -> Block:
        return Block(time=rpc.block(block).timestamp, number=block)

    def held(block: int) -> Holding:
        if block not in told:
            told[block] = merged([reader.holding(block) for reader in readers])
        return told[block]

    touches = sorted({touch for reader in readers for touch in reader.touches()})
    blocks: dict[int, list[Transaction]] = {}
    for tx in _transactions(rpc, touches):
        blocks.setdefault(tx.at.block, []).append(tx)
    wanted = {first + (last - first) * k // (samples + 1) for k in range(1, samples + 1)} - blocks.keys() - {first}
    events: list[Happening | Snapshot] = []
    for number, block in enumerate(sorted(blocks.keys() | wanted), 1):
        tell(f"reading block {block:,} ({number} of {len(blocks) + len(wanted)}) …")
        if block not in blocks:
            events.append(Snapshot(at(block), held(block)))
            continue
        acts = tuple(_act(tx, readers, account) for tx in blocks[block])
        if any(act.deeds for act in acts):
            before, after = held(block - 1), held(block)
            issuers = {token: rate.venue for one in (before, after) for token, rate in one.rates.items()}
            acts = tuple(structs.replace(act, deeds=_settled(act.deeds, issuers)) for act in acts)
            _check_complete(before, acts, after, block)
            touched = {deed.venue for act in acts for deed in act.deeds}
            ahead = {one.venue: one.ahead(block) if one.venue in touched else None for one in readers}
            states = [ahead[one.venue] or one.holding(block - 1) for one in readers]
            settled = frozenset(venue for venue, state in ahead.items() if state is not None)
            events.append(Happening(at(block), merged(states), acts, after, settled=settled))
    return Story(network, native, Snapshot(at(first), held(first)), tuple(events), Snapshot(at(last), held(last)))


def _settled(deeds: Sequence[Deed], issuers: Mapping[str, str]) -> tuple[Deed, ...]:
    """Tell what of a receipt token came from outside, and what was only staked or taken out of a stake.

    Its issuer tells what came into the wallet and left it, other venues what they took and gave for the account; only
    the difference came from elsewhere or went there. ``issuers`` : venue by receipt token.
    """
    rest: dict[str, int] = {}
    kept = []
    for deed in deeds:
        handed = deed.kind in ("came", "went") and bool(deed.transfers)
        for move in deed.transfers:
            if move.token in issuers and (handed or issuers[move.token] != deed.venue):
                into = move.amount * ((move.target == ME) - (move.source == ME))
                rest[move.token] = rest.get(move.token, 0) + (into if handed else -into)
        if not handed:
            kept.append(deed)
    for token, amount in rest.items():
        place = f"{issuers[token]}#shares"
        if amount > 0:
            kept.append(Deed(issuers[token], place, "came", "received", {}, (Transfer(token, OUTSIDE, ME, amount),)))
        elif amount < 0:
            kept.append(Deed(issuers[token], place, "went", "sent", {}, (Transfer(token, ME, OUTSIDE, -amount),)))
    return tuple(kept)


def _check_complete(before: Holding, acts: Sequence[Act], after: Holding, block: int) -> None:
    """Every position must have changed by what the deeds of the block say, in the part that time leaves alone."""
    change: dict[str, int] = {}
    moved = set()
    for holding, sign in ((after, 1), (before, -1)):
        for position in holding.positions:
            weight = position.data[treatment(position.kind).weight]
            change[position.id] = change.get(position.id, 0) + sign * weight
    rates = {**before.rates, **after.rates}
    for deed in (deed for act in acts for deed in act.deeds):
        if deed.kind == "own":
            _check_paid(deed, rates, block)
        change[deed.position] = change.get(deed.position, 0) - deed.size
        if deed.kind in ("came", "went"):
            moved.add(deed.position)
    for name, missing in change.items():
        if missing and name not in moved:
            raise BadData(
                f"block {block:,}: {name} changed its size by {missing} more than the logs of its transactions tell; "
                "the endpoint left out a log, or the contract is not what it is taken for"
            )


def _check_paid(deed: Deed, rates: Mapping[str, Rate], block: int) -> None:
    """Shares given out or taken back must have moved every token that they stand for, if they are worth any."""
    for move in deed.transfers:
        rate = rates.get(move.token)
        if rate is None or rate.venue != deed.venue:
            continue
        for token, worth in rate.of_down(move.amount).items():
            # one unit and a share's worth may be rounded away
            if worth > 2 + rate.assets[token] // rate.shares and token not in {one.token for one in deed.transfers}:
                raise BadData(f"block {block:,}: {deed.verb} at {deed.venue} moved {move.amount} shares and no {token}")


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


def _act(tx: Transaction, readers: Sequence[History], account: str) -> Act:
    deeds = tuple(deed for reader in readers for deed in reader.deeds(tx))
    costs = Costs()
    if account in ("", tx.sender):
        receipt = tx.receipt
        paid = receipt.gas_used * receipt.effective_gas_price
        costs = Costs(l2_execution=paid, l1_data=receipt.l1_fee, gas_used=receipt.gas_used)
    return Act(tx.at.tx, deeds, costs)
