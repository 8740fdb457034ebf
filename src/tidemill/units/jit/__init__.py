"""The 256-bit machine type, compiled rules, and wide integers in arrays. Importing it imports numba.

With ``TIDEMILL_JIT=0`` the array functions are plain Python, so that kernels run on ``int``.
"""

from __future__ import annotations

from typing import Any

from tidemill.units.jit import limbs as _limbs
from tidemill.units.jit import plain as _plain
from tidemill.units.jit import raw
from tidemill.units.jit.compiled import compile_rule, jit
from tidemill.units.jit.limbs import pack, unpack
from tidemill.units.jit.types import I256, U256
from tidemill.units.kernels import is_jit

__all__ = [
    "I256",
    "U256",
    "as_index",
    "borrow",
    "compile_rule",
    "jit",
    "load128",
    "load192",
    "load256",
    "pack",
    "store128",
    "store192",
    "store256",
    "to_float",
    "unpack",
]

_module: Any = _limbs if is_jit() else _plain
as_index, borrow = _module.as_index, _module.borrow
load128, load192, load256 = _module.load128, _module.load192, _module.load256
to_float: Any = raw.to_float if is_jit() else float  # not money: estimates that exact arithmetic settles
store128, store192, store256 = _module.store128, _module.store192, _module.store256
