"""A liquidity bridge as a study places it: a token, two networks, a fee, and how fast, how much and how surely it is filled."""

from __future__ import annotations

from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.networks import get
from tidemill.networks.bridges import bridge_facts
from tidemill.units import format_amount, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.liquidity_bridge.model import BridgeState, Side, Terms
from tidemill.venues.liquidity_bridge.stage import LiquidityStage

__all__ = ["VENUE"]

BPS = 10_000
DRAWS = 4_096
"""Draws of who is not filled; beyond so many tickets they come again."""
_EXPIRY = bridge_facts().integer("fill_deadline")
_SETTLE = bridge_facts().integer("bundle_interval") + bridge_facts().integer("challenge_period")


def place(setup: Setup) -> Placed:
    """Make both halves.

    Raises
    ------
    BadInput : the token's decimals are not known, it pays for gas, or the bridge would lead where it begins.
    """
    token = str(setup.params["token"])
    (decimals,) = setup.places(token)
    to = setup.other_network()
    if token in (get(setup.network).native_token, get(to).native_token):
        raise BadInput(
            f"{token} pays for gas; the bridge moves an ERC-20 token", field=f"venues.{setup.id}.params.token"
        )
    terms = Terms(
        bps=int(setup.params["fee_bps"]),
        flat=_amount(setup, "flat", decimals),
        limit=_amount(setup, "limit", decimals),
        fill=int(setup.params["fill_seconds"]),
        expiry=int(setup.params["expiry_seconds"]),
        settle=int(setup.params["settle_seconds"]),
        missed=_missed(setup),
    )
    halves = ((setup.id, setup.network), (f"{setup.id}@{to}", to))

    def make() -> Stage:
        one, two = (
            Side(name, network, f"{token}@{network}", f"{name}:spoke", f"{name}:relayer") for name, network in halves
        )
        return LiquidityStage(BridgeState((one, two), terms), 0, [setup.clock(network) for _, network in halves])

    return Placed(make, {token: decimals}, notes=lambda: _notes(setup, terms, decimals), networks=(to,))


def _amount(setup: Setup, key: str, decimals: int) -> int:
    field = f"venues.{setup.id}.params.{key}"
    try:
        amount = parse_amount(str(setup.params[key]), decimals)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=field) from None
    if not 0 <= amount <= 10**12 * 10**decimals:
        raise BadInput(f"{setup.params[key]}: not between 0 and 10^12 whole tokens", field=field)
    return amount


def _missed(setup: Setup) -> tuple[bool, ...]:
    share = int(setup.params["missed_bps"])
    draws = setup.random("fills")
    return tuple(draws.randrange(BPS) < share for _ in range(DRAWS)) if share else (False,)


def _notes(setup: Setup, terms: Terms, decimals: int) -> tuple[str, ...]:
    token = setup.params["token"]
    most = format_amount(terms.limit, decimals)
    if terms.fill > terms.expiry:
        return (f"{setup.id}: nobody fills within {terms.expiry:,} s: everything sent comes back",)
    own = (
        f"{setup.id}: the fee, the {terms.fill:,} s until it is filled and the {most} {token} that are filled at most are "
        f"the study's own figures, the same at every time; {setup.params['missed_bps']} bps of what is sent nobody fills"
    )
    return (
        own,
        f"{setup.id}: who is not filled has his money back {terms.expiry + terms.settle:,} s after sending, the whole of it",
    )


VENUE = Kind(
    "liquidity_bridge",
    "bridge",
    "rule-checked",
    "A liquidity bridge crossed: sent here, paid there by somebody with money there for a fee; given back where nobody does.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the ERC-20 token that is moved"),
        "to": ("ethereum", "the other network"),
        "fee_bps": (4, "part of what is sent that is kept, basis points, rounded up"),
        "flat": ("0", "kept of every send besides, whole tokens as text"),
        "limit": ("100000", "most that is filled at once, whole tokens as text; what is larger comes back"),
        "fill_seconds": (60, "seconds from sending until it is paid on the other side"),
        "expiry_seconds": (_EXPIRY, "seconds from sending within which somebody may pay it"),
        "settle_seconds": (_SETTLE, "seconds from there until what nobody paid is back, and who paid is repaid"),
        "missed_bps": (0, "part of what is sent that nobody fills, though it is small enough, basis points, by seed"),
    },
    income="Nothing: it costs its fee, which the row of what was moved between networks shows.",
    risks=(
        "nobody has to fill: the money waits for the deadline and the settlement, and comes back to where it was",
        "what is asked for more than anybody there has, or in a crowd, is filled late or not at all, and the fee rises",
        "money locked on one side hangs on the bridge's contracts, and on whoever says what was paid on the other",
    ),
    limits={
        "fee_bps": (0, 9_999),
        "fill_seconds": (0, 10**7),
        "expiry_seconds": (1, 10**7),
        "settle_seconds": (1, 10**7),
        "missed_bps": (0, BPS),
    },
    verbs={"enter": "send", "leave": "send"},
)
