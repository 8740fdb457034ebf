"""A network that has ended, is closed, has not begun or has no prices takes no study: one line, with what to do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Costs, Price, Recorded
from tidemill.networks import FeeEnv, TxShape, from_data
from tidemill.studies.backtest import Backtest
from tidemill.studies.costs import in_native_up
from tidemill.studies.prepare import Prepared
from tidemill.studies.study import Fees, Study, load_study

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vault_farm.toml"


def study(network: str, start: str, end: str, **changes: object) -> Study:
    """A study of made-up venues, so that it may lie at any date."""
    dates = {name: dt.datetime.fromisoformat(f"{day}T00:00:00+00:00") for name, day in (("start", start), ("end", end))}
    return structs.replace(load_study(EXAMPLE), network=network, **dates, **changes)


CLOSED = [
    (
        "polygon-zkevm",
        "2026-08-01",
        "polygon-zkevm is ended since 2026-07-01",
        "claim on Ethereum what the bridge already",
    ),
    ("zksync-lite", "2026-06-01", "zksync-lite is withdraw-only since 2026-05-04", "claim yours on Ethereum"),
    ("loopring", "2026-09-01", "loopring is ended since 2026-06-28", "balances of 10 USD and more are sent back"),
    ("immutable-x", "2026-04-01", "immutable-x is ended since 2026-03-05", "Immutable's withdrawal page"),
    ("dydx-v3", "2025-07-01", "dydx-v3 is withdraw-only since 2024-10-28", "the escape with a Merkle proof"),
    ("plasma", "2020-07-01", "plasma is ended (facts", "exit game"),
    ("liquid", "2026-10-01", "liquid is under an open incident since 2026-09-06", "leave by a member's peg-out"),
]


@pytest.mark.parametrize(("name", "end", "says", "way_out"), CLOSED, ids=lambda item: str(item)[:14])
@pytest.mark.parametrize("field", ["network", "counterfactual"])
def test_a_closed_network_says_what_to_do(name: str, end: str, says: str, way_out: str, field: str) -> None:
    asked = study(name, "2020-01-01", end)
    if field == "counterfactual":
        asked = study("ethereum", "2024-01-01", end, counterfactual=[name], fees={name: Fees(fork="any")})
        if end < "2024-01-01":
            asked = study("ethereum", "2024-01-01", "2024-07-01", counterfactual=[name])
    if field == "network":
        asked = structs.replace(asked, fees={name: Fees(fork="any")})  # an old start is not what is refused here
    with pytest.raises(BadInput) as refusal:
        Prepared(asked)
    line = str(refusal.value)
    assert line.startswith(f"{EXAMPLE}: {field}: {says}")
    assert "takes no new money; for money still there: " in line
    assert way_out in line
    assert "\n" not in line


def test_an_unknown_fork_is_refused_by_its_key() -> None:
    asked = study("op-mainnet", "2025-01-01", "2025-01-03")
    named = structs.replace(asked, fees={"op-mainnet": structs.replace(asked.fees["op-mainnet"], fork="isthmuss")})
    with pytest.raises(BadInput) as refusal:
        Backtest(Prepared(named)).play()
    line = f"{EXAMPLE}: fees.op-mainnet.fork: unknown fork 'isthmuss'; did you mean 'isthmus'?"
    assert str(refusal.value) == line


def test_the_day_before_the_end_is_still_served() -> None:
    last = structs.replace(
        study("zksync-lite", "2025-01-01", "2026-05-04"), end=dt.datetime(2026, 5, 3, 23, tzinfo=dt.UTC)
    )
    with pytest.raises(
        BadInput, match="no fee formula is known for zksync-lite; choose a network whose costs are known"
    ):
        Prepared(last)
    zkevm = study("polygon-zkevm", "2024-01-01", "2024-02-01")
    assert Prepared(zkevm).network.status.value == "ended"


@pytest.mark.parametrize(
    ("name", "start", "says"),
    [
        ("citrea", "2025-01-01", "citrea is known from 2026-01-27T00:00:00Z on"),
        ("scroll", "2023-01-01", "scroll is known from 2023-10-17T00:00:00Z on"),
        ("base", "2022-01-01", "base is known from 2023-"),
        ("ethereum", "2019-01-01", "ethereum is known from 2021-08-05T"),
    ],
)
def test_before_a_network_began_nothing_is_priced(name: str, start: str, says: str) -> None:
    for field in ("network", "counterfactual"):
        asked = study(name, start, "2026-02-01")
        if field == "counterfactual" and name != "ethereum":
            asked = study("ethereum", "2021-09-01", "2021-10-01", counterfactual=[name])
        with pytest.raises(BadInput) as refusal:
            Prepared(asked)
        assert f"{says}" in str(refusal.value)
        assert str(refusal.value).startswith(str(EXAMPLE))


def test_who_names_a_fork_asks_what_it_would_have_cost() -> None:
    fees = {"scroll": Fees(base_fee_gwei="0.01", fork="curie")}
    asked = study("ethereum", "2021-09-01", "2021-10-01", counterfactual=["scroll"], fees=fees)
    assert Prepared(asked).study.counterfactual == ["scroll"]


@pytest.mark.parametrize("name", ["stacks", "rootstock", "citrea"])
def test_a_network_without_a_formula_still_tells_its_facts(name: str) -> None:
    found, now = networks.get(name), 1_790_000_000
    with pytest.raises(BadInput, match=f"no fee formula is known for {name}; choose a network whose costs are known"):
        Prepared(study(name, "2026-03-01", "2026-09-01"))
    env = FeeEnv(now, from_data(1), from_data(1))
    for ask in (lambda: found.fee(TxShape(1, 0, 0, 0), env), lambda: found.next_base_fee(now, 1, 1, 1)):
        with pytest.raises(
            BadInput, match=f"no fee formula is known for {name}; its facts, routes and status are there"
        ):
            ask()
    assert found.fork(now) == found.status.value == "live"
    assert found.routes(now)
    assert found.roles(now)


def over_the_sample(network: str, **changes: Any) -> Study:
    """Two days of the embedded sample, by another network's costs."""
    start, end = (dt.datetime(2025, 1, day, tzinfo=dt.UTC) for day in (5, 7))
    found = load_study(EXAMPLE.with_name("range_reset.toml"))
    return structs.replace(found, network=network, start=start, end=end, **changes)


