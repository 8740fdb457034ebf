"""Independent tasks on several processes or a cluster, each of which loads its study once. Results do not depend on how many."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

__all__ = ["Player", "spread"]


class Player(Protocol):
    """What a process holds: it answers one task after another, each by itself."""

    def play(self, task: Any) -> Any:
        """Answer a task with plain values, which travel between processes."""
        ...


def spread(
    make: Callable[[], Player], here: Player, tasks: Sequence[tuple[int, Any]], workers: int, on: str = ""
) -> Iterator[tuple[int, Any]]:
    """Yield (number, answer) of every (number, task) as they come in, in any order.

    Parameters
    ----------
    make : makes a process's player; it travels there, so it is a function of a module with its arguments.
    here : this process's own, which plays everything where one worker is asked for.
    on : "" for processes of this machine, else a Ray cluster (``cluster``).
    """
    if on and tasks:
        from tidemill.studies.cluster import spread_on_ray  # noqa: PLC0415 - an extra

        yield from spread_on_ray(make, tasks, workers, on)
        return
    if workers < 2 or len(tasks) < 2:
        for number, task in tasks:
            yield number, here.play(task)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
    with concurrent.futures.ProcessPoolExecutor(min(workers, len(tasks)), context, _begin, (make,)) as pool:
        waiting = {pool.submit(_play, number, task) for number, task in tasks}
        try:
            for future in concurrent.futures.as_completed(waiting):
                yield future.result()
        finally:
            for future in waiting:
                future.cancel()


_player: Player | None = None
"""The player of a worker process."""


def _begin(make: Callable[[], Player]) -> None:
    global _player  # noqa: PLW0603 - one per process, made by the pool's initialiser
    _player = make()


def _play(number: int, task: Any) -> tuple[int, Any]:
    if _player is None:
        raise RuntimeError("a worker without its study")
    return number, _player.play(task)
