"""The life cycle, rule by rule."""

from __future__ import annotations

import copy

import pytest
from msgspec import Struct
from standins import BridgeExit, BridgePortal, Lending, RangePool, Stand
from worlds import GAS, L1, OP, flat, world

from tidemill.engine.rules import Outage
from tidemill.engine.run import run
from tidemill.errors import BadData, BadInput, InvariantBroken, UnknownName
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import (
    Action,
    All,
    At,
    Cancelled,
    Costs,
    Crosses,
    Decision,
    EventCount,
    Every,
    Expired,
    Filled,
    Intent,
    Limits,
    Of,
    Outcome,
    Plan,
    PositionOf,
    Recorded,
    Result,
    Revert,
    Reverted,
    Skipped,
    TickLeaves,
    Transfer,
)
from tidemill.venues.shared.oracle import Feed, Oracle

TOKENS = ("DAI@op", "USDC@op")


def pool(path=((0, 0),), **more):
    return RangePool("pool", "op", TOKENS, path, **more)


def swap(amount, least=0, **limits):
    return Intent(
        "pool",
        "swap_exact_in",
        {"token_in": "USDC@op", "amount_in": amount},
        Limits({"amount_out_min": least}, **limits),
    )


def mint(a0, a1, lower=-100, upper=100):
    args = {"tick_lower": lower, "tick_upper": upper, "amount0_desired": a0, "amount1_desired": a1}
    return Intent("pool", "mint", args)


def lived(w, *plans, wake=(), cancel=()):
    """Submit at the start, then follow the news until nothing is in flight; return outcomes by (plan, step)."""
    view, _ = w.advance(())
    w.submit([Plan(p.steps, p.atomic, p.id or f"p{i}") for i, p in enumerate(plans)], ())
    w.submit((), cancel)
    seen = []
    while w.plans_in_flight() or not seen:
        view, news = w.advance(wake)
        seen += [n for n in news if isinstance(n, Outcome)]
        if view.why == "end":
            break
    return seen


def test_a_step_lands_one_block_after_it_was_sent_and_pays_its_fee():
    w = world([pool()], {"USDC@op": 1_000_000})
    (news,) = lived(w, Plan((swap(1_000_000),)))
    assert (news.at.number, news.at.time) == (1, 1_002)
    assert isinstance(news.status, Filled)
    assert w.book.balance("ETH@op", "me") == GAS - 100
    assert w.book.balance("ETH@op", "op:fees") == 100
    assert w.book.balance("DAI@op", "me") == news.status.amounts["amount_out"]
    assert all(w.book.total(t) == 0 for t in (*TOKENS, "ETH@op"))


def test_the_inclusion_delay_is_a_rule_of_the_world():
    w = world([pool()], {"USDC@op": 10}, inclusion_delay=3)
    (news,) = lived(w, Plan((swap(10),)))
    assert news.at.number == 3


def test_a_step_overtaken_by_the_market_reverts_pays_and_skips_the_rest():
    falling = pool([(0, 0), (1, 500)])
    w = world([falling], {"USDC@op": 10**6})
    news = lived(w, Plan((swap(10**6, least=990_000), mint(All("DAI@op"), 0), swap(1))))
    assert [type(n.status) for n in news] == [Reverted, Skipped, Skipped]
    assert news[0].status.reason == "Too little received"
    assert news[0].costs == Costs(l2_execution=40, gas_used=1)
    assert news[1].status.reason == "step 0 failed"
    assert w.book.holdings("me") == {"ETH@op": GAS - 40, "USDC@op": 10**6}
    assert w.record[0].features == {"reverted": 1}
    assert [m.why for m in w.marks][:4] == ["start", "before", "after", "decision"]


def test_what_would_revert_now_is_not_sent_unless_simulation_is_off():
    refused = lived(world([pool()], {"USDC@op": 10}), Plan((swap(10, least=11),)))
    assert refused[0].status == Skipped("would revert: Too little received")
    assert refused[0].costs.total == 0
    paid = lived(world([pool()], {"USDC@op": 10}, simulate=False), Plan((swap(10, least=11),)))
    assert paid[0].status == Reverted("Too little received")
    assert paid[0].costs.total == 40


