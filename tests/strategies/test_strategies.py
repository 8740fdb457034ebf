"""What each strategy does in a world, and what all of them must be: deterministic, unchanging, bounded in loss."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import PairPool, RangePool, StreamFarm, ratio_at
from worlds import world

from tidemill.engine.run import run
from tidemill.errors import BadInput, UnknownName
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import Filled, Recorded
from tidemill.strategies import registry
from tidemill.strategies.accumulate import Accumulate
from tidemill.strategies.compound import Compound, best_harvest
from tidemill.strategies.deposit_and_harvest import DepositAndHarvest
from tidemill.strategies.fixed_range import FixedRange, FullRange
from tidemill.strategies.hold import Hold
from tidemill.strategies.range_ladder import RangeLadder
from tidemill.strategies.range_reset import RangeReset
from tidemill.strategies.ratio import least_amounts, liquidity_of, swap_to_ratio, usable_range
from tidemill.strategies.registry import describe, find, names, table
from tidemill.strategies.volatility_range import VolatilityRange

TOKENS = ("WETH@op", "USDC@op")
FUNDS = {"USDC@op": 10**12, "WETH@op": 10**9, "ETH@op": 10**12}
HOME = {"venue": "pool", "home": "USDC@op"}


def played(strategy, path, funds=FUNDS, *, fee_per_tick=0, **more):
    pool = RangePool("pool", "op", TOKENS, path, fee_per_tick=fee_per_tick)
    return run(world([pool], funds, **more), strategy, run_id="test", log=MemoryJournal())


def steps(out):
    return [(r.verb, r.at.number) for r in out.record if isinstance(r, Recorded) and isinstance(r.status, Filled)]


def failures(out):
    return [r for r in out.record if isinstance(r, Recorded) and not isinstance(r.status, Filled)]


def test_hold_does_nothing_until_the_end():
    out = played(Hold(**HOME), [(0, 0), (500, 100)])
    assert steps(out) == [("swap_exact_in", 1001)]
    assert set(out.marks[-1].balances) == {"USDC@op", "ETH@op"}
    assert not played(Hold(**HOME, exit="mark"), [(0, 0)]).record


def test_fixed_range_enters_once_and_leaves_into_home():
    out = played(FixedRange(**HOME, below=300, above=500), [(0, 0), (300, 600), (600, 100)])
    assert [v for v, _ in steps(out)] == ["swap_exact_in", "mint", "close", "swap_exact_in"]
    mint = next(r for r in out.record if r.verb == "mint")
    assert (mint.action.args["tick_lower"], mint.action.args["tick_upper"]) == (-300, 500)
    assert set(out.marks[-1].balances) == {"USDC@op", "ETH@op"}
    assert not failures(out)


def test_full_range_covers_every_tick_the_pool_has():
    out = played(FullRange(**HOME), [(0, 0)])
    mint = next(r for r in out.record if r.verb == "mint")
    assert (mint.action.args["tick_lower"], mint.action.args["tick_upper"]) == (-887_270, 887_270)


def test_entering_leaves_next_to_nothing_behind_from_any_mix():
    for usdc, weth in [(10**12, 0), (0, 10**12), (10**12, 10**12), (10**12, 3)]:
        out = played(FixedRange(**HOME, below=123, above=987), [(0, -400)], {"USDC@op": usdc, "WETH@op": weth})
        entered = next(m for m in reversed(out.marks) if m.positions)
        left = entered.balances.get("USDC@op", 0) + entered.balances.get("WETH@op", 0)
        assert left * 10_000 < usdc + weth, (usdc, weth, entered.balances)


def test_range_reset_follows_the_price_and_keeps_its_cooldown():
    path = [(0, 0), (100, 250), (110, 500), (700, 900)]
    out = played(RangeReset(**HOME, width=200, cooldown=600), path)
    verbs = steps(out)
    closes = [n for v, n in verbs if v == "close"]
    assert closes[:3] == [301, 701, 1001]  # entered at 0: not before 600 s = block 300; the exit is the last
    assert [v for v, _ in verbs][-2:] == ["close", "swap_exact_in"]
    assert not failures(out)
    quiet = played(RangeReset(**HOME, width=200, trigger=800, cooldown=600), path)
    assert [n for v, n in steps(quiet) if v == "close"] == [1001]


def test_a_swap_that_the_market_overtakes_reverts_and_is_tried_again_later():
    out = played(FixedRange(**HOME), [(0, 0), (1, 400)], {"USDC@op": 10**12})
    (failed, skipped) = failures(out)
    assert (failed.verb, failed.status.reason, failed.costs.total) == ("swap_exact_in", "Too little received", 40)
    assert skipped.verb == "mint"
    assert steps(out)[0] == ("swap_exact_in", 32)  # one minute after it


def test_every_swap_carries_a_min_out_within_the_slippage_it_was_given():
    out = played(
        RangeReset(**HOME, width=50, cooldown=0, slippage_bps=30), [(i * 40, (i * 37) % 400) for i in range(24)]
    )
    swaps = [r for r in out.record if r.verb == "swap_exact_in"]
    assert len(swaps) > 10
    for r in swaps:
        assert r.action.limits["amount_out_min"] >= r.result.amounts["amount_out"] * 9_965 // 10_000 > 0


def test_compound_harvests_at_the_optimum_and_puts_it_back():
    path = [(i, (i * 7) % 200) for i in range(1_000)]
    strategy = Compound(**HOME, gas_token="WETH@op", below=1_000, above=1_000)
    out = played(strategy, path, {"USDC@op": 10**6, "WETH@op": 10**6}, fee_per_tick=3)
    harvests = [r for r in out.record if r.verb == "harvest"]
    assert len(harvests) >= 2
    assert all(r.verb != "increase" or isinstance(r.status, Filled) for r in out.record)
    enough = best_harvest(300, 2 * 10**6)
    worth = [r.result.amounts["amount0"] + r.result.amounts["amount1"] for r in harvests]
    assert all(enough * 97 // 100 <= w <= enough * 112 // 100 for w in worth), (enough, worth)
    rare = played(
        Compound(**HOME, gas_token="WETH@op", k=200), path, {"USDC@op": 10**6, "WETH@op": 10**6}, fee_per_tick=3
    )
    assert 0 <= len([r for r in rare.record if r.verb == "harvest"]) < len(harvests)


def test_compound_says_what_it_cannot_compare():
    with pytest.raises(BadInput, match="gas_token: costs cannot be compared"):
        played(Compound(**HOME), [(0, 0)])


def test_the_closed_form_beats_every_other_threshold():
    """Brute force: capital that earns y per step, harvested and put back at a threshold, costs taken off."""
    capital, cost, y, horizon = 10**9, 50_000, 20, 40_000  # y: millionths per step

    def final(threshold):
        v, fees = capital * 10**6, 0
        for _ in range(horizon):
            fees += v * y // 10**6 // 100
            if fees >= threshold * 10**6:
                v, fees = v + fees - cost * 10**6, 0
        return v + fees

    best = best_harvest(cost, capital)
    around = {f: final(best * f // 100) for f in (25, 50, 100, 200, 400)}
    assert max(around, key=around.get) == 100, around


def test_deposit_and_harvest_stakes_claims_sells_and_leaves():
    pair = PairPool("pair", "op", {"RWD@op": 10**15, "LP@op": 10**15}, "LP2@op")
    farm = StreamFarm("farm", "op", "LP@op", "RWD@op", per_second=1_000)
    strategy = DepositAndHarvest("LP@op", farm="farm", reward="RWD@op", claim_at=300_000, market="pair")
    out = run(world([pair, farm], {"LP@op": 10**9}), strategy, run_id="t", log=MemoryJournal())
    assert [v for v, _ in steps(out)][:4] == ["stake", "claim", "swap_exact_in", "stake"]
    assert [v for v, _ in steps(out)][-2:] == ["exit", "swap_exact_in"]
    assert not failures(out)
    assert out.marks[-1].balances["LP@op"] > 10**9
    assert not out.marks[-1].positions


@pytest.mark.parametrize("bad", [{}, {"vault": "v"}, {"farm": "f", "claim_at": 5}])
def test_deposit_and_harvest_refuses_half_a_setup(bad):
    with pytest.raises(BadInput):
        DepositAndHarvest("USDC@op", **bad)


# --- the maths --------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 10**24),
    st.integers(0, 10**24),
    st.integers(-200_000, 200_000),
    st.integers(1, 20_000),
    st.integers(1, 20_000),
)
@settings(max_examples=300, deadline=None)
def test_after_the_swap_the_wallet_has_the_ratio_of_the_range(h0, h1, tick, below, above):
    lower, upper = usable_range(tick - below, tick + above, 10)
    price = ratio_at(tick)
    swap = swap_to_ratio((h0, h1), price, lower, upper, None, fee=500)
    if swap is None:
        return
    square = price * price
    if swap.zero_for_one:
        after = (h0 - swap.amount, h1 + (swap.amount * 999_500 // 10**6 * square >> 192))
    else:
        after = (h0 + (swap.amount * 999_500 // 10**6 << 192) // square, h1 - swap.amount)
    assert min(after) >= 0
    if min(after) > 10**9:  # enough digits to speak of a ratio
        full = liquidity_of(after, price, lower, upper)
        more0, more1 = (
            liquidity_of((a, b), price, lower, upper) for a, b in ((2 * after[0], after[1]), (after[0], 2 * after[1]))
        )
        assert abs(more0 - full) * 10**6 <= full * 10
        assert abs(more1 - full) * 10**6 <= full * 10


def test_swap_to_ratio_of_one_sided_ranges_sells_all_or_nothing():
    price = ratio_at(0)
    assert swap_to_ratio((100, 0), price, 10, 20, None) is None
    assert swap_to_ratio((0, 100), price, 10, 20, None).amount in (99, 100)
    assert swap_to_ratio((100, 0), price, -20, -10, None).zero_for_one
    assert swap_to_ratio((0, 0), price, -20, 10, None) is None


def test_least_amounts_are_met_within_the_slippage_and_missed_beyond():
    held, price = (10**18, 10**18), ratio_at(0)
    least = least_amounts(held, price, -500, 500, 50)

    def taken(tick):
        from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_up

        p, a, b = ratio_at(tick), ratio_at(-500), ratio_at(500)
        return amounts_for_liquidity_up(p, a, b, liquidity_of(held, p, -500, 500))

    for tick, good in [(0, True), (45, True), (-45, True), (55, False), (-55, False)]:
        a0, a1 = taken(tick)
        assert (a0 >= least[0] and a1 >= least[1]) is good, tick


@pytest.mark.parametrize(
    ("args", "out"), [((5, 6, 60), (0, 60)), ((-1, 1, 60), (-60, 60)), ((887_271, 887_272, 10), (887_260, 887_270))]
)
def test_usable_ranges(args, out):
    assert usable_range(*args) == out


# --- what all of them must be -----------------------------------------------------------------------------------------


def every_strategy():
    return [
        Hold(**HOME),
        FixedRange(**HOME, below=300, above=300),
        FullRange(**HOME),
        RangeReset(**HOME, width=100, cooldown=60),
        RangeLadder(**HOME, width=60, cooldown=60),
        RangeLadder(**HOME, width=60, reset="edge", cooldown=0),
        Accumulate(**HOME, width=60, follow=100),
        VolatilityRange(**HOME, window=400, every=60, horizon=600, cooldown=60),
        Compound(**HOME, gas_token="WETH@op", k=2),
    ]


def random_path(seed):
    rng = random.Random(seed)
    tick, path = rng.randrange(-2_000, 2_000), []
    for number in range(0, 1_000, rng.randrange(5, 60)):
        path.append((number, tick))
        tick += rng.randrange(-120, 121)
    return path


class Witness(msgspec.Struct):
    """Wraps a strategy: asks twice, compares, and compares the strategy with itself before."""

    inner: object
    asked: int = 0

    def decide(self, view, memo, news):
        before = msgspec.json.encode(self.inner)
        memo_before = msgspec.json.encode(memo)
        decision = self.inner.decide(view, memo, news)
        assert decision == self.inner.decide(view, memo, news)
        assert msgspec.json.encode(self.inner) == before
        assert msgspec.json.encode(memo) == memo_before
        for plan in decision.plans:
            for step in plan.steps:
                if step.verb == "swap_exact_in":
                    assert step.limits.amounts["amount_out_min"] > 0
        self.asked += 1
        return decision


@pytest.mark.parametrize("strategy", every_strategy(), ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("seed", range(4))
def test_deterministic_unchanging_and_the_same_plans_for_the_same_view(strategy, seed):
    type(strategy)  # frozen: an attribute cannot even be set
    with pytest.raises(AttributeError):
        strategy.home = "x"
    witness = type("W", (Witness,), {"Memo": type(strategy).Memo})(strategy)
    a = played(witness, random_path(seed), fee_per_tick=10**4)
    assert witness.asked >= 2
    one, two = (played(strategy, random_path(seed), fee_per_tick=10**4) for _ in range(2))
    assert one.hash == two.hash
    assert len(a.record) == len(one.record)
    assert not one.marks[-1].positions
    assert "WETH@op" not in one.marks[-1].balances


# --- registry and own code --------------------------------------------------------------------------------------------


def test_ours_are_found_by_name_and_made_from_checked_parameters():
    # every module of the room with a policy in it is found by its own name; full_range shares one with fixed_range
    room = Path(registry.__file__).parent
    policies = {path.stem for path in room.glob("*.py") if "    def decide(self, view: View" in path.read_text()}
    assert policies >= {"range_reset", "lend", "delegate"}
    assert names() == tuple(sorted((*policies, "full_range")))
    for name in names():
        rows = describe(find(name, Path(), own_code=False))
        assert all(meaning or values for _, _, values, meaning in rows), rows
        assert table(name).count("\n") == len(rows) + 1
    made = find("range_reset", Path(), own_code=False).make({"width": 60}, HOME)
    assert made == RangeReset(**HOME, width=60)


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"widht": 5}, "s.toml: parameters.widht: unknown key; did you mean 'width'?"),
        ({"width": 0}, "s.toml: parameters.width: expected a whole number >= 1 (here: 0)"),
        ({"width": "5"}, "s.toml: parameters.width: expected a whole number, got text (here: '5')"),
        ({"exit": "sell"}, "s.toml: parameters.exit: not a valid choice: 'sell'; valid: close, mark"),
        ({"slippage_bps": 10**6}, "s.toml: parameters.slippage_bps: expected a whole number <= 5000 (here: 1000000)"),
    ],
)
def test_bad_parameters_are_one_clear_line(parameters, line):
    with pytest.raises(BadInput) as caught:
        find("range_reset", Path(), own_code=False).make(parameters, HOME, file="s.toml")
    assert str(caught.value) == line


OWN = """
from msgspec import Struct
from tidemill.interfaces import Decision

