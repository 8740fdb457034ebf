"""numba's on-disk cache, its folder and freshness decided by `tidemill.units.kernels.cache_folder`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from tidemill.units.jit import compiled as _compiled  # noqa: F401 - rules and helpers known to numba
from tidemill.units.kernels import cache_folder

__all__ = ["cached_njit", "plain_njit"]


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