def test_deadlines_expire_before_sending_and_revert_after_it():
    assert isinstance(lived(world([pool()], {"USDC@op": 10}), Plan((swap(10, deadline=1_001),)))[0].status, Expired)
    assert isinstance(lived(world([pool()], {"USDC@op": 10}), Plan((swap(10, deadline=1_002),)))[0].status, Filled)
    late = world([pool()], {"USDC@op": 10}, delay_jitter=40, run="a")
    (news,) = lived(late, Plan((swap(10, deadline=1_002),), id="x"))
    assert news.at.number > 1
    assert news.status == Reverted("deadline")
    assert news.costs.total == 40


def test_a_fee_above_the_limit_or_the_wallet_is_refused():
    (news,) = lived(world([pool()], {"USDC@op": 10}), Plan((swap(10, max_fee=99),)))
    assert news.status == Skipped("fee 100 above max_fee 99")
    assert isinstance(lived(world([pool()], {"USDC@op": 10}), Plan((swap(10, max_fee=100),)))[0].status, Filled)
    (news,) = lived(world([pool()], {"USDC@op": 10, "ETH@op": 100}), Plan((swap(10),)))
    assert isinstance(news.status, Filled)  # the last wei may be spent
    (news,) = lived(world([pool()], {"USDC@op": 10, "ETH@op": 99}), Plan((swap(10),)))
    assert news.status == Skipped("fee 100 above the 99 ETH@op held")


def test_late_amounts_are_taken_when_their_step_is_planned():
    w = world([pool()], {"USDC@op": 1_000_000})
    news = lived(w, Plan((swap(400_000), mint(Of(0, "amount_out", bps=5_000), All("USDC@op", keep=7)))))
    given = news[0].status.amounts["amount_out"]
    args = w.record[1].action.args
    assert args["amount0_desired"] == given // 2
    assert args["amount1_desired"] == 600_000 - 7
    assert [n.at.number for n in news] == [1, 2]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (mint(Of(0, "shares"), 1), "step 0 gave no shares; it gave amount_in, amount_out"),
        (Intent("pool", "close", {"position": PositionOf(0)}), "step 0 opened no position"),
    ],
)
def test_what_an_earlier_step_did_not_give_cannot_be_planned(step, reason):
    news = lived(world([pool()], {"USDC@op": 100}), Plan((swap(50), step)))
    assert news[1].status == Skipped(reason)


def test_a_plan_that_looks_ahead_is_a_defect_of_the_strategy():
    w = world([pool()], {"USDC@op": 100})
    w.advance(())
    with pytest.raises(BadInput, match=r"step 0 \(mint\) takes amount0_desired from step 1"):
        w.submit([Plan((mint(Of(1, "x"), 1), swap(1)), id="p")], ())
    with pytest.raises(BadInput, match=r"step 1 \(mint\) takes amount0_desired from step 1"):
        w.submit([Plan((swap(1), mint(Of(1, "x"), 1)), id="p")], ())
    with pytest.raises(UnknownName, match="did you mean 'pool'"):
        w.submit([Plan((Intent("pol", "mint"),), id="p")], ())


def test_cancelling_stops_what_is_not_sent_and_nothing_else():
    w = world([pool()], {"USDC@op": 100})
    news = lived(w, Plan((swap(50), swap(50)), id="p"), cancel=("p",))
    assert [(n.step, type(n.status)) for n in news] == [(1, Cancelled), (0, Filled)]
    assert w.book.balance("USDC@op", "me") == 50


def test_a_plan_id_is_taken_once():
    w = world([pool()], {"USDC@op": 100})
    w.advance(())
    for _ in range(2):
        w.submit([Plan((swap(50),), id="p")], ())
    w.advance(())
    w.submit([Plan((swap(50),), id="p")], ())
    assert not w.plans_in_flight()
    assert w.book.balance("USDC@op", "me") == 50


