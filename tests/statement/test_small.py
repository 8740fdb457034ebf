"""The statement of a small portfolio (a lock, a campaign), read back from its chain, against what the chain says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statement.small import ME, PAID, USDC, VOTE, WETH, Small
from statement.test_faults import Planted, doubled, skipped, unpaid
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.errors import BadData, BadInput, InvariantBroken, UnknownName
from tidemill.interfaces import Filled, Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.held.asked import Asked, tree_of
from tidemill.studies.held.chain import from_chain
from tidemill.studies.held.document import Portfolio as Stated
from tidemill.venues.minichef.client import moved as transferred
from tidemill.venues.shared.told import Told, add

pytestmark = pytest.mark.chain

KINDS = {"lock": "vote_escrow", "campaign": "merkle_campaign", "gauge": "cl_gauge", "range": "uniswap_v3"}
MOVES: dict[str, tuple[str, ...]] = {
    "lock": (),
    "campaign": (),
    "gauge": ("unstake", "harvest", "exit", "create_incentive"),
}
"""What others do that moves what is due to ME within a block: what was due ahead of a claim there, nobody can say."""


@pytest.fixture(scope="module")
def world() -> Iterator[Small]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Small(anvil, "small")
        world.live(110)
        world.settle()
        yield world


@pytest.fixture(scope="module")
def stated(world: Small) -> Stated:
    return from_chain(world.rpc, asked(world))


def asked(world: Small, **changes: Any) -> Asked:
    at = {venue: each[ME].deployment for venue, each in world.clients.items()}
    contracts = (
        ("vote_escrow", at["lock"].dividends),
        ("merkle_campaign", at["campaign"].distributor),
        ("cl_gauge", at["gauge"].staker),
        ("uniswap_v3", at["range"].manager),
    )
    given = {"VOTE": "3", "RWD": "0.5", "USDC": "1"}
    told = {"address": ME, "contracts": contracts, "home": "PAID", "given": given, "start": str(world.began)}
    return Asked(**(told | {"samples": 3, "trees": world.trees()} | changes))


def mine(name: str) -> str:
    """The test's name of a venue or position of the statement."""
    kind, _, rest = name.partition(":")
    venue = next(venue for venue, one in KINDS.items() if one == kind)
    side = rest.partition("#")[2]
    return f"{venue}#{side}" if side else venue


def named(amounts: Any) -> dict[str, int]:
    return {f"{token.partition('@')[0]}@op": amount for token, amount in amounts.items() if amount}


def sent(world: Small) -> dict[str, dict[str, int]]:
    """By venue and token, what it gave ME less what it took, as everybody's transactions say."""
    ids = {world.tokens[token]: token for token in (USDC, WETH)}
    out: dict[str, dict[str, int]] = {venue: {} for venue in KINDS}
    for one in world.done:
        whose = one.args.get("user", one.args.get("account", one.who))
        if not isinstance(one.status, Filled) or whose != ME or one.block <= world.began:
            continue
        told = one.status.amounts
        if one.venue == "lock":
            sign = {"withdraw": 1, "claim": 0}.get(one.verb, -1)
            add(out["lock"], VOTE, sign * told.get("amount", 0))
            add(out["lock"], PAID, told.get("reward", 0))
        elif one.venue == "campaign":
            add(out["campaign"], one.args["token"], told["reward"])
        elif one.venue == "gauge" and one.verb in ("claim", "harvest", "exit"):
            add(out["gauge"], one.args["reward"], told["reward"])
        elif one.venue == "range" and one.verb != "swap_exact_in":
            for log in (log for receipt in one.receipts for log in receipt.logs):
                source, target, amount = transferred(log)
                if token := ids.get(str(log["address"]).lower()):
                    add(out["range"], token, amount * ((target == ME) - (source == ME)))
    return out


