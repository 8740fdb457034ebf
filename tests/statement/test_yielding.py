"""The statement of shares that grow by themselves, read back from the chain alone, against the contracts' own views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest

from statement.portfolio import ME
from statement.test_faults import Planted, skipped, unpaid
from statement.yielding import ASSETS, KINDS, SHARES, Yielding, asked, live
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.errors import BadData, BadInput, InvariantBroken, RpcError
from tidemill.interfaces import Filled, Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.held_chain import from_chain
from tidemill.studies.held_document import Portfolio as Stated
from tidemill.venues.shared.told import add

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world() -> Iterator[Yielding]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "yielding")
        live(world, 60)
        yield world


@pytest.fixture(scope="module")
def stated(world: Yielding) -> Stated:
    return from_chain(world.rpc, asked(world))


def venue_of(name: str) -> str:
    """The test's name of a venue of the statement."""
    return next(venue for venue, kind in KINDS.items() if kind == name.partition(":")[0])


def here(token: str) -> str:
    """The test's name of a token of the statement."""
    return token.partition("@")[0] + "@op"


def moved(world: Yielding) -> dict[str, dict[str, int]]:
    """By venue and token, what it gave for ME less what it took, whoever paid: from what was sent."""
    out: dict[str, dict[str, int]] = {venue: {} for venue in KINDS}
    for one in world.done:
        if not isinstance(one.status, Filled) or one.args.get("to", one.who) != ME or one.venue not in KINDS:
            continue
        for token, sign, name in _legs(one.venue, one.verb):
            add(out[one.venue], token, sign * one.status.amounts[name])
    return out


def _legs(venue: str, verb: str) -> list[tuple[str, int, str]]:
    sign = -1 if verb in ("deposit", "mint") else 1
    return [(ASSETS[venue], sign, "assets"), (SHARES[venue], -sign, "shares")]


def test_it_ends_with_what_the_chain_holds_and_says_what_was_sent(world: Yielding, stated: Stated) -> None:
    end = stated.marks[-1]
    balances = {here(token): amount for token, amount in end.balances.items()}
    for token in SHARES.values():
        assert balances.get(token, 0) == world.held(token), token
    through: dict[str, dict[str, int]] = {venue: {} for venue in KINDS}
    for step in stated.record:
        for move in step.result.transfers if isinstance(step, Recorded) and step.result else ():
            add(
                through[venue_of(step.venue)],
                here(move.token),
                move.amount * ((move.target == "me") - (move.source == "me")),
            )
    assert through == moved(world)
    assert min(map(len, through.values())) == 2, "both vaults were used"
    handed = [one for one in world.done if one.verb == "transfer" and one.args["token"] in SHARES.values()]
    assert sum(ME in (one.who, one.args["to"]) for one in handed) > 2


def test_its_lines_are_the_change_of_all_that_is_held(world: Yielding, stated: Stated) -> None:
    fall = waterfall(post(stated.record, stated.marks))
    worth, prices = Fraction(0), {here(token): price for token, price in stated.marks[-1].prices.items()}
    for venue, token in SHARES.items():
        price = prices[ASSETS[venue]]
        (rate,) = world.clients[venue][ME].rates().values()
        worth += rate.of_down(world.held(token))[ASSETS[venue]] * Fraction(price.num, price.den)
    assert fall.start_value == 0
    assert fall.end_value == worth.numerator // worth.denominator
    assert abs(fall.unexplained) <= fall.bound
    assert sum(line.value for line in fall.lines) + fall.unexplained == fall.keep
    lines = {line.key: line.value for line in fall.lines}
    assert lines["growth"] > 0 > lines["failed"], lines


def test_single_positions_add_up_to_the_whole(stated: Stated) -> None:
    assert stated.total is not None
    each = [document.headline.keep for document in stated.positions.values()]
    lines = sum(len(document.waterfall) for document in (stated.total, *stated.positions.values()))
    assert len(each) >= len(KINDS)
    assert abs(sum(each) - stated.total.headline.keep) <= lines


def test_each_kind_is_found_by_its_events_and_by_no_other_kind(world: Yielding, stated: Stated) -> None:
    found = from_chain(world.rpc, asked(world, contracts=(), find=True))
    assert found.total is not None
    assert stated.total is not None
    assert set(found.total.study.venues) == set(stated.total.study.venues)
    assert found.total.result_hash == stated.total.result_hash
    for token in SHARES.values():
        with pytest.raises(BadInput, match=r"is a (savings|morpho)_vault; give --at"):
            from_chain(world.rpc, asked(world, contracts=(("erc4626", world.tokens[token]),)))
    with pytest.raises(BadInput, match="is no savings_vault"):
        from_chain(world.rpc, asked(world, contracts=(("savings_vault", world.tokens[SHARES["lending"]]),)))


@pytest.mark.parametrize(
    ("venue", "verb"),
    [("savings", "deposit"), ("savings", "withdraw"), ("lending", "deposit"), ("lending", "withdraw")],
)
def test_a_defect_of_a_reader_stops_the_statement(
    world: Yielding, venue: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"tidemill.venues.{KINDS[venue]}.history")
    right, place = module.told, world.tokens[SHARES[venue]]
    question = asked(world, contracts=((KINDS[venue], place),), samples=0)
    for spoil in (skipped, unpaid):
        planted = Planted(right, verb, spoil)
        monkeypatch.setattr(module, "told", planted)
        with pytest.raises((BadData, InvariantBroken)):
            from_chain(world.rpc, question)
        assert planted.block is not None, spoil


@pytest.mark.parametrize("venue", KINDS)
def test_a_transaction_whose_logs_the_endpoint_leaves_out_is_missed(
    world: Yielding, venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [one for one in world.done if one.who == ME and one.venue == venue and isinstance(one.status, Filled)]
    gone, logs = own[len(own) // 2].receipts[0].tx_hash, world.rpc.logs

    def forgetful(**query: Any) -> Sequence[Mapping[str, Any]]:
        return [log for log in logs(**query) if log["transactionHash"] != gone]

    monkeypatch.setattr(world.rpc, "logs", forgetful)
    with pytest.raises((BadData, InvariantBroken, RpcError)):
        from_chain(world.rpc, asked(world, contracts=((KINDS[venue], world.tokens[SHARES[venue]]),)))
