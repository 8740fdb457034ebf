"""Locks that run past the end are named and not closed; a vault and its markets stand in one world, in one order."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, Revert
from tidemill.ledger.posting import post
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import Prepared
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import Study, load_study
from tidemill.venues.morpho_vault.stage import VaultStage

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WEEK = 7 * 86_400


def played(study: Study) -> tuple[ResultDocument, Outcomes]:
    """Run a study by itself, without its assumptions at half and double."""
    return Backtest(Prepared(study)).main_run()


def lock(**parameters: Any) -> Study:
    study = load_study(EXAMPLES / "lock_dividends.toml")
    end = dt.datetime(2025, 3, 20, tzinfo=dt.UTC)
    return structs.replace(study, parameters={**study.parameters, **parameters}, end=end)


def test_a_lock_past_the_end_is_named_with_its_date_and_not_closed() -> None:
    document, _ = played(lock(weeks=26))
    (told,) = [line for line in document.warnings if "locked" in line]
    assert told == (
        "50000.000000 VOTE at escrow stay locked until 2025-07-03T00:00:00Z: valued at the last price, not sold, "
        "not to be had before"
    )
    assert not any("not closed into" in line for line in document.warnings)
    (position,) = document.positions
    assert position.closed is None
    assert position.withdrawn == {}


def test_a_lock_that_ends_is_taken_back() -> None:
    document, _ = played(lock(weeks=4))
    assert not any("locked" in line for line in document.warnings)
    (position,) = document.positions
    assert position.withdrawn == {"VOTE@op-mainnet": 50_000 * 10**18}
    verbs = {row.verb: row.count for row in document.costs}
    assert verbs["create_lock"] == verbs["withdraw"] == 1
    assert verbs["claim"] >= 1


def test_a_lock_that_is_renewed_pays_more_and_is_still_locked() -> None:
    plain, _ = played(lock(weeks=8))
    renewed, _ = played(lock(weeks=8, renew=True))
    earned = [{row.key: row.value for row in one.waterfall}["rewards"] for one in (plain, renewed)]
    assert earned[1] > earned[0] * 11 // 10
    assert any("stay locked until 2025-05-" in line for line in renewed.warnings)
    assert {row.verb for row in renewed.costs} >= {"increase_unlock_time"}


def test_what_is_locked_lies_in_its_own_account() -> None:
    _, outcomes = played(lock(weeks=26))
    books = post(outcomes.record, outcomes.marks)
    locked = {account: n for (account, _), n in books.states[-1].accounts.items() if account.startswith("locked:")}
    assert locked == {"locked:escrow#me": 50_000 * 10**18}


# --- a vault over markets ---------------------------------------------------------------------------------------------


def vault(**params: Any) -> Study:
    study = load_study(EXAMPLES / "vault_over_markets.toml")
    spec = study.venues["vault"]
    venues = {**study.venues, "vault": structs.replace(spec, params={**spec.params, **params})}
    return structs.replace(study, venues=venues, end=dt.datetime(2025, 1, 20, tzinfo=dt.UTC))


def linked(study: Study) -> dict[str, Any]:
    stages = {stage.id: stage for stage in Prepared(study).stages()}
    stages["vault"].meet(stages)
    return stages


def test_markets_stand_before_the_vault_whatever_the_file_says() -> None:
    assert list(vault().venues) == ["vault", "safe", "bold"]
    assert list(Prepared(vault()).placed) == ["safe", "bold", "vault"]


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"markets": "safe,bald"}, UnknownName, "did you mean 'bold'"),
        ({"markets": "safe,vault"}, UnknownName, "venue"),
        ({"markets": "safe,safe"}, BadInput, "none twice"),
        ({"markets": "safe"}, BadInput, "2 caps for 1 markets"),
        ({"caps": "1,0"}, BadInput, "above 0"),
        ({"caps": "1,x"}, BadInput, "whole assets"),
        ({"fee_bps": 5_001}, BadInput, "must be 0 to 5000"),
        ({"every_hours": 0}, BadInput, "give 1 or more"),
        ({"asset": "NONE"}, BadInput, "decimals of NONE"),
    ],
)
def test_what_does_not_fit_is_named(params: dict[str, Any], error: type[BadInput], said: str) -> None:
    with pytest.raises(error, match=said):
        Prepared(vault(**params))


def test_a_market_of_another_asset_is_refused() -> None:
    with pytest.raises(BadInput, match="no market in which WETH@op-mainnet is lent"):
        linked(vault(asset="WETH"))


def test_the_world_stops_at_each_block_in_which_others_act_at_the_vault() -> None:
    stages = linked(vault())
    one: VaultStage = stages["vault"]
    first = one.script[0].block
    for stage in stages.values():
        stage.advance(first)
    after = one.next_reach(one.script[-1].block)
    assert after is not None
    assert after.number == next(item.block.number for item in one.script if item.block.number > first.number)
    assert one.next_reach(first) is None
    there, _ = stages["safe"].read("expectedSupplyAssets", "safe", one.account, first.time)
    assert there == 400_000 * 10**6  # filled to its cap; the rest lies in the second
    assert one.read("totalAssets") == 500_000 * 10**6


def test_others_who_are_refused_change_nothing_anywhere() -> None:
    stages = linked(vault())
    one: VaultStage = stages["vault"]
    for stage in stages.values():
        stage.advance(one.script[0].block)
    before = {name: stage.snapshot() for name, stage in stages.items()}
    item = structs.replace(one.script[-1], action=Action("deposit", {"assets": 10**12}))
    assert not one.play(item)
    for name, stage in stages.items():
        assert stage.snapshot()[:2] == before[name][:2], name


def test_too_little_liquidity_is_a_typed_revert() -> None:
    stages = linked(vault())
    one: VaultStage = stages["vault"]
    block = one.script[0].block
    for stage in stages.values():
        stage.advance(block)

    class Rich:
        block, sender = one.script[0].block, "savers"

        def balance(self, token: str, account: str) -> int:
            return 1 << 100

        def move(self, transfer: Any) -> None: ...

        def call(self, venue: str, action: Action) -> Any:
            return one.inside(block, "savers", None).call(venue, action)

        def read(self, venue: str, query: str, *args: Any) -> Any:
            return stages[venue].read(query, *args)

    with pytest.raises(Revert, match="^not enough liquidity$"):
        one.apply(Action("withdraw", {"assets": 10**13}), Rich())
