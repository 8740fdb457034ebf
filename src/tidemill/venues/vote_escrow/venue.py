"""A vote escrow as a study places it: others lock already and again, and dividends arrive day by day."""

from __future__ import annotations

from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.shared.scripted import ScriptedStage
from tidemill.venues.vote_escrow.model import EscrowModel
from tidemill.venues.vote_escrow.others import Terms, script_of

__all__ = ["VENUE"]

_CHECKED = (
    "the distributor of dividends is a contract of our own from the public rule (rule-checked); the escrow itself is "
    "bytecode-equal"
)


def place(setup: Setup) -> Placed:
    """Make the escrow, its distributor and the script of others."""
    params = setup.params
    token, dividend = str(params["token"]), str(params["dividend"])
    for symbol in (token, dividend):
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if not int(params["locked"]):
        raise BadInput("0: somebody must have locked, or the first weeks would belong to nobody",
                       field=f"venues.{setup.id}.params.locked")  # fmt: skip
    if int(params["more_bps"]) > 5_000:
        raise BadInput(f"{params['more_bps']}: must be 0 to 5000", field=f"venues.{setup.id}.params.more_bps")
    first = setup.first_from(setup.start)
    account = f"{setup.id}:escrow"
    state = {
        "account": account,
        "token": f"{token}@{setup.network}",
        "admin": "escrow-admin",
        "dividends": {"account": f"{setup.id}:dividends", "token": f"{dividend}@{setup.network}"},
        "time": first.time,
        "block": first.number,
    }
    terms = Terms(
        locked=int(params["locked"]) * 10 ** setup.decimals[token],
        paid_per_week=int(params["dividends_per_week"]) * 10 ** setup.decimals[dividend],
        more_bps=int(params["more_bps"]),
        start=first.time,
        end=setup.end,
    )
    script, model = script_of(terms, setup.random("others"), setup.first_from), EscrowModel()

    def make() -> Stage:
        beside = (f"{setup.id}:dividends",)
        return ScriptedStage(
            setup.id, setup.network, account, model, model.init(state), script, setup.first_from, beside=beside
        )

    tokens = {symbol: setup.decimals[symbol] for symbol in (token, dividend)}
    return Placed(make, tokens, notes=lambda: (f"{setup.id}: {_CHECKED}",))


VENUE = Kind(
    "vote_escrow",
    "farm",
    "rule-checked",
    "Tokens locked for up to a year, votes that decay with the time left, and weekly dividends by votes.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the token locked"),
        "dividend": (None, "symbol of the token paid out"),
        "locked": (1_000_000, "whole tokens that others lock at the start; they lock them again when a lock ends"),
        "more_bps": (50, "what others add to their locks each week on average, in basis points (0 to 5000)"),
        "dividends_per_week": (10_000, "whole dividend tokens a week on average, arriving day by day"),
    },
    income="Revenue is paid each week to those who lock, by the votes that each had when the week began; a week is paid "
    "once it is over.",
    risks=(
        "what is locked cannot be taken out before its time, whatever its price does",
        "votes fall to nothing towards the end of a lock: without extending, each week pays less than the one before",
        "a lock made within a week takes part from the next one on, and is paid a week after that",
        "dividends depend on revenue and on what others lock; neither is promised",
    ),
    verbs={"enter": "create_lock", "harvest": "claim", "leave": "withdraw"},
    history=read_back("tidemill.venues.vote_escrow.history"),
)
