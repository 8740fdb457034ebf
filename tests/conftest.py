"""What every test room shares."""

from __future__ import annotations

import pytest

from tidemill.chain import artefacts


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests marked ``chain`` with the reason when the artefacts are not in the cache."""
    marked = [item for item in items if item.get_closest_marker("chain")]
    if not marked:
        return
    # Our own contracts are compiled when a test asks for them: an edited source must never skip its tests.
    missing = [row.package for row in artefacts.ls() if not row.cached and not row.package.startswith("contracts/")]
    if missing:
        skip = pytest.mark.skip(reason=f"not in the cache: {', '.join(missing)}; run `tidemill contracts fetch`")
        for item in marked:
            item.add_marker(skip)
