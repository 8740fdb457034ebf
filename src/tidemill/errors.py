"""Every error a user of tidemill can meet.

::

    TidemillError                 one clear line; the command line prints it and exits with 2
    ├── BadInput                  a study, option or argument: names file, field, value and the fix
    │   └── UnknownName           an unknown network, venue, strategy, token …: names the nearest valid one
    ├── BadData                   a dataset: missing, truncated, of another pool, with a gap
    │   └── ReplayMismatch        recorded amounts do not reproduce: names the event
    ├── MissingArtefact           a contract artefact, the local chain or the built front end is not there
    ├── RpcError                  an endpoint: wrong chain id, time-out, not JSON, inconsistent logs
    │   ├── RpcRejected           it understood and said no, or a contract refused: its own words and revert bytes
    │   └── TransientRpcError     a failure that asking again may heal
    ├── NoSource                  a published list, or whom a message is for, cannot be reached; no copy is young enough
    ├── ExecutionHalted           sending must stop: the key is in use elsewhere, or the chain is another one
    ├── Revert                    a contract, or its model, refuses an action; the state is then unchanged
    ├── RuleError                 a function marked @rule leaves the rule language: names file and line
    └── InvariantBroken           books that do not balance, a state that cannot be: a defect of ours
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BadData",
    "BadInput",
    "ExecutionHalted",
    "InvariantBroken",
    "MissingArtefact",
    "NoSource",
    "ReplayMismatch",
    "Revert",
    "RpcError",
    "RpcRejected",
    "RuleError",
    "TidemillError",
    "TransientRpcError",
    "UnknownName",
    "nearest",
]


class TidemillError(Exception):
    """Base of all errors; ``str()`` is one line fit for a terminal."""


class BadInput(TidemillError):
    """A study file, option or argument is wrong.

    Parameters
    ----------
    message : what is wrong and what would be right, one line.
    file, field : where it stands, if known.
    """

    def __init__(self, message: str, *, file: str | None = None, field: str | None = None) -> None:
        where = ": ".join(part for part in (file, field) if part)
        super().__init__(f"{where}: {message}" if where else message)
        self.message, self.file, self.field = message, file, field


class UnknownName(BadInput):
    """A name that is not in the catalogue; the message names the nearest valid one."""

    def __init__(
        self, kind: str, name: str, valid: Iterable[str], *, file: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(f"unknown {kind} {name!r}{nearest(name, valid)}", file=file, field=field)


class BadData(TidemillError):
    """A dataset is missing, truncated, of another venue, or has a gap."""


class ReplayMismatch(BadData):
    """A recorded event does not reproduce; the message names the event and both values."""


class MissingArtefact(TidemillError):
    """A contract artefact or the local chain is not in the cache and could not be fetched, or the page is not built."""


class NoSource(TidemillError):
    """A published list, or whom a message is for, cannot be reached; secrets are stripped from the address shown."""


class RpcError(TidemillError):
    """An endpoint failed, lied or timed out; secrets are stripped from the address shown."""


class ExecutionHalted(TidemillError):
    """Sending must stop until a person has looked: a key in use elsewhere, an endpoint on another chain."""


class Revert(TidemillError):
    """A contract, or the model of one, refuses an action and leaves its state unchanged.

    Parameters
    ----------
    reason : the contract's own revert string or error name, empty if it gives none; for arithmetic ``"overflow"``,
        ``"underflow"`` or ``"division by zero"``. The same on every number type.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class RuleError(TidemillError):
    """A function marked ``@rule`` uses what the rule language does not have; names file and line."""


class RpcRejected(RpcError):
    """The endpoint understood and said no: ``code``, ``reason`` (its own words) and ``data`` (revert bytes, if any)."""

    def __init__(self, message: str, code: int, reason: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.data = code, reason, data

    @property
    def reverted(self) -> bool:
        """Whether a contract refused (rather than the endpoint)."""
        return self.code == 3 or self.data is not None or "revert" in self.reason.lower()


class TransientRpcError(RpcError):
    """A failure that asking again may heal. ``retry_after`` is the endpoint's own wish in seconds, if it had one."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvariantBroken(TidemillError):
    """Books do not balance or a state cannot be: a defect of tidemill, never of the user."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` or a list of what is valid, for the end of an error line."""
    names = sorted(valid)
    by_case = {each.casefold(): each for each in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.65)
    if close:
        return f"; did you mean {by_case[close[0]]!r}?"
    return f"; valid: {', '.join(names)}" if names else ""
