"""What a shock does to a whole market's backtest: who is included when, what falls, what is taken; and what is refused."""

from __future__ import annotations

from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit import STUDY, write_study
from tidemill.engine.rules import Outage
from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies import unrest as unrests
from tidemill.studies.backtest import Backtest
from tidemill.studies.futures import Futures
from tidemill.studies.prepare import prepare
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.stress import stress
from tidemill.studies.study import load_study
from tidemill.studies.unrest import Unrest, taken

EXAMPLES = Path(__file__).parents[2] / "examples"
HOUR, DAY = 3_600, 86_400


def example(name: str) -> Path:
    return EXAMPLES / f"{name}.toml"


@cache
def learnt(path: Path, days: int | None) -> Futures:
    return Futures(prepare(load_study(path)), "gbm", days=days)


def met(path: Path, *words: str, number: int = 0, days: int | None = None) -> tuple[Any, Any, Unrest, int]:
    """One future of a study, its backtest under the shocks, what it met, and when (seconds of the world)."""
    futures = copy(learnt(path, days))  # what is learnt of the history is the same under any shock
    futures.shocks = parse_shocks(words)
    prepared, moment = futures.make(number), futures.moment(number)
    unrest = futures.unrest(prepared, moment)
    return prepared, Backtest(prepared).play(under=unrest), unrest, prepared.start + moment


def landed(played: Any) -> list[int]:
    return [line.at.time for line in played.outcomes.record if isinstance(line, Recorded) and line.tx]


def test_nobody_is_included_while_the_sequencer_is_down(study: Path) -> None:
    prepared, played, unrest, at = met(study, "sequencer:48", days=2)
    (outage,) = unrest.outages
    assert outage == Outage(at, at + 12 * HOUR, "op-mainnet")  # forced through the parent chain after twelve hours
    times = [int(time) for time in prepared.markets["pool"].tape().time]
    # a swap a minute before and behind; the future's clock begins with its first event, within a minute of its first step
    assert not [time for time in times if outage.start + 60 <= time < outage.end - 60]
    assert len([time for time in times if outage.start - HOUR <= time < outage.start]) > 20
    assert not [time for time in landed(played) if outage.start <= time < outage.end]
    calm = met(study, days=2)[0].markets["pool"].tape().time
    assert len([time for time in calm if outage.start + 60 <= time < outage.end - 60]) > 500


def test_a_frozen_exit_happens_at_the_end(study: Path) -> None:
    prepared, played, unrest, _ = met(study, "frozen:1", days=2)
    (frozen,) = unrest.outages
    assert frozen == Outage(prepared.end - DAY, prepared.end)
    _, free, _, _ = met(study, days=2)
    assert any(frozen.start <= time < frozen.end for time in landed(free))
    assert not [time for time in landed(played) if frozen.start <= time < frozen.end]
    assert max(landed(played)) >= prepared.end
    assert not [p for p in played.outcomes.marks[-1].positions if p.principal]  # and it has left


