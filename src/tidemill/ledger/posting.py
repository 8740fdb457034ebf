"""From record and marks to the quantity ledger.

The wallet side is posted from what steps say they moved, and must then equal the marks to the wei. The claim side is
posted from the marks, and must then equal what the steps paid in and took out, within the contract's rounding. Each
side proves the other; neither is ever adjusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.interfaces import REFUNDED, Befell, Mark, Recorded, Reverted
from tidemill.ledger.books import Books, Entry, Lot, Posting
from tidemill.ledger.families import BROUGHT, COST, EXCHANGE_VERBS, OWNER, PAID, TAKEN, WRAP
from tidemill.ledger.holdings import WALLET, Claim, Holdings, holdings
from tidemill.ledger.timeline import Interval, Step, intervals, is_quiet

__all__ = ["post"]

_ME = "me"
_Amounts = dict[str, int]
_Phase = Literal["run", "exit"]


def post(record: Sequence[Step], marks: Sequence[Mark]) -> Books:
    """Keep the books of a run.

    Parameters
    ----------
    record, marks : as a world writes them (``tidemill.interfaces.record``).

    Raises
    ------
    InvariantBroken : a wallet balance that its transfers do not explain, a claim that changed by more than rounding
        without a step, income that went backwards, an order of marks that cannot be; names seq, account and amounts.
    """
    poster = _Poster(marks)
    for interval in intervals(record, marks):
        poster.follow(interval)
    return poster.close([step for step in record if not is_quiet(step)])


class _Poster:
    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks = marks
        self.states = [holdings(mark) for mark in marks]
        self.entries: list[Entry] = []
        self.lots: list[Lot] = []
        self.actions: dict[str, int] = {}
        self.bound: dict[tuple[str, str], int] = {}
        self.basis: dict[str, _Amounts] = {}
        opening = [Posting(account, token, n) for (account, token), n in self.states[0].accounts.items()]
        opening += [Posting("equity:opening", token, -n) for _, token, n in opening]
        self._enter(marks[0].seq, marks[0].time, "open", "opening balances", opening, 0)
        for claim in self.states[0].claims.values():
            if claim.treatment.principal == "converts":
                self._lot(claim, 0, added=claim.principal)

    def close(self, steps: Sequence[Step]) -> Books:
        last = len(self.marks) - 1
        for claim in self.states[-1].claims.values():
            if claim.treatment.principal == "converts":
                if claim.id not in self.basis:
                    raise InvariantBroken(f"mark seq {self.marks[last].seq}: {claim.id} holds what was never put in")
                self._lot(claim, last, released=self.basis[claim.id], withdrawn=claim.principal, final=True)
        return Books(
            marks=self.marks,
            states=self.states,
            steps=steps,
            entries=self.entries,
            lots=self.lots,
            actions=self.actions,
            rounding_bound=self.bound,
        )

    def follow(self, interval: Interval) -> None:
        old, new = self.states[interval.number], self.states[interval.number + 1]
        if not interval.steps:
            self._market(interval, old, new)
            return
        wallet: _Amounts = {}
        transit: dict[str, _Amounts] = {}
        traded: dict[str, str] = {}
        for step in interval.steps:
            self._wallet_side(step, interval, new, wallet, transit, traded)
        _check_wallet(interval, old, new, wallet)
        self._claim_side(interval, old, new, transit, traded)

    # --- the market moved -------------------------------------------------------------------------------------------

    def _market(self, interval: Interval, old: Holdings, new: Holdings) -> None:
        _check_wallet(interval, old, new, {})
        mark = interval.after
        if old.claims.keys() != new.claims.keys():
            changed = sorted(old.claims.keys() ^ new.claims.keys())
            raise InvariantBroken(f"mark seq {mark.seq}: position {changed[0]} came or went without a step")
        paid = _paid_in_shares(interval, old, new)
        for claim in new.claims.values():
            was, more = old.claims[claim.id], paid.get(claim.id, [])
            grows = claim.treatment.principal == "grows"
            if was.weight + (sum(one.shares for one in more) if grows else 0) != claim.weight:
                raise InvariantBroken(f"mark seq {mark.seq}: {claim.id} changed its size without a step")
            # what others paid in shares is their income, worth what the shares stand for; the rest is growth
            worth = [Posting(one.account, token, -n) for one in more for token, n in one.worth.items()]
            pair = _Pair(was._replace(principal=_plus(was.principal, more)), claim)
            postings = _own_change(_Pair(was, claim)) + worth + self._moved(pair, mark, interval.number + 1)
            self._enter(mark.seq, mark.time, "mark", claim.id, postings, interval.number + 1)

    def _moved(self, pair: _Pair, mark: Mark, number: int) -> list[Posting]:
        """Post what the market did to a position of the same size, and what accrued, valued at mark ``number``."""
        claim, fees = pair.claim, pair.compounded()
        postings = self._drift(claim, _minus(pair.grown(), fees), mark) + self._income(pair, mark)
        if fees:
            postings += [Posting(f"income:{claim.treatment.income}:{claim.id}", t, -n) for t, n in fees.items()]
            self._lot(claim, number, added=fees)  # as if taken out and put in again
        return postings

    def _income(self, pair: _Pair, mark: Mark) -> list[Posting]:
        """Post what accrued; income that is pending never shrinks by itself."""
        claim, postings = pair.claim, []
        for token, amount in pair.accrued().items():
            if amount < 0 and not claim.treatment.shrinks:
                raise InvariantBroken(f"mark seq {mark.seq}: {claim.id} lost {-amount} {token} of pending income")
            postings.append(Posting(f"income:{claim.treatment.income}:{claim.id}", token, -amount))
        return postings

    def _drift(self, claim: Claim, moved: _Amounts, mark: Mark) -> list[Posting]:
        """Post what the principal did by itself."""
        how = claim.treatment.principal
        if how == "fixed" and moved:
            token, amount = next(iter(moved.items()))
            raise InvariantBroken(f"mark seq {mark.seq}: {claim.id} changed by {amount} {token} without a step")
        account = f"market:{claim.id}" if how == "converts" else f"income:{claim.treatment.income}:{claim.id}"
        return [Posting(account, token, -amount) for token, amount in moved.items()]

    # --- own steps --------------------------------------------------------------------------------------------------

    def _wallet_side(
        self,
        step: Step,
        interval: Interval,
        new: Holdings,
        wallet: _Amounts,
        transit: dict[str, _Amounts],
        traded: dict[str, str],
    ) -> None:
        """Post one step as the wallet saw it; note what of it is in transit, and which receipts were traded or taken."""
        postings: list[Posting] = []
        phase: _Phase
        if isinstance(step, Befell):
            venue, label = step.happened.venue, step.happened.cause
            phase = "run"
            time, side = step.happened.at.time, _cause(step)
            for token in step.happened.amounts:
                if rate := interval.after.rates.get(token) or interval.before.rates.get(token):
                    traded[f"{rate.venue}#shares"] = side  # what was taken in shares is worth what they stand for
        else:
            venue, label, time = step.venue, step.verb, step.at.time
            phase = step.phase
            side = f"swaps:{venue}" if step.verb in EXCHANGE_VERBS else f"transit:{venue}"
            if (sent := _sent_off(step, interval.number, self.states)) is not None:
                side = traded[sent] = f"bridge:{venue}"  # what arrives is another network's token: the other leg
            self._fees(step, interval, wallet)
        for token, amount, other in _moves(step):
            wallet[token] = wallet.get(token, 0) + amount
            account = side
            if other.startswith(WRAP):
                account = f"swaps:{other}"
            elif other.startswith(COST):
                account = other
            elif other.startswith(PAID):
                account = f"equity:owner:{other}"
            elif token in new.receipts or token in interval.before.rates:
                # a staked receipt goes to a claim in its own units, an issued or redeemed one back to its vault
                rate = interval.after.rates.get(token) or interval.before.rates[token]
                account = f"shares:{venue}" if rate.venue == venue else side
                if account.startswith("swaps:"):
                    traded[f"{rate.venue}#shares"] = account
            if account.startswith("transit:"):
                paid = transit.setdefault(venue, {})
                paid[token] = paid.get(token, 0) - amount
            postings += [Posting(WALLET, token, amount), Posting(account, token, -amount)]
        if isinstance(step, Recorded) and _failed(step) and postings:
            raise InvariantBroken(f"step seq {step.seq} reverted and yet moved tokens")
        kind: Literal["event", "step"] = "event" if isinstance(step, Befell) else "step"
        self._enter(step.seq, time, kind, label, postings, interval.number, phase)

    def _fees(self, step: Recorded, interval: Interval, wallet: _Amounts) -> None:
        costs, native = step.costs, step.native
        parts = {"l2": costs.l2_execution, "l1": costs.l1_data, "operator": costs.operator}
        if isinstance(step.status, Reverted):
            parts = {"failed": costs.total}
        postings = [Posting(WALLET, native, -costs.total)] if costs.total else []
        postings += [Posting(f"network:{part}:{step.network}", native, n) for part, n in parts.items() if n]
        wallet[native] = wallet.get(native, 0) - costs.total
        self._enter(step.seq, step.at.time, "fee", step.verb, postings, interval.number, step.phase)

    def _claim_side(
        self,
        interval: Interval,
        old: Holdings,
        new: Holdings,
        transit: dict[str, _Amounts],
        traded: Mapping[str, str],
    ) -> None:
        steps = interval.steps
        exchanged = any(isinstance(s, Recorded) and s.verb in EXCHANGE_VERBS for s in steps)
        settled = interval.before.settled
        named = {s.result.position for s in steps if isinstance(s, Recorded) and s.result and s.result.position}
        befallen: dict[str, list[Befell]] = {}
        for step in steps:
            if isinstance(step, Befell):
                befallen.setdefault(step.happened.position, []).append(step)
        acted = {step.venue for step in steps if isinstance(step, Recorded) and not _failed(step)}
        gap = {venue: {token: -paid for token, paid in amounts.items()} for venue, amounts in transit.items()}
        self._check_befallen(interval, old, new)
        postings = [Posting(f"transit:{v}", t, -n) for v, amounts in transit.items() for t, n in amounts.items()]
        touched: dict[str, list[_Pair]] = {}
        for name in [*old.claims, *(name for name in new.claims if name not in old.claims)]:
            pair = _Pair(old.claims.get(name), new.claims.get(name))
            change = _own_change(pair)
            postings += change
            loose = exchanged or (interval.before.parent and pair.claim.venue not in settled)
            may_pay = pair.claim.venue in acted or not pair.claim.treatment.shrinks  # else it shrank by itself
            if name in befallen:
                struck, left = _struck(interval, befallen[name], change)
                postings += struck
                if left and pair.claim.venue in acted:  # what one did oneself in the same block is among it
                    touched.setdefault(pair.claim.venue, []).append(pair)
                    _add(gap.setdefault(pair.claim.venue, {}), left)
                else:
                    if not loose:
                        _check_little(interval, pair.claim, left)
                    postings += self._between(interval, pair, left)
            elif name in traded and (pair.claim.treatment.principal == "grows" or traded[name].startswith("bridge:")):
                # bought, sold or taken like any token: what it stands for is the other leg
                postings += [Posting(traded[name], token, -amount) for token, amount in pair.grown().items()]
            elif loose and name not in named and pair.same_size() and not (pair.was_paid() and may_pay):
                # an own trade (or others, since a parent-block mark) moved the pool in which this position stands
                postings += self._moved(pair, interval.after, interval.number)
            else:
                touched.setdefault(pair.claim.venue, []).append(pair)
                venue_gap = gap.setdefault(pair.claim.venue, {})
                drifted = loose and pair.same_size()  # collected from: its principal moved by the market alone
                postings += self._drift(pair.claim, pair.grown(), interval.after) if drifted else []
                grown = {} if drifted else pair.grown()
                for token, amount in [*grown.items(), *pair.accrued().items()]:
                    venue_gap[token] = venue_gap.get(token, 0) + amount
        for venue in sorted(gap.keys() | touched.keys()):
            pairs = sorted(touched.get(venue, []), key=_Pair.same_size)  # those that changed their size first
            loose = exchanged or (interval.before.parent and venue not in settled)
            rounding, converted = self._rounding(interval, venue, gap.get(venue, {}), pairs, loose=loose)
            postings += rounding
            for place, pair in enumerate(pairs):
                drift = pair.grown() if loose and pair.same_size() else {}
                self._basis(pair, interval.number, drift or ({} if place else converted))
        phase: _Phase = "exit" if any(isinstance(s, Recorded) and s.phase == "exit" for s in steps) else "run"
        label = "claims after own steps"
        self._enter(steps[-1].seq, interval.after.time, "claim", label, postings, interval.number, phase)

    def _between(self, interval: Interval, pair: _Pair, left: Mapping[str, int]) -> list[Posting]:
        """Post what the market did, since a parent-block mark, to a position that something befell."""
        claim = pair.claim
        converts = claim.treatment.principal == "converts"
        side = f"market:{claim.id}" if converts else f"income:{claim.treatment.income}:{claim.id}"
        self._basis(pair, interval.number, left)
        return [Posting(side, token, -n) for token, n in left.items()]

    def _check_befallen(self, interval: Interval, old: Holdings, new: Holdings) -> None:
        """What befell must add up to the change of all holdings, within 2 raw units for each event."""
        happened = [step.happened for step in interval.steps if isinstance(step, Befell)]
        if not happened or interval.before.parent:
            return  # a parent-block mark cannot tell the market's part; `_suffered` books what was said
        if len(happened) < len(interval.steps):
            raise InvariantBroken(f"step seq {interval.steps[0].seq}: own steps and events share one pair of marks")
        said: _Amounts = {}
        for one in happened:
            for token, amount in one.amounts.items():
                rate = interval.after.rates.get(token)
                worth = rate.of_down(abs(amount)) if rate else {token: abs(amount)}
                for each, units in worth.items():
                    said[each] = said.get(each, 0) + (units if amount > 0 else -units)
        for token, amount in _minus(_minus(new.valued(), old.valued()), said).items():
            if abs(amount) > 2 * len(happened):
                raise InvariantBroken(
                    f"step seq {interval.steps[0].seq}: {happened[0].cause} is said to change {token} by "
                    f"{said.get(token, 0)}, the marks differ by {amount} more"
                )

    def _rounding(
        self, interval: Interval, venue: str, gap: Mapping[str, int], pairs: Sequence[_Pair], *, loose: bool
    ) -> tuple[list[Posting], _Amounts]:
        """Post what claims gained beyond what was paid in: rounding, or, where the before mark cannot show it (loose),
        what accrued or converted in between. Conversions are returned by token.
        """
        # shares are worth less by a unit where another venue's step rounds their number
        shared = any(pair.claim.id == f"{venue}#shares" for pair in pairs)
        done = [s for s in interval.steps if isinstance(s, Recorded) and not _failed(s)]
        count = sum(s.venue == venue or shared for s in done)
        plain = count * max((pair.claim.rounding for pair in pairs), default=2)
        self.actions[venue] = self.actions.get(venue, 0) + count
        postings: list[Posting] = []
        converted: _Amounts = {}
        for token, amount in gap.items():
            claim = pairs[0].claim if pairs else None
            if not amount:
                continue
            allowed = plain + count * max((pair.claim.matched.get(token, 0) for pair in pairs), default=0)
            self.bound[venue, token] = self.bound.get((venue, token), 0) + allowed
            if abs(amount) <= allowed:
                postings.append(Posting(f"rounding:{venue}", token, -amount))
            elif loose and claim and claim.treatment.principal == "converts" and not pairs[0].same_size():
                postings.append(Posting(f"market:{claim.id}", token, -amount))
                converted[token] = amount
            elif loose and (grown := claim if amount > 0 else _owing(pairs, token)):
                postings.append(Posting(f"income:{grown.treatment.income}:{grown.id}", token, -amount))
            else:
                raise InvariantBroken(
                    f"step seq {interval.steps[-1].seq}: claims at {venue} changed by {amount} {token} more than was "
                    f"paid in; {count} actions explain {allowed} by rounding"
                )
        return postings, converted

    def _basis(self, pair: _Pair, mark: int, converted: Mapping[str, int]) -> None:
        """Follow what was put into a converting position, and take the divergence of what leaves."""
        claim = pair.claim
        if claim.treatment.principal != "converts":
            return
        before, after = pair.weight_before, pair.weight_after
        principal = _minus(pair.grown(), converted)
        if after < before:
            basis = self.basis[claim.id]
            # rounded down: the last part takes what is left, so that parts sum to the whole
            released = {t: n if after == 0 else n * (before - after) // before for t, n in basis.items()}
            self._lot(claim, mark, released=released, withdrawn={t: -n for t, n in principal.items()})
        elif principal:
            self._lot(claim, mark, added=principal)

    def _lot(
        self,
        claim: Claim,
        mark: int,
        *,
        added: Mapping[str, int] | None = None,
        released: Mapping[str, int] | None = None,
        withdrawn: Mapping[str, int] | None = None,
        final: bool = False,
    ) -> None:
        basis = self.basis.setdefault(claim.id, {})
        for token, amount in (added or {}).items():
            basis[token] = basis.get(token, 0) + amount
        released = dict(released or {})
        if not final:
            for token, amount in released.items():
                basis[token] -= amount
        time = self.marks[mark].time
        self.lots.append(
            Lot(claim.id, claim.venue, mark, time, dict(added or {}), released, dict(withdrawn or {}), final)
        )

    def _enter(
        self,
        seq: int,
        time: int,
        kind: Literal["open", "mark", "step", "fee", "claim", "event"],
        label: str,
        postings: Iterable[Posting],
        mark: int,
        phase: _Phase = "run",
    ) -> None:
        kept = tuple(posting for posting in postings if posting.amount)
        if kept:
            self.entries.append(Entry(seq, time, kind, label, phase, mark, kept))


class _PaidIn(NamedTuple):
    """Interest or rewards that came as shares of a vault: whose income, how many, and what they stand for."""

    account: str
    shares: int
    worth: _Amounts


def _paid_in_shares(interval: Interval, old: Holdings, new: Holdings) -> dict[str, list[_PaidIn]]:
    """Return what other positions accrued in shares while the market moved, by the claim that sees through the shares."""
    found: dict[str, list[_PaidIn]] = {}
    for token, rate in interval.after.rates.items():
        for claim in new.claims.values():
            pair = _Pair(old.claims.get(claim.id), claim)
            if units := pair.grown().get(token, 0) + pair.accrued().get(token, 0):
                worth = {t: n if units > 0 else -n for t, n in rate.of_down(abs(units)).items()}
                one = _PaidIn(f"income:{claim.treatment.income}:{claim.id}", units, worth)
                found.setdefault(f"{rate.venue}#shares", []).append(one)
    return found


def _plus(principal: Mapping[str, int], more: Sequence[_PaidIn]) -> _Amounts:
    out = dict(principal)
    for one in more:
        for token, amount in one.worth.items():
            out[token] = out.get(token, 0) + amount
    return out


class _Pair(NamedTuple):
    """One claim before and after own steps; one of the two may be missing."""

    was: Claim | None
    now: Claim | None

    @property
    def claim(self) -> Claim:
        claim = self.now or self.was
        assert claim is not None
        return claim

    @property
    def weight_before(self) -> int:
        return self.was.weight if self.was else 0

    @property
    def weight_after(self) -> int:
        return self.now.weight if self.now else 0

    def same_size(self) -> bool:
        return self.weight_before == self.weight_after

    def was_paid(self) -> bool:
        return any(amount < 0 for amount in self.accrued().values())

    def grown(self) -> _Amounts:
        return _minus(self.now.principal if self.now else {}, self.was.principal if self.was else {})

    def compounded(self) -> _Amounts:
        """Return the income that joined the principal, rounded down: its share is the growth of the product per share."""
        if not (self.was and self.now and self.was.product and self.now.product):
            return {}
        (root, shares), (root_now, shares_now) = self.was.product, self.now.product
        whole = root_now * shares
        grown = max(whole - root * shares_now, 0)
        return {t: fee for t, n in self.now.principal.items() if (fee := n * grown // whole)} if whole else {}

    def accrued(self) -> _Amounts:
        return _minus(self.now.pending if self.now else {}, self.was.pending if self.was else {})


def _owing(pairs: Sequence[_Pair], token: str) -> Claim | None:
    """Return the claim that is a debt in ``token``: what is owed grows in the inclusion block as well."""
    each = (claim for pair in pairs for claim in (pair.was, pair.now) if claim)
    return next((claim for claim in each if claim.principal.get(token, 0) < 0), None)


def _struck(interval: Interval, steps: Sequence[Befell], change: Sequence[Posting]) -> tuple[list[Posting], _Amounts]:
    """Post what befell a position against its causes; return what else changed it since a parent-block mark.

    Without such a mark nothing else can have: the last cause takes all that was not said.
    """
    left: _Amounts = {}
    for _, token, amount in change:
        left[token] = left.get(token, 0) + amount
    postings: list[Posting] = []
    for step in steps:
        told = dict(step.happened.amounts)
        for token, amount, _ in _moves(step):
            told[token] = told.get(token, 0) - amount
        if step is steps[-1] and not interval.before.parent:
            told = left
        left = _minus(left, told)
        postings += [Posting(_cause(step), token, -n) for token, n in told.items()]
    return postings, left


def _check_little(interval: Interval, claim: Claim, left: Mapping[str, int]) -> None:
    """Where a mark tells what was ahead, an event explains all that happened to a position but rounding."""
    for token, amount in left.items():
        if abs(amount) > claim.rounding:
            raise InvariantBroken(
                f"step seq {interval.steps[-1].seq}: what befell {claim.id} leaves {amount} {token} unexplained"
            )


def _add(sums: _Amounts, more: Mapping[str, int]) -> None:
    for token, amount in more.items():
        sums[token] = sums.get(token, 0) + amount


def _cause(step: Befell) -> str:
    """Return the account of the other side of what befell: capital that came or went, or an event."""
    cause, position = step.happened.cause, step.happened.position
    if cause in OWNER:
        return f"equity:owner:{cause}"
    if cause == REFUNDED:
        return f"bridge:{step.happened.venue}"  # what was to arrive does not; what was sent is back
    return f"equity:flows:{position}" if cause in (BROUGHT, TAKEN) else f"events:{cause}:{position}"


def _sent_off(step: Recorded, number: int, states: Sequence[Holdings]) -> str | None:
    """Return the position that a step opened on its way to another network, if it did."""
    name = step.result.position if step.result is not None and not _failed(step) else None
    now = states[number + 1].claims.get(name or "")
    if now is None or name in states[number].claims or now.treatment.account != "flight":
        return None
    return name


def _failed(step: Recorded) -> bool:
    return isinstance(step.status, Reverted)


def _moves(step: Step) -> Iterable[tuple[str, int, str]]:
    """Yield (token, raw units into the wallet, other account) of each transfer that touches the wallet."""
    transfers = step.transfers
    if isinstance(step, Recorded) and not transfers and step.result:
        transfers = step.result.transfers
    for transfer in transfers:
        if transfer.source == transfer.target:
            continue
        if transfer.target == _ME:
            yield transfer.token, transfer.amount, transfer.source
        elif transfer.source == _ME:
            yield transfer.token, -transfer.amount, transfer.target


def _minus(new: Mapping[str, int], old: Mapping[str, int]) -> _Amounts:
    keys = [*old, *(token for token in new if token not in old)]
    return {token: change for token in keys if (change := new.get(token, 0) - old.get(token, 0))}


def _own_change(pair: _Pair) -> list[Posting]:
    """Return the change of every own account of one claim."""
    was = pair.was.accounts() if pair.was else {}
    now = pair.now.accounts() if pair.now else {}
    keys = [*was, *(key for key in now if key not in was)]
    return [Posting(*key, change) for key in keys if (change := now.get(key, 0) - was.get(key, 0))]


def _check_wallet(interval: Interval, old: Holdings, new: Holdings, moved: Mapping[str, int]) -> None:
    """The marks' wallet must be what the transfers and fees say, to the wei."""
    for token in sorted(old.wallet.keys() | new.wallet.keys() | moved.keys()):
        change = new.wallet.get(token, 0) - old.wallet.get(token, 0)
        if change != moved.get(token, 0):
            what = f"step seq {interval.steps[-1].seq}" if interval.steps else "no step"
            raise InvariantBroken(
                f"mark seq {interval.after.seq}: the wallet's {token} changed by {change}, "
                f"{what} explains {moved.get(token, 0)}"
            )
