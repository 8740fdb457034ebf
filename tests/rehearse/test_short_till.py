"""A chef whose till runs dry: harvests of others and one's own claims are refused on the chain as in the model."""

from __future__ import annotations

import pytest
from msgspec import structs

from rehearse.played import shortened
from tidemill.studies.load import Loaded

pytestmark = pytest.mark.chain


def test_a_dry_till_refuses_alike_on_both_sides() -> None:
    study = shortened("chef_farm")
    farm = study.venues["farm"]
    dry = structs.replace(farm, params={**farm.params, "funded_days": 20, "cut_days": 0})
    document = Loaded(structs.replace(study, venues={**study.venues, "farm": dry})).rehearse().document
    assert document.agrees and document.books_equal and not document.differences, document.differences
    assert document.transactions.others_refused == document.transactions.others_refused_by_model > 20
