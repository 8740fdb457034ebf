"""Results to draw: one realistic study, and the extremes a page must bear. Seeded; the amounts hang together."""

from __future__ import annotations

import hashlib
import math
import random
from typing import Any

from msgspec.structs import replace

from tidemill.studies.schema import (
    SCHEMA,
    Assumption,
    Comparison,
    CostRow,
    Fidelity,
    Headline,
    PositionRow,
    ResultDocument,
    Series,
    StudyInfo,
    TokenInfo,
    WaterfallRow,
)

START = 1_704_412_800  # 5 January 2024
DAY = 86_400
DAYS = 60
POINTS = 2_000
CAPITAL = 10_000_000_000
VENUE = "uniswap_v3:USDC/WETH-0.05%"


def realistic(seed: int = 1) -> ResultDocument:
    """A 60-day range-resetting position in USDC/WETH: a wandering price, about ten ranges, fees above costs."""
    rng = random.Random(seed)
    time = [START + round(step * DAYS * DAY / (POINTS - 1)) for step in range(POINTS)]
    price = _prices(rng)
    positions, fees, costs, value = _life(rng, time, price)
    hold = [round(CAPITAL * (0.5 + 0.5 * p / price[0])) for p in price]
    rows = _waterfall(fees[-1], costs[-1], hold[-1], value[-1])
    keep = rows[-1].value
    held = hold[-1] - CAPITAL
    bps = keep * 10_000 // CAPITAL
    return ResultDocument(
        schema=SCHEMA,
        kind="backtest",
        tool_version="0.1.0",
        study=_study(),
        tokens=[TokenInfo("USDC@op", "USDC", 6, "op"), TokenInfo("WETH@op", "WETH", 18, "op")],
        fidelity=Fidelity(
            data="exact",
            mode="diluted",
            proof="bytecode-equal",
            error="0 wei on 184,221 replayed amounts",
            notes=[
                "Path and volume are those recorded; a position of 7 % of the pool's liquidity would move both.",
                "L1 data fees follow the Ecotone formula; the base fees are those of each block.",
            ],
        ),
        headline=Headline(
            capital_value=CAPITAL,
            final_value=CAPITAL + keep,
            keep=keep,
            keep_bps=bps,
            per_year_bps=bps * 365 // DAYS,
            per_year_note="simple, not compounded",
            break_even_day=17.4,
            break_even_note="fees have paid every cost since then",
            minimum_capital=412_000_000,
            minimum_capital_note="below it, gas takes half of the fees",
            what_would_change="at half the volume you would keep about as much as by holding; the range was left "
            "9 times, and each reset cost about as much as a day of fees.",
        ),
        waterfall=rows,
        unexplained=-3,
        unexplained_bound=412,
        comparisons=[
            Comparison("holding", held, held * 10_000 // CAPITAL, "what you brought, untouched"),
            Comparison(
                "full range", held + 96_412_300, (held + 96_412_300) * 10_000 // CAPITAL, "one position, never moved"
            ),
            Comparison("all in USDC", 0, 0),
        ],
        costs=_costs(costs[-1]),
        positions=positions,
        assumptions=[
            Assumption(
                "eth_price_l1",
                "Price of ETH on L1",
                "2,281.50",
                "USDC",
                "first trade of the pool",
                "2024-01-05",
                keep + 211_300,
                keep - 422_600,
            ),
            Assumption(
                "gas_price_l2",
                "Gas price on L2",
                "0.0042",
                "gwei",
                "median of OP Mainnet, week of the study",
                "2024-01-08",
                keep + 98_000,
                keep - 196_000,
            ),
            Assumption(
                "delay", "Blocks until a transaction is included", "1", "block", "tidemill default", "", None, None
            ),
        ],
        series=Series(time, value, hold, fees, costs, price, "USDC per WETH"),
        warnings=[
            "The range was left 9 times in 60 days; one of ±8 % would have been left 3 times. Try: tidemill sweep width"
        ],
        result_hash=hashlib.sha256(b"realistic").hexdigest(),
    )


def negative() -> ResultDocument:
    """A loss against holding, not synthetic, too short for a yearly rate, on two networks with the same symbols."""
    base = realistic(11)
    keep = -1_234_567_890
    headline = replace(
        base.headline,
        keep=keep,
        keep_bps=-1_235,
        final_value=CAPITAL + keep,
        per_year_bps=None,
        per_year_note="3 days are too short for a yearly rate",
        break_even_day=None,
        break_even_note="costs were never paid by fees",
    )
    rows = [replace(row, per_year_bps=None) for row in base.waterfall]
    rows[-1] = replace(rows[-1], value=keep)
    return replace(
        base,
        headline=headline,
        waterfall=rows,
        tokens=[*base.tokens, TokenInfo("WETH@base", "WETH", 18, "base")],
        study=replace(base.study, synthetic=False, title="Three bad days", networks=["OP Mainnet", "Base"]),
        fidelity=replace(base.fidelity, data="inferred", mode="impact", proof="rule-checked"),
    )


def unknowns() -> ResultDocument:
    """Everything that may be unknown is, and says why."""
    base = realistic()
    headline = replace(
        base.headline,
        per_year_bps=None,
        per_year_note="too short a period",
        break_even_day=None,
        break_even_note="no cost was known",
        minimum_capital=None,
        minimum_capital_note="gas was not measured",
    )
    bare = dict.fromkeys(("closed", "tick_lower", "tick_upper", "price_lower", "price_upper", "liquidity"))
    gone = [replace(row, **bare, in_range_bps=None) for row in base.positions[:1]]
    ranged = [replace(row, in_range_bps=None, price_lower=None) for row in base.positions[1:2]]
    rows = [replace(row, per_year_bps=None) for row in base.waterfall]
    assumptions = [replace(row, keep_at_half=None, keep_at_double=None) for row in base.assumptions]
    prices = [float("nan") if at % 50 == 0 else value for at, value in enumerate(base.series.price)]
    return replace(
        base,
        headline=headline,
        positions=gone + ranged,
        waterfall=rows,
        assumptions=assumptions,
        series=replace(base.series, price=prices),
        result_hash="",
        fidelity=replace(base.fidelity, data="bars", mode="small", proof="unproven", error=""),
    )


def empty() -> ResultDocument:
    """Nothing was done: no position, cost, comparison, assumption or curve."""
    base = realistic()
    nothing = Series([], [], [], [], [], [])
    zero = WaterfallRow("keep", "What you keep", "total", 0, 0, {}, "")
    headline = replace(base.headline, keep=0, keep_bps=0, final_value=CAPITAL, per_year_bps=0)
    return replace(
        base,
        headline=headline,
        waterfall=[zero],
        positions=[],
        costs=[],
        comparisons=[],
        assumptions=[],
        warnings=[],
        series=nothing,
        unexplained=0,
        unexplained_bound=0,
        study=replace(base.study, subtitle="", parameters={}, capital={}),
    )


def long_labels() -> ResultDocument:
    """Labels without end and without spaces, hostile ones, and three hundred positions."""
    base = realistic()
    word = "uniswap_v3_pool_at_0x" + "c0ffee" * 20
    attack = "</script><script>document.title='broken'</script><!--<b onclick=x>&amp;\u2028\u2029'\""
    rows = [replace(row, label=f"{row.label} {word}", formula=f"{word} × {word}", note=word) for row in base.waterfall]
    return replace(
        base,
        study=replace(
            base.study,
            title=f"A study with a title of {word}",
            subtitle=attack,
            venues=[word] * 3,
            parameters={word: word},
        ),
        waterfall=rows,
        positions=[replace(base.positions[at % len(base.positions)], id=f"{word}#{at}") for at in range(300)],
        costs=[replace(row, venue=word, verb=word) for row in base.costs],
        comparisons=[replace(row, name=f"{row.name} {word}", note=attack) for row in base.comparisons],
        assumptions=[replace(row, label=word, source=word, value=word) for row in base.assumptions],
        warnings=[word, attack],
    )


def huge() -> ResultDocument:
    """Amounts of 1e30 and more, prices at the ends of the range, an ETH home."""
    base = realistic()
    much = 10**30 + 7

    def grow(values: list[int]) -> list[int]:
        return [value * 10**20 + at for at, value in enumerate(values)]

    series = base.series
    keep = much
    return replace(
        base,
        study=replace(base.study, home="WETH@op", capital={"USDC": 10**36 + 1, "WETH": 2**256 - 1}),
        headline=replace(
            base.headline,
            keep=keep,
            final_value=10**34,
            capital_value=10**34 - much,
            keep_bps=10**15,
            per_year_bps=10**18,
        ),
        waterfall=[
            replace(
                row,
                value=keep if row.kind == "total" else (-1) ** at * (much // 8 + at),
                tokens={"WETH@op": -(2**200) - at, "DOGE": 2**70},
            )
            for at, row in enumerate(base.waterfall)
        ],
        positions=[
            replace(
                row,
                tick_lower=-887_270,
                tick_upper=887_270,
                price_lower=2.9e-39,
                price_upper=3.4e38,
                liquidity=2**128 - 1,
                deposited={"WETH@op": 2**255, "USDC@op": 1},
                fees={"WETH@op": 1},
            )
            for row in base.positions
        ],
        costs=[replace(row, gas_used=2**63, l1_data=2**90, value=2**100 + at) for at, row in enumerate(base.costs)],
        comparisons=[replace(row, keep=-(10**31) - 1, keep_bps=-(10**14)) for row in base.comparisons],
        series=replace(
            series, value=grow(series.value), hold=grow(series.hold), fees=grow(series.fees), costs=grow(series.costs)
        ),
    )


ALL = {f.__name__: f for f in (realistic, negative, unknowns, empty, long_labels, huge)}


def _prices(rng: random.Random) -> list[float]:
    level = home = math.log(2281.5)
    prices = []
    for at in range(POINTS):
        home += 0.02 / POINTS + 0.00035 * math.sin(at / 190)
        level += 0.012 * (home - level) + rng.gauss(0, 0.0045)
        prices.append(round(math.exp(level), 2))
    return prices


def _life(
    rng: random.Random, time: list[int], price: list[float]
) -> tuple[list[PositionRow], list[int], list[int], list[int]]:
    """Walk the price with a ±5 % range that is set anew eight hours after the price has left it."""
    positions: list[PositionRow] = []
    fees, costs, value = [0], [41_200], [CAPITAL - 1_930_000]
    opened, worth, earned, inside, out = 0, value[0] / 1e6, 0.0, 0, 0
    low, high = price[0] * 0.95, price[0] * 1.05
    for at in range(1, POINTS):
        within = low < price[at] < high
        inside += within
        out = 0 if within else out + 1
        fee = int(within * CAPITAL * 0.0001 * rng.lognormvariate(-0.2, 0.6))
        earned += fee
        fees.append(fees[-1] + fee)
        costs.append(costs[-1])
        now = worth * _worth(price[at], low, high) / _worth(price[opened], low, high)
        value.append(round(now * 1e6) + round(earned))
        last = at == POINTS - 1
        if out >= POINTS // (3 * DAYS) or last:
            positions.append(_position(len(positions), time, price, opened, at, low, high, worth, earned, inside))
            costs[-1] += rng.randrange(60_000, 140_000)
            worth, earned, opened, inside, out = (value[-1] - 1_400_000) / 1e6, 0.0, at, 0, 0
            low, high = price[at] * 0.95, price[at] * 1.05
            value[-1] -= 1_400_000
    return positions, fees, costs, value


def _worth(price: float, low: float, high: float) -> float:
    """Worth of one unit of liquidity in a range, in the quote token."""
    if price <= low:
        return price * (1 / math.sqrt(low) - 1 / math.sqrt(high))
    at = min(price, high)
    return 2 * math.sqrt(at) - math.sqrt(low) - at / math.sqrt(high)


def _position(
    number: int,
    time: list[int],
    price: list[float],
    opened: int,
    closed: int,
    low: float,
    high: float,
    worth: float,
    earned: float,
    inside: int,
) -> PositionRow:
    def tick(level: float) -> int:
        return round(math.log(level / 1e12, 1.0001) / 10) * 10

    half = worth / 2
    return PositionRow(
        id=f"{VENUE}#{91_204 + 13 * number}",
        venue=VENUE,
        opened=time[opened],
        closed=time[closed],
        tick_lower=tick(low),
        tick_upper=tick(high),
        price_lower=low,
        price_upper=high,
        liquidity=int(worth / (_worth(price[opened], low, high) or 1) * 1e12),
        deposited={"USDC@op": int(half * 1e6), "WETH@op": int(half / price[opened] * 1e18)},
        withdrawn={"USDC@op": int(half * 1.03e6), "WETH@op": int(half * 0.97 / price[closed] * 1e18)},
        fees={"USDC@op": int(earned / 2), "WETH@op": int(earned / 2e6 / price[opened] * 1e18)},
        in_range_bps=inside * 10_000 // max(1, closed - opened),
    )


def _waterfall(fees: int, costs: int, hold: int, value: int) -> list[WaterfallRow]:
    def row(
        key: str, label: str, value: int, formula: str, note: str = "", kind: Any = "flow", **tokens: int
    ) -> WaterfallRow:
        of = {f"{symbol}@op": amount for symbol, amount in tokens.items()}
        return WaterfallRow(key, label, kind, value, value * 10_000 * 365 // (CAPITAL * DAYS), of, formula, note)

    l1, failed, closing = costs * 2 // 5, 38_200, 1_611_000
    l2 = costs - l1
    slippage = 9_400_000
    moved = hold - CAPITAL
    divergence = value - hold - fees + slippage
    rows = [
        row(
            "fees",
            "Fees earned",
            fees,
            "Σ floor(liquidity × Δ fee growth inside / 2^128), each token at the price of its collection",
            USDC=fees // 2,
            WETH=fees // 2 * 438_000_000,
        ),
        row("hodl", "Price move of what you brought", moved, "Σ brought × (price at end − price at start)"),
        row(
            "divergence",
            "Divergence loss",
            divergence,
            "value of the position without fees − value of the same tokens held",
            note="also called impermanent loss; final here, as the position is closed",
        ),
        row(
            "swaps",
            "Own swaps: slippage and pool fees",
            -slippage,
            "Σ (amount out at the market price − amount out received)",
            USDC=-slippage,
        ),
    ]
    rows.append(
        row("before_exit", "Before network costs", sum(r.value for r in rows), "sum of the rows above", kind="subtotal")
    )
    rows += [
        row(
            "l2",
            "L2 execution",
            -l2,
            "Σ gas used × (base fee + priority fee) of its block",
            WETH=-l2 * 438_000_000,
        ),
        row("l1", "L1 data", -l1, "Σ L1 fee of each signed transaction, Ecotone formula", WETH=-l1 * 438_000_000),
        row(
            "failed",
            "Failed transactions",
            -failed,
            "Σ fees of transactions that were reverted",
            "1 of 31 sent",
            WETH=-failed * 438_000_000,
        ),
        row(
            "exit",
            "Exit into USDC",
            -closing,
            "value at the market price − amount out of the closing swap",
            USDC=-closing,
        ),
    ]
    keep = sum(r.value for r in rows if r.kind == "flow")
    rows.append(row("keep", "What you keep", keep, "final value − capital", kind="total", USDC=keep))
    return rows


def _costs(total: int) -> list[CostRow]:
    verbs = [
        ("mint", 10, 0, 391_204),
        ("close", 10, 0, 287_551),
        ("swap_exact_in", 10, 1, 131_870),
        ("approve", 2, 0, 46_201),
    ]
    weights = [count * gas for _, count, _, gas in verbs]
    rows = []
    for (verb, count, failed, gas), weight in zip(verbs, weights, strict=True):
        value = total * weight // sum(weights)
        wei = value * 438_000_000
        rows.append(CostRow(VENUE, verb, count, failed, count * gas, wei * 3 // 5, wei * 2 // 5, 0, value))
    return rows


def _study() -> StudyInfo:
    return StudyInfo(
        title="Range reset in USDC/WETH 0.05 %",
        subtitle="A ±5 % range on OP Mainnet, set anew eight hours after the price has left it",
        strategy="range_reset",
        strategy_hash=hashlib.sha256(b"range_reset").hexdigest(),
        parameters={
            "width": "±5 %",
            "trigger": "price leaves the range",
            "cooldown": "8 hours",
            "max_slippage": "10 bps",
        },
        networks=["OP Mainnet"],
        venues=[VENUE],
        start=START,
        end=START + DAYS * DAY,
        home="USDC",
        synthetic=True,
        capital={"USDC": 5_000_000_000, "WETH": 2_191_540_652_202_498_356},
    )
