"""What others do in a market, drawn from a seed by playing it: each draw sees what the ones before it left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block
from tidemill.units import BPS, WAD, div_up, mul_div_down, parse_amount
from tidemill.venues.kinds import Setup
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.rules import ORACLE_SCALE, max_borrow_down
from tidemill.venues.morpho_blue.state import MarketState, MorphoState
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["Terms", "oracle_price", "script_of"]

_BORROWERS = {"borrower1": 4_000, "borrower2": 6_500, "borrower3": 9_000}
"""Who borrows, and up to which part of the limit they do so at first, in basis points."""
_STRAY = 400


class Terms(Struct, frozen=True):
    """A market's parameters in the contract's own units (wads, raw units, the oracle's scale), and what others do there."""

    market: str
    loan: str
    collateral: str
    irm: str
    lltv: int
    fee: int
    price: int
    supplied: int
    utilisation_bps: int
    oracle_move_bps: int
    lot: int


def oracle_price(setup: Setup, loan: int, collateral: int) -> int:
    """Return the study's ``price`` of one collateral as the oracle says it, given both tokens' decimals.

    Raises ``BadInput`` where it is none, or not above 0.
    """
    where = f"venues.{setup.id}.params.price"
    try:
        price = parse_amount(str(setup.params["price"]), 18)
    except BadInput as error:
        raise BadInput(str(error), field=where) from None
    if price <= 0:
        raise BadInput(f"{setup.params['price']}: one collateral is worth more than 0 of the loan token", field=where)
    return int(price * 10 ** (18 + loan) // 10**collateral)


def script_of(
    terms: Terms, stage: ScriptedStage[MorphoState], random: Random, blocks: Sequence[Block]
) -> list[Scripted]:
    """Return everything others do, oracle and owner included; ``stage`` is an empty one, used up by this."""
    script: list[Scripted] = []

    def do(actor: str, verb: str, **args: int | str) -> None:
        item = Scripted(block, actor, Action(verb, args))
        if stage.play(item):
            script.append(item)

    block = blocks[0]
    do("owner", "enable_irm", irm=terms.irm)
    do("owner", "enable_lltv", lltv=terms.lltv)
    named = {"market": terms.market, "loan": terms.loan, "collateral": terms.collateral}
    do("lender", "create_market", **named, irm=terms.irm, lltv=terms.lltv, price=0)
    do("oracle", "set_price", price=terms.price)
    if terms.fee:
        do("owner", "set_fee_recipient", to="owner")
        do("owner", "set_fee", fee=terms.fee)
    do("lender", "supply", assets=terms.supplied)
    each = mul_div_down(terms.supplied, terms.utilisation_bps, BPS) // len(_BORROWERS)
    for who, part in _BORROWERS.items() if each else ():
        do(who, "supply_collateral", assets=_carrying_up(each, terms, part))
        do(who, "borrow", assets=each)
    for block in blocks[1:]:
        market = MorphoModel().at(stage.state, stage.state.markets[terms.market], block.time)
        if terms.oracle_move_bps:
            moved = random.randint(-terms.oracle_move_bps, terms.oracle_move_bps)
            do("oracle", "set_price", price=max(mul_div_down(market.price, BPS + moved, BPS), 1))
        for who in _BORROWERS:
            account = stage.state.markets[terms.market].of(who)
            if account.borrow_shares and account.collateral:
                # One in reach of a liquidator loses half; refused (and left out) while it is healthy.
                do("liquidator", "liquidate", borrower=who, seized=div_up(account.collateral, 2))
        if terms.lot:
            # Whether it succeeds depends on what "me" owes by then: it stands in the script either way.
            script.append(Scripted(block, "liquidator", Action("liquidate", {"borrower": "me", "seized": terms.lot})))
        _one_move(terms, market, random, do)
    return script


def _one_move(terms: Terms, market: MarketState, random: Random, do: Callable[..., None]) -> None:
    """Somebody lends more or takes back, or borrowers move the utilisation to where it is wanted now."""
    if random.randrange(4) == 0:
        part = mul_div_down(market.supply_assets, random.randrange(1, 300), BPS)
        do("lender", random.choice(("supply", "withdraw")), assets=part)
        return
    wanted = min(max(terms.utilisation_bps + random.randint(-_STRAY, _STRAY), 0), BPS)
    change = mul_div_down(market.supply_assets, wanted, BPS) - market.borrow_assets
    who = random.choice(list(_BORROWERS))
    account = market.of(who)
    if change > 0:
        room = max_borrow_down(account.collateral, market.price, market.lltv) - market.owed_up(account)
        short = change - mul_div_down(max(room, 0), 9_000, BPS)
        if short > 0:
            do(who, "supply_collateral", assets=_carrying_up(short, terms, _BORROWERS[who], market.price))
        do(who, "borrow", assets=change)
    elif change < 0 and (owed := market.owed_up(account)):
        do(who, "repay", assets=min(-change, max(owed - 1, 1)))


def _carrying_up(loan: int, terms: Terms, part_bps: int, price: int = 0) -> int:
    """Raw units of collateral that carry ``loan`` at a part of the limit."""
    value = div_up(loan * WAD * BPS, terms.lltv * part_bps)
    return div_up(value * ORACLE_SCALE, price or terms.price)
