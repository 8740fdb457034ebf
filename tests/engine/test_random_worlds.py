"""Random plans in random worlds: whatever is asked for, every step is answered, and the books say the same as the marks."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from msgspec import Struct
from standins import PairPool, RangePool, StreamFarm
from worlds import world

from tidemill.engine.run import run
from tidemill.execution.journal import MemoryJournal, SqliteJournal
from tidemill.interfaces import (
    All,
    At,
    Claimable,
    Decision,
    EventCount,
    Every,
    Filled,
    Intent,
    Limits,
    Of,
    Plan,
    PositionOf,
    Recorded,
    Reverted,
    Skipped,
    TickLeaves,
)

TOKENS = ("WETH@op", "USDC@op")


class Chaos(Struct, frozen=True):
    """Draws its plans from a generator seeded by (seed, decision number): deterministic, and without any sense."""

    seed: int

    class Memo(Struct, frozen=True):
        count: int = 0

    def decide(self, view, memo, news):
        rng = random.Random(self.seed * 100_003 + memo.count)
        memo = self.Memo(memo.count + 1)
        if view.why == "end":
            return Decision(memo=memo)
        plans = tuple(self.plan(rng, view) for _ in range(rng.choice((0, 0, 1, 1, 2))))
        cancels = tuple(p.id for p in view.in_flight if rng.random() < 0.2)
        wakes = (
            Every(rng.randrange(10, 400)),
            At(rng.randrange(900, 3_500)),
            EventCount("pool", rng.randrange(1, 5)),
            TickLeaves("pool", -rng.randrange(1, 300), rng.randrange(1, 300)),
            Claimable("farm", "farm#1", "RWD@op", rng.randrange(1, 10**6)),
        )
        return Decision(plans, cancels, tuple(rng.sample(wakes, rng.randrange(1, 4))), memo)

    def plan(self, rng, view):
        steps = []
        for i in range(rng.randrange(1, 5)):
            late = [
                1,
                10**6,
                All(rng.choice(TOKENS), rng.randrange(100)),
                *([Of(rng.randrange(i), "amount_out", 5_000)] if i else []),
            ]
            limits = Limits(deadline=rng.choice((None, None, 1_900)), max_fee=rng.choice((None, None, 50)))
            lower = rng.randrange(-60, 50) * 10
            mint = {"tick_lower": lower, "tick_upper": lower + rng.randrange(1, 60) * 10}
            held = [p.id for p in view.positions if p.venue == "pool"] + [
                "pool#999",
                *([PositionOf(rng.randrange(i))] if i else []),
            ]
            steps.append(
                rng.choice(
                    (
                        Intent(
                            "pool",
                            "swap_exact_in",
                            {"token_in": rng.choice(TOKENS), "amount_in": rng.choice(late)},
                            limits,
                        ),
                        Intent(
                            "pool",
                            "mint",
                            mint | {"amount0_desired": rng.choice(late), "amount1_desired": rng.choice(late)},
                            limits,
                        ),
                        Intent("pool", "close", {"position": rng.choice(held)}, limits),
                        Intent("pair", "swap_exact_in", {"token_in": "USDC@op", "amount_in": rng.choice(late)}, limits),
                        Intent("farm", "stake", {"amount": All("WETH@op", keep=10**5)}, limits),
                        Intent("farm", "claim", {}, limits),
                        Intent("farm", "exit", {}, limits),
                    )
                )
            )
        return Plan(tuple(steps), atomic=rng.random() < 0.2)


def chaotic(seed):
    rng = random.Random(seed)
    path = [(n, rng.randrange(-300, 300)) for n in sorted({0, *rng.sample(range(1, 1_000), 40)})]
    stages = [
        RangePool("pool", "op", TOKENS, path, fee_per_tick=7),
        PairPool("pair", "op", {"USDC@op": 10**10, "RWD@op": 10**10}, "LP@op"),
        StreamFarm("farm", "op", "WETH@op", "RWD@op", per_second=500),
    ]
    rules = {
        "placement": rng.choice(("first", "last", "seeded")),
        "delay_jitter": rng.choice((0, 0, 9)),
        "simulate": rng.random() < 0.5,
        "batches": rng.random() < 0.5,
        "adversary": rng.random() < 0.2,
        "sample_every": 333,
    }
    return world(stages, dict.fromkeys(TOKENS, 10**9), **rules)


@pytest.mark.parametrize("seed", range(25))
def test_every_step_is_answered_once_and_the_marks_add_up(seed):
    w = chaotic(seed)
    out = run(w, Chaos(seed), run_id=f"chaos{seed}", log=MemoryJournal())
    steps = [r for r in out.record if isinstance(r, Recorded)]
    assert len(steps) > 5
    assert set(Counter((r.plan, r.step) for r in steps).values()) == {1}
    for plan in {r.plan for r in steps}:
        assert sorted(r.step for r in steps if r.plan == plan) == list(range(len([r for r in steps if r.plan == plan])))
    assert not w.plans_in_flight()
    for token in (*TOKENS, "ETH@op", "RWD@op"):
        assert w.book.total(token) == 0
    lines = sorted([*out.record, *out.marks], key=lambda x: x.seq)
    balances = dict(lines[0].balances)
    for line in lines:
        if isinstance(line, Recorded):
            for t in line.transfers:
                balances[t.token] = balances.get(t.token, 0) + t.amount * ((t.target == "me") - (t.source == "me"))
            balances["ETH@op"] -= line.costs.total
            if not isinstance(line.status, Filled | Reverted):
                assert line.costs.total == 0
                assert not line.transfers
        else:
            assert {t: n for t, n in balances.items() if n} == line.balances
    times = [m.time for m in out.marks]
    assert times == sorted(times)


def test_chaos_meets_every_kind_of_answer():
    kinds = Counter()
    for seed in range(12):
        out = run(chaotic(seed), Chaos(seed), run_id=f"chaos{seed}", log=MemoryJournal())
        kinds.update(type(r.status).__name__ for r in out.record if isinstance(r, Recorded))
    assert min(kinds[k] for k in ("Filled", "Reverted", "Skipped", "Expired", "Cancelled")) >= 5, kinds
    assert Skipped.__name__ in kinds


@pytest.mark.parametrize("seed", range(2))
def test_resuming_from_a_file_gives_the_same_hash(tmp_path, seed):
    class Stop(BaseException):
        pass

    whole = run(chaotic(seed), Chaos(seed), run_id="r", log=MemoryJournal())
    for n in range(0, whole.decisions, max(whole.decisions // 3, 1)):
        log = SqliteJournal(tmp_path / f"{n}")

        class Once:
            decisions = staticmethod(log.decisions)

            @staticmethod
            def decide(run_id, decided, log=log, n=n):
                log.decide(run_id, decided)
                if decided.number == n:
                    raise Stop

        with pytest.raises(Stop):
            run(chaotic(seed), Chaos(seed), run_id="r", log=Once())
        log.close()
        again = SqliteJournal(tmp_path / f"{n}")
        assert len(again.decisions("r")) == n + 1
        assert run(chaotic(seed), Chaos(seed), run_id="r", log=again).hash == whole.hash
        again.close()
