"""From a study to what is played over drawn hours: a range in a pool, a lending loop, or a farmed pair.

Sizes, curves and streams are the study's; what a transaction costs is the average of its kind in one exact run of the study;
prices are drawn by a model fitted to history where there is one, else by the volatility that the study states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from tidemill.engine.lifecycle import unpaid
from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.studies.backtest import Backtest, Played
from tidemill.studies.fast import farm, loop, range_lp
from tidemill.studies.fast.draws import reverting, smoothed
from tidemill.studies.joint import Joint
from tidemill.studies.shocks import Shock
from tidemill.studies.weather import Weather
from tidemill.units import isqrt_down, parse_amount

__all__ = ["Arrangement", "Row", "arrange", "turnover"]

HOUR, DAY_HOURS, YEAR_HOURS = 3_600, 24, 8_760
BPS = 10_000
Q96 = 2.0**96
TICK = math.log(1.0001)
OVERSHOOT = 0.5826
"""Mean excess of a normal walk over a boundary, in steps' deviations (-zeta(1/2) / sqrt(2 pi))."""
MEMORY = 0.94
"""Of an hour's variance, what the next hour expects of it."""
JUMP = 4.0
"""Deviations beyond which an hour's move is a jump."""
USAGE_SPREAD, USAGE_HALF_LIFE = 0.4, 72
"""Deviation of the logit of usage about its mean, and hours after which half of a deviation is gone."""
PEG_HALF_LIFE = 72
PLENTY = 10**21
"""Wei, for a run that is only to tell what transactions cost."""
CROWD_SPREAD = 0.6
"""Deviation in a year of the logarithm of what others stake."""


class Row(Struct, frozen=True):
    """One row of the waterfall: ``column`` of what a kernel puts out, counted ``sign`` times."""

    key: str
    label: str
    column: int
    sign: int = 1


class Arrangement(Struct, frozen=True):
    """A study ready to be played.

    ``kind`` names the kernel, ``setup`` is what it is given. ``factors`` are the drawn prices, ``model`` draws their returns;
    ``paths`` makes a kernel's arrays of them. ``capital``: raw units of home at the start; ``scale``: micro-units of home
    a raw unit. ``data_part`` of a transaction's cost is its data fee. ``exposed``: what the venue holds of one's capital, in
    multiples of it. ``short``: column of the times that the wallet could not pay for what was to be sent; ``liquidated`` and
    ``gone``: of liquidations and of those that took everything, -1 for none. ``assumed``: what nothing in the study says.
    """

    kind: Literal["range", "loop", "farm"]
    setup: Any
    model: Joint
    paths: Callable[[Any, Any, Weather], tuple[Any, ...]]
    capital: float
    scale: float
    rows: tuple[Row, ...]
    columns: int
    short: int
    liquidated: int
    gone: int
    data_part: float
    exposed: float
    assumed: tuple[str, ...]
    refuses: tuple[str, ...] = ()


def arrange(
    backtest: Backtest,
    played: Played,
    hours: int,
    every: int,
    fitted: Callable[[Sequence[str], Any, Sequence[float]], Joint],
    shocks: Sequence[Shock],
) -> Arrangement:
    """Arrange a study.

    Parameters
    ----------
    played : its exact run. every : hours between two notes. fitted : the model of named prices, given a history of log
        returns over ten minutes where the study has one, else the deviations of an hour that it states.

    Raises
    ------
    BadInput : a study that no kernel plays; says which it plays.
    """
    strategy = backtest.study.strategy
    makers: dict[str, Callable[..., Arrangement]] = {
        "range_reset": _range,
        "leveraged_staking": _loop,
        "farm_compound": _farm,
    }
    if strategy not in makers:
        raise BadInput(
            f"{strategy} cannot be played by kernels; {', '.join(makers)} can. Leave --tier out", field="tier"
        )
    paid = not any(isinstance(line, Recorded) and unpaid(line.status) for line in played.outcomes.record)
    limits = float(backtest.chosen.parameters["slippage_bps"])
    worse = next((min(shock.size or limits, limits) / BPS for shock in shocks if shock.kind == "sandwich"), 0.0)
    found = makers[strategy](
        backtest, _Sent(played if paid else backtest.play(gas=PLENTY)), hours, every, fitted, worse
    )
    for shock in shocks:
        if shock.kind in found.refuses:
            raise BadInput(f"{shock.words}: {strategy} is paid no reward token", field="shock")
        if shock.kind == "price" and shock.token != backtest.prepared.native:
            raise BadInput(
                f"{shock.words}: of the prices that a study states kernels know only {backtest.prepared.native}'s, in which "
                "fees are paid; leave --tier out",
                field="shock",
            )
    return found


