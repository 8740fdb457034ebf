"""Every strategy that can be screened: each variant of a grid beside its exact run, in both modes."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from kit import STUDY, write_study
from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.market.index import FeeIndex
from tidemill.studies.backtest import Backtest
from tidemill.studies.fast import fixed_range
from tidemill.studies.fast.ground import Ground
from tidemill.studies.fast.screens import SCREENS, screen
from tidemill.studies.prepare import prepare
from tidemill.studies.strategy import varied
from tidemill.studies.study import ContributionSpec, load_study
from tidemill.studies.sweep import sweep

Grid = dict[str, list[Any]]
LOOKS: Grid = {"window": [7_300], "every": [601], "horizon": [3_600], "min_width": [30], "max_width": [500]}
GRIDS: dict[str, Grid] = {
    "fixed_range": {"below": [20, 150, 2_000], "above": [35, 400, 887_272]},
    "range_ladder": {"reset": ["none", "edge", "all"], "width": [70], "trigger": [13], "cooldown": [0, 7_200]},
    "volatility_range": {**LOOKS, "rewidth_bps": [0, 3_000], "trigger": [7], "cooldown": [0, 3_601]},
    "accumulate": {"side": ["buy", "sell"], "orders": [1, 4], "width": [15], "gap": [0, 25], "follow": [0, 40]},
}
"""What is varied; everything else is the strategy's own default."""
MOST = {"fixed_range": 0.05, "range_ladder": 0.15, "volatility_range": 0.15, "accumulate": 0.1}
"""Basis points of the capital, for each position closed and one more, that an estimate may be off."""
SMALL = {"USDC": "1000", "ETH": "0.1"}
BIG = {"WETH": "50", "USDC": "3", "ETH": "0.3"}


def made(
    folder: Path, strategy: str, mode: str, capital: dict[str, str], more: dict[str, Any] | None = None
) -> Backtest:
    venues = {"pool": {**STUDY["venues"]["pool"], "mode": mode}}
    study = {**STUDY, "strategy": strategy, "venues": venues, "capital": capital, "parameters": {}, **(more or {})}
    return Backtest(prepare(load_study(write_study(folder, study, f"{strategy}.toml"))))


def grid(strategy: str) -> list[dict[str, Any]]:
    axes = GRIDS[strategy]
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def off_by(backtest: Backtest, variant: dict[str, Any], estimate: float) -> tuple[float, int]:
    """Basis points of the capital between an estimate and the exact run, and positions that the run closed."""
    played = backtest.play(varied(backtest.prepared, variant))
    fall = waterfall(post(played.outcomes.record, played.outcomes.marks))
    closed = sum(line.verb == "close" for line in played.outcomes.record if isinstance(line, Recorded))
    return float(abs(estimate - fall.keep) / fall.capital * 10_000), closed


@pytest.mark.parametrize(("mode", "capital"), [("small", SMALL), ("diluted", BIG)])
@pytest.mark.parametrize("strategy", GRIDS)
def test_every_variant_is_near_its_exact_run(folder: Path, strategy: str, mode: str, capital: dict[str, str]) -> None:
    """As many positions closed, and what is kept within the bound of its kind."""
    backtest = made(folder, strategy, mode, capital)
    variants = grid(strategy)
    found = screen(backtest, backtest.play(), variants)
    for place, variant in enumerate(variants):
        off, closed = off_by(backtest, variant, found.keep[place])
        assert found.resets[place] == closed - 1, variant
        assert off <= MOST[strategy] * (closed + 1), (variant, off, closed)


@pytest.mark.parametrize("strategy", GRIDS)
def test_the_studys_own_setting_costs_what_it_did(folder: Path, strategy: str) -> None:
    """At fees that weigh: a mean times its number is the sum, so of all errors that of costs is nil here."""
    dear = {"fees": {"op-mainnet": {"base_fee_gwei": "3"}}}
    backtest = made(folder, strategy, "small", SMALL, dear)
    found = screen(backtest, played := backtest.play(), [{}])
    assert waterfall(post(played.outcomes.record, played.outcomes.marks)).keep < 0
    off, closed = off_by(backtest, {}, found.keep[0])
    assert off <= MOST[strategy] / 5 * (closed + 1)


def test_a_range_is_laid_the_block_after_the_swap(folder: Path) -> None:
    """Where the price leaps in that block: what is laid fits the price before it, and some is left over."""
    tape = made(folder, "fixed_range", "small", SMALL).prepared.markets["pool"].tape()
    leap = int(np.abs(np.diff(tape.tick[:20_000])).argmax()) + 1
    start = dt.datetime.fromtimestamp(int(tape.time[leap]) - 2, dt.UTC)
    backtest = made(folder, "fixed_range", "small", SMALL, {"start": start})
    variants = grid("fixed_range")
    found = screen(backtest, backtest.play(), variants)
    for place, variant in enumerate(variants):
        off, _ = off_by(backtest, variant, found.keep[place])
        assert off <= 0.05, variant


