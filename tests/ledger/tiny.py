"""A tiny world that writes records and marks: a pool with ranges, a vault, a farm, a network that charges.

Its own token book is kept apart from everything the ledger does, so that agreement means something. All integers, all
rounding as the contracts round. Prices are the pool's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tidemill.interfaces import (
    Befell,
    Block,
    Costs,
    Expired,
    Filled,
    Happened,
    Mark,
    Position,
    Price,
    Rate,
    Recorded,
    Result,
    Reverted,
    Skipped,
    Transfer,
)
from tidemill.ledger.prices import price_of_home, price_of_micro, price_of_sqrt_down

USD, WETH, ETH, RWD, SHR = "USDC@op", "WETH@op", "ETH@op", "RWD@op", "vUSDC@op"
Q96 = 1 << 96


def up(a: int, b: int) -> int:
    return -(-a // b)


@dataclass
class Range:
    """A v3 position in square-root prices; ``lower``/``upper`` are Q64.96."""

    id: str
    lower: int
    upper: int
    liquidity: int
    owed: list[int] = field(default_factory=lambda: [0, 0])

    def amounts(self, sqrt: int, liquidity: int, *, round_up: bool) -> list[int]:
        s = min(max(sqrt, self.lower), self.upper)
        n0, d0 = liquidity * Q96 * (self.upper - s), self.upper * s
        n1 = liquidity * (s - self.lower)
        return [up(n0, d0), up(n1, Q96)] if round_up else [n0 // d0, n1 // Q96]


class Tiny:
    """``flip``: the stablecoin is token0. ``impact``: own swaps move the price and pay fees to own ranges.
    ``parent``: marks before steps show the parent block, and others come first in the block of the step.
    """

    def __init__(
        self, seed: int, *, flip: bool = False, impact: bool = False, parent: bool = False, usd: int = 50_000_000_000
    ) -> None:
        self.rng = random.Random(seed)
        self.flip, self.impact, self.parent = flip, impact, parent
        self.tokens = (USD, WETH) if flip else (WETH, USD)
        price = 2000 * 10**6 * Q96**2 // 10**18  # raw USD per raw WETH, Q192
        self.sqrt = self._isqrt(Q96**4 // price) if flip else self._isqrt(price)
        self.time, self.seq, self.ids = 1_700_000_000, 0, 0
        self.wallet = {USD: usd, WETH: 20 * 10**18, ETH: 10**18, RWD: 0, SHR: 0}
        self.ranges: list[Range] = []
        self.staked = self.rewards = 0
        self.assets, self.supply = 10**12, 9 * 10**11
        self.reward_micro = 500_000
        self.record: list[Recorded | Befell] = []
        self.marks: list[Mark] = []
        self.mark("start")

    @staticmethod
    def _isqrt(n: int) -> int:
        import math

        return math.isqrt(n)

    # --- what it shows

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq - 1

    def positions(self) -> tuple[Position, ...]:
        out = []
        for r in self.ranges:
            p = r.amounts(self.sqrt, r.liquidity, round_up=False)
            out.append(
                Position(
                    r.id,
                    "pool",
                    "range",
                    {"liquidity": r.liquidity, "tick_lower": -10, "tick_upper": 10},
                    dict(zip(self.tokens, p, strict=True)),
                    dict(zip(self.tokens, r.owed, strict=True)),
                )
            )
        if self.staked or self.rewards:
            out.append(
                Position("farm#1", "farm", "stake", {"staked": self.staked}, {SHR: self.staked}, {RWD: self.rewards})
            )
        if self.wallet[SHR]:  # the vault lists it too: seen twice, counted once
            worth = self.wallet[SHR] * (self.assets + 1) // (self.supply + 1)
            out.append(Position("vault#1", "vault", "vault", {"shares": self.wallet[SHR]}, {USD: worth}, {}))
        return tuple(out)

    def prices(self) -> dict[str, Price]:
        home = price_of_home(6)
        weth = price_of_sqrt_down(self.sqrt, of_token0=not self.flip, quote=home)
        return {USD: home, WETH: weth, ETH: weth, RWD: price_of_micro(self.reward_micro, 18)}

    def mark(self, why: str) -> None:
        rates = {}
        if self.wallet[SHR] or self.staked:
            rates = {SHR: Rate("vault", {USD: self.assets + 1}, self.supply + 1)}
        self.marks.append(
            Mark(
                self.next_seq(),
                self.time,
                why,
                dict(self.wallet),
                self.positions(),
                self.prices(),
                rates,
                parent=self.parent and why == "before",
            )
        )
        if self.marks[-1].parent and self.rng.random() < 0.7:
            self.others()

    # --- what the market does

    def market(self, why: str = "sample") -> None:
        self.time += self.rng.randrange(60, 7200)
        self.sqrt = self.sqrt * (10_000 + self.rng.randrange(-120, 121)) // 10_000
        self.reward_micro = self.reward_micro * (1000 + self.rng.randrange(-30, 31)) // 1000
        for r in self.ranges:
            if r.lower < self.sqrt < r.upper:
                self.accrue(r, self.rng.randrange(1, 30))
        self.assets += self.rng.randrange(1, 10**8)
        if self.staked:
            self.rewards += self.rng.randrange(1, 10**17)
        self.mark(why)

    def others(self) -> None:
        """Move a little, as within one block."""
        self.sqrt = self.sqrt * (100_000 + self.rng.randrange(-3, 4)) // 100_000
        for r in self.ranges:
            if r.lower < self.sqrt < r.upper:
                self.accrue(r, self.rng.randrange(0, 2))
        self.assets += self.rng.randrange(0, 10**5)
        if self.staked:
            self.rewards += self.rng.randrange(0, 10**14)

    def accrue(self, r: Range, bps: int) -> None:
        for k, amount in enumerate(r.amounts(self.sqrt, r.liquidity, round_up=False)):
            r.owed[k] += amount * bps // 10_000

    # --- what one does

    def step(
        self, venue: str, verb: str, moves: list[tuple[str, int]], *, position: str | None = None, phase: str = "run"
    ) -> None:
        """``moves``: (token, into the wallet) with the venue. Books the wallet, charges gas, marks after."""
        transfers = tuple(Transfer(t, venue, "me", n) if n > 0 else Transfer(t, "me", venue, -n) for t, n in moves if n)
        for token, amount in moves:
            self.wallet[token] += amount
            assert self.wallet[token] >= 0
        costs = self.charge()
        result = Result(transfers=transfers, position=position)
        at = Block(self.time, self.time // 2)
        self.record.append(
            Recorded(
                self.next_seq(), at, "op", ETH, "p", 0, venue, verb, Filled({}, position), costs, None, result,
                phase=phase,
            )
        )  # fmt: skip
        self.mark("after")

    def charge(self) -> Costs:
        r = self.rng.randrange
        costs = Costs(r(1, 10**13), r(1, 10**13), r(0, 10**9), 100_000)
        self.wallet[ETH] -= costs.total
        return costs

    def fail(self) -> None:
        self.mark("before")
        at = Block(self.time, self.time // 2)
        reason = Reverted("Price slippage check")
        self.record.append(Recorded(self.next_seq(), at, "op", ETH, "p", 0, "pool", "mint", reason, self.charge()))
        self.mark("after")
        for status in (Skipped("an earlier step failed"), Expired()):
            self.record.append(Recorded(self.next_seq(), at, "op", ETH, "p", 1, "pool", "mint", status, Costs()))

    def mint(self, width: int = 1000) -> None:
        self.ids += 1
        lower, upper = self.sqrt * (10_000 - width) // 10_000, self.sqrt * (10_000 + width) // 10_000
        r = Range(f"pool#{self.ids}", lower, upper, 0)
        self.increase(r, self.rng.randrange(10**10, 10**13))

    def increase(self, r: Range, liquidity: int) -> None:
        paid = r.amounts(self.sqrt, liquidity, round_up=True)
        have = [self.wallet[t] for t in self.tokens]
        if any(p > h for p, h in zip(paid, have, strict=True)):
            return
        self.mark("before")
        if r not in self.ranges:
            self.ranges.append(r)
        r.liquidity += liquidity
        self.step("pool", "mint", [(t, -p) for t, p in zip(self.tokens, paid, strict=True)], position=r.id)

    def decrease(self, r: Range, liquidity: int, phase: str = "run") -> None:
        self.mark("before")
        got = r.amounts(self.sqrt, liquidity, round_up=False)
        r.liquidity -= liquidity
        r.owed = [a + b for a, b in zip(r.owed, got, strict=True)]
        self.step("pool", "decrease", [], position=r.id, phase=phase)

    def collect(self, r: Range, phase: str = "run") -> None:
        self.mark("before")
        got, r.owed = r.owed, [0, 0]
        if not r.liquidity:
            self.ranges.remove(r)
        self.step("pool", "collect", list(zip(self.tokens, got, strict=True)), position=r.id, phase=phase)

    def close(self, r: Range, phase: str = "run") -> None:
        """Decrease, collect and burn in one transaction."""
        self.mark("before")
        principal = r.amounts(self.sqrt, r.liquidity, round_up=False)
        got = [a + b for a, b in zip(r.owed, principal, strict=True)]
        self.ranges.remove(r)
        self.step("pool", "close", list(zip(self.tokens, got, strict=True)), position=r.id, phase=phase)

    def swap(self, token_in: str, amount: int, phase: str = "run") -> None:
        """30 bps fee and 1 bps of slippage against the price before."""
        self.mark("before")
        token_out = USD if token_in == WETH else WETH
        prices = self.prices()
        p_in, p_out = prices[token_in], prices[token_out]
        out = amount * p_in.num * p_out.den * 9969 // (p_in.den * p_out.num * 10_000)
        if self.impact:
            down = token_in == self.tokens[0]
            self.sqrt = self.sqrt * (9_999 if down else 10_001) // 10_000
            for r in self.ranges:
                if r.lower < self.sqrt < r.upper:
                    self.accrue(r, 1)
        self.step("pool", "swap_exact_in", [(token_in, -amount), (token_out, out)], phase=phase)

    def sell_rewards(self, phase: str = "run") -> None:
        amount = self.wallet[RWD]
        if amount:
            self.mark("before")
            out = amount * self.reward_micro * 99 // (10**18 * 100)
            self.step("dex", "swap_exact_in", [(RWD, -amount), (USD, out)], phase=phase)

    def wrap(self, amount: int) -> None:
        self.mark("before")
        self.wallet[ETH] -= amount
        self.wallet[WETH] += amount
        legs = (Transfer(ETH, "me", "wrap:op", amount), Transfer(WETH, "wrap:op", "me", amount))
        costs, at = self.charge(), Block(self.time, self.time // 2)
        self.record.append(
            Recorded(
                self.next_seq(), at, "op", ETH, "p", 0, "pool", "wrap", Filled(), costs, result=Result(transfers=legs)
            )
        )
        self.mark("after")

    def deposit(self, amount: int) -> None:
        self.mark("before")
        shares = amount * (self.supply + 1) // (self.assets + 1)
        self.assets, self.supply = self.assets + amount, self.supply + shares
        self.step("vault", "deposit", [(USD, -amount), (SHR, shares)])

    def redeem(self, shares: int, phase: str = "run") -> None:
        self.mark("before")
        amount = shares * (self.assets + 1) // (self.supply + 1)
        self.assets, self.supply = self.assets - amount, self.supply - shares
        self.step("vault", "redeem", [(SHR, -shares), (USD, amount)], phase=phase)

    def stake(self, shares: int) -> None:
        self.mark("before")
        self.staked += shares
        self.step("farm", "stake", [(SHR, -shares)])

    def unstake(self, shares: int, phase: str = "run") -> None:
        self.mark("before")
        self.staked -= shares
        self.step("farm", "withdraw", [(SHR, shares)], phase=phase)

    def claim(self, phase: str = "run") -> None:
        self.mark("before")
        got, self.rewards = self.rewards, 0
        self.step("farm", "claim", [(RWD, got)], phase=phase)

    def penalty(self) -> None:
        """A tenth of a range's liquidity is taken, and a payment comes into the wallet."""
        r = self.ranges[0]
        self.mark("before")
        was = r.amounts(self.sqrt, r.liquidity, round_up=False)
        r.liquidity -= r.liquidity // 10
        now = r.amounts(self.sqrt, r.liquidity, round_up=False)
        change = {t: b - a for t, a, b in zip(self.tokens, was, now, strict=True)}
        change[USD] += 12_345
        self.wallet[USD] += 12_345
        at = Block(self.time, self.time // 2)
        paid = (Transfer(USD, "pool", "me", 12_345),)
        self.record.append(Befell(self.next_seq(), Happened("pool", r.id, "slashed", change, at), paid))
        self.mark("after")

    # --- a life

    def act(self) -> None:
        rng, live = self.rng, [r for r in self.ranges if r.liquidity]
        kind = rng.randrange(16)
        if kind <= 1:
            self.mint(rng.choice((50, 300, 5000)))
        elif kind == 2 and live:
            self.increase(rng.choice(live), rng.randrange(10**9, 10**12))
        elif kind == 3 and live:
            r = rng.choice(live)
            self.decrease(r, rng.randrange(1, r.liquidity + 1))
        elif kind == 4 and self.ranges:
            self.collect(rng.choice(self.ranges))
        elif kind == 5 and live:
            self.close(rng.choice(live))
        elif kind in {6, 7}:
            token = rng.choice((USD, WETH))
            if self.wallet[token] > 100:
                self.swap(token, rng.randrange(1, self.wallet[token] // 4))
        elif kind == 8:
            self.fail()
        elif kind == 9 and self.wallet[ETH] > 10**17:
            self.wrap(rng.randrange(1, 10**16))
        elif kind in {10, 11} and self.wallet[USD] > 10**6:
            self.deposit(rng.randrange(10**5, self.wallet[USD] // 2))
        elif kind == 12 and self.wallet[SHR] > 10:
            self.stake(rng.randrange(1, self.wallet[SHR] + 1))
        elif kind == 13 and self.staked:
            self.unstake(rng.randrange(1, self.staked + 1))
            if self.wallet[SHR] > 10:
                self.redeem(rng.randrange(1, self.wallet[SHR]))
        elif kind == 14 and self.rewards:
            self.claim()
            self.sell_rewards()
        elif kind == 15 and live and self.ranges[0].liquidity > 10**6:
            self.penalty()

    def leave(self) -> None:
        """Close everything into the home asset, as far as the world lets one."""
        for r in list(self.ranges):
            self.close(r, "exit")
        if self.staked:
            self.unstake(self.staked, "exit")
        if self.wallet[SHR]:
            self.redeem(self.wallet[SHR], "exit")
        if self.rewards:
            self.claim("exit")
        self.sell_rewards("exit")
        self.swap(WETH, self.wallet[WETH], "exit")

    def live(self, turns: int, *, leave: bool = True) -> Tiny:
        for _ in range(turns):
            self.market(self.rng.choice(("sample", "decision")))
            self.act()
        if leave:
            self.leave()
        self.mark("end")
        return self
