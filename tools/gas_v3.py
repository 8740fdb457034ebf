"""Uniswap v3 measured: liquidity opened, moved and closed among swaps, in pools of three fee tiers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak
from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call
from tidemill.errors import Revert
from tidemill.interfaces import Action, Block, Intent, Limits, Result
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow
from tidemill.venues.uniswap_v3.model import UniswapV3Model

__all__ = ["measure"]

TOKEN0, TOKEN1 = "USDC@op", "WETH@op"
PRICES = {500: 1 << 96, 3000: 1_350_174_849_792_634_181_862_360_983_626_536, 10_000: 1 << 96}
LIFE = ("swap", "mint", "swap", "harvest", "increase", "swap", "collect", "decrease", "swap", "exit")
WHALE, ME, TRADER = ("0x" + digit * 40 for digit in "abc")
TOKEN = Abi(artefact("TestToken").abi)
PLENTY = 1 << 110
REASONS = ("slippage", "late")


@dataclass
class _Context:
    """What the model may ask; balances are the chain's."""

    block: Block
    sender: str
    held: Callable[[str, str], int]

    def balance(self, token: str, account: str) -> int:
        return self.held(token, account)

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError


class Pool:
    """One pool on the chain and its twin in memory, kept in step."""

    def __init__(self, lab: Lab, fee: int, decimals: tuple[int, int]) -> None:
        self.lab, self.random = lab, lab.random
        price = PRICES[fee]
        tokens = LocalToken(TOKEN0, decimals[0]), LocalToken(TOKEN1, decimals[1])
        self.at = deploy_local(lab.anvil, *tokens, fee=fee, sqrt_price_x96=price)
        people = (WHALE, ME, TRADER)
        endow(lab.anvil, self.at, people, PLENTY, PLENTY)
        self.clients = {who: UniswapV3Client(lab.anvil.rpc, self.at, venue="v3", account=who) for who in people}
        self.model = UniswapV3Model()
        self.state = self.model.init(
            {"token0": TOKEN0, "token1": TOKEN1, "fee": fee, "tick_spacing": self.at.tick_spacing, "name": "v3"}
        )
        block = lab.anvil.rpc.block()
        self.model.apply(self.state, Action("pool_initialize", {"sqrt_price_x96": price}), self._context(WHALE, block))
        self.sizes = (10 ** (decimals[0] + 5), 10 ** (decimals[1] + (2 if fee == 3000 else 5)))

    def held(self, token: str, account: str) -> int:
        """Return what an account holds on the chain."""
        at = self.at
        contract = {TOKEN0: at.token0, TOKEN1: at.token1}[token]
        who = at.pool if account == self.state.pool.account else account
        (amount,) = TOKEN.decode("balanceOf", self.lab.anvil.rpc.call(contract, TOKEN.encode("balanceOf", who)))
        return int(amount)

    def _context(self, who: str, block: Any) -> _Context:
        return _Context(Block(block.timestamp, block.number), who, self.held)

    def _next(self, who: str) -> _Context:
        block = self.lab.anvil.rpc.block()
        return _Context(Block(block.timestamp + 2, block.number + 1), who, self.held)

    def quote(self, who: str, action: Action) -> Result:
        """Do it on a copy of the twin."""
        return self.model.apply(copy.deepcopy(self.state), action, self._next(who))

    def make_room(self, observations: int) -> None:
        """Let the pool's oracle keep more than one observation."""
        action = Action("pool_increase_observations", {"observation_cardinality_next": observations})
        calls = self.clients[WHALE].plan(Intent("v3", action.verb, action.args))
        self.model.apply(self.state, action, self._next(WHALE))
        self.lab.must([(WHALE, call) for call in calls], action.verb)

    def fund(self, who: str, amounts: tuple[int, int]) -> None:
        """Let ``who`` hold exactly so much of each token."""
        for contract, amount in zip((self.at.token0, self.at.token1), amounts, strict=True):
            slot = keccak(bytes(32) + bytes(12) + bytes.fromhex(who[2:]))  # TestToken.balanceOf is its first variable
            self.lab.anvil.set_storage(contract, int.from_bytes(slot, "big"), amount)

    def act(
        self,
        who: str,
        verb: str,
        args: dict[str, Any],
        limits: dict[str, int],
        fail: str | None = None,
        *,
        poor: bool = False,
    ) -> Result:
        """Do one verb on both twins; ``fail`` makes the contract refuse and leaves the twin alone.

        ``poor``: the wallet holds of each token exactly what the verb takes of it.
        """
        if poor:
            moved = self.quote(who, Action(verb, args, limits)).amounts
            taking = verb in ("mint", "increase")
            self.fund(who, (moved["amount0"], moved["amount1"]) if taking else (0, 0))
        try:
            return self._act(who, verb, args, limits, fail)
        finally:
            if poor:
                self.fund(who, (PLENTY, PLENTY))

    def _act(self, who: str, verb: str, args: dict[str, Any], limits: dict[str, int], fail: str | None) -> Result:
        now = self.lab.anvil.rpc.block().timestamp
        deadline = now - 1 if fail == "late" else now + 600
        intent = Intent("v3", verb, args, Limits(amounts=limits, deadline=deadline))
        calls = self.clients[who].plan(intent)
        features: dict[str, int] = {"reverted": 1}
        result = Result()
        kinds = [_kind(call, verb) for call in calls]
        if fail is None:
            before = self.lab.anvil.rpc.block()
            # The verb's own block comes after its approvals'.
            own = kinds.index(verb) + 1
            context = _Context(Block(before.timestamp + 2 * own, before.number + own), who, self.held)
            result = self.model.apply(self.state, Action(verb, args, limits), context)
            features = dict(result.features)
            kinds = _resets(verb, kinds, calls, result, args, self.at)
        self.lab.act(who, verb, list(zip(calls, kinds, strict=True)), features, fail or "unexpected")
        last = self.lab.samples[-1]
        if (last.reason is None) == (fail is not None):
            raise Revert(f"{verb}: the chain says {last.reason!r}, expected {fail!r}")
        return result

    def swap(self, who: str, *, fail: str | None = None) -> None:
        """Swap some of one token, now and then enough to cross ticks."""
        side = self.random.randrange(2)
        amount = int(self.sizes[side] * 10 ** self.random.uniform(-4, 0.2))
        token = (TOKEN0, TOKEN1)[side]
        worse = 11 if fail == "slippage" else 10
        if self.random.random() < 0.7:
            args = {"token_in": token, "amount_in": amount}
            out = self.quote(who, Action("swap_exact_in", args)).amounts["amount_out"]
            limits = {"amount_out_min": out * worse // 10 + (fail == "slippage")}
            self.act(who, "swap_exact_in", args, limits, fail)
        else:
            wanted = int(self.sizes[1 - side] * 10 ** self.random.uniform(-4, 0.2))
            args = {"token_in": token, "amount_out": wanted}
            most = self.quote(who, Action("swap_exact_out", args, {"amount_in_max": 1 << 100})).amounts["amount_in"]
            limits = {"amount_in_max": max(1, most * 10 // worse)}
            self.act(who, "swap_exact_out", args, limits, fail)

    def range(self) -> tuple[int, int]:
        """Return ticks around (mostly) the present price."""
        spacing = self.at.tick_spacing
        here = self.state.pool.tick // spacing
        width = self.random.choice((2, 5, 20, 100))
        shift = 0 if self.random.random() < 0.65 else self.random.choice((-1, 1)) * (width + 1)
        middle = here + shift + self.random.randrange(-1, 2)
        return (middle - width) * spacing, (middle + width) * spacing

    def amounts(self) -> dict[str, int]:
        """Return desired amounts."""
        scale = 10 ** self.random.uniform(-2, 0)
        return {"amount0_desired": int(self.sizes[0] * scale), "amount1_desired": int(self.sizes[1] * scale)}

    def liquidity(
        self, who: str, verb: str, args: dict[str, Any], *, fail: str | None = None, poor: bool = False
    ) -> Result:
        """Do a verb that takes minima: nearly what the twin expects, or too much of it."""
        # The minima of `close` are about what is taken off, not about the fees paid with it.
        asked = Action("decrease", {**args, "bps": 10_000}) if verb == "close" else Action(verb, args)
        quoted = self.quote(who, asked).amounts
        share = (11, 10) if fail == "slippage" else (995, 1000)
        limits = {f"amount{i}_min": quoted[f"amount{i}"] * share[0] // share[1] + (fail == "slippage") for i in (0, 1)}
        return self.act(who, verb, args, limits, fail, poor=poor)

    def mint(self, who: str, *, fail: str | None = None, poor: bool = False) -> str:
        """Open a position."""
        lower, upper = self.range()
        args = {"tick_lower": lower, "tick_upper": upper, **self.amounts()}
        return self.liquidity(who, "mint", args, fail=fail, poor=poor).position or ""


def _kind(call: Call, verb: str) -> str:
    if call.purpose != "approve":
        return verb
    return "approve" if any(call.data[-32:]) else "approve_reset"


def _resets(
    verb: str, kinds: list[str], calls: Sequence[Call], result: Result, args: Mapping[str, Any], at: Any
) -> list[str]:
    """Tell the resets that find nothing left of an allowance."""
    out = list(kinds)
    for i, call in list(enumerate(calls))[kinds.index(verb) :]:
        which = {at.token0: "amount0", at.token1: "amount1"}.get(call.to, "")
        if kinds[i] == "approve_reset" and f"{which}_desired" in args:
            out[i] = "approve_reset" if result.amounts[which] < args[f"{which}_desired"] else "approve_reset_idle"
    return out


def measure(lab: Lab, lives: int) -> None:
    """Live ``lives`` lives of a position in each pool."""
    for number, (fee, decimals) in enumerate(((500, (18, 18)), (3000, (6, 18)), (10_000, (6, 6)))):
        pool = Pool(lab, fee, decimals)
        if number:
            pool.make_room(5 * number)
        spacing = pool.at.tick_spacing
        wide = {"tick_lower": -200 * spacing, "tick_upper": 200 * spacing}
        if fee == 3000:
            here = pool.state.pool.tick // spacing
            wide = {"tick_lower": (here - 300) * spacing, "tick_upper": (here + 300) * spacing}
        deep = {"amount0_desired": pool.sizes[0] * 100, "amount1_desired": pool.sizes[1] * 100}
        pool.liquidity(WHALE, "mint", {**wide, **deep})
        for _ in range(6):
            pool.mint(WHALE)
        for life in range(lives):
            _live(pool, life)
            if life % 4 == 0:
                _refuse(pool)


def _live(pool: Pool, life: int) -> None:
    """One life: long and tended, or opened and closed; among others' tokens or alone; of a full or an empty wallet."""
    chance = pool.random.random
    if life % 3 == 2:
        kept = pool.mint(ME, poor=chance() < 0.5)
        position = pool.mint(ME)
        if chance() < 0.5:
            pool.mint(WHALE)
        _swaps(pool)
        for one in (position, kept) if chance() < 0.5 else (kept, position):
            pool.liquidity(ME, "close", {"position": one}, poor=chance() < 0.5)
        return
    position = ""
    for step in LIFE:
        if step == "swap":
            _swaps(pool)
        elif step == "mint":
            position = pool.mint(ME, poor=chance() < 0.3)
        elif step == "exit":
            _exit(pool, position, life)
        else:
            _tend(pool, step, position)


def _swaps(pool: Pool) -> None:
    for _ in range(pool.random.randrange(1, 4)):
        pool.swap(TRADER if pool.random.random() < 0.6 else ME)


def _tend(pool: Pool, verb: str, position: str) -> None:
    poor = pool.random.random() < 0.3
    if verb in ("harvest", "collect"):
        owed = pool.quote(ME, Action(verb, {"position": position})).amounts
        if any(owed.values()):
            pool.act(ME, verb, {"position": position}, {}, poor=poor)
    elif verb == "increase":
        pool.liquidity(ME, "increase", {"position": position, **pool.amounts()}, poor=poor)
    else:
        pool.liquidity(ME, "decrease", {"position": position, "bps": pool.random.choice((2500, 5000))})


def _exit(pool: Pool, position: str, life: int) -> None:
    args = {"position": position}
    poor = pool.random.random() < 0.5
    if life % 2:
        pool.liquidity(ME, "close", args, poor=poor)
        return
    pool.liquidity(ME, "decrease", {**args, "bps": 10_000})
    pool.act(ME, "burn", args, {}, fail="owed")
    pool.act(ME, "collect", args, {}, poor=poor)
    pool.act(ME, "burn", args, {})


def _refuse(pool: Pool) -> None:
    for fail in REASONS:
        pool.swap(ME, fail=fail)
        pool.mint(ME, fail=fail)
    position = pool.mint(ME)
    for fail in REASONS:
        pool.liquidity(ME, "increase", {"position": position, **pool.amounts()}, fail=fail)
        pool.liquidity(ME, "decrease", {"position": position, "bps": 5_000}, fail=fail)
        pool.liquidity(ME, "close", {"position": position}, fail=fail)
    pool.act(TRADER, "collect", {"position": position}, {}, fail="not owner")
    pool.act(TRADER, "harvest", {"position": position}, {}, fail="not owner")
