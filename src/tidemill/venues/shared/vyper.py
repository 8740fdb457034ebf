"""What our own Vyper contracts say when their arithmetic refuses: nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.units.integers import DIVISION_BY_ZERO, OVERFLOW, UNDERFLOW

__all__ = ["SILENT"]

SILENT: Mapping[str, str] = {OVERFLOW: "", UNDERFLOW: "", DIVISION_BY_ZERO: ""}
"""A rule's reason → the contract's: Vyper reverts without a word where a number leaves its range."""
