"""What logs tell of an account at every venue, against what the chain says that it holds, transaction by transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from statement.life import liquidations, live
from statement.portfolio import ME, Done, Portfolio
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.interfaces import Filled
from tidemill.venues.aave_v3 import history as aave_v3
from tidemill.venues.aave_v3.versions import VERSIONS
from tidemill.venues.erc4626 import history as erc4626
from tidemill.venues.minichef import history as minichef
from tidemill.venues.morpho_blue import history as morpho_blue
from tidemill.venues.shared.told import Told, add
from tidemill.venues.staking_rewards import history as staking_rewards
from tidemill.venues.uniswap_v2 import history as uniswap_v2

pytestmark = pytest.mark.chain

READERS: Mapping[str, Any] = {
    "pair": uniswap_v2.told,
    "vault": erc4626.told,
    "farm": staking_rewards.told,
    "chef": minichef.told,
    "market": aave_v3.told,
    "morpho": morpho_blue.told,
}
SIZES = {"stake": "staked", "supply": "size", "debt": "size"}


@pytest.fixture(scope="module", params=VERSIONS.values(), ids=VERSIONS)
def world(request: pytest.FixtureRequest) -> Iterator[Portfolio]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Portfolio(anvil, "told", request.param)
        live(world, 60)
        liquidations(world)
        live(world, 30)
        yield world


def told(world: Portfolio, one: Done) -> dict[str, list[Told]]:
    """What each venue's reader makes of the logs, for ME."""
    return {
        venue: [deed for receipt in one.receipts for deed in read(client, receipt.logs)]
        for venue, read in READERS.items()
        for client in (world.clients[venue][ME],)
    }


def moved(world: Portfolio, one: Done) -> dict[str, int]:
    """What really came into ME's wallet, by token."""
    ids, sums = {address: token for token, address in world.tokens.items()}, dict[str, int]()
    for log in (log for receipt in one.receipts for log in receipt.logs):
        source, target, amount = minichef.moved(log)
        if token := ids.get(str(log["address"]).lower()):
            add(sums, token, amount * ((target == ME) - (source == ME)))
    return sums


def held_sizes(world: Portfolio, block: int) -> dict[str, int]:
    """What the chain says that ME's positions weigh."""
    return {
        position.id: position.data[SIZES[position.kind]]
        for venue in ("farm", "chef", "market", "morpho")
        for position in world.clients[venue][ME].positions(ME, block)
        if position.data[SIZES[position.kind]]
    }


def summed(deeds: Mapping[str, Sequence[Told]]) -> dict[str, int]:
    legs: dict[str, int] = {}
    for deed in (deed for each in deeds.values() for deed in each):
        for token, amount in deed.legs.items():
            add(legs, token, amount)
    return legs


def test_the_life_has_everything_in_it(world: Portfolio) -> None:
    verbs = Counter((one.venue, one.verb) for one in world.done if one.who == ME and isinstance(one.status, Filled))
    failed = [one for one in world.done if one.who == ME and not isinstance(one.status, Filled)]
    assert {venue for venue, _ in verbs} == {"", "range", *READERS}
    assert len(verbs) > 22, verbs
    assert len(failed) > 5
    assert any(one.verb == "liquidate" and isinstance(one.status, Filled) for one in world.done)


def test_sizes_told_are_the_sizes_held_after_every_block(world: Portfolio) -> None:
    blocks: dict[int, list[Done]] = {}
    for one in world.done:
        blocks.setdefault(one.block, []).append(one)
    seen = 0
    sizes = held_sizes(world, min(blocks) - 1)
    for number, dones in sorted(blocks.items()):
        for deed in (deed for one in dones for each in told(world, one).values() for deed in each):
            add(sizes, deed.position, deed.size)
            seen += bool(deed.size)
        assert sizes == held_sizes(world, number), (number, [(one.who == ME, one.verb) for one in dones])
    assert seen > 40


def test_what_one_does_by_oneself_moves_through_ones_wallet(world: Portfolio) -> None:
    checked = Counter[str]()
    for one in world.done:
        elsewhere = one.args.get("on_behalf_of", one.args.get("on_behalf", one.args.get("to", ME))) != ME
        if one.who != ME or one.venue not in READERS or elsewhere or one.verb.startswith("swap"):
            continue
        deeds = told(world, one)
        legs = summed(deeds)
        assert legs == moved(world, one), (one.venue, one.verb)
        if isinstance(one.status, Filled) and deeds[one.venue]:
            checked[one.venue] += 1
        else:
            assert not legs
    assert min(checked[venue] for venue in READERS) >= 5, checked


def test_what_others_pay_in_and_hand_over_counts_without_a_move_of_ones_own(world: Portfolio) -> None:
    paid_in = handed = 0
    reserves = {reserve.supply: asset for asset, reserve in world.clients["market"][ME].deployment.reserves.items()}
    for one in world.done:
        whom = one.args.get("on_behalf_of", one.args.get("on_behalf", one.args.get("to")))
        if not isinstance(one.status, Filled):
            continue
        if one.who != ME and whom == ME and one.venue:
            legs = summed(told(world, one))
            assert legs
            assert moved(world, one) == {token: legs[token] for token in legs if token.startswith("BON")}
            paid_in += 1
        elif one.verb == "transfer" and one.args.get("token") in reserves and ME in (one.who, one.args["to"]):
            sign = 1 if one.who == ME else -1
            assert summed(told(world, one)) == {reserves[one.args["token"]]: sign * one.args["amount"]}
            handed += 1
    assert paid_in > 5
    assert handed >= 2


def test_liquidations_befall_and_take_what_the_liquidator_got_and_the_fee(world: Portfolio) -> None:
    struck = [one for one in world.done if one.verb == "liquidate" and isinstance(one.status, Filled)]
    assert {one.venue for one in struck} == {"market", "morpho"}
    for one in struck:
        deeds = told(world, one)[one.venue]
        assert {deed.verb for deed in deeds} == {"liquidated"}
        assert not summed({"": deeds})
        assert not moved(world, one)
        taken = -sum(n for deed in deeds for n in deed.losses.values() if n < 0)
        seized = one.status.amounts["collateral" if one.venue == "market" else "seized"]
        assert taken == seized if one.venue == "morpho" else taken > seized, "the treasury's part is lost too"
