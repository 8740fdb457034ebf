"""An account's own transactions, found by its nonce, against every block of the chain read whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from statement.portfolio import ALICE, BOB, ME, Portfolio
from statement.test_round_trip import asked, lived
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.studies.held import sent as own
from tidemill.studies.held import story
from tidemill.studies.held.chain import from_chain

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world() -> Iterator[Portfolio]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield lived(anvil, "sent", 60)


@pytest.mark.parametrize("who", [ME, ALICE, BOB, "0x" + "11" * 20])
def test_every_transaction_is_found_whatever_became_of_it(world: Portfolio, who: str) -> None:
    last = world.rpc.block().number
    sent = {
        (number, str(tx["hash"]))
        for number in range(last + 1)
        for tx in world.rpc.raw_block(number, full=True)["transactions"]
        if tx["from"].lower() == who
    }
    for first, end in ((0, last), (world.began, last), (world.began, last - 7), (last - 1, last)):
        found = own.sent_by(world.rpc, who, first, end)
        assert found is not None
        assert {(one.at.block, one.at.tx) for one in found} == {one for one in sent if first < one[0] <= end}
        assert [one.at for one in found] == sorted(one.at for one in found)
    assert bool(sent) == (who in (ME, ALICE, BOB))


def test_an_account_that_sent_too_many_is_told_what_is_not_counted(
    world: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = from_chain(world.rpc, asked(world))
    monkeypatch.setattr(own, "MOST", 5)
    monkeypatch.setattr(story, "MOST", 5)
    part = from_chain(world.rpc, asked(world))
    assert whole.total is not None
    assert part.total is not None
    assert any("more than 5 transactions" in note for note in part.total.fidelity.notes)
    assert not any("transactions" in note for note in whole.total.fidelity.notes)
    kept = [sum(row.failed for row in one.costs) for one in (whole.total, part.total)]
    assert kept[0] > kept[1] == 0
