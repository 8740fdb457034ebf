"""The real StakingRewards: intents to calls, receipts to what they mean, views and the whole state. It never sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals
from tidemill.venues.staking_rewards.model import FarmState

__all__ = ["FarmClient", "FarmDeployment"]

FARM = """
event RewardAdded(uint256 reward)
event Staked(address indexed user, uint256 amount)
event Withdrawn(address indexed user, uint256 amount)
event RewardPaid(address indexed user, uint256 reward)
function stake(uint256 amount)
function withdraw(uint256 amount)
function getReward()
function exit()
function notifyRewardAmount(uint256 reward)
function rewardsToken() view returns (address)
function stakingToken() view returns (address)
function rewardsDistribution() view returns (address)
function rewardsDuration() view returns (uint256)
function periodFinish() view returns (uint256)
function rewardRate() view returns (uint256)
function lastUpdateTime() view returns (uint256)
function rewardPerTokenStored() view returns (uint256)
function rewardPerToken() view returns (uint256)
function totalSupply() view returns (uint256)
function balanceOf(address account) view returns (uint256)
function earned(address account) view returns (uint256)
function rewards(address account) view returns (uint256)
function userRewardPerTokenPaid(address account) view returns (uint256)
"""
_TIMED = {"rewardPerToken": 0, "earned": 1}
"""Views that move with time, and how many arguments the contract takes: the model is told the time as one more."""
_FUNCTIONS = {
    "stake": "stake",
    "withdraw": "withdraw",
    "claim": "getReward",
    "exit": "exit",
    "notify_reward": "notifyRewardAmount",
}


class FarmDeployment(Struct, frozen=True):
    """Where a farm and its tokens stand (lower-case addresses) and how tidemill names the tokens."""

    farm: str
    staking_token: str
    reward_token: str
    staking_id: str
    reward_id: str

    @classmethod
    def of_farm(cls, rpc: Rpc, farm: str, *, staking_id: str, reward_id: str) -> Self:
        """Ask the farm for its tokens; raises ``RpcError`` when it is none."""
        (staking,), (reward,) = ask_many(rpc, farm, FARM, [("stakingToken", ()), ("rewardsToken", ())], "latest")
        return cls(farm.lower(), staking, reward, staking_id, reward_id)


class FarmClient:
    """One farm as ``account`` (an address) uses it.

    ``venue`` is the study's own name of it; a stake's position id is ``venue#name`` with ``name`` of its owner there.
    """

    def __init__(self, rpc: Rpc, deployment: FarmDeployment, *, venue: str, account: str, name: str = "me") -> None:
        self.rpc, self.deployment, self.venue = rpc, deployment, venue
        self.account, self.name = account.lower(), name

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode stake, withdraw, claim, exit or notify_reward; raises ``BadInput`` naming verb and argument."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a farm has no stages, got {stage!r}")
        if intent.verb not in _FUNCTIONS:
            raise UnknownName("verb of StakingRewards", intent.verb, _FUNCTIONS)
        given, at = Given(intent), self.deployment
        names = {"stake": ("amount",), "withdraw": ("amount",), "notify_reward": ("reward",)}.get(intent.verb, ())
        args = [given.number(name) for name in names]
        given.finish()
        call = Call(at.farm, abi(FARM).encode(_FUNCTIONS[intent.verb], *args), purpose=intent.verb)
        if intent.verb != "stake":
            return [call]
        return with_approvals(self.rpc, self.account, {at.staking_token: args[0]}, at.farm, call, reset=False)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: ``amount`` staked or withdrawn, ``reward`` paid or added.

        A step that takes out always carries ``reward``, 0 when there was none: claiming nothing logs nothing.
        """
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        events = self.events([log for receipt in receipts for log in receipt.logs])
        moved = [int(e.args["amount"]) for e in events if e.name in ("Staked", "Withdrawn")]
        amounts = {"amount": sum(moved)} if moved else {}
        if not any(e.name == "Staked" for e in events):
            amounts["reward"] = sum(int(e.args["reward"]) for e in events if e.name in ("RewardPaid", "RewardAdded"))
        return Filled(amounts)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the farm's own logs in order; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.farm]
        decoded = [decode_log(log, FARM, venue="StakingRewards", may_be_unknown=True) for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; the time it takes last is the block's own here.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            token = {at.staking_id: at.staking_token, at.reward_id: at.reward_token}
            if args[0] not in token:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(token)}")
            return ask(self.rpc, token[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query not in abi(FARM).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        return ask(self.rpc, at.farm, FARM, query, args[: _TIMED.get(query, len(args))], block)[0]

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return the owner's stake with the reward it could claim at ``block``, if it has either."""
        at = self.deployment
        asked = [("balanceOf", (owner,)), ("earned", (owner,))]
        (staked,), (earned,) = ask_many(self.rpc, at.farm, FARM, asked, self.rpc.block(block))
        if not staked and not earned:
            return ()
        principal = {at.staking_id: staked} if staked else {}
        claimable = {at.reward_id: earned} if earned else {}
        name = self.name if owner.lower() == self.account else owner
        return (Position(f"{self.venue}#{name}", self.venue, "stake", {"staked": staked}, principal, claimable),)

    def snapshot(self, block: BlockId = "latest", *, stakers: Iterable[str] = ()) -> FarmState:
        """Read the whole state at ``block``, with these stakers besides the client's own account (no view lists them)."""
        at, seen = self.deployment, self.rpc.block(block)
        names = (
            "rewardsDuration",
            "periodFinish",
            "rewardRate",
            "lastUpdateTime",
            "rewardPerTokenStored",
            "totalSupply",
        )
        asked: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in (*names, "rewardsDistribution")]
        who = list(dict.fromkeys((self.account, *stakers)))
        per_user = ("balanceOf", "userRewardPerTokenPaid", "rewards")
        asked += [(name, (user,)) for name in per_user for user in who]
        values = [value for (value,) in ask_many(self.rpc, at.farm, FARM, asked, seen)]
        duration, finish, rate, updated, stored, supply, distributor = values[:7]
        rest = values[7:]
        staked, paid, pending = (
            {user: value for user, value in zip(who, rest[i * len(who) : (i + 1) * len(who)], strict=True) if value}
            for i in range(3)
        )
        return FarmState(
            account=at.farm,
            staking_token=at.staking_id,
            reward_token=at.reward_id,
            duration=duration,
            distributor=distributor,
            period_finish=finish,
            reward_rate=rate,
            last_update=updated,
            per_token_stored=stored,
            total_staked=supply,
            staked=staked,
            paid=paid,
            pending=pending,
        )
