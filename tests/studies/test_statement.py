"""The assembled result: adds up, says what it means, hashes by content."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from ledger.tiny import ETH, RWD, SHR, USD, WETH, Tiny
from tidemill.errors import InvariantBroken
from tidemill.interfaces import Costs, Skipped
from tidemill.studies.canonical import canonical, result_hash
from tidemill.studies.headline import money
from tidemill.studies.schema import Fidelity, ResultDocument, StudyInfo, TokenInfo
from tidemill.studies.statement import MAX_POINTS, Alternative, Facts, statement

DECIMALS = {USD: 6, WETH: 18, ETH: 18, RWD: 18, SHR: 6}
FACTS = Facts(
    study=StudyInfo(
        title="A tiny world", subtitle="", strategy="random", strategy_hash="00", parameters={"price": "kept"},
        networks=["op"], venues=["pool", "vault", "farm"], start=0, end=1, home="USDC", synthetic=True,
        capital={USD: 50_000_000_000},
    ),
    tokens=[TokenInfo(t, t.split("@")[0], d, "op") for t, d in DECIMALS.items()],
    fidelity=Fidelity("exact", "diluted", "rule-checked", "none"),
    home=USD,
    priced=WETH,
)  # fmt: skip


def document(world: Tiny, **changes: object) -> ResultDocument:
    return statement(world.record, world.marks, msgspec.structs.replace(FACTS, **changes))


@pytest.mark.parametrize("seed", range(8))
def test_everything_adds_up(seed: int) -> None:
    got = document(Tiny(seed, flip=seed % 2 == 0, impact=seed % 3 == 0).live(120))
    flows = [row for row in got.waterfall if row.kind == "flow"]
    keep = got.waterfall[-1]
    assert keep.key == "keep"
    assert keep.value == got.headline.keep == got.headline.final_value - got.headline.capital_value
    assert sum(row.value for row in flows) + got.unexplained == keep.value
    assert abs(got.unexplained) <= got.unexplained_bound == len(flows)
    before = next(row for row in got.waterfall if row.key == "before_exit")
    assert before.value == sum(row.value for row in flows if row.key != "exit")
    for token in DECIMALS:
        assert sum(row.tokens.get(token, 0) for row in flows) == keep.tokens.get(token, 0)
    # the cost table and the rows tell the same story, each line rounded down on its own
    fees = sum(row.value for row in flows if row.key in {"l2", "l1", "operator", "failed"})
    table = sum(row.value for row in got.costs)
    leaving = -next(row for row in flows if row.key == "exit").value
    assert -fees - len(got.costs) <= table <= -fees + leaving + len(got.costs)
    assert sum(row.failed for row in got.costs) > 0
    assert got.series.value[-1] == got.headline.final_value
    assert got.series.value[0] == got.series.hold[0] == got.headline.capital_value
    assert got.comparisons[0].name == "holding"
    assert got.comparisons[0].keep == got.series.hold[-1] - got.series.hold[0]


def test_execution_is_called_layer_2_only_where_there_is_a_data_fee_beside_it() -> None:
    world = Tiny(1).live(40)
    for data_fee, label in ((True, "Network fee: L2 execution"), (False, "Network fee: execution")):
        (row,) = [row for row in document(world, data_fee=data_fee).waterfall if row.key == "l2"]
        assert row.label == label


def test_positions_account_for_their_tokens() -> None:
    world = Tiny(5).live(90)
    got = document(world)
    fees = next(row for row in got.waterfall if row.key == "fees")
    pools = [row for row in got.positions if row.venue == "pool"]
    assert len(pools) > 5
    for token in (USD, WETH):
        assert sum(row.fees.get(token, 0) for row in pools) == fees.tokens.get(token, 0)
    for row in pools:
        assert row.closed is not None
        assert row.opened < row.closed
        assert 0 <= row.in_range_bps <= 10_000
        assert row.liquidity > 0
    assert any(0 < row.in_range_bps < 10_000 for row in pools)
    still = document(Tiny(5).live(90, leave=False), exit="mark")
    assert any(row.closed is None for row in still.positions)
    priced = document(world, tick_price=lambda venue, tick: 1.5 + tick if venue == "pool" else None)
    assert {(row.price_lower, row.price_upper) for row in priced.positions if row.venue == "pool"} == {(-8.5, 11.5)}


def test_leftovers_are_told_and_marking_has_a_note() -> None:
    stays = Tiny(6).live(40, leave=False)
    closed = document(stays)
    assert any("not closed into USDC" in warning and " WETH (worth " in warning for warning in closed.warnings)
    assert not any(f" {ETH}" in warning for warning in closed.warnings)  # gas money stays
    marked = document(stays, exit="mark")
    assert not any("not closed" in warning for warning in marked.warnings)
    assert "exit = mark" in next(row for row in marked.waterfall if row.key == "exit").note


def test_steps_that_were_never_sent_are_told() -> None:
    world = Tiny(6).live(5)
    step = world.record[0]
    for reason in ("fee 5 above max_fee 4", "fee 5 above max_fee 4", "step 0 failed"):
        refused = structs.replace(step, seq=world.next_seq(), costs=Costs(), result=None, status=Skipped(reason))
        world.record.append(refused)
    got = [line for line in document(world).warnings if "not sent" in line]
    assert f"{step.verb} at {step.venue} was not sent: fee 5 above max_fee 4 (2 times)" in got
    assert not any("step 0" in line for line in got)


def test_alternatives_are_run_and_compared() -> None:
    calls: list[str] = []

    def full_range() -> Alternative:
        calls.append("full range")
        return Alternative(920_000_000, "same fees")

    got = document(Tiny(6).live(10), alternatives={"full range": full_range})
    assert calls == ["full range"]
    assert [row.name for row in got.comparisons] == ["holding", "full range"]
    assert got.comparisons[1].keep_bps == 920_000_000 * 10_000 // got.headline.capital_value


def test_short_periods_are_not_annualised() -> None:
    short = document(Tiny(6).live(10))
    assert short.headline.per_year_bps is None
    assert "too short" in short.headline.per_year_note
    assert all(row.per_year_bps is None for row in short.waterfall)
    long = document(Tiny(6).live(200))
    seconds = long.series.time[-1] - long.series.time[0]
    assert seconds > 7 * 86_400
    assert long.headline.per_year_bps == long.headline.keep * 10_000 * 31_536_000 // (
        long.headline.capital_value * seconds
    )


def test_curves_are_thinned_and_keep_their_ends() -> None:
    world = Tiny(8)
    for _ in range(2 * MAX_POINTS):
        world.market()
    world.mark("end")
    got = document(world)
    assert len(got.series.time) == MAX_POINTS == len(got.series.price) == len(got.series.fees)
    assert got.series.time[0] == world.marks[0].time
    assert got.series.time[-1] == world.marks[-1].time
    assert sorted(set(got.series.time)) == got.series.time


def test_hash_is_of_content_only() -> None:
    one, two = document(Tiny(3).live(30)), document(Tiny(3).live(30), tool_version="9.9")
    assert one.result_hash == two.result_hash == result_hash(one)
    assert document(Tiny(4).live(30)).result_hash != one.result_hash
    redrawn = msgspec.structs.replace(one, series=msgspec.structs.replace(one.series, price=[1.0]))
    assert result_hash(redrawn) == one.result_hash
    wrong = msgspec.structs.replace(one, series=msgspec.structs.replace(one.series, value=[1]))
    assert result_hash(wrong) != one.result_hash
    # a user's parameter may be called like a display field and still counts
    other = document(Tiny(3).live(30), study=msgspec.structs.replace(FACTS.study, parameters={"price": "else"}))
    assert other.result_hash != one.result_hash


def test_document_survives_json() -> None:
    got = document(Tiny(3).live(30))
    again = msgspec.json.decode(msgspec.json.encode(got), type=ResultDocument)
    assert again == got
    assert result_hash(again) == got.result_hash


def test_canonical_content_refuses_floats_and_odd_keys() -> None:
    assert canonical({"b": 1, "a": [2**80, "ü"]}) == '{"a":[1208925819614629174706176,"ü"],"b":1}'.encode()
    with pytest.raises(InvariantBroken, match=r"a\[1\] is a float"):
        canonical({"a": [1, 0.5]})
    with pytest.raises(InvariantBroken, match="is no text"):
        canonical({"a": {1: 2}})


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00 H"),
        (-1, "-0.000001 H"),
        (9_999, "0.0100 H"),
        (-10_000, "-0.0100 H"),
        (-994_999, "-0.9950 H"),
        (995_000, "1.00 H"),
        (1_234_567_890_000, "1,234,567.89 H"),
        (1_234_567_899_999, "1,234,567.90 H"),
    ],
)
def test_money_is_rounded_to_decimals_that_show_something(micro: int, text: str) -> None:
    assert money(micro, "H") == text
