"""A canonical bridge against the real contracts on two local chains: every balance, stage and refusal equal.

Exercised: L2StandardBridge, L2CrossDomainMessenger and L2ToL1MessagePasser on one chain; L2OutputOracle, OptimismPortal,
L1CrossDomainMessenger and L1StandardBridge on the other, with storage proofs by ``eth_getProof``. Played: the proposer and the
derivation of deposits. Not exercised: dispute games (the package has them, and OP Mainnet uses them now), pauses, ether,
messages whose execution fails, and re-proving against another output.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tidemill.chain import artefacts

if not artefacts.available("OptimismPortal", "L2OutputOracle", "L2ToL1MessagePasser", "OptimismProxy", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)
if not any(row.cached for row in artefacts.ls() if "anvil" in row.package):
    pytest.skip("anvil is not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.interfaces import Action
from tidemill.venues.canonical_bridge.local_bridge import Terms
from tidemill.venues.canonical_bridge.model import NO_OUTPUT, NOT_PROVEN, PAID, PROVEN, TOO_EARLY
from twins.canonical_bridge_twin import LAG, SECONDS, START, USDC1, Twins, given, live

pytestmark = pytest.mark.chain

POOR = "ERC20: burn amount exceeds balance"
REASONS = {
    ("send", POOR),
    ("deposit", "balance"),
    ("prove", NO_OUTPUT),
    ("prove", PROVEN),
    ("finalize", NOT_PROVEN),
    ("finalize", TOO_EARLY),
    ("finalize", PAID),
}
WEEK = 604_800


@contextmanager
def twins(seed: str, terms: Terms) -> Iterator[Twins]:
    """Two fresh chains and a bridge between them."""
    one, two = AnvilOptions(seconds_per_block=1), AnvilOptions(chain_id=10, seconds_per_block=SECONDS)
    with Anvil(one) as l1, Anvil(two) as l2:
        yield Twins(l1, l2, seed, terms)


def test_model_equals_contracts_after_every_action():
    with twins("bridge", Terms(30, SECONDS, 900)) as both:
        tally = live(both, 150)
    print(tally)
    assert set(tally.done) == {"send", "deposit", "prove", "finalize"}
    assert set(tally.reasons) == REASONS
    assert tally.done.total() > 75


def test_a_week_to_the_second():
    with twins("week", Terms(30, SECONDS, WEEK)) as both:
        given(both, 10**10)
        assert both.act("me", Action("send", {"amount": 4 * 10**9})) is None
        position = {"position": "exit#2"}
        ready = both.state.tickets[1].ready
        assert (ready - LAG - both.state.first_time) % (30 * SECONDS) == 0
        both.wait(ready - both.now() - 2)
        assert both.act("me", Action("prove", position)) == NO_OUTPUT  # in the second before the output
        assert both.now() == ready - 1
        assert both.act("me", Action("prove", position)) is None
        proven = both.state.tickets[1].proven
        assert both.act("me", Action("prove", position)) == PROVEN
        both.proposing = False
        both.l1.mine(time_s=proven + WEEK - 1)  # the rollup need not go on for it
        assert both.act("me", Action("finalize", position)) == TOO_EARLY  # at proven + WEEK itself
        assert both.now() == proven + WEEK
        assert both.act("me", Action("finalize", position)) is None
        both.compare()
        assert both.book.held[USDC1, "me"] == START - 10**10 + 4 * 10**9
        assert both.act("me", Action("finalize", position)) == PAID


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_model_equals_contracts_at_length(seed: int):
    with twins(f"long {seed}", Terms(20 + 7 * seed, SECONDS, 200 + 300 * seed)) as both:
        live(both, 600)
