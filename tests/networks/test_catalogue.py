"""What every network of the catalogue must be able to say of itself."""

from __future__ import annotations

import pytest

from tidemill import networks

TODAY = 1_795_219_200  # 2026-11-21
OURS = ("arbitrum-nova", "arbitrum-one", "base", "ethereum", "mode", "op-mainnet", "unichain")
PROOFS = {"bytecode-equal", "vector-equal", "formula only"}


@pytest.mark.parametrize("name", OURS)
def test_a_formula_says_how_it_was_shown(name: str) -> None:
    fact = networks.get(name).facts.facts["proof"]
    assert fact.value in PROOFS
    assert len(fact.source) > 20


@pytest.mark.parametrize("name", networks.names())
def test_routes_and_roles_are_whole(name: str) -> None:
    network = networks.get(name)
    routes = network.routes(TODAY)
    assert len({route.id for route in routes}) == len(routes)
    for route in routes:
        assert name in (route.source, route.target) or route.id == f"{name}-unbonding", "a stake may lie elsewhere"
        assert route.stages
        for stage in route.stages:
            least, usual, most = stage.wait.seconds
            assert 0 <= least <= usual
            assert most is None or usual <= most
    for role in network.roles(TODAY):
        assert role.about
        assert not (role.open == "nobody" and role.pays != "nothing")


@pytest.mark.parametrize("name", [name for name in OURS if name != "ethereum"])
def test_a_rollup_can_be_left_entered_and_forced(name: str) -> None:
    kinds = [(route.kind, route.source == name) for route in networks.get(name).routes(TODAY)]
    assert ("canonical", True) in kinds
    assert ("canonical", False) in kinds
    assert ("forced", True) in kinds
    own = [stage for route in networks.get(name).routes(TODAY) for stage in route.stages if stage.facts]
    assert own, "waits rest on facts"
