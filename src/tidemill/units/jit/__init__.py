"""The 256-bit machine type, compiled rules and kernels. Importing it imports numba."""

from __future__ import annotations

from tidemill.units.jit.compiled import compile_rule, jit
from tidemill.units.jit.limbs import (
    load128,
    load192,
    load256,
    pack,
    store128,
    store192,
    store256,
    unpack,
)
from tidemill.units.jit.types import I256, U256

__all__ = [
    "I256",
    "U256",
    "compile_rule",
    "jit",
    "load128",
    "load192",
    "load256",
    "pack",
    "store128",
    "store192",
    "store256",
    "unpack",
]