def test_a_ladder_sells_a_small_surplus_but_no_dust(folder: Path) -> None:
    """Of a wallet that nearly fits a twentieth is sold first; of one that has just been swapped nothing."""
    nearly = {"USDC": "1000", "WETH": "0.25", "ETH": "0.1"}
    backtest = made(folder, "range_ladder", "small", nearly, {"parameters": {"reset": "none"}})
    played = backtest.play()
    sales = [line for line in played.outcomes.record if getattr(line, "verb", "") == "swap_exact_in"]
    sold = sales[0].result.amounts["amount_in"] / (0.25e18 if "WETH" in sales[0].action.args["token_in"] else 1e9)
    assert 0.02 < sold < 0.5
    off, closed = off_by(backtest, {}, screen(backtest, played, [{}]).keep[0])
    assert off <= 0.02 * (closed + 1)


def test_the_list_of_screens_is_what_is_tested() -> None:
    assert set(SCREENS) == {"range_reset", *GRIDS}  # range_reset: test_screen.py


def test_fees_of_a_fixed_range_are_exact(folder: Path) -> None:
    """Small mode: the integers that the index's growth and the contract's rounding give, for any liquidity."""
    backtest = made(folder, "fixed_range", "small", SMALL)
    ground = Ground(backtest, backtest.play())
    rng = np.random.default_rng(5)
    index, count, spacing = FeeIndex(ground.tape), 40, ground.terms.spacing
    lower = (ground.tape.tick[rng.integers(0, index.steps, count)] - rng.integers(1, 900, count)) // spacing * spacing
    upper = lower + rng.integers(1, 200, count) * spacing
    start, stop = np.sort(rng.integers(0, index.steps, (2, count)), axis=0)
    own = np.floor(2.0 ** rng.uniform(20, 52, count))
    found = fixed_range.fees(ground, lower, upper, start, stop, own)
    for i in range(count):
        cells = int(lower[i]) // spacing, int(upper[i]) // spacing
        told = index.growth_by_scan(*cells, int(start[i]), int(stop[i])).fees(int(own[i]))
        assert tuple(found[i]) == told
    assert (found.sum(axis=0) > 0).all()


@pytest.mark.parametrize("down", [True, False])
def test_an_own_swap_of_any_size_meets_the_pools_own_steps(folder: Path, down: bool) -> None:
    """What is walked once fills every smaller amount as the pool itself would, across ticks."""
    backtest = made(folder, "fixed_range", "small", SMALL)
    ground = Ground(backtest, backtest.play())
    row, most = 5_000, 4.0e12 if down else 2.0e21
    fills = fixed_range.Fills(ground, row, down=down, most=most)
    book = ground.market.path_liquidity()
    events = int(np.searchsorted(ground.market.flow().block, ground.tape.block[row], side="right"))
    ways, crossed = np.array([1e-4, 0.001, 0.03, 0.4, 0.77, 1.0]) * most, 0
    for amount, got in zip(np.floor(ways), fills.of(np.floor(ways)), strict=True):
        limit = 4_295_128_740 if down else (1 << 160) - (1 << 100)
        true = book.swap(
            row + 1, events, zero_for_one=down, exact_in=True, amount=int(amount), sqrt_price_limit_x96=limit
        )
        crossed += true.ticks_crossed
        assert got == pytest.approx(true.amount_out, rel=1e-7)
    assert crossed > 1


def test_a_sweep_of_fixed_ranges_is_answered_by_the_index(folder: Path) -> None:
    made(folder, "fixed_range", "diluted", SMALL)
    axes = {"below": [20, 60, 150, 900], "above": [35, 400]}
    part = sweep(folder / "fixed_range.toml", axes, exact=2).document
    whole = sweep(folder / "fixed_range.toml", axes).document
    assert (part.answered, whole.answered) == ("fee index", "exact runs")
    assert part.screened is not None and "fees" in part.screened.exactly
    assert part.ranking[:2] == whole.ranking[:2]
    off = [abs(a.keep_bps - b.keep_bps) for a, b in zip(part.trials, whole.trials, strict=True)]
    assert max(off) <= part.screened.largest_error_bps == 1


def test_what_varies_is_named_and_what_is_paid_in_on_the_way_is_no_screens(folder: Path) -> None:
    backtest = made(folder, "fixed_range", "small", SMALL)
    played = backtest.play()
    with pytest.raises(BadInput, match="slippage_bps: a screen of fixed_range varies below and above"):
        screen(backtest, played, [{"slippage_bps": 3}])
    backtest.study = structs.replace(backtest.study, contributions=[ContributionSpec("USDC", "5", 86_400)])
    with pytest.raises(BadInput, match="paid into on the way"):
        screen(backtest, played, grid("fixed_range"))