class _Sent:
    """What transactions cost in a run."""

    def __init__(self, played: Played) -> None:
        self.lines = [line for line in played.outcomes.record if isinstance(line, Recorded) and line.costs.total]
        total = sum(line.costs.total for line in self.lines)
        self.data_part = sum(line.costs.l1_data for line in self.lines) / total if total else 0.0

    def wei(self, *verbs: str) -> float:
        """Return what one of each verb costs on average; 0 for what was never sent."""
        out = 0.0
        for verb in verbs:
            paid = [line.costs.total for line in self.lines if line.verb == verb]
            out += sum(paid) / len(paid) if paid else 0.0
        return out


def turnover(variance: Any, fee: float, block_s: float, margin: float = 0.0) -> Any:
    """Return how far an arbitrageur moves a pool in all, up and down, in logarithms of price.

    Derivation. The pool rests while the outside price is within the fee of it, and is brought back to that edge at the first
    block beyond. Between two trades a walk from the edge wanders to either barrier; by optional stopping the mean distance
    traded a unit of variance is ``1 / (2 fee + margin + 2 overshoot)``, and a walk seen once a block overshoots by 0.5826
    of a block's deviation (Siegmund, 1985).

    Parameters
    ----------
    variance : of the logarithm over one hour. fee : a part. block_s : seconds. margin : beyond the fee, where gas is dear.
    """
    return variance / (2.0 * fee + margin + 2.0 * OVERSHOOT * np.sqrt(variance * block_s / HOUR))


def _only(backtest: Backtest, field: str, right: bool, words: str) -> None:
    if not right:
        raise BadInput(f"{words}; leave --tier out", file=backtest.study.path or None, field=field)


def _native(backtest: Backtest, moving: str = "") -> tuple[float, float, bool]:
    """Return wei of gas money, raw home a wei at a standing price, and whether it moves with the token ``moving``."""
    prepared = backtest.prepared
    native, wrapped = prepared.native, f"W{prepared.native}"
    held = float(prepared.funds().get(prepared.token(native), 0))
    home = backtest.study.home
    if home in (native, wrapped):
        return held, 1.0, False
    if moving == wrapped:
        return held, 0.0, True
    told = backtest.study.prices.get(native)
    if told is None:
        raise BadInput(f"no price of {native} is known in {home}", field=f"prices.{native}")
    return held, float(told) * 10.0 ** (prepared.decimals[home] - prepared.decimals[native]), False


class _RangePaths(Struct, frozen=True):
    """Square roots of the price, and the turnover: traders by a rhythm of their own, arbitrage by the price's variance."""

    start: float
    toward: float
    variance: float
    fee: float
    block_s: float
    depth: float
    noise: float
    spread: float
    memory: float

    def __call__(self, returns: Any, rng: Any, sky: Weather) -> tuple[Any, ...]:
        hours = len(returns)
        level = self.toward * (np.concatenate([[0.0], np.cumsum(returns[:, 0])]) + sky.price)
        roots = self.start * np.exp(level / 2)
        rhythm = np.empty(hours)
        innovation = self.spread * math.sqrt(max(1 - self.memory**2, 0.0))
        reverting(rng.standard_normal(hours) * innovation, self.memory, rhythm)
        besides = _besides(returns[:, 0], self.variance, self.fee, self.block_s)
        # a move of the logarithm by d sells depth * d / (2 * root) of token0; what goes there comes back
        volume = self.noise * np.exp(rhythm - self.spread**2 / 2) + besides * self.depth / (4 * roots[1:])
        return roots, volume


class _LoopPaths(Struct, frozen=True):
    """The staking token's price about its growing rate, and the part of the market that others owe."""

    start: float
    growth: float
    keeps: float
    stays: float
    logit: float

    def __call__(self, returns: Any, rng: Any, sky: Weather) -> tuple[Any, ...]:
        hours = len(returns)
        off, usage = np.empty(hours), np.empty(hours)
        reverting(np.ascontiguousarray(returns[:, 0]), self.keeps, off)
        level = np.concatenate([[0.0], off]) + sky.price + self.growth * np.arange(hours + 1) / YEAR_HOURS
        reverting(rng.standard_normal(hours) * USAGE_SPREAD * math.sqrt(1 - self.stays**2), self.stays, usage)
        return self.start * np.exp(level), 1 / (1 + np.exp(-(self.logit + usage)))


