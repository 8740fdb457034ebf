"""The statement of a random portfolio, read back from its chain alone, against what the chain says."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from statement.life import liquidations, live
from statement.portfolio import LP, ME, OWNER, SHARE, USDC, WETH, Portfolio
from statement.truth import Views, moved
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.later import Later
from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Recorded, Reverted
from tidemill.ledger.families import BROUGHT, TAKEN
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.held.asked import Asked
from tidemill.studies.held.chain import from_chain
from tidemill.studies.held.document import Portfolio as Stated
from tidemill.venues.aave_v3 import history
from tidemill.venues.shared.told import add

pytestmark = pytest.mark.chain

KINDS = {
    "pair": "uniswap_v2",
    "range": "uniswap_v3",
    "vault": "erc4626",
    "farm": "staking_rewards",
    "chef": "minichef",
    "market": "aave_v3",
    "morpho": "morpho_blue",
}


def lived(anvil: Anvil, seed: str, turns: int) -> Portfolio:
    """Everybody acts, ME is liquidated at both lending markets, everybody acts again."""
    world = Portfolio(anvil, seed)
    live(world, 2 * turns // 3)
    liquidations(world)
    live(world, turns // 3)
    world.turn(world.doing(OWNER, "morpho", "accrue"))
    return world


@pytest.fixture(scope="module")
def world() -> Iterator[Portfolio]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield lived(anvil, "round trip", 105)


@pytest.fixture(scope="module")
def stated(world: Portfolio) -> Stated:
    return from_chain(world.rpc, asked(world))


def asked(world: Portfolio, **changes: Any) -> Asked:
    """Ask for everything ME had at the seven venues, by the contracts' addresses."""
    at = {name: each[ME].deployment for name, each in world.clients.items()}
    places = {
        "pair": at["pair"].pair,
        "range": at["range"].manager,
        "vault": at["vault"].vault,
        "farm": at["farm"].farm,
        "chef": at["chef"].chef,
        "market": at["market"].pool,
        "morpho": at["morpho"].morpho,
    }
    contracts = tuple((KINDS[venue], address) for venue, address in places.items())
    given = {"RWD": "0.5", "SUSHI": "1.1", "BON": "2"}
    told = {
        "address": ME,
        "contracts": contracts,
        "home": "USDC",
        "given": given,
        "start": str(world.began),
        "samples": 0,
    }
    return Asked(**(told | changes))


def token_of(name: str) -> str:
    """The test's name of a token of the statement."""
    symbol = name.partition("@")[0]
    return LP if symbol == "UNI-V2" else f"{symbol}@op"


def venue_of(name: str) -> str:
    """The test's name of a venue or position of the statement."""
    kind, _, rest = name.partition(":")
    mine = next(venue for venue, one in KINDS.items() if one == kind)
    side = rest.partition("#")[2]
    return f"{mine}#{side}" if side else mine


def named(amounts: Any) -> dict[str, int]:
    return {token_of(token): amount for token, amount in amounts.items() if amount}


def check(world: Portfolio, stated: Stated) -> None:
    """Hold a statement against the chain and against what was sent."""
    views = Views(world, world.rpc.block().number)
    end = stated.marks[-1]
    held = {venue_of(p.id): (named(p.principal), named(p.claimable)) for p in end.positions}
    assert held == {name: one for name, one in views.held().items() if any(one)}
    wallet = named(end.balances)
    for token, amount in views.wallet().items():
        assert wallet.get(token, 0) == amount, token
    through: dict[str, dict[str, int]] = {venue: {} for venue in ("", *KINDS)}
    for step in stated.record:
        if isinstance(step, Recorded):
            place, moves = venue_of(step.venue), step.result.transfers if step.result else ()
        elif step.happened.cause in (BROUGHT, TAKEN):
            place, moves = "", tuple(move for move in step.transfers if token_of(move.token) in (LP, SHARE))
        else:
            continue
        for move in moves:
            sign = (move.target == "me") - (move.source == "me")
            add(through[place], token_of(move.token), sign * move.amount)
    assert through == moved(world)


def test_it_says_what_the_chain_holds_and_what_was_sent(world: Portfolio, stated: Stated) -> None:
    check(world, stated)


def test_its_lines_are_the_change_of_all_that_is_held(world: Portfolio, stated: Stated) -> None:
    fall = waterfall(post(stated.record, stated.marks))
    start, end = stated.marks[0], stated.marks[-1]
    assert not start.positions
    assert not any(start.balances.values())
    views, worth = Views(world, world.rpc.block().number), Fraction(0)
    prices = {token_of(token): Fraction(price.num, price.den) for token, price in end.prices.items()}
    pool, pot = world.clients["pair"][ME].rates(), world.clients["vault"][ME].rates()
    rates = {**pool, **pot}
    shares = views.wallet()
    for principal, due in views.held().values():
        for token, amount in (*principal.items(), *due.items()):
            if token in shares:
                shares[token] += amount
            else:
                worth += amount * prices[token]
    for token, amount in shares.items():
        worth += sum(n * prices[one] for one, n in rates[token].of_down(amount).items())
    purse = {t: n for t, n in end.balances.items() if token_of(t) not in shares}
    worth += sum(amount * prices[token_of(token)] for token, amount in purse.items())
    assert fall.end_value == worth.numerator // worth.denominator
    assert fall.start_value == 0
    assert abs(fall.unexplained) <= fall.bound
    assert sum(line.value for line in fall.lines) + fall.unexplained == fall.keep
    lines = {line.key: line.value for line in fall.lines}
    assert min(lines[key] for key in ("fees", "growth", "rewards", "interest")) > 0
    assert max(lines[key] for key in ("borrowing", "events", "l2")) < 0
    assert stated.total is not None
    assert stated.total.headline.keep == fall.keep


