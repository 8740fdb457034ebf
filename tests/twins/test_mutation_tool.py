"""`tools/mutants.py` itself: what it plants is run, a kill is the twins' doing, and a survivor makes it fail."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tidemill.chain import artefacts

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import mutants  # noqa: E402 - a tool, not a package

sys.path.remove(str(ROOT / "tools"))

KNOWN = {
    "uniswap_v3": "rules_fees.fee_growth_down: mul_div_down -> mul_div_up",
    "erc4626": "vault_rules.shares_for_assets_down: mul_div_down -> mul_div_up",
    "staking_rewards": "rules.earned_down: div_down -> div_up",
    "uniswap_v2": "rules.amount_out_down: div_down -> div_up",
    "aave_v3": "rules_risk.value_down: div_down -> div_up",
    "morpho_blue": "rules.wad_mul_down: div_down -> div_up",
    "minichef": "rules.emitted_down: div_down -> div_up",
    "liquid_staking": "rules.assets_for_shares_down: div_down -> div_up",
    "delegation": "rules.earned_down: mul_div_down -> mul_div_up",
    "savings_vault": "rules.chi_after_down: div_down -> div_up",
    "cl_gauge": "rules.reward_down: mul_div_down -> mul_div_up",
    "merkle_campaign": "rules.shared_down: mul_div_down -> mul_div_up",
    "morpho_vault": "rules.fee_assets_down: div_down -> div_up",
    "vote_escrow": "rules.slope_down: div_down -> div_up",
}
ONE = """
import importlib, sys
import mutants
venue, name = sys.argv[1:]
importlib.import_module("harness")
every = [m for module in mutants.declared(venue)["MODULES"] for m in mutants.mutants_of(module)]
verdict = mutants.run_one(venue, next(m for m in every if m.name == name) if name else None)
print(verdict.how)
"""


def _verdict(venue: str, name: str) -> str:
    """How one mutant of a venue ends, in a process of its own (it forks, and pytest has threads)."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("tools", "src", "tests"))
    done = subprocess.run(
        [sys.executable, "-c", ONE, venue, name],
        env={**os.environ, "PYTHONPATH": paths, "TIDEMILL_JIT": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def every(venue: str) -> list[mutants.Mutant]:
    return [m for module in mutants.declared(venue)["MODULES"] for m in mutants.mutants_of(module)]


def test_every_venue_with_twins_is_known_here() -> None:
    assert mutants.venues() == sorted(KNOWN)


@pytest.mark.chain
@pytest.mark.parametrize("venue", KNOWN)
def test_a_planted_rounding_is_run_and_killed_by_a_difference_of_the_twins(venue: str) -> None:
    if not artefacts.available("TestToken"):
        pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`")
    assert _verdict(venue, KNOWN[venue]).startswith("AssertionError: ")


@pytest.mark.long  # the tool does the same before every run
@pytest.mark.chain
def test_with_nothing_planted_the_twins_agree() -> None:
    if not artefacts.available("TestToken"):
        pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`")
    assert _verdict("erc4626", "") == "survived"


@pytest.mark.parametrize("venue", KNOWN)
def test_a_mutant_differs_from_its_module_in_one_place(venue: str) -> None:
    mutant = next(m for m in every(venue) if m.name == KNOWN[venue])
    sound = ast.unparse(mutants.parsed(mutant.module)).splitlines()
    spoilt = mutants.spoilt_source(mutant).splitlines()
    gone, new = Counter(sound) - Counter(spoilt), Counter(spoilt) - Counter(sound)
    new = Counter({line: n for line, n in new.items() if not line.startswith("from tidemill")})
    assert gone.total() == new.total() == 1
    assert next(iter(gone)).replace("div_down", "div_up") == next(iter(new))


def test_a_selection_is_the_same_each_time_and_has_every_file_and_every_rounding() -> None:
    everything = every("uniswap_v3")
    chosen = mutants.selection(everything)
    assert chosen == mutants.selection(everything)
    assert 80 <= len(chosen) <= 150
    assert {m.module for m in chosen} == {m.module for m in everything}
    assert {m for m in everything if m.kind == "rounding"} <= set(chosen)
    small = every("erc4626")
    assert mutants.selection(small) == small


def test_names_of_mutants_are_not_shared() -> None:
    for venue in KNOWN:
        names = [m.name for m in every(venue)]
        assert len(names) == len(set(names))


def test_survivors_and_false_arguments_are_complaints(capsys: pytest.CaptureFixture[str]) -> None:
    some = every("erc4626")[:4]
    verdicts = {m.name: mutants.Verdict(i < 2, "AssertionError", 0.1) for i, m in enumerate(some)}
    assert mutants.report("erc4626", some, verdicts, {}, whole=False) == 2
    argued = {some[2].name: "why", some[0].name: "wrong", "no such": "gone"}
    assert mutants.report("erc4626", some, verdicts, argued, whole=True) == 3
    said = capsys.readouterr().out
    assert f"survived, line {some[3].line}: {some[3].name}" in said
    assert f"argued equivalent but noticed (AssertionError): {some[0].name}" in said
    assert "argued equivalent but not planted: no such" in said
