"""Fees of the other families against a second computation, written here from the published rules alone.

Nothing of a network's module is used on the other side of a comparison. Cases are the edges (a fork's first second, nothing,
the largest a field holds) and seeded draws between them.
"""

from __future__ import annotations

import random
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise, product
from math import ceil, floor

import pytest

from networks.by_hand import NOW, U64, at, draws, env, next_base
from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks import TxShape, arbitrum_l1, arbitrum_l2, op_revenue, zk_stack
from tidemill.networks.starknet import staking_apr_bps_down
from tidemill.venues.delegation.rules import yearly_mint_down

# --- Arbitrum ---------------------------------------------------------------------------------------------------------


def power(bips: int) -> int:
    """1 + x (1 + x/2 (1 + x/3 (1 + x/4))) in basis points, every quotient cut."""
    x, out = abs(bips), 10_000
    for term in (4, 3, 2, 1):
        out = 10_000 + floor(Fraction(out * x, term * 10_000))
    return out if bips >= 0 else floor(Fraction(10**8, out))


def test_powers_of_e_over_the_whole_range() -> None:
    rng = random.Random("power")
    for bips in (0, 1, -1, 3, 4, 9_999, 10_000, 85_000, *(rng.randrange(-(10**6), 10**6) for _ in range(300))):
        assert arbitrum_l2.approx_exp_bips(bips) == power(bips)


def test_the_price_by_arbitrum_s_six_constraints() -> None:
    chain, rng = networks.get("arbitrum-one"), random.Random("constraints")
    told = [(60, 9), (41, 52), (29, 329), (20, 2105), (14, 13485), (10, 86400)]
    assert chain.constraints(at("2026-01-07T23:59:59")) == ()
    for _ in range(200):
        backlogs = [rng.choice((0, 1, rng.randrange(10**13))) for _ in told]
        seconds = rng.choice((0, 1, rng.randrange(10**4)))
        given = [
            arbitrum_l2.Constraint(c.target, c.window, backlog)
            for c, backlog in zip(chain.constraints(NOW), backlogs, strict=True)
        ]
        left = [max(0, b - seconds * t * 10**6) for b, (t, _) in zip(backlogs, told, strict=True)]
        bips = sum(floor(Fraction(b * 10_000, w * t * 10**6)) for b, (t, w) in zip(left, told, strict=True))
        paid, price = arbitrum_l2.single_update(given, seconds, 20_000_000)
        assert [c.backlog for c in paid] == left
        wanted = floor(Fraction(20_000_000 * power(bips), 10_000)) if bips else 20_000_000
        assert price == wanted if power(bips) < U64 // 10**6 else price >= 20_000_000


def test_exponents_of_several_resources() -> None:
    rng, names = random.Random("resources"), arbitrum_l2.RESOURCES
    for _ in range(200):
        given = [
            arbitrum_l2.Constraint(
                rng.randrange(1, 10**8), rng.randrange(1, 10**5), rng.randrange(10**11),
                {name: rng.randrange(1, 50) for name in rng.sample(names, rng.randrange(1, 6))},
            )
            for _ in range(rng.randrange(1, 5))
        ]  # fmt: skip
        wanted: dict[str, int] = {}
        for c in given:
            for name, weight in c.weights.items():
                each = Fraction(c.backlog * weight * 10_000, c.window * c.target * max(c.weights.values()))
                wanted[name] = wanted.get(name, 0) + floor(each)
        assert arbitrum_l2.multi_exponents_bips(given) == wanted


def test_one_backlog_before_constraints() -> None:
    rng = random.Random("legacy")
    model = networks.get("arbitrum-one").legacy(at("2025-06-01"))
    assert (model.speed_limit, model.min_base_fee) == (7_000_000, 10_000_000)
    for backlog in (0, 70_000_000, 70_000_001, 70_071_400, *(rng.randrange(10**11) for _ in range(200))):
        seconds = rng.randrange(20)
        left = max(0, backlog - 7_000_000 * seconds)
        bips = max(0, floor(Fraction((left - 70_000_000) * 10_000, 102 * 7_000_000)))
        price = floor(Fraction(10_000_000 * power(bips), 10_000)) if bips else 10_000_000
        assert arbitrum_l2.legacy_update(model, backlog, seconds) == (left, price)


