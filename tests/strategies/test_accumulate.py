"""Range orders: on the right side, one at a time, taken out when the price has passed, and never put in again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from plays import FUNDS, HOME, decisions, failures, filled, played, walk

from tidemill.errors import BadInput
from tidemill.strategies.accumulate import Accumulate
from tidemill.strategies.registry import find

WETH, USDC = "WETH@op", "USDC@op"
TURNED = (USDC, WETH)
MONEY = {USDC: 10**12, WETH: 10**12, "ETH@op": 10**12}
FALLS = [(i * 10, -i * 10) for i in range(100)]
RISES = [(i * 10, i * 10) for i in range(100)]


def orders(outcomes: Any) -> list[tuple[int, int, int, int]]:
    """(lower, upper, token0, token1) of every order laid."""
    names = ("tick_lower", "tick_upper", "amount0_desired", "amount1_desired")
    return [tuple(r.action.args[name] for name in names) for r in filled(outcomes, "mint")]  # type: ignore[misc]


def test_it_buys_as_the_price_falls_an_equal_part_at_a_time() -> None:
    out = played(Accumulate(**HOME, orders=4, width=100, gap=10), FALLS, {USDC: 10**12})
    laid = orders(out)
    assert len(laid) == 4
    assert laid[0] == (-110, -10, 0, 10**12 // 4)
    assert all(token0 == 0 and abs(token1 - 10**12 // 4) <= 4 for *_, token0, token1 in laid)
    assert all(b[1] <= a[0] for a, b in pairwise(laid))  # each below the one before
    assert not failures(out)
    bought = [m.balances.get(WETH, 0) for m in decisions(out) if m.time < 3_000]
    assert bought == sorted(bought) and bought[-1] > 10**12
    # nothing left to do: what was bought lies in the wallet until it is sold at the end
    assert [r.verb for r in filled(out)][-1] == "swap_exact_in" and len(filled(out, "swap_exact_in")) == 1


def test_what_was_bought_cost_less_than_the_price_at_the_start() -> None:
    out = played(Accumulate(**HOME, orders=1, width=100, gap=0, exit="mark"), FALLS, {USDC: 10**12})
    last = out.marks[-1]
    assert not last.positions and last.balances[WETH] > 10**12 * 1.0001**45  # about the middle of the range


SIDES = [
    ("buy", (WETH, USDC), FALLS, False),
    ("sell", (WETH, USDC), RISES, True),
    ("buy", TURNED, RISES, True),
    ("sell", TURNED, FALLS, False),
]


@pytest.mark.parametrize(("side", "tokens", "path", "above"), SIDES)
def test_the_order_lies_on_the_side_where_the_price_will_turn_it(
    side: str, tokens: Any, path: Any, above: bool
) -> None:
    out = played(Accumulate(**HOME, side=side, orders=2, width=50, exit="mark"), path, MONEY, tokens=tokens)  # type: ignore[arg-type]
    laid = orders(out)
    assert len(laid) == 2
    assert (laid[0][0] > 0) is above and (laid[0][1] < 0) is not above
    paid, got = (USDC, WETH) if side == "buy" else (WETH, USDC)
    assert out.marks[-1].balances.get(paid, 0) < 10 and out.marks[-1].balances[got] > 19 * 10**11


def test_it_follows_a_price_that_goes_away_only_if_asked_to() -> None:
    left, followed = (played(Accumulate(**HOME, width=100, follow=f), RISES, {USDC: 10**12}) for f in (0, 200))
    assert len(orders(left)) == 1
    assert [low for low, *_ in orders(followed)] == [-110, 100, 310, 520, 730]  # once 200 and the gap are between
    assert all(token0 == 0 for *_, token0, _ in orders(followed))
    assert [token1 for *_, token1 in orders(followed)] == [10**12 // 4] + [
        10**12 // 4 - 1
    ] * 4  # none was carried out: the same part again


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("seed", range(10))
def test_in_random_worlds_what_was_bought_is_never_put_in_again(side: str, seed: int) -> None:
    strategy = Accumulate(**HOME, side=side, orders=5, width=40, gap=5, follow=80)  # type: ignore[arg-type]
    out = played(strategy, walk(f"{side} {seed}", step=25, every=4), MONEY, fee_per_tick=10**4)
    got, place = (WETH, 0) if side == "buy" else (USDC, 1)
    assert len(orders(out)) >= 2
    assert all(order[2 + place] == 0 for order in orders(out))
    assert not filled(out, "increase") and not [r for r in filled(out, "swap_exact_in") if r.phase == "run"]
    bought = [m.balances.get(got, 0) for m in decisions(out) if m.time <= 3_000]
    assert bought == sorted(bought)
    assert all(len(m.positions) <= 1 for m in out.marks)


def test_a_home_that_the_pool_does_not_trade_is_named() -> None:
    with pytest.raises(BadInput, match="home: pool trades WETH@op and USDC@op, not DAI@op"):
        played(Accumulate(venue="pool", home="DAI@op"), FALLS, FUNDS)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"orders": 0}, "parameters.orders: expected a whole number >= 1"),
        ({"side": "both"}, "parameters.side: not a valid choice: 'both'; valid: buy, sell"),
        ({"gap": -1}, "parameters.gap: expected a whole number >= 0"),
    ],
)
def test_what_cannot_be_is_named(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        find("accumulate", None, own_code=False).make(bad, HOME, file="s.toml")
    assert says in str(caught.value)
