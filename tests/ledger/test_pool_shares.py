"""Shares of a classic pool: fees that stay inside are told from divergence, by the growth of the product per share."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from msgspec import structs

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Block, Costs, Filled, Mark, Price, Rate, Recorded, Result, Transfer
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home
from tidemill.ledger.waterfall import Waterfall, waterfall

USD, WETH, LP = "USDC@op", "WETH@op", "LP@op"


class Pool:
    """A constant-product pool seen by one who holds its shares; ``fee`` in millionths."""

    def __init__(self, fee: int, usd: int = 10**13, weth: int = 5 * 10**21) -> None:
        self.fee, self.reserves, self.supply = fee, {USD: usd, WETH: weth}, math.isqrt(usd * weth)
        self.wallet = {USD: 10**12, WETH: 500 * 10**18, LP: 0}
        self.seq, self.time, self.marks, self.record = 0, 0, [], []
        self.roots: list[Fraction] = []
        self.mark("start")

    def mark(self, why: str) -> None:
        self.time += 3_600
        weth = Price(self.reserves[USD], self.reserves[WETH])
        rates = {LP: Rate("pool", dict(self.reserves), self.supply, "pool")} if self.wallet[LP] else {}
        prices = {USD: price_of_home(6), WETH: weth}
        self.marks.append(Mark(self.seq, self.time, why, dict(self.wallet), (), prices, rates))
        self.roots.append(Fraction(math.isqrt(self.reserves[USD] * self.reserves[WETH] << 200), self.supply << 100))
        self.seq += 1

    def trade(self, token: str, amount: int) -> int:
        """Somebody pays ``amount`` raw units in; returns what comes out."""
        other = WETH if token == USD else USD
        paid = amount * (10**6 - self.fee)
        out = paid * self.reserves[other] // (self.reserves[token] * 10**6 + paid)
        self.reserves[token] += amount
        self.reserves[other] -= out
        return out

    def step(self, verb: str, transfers: list[Transfer]) -> None:
        self.seq += 1  # the before mark stands one earlier
        costs = Costs(0, 0, 0)
        at = Block(time=self.time, number=self.time)
        result = Result(transfers=tuple(transfers))
        self.record.append(
            Recorded(self.seq - 1, at, "op", "ETH@op", f"p{self.seq}", 0, "pool", verb, Filled({}), costs, None, result)
        )

    def add(self, bps: int) -> None:
        """Bring both tokens worth ``bps`` of the pool."""
        self.mark("before")
        into = {token: -(-held * bps // 10_000) for token, held in self.reserves.items()}
        shares = self.supply * bps // 10_000
        for token, amount in into.items():
            self.reserves[token] += amount
            self.wallet[token] -= amount
        self.supply += shares
        self.wallet[LP] += shares
        moves = [Transfer(token, "me", "pool", amount) for token, amount in into.items()]
        self.step("add_liquidity", [*moves, Transfer(LP, "zero", "me", shares)])
        self.mark("after")

    def remove(self, shares: int) -> None:
        self.mark("before")
        out = {token: held * shares // self.supply for token, held in self.reserves.items()}
        for token, amount in out.items():
            self.reserves[token] -= amount
            self.wallet[token] += amount
        self.supply -= shares
        self.wallet[LP] -= shares
        moves = [Transfer(token, "pool", "me", amount) for token, amount in out.items()]
        self.step("remove_liquidity", [Transfer(LP, "me", "zero", shares), *moves])
        self.mark("after")

    def swap(self, token: str, amount: int) -> None:
        """An own trade in the pool whose shares one holds."""
        self.mark("before")
        other = WETH if token == USD else USD
        out = self.trade(token, amount)
        self.wallet[token] -= amount
        self.wallet[other] += out
        self.step("swap_exact_in", [Transfer(token, "me", "pool", amount), Transfer(other, "pool", "me", out)])
        self.mark("after")

    def close(self) -> Waterfall:
        self.mark("end")
        return waterfall(post(self.record, self.marks))


def value(fall: Waterfall, key: str) -> int:
    line = fall.line(key)
    return line.value if line else 0


def test_without_fees_what_a_share_loses_is_the_textbook_divergence() -> None:
    pool = Pool(fee=0)
    pool.add(100)
    start = pool.marks[-1].prices[WETH]
    held = pool.marks[-1].rates[LP].of_down(pool.wallet[LP])
    pool.trade(USD, pool.reserves[USD] // 3)
    fall = pool.close()
    end = pool.marks[-1].prices[WETH]
    ratio = end.num * start.den / (end.den * start.num)
    kept = held[USD] + held[WETH] * end.num / end.den
    assert ratio == pytest.approx((4 / 3) ** 2)
    assert value(fall, "divergence") == pytest.approx(kept * (2 * math.sqrt(ratio) / (1 + ratio) - 1), rel=1e-6)
    # The only "fee" without a fee is what rounding the outputs down leaves in the pool.
    assert 0 <= value(fall, "fees") <= 2


def test_fees_are_the_growth_of_the_product_per_share() -> None:
    pool = Pool(fee=3_000)
    pool.add(200)
    first = len(pool.roots) - 1
    rng = random.Random(5)
    for _ in range(200):
        token = rng.choice((USD, WETH))
        pool.trade(token, pool.reserves[token] * rng.randrange(1, 400) // 10_000)
        pool.mark("sample")
    fall = pool.close()
    shares = pool.wallet[LP]
    expected = Fraction(0)
    for k in range(first + 1, len(pool.roots)):
        grown = 1 - pool.roots[k - 1] / pool.roots[k]
        mark = pool.marks[k]
        worth = sum(
            Fraction(n * mark.prices[t].num, mark.prices[t].den) for t, n in mark.rates[LP].of_down(shares).items()
        )
        expected += worth * grown
    assert value(fall, "fees") > 10**9
    assert abs(value(fall, "fees") - expected) < 2 * len(pool.roots)
    assert value(fall, "divergence") < 0


@pytest.mark.parametrize("seed", range(12))
def test_the_rows_explain_every_life_of_shares(seed: int) -> None:
    """`waterfall` raises unless its rows are the change of all holdings exactly."""
    rng = random.Random(seed)
    pool = Pool(fee=rng.choice((0, 3_000, 10_000)))
    done = set()
    for _ in range(120):
        act = rng.choice(("trade", "trade", "add", "remove", "swap", "sample"))
        if act == "add" and any(pool.wallet[token] * 400 < pool.reserves[token] for token in (USD, WETH)):
            act = "sample"
        done.add(act)
        if act == "trade":
            token = rng.choice((USD, WETH))
            pool.trade(token, pool.reserves[token] * rng.randrange(1, 900) // 10_000)
            pool.mark("sample")
        elif act == "add":
            pool.add(rng.randrange(1, 20))
        elif act == "remove" and pool.wallet[LP]:
            pool.remove(pool.wallet[LP] if rng.random() < 0.3 else rng.randrange(1, pool.wallet[LP] + 1))
        elif act == "swap":
            token = rng.choice((USD, WETH))
            pool.swap(token, pool.wallet[token] // rng.randrange(20, 60) + 1)
        else:
            pool.mark("sample")
    fall = pool.close()
    assert done >= {"trade", "add", "remove", "swap"}
    assert (value(fall, "fees") > 0) == (pool.fee > 0) or pool.fee == 0
    assert {line.key for line in fall.lines} >= {"fees", "divergence"}


def test_shares_of_two_pools_under_one_name_are_refused() -> None:
    from tidemill.errors import InvariantBroken
    from tidemill.ledger.holdings import holdings

    rates = {LP: Rate("pool", {USD: 1, WETH: 1}, 1, "pool"), "LP2@op": Rate("pool", {USD: 1}, 1)}
    mark = Mark(0, 0, "start", {LP: 5, "LP2@op": 6}, (), {}, rates)
    with pytest.raises(InvariantBroken, match="venue pool has shares of two kinds"):
        holdings(mark)


class Routed(Pool):
    """Added through a router: all of one token, the other matched to a whole unit, shares by the lesser of both."""

    def add(self, bps: int) -> None:
        self.mark("before")
        weth = self.reserves[WETH] * bps // 10_000 + self.extra
        usd = weth * self.reserves[USD] // self.reserves[WETH]
        shares = min(weth * self.supply // self.reserves[WETH], usd * self.supply // self.reserves[USD])
        for token, amount in ((USD, usd), (WETH, weth)):
            self.reserves[token] += amount
            self.wallet[token] -= amount
        self.supply += shares
        self.wallet[LP] += shares
        moves = [Transfer(USD, "me", "pool", usd), Transfer(WETH, "me", "pool", weth)]
        self.step("add_liquidity", [*moves, Transfer(LP, "zero", "me", shares)])
        self.mark("after")

    extra = 0


def test_what_a_deposit_leaves_for_a_whole_unit_of_the_other_token_is_rounding() -> None:
    """A unit of USDC is worth 5·10^8 of WETH's here; a deposit that asks for a part of one leaves that to the pool."""
    pool = Routed(fee=3_000)
    pool.extra = 499_999_999  # of WETH: just less than a unit of USDC
    pool.add(100)
    fall = pool.close()
    tokens = next(line.tokens for line in fall.lines if line.key == "rounding")
    assert -500_000_000 < tokens[WETH] < -400_000_000  # a share is worth 22,000 of WETH's
    assert abs(tokens.get(USD, 0)) <= 3


def test_no_more_than_that_is_rounding() -> None:
    """The wider bound is the finer token's alone, and it ends at one unit of the other's."""
    for token, more in ((WETH, 600_000_000), (USD, 30_000)):
        pool = Pool(fee=3_000)
        pool.add(100)
        last = pool.record[-1]
        moved = [
            Transfer(one.token, one.source, one.target, one.amount + more * (one.token == token))
            for one in last.result.transfers
        ]
        pool.record[-1] = structs.replace(last, result=Result(transfers=tuple(moved)))
        after = pool.marks[-1]
        pool.marks[-1] = structs.replace(after, balances={**after.balances, token: after.balances[token] - more})
        pool.wallet[token] -= more
        with pytest.raises(InvariantBroken, match="by rounding"):
            pool.close()
