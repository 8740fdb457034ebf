"""Every way in which a Uniswap v3 verb is refused, alone and two faults at a time (the first check wins)."""

from __future__ import annotations

from typing import Any, NamedTuple

from tidemill.interfaces import Revert
from tidemill.venues.uniswap_v3.rules import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK
from twins.uniswap_v3_twin import Twin

E18, PRICE = 10**18, 1 << 96
IN = {"tick_lower": -600, "tick_upper": 600}
BELOW, ABOVE = {"tick_lower": -1200, "tick_upper": -600}, {"tick_lower": 600, "tick_upper": 1200}
BOTH = {"amount0_desired": E18, "amount1_desired": E18}
DOWN, UP = {"zero_for_one": True}, {"zero_for_one": False}
LATE = {"deadline": 1}
LO = 11505743598341114571880798222544994  # most liquidity per tick of spacing 60
NONE = 999_999


class Refused(NamedTuple):
    """``who`` does ``verb`` on a pool that is ``fresh`` (not initialised), ``empty`` (no liquidity) or ``ready``."""

    reason: str
    verb: str
    args: dict[str, Any]
    who: str = "alice"
    pool: str = "ready"


TABLE = [
    # -- initialise
    Refused("AI", "pool_initialize", {"sqrt_price_x96": PRICE}),
    Refused("AI", "pool_initialize", {"sqrt_price_x96": 0}),
    Refused("R", "pool_initialize", {"sqrt_price_x96": MIN_SQRT_RATIO - 1}, pool="fresh"),
    Refused("R", "pool_initialize", {"sqrt_price_x96": MAX_SQRT_RATIO}, pool="fresh"),
    # -- before initialisation everything is locked, but arguments that come first are checked first
    Refused("LOK", "pool_mint", {**IN, "liquidity": 0}, pool="fresh"),
    Refused("LOK", "pool_burn", {**IN, "liquidity": 0}, pool="fresh"),
    Refused("LOK", "pool_collect", IN, pool="fresh"),
    Refused("AS", "pool_swap", {**DOWN, "amount_specified": 0}, pool="fresh"),
    Refused("LOK", "pool_swap", {**DOWN, "amount_specified": 1, "sqrt_price_limit_x96": 0}, pool="fresh"),
    Refused("LOK", "pool_flash", {"amount0": 1, "amount1": 1}, pool="fresh"),
    Refused("LOK", "pool_set_fee_protocol", {"fee_protocol_0": 1, "fee_protocol_1": 1}, pool="fresh"),
    Refused("LOK", "pool_collect_protocol", {}, pool="fresh"),
    Refused("LOK", "pool_increase_observations", {"observation_cardinality_next": 3}, pool="fresh"),
    Refused("LOK", "mint", {**IN, **BOTH}, pool="fresh"),
    Refused("LOK", "swap_exact_in", {**DOWN, "amount_in": 1}, pool="fresh"),
    # -- a callee that calls back in
    Refused("LOK", "pool_mint", {"recipient": "alice", **IN, "liquidity": E18, "reenter": True}),
    Refused(
        "LOK",
        "pool_swap",
        {
            "recipient": "alice",
            **DOWN,
            "amount_specified": 1000,
            "sqrt_price_limit_x96": MIN_SQRT_RATIO + 1,
            "reenter": True,
        },
    ),
    Refused("LOK", "pool_flash", {"amount0": 0, "amount1": 0, "reenter": True}),
    # -- core mint
    Refused("", "pool_mint", {**IN, "liquidity": 0}),
    Refused("", "pool_mint", {"tick_lower": 5, "tick_upper": 5, "liquidity": 1 << 127}),
    Refused("LO", "pool_mint", {**IN, "liquidity": (1 << 127) - 1}),
    Refused("TLU", "pool_mint", {"tick_lower": 60, "tick_upper": 60, "liquidity": 1}),
    Refused("TLU", "pool_mint", {"tick_lower": MAX_TICK + 2, "tick_upper": MIN_TICK - 2, "liquidity": 1}),
    Refused("TLM", "pool_mint", {"tick_lower": MIN_TICK - 1, "tick_upper": MAX_TICK + 1, "liquidity": 1}),
    Refused("", "pool_mint", {"tick_lower": MIN_TICK, "tick_upper": 0, "liquidity": 1}),
    Refused("TUM", "pool_mint", {"tick_lower": 0, "tick_upper": MAX_TICK + 1, "liquidity": 1}),
    Refused("", "pool_mint", {"tick_lower": 0, "tick_upper": MAX_TICK, "liquidity": 1}),
    Refused("", "pool_mint", {"tick_lower": -61, "tick_upper": 60, "liquidity": 1}),
    Refused("", "pool_mint", {"tick_lower": -60, "tick_upper": 61, "liquidity": 1}),
    Refused("LO", "pool_mint", {**IN, "liquidity": LO}),
    Refused("LO", "pool_mint", {"tick_lower": -61, "tick_upper": 60, "liquidity": LO + 1}),
    Refused("M0", "pool_mint", {**IN, "liquidity": E18, "skimp": 1}),
    Refused("M0", "pool_mint", {**ABOVE, "liquidity": E18, "skimp": 1}),
    Refused("M1", "pool_mint", {**BELOW, "liquidity": E18, "skimp": 1}),
    Refused("balance", "pool_mint", {**IN, "liquidity": E18}, who="pauper"),
    Refused("balance", "pool_mint", {**IN, "liquidity": E18, "skimp": 1}, who="pauper"),
    # -- core burn
    Refused("", "pool_burn", {**IN, "liquidity": 1 << 127}),
    Refused("TLU", "pool_burn", {"tick_lower": 0, "tick_upper": 0, "liquidity": 0}),
    Refused("TLM", "pool_burn", {"tick_lower": MIN_TICK - 1, "tick_upper": 0, "liquidity": 0}),
    Refused("TUM", "pool_burn", {"tick_lower": 0, "tick_upper": MAX_TICK + 1, "liquidity": 0}),
    Refused("NP", "pool_burn", {**ABOVE, "liquidity": 0}),
    Refused("NP", "pool_burn", {"tick_lower": 1, "tick_upper": 2, "liquidity": 0}),
    Refused("LS", "pool_burn", {"tick_lower": 1, "tick_upper": 2, "liquidity": 1}),
    Refused("LS", "pool_burn", {**IN, "liquidity": E18 + 1}),
    Refused("LS", "pool_burn", {**IN, "liquidity": 1}, who="bob"),
    # -- core swap
    Refused("AS", "pool_swap", {**DOWN, "amount_specified": 0, "sqrt_price_limit_x96": 0}),
    Refused("SPL", "pool_swap", {**DOWN, "amount_specified": 1, "sqrt_price_limit_x96": PRICE}),
    Refused("SPL", "pool_swap", {**DOWN, "amount_specified": 1, "sqrt_price_limit_x96": MIN_SQRT_RATIO}),
    Refused("SPL", "pool_swap", {**UP, "amount_specified": 1, "sqrt_price_limit_x96": PRICE}),
    Refused("SPL", "pool_swap", {**UP, "amount_specified": 1, "sqrt_price_limit_x96": MAX_SQRT_RATIO}),
    Refused("IIA", "pool_swap", {**DOWN, "amount_specified": 1000, "skimp": 1}),
    Refused("IIA", "pool_swap", {**UP, "amount_specified": -1000, "skimp": 1}),
    Refused("balance", "pool_swap", {**UP, "amount_specified": 10**6}, who="pauper"),
    # -- flash
    Refused("L", "pool_flash", {"amount0": 1 << 200, "amount1": 0}, pool="empty"),
    Refused("TF", "pool_flash", {"amount0": 1 << 150, "amount1": 0, "skimp": 1}),
    Refused("TF", "pool_flash", {"amount0": 0, "amount1": 1 << 150}),
    Refused("F0", "pool_flash", {"amount0": 10, "amount1": 10, "skimp": 1}),
    Refused("F1", "pool_flash", {"amount0": 0, "amount1": 10, "skimp": 1}),
    Refused("balance", "pool_flash", {"amount0": 10**15, "amount1": 0}, who="pauper"),
    Refused("", "pool_flash", {"amount0": 0, "amount1": 0, "skimp": -(1 << 199)}, pool="thin"),
    # -- the owner's
    Refused("", "pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 4}),
    Refused("", "pool_set_fee_protocol", {"fee_protocol_0": 3, "fee_protocol_1": 4}, who="governor"),
    Refused("", "pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 11}, who="governor"),
    Refused("", "pool_collect_protocol", {}),
    # -- position manager
    Refused("Transaction too old", "mint", {"tick_lower": MIN_TICK - 1, "tick_upper": 0, **BOTH, **LATE}),
    Refused("T", "mint", {"tick_lower": MIN_TICK - 1, "tick_upper": 0, **BOTH}),
    Refused("T", "mint", {"tick_lower": 0, "tick_upper": MAX_TICK + 1, **BOTH}),
    Refused("", "mint", {"tick_lower": 0, "tick_upper": MAX_TICK, **BOTH}),
    Refused("", "mint", {"tick_lower": MIN_TICK, "tick_upper": 0, **BOTH}),
    Refused("", "mint", {"tick_lower": 0, "tick_upper": 0, **BOTH}),
    Refused("TLU", "mint", {"tick_lower": 600, "tick_upper": -600, **BOTH}),
    Refused("", "mint", {"tick_lower": -601, "tick_upper": 600, **BOTH}),
    Refused("", "mint", {**IN, "amount0_desired": 0, "amount1_desired": E18}),
    Refused("", "mint", {**IN, "amount0_desired": 1 << 255, "amount1_desired": 1 << 255}),
    # Liquidity of one token alone beyond 128 bits (by less than one), whatever the other allows.
    Refused("", "mint", {**IN, "amount0_desired": 10**6, "amount1_desired": 15 << 120}),
    Refused("", "mint", {**IN, "amount0_desired": 15 << 120, "amount1_desired": 10**6}),
    Refused("LO", "mint", {**IN, "amount0_desired": 1 << 120, "amount1_desired": 1 << 120}),
    Refused("Price slippage check", "mint", {**IN, **BOTH, "amount0_min": E18 + 1}),
    Refused("Price slippage check", "mint", {**IN, **BOTH, "amount1_min": E18 + 1}),
    Refused("Price slippage check", "mint", {**BELOW, **BOTH, "amount0_min": 1}),
    Refused("Price slippage check", "mint", {**ABOVE, **BOTH, "amount1_min": 1}),
    Refused("STF", "mint", {**IN, **BOTH, "amount1_min": E18 + 1}, who="pauper"),
    Refused("", "increase", {"token_id": NONE, **BOTH}),
    Refused("Transaction too old", "increase", {"token_id": NONE, **BOTH, **LATE}),
    Refused("Price slippage check", "increase", {"token_id": 1, **BOTH, "amount1_min": E18 + 1}, who="bob"),
    Refused("STF", "increase", {"token_id": 1, **BOTH}, who="pauper"),
    Refused("ERC721: operator query for nonexistent token", "decrease", {"token_id": NONE, "liquidity": 0}),
    Refused("Not approved", "decrease", {"token_id": 1, "liquidity": 0, **LATE}, who="bob"),
    Refused("Transaction too old", "decrease", {"token_id": 1, "liquidity": 0, **LATE}),
    Refused("", "decrease", {"token_id": 1, "liquidity": 0}),
    Refused("", "decrease", {"token_id": 1, "liquidity": (1 << 128) - 1}),
    Refused("Price slippage check", "decrease", {"token_id": 1, "liquidity": 10**6, "amount0_min": 10**6}),
    Refused("Price slippage check", "decrease", {"token_id": 1, "liquidity": 10**6, "amount1_min": 10**6}),
    Refused("Price slippage check", "decrease", {"token_id": 3, "liquidity": 10**6, "amount1_min": 1}),
    Refused("ERC721: operator query for nonexistent token", "collect", {"token_id": NONE}),
    Refused("Not approved", "collect", {"token_id": 1, "amount0_max": 0, "amount1_max": 0}, who="bob"),
    Refused("", "collect", {"token_id": 1, "amount0_max": 0, "amount1_max": 0}),
    Refused("ERC721: operator query for nonexistent token", "burn", {"token_id": NONE}),
    Refused("Not approved", "burn", {"token_id": 1}, who="bob"),
    Refused("Not cleared", "burn", {"token_id": 1}),
    Refused("Not cleared", "burn", {"token_id": 2}, who="bob"),
    Refused("Not approved", "close", {"token_id": 1}, who="bob"),
    Refused("ERC721: operator query for nonexistent token", "close", {"token_id": NONE}),
    Refused("Price slippage check", "close", {"token_id": 1, "amount0_min": 1 << 120}),
    # -- router
    Refused("Transaction too old", "swap_exact_in", {**DOWN, "amount_in": 0, **LATE}),
    Refused("", "swap_exact_in", {**DOWN, "amount_in": 1 << 255}),
    Refused("AS", "swap_exact_in", {**DOWN, "amount_in": 0}),
    Refused("SPL", "swap_exact_in", {**DOWN, "amount_in": 5, "sqrt_price_limit_x96": PRICE}),
    Refused("", "swap_exact_in", {**DOWN, "amount_in": 5}, pool="empty"),
    Refused("Too little received", "swap_exact_in", {**UP, "amount_in": 1000, "amount_out_min": 997}),
    Refused("STF", "swap_exact_in", {**DOWN, "amount_in": 10**6, "amount_out_min": 10**6}, who="pauper"),
    Refused("Transaction too old", "swap_exact_out", {**DOWN, "amount_out": 0, **LATE}),
    Refused("", "swap_exact_out", {**DOWN, "amount_out": 1 << 255}),
    Refused("AS", "swap_exact_out", {**DOWN, "amount_out": 0}),
    Refused("", "swap_exact_out", {**UP, "amount_out": 1 << 120, "amount_in_max": 0}),
    Refused(
        "Too much requested",
        "swap_exact_out",
        {**UP, "amount_out": 1 << 120, "amount_in_max": 5, "sqrt_price_limit_x96": PRICE * 2},
    ),
    Refused("Too much requested", "swap_exact_out", {**UP, "amount_out": 1000, "amount_in_max": 1003}),
    Refused("STF", "swap_exact_out", {**UP, "amount_out": 10**6, "amount_in_max": 5}, who="pauper"),
]

ALLOWED = [
    # The same verbs at the edge of each bound: these must pass.
    Refused("", "pool_initialize", {"sqrt_price_x96": MIN_SQRT_RATIO}, pool="fresh"),
    Refused("", "pool_initialize", {"sqrt_price_x96": MAX_SQRT_RATIO - 1}, pool="fresh"),
    Refused("", "pool_mint", {"tick_lower": 1800, "tick_upper": 2400, "liquidity": LO}),
    Refused("", "pool_mint", {"tick_lower": -887_220, "tick_upper": 887_220, "liquidity": 1}),
    Refused("", "pool_burn", {**IN, "liquidity": E18}),
    Refused("", "pool_burn", {**IN, "liquidity": 0}),
    Refused("", "pool_collect", {"tick_lower": 5, "tick_upper": -5}),
    Refused("", "pool_swap", {**DOWN, "amount_specified": 1, "sqrt_price_limit_x96": MIN_SQRT_RATIO + 1}),
    Refused("", "pool_swap", {**DOWN, "amount_specified": 10**9, "sqrt_price_limit_x96": PRICE - 1}),
    Refused("", "pool_swap", {**UP, "amount_specified": 1 << 254, "sqrt_price_limit_x96": MAX_SQRT_RATIO - 1}),
    Refused("", "pool_swap", {**DOWN, "amount_specified": 1 << 254}),
    Refused("", "pool_swap", {**UP, "amount_specified": -(1 << 255)}),
    Refused("", "pool_swap", {**UP, "amount_specified": 1000, "skimp": -7}),
    Refused("", "pool_flash", {"amount0": 0, "amount1": 0, "skimp": -5}),
    Refused("", "pool_flash", {"amount0": 333, "amount1": 334, "skimp": 0}),
    Refused("", "pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 0}, who="governor"),
    Refused("", "pool_set_fee_protocol", {"fee_protocol_0": 0, "fee_protocol_1": 10}, who="governor"),
    Refused("", "pool_collect_protocol", {}, who="governor"),
    Refused("", "pool_increase_observations", {"observation_cardinality_next": 0}),
    Refused("", "mint", {**IN, **BOTH, "amount0_min": E18, "amount1_min": E18, "deadline": 1_700_000_000}),
    Refused("", "decrease", {"token_id": 1, "liquidity": 10**6, "deadline": 1_700_000_000}),
    Refused("", "decrease", {"token_id": 3, "liquidity": 10**6, "amount0_min": 1}),
    Refused("", "decrease", {"token_id": 1, "liquidity": 1}),
    Refused("", "collect", {"token_id": 1, "amount0_max": 0, "amount1_max": 1}),
    Refused("", "collect", {"token_id": 1, "amount0_max": 1, "amount1_max": 0}),
    Refused("", "close", {"token_id": 1}),
    Refused("", "close", {"token_id": 2}, who="bob"),
    Refused("", "harvest", {"token_id": 1}),
    Refused("", "swap_exact_in", {**UP, "amount_in": 1000, "amount_out_min": 996}),
    Refused("", "swap_exact_out", {**UP, "amount_out": 1000, "amount_in_max": 1005}),
    Refused("", "swap_exact_in", {**DOWN, "amount_in": (1 << 255) - 1, "sqrt_price_limit_x96": PRICE // 2}),
]

UNREACHABLE = {
    "LA": "a tick's gross liquidity is below 2**128 / usable ticks before and 2**127 is the most that is added, so LO "
    "comes first; the active liquidity is a sum over distinct ticks, each within that bound",
    "TF on collect, swap, collect_protocol": "the pool always holds what it owes; only flash can ask for more",
    "mulDiv overflow in a swap": "a step's fee growth overflows only for fees of 2**128 per unit of liquidity, and a "
    "step takes at most 2**65 of token1 (or token0) per unit",
    "price maths underflow": "a step computes a price only where less is asked for than the step holds",
    "I in grow": "an uninitialised pool is locked, so LOK comes first; the view `observe` reaches I",
}


def prepared(kind: str = "ready") -> Twin:
    """A 0.3 % pool in one of the states that `Refused` names; ``thin`` has a liquidity of 1."""
    twin = Twin(fee=3000)
    if kind == "fresh":
        return twin
    alice, bob, _ = twin.actors
    twin.act("pool_initialize", bob, sqrt_price_x96=PRICE)
    if kind == "thin":
        twin.act("pool_mint", alice, **IN, liquidity=1)
    if kind == "ready":
        twin.act("mint", alice, **IN, amount0_desired=10**20, amount1_desired=10**20)
        twin.act("pool_mint", alice, **IN, liquidity=E18)
        twin.act("mint", bob, **ABOVE, amount0_desired=10**20, amount1_desired=0)
        twin.act("mint", alice, **ABOVE, amount0_desired=10**20, amount1_desired=0)
        twin.act("decrease", bob, token_id=2, liquidity=twin.state.manager.tokens[2].liquidity)
    return twin


def attempt(twin: Twin, case: Refused) -> str | None:
    """Do it on both; returns the reason of the revert, None if both did it."""
    names = {"alice": 0, "bob": 1}
    who = twin.actors[names[case.who]] if case.who in names else getattr(twin, case.who, twin.real.governor)
    args = dict(case.args)
    if "recipient" in args:
        args["recipient"] = who
    try:
        twin.act(case.verb, who, **args)
    except Revert as revert:
        return revert.reason
    return None
