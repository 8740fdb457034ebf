"""A liquidity bridge's pool as a study places it: others' liquidity, transfers by seed, each out for a while."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.networks.liquidity import RateModel, mean_rate_up
from tidemill.units import BPS, WAD, div_down, format_amount, minimum, mul_div_down
from tidemill.venues.bridge_pool.model import BridgePoolModel
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

HOUR, DAY = 3_600, 86_400
_BPS = div_down(WAD, BPS)
_ASSUMED = (
    "transfers are seeded draws about the stated levels, and none is lost; others' liquidity stays as it is; the fee is the "
    "public description of a pool's rate by utilisation, with the study's slopes"
)


def place(setup: Setup) -> Placed:
    """Make the pool and its transfers. Raises ``BadInput`` for a token without decimals, or a share that is the asset."""
    params, account = setup.params, f"{setup.id}:pool"
    asset, share = (str(params[name]) for name in ("asset", "share"))
    (decimals,) = setup.places(asset)
    if asset == share:
        raise BadInput(f"{share}: a share is a token of its own", field=f"venues.{setup.id}.params.share")
    kink, base, slope1, slope2 = (int(params[f"{name}_bps"]) * _BPS for name in ("kink", "base", "slope1", "slope2"))
    rates = RateModel(kink, base, slope1, slope2)
    state: dict[str, Any] = {
        "account": account,
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "rates": rates,
        "terms": int(params["terms"]),
    }
    model, script = BridgePoolModel(), _script(setup, 10**decimals)

    def make() -> Stage:
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    notes = (f"{setup.id}: {_says(setup, rates)}", f"{setup.id}: {_ASSUMED}")
    return Placed(make, {asset: decimals, share: decimals}, shares=(share,), notes=lambda: notes)


def _script(setup: Setup, unit: int) -> list[Scripted]:
    params, draws, whole = setup.params, setup.random("transfers"), setup.end - setup.start
    mean, wait = int(params["amount"]) * unit, int(params["repay_hours"]) * HOUR
    first = Action("deposit", {"assets": int(params["tvl"]) * unit})
    script = [(setup.start, 0, Scripted(setup.first_from(setup.start), "others", first))]
    times = sorted(
        setup.start + draws.randrange(1, whole) for _ in range(mul_div_down(int(params["per_day"]), whole, DAY))
    )
    for loan, time in enumerate(times, 1):
        amount = mul_div_down(mean, 1_000 + draws.randrange(18_001), BPS)
        advance, repay = Action("advance", {"loan": loan, "amount": amount}), Action("repay", {"loan": loan})
        script.append((time, loan, Scripted(setup.first_from(time), "bridge", advance)))
        script.append((time + wait, loan, Scripted(setup.first_from(time + wait), "bridge", repay)))
    return [one for time, _, one in sorted(script, key=lambda item: item[:2]) if time < setup.end]


def _says(setup: Setup, rates: RateModel) -> str:
    """Say what the stated transfers would keep out, and what that pays on all that lies in the pool."""
    params = setup.params
    out = div_down(int(params["amount"]) * int(params["per_day"]) * int(params["repay_hours"]) * HOUR, DAY)
    used = minimum(mul_div_down(out, WAD, int(params["tvl"])), WAD)
    paid = mul_div_down(mean_rate_up(rates, used, used), used, WAD)
    use, rate = format_amount(div_down(used, _BPS), 2), format_amount(div_down(paid, _BPS), 2)
    return (
        f"the stated transfers keep {use} % of others' liquidity out, which asks some {rate} % a year of all of it; "
        "more liquidity, less of a rate"
    )


VENUE = Kind(
    "bridge_pool",
    "bridge",
    "unproven",
    "Liquidity for a bridge: a pool's shares, which grow by the fees of transfers advanced, whether in use or not.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of the token that lies in the pool"),
        "share": (None, "symbol of the pool's share"),
        "tvl": (20_000_000, "whole tokens that others provide"),
        "per_day": (60, "transfers a day"),
        "amount": (20_000, "a mean transfer, whole tokens; transfers are from a tenth to 1.9 times it, by seed"),
        "repay_hours": (168, "hours that an advance is out"),
        "terms": (52, "how often a loan fits into a year, by which its fee is reckoned"),
        "kink_bps": (6_500, "utilisation at which the fee's slope bends"),
        "base_bps": (0, "a year's rate when nothing is out"),
        "slope1_bps": (800, "more of it at the kink"),
        "slope2_bps": (10_000, "more again when all is out"),
    },
    limits={
        "tvl": (1, 10**12),
        "per_day": (0, 1_000),
        "amount": (1, 10**9),
        "repay_hours": (1, 10_000),
        "terms": (1, 366),
        "kink_bps": (1, 9_999),
        "base_bps": (0, 100_000),
        "slope1_bps": (0, 100_000),
        "slope2_bps": (0, 100_000),
    },
    income="Who moves money pays a fee by how much of the pool is out; it comes in with the repayment, every share's alike.",
    risks=(
        "one forged message or a bundle that is wrong takes what is out, and may take the pool",
        "the rate falls when others bring liquidity or nobody moves: what is not out earns nothing, and dilutes",
        "when much is out nobody can leave until it is repaid, which takes a week from an optimistic rollup",
    ),
    verbs={"enter": "deposit", "leave": "redeem"},
)
