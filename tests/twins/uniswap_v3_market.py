"""Random verbs of several actors on a Uniswap v3 twin: mostly sensible, now and then mischief of every known kind.

A verb that is short of its share of successes is drawn more often, so that all are exercised about equally.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from harness.driver import Tally
from tidemill.interfaces import Revert
from tidemill.venues.uniswap_v3.rules import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    amounts_for_liquidity_up,
    liquidity_for_amounts_down,
    sqrt_ratio_at_tick,
)
from twins.uniswap_v3_twin import Twin

U128 = (1 << 128) - 1
VERBS = (
    "pool_mint pool_burn pool_collect pool_swap pool_flash pool_set_fee_protocol pool_collect_protocol "
    "pool_increase_observations mint increase decrease collect burn close swap_exact_in swap_exact_out"
).split()
NEED_TOKENS = {"increase", "decrease", "collect", "burn", "close"}


class Market:
    """Draws and does one action after the other; the seed and the number of the action reproduce it."""

    def __init__(
        self,
        twin: Twin,
        seed: str | random.Random,
        home: int,
        mischief: float = 0.06,
        base: int = 10**16,
        sizes: tuple[float, float] = (3, 22),
    ) -> None:
        self.twin, self.seed, self.mischief, self.sizes = twin, seed, mischief, sizes
        self.failed = ""
        self.rng = seed if isinstance(seed, random.Random) else random.Random(seed)
        self.spacing = twin.real.tick_spacing
        self.home, self.last_tick = home, MAX_TICK // self.spacing * self.spacing
        self.tally = Tally()
        self.ranges: list[tuple[int, int]] = []
        self.steps: dict[str, Callable[[bool], None]] = {verb: getattr(self, f"_{verb}") for verb in VERBS}
        twin.act("pool_initialize", twin.actors[0], sqrt_price_x96=sqrt_ratio_at_tick(home) + self.rng.randrange(2))
        if base:
            lower, upper = self._clamp(home - 3000 * self.spacing, home + 3000 * self.spacing)
            twin.act("pool_mint", twin.actors[2], tick_lower=lower, tick_upper=upper, liquidity=base)
        self.base = base
        for _ in range(12):
            with contextlib.suppress(Revert):
                self._mint(False)

    @property
    def pool(self):
        return self.twin.state.pool

    def run(self, actions: int) -> Tally:
        """Do ``actions`` random actions."""
        for _ in range(actions):
            verb, number = self._draw(), self.tally.total
            if self.rng.random() < 0.5:
                self.twin.evm.advance(self.rng.choice((0, 1, 12, 12, 600, 86_400)), 1)
            try:
                self.steps[verb](self.rng.random() < self.mischief)
            except Revert as revert:
                self.tally.failed[verb] += 1
                self.tally.reasons[verb, revert.reason] += 1
                self.failed = verb
            except AssertionError as error:
                raise AssertionError(f"seed {self.seed!r}, action {number}, {verb}: {error}") from error
            else:
                self.tally.done[verb] += 1
                self.failed = ""
            if self.rng.random() < 0.02:
                self._views()
        return self.tally

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _draw(self) -> str:
        # More swaps than their share, most of all out of a stretch without liquidity, where other verbs fail.
        verb = "pool_swap"
        if self.rng.random() < (0.94 if self.pool.liquidity else 0.3):
            verb = min((v for v in VERBS if v != self.failed), key=lambda v: self.tally.done[v])
        return "mint" if verb in NEED_TOKENS and len(self.twin.state.manager.tokens) < 8 else verb

    def _who(self) -> str:
        return self.rng.choice(self.twin.actors)

    def _clamp(self, lower: int, upper: int) -> tuple[int, int]:
        lower, upper = (t // self.spacing * self.spacing for t in (lower, upper))
        lower = max(min(lower, self.last_tick - self.spacing), -self.last_tick)
        return lower, min(max(upper, lower + self.spacing), self.last_tick)

    def _range(self) -> tuple[int, int]:
        """One of a dozen ranges, now and then a new one around the price."""
        if len(self.ranges) < 4 or self.rng.random() < 0.3:
            width = int(2 ** self.rng.uniform(0, 8)) * self.spacing
            lower = self.pool.tick + self.rng.randrange(-width - 5 * self.spacing, 5 * self.spacing)
            self.ranges.append(self._clamp(lower, lower + width))
            del self.ranges[:-12]
        return self.rng.choice(self.ranges)

    def _size(self, low: float, high: float = 22) -> int:
        return int(10 ** self.rng.uniform(low, high))

    def _limit(self, zero_for_one: bool) -> int:
        """A price limit some ticks away, on a tick or just beside it."""
        away = int(2 ** self.rng.uniform(1, 8)) * self.spacing // self.rng.choice((1, 1, 7))
        tick = self.pool.tick - away if zero_for_one else self.pool.tick + away
        if abs(self.pool.tick - self.home) > 500 * self.spacing and zero_for_one == (self.pool.tick > self.home):
            tick = self.home
        if self.rng.random() < 0.4:
            tick = tick // self.spacing * self.spacing
        limit = sqrt_ratio_at_tick(max(-MAX_TICK, min(tick, MAX_TICK))) + self.rng.choice((-1, 0, 0, 1))
        return max(MIN_SQRT_RATIO + 1, min(limit, MAX_SQRT_RATIO - 1))

    def _direction(self) -> bool:
        """Either way, homewards more often the farther away, mostly so from a stretch without liquidity."""
        away = (self.pool.tick - self.home) / self.spacing
        if self.pool.liquidity <= self.base or abs(away) > 1000:
            return (away > 0) == (self.rng.random() < 0.9)
        return self.rng.random() < 0.5 + max(-0.45, min(0.45, away / 100))

    def _amount(self, token: int) -> int:
        """A swap's amount: up to a third of what the pool holds."""
        held = self.twin.real.balances(self.twin.pool)[token]
        return max(1, int(held / 3 * 10 ** self.rng.uniform(-12, 0)))

    def _token(self, wanted: Callable[[Any], bool] = lambda token: True) -> tuple[str, int]:
        """A position token and its owner, one that is ``wanted`` if there is one."""
        tokens = self.twin.state.manager.tokens
        token_id = self.rng.choice([n for n, token in tokens.items() if wanted(token)] or list(tokens))
        return tokens[token_id].owner, token_id

    def _spoiled_token(self) -> tuple[str, int]:
        """Somebody else's position, or none."""
        owner, token_id = self._token()
        if self.rng.random() < 0.3:
            return owner, 999_999
        return self.rng.choice([w for w in self.twin.actors if w != owner]), token_id

    def _late(self, args: dict[str, Any]) -> None:
        if self.tally.total and self.rng.random() < 0.05:
            args["deadline"] = self.twin.evm.block.time + self.rng.choice((-1, -1, 0))

    # -- the core's verbs ------------------------------------------------------------------------------------------

    def _pool_mint(self, bad: bool) -> None:
        who, (lower, upper) = self._who(), self._range()
        liquidity, extra = self._size(*self.sizes), {}
        if bad:
            kind = self.rng.randrange(10)
            if kind == 0:
                liquidity = self.rng.choice((0, 1 << 127))
            elif kind == 1:
                lower, upper = upper, self.rng.choice((lower, upper))
            elif kind == 2:
                lower = -MAX_TICK - 1
            elif kind == 3:
                upper = MAX_TICK + 1
            elif kind == 4:
                lower, upper = self.rng.choice(((lower + 1, upper + self.spacing), (lower, upper + 1)))
            elif kind == 5:
                liquidity = self.pool.max_liquidity_per_tick + self.rng.randrange(2)
            elif kind == 6:
                extra["reenter"] = True
            elif kind == 7:
                who = self.twin.pauper
            else:
                extra["skimp"] = self.rng.choice((1, 1, -3))
                if self.rng.random() < 0.5:  # only token1 is due below the price
                    lower, upper = self._clamp(self.pool.tick - 9 * self.spacing, self.pool.tick - 2 * self.spacing)
        if "reenter" in extra:
            extra = {"recipient": who}
            args = {"tick_lower": lower, "tick_upper": upper, "liquidity": liquidity}
            self.twin.act("pool_mint", who, **extra, **args, reenter=True)
            return
        self.twin.act("pool_mint", who, tick_lower=lower, tick_upper=upper, liquidity=liquidity, **extra)

    def _pool_burn(self, bad: bool) -> None:
        held = [
            key
            for key, position in self.pool.positions.items()
            if key[0] in self.twin.actors and position.liquidity and not self._is_base(key)
        ]
        if bad or not held:
            who, (lower, upper) = self._who(), self._range()
            liquidity = self.rng.choice((0, 1, U128 >> 1, 1 << 127))
            if held and self.rng.random() < 0.5:
                who, lower, upper = self.rng.choice(held)
                liquidity = self.pool.positions[who, lower, upper].liquidity + 1
            self.twin.act("pool_burn", who, tick_lower=lower, tick_upper=upper, liquidity=liquidity)
            return
        who, lower, upper = self.rng.choice(held)
        all_of_it = self.pool.positions[who, lower, upper].liquidity
        liquidity = self.rng.choice((0, all_of_it, all_of_it, self.rng.randrange(all_of_it + 1)))
        self.twin.act("pool_burn", who, tick_lower=lower, tick_upper=upper, liquidity=liquidity)

    def _is_base(self, key: tuple[str, int, int]) -> bool:
        return bool(self.base) and key[0] == self.twin.actors[2] and key[2] - key[1] > 2000 * self.spacing

    def _pool_collect(self, bad: bool) -> None:
        owed = [
            k for k, p in self.pool.positions.items() if k[0] in self.twin.actors and p.tokens_owed_0 + p.tokens_owed_1
        ]
        who, lower, upper = self.rng.choice(owed) if owed and not bad else (self._who(), *self._range())
        args = {}
        if self.rng.random() < 0.4:
            args = {"amount0": self._size(0, 20), "amount1": self.rng.choice((0, self._size(0, 20)))}
        self.twin.act("pool_collect", who, tick_lower=lower, tick_upper=upper, **args)

    def _pool_swap(self, bad: bool) -> None:
        who, zero_for_one = self._who(), self._direction()
        exact_in = self.rng.random() < 0.6
        limit = self._limit(zero_for_one)
        amount = self._amount(int(zero_for_one != exact_in)) if self.rng.random() < 0.3 else self._size(20, 50)
        extra: dict[str, Any] = {}
        if bad:
            kind = self.rng.randrange(6)
            if kind == 0:
                amount = 0
            elif kind == 1:
                limit = self.rng.choice((0, MIN_SQRT_RATIO, MAX_SQRT_RATIO, self.pool.sqrt_price_x96, U128 << 32))
            elif kind == 2:
                extra["skimp"] = self.rng.choice((1, 1, -3))
            elif kind == 3:
                who = self.twin.pauper
            elif kind == 4:
                order = {"recipient": who, "zero_for_one": zero_for_one}
                amount = amount if exact_in else -amount
                more = {"amount_specified": amount, "sqrt_price_limit_x96": limit}
                self.twin.act("pool_swap", who, **order, **more, reenter=True)
                return
        self.twin.act(
            "pool_swap",
            who,
            zero_for_one=zero_for_one,
            amount_specified=amount if exact_in else -amount,
            sqrt_price_limit_x96=limit,
            **extra,
        )

    def _pool_flash(self, bad: bool) -> None:
        held = self.twin.real.balances(self.twin.pool)
        amounts = [self.rng.choice((0, n, int(n * 10 ** self.rng.uniform(-12, 0)))) for n in held]
        who, extra = self._who(), {}
        if not bad and self.rng.random() < 0.5:
            extra["skimp"] = -self._size(0, 12)
        if bad:
            kind = self.rng.randrange(6)
            if kind == 0:
                amounts[self.rng.randrange(2)] += max(held) + 1
            elif kind == 1:
                extra["skimp"] = 1
            elif kind == 2:
                amounts, extra["skimp"] = [0, max(1, amounts[1])], 1
            elif kind == 3:
                who, amounts = self.twin.pauper, list(held)
            elif kind == 4:
                self.twin.act("pool_flash", who, amount0=amounts[0], amount1=amounts[1], reenter=True)
                return
        self.twin.act("pool_flash", who, amount0=amounts[0], amount1=amounts[1], **extra)

    def _pool_set_fee_protocol(self, bad: bool) -> None:
        who = self.twin.real.governor
        pair = [self.rng.choice((0, 4, 5, 6, 7, 8, 9, 10)) for _ in range(2)]
        if bad:
            if self.rng.random() < 0.5:
                who = self._who()
            else:
                pair[self.rng.randrange(2)] = self.rng.choice((1, 3, 11))
        self.twin.act("pool_set_fee_protocol", who, fee_protocol_0=pair[0], fee_protocol_1=pair[1])

    def _pool_collect_protocol(self, bad: bool) -> None:
        args = {}
        if self.rng.random() < 0.6:
            args = {
                f"amount{i}": self.rng.choice((0, n, n + 1, self.rng.randrange(n + 1)))
                for i, n in enumerate((self.pool.protocol_fees_0, self.pool.protocol_fees_1))
            }
        self.twin.act("pool_collect_protocol", self._who() if bad else self.twin.real.governor, **args)

    def _pool_increase_observations(self, bad: bool) -> None:
        more = self.pool.observation_cardinality_next + self.rng.choice((-2, 0, 0, 1, 2))
        self.twin.act(
            "pool_increase_observations", self._who(), observation_cardinality_next=max(0, min(more, 40)) * (not bad)
        )

    # -- the periphery's verbs -------------------------------------------------------------------------------------

    def _takes(self, lower: int, upper: int) -> bool:
        """Whether the manager finds liquidity in such amounts as we bring.

        For token0 it first divides the product of two prices by 2**96: nothing is left where both are below tick
        -665,454, so that a range which needs token0 and ends there takes none, however much one brings.
        """
        ends, price = (sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)), self.pool.sqrt_price_x96
        amounts = amounts_for_liquidity_up(price, *ends, int(10 ** self.sizes[1]))
        return liquidity_for_amounts_down(price, *ends, *amounts) > 0

    def _open_range(self) -> tuple[int, int]:
        """A range for a position token, often another token's, nearly always one that takes liquidity."""
        tokens = [*self.twin.state.manager.tokens.values()]
        for _ in range(8):
            lower, upper = self._range()
            if tokens and self.rng.random() < 0.4:
                _, lower, upper, *_ = self.rng.choice(tokens)
            if self.rng.random() < 0.02 or self._takes(lower, upper):
                return lower, upper
        below = self.pool.tick - self.rng.randrange(1, 300) * self.spacing
        return self._clamp(below, self.pool.tick if self.rng.random() < 0.7 else -below)

    def _desired(self, lower: int, upper: int) -> dict[str, Any]:
        """Amounts for some liquidity of the range, a little more of either, now and then anything."""
        ends = sorted((sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)))
        amounts = amounts_for_liquidity_up(self.pool.sqrt_price_x96, *ends, self._size(*self.sizes))
        if self.rng.random() < 0.1:
            amounts = (self._size(0), self._size(0))
        amount0, amount1 = (int(n * self.rng.choice((1, 1, 1.5))) for n in amounts)
        args: dict[str, Any] = {"amount0_desired": amount0, "amount1_desired": amount1}
        self._late(args)
        return args

    def _mint(self, bad: bool) -> None:
        who, (lower, upper) = self._who(), self._open_range()
        args = self._desired(lower, upper)
        if bad:
            kind = self.rng.randrange(7)
            if kind == 0:
                args[self.rng.choice(("amount0_min", "amount1_min"))] = 1 << 130
            elif kind == 1:
                who = self.twin.pauper
            elif kind == 2:
                lower, upper = upper, self.rng.choice((lower, upper))
            elif kind == 3:
                lower, upper = self.rng.choice(((-MAX_TICK - 1, upper), (lower, MAX_TICK + 1)))
            elif kind == 4:
                args |= {"amount0_desired": 0, "amount1_desired": 0}
            elif kind == 5:
                args |= {"amount0_desired": 1 << 255, "amount1_desired": 1 << 255}
            else:
                lower += 1
        self.twin.act("mint", who, tick_lower=lower, tick_upper=upper, **args)

    def _increase(self, bad: bool) -> None:
        _, token_id = self._token(lambda token: self._takes(token.tick_lower, token.tick_upper))
        token = self.twin.state.manager.tokens[token_id]
        who, args = self._who(), self._desired(token.tick_lower, token.tick_upper)
        if bad:
            kind = self.rng.randrange(3)
            if kind == 0:
                args[self.rng.choice(("amount0_min", "amount1_min"))] = 1 << 130
            elif kind == 1:
                token_id = 999_999
            else:
                who = self.twin.pauper
        self.twin.act("increase", who, token_id=token_id, **args)

    def _decrease(self, bad: bool) -> None:
        who, token_id = self._token(lambda token: token.liquidity)
        all_of_it = self.twin.state.manager.tokens[token_id].liquidity
        args: dict[str, Any] = {
            "liquidity": self.rng.choice((all_of_it, all_of_it, self.rng.randrange(1, max(2, all_of_it))))
        }
        if bad:
            kind = self.rng.randrange(4)
            if kind == 0:
                args[self.rng.choice(("amount0_min", "amount1_min"))] = 1 << 130
            elif kind == 1:
                args["liquidity"] = self.rng.choice((0, all_of_it + 1))
            elif kind == 2:
                args["deadline"] = 1
            else:
                who, token_id = self._spoiled_token()
        self.twin.act("decrease", who, token_id=token_id, **args)

    def _collect(self, bad: bool) -> None:
        who, token_id = self._token(lambda token: token.tokens_owed_0 + token.tokens_owed_1)
        args = {}
        if self.rng.random() < 0.2:
            args = {"amount0_max": self._size(0, 20), "amount1_max": self.rng.choice((0, self._size(0, 20)))}
        if bad:
            who, token_id = self._spoiled_token()
            if self.rng.random() < 0.5:
                who, token_id = self._token()
                args = {"amount0_max": 0, "amount1_max": 0}
        self.twin.act("collect", who, token_id=token_id, **args)

    def _burn(self, bad: bool) -> None:
        def empty(token: Any) -> bool:
            return not (token.liquidity or token.tokens_owed_0 or token.tokens_owed_1)

        who, token_id = self._token(empty)
        token = self.twin.state.manager.tokens[token_id]
        if bad:
            who, token_id = self._spoiled_token()
        elif not empty(token):  # get one ready first
            if token.liquidity:
                self.twin.act("decrease", who, token_id=token_id, liquidity=token.liquidity)
            self.twin.act("collect", who, token_id=token_id)
        self.twin.act("burn", who, token_id=token_id)

    def _close(self, bad: bool) -> None:
        who, token_id = self._spoiled_token() if bad else self._token()
        args = {"amount0_min": 1 << 130} if bad and self.rng.random() < 0.5 else {}
        self.twin.act("close", who, token_id=token_id, **args)

    def _swap_exact_in(self, bad: bool) -> None:
        who, zero_for_one = self._who(), self._direction()
        args: dict[str, Any] = {"amount_in": self._amount(0 if zero_for_one else 1)}
        if self.rng.random() < 0.5:
            args["sqrt_price_limit_x96"] = self._limit(zero_for_one)
        if bad:
            kind = self.rng.randrange(5)
            if kind == 0:
                args["amount_out_min"] = 1 << 200
            elif kind == 1:
                args["amount_in"] = self.rng.choice((0, 1 << 255))
            elif kind == 2:
                args["sqrt_price_limit_x96"] = self._limit(not zero_for_one)
            elif kind == 3:
                who = self.twin.pauper
            else:
                args["deadline"] = 1
        self.twin.act("swap_exact_in", who, zero_for_one=zero_for_one, **args)

    def _swap_exact_out(self, bad: bool) -> None:
        who, zero_for_one = self._who(), self._direction()
        args: dict[str, Any] = {"amount_out": self._amount(1 if zero_for_one else 0)}
        if self.rng.random() < 0.8:
            args["sqrt_price_limit_x96"] = self._limit(zero_for_one)
        elif self.rng.random() < 0.7:  # without a limit all of it must be had: mostly ask for less
            args["amount_out"] = args["amount_out"] // 1000 or 1
        if bad:
            kind = self.rng.randrange(6)
            if kind == 0:
                args["amount_in_max"] = 0
            elif kind == 1:
                args["amount_out"] = self.rng.choice((0, 1 << 255))
            elif kind == 2:
                args["amount_out"] = 1 << 250  # more than there is: the pool gives what it has
                args["sqrt_price_limit_x96"] = self.rng.choice((0, self._limit(zero_for_one)))
            elif kind == 3:
                who = self.twin.pauper
            elif kind == 4:
                args["sqrt_price_limit_x96"] = self._limit(not zero_for_one)
            else:
                args["deadline"] = 1
        self.twin.act("swap_exact_out", who, zero_for_one=zero_for_one, **args)

    # -- views -----------------------------------------------------------------------------------------------------

    def _views(self) -> None:
        """Oracle and range views, which compute what storage does not hold."""
        agos = [int(10 ** self.rng.uniform(0, 6)) for _ in range(3)] + [0]
        lower, upper = self._range()
        for query, args in (
            ("observe", (agos[:2],)),
            ("observe", (agos[2:],)),
            ("snapshotCumulativesInside", (lower, upper)),
        ):
            try:
                self.twin.view(query, *args, now=True)
            except Revert as revert:
                self.tally.reasons[query, revert.reason] += 1


