"""A gauge beside a pool on both kinds of stage: seconds in range along a path, custody, undo, what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harness.day import LAST, ME, NET, Wallet, block_of, market, pool_stage, replay_stage
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, At, Block, Claimable, Revert
from tidemill.ledger.families import treatment
from tidemill.market.limbs import from_limbs
from tidemill.venues.cl_gauge.model import GaugeModel
from tidemill.venues.cl_gauge.stage import GaugeStage
from tidemill.venues.shared.scripted import Scripted

TOKEN, WIDE = f"OP@{NET}", 10**6
BEGIN = 100
"""Step of the path behind which the incentive begins."""


def gauge_on(pool: Any, *, amount: int = 10**21, hours: int = 8) -> GaugeStage:
    """Return a gauge whose incentive begins at step ``BEGIN`` of the path, the pool standing there."""
    begin = block_of(BEGIN)
    state = {"account": "gauge:staker", "own": (TOKEN, "pool", begin.time, begin.time + hours * 3_600, "others")}
    made = GaugeModel().init({**state, "lead": 10**7, "longest": 10**8})
    first = Block(time=begin.time - 1, number=0)
    script = [Scripted(first, "others", Action("create_incentive", {"amount": amount}))]
    stage = GaugeStage("gauge", NET, "gauge:staker", GaugeModel(), made, script, lambda time: Block(time, time))
    stage.meet({"pool": pool, "gauge": stage})
    pool.advance(begin)
    stage.advance(begin)
    return stage


def opened(pool: Any, width: int) -> tuple[str, int, int]:
    """Open a range around the price; returns (position, lower, upper)."""
    tick = pool.read("slot0")[1] // 10 * 10
    args = {"tick_lower": tick - width, "tick_upper": tick + width, "amount0_desired": 10**10,
            "amount1_desired": 5 * 10**18}  # fmt: skip
    return pool.apply(Action("mint", args), Wallet(pool.at)).position, tick - width, tick + width


def to(stages: tuple[Any, ...], block: Block) -> None:
    for stage in stages:
        stage.advance(block)


def test_seconds_along_a_path_are_the_plain_sum() -> None:
    pool = replay_stage(diluted=True)
    gauge = gauge_on(pool)
    position, lower, upper = opened(pool, 40)
    own = pool.positions(ME)[0].data["liquidity"]
    gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
    tape, start = market().tape(), pool.steps
    want, inside = 0, 0
    now = pool.at.time
    for stop in (200, 201, 350, 600):
        to((pool, gauge), block_of(stop))
        times = [now, *map(int, tape.time[start : pool.steps])]
        active = from_limbs(tape.liquidity[start : pool.steps])
        for k, liquidity in enumerate(active):
            tick = int(tape.tick[start + k - 1])
            elapsed = times[k + 1] - times[k]
            if lower <= tick < upper and elapsed:
                want += (elapsed << 128) // (liquidity + own)
                inside += elapsed
        start, now = pool.steps, int(tape.time[pool.steps - 1])
        assert pool.read("snapshotCumulativesInside", lower, upper, now)[1] == want
        assert pool.read("snapshotCumulativesInside", lower, upper, now)[1] == want  # asking changes nothing
    assert 0 < inside < now - block_of(BEGIN).time  # it was in range and out of it


def test_a_path_pays_what_the_executed_pool_pays() -> None:
    """Liquidity that moves between two swaps is all that a path does not know to the second; here none does."""
    paid = []
    for pool in (replay_stage(diluted=True), pool_stage(anchored=True)):
        gauge = gauge_on(pool)
        position, _, _ = opened(pool, 400)
        gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
        to((pool, gauge), block_of(900))
        paid.append(gauge.apply(Action("exit", {"position": position}), Wallet(gauge.at)).amounts["reward"])
        assert [p.id for p in pool.positions(ME)] == [position]
    assert paid[0] == paid[1] > 10**18


@pytest.mark.parametrize("executed", [False, True])
def test_a_token_is_at_one_place_with_all_its_claims(executed: bool) -> None:
    pool = pool_stage(anchored=True) if executed else replay_stage(diluted=True)
    gauge = gauge_on(pool)
    position, _, _ = opened(pool, 400)
    to((pool, gauge), block_of(200))
    (alone,) = pool.positions(ME)
    assert min(alone.claimable.values()) > 0
    gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
    assert pool.positions(ME) == []
    there, rewards = gauge.positions(ME)
    assert there == alone
    assert (rewards.id, rewards.kind, rewards.claimable) == ("gauge#rewards", "gauge", {})
    for verb in ("harvest", "close", "decrease"):
        with pytest.raises(Revert, match="^Not approved$"):
            pool.apply(Action(verb, {"position": position, "liquidity": 1}), Wallet(pool.at))
    to((pool, gauge), block_of(400))
    there, rewards = gauge.positions(ME)
    assert min(there.claimable[token] - alone.claimable[token] for token in alone.claimable) > 0
    told = rewards.claimable[TOKEN]
    result = gauge.apply(Action("exit", {"position": position}), Wallet(gauge.at))
    assert result.amounts == {"reward": told}
    assert result.position == "gauge#rewards"
    assert [(t.token, t.source, t.target, t.amount) for t in result.transfers] == [(TOKEN, "gauge:staker", ME, told)]
    assert gauge.positions(ME) == ()
    assert pool.positions(ME) == [there]
    pool.apply(Action("close", {"position": position}), Wallet(pool.at))


@pytest.mark.parametrize("executed", [False, True])
def test_what_is_undone_is_undone_at_the_pool_too(executed: bool) -> None:
    pool = pool_stage(anchored=True) if executed else replay_stage(diluted=True)
    gauge = gauge_on(pool)
    position, _, _ = opened(pool, 400)
    point, before = gauge.snapshot(), pool.positions(ME)
    gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
    gauge.restore(point)
    assert pool.positions(ME) == before
    assert gauge.positions(ME) == ()
    assert gauge.state.deposits == {}
    # A refusal after the token was handed in: somebody else's token, a token too many, an incentive that is not there.
    for args, words in (
        ({"position": position, "start": 1}, "non-existent incentive"),
        ({"position": position, "pool": "elsewhere"}, "non-existent incentive"),
    ):
        with pytest.raises(Revert, match=words):
            gauge.apply(Action("stake", args), Wallet(pool.at))
        assert pool.positions(ME) == before
    with pytest.raises(Revert, match="^ERC721: transfer caller is not owner nor approved$"):
        gauge.apply(Action("stake", {"position": position}), Wallet(pool.at, "somebody"))
    with pytest.raises(Revert, match="^ERC721: operator query for nonexistent token$"):
        gauge.apply(Action("stake", {"position": "pool#999"}), Wallet(pool.at))


def test_own_liquidity_counts_from_when_it_came() -> None:
    """Twice the liquidity in range, half the seconds per liquidity: a second own range halves what the first is paid."""
    paid = []
    for second in (False, True):
        pool = replay_stage(diluted=True)
        gauge = gauge_on(pool)
        position, lower, upper = opened(pool, 400)
        gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
        if second:
            more = {"tick_lower": lower, "tick_upper": upper, "amount0_desired": 10**16, "amount1_desired": 5 * 10**24}
            pool.apply(Action("mint", more), Wallet(pool.at))
        to((pool, gauge), block_of(300))
        paid.append(gauge.positions(ME)[-1].claimable[TOKEN])
    assert paid[1] * 100 < paid[0]


def test_a_gauge_says_what_it_cannot_stand_on() -> None:
    pool = replay_stage(diluted=True)
    gauge = gauge_on(pool)
    with pytest.raises(UnknownName, match=r"venues\.gauge\.params\.pool"):
        gauge.meet({"gauge": gauge})
    with pytest.raises(BadInput, match="no position tokens to stake"):
        gauge.meet({"pool": gauge})
    with pytest.raises(BadInput, match=r'venues\.pool\.mode: .*use mode "diluted"'):
        gauge.meet({"pool": replay_stage(diluted=False)})
    with pytest.raises(BadInput, match="no world has passed one in"):
        GaugeModel().pool  # noqa: B018
    with pytest.raises(UnknownName, match="verb of a gauge"):
        gauge.apply(Action("steak", {}), Wallet(pool.at))
    with pytest.raises(BadInput, match="wake by time"):
        gauge.next_wake([Claimable("gauge", "gauge#rewards", TOKEN, 1)], LAST)
    assert gauge.next_wake([At(1)], LAST) is None
    with pytest.raises(KeyError):
        gauge.read("nothing")
    assert gauge.rates() == {}
    assert dataclasses.asdict(gauge.state)["account"] == "gauge:staker"


def test_late_claims_shrink_out_of_range_and_the_books_know_it() -> None:
    assert treatment("gauge").shrinks
    assert not treatment("stake").shrinks
    pool = pool_stage(anchored=True)
    gauge = gauge_on(pool, hours=1)
    tick = pool.read("slot0")[1] // 10 * 10
    args = {"tick_lower": tick, "tick_upper": tick + 10, "amount0_desired": 10**10, "amount1_desired": 5 * 10**18}
    position = pool.apply(Action("mint", args), Wallet(pool.at)).position
    gauge.apply(Action("stake", {"position": position}), Wallet(pool.at))
    end = gauge.state.own.end
    step = next(k for k in range(len(market().tape().time)) if block_of(k).time > end)
    to((pool, gauge), block_of(step))
    while tick <= pool.read("slot0")[1] < tick + 10:
        step += 1
        to((pool, gauge), block_of(step))
    before = gauge.positions(ME)[-1].claimable[TOKEN]
    gauge.advance(Block(time=gauge.at.time + 1, number=gauge.at.number))
    assert 0 < gauge.positions(ME)[-1].claimable[TOKEN] < before
