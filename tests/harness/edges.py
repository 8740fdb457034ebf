"""What edges of all twins say alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidemill.interfaces import Revert


def refused(reason: str, twins: Any, act: Callable[..., Any], *args: Any) -> None:
    """Both twins must refuse with ``reason``, and nothing may change."""
    said = None
    try:
        act(*args)
    except Revert as revert:
        said = revert.reason
    assert said == reason, f"{act.__name__}{args}: {said}"
    twins.compare()
