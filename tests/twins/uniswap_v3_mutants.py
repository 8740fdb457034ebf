"""What `tools/mutants.py` spoils of Uniswap v3, how it looks, and which mistakes nobody could see."""

from __future__ import annotations

MODULES = [
    "tidemill.venues.uniswap_v3.model_pool",
    "tidemill.venues.uniswap_v3.model_swap",
    "tidemill.venues.uniswap_v3.position_manager",
    "tidemill.venues.uniswap_v3.model_ticks",
    "tidemill.venues.uniswap_v3.model_router",
    "tidemill.venues.uniswap_v3.rules_swap",
    "tidemill.venues.uniswap_v3.rules_prices",
    "tidemill.venues.uniswap_v3.rules_liquidity",
    "tidemill.venues.uniswap_v3.rules_fees",
    "tidemill.venues.uniswap_v3.rules_bitmap",
    "tidemill.venues.uniswap_v3.model_oracle",
    "tidemill.venues.uniswap_v3.rules_oracle",
    "tidemill.venues.uniswap_v3.rules_ticks",
    "tidemill.venues.uniswap_v3.model",
    "tidemill.venues.uniswap_v3.model_state",
    "tidemill.venues.uniswap_v3.model_reads",
    "tidemill.venues.uniswap_v3.model_replay",
    "tidemill.venues.uniswap_v3.model_storage",
    "tidemill.venues.uniswap_v3.model_tokens",
    "tidemill.venues.uniswap_v3.model_wallet",
    "tidemill.venues.uniswap_v3.accrual",
    "tidemill.venues.shared.journal",
    "tidemill.venues.shared.effects",
]

NEEDED = ["tidemill.units.jit"]