def test_every_fee_paid_for_positions_is_counted_once_failed_ones_by_themselves(
    world: Portfolio, stated: Stated
) -> None:
    paid: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for one in world.done:
        about = one.args.get("token") not in (USDC, WETH) if one.verb == "transfer" else not one.verb.startswith("swap")
        for receipt in one.receipts if one.who == ME and about else ():
            add(paid[receipt.status], receipt.tx_hash, receipt.gas_used * receipt.effective_gas_price)
    assert len(paid[False]) > 8
    told: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for step in stated.record:
        if isinstance(step, Recorded):
            add(told[not isinstance(step.status, Reverted)], step.tx, step.costs.total)
    assert told == paid
    assert stated.total is not None
    rows = {row.key: row.tokens for row in stated.total.waterfall}
    assert {token_of(token): n for token, n in rows["failed"].items()} == {"ETH@op": -sum(paid[False].values())}
    assert {token_of(token): n for token, n in rows["l2"].items()} == {"ETH@op": -sum(paid[True].values())}


def test_single_positions_add_up_to_the_whole(stated: Stated) -> None:
    assert stated.total is not None
    assert len(stated.positions) > 5
    each = [document.headline.keep for document in stated.positions.values()]
    lines = sum(len(document.waterfall) for document in (stated.total, *stated.positions.values()))
    assert abs(sum(each) - stated.total.headline.keep) <= lines


def test_what_is_still_open_is_listed_with_what_can_be_claimed(world: Portfolio, stated: Stated) -> None:
    held = Views(world, world.rpc.block().number).held()
    listed = {venue_of(one.position): (named(one.principal), named(one.claimable)) for one in stated.still_open}
    for name, one in held.items():
        if any(one):
            assert listed[name] == one, name
    assert {"pair#shares", "vault#shares"} & listed.keys()
    assert any(due for _, due in listed.values())


def test_nobody_needs_to_name_contracts_whose_events_name_the_account(world: Portfolio) -> None:
    manager = world.clients["range"][ME].deployment.manager
    part = {"end": str(world.began + 70), "given": {"SUSHI": "1.1"}}  # the other rewards come later
    named = from_chain(world.rpc, asked(world, **part))
    found = from_chain(world.rpc, asked(world, contracts=(("uniswap_v3", manager),), find=True, **part))
    assert found.total is not None
    assert named.total is not None
    assert found.total.result_hash == named.total.result_hash
    assert set(found.total.study.venues) == set(named.total.study.venues)
    assert len(found.total.study.venues) > 4


def test_an_endpoint_without_overrides_moves_only_what_accrued_within_blocks(
    world: Portfolio, stated: Stated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Later, "works", lambda _self: False)
    plain = from_chain(world.rpc, asked(world))
    monkeypatch.undo()
    check(world, plain)
    assert plain.total is not None
    assert stated.total is not None
    # a range owes nothing more for time alone: its state of the block before is enough
    assert {venue_of(venue) for mark in plain.marks for venue in mark.settled} == {"range"}
    assert sum(bool(mark.settled) for mark in stated.marks) > 30
    rows = {row.key: row.tokens for row in plain.total.waterfall}
    exact = {row.key: row.tokens for row in stated.total.waterfall}
    assert rows["rewards"].keys() == exact["rewards"].keys()
    assert abs(plain.total.headline.keep - stated.total.headline.keep) < 10**6  # emergency withdrawals, prices then


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"given": {}}, "give --price"),
        ({"address": "0x" + "11" * 20}, "has nothing, and had nothing"),
        ({"contracts": (("erc4626", WETH),)}, "is no erc4626"),
        ({"contracts": (("aave_v3", WETH),)}, "is no aave_v3"),
        ({"contracts": (("minichef", WETH),)}, "is no minichef"),
        ({"contracts": (("morpho_blue", WETH),)}, "is no morpho_blue"),
        ({"contracts": (("uniswap_v2", WETH),)}, "is no uniswap_v2"),
        ({"contracts": (("staking_rewards", WETH),)}, "is no staking_rewards"),
        ({"contracts": (("staking_rewards", "0x" + "12" * 20),)}, "is no staking_rewards"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(world: Portfolio, changes: dict[str, Any], said: str) -> None:
    if "contracts" in changes:
        kind, place = changes["contracts"][0]
        changes = {"contracts": ((kind, world.tokens.get(place, place)),)}
    else:
        changes = {"end": str(world.began + 70), **changes}
    with pytest.raises(BadInput, match=said) as raised:
        from_chain(world.rpc, asked(world, **changes))
    assert "\n" not in str(raised.value)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_longer_lives(seed: int) -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = lived(anvil, f"long {seed}", 400)
        check(world, from_chain(world.rpc, asked(world)))


def test_liquidations_are_told_as_what_befell(stated: Stated) -> None:
    struck = [step for step in stated.record if isinstance(step, Befell) and step.happened.cause == "liquidated"]
    assert {venue_of(one.happened.position) for one in struck} == {
        "market#supply", "market#debt", "morpho#collateral", "morpho#debt",
    }  # fmt: skip


def test_a_pool_that_got_other_rounding_in_between_is_refused(
    world: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No upgrade of a pool can be had here, so what it says of itself is put in its mouth."""
    monkeypatch.setattr(history, "rounding_at", lambda _rpc, _pool, block: 30 if block == world.began else 36)
    with pytest.raises(BadInput, match=r"got other rounding rules between blocks .* \(Aave v3\.5\)"):
        from_chain(world.rpc, asked(world))
