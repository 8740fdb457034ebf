"""From samples to a gas table: least squares per kind of transaction, errors beside every number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from gas_lab import Sample, Sent
from gas_trace import REFUNDS

__all__ = ["STORAGE", "ExactFit", "Fit", "fit_kinds", "percentiles_bps", "verb_gas"]

_EXPECTED = {"slots_set": 20_000.0, "slots_changed": 2_900.0, "slots_cleared": -1_900.0}
"""What the EVM charges for a storage word already read (EIP-2200, EIP-2929), refunds taken off (EIP-3529)."""
_FREE = 1_000.0  # how much cheaper it is to move the base than a count
WRITES = {"slots_set": 20_000, "slots_changed": 2_900}
"""What the EVM charges for the first write of a word already read (EIP-2200, EIP-2929)."""
STORAGE = ("slots_set", "slots_changed", "slots_cleared")


class Fit:
    """Whole numbers: a base and gas per count; ``errors`` are each sample's in basis points.

    ``pinned``: storage words cost what the EVM says and nothing of them is fitted, because what else moves with them in
    the samples need not elsewhere.
    """

    def __init__(
        self, rows: Sequence[tuple[int, Mapping[str, int]]], names: Sequence[str], *, pinned: bool = False
    ) -> None:
        if pinned:
            rows = [(used - round(_sum(_EXPECTED, features)), features) for used, features in rows]
            names = [name for name in names if name not in _EXPECTED]
        moving = [name for name in names if len({features.get(name, 0) for _, features in rows}) > 1]
        expected = np.array([0.0, *(_EXPECTED.get(name, 0.0) for name in moving)])
        cheap = np.array([_FREE, *(1.0 for _ in moving)])
        table = np.array([[1.0, *(features.get(name, 0) for name in moving)] for _, features in rows])
        gas = np.array([float(used) for used, _ in rows])
        # Weighted by 1/gas: errors are judged as shares. Where counts move together the data cannot tell them apart:
        # the solution nearest to the EVM's own prices is taken then, whatever does not fit them going to the base.
        left = (gas - table @ expected) / gas
        solution = expected + cheap * np.linalg.lstsq(table * cheap / gas[:, None], left, rcond=1e-9)[0]
        whole = [round(value) for value in solution]
        self.base, self.per = whole[0], {name: each for name, each in zip(moving, whole[1:], strict=True) if each}
        for name in (each for each in _EXPECTED if each in names and each not in moving):
            # Never varied here, but it may elsewhere: price it as the EVM does and take it off the base.
            self.per[name] = round(_EXPECTED[name])
            self.base -= self.per[name] * rows[0][1].get(name, 0)
        if pinned:
            rows = [(used + round(_sum(_EXPECTED, features)), features) for used, features in rows]
            self.per |= {name: round(each) for name, each in _EXPECTED.items()}
        self.errors = [abs(self.gas(features) - used) / used * 10_000 for used, features in rows]

    def gas(self, features: Mapping[str, int]) -> int:
        """Return what the fit says."""
        return self.base + sum(each * features.get(name, 0) for name, each in self.per.items())


class ExactFit:
    """A `Fit` of what is left when every storage write is priced by the EVM's own rules and refunds are given back.

    What a receipt shows is what was used less the refund, and at most a fifth is refunded; both are known, so what was
    used is.
    """

    refund = REFUNDS

    def __init__(self, rows: Sequence[tuple[int, Mapping[str, int]]], names: Sequence[str]) -> None:
        moving = [name for name in names if len({features.get(name, 0) for _, features in rows}) > 1]
        moving = [name for name in moving if name not in (*WRITES, *REFUNDS)]
        table = np.array([[1.0, *(features.get(name, 0) for name in moving)] for _, features in rows])
        gross = [used + min(_sum(REFUNDS, features), used // 4) for used, features in rows]
        left = np.array([float(used - _sum(WRITES, row[1])) for used, row in zip(gross, rows, strict=True)])
        weight = np.array([float(used) for used, _ in rows])
        cheap = np.array([_FREE, *(1.0 for _ in moving)])
        solution = cheap * np.linalg.lstsq(table * cheap / weight[:, None], left / weight, rcond=1e-9)[0]
        whole = [round(value) for value in solution]
        self.base = whole[0]
        self.per = {name: each for name, each in zip(moving, whole[1:], strict=True) if each} | dict(WRITES)
        self.errors = [abs(self.gas(features) - used) / used * 10_000 for used, features in rows]

    def gas(self, features: Mapping[str, int]) -> int:
        """Return what the fit says."""
        used = self.base + _sum(self.per, features)
        return used - min(_sum(REFUNDS, features), used // 5)


def _sum(prices: Mapping[str, float], features: Mapping[str, int]) -> int:
    return round(sum(each * features.get(name, 0) for name, each in prices.items()))


def fit_kinds(
    samples: Iterable[Sample], plain: Sequence[str], every: Sequence[str], *, pinned: bool = False
) -> tuple[dict[str, Fit], dict[str, Fit | ExactFit], dict[str, list[Sent]]]:
    """Return fits by kind without and with storage counts, and the transactions themselves.

    ``pinned`` is as for `Fit`.

    A refusal's transaction is described by its middle, not by features: its caller knows only that it was refused.
    """
    rows: dict[str, list[tuple[int, Mapping[str, int]]]] = defaultdict(list)
    sent: dict[str, list[Sent]] = defaultdict(list)
    for sample in samples:
        for one in sample.sent:
            own = one.kind == sample.verb
            rows[one.kind].append((one.shape.gas_used, sample.features if own else {}))
            sent[one.kind].append(one)
    simple = {kind: _median(Fit(found, plain), found) for kind, found in rows.items()}
    counted: dict[str, Fit | ExactFit] = {}
    for kind, found in rows.items():
        if any("slots_restored" in features for _, features in found):
            counted[kind] = ExactFit(found, every)
        elif any(STORAGE[0] in features for _, features in found):
            counted[kind] = Fit(found, (*every, *STORAGE), pinned=pinned)
    return simple, counted, dict(sent)


def _median(fit: Fit, rows: Sequence[tuple[int, Mapping[str, int]]]) -> Fit:
    # Where nothing is counted the middle value beats the mean.
    if not fit.per:
        fit.base = int(np.median([used for used, _ in rows]))
        fit.errors = [abs(fit.base - used) / used * 10_000 for used, _ in rows]
    return fit


def verb_gas(sample: Sample, fits: Mapping[str, Fit | ExactFit], fallback: Mapping[str, Fit]) -> int:
    """Return the gas of a sample's transactions as the table would say it."""
    return sum(
        fits.get(one.kind, fallback[one.kind]).gas(sample.features if one.kind == sample.verb else {})
        for one in sample.sent
    )


def percentiles_bps(errors: Sequence[float]) -> tuple[int, int]:
    """Return the middle and the largest error, rounded up to a basis point."""
    return int(np.ceil(np.median(errors))), int(np.ceil(max(errors)))
