"""`tidemill risk`: the estimate, why, in money, and wrong input in a line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from kit import tidemill, write_study
from tidemill import networks

ON = ("--on", "2026-11-21")


def test_an_estimate_is_labelled_and_explained() -> None:
    said = tidemill("risk", "aave_v3@base", "--why", *ON)
    assert said.code == 0
    for part in (
        "an estimate",
        "Expected loss in a year",
        "chance of losing more than 1 %",
        "flag, at best B",
        "L2BEAT",
    ):
        assert part in said.out
    assert "Exponential.fi" in said.out and "holder.io" not in said.out
    assert "because" not in tidemill("risk", "aave_v3@base", *ON).out


def test_json_has_every_fact() -> None:
    told = json.loads(tidemill("risk", "liquid", "--amount", "1000", *ON, "--json").out)
    assert (
        told["capped"] == "C"
        and told["unknown"] >= 1
        and told["learn"].startswith("network:liquid: ")
        and told["label"].startswith("an estimate")
    )
    assert {flag["name"] for flag in told["flags"]} == {"no_forced_exit", "recent_incident"}
    (shock,) = told["shocks"]
    assert all(reason["fact"]["source"] for reason in shock["reasons"])
    loss = told["expected_loss"]
    assert float(loss["low"]) < float(loss["usual"]) < float(loss["high"])
    assert float(loss["usual"]) == pytest.approx(1000 * told["loss"]["usual"], abs=1e-6)
    assert float(loss["usual"]) >= 1000 * told["loss"]["usual"] - 1e-9


def test_a_study_and_a_portfolio(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    told = json.loads(tidemill("risk", study, *ON, "--json").out)
    assert set(told["causes"]) == {"network", "protocol", "asset", "position"}
    assert told["loss"]["usual"] < sum(one["usual"] for one in told["causes"].values())
    both = tidemill("risk", study, "aave_v3@op-mainnet", *ON)
    assert both.code == 0 and "a portfolio in parts of 1 A small range, 1 aave_v3@op-mainnet" in both.out
    assert both.out.count("base: contracts") == 0 and both.out.count("op-mainnet: contracts can be changed") == 1


def test_a_kind_that_is_not_known_to_stand_there_is_said() -> None:
    said = tidemill("risk", "aave_v3@loopring", *ON)
    assert (
        said.code == 0
        and "not counted: place: aave_v3 is not known to stand on loopring (listed on ethereum, " in said.out
    )
    for there in ("aave_v3@base", "erc4626@base", "canonical_bridge@op-mainnet"):  # nobody lists a vault anywhere
        assert "not known to stand" not in tidemill("risk", there, *ON).out


def test_a_name_is_no_picture() -> None:
    """Between colons, as in ``network:scroll:``, it might be taken for one."""
    assert "learn network:scroll: " in tidemill("risk", "scroll", *ON).out


@pytest.mark.parametrize("name", [name for name in networks.names() if name != "ethereum"])
def test_the_words_of_why_add_up_to_the_number(name: str) -> None:
    """Only what is said: the rate after the own record, each fact's factor on the odds, and the part that is lost."""
    told = json.loads(tidemill("risk", name, *ON, "--json").out)
    (shock,) = told["shocks"]
    words = [reason["words"] for reason in shock["reasons"]]
    rates = [float(found[1]) / 100 for word in words if (found := re.search(r"(?:base rate|so) ([\d.]+)%", word))]
    factors = [float(found[1]) for word in words if (found := re.search(r"odds × ([\d.]+)", word))]
    parts = [float(found[1]) / 100 for word in words if (found := re.search(r"([\d.]+)% lost if so", word))]
    odds = rates[-1] / (1 - rates[-1]) * math.prod(factors)
    part = parts[-1] if parts else 0.29  # unknown: the usual one
    assert shock["chance"]["usual"] == pytest.approx(odds / (1 + odds), rel=0.05)  # words have two figures
    assert told["loss"]["usual"] == pytest.approx(shock["chance"]["usual"] * part, rel=0.01)
    assert told["loss"]["low"] <= told["loss"]["usual"] <= told["loss"]["high"] < 1 and told["loss"]["low"] > 0
    said = tidemill("risk", name, *ON, "--why").out
    assert all(word.split(":")[0].split(" in ")[0] in said.replace("\n", " ") for word in words if len(word) < 30)


def test_causes_make_the_whole() -> None:
    """One less the product of what each shock leaves, over distinct shocks; a portfolio of one twice is that one."""
    told = json.loads(tidemill("risk", "uniswap_v3@base", *ON, "--json").out)
    for end in ("low", "usual", "high"):
        left = math.prod(1 - shock["chance"][end] * shock["part"][end] for shock in told["shocks"])
        assert told["loss"][end] == pytest.approx(1 - left)
    twice = json.loads(tidemill("risk", "uniswap_v3@base", "uniswap_v3@base", *ON, "--json").out)
    assert twice["loss"]["usual"] == pytest.approx(told["loss"]["usual"]) and twice["chance"] == told["chance"]


def test_the_day_counts() -> None:
    before = json.loads(tidemill("risk", "liquid", "--on", "2026-09-05", "--json").out)
    after = json.loads(tidemill("risk", "liquid", "--on", "2026-09-06", "--json").out)
    assert after["loss"]["usual"] > before["loss"]["usual"]
    assert {flag["name"] for flag in before["flags"]} == {"no_forced_exit"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("op-mainet",), "did you mean 'op-mainnet'"),
        (("uniswap_v3",), "id: uniswap_v3 stands on several networks; say which: uniswap_v3@op-mainnet"),
        (("uniswap_v4@base",), "did you mean 'uniswap_v3'"),
        ((), "id: name a network, KIND@NETWORK or a study file"),
        (("nope.toml",), "nope.toml: no such file"),
        (("",), "id: an empty name; name a network, KIND@NETWORK or a study file"),
        (("base", "mode", "--parts", "1"), "parts: 1 parts for 2 subjects: give one for each"),
        (("base", "mode", "--parts", "1,0"), "parts: '1,0': expected whole numbers above 0 such as 3,1"),
        (("base", "--amount", "lots"), "amount: 'lots' is not a decimal amount"),
        (("base", "--amount", "-5"), "amount: '-5': expected an amount from 0 up"),
        (("base", "--on", "today"), "on: 'today': expected a day"),
        (("base", "--on", "2023-06-14"), "on: base is known from 2023-06-15T00:35:47Z on"),
        (("aave_v3@citrea", "--on", "2025-01-01"), "on: citrea is known from 2026-01-27T00:00:00Z on"),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    said = tidemill("risk", *arguments)
    assert said.code == 2 and said.out == "" and says in said.line


def test_what_was_read_after_the_day_is_doubtful() -> None:
    then = json.loads(tidemill("risk", "zksync-era", "--on", "2023-08-01", "--json").out)
    soon = json.loads(tidemill("risk", "zksync-era", "--on", "2024-06-02", "--json").out)
    assert "stage (read 305 days later)" in str(then["shocks"])
    assert "later" not in str(soon["shocks"])
    assert then["loss"]["high"] > soon["loss"]["high"] and then["loss"]["low"] < soon["loss"]["low"]


def test_a_cause_that_is_not_counted_is_not_0_in_json() -> None:
    told = json.loads(tidemill("risk", "aave_v3@base", "--on", "2026-11-21", "--json").out)
    assert told["causes"].keys() == {"network", "protocol"}
