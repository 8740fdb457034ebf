"""A campaign as a study places it: so much an epoch, of which a stated share is one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Context, Result, Stage
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.merkle_campaign.model import CampaignModel
from tidemill.venues.merkle_campaign.rules import shared_down
from tidemill.venues.merkle_campaign.state import CampaignState, Earned
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE", "CampaignStage"]

HOUR, BPS = 3_600, 10_000
OWNER = "campaign-owner"


class CampaignStage(ScriptedStage[CampaignState]):
    """`Stage` of a campaign: what it pays belongs to the position of claims."""

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions.

        Raises ``BadInput`` for what is not a claim: bonds and gifts have no row in a statement.
        """
        if action.verb != "claim":
            raise BadInput(f"{action.verb} is for others; a study's own account claims", field=self.id)
        return structs.replace(super().apply(action, ctx), position=f"{self.id}#claims")


def place(setup: Setup) -> Placed:
    """Make the distributor, its epochs and its script: funds in the first block, then a root for each epoch."""
    params, symbol = setup.params, str(setup.params["reward"])
    if symbol not in setup.decimals:
        raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    field = f"venues.{setup.id}.params"
    share, jitter = int(params["share_bps"]), int(params["jitter_bps"])
    if share + share * jitter // BPS > BPS:
        raise BadInput("more than the whole may not fall to you", field=f"{field}.share_bps")
    if not int(params["epoch_hours"]) or int(params["dispute_hours"]) > int(params["epoch_hours"]):
        raise BadInput(
            f"a root must be in force before the next one comes: give {params['dispute_hours'] or 1} or more",
            field=f"{field}.epoch_hours",
        )
    token, account = f"{symbol}@{setup.network}", f"{setup.id}:distributor"
    unit = 10 ** setup.decimals[symbol]
    per_epoch = int(params["per_epoch"]) * unit
    script = _script(setup, per_epoch)
    epochs = list(_epochs(setup, token, per_epoch, len(script) - 1))
    made = {
        "account": account, "owner": OWNER, "own": token, "delay": int(params["dispute_hours"]) * HOUR,
        "bond_token": token, "bond": int(params["bond"]) * unit,
    }  # fmt: skip

    def make() -> Stage:
        state = CampaignState(**made, epochs=list(epochs))
        return CampaignStage(setup.id, setup.network, account, CampaignModel(), state, script, setup.first_from)

    def notes() -> tuple[str, ...]:
        return (f"{setup.id}: {share} bps of each epoch are yours by assumption, whatever else you do",)

    return Placed(make, {symbol: setup.decimals[symbol]}, notes=notes)


def _script(setup: Setup, per_epoch: int) -> list[Scripted]:
    """Return the owner's acts: all epochs' funds at once, then each root some hours after its epoch."""
    epoch, late = (int(setup.params[name]) * HOUR for name in ("epoch_hours", "publish_hours"))
    first = setup.first_from(setup.start)
    count = max((setup.end - first.time) // epoch, 0)
    out = [Scripted(first, OWNER, Action("fund", {"amount": per_epoch * count}))]
    for number in range(count):
        at = setup.first_from(first.time + (number + 1) * epoch + late)
        out.append(Scripted(at, OWNER, Action("submit", {"epoch": number})))
    return out


def _epochs(setup: Setup, token: str, per_epoch: int, count: int) -> Iterator[Earned]:
    """Yield what everybody has earned by the end of each epoch: oneself by the stated share, others by seeded weights."""
    share, jitter = int(setup.params["share_bps"]), int(setup.params["jitter_bps"])
    random = setup.random("campaign")
    others = [f"{setup.id}:{number}" for number in range(int(setup.params["others"]))]
    weights = [random.randrange(1, 1_000) for _ in others]
    total = dict.fromkeys(["me", *others], 0)
    for _ in range(count):
        off = random.randrange(-jitter, jitter + 1)
        mine = shared_down(per_epoch, share * (BPS + off), BPS * BPS)
        total["me"] += mine
        for who, weight in zip(others, weights, strict=True):
            total[who] += shared_down(per_epoch - mine, weight, sum(weights))
        yield Earned({(who, token): amount for who, amount in total.items()})


VENUE = Kind(
    "merkle_campaign",
    "farm",
    "rule-checked",
    "Reward campaigns paid by merkle proof: a root an epoch, claims of what has been earned in all so far.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "reward": (None, "symbol of the token paid"),
        "per_epoch": (None, "whole reward tokens an epoch, for everybody together"),
        "share_bps": (None, "part of each epoch that is yours: an assumption"),
        "jitter_bps": (0, "by how much that part varies from epoch to epoch, drawn from the seed"),
        "epoch_hours": (168, "hours between two roots"),
        "publish_hours": (12, "hours from an epoch's end until its root is submitted"),
        "dispute_hours": (24, "hours from there until it is in force"),
        "bond": (100, "whole reward tokens that a dispute takes"),
        "others": (200, "how many other accounts the trees hold"),
    },
    income="A sponsor pays so much an epoch for something done elsewhere; who gets how much is computed off the chain and put "
    "there as one root. A claim proves one's own total and is paid what it has not been paid yet.",
    risks=(
        "the share is whatever the sponsor's computation says; nothing on the chain proves it, and here it is an assumption",
        "what is earned can be claimed only after the epoch's end, its publication and the delay for disputes",
        "the owner may submit any root and take the tokens out; what is owed then waits for money",
    ),
    verbs={"harvest": "claim"},
    history=read_back("tidemill.venues.merkle_campaign.history"),
)
