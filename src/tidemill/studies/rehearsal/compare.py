"""Model and chain side by side: balances, state, every step and every mark, and fees verb by verb."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median_low
from typing import Any

from tidemill.engine.chain_local import plain
from tidemill.engine.chain_meter import Metered
from tidemill.engine.run import Outcomes
from tidemill.interfaces import Befell, Filled, Mark, Recorded
from tidemill.studies.rehearsal.document import BalanceRow, FeeRow, StateRow
from tidemill.studies.rehearsal.sides import OnChain, OnModel

__all__ = ["balance_rows", "fee_rows", "mark_differences", "state_rows", "step_differences"]

BPS = 10_000
SHOWN = 100


def balance_rows(model: OnModel, chain: OnChain, *, natives: bool) -> list[BalanceRow]:
    """Return what every account holds of every token on both sides; with ``natives`` one's own of those as well."""
    rows = []
    for (token, account), held_now in sorted(
        chain.held.items(), key=lambda row: (chain.accounts.index(row[0][1]), row[0])
    ):
        real = held_now
        if account == "me":
            held = model.book.get((account, token), 0)
        else:
            held = sum(stage.holdings.held.get((token, account), 0) for stage in model.stages.values())
            real -= chain.endowed.get((token, account), 0)
        if held or real:
            rows.append(BalanceRow(account, token, held, real, real - held))
    paid = (
        []
        if not natives
        else [
            BalanceRow("me", token, held := model.book.get(("me", token), 0), real, real - held)
            for token, real in chain.native.items()
        ]
    )
    return [*paid, *rows]


def state_rows(chain: OnChain) -> list[StateRow]:
    """Return every part of every venue's state on both sides, at the end."""
    rows = []
    for venue, name, model, real in chain.state:
        told, seen = plain(model), plain(real)
        text = _short(seen) if told == seen else f"model {_short(told)}, chain {_short(seen)}"
        rows.append(StateRow(venue, name, told == seen, text))
    return rows


def step_differences(model: Outcomes, chain: Outcomes, *, costs: bool) -> tuple[int, list[str]]:
    """Compare every step: what it was, what became of it, amounts, moves of tokens; say how many and what differs."""
    out: list[str] = []
    mine, real = list(model.record), list(chain.record)
    if len(mine) != len(real):
        out.append(f"the model answered {len(mine)} steps, the chain {len(real)}")
    for number, (a, b) in enumerate(zip(mine, real, strict=False)):
        if isinstance(a, Befell) or isinstance(b, Befell):
            if a != b:
                out.append(f"step {number}: {a} in the model, {b} on the chain")
            continue
        where = f"step {number} ({a.verb} at {a.venue}, block {a.at.number})"
        pairs: list[tuple[str, Any, Any]] = [
            ("what it was", (a.venue, a.verb, a.plan, a.step, a.at), (b.venue, b.verb, b.plan, b.step, b.at)),
            ("what was asked", a.action, b.action),
            ("what became of it", _told(a), _told(b)),
            ("moves of tokens", _moves(a), _moves(b)),
        ]
        if costs:
            pairs.append(("costs", a.costs, b.costs))
        out += [f"{where}: {what} is {x} in the model, {y} on the chain" for what, x, y in pairs if x != y]
    return min(len(mine), len(real)), out


def mark_differences(model: Sequence[Mark], chain: Sequence[Mark], natives: Collection[str]) -> tuple[int, list[str]]:
    """Compare every mark: wallet (native tokens apart), positions with principal and fees, prices, rates."""
    out: list[str] = []
    if len(model) != len(chain):
        out.append(f"the model has {len(model)} marks, the chain {len(chain)}")
    for number, (a, b) in enumerate(zip(model, chain, strict=False)):
        where = f"mark {number} ({a.why}, second {a.time})"
        pairs: list[tuple[str, Any, Any]] = [
            ("wallet", _without(a.balances, natives), _without(b.balances, natives)),
            ("positions", a.positions, b.positions),
            ("prices", dict(a.prices), dict(b.prices)),
            ("rates", dict(a.rates), dict(b.rates)),
            ("moment", (a.time, a.why, dict(a.blocks)), (b.time, b.why, dict(b.blocks))),
        ]
        out += [f"{where}: {what} is {x} in the model, {y} on the chain" for what, x, y in pairs if x != y]
    return min(len(model), len(chain)), out


def fee_rows(metered: Iterable[Metered]) -> list[FeeRow]:
    """Return the table's gas and fee against the measured, by venue and verb; errors are rounded away from 0."""
    by_verb: dict[tuple[str, str], list[Metered]] = {}
    for row in metered:
        by_verb.setdefault((row.venue, row.verb), []).append(row)
    rows = []
    for (venue, verb), found in sorted(by_verb.items()):
        gas = [_error(row.table.gas_used, row.measured.gas_used) for row in found]
        fee = [_error(row.table.total, row.measured.total) for row in found]
        rows.append(
            FeeRow(
                venue,
                verb,
                len(found),
                sum(row.reverted for row in found),
                sum(row.table.gas_used for row in found),
                sum(row.measured.gas_used for row in found),
                sum(row.table.total for row in found),
                sum(row.measured.total for row in found),
                median_low(gas),
                max(gas),
                median_low(fee),
                max(fee),
            )
        )
    return rows


def _error(model: int, real: int) -> int:
    return -(-abs(model - real) * BPS // real) if real else 0


def _told(step: Recorded) -> Any:
    if not isinstance(step.status, Filled):
        return step.status
    return "filled", dict(sorted(step.status.amounts.items())), step.status.position


def _moves(step: Recorded) -> dict[tuple[str, str, str], int]:
    out: dict[tuple[str, str, str], int] = {}
    for move in step.transfers:
        key = (move.token, move.source, move.target)
        out[key] = out.get(key, 0) + move.amount
    return {key: amount for key, amount in sorted(out.items()) if amount}


def _without(balances: Mapping[str, int], tokens: Collection[str]) -> dict[str, int]:
    return {key: amount for key, amount in sorted(balances.items()) if key not in tokens}


def _short(value: Any) -> str:
    text = f"{len(value)} entries" if isinstance(value, dict) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