EQUIVALENT = {
    "model_state.ManagerState: False -> True #2": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #3": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #4": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #5": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #6": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #7": "how managers are compared and shown, not what they do",
    "model_state.ManagerState: False -> True #8": "how managers are compared and shown, not what they do",
    "model_pool._settle_position: delta > 0 -> delta >= 0": "only a delta other than 0 turns a tick's bit",
    "model_pool._settle_position: delta < 0 -> delta <= 0": "a delta of 0 turns no bit, so there is nothing to clear",
    "model_pool._settle_position: 0 -> 1 #5": "a delta of 0 turns no bit, so there is nothing to clear",
    "model_pool._settle_position: False -> True": "a delta other than 0 sets both anew, and a delta of 0 looks at neither",
    "model_swap._walk: amount_specified > 0 -> amount_specified >= 0": "an amount of 0 has been refused before (AS)",
    "model_pool._change_position: delta > 0 -> delta >= 0": "a delta of 0 has returned before",
    "model_pool.Payer.pay: 0 -> 1": "without a loan, one unit lent and given back at once changes nothing that is paid",
    "rules_liquidity.amounts_for_liquidity_up: sqrt_price < lower -> sqrt_price <= lower": (
        "at the lower end both branches give all token0: the amount of token1 between equal prices is 0"
    ),
    "rules_liquidity.amounts_for_liquidity_down: sqrt_price < lower -> sqrt_price <= lower": "as for _up",
    "rules_liquidity.amounts_for_liquidity_up: sqrt_price < upper -> sqrt_price <= upper": (
        "at the upper end both branches give all token1: the amount of token0 between equal prices is 0"
    ),
    "rules_liquidity.amounts_for_liquidity_down: sqrt_price < upper -> sqrt_price <= upper": "as for _up",
    "model_oracle.write: pool.observation_cardinality_next > cardinality -> pool.observation_cardinality_next >= cardinality": (
        "where both are equal the cardinality is set to what it is"
    ),
    (
        "model_oracle.grow: cardinality_next > pool.observation_cardinality_next"
        " -> cardinality_next >= pool.observation_cardinality_next"
    ): "where both are equal the next cardinality is set to what it is",
    "rules_oracle.wrap_int56: value + _SIGN_56 -> value - _SIGN_56": "both add 2**55 modulo 2**56",
    "rules_prices.amount0_delta_down: upper < _PRODUCT_FITS -> upper <= _PRODUCT_FITS": (
        "2**128 times anything below it fits too, and both ways of dividing agree wherever it does"
    ),
    "rules_prices.amount0_delta_up: upper < _PRODUCT_FITS -> upper <= _PRODUCT_FITS": (
        "2**128 times anything below it fits too, and both ways of dividing agree wherever it does"
    ),
    "rules_prices.sqrt_price_after_amount0_in_up: amount < _ALWAYS_FITS -> amount <= _ALWAYS_FITS": (
        "2**95 itself fits too; the second condition would say so, later"
    ),
    "rules_swap.amount_in_up: target < sqrt_price -> target <= sqrt_price": "between equal prices either amount is 0",
    "rules_swap.amount_out_down: target < sqrt_price -> target <= sqrt_price": "between equal prices either amount is 0",
    "rules_swap.swap_step_exact_in: target < sqrt_price -> target <= sqrt_price": (
        "a target at the price needs nothing, so the step has ended before"
    ),
    "rules_swap.swap_step_exact_out: target < sqrt_price -> target <= sqrt_price": (
        "a target at the price gives nothing, so nothing less is asked for"
    ),
    "rules_ticks._ratio_below_one_x128: MAX_UINT128 + 1 -> MAX_UINT128 - 1": (
        "2 of 2**128 less: tried on all 1,774,545 ticks, the division by 2**32, rounded up, hides it on each"
    ),
    "rules_ticks.sqrt_ratio_at_tick: div_down -> div_up": (
        "would show only where the quotient is a multiple of 2**32: tried on every tick, it never is"
    ),
    "rules_ticks.sqrt_ratio_at_tick: tick > 0 -> tick >= 0": (
        "at tick 0 the quotient is 2**128 - 1 instead of 2**128, and both divided by 2**32, rounded up, are 2**96"
    ),
    "rules_ticks.tick_at_sqrt_ratio: div_down -> div_up": (
        "a target greater by 1: tried at both ends of every tick, and the search is monotone in the price"
    ),
    "rules_ticks.tick_at_sqrt_ratio: (sqrt_price << 32) + 1 -> (sqrt_price << 32) - 1": (
        "a target hardly greater: tried at both ends of every tick above a price of 1, the exact ratio decides"
    ),
    "rules_ticks.tick_at_sqrt_ratio: 1 -> 2": "a target hardly less: tried in the same way",
    "rules_ticks.tick_at_sqrt_ratio: MAX_UINT128 + 1 -> MAX_UINT128 - 1": (
        "2 of 2**128 less: tried at both ends of every tick, and the search is monotone in the price"
    ),
    "rules_ticks.tick_at_sqrt_ratio: 1 -> 2 #2": "1 of 2**128 more: tried in the same way",
    "rules_ticks.tick_at_sqrt_ratio: trial > target -> trial >= target #*": (
        "a product is never exactly a target: below 1 its low 32 bits would all have to be 0, above 1 the exact ratio decides"
    ),
    "model._decrease: 0 -> 1": "a token that is not there is refused before its liquidity is looked at",
    "model._pool_flash: 'paid0' -> 'paid1'": "a recorded flash tells both or neither",
    "model_state.PoolState: False -> True": "how a state prints, which nobody reads",
    "model_storage._locks: 1 -> 2": "any number but 0 says that there was a price before",
    "model_ticks.add_liquidity: after >= _UINT128 -> after > _UINT128": (
        "a tick's own limit (LO) comes first, and what is in range adds up to less than 2**128 over all ticks"
    ),
    "model_storage.storage_features: True -> False": "both have as many numbers as there are names",
    "model_storage._words: 1 -> 2 #2": "any number but 0 says that the word stays",
    "model_storage._words: 4 -> 5 #3": "nothing has more words than 4, and a fifth of what is absent twice is 0 twice",
    (
        "effects.Effects.balance: (moved.target == account) - (moved.source == account)"
        " -> (moved.target == account) + (moved.source == account)"
    ): ("shows only for an account that pays one token twice in one action, which no verb makes anybody do"),
    "model_wallet.wallet_features: 1 -> 2 #2": "what a balance held, not how much it grows, says what its word costs",
    "model_wallet._allowed: 1 -> 2": "any number that no swap takes says that the allowance is not used up",
    "model_wallet._allowed: 256 -> 257": "any number that no swap takes says that the allowance is not used up",
    "accrual.accrue: lower -> upper": "there are as many upper ends as lower ends",
    "accrual.first_earned: lower -> upper #2": "there are as many upper ends as lower ends",
    "accrual.accrue: False -> True": "a step that no range holds is divided for nothing: nobody gets its growth",
}


def run() -> None:
    """Edges, views and accrual, a short random market of each kind, the refusals: a part of what the twin tests do."""
    from twins.uniswap_v3_accrual import ACCRUAL
    from twins.uniswap_v3_edges import EDGES
    from twins.uniswap_v3_market import CASES
    from twins.uniswap_v3_reverts import ALLOWED, TABLE, attempt, prepared
    from twins.uniswap_v3_views import VIEWS
    from twins.uniswap_v3_words import WORDS_WRITTEN

    CASES["030-18-18"].market("first", mischief=0.1).run(150)
    for edge in EDGES + VIEWS + ACCRUAL + WORDS_WRITTEN:
        edge()
    for name, case in CASES.items():
        case.market(f"{name} mutants", mischief=0.1).run(300)
    for case in ALLOWED:
        assert attempt(prepared(case.pool), case) is None
    for case in TABLE:
        assert attempt(prepared(case.pool), case) == case.reason
