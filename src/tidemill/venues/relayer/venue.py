"""A relayer as a study places it: orders by seed, rivals who are first or come later, and repayment by bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Stage
from tidemill.networks.bridges import bridge_facts
from tidemill.units import BPS, format_amount, mul_div_down, mul_div_up, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.relayer.model import RelayerModel, RelayerState
from tidemill.venues.relayer.rules import relayer_yield_bps_down
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

DAY = 86_400
_INTERVAL, _CHALLENGE = (bridge_facts().integer(name) for name in ("bundle_interval", "challenge_period"))
_ASSUMED = (
    "orders, their fees and rivals are seeded draws about the stated levels; every fill is repaid, which one for "
    "a deposit that a reorganisation takes back would not be"
)
_ONE_PURSE = "one purse on both sides of the bridge: moving repayments to where orders are is not counted"


class RivalStage(ScriptedStage[RelayerState]):
    """A stage in which rivals stand before own transactions: who is first is drawn, and paid for, not a matter of placement."""

    def enter(self, block: Block) -> None:
        """Let the clock come to ``block``, others first."""
        self.advance(block)


def place(setup: Setup) -> Placed:
    """Make the bridge's orders. Raises ``BadInput`` for an amount that cannot be, or a token without decimals."""
    params = setup.params
    token, account = str(params["token"]), f"{setup.id}:bridge"
    (decimals,) = setup.places(token)
    state: dict[str, Any] = {
        "venue": setup.id,
        "account": account,
        "token": f"{token}@{setup.network}",
        "operator": "me",
        "start": setup.start,
        "interval": int(params["bundle_seconds"]),
        "challenge": int(params["challenge_seconds"]),
    }
    mean = _amount(setup, decimals)
    model, script = RelayerModel(), _script(setup, mean)

    def make() -> Stage:
        return RivalStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    notes = tuple(f"{setup.id}: {note}" for note in (_yields(setup, mean, decimals), _ASSUMED, _ONE_PURSE))
    return Placed(make, {}, notes=lambda: notes)


def _amount(setup: Setup, decimals: int) -> int:
    where = f"venues.{setup.id}.params.amount"
    try:
        amount = parse_amount(str(setup.params["amount"]), decimals)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=where) from None
    if not 0 < amount <= 10**9 * 10**decimals:
        raise BadInput(f"{setup.params['amount']}: not above 0 and up to a thousand million", field=where)
    return amount


def _script(setup: Setup, mean: int) -> list[Scripted]:
    """Draw orders and rivals: one who is first fills in the block behind the order's, where one's own would; others wait."""
    params, draws, whole = setup.params, setup.random("orders"), setup.end - setup.start
    fee, swing = int(params["fee_bps"]) * 100, int(params["swing_bps"])
    times = sorted(
        setup.start + draws.randrange(whole) for _ in range(mul_div_down(int(params["per_day"]), whole, DAY))
    )
    script: list[tuple[int, int, Scripted]] = []
    for number, time in enumerate(times, 1):
        amount = max(1, mul_div_down(mean, 1_000 + draws.randrange(18_001), BPS))
        millionths = mul_div_down(fee, BPS - swing + draws.randrange(2 * swing + 1), BPS)
        asked = setup.first_from(time)
        taken = setup.first_from(asked.time + int(params["rival_seconds"]))
        if draws.randrange(BPS) < int(params["lost_bps"]):
            taken = Block(time=asked.time, number=asked.number + 1)
        order = {"amount": amount, "fee": mul_div_down(amount, millionths, 10**6)}
        script.append((asked.number, number, Scripted(asked, "users", Action("order", order))))
        script.append((taken.number, number, Scripted(taken, "rival", Action("take", {"order": number}))))
    script.sort(key=lambda one: one[:2])
    return [one for *_, one in script if one.block.time < setup.end]


def _yields(setup: Setup, mean: int, decimals: int) -> str:
    """Say what a mean order earns on the money that it ties up, and how much of it the stated orders could tie up."""
    params = setup.params
    out = int(params["challenge_seconds"]) + int(params["bundle_seconds"]) // 2
    fee = mul_div_down(mean, int(params["fee_bps"]), BPS)
    rate = relayer_yield_bps_down(fee, 0, mean - fee, out)
    at_once = format_amount(mul_div_up((mean - fee) * int(params["per_day"]), out, DAY), decimals, 0)
    yearly, token = format_amount(rate, 2), params["token"]
    return (
        f"a mean order ties its money up for {out:,} s and pays {yearly} % a year on it before gas; all orders together "
        f"tie up {at_once} {token} at a time: a float beyond that lies idle"
    )


VENUE = Kind(
    "relayer",
    "operator",
    "unproven",
    "Filling a liquidity bridge's orders with one's own money: a fee for each, repaid by bundle, rivals who are first.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the token that orders are in"),
        "per_day": (40, "orders a day that one sees"),
        "amount": ("3000", "a mean order, whole tokens as text; orders are from a tenth to 1.9 times it, by seed"),
        "fee_bps": (2, "what an order pays, basis points of it"),
        "swing_bps": (5_000, "how far an order's fee may be off, by seed"),
        "lost_bps": (4_000, "the part of orders that a rival fills in the block in which one's own fill lands"),
        "rival_seconds": (60, "after how long a rival fills what is still open"),
        "bundle_seconds": (_INTERVAL, "seconds from one bundle of repayments to the next"),
        "challenge_seconds": (_CHALLENGE, "seconds in which a bundle can be disputed before it is paid"),
    },
    limits={
        "per_day": (0, 1_000),
        "fee_bps": (0, 1_000),
        "swing_bps": (0, 10_000),
        "lost_bps": (0, 10_000),
        "rival_seconds": (1, 86_400),
        "bundle_seconds": (1, 10**6),
        "challenge_seconds": (0, 10**7),
    },
    income="Who moves money pays a fee to be paid at once; the relayer gets it with the repayment, less gas, of late fills too.",
    risks=(
        "money that is out is repaid by a bundle that may be disputed: for as long it earns nothing, and nothing bounds how long",
        "a fill for a deposit that is taken back by a reorganisation, or filled by mistake, is not repaid",
        "rivals undercut and are first: their part of the orders is an assumption, and a late fill pays gas for nothing",
        "repayments gather where money leaves: moving them to where it is wanted costs fees and time that are not counted",
    ),
    verbs={"enter": "deposit", "harvest": "collect", "leave": "withdraw"},
)