def test_atomic_only_where_one_transaction_can_do_it():
    both = Plan((mint(100, 100), mint(100, 100, -200, 200)), atomic=True)
    w = world([pool()], dict.fromkeys(TOKENS, 1_000))
    news = lived(w, both)
    assert {n.at.number for n in news} == {1}
    assert [n.costs.total for n in news] == [100, 0]
    assert w.record[0].tx == w.record[1].tx != ""
    mixed = Plan((swap(10), mint(100, 100)), atomic=True)
    (first, _) = lived(world([pool()], dict.fromkeys(TOKENS, 1_000)), mixed)
    assert first.status.reason.startswith("no single transaction does mint, swap_exact_in here")
    assert isinstance(lived(world([pool()], dict.fromkeys(TOKENS, 1_000), batches=True), mixed)[0].status, Filled)
    dear = Plan((swap(10), swap(10, max_fee=99)), atomic=True)
    (first, _) = lived(world([pool()], dict.fromkeys(TOKENS, 1_000), batches=True), dear)
    assert first.status == Skipped("fee 100 above max_fee 99")
    late = Plan((swap(10), mint(Of(0, "amount_out"), 100)), atomic=True)
    (first, _) = lived(world([pool()], dict.fromkeys(TOKENS, 1_000), batches=True), late)
    assert first.status.reason.startswith("a step of one transaction cannot take amounts from another")