def test_it_says_what_the_chain_holds_and_what_was_sent(world: Small, stated: Stated) -> None:
    end = stated.marks[-1]
    held = {mine(p.id): (named(p.principal), named(p.claimable)) for p in end.positions}
    truth = world.truth()
    assert held == truth
    assert all(truth[name][1] for name in ("lock#me", "campaign#claims")), truth
    assert any(due for name, (_, due) in truth.items() if name.startswith("gauge#") and name != "gauge#rewards")
    through: dict[str, dict[str, int]] = {venue: {} for venue in KINDS}
    for step in stated.record:
        if isinstance(step, Recorded):
            for move in step.result.transfers if step.result else ():
                token = next(iter(named({move.token: 1})))
                add(through[mine(step.venue)], token, move.amount * ((move.target == "me") - (move.source == "me")))
    assert through == sent(world)
    assert all(through.values())


def test_its_lines_are_the_change_of_all_that_is_held(world: Small, stated: Stated) -> None:
    fall = waterfall(post(stated.record, stated.marks))
    assert fall.start_value > 0  # a range, staked already
    assert abs(fall.unexplained) <= fall.bound
    assert sum(line.value for line in fall.lines) + fall.unexplained == fall.keep
    rewards = next(line.value for line in fall.lines if line.key == "rewards")
    assert rewards > 0
    prices = {next(iter(named({token: 1}))): one for token, one in stated.marks[-1].prices.items()}
    everything: dict[str, int] = {}
    for sides in world.truth().values():
        for token, amount in (pair for side in sides for pair in side.items()):
            add(everything, token, amount)
    total = sum(n * Fraction(prices[token].num, prices[token].den) for token, n in everything.items())
    assert fall.end_value == total.numerator // total.denominator


def _short(world: Small, venue: str, block: int) -> Asked:
    """A statement of one venue up to a block, without prices of tokens that do not occur by then."""
    question = asked(world, end=str(block), samples=0, home="VOTE" if venue == "lock" else "RWD")
    wanted = tuple(one for one in question.contracts if one[0] == KINDS[venue])
    question = msgspec.structs.replace(question, contracts=wanted, given={"PAID": "1", "RWD": "1"})
    while True:
        try:
            assert from_chain(world.rpc, question).total is not None
        except UnknownName as unknown:
            given = {symbol: price for symbol, price in question.given.items() if f"{symbol!r}" not in str(unknown)}
            assert len(given) < len(question.given)
            question = msgspec.structs.replace(question, given=given)
        else:
            return question


@pytest.fixture(scope="module")
def told(world: Small) -> Mapping[str, list[tuple[int, Told]]]:
    """By venue, block and deed: what the readers make of the logs."""
    out: dict[str, list[tuple[int, Told]]] = {venue: [] for venue in MOVES}

    def listening(venue: str, read: Any) -> Any:
        def heard(client: Any, logs: Any) -> list[Told]:
            found = read(client, logs)
            out[venue] += [(int(logs[0]["blockNumber"], 16), each) for each in found]
            return found  # type: ignore[no-any-return]

        return heard

    with pytest.MonkeyPatch.context() as patch:
        for venue in MOVES:
            module = import_module(f"tidemill.venues.{KINDS[venue]}.history")
            patch.setattr(module, "told", listening(venue, module.told))
        from_chain(world.rpc, asked(world))
    return out


