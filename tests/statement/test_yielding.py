"""The statement of shares that grow by themselves, read back from the chain alone, against the contracts' own views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest

from statement.portfolio import ALICE, ME, USDC, Doing
from statement.test_faults import Planted, doubled, skipped, unpaid
from statement.yielding import (
    ASSETS,
    BRIDGED,
    KINDS,
    OWNER,
    SHARES,
    STAKED,
    Yielding,
    asked,
    asked_of,
    live,
    whereabouts,
)
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadData, BadInput, InvariantBroken, RpcError
from tidemill.interfaces import Befell, Filled, Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.held.chain import from_chain
from tidemill.studies.held.document import Portfolio as Stated
from tidemill.venues.shared.client_parts import ERC20, abi
from tidemill.venues.shared.told import add
from tidemill.venues.staking_rewards.client import FARM

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world() -> Iterator[Yielding]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "c")
        live(world, 75)
        yield world


def test_the_life_has_everything_in_it(world: Yielding) -> None:
    done = Counter((one.venue, one.verb) for one in world.done if isinstance(one.status, Filled))
    mine = {(one.venue, one.verb) for one in world.done if one.who == ME and isinstance(one.status, Filled)}
    vaults = {(venue, verb) for venue in ("savings", "lending") for verb in ("deposit", "mint", "withdraw", "redeem")}
    assert mine >= vaults | {("staking", verb) for verb in ("stake", "request_withdrawal", "claim")}
    assert min(done["staking", "report_slashing"], done["bridged", "push"], done["staking", "claim"]) > 1, done
    assert any(one.args.get("to") == ME != one.who and one.venue in ("savings", "lending") for one in world.done)


@pytest.fixture(scope="module")
def stated(world: Yielding) -> Stated:
    return from_chain(world.rpc, asked(world))


def venue_of(name: str) -> str:
    """The test's name of a venue of the statement."""
    label = name.partition(":")[2].partition("-")[0]
    return next(venue for venue, share in SHARES.items() if share == f"{label}@op")


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
    legs = {"stake": (-1, 1), "request_withdrawal": (0, -1), "claim": (1, 0)}
    if venue in ("staking", "bridged"):
        given, shares = legs.get(verb, (0, 0))
        legs_there = [(ASSETS[venue], given, "assets"), (SHARES[venue], shares, "shares")]
        return [leg for leg in legs_there if leg[1]]
    sign = -1 if verb in ("deposit", "mint") else 1
    return [(ASSETS[venue], sign, "assets"), (SHARES[venue], -sign, "shares")]


def requests(world: Yielding) -> dict[str, list[int]]:
    """By number, what each of ME's requests that is not claimed is paid."""
    client = world.clients["staking"][ME]
    asked = {number: client.read("request", number) for number in range(1, client.read("requestCount") + 1)}
    return {str(number): [one[4]] for number, one in asked.items() if one[0] == ME and not one[5]}


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
    assert [len(through[venue]) for venue in KINDS] == [2, 2, 2, 0], "at the bridged form there is nothing to do"
    held = {one.id.partition("#")[2]: dict(one.principal) for one in end.positions}
    assert {number: list(paid.values()) for number, paid in held.items()} == requests(world)
    assert stated.total is not None
    assert sum("wait in a queue" in one for one in stated.total.warnings) == len(held) > 0
    handed = [one for one in world.done if one.verb == "transfer" and one.args["token"] in SHARES.values()]
    assert sum(ME in (one.who, one.args["to"]) for one in handed) > 2


