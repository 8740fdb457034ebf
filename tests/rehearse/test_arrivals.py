"""What the owner brings during a study comes on the chain as it does in the model: 0 wei, and the strategy is told."""

from __future__ import annotations

import pytest
from msgspec import structs

from rehearse.played import shortened
from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Recorded
from tidemill.studies.load import Loaded
from tidemill.studies.study import ContributionSpec, Study

pytestmark = pytest.mark.chain


def daily() -> Study:
    study = shortened("savings")
    return structs.replace(study, contributions=[ContributionSpec("USDS", "100", every_days=1, times=3)])


def test_what_arrives_is_on_the_chain_as_in_the_model():
    comparison = Loaded(daily()).rehearse()
    came = [line for line in comparison.chain.record if isinstance(line, Befell)]
    assert len(came) == 3
    assert comparison.document.agrees and not comparison.document.differences
    assert {row.difference for row in comparison.document.balances} == {0}
    deposits = [line for line in comparison.chain.record if isinstance(line, Recorded) and line.verb == "deposit"]
    assert len(deposits) == 4


def test_a_chain_that_mines_by_itself_takes_no_contributions():
    with pytest.raises(BadInput, match="contributions: what arrives during a study is rehearsed locked only"):
        Loaded(daily()).rehearse("live")
