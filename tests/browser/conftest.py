"""One browser per test process, and the reports it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.studies.report import write_report
from tidemill.studies.schema import ResultDocument

from .chrome import NAMES, Chrome, find_chromium
from .documents import ALL


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """A headless Chromium; where there is none the test is skipped, except in CI, where one can be had."""
    program = find_chromium()
    if program is None:
        reason = f"no Chromium on the path ({', '.join(NAMES)}); install one with your system's packages"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Chrome(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def documents() -> dict[str, ResultDocument]:
    return {name: build() for name, build in ALL.items()}


@pytest.fixture(scope="session")
def report(documents: dict[str, ResultDocument], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of the report of the document named."""
    folder = tmp_path_factory.mktemp("reports")

    def path(name: str) -> Path:
        target = folder / f"{name}.html"
        return target if target.exists() else write_report(documents[name], target)

    return path
