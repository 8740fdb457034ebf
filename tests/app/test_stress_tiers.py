"""`tidemill stress` by kernels, as the stress page shows it: what is printed, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import NEEDS_PAGE, tidemill

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOP, FARM = EXAMPLES / "leveraged_staking.toml", EXAMPLES / "farm_compound.toml"
pytestmark = NEEDS_PAGE
SHORT = ("--days", 4, "--jobs", 1)


def test_fast_prints_its_error_and_what_is_not_in_it(tmp_path: Path) -> None:
    said = tidemill(
        "stress",
        FARM,
        "--paths",
        30,
        *SHORT,
        "--fast",
        "-s",
        "reward:90,crash:30",
        "--correlation",
        "WETH:SUSHI:0.6",
        "-o",
        tmp_path,
    )
    assert said.code == 0, said.err
    assert "30 futures of 4 days · price by gbm · shocks reward:90, crash:30" in said.out
    assert "floats against the exact kernels on 30 of these futures" in said.out
    assert "correlation of WETH/USDC and SUSHI/USDC: +0.60" in said.out
    assert "shared factors counted once" in said.out and "in the worst 5 %" in said.out
    assert "assumed: what others stake" in said.out and "no history to fit bootstrap" in said.out
    document = json.loads((tmp_path / "farm_compound-stress" / "stress.json").read_text())
    assert document["tier"] == "fast" and document["error"]["paths"] == 30 and document["fan"]["mean"]
    assert (tmp_path / "farm_compound-stress" / "futures.csv").read_text().count("\n") == 31


def test_exact_kernels_have_no_error_to_print(tmp_path: Path) -> None:
    said = tidemill("stress", LOOP, "--paths", 4, *SHORT, "--tier", "exact", "-o", tmp_path, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["error"] is None and json.loads(said.out)["tier"] == "exact"


@pytest.mark.parametrize(
    ("study", "more", "line"),
    [
        (
            EXAMPLES / "lending.toml",
            ["--fast"],
            "tier: lend cannot be played by kernels; range_reset, leveraged_staking, farm_compound can",
        ),
        (FARM, ["--fast", "--correlation", "WETH:SUSHI"], "correlation: 'WETH:SUSHI': write TOKEN:TOKEN:NUMBER"),
        (FARM, ["--fast", "--correlation", "WETH:SUSHI:2"], "correlation: 'WETH:SUSHI:2': write TOKEN:TOKEN:NUMBER"),
        (FARM, ["--correlation", "WETH:SUSHI:0.5"], "tier: only kernels take a table of prices and correlations"),
        (FARM, ["--fast", "--history", "none.csv"], "none.csv: history: no such file"),
        (FARM, ["-s", "crash:30"], "shock: crash:30: no market of the study has a price to move"),
        (FARM, ["--fast", "-s", "frozen:0"], "shock: 'frozen:0': between 0 and 180 days"),
        (FARM, ["--fast", "-s", "depeg:dai1999"], "shock: 'depeg:dai1999' is no shock"),
    ],
)
def test_refused_in_one_line(study: Path, more: list[str], line: str) -> None:
    said = tidemill("stress", study, "--paths", 4, *SHORT, *more)
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith(f"tidemill: {line}"), said.err
