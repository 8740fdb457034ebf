"""Books of what the real world loop writes down: real vault and farm models, real marks, real life cycle."""

from __future__ import annotations

from random import Random
from typing import Any

from tidemill.engine.blocks import Blocks, Network
from tidemill.engine.rules import Rules
from tidemill.engine.run import Outcomes, run
from tidemill.engine.world import ModelWorld
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import All, Block, Costs, Decision, Every, Intent, Of, Plan, Price
from tidemill.ledger.posting import post
from tidemill.ledger.prices import price_of_home, price_of_micro
from tidemill.ledger.waterfall import waterfall
from tidemill.venues.kinds import Setup, kind

START, DAYS = 1_700_000_000, 12
END = START + DAYS * 86_400
DECIMALS = {"USDC": 6, "vUSDC": 6, "RWD": 18, "ETH": 18}
BLOCKS = Blocks([Block(time=START - 2_000, number=0)], period_ms=2_000)


class Farmer:
    """Deposit half, stake the shares, claim every two days; once a day of trouble ask for more than there is."""

    def decide(self, view: Any, memo: Any, news: Any) -> Decision[Any]:
        wake = (Every(2 * 86_400),)
        if view.why == "end":
            if not view.positions:
                shares = view.balances.get("vUSDC@op", 0)
                redeem = Plan((Intent("vault", "redeem", {"shares": All("vUSDC@op")}),))
                return Decision((redeem,)) if shares and not view.in_flight else Decision()
            return Decision((Plan((Intent("farm", "exit", {}),)),)) if not view.in_flight else Decision()
        if view.why == "start":
            half = view.balances["USDC@op"] // 2
            steps = (
                Intent("vault", "deposit", {"assets": half}),
                Intent("farm", "stake", {"amount": Of(0, "shares")}),
            )
            return Decision((Plan(steps),), wake=wake)
        if view.why == "condition" and not view.in_flight:
            fails = Plan((Intent("farm", "withdraw", {"amount": 10**30}),))
            return Decision((Plan((Intent("farm", "claim", {}),)), fails), wake=wake)
        return Decision(wake=wake)


def place(name: str, venue: str, **params: Any) -> Any:
    found = kind(venue)
    defaults = {key: default for key, (default, _) in found.params.items()}
    setup = Setup(
        id=name, network="op", mode="n/a", params=defaults | params, decimals=DECIMALS, market=None,
        random=lambda stem: Random(f"{name}{stem}"), first_from=BLOCKS.first_from, start=START, end=END,
    )  # fmt: skip
    return found.place(setup).make()


def farmed(*, sample: int | None = 21_600) -> Outcomes:
    stages = [
        place("vault", "erc4626", asset="USDC", share="vUSDC", tvl=3_000),
        place("farm", "staking_rewards", staking="vUSDC", reward="RWD", staked=5_000, duration_days=3),
    ]

    def prices(world: ModelWorld) -> dict[str, Price]:
        days = (max(b.time for b in world.at.values()) - START) // 86_400
        eth = price_of_micro((2_000 + 10 * days) * 10**6, 18)
        return {"USDC@op": price_of_home(6), "ETH@op": eth, "RWD@op": price_of_micro(500_000 - 9_000 * days, 18)}

    def cost(venue: str, verb: str, features: Any, block: Block) -> Costs:
        return Costs(10**12 + len(venue), 2 * 10**12 + len(verb), 0, 90_000)

    world = ModelWorld(
        [Network("op", "ETH@op", BLOCKS)],
        stages,
        {"USDC@op": 2_000_000_000, "ETH@op": 10**17},
        Rules(start=START, end=END, sample_every=sample, simulate=False),
        cost=cost,
        prices=prices,
        rates=lambda _: {token: rate for stage in stages for token, rate in stage.rates().items()},
        outside=("market", "zero", *(stage.account for stage in stages)),
    )
    return run(world, Farmer(), run_id="farm", log=MemoryJournal())


def test_vault_and_farm_statement_from_the_real_loop() -> None:
    out = farmed()
    books = post(out.record, out.marks)
    got = waterfall(books)
    assert got.families == ("farm", "vault")
    lines = {line.key: line for line in got.lines}
    assert lines["growth"].value > 100_000
    assert lines["rewards"].value > 10**8
    assert lines["rewards_move"].value < 0
    assert lines["failed"].value < 0
    assert lines["rewards"].tokens.keys() == {"RWD@op"}
    held = out.marks[-1].balances
    rounded = lines["rounding"].tokens.get("RWD@op", 0) if "rounding" in lines else 0
    assert held["RWD@op"] == lines["rewards"].tokens["RWD@op"] + rounded
    assert "vUSDC@op" not in held
    assert abs(got.unexplained) <= got.bound


def test_sample_marks_change_no_total() -> None:
    """Curves ask for more marks; what is kept, and what it is made of in tokens, stays."""
    fine, coarse = farmed(), farmed(sample=None)
    assert len(fine.marks) > len(coarse.marks) + 20
    one, two = (waterfall(post(out.record, out.marks)) for out in (fine, coarse))
    assert one.keep == two.keep
    for a, b in zip(one.lines, two.lines, strict=True):
        assert (a.key, a.tokens) == (b.key, b.tokens)
    moved = {a.key for a, b in zip(one.lines, two.lines, strict=True) if abs(a.value - b.value) > 1}
    assert moved <= {"rewards", "rewards_move", "growth", "growth_move"}


def test_books_are_the_same_however_often_they_are_kept() -> None:
    out = farmed()
    assert post(out.record, out.marks).entries == post(out.record, out.marks).entries
