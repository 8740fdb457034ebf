"""Simple honest stand-ins for venues whose real twins come later or live elsewhere. Integers only, no approximation
hidden: each says what it leaves out. They exist to exercise the world, not to predict anything.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from dataclasses import dataclass, field
from math import isqrt

from tidemill.interfaces import (
    Action,
    Block,
    Claimable,
    Context,
    Crosses,
    EventCount,
    Happened,
    Pending,
    Position,
    Result,
    Revert,
    TickLeaves,
    Transfer,
)
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick as ratio_at

Q96 = 1 << 96


class Stand:
    """What every stand-in shares: state in ``self.state`` (deep-copied for snapshots), a clock, no flow of its own."""

    def __init__(self, venue: str, network: str, state: object) -> None:
        self.id, self.network, self.account, self.state = venue, network, venue, state
        self.at = Block(time=0, number=0)

    def advance(self, to: Block):
        self.at = to
        return ()

    def next_wake(self, conditions, until):
        return None

    def snapshot(self):
        return copy.deepcopy(self.state)

    def restore(self, snapshot):
        self.state = copy.deepcopy(snapshot)

    def positions(self, owner):
        return ()

    def read(self, query, *args):
        return getattr(self.state, query)

    def apply(self, action: Action, ctx: Context) -> Result:
        verb = getattr(self, f"_{action.verb}", None)
        if verb is None:
            raise Revert(f"no verb {action.verb}")
        return verb(ctx, **action.args, limits=action.limits)

    def _pays(self, ctx: Context, token: str, amount: int, reason: str) -> Transfer:
        if ctx.balance(token, ctx.sender) < amount:
            raise Revert(reason)
        return Transfer(token, ctx.sender, self.account, amount)


@dataclass
class RangeState:
    tokens: tuple[str, str]
    path: list[tuple[int, int]]
    """(block number, tick from then on), ascending."""
    tick: int
    owned: dict[int, dict[str, int]] = field(default_factory=dict)
    next_id: int = 1


class RangePool(Stand):
    """Concentrated liquidity on a given path of ticks. Left out: price impact, other liquidity's state; fees accrue as
    a fixed amount per tick moved inside a range. Amounts follow the white paper's formulas.
    """

    FEE_PIPS = 500
    SPACING = 10
    multicall = frozenset({"mint", "close", "harvest"})

    def __init__(self, venue, network, tokens, path, fee_per_tick=0):
        super().__init__(venue, network, RangeState(tokens, list(path), path[0][1]))
        self.fee_per_tick = fee_per_tick

    def read(self, query, *args):
        s = self.state
        answers = {
            "slot0": (ratio_at(s.tick), s.tick, 0, 0, 0, 0, True),
            "tickSpacing": self.SPACING,
            "fee": self.FEE_PIPS,
            "token0": s.tokens[0],
            "token1": s.tokens[1],
        }
        return answers[query]

    def advance(self, to):
        for number, tick in self.state.path:
            if self.at.number < number <= to.number:
                for position in self.state.owned.values():
                    inside = max(
                        min(max(tick, self.state.tick), position["tick_upper"])
                        - max(min(tick, self.state.tick), position["tick_lower"]),
                        0,
                    )
                    position["owed0"] += inside * self.fee_per_tick
                    position["owed1"] += inside * self.fee_per_tick
                self.state.tick = tick
        self.at = to
        return ()

    def next_wake(self, conditions, until):
        ticks = [(self.at.number, self.state.tick)]
        ticks += [(n, t) for n, t in self.state.path if self.at.number < n <= until.number]
        found = []
        for c in conditions:
            if isinstance(c, TickLeaves):
                found += [n for n, t in ticks if not c.lower <= t < c.upper][:1]
            elif isinstance(c, EventCount):
                found += [n for n, _ in ticks[1:]][c.count - 1 : c.count]
            elif isinstance(c, Claimable):
                scout = copy.deepcopy(self)
                for n, _ in ticks:
                    scout.advance(Block(time=0, number=n))
                    if any(p.id == c.position and p.claimable[c.token] >= c.amount for p in scout.positions("me")):
                        found.append(n)
                        break
        if not found:
            return None
        step = (until.time - self.at.time) // max(until.number - self.at.number, 1)
        number = min(found)
        return Block(time=self.at.time + (number - self.at.number) * step, number=number)

    def positions(self, owner):
        t0, t1 = self.state.tokens
        out = []
        for n, p in sorted(self.state.owned.items()):
            a0, a1 = self._amounts(p["tick_lower"], p["tick_upper"], p["liquidity"], up=False)
            data = {k: p[k] for k in ("tick_lower", "tick_upper", "liquidity")}
            out.append(
                Position(f"{self.id}#{n}", self.id, "range", data, {t0: a0, t1: a1}, {t0: p["owed0"], t1: p["owed1"]})
            )
        return tuple(out)

    def _amounts(self, lower, upper, liquidity, *, up):
        a, b, p = ratio_at(lower), ratio_at(upper), ratio_at(self.state.tick)
        p = min(max(p, a), b)
        n0, d0, n1 = liquidity * (b - p) << 96, b * p, liquidity * (p - a)
        return (-(-n0 // d0), -(-n1 // Q96)) if up else (n0 // d0, n1 // Q96)

    def _liquidity(self, lower, upper, amount0, amount1):
        a, b, p = ratio_at(lower), ratio_at(upper), ratio_at(self.state.tick)
        p = min(max(p, a), b)
        by0 = amount0 * p * b // Q96 // (b - p) if b > p else None
        by1 = amount1 * Q96 // (p - a) if p > a else None
        return min(x for x in (by0, by1) if x is not None)

    def _mint(self, ctx, tick_lower, tick_upper, amount0_desired, amount1_desired, limits):
        liquidity = self._liquidity(tick_lower, tick_upper, amount0_desired, amount1_desired)
        if liquidity == 0:
            raise Revert("")
        a0, a1 = self._amounts(tick_lower, tick_upper, liquidity, up=True)
        if a0 < limits.get("amount0_min", 0) or a1 < limits.get("amount1_min", 0):
            raise Revert("Price slippage check")
        t0, t1 = self.state.tokens
        moves = (self._pays(ctx, t0, a0, "STF"), self._pays(ctx, t1, a1, "STF"))
        n, self.state.next_id = self.state.next_id, self.state.next_id + 1
        own = {"tick_lower": tick_lower, "tick_upper": tick_upper, "liquidity": liquidity, "owed0": 0, "owed1": 0}
        self.state.owned[n] = own
        return Result({"liquidity": liquidity, "amount0": a0, "amount1": a1}, moves, position=f"{self.id}#{n}")

    def _increase(self, ctx, position, amount0_desired, amount1_desired, limits):
        own = self.state.owned[int(position.split("#")[1])]
        liquidity = self._liquidity(own["tick_lower"], own["tick_upper"], amount0_desired, amount1_desired)
        if liquidity == 0:
            raise Revert("")
        a0, a1 = self._amounts(own["tick_lower"], own["tick_upper"], liquidity, up=True)
        t0, t1 = self.state.tokens
        moves = (self._pays(ctx, t0, a0, "STF"), self._pays(ctx, t1, a1, "STF"))
        own["liquidity"] += liquidity
        return Result({"liquidity": liquidity, "amount0": a0, "amount1": a1}, moves, position=position)

    def _harvest(self, ctx, position, limits):
        own = self.state.owned[int(position.split("#")[1])]
        out = [
            Transfer(t, self.account, ctx.sender, own[o])
            for t, o in zip(self.state.tokens, ("owed0", "owed1"), strict=True)
        ]
        own["owed0"] = own["owed1"] = 0
        return Result({"amount0": out[0].amount, "amount1": out[1].amount}, tuple(out), position=position)

    def _close(self, ctx, position, limits):
        n = int(position.split("#")[1])
        if n not in self.state.owned:
            raise Revert("Invalid token ID")
        p = self.state.owned[n]
        a0, a1 = self._amounts(p["tick_lower"], p["tick_upper"], p["liquidity"], up=False)
        a0, a1 = a0 + p["owed0"], a1 + p["owed1"]
        if a0 < limits.get("amount0_min", 0) or a1 < limits.get("amount1_min", 0):
            raise Revert("Price slippage check")
        del self.state.owned[n]
        t0, t1 = self.state.tokens
        moves = (Transfer(t0, self.account, ctx.sender, a0), Transfer(t1, self.account, ctx.sender, a1))
        return Result({"amount0": a0, "amount1": a1}, moves, position=position)

    def _swap_exact_in(self, ctx, token_in, amount_in, limits):
        t0, t1 = self.state.tokens
        p = ratio_at(self.state.tick)
        net = amount_in * (1_000_000 - self.FEE_PIPS) // 1_000_000
        out = net * p * p >> 192 if token_in == t0 else (net << 192) // (p * p)
        if amount_in == 0:
            raise Revert("AS")
        if out < limits.get("amount_out_min", 0):
            raise Revert("Too little received")
        pays = self._pays(ctx, token_in, amount_in, "STF")
        gets = Transfer(t1 if token_in == t0 else t0, self.account, ctx.sender, out)
        return Result({"amount_in": amount_in, "amount_out": out}, (pays, gets), features={"ticks_crossed": 0})


@dataclass
class PairState:
    reserves: dict[str, int]
    lp: str
    supply: int


class PairPool(Stand):
    """Constant product with 0.30 % fee, LP token in the book; ``add`` takes what the ratio allows. No other traders."""

    def __init__(self, venue, network, reserves, lp):
        supply = isqrt(_product(reserves.values()))
        super().__init__(venue, network, PairState(dict(reserves), lp, supply))

    def _swap_exact_in(self, ctx, token_in, amount_in, limits):
        r = self.state.reserves
        (token_out,) = set(r) - {token_in}
        net = amount_in * 997
        out = net * r[token_out] // (r[token_in] * 1000 + net)
        if out < limits.get("amount_out_min", 0):
            raise Revert("UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT")
        pays = self._pays(ctx, token_in, amount_in, "TransferHelper: TRANSFER_FROM_FAILED")
        r[token_in] += amount_in
        r[token_out] -= out
        return Result(
            {"amount_in": amount_in, "amount_out": out}, (pays, Transfer(token_out, self.account, ctx.sender, out))
        )

    def _add(self, ctx, amounts0, amounts1, limits):
        (t0, r0), (t1, r1) = sorted(self.state.reserves.items())
        minted = min(amounts0 * self.state.supply // r0, amounts1 * self.state.supply // r1)
        if minted == 0:
            raise Revert("INSUFFICIENT_LIQUIDITY_MINTED")
        a0, a1 = -(-minted * r0 // self.state.supply), -(-minted * r1 // self.state.supply)
        moves = (self._pays(ctx, t0, a0, "TRANSFER_FROM_FAILED"), self._pays(ctx, t1, a1, "TRANSFER_FROM_FAILED"))
        self.state.reserves[t0] += a0
        self.state.reserves[t1] += a1
        self.state.supply += minted
        return Result(
            {"liquidity": minted, "amount0": a0, "amount1": a1},
            (*moves, Transfer(self.state.lp, self.account, ctx.sender, minted)),
        )


def _product(values):
    n = 1
    for v in values:
        n *= v
    return n


@dataclass
class StreamState:
    stake_token: str
    reward_token: str
    per_second: int
    staked: int = 0
    owed: int = 0
    since: int = 0


class StreamFarm(Stand):
    """Pays a fixed reward per second while anything of ours is staked (we are alone here)."""

    def __init__(self, venue, network, stake_token, reward_token, per_second):
        super().__init__(venue, network, StreamState(stake_token, reward_token, per_second))

    def _earned(self, now):
        s = self.state
        return s.owed + (s.per_second * (now - s.since) if s.staked else 0)

    def _touch(self, now):
        self.state.owed, self.state.since = self._earned(now), now

    def positions(self, owner):
        s = self.state
        if not s.staked:
            return ()
        return (
            Position(
                f"{self.id}#1",
                self.id,
                "stake",
                {"staked": s.staked},
                {s.stake_token: s.staked},
                {s.reward_token: self._earned(self.at.time)},
            ),
        )

    def next_wake(self, conditions, until):
        for c in conditions:
            if isinstance(c, Claimable) and self.state.staked:
                missing = max(c.amount - self._earned(self.at.time), 0)
                time = self.at.time + -(-missing // self.state.per_second)
                step = max((until.time - self.at.time) // max(until.number - self.at.number, 1), 1)
                number = self.at.number + -(-(time - self.at.time) // step)
                if number <= until.number:
                    return Block(time=self.at.time + (number - self.at.number) * step, number=number)
        return None

    def _stake(self, ctx, amount, limits):
        self._touch(ctx.block.time)
        pays = self._pays(ctx, self.state.stake_token, amount, "SafeERC20: low-level call failed")
        if amount == 0:
            raise Revert("Cannot stake 0")
        self.state.staked += amount
        return Result({"amount": amount}, (pays,), position=f"{self.id}#1")

    def _claim(self, ctx, limits):
        self._touch(ctx.block.time)
        paid, self.state.owed = self.state.owed, 0
        return Result({"reward": paid}, (Transfer(self.state.reward_token, self.account, ctx.sender, paid),))

    def _exit(self, ctx, limits):
        claimed = self._claim(ctx, limits)
        staked, self.state.staked = self.state.staked, 0
        moves = (*claimed.transfers, Transfer(self.state.stake_token, self.account, ctx.sender, staked))
        return Result({"amount": staked, **claimed.amounts}, moves)


@dataclass
class LoanState:
    collateral_token: str
    debt_token: str
    path: list[tuple[int, int]]
    """(block number, debt-token units per 10**18 collateral units from then on)."""
    price: int
    collateral: int = 0
    debt: int = 0


class Lending(Stand):
    """One borrower, liquidation threshold 80 %, liquidated whole with 10 % penalty below health factor 1 (1e18). No
    interest. The liquidator is part of the stand-in and acts in the block in which it may.
    """

    THRESHOLD_BPS, LTV_BPS, PENALTY_BPS = 8_000, 7_500, 1_000

    def __init__(self, venue, network, collateral_token, debt_token, path):
        super().__init__(venue, network, LoanState(collateral_token, debt_token, list(path), path[0][1]))

    def health(self, price=None):
        s = self.state
        value = s.collateral * (price or s.price) // 10**18
        return value * self.THRESHOLD_BPS * 10**14 // s.debt if s.debt else 2**256 - 1

    def read(self, query, *args):
        return self.health() if query == "health_factor" else super().read(query)

    def positions(self, owner):
        s = self.state
        if not s.collateral:
            return ()
        return (
            Position(
                f"{self.id}#1",
                self.id,
                "loan",
                {"debt": s.debt, "health_factor": self.health()},
                {s.collateral_token: s.collateral, s.debt_token: -s.debt},
                {},
            ),
        )

    def _prices(self, until):
        s = self.state
        i = bisect_right([n for n, _ in s.path], self.at.number)
        return [(self.at.number, s.price), *(x for x in s.path[i:] if x[0] <= until.number)]

    def next_wake(self, conditions, until):
        for number, price in self._prices(until):
            health = self.health(price)
            hit = health < 10**18 and self.state.debt
            hit = hit or any(isinstance(c, Crosses) and (health > c.threshold) == c.above for c in conditions)
            if hit:
                step = (until.time - self.at.time) // max(until.number - self.at.number, 1)
                return Block(time=self.at.time + (number - self.at.number) * step, number=number)
        return None

    def advance(self, to):
        happened = []
        s = self.state
        for number, price in self._prices(to):
            s.price = price
            if s.debt and self.health() < 10**18:
                lost = min(s.debt * (10_000 + self.PENALTY_BPS) * 10**14 // price, s.collateral)
                s.collateral -= lost
                amounts = {s.collateral_token: -lost, s.debt_token: s.debt}
                s.debt = 0
                happened.append(
                    Happened(self.id, f"{self.id}#1", "liquidated", amounts, Block(time=to.time, number=number))
                )
        self.at = to
        return tuple(happened)

    def _supply(self, ctx, amount, limits):
        pays = self._pays(ctx, self.state.collateral_token, amount, "transfer amount exceeds balance")
        self.state.collateral += amount
        return Result({"amount": amount}, (pays,), position=f"{self.id}#1")

    def _borrow(self, ctx, amount, limits):
        self.state.debt += amount
        value = self.state.collateral * self.state.price // 10**18
        if self.state.debt * 10_000 > value * self.LTV_BPS:
            self.state.debt -= amount
            raise Revert("COLLATERAL_CANNOT_COVER_NEW_BORROW")
        return Result({"amount": amount}, (Transfer(self.state.debt_token, self.account, ctx.sender, amount),))

    def _repay(self, ctx, amount, limits):
        paid = min(amount, self.state.debt)
        pays = self._pays(ctx, self.state.debt_token, paid, "transfer amount exceeds balance")
        self.state.debt -= paid
        return Result({"amount": paid}, (pays,))

    def _withdraw(self, ctx, amount, limits):
        s = self.state
        amount = min(amount, s.collateral)
        s.collateral -= amount
        if s.debt and self.health() < 10**18:
            s.collateral += amount
            raise Revert("HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD")
        return Result({"amount": amount}, (Transfer(s.collateral_token, self.account, ctx.sender, amount),))


@dataclass
class BridgeState:
    tickets: dict[str, list[int]] = field(default_factory=dict)
    """ticket → [amount, stage, not before (seconds)]"""


class BridgeExit(Stand):
    """The layer-2 end of an optimistic exit: burns here, and says where and when it goes on."""

    PROVE_AFTER = 3_600

    def __init__(self, venue, network, token, portal):
        super().__init__(venue, network, BridgeState())
        self.token, self.portal = token, portal
        portal.state = self.state

    def restore(self, snapshot):
        self.state = self.portal.state = copy.deepcopy(snapshot)

    def _send(self, ctx, amount, limits):
        pays = self._pays(ctx, self.token, amount, "transfer amount exceeds balance")
        ticket = f"{self.id}#{len(self.state.tickets) + 1}"
        ready = ctx.block.time + self.PROVE_AFTER
        self.state.tickets[ticket] = [amount, 1, ready]
        pending = Pending("prove", self.portal.network, Block(time=ready, number=0), self.portal.id)
        return Result({"amount": amount}, (pays,), position=ticket, pending=pending)


class BridgePortal(Stand):
    """The layer-1 end: prove, wait a week, finalize. Shares its tickets with the exit."""

    FINALIZE_AFTER = 7 * 86_400

    def __init__(self, venue, network, token):
        super().__init__(venue, network, BridgeState())
        self.token = token

    def restore(self, snapshot):
        self.state.tickets = copy.deepcopy(snapshot.tickets)

    def positions(self, owner):
        return tuple(
            Position(t, self.id, "ticket", {"stage": s, "not_before": n}, {self.token: a}, {})
            for t, (a, s, n) in self.state.tickets.items()
            if s < 3
        )

    def _ready(self, ctx, position, stage):
        ticket = self.state.tickets.get(position)
        if ticket is None or ticket[1] != stage or ctx.block.time < ticket[2]:
            raise Revert("OptimismPortal: withdrawal not ready")
        return ticket

    def _prove(self, ctx, position, limits, amount):
        ticket = self._ready(ctx, position, 1)
        ticket[1:] = [2, ctx.block.time + self.FINALIZE_AFTER]
        return Result(position=position, pending=Pending("finalize", self.network, Block(time=ticket[2], number=0)))

    def _finalize(self, ctx, position, limits, amount):
        ticket = self._ready(ctx, position, 2)
        ticket[1:] = [3, 0]
        return Result(
            {"amount": ticket[0]}, (Transfer(self.token, self.account, ctx.sender, ticket[0]),), position=position
        )
