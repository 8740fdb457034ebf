"""Places that random markets hardly ever reach: roundings that matter once in 2**32, products beyond 256 bits, views."""

from __future__ import annotations

from harness import assert_same, both
from tidemill.interfaces import Revert
from tidemill.units import MAX_UINT256
from tidemill.venues.uniswap_v3.position_manager import transfer
from tidemill.venues.uniswap_v3.rules import MIN_SQRT_RATIO, amount_in_up, amount_out_down, sqrt_ratio_at_tick
from twins.uniswap_v3_reverts import BELOW, E18, IN, PRICE, prepared
from twins.uniswap_v3_twin import Twin


def first_in(a: int, m: int, low: int, high: int) -> int:
    """The least ``x`` with ``low <= a * x % m <= high`` (0 < low <= high < m), by Euclid's descent."""
    a %= m
    assert a > 0
    if 2 * a > m:
        return first_in(m - a, m, m - high, m - low)
    x = -(-low // a)
    if x * a <= high:
        return x
    y = first_in(-m % a, a, low % a, high % a)
    return -(-(low + m * y) // a)


def inner_roundings_of_token0() -> None:
    """Liquidities for which the inner of the two divisions of token0 decides.

    At the lowest usable ticks the outer divisor is only 2**32, and the liquidity is chosen so that the inner quotient
    lies just below (or on) a multiple of it.
    """
    twin = Twin(fee=3000)
    who = twin.actors[0]
    twin.act("pool_initialize", who, sqrt_price_x96=int(MIN_SQRT_RATIO))
    for tick in (-887_220, -887_160, -887_100):
        ends = {"tick_lower": tick, "tick_upper": tick + 60}
        lower, upper = sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 60)
        per_unit, whole = (upper - lower) << 96, lower * upper
        for low, high in ((1, upper - 1), (whole - upper + 1, whole - 1)):
            liquidity = first_in(per_unit, whole, low, high)
            assert 0 < liquidity < 1 << 100
            twin.act("pool_mint", who, **ends, liquidity=liquidity)
            twin.act("pool_burn", who, **ends, liquidity=liquidity)
            twin.act("pool_mint", who, **ends, liquidity=liquidity)
            # Up through the range and down again, as input and as output.
            away = sqrt_ratio_at_tick(tick + 90)
            for amount in (1 << 180, -(1 << 180)):
                for zero_for_one, limit in ((False, away), (True, int(MIN_SQRT_RATIO) + 1)):
                    twin.act(
                        "pool_swap",
                        who,
                        zero_for_one=zero_for_one,
                        amount_specified=amount,
                        sqrt_price_limit_x96=limit,
                    )
            twin.act("pool_burn", who, **ends, liquidity=liquidity)
    # A range that reaches above a price of 2**128: the product of its ends fits no 256 bits, so there are two divisions.
    ends = {"tick_lower": -887_220, "tick_upper": 887_220}
    lower, upper = sqrt_ratio_at_tick(-887_220), sqrt_ratio_at_tick(887_220)
    assert upper > 1 << 128
    per_unit, whole = (upper - lower) << 96, lower * upper
    for low, high in ((1, upper - 1), (whole - upper + 1, whole - 1)):
        liquidity = first_in(per_unit, whole, low, high)
        assert 0 < liquidity < 1 << 100
        twin.act("pool_mint", who, **ends, liquidity=liquidity)
        twin.act("pool_burn", who, **ends, liquidity=liquidity)


def inputs_beyond_256_bits() -> None:
    """Token0 in such that input times price does not fit: the contract divides twice.

    A tier without a fee, so that the input is the amount itself; spacing 16383, so that a step is as long as the range.
    """
    last = 887_272 // 16_383 * 16_383
    for tick, size in ((832_000, 120), (850_000, 119), (700_001, 120)):
        price, liquidity = sqrt_ratio_at_tick(tick), (1 << size) + 12_345
        fits = (int(MAX_UINT256) - (liquidity << 96)) // price
        for amount in (
            fits - 1,
            fits,
            fits + 1,
            fits * 1001,
            fits << 20,
            (1 << 95) - 1,
            1 << 95,
            (1 << 95) + 1,
            (1 << 96) + 12_345,
        ):
            twin = Twin(fee=0, spacing=16_383, endowment=1 << 250)
            who = twin.actors[0]
            twin.act("pool_initialize", who, sqrt_price_x96=price)
            twin.act("pool_mint", who, tick_lower=-last, tick_upper=last, liquidity=liquidity)
            twin.act("pool_swap", who, zero_for_one=True, amount_specified=amount)


def amounts_that_just_reach_a_tick() -> None:
    """Little liquidity, so that a unit is worth many steps of price: just enough, one unit less, one unit more."""
    for zero_for_one, end in ((True, -60), (False, 60)):
        needed = amount_in_up(1 << 96, sqrt_ratio_at_tick(end), 10**6 + 7)
        gives = amount_out_down(1 << 96, sqrt_ratio_at_tick(end), 10**6 + 7)
        for amount in (needed - 1, needed, needed + 1, -gives + 1, -gives, -gives - 1):
            twin = Twin(fee=0, spacing=60)
            who = twin.actors[0]
            twin.act("pool_initialize", who, sqrt_price_x96=1 << 96)
            twin.act("pool_mint", who, tick_lower=-6000, tick_upper=6000, liquidity=10**6)
            twin.act("pool_mint", who, tick_lower=-60, tick_upper=60, liquidity=7)
            twin.act("pool_swap", who, zero_for_one=zero_for_one, amount_specified=amount)


def ranges_that_begin_or_end_at_the_price() -> None:
    """The position manager computes liquidity from the price: on an end of the range only one token counts."""
    twin = prepared("empty")
    who = twin.actors[0]
    for lower, upper in ((0, 600), (-600, 0)):
        amounts = {"amount0_desired": 10**9, "amount1_desired": 10**9}
        twin.act("mint", who, tick_lower=lower, tick_upper=upper, **amounts)


def one_unit_of_liquidity() -> None:
    """The least that can earn: whole fees go to one unit, both ways, up to and beyond the ends of its range."""
    twin = prepared("thin")
    who = twin.actors[0]
    for zero_for_one in (True, False, True):
        twin.act("pool_swap", who, zero_for_one=zero_for_one, amount_specified=10**6)
        twin.act("pool_burn", who, **IN, liquidity=0)


def views_at_every_second() -> None:
    """The oracle asked for each second it remembers, slopes of both signs, the ring growing, full and come round."""
    for cardinality in (1, 2, 5, 9):
        twin = prepared()
        who = twin.actors[0]
        twin.act("pool_increase_observations", who, observation_cardinality_next=cardinality)
        for index in range(cardinality + 1):  # made room for, not used yet
            twin.view("observations", index)
        for number, seconds in enumerate((10, 7, 1, 7, 13, 3, 5, 11)):
            twin.evm.advance(seconds)
            amount = (5 + number) * 10**18
            twin.act("pool_swap", who, zero_for_one=number % 3 != 1, amount_specified=amount)
            if number == 3:
                twin.act("pool_mint", who, **BELOW, liquidity=E18)
            twin.evm.advance(2)
            oldest = min(o.time for o in twin.state.pool.observations.values() if o.initialised)
            now = twin.evm.block.time
            for ago in range(now - oldest + 1):
                twin.view("observe", [ago], now=True)
            reasons = []
            try:
                twin.view("observe", [now - oldest + 1], now=True)
            except Exception as error:  # noqa: BLE001 - Revert of whichever errors module is loaded
                reasons.append(getattr(error, "reason", repr(error)))
            assert reasons == ["OLD"]
            for lower, upper in ((-600, 600), (-1200, -600), (-1200, 600)):
                if {lower, upper} <= set(twin.state.pool.ticks):
                    twin.view("snapshotCumulativesInside", lower, upper, now=True)
        for index in range(cardinality + 1):
            twin.view("observations", index)


def features_say_what_moves_gas() -> None:
    """Counts that the gas table prices."""
    twin = prepared("empty")
    alice, features = twin.actors[0], {}
    apply = twin.model.apply

    def noted(*args):
        result = apply(*args)
        # Storage words and transfers are counted for every verb; tests/networks/test_gas_measured.py proves them by trace.
        told = {name: n for name, n in result.features.items() if n and name != "transfers"}
        features.update({"last": {name: n for name, n in told.items() if not name.startswith("slots_")}})
        return result

    twin.model.apply = noted
    twin.act("pool_mint", alice, **IN, liquidity=E18)
    entered, both_words = {"pool_calls": 1}, {"bitmap_words": 2}
    assert features["last"] == {"ticks_initialised": 2, "positions_created": 1, **entered, **both_words}
    twin.evm.advance()
    twin.act("pool_mint", alice, **IN, liquidity=E18)
    assert features["last"] == {"observations_written": 1, **entered}
    twin.evm.advance()
    twin.act("pool_swap", alice, zero_for_one=True, amount_specified=1 << 100, sqrt_price_limit_x96=PRICE // 2)
    # To the end of the word, to the tick, and to the limit.
    assert features["last"] == {"steps": 3, "ticks_crossed": 1, "observations_written": 1, **entered, "bitmap_words": 2}
    twin.act("pool_burn", alice, **IN, liquidity=2 * E18)
    assert features["last"] == {"ticks_cleared": 2, **entered, **both_words}
    twin.act("pool_mint", alice, **BELOW, liquidity=1)
    assert features["last"] == {"ticks_initialised": 2, "positions_created": 1, **entered, "bitmap_words": 1}
    twin.act("pool_burn", alice, **BELOW, liquidity=1)
    assert features["last"] == {"ticks_cleared": 2, **entered, "bitmap_words": 1}
    twin.act("pool_increase_observations", alice, observation_cardinality_next=6)
    assert features["last"] == {"observations_added": 5}
    # The position manager's own words: the first position of the pool, the first of each owner.
    opened = []
    for who in (alice, alice, twin.actors[1]):
        twin.act("mint", who, **BELOW, amount0_desired=10**9, amount1_desired=10**9)
        opened.append({name: features["last"].get(name, 0) for name in ("first_of_pool", "first_of_owner")})
    assert opened == [
        {"first_of_pool": 1, "first_of_owner": 1},
        {"first_of_pool": 0, "first_of_owner": 0},
        {"first_of_pool": 0, "first_of_owner": 1},
    ]


def a_tick_whose_time_alone_stays() -> None:
    """The four numbers that share a tick's last word, of which only the tick's sum changes when it is crossed.

    The pool begins at second 0 (modulo 2**32) and a tick is first used at second 100, so that what lies on either side
    of it is as long when it is crossed at second 200, and as much per liquidity; but the price was elsewhere.
    """
    twin = Twin(fee=3000, time=2**32)
    who = twin.actors[0]
    twin.act("pool_initialize", who, sqrt_price_x96=PRICE)
    twin.act("pool_mint", who, tick_lower=-6000, tick_upper=6000, liquidity=1 << 60)
    twin.evm.advance(100)
    twin.act("pool_mint", who, **BELOW, liquidity=1 << 60)
    before = twin.state.pool.ticks[-600]
    for tick, seconds in ((-300, 50), (-601, 50)):
        twin.evm.advance(seconds)
        limit = {"amount_specified": 1 << 100, "sqrt_price_limit_x96": sqrt_ratio_at_tick(tick)}
        twin.act("pool_swap", who, zero_for_one=True, **limit)
    after = twin.state.pool.ticks[-600]
    assert after[5:] == before[5:]
    assert after.tick_cumulative_outside != before.tick_cumulative_outside


def tokens_passed_on() -> None:
    """Position tokens change hands by their owner alone; both enumerations follow, and so does who may do what."""
    twin = prepared()
    alice, bob, carol = twin.actors
    manager, state, nobody = twin.real.manager, twin.state, "0x" + "00" * 20
    desired = {"amount0_desired": E18, "amount1_desired": E18}
    mine = [twin.act("mint", who, **IN, **desired)["token_id"] for who in (alice, alice, bob, alice, carol)]
    first, second, theirs, last, _ = mine
    moves = (
        (alice, first, bob, ""),
        (alice, first, carol, "ERC721: transfer caller is not owner nor approved"),
        (alice, 10**6, carol, "ERC721: operator query for nonexistent token"),
        (bob, theirs, nobody, "ERC721: transfer to the zero address"),
        (bob, theirs, carol, ""),
        (bob, first, carol, ""),
        (carol, theirs, carol, ""),
        (alice, last, bob, ""),
        (alice, second, bob, ""),
        (bob, last, alice, ""),
    )
    for elsewhere in (False, True):
        for who, number, to, refusal in moves:
            said = ""
            mark = state.journal.mark()
            try:
                both(
                    lambda who=who, number=number, to=to: manager.send(who, PASS, who, to, number),
                    lambda who=who, number=number, to=to: transfer(state, number, who, "zero" if to == nobody else to),
                )
            except Revert as revert:
                said = revert.reason
            state.journal.commit(mark)
            assert said == refusal, (who, number, to)
            _compare_owners(twin, everybody=not elsewhere)
        twin.act("collect", alice, token_id=last)
        # Back to where it began, the way each came.
        for who, number, to in ((alice, last, bob), (bob, second, alice), (bob, last, alice), (carol, theirs, bob),
                                (carol, first, alice)):  # fmt: skip
            both(lambda who=who, number=number, to=to: manager.send(who, PASS, who, to, number),
                 lambda who=who, number=number, to=to: transfer(state, number, who, to))  # fmt: skip
        state.manager.elsewhere = True
        state.journal.forget()


PASS = "safeTransferFrom(address,address,uint256)"


def _compare_owners(twin: Twin, *, everybody: bool) -> None:
    manager, mine = twin.real.manager, twin.state.manager
    for who in twin.actors:
        size = manager.view("balanceOf", who)
        real = [manager.view("tokenOfOwnerByIndex", who, i) for i in range(size)]
        assert_same(real, [mine.entries[who, i].token_id for i in range(mine.sizes.get(who, 0))], "an owner's tokens")
        assert all(mine.places[who, number] == i + 1 for i, number in enumerate(real))
    for number, token in mine.tokens.items():
        assert_same(manager.view("ownerOf", number), token.owner, f"owner of {number}")
        if everybody:
            assert_same(token.owner, mine.entries["", mine.places["", number] - 1].owner, f"entry of {number}")


EDGES = (
    tokens_passed_on,
    a_tick_whose_time_alone_stays,
    inner_roundings_of_token0,
    inputs_beyond_256_bits,
    amounts_that_just_reach_a_tick,
    ranges_that_begin_or_end_at_the_price,
    one_unit_of_liquidity,
    views_at_every_second,
    features_say_what_moves_gas,
)
