"""A plain seeded driver: draw a verb, do it on both twins, count."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemill.interfaces import Revert


@dataclass
class Tally:
    """Successes and failures by verb, and every revert reason met."""

    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.done.total() + self.failed.total()

    def add(self, other: Tally) -> None:
        """Count another run in."""
        self.done += other.done
        self.failed += other.failed
        self.reasons += other.reasons

    def share(self, verb: str) -> float:
        """Successes of a verb per action of any kind."""
        return self.done[verb] / max(1, self.total)

    def enough(self, actions: int, verbs: int) -> None:
        """A run is a test only if it did enough of everything: fail where it did not."""
        print(self)
        assert self.total == actions
        assert self.done.total() / self.total >= 0.6
        for verb in self.done:
            assert self.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
        assert len(self.done) == verbs

    def __str__(self) -> str:
        verbs = sorted({*self.done, *self.failed})
        rows = [f"{v:24} {self.done[v]:8} ok {self.failed[v]:8} reverted {self.share(v):7.1%}" for v in verbs]
        reasons = [f"  {verb}: {reason or '(empty)'} × {n}" for (verb, reason), n in sorted(self.reasons.items())]
        return "\n".join([*rows, f"{'all':24} {self.done.total():8} ok {self.failed.total():8} reverted", *reasons])


def live_often(make: Callable[[int], Any], actions: int, life: int) -> Tally:
    """Live many short lives of ``life`` actions each, the whole compared after each action.

    ``make`` gives the twins of a life by its number, ready to be driven.
    """
    tally = Tally()
    for number in range(actions // life):
        twins = make(number)
        tally.add(twins.driver.run(life, after=twins.compare))
    return tally


def judge(
    tally: Tally,
    actions: int,
    verbs: int,
    reasons: set[tuple[str, str]],
    rare: set[tuple[str, str]] | frozenset[tuple[str, str]] = frozenset(),
) -> None:
    """`Tally.enough`, and every reason to refuse was met, and no other.

    ``rare`` are reasons that a run may meet or not: edges of their own meet them.
    """
    tally.enough(actions, verbs)
    assert reasons <= set(tally.reasons) <= reasons | rare


def refused(reason: str, twins: Any, act: Callable[..., Any], *args: Any, **named: Any) -> None:
    """Both twins must refuse with ``reason``, and nothing may change."""
    refuses(reason, act, *args, **named)
    twins.compare()


def refuses(reason: str, act: Callable[..., Any], *args: Any, **named: Any) -> None:
    """`refused`, where the state can no longer be read to be compared."""
    said = None
    try:
        act(*args, **named)
    except Revert as revert:
        said = revert.reason
    assert said == reason, f"{act.__name__}{args[:3]}{named}: {said!r}, expected {reason!r}"


Step = Callable[[random.Random], None]
"""Draws its own arguments, acts on both twins, compares; raises ``Revert`` when *both* refused for the same reason."""


class Driver:
    """Runs weighted verbs from one seed. The seed and the number of an action reproduce it."""

    def __init__(self, seed: int | str, verbs: Mapping[str, tuple[float, Step]]) -> None:
        self.seed, self.tally = seed, Tally()
        self._random = random.Random(seed)
        self._names = list(verbs)
        self._weights = [weight for weight, _step in verbs.values()]
        self._steps = {name: step for name, (_weight, step) in verbs.items()}

    def run(self, actions: int, after: Callable[[], None] | None = None) -> Tally:
        """Do ``actions`` actions; ``after`` runs after each (compare the whole state there)."""
        for _ in range(actions):
            (verb,) = self._random.choices(self._names, self._weights)
            try:
                self._steps[verb](self._random)
            except Revert as revert:
                self.tally.failed[verb] += 1
                self.tally.reasons[verb, revert.reason] += 1
            except AssertionError as error:
                raise AssertionError(f"seed {self.seed!r}, action {self.tally.total}, {verb}: {error}") from error
            else:
                self.tally.done[verb] += 1
            if after is not None:
                try:
                    after()
                except AssertionError as error:
                    raise AssertionError(
                        f"seed {self.seed!r}, after action {self.tally.total - 1}, {verb}: {error}"
                    ) from error
        return self.tally


def both(expected: Callable[[], object], actual: Callable[[], object]) -> tuple[object, object]:
    """Do the same on both twins and return both results; raises ``Revert`` if both refused for the same reason.

    ``expected`` is the real contract. Fails when only one refuses, or when the reasons differ.
    """
    real, model = _try(expected), _try(actual)
    if isinstance(real, Revert) and isinstance(model, Revert):
        if real.reason != model.reason:
            raise AssertionError(f"both reverted, the contract with {real.reason!r}, the model with {model.reason!r}")
        raise real
    if isinstance(real, Revert):
        raise AssertionError(  # noqa: TRY004  it is a verdict on the twins
            f"the contract reverted with {real.reason!r}, the model gave {model!r}"
        )
    if isinstance(model, Revert):
        raise AssertionError(  # noqa: TRY004
            f"the model reverted with {model.reason!r}, the contract gave {real!r}"
        )
    return real, model


def _try(act: Callable[[], object]) -> object:
    try:
        return act()
    except Revert as revert:
        return revert
