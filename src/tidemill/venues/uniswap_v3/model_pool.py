"""The pool's own verbs except swap: initialise, mint, burn, collect, flash and the owner's.

Each takes the pool, the effects of the action under way and plain arguments, and either does its work through the
journal or raises `Revert` with the contract's reason; undoing is the caller's business. Checks stand in the order in
which the contract makes them.
"""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import Revert
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3 import model_oracle as oracle
from tidemill.venues.uniswap_v3.model_state import NO_POSITION, PoolPosition, PoolState
from tidemill.venues.uniswap_v3.model_ticks import (
    add_liquidity,
    check_range,
    clear_tick,
    flip_tick,
    growth_inside,
    ratio_at_tick,
    update_tick,
)
from tidemill.venues.uniswap_v3.rules_fees import (
    fee_growth_down,
    fees_owed_down,
    flash_fee_up,
    protocol_share_down,
    wrapping_add_128,
)
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down, amounts_for_liquidity_up
from tidemill.venues.uniswap_v3.rules_ticks import MAX_SQRT_RATIO, MIN_SQRT_RATIO, tick_at_sqrt_ratio

__all__ = [
    "Payer",
    "burn",
    "collect",
    "collect_protocol",
    "enter",
    "flash",
    "increase_observations",
    "initialize",
    "mint",
    "note_observation",
    "now32",
    "require_unlocked",
    "set_fee_protocol",
]

_INT128 = 1 << 127


class Payer(NamedTuple):
    """Who answers the pool's callback: ``account`` pays what is due less ``skimp`` (below 0: more).

    ``unfunded`` is the reason of the revert when the account holds too little: the token's own where a callee passes
    it on, ``STF`` through the periphery. ``reenter`` calls the pool again before paying, to no avail.
    """

    account: str
    unfunded: str
    skimp: int = 0
    reenter: bool = False

    def pay(self, pool: PoolState, token: str, due: int, effects: Effects, lent: int = 0) -> int:
        """Pay one token, a loan given back first; returns what the pool got beside the loan (below 0: kept back)."""
        if self.reenter:
            raise Revert("LOK")
        paid = max(due + lent - self.skimp, 0) - lent
        effects.move(token, self.account, pool.account, max(paid, 0), self.unfunded)
        return paid


def now32(effects: Effects) -> int:
    """The block's time as the contract keeps it, 32 bits."""
    return effects.ctx.block.time & 0xFFFF_FFFF


def require_unlocked(pool: PoolState) -> None:
    """A pool is locked until it is initialised (and while a callback runs)."""
    if pool.sqrt_price_x96 == 0:
        raise Revert("LOK")


def enter(pool: PoolState, effects: Effects) -> None:
    """Lock the pool for a call: it writes slot 0 twice, which costs gas."""
    require_unlocked(pool)
    effects.count("pool_calls")


def note_observation(pool: PoolState, effects: Effects, now: int) -> None:
    """Write an observation before tick or liquidity change, and count what that costs."""
    before = pool.observation_index
    if oracle.write(pool, now, pool.tick, pool.liquidity):
        effects.count("observations_written")
        effects.count("observation_slots", int(pool.observation_index != before))


def initialize(pool: PoolState, effects: Effects, sqrt_price_x96: int) -> None:
    """Set the first price, Q64.96; once only (AI), within the range of ticks (R)."""
    if pool.sqrt_price_x96 != 0:
        raise Revert("AI")
    if not MIN_SQRT_RATIO <= sqrt_price_x96 < MAX_SQRT_RATIO:
        raise Revert("R")
    tick = tick_at_sqrt_ratio(sqrt_price_x96)
    oracle.start(pool, now32(effects))
    pool.journal.set(pool, "sqrt_price_x96", sqrt_price_x96)
    pool.journal.set(pool, "tick", tick)
    effects.log("Initialize", sqrtPriceX96=sqrt_price_x96, tick=tick)


def mint(
    pool: PoolState, effects: Effects, owner: str, tick_lower: int, tick_upper: int, liquidity: int, payer: Payer
) -> tuple[int, int]:
    """Add liquidity to ``owner``'s position; returns what it costs (amount0, amount1), rounded up."""
    enter(pool, effects)
    if not 0 < liquidity < _INT128:
        raise Revert("")
    amount0, amount1 = _change_position(pool, effects, owner, tick_lower, tick_upper, liquidity)
    paid0 = amount0 and payer.pay(pool, pool.token0, amount0, effects)
    paid1 = amount1 and payer.pay(pool, pool.token1, amount1, effects)
    if paid0 < amount0:
        raise Revert("M0")
    if paid1 < amount1:
        raise Revert("M1")
    effects.log(
        "Mint",
        sender=effects.ctx.sender,
        owner=owner,
        tickLower=tick_lower,
        tickUpper=tick_upper,
        amount=liquidity,
        amount0=amount0,
        amount1=amount1,
    )
    return amount0, amount1


