"""The made-up flow around a pair: what it promises about price, band and volume; and a pair placed by a study."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Block
from tidemill.venues.kinds import Setup, kind
from tidemill.venues.uniswap_v2.flow import E18, FlowSpec, _growth, swaps
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.rules import amount_out_down

DAY = 86_400
SPEC = FlowSpec((10**21, 3 * 10**12), volatility_bps=8_000, noise=200_000 * 10**6, every=1_800)


def played(spec: FlowSpec, seed: str, days: int) -> list[tuple[int, tuple[int, int]]]:
    reserves, out = spec.reserves, []
    for time, zero_for_one, amount in swaps(spec, Random(seed), 0, days * DAY):
        x, y = reserves if zero_for_one else reserves[::-1]
        bought = amount_out_down(amount, x, y)
        assert bought > 0
        after = x + amount, y - bought
        reserves = after if zero_for_one else after[::-1]
        out.append((time, reserves))
    return out


def test_a_step_of_the_price_is_near_normal_without_drift() -> None:
    draws, sigma = Random("steps"), E18 // 50
    logs = [math.log(_growth(draws, sigma) / E18) for _ in range(20_000)]
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in logs) / len(logs))
    assert abs(mean + 0.0002) < 4 * 0.02 / math.sqrt(20_000)
    assert abs(deviation / 0.02 - 1) < 0.02
    assert _growth(Random("none"), 0) == E18


def test_the_same_seed_gives_the_same_flow_and_another_another() -> None:
    flows = [list(swaps(SPEC, Random(seed), 0, 3 * DAY)) for seed in ("a", "a", "b")]
    assert flows[0] == flows[1] != flows[2]
    assert all(amount > 0 for _, _, amount in flows[0])


def test_without_noise_the_pair_follows_within_the_fees_band() -> None:
    """The pair's own price moves by about the volatility asked for over a year, less what the band swallows."""
    spec = FlowSpec(SPEC.reserves, 8_000, 0, 1_800)
    moves = []
    for seed in range(6):
        path = played(spec, f"band {seed}", 60)
        ends = [y / x for _, (x, y) in path]
        daily = {time // DAY: price for (time, _), price in zip(path, ends, strict=True)}
        prices = list(daily.values())
        moves += [math.log(b / a) for a, b in pairwise(prices)]
    yearly = math.sqrt(sum(m * m for m in moves) / len(moves) * 365)
    assert 0.68 < yearly < 0.92


def test_noise_trades_as_much_as_asked_for() -> None:
    spec = FlowSpec(SPEC.reserves, 0, 200_000 * 10**6, 1_800)
    seen: dict[int, int] = {}
    for time, zero_for_one, amount in swaps(spec, Random("noise"), 0, 60 * DAY):
        if time in seen:
            continue  # the arbitrage behind it
        seen[time] = amount * 3 * 10**12 // 10**21 if zero_for_one else amount
    assert abs(sum(seen.values()) / (60 * 200_000 * 10**6) - 1) < 0.05


def setup(**params: Any) -> Setup:
    defaults = {name: default for name, (default, _) in kind("uniswap_v2").params.items()}
    given = {"token0": "WETH", "token1": "USDC", "lp": "LP", "price": "3000", **params}
    return Setup(
        id="pool", network="test", mode="", params={**defaults, **given}, decimals={"WETH": 18, "USDC": 6}, market=None,
        random=Random, first_from=lambda time: Block(time=time, number=time // 2), start=0, end=2 * DAY,
    )  # fmt: skip


def test_a_pair_is_placed_with_its_price_and_its_share() -> None:
    placed = kind("uniswap_v2").place(setup())
    stage: Any = placed.make()
    assert placed.tokens == {"WETH": 18, "USDC": 6, "LP": 18}
    assert placed.shares == ("LP",)
    assert placed.pair is not None
    ahead = placed.pair(stage)
    assert ahead[:2] == ("WETH@test", "USDC@test")
    stage.advance(Block(time=0, number=0))
    assert placed.pair(stage) == ahead
    reserves = stage.read("getReserves")
    assert reserves[:2] == (1_000_000 * 10**18 // 3_000, 1_000_000 * 10**6)
    assert abs(ahead[2] ** 2 * 10**12 / 2**192 - 3_000) < 1e-6
    stage.advance(Block(time=2 * DAY, number=DAY))
    assert stage.played == len(stage.script)
    assert stage.read("getReserves") != reserves
    (rate,) = stage.rates().values()
    assert rate.kind == "pool"
    assert rate.shares == stage.read("totalSupply")
    assert "swaps of others" in placed.notes()[0]


def test_the_script_is_refused_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    apply = ExchangeModel.apply
    monkeypatch.setattr(ExchangeModel, "apply", lambda *args: done.append(apply(*args)) or done[-1])
    stage: Any = kind("uniswap_v2").place(setup(protocol_fee=1)).make()
    stage.advance(Block(time=2 * DAY, number=DAY))
    assert len(done) == len(stage.script)
    assert stage.read("kLast") > 0


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"token0": "WBTC"}, "decimals of WBTC"),
        ({"lp": "USDC"}, "must differ"),
        ({"price": "much"}, "much"),
        ({"price": "0"}, "above 0"),
        ({"liquidity": 0}, "above 0"),
        ({"liquidity": 10**15, "token0": "USDC", "token1": "WETH"}, "can hold"),
        ({"every_minutes": 0}, "at least a minute"),
    ],
)
def test_what_cannot_be_placed_says_why(params: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        kind("uniswap_v2").place(setup(**params))