@pytest.mark.parametrize("name", ["arbitrum-one", "arbitrum-nova"])
def test_the_poster_s_part_is_whole_gas(name: str) -> None:
    rng = random.Random(name)
    chain = networks.get(name)
    for length in (0, 1, 100, *(rng.randrange(10**5) for _ in range(100))):
        base, unit = rng.choice((1, 10**7, rng.randrange(1, 10**10))), rng.choice((0, rng.randrange(10**10)))
        gas = rng.randrange(10**7)
        got = chain.fee(TxShape(gas, 0, 0, 0, length), env(NOW, base_fee=base, price_per_unit=unit, priority_fee=9))
        poster = base * floor(Fraction(16 * length * unit, base))
        assert (got.l2_execution, got.l1_data, got.operator) == (gas * base, poster, 0)


def test_the_controller_of_the_price_per_unit() -> None:
    """Sixty reports in a row against the rule of the facts page, divisions towards minus infinity."""
    rng = random.Random("controller")
    for _ in range(20):
        state = arbitrum_l1.L1Pricing(price_per_unit=rng.randrange(10**11), last_update=1)
        price, pool, units, last, old, due, owed = state.price_per_unit, 0, 0, 1, 0, 0, 0
        for _ in range(60):
            more, paid = rng.randrange(10**6), rng.randrange(10**15)
            units, pool = units + more, pool + paid
            state = arbitrum_l1.L1Pricing(
                **{**fields(state), "units": state.units + more, "available": state.available + paid}
            )
            update = last + rng.randrange(100)
            now = update + rng.randrange(1, 100)
            spent = rng.randrange(2 * 10**15)
            state = arbitrum_l1.settle(state, update, now, spent, 10**9).state
            share = floor(Fraction(units * (update - last), now - last))
            owed += 10 * share
            pool, owed = pool - min(pool, owed) if owed <= pool else 0, max(0, owed - pool)
            due += spent
            pool, due = (pool - due, 0) if due <= pool else (0, due - pool)
            surplus = pool - due - owed
            if share:
                drift = floor(Fraction(-surplus, 16 * 10**7)) - floor(Fraction(surplus - old, share))
                price, old = max(0, price + floor(Fraction(drift * share, 16 * 10**6 + share))), surplus
            units, last = units - share, update
            assert (state.price_per_unit, state.available, state.due_poster, state.due_rewards) == (
                price,
                pool,
                due,
                owed,
            )


def fields(state: arbitrum_l1.L1Pricing) -> dict[str, int]:
    return {name: getattr(state, name) for name in state.__struct_fields__}


# --- ZK Stack, Polygon, Scroll, Linea, Starknet -----------------------------------------------------------------------


def test_zksync_s_fee_from_its_operator_s_settings() -> None:
    rng, chain = random.Random("zksync"), networks.get("zksync-era")
    for _ in range(200):
        l1, pubdata = rng.choice((0, 1, rng.randrange(10**12))), rng.choice((0, 1, 10**15 + 1, rng.randrange(10**13)))
        gas, length, published = (
            rng.randrange(10**8),
            rng.choice((0, 1_000, 1_001, rng.randrange(10**5))),
            rng.randrange(10**5),
        )
        byte = min(10**15, pubdata + ceil(Fraction(l1 * 800_000, 500_000)))  # defaults: overhead rides on pubdata alone
        base = max(45_250_000, ceil(Fraction(byte, 50_000)))
        per_byte = ceil(Fraction(byte, base))
        tx = TxShape(gas, 0, length, 0, pubdata_bytes=published)
        got = chain.fee(tx, env(NOW, base_fee=45_250_000, l1_base_fee=l1, l1_pubdata_price=pubdata, priority_fee=10**9))
        assert got.l2_execution == base * (max(10_000, 10 * length) + gas)
        assert got.l1_data == base * per_byte * published


