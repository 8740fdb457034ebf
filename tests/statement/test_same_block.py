"""Several deeds of one block: each sees what the one before it left, and the statement must tell them apart."""

from __future__ import annotations

import pytest

from statement.life import _reprice
from statement.portfolio import ALICE, DAY, LP, ME, OWNER, USDC, WETH, Portfolio
from statement.test_round_trip import asked, check, token_of
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.interfaces import Filled
from tidemill.studies.held.chain import from_chain
from tidemill.studies.held.document import Portfolio as Stated

pytestmark = pytest.mark.chain


def stated(world: Portfolio, *given: str) -> Stated:
    """End as every life does, and hold the statement against the chain."""
    assert all(isinstance(one.status, Filled) for one in world.done), world.done
    world.turn(world.doing(OWNER, "morpho", "accrue"))
    prices = {symbol: price for symbol, price in asked(world).given.items() if symbol in given}
    done = from_chain(world.rpc, asked(world, given=prices))
    check(world, done)
    return done


def test_what_was_harvested_is_not_forfeited_once_more() -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Portfolio(anvil, "")
        usdc_first = world.clients["pair"][ME].deployment.token0_id == USDC
        both = (10**10, 5 * 10**18) if usdc_first else (5 * 10**18, 10**10)
        desired = dict(zip(("amount0_desired", "amount1_desired"), both, strict=True))
        world.turn(world.doing(ME, "pair", "add_liquidity", **desired, amount0_min=0, amount1_min=0))
        half = world.held(LP) // 2
        for amount in (half, half):
            world.turn(world.doing(ME, "chef", "deposit", pid=0, amount=amount, to=ME), seconds=DAY)
        kept = world.turn(
            world.doing(ME, "chef", "harvest", pid=0),
            world.doing(ME, "chef", "emergency_withdraw", pid=0),
            seconds=DAY,
        )
        done = stated(world, "SUSHI", "BON")
        rows = {row.key: {token_of(t): n for t, n in row.tokens.items()} for row in done.total.waterfall if done.total}
        paid = kept[0].status.amounts["reward"]
        assert 0 <= paid - rows["rewards"]["SUSHI@op"] <= 2  # of which the contract rounds off single units
        assert not any(row == "events" for row in rows)


def test_a_liquidation_between_own_deeds() -> None:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Portfolio(anvil, "")
        world.turn(
            world.doing(ME, "market", "supply", asset=WETH, amount=10**18),
            world.doing(ME, "morpho", "supply_collateral", assets=10**18),
        )
        world.turn(
            world.doing(ME, "market", "borrow", asset=USDC, amount=1_480 * 10**6),
            world.doing(ME, "morpho", "borrow", assets=1_600 * 10**6),
        )
        _reprice(world, world.price * 7 // 10)
        strike = {"collateral": WETH, "debt": USDC, "user": ME, "cover": 10**8, "receive_supply": False}
        world.turn(
            world.doing(ME, "market", "supply", asset=WETH, amount=10**16),
            world.doing(ALICE, "market", "liquidate", **strike),
            world.doing(ALICE, "morpho", "liquidate", borrower=ME, seized=10**16, repaid_shares=0),
            world.doing(ALICE, "market", "liquidate", **strike),
            world.doing(ME, "market", "repay", asset=USDC, amount=10**8),
            world.doing(ME, "morpho", "supply_collateral", assets=10**17),
            seconds=DAY,
        )
        done = stated(world)
        struck = [row for row in done.total.waterfall if done.total and row.key == "events"]
        paid = {token_of(token): amount for token, amount in struck[0].tokens.items()}
        assert paid[USDC] > 2 * 10**8
        assert paid[WETH] < 0
