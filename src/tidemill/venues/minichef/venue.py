"""MiniChefV2 as a study places it: two pools that share SUSHI by points, others staking, a bonus beside it if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.minichef.bars import BARS
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

DAY = 86_400
OWNER = "chef-owner"


def place(setup: Setup) -> Placed:
    """Make the chef and its script: pools, rates, tills and a stake of others in the first block, then their harvests."""
    params = setup.params
    staking, reward, bonus = (str(params[name]) for name in ("staking", "reward", "bonus"))
    for symbol in filter(None, (staking, reward, bonus)):
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if not int(params["points"]):
        raise BadInput("a pool without points earns nothing; give 1 or more", field=f"venues.{setup.id}.params.points")
    account, rewarder = f"{setup.id}:chef", f"{setup.id}:rewarder"
    tokens = {symbol: f"{symbol}@{setup.network}" for symbol in (staking, reward, bonus) if symbol}
    state: dict[str, Any] = {"account": account, "sushi": tokens[reward], "owner": OWNER}
    if bonus:
        one = {"account": rewarder, "token": tokens[bonus], "owner": OWNER, "streams": True, "rate": 0}
        state["rewarders"] = [one]
    script = sorted(_script(setup, tokens, rewarder), key=lambda item: item.block.number)
    model = ChefModel()

    def make() -> Stage:
        beside = (rewarder,) if bonus else ()
        return ScriptedStage(
            setup.id, setup.network, account, model, model.init(state), script, setup.first_from, beside=beside
        )

    return Placed(make, {symbol: setup.decimals[symbol] for symbol in (reward, bonus) if symbol})


def _script(setup: Setup, tokens: dict[str, str], rewarder: str) -> Iterator[Scripted]:
    """Yield what the owner does, then what others do; what falls into one block stays in this order."""
    params, first = setup.params, setup.first_from(setup.start)
    staking, reward, bonus = (str(params[name]) for name in ("staking", "reward", "bonus"))
    days = int(params["funded_days"]) or -(-(setup.end - setup.start) // DAY) + 1

    def owner(verb: str, **args: Any) -> Scripted:
        return Scripted(first, OWNER, Action(verb, args))

    yield owner("add_pool", points=int(params["points"]), token=tokens[staking], rewarder=rewarder if bonus else "")
    if int(params["other_points"]):
        yield owner("add_pool", points=int(params["other_points"]), token=tokens[reward])
    daily = int(params["reward_per_day"]) * 10 ** setup.decimals[reward]
    yield owner("set_sushi_per_second", rate=daily // DAY)
    whole = int(params["points"]) + int(params["other_points"])
    yield owner("fund", token=tokens[reward], amount=daily * int(params["points"]) * days // whole)
    if bonus:
        daily_bonus = int(params["bonus_per_day"]) * 10 ** setup.decimals[bonus]
        yield owner("rewarder_add", rewarder=rewarder, points=1, pid=0)
        yield owner("rewarder_rate", rewarder=rewarder, rate=daily_bonus // DAY)
        yield owner("fund", token=tokens[bonus], amount=daily_bonus * days, rewarder=rewarder)
    if staked := _staked(setup, setup.decimals[staking]):
        yield Scripted(first, "others", Action("deposit", {"pid": 0, "amount": staked}))
        for time in range(setup.start + DAY, setup.end, DAY):
            yield Scripted(setup.first_from(time), "others", Action("harvest", {"pid": 0}))
    yield from _cuts(setup, daily // DAY)


def _staked(setup: Setup, decimals: int) -> int:
    try:
        return parse_amount(str(setup.params["staked"]), decimals)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=f"venues.{setup.id}.params.staked") from None


def _cuts(setup: Setup, rate: int) -> Iterator[Scripted]:
    """Yield each cut of the emission. The owner brings the pool up to date first, or the cut would reach back."""
    every, bps = int(setup.params["cut_days"]) * DAY, int(setup.params["cut_bps"])
    for time in range(setup.start + every, setup.end, every) if every else ():
        rate = rate * (10_000 - bps) // 10_000
        at = setup.first_from(time)
        yield Scripted(at, OWNER, Action("update_pool", {"pid": 0}))
        yield Scripted(at, OWNER, Action("set_sushi_per_second", {"rate": rate}))


VENUE = Kind(
    "minichef",
    "farm",
    "bytecode-equal",
    "Sushi's MiniChefV2: a stream shared among pools by points, and a second reward beside it.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "staking": (None, "symbol of the token staked"),
        "reward": (None, "symbol of the token streamed to all pools (SUSHI)"),
        "bonus": ("", "symbol of the token that the pool's rewarder streams beside it; empty: no rewarder"),
        "points": (100, "allocation points of the pool"),
        "other_points": (0, "points of all other pools together"),
        "staked": ("1000000", 'whole tokens that others stake, as text ("0.05"); they harvest once a day'),
        "reward_per_day": (10_000, "whole reward tokens a day, for all pools together"),
        "bonus_per_day": (0, "whole bonus tokens a day"),
        "funded_days": (0, "days for which the pool's rewards lie ready; then harvests fail. 0: to the end"),
        "cut_days": (0, "days between two cuts of the stream; 0: none"),
        "cut_bps": (1_000, "part by which each cut lowers it"),
    },
    income="A stream of so many tokens a second is shared among pools by points, within a pool by stake; a rewarder may "
    "add a second.",
    risks=(
        "points and the stream are the owner's to change: a pool's part can fall to nothing from one block to the next",
        "the chef pays from what it holds: once it is short, harvests fail until somebody fills it",
        "leaving in an emergency gives the stake back and forfeits what was not harvested",
    ),
    limits={
        "points": (0, 10**9),
        "other_points": (0, 10**9),
        "staked": (0, 10**12),
        "reward_per_day": (0, 10**12),
        "bonus_per_day": (0, 10**12),
        "funded_days": (0, 10**5),
        "cut_days": (0, 10**5),
        "cut_bps": (0, 10_000),
    },
    verbs={"enter": "deposit", "harvest": "harvest", "leave": "withdraw_and_harvest"},
    bars=BARS,
    history=read_back("tidemill.venues.minichef.history"),
)