def test_zk_stack_prices_with_any_parts() -> None:
    rng = random.Random("parts")
    for _ in range(200):
        parts = [rng.choice((0, 1_000_000, rng.randrange(5_000_000))) for _ in range(2)]
        batch, most_gas, most_bytes = rng.randrange(10**6), rng.randrange(1, 10**9), rng.randrange(1, 10**6)
        model = zk_stack.FeeModel(rng.randrange(10**12), *parts, batch, most_gas, most_bytes)
        l1, pubdata = rng.randrange(10**18), rng.randrange(10**15)
        gas, byte = ceil(Fraction(l1 * batch, most_gas)), ceil(Fraction(l1 * batch, most_bytes))
        least = model.minimal_l2_gas_price + floor(Fraction(gas * parts[0], 10**6))
        dear = pubdata + floor(Fraction(byte * parts[1], 10**6))
        got = zk_stack.fair_l2_gas_price_up(model, l1), zk_stack.fair_pubdata_price_up(model, l1, pubdata)
        assert got == (least, dear) and zk_stack.clipped(*got) == (min(least, 10**13), min(dear, 10**15))


BOR = [
    ("london", 23_850_000, 8, 50), ("delhi", 38_189_056, 16, 50), ("bhilai", 73_440_256, 64, 50), ("dandeli", 81_424_000, 64, 65),
]  # fmt: skip


@pytest.mark.parametrize(("fork", "block", "denominator", "percent"), BOR)
def test_polygon_by_block_and_fork(fork: str, block: int, denominator: int, percent: int) -> None:
    chain = networks.get("polygon-pos")
    assert chain.fork_at_block(block) == fork
    if fork == "london":
        with pytest.raises(BadInput):
            chain.fork_at_block(block - 1)
    else:
        assert chain.fork_at_block(block - 1) == [name for name, *_ in BOR][[b for _, b, *_ in BOR].index(block) - 1]
    for limit in (20_000_000, 60_000_001):
        target = floor(Fraction(limit * percent, 100))
        for base, used in draws(f"{fork} {limit}", limit, target):
            assert chain.next_base_fee_in(fork, base, used, limit) == next_base(base, used, target, denominator)


def test_polygon_takes_the_parameters_of_the_second() -> None:
    chain = networks.get("polygon-pos")
    entries = chain.facts.timeline("fork").entries
    for one, other in pairwise(entries):
        assert chain.fork(other.since - 1) == one.fact.value and chain.fork(other.since) == other.fact.value
    assert (
        chain.fee(TxShape(21_000, 9, 9, 9), env(NOW, base_fee=30 * 10**9, priority_fee=10**9)).total
        == 21_000 * 31 * 10**9
    )


def test_scroll_in_every_fork() -> None:
    rng, chain = random.Random("scroll"), networks.get("scroll")
    for _ in range(200):
        zeros, others, gas = (
            rng.choice((0, rng.randrange(9_999))),
            rng.choice((0, rng.randrange(9_999))),
            rng.randrange(10**7),
        )
        size, packed = zeros + others, rng.randrange(1, 20_000)
        l1, blob = rng.choice((0, 1, rng.randrange(10**12))), rng.choice((0, 1, rng.randrange(10**12)))
        names = ("overhead", "scalar", "commit_scalar", "curie_blob_scalar", "exec_scalar", "blob_scalar")
        v = {name: rng.choice((0, rng.randrange(10**12))) for name in names}
        v |= {"penalty_threshold": rng.choice((10**9, 2 * 10**9)), "penalty_factor": rng.randrange(1, 10**10)}
        tx = TxShape(gas, 0, zeros, others, zstd_length=packed)
        kept = min(packed, size)
        ratio = Fraction(size, max(kept, 1)) * 10**9
        penalty = 10**9 if floor(ratio) >= v["penalty_threshold"] else v["penalty_factor"]
        plain = (v["exec_scalar"] * l1 + v["blob_scalar"] * blob) * kept
        wanted = {
            "bernoulli": Fraction((4 * zeros + 16 * (others + 4) + v["overhead"]) * l1 * v["scalar"], 10**9),
            "curie": Fraction(v["commit_scalar"] * l1 + size * blob * v["curie_blob_scalar"], 10**9),
            "feynman": Fraction((v["exec_scalar"] * l1 + v["blob_scalar"] * blob) * size * penalty, 10**18),
            "galileo": Fraction(plain + floor(Fraction(plain * kept, v["penalty_factor"])), 10**9),
        }
        for fork, data in wanted.items():
            got = chain.fee(tx, env(NOW, fork, base_fee=3, priority_fee=2, l1_base_fee=l1, blob_base_fee=blob, **v))
            assert (got.l2_execution, got.l1_data) == (5 * gas, floor(data)), fork