class Case(NamedTuple):
    """A pool and the market on it; ``actions`` in the ordinary suite."""

    fee: int
    decimals: tuple[int, int]
    home: int
    base: int = 10**16
    sizes: tuple[float, float] = (3, 22)
    spacing: int | None = None
    time: int = 1_700_000_000
    actions: int = 2300

    def market(self, seed: str | random.Random, **kwargs) -> Market:
        twin = Twin(fee=self.fee, decimals=self.decimals, spacing=self.spacing, time=self.time)
        return Market(twin, seed, self.home, base=self.base, sizes=self.sizes, **kwargs)


CASES = {
    "030-18-18": Case(3000, (18, 18), 0, actions=5000),
    "005-6-18": Case(500, (6, 18), 200_000, actions=5000),
    "100-24-2": Case(10_000, (24, 2), -300_000, actions=5000),
    "005-18-6": Case(500, (18, 6), -276_000, sizes=(3, 19), actions=5000),
    "no base": Case(3000, (8, 18), 50_000, base=0),
    "top": Case(500, (18, 18), 860_000),
    "bottom": Case(3000, (18, 18), -850_000, 10**24, (19, 27)),
    "own tier, widest spacing": Case(7, (6, 6), 100, spacing=16_383),
    "time wraps, spacing 1": Case(100, (18, 18), 0, base=0, spacing=1, time=2**32 - 3000),
}
