"""Live-like rehearsals: others act in between, in another order; the books still equal the chain."""

from __future__ import annotations

import pytest

from rehearse.played import rehearsed

pytestmark = pytest.mark.chain

SEEDS = (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["range_reset", "vault_farm"])
def test_the_books_equal_the_chain_and_causes_add_up(name: str, seed: int) -> None:
    comparison = rehearsed(name, "live-like", "model", seed)
    document = comparison.document
    assert document.agrees and document.books_equal, document.differences
    assert "0 wei" not in document.verdict and "books equal the chain" in document.verdict
    assert [row.cause for row in document.causes] == ["delay", "price", "gas", "others"]
    chain, model = document.modes[0].keep, document.modes[1].keep
    assert document.tracking_error == chain - model
    assert document.tracking_error == sum(row.value for row in document.causes)
    assert {row.state for row in document.journal} == {"done"}
    assert len(document.balances) >= 5 and {row.difference for row in document.balances} == {0}
    assert document.gas == "measured" and any(row.token.startswith("ETH@") for row in document.balances)


def test_another_seed_is_another_market() -> None:
    one, two = (rehearsed("range_reset", "live-like", "model", seed).document for seed in SEEDS)
    assert one.tracking_error != two.tracking_error
    assert one.transactions.others != two.transactions.others or one.state != two.state
    others = {row.cause: row.value for row in one.causes}["others"]
    assert others != 0
