"""What `tools/mutants.py` spoils of delegation, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

import msgspec

MODULES = [
    "tidemill.venues.delegation.rules",
    "tidemill.venues.delegation.state",
    "tidemill.venues.delegation.model",
]

EQUIVALENT = {
    "state.Terms: 0 -> 1 #*": "what a form does not read has a default, and every form is given all that it reads",
    "state.Terms: 1 -> 2": "the same, of the interval",
    "state.Terms: True -> False": "nothing ever writes to terms; that they cannot be written guards against mistakes to come",
}


def run() -> None:
    """The edges, published cases of what no contract of ours holds, then short random lives."""
    from twins.delegation_edges import EDGES
    from twins.delegation_twin import SETUPS, Twins

    published()
    for edge in EDGES:
        edge()
    for actions in (40, 150):
        for terms, seed in SETUPS:
            twins = Twins(terms, seed)
            twins.driver.run(actions, after=twins.compare)


def published() -> None:
    """PIP-65, PIP-86, and the yields of a year."""
    from harness import assert_same
    from tidemill.venues.delegation import rules
    from tidemill.venues.delegation.model import DelegationModel
    from tidemill.venues.delegation.state import DelegationState
    from twins.delegation_twin import CURVE, POL, PURSE

    assert_same(rules.reward_of_target_down(103_530_000 * 100, 175, 5_120), 2_941_491)
    assert_same([rules.real_bps_down(*pair) for pair in ((300, 200), (100, 200))], [98, -99])
    assert_same(rules.per_share_down(7, 5, 0), 7)
    stakes, performance = {"V1": 10**6, "V2": 2 * 10**6, "V3": 3 * 10**6}, {"V1": 10_000, "V2": 9_000, "V3": 10_000}
    paid = rules.priority_fees_down(1_200 * 10**6, stakes, performance, {"V1": 3, "V2": 1, "V3": 0, "V4": 2})
    assert_same(paid, {"V1": 261517241, "V2": 361931034, "V3": 496551724, "V4": 80 * 10**6})
    for blocks, weight in (({"V1": 0}, stakes), ({"V1": 1}, {"V1": 0})):
        try:
            rules.priority_fees_down(1, weight, performance, blocks)
        except ValueError:
            continue
        raise AssertionError("fees that nobody made were paid")
    for terms in (POL, CURVE, PURSE):
        state = DelegationState("val", "at", "T", terms, 0, total=10**27, minted=10**25)
        told = DelegationModel().read(state, "yields")
        assert_same(told[:2], YIELDS[terms.form], terms.form)
        assert_same(told[2], rules.real_bps_down(*told[:2]), "net")
    few = msgspec.structs.replace(CURVE, numerator=10_000, own=0, elsewhere=3, supply=3, other_mint=0, commission=0)
    told = DelegationModel().read(DelegationState("val", "at", "T", few, 0), "yields")
    assert_same(told, (10_000, 10_000, 0), "of three minted a quarter is none")


YIELDS = {"pol": (237, 199), "strk": (245, 234), "subsidy": (1_000, 0)}
"""Gross and inflation at 4.001e27 staked of 1.001e28, by hand: 1e26 x 0.95 / stake and 2e26 / supply; of the curve 1.348e26,
three quarters of it x 0.97 / stake and 2.348e26 / supply."""