def test_linea_s_least_price_spread_over_the_gas() -> None:
    rng, chain = random.Random("linea"), networks.get("linea")
    for _ in range(200):
        size, bps = rng.choice((0, rng.randrange(10**5))), rng.randrange(12_000)
        gas = rng.choice((1, 21_000, rng.randrange(1, 10**7)))
        variable, fixed, margin, base, tip = (rng.choice((0, rng.randrange(10**k))) for k in (16, 9, 7, 10, 10))
        packed = min(size, ceil(Fraction(size * bps, 10_000)))
        bytes_price = floor(Fraction(variable * packed, 10**6 * gas))
        least = base + ceil(Fraction(margin * (bytes_price + fixed), 10**6))
        levels = {"variable_cost": variable, "fixed_cost": fixed, "min_margin": margin, "compressed_bps": bps}
        got = chain.fee(TxShape(gas, 0, size, 0), env(NOW, base_fee=base, priority_fee=tip, **levels))
        assert got.total == gas * max(base + tip, least)
        assert got.l1_data == gas * floor(Fraction(bytes_price * margin, 10**6))


def test_starknet_s_resources_and_its_price() -> None:
    rng, chain = random.Random("starknet"), networks.get("starknet")
    for _ in range(200):
        gas, contracts, values, words = (
            rng.randrange(10**8),
            rng.randrange(1, 30),
            rng.randrange(1, 90),
            rng.randrange(20),
        )
        price, tip, data_price, l1 = (rng.choice((0, rng.randrange(10**12))) for _ in range(4))
        changed = 2 * (contracts - 1) + 2 * (values - 1)
        message = 3 * 1_124 + (1_124 + 256) * words + 20_000 + 1_637
        more = {"contracts_changed": contracts, "values_changed": values, "l1_data_gas_price": data_price}
        given = env(NOW, base_fee=price, priority_fee=tip, l1_message_words=words, l1_gas_price=l1, **more)
        got = chain.fee(TxShape(gas, 0, 0, 0), given)
        assert (got.l2_execution, got.l1_data) == (gas * (price + tip), 32 * changed * data_price + message * l1)
        used, limit = rng.randrange(10**9), 10**9
        target = 800_000_000
        moved = floor(price + Fraction(price * (used - target), target * 48))
        assert chain.next_base_fee(NOW, price, used, limit) == max(moved, 3 * 10**9)


@pytest.mark.parametrize("numerator", [1, 213, 400, 500])
def test_starknet_mints_by_the_root_of_the_stake(numerator: int) -> None:
    """Upstream's curve: numerator x the whole root of stake x supply, over 10,000."""
    rng, supply = random.Random(numerator), 10**28
    known = {(213, 10**27): 67356514161586479771576432, (400, 10**27): 126491106406735173279955741,
             (400, 2 * 10**27): 178885438199983175712733893}  # fmt: skip
    for stake in (0, 1, 10**27, 2 * 10**27, supply, *(rng.randrange(supply) for _ in range(50))):
        got = yearly_mint_down(numerator, stake, supply)
        with localcontext(prec=120):
            root = int(Decimal(stake * supply).sqrt())
        assert got == floor(Fraction(numerator * root, 10_000))
        assert got == known.get((numerator, stake), got)