def test_an_atomic_plan_that_reverts_undoes_every_venue():
    moved = pool([(0, 0), (1, 500)])
    w = world([moved], dict.fromkeys(TOKENS, 1_000), batches=True)
    before = (copy.deepcopy(moved.state.owned), w.book.accounts())
    news = lived(w, Plan((mint(100, 100, -2_000, 2_000), swap(500, least=499 * 999 // 1000)), atomic=True))
    assert [type(n.status) for n in news] == [Skipped, Reverted]
    assert moved.state.owned == before[0]
    assert w.book.balance("USDC@op", "me") == 1_000


@pytest.mark.parametrize(("placement", "tick"), [("last", 500), ("first", 0)])
def test_own_place_within_the_block(placement, tick):
    w = world([pool([(0, 0), (1, 500)])], {"USDC@op": 10**6}, placement=placement, simulate=False)
    (news,) = lived(w, Plan((swap(10**6),)))
    by_tick = {0: 999_500, 500: 950_756}
    assert news.status.amounts["amount_out"] == by_tick[tick]
    assert w.stages["pool"].state.tick == 500  # the rest of the block is played either way


def test_seeded_placement_is_the_same_every_time_and_takes_both_sides():
    def out(run):
        w = world([pool([(0, 0), (1, 500)])], {"USDC@op": 10**6}, placement="seeded", run=run)
        return lived(w, Plan((swap(10**6),)))[0].status.amounts["amount_out"]

    draws = [out(f"r{i}") for i in range(12)]
    assert draws == [out(f"r{i}") for i in range(12)]
    assert set(draws) == {999_500, 950_756}


def test_a_wake_follows_its_trigger():
    w = world([pool([(0, 0), (70, 99), (80, 100)])], {"USDC@op": 1})
    w.advance(())
    view, _ = w.advance((TickLeaves("pool", -100, 100),))
    assert (view.why, view.at["op"].number, view.read("pool", "slot0")[1]) == ("condition", 80, 100)
    again, _ = w.advance((TickLeaves("pool", -100, 100),))
    assert again.at["op"].number == 81  # it still holds: time goes on by one block at least


def test_times_cadences_and_event_counts():
    w = world([pool([(0, 0), (70, 1), (80, 2), (90, 3)])], {"USDC@op": 1})
    w.advance(())
    assert w.advance((At(1_051),))[0].at["op"].time == 1_052
    assert w.advance((Every(50),))[0].at["op"].time == 1_100
    assert w.advance((EventCount("pool", 2), Every(900)))[0].at["op"].number == 80
    assert w.advance((At(5),))[0].at["op"].number == 81
    assert w.advance(())[0].why == "end"


def test_venues_on_two_networks_step_to_the_earliest_wake_together():
    loan = Lending("lending", "ethereum", "W@ethereum", "D@ethereum", [(0, 10**18), (20, 9 * 10**17)])
    w = world([pool([(0, 0), (150, 500)]), loan], {"W@ethereum": 10**18}, networks=(OP, L1))
    w.advance(())
    w.submit(
        [
            Plan(
                (Intent("lending", "supply", {"amount": 10**18}), Intent("lending", "borrow", {"amount": 10**17})),
                id="p",
            )
        ],
        (),
    )
    w.advance(()), w.advance(())
    wake = (TickLeaves("pool", -10, 10), Crosses("lending", "health_factor", 75 * 10**17, above=False))
    view, _ = w.advance(wake)
    assert (view.at["ethereum"].number, view.at["ethereum"].time) == (20, 1_240)
    assert view.at["op"].time == 1_238  # ties by network id: ethereum's block comes first
    view, _ = w.advance((TickLeaves("pool", -10, 10),))
    assert view.at["op"].number == 150


def test_an_oracle_is_not_the_market():
    oracle = Oracle("eth-usd", "op", Feed(heartbeat=500, grace=100), [(1_000, 2_000), (1_300, 1_900)], [(1_400, 1_450)])
    w = world([pool()], {}, oracles=[oracle], end=2_000)
    w.advance(())
    view, _ = w.advance((Crosses("eth-usd", "price", 1_950, above=False),))
    assert (view.at["op"].time, view.oracle("eth-usd").answer, view.oracle("eth-usd").stale) == (1_300, 1_900, False)
    for time, stale in [(1_398, False), (1_400, True), (1_548, True), (1_550, False), (1_800, False), (1_802, True)]:
        assert w.advance((At(time),))[0].oracle("eth-usd").stale is stale
    with pytest.raises(UnknownName, match="did you mean 'eth-usd'"):
        w.advance((At(1_900),))[0].oracle("eth-us")


def test_quotes_and_fees_change_nothing_and_need_no_balance():
    w = world([pool()], {"USDC@op": 10})
    view, _ = w.advance(())
    before = (copy.deepcopy(w.stages["pool"].state), w.book.accounts())
    assert view.quote(swap(10**9)).amounts["amount_out"] == 10**9 * 9_995 // 10_000
    assert view.fee(swap(10**9)).total == 100
    assert view.fee(swap(10, least=11)).total == 40
    assert (w.stages["pool"].state, w.book.accounts()) == before


def test_a_kept_view_is_refused():
    w = world([pool()], {})
    view, _ = w.advance(())
    w.advance((Every(10),))
    with pytest.raises(InvariantBroken, match="kept a view of the past"):
        view.read("pool", "slot0")


@pytest.mark.parametrize("bad", [Every(0), EventCount("pool", 0)])
def test_a_cadence_that_never_comes_is_refused(bad):
    w = world([pool()], {})
    w.advance(())
    with pytest.raises(BadInput, match="give a positive number"):
        w.advance((bad,))


def test_sample_marks_are_taken_at_their_cadence_and_wake_nobody():
    w = world([pool()], {}, sample_every=500, end=3_000)
    w.advance(())
    assert w.advance(())[0].why == "end"
    assert [(m.time, m.why) for m in w.marks] == [
        (1_000, "start"),
        (1_500, "sample"),
        (2_000, "sample"),
        (2_500, "sample"),
        (3_000, "decision"),
    ]


class Walker(Struct, frozen=True):
    """Counts its decisions in the memo and swaps now and then; every kind of news comes along."""

    class Memo(Struct, frozen=True):
        count: int = 0

    def decide(self, view, memo, news):
        memo = self.Memo(memo.count + 1)
        if view.why == "end":
            return Decision(memo=memo)
        least = 10**6 if memo.count % 3 == 0 else 0
        plans = (
            (Plan((swap(1_000 * memo.count, least), mint(All("DAI@op"), 0, 10, 700))),)
            if view.why in {"start", "condition"}
            else ()
        )
        return Decision(plans, wake=(Every(300),), memo=memo)


def walk(log, w=None):
    w = w or world([pool([(0, 0), (100, 5), (300, -20)])], {"USDC@op": 10**6})
    return run(w, Walker(), run_id="walk", log=log)


class Killed(BaseException):
    pass


class KillAt(MemoryJournal):
    """Dies at decision ``n``: before it is stored, or just after (and before anything is submitted)."""

    def __init__(self, n, *, after):
        super().__init__()
        self.n, self.after = n, after

    def decide(self, run, decided):
        if decided.number == self.n and not self.after:
            raise Killed
        super().decide(run, decided)
        if decided.number == self.n:
            raise Killed


def test_a_run_killed_at_any_decision_ends_with_the_same_hash():
    whole = walk(MemoryJournal())
    assert whole.decisions > 10
    for n in range(whole.decisions):
        for after in (False, True):
            log = KillAt(n, after=after)
            with pytest.raises(Killed):
                walk(log)
            log.n = -1
            resumed = walk(log)
            assert (resumed.hash, resumed.decisions) == (whole.hash, whole.decisions)


def test_a_journal_of_other_inputs_is_refused():
    log = KillAt(5, after=True)
    with pytest.raises(Killed):
        walk(log)
    with pytest.raises(BadData, match="decision 0 was made on other inputs"):
        walk(log, world([pool()], {"USDC@op": 10**6 + 1}))


def test_marks_stand_around_every_own_transaction():
    w = world([pool([(0, 0), (100, 5), (300, -20)])], {"USDC@op": 10**6})
    run(w, Walker(), run_id="walk", log=MemoryJournal())
    lines = sorted([*w.record, *w.marks], key=lambda x: x.seq)
    assert [x.seq for x in lines] == list(range(len(lines)))
    assert (lines[0].why, lines[-1].why) == ("start", "end")
    sent = [i for i, x in enumerate(lines) if isinstance(x, Recorded) and x.tx]
    assert len(sent) > 5
    for i in sent:
        assert lines[i - 1].why == "before"
        behind = next(x for x in lines[i:] if not isinstance(x, Recorded))
        assert behind.why == "after"
        moved = {t: behind.balances.get(t, 0) - lines[i - 1].balances.get(t, 0) for t in (*TOKENS, "ETH@op")}
        for t in lines[i].transfers:
            moved[t.token] -= t.amount if t.target == "me" else -t.amount
        moved["ETH@op"] += lines[i].costs.total
        assert moved == dict.fromkeys(moved, 0)


def test_costs_come_from_the_injected_function_with_the_features_of_the_result():
    asked = []

    def cost(venue, verb, features, block):
        asked.append((venue, verb, dict(features), block.number))
        return flat(venue, verb, features, block)

    lived(world([pool()], {"USDC@op": 10}, cost=cost), Plan((swap(10),)))
    assert asked[-1] == ("pool", "swap_exact_in", {"ticks_crossed": 0}, 1)


def test_an_adversary_leaves_a_swap_exactly_what_its_limits_demand():
    calm, harsh = (world([pool()], {"USDC@op": 10**6}, adversary=on) for on in (False, True))
    (good,), (bad,) = (lived(w, Plan((swap(10**6, least=990_000),))) for w in (calm, harsh))
    assert (good.status.amounts["amount_out"], bad.status.amounts["amount_out"]) == (999_500, 990_000)
    assert harsh.book.holdings("adversary") == {"DAI@op": 9_500}
    assert harsh.book.balance("DAI@op", "me") == 990_000
    assert sum(t.amount for t in harsh.record[0].transfers if t.target == "adversary") == 9_500
    unbounded = world([pool()], {"USDC@op": 10**6}, adversary=True)
    lived(unbounded, Plan((swap(10**6),)))
    assert unbounded.book.balance("DAI@op", "me") == 0  # a swap without a min-out is a gift


def test_other_actors_act_after_the_recorded_events_and_before_own_steps():
    class Liquidator:
        id, network = "liquidator", "op"

        def __init__(self):
            self.done = False

        def next_act(self, until):
            return None if self.done or until.number < 1 else OP.blocks.number(1)

        def act(self, ctx):
            self.done = True
            assert ctx.sender == "liquidator"
            ctx.call("pool", Action("swap_exact_in", {"token_in": "USDC@op", "amount_in": 1_000}))

    actor = Liquidator()
    w = world([pool([(0, 0), (1, 500)])], {"USDC@op": 10**6}, actors=[actor])
    w.book.move(Transfer("USDC@op", "market", "liquidator", 1_000))
    (news,) = lived(w, Plan((swap(10**6),)))
    assert actor.done
    assert w.book.balance("DAI@op", "liquidator") == 950  # at the block's new price, as ours
    assert news.status.amounts["amount_out"] == 950_756
    poor = Liquidator()
    w = world([pool()], {}, actors=[poor])
    w.advance(())
    assert w.advance(())[0].why == "end"  # its call reverted and left nothing behind
    assert w.book.holdings("liquidator") == {}


def test_a_wake_in_the_very_block_in_which_a_saga_goes_on_is_not_lost():
    portal = BridgePortal("portal", "op", "USDC@op")
    w = world([BridgeExit("exit", "op", "USDC@op", portal), portal], {"USDC@op": 10}, end=9_000)
    w.advance(())
    w.submit([Plan((Intent("exit", "send", {"amount": 10}),), id="p")], ())
    _, (sent,) = w.advance(())
    ready = sent.status.not_before.time
    view, news = w.advance((At(ready),))
    assert (view.why, view.at["op"].time, news) == ("condition", ready, ())
    view, (proven,) = w.advance((At(ready + 100),))
    assert proven.at.time == ready + 2


def test_what_a_venue_forgot_to_check_is_undone_when_the_book_refuses():
    class Careless(Stand):
        def _take(self, ctx, amount, limits):
            self.state["taken"] += amount
            return Result({"amount": amount}, (Transfer("USDC@op", ctx.sender, self.account, amount),))

        def _nested(self, ctx, amount, limits):
            self.state["outer"] += 1
            ctx.move(Transfer("USDC@op", ctx.sender, self.account, 1))
            try:
                ctx.call("inner", Action("take", {"amount": amount}))
            except Revert as revert:
                return Result({"caught": len(revert.reason)})
            raise Revert("outer")

    outer, inner = (Careless(n, "op", {"taken": 0, "outer": 0}) for n in ("outer", "inner"))
    w = world([outer, inner], {"USDC@op": 10}, simulate=False, outside=())
    w.advance(())
    take = Plan((Intent("outer", "take", {"amount": 11}),), id="a")
    caught = Plan((Intent("outer", "nested", {"amount": 2}),), id="b")  # outer holds 1: inner's transfer fails
    undone = Plan((Intent("outer", "nested", {"amount": 1}),), id="c")
    w.submit([take, caught, undone], ())
    _, news = w.advance(())
    assert [n.status for n in news] == [
        Reverted("transfer amount exceeds balance"),
        Filled({"caught": len("transfer amount exceeds balance")}),
        Reverted("outer"),
    ]
    assert (outer.state, inner.state) == ({"taken": 0, "outer": 1}, {"taken": 0, "outer": 0})
    assert w.book.balance("USDC@op", "me") == 9
    assert w.book.balance("USDC@op", "inner") == 0


def test_what_is_to_be_sent_in_an_outage_waits_for_its_end():
    away = Outage(1_050, 1_500, "op")
    w = world([pool()], {"USDC@op": 10**6}, outages=(away,))
    w.advance(())
    view, _ = w.advance((At(1_100),))
    assert view.at["op"].time == 1_100
    w.submit([Plan((swap(10**5), swap(All("USDC@op"))), id="late")], ())
    assert [plan.id for plan in w.plans_in_flight()] == ["late"]
    while w.plans_in_flight():
        view, _ = w.advance(())
    assert [line.at.time for line in w.record] == [1_502, 1_504]  # planned at its end, a block before it is included
    assert [type(line.status) for line in w.record] == [Filled, Filled]
    near = world([pool()], {"USDC@op": 10**6}, outages=(away,))
    near.advance(())
    near.advance((At(1_498),))
    near.submit([Plan((swap(10**5),), id="near")], ())
    near.advance(())
    assert near.record[0].at.time == 1_500  # the first block behind it is open
    elsewhere = world([pool()], {"USDC@op": 10**6}, outages=(Outage(1_000, 2_000, "ethereum"),))
    lived(elsewhere, Plan((swap(10**5),)))
    assert elsewhere.record[0].at.time == 1_002


def test_a_plan_that_waits_for_an_outage_to_end_can_be_cancelled():
    w = world([pool()], {"USDC@op": 10**6}, outages=(Outage(1_000, 1_500),))
    (seen,) = lived(w, Plan((swap(10**5),)), cancel=("p0",))
    assert isinstance(seen.status, Cancelled) and w.book.balance("USDC@op", "me") == 10**6


def test_an_adversary_takes_no_more_than_he_may():
    w = world([pool()], {"USDC@op": 10**6}, adversary=True, adversary_bps=50)
    (seen,) = lived(w, Plan((swap(10**6, least=990_000),)))
    assert seen.status.amounts["amount_out"] == 999_500 - 999_500 * 50 // 10_000
    tight = world([pool()], {"USDC@op": 10**6}, adversary=True, adversary_bps=50)
    lived(tight, Plan((swap(10**6, least=999_000),)))
    assert tight.book.balance("DAI@op", "me") == 999_000
