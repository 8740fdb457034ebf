"""Crash points: every journal write and every call to the endpoint, before and after it takes effect.

The process is not really killed: an exception that nothing may catch leaves the executor, which is thrown away with its
journal connection; the next one starts from the file, as a new process would. (``synchronous=FULL`` makes the file of a
killed process and of an abandoned connection the same: what COMMIT returned from is there, nothing else.)
"""

from __future__ import annotations

from tidemill.errors import RpcError


class Killed(BaseException):
    """SIGKILL: no handler may survive it."""


class Fuse:
    """Counts operations and blows at one of them, before or after it takes effect."""

    def __init__(self, at=None, *, after=False, error=Killed):
        self.at, self.after, self.error, self.count = at, after, error, 0
        self.names = []

    def through(self, name, call):
        number, self.count = self.count, self.count + 1
        self.names.append(name)
        if number == self.at and not self.after:
            raise self._blow(name)
        result = call()
        if number == self.at and self.after:
            raise self._blow(name)
        return result

    def _blow(self, name):
        return self.error(f"{name}: connection lost") if self.error is RpcError else self.error(name)


class Fused:
    """Wraps a journal or a transport: every method call passes the fuse."""

    def __init__(self, inner, fuse, *, only=None):
        self._inner, self._fuse, self._only = inner, fuse, only

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value) or name == "close" or (self._only and name not in self._only):
            return value
        return lambda *args, **kw: self._fuse.through(name, lambda: value(*args, **kw))
