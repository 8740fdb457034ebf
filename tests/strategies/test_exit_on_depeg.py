"""Leaving on a depeg: when it leaves and when it does not, who says so, and the USDC of March 2023."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from plays import BLOCK, decisions, failures, filled, played, walk

from tidemill.errors import BadInput
from tidemill.market import data_root, missing_reason
from tidemill.strategies.exit_on_depeg import ExitOnDepeg
from tidemill.strategies.registry import find
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study
from tidemill.venues.shared.oracle import Feed, Oracle

EXAMPLE = Path(__file__).parents[2] / "examples" / "exit_on_depeg.toml"
USDC, USDT = "USDC@op", "USDT@op"
TOKENS = (USDC, USDT)
MONEY = {USDC: 10**12, "ETH@op": 10**12}
GIVEN = {"inner": "hold", "home": USDT, "token": USDC, "market": "pool"}
QUICK = {**GIVEN, "band_bps": 200, "seconds": 200, "every": 20}
START, FALL = 1_000, -400
REAL = "prices/usdc_depeg_15m.parquet"


def run_(strategy: ExitOnDepeg, path: Any, answers: Any = None, tokens: Any = TOKENS, **more: Any) -> Any:
    oracles = [Oracle("feed:USDC", "op", Feed(heartbeat=10**6), answers)] if answers else []
    return played(strategy, path, MONEY, tokens=tokens, oracles=oracles, **more)


def left_at(outcomes: Any) -> list[int]:
    """Seconds from the start at which the token was sold before the end."""
    return [r.at.time - START for r in filled(outcomes, "swap_exact_in") if r.at.time < 3_000]


def test_it_leaves_once_the_peg_has_been_lost_for_long_enough_and_stays_out() -> None:
    out = run_(ExitOnDepeg(**QUICK), [(0, 0), (100, FALL), (400, 0)])
    (sold,) = left_at(out)
    assert 400 <= sold <= 400 + 2 * 20 + 2 * BLOCK  # block 100 is second 200; a look each 20 s
    after = [m for m in decisions(out) if m.time > START + sold]
    assert all(m.balances.get(USDC, 0) == 0 for m in after)
    assert out.marks[-1].balances[USDT] < 10**12 * 0.97  # sold below the peg, which came back without it


@pytest.mark.parametrize(
    "path",
    [
        [(0, 0), (100, -150)],  # inside the band
        [(0, 0), (100, FALL), (190, 0), (200, FALL), (290, 0)],  # twice 180 s, not once 200
        [(0, 0), (100, 400)],  # above the peg, which is no reason to go
    ],
)
def test_it_stays_where_the_peg_is_kept_or_soon_back(path: Any) -> None:
    assert not left_at(run_(ExitOnDepeg(**QUICK), path))


def test_the_other_order_of_tokens_is_the_same_story() -> None:
    one = run_(ExitOnDepeg(**QUICK), [(0, 0), (100, FALL)])
    two = run_(ExitOnDepeg(**QUICK), [(0, 0), (100, -FALL)], tokens=(USDT, USDC))
    assert left_at(one) == left_at(two) != []


def test_a_position_is_closed_and_sold_and_never_opened_again() -> None:
    strategy = ExitOnDepeg(**{**QUICK, "inner": "range_reset"}, inner_parameters={"width": 100, "cooldown": 0})
    out = run_(strategy, [(0, 0), (50, 150), (300, FALL), (500, -FALL)], fee_per_tick=10**4)
    verbs = [r.verb for r in filled(out)]
    assert verbs[:6] == ["swap_exact_in", "mint", "close", "swap_exact_in", "mint", "close"]
    gone = left_at(out)[-1]
    assert 300 * BLOCK + 200 <= gone <= 300 * BLOCK + 300
    assert not [r for r in filled(out, "mint") if r.at.time - START > gone]
    assert set(out.marks[-1].balances) == {USDT, "ETH@op"}
    assert not failures(out)


FALLEN, KEPT = [(0, 10**8), (1_300, 95 * 10**6)], [(0, 10**8)]
DOWN, FLAT = [(0, 0), (100, FALL)], [(0, 0)]


@pytest.mark.parametrize(
    ("watch", "path", "answers", "leaves"),
    [
        ("market", DOWN, KEPT, True),
        ("market", FLAT, FALLEN, False),
        ("oracle", DOWN, KEPT, False),
        ("oracle", FLAT, FALLEN, True),
        ("both", DOWN, KEPT, False),
        ("both", FLAT, FALLEN, False),
        ("both", DOWN, FALLEN, True),
        ("either", DOWN, KEPT, True),
        ("either", FLAT, FALLEN, True),
        ("either", FLAT, KEPT, False),
    ],
)
def test_who_says_so_is_what_was_asked_for(watch: str, path: Any, answers: Any, leaves: bool) -> None:
    strategy = ExitOnDepeg(**QUICK, watch=watch, oracle="feed:USDC")  # type: ignore[arg-type]
    out = run_(strategy, path, answers)
    assert bool(left_at(out)) is leaves
    if leaves and answers is FALLEN:  # the later of the two where both must say so
        first = {"oracle": 300, "both": 300, "either": 300}[watch]
        assert first + 200 <= left_at(out)[0] <= first + 200 + 2 * BLOCK + (20 if watch == "both" else 0)


def memos(strategy: ExitOnDepeg, path: Any, answers: Any) -> list[Any]:
    seen = []

    class Telling:
        Memo = ExitOnDepeg.Memo

        def decide(self, view: Any, memo: Any, news: Any) -> Any:
            decision = strategy.decide(view, memo, news)
            seen.append(decision.memo)
            return decision

    run_(Telling(), path, answers)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(("watch", "by"), [("market", "market"), ("oracle", "oracle"), ("both", "market and oracle")])
def test_the_memo_keeps_who_it_was(watch: str, by: str) -> None:
    told = memos(ExitOnDepeg(**QUICK, watch=watch, oracle="feed:USDC"), DOWN, FALLEN)  # type: ignore[arg-type]
    assert told[0].by == "" and not told[0].left
    assert told[-1].by == by and told[-1].left


def test_a_stale_answer_says_nothing() -> None:
    feed = Feed(heartbeat=60)
    stale = Oracle("feed:USDC", "op", feed, [(0, 10**8), (1_300, 95 * 10**6)])
    strategy = ExitOnDepeg(**QUICK, watch="oracle", oracle="feed:USDC")
    assert not left_at(played(strategy, FLAT, MONEY, tokens=TOKENS, oracles=[stale]))


def by_looks(path: Any, seconds: int, every: int, until: int) -> int | None:
    """The look (seconds from the start) at which the price has been 2 % down long enough; ``None`` if it never is."""
    ticks, since = dict(path), None
    for second in range(0, until, every):
        tick = ticks[max(n for n in ticks if n <= second // BLOCK)]
        since = None if 1.0001**tick >= 0.98 else second if since is None else since
        if since is not None and second - since >= seconds:
            return second
    return None


@pytest.mark.parametrize("seed", range(12))
def test_in_random_worlds_it_leaves_exactly_when_the_looks_say_so(seed: int) -> None:
    path = walk(f"peg {seed}", step=70, every=12)
    out = run_(ExitOnDepeg(**QUICK), path)
    leaves = by_looks(path, 200, 20, 2_000)
    assert left_at(out) == ([leaves + BLOCK] if leaves is not None else [])


def real_path() -> list[tuple[int, int]]:
    """(block of fifteen minutes, tick) of USDC, 9 to 14 March 2023."""
    import polars as pl

    if reason := missing_reason(REAL):
        pytest.skip(reason)
    table = pl.read_parquet(data_root() / REAL).filter(pl.col("set") == "data_usdc_large_depeg_2023").sort("dt")
    times, closes = table["dt"].to_list(), table["close"].to_list()
    begin = times[0]
    return [
        (int((at - begin).total_seconds()) // BLOCK, round(math.log(close) / math.log(1.0001)))
        for at, close in zip(times, closes, strict=True)
    ]


def test_the_usdc_of_march_2023() -> None:
    path = real_path()
    last = path[-1][0] * BLOCK
    asks = {**GIVEN, "inner": "fixed_range", "band_bps": 200, "seconds": 3_600, "every": 900}
    inner = {"below": 1_500, "above": 500}
    out = run_(ExitOnDepeg(**asks, inner_parameters=inner), path, end=START + last)
    stayed = run_(ExitOnDepeg(**{**asks, "seconds": 10**7}, inner_parameters=inner), path, end=START + last)
    (entered, gone) = (filled(out, verb)[0].at.time - START for verb in ("mint", "close"))
    leaves = by_looks(path, 3_600, 900, last)
    assert leaves is not None and entered < leaves and gone == leaves + BLOCK
    sale = filled(out, "swap_exact_in")[-1].result.amounts
    assert round(sale["amount_out"] / sale["amount_in"], 3) == 0.974
    # The low was 0.90; but the peg came back, and who stayed kept more.
    kept, all_the_same = (one.marks[-1].balances[USDT] / 10**12 for one in (out, stayed))
    assert min(1.0001**tick for _, tick in path) < 0.91
    assert (round(kept, 3), round(all_the_same, 3)) == (0.993, 1.002)
    assert not out.marks[-1].positions and not out.marks[-1].balances.get(USDC)


def test_the_example_leaves_the_lending_market_and_the_books_hold() -> None:
    document, outcomes = Backtest(prepare(load_study(EXAMPLE))).main_run()
    assert abs(document.unexplained) <= document.unexplained_bound
    steps = [(r.venue, r.verb) for r in filled(outcomes)]
    assert steps == [("aave", "supply"), ("aave", "withdraw"), ("pool", "swap_exact_in")]
    day = (filled(outcomes, "withdraw")[0].at.time - outcomes.marks[0].time) / 86_400
    assert 8.2 < day < 8.5  # the pool falls on day 8, the oracle is 2 % below a fifth of a day later, then an hour


RESET = {"inner": "range_reset"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"watch": "both"}, "oracle: watch = 'both' needs an oracle, VENUE:SYMBOL"),
        ({"inner": "compound"}, "parameters.inner: not a valid choice: 'compound'"),
        ({"inner": "lend"}, "lend: "),
        ({**RESET, "inner_parameters": {"widht": 5}}, "inner_parameters.widht: unknown key; did you mean 'width'?"),
        ({**RESET, "inner_parameters": {"width": 0}}, "inner_parameters.width: expected a whole number >= 1"),
        ({"band_bps": 10_000}, "parameters.band_bps: expected a whole number <= 9999"),
        ({"peg": 0}, "parameters.peg: expected a whole number >= 1"),
    ],
)
def test_what_cannot_be_is_named(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        find("exit_on_depeg", None, own_code=False).make({**GIVEN, **bad}, file="s.toml")  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_a_market_that_does_not_trade_the_two_is_named() -> None:
    with pytest.raises(BadInput, match="market: pool trades USDC@op and USDT@op, not DAI@op for home"):
        run_(ExitOnDepeg(**{**QUICK, "token": "DAI@op"}), FLAT)
