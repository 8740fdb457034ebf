"""A Morpho Blue market as a study places it: others lend and borrow, its oracle moves, and who falls is liquidated."""

from __future__ import annotations

from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Block, Stage
from tidemill.units import BPS, WAD, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup, read_back, signs_of
from tidemill.venues.morpho_blue.bars import BARS
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.others import Terms, oracle_price, script_of
from tidemill.venues.morpho_blue.rules import MAX_FEE
from tidemill.venues.morpho_blue.stage import MarketStage
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK
from tidemill.venues.shared.scripted import Scripted

__all__ = ["VENUE"]

_RATES = {ADAPTIVE: ADAPTIVE, MOCK: MOCK, "none": FREE}
_PER_BPS = WAD // BPS
_DRAWN = (
    "lenders, borrowers, the oracle's price and liquidations there are seeded draws, not recorded ones; the oracle moves "
    "apart from the study's own prices"
)
_CHECKED = (
    "its rate follows the public specification of the adaptive curve, checked against a contract of our own (rule-checked); "
    "the market itself is bytecode-equal"
)


def place(setup: Setup) -> Placed:
    """Make the market and its script."""
    terms = _terms(setup)
    account, model = f"{setup.id}:morpho", MorphoModel()

    def stage(script: list[Scripted]) -> MarketStage:
        state = model.init({"account": account, "owner": "owner"})
        return MarketStage(setup.id, setup.network, account, model, state, script, setup.first_from)

    script = script_of(terms, stage([]), setup.random("others"), _blocks(setup))

    def make() -> Stage:
        return stage(script)

    def notes() -> tuple[str, ...]:
        said = [f"{setup.id}: {_DRAWN}"]
        return (*said, f"{setup.id}: {_CHECKED}") if terms.irm == ADAPTIVE else tuple(said)

    symbols = {str(setup.params[name]) for name in ("loan", "collateral")}
    return Placed(make, {symbol: setup.decimals[symbol] for symbol in symbols}, notes=notes)


def _terms(setup: Setup) -> Terms:
    params, where = setup.params, f"venues.{setup.id}.params"
    loan, collateral, rate = str(params["loan"]), str(params["collateral"]), str(params["rate"])
    for symbol in (loan, collateral):
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if rate not in _RATES:
        raise BadInput(f"{rate!r}: a rate is {', '.join(_RATES)}", field=f"{where}.rate")
    within = {"lltv_bps": (1, 9_999), "fee_bps": (0, MAX_FEE // _PER_BPS), "utilisation_bps": (0, 10_000),
              "oracle_move_bps": (0, 5_000), "every_hours": (1, 10_000)}  # fmt: skip
    for name, (low, high) in within.items():
        if not low <= int(params[name]) <= high:
            raise BadInput(f"{params[name]}: must be {low} to {high}", field=f"{where}.{name}")
    if not int(params["supplied"]):
        raise BadInput("0: others must have supplied something, or nobody could borrow", field=f"{where}.supplied")
    decimals = setup.decimals[loan], setup.decimals[collateral]
    try:
        lot = parse_amount(str(params["liquidation_lot"]), decimals[1])
    except BadInput as error:
        raise BadInput(str(error), field=f"{where}.liquidation_lot") from None
    return Terms(
        market=setup.id,
        loan=f"{loan}@{setup.network}",
        collateral=f"{collateral}@{setup.network}",
        irm=_RATES[rate],
        lltv=int(params["lltv_bps"]) * _PER_BPS,
        fee=int(params["fee_bps"]) * _PER_BPS,
        price=oracle_price(setup, *decimals),
        supplied=int(params["supplied"]) * 10 ** decimals[0],
        utilisation_bps=int(params["utilisation_bps"]),
        oracle_move_bps=int(params["oracle_move_bps"]),
        lot=lot,
    )


def _blocks(setup: Setup) -> list[Block]:
    step = int(setup.params["every_hours"]) * 3_600
    return [setup.first_from(time) for time in range(setup.start, setup.end, step)]


VENUE = Kind(
    "morpho_blue",
    "lending",
    "bytecode-equal",
    "An isolated lending market: one loan token, one collateral, one oracle, one rate, one limit.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "loan": (None, "symbol of the token lent"),
        "collateral": (None, "symbol of the token that carries the loans"),
        "price": (None, 'what the oracle says one collateral is worth in the loan token, e.g. "3000"'),
        "lltv_bps": (8_600, "liquidation loan-to-value, basis points (1 to 9999)"),
        "rate": (ADAPTIVE, "adaptive_curve (rule-checked), utilisation (the package's mock) or none"),
        "fee_bps": (0, "the protocol's part of the interest, basis points (0 to 2500)"),
        "supplied": (1_000_000, "whole loan tokens that others lend at the start"),
        "utilisation_bps": (9_000, "part of it that others borrow, about which they move (0 to 10000)"),
        "every_hours": (6, "hours between moves of others and of the oracle (1 to 10000)"),
        "liquidation_lot": ("0", "collateral that a liquidator tries to seize of you after each move of the oracle"),
        "oracle_move_bps": (0, "most that the oracle's price moves each time, up or down (0 to 5000)"),
    },
    income="Borrowers of one market pay the rate of its model; its suppliers share it, less the protocol's part.",
    risks=(
        "a market has one collateral and one oracle, fixed for ever: if the oracle is wrong, so are its liquidations",
        "debt left without collateral is taken off what suppliers of that market lent",
        "when all is borrowed, a withdrawal waits until somebody repays or supplies",
    ),
    verbs={"enter": "supply", "leave": "withdraw"},
    bars=BARS,
    history=read_back("tidemill.venues.morpho_blue.history"),
    signs=signs_of("tidemill.venues.morpho_blue.signs"),
)
