"""What every test room shares."""

from __future__ import annotations

from typing import Any

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


BUDGET_S = {
    "app": 90,
    "browser": 90,
    "chain": 60,
    "docs": 90,
    "engine": 60,
    "examples": 130,
    "execution": 60,
    "facts": 5,
    "ledger": 60,
    "market": 150,
    "networks": 100,
    "rehearse": 240,
    "statement": 90,
    "strategies": 90,
    "studies": 350,
    "twins": 310,
    "units": 150,
    "venues": 240,
}
"""Seconds of test time that each room may take on two idle cores, summed over workers; 19 minutes of wall time in all."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what each room took beside its budget; nothing fails for being slow."""
    spent: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                room = report.nodeid.split("/")[1] if report.nodeid.startswith("tests/") else "?"
                spent[room] = spent.get(room, 0.0) + report.duration
    if len(spent) < 2:
        return
    terminalreporter.section("time by room, seconds (budget)")
    for room, seconds in sorted(spent.items()):
        budget = BUDGET_S.get(room)
        over = "  over" if budget and seconds > budget else ""
        terminalreporter.write_line(f"{room:12} {seconds:7.1f} ({budget or '-'}){over}")
