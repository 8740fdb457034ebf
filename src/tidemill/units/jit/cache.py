"""numba's on-disk cache, its folder and freshness decided by `tidemill.units.kernels.cache_folder`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from tidemill.units.jit import compiled as _compiled  # noqa: F401 - rules and helpers known to numba
from tidemill.units.kernels import cache_folder

__all__ = ["cached_njit", "plain_njit"]


def _ask_for_blas_later() -> None:
    """Keep numba from loading SciPy's linear algebra with the first kernel, only to see whether it is there.

    That takes 16 MB and a quarter of a second, and no kernel multiplies matrices. Whoever's does still gets it: numba loads
    it where such a function is compiled.
    """
    from numba.np import linalg  # noqa: PLC0415

    if "numba.np.arraymath" in sys.modules or not hasattr(linalg, "ensure_blas"):
        return
    ask = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath  # noqa: PLC0415
    finally:
        linalg.ensure_blas = ask
    arraymath.ensure_blas, arraymath._HAVE_BLAS = ask, find_spec("scipy") is not None  # noqa: SLF001


_ask_for_blas_later()


class _ClosureLocator(_CacheLocator):
    """Finds machine code by the hash of everything its source imports."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._folder = cache_folder(function.__module__, file)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _ClosureLocator:
        return cls(function, file)


class _Impl(CompileResultCacheImpl):
    _locator_classes = [_ClosureLocator]  # noqa: RUF012 - numba's own shape


class _Cache(FunctionCache):
    _impl_class = _Impl


def cached_njit(function: Callable[..., Any], signature: Any, options: dict[str, Any]) -> Any:
    """Compile `function`, or load it from the cache."""
    assert inspect.getsourcefile(function), f"{function} has no source file"
    dispatcher = njit(**options)(function)
    dispatcher._cache = _Cache(function)  # noqa: SLF001 - what enable_caching does, with our locator
    if signature is not None:
        for one in signature if isinstance(signature, list) else [signature]:
            dispatcher.compile(one)
        dispatcher.disable_compile()
    return dispatcher


def plain_njit(function: Callable[..., Any], *, inlined: bool = False) -> Any:
    """Compile `function` when a kernel first uses it.

    Parts make no array and keep none, so nothing need count who holds one: counting is a call at every hand-over, and
    whatever is in a register goes to the stack ahead of a call.
    """
    return njit(nogil=True, forceinline=inlined, _nrt=False)(function)