def test_its_lines_are_the_change_of_all_that_is_held(world: Yielding, stated: Stated) -> None:
    fall = waterfall(post(stated.record, stated.marks))
    worth, prices = Fraction(0), {here(token): price for token, price in stated.marks[-1].prices.items()}
    for venue, token in SHARES.items():
        price = prices[ASSETS[venue]]
        (rate,) = world.clients[venue][ME].rates().values()
        amount = rate.of_down(world.held(token))[ASSETS[venue]]
        if venue == "staking":
            amount += sum(paid for (paid,) in requests(world).values())
        worth += amount * Fraction(price.num, price.den)
    assert fall.start_value == 0
    assert fall.end_value == worth.numerator // worth.denominator
    assert abs(fall.unexplained) <= fall.bound
    assert sum(line.value for line in fall.lines) + fall.unexplained == fall.keep
    lines = {line.key: line.value for line in fall.lines}
    assert lines["growth"] > 0 > max(lines["failed"], lines["events"]), lines


def test_single_positions_add_up_to_the_whole(stated: Stated) -> None:
    assert stated.total is not None
    each = [document.headline.keep for document in stated.positions.values()]
    lines = sum(len(document.waterfall) for document in (stated.total, *stated.positions.values()))
    assert len(each) >= len(KINDS)
    assert abs(sum(each) - stated.total.headline.keep) <= lines


def test_each_kind_is_found_by_its_events_and_by_no_other_kind(world: Yielding) -> None:
    named = asked_of(world, "bridged").contracts  # its provider names nobody
    found = from_chain(world.rpc, asked(world, find=True, contracts=()))
    stated = from_chain(world.rpc, asked(world, contracts=[one for one in asked(world).contracts if one not in named]))
    assert found.total is not None
    assert stated.total is not None
    assert set(found.total.study.venues) == set(stated.total.study.venues)
    assert found.total.result_hash == stated.total.result_hash
    for token in (SHARES["savings"], SHARES["lending"]):
        with pytest.raises(BadInput, match=r"is a (savings|morpho)_vault; give --at"):
            from_chain(world.rpc, asked(world, contracts=(("erc4626", world.tokens[token]),)))
    for kind in ("savings_vault", "morpho_vault", "liquid_staking"):
        wrong = {"savings_vault": "lending"}.get(kind, "savings")
        with pytest.raises(BadInput, match=f"is no {kind}"):
            from_chain(world.rpc, asked(world, contracts=((kind, world.tokens[SHARES[wrong]]),)))
    half = f"{named[0][1].partition(',asset')[0]}"
    with pytest.raises(BadInput, match="asset is missing"):
        from_chain(world.rpc, asked(world, contracts=(("liquid_staking", half),)))


def slashed(stated: Stated) -> dict[str, int]:
    """By position (its part behind the mark), what it lost."""
    out: dict[str, int] = {}
    for step in stated.record:
        if isinstance(step, Befell) and step.happened.cause == "slashed":
            add(out, step.happened.position.partition("#")[2], sum(step.happened.amounts.values()))
    return out


def lose(*, together: bool) -> tuple[dict[str, int], dict[str, int]]:
    """What a statement says that was lost, and what views say, deed by deed, in blocks of their own."""
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "")
        world.turn(world.doing(ME, "staking", "stake", amount=7 * 10**18 + 1))
        world.turn(world.doing(OWNER, "staking", "report_rewards", amount=10**18 + 7))
        for shares in (10**18 + 3, 2 * 10**18):
            world.turn(world.doing(ME, "staking", "request_withdrawal", shares=shares))
        world.turn(world.doing(OWNER, "staking", "finalize", until=world.time - 12))
        deeds = [
            world.doing(ME, "staking", "stake", amount=10**18),
            world.doing(OWNER, "staking", "report_slashing", amount=10**18 + 11),
            world.doing(ME, "staking", "request_withdrawal", shares=10**17 + 9),
            world.doing(OWNER, "staking", "finalize", until=world.time),
            world.doing(OWNER, "staking", "report_rewards", amount=3 * 10**17),
            world.doing(OWNER, "staking", "report_slashing", amount=2 * 10**18 + 13),
            world.doing(OWNER, "staking", "report_rewards", amount=10**17),
            world.sending(ME, STAKED, ALICE, 10**18 + 1),
        ]
        seen: dict[str, int] = {}
        for turn in [deeds] if together else [[deed] for deed in deeds]:
            before = worth(world)
            world.turn(*turn)
            if turn[0].verb == "report_slashing":
                for place, amount in worth(world).items():
                    add(seen, place, amount - before[place])
        done = from_chain(world.rpc, asked_of(world, "staking"))
        fall = waterfall(post(done.record, done.marks))
        assert abs(fall.unexplained) <= fall.bound
        return slashed(done), seen