def burn(
    pool: PoolState, effects: Effects, owner: str, tick_lower: int, tick_upper: int, liquidity: int
) -> tuple[int, int]:
    """Take liquidity off ``owner``'s position; what it gives (rounded down) is owed to the owner, not paid yet.

    A liquidity of 0 only brings the fees owed up to date.
    """
    enter(pool, effects)
    if liquidity >= _INT128:
        raise Revert("")
    amount0, amount1 = _change_position(pool, effects, owner, tick_lower, tick_upper, -liquidity)
    if amount0 or amount1:
        key = (owner, tick_lower, tick_upper)
        held = pool.positions[key]
        owed0 = wrapping_add_128(held.tokens_owed_0, amount0)
        owed1 = wrapping_add_128(held.tokens_owed_1, amount1)
        pool.journal.put(pool.positions, key, PoolPosition(*held[:3], owed0, owed1))
    effects.log(
        "Burn",
        owner=owner,
        tickLower=tick_lower,
        tickUpper=tick_upper,
        amount=liquidity,
        amount0=amount0,
        amount1=amount1,
    )
    return amount0, amount1


def collect(
    pool: PoolState,
    effects: Effects,
    owner: str,
    recipient: str,
    tick_lower: int,
    tick_upper: int,
    amount0_max: int,
    amount1_max: int,
) -> tuple[int, int]:
    """Pay out what is owed to ``owner``'s position, at most the maxima; a position that is not there has nothing."""
    enter(pool, effects)
    key = (owner, tick_lower, tick_upper)
    held = pool.positions.get(key, NO_POSITION)
    amount0 = min(amount0_max, held.tokens_owed_0)
    amount1 = min(amount1_max, held.tokens_owed_1)
    if amount0 or amount1:
        left = PoolPosition(*held[:3], held.tokens_owed_0 - amount0, held.tokens_owed_1 - amount1)
        pool.journal.put(pool.positions, key, left)
    effects.move(pool.token0, pool.account, recipient, amount0, "TF")
    effects.move(pool.token1, pool.account, recipient, amount1, "TF")
    effects.log(
        "Collect",
        owner=owner,
        recipient=recipient,
        tickLower=tick_lower,
        tickUpper=tick_upper,
        amount0=amount0,
        amount1=amount1,
    )
    return amount0, amount1


def flash(
    pool: PoolState, effects: Effects, recipient: str, amount0: int, amount1: int, payers: tuple[Payer, Payer]
) -> tuple[int, int]:
    """Lend and take back at once; whatever is paid above the loan goes to liquidity in range. Returns (paid0, paid1).

    The loan comes and goes through ``recipient``, whose balance it does not change.
    """
    enter(pool, effects)
    if pool.liquidity == 0:
        raise Revert("L")
    fee0, fee1 = flash_fee_up(amount0, pool.fee), flash_fee_up(amount1, pool.fee)
    effects.move(pool.token0, pool.account, recipient, amount0, "TF")
    effects.move(pool.token1, pool.account, recipient, amount1, "TF")
    paid0 = _take_back(pool, effects, pool.token0, recipient, amount0, fee0, payers[0])
    paid1 = _take_back(pool, effects, pool.token1, recipient, amount1, fee1, payers[1])
    if paid0 < fee0:
        raise Revert("F0")
    if paid1 < fee1:
        raise Revert("F1")
    _share_out(pool, "0", paid0)
    _share_out(pool, "1", paid1)
    effects.log(
        "Flash",
        sender=effects.ctx.sender,
        recipient=recipient,
        amount0=amount0,
        amount1=amount1,
        paid0=paid0,
        paid1=paid1,
    )
    return paid0, paid1


def set_fee_protocol(pool: PoolState, effects: Effects, fee_protocol_0: int, fee_protocol_1: int) -> None:
    """Set the protocol's share of fees to 1/n, n from 4 to 10, or 0 for none, per token; the owner only."""
    require_unlocked(pool)
    if effects.ctx.sender != pool.owner:
        raise Revert("")
    for denominator in (fee_protocol_0, fee_protocol_1):
        if denominator != 0 and not 4 <= denominator <= 10:
            raise Revert("")
    effects.log(
        "SetFeeProtocol",
        feeProtocol0Old=pool.fee_protocol_0,
        feeProtocol1Old=pool.fee_protocol_1,
        feeProtocol0New=fee_protocol_0,
        feeProtocol1New=fee_protocol_1,
    )
    pool.journal.set(pool, "fee_protocol_0", fee_protocol_0)
    pool.journal.set(pool, "fee_protocol_1", fee_protocol_1)


