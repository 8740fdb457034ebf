"""The interface is right when these four read naturally (architecture page). Each is a strategy and what came of it."""

from __future__ import annotations

from msgspec import Struct
from standins import BridgeExit, BridgePortal, Lending, PairPool, RangePool, StreamFarm
from worlds import L1, OP, world

from tidemill.engine.run import run
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import (
    All,
    Befell,
    Claimable,
    Crosses,
    Decision,
    Filled,
    Intent,
    Limits,
    Of,
    Pending,
    Plan,
    PositionOf,
    Recorded,
    TickLeaves,
)


def statuses(out):
    return [(r.verb, type(r.status).__name__) for r in out.record if isinstance(r, Recorded)]


def filled(out, verb):
    return [r for r in out.record if isinstance(r, Recorded) and r.verb == verb and isinstance(r.status, Filled)]


# --- range reset: swap, then mint what the swap gave ------------------------------------------------------------------


class RangeReset(Struct, frozen=True):
    """Half into each token around the price; when the price leaves, close and start over."""

    width: int = 200

    def decide(self, view, memo, news):
        if view.why == "end":
            return Decision((Plan((self.close(view),)),)) if view.positions else Decision()
        if view.in_flight:
            return Decision()
        held = view.positions
        if held and held[0].data["tick_lower"] <= view.read("pool", "slot0")[1] < held[0].data["tick_upper"]:
            return Decision(wake=(TickLeaves("pool", held[0].data["tick_lower"], held[0].data["tick_upper"]),))
        steps = (self.close(view),) if held else ()
        return Decision((Plan((*steps, *self.enter(view))),))

    def close(self, view):
        return Intent("pool", "close", {"position": view.positions[0].id})

    def enter(self, view):
        tick = view.read("pool", "slot0")[1] // 10 * 10
        half = (view.balances.get("USDC@op", 0) + sum(p.principal["USDC@op"] for p in view.positions)) // 2
        swap = {"token_in": "USDC@op", "amount_in": half}
        quote = view.quote(Intent("pool", "swap_exact_in", swap)).amounts["amount_out"]
        swapped = len(view.positions)
        return (
            Intent("pool", "swap_exact_in", swap, Limits({"amount_out_min": quote * 99 // 100})),
            Intent(
                "pool",
                "mint",
                {
                    "tick_lower": tick - self.width,
                    "tick_upper": tick + self.width,
                    "amount0_desired": Of(swapped, "amount_out"),
                    "amount1_desired": All("USDC@op"),
                },
            ),
        )


def test_range_reset_mints_exactly_what_the_swap_gave():
    pool = RangePool("pool", "op", ("DAI@op", "USDC@op"), [(0, 0), (300, 150), (600, 260)])
    out = run(world([pool], {"USDC@op": 10**12}), RangeReset(), run_id="reset", log=MemoryJournal())
    verbs = ["swap_exact_in", "mint", "close", "swap_exact_in", "mint", "close"]
    assert statuses(out) == [(v, "Filled") for v in verbs]
    swap, mint = filled(out, "swap_exact_in")[0], filled(out, "mint")[0]
    assert mint.action.args["amount0_desired"] == swap.result.amounts["amount_out"]
    assert mint.result.amounts["amount1"] <= mint.action.args["amount1_desired"]
    assert filled(out, "close")[0].at.number == 601  # the wake follows block 600, the action lands one block later


# --- leveraged staking loop with a liquidation guard ------------------------------------------------------------------


class Loop(Struct, frozen=True):
    """Borrow against the staked token, buy more, three rounds; repay when the health factor comes near 1."""

    guard: int = 115 * 10**16

    def decide(self, view, memo, news):
        loan = next((p for p in view.positions if p.venue == "lending"), None)
        if view.in_flight or (view.why == "end" and loan is None):
            return Decision()
        if loan is None and view.balances.get("wstETH@op"):
            return Decision((Plan(self.rounds(view)),))
        if loan and loan.data["debt"] and (view.why == "end" or loan.data["health_factor"] < self.guard):
            return Decision((Plan(self.unwind(view, loan)),))
        if loan and view.why == "end":
            return Decision((Plan((Intent("lending", "withdraw", {"amount": loan.principal["wstETH@op"]}),)),))
        return Decision(wake=(Crosses("lending", "health_factor", self.guard, above=False),))

    def rounds(self, view):
        borrow = view.balances["wstETH@op"] * 6 // 10
        supply = Intent("lending", "supply", {"amount": All("wstETH@op")})
        swap = {"token_in": "ETH2@op", "amount_in": All("ETH2@op")}
        limits = Limits({"amount_out_min": borrow * 95 // 100})
        first = (
            supply,
            Intent("lending", "borrow", {"amount": borrow}),
            Intent("pair", "swap_exact_in", swap, limits),
            supply,
        )
        again = Limits({"amount_out_min": borrow * 40 // 100})
        second = (
            Intent("lending", "borrow", {"amount": borrow // 2}),
            Intent("pair", "swap_exact_in", swap, again),
            supply,
        )
        return first + second

    def unwind(self, view, loan):
        """Sell enough collateral for half the debt; the whole debt at the end takes several rounds."""
        half = loan.data["debt"] // 2 if loan.data["debt"] > 10**6 else loan.data["debt"]
        out = half * 10**18 // view.read("lending", "price") * 102 // 100 + 1
        free = max(
            loan.principal["wstETH@op"] - loan.data["debt"] * 10**18 * 10_000 // view.read("lending", "price") // 7_900,
            0,
        )
        sell = min(out, free)
        return (
            Intent("lending", "withdraw", {"amount": sell}),
            Intent(
                "pair",
                "swap_exact_in",
                {"token_in": "wstETH@op", "amount_in": Of(0, "amount")},
                Limits({"amount_out_min": sell * 8 // 10}),
            ),
            Intent("lending", "repay", {"amount": Of(1, "amount_out")}),
        )


def staking_world(prices, **more):
    deep = PairPool("pair", "op", {"ETH2@op": 10**24, "wstETH@op": 10**24}, "LP@op")
    lending = Lending("lending", "op", "wstETH@op", "ETH2@op", prices)
    return world([deep, lending], {"wstETH@op": 10**20}, **more)


def test_staking_loop_guards_itself_before_liquidation():
    out = run(
        staking_world([(0, 10**18), (400, 65 * 10**16)]), Loop(guard=112 * 10**16), run_id="loop", log=MemoryJournal()
    )
    assert [v for v, _ in statuses(out)[:7]] == [
        "supply",
        "borrow",
        "swap_exact_in",
        "supply",
        "borrow",
        "swap_exact_in",
        "supply",
    ]
    assert not [e for e in out.record if isinstance(e, Befell)]
    guard = filled(out, "repay")[0]
    assert guard.at.number == 403  # wake at 400, then withdraw 401, sell 402, repay 403
    assert all(s == "Filled" for _, s in statuses(out))
    assert not out.marks[-1].positions


def test_a_fall_too_fast_for_the_guard_is_news_of_liquidation():
    out = run(staking_world([(0, 10**18), (400, 55 * 10**16)], end=2_000), Loop(), run_id="crash", log=MemoryJournal())
    (befell,) = [e for e in out.record if isinstance(e, Befell)]
    assert befell.happened.cause == "liquidated"
    assert befell.happened.at.number == 400
    before, after = (next(m for m in out.marks if m.seq == befell.seq + d) for d in (-1, 1))
    assert (before.why, after.why) == ("before", "after")
    assert before.positions[0].data["debt"] > 0 == after.positions[0].data["debt"]


# --- a seven-day bridge exit across two networks ----------------------------------------------------------------------


class Exit(Struct, frozen=True):
    """Send everything home over the slow, trustless way and wait."""

    def decide(self, view, memo, news):
        if view.why == "start":
            return Decision((Plan((Intent("exit", "send", {"amount": All("USDC@op", keep=5)}),)),))
        return Decision()


def test_seven_day_exit_pays_gas_on_both_networks_and_fills_a_week_later():
    portal = BridgePortal("portal", "ethereum", "USDC@ethereum")
    stages = [BridgeExit("exit", "op", "USDC@op", portal), portal]
    out = run(
        world(stages, {"USDC@op": 1_005}, networks=(OP, L1), end=2_000), Exit(), run_id="exit", log=MemoryJournal()
    )
    sent, proven, final = [r for r in out.record if isinstance(r, Recorded)]
    assert (sent.network, proven.network, final.network) == ("op", "ethereum", "ethereum")
    assert isinstance(sent.status, Pending)
    assert (sent.status.stage, sent.status.venue) == ("prove", "portal")
    assert isinstance(proven.status, Pending)
    assert isinstance(final.status, Filled)
    assert final.status.amounts == {"amount": 1_000}
    assert final.at.time - proven.at.time >= 7 * 86_400
    assert final.at.time - proven.at.time <= 7 * 86_400 + 24  # one block to notice, one to be included
    last = out.marks[-1].balances
    assert last["USDC@op"] == 5
    assert last["USDC@ethereum"] == 1_000
    assert (last["ETH@op"], last["ETH@ethereum"]) == (10**12 - 100, 10**12 - 200)


# --- auto-compounding farm: claim, sell, add, stake -------------------------------------------------------------------


class Compounder(Struct, frozen=True):
    """When enough reward has come together: claim it, sell half, add both sides, stake the new LP tokens."""

    enough: int = 200_000

    def decide(self, view, memo, news):
        if view.in_flight:
            return Decision()
        farm = next((p for p in view.positions if p.venue == "farm"), None)
        if view.why == "end":
            return Decision((Plan((Intent("farm", "exit"),)),)) if farm else Decision()
        if farm is None:
            return Decision((Plan((self.stake(),)),))
        if farm.claimable["RWD@op"] < self.enough:
            return Decision(wake=(Claimable("farm", farm.id, "RWD@op", self.enough),))
        sell = {"token_in": "RWD@op", "amount_in": Of(0, "reward", bps=5_000)}
        plan = Plan(
            (
                Intent("farm", "claim"),
                Intent("pair", "swap_exact_in", sell, Limits({"amount_out_min": self.enough * 49 // 100})),
                Intent("pair", "add", {"amounts0": All("RWD@op"), "amounts1": Of(1, "amount_out")}),
                self.stake(),
            )
        )
        return Decision((plan,))

    def stake(self):
        return Intent("farm", "stake", {"amount": All("LP@op")})


def test_farm_compounds_claim_sell_add_stake():
    pair = PairPool("pair", "op", {"RWD@op": 10**12, "USDC@op": 10**12}, "LP@op")
    farm = StreamFarm("farm", "op", "LP@op", "RWD@op", per_second=1_000)
    out = run(world([pair, farm], {"LP@op": 10**9}), Compounder(), run_id="farm", log=MemoryJournal())
    rounds = [v for v, _ in statuses(out)]
    assert rounds[:9] == ["stake", *["claim", "swap_exact_in", "add", "stake"] * 2]
    assert rounds[-1] == "exit"
    assert all(s == "Filled" for _, s in statuses(out))
    stakes = filled(out, "stake")
    assert stakes[1].action.args["amount"] == filled(out, "add")[0].result.amounts["liquidity"]
    assert out.marks[-1].balances["LP@op"] > 10**9


def test_a_position_that_a_step_opens_can_be_used_by_a_later_one():
    class Once(Struct, frozen=True):
        def decide(self, view, memo, news):
            if view.why != "start":
                return Decision()
            mint = {"tick_lower": -100, "tick_upper": 100, "amount0_desired": 10**9, "amount1_desired": 10**9}
            return Decision(
                (Plan((Intent("pool", "mint", mint), Intent("pool", "close", {"position": PositionOf(0)}))),)
            )

    pool = RangePool("pool", "op", ("DAI@op", "USDC@op"), [(0, 0)])
    out = run(world([pool], {"USDC@op": 10**9, "DAI@op": 10**9}), Once(), run_id="once", log=MemoryJournal())
    assert statuses(out) == [("mint", "Filled"), ("close", "Filled")]
