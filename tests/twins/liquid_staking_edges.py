"""Places of a liquid staking contract that random lives hardly ever reach."""

from __future__ import annotations

from functools import partial

from harness import actor, assert_same, both, deploy
from harness.book import Book, ModelSide, numbers
from harness.driver import refused
from harness.evm import Evm
from tidemill.interfaces import Action, Revert
from tidemill.venues.liquid_staking.model_bridged import BridgedModel
from twins.liquid_staking_twin import SHARE, Twins

E18 = 10**18
DAY = 86_400
TERMS = (18, 1_000, 10**21)
MOST = (1 << 256) - 1


def fresh(terms: tuple[int, int, int] = TERMS) -> tuple[Twins, list[str]]:
    """Twins in which nothing is staked, and their actors."""
    twins = Twins(terms, 0)
    return twins, list(twins.real.actors.values())


def the_lower_rate_is_paid() -> None:
    """A request earns nothing more; a loss before it is finalised counts, and one that is made good again does not."""
    for moves, paid in (
        ((), 10 * E18),
        ((("report_rewards", 5 * E18),), 10 * E18),
        ((("report_slashing", 20 * E18),), 8 * E18),
        ((("report_slashing", 20 * E18), ("report_rewards", 30 * E18)), 10 * E18),
        ((("report_slashing", 1),), 10 * E18 - 1),
    ):
        twins, (alice, bob, _) = fresh()
        twins.act(alice, "stake", amount=60 * E18)
        twins.act(bob, "stake", amount=40 * E18)
        twins.act(bob, "request_withdrawal", shares=10 * E18)
        for verb, amount in moves:
            twins.act(twins.boss, verb, amount=amount)
            twins.compare()
        twins.act(twins.boss, "finalize", until=twins.evm.block.time)
        twins.compare()
        twins.act(twins.boss, "report_slashing", amount=E18)  # what is finalised is safe
        twins.compare()
        assert twins.act(bob, "claim", position="steth#1").amounts["assets"] == paid
        twins.compare()


def time_of_a_request() -> None:
    """Finalised are requests made at that second or before, in their order, as many as 256 at once."""
    twins, (alice, bob, _) = fresh()
    twins.act(alice, "stake", amount=E18)
    twins.act(alice, "request_withdrawal", shares=1_000)
    at = twins.evm.block.time
    refused("nothing to finalize", twins, twins.act, twins.boss, "finalize", until=at - 1)
    twins.evm.advance(seconds=7)
    twins.act(alice, "request_withdrawal", shares=2_000)
    twins.act(twins.boss, "finalize", until=at + 6)
    assert twins.model.state.finalized == 1
    refused("not finalized", twins, twins.act, alice, "claim", position="steth#2")
    for number in range(256):
        twins.act(alice, "request_withdrawal", shares=1_000 + number)
    twins.act(twins.boss, "finalize", until=at + 7)
    assert twins.model.state.finalized == 257
    twins.act(twins.boss, "finalize", until=MOST)
    twins.compare()
    refused("nothing to finalize", twins, twins.act, twins.boss, "finalize", until=MOST)
    refused("not the owner", twins, twins.act, bob, "claim", position="steth#258")
    for id_ in (0, 259):
        refused("no such request", twins, twins.act, alice, "claim", position=f"steth#{id_}")
    twins.act(alice, "claim", position="steth#258")
    refused("already claimed", twins, twins.act, alice, "claim", position="steth#258")
    refused("not the owner", twins, twins.act, bob, "claim", position="steth#258")


def sizes_of_a_request() -> None:
    """The least and the most of one request, each from both sides."""
    twins, (alice, bob, _) = fresh((18, 0, 5_000))
    twins.act(alice, "stake", amount=10**6)
    refused("request too small", twins, twins.act, alice, "request_withdrawal", shares=99)
    refused("request too large", twins, twins.act, alice, "request_withdrawal", shares=5_001)
    refused("balance", twins, twins.act, bob, "request_withdrawal", shares=1)
    refused("request too small", twins, twins.act, bob, "request_withdrawal", shares=0)
    for shares in (100, 5_000):
        twins.act(alice, "request_withdrawal", shares=shares)
        twins.compare()
    twins.act(alice, "transfer", to=bob, amount=1_000)
    twins.act(bob, "request_withdrawal", shares=1_000)
    twins.compare()
    assert twins.held(SHARE, bob) == 0