class _FarmPaths(Struct, frozen=True):
    """Prices of the pair and of the reward, what others stake, and the pair's turnover."""

    start: float
    reward: float
    variance: float
    fee: float
    block_s: float
    reserve: float
    noise: float

    def __call__(self, returns: Any, rng: Any, sky: Weather) -> tuple[Any, ...]:
        hours = len(returns)
        levels = np.vstack([np.zeros(2), np.cumsum(returns[:, :2], axis=0)])
        levels[:, 0] += sky.price
        prices, rewards = self.start * np.exp(levels[:, 0]), self.reward * np.exp(levels[:, 1]) * sky.reward
        besides = _besides(returns[:, 0], self.variance, self.fee, self.block_s)
        # a move of the logarithm by d takes d / 2 of a reserve; what goes there comes back
        volume = self.noise * 2 * rng.random(hours) + besides * self.reserve * np.sqrt(prices[1:] / self.start) / 4
        crowd = np.exp(np.cumsum(rng.standard_normal(hours)) * CROWD_SPREAD / math.sqrt(YEAR_HOURS))
        return prices, rewards, crowd, volume


def _besides(moved: Any, variance: float, fee: float, block_s: float) -> Any:
    """Return how far arbitrage moves a pool each hour beyond the hour's own move; calm hours are told from wild ones.

    A jump is one move, not a wild hour: squares count up to those of four deviations.
    """
    local = np.empty(len(moved))
    smoothed(np.minimum(moved * moved, JUMP**2 * variance), MEMORY, variance, local)
    return np.maximum(turnover(local, fee, block_s) - np.abs(moved), 0.0)


# --- a range ----------------------------------------------------------------------------------------------------------


