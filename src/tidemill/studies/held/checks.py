"""What deeds of a block must come to, so that none is missing and none is counted twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import structs

from tidemill.errors import BadData
from tidemill.interfaces import Rate, Transfer
from tidemill.ledger.families import treatment
from tidemill.venues.shared.history import ME, OUTSIDE, Deed, Holding

__all__ = ["check_complete", "settled", "suffered"]


def settled(deeds: Sequence[Deed], issuers: Mapping[str, str]) -> tuple[Deed, ...]:
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


def suffered(acts: Sequence[Sequence[Deed]], ahead: Holding) -> list[tuple[Deed, ...]]:
    """Say what receipt tokens lost where they fell (``Deed.fell``), of all that is held of them; nothing lost, no deed.

    As in the books, what came within the block was there ahead of it, and what went is there until its end.
    """
    held = {
        token: ahead.shares.get(token, 0)
        + sum(one.principal.get(token, 0) + one.claimable.get(token, 0) for one in ahead.positions)
        for token in ahead.rates
    }
    for move in (move for deeds in acts for deed in deeds if deed.kind == "came" for move in deed.transfers):
        held[move.token] = held.get(move.token, 0) + move.amount
    out = []
    for deeds in acts:
        kept = []
        for deed in deeds:
            for move in deed.transfers if deed.kind == "own" else ():
                if move.token in ahead.rates and ahead.rates[move.token].venue == deed.venue:
                    held[move.token] += move.amount * ((move.target == ME) - (move.source == ME))
            if not deed.fell:
                kept.append(deed)
                continue
            lost: dict[str, int] = {}
            for token, (was, now) in deed.fell.items():
                old, new = was.of_down(held.get(token, 0)), now.of_down(held.get(token, 0))
                lost |= {asset: new[asset] - old[asset] for asset in new if new[asset] != old[asset]}
            if lost:
                kept.append(structs.replace(deed, amounts=lost))
        out.append(tuple(kept))
    return out


def check_complete(before: Holding, deeds: Sequence[Deed], after: Holding, block: int) -> None:
    """Every position must have changed by what the deeds of the block say, in the part that time leaves alone.

    A principal that time leaves alone must have been paid, or paid out, whatever others did in the block.
    Raises ``BadData``, which names block and position.
    """
    change: dict[str, int] = {}
    moved, grows = set(), set()
    fixed = _fixed((before, after))
    for holding, sign in ((after, 1), (before, -1)):
        for position in holding.positions:
            how = treatment(position.kind)
            weight = position.data[how.weight]
            grows |= {position.id} if how.principal == "grows" else set()
            change[position.id] = change.get(position.id, 0) + sign * weight
    rates = {**before.rates, **after.rates}
    for deed in deeds:
        if deed.kind == "own":
            if deed.position.endswith("#shares"):
                _check_paid(deed, rates, block)
            _check_principal(deed, fixed.get(deed.position, ()), block)
            if deed.size and not deed.transfers and deed.position in grows:
                raise BadData(f"block {block:,}: {deed.verb} changed {deed.position} by {deed.size} and moved no token")
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


def _fixed(holdings: Sequence[Holding]) -> dict[str, set[str]]:
    """Return the tokens of which positions hold a principal that does not move by itself, and that are not their income."""
    kept: dict[str, set[str]] = {}
    earned: dict[str, set[str]] = {}
    for position in (one for holding in holdings for one in holding.positions):
        if treatment(position.kind).principal == "fixed":
            kept.setdefault(position.id, set()).update(position.principal)
            earned.setdefault(position.id, set()).update(position.claimable)
    return {name: tokens - earned[name] for name, tokens in kept.items()}


def _check_principal(deed: Deed, tokens: Collection[str], block: int) -> None:
    for token in tokens if deed.size else ():
        moves = [move for move in deed.transfers if move.token == token]
        paid = sum(move.amount * ((move.source == ME) - (move.target == ME)) for move in moves)
        if paid != deed.size:
            raise BadData(
                f"block {block:,}: {deed.verb} changed {deed.position} by {deed.size} and paid in {paid} {token}"
            )
