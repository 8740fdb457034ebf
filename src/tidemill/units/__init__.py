"""Scaled integers with the rounding in every name, and the rule language.

Light: importing it imports neither numba nor numpy. The 256-bit machine type lives in `tidemill.units.jit`.
"""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.units.amounts import format_amount, parse_amount
from tidemill.units.integers import *  # noqa: F403 - the helpers' own list is the public one
from tidemill.units.integers import __all__ as _integers
from tidemill.units.quantities import *  # noqa: F403
from tidemill.units.quantities import __all__ as _quantities
from tidemill.units.rules import Rule, rule

__all__ = ["Revert", "Rule", "format_amount", "parse_amount", "rule", *_integers, *_quantities]  # noqa: PLE0604
