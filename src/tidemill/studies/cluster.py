"""The same independent tasks on a Ray cluster: an actor per worker loads the study once and answers one task after another.

Ray places the actors, moves what they say, and starts them again where a machine is lost; nothing of that is ours. Tasks
are seeded by their content, so who plays one does not matter.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.errors import BadInput, MissingArtefact

if TYPE_CHECKING:
    from tidemill.studies.workers import Player

__all__ = ["check_place", "spread_on_ray"]

LOCAL = "ray"
"""A cluster of our own on this machine, or the one that RAY_ADDRESS names."""
_CLIENT = re.compile(r"ray://[^/\s:]+:\d{1,5}\Z")
RETRIES = 3
"""Times that a task is played again elsewhere when its machine is lost."""


def check_place(on: str) -> None:
    """Refuse a place that is neither ``""`` (processes of this machine), ``ray`` nor ``ray://HOST:PORT``; raises ``BadInput``."""
    if on not in ("", LOCAL) and not _CLIENT.match(on):
        raise BadInput(
            f"{on!r} is no place to play; give ray, or ray://HOST:PORT of a cluster's client server", field="on"
        )


def spread_on_ray(
    make: Callable[[], Player], tasks: Sequence[tuple[int, Any]], workers: int, on: str
) -> Iterator[tuple[int, Any]]:
    """Yield (number, answer) of every (number, task) as they come in, in any order.

    Parameters
    ----------
    make : makes an actor's player, from files that every machine of the cluster must see under the same paths.
    workers : actors, each with a core of its own. on : ``ray``, or ``ray://HOST:PORT``.

    Raises
    ------
    BadInput : no cluster answers there, it has no core free, or a player refuses its study.
    MissingArtefact : Ray is not installed.
    """
    try:
        # Not at our users' cost: nothing is reported to Ray's makers, and no cores are hidden by an empty list of GPUs.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray  # noqa: PLC0415 - an extra, and slow to import
        from ray.exceptions import RayActorError, RayTaskError  # noqa: PLC0415
    except ImportError:
        raise MissingArtefact("--on ray needs the package ray; install tidemill[ray]") from None
    mine = not ray.is_initialized()
    if mine:
        _join(ray, workers, on)
    try:
        actor = ray.remote(num_cpus=1, max_restarts=RETRIES, max_task_retries=RETRIES)(_Actor)
        players = [actor.remote(make) for _ in range(min(workers, len(tasks)))]
        pool = ray.util.ActorPool(players)
        yield from pool.map_unordered(lambda player, task: player.play.remote(*task), list(tasks))
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except RayActorError as error:
        raise BadInput(f"a worker of the cluster is lost and does not come back: {_line(error)}", field="on") from None
    finally:
        if mine:
            ray.shutdown()


def _join(ray: Any, workers: int, on: str) -> None:
    """Join the cluster that ``on`` or RAY_ADDRESS names, or start one on the loopback device."""
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if on != LOCAL:
            _knock(ray, on, quiet)
        elif os.environ.get("RAY_ADDRESS"):
            ray.init(**quiet)
        else:
            ray.init("local", num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise BadInput(
            f"no Ray cluster answers at {on}: {_line(error)} (its token, if it has one, goes into RAY_AUTH_TOKEN)",
            field="on",
        ) from None


class _Actor:
    """A worker of the cluster: its player is made with the first task, so that a study refused there is an answer."""

    def __init__(self, make: Callable[[], Player]) -> None:
        self._make = make
        self._player: Player | None = None

    def play(self, number: int, task: Any) -> tuple[int, Any]:
        if self._player is None:
            self._player = self._make()
        return number, self._player.play(task)


def _knock(ray: Any, on: str, quiet: dict[str, Any]) -> None:
    """Join through a client server. One that answers and then starts no session is asked again: its fork hangs at times."""
    with warnings.catch_warnings():  # it warns of what it then raises
        warnings.simplefilter("ignore")
        for _ in range(RETRIES):
            with contextlib.suppress(ConnectionAbortedError):
                ray.init(on, **quiet)
                return
        ray.init(on, **quiet)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
