"""Delegation as a study places it: a validator with others' stake, everybody else's, and rewards by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.networks.unpaid import unpaid
from tidemill.units import format_amount
from tidemill.venues.delegation.model import DelegationModel
from tidemill.venues.delegation.rules import reward_of_target_down, tips_for_stakers_down
from tidemill.venues.delegation.state import FORMS, DelegationState, Terms
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

HOUR, DAY = 3_600, 86_400
_MOST_BPS = 10_000
"""A yield from new tokens above this is a mistake about how much is staked."""
_EPOCH = {"strk": HOUR, "subsidy": DAY}
_OWN_RULE = (
    "the contract is ours, written from published rules (rule-checked): that a deployed one answers the same to the wei is not "
    "proven; nothing is slashed, stake elsewhere stays as it is"
)


def place(setup: Setup) -> Placed:
    """Make the validator and its epochs.

    Raises
    ------
    BadInput : a form that is none, a token without decimals, or stake that there cannot be.
    """
    params, where = setup.params, f"venues.{setup.id}.params"
    token = str(params["token"])
    (decimals,) = setup.places(token)
    for said in unpaid((token,)):
        raise BadInput(said, field=f"{where}.token")
    if params["form"] not in FORMS:
        raise BadInput(f"{params['form']!r}: a form is {', '.join(FORMS)}", field=f"{where}.form")
    staked = sum(int(params[name]) for name in ("own", "others", "elsewhere"))
    if staked > int(params["supply"]):
        raise BadInput(f"{params['supply']}: {staked} are staked already", field=f"{where}.supply")
    if not int(params["own"]) + int(params["others"]):
        raise BadInput("0: a validator has stake of its own or of others", field=f"{where}.own")
    account, terms = f"{setup.id}:stake", _terms(setup, 10**decimals)
    model, script = DelegationModel(), _script(setup, terms, 10**decimals)

    def make() -> Stage:
        state = DelegationState(setup.id, account, f"{token}@{setup.network}", terms, setup.start)
        return ScriptedStage(setup.id, setup.network, account, model, state, script, setup.first_from)

    others = {"others": int(params["others"]) * 10**decimals}
    paying = DelegationState(setup.id, account, token, terms, setup.start, total=others["others"], shares=others)
    yearly = model.read(paying, "yields")
    if terms.form != "subsidy" and yearly[0] > _MOST_BPS:
        everybody = f"{staked:,} {token} in all would share it at {format_amount(yearly[0], 2)} % a year"
        raise BadInput(
            f"{params['elsewhere']}: {everybody}; give what is staked at all other validators",
            field=f"{where}.elsewhere",
        )
    gross, inflation, net = (format_amount(bps, 2) for bps in yearly)
    source = "a programme's money, which ends" if terms.form == "subsidy" else "new tokens"
    if terms.tips:
        source += " and users' priority fees"
    yields = (
        f"paid from {source}: at today's stake {gross} % a year after commission; the supply grows by {inflation} % a year, so "
        f"{net} % is left against everybody else's"
    )
    notes = (f"{setup.id}: {yields}", f"{setup.id}: {_OWN_RULE}")
    return Placed(make, {}, notes=lambda: notes)


def _terms(setup: Setup, unit: int) -> Terms:
    params, form = setup.params, str(setup.params["form"])
    yearly = int(params["yearly"]) * unit
    interval = int(params["checkpoint_blocks"])
    return Terms(
        form=form,
        own=int(params["own"]) * unit,
        elsewhere=int(params["elsewhere"]) * unit,
        commission=int(params["commission_pct"]),
        supply=int(params["supply"]) * unit,
        other_mint=int(params["other_mint"]) * unit,
        unbonding=int(params["unbonding_hours"]) * HOUR,
        least=unit,
        reward=reward_of_target_down(yearly, int(params["block_cs"]), interval),
        interval=interval,
        decrease=int(params["decrease_pct"]),
        bonus=int(params["proposer_bonus_pct"]),
        yearly=yearly if form == "pol" else 0,
        numerator=int(params["curve_numerator"]) if form == "strk" else 0,
        alpha_bps=int(params["alpha_bps"]) if form == "strk" else 0,
        rate_bps=int(params["subsidy_bps"]) if form == "subsidy" else 0,
        tips=_tips(params, unit) if form == "pol" else 0,
        purse=int(params["purse"]) * unit,
        ends=setup.start + int(params["ends_day"]) * DAY,
    )


def _tips(params: Mapping[str, int | str], unit: int) -> int:
    fees, commission, stakers = (
        int(params[name]) for name in ("priority_fees", "tip_commission_bps", "tip_stakers_bps")
    )
    return tips_for_stakers_down(fees * unit, commission, stakers)


def _script(setup: Setup, terms: Terms, unit: int) -> list[Scripted]:
    params, draws = setup.params, setup.random("epochs")
    first = setup.first_from(setup.start)
    others, script = int(params["others"]) * unit, []
    if others:
        script.append(Scripted(first, "others", Action("delegate", {"amount": others})))
    blocks = terms.interval
    # A checkpoint comes when its blocks are full: hundredths of seconds each, rounded down to the second.
    every = _EPOCH.get(terms.form) or max(blocks * int(params["block_cs"]) // 100, 1)
    weight, everybody = terms.own + others, terms.own + others + terms.elsewhere
    for time in range(setup.start + every, setup.end, every):
        args = {}
        if terms.form == "pol":
            args = {"blocks": blocks, "proposer": int(draws.randrange(everybody) < weight)}
            args["signed_bps"] = int(params["signed_bps"])
        script.append(Scripted(setup.first_from(time), "validator", Action("epoch", args)))
    return script


VENUE = Kind(
    "delegation",
    "operator",
    "rule-checked",
    "Stake delegated to a validator (POL on Ethereum, STRK), or to a programme that pays for it (the ZK pilot).",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the token staked"),
        "form": ("pol", "pol (checkpoints), strk (a minting curve) or subsidy (a programme with an end)"),
        "own": (1_000_000, "whole tokens of the validator itself"),
        "others": (20_000_000, "whole tokens that others delegate to it"),
        "elsewhere": (3_400_000_000, "whole tokens staked at all other validators"),
        "commission_pct": (5, "the validator's part of its delegators' rewards, per cent"),
        "supply": (10_353_000_000, "whole tokens there are at the start"),
        "other_mint": (103_530_000, "whole tokens minted a year for others than stakers (a treasury)"),
        "unbonding_hours": (72, "hours between asking a stake back and claiming it"),
        "yearly": (103_530_000, "pol: whole tokens that a year of checkpoints pays"),
        "block_cs": (175, "pol: hundredths of a second a block"),
        "checkpoint_blocks": (5_120, "pol: blocks of a checkpoint"),
        "decrease_pct": (10, "pol: what each further checkpoint's length in one pays less"),
        "proposer_bonus_pct": (10, "pol: the proposer's part"),
        "signed_bps": (10_000, "pol: stake that signs"),
        "priority_fees": (
            0,
            "pol: whole tokens of priority fees that users pay in a year; 0: not counted, as no fact here tells them",
        ),
        "tip_commission_bps": (
            2_600,
            "pol: of them, what block producers take first (PIP-65; its text says 2,000, later sources this)",
        ),
        "tip_stakers_bps": (5_000, "pol: of the rest, what goes to stakers (PIP-85)"),
        "curve_numerator": (213, "strk: of the minting curve, ten-thousandths"),
        "alpha_bps": (2_500, "strk: the part of what is minted that stakers of BTC get"),
        "subsidy_bps": (1_000, "subsidy: paid a year on what is delegated"),
        "purse": (25_000_000, "subsidy: whole tokens in all"),
        "ends_day": (180, "subsidy: day of the study on which it ends"),
    },
    limits={
        "own": (0, 10**12),
        "others": (0, 10**12),
        "elsewhere": (0, 10**12),
        "commission_pct": (0, 100),
        "supply": (1, 10**13),
        "other_mint": (0, 10**12),
        "unbonding_hours": (0, 10_000),
        "yearly": (0, 10**12),
        "block_cs": (10, 10_000),
        "checkpoint_blocks": (100, 10**6),
        "decrease_pct": (0, 100),
        "proposer_bonus_pct": (0, 100),
        "signed_bps": (6_667, 10_000),
        "priority_fees": (0, 10**12),
        "tip_commission_bps": (0, 10_000),
        "tip_stakers_bps": (0, 10_000),
        "curve_numerator": (0, 500),
        "alpha_bps": (0, 10_000),
        "subsidy_bps": (0, 100_000),
        "purse": (0, 10**12),
        "ends_day": (0, 10_000),
    },
    income="A validator signs; what is minted for it is shared by stake, and delegators get their part less its commission.",
    risks=(
        "most of it is new tokens: whoever does not stake pays it, and a part of it only keeps one's share of the supply",
        "leaving takes days in which nothing is earned and the token's price moves",
        "the rate is governance's to lower, and falls by itself as more is staked",
        "rewards are income in the token, whose price moves until you sell",
    ),
    verbs={"enter": "delegate", "harvest": "claim", "leave": "undelegate"},
)
