"""A small market on disk, made once per worker; tests that damage it copy it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import small_market


@pytest.fixture(scope="session")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset ``small``."""
    from tidemill.market import write_dataset

    root = tmp_path_factory.mktemp("markets")
    write_dataset(small_market(), root / "small")
    return root
