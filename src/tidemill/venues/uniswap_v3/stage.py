"""A pool replayed: the recorded path as it was, one's own positions beside it (modes ``small`` and ``diluted``).

The path is not changed by us. Own swaps fill against the liquidity known at that point of the path: they have price
impact, and the path goes on as recorded. Fees are accounted as the position manager does, token by token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace as replace_struct

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import (
    Action,
    Block,
    Claimable,
    Condition,
    Context,
    EventCount,
    Happened,
    Position,
    Rate,
    Result,
    TickLeaves,
    Transfer,
)
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.accrual import accrue, first_earned, first_outside
from tidemill.venues.uniswap_v3.rules_fees import fees_owed_down
from tidemill.venues.uniswap_v3.rules_liquidity import (
    amounts_for_liquidity_down,
    amounts_for_liquidity_up,
    liquidity_for_amounts_down,
)
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK, sqrt_ratio_at_tick
from tidemill.venues.uniswap_v3.seconds import InsideSeconds
from tidemill.venues.uniswap_v3.shadow import GasShadow
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["Fill", "KnownLiquidity", "Pool", "ReplayStage"]

MAX_UINT128 = (1 << 128) - 1
_NOT_YOURS = "ERC721: transfer caller is not owner nor approved"
_PASSED = {"slots_set": 2, "slots_changed": 2, "slots_cleared": 3}
"""Words of the manager that passing a token on writes: the last of its old owner, not the first of its next."""


class Pool(NamedTuple):
    """What a pool is: token ids in its order, fee in millionths, tick spacing."""

    token0: str
    token1: str
    fee: int
    tick_spacing: int


class Fill(NamedTuple):
    """What an own swap came to: raw units with the fee in ``amount_in``; steps walked, ticks crossed, tick left."""

    amount_in: int
    amount_out: int
    steps: int
    ticks_crossed: int
    tick_changed: bool


class KnownLiquidity(Protocol):
    """The pool's liquidity as events up to a point of the path show it."""

    def swap(
        self, steps: int, events: int, *, zero_for_one: bool, exact_in: bool, amount: int, sqrt_price_limit_x96: int
    ) -> Fill:
        """Fill a swap after ``steps`` steps and ``events`` events, changing nothing."""
        ...

    def active(self, steps: int, events: int) -> int:
        """Return the active liquidity there."""
        ...

    def bounded(self, steps: int, events: int, tick: int) -> int:
        """Return the liquidity that begins or ends at ``tick``, as far as it is known."""
        ...


@dataclass(frozen=True)
class _Token:
    """A position token: range and liquidity, growth inside at its last touch, and what it is owed (raw units)."""

    owner: str
    lower: int
    upper: int
    liquidity: int
    last0: int
    last1: int
    owed0: int = 0
    owed1: int = 0