def test_a_loss_is_told_to_the_wei_wherever_in_a_block_it_falls() -> None:
    told, seen = lose(together=False)
    assert told == seen
    assert told.keys() == {"shares", "2", "3"}, "what is finalized loses nothing any more"
    assert lose(together=True)[0] == seen


def test_a_loss_that_is_misread_is_caught_where_nobody_else_acted(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("tidemill.venues.liquid_staking.history")
    right = module.told
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "")
        world.turn(world.doing(ME, "staking", "stake", amount=10**19))
        world.turn(world.doing(ME, "staking", "request_withdrawal", shares=10**18))
        world.turn(world.doing(OWNER, "staking", "report_slashing", amount=10**18))
        question = asked_of(world, "staking")
        assert slashed(from_chain(world.rpc, question)).keys() == {"shares", "1"}
        for spoil in (skipped, doubled):
            planted = Planted(right, "slashed", spoil)
            monkeypatch.setattr(module, "told", planted)
            with pytest.raises(InvariantBroken):
                from_chain(world.rpc, question)
            assert planted.block is not None


def test_a_loss_falls_on_what_is_staked_elsewhere_and_on_what_leaves_in_the_block() -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "")
        world.turn(world.doing(ME, "staking", "stake", amount=10**19))
        parties = OWNER, world.tokens[USDC], world.tokens[STAKED]
        farm = deploy(anvil, OWNER, [Deployment("farm", "StakingRewards", parties)])["farm"]
        codec = abi(FARM + ERC20)
        for to, data in (
            (world.tokens[STAKED], codec.encode("approve", farm, 10**19)),
            (farm, codec.encode("stake", 4 * 10**18)),
        ):
            world.turn(Doing(ME, "", "farm", {}, (Call(to, data),)))
        alone = world.doing(OWNER, "staking", "report_slashing", amount=10**18 + 3)
        with_others = [
            world.doing(OWNER, "staking", "report_rewards", amount=10**15),
            world.sending(ME, STAKED, ALICE, 10**18 + 1),
            world.doing(OWNER, "staking", "report_slashing", amount=10**18 + 3),
            world.sending(ALICE, STAKED, ME, 10**17),
        ]
        lost = 0
        for turn, held in (([alone], 10**19), (with_others, 10**19 + 10**17)):
            (was,) = world.clients["staking"][ME].rates().values()
            world.turn(*turn)
            (now,) = world.clients["staking"][ME].rates().values()
            more = (
                10**15 if len(turn) > 1 else 0
            )  # rewards ahead of the loss, of which the protocol's part is made in shares
            (asset,) = was.assets
            before = held * (was.assets[asset] + more) // (now.shares if more else was.shares)
            lost += held * now.assets[asset] // now.shares - before
        contracts = whereabouts(world, "staking"), ("staking_rewards", farm)
        done = from_chain(
            world.rpc, asked(world, contracts=contracts, home="WETH", given={"USDC": "0.0005"}, samples=0)
        )
        assert slashed(done) == {"shares": lost}
        fall = waterfall(post(done.record, done.marks))
        assert abs(fall.unexplained) <= fall.bound