class Mine(Struct, frozen=True):
    patience: int = 3
    def decide(self, view, memo, news):
        return Decision()

class Loose:
    def decide(self, view, memo, news): ...

class Mute(Struct, frozen=True):
    pass
"""


def test_own_code_is_loaded_by_opt_in_and_hashed(tmp_path):
    (tmp_path / "my.py").write_text(OWN)
    loaded = find("my.py:Mine", tmp_path, own_code=True)
    assert loaded.make({"patience": 4}).patience == 4
    (tmp_path / "my.py").write_text(OWN + "\n# changed")
    assert find("my.py:Mine", tmp_path, own_code=True).digest != loaded.digest
    out = played(loaded.make({}), [(0, 0)])
    assert not out.record


@pytest.mark.parametrize(
    ("spec", "own_code", "match"),
    [
        ("range_rest", True, "did you mean 'range_reset'"),
        ("my.py:Mine", False, "not allowed here"),
        ("my.py", True, "names no class"),
        ("none.py:Mine", True, "cannot be read"),
        ("my.py:Min", True, "did you mean 'Mine'"),
        ("my.py:Loose", True, "frozen=True"),
        ("my.py:Mute", True, "no method decide"),
        ("bad.py:Mine", True, "fails: ZeroDivisionError"),
    ],
)
def test_what_is_no_strategy_is_refused(tmp_path, spec, own_code, match):
    (tmp_path / "my.py").write_text(OWN)
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises((BadInput, UnknownName), match=match):
        find(spec, tmp_path, own_code=own_code)


def test_cards_write_values_as_a_study_file_takes_them() -> None:
    card = table("batch_posting")
    assert "| `collect_at` | 1_000_000_000_000_000_000 | 1 or more | wei |" in card
    assert "| `max_wait` | 86_400 | 0 to 31_536_000 |" in card
    assert "| `k` | not given | 1 to 1_000_000 |" in table("compound")