def collect_protocol(
    pool: PoolState, effects: Effects, recipient: str, amount0_max: int, amount1_max: int
) -> tuple[int, int]:
    """Pay out protocol fees; the owner only. One unit always stays behind (a slot kept non-zero is cheaper)."""
    require_unlocked(pool)
    if effects.ctx.sender != pool.owner:
        raise Revert("")
    amount0 = _all_but_one(pool.protocol_fees_0, amount0_max)
    amount1 = _all_but_one(pool.protocol_fees_1, amount1_max)
    pool.journal.set(pool, "protocol_fees_0", pool.protocol_fees_0 - amount0)
    pool.journal.set(pool, "protocol_fees_1", pool.protocol_fees_1 - amount1)
    effects.move(pool.token0, pool.account, recipient, amount0, "TF")
    effects.move(pool.token1, pool.account, recipient, amount1, "TF")
    effects.log("CollectProtocol", sender=effects.ctx.sender, recipient=recipient, amount0=amount0, amount1=amount1)
    return amount0, amount1


def increase_observations(pool: PoolState, effects: Effects, cardinality_next: int) -> None:
    """Make room for ``cardinality_next`` observations; anybody may."""
    require_unlocked(pool)
    before = pool.observation_cardinality_next
    oracle.grow(pool, cardinality_next)
    if pool.observation_cardinality_next != before:
        effects.count("observations_added", pool.observation_cardinality_next - before)
        effects.log(
            "IncreaseObservationCardinalityNext",
            observationCardinalityNextOld=before,
            observationCardinalityNextNew=pool.observation_cardinality_next,
        )


def _change_position(
    pool: PoolState, effects: Effects, owner: str, tick_lower: int, tick_upper: int, delta: int
) -> tuple[int, int]:
    """Change a position's liquidity by ``delta`` (signed, may be 0); returns the amounts that moves, unsigned."""
    check_range(tick_lower, tick_upper)
    _settle_position(pool, effects, owner, tick_lower, tick_upper, delta)
    if delta == 0:
        return 0, 0
    if tick_lower <= pool.tick < tick_upper:
        note_observation(pool, effects, now32(effects))
        pool.journal.set(pool, "liquidity", add_liquidity(pool.liquidity, delta))
    lower, upper = ratio_at_tick(tick_lower), ratio_at_tick(tick_upper)
    if delta > 0:
        return amounts_for_liquidity_up(pool.sqrt_price_x96, lower, upper, delta)
    return amounts_for_liquidity_down(pool.sqrt_price_x96, lower, upper, -delta)


def _settle_position(
    pool: PoolState, effects: Effects, owner: str, tick_lower: int, tick_upper: int, delta: int
) -> None:
    """Bring a position's fees up to date and change its liquidity and its two ticks."""
    flipped_lower = flipped_upper = False
    if delta != 0:
        now = now32(effects)
        accumulators = oracle.accumulators_now(pool, now)
        flipped_lower = update_tick(pool, tick_lower, delta, False, accumulators, now)
        flipped_upper = update_tick(pool, tick_upper, delta, True, accumulators, now)
        words = set()
        for tick, flipped in ((tick_lower, flipped_lower), (tick_upper, flipped_upper)):
            if flipped:
                words.add(flip_tick(pool, tick))
                effects.count("ticks_initialised" if delta > 0 else "ticks_cleared")
        effects.count("bitmap_words", len(words))
    inside0, inside1 = growth_inside(pool, tick_lower, tick_upper)
    key = (owner, tick_lower, tick_upper)
    held = pool.positions.get(key, NO_POSITION)
    if delta == 0 and held.liquidity == 0:
        raise Revert("NP")
    if key not in pool.positions:
        effects.count("positions_created")
    settled = PoolPosition(
        add_liquidity(held.liquidity, delta),
        inside0,
        inside1,
        wrapping_add_128(
            held.tokens_owed_0, fees_owed_down(inside0, held.fee_growth_inside_0_last_x128, held.liquidity)
        ),
        wrapping_add_128(
            held.tokens_owed_1, fees_owed_down(inside1, held.fee_growth_inside_1_last_x128, held.liquidity)
        ),
    )
    pool.journal.put(pool.positions, key, settled)
    if delta < 0:
        for tick, flipped in ((tick_lower, flipped_lower), (tick_upper, flipped_upper)):
            if flipped:
                clear_tick(pool, tick)


def _take_back(pool: PoolState, effects: Effects, token: str, recipient: str, lent: int, fee: int, payer: Payer) -> int:
    paid = payer.pay(pool, token, fee, effects, lent)
    effects.move(token, recipient, pool.account, min(lent + paid, lent), payer.unfunded)
    return paid


def _share_out(pool: PoolState, side: str, paid: int) -> None:
    """Give what a flash paid to the protocol and to liquidity in range."""
    fees, growth = f"protocol_fees_{side}", f"fee_growth_global_{side}_x128"
    share = protocol_share_down(paid, getattr(pool, f"fee_protocol_{side}"))
    pool.journal.set(pool, fees, wrapping_add_128(getattr(pool, fees), share))
    pool.journal.set(pool, growth, fee_growth_down(getattr(pool, growth), paid - share, pool.liquidity))


def _all_but_one(held: int, most: int) -> int:
    amount = min(held, most)
    return amount - 1 if 0 < amount == held else amount