def test_a_reward_falls_where_something_prices_it() -> None:
    # by a scripted pair in which it is traded
    prepared, played, _, at = met(example("farm_compound"), "reward:90")
    params = prepared.study.venues["market"].params
    assert (params["shock_bps"], params["shock_day"]) == (9_000, (at - prepared.start) // DAY)
    marks = [mark for mark in played.outcomes.marks if "SUSHI@op-mainnet" in mark.prices]

    def price(mark: Any) -> float:
        told = mark.prices["SUSHI@op-mainnet"]
        return told.num / told.den * 10**18 / 10**6

    assert price(marks[-1]) < 0.2 * price(marks[0])
    # by the price that the study states
    prepared, played, unrest, at = met(example("vault_farm"), "reward:90")
    assert unrest.falls == {"OPX": (at, (100_000, 1_000_000))}
    assert unrest.scale(at - 1) == {} and unrest.scale(at) == {"price:OPX": (100_000, 1_000_000)}
    told = {mark.time >= at: mark.prices["OPX@op-mainnet"] for mark in played.outcomes.marks}
    assert told[True].num * told[False].den * 10 == told[False].num * told[True].den


def test_a_reward_falls_with_the_market_it_is_traded_in(study: Path, tmp_path: Path) -> None:
    """A farm that pays the volatile token of a recorded market: that market falls."""
    pool = {"kind": "uniswap_v3", "dataset": str(study.parent / "small")}
    farm = {"kind": "cl_gauge", "params": {"pool": "pool", "reward": "WETH", "amount": 1, "days": 2}}
    paid = write_study(tmp_path, {**STUDY, "venues": {"pool": pool, "farm": farm}}, "paid.toml")
    made = Futures(prepare(load_study(paid)), "gbm", parse_shocks(["reward:50"]), 2)
    tape = made.make(0).markets["pool"].tape()
    ticks = tape.tick[tape.time > tape.time[0] + made.moment(0) + HOUR]
    # USDC is token0: the tick rises by log(2) when WETH falls by half
    assert ticks.mean() - tape.tick[0] == pytest.approx(6_931, abs=1_500)


def test_an_exploit_takes_its_part_of_what_the_venue_holds(study: Path) -> None:
    found = stress(study, worlds=2, model="gbm", days=1, shocks=("exploit:40",))
    for row in found.rows:
        without = row["keep"] - row["rows"]["exploit"]
        part = -row["rows"]["exploit"] / (row["capital"] + without)
        assert 0.4 * 0.74 < part < 0.4 * 0.80  # a fifth of the capital is there to pay gas with
        assert row["worth"][-1] == pytest.approx(row["capital"] + row["keep"], abs=5)
        assert row["drawdown_bps"] < -2_900
        assert 0 <= row["keep"] - sum(row["rows"].values()) <= len(row["rows"])


def test_leverage_multiplies_what_an_exploit_takes() -> None:
    """Of staked tokens that are lent, the market is the venue that holds them, and not who issued them."""
    prepared, played, _, _ = met(example("leveraged_staking"))
    mark = [mark for mark in played.outcomes.marks if mark.time <= prepared.start + 30 * DAY][-1]  # before the depeg
    held = {position.id: position for position in mark.positions}
    supplied, owed = (held[f"aave#{kind}"].principal for kind in ("supply", "debt"))
    ((token, staked),), ((_, debt),) = supplied.items(), owed.items()
    (assets,) = mark.rates[token].of_down(staked).values()
    own = (assets + debt) // 10**12  # micro-WETH; a debt is below 0
    assert taken([mark], 0.1, own) == pytest.approx(0.1 * assets / (assets + debt), rel=1e-5)
    assert 0.3 < taken([mark], 0.1, own) < 0.4
    assert taken([mark], 0.9, own) == pytest.approx(1.0, rel=1e-5)  # and not more than all of it
    assert taken([mark], 0.9, 0) == 0.0
    assert {venue for venue, worth in unrests._at_venues(mark)[0].items() if worth} == {"aave"}  # counted once


def test_a_sandwich_takes_no_more_than_is_asked_for(study: Path) -> None:
    def kept(*words: str) -> int:
        played = met(study, *words, days=1)[1]
        taken = [
            (transfer.amount, line.result.amounts["amount_out"])
            for line in played.outcomes.record
            if isinstance(line, Recorded) and line.result
            for transfer in line.transfers
            if transfer.target == "adversary"
        ]
        assert taken or not words
        if words == ("sandwich:10",):
            assert all(amount == (amount + got) * 10 // 10_000 for amount, got in taken)
        return waterfall(post(played.outcomes.record, played.outcomes.marks)).keep

    assert kept("sandwich") < kept("sandwich:10") < kept()
    assert kept("sandwich:10000") == kept("sandwich")  # limits hold in any case


def test_the_same_future_with_and_without_a_shock(study: Path) -> None:
    """The outside price is drawn alike, so that the difference is the shock's."""
    calm, struck = learnt(study, 1), copy(learnt(study, 1))
    struck.shocks = parse_shocks(["bridge:30"])
    prices = [made.make(3).markets["pool"].dataset.prices["price_micro"].to_numpy() for made in (calm, struck)]
    at = struck.moment(3) // 300
    eth = [series[1::2] for series in prices]
    assert (eth[0][: at - 1] == eth[1][: at - 1]).all()
    assert eth[1][at + 2 :] / eth[0][at + 2 :] == pytest.approx(0.7, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "shock", "said"),
    [
        ("range_reset", "reward:90", "no venue of the study pays a token other than USDC as a reward"),
        ("farm_compound", "crash:30", "no market of the study has a price to move"),
        ("farm_compound", "price:OP:-50", "the study states no price of OP"),
        ("savings_plan", "exploit:40", "an exploit is not reckoned where money arrives later"),
    ],
)
def test_what_means_nothing_here_is_refused_by_name(name: str, shock: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Futures(prepare(load_study(example(name))), "gbm", parse_shocks([shock])).make(0)


def test_a_reward_that_falls_by_the_study_already_is_not_made_to_fall_again(tmp_path: Path) -> None:
    text = example("farm_compound").read_text().replace('price = "0.8"\n', 'price = "0.8"\nshock_bps = 100\n')
    (tmp_path / "fallen.toml").write_text(text)
    with pytest.raises(BadInput) as error:
        Futures(prepare(load_study(tmp_path / "fallen.toml")), "gbm", parse_shocks(["reward:90"])).make(0)
    assert error.value.field == "venues.market.params.shock_bps"


def test_what_nothing_prices_is_said(tmp_path: Path) -> None:
    study = {
        "title": "paid in a token of the pair",
        "network": "op-mainnet",
        "strategy": "hold",
        "home": "USDC",
        "capital": {"USDC": "1000", "ETH": "0.1"},
        "tokens": {"WETH": 18, "USDC": 6},
        "start": "2025-01-01T00:00:00Z",
        "end": "2025-02-01T00:00:00Z",
        "venues": {
            "pair": {
                "kind": "uniswap_v2",
                "params": {"token0": "USDC", "token1": "WETH", "lp": "LP", "price": "0.0003", "liquidity": 100},
            },
            "farm": {"kind": "staking_rewards", "params": {"staking": "LP", "reward": "WETH"}},
        },
        "fees": {"op-mainnet": {"base_fee_gwei": "0.002", "l1_base_fee_gwei": "5", "blob_base_fee_gwei": "1"}},
    }
    prepared = prepare(load_study(write_study(tmp_path, study, "paid.toml")))
    with pytest.raises(BadInput, match="what prices WETH here cannot be moved"):
        Futures(prepared, "gbm", parse_shocks(["reward:90"]))