def first_and_last() -> None:
    """One for one while nobody is in; what rounding left behind belongs to who comes next."""
    twins, (alice, bob, _) = fresh()
    refused("nothing is staked", twins, twins.act, twins.boss, "report_rewards", amount=5)
    refused("not the reporter", twins, twins.act, alice, "report_rewards", amount=5)
    refused("more than is staked", twins, twins.act, twins.boss, "report_slashing", amount=0)
    refused("not the reporter", twins, twins.act, alice, "report_slashing", amount=0)
    refused("not the reporter", twins, twins.act, alice, "finalize", until=MOST)
    refused("nothing to finalize", twins, twins.act, twins.boss, "finalize", until=MOST)
    refused("nothing to stake", twins, twins.act, alice, "stake", amount=0)
    refused("balance", twins, twins.act, alice, "stake", amount=MOST)
    twins.act(alice, "stake", amount=1_000)
    refused("balance", twins, twins.act, twins.boss, "report_rewards", amount=1 << 101)
    refused("", twins, twins.act, alice, "stake", amount=MOST)
    refused("", twins, twins.act, twins.boss, "report_rewards", amount=MOST)
    refused("", twins, twins.act, twins.boss, "report_rewards", amount=MOST // 1_000)
    refused("more than is staked", twins, twins.act, twins.boss, "report_slashing", amount=1_000)
    twins.act(twins.boss, "report_slashing", amount=1)
    twins.act(alice, "request_withdrawal", shares=1_000)
    twins.act(twins.boss, "report_rewards", amount=0)
    twins.act(twins.boss, "finalize", until=MOST)
    twins.compare()
    assert twins.model.state.total_shares == 0
    twins.act(bob, "stake", amount=500)
    twins.compare()
    assert twins.held(SHARE, bob) == 500


def dust_left_behind() -> None:
    """All leave at less than the whole is worth: the rest waits for the next."""
    twins, (alice, bob, _) = fresh((18, 0, 10**21))
    twins.act(alice, "stake", amount=1_000)
    twins.act(alice, "request_withdrawal", shares=1_000)
    twins.act(twins.boss, "report_rewards", amount=77)
    twins.act(twins.boss, "finalize", until=MOST)
    twins.compare()
    assert (twins.model.state.total_shares, twins.model.state.total_assets) == (0, 77)
    refused("", twins, twins.act, bob, "stake", amount=MOST)
    refused("", twins, twins.act, bob, "stake", amount=MOST - 76)
    refused("balance", twins, twins.act, bob, "stake", amount=MOST - 77)
    twins.act(bob, "stake", amount=23)
    twins.compare()
    assert twins.model.read("convertToAssets", 23) == 100


def a_dear_share() -> None:
    """Where a share is worth many units, little buys none."""
    twins, (alice, bob, _) = fresh((18, 0, 1 << 90))
    twins.act(alice, "stake", amount=10)
    twins.act(twins.boss, "report_rewards", amount=990)
    refused("too little for a share", twins, twins.act, bob, "stake", amount=99)
    assert twins.act(bob, "stake", amount=199).amounts["shares"] == 1
    twins.compare()
    twins.act(twins.boss, "report_slashing", amount=twins.model.state.total_assets - 1)
    twins.compare()
    refused("more than is staked", twins, twins.act, twins.boss, "report_slashing", amount=1)


def the_fee() -> None:
    """The protocol's shares are worth its part of the rewards, rounded down; all of it is possible."""
    for fee_bps in (0, 1, 9_999, 10_000):
        twins, (alice, *_) = fresh((18, fee_bps, 10**21))
        twins.act(alice, "stake", amount=10**20)
        twins.act(twins.boss, "report_rewards", amount=10**19)
        twins.compare()
        worth = twins.model.read("convertToAssets", twins.held(SHARE, twins.real.treasury))
        due = 10**19 * fee_bps // 10_000
        assert due - 2 <= worth <= due


def rates_that_do_not_divide() -> None:
    """All there is at its own rate is paid whole; in tokens of many decimals the rate's last digit is worth units."""
    twins, (alice, bob, _) = fresh((18, 0, 1 << 100))
    twins.act(alice, "stake", amount=1_001)
    twins.act(twins.boss, "report_rewards", amount=77)
    twins.act(alice, "request_withdrawal", shares=1_001)
    twins.act(twins.boss, "finalize", until=MOST)
    assert twins.act(alice, "claim", position="steth#1").amounts["assets"] == 1_078
    twins.act(bob, "stake", amount=1 << 98)
    twins.act(twins.boss, "report_rewards", amount=(1 << 90) + 12_345)
    twins.act(bob, "request_withdrawal", shares=1 << 97)
    twins.act(twins.boss, "report_slashing", amount=(1 << 89) + 777)
    twins.compare()
    twins.act(twins.boss, "finalize", until=MOST)
    twins.compare()


def lagging_rates() -> None:
    """The bridged form: what the feeder brought last, and since when."""
    evm, feeder, stranger = Evm(), actor("feeder"), actor("stranger")
    real = deploy(evm, actor("maker"), "BridgedRate", feeder, E18)
    model = BridgedModel()
    state = model.init({"account": "rate", "asset": "A@op", "share": "S@op", "feeder": feeder, "rate": E18})
    side = ModelSide(model, state, Book(), lambda: evm.block)
    for name in ("getRate", "updatedAt"):
        assert_same(real.view(name), side.read(name), name)
    for who, rate, reason in (
        (feeder, 12 * E18 // 10, None),
        (stranger, E18, "not the feeder"),
        (stranger, 0, "not the feeder"),
        (feeder, 0, "no rate"),
        (feeder, 11 * E18 // 10, None),
        (feeder, MOST, None),
        (feeder, 1, None),
    ):
        evm.advance(seconds=86_400)
        said = None
        try:
            act = Action("push", {"rate": rate})
            _, made = both(partial(real.send, who, "push", rate), partial(side.do, who, act))
            events = [(name, numbers(args)) for name, args in real.events()]
            assert_same(events, [(e.name, numbers(e.args)) for e in made.events], "events")
            assert made.amounts == {"rate": rate}
        except Revert as revert:
            said = revert.reason
        assert said == reason
        for name in ("getRate", "updatedAt"):
            assert_same(real.view(name), side.read(name), name)
        told = model.rates(state, "rate", lambda token, account: 0)["S@op"]
        assert_same({"A@op": real.view("getRate")}, told.of_down(E18), "rate")
    assert model.positions(state, "rate", stranger, 0, lambda token, account: 0) == ()


def when_it_is_ready() -> None:
    """The first report that finds a request old enough; who knows nothing of the reporter waits for nothing."""
    twins, (alice, *_) = fresh()
    state = twins.model.state
    twins.act(alice, "stake", amount=10**20)
    assert twins.act(alice, "request_withdrawal", shares=1_000).pending is None
    first, every, age = twins.evm.block.time + 50, 100, 30
    reports = [first + every * k for k in range(9)]
    for late in (-1_000, 0, 19, 20, 21, 119, 120, 121, 400):
        now = twins.evm.block.time + late
        state.expected = (first, every, age)
        assert state.ready_up(now) == next(report for report in reports if report >= now + age)
    twins.evm.advance(seconds=21)
    made = twins.model.do(alice, Action("request_withdrawal", {"shares": 2_000}))
    assert made.pending is not None and made.position == "steth#2"
    assert (made.pending.stage, made.pending.network, made.pending.venue) == ("claim", "test", "")
    ready = made.pending.not_before
    assert (ready.time, ready.number) == (first + every, twins.evm.block.number)


EDGES = [
    the_lower_rate_is_paid,
    time_of_a_request,
    sizes_of_a_request,
    first_and_last,
    dust_left_behind,
    a_dear_share,
    the_fee,
    rates_that_do_not_divide,
    lagging_rates,
    when_it_is_ready,
]
