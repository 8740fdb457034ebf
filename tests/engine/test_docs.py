"""The pages' examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOMS = Path(__file__).parents[2] / "docs" / "rooms"


@pytest.mark.parametrize("page", ["engine", "strategies"])
def test_the_examples_of_the_page_run(page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOMS / f"{page}.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {"__name__": page})
