"""The page's example runs and prints what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

PAGES = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("example", list(find_examples(PAGES / "rooms/ledger.md")), ids=str)
def test_example_prints_what_it_says(example: CodeExample, eval_example: EvalExample) -> None:
    eval_example.run_print_check(example)
