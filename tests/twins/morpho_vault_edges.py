"""Places of a vault that random lives hardly ever reach: losses that stay in the price, markets that nobody opened."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import actor
from harness.edges import refused
from tidemill.interfaces import Action, Revert
from twins.morpho_vault_twin import ASSET, SETUPS, SHARE, WAD, YEAR, Twins

DAY = 86_400


def fresh(*, begin: bool = True) -> Twins:
    """Twins with three markets in both queues, or none at all."""
    twins = Twins(*SETUPS[0][:2], 0)
    if begin:
        twins.begin()
    return twins


def nothing_yet() -> None:
    """A vault without markets takes nothing, and gives back what it has: nothing."""
    twins = fresh(begin=False)
    twins.compare()
    twins.enter("deposit", twins.alice, 0)
    twins.accrue(twins.alice)
    refused("all caps reached", twins, twins.enter, "deposit", twins.alice, 1)
    refused("not owner", twins, twins.add_market, twins.alice, "m0", 5)
    refused("no such market", twins, twins.add_market, twins.owner, "none", 5)
    refused("no such market", twins, twins.set_cap, twins.owner, 0, 5)
    refused("no such market", twins, twins.set_supply_queue, twins.owner, (0,))
    refused("no such market", twins, twins.set_withdraw_queue, twins.owner, (0,))
    refused("no such market", twins, twins.reallocate, twins.owner, 0, 0, 1)
    twins.add_market(twins.owner, "m1", 0)
    refused("already there", twins, twins.add_market, twins.owner, "m1", 7)
    refused("no cap", twins, twins.set_supply_queue, twins.owner, (0,))
    twins.set_supply_queue(twins.owner, ())
    twins.set_withdraw_queue(twins.owner, ())
    twins.compare()
    twins.set_cap(twins.owner, 0, 0)
    assert twins.state.withdraw_queue == ()
    twins.set_cap(twins.owner, 0, 5)  # comes back to the queue
    assert twins.state.withdraw_queue == (0,)
    twins.set_cap(twins.owner, 0, 6)
    twins.compare()


def filled_in_order() -> None:
    """The first market is filled to its cap, then the second; emptied in the order of the other queue."""
    twins = fresh()
    one = twins.one
    assert twins.state.places[0].cap == 10_000 * one
    held = [
        twins.look("morpho", "expectedSupplyAssets", f"m{i}", twins.vault.address, twins.evm.block.time)[0]
        for i in range(3)
    ]
    assert held == [10_000 * one, 10_000 * one, 0]
    twins.enter("deposit", twins.bob, 40_000 * one)
    twins.compare()
    refused("all caps reached", twins, twins.enter, "deposit", twins.bob, 1)
    refused("all caps reached", twins, twins.enter, "mint", twins.bob, 10**12)
    twins.set_withdraw_queue(twins.owner, (2, 0, 1))
    twins.leave("withdraw", twins.bob, 30_001 * one)
    twins.compare()
    held = [
        twins.look("morpho", "expectedSupplyAssets", f"m{i}", twins.vault.address, twins.evm.block.time)[0]
        for i in range(3)
    ]
    assert held == [9_999 * one, 20_000 * one, 0]
    refused("balance", twins, twins.leave, "withdraw", twins.bob, 10_000 * one)
    refused("still supplied", twins, _without_second, twins)
    twins.evm.advance(YEAR)
    twins.enter("deposit", twins.bob, 1)  # interest has carried the first beyond its cap: it takes nothing more
    twins.compare()


def _without_second(twins: Twins) -> None:
    twins.set_cap(twins.owner, 1, 0)
    try:
        twins.set_withdraw_queue(twins.owner, (0, 2))
    finally:
        twins.set_cap(twins.owner, 1, 20_000 * twins.one)


def moved_to_the_cap() -> None:
    """What is moved may fill a market to its cap, and not one unit more."""
    twins = fresh()
    twins.set_cap(twins.owner, 2, 4_000)
    twins.reallocate(twins.owner, 1, 2, 3_999)
    twins.reallocate(twins.owner, 1, 2, 1)
    twins.compare()
    refused("cap exceeded", twins, twins.reallocate, twins.owner, 1, 2, 1)


def the_whole_wallet() -> None:
    """Somebody may bring all there is, and not one unit more."""
    twins = fresh()
    poor = actor("poor")
    twins.real.asset.send(twins.owner, "mint", poor, 1_000)
    twins.real.asset.send(poor, "approve", twins.vault.address, 1 << 200)
    twins.world.book.add(ASSET, poor, 1_000)
    refused("balance", twins, twins.enter, "deposit", poor, 1_001)
    twins.enter("deposit", poor, 1_000)
    twins.compare()


def all_lent_out() -> None:
    """What borrowers have cannot be withdrawn, whoever asks, until they repay."""
    twins = fresh()
    twins.borrow("m0", 5_000 * twins.one)
    twins.borrow("m1", 10_000 * twins.one)
    twins.compare()
    refused("not enough liquidity", twins, twins.leave, "withdraw", twins.alice, 1)
    refused("not enough liquidity", twins, twins.leave, "redeem", twins.alice, 10**18)
    refused("insufficient liquidity", twins, twins.reallocate, twins.owner, 0, 2, 5)
    assert twins.vault.view("maxWithdraw", twins.alice) == 0
    twins.evm.advance(DAY)
    refused("not enough liquidity", twins, twins.leave, "withdraw", twins.alice, 1)
    twins.repay("m1", twins.debt("m1")[1])
    twins.compare()
    twins.leave("withdraw", twins.alice, 10_000 * twins.one)
    twins.compare()


def fee_on_growth() -> None:
    """A tenth of the interest becomes shares of the recipient; what the others' shares are worth grows by the rest."""
    twins = fresh()
    before = twins.vault.view("convertToAssets", 10**18)
    twins.evm.advance(YEAR)
    twins.compare()
    total, last = twins.vault.view("totalAssets"), twins.state.last_total
    twins.accrue(twins.bob)
    twins.compare()
    fee = twins.vault.view("convertToAssets", twins.real.held(twins.vault.address, twins.dave))
    assert 0 <= (total - last) // 10 - fee <= 1
    assert twins.vault.view("convertToAssets", 10**18) > before
    twins.set_fee(twins.owner, 0, twins.dave)
    twins.evm.advance(DAY)
    twins.accrue(twins.bob)
    twins.compare()
    twins.set_fee(twins.owner, WAD // 2, twins.bob)
    twins.evm.advance(DAY)
    twins.set_fee(twins.owner, WAD // 4, twins.dave)  # a day at the old fee, to the old recipient
    twins.compare()
    assert twins.world.book.held[SHARE, twins.bob] > 0
    refused("fee too high", twins, twins.set_fee, twins.owner, WAD // 2 + 1, twins.dave)


def losses_stay_in_the_price() -> None:
    """A debt that nobody pays takes from the market, not from the price of a share; whoever leaves last finds too little."""
    twins = fresh()
    twins.set_fee(twins.owner, 0, twins.dave)
    worth = twins.vault.view("convertToAssets", 10**18)
    twins.default("m0", 10)
    twins.compare()
    twins.accrue(twins.bob)
    twins.compare()
    lost = twins.state.lost
    assert lost > 4_000 * twins.one
    assert worth - 1 <= twins.vault.view("convertToAssets", 10**18) <= worth
    refused(
        "not enough liquidity", twins, twins.leave, "redeem", twins.alice, twins.world.book.held[SHARE, twins.alice]
    )
    most = twins.vault.view("maxWithdraw", twins.alice)
    assert 20_000 * twins.one - most > 4_000 * twins.one
    twins.leave("withdraw", twins.alice, most)
    twins.compare()
    twins.enter("deposit", twins.bob, 100 * twins.one)  # pays for a share as if nothing were lost
    twins.borrow("m0", 10 * twins.one)
    twins.evm.advance(YEAR)
    twins.accrue(twins.bob)
    twins.compare()
    assert twins.state.lost == lost or twins.state.lost - lost <= 2  # what grows since does not make it good


def others_shares() -> None:
    """Nobody leaves with the shares of somebody else."""
    twins = fresh()
    with pytest.raises(Revert, match="not the holder"):
        twins.vault.send(twins.bob, "redeem", 1, twins.bob, twins.alice)


def more_than_words_hold() -> None:
    """Products beyond 256 bits are refused without a word, up to the very edge."""
    twins = fresh()
    total, supply = twins.state.last_total, twins.state.total_shares + twins.state.offset_unit
    edge = ((1 << 256) - 1) // supply
    refused("balance", twins, twins.enter, "deposit", twins.alice, edge)
    refused("", twins, twins.enter, "deposit", twins.alice, edge + 1)
    twins.accrue(twins.bob)
    edge = ((1 << 256) - 1) // (total + 1)
    refused("", twins, twins.leave, "redeem", twins.alice, edge + 1)
    refused("balance", twins, twins.leave, "redeem", twins.alice, edge)
    edge = ((1 << 256) - 2 - total) // supply
    refused("", twins, twins.leave, "withdraw", twins.alice, edge + 1)
    refused("balance", twins, twins.leave, "withdraw", twins.alice, edge)
    edge = ((1 << 256) - 1 - supply) // (total + 1)
    refused("", twins, twins.enter, "mint", twins.alice, edge + 1)
    refused("balance", twins, twins.enter, "mint", twins.alice, edge)


def at_the_last_bit() -> None:
    """With a count of shares and assets that divides 2**256, or 2**256 - 1: the last product that fits, and the next."""
    for first in ((1 << 20) - 1, 14):
        twins = Twins(*SETUPS[1][:2], 0)  # no offset, and in the third market no interest
        twins.add_market(twins.owner, "m2", 1 << 40)
        twins.set_supply_queue(twins.owner, (0,))
        twins.enter("deposit", twins.alice, first)
        factor = first + 1
        for kind in (
            (twins.enter, "deposit", 0),
            (twins.enter, "mint", factor),
            (twins.leave, "redeem", 0),
            (twins.leave, "withdraw", factor),
        ):
            act, verb, more = kind
            most = ((1 << 256) - 1 - more) // factor
            refused("balance", twins, act, verb, twins.alice, most)
            refused("", twins, act, verb, twins.alice, most + 1)


def names_that_are_none() -> None:
    """What is no verb and no view is said to be none."""
    twins = fresh()
    with pytest.raises(Revert, match="no verb 'vote'"):
        twins.world.do(twins.alice, "vault", Action("vote"))
    vaults = twins.world.models["vault"]
    with pytest.raises(KeyError):
        vaults.read(twins.state, "nothing", twins.evm.block.time, twins.look)
    bare = vaults.init({"account": "v", "asset": "a", "share": "s", "owner": "o"})
    assert bare.offset_unit == 1
    assert vaults.rates(twins.state, "vault", lambda _t, _a: 0) == {}


EDGES: list[Callable[[], None]] = [
    nothing_yet,
    filled_in_order,
    moved_to_the_cap,
    the_whole_wallet,
    all_lent_out,
    fee_on_growth,
    losses_stay_in_the_price,
    others_shares,
    more_than_words_hold,
    at_the_last_bit,
    names_that_are_none,
]