@pytest.mark.parametrize(
    ("venue", "verb"),
    [
        *(("lock", verb) for verb in ("create_lock", "increase_amount", "withdraw", "claim")),
        ("campaign", "claim"),
        *(("gauge", verb) for verb in ("stake", "unstake", "claim")),
    ],
)
def test_a_defect_of_a_reader_stops_the_statement(
    world: Small, told: Mapping[str, Any], venue: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = {one.block for one in world.done if one.verb in MOVES[venue] and one.who != ME and verb == "claim"}
    found = [
        n for n, each in told[venue] if each.verb == verb and sum(map(abs, each.legs.values()), abs(each.size)) > 100
    ]
    first = next(n for n in found if n not in mixed)  # of more than rounding explains
    module = import_module(f"tidemill.venues.{KINDS[venue]}.history")
    question, right = _short(world, venue, first), module.told
    spoils = (skipped,) if verb in ("stake", "unstake") else (skipped, unpaid, doubled)
    for spoil in spoils:
        planted = Planted(right, verb, spoil, first)
        monkeypatch.setattr(module, "told", planted)
        with pytest.raises((BadData, InvariantBroken)) as raised:
            from_chain(world.rpc, question)
        assert planted.block == first, spoil
        assert "\n" not in str(raised.value)


def test_an_escrow_alone_shows_the_lock_and_says_that_dividends_are_not_read(world: Small) -> None:
    alone = (("vote_escrow", world.clients["lock"][ME].deployment.escrow),)
    done = from_chain(world.rpc, asked(world, contracts=alone, home="VOTE", given={}))
    assert done.total is not None
    assert any("dividends are not read" in note for note in done.total.fidelity.notes)
    locked, due = world.truth()["lock#me"]
    assert due
    assert [(named(one.principal), named(one.claimable)) for one in done.still_open] == [(locked, {})]


def test_without_its_tree_a_campaign_shows_what_was_claimed_and_says_so(world: Small, stated: Stated) -> None:
    place = (("merkle_campaign", world.clients["campaign"][ME].deployment.distributor),)
    done = from_chain(world.rpc, asked(world, contracts=place, given={"RWD": "0.5"}, trees=()))
    assert done.total is not None
    assert any("give the tree behind root 0x" in note for note in done.total.fidelity.notes)
    assert not any("behind root" in note for note in (stated.total.fidelity.notes if stated.total else ()))
    assert [one.claimable for one in done.still_open] in ([], [{}])
    rows = {row.key: row.tokens for row in done.total.waterfall}
    assert named(rows["rewards"]) == sent(world)["campaign"]


def test_a_claim_whose_log_is_left_out_is_missed(
    world: Small, told: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (("merkle_campaign", world.clients["campaign"][ME].deployment.distributor),)
    lost, logs = told["campaign"][1][0], world.rpc.logs

    def forgetful(**query: Any) -> list[Any]:
        return [log for log in logs(**query) if int(log["blockNumber"], 16) != lost]

    monkeypatch.setattr(world.rpc, "logs", forgetful)
    for trees in ((), world.trees()):
        with pytest.raises(BadData, match="left out a log"):
            from_chain(world.rpc, asked(world, contracts=place, given={"RWD": "0.5"}, trees=trees))


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_a_claim_of_dividends_whose_log_is_left_out_is_missed(
    world: Small, told: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Between two marks weeks may end and be paid: what is due is then as before."""
    claims = [n for n, each in told["lock"] if each.verb == "claim" and each.legs]
    lost, logs = claims[{"first": 0, "middle": len(claims) // 2, "last": -1}[which]], world.rpc.logs

    def forgetful(**query: Any) -> list[Any]:
        return [log for log in logs(**query) if int(log["blockNumber"], 16) != lost]

    monkeypatch.setattr(world.rpc, "logs", forgetful)
    place = (("vote_escrow", world.clients["lock"][ME].deployment.dividends),)
    with pytest.raises(BadData, match="has paid weeks up to .* the endpoint left out a log"):
        from_chain(world.rpc, asked(world, contracts=place, home="VOTE", given={"PAID": "1"}, samples=0))


def test_a_tree_is_read_from_its_file_and_anything_else_refused(world: Small, tmp_path: Path) -> None:
    tree = world.trees()[-1]
    path = tmp_path / "tree.json"
    path.write_text(json.dumps([(who, token, str(amount)) for who, token, amount in tree]))
    assert list(tree_of(path)) == tree
    path.write_text('[["0x12", "0x34", 5]]')
    with pytest.raises(BadInput, match="is no tree of a campaign"):
        tree_of(path)


@pytest.mark.long
@pytest.mark.parametrize("seed", "abcdefghij")
def test_other_lives(seed: str) -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        other = Small(anvil, seed)
        other.live(110)
        other.settle()
        end = from_chain(other.rpc, asked(other)).marks[-1]
        assert {mine(p.id): (named(p.principal), named(p.claimable)) for p in end.positions} == other.truth()