POLYGON = {"polygon-pos": Fees(base_fee_gwei="30", priority_fee_gwei="25")}


def test_gas_is_paid_in_the_networks_own_token() -> None:
    capital = {"USDC": "10000", "POL": "20"}
    document, _ = Backtest(
        Prepared(over_the_sample("polygon-pos", capital=capital, prices={"POL": "0.45"}, fees=POLYGON))
    ).main_run()
    rows = {row.key: row for row in document.waterfall}
    (cost,) = [row for row in document.costs if row.verb == "mint"]
    assert cost.l2_execution == cost.gas_used * 55 * 10**9
    assert cost.value == cost.l2_execution * 45 // 10**14  # 0.45 USDC, in micro-units
    assert rows["l1"].value == 0
    assert rows["l2"].label == "Network fee: execution"
    with pytest.raises(BadInput, match=r"capital\.POL: nothing to pay network fees with; give some, such as POL"):
        Backtest(
            Prepared(over_the_sample("polygon-pos", capital={"USDC": "1"}, prices={"POL": "1"}, fees=POLYGON))
        ).main_run()
    with pytest.raises(BadInput, match=r"prices\.POL: no pool of the study prices POL; give its price in USDC"):
        Backtest(Prepared(over_the_sample("polygon-pos", capital=capital, fees=POLYGON))).main_run()


def test_costs_in_another_token_are_booked_at_what_they_are_worth() -> None:
    asked = over_the_sample("op-mainnet", counterfactual=["polygon-pos"], prices={"POL": "0.45"}, fees=POLYGON)
    tested = Backtest(Prepared(asked))
    here, there = tested.play(), tested.play(network="polygon-pos")
    ours, theirs, dear = (
        [step.costs for step in one.outcomes.record if isinstance(step, Recorded)]
        for one in (here, there, tested.play(network="polygon-pos", scale={"price:POL": (2, 1)}))
    )
    price = there.outcomes.marks[0].prices["ETH@op-mainnet"]
    for cost, other, double in zip(ours, theirs, dear, strict=True):
        assert other.l1_data == other.operator == 0
        assert other.gas_used == cost.gas_used == double.gas_used
        worth = other.total * price.num / price.den / 10**6  # USDC; the price moves by a few per cent in two days
        assert worth == pytest.approx(cost.gas_used * 55e-9 * 0.45, rel=0.1)
        assert 0 <= 2 * other.total - double.total <= 1  # rounded up
    with pytest.raises(BadInput, match=r"prices\.POL: no pool of the study prices POL"):
        Backtest(Prepared(structs.replace(asked, prices={}))).main_run()


def test_a_price_in_another_token_rounds_up() -> None:
    assert in_native_up(Costs(10, 3, 0, 7), Price(1, 3), Price(2, 1)) == Costs(2, 1, 0, 7)
    assert in_native_up(Costs(12, 6, 6, 7), Price(1, 3), Price(2, 1)) == Costs(2, 1, 1, 7)
