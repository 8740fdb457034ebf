"""Names that follow from content: the same decision always carries the same ids, whoever computes them and when."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

__all__ = ["canonical", "content_hash", "intent_id", "plan_id", "strategy_id"]


def canonical(content: Any) -> str:
    """Return the one text of ``content``: keys sorted, integers as decimals of any length, no white space.

    Structs, tuples and mappings become JSON; floats are refused, because money never is one.

    >>> canonical({"b": 2**70, "a": (1, None)})
    '{"a":[1,null],"b":1180591620717411303424}'
    """
    plain = msgspec.to_builtins(content, str_keys=True)
    _refuse_floats(plain)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def content_hash(content: Any) -> str:
    """Return the SHA-256 of ``canonical(content)``, 64 hex digits."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def strategy_id(strategy: Any) -> str:
    """Return a name for a strategy with its parameters: its class and the hash of its frozen fields."""
    fields = {name: getattr(strategy, name) for name in getattr(strategy, "__struct_fields__", ())}
    return f"{type(strategy).__name__}:{content_hash(fields)[:16]}"


def plan_id(run: str, strategy: str, decision: int, index: int) -> str:
    """Return the id of plan ``index`` of decision number ``decision``: 32 hex digits (EX1)."""
    return content_hash(["plan", run, strategy, decision, index])[:32]


def intent_id(plan: str, step: int, stage: str = "", call: int = 0) -> str:
    """Return the id under which one transaction of a plan is journalled; at most one is ever alive per id (EX1)."""
    return content_hash(["intent", plan, step, stage, call])[:32]


_LEAVES = frozenset({str, int, bool, type(None)})


def _refuse_floats(plain: Any) -> None:
    if isinstance(plain, float):
        raise TypeError(f"{plain!r} is a float; canonical content has integers")
    if isinstance(plain, dict | list):
        for value in plain.values() if isinstance(plain, dict) else plain:
            if type(value) not in _LEAVES:  # most are, and asking each by a call takes as long as writing it
                _refuse_floats(value)