def test_starknet_s_rate_is_ten_times_the_ceiling_over_the_root() -> None:
    for ceiling, staked, bitcoin in product((100, 213, 400, 500), (1, 400, 899, 1_600, 10_000), (0, 2_500, 10_000)):
        got = staking_apr_bps_down(ceiling, staked, bitcoin)
        # in per cent: 10 C (1 - a) / sqrt(s); squared it needs no root, and basis points are its hundredths
        bound = (10 * Fraction(ceiling, 100) * (1 - Fraction(bitcoin, 10_000))) ** 2 / Fraction(staked, 100)
        assert Fraction(got, 100) ** 2 <= bound < Fraction(got + 1, 100) ** 2


def test_polygon_zkevm_charges_a_256th_of_the_offer() -> None:
    rng, chain = random.Random("zkevm"), networks.get("polygon-zkevm")
    for _ in range(200):
        zeros, others, gas = rng.randrange(999), rng.randrange(999), rng.choice((0, 21_000, rng.randrange(1, 10**7)))
        offer, l1, suggested = rng.randrange(1, 10**11), rng.randrange(10**11), rng.randrange(1, 10**11)
        even = offer
        if gas:
            computing = gas * max(floor(Fraction(l1, 4)), 1)
            even = floor(Fraction(computing + ((others + 1) * 16 + zeros * 4) * l1, gas))
        price = floor(Fraction(even * offer, suggested)) if offer > suggested else even
        byte = min(max(ceil(Fraction(price * 256, offer)) - 1, 0), 255)
        given = env(at("2025-06-01"), base_fee=offer, l1_base_fee=l1, suggested_gas_price=suggested)
        assert chain.fee(TxShape(gas, 0, zeros, others), given).total == gas * floor(Fraction(offer * (byte + 1), 256))


def test_what_the_superchain_is_owed() -> None:
    rng = random.Random("share")
    for gross in (0, 1, 39, 40, *(rng.randrange(10**21) for _ in range(100))):
        l1 = rng.choice((0, gross, rng.randrange(gross + 1)))
        wanted = max(floor(Fraction(gross, 40)), floor(Fraction(3 * (gross - l1), 20)))
        assert op_revenue.revenue_share_down(gross, l1) == wanted


# --- what is no transaction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["gas_used", "fastlz_length", "zero_bytes", "nonzero_bytes", "brotli_length", "zstd_length"]
)
def test_nothing_of_a_transaction_is_negative(field: str) -> None:
    whole = {"gas_used": 1, "fastlz_length": 1, "zero_bytes": 1, "nonzero_bytes": 1}
    with pytest.raises(BadInput, match=f"{field}: -1 is negative"):
        TxShape(**(whole | {field: -1}))


LEVELS = (
    "base_fee", "priority_fee", "l1_base_fee", "blob_base_fee", "price_per_unit", "l1_pubdata_price", "variable_cost",
    "fixed_cost", "min_margin", "compressed_bps", "exec_scalar", "blob_scalar", "penalty_factor",
)  # fmt: skip
UNTIPPED = ("arbitrum-one", "zksync-era")
"""No tip is charged there, so none is read."""


@pytest.mark.parametrize(
    "name", ["op-mainnet", "arbitrum-one", "ethereum", "polygon-pos", "zksync-era", "scroll", "linea"]
)
@pytest.mark.parametrize("field", ["base_fee", "priority_fee"])
def test_a_negative_price_is_refused_by_name(name: str, field: str) -> None:
    chain, tx, levels = networks.get(name), TxShape(1, 1, 1, 1, 1, 1, 1), dict.fromkeys(LEVELS, 1)
    assert chain.fee(tx, env(NOW, **levels)).total > 0
    if field == "priority_fee" and name in UNTIPPED:
        assert chain.fee(tx, env(NOW, **levels)) == chain.fee(tx, env(NOW, **(levels | {field: 10**9})))
        return
    with pytest.raises(BadInput, match=f"{field}: -1 is negative"):
        chain.fee(tx, env(NOW, **(levels | {field: -1})))
