"""`tidemill venues`: every kind says how it earns, what can go wrong, what it costs and where it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kit import tidemill
from tidemill.venues import about as about_module
from tidemill.venues.about import about, catalogue
from tidemill.venues.kinds import kind, kinds

OURS = Path(about_module.__file__).parent


@pytest.mark.parametrize("name", [name for name in kinds() if OURS in Path(kind(name).gas).parents])
def test_every_kind_of_ours_is_described(name: str) -> None:
    one = about(name)
    assert one.kind.income.endswith(".")
    assert len(one.kind.risks) >= 2
    # nothing is put into a campaign, which pays for something done elsewhere, or into a role
    nothing_in = ("merkle_campaign", "sequencer", "prover", "custodian")
    there = {"leave"} if name == "payees" else {"enter", "leave"}  # to pay is all that one does there
    assert ({"harvest"} if name in nothing_in else there) <= one.costs.keys()
    for cost in one.costs.values():
        assert cost.transactions >= 1 and cost.gas > 21_000 * cost.transactions
        assert (cost.off == "not measured") is (one.kind.proof == "unproven")
    measured = "none: not measured" if one.kind.proof == "unproven" else "anvil .*"
    assert re.fullmatch(f"{measured}, [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}", one.measured)
    for names in one.deployments.values():
        for fact in names.values():
            assert re.fullmatch("0x[0-9a-f]{40}", str(fact.value)) and "@" in fact.source and fact.as_of.year >= 2026


def test_the_list_is_filtered_by_what_is_asked() -> None:
    assert {one.kind.family for one in catalogue(family="farm")} == {"farm"}
    assert all("base" in one.networks for one in catalogue(network="base"))
    assert [one.kind.name for one in catalogue(network="base", family="amm")].count("uniswap_v3") == 1
    said = tidemill("venues", "--family", "farm")
    assert said.code == 0 and "staking_rewards" in said.out and "uniswap_v3" not in said.out
    rows = json.loads(tidemill("venues", "--json").out)
    assert [row["kind"] for row in rows] == list(kinds())


def test_one_kind_is_shown_with_sources_and_costs() -> None:
    said = tidemill("venues", "show", "uniswap_v3", "--network", "ethereum")
    assert said.code == 0
    # Uniswap v3's factory on Ethereum, as the pool of the real day was made by it.
    assert "0x1f98431c8ad98523631ae4a59f267346ea31f984" in said.out
    assert "base" not in said.out and "divergence" in said.out and "mint" in said.out
    told = json.loads(tidemill("venues", "show", "uniswap_v3", "--json").out)
    assert told["proof"] == "bytecode-equal" and told["costs"]["leave"]["verb"] == "close"
    assert told["deployments"]["base"]["factory"]["source"].startswith("@uniswap/sdk-core@")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "uniswap_v33"), "did you mean 'uniswap_v3'"),
        (("--family", "farms"), "family: no venue has 'farms'; did you mean 'farm'?"),
        (("--network", "bass"), "network: no venue has 'bass'; did you mean 'base'?"),
        (("--proof", "proven"), "proof: no venue has 'proven'"),
    ],
)
def test_unknown_names_are_one_line(arguments: tuple[str, ...], says: str) -> None:
    said = tidemill("venues", *arguments)
    assert said.code == 2 and said.out == "" and says in said.line