class ReplayStage:
    """`Stage` of a recorded pool.

    Parameters
    ----------
    diluted : whether own liquidity shares each step's fee (mode ``diluted``) or not (``small``).
    first_token_id : number of the first position token; somebody has met the pool before, so not 1.
    observation_slots : how many observations the pool's oracle keeps, for gas; where unknown, more than one.
    """

    def __init__(
        self,
        venue: str,
        network: str,
        pool: Pool,
        tape: Tape,
        flow: Flow,
        liquidity: KnownLiquidity,
        *,
        diluted: bool,
        first_token_id: int = 2,
        observation_slots: int = 2,
    ) -> None:
        if not len(tape.time):
            raise BadInput("the recorded path has no steps", field=venue)
        self.id, self.network, self.account = venue, network, f"{venue}:pool"
        self.pool, self.tape, self.flow, self.liquidity, self.diluted = pool, tape, flow, liquidity, diluted
        # A path has a price from its first step on, so nobody can stand before it.
        self.steps, self.events = 1, 0
        self.at = Block(time=0, number=0)
        self.tokens: dict[int, _Token] = {}
        self._next_id = first_token_id
        self._shadow = GasShadow(
            venue, pool.token0, pool.token1, pool.fee, pool.tick_spacing, self.account, slots=observation_slots
        )
        self._inside = InsideSeconds(tape, lambda: liquidity.active(self.steps, self.events))
        self._ranges: dict[tuple[int, int], int] = {}
        self._lower = np.empty(0, np.int32)
        self._upper = np.empty(0, np.int32)
        self._own = np.empty((0, 2), np.uint64)
        self._growth = np.empty((0, 4), np.uint64)

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the recorded path up to and including block ``to``; nothing happens to a position unasked."""
        self._shadow.forget()  # worlds go back within a block only
        stop = int(np.searchsorted(self.tape.block, to.number, side="right"))
        if len(self._lower) and stop > self.steps:
            accrue(*self._columns(), self.steps, stop, self._lower, self._upper, self._own, self.diluted, self._growth)
        self.steps = max(stop, self.steps)
        self.events = int(np.searchsorted(self.flow.block, to.number, side="right"))
        self.at = to
        return ()

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block, not after ``until``, at which a condition holds."""
        stop = int(np.searchsorted(self.tape.block, until.number, side="right"))
        found = [block for c in conditions if (block := self._holds(c, stop, until)) is not None]
        return min(found, key=lambda block: block.number) if found else None

    def _holds(self, condition: Condition, stop: int, until: Block) -> Block | None:
        match condition:
            case TickLeaves(_, lower, upper):
                if not lower <= self.tick < upper:
                    return self.at
                return self._block_of(first_outside(self.tape.tick, self.steps, stop, lower, upper), stop)
            case EventCount(_, count):
                row = self.events + count - 1
                if row >= len(self.flow.block) or int(self.flow.block[row]) > until.number:
                    return None
                return Block(time=int(self.flow.time[row]), number=int(self.flow.block[row]))
            case Claimable():
                return self._when_claimable(condition, stop)
        raise BadInput(f"{type(condition).__name__} is not a wake condition of a pool", field=self.id)

    def _when_claimable(self, condition: Claimable, stop: int) -> Block | None:
        number = self._number(condition.position)
        token = self.tokens.get(number) if number is not None else None
        if token is None:
            return None
        side = 0 if condition.token == self.pool.token0 else 1
        have = self._owed(token)[side]
        if have >= condition.amount:
            return self.at
        which = self._ranges[token.lower, token.upper]
        owed = (token.owed0, token.owed1)[side]
        wanted = pack([token.liquidity, (token.last0, token.last1)[side], condition.amount - owed])
        step = first_earned(
            *self._columns(), self.steps, stop, self._lower, self._upper, self._own, self.diluted, self._growth.copy(),
            which, side, wanted,
        )  # fmt: skip
        return self._block_of(step, stop)

    def _columns(self) -> tuple[Any, Any, Any, Any]:
        return self.tape.cell, self.tape.zero_for_one, self.tape.liquidity, self.tape.fee

    def _block_of(self, step: int, stop: int) -> Block | None:
        if step >= stop:
            return None
        return Block(time=int(self.tape.time[step]), number=int(self.tape.block[step]))

    # --- the pool as it stands ----------------------------------------------------------------------------------------

    @property
    def sqrt_price_x96(self) -> int:
        """Price after the last step played, Q64.96."""
        return int(unpack(self.tape.sqrt_price[self.steps - 1 : self.steps])[0])

    @property
    def tick(self) -> int:
        """Tick after the last step played."""
        return int(self.tape.tick[self.steps - 1])

    def read(self, query: str, *args: Any) -> Any:
        """Answer the pool's own views: ``slot0`` (its first two fields), ``liquidity``, ``fee``, ``tickSpacing``, tokens.

        For venues that hold position tokens also ``positions`` (a number) and ``snapshotCumulativesInside`` (a range and
        the time; of its three values the path knows seconds per liquidity, counted from the first question on).
        """
        match query:
            case "slot0":
                return self.sqrt_price_x96, self.tick
            case "liquidity":
                return self.liquidity.active(self.steps, self.events)
            case "fee":
                return self.pool.fee
            case "tickSpacing":
                return self.pool.tick_spacing
            case "token0" | "token1":
                return self.pool.token0 if query == "token0" else self.pool.token1
            case "positions":
                token = self.tokens[args[0]]
                kept = (token.lower, token.upper, token.liquidity, token.last0, token.last1, token.owed0, token.owed1)
                return (self.pool.token0, self.pool.token1, self.pool.fee, *kept)
            case "snapshotCumulativesInside":
                lower, upper, now = args
                return 0, self._inside.read(lower, upper, self.steps, now, self._shares()), 0
        raise KeyError(query)

    def pass_token(self, number: int, source: str, target: str) -> Mapping[str, int]:
        """Hand a position token on, as the manager does for its owner; returns what of the manager's moves gas.

        Raises ``Revert`` in the manager's words. For venues that take position tokens: they undo it by `restore`.
        """
        self.tokens[number] = replace(self._owned(number, source, _NOT_YOURS), owner=target)
        return _PASSED

    def _shares(self) -> dict[tuple[int, int], int]:
        """Return own liquidity by range, as far as it counts."""
        out: dict[tuple[int, int], int] = {}
        for token in self.tokens.values() if self.diluted else ():
            out[token.lower, token.upper] = out.get((token.lower, token.upper), 0) + token.liquidity
        return out

    # --- own actions --------------------------------------------------------------------------------------------------

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own verbs as manager and router would; raises ``Revert`` with nothing changed."""
        verbs: Mapping[str, Callable[[Action, Context], Result]] = {
            "mint": self._mint,
            "increase": self._increase,
            "decrease": self._decrease,
            "collect": self._collect,
            "harvest": self._harvest,
            "burn": self._burn,
            "close": self._close,
            "swap_exact_in": self._swap,
            "swap_exact_out": self._swap,
        }
        if action.verb not in verbs:
            raise BadInput(f"a pool has no verb {action.verb!r}", field=self.id)
        if ctx.block.time > action.limits.get("deadline", ctx.block.time):
            raise Revert("Transaction too old")
        number = self._next_id
        self._inside.settle(self.steps, ctx.block.time, self._shares())
        result = verbs[action.verb](action, ctx)
        if action.verb.startswith("swap"):
            return result
        counted = self._shadow.count(action, ctx, number, **self._here())
        return replace_struct(result, features=counted or result.features)

    def _here(self) -> dict[str, Any]:
        """Where the path stands, for the shadow."""
        steps, events = self.steps, self.events
        self._shadow.follow(self.tape.tick[:steps])
        return {
            "price": self.sqrt_price_x96,
            "tick": self.tick,
            "liquidity": self.liquidity.active(steps, events),
            "used": lambda tick: self.liquidity.bounded(steps, events, tick),
        }

    def _mint(self, action: Action, ctx: Context) -> Result:
        lower, upper = int(action.args["tick_lower"]), int(action.args["tick_upper"])
        self._check_range(lower, upper)
        liquidity, amount0, amount1 = self._price_of(action, lower, upper)
        number, new_range = self._next_id, (lower, upper) not in self._ranges
        self._next_id += 1
        which = self._range(lower, upper)
        growth0, growth1 = unpack(self._growth[2 * which : 2 * which + 2])
        self.tokens[number] = _Token(ctx.sender, lower, upper, liquidity, growth0, growth1)
        self._recount(lower, upper)
        return Result(
            amounts={"liquidity": liquidity, "amount0": amount0, "amount1": amount1},
            transfers=self._pays(ctx.sender, amount0, amount1),
            features={"ticks_initialised": 2, "positions_created": 1} if new_range else {},
            position=f"{self.id}#{number}",
        )

    def _increase(self, action: Action, ctx: Context) -> Result:
        number, token = self._mine(action, ctx)
        liquidity, amount0, amount1 = self._price_of(action, token.lower, token.upper)
        touched = self._touched(token)
        self.tokens[number] = replace(touched, liquidity=token.liquidity + liquidity)
        self._recount(token.lower, token.upper)
        return Result(
            amounts={"liquidity": liquidity, "amount0": amount0, "amount1": amount1},
            transfers=self._pays(ctx.sender, amount0, amount1),
            position=f"{self.id}#{number}",
        )

    def _decrease(self, action: Action, ctx: Context) -> Result:
        number, token = self._mine(action, ctx)
        args = action.args
        liquidity = token.liquidity * int(args["bps"]) // 10_000 if "bps" in args else int(args["liquidity"])
        if not 0 < liquidity <= token.liquidity:
            raise Revert("")
        amount0, amount1 = self._worth(token, liquidity)
        self._at_least(action, amount0, amount1)
        touched = self._touched(token)
        self.tokens[number] = replace(
            touched,
            liquidity=token.liquidity - liquidity,
            owed0=touched.owed0 + amount0,
            owed1=touched.owed1 + amount1,
        )
        self._recount(token.lower, token.upper)
        return Result(amounts={"amount0": amount0, "amount1": amount1}, position=f"{self.id}#{number}")

    def _collect(self, action: Action, ctx: Context) -> Result:
        number, token = self._mine(action, ctx)
        most0, most1 = (int(action.args.get(f"amount{i}_max", MAX_UINT128)) for i in (0, 1))
        if most0 == 0 and most1 == 0:
            raise Revert("")
        touched = self._touched(token) if token.liquidity else token
        amount0, amount1 = min(most0, touched.owed0), min(most1, touched.owed1)
        self.tokens[number] = replace(touched, owed0=touched.owed0 - amount0, owed1=touched.owed1 - amount1)
        return Result(
            amounts={"amount0": amount0, "amount1": amount1},
            transfers=self._gets(ctx.sender, amount0, amount1),
            position=f"{self.id}#{number}",
        )

    def _harvest(self, action: Action, ctx: Context) -> Result:
        everything = {"position": action.args["position"]}
        return self._collect(Action("collect", everything, action.limits), ctx)

    def _burn(self, action: Action, ctx: Context) -> Result:
        number, token = self._mine(action, ctx)
        if token.liquidity or token.owed0 or token.owed1:
            raise Revert("Not cleared")
        del self.tokens[number]
        self._recount(token.lower, token.upper)
        return Result(position=f"{self.id}#{number}")

    def _close(self, action: Action, ctx: Context) -> Result:
        number, token = self._mine(action, ctx)
        principal = self._worth(token, token.liquidity)
        self._at_least(action, *principal)
        owed = self._owed(token)
        total0, total1 = principal[0] + owed[0], principal[1] + owed[1]
        del self.tokens[number]
        self._recount(token.lower, token.upper)
        gone = not any((t.lower, t.upper) == (token.lower, token.upper) for t in self.tokens.values())
        return Result(
            amounts={
                "amount0": total0,
                "amount1": total1,
                "principal0": principal[0],
                "principal1": principal[1],
                "liquidity": token.liquidity,
            },
            transfers=self._gets(ctx.sender, total0, total1),
            features={"ticks_cleared": 2} if gone else {},
            position=f"{self.id}#{number}",
        )

    def _swap(self, action: Action, ctx: Context) -> Result:
        exact_in = action.verb == "swap_exact_in"
        zero_for_one = action.args["token_in"] == self.pool.token0
        token_in, token_out = (
            (self.pool.token0, self.pool.token1) if zero_for_one else (self.pool.token1, self.pool.token0)
        )
        if action.args["token_in"] != token_in:
            raise BadInput(f"{action.args['token_in']} is not in the pool of {token_in} and {token_out}", field=self.id)
        widest = sqrt_ratio_at_tick(MIN_TICK) + 1 if zero_for_one else sqrt_ratio_at_tick(MAX_TICK) - 1
        limit = action.limits.get("sqrt_price_x96") or widest
        if (limit >= self.sqrt_price_x96) if zero_for_one else (limit <= self.sqrt_price_x96):
            raise Revert("SPL")
        amount = int(action.args["amount_in" if exact_in else "amount_out"])
        if amount == 0:
            raise Revert("AS")
        fill = self.liquidity.swap(
            self.steps,
            self.events,
            zero_for_one=zero_for_one,
            exact_in=exact_in,
            amount=amount,
            sqrt_price_limit_x96=limit,
        )
        if fill.amount_out < action.limits.get("amount_out_min", 0):
            raise Revert("Too little received")
        if fill.amount_in > action.limits.get("amount_in_max", fill.amount_in):
            raise Revert("Too much requested")
        return Result(
            amounts={"amount_in": fill.amount_in, "amount_out": fill.amount_out},
            transfers=(
                Transfer(token_in, ctx.sender, self.account, fill.amount_in),
                Transfer(token_out, self.account, ctx.sender, fill.amount_out),
            ),
            features=self._shadow.swap(action, ctx, fill.steps, fill.ticks_crossed, fill.tick_changed, **self._here()),
        )

    # --- the manager's books ------------------------------------------------------------------------------------------

    def positions(self, owner: str) -> Sequence[Position]:
        """Return the owner's position tokens in the order of their numbers."""
        out = []
        for number, token in sorted(self.tokens.items()):
            if token.owner != owner:
                continue
            principal, owed = self._worth(token, token.liquidity), self._owed(token)
            out.append(
                Position(
                    f"{self.id}#{number}",
                    self.id,
                    "range",
                    {"tick_lower": token.lower, "tick_upper": token.upper, "liquidity": token.liquidity},
                    dict(zip((self.pool.token0, self.pool.token1), principal, strict=True)),
                    dict(zip((self.pool.token0, self.pool.token1), owed, strict=True)),
                )
            )
        return out

    def rates(self) -> Mapping[str, Rate]:
        """A pool issues no receipt token."""
        return {}

    def snapshot(self) -> Any:
        """Return everything that own actions change."""
        arrays = (array.copy() for array in self._arrays())
        books = self._next_id, dict(self.tokens), dict(self._ranges), self._inside.snapshot()
        return self._shadow.snapshot(), *books, *arrays

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot taken at the same point of the path."""
        mark, self._next_id, tokens, ranges, inside, self._lower, self._upper, self._own, self._growth = snapshot
        self._shadow.restore(mark)
        self._inside.restore(inside)
        self.tokens, self._ranges = dict(tokens), dict(ranges)

    def _arrays(self) -> tuple[Any, Any, Any, Any]:
        return self._lower, self._upper, self._own, self._growth

    def _number(self, position: Any) -> int | None:
        venue, _, number = str(position).rpartition("#")
        return int(number) if venue == self.id and number.isdigit() else None

    def _mine(self, action: Action, ctx: Context) -> tuple[int, _Token]:
        number = self._number(action.args["position"])
        return number or 0, self._owned(number, ctx.sender, "Not approved")

    def _owned(self, number: int | None, who: str, refusal: str) -> _Token:
        if number is None or number not in self.tokens:
            raise Revert("ERC721: operator query for nonexistent token")
        if self.tokens[number].owner != who:
            raise Revert(refusal)
        return self.tokens[number]

    def _check_range(self, lower: int, upper: int) -> None:
        if lower >= upper:
            raise Revert("TLU")
        if lower < MIN_TICK:
            raise Revert("TLM")
        if upper > MAX_TICK:
            raise Revert("TUM")
        if lower % self.pool.tick_spacing or upper % self.pool.tick_spacing:
            raise Revert("")

    def _price_of(self, action: Action, lower: int, upper: int) -> tuple[int, int, int]:
        """Return (liquidity, amount0, amount1) that the desired amounts buy; the amounts rounded up."""
        ends = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
        desired = (int(action.args[f"amount{i}_desired"]) for i in (0, 1))
        liquidity = liquidity_for_amounts_down(self.sqrt_price_x96, *ends, *desired)
        if liquidity == 0:
            raise Revert("")
        amounts = amounts_for_liquidity_up(self.sqrt_price_x96, *ends, liquidity)
        self._at_least(action, *amounts)
        return liquidity, *amounts

    def _at_least(self, action: Action, amount0: int, amount1: int) -> None:
        if amount0 < action.limits.get("amount0_min", 0) or amount1 < action.limits.get("amount1_min", 0):
            raise Revert("Price slippage check")

    def _worth(self, token: _Token, liquidity: int) -> tuple[int, int]:
        ends = sqrt_ratio_at_tick(token.lower), sqrt_ratio_at_tick(token.upper)
        return amounts_for_liquidity_down(self.sqrt_price_x96, *ends, liquidity)

    def _touched(self, token: _Token) -> _Token:
        """Bring a token's fees up to date, as every verb of the manager does."""
        which = self._ranges[token.lower, token.upper]
        growth0, growth1 = unpack(self._growth[2 * which : 2 * which + 2])
        owed0, owed1 = self._owed(token)
        return replace(token, last0=growth0, last1=growth1, owed0=owed0, owed1=owed1)

    def _owed(self, token: _Token) -> tuple[int, int]:
        which = self._ranges[token.lower, token.upper]
        growth0, growth1 = unpack(self._growth[2 * which : 2 * which + 2])
        return (
            token.owed0 + fees_owed_down(growth0, token.last0, token.liquidity),
            token.owed1 + fees_owed_down(growth1, token.last1, token.liquidity),
        )

    def _range(self, lower: int, upper: int) -> int:
        """Return the row of a range, made on first use; its growth starts at 0 (only differences matter)."""
        if (lower, upper) not in self._ranges:
            spacing = self.pool.tick_spacing
            self._ranges[lower, upper] = len(self._ranges)
            self._lower = np.append(self._lower, np.int32(lower // spacing))
            self._upper = np.append(self._upper, np.int32(upper // spacing))
            self._own = np.vstack([self._own, np.zeros((1, 2), np.uint64)])
            self._growth = np.vstack([self._growth, np.zeros((2, 4), np.uint64)])
        return self._ranges[lower, upper]

    def _recount(self, lower: int, upper: int) -> None:
        """Set a range's own liquidity; ranges left empty are dropped so that the pass over the tape stays short."""
        inside = [t for t in self.tokens.values() if (t.lower, t.upper) == (lower, upper)]
        which = self._ranges[lower, upper]
        if inside:
            self._own[which] = pack([sum(t.liquidity for t in inside)], 2)[0]
            return
        keep = [i for i in range(len(self._ranges)) if i != which]
        rows = [row for i in keep for row in (2 * i, 2 * i + 1)]
        self._lower, self._upper, self._own = self._lower[keep], self._upper[keep], self._own[keep]
        self._growth = self._growth[rows]
        order = sorted((i, r) for r, i in self._ranges.items() if i != which)
        self._ranges = {r: new for new, (_, r) in enumerate(order)}

    def _pays(self, who: str, amount0: int, amount1: int) -> tuple[Transfer, ...]:
        pairs = ((self.pool.token0, amount0), (self.pool.token1, amount1))
        return tuple(Transfer(token, who, self.account, amount) for token, amount in pairs if amount)

    def _gets(self, who: str, amount0: int, amount1: int) -> tuple[Transfer, ...]:
        pairs = ((self.pool.token0, amount0), (self.pool.token1, amount1))
        return tuple(Transfer(token, self.account, who, amount) for token, amount in pairs if amount)
