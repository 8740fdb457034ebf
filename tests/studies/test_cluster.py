"""The same tasks on a Ray cluster of two workers: the same answers, each task once, lost workers replaced."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import tidemill
from tidemill.errors import BadInput
from tidemill.studies.cluster import _join, check_place, spread_on_ray
from tidemill.studies.grid import parse_grid
from tidemill.studies.stress import stress
from tidemill.studies.sweep import sweep
from tidemill.studies.workers import spread

AXES = parse_grid(["width=100,400", "trigger=0,20"])


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two workers on this machine, joined by all tests of this file."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield
    ray.shutdown()


def made(fault: Callable[[int], None] = lambda task: None) -> Callable[[], Any]:
    """Make players that square; defined inside, so that it travels by value and not by the name of this module."""

    class Squares:
        def play(self, task: int) -> tuple[int, int]:
            fault(task)
            time.sleep(0.05)
            return task * task, os.getpid()

    return Squares


@pytest.mark.usefixtures("cluster")
def test_every_task_once_on_two_processes() -> None:
    tasks = [(number, 10 + number) for number in range(12)]
    found = dict(spread(made(), made()(), tasks, 2, "ray"))
    assert {number: answer for number, (answer, _) in found.items()} == {n: t * t for n, t in tasks}
    workers = {worker for _, worker in found.values()}
    assert len(workers) == 2 and os.getpid() not in workers


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    died = tmp_path / "died"

    def die_once(task: int) -> None:
        if task == 3 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    found = dict(spread_on_ray(made(die_once), [(n, n) for n in range(6)], 2, "ray"))
    assert died.exists()
    assert {number: answer for number, (answer, _) in found.items()} == {n: n * n for n in range(6)}


@pytest.mark.usefixtures("cluster")
def test_what_a_player_refuses_is_said_as_it_said_it() -> None:
    def refuse(task: int) -> None:
        if task == 2:
            raise BadInput("2 is odd enough", file="small.toml", field="task")

    with pytest.raises(BadInput) as caught:
        list(spread_on_ray(made(refuse), [(n, n) for n in range(4)], 2, "ray"))
    assert str(caught.value) == "small.toml: task: 2 is odd enough"
    assert (caught.value.file, caught.value.field) == ("small.toml", "task")


@pytest.mark.usefixtures("cluster")
def test_a_sweep_and_a_stress_have_the_same_hash_as_here(study: Path) -> None:
    assert sweep(study, AXES, jobs=2, on="ray").document == sweep(study, AXES).document
    there = stress(study, worlds=3, model="gbm", days=1, jobs=2, on="ray")
    here = stress(study, worlds=3, model="gbm", days=1)
    assert there.document == here.document and there.rows == here.rows


@pytest.mark.parametrize(
    "on", ["rays", "ray://", "ray://host", "ray://host:x", "http://host:1", "ray://a b:1", "ray://h:1/x"]
)
def test_a_place_that_is_none_is_refused_by_name(study: Path, tmp_path: Path, on: str) -> None:
    with pytest.raises(BadInput, match="ray://HOST:PORT"):
        check_place(on)
    said = tidemill("sweep", study, "--grid", "width=100,200", "--on", on, "-o", tmp_path)
    assert said.code == 2
    assert said.err.startswith("tidemill: on: ") and said.err.count("\n") == 1


class Stuck:
    """Stands in for Ray, whose server's fork hangs by chance alone: it aborts so many sessions, then begins one."""

    def __init__(self, aborts: int) -> None:
        self.aborts, self.asked = aborts, 0

    def init(self, on: str, **_: Any) -> None:
        self.asked += 1
        if self.asked <= self.aborts:
            raise ConnectionAbortedError("Initialization failure from server:\nnone began")


def test_a_server_that_starts_no_session_is_asked_again() -> None:
    stuck = Stuck(aborts=3)
    _join(stuck, 2, "ray://host:1")
    assert stuck.asked == 4
    with pytest.raises(BadInput, match="no Ray cluster answers at ray://host:1: Initialization failure"):
        _join(Stuck(aborts=4), 2, "ray://host:1")


def until_answered(port: int, patience_s: int = 300) -> None:
    """Return when something listens on the loopback's ``port``; a head on a busy machine takes its time."""
    for _ in range(patience_s):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(1)
    pytest.fail(f"nobody listens on port {port} after {patience_s} s")


@pytest.mark.long
def test_through_a_cluster_s_client_server(study: Path, tmp_path: Path) -> None:
    """A head started as its owner would, on the loopback device and with a token; and nobody there."""
    token = secrets.token_hex(32)
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0"}
    start = [Path(sys.executable).parent / "ray", "start", "--head", "--block", "--node-ip-address", "127.0.0.1"]
    ports = ["--port", "26379", "--ray-client-server-port", "26001", "--include-dashboard", "false", "--num-cpus", "2"]
    play = [sys.executable, "-m", "tidemill", "sweep", str(study), "--grid", "width=100,400", "--json"]
    with subprocess.Popen(
        [*start, *ports], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as head:
        try:
            until_answered(26001)
            there = subprocess.run(
                [*play, "--on", "ray://127.0.0.1:26001", "-o", tmp_path / "there"],
                env=environment,
                capture_output=True,
                check=True,
                timeout=600,
            )
        finally:
            head.terminate()
    here = subprocess.run([*play, "-o", tmp_path / "here"], capture_output=True, check=True, timeout=600)
    assert there.stdout == here.stdout and b'"result_hash"' in here.stdout
    nobody = subprocess.run(
        [*play, "--on", "ray://127.0.0.1:26002", "-o", tmp_path / "nobody"],
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert nobody.returncode == 2 and b"on: no Ray cluster answers at ray://127.0.0.1:26002" in nobody.stderr
