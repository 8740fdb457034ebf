"""A small market on disk with a study over it, made once per worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import STUDY, small_market, write_study


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset ``small``; tests write their studies beside it."""
    from tidemill.market import write_dataset

    place = tmp_path_factory.mktemp("studies")
    write_dataset(small_market(), place / "small")
    return place


@pytest.fixture(scope="session")
def study(folder: Path) -> Path:
    """A range reset over it."""
    return write_study(folder, STUDY, "small.toml")