@pytest.mark.parametrize(("first", "last"), [(0, 60), (31, 75), (50, 80)])
def test_a_part_of_the_time_is_stated_as_well(world: Yielding, first: int, last: int) -> None:
    part = from_chain(world.rpc, asked(world, start=str(world.began + first), end=str(world.began + last)))
    fall = waterfall(post(part.record, part.marks))
    assert abs(fall.unexplained) <= fall.bound
    assert sum(line.value for line in fall.lines) + fall.unexplained == fall.keep
    at = world.began + last
    for token in SHARES.values():
        balances = {here(name): amount for name, amount in part.marks[-1].balances.items()}
        assert balances.get(token, 0) == world.held(token, ME, at), token
    waiting = {one.id.partition("#")[2] for one in part.marks[-1].positions}
    assert waiting == {one.id.partition("#")[2] for one in world.clients["staking"][ME].positions(ME, at)}


def worth(world: Yielding) -> dict[str, int]:
    """What ME's shares stand for, and what each of its requests would be paid."""
    (rate,) = world.clients["staking"][ME].rates().values()
    whole = rate.of_down(world.held(STAKED))[ASSETS["staking"]]
    return {"shares": whole} | {number: paid for number, (paid,) in requests(world).items()}


@pytest.mark.parametrize("together", [False, True])
def test_a_bridged_rate_that_falls_is_a_loss_of_what_was_held_then(together: bool) -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Yielding(anvil, "")
        minted = Abi(artefact("TestToken").abi).encode("mint", ME, 5 * 10**17)  # as a bridge does
        deeds = [
            world.doing(OWNER, "bridged", "push", rate=12 * 10**17),
            world.sending(ALICE, BRIDGED, ME, 10**18 + 1),
            Doing(ALICE, "", "bridge", {}, (Call(world.tokens[BRIDGED], minted),)),
            world.doing(OWNER, "bridged", "push", rate=11 * 10**17 + 3),
            world.sending(ME, BRIDGED, ALICE, 2 * 10**18),
        ]
        for turn in [deeds] if together else [[deed] for deed in deeds]:
            world.turn(*turn)
        done = from_chain(world.rpc, asked_of(world, "bridged"))
        held = 115 * 10**17 + 1
        assert slashed(done) == {"shares": -(held * 12 * 10**17 // 10**18 - held * (11 * 10**17 + 3) // 10**18)}
        fall = waterfall(post(done.record, done.marks))
        assert abs(fall.unexplained) <= fall.bound
        lines = {line.key: line.value for line in fall.lines}
        assert lines["growth"] > 0 > lines["events"]


DEFECTS = [
    ("savings", "deposit"),
    ("savings", "withdraw"),
    ("lending", "deposit"),
    ("lending", "withdraw"),
    ("staking", "stake"),
    ("staking", "request_withdrawal"),
    ("staking", "claim"),
]


@pytest.mark.parametrize(("venue", "verb"), DEFECTS)
def test_a_defect_of_a_reader_stops_the_statement(
    world: Yielding, venue: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, question = import_module(f"tidemill.venues.{KINDS[venue]}.history"), asked_of(world, venue)
    right = module.told
    for spoil in (skipped, unpaid):
        planted = Planted(right, verb, spoil)
        monkeypatch.setattr(module, "told", planted)
        with pytest.raises((BadData, InvariantBroken)):
            from_chain(world.rpc, question)
        assert planted.block is not None, spoil


@pytest.mark.parametrize("venue", ["savings", "lending", "staking"])
def test_a_transaction_whose_logs_the_endpoint_leaves_out_is_missed(
    world: Yielding, venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [one for one in world.done if one.who == ME and one.venue == venue and isinstance(one.status, Filled)]
    gone, logs = own[len(own) // 2].receipts[0].tx_hash, world.rpc.logs

    def forgetful(**query: Any) -> Sequence[Mapping[str, Any]]:
        return [log for log in logs(**query) if log["transactionHash"] != gone]

    monkeypatch.setattr(world.rpc, "logs", forgetful)
    with pytest.raises((BadData, InvariantBroken, RpcError)):
        from_chain(world.rpc, asked_of(world, venue))