def _range(backtest: Backtest, sent: _Sent, hours: int, every: int, fitted: Any, worse: float) -> Arrangement:
    from tidemill.market.calibrate import calibrate  # noqa: PLC0415 - heavy by numba

    study, prepared, asked = backtest.study, backtest.prepared, backtest.chosen.parameters
    _only(backtest, "venues", len(prepared.markets) == len(study.venues) == 1, "kernels play one recorded market")
    (market,) = prepared.markets.values()
    pool, tape = market.pool, market.tape()
    tokens = [prepared.token(token.symbol) for token in (pool.token0, pool.token1)]
    _only(backtest, "home", prepared.home in tokens and study.exit == "close", "kernels close into a token of the pool")
    _only(backtest, "parameters.trigger", isinstance(asked["trigger"], int), "kernels need a trigger")
    home0 = prepared.home == tokens[0]
    spec = calibrate(market.dataset, days=max(1, hours // DAY_HOURS))
    depth = tape.liquidity[:, 0].astype(float) + tape.liquidity[:, 1].astype(float) * 2.0**64
    moving = (pool.token1 if home0 else pool.token0).symbol  # the volatile one
    native, price, moves = _native(backtest, moving)
    funds = prepared.funds()
    have = float(funds.get(tokens[0], 0)), float(funds.get(tokens[1], 0))
    setup = range_lp.RangeSetup(
        have[0], have[1], native, price, moves, home0, float(np.median(depth)), pool.fee / 1e6, pool.tick_spacing,
        int(asked["width"]), int(asked["trigger"]), -(-int(asked["cooldown"]) // HOUR),
        sent.wei("swap_exact_in"), sent.wei("mint"), sent.wei("close"), worse, every,
    )  # fmt: skip
    first, last = market.span()
    at = np.arange(first, last + 1, HOUR // 6)
    ticks = tape.tick[np.maximum(np.searchsorted(tape.time, at, side="right") - 1, 0)].astype(float)
    # the price in home is drawn, and expected to stay; the tick falls when that of token1 rises
    toward, stable = (-1.0, pool.token0.symbol) if home0 else (1.0, pool.token1.symbol)
    model = fitted([f"{moving}/{stable}"], np.diff(ticks) * TICK * toward, [])
    start = 1.0001 ** ((spec.start_tick + 0.5) / 2)
    block_s = float(market.seconds_per_block)
    sigma2 = model.variance[0]
    flow = market.flow()
    swaps = flow.kind == 0
    sizes = _wide(flow.amount0[swaps])
    hourly = float(sizes.sum()) / max((last - first) / HOUR, 1.0)
    by_arbitrage = float(turnover(sigma2, setup.fee, block_s)) * setup.depth / (2 * start)
    noise = max(hourly - by_arbitrage, hourly / 20) / 2
    paths = _RangePaths(
        start,
        toward,
        sigma2,
        setup.fee,
        block_s,
        setup.depth,
        noise,
        spec.volume_spread / 10_000,
        spec.volume_memory / 100,
    )
    begun = (have[0] + have[1] / start**2) if home0 else (have[0] * start**2 + have[1])
    return Arrangement(
        "range", setup, model, paths,
        begun + native * ((start**-2 if home0 else start**2) if moves else price),
        10.0 ** (6 - prepared.decimals[study.home]),
        (
            Row("fees", "Swap fees earned", range_lp.FEES),
            Row("network", "Network costs", range_lp.COSTS, -1),
            Row("holding", "What holding would have brought", range_lp.HOLDING),
        ),
        range_lp.OUT, range_lp.SHORT, -1, -1, sent.data_part, 1.0,
        ("the pool is as deep everywhere as it was in the middle of the history",),
        ("reward",),
    )  # fmt: skip


def _wide(limbs: Any) -> Any:
    """Return signed 256-bit amounts as absolute floats: sizes, not money."""
    negative = limbs[:, 3] >> np.uint64(63) != 0
    flipped = np.where(negative[:, None], ~limbs, limbs).astype(float)
    return flipped @ 2.0 ** (64 * np.arange(4))


# --- a loop -----------------------------------------------------------------------------------------------------------


def _loop(backtest: Backtest, sent: _Sent, _hours: int, every: int, fitted: Any, worse: float) -> Arrangement:
    study, prepared, asked = backtest.study, backtest.prepared, backtest.chosen.strategy
    lending, market = study.venues[asked.lending], study.venues[asked.market]
    _only(
        backtest,
        "venues",
        lending.kind == "aave_v3" and market.kind == "uniswap_v2",
        "kernels loop on Aave v3 by a pair",
    )
    at, pair = _params(lending), _params(market)
    _only(backtest, "home", prepared.home == asked.asset, "kernels loop in the home asset")
    unit = 10.0 ** prepared.decimals[study.home]
    staking = next((_params(v) for v in study.venues.values() if v.kind == "liquid_staking"), None)
    native, price, _ = _native(backtest)
    token0_staked = prepared.token(str(pair["token0"])) == asked.token
    _only(backtest, f"venues.{asked.market}.params.token0", token0_staked, "kernels take the staking token first")
    funds = prepared.funds()
    setup = loop.LoopSetup(
        float(funds.get(prepared.home, 0)), native, price, asked.leverage_bps / BPS, asked.guard_bps / BPS,
        asked.restore_bps / BPS, asked.slippage_bps / BPS, int(at["ltv_bps"]) / BPS, int(at["threshold_bps"]) / BPS,
        int(at["bonus_bps"]) / BPS, int(at["supplied"]) * unit, int(at["optimal_bps"]) / BPS, int(at["base_bps"]) / BPS,
        int(at["slope1_bps"]) / BPS, int(at["slope2_bps"]) / BPS, int(pair["liquidity"]) * unit,
        sent.wei("borrow", "swap_exact_in", "supply"), sent.wei("withdraw", "swap_exact_in", "repay"),
        sent.wei("swap_exact_in", "supply"), sent.wei("withdraw", "swap_exact_in"), worse, every,
    )  # fmt: skip
    start, growth = float(str(pair["price"])), int(staking["apr_bps"]) / BPS if staking else 0.0
    sigma = int(pair["volatility_bps"]) / BPS / math.sqrt(YEAR_HOURS)
    model = fitted([f"{asked.token.partition('@')[0]}/{study.home}"], None, [sigma])
    keeps = 0.5 ** (1 / PEG_HALF_LIFE) if staking else 1.0
    stays = 0.5 ** (1 / USAGE_HALF_LIFE)
    mean = int(at["usage_bps"]) / BPS
    logit = math.log(mean / (1 - mean)) if 0 < mean < 1 else 30.0

    paths = _LoopPaths(start, math.log1p(growth), keeps, stays, logit)

    return Arrangement(
        "loop", setup, model, paths, setup.have + native * price, 10.0 ** (6 - prepared.decimals[study.home]),
        (
            Row("interest", "Interest paid", loop.INTEREST, -1),
            Row("swaps", "Fee and price impact of own swaps", loop.SWAPS, -1),
            Row("liquidation", "Penalties of liquidations", loop.PENALTY, -1),
            Row("network", "Network costs", loop.COSTS, -1),
        ),
        loop.OUT, loop.SHORT, loop.LIQUIDATED, loop.GONE, sent.data_part, setup.leverage,
        (
            f"usage walks about {mean:.0%}: deviation {USAGE_SPREAD} of its logit, half gone in {USAGE_HALF_LIFE} h",
            *((f"half of a distance from the peg is gone in {PEG_HALF_LIFE} h",) if staking else ()),
            "oracle and pool stand at the same price",
        ),
        ("reward",),
    )  # fmt: skip


# --- a farm -----------------------------------------------------------------------------------------------------------


def _farm(backtest: Backtest, sent: _Sent, _hours: int, every: int, fitted: Any, worse: float) -> Arrangement:
    study, prepared, asked = backtest.study, backtest.prepared, backtest.chosen.strategy
    kinds = [study.venues[name].kind for name in (asked.venue, asked.market, asked.farm)]
    _only(backtest, "venues", kinds == ["uniswap_v2", "uniswap_v2", "minichef"], "kernels farm a pair at a MiniChef")
    pair, market, chef = (_params(study.venues[name]) for name in (asked.venue, asked.market, asked.farm))
    home = study.home
    at_home = pair["token1"] == market["token1"] == home
    _only(backtest, "home", at_home, "kernels farm pairs whose second token is home")
    other, reward = str(pair["token0"]), str(chef["reward"])
    places = prepared.decimals[home]
    start = float(str(pair["price"])) * 10.0 ** (places - prepared.decimals[other])
    reward_start = float(str(market["price"])) * 10.0 ** (places - prepared.decimals[reward])
    pool_home = int(pair["liquidity"]) * 10.0**places
    shares = float(isqrt_down(int(pool_home) * int(pool_home / start)))
    native, price, moves = _native(backtest, other)
    funds = prepared.funds()
    stream = int(chef["reward_per_day"]) * 10.0 ** prepared.decimals[reward] / DAY_HOURS
    stream *= int(chef["points"]) / (int(chef["points"]) + int(chef["other_points"]))
    steps = (("claim", asked.farm), ("swap_exact_in", ""), ("swap_exact_in", ""), ("add_liquidity", ""), ("stake", ""))
    setup = farm.FarmSetup(
        float(funds.get(prepared.home, 0)), float(funds.get(prepared.token(other), 0)), pool_home, pool_home / start, shares,
        stream, float(parse_amount(str(chef["staked"]), 18)), int(market["liquidity"]) * 10.0**places, native, price, moves,
        float(asked.k or 0), sent.wei(*(verb for verb, _ in steps)),
        sent.wei("exit", "swap_exact_in", "remove_liquidity", "swap_exact_in"), worse, every,
    )  # fmt: skip
    names = [f"{other}/{home}", f"{reward}/{home}"]
    sigmas = [int(one["volatility_bps"]) / BPS / math.sqrt(YEAR_HOURS) for one in (pair, market)]
    model = fitted(names, None, sigmas)
    noise = int(pair["noise_per_day"]) * 10.0**places / DAY_HOURS / 2
    paths = _FarmPaths(
        start, reward_start, model.variance[0], 1 - farm.FEE, float(prepared.network.block_time), pool_home, noise
    )
    begun = setup.home + setup.other * start + native * (start if moves else price)
    return Arrangement(
        "farm", setup, model, paths, begun, 10.0 ** (6 - places),
        (
            Row("fees", "Swap fees earned", farm.FEES),
            Row("rewards", "Rewards, sold", farm.REWARDS),
            Row("network", "Network costs", farm.COSTS, -1),
            Row("holding", "What holding would have brought", farm.HOLDING),
        ),
        farm.OUT, farm.SHORT, -1, -1, sent.data_part, 1.0,
        (f"what others stake walks by {CROWD_SPREAD:.0%} a year, whatever the reward is worth",),
    )  # fmt: skip


def _params(venue: Any) -> Mapping[str, Any]:
    from tidemill.venues.kinds import kind  # noqa: PLC0415 - beside its use

    defaults = {name: default for name, (default, _) in kind(venue.kind).params.items()}
    return {**defaults, **venue.params}
