"""The compiled pair against the model, action by action: amounts, refusals and every number of the state."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from harness.book import Book, ModelSide
from tidemill.interfaces import Action, Block, Revert
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v2.kernel import BURN, MINT, REASONS, SWAP_IN, SWAP_OUT, SYNC, KernelPair, PairFlow
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.state import PairState

PLENTY = 1 << 250
FULL = 1 << 112


class Beside:
    """The model with one pair and one trader who holds everything there is."""

    def __init__(self, *, protocol_on: bool) -> None:
        model = ExchangeModel()
        params = {"pairs": [("pair", "A", "B", "LP")], "fee_to": "fee_to" if protocol_on else ""}
        self.now, self.book = 0, Book()
        self.side = ModelSide(model, model.init(params), self.book, lambda: Block(time=self.now, number=1))
        for token in ("A", "B"):
            self.book.add(token, "me", PLENTY)

    @property
    def pair(self) -> PairState:
        return self.side.state.pairs["pair"]

    def do(self, kind: int, down: bool, first: int, second: int) -> tuple[int, int]:
        """Do an action of the kernel's kinds; raises ``Revert`` and leaves everything as it was."""
        saved, held = replace(self.pair), dict(self.book.held)
        try:
            return self._do(kind, down, first, second)
        except Revert:
            self.side.state.pairs["pair"], self.book.held = saved, held
            raise

    def _do(self, kind: int, down: bool, first: int, second: int) -> tuple[int, int]:
        if kind in (SWAP_IN, SWAP_OUT):
            name = "in" if kind == SWAP_IN else "out"
            args = {"token_in": "A" if down else "B", f"amount_{name}": first}
            made = self.side.do("me", Action(f"swap_exact_{name}", args)).amounts
            return made["amount_in"], made["amount_out"]
        if kind == MINT:
            for token, amount in (("A", first), ("B", second)):
                self.side.do("me", Action("send", {"token": token, "amount": amount}))
            before = self.book.held.get(("LP", "fee_to"), 0)
            made = self.side.do("me", Action("pair_mint")).amounts
            return made["liquidity"], self.book.held.get(("LP", "fee_to"), 0) - before
        if kind == BURN:
            self.side.do("me", Action("send", {"token": "LP", "amount": first}))
            made = self.side.do("me", Action("pair_burn")).amounts
            return made["amount0"], made["amount1"]
        for token, amount in (("A", first), ("B", second)):
            self.book.held[token, "pair"] = amount
        self.side.do("me", Action("sync"))
        return 0, 0


def draw(rng: random.Random, pair: PairState, mine: int) -> tuple[int, bool, int, int]:
    """An action that mostly works: amounts of the reserves' size down to units, now and then nothing or too much."""
    kind = rng.choices((SWAP_IN, SWAP_OUT, MINT, BURN, SYNC), (30, 30, 20, 15, 5))[0]
    down = rng.random() < 0.5

    def part(whole: int) -> int:
        pick = rng.random()
        if pick < 0.05:
            return rng.choice((0, 1, 2, whole, whole + 1))
        if pick < 0.06:
            return FULL - rng.randrange(3)
        return rng.randrange(whole + 1) >> rng.randrange(0, 20)

    sides = (pair.reserve0, pair.reserve1) if down else (pair.reserve1, pair.reserve0)
    if kind == SWAP_IN:
        return kind, down, part(sides[0]), 0
    if kind == SWAP_OUT:
        return kind, down, part(sides[1]), 0
    if kind == BURN:
        return kind, down, min(part(mine), mine), 0
    if not pair.total_supply:
        return MINT, down, rng.randrange(1 << rng.randrange(1, 80)), rng.randrange(1 << rng.randrange(1, 80))
    if kind == SYNC:
        return kind, down, pair.reserve0 + part(pair.reserve0 >> 8), pair.reserve1 + part(pair.reserve1 >> 8)
    share = rng.randrange(1, 1 << 16)
    return kind, down, pair.reserve0 * share >> 16, (pair.reserve1 * share >> 16) + rng.randrange(3)


def play(seed: str, actions: int, *, protocol_on: bool) -> tuple[dict[int, int], set[str]]:
    rng, beside = random.Random(seed), Beside(protocol_on=protocol_on)
    kernel = KernelPair(beside.pair, protocol_on=protocol_on)
    done, reasons = dict.fromkeys(range(5), 0), set()
    for number in range(actions):
        beside.now += rng.choice((0, 1, 12, 86_400, 1 << 31))
        kind, down, first, second = draw(rng, beside.pair, beside.book.held.get(("LP", "me"), 0))
        flow = PairFlow(
            np.array([kind], np.uint8), np.array([down], np.uint8), np.array([beside.now], np.int64),
            pack([first]), pack([second]),
        )  # fmt: skip
        out = kernel.run(flow)
        said = REASONS[out.status[0]]
        try:
            told, reason = beside.do(kind, down, first, second), None
        except Revert as revert:
            told, reason = (0, 0), revert.reason
        if reason is None:
            done[kind] += 1
        else:
            reasons.add(reason)
        expected = "" if reason is None or reason.startswith("ds-math-") else reason
        assert (bool(out.status[0]), said) == (reason is not None, expected), (number, kind, reason)
        assert (unpack(out.first)[0], unpack(out.second)[0]) == told, (number, kind)
        seen = replace(beside.pair)
        kernel.write_to(seen)
        assert seen == beside.pair, (number, kind)
    return done, reasons


@pytest.mark.parametrize("protocol_on", [False, True])
def test_the_kernel_is_the_model_after_every_action(protocol_on: bool):
    total, reasons = dict.fromkeys(range(5), 0), set()
    for life in range(10):
        done, met = play(f"kernel {life}", 300, protocol_on=protocol_on)
        total = {kind: total[kind] + done[kind] for kind in total}
        reasons |= met
    assert sum(total.values()) > 0.6 * 3_000
    assert all(count >= 0.03 * 3_000 for count in total.values()), total
    assert reasons >= {
        "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT",
        "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED",
        "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED",
        "UniswapV2Library: INSUFFICIENT_INPUT_AMOUNT",
        "UniswapV2Library: INSUFFICIENT_OUTPUT_AMOUNT",
        "UniswapV2: OVERFLOW",
        "halt InvalidFEOpcode",
        "ds-math-sub-underflow",
    }


def test_an_empty_pair_refuses_what_needs_reserves():
    for kind, reason in (
        (SWAP_IN, "UniswapV2Library: INSUFFICIENT_LIQUIDITY"),
        (SWAP_OUT, "UniswapV2Library: INSUFFICIENT_LIQUIDITY"),
        (BURN, "halt InvalidFEOpcode"),
        (MINT, ""),
    ):
        kernel = KernelPair(PairState("pair", "A", "B", "LP"))
        flow = PairFlow(np.array([kind], np.uint8), np.ones(1, np.uint8), np.zeros(1, np.int64), pack([5]), pack([5]))
        out = kernel.run(flow)
        assert out.status[0]
        assert REASONS[out.status[0]] == reason
        assert not kernel.cells.any()
