"""What actors draw: every verb of seven families, for themselves and for each other, in and out, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from statement.portfolio import ALICE, BOB, DAY, LP, ME, OWNER, PRICE, SHARE, USDC, USERS, WETH, Doing, Portfolio
from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call
from tidemill.venues.aave_v3.client import ALL
from tidemill.venues.shared.client_parts import ERC20, abi

_ORACLE = Abi(artefact("PriceOracle").abi)


def live(world: Portfolio, turns: int) -> None:
    """Let everybody act for so many blocks; ME in most of them, once in three twice."""
    rng = world.rng
    for _ in range(turns):
        who = [ME, *rng.sample(USERS, rng.randint(0, 3))]
        rng.shuffle(who)
        doings = [doing for one in who if (doing := _draw(world, rng, one)) is not None]
        world.turn(*doings, seconds=rng.choice((2, 12, 600, 3_600, DAY)))
        if rng.random() < 0.2:
            _yield(world, rng)


def liquidations(world: Portfolio) -> None:
    """ME borrows at both markets, the price falls, ALICE takes collateral of each; then the price is back."""
    world.turn(
        world.doing(ME, "market", "supply", asset=WETH, amount=100 * 10**18),
        world.doing(ME, "morpho", "supply_collateral", assets=10**19),
    )
    worth = world.clients["market"][ME].read("getUserAccountData", ME)[2]  # in units of 1e-8
    _, debt, collateral = world.clients["morpho"][ME].read("position", ME)
    carried = collateral * world.price * 8 // 10 // 10**12 - debt // 10**6
    world.turn(
        world.doing(ME, "market", "borrow", asset=USDC, amount=worth // 100 * 99 // 100),
        world.doing(ME, "morpho", "borrow", assets=carried),
        seconds=DAY,
    )
    _reprice(world, world.price * 6 // 10)
    world.turn(
        world.doing(
            ALICE, "market", "liquidate", collateral=WETH, debt=USDC, user=ME, cover=300 * 10**6, receive_supply=False
        ),
        world.doing(ALICE, "morpho", "liquidate", borrower=ME, seized=10**17, repaid_shares=0),
        seconds=3_600,
    )
    world.turn(
        world.doing(
            BOB, "market", "liquidate", collateral=WETH, debt=USDC, user=ME, cover=200 * 10**6, receive_supply=True
        )
    )
    _reprice(world, PRICE)


def _reprice(world: Portfolio, price: int) -> None:
    world.price = price
    oracle = world.clients["market"][OWNER].deployment.oracle
    call = Call(oracle, _ORACLE.encode("setAssetPrice", world.tokens[WETH], price * 10**8))
    world.turn(
        Doing(OWNER, "", "set_price", {}, (call,)),
        world.doing(OWNER, "morpho", "set_price", price=price * 10**24),
    )


def _yield(world: Portfolio, rng: Random) -> None:
    world.turn(world.doing(OWNER, "vault", "donate", assets=rng.randrange(1, 10**8)))


def _draw(world: Portfolio, rng: Random, who: str) -> Doing | None:
    return rng.choice((_pair, _range, _vault, _farm, _chef, _market, _morpho, _send, _mistake, _allow))(world, rng, who)


def _part(rng: Random, whole: int, parts: int = 4) -> int:
    """All of it once in five, else up to a part of it."""
    return whole if rng.random() < 0.2 else rng.randrange(1, max(whole // parts, 2))


def _pair(world: Portfolio, rng: Random, who: str) -> Doing | None:
    at = world.clients["pair"][who].deployment
    pick = rng.randrange(4)
    if pick == 0:
        least = {"amount0_min": 0, "amount1_min": 0}
        lp = world.held(LP, who)
        return world.doing(who, "pair", "remove_liquidity", liquidity=_part(rng, lp), **least) if lp else None
    if pick == 1:
        token = rng.choice((USDC, WETH))
        amount = rng.randrange(1, world.held(token, who) // 50)
        return world.doing(who, "pair", "swap_exact_in", token_in=token, amount_in=amount, amount_out_min=0)
    usdc = rng.randrange(10**6, 10**10)
    desired = {USDC: usdc, WETH: usdc * 10**12 // 1_900}
    return world.doing(
        who, "pair", "add_liquidity", amount0_desired=desired[at.token0_id], amount1_desired=desired[at.token1_id],
        amount0_min=0, amount1_min=0,
    )  # fmt: skip


def _range(world: Portfolio, rng: Random, who: str) -> Doing | None:
    client, money = world.clients["range"][who], rng.randrange(10**6, 10**10)
    desired = {USDC: money, WETH: money * 10**12 // 2_000}
    both = dict(
        zip(("amount0_desired", "amount1_desired"), (desired[t] for t in client.deployment.token_ids), strict=True)
    )
    held = client.positions(who)
    verb = rng.choice(("mint", "increase", "decrease", "harvest", "harvest", "swap_exact_in"))
    if verb == "swap_exact_in":
        token = rng.choice((USDC, WETH))
        return world.doing(who, "range", verb, token_in=token, amount_in=desired[token], amount_out_min=0)
    if verb == "mint" or not held:
        tick = client.read("slot0")[1] // 10 * 10
        lower, upper = tick - 10 * rng.randrange(-20, 300), tick + 10 * rng.randrange(21, 300)
        return world.doing(who, "range", "mint", tick_lower=lower, tick_upper=upper, **both)
    one = rng.choice(held)
    if verb == "decrease":
        liquidity = one.data["liquidity"]
        part = {"liquidity": _part(rng, liquidity)}
        return world.doing(who, "range", verb, position=one.id, **part) if liquidity else None
    return world.doing(who, "range", verb, position=one.id, **(both if verb == "increase" else {}))


def _vault(world: Portfolio, rng: Random, who: str) -> Doing | None:
    shares = world.held(SHARE, who)
    if not shares or rng.random() < 0.5:
        return world.doing(who, "vault", "deposit", assets=rng.randrange(1, 10**10))
    if rng.random() < 0.5:
        return world.doing(who, "vault", "redeem", shares=_part(rng, shares))
    return world.doing(who, "vault", "withdraw", assets=_part(rng, shares // 1_100 + 1))


def _farm(world: Portfolio, rng: Random, who: str) -> Doing | None:
    lp, staked = world.held(LP, who), world.clients["farm"][who].read("balanceOf", who)
    if staked and rng.random() < 0.5:
        verb = rng.choice(("withdraw", "claim", "claim", "exit"))
        return world.doing(who, "farm", verb, **({"amount": _part(rng, staked)} if verb == "withdraw" else {}))
    return world.doing(who, "farm", "stake", amount=_part(rng, lp, 2)) if lp else None


def _chef(world: Portfolio, rng: Random, who: str) -> Doing | None:
    pid = rng.randrange(2)
    held = world.held((LP, SHARE)[pid], who)
    staked, _ = world.clients["chef"][who].read("userInfo", pid, who)
    if staked and rng.random() < 0.6:
        verb = rng.choice(("withdraw", "harvest", "harvest", "withdraw_and_harvest", "emergency_withdraw"))
        amount = {"amount": _part(rng, staked)} if verb in ("withdraw", "withdraw_and_harvest") else {}
        return world.doing(who, "chef", verb, pid=pid, **amount)
    if not held:
        return None
    to = rng.choice((who, ME))
    return world.doing(who, "chef", "deposit", pid=pid, amount=_part(rng, held, 2), to=to)


def _market(world: Portfolio, rng: Random, who: str) -> Doing | None:
    client, asset = world.clients["market"][who], rng.choice((USDC, WETH))
    unit = {USDC: 10**9, WETH: 10**18 // 2}[asset]
    for_whom = {"on_behalf_of": rng.choice((who, ME))}
    supplied = client.read("aToken.balanceOf", asset, who)
    owed = client.read("variableDebtToken.balanceOf", asset, who)
    pick = rng.randrange(6)
    if pick == 0 and supplied:
        return world.doing(who, "market", "withdraw", asset=asset, amount=rng.choice((ALL, _part(rng, supplied))))
    if pick in (1, 2) and owed:
        verb = rng.choice(("repay", "repay", "repay_with_supply"))
        amount = rng.choice((ALL, _part(rng, owed))) if verb == "repay" else _part(rng, owed)
        return world.doing(who, "market", verb, asset=asset, amount=amount)
    if pick == 3 and supplied:
        return world.doing(who, "market", "borrow", asset=asset, amount=rng.randrange(1, unit // 4))
    if pick == 4 and supplied:
        token = client.deployment.reserves[asset].supply
        return world.sending(who, token, rng.choice([one for one in USERS if one != who]), _part(rng, supplied))
    return world.doing(who, "market", "supply", asset=asset, amount=rng.randrange(1, unit), **for_whom)


def _morpho(world: Portfolio, rng: Random, who: str) -> Doing | None:
    client = world.clients["morpho"][who]
    supply, debt, collateral = client.read("position", who)
    for_whom = {"on_behalf": rng.choice((who, ME))}
    pick: Callable[[], dict[str, Any]] | None
    verb = rng.choice(("supply", "withdraw", "supply_collateral", "withdraw_collateral", "borrow", "repay"))
    money = rng.randrange(1, 10**9)
    pick = {
        "supply": lambda: {"assets": money, **for_whom},
        "supply_collateral": lambda: {"assets": money * 10**9, **for_whom},
        "withdraw": (lambda: {"shares": _part(rng, supply)}) if supply else None,
        "borrow": (lambda: {"assets": money // 2}) if collateral else None,
        "repay": (lambda: {"shares": _part(rng, debt)}) if debt else None,
        "withdraw_collateral": (lambda: {"assets": _part(rng, collateral, 9)}) if collateral else None,
    }[verb]
    return world.doing(who, "morpho", verb, **pick()) if pick else None


def _send(world: Portfolio, rng: Random, who: str) -> Doing | None:
    token = rng.choice((USDC, WETH, LP, SHARE))
    held = world.held(token, who)
    to = rng.choice([one for one in USERS if one != who])
    return world.sending(who, token, to, rng.randrange(1, held // 20)) if held > 20 else None


def _allow(world: Portfolio, _rng: Random, who: str) -> Doing:
    """Let the farm take shares, once more: no log of any venue tells of it."""
    data = abi(ERC20).encode("approve", world.clients["farm"][who].deployment.farm, (1 << 256) - 1)
    return Doing(who, "", "approve", {}, (Call(world.tokens[LP], data),))


def _mistake(world: Portfolio, rng: Random, who: str) -> Doing | None:
    """Take out more than there is: the transaction fails and costs its fee."""
    much = 10**30
    venue, verb, args = rng.choice(
        (
            ("farm", "withdraw", {"amount": much}),
            ("chef", "withdraw", {"pid": 0, "amount": much}),
            ("market", "withdraw", {"asset": USDC, "amount": much}),
            ("vault", "redeem", {"shares": much}),
        )
    )
    return world.doing(who, venue, verb, **args)
