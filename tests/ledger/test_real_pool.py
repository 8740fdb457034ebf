"""Books of a range that is reset over the embedded sample: the real pool replay, the real loop, both modes."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tidemill.engine.blocks import Blocks, Network
from tidemill.engine.rules import Rules
from tidemill.engine.run import Outcomes, run
from tidemill.engine.world import ModelWorld
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import All, Block, Costs, Decision, Intent, Of, Plan, Price, TickLeaves
from tidemill.ledger.measures import Measures
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_sqrt_down
from tidemill.ledger.waterfall import Waterfall, waterfall
from tidemill.venues.kinds import Setup, kind

DAYS, WIDTH = 15, 400


@cache
def market() -> Any:
    from tidemill.market.sample import sample_dataset
    from tidemill.studies.market_data import MarketData

    return MarketData(sample_dataset())


class Reset:
    """Mint around the price; when the price leaves: close, trade to balance, mint again; at the end sell all."""

    def decide(self, view: Any, memo: Any, news: Any) -> Decision[Any]:
        held = view.positions
        if view.in_flight:
            return Decision()
        if view.why == "end":
            closing = tuple(Intent("pool", "close", {"position": p.id}) for p in held)
            weth = view.balances.get("WETH@op", 0)
            sale = Intent("pool", "swap_exact_in", {"token_in": "WETH@op", "amount_in": All("WETH@op")})
            if held:
                return Decision((Plan((*closing, sale)),))
            return Decision((Plan((sale,)),)) if weth else Decision()
        tick = view.read("pool", "slot0")[1] // 10 * 10
        if held:
            data = held[0].data
            inside = data["tick_lower"] <= tick < data["tick_upper"]
            if inside:
                return Decision(wake=(TickLeaves("pool", data["tick_lower"], data["tick_upper"]),))
            close = Intent("pool", "close", {"position": held[0].id})
            token = "USDC@op" if held[0].principal["WETH@op"] == 0 else "WETH@op"
            field = "amount0" if token == "USDC@op" else "amount1"
            trade = Intent("pool", "swap_exact_in", {"token_in": token, "amount_in": Of(0, field, 5_000)})
            return Decision((Plan((close, trade)),))
        mint = Intent(
            "pool",
            "mint",
            {
                "tick_lower": tick - WIDTH, "tick_upper": tick + WIDTH,
                "amount0_desired": All("USDC@op", 10**6), "amount1_desired": All("WETH@op"),
            },
        )  # fmt: skip
        return Decision((Plan((mint,)),), wake=(TickLeaves("pool", tick - WIDTH, tick + WIDTH),))


@cache
def played(mode: str) -> Outcomes:
    data = market()
    start = data.span()[0]
    blocks = Blocks(data.knots(), period_ms=2_000)
    setup = Setup(
        id="pool", network="op", mode=mode, params={}, decimals={"USDC": 6, "WETH": 18}, market=data,
        random=None, first_from=blocks.first_from, start=start, end=start + DAYS * 86_400,
    )  # fmt: skip
    stage = kind("uniswap_v3").place(setup).make()
    home = price_of_home(6)

    def prices(_: Any) -> dict[str, Price]:
        weth = price_of_sqrt_down(stage.sqrt_price_x96, of_token0=False, quote=home)
        return {"USDC@op": home, "WETH@op": weth, "ETH@op": weth}

    def cost(venue: str, verb: str, features: Any, block: Block) -> Costs:
        return Costs(3 * 10**11, 10**12, 0, 300_000)

    world = ModelWorld(
        [Network("op", "ETH@op", blocks)],
        [stage],
        {"USDC@op": 20_000_000_000, "WETH@op": 8 * 10**18, "ETH@op": 10**17},
        Rules(start=start, end=setup.end, sample_every=6 * 3_600),
        cost=cost,
        prices=prices,
        outside=("market", stage.account),
    )
    return run(world, Reset(), run_id="reset", log=MemoryJournal())


@pytest.fixture(params=["small", "diluted"])
def fall(request: pytest.FixtureRequest) -> tuple[Outcomes, Waterfall]:
    out = played(request.param)
    return out, waterfall(post(out.record, out.marks))


def test_a_reset_range_is_explained_to_the_wei(fall: tuple[Outcomes, Waterfall]) -> None:
    out, got = fall
    values = {line.key: line.value for line in got.lines}
    verbs = [step.verb for step in out.record]
    assert verbs.count("mint") > 3, verbs
    assert values["fees"] > 0
    assert values["divergence"] < 0
    assert values["swaps"] < 0
    assert values["exit"] < 0
    assert values["l2"] < 0
    assert abs(got.unexplained) <= got.bound
    assert out.marks[-1].positions == ()
    assert out.marks[-1].balances.get("WETH@op", 0) == 0


def test_fees_are_what_the_closes_paid_beyond_the_principal(fall: tuple[Outcomes, Waterfall]) -> None:
    """A second opinion on the fee row: what each close paid out less what the marks before call principal."""
    out, got = fall
    before = {mark.seq: mark for mark in out.marks}
    fees = {"USDC@op": 0, "WETH@op": 0}
    for step in out.record:
        if step.verb != "close" or step.result is None:
            continue
        held = next(p for p in before[step.seq - 1].positions if p.id == step.result.position)
        for token, principal in held.principal.items():
            paid = sum(t.amount for t in step.transfers if (t.token, t.target) == (token, "me"))
            fees[token] += paid - principal
    closes = sum(step.verb == "close" for step in out.record)
    for token, amount in fees.items():
        assert abs(amount - got.line("fees").tokens[token]) <= 2 * closes


def test_diluted_fees_are_less_than_small_ones() -> None:
    small, diluted = (waterfall(post(out.record, out.marks)) for out in (played("small"), played("diluted")))
    assert 0 < diluted.line("fees").value < small.line("fees").value


def test_own_swaps_cost_at_least_the_pool_fee(fall: tuple[Outcomes, Waterfall]) -> None:
    """Each own trade loses at least the 0.05 % fee of what went in, at the price just before."""
    out, _ = fall
    books = post(out.record, out.marks)
    lost = -(Measures(books).flow("swaps:").value)
    turnover = 0
    for entry in books.entries:
        for account, token, amount in entry.postings:
            if account.startswith("swaps:") and amount > 0:
                of = books.marks[entry.mark].prices[token]
                turnover += amount * of.num // of.den
    assert turnover > 10**9
    assert lost > turnover * 5 // 10_000
    assert lost < turnover * 50 // 10_000
