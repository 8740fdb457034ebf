"""A farm whose reward period is not the 60 days of the contract's constructor: the same code, to the wei."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from rehearse.played import shortened
from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.studies.load import Loaded
from tidemill.studies.study import Study
from tidemill.venues.staking_rewards import local

DAY = 86_400


def with_period(days: int) -> Study:
    study = shortened("vault_farm")
    farm = study.venues["farm"]
    farm = structs.replace(farm, params={**farm.params, "duration_days": days})
    return structs.replace(study, venues={**study.venues, "farm": farm})


@pytest.mark.chain
@pytest.mark.parametrize(("days", "mode"), [(7, "locked"), (365, "locked"), (7, "live-like")])
def test_another_period_rehearses_to_the_wei(days: int, mode: Any) -> None:
    comparison = Loaded(with_period(days)).rehearse(mode, "measured")
    document = comparison.document
    assert document.agrees, document.differences
    assert {row.difference for row in document.balances} == {0}
    (note,) = document.window.notes
    assert note.startswith("farm: ") and note.split("say ")[1].startswith(f"{days},")
    finish = next(int(row.values) for row in document.state if row.name == "periodFinish")
    starts = range(document.window.start, document.window.end + 2 * DAY, days * DAY)
    if mode == "locked":
        assert finish - days * DAY in starts
    claimed = [s for s in comparison.chain.record if isinstance(s, Recorded) and s.verb in ("claim", "exit")]
    assert any(isinstance(s.status, Filled) and s.status.amounts["reward"] > 0 for s in claimed)


@pytest.mark.chain
def test_a_period_that_cannot_be_written_is_refused_naming_field_and_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_SLOTS", 0)
    with pytest.raises(BadInput, match=r"vault_farm\.toml: venues\.farm\.params\.duration_days: 7 days: .* write 60"):
        Loaded(with_period(7)).rehearse()


def test_no_period_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match=r"vault_farm\.toml.*venues\.farm\.params\.duration_days: 0 days"):
        Loaded(with_period(0)).run()
