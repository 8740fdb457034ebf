"""What one may do at a staker: the order of its checks is the contract's, for it decides which refusal is met."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidemill.errors import Revert
from tidemill.venues.cl_gauge.doing import Doing
from tidemill.venues.cl_gauge.rules import reward_down, seconds_inside, seconds_unclaimed
from tidemill.venues.cl_gauge.state import NO_INCENTIVE, Deposit, GaugeState, Incentive, Key, Stake

__all__ = ["VERBS", "Args", "earned", "key_of", "number_of"]

Args = Mapping[str, int | str | bool]
NOBODY = "zero"


def key_of(state: GaugeState, args: Args) -> Key:
    """Return the incentive that arguments name; what they leave out is the own one's."""
    own = state.own
    return Key(
        str(args.get("reward", own.reward)),
        str(args.get("pool", own.pool)),
        int(args.get("start", own.start)),
        int(args.get("end", own.end)),
        str(args.get("refundee", own.refundee)),
    )


def number_of(position: int | str | bool) -> int:
    """Return the number of a position token given as ``pool#n`` or as a number."""
    return int(str(position).rpartition("#")[2])


def earned(state: GaugeState, number: int, key: Key, inside: int, now: int) -> tuple[int, int]:
    """Return what a stake would be paid at ``now`` (seconds), raw units, and its Q128 seconds inside."""
    incentive, stake = state.incentives[key], state.stakes[number, key]
    seconds = seconds_inside(inside, stake.inside_x128, stake.liquidity)
    unclaimed = seconds_unclaimed(key.start, key.end, now, incentive.claimed_x128)
    return reward_down(incentive.left, seconds, unclaimed), seconds


def _create_incentive(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Bring rewards for an incentive that begins now or later; doing it again adds to it."""
    key, amount, now = key_of(state, args), int(args["amount"]), doing.ctx.block.time
    said = "UniswapV3Staker::createIncentive: "
    if amount <= 0:
        raise Revert(said + "reward must be positive")
    if now > key.start:
        raise Revert(said + "start time must be now or in the future")
    if key.start - now > state.lead:
        raise Revert(said + "start time too far into future")
    if key.start >= key.end:
        raise Revert(said + "start time must be before end time")
    if key.end - key.start > state.longest:
        raise Revert(said + "incentive duration is too long")
    was = state.incentives.get(key, NO_INCENTIVE)
    doing.undo.put(state.incentives, key, was._replace(left=was.left + amount))
    doing.pay(key.reward, doing.ctx.sender, state.account, amount, "STF")
    doing.log("IncentiveCreated", rewardToken=key.reward, pool=key.pool, startTime=key.start, endTime=key.end,
              refundee=key.refundee, reward=amount)  # fmt: skip
    return {"amount": amount}


def _end_incentive(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Send what is left to the refundee, once it is over and nobody is staked in it; anybody may."""
    key = key_of(state, args)
    said = "UniswapV3Staker::endIncentive: "
    if doing.ctx.block.time < key.end:
        raise Revert(said + "cannot end incentive before end time")
    was = state.incentives.get(key, NO_INCENTIVE)
    if not was.left:
        raise Revert(said + "no refund available")
    if was.stakes:
        raise Revert(said + "cannot end incentive while deposits are staked")
    doing.undo.put(state.incentives, key, was._replace(left=0))
    doing.pay(key.reward, state.account, key.refundee, was.left, "ST")
    doing.log("IncentiveEnded", refund=was.left)
    return {"refund": was.left}


def _deposit(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Hand in a position token without staking it."""
    _take_in(state, doing, number_of(args["position"]))
    return {}


def _stake(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Stake a token: one that still is in the wallet is handed in by the same transaction."""
    number, key = number_of(args["position"]), key_of(state, args)
    if number not in state.deposits:
        _take_in(state, doing, number)
    elif state.deposits[number].owner != doing.ctx.sender:
        raise Revert("UniswapV3Staker::stakeToken: only owner can stake token")
    return {"liquidity": _put_to_work(state, doing, number, key)}


def _unstake(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Take a token out of an incentive and credit its reward; once that is over anybody may, for its owner."""
    _take_out(state, doing, number_of(args["position"]), key_of(state, args))
    return {}


def _claim(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Be paid what was credited, or as much of it as ``amount`` says (0: all)."""
    amount = int(args.get("amount", 0))
    return {"reward": _pay(state, doing, key_of(state, args).reward, str(args.get("to", doing.ctx.sender)), amount)}


def _withdraw(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Get a token back that is staked nowhere."""
    _give_back(state, doing, number_of(args["position"]), str(args.get("to", doing.ctx.sender)))
    return {}


def _transfer_deposit(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Make somebody else the owner of a token held here; stakes go on."""
    number, to = number_of(args["position"]), str(args["to"])
    if to == NOBODY:
        raise Revert("UniswapV3Staker::transferDeposit: invalid transfer recipient")
    held = state.deposits.get(number)
    if held is None or held.owner != doing.ctx.sender:
        raise Revert("UniswapV3Staker::transferDeposit: can only be called by deposit owner")
    doing.undo.put(state.deposits, number, held._replace(owner=to))
    doing.log("DepositTransferred", tokenId=number, oldOwner=held.owner, newOwner=to)
    return {}


def _harvest(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Take the token out, stake it again and be paid, in one multicall: rewards are credited by unstaking alone."""
    number, key = number_of(args["position"]), key_of(state, args)
    _take_out(state, doing, number, key)
    if state.deposits[number].owner != doing.ctx.sender:
        raise Revert("UniswapV3Staker::stakeToken: only owner can stake token")
    _put_to_work(state, doing, number, key)
    return {"reward": _pay(state, doing, key.reward, doing.ctx.sender, 0)}


def _exit(state: GaugeState, doing: Doing, args: Args) -> dict[str, int]:
    """Take the token out, be paid and get the token back, in one multicall."""
    number, key = number_of(args["position"]), key_of(state, args)
    _take_out(state, doing, number, key)
    paid = _pay(state, doing, key.reward, doing.ctx.sender, 0)
    _give_back(state, doing, number, doing.ctx.sender)
    return {"reward": paid}


VERBS: Mapping[str, Callable[[GaugeState, Doing, Args], dict[str, int]]] = {
    "create_incentive": _create_incentive,
    "end_incentive": _end_incentive,
    "deposit": _deposit,
    "stake": _stake,
    "unstake": _unstake,
    "claim": _claim,
    "withdraw": _withdraw,
    "transfer_deposit": _transfer_deposit,
    "harvest": _harvest,
    "exit": _exit,
}
"""By verb: (state, doing, arguments) → amounts."""


def _take_in(state: GaugeState, doing: Doing, number: int) -> None:
    me = doing.ctx.sender
    doing.pass_token(number, me, state.account)
    lower, upper = doing.pool.read("positions", number)[3:5]
    doing.undo.put(state.deposits, number, Deposit(me, 0, lower, upper))
    doing.log("DepositTransferred", tokenId=number, oldOwner=NOBODY, newOwner=me)


def _put_to_work(state: GaugeState, doing: Doing, number: int, key: Key) -> int:
    said, now = "UniswapV3Staker::stakeToken: ", doing.ctx.block.time
    if now < key.start:
        raise Revert(said + "incentive not started")
    if now >= key.end:
        raise Revert(said + "incentive ended")
    was = state.incentives.get(key, NO_INCENTIVE)
    if not was.left:
        raise Revert(said + "non-existent incentive")
    if (number, key) in state.stakes:
        raise Revert(said + "token already staked")
    if key.pool != doing.pool.id:
        raise Revert(said + "token pool is not the incentive pool")
    lower, upper, liquidity = doing.pool.read("positions", number)[3:6]
    if not liquidity:
        raise Revert(said + "cannot stake token with 0 liquidity")
    held = state.deposits[number]
    doing.undo.put(state.deposits, number, held._replace(stakes=held.stakes + 1))
    doing.undo.put(state.incentives, key, was._replace(stakes=was.stakes + 1))
    doing.undo.put(state.stakes, (number, key), Stake(doing.inside(lower, upper), liquidity))
    doing.log("TokenStaked", tokenId=number, liquidity=liquidity)
    return int(liquidity)


def _take_out(state: GaugeState, doing: Doing, number: int, key: Key) -> None:
    said, now = "UniswapV3Staker::unstakeToken: ", doing.ctx.block.time
    held = state.deposits.get(number)
    if now < key.end and (held is None or held.owner != doing.ctx.sender):
        raise Revert(said + "only owner can withdraw token before incentive end time")
    if held is None or (number, key) not in state.stakes:
        raise Revert(said + "stake does not exist")
    inside, was = doing.inside(held.tick_lower, held.tick_upper), state.incentives[key]
    reward, seconds = earned(state, number, key, inside, now)
    doing.undo.put(state.deposits, number, held._replace(stakes=held.stakes - 1))
    after = Incentive(was.left - reward, was.claimed_x128 + seconds, was.stakes - 1)
    doing.undo.put(state.incentives, key, after)
    owed = key.reward, held.owner
    doing.undo.put(state.rewards, owed, state.rewards.get(owed, 0) + reward)
    doing.undo.drop(state.stakes, (number, key))
    doing.log("TokenUnstaked", tokenId=number)


def _pay(state: GaugeState, doing: Doing, token: str, to: str, most: int) -> int:
    owed = token, doing.ctx.sender
    credited = state.rewards.get(owed, 0)
    amount = most if 0 < most < credited else credited
    doing.undo.put(state.rewards, owed, credited - amount)
    doing.pay(token, state.account, to, amount, "ST")
    doing.log("RewardClaimed", to=to, reward=amount)
    return amount


def _give_back(state: GaugeState, doing: Doing, number: int, to: str) -> None:
    said = "UniswapV3Staker::withdrawToken: "
    if to == state.account:
        raise Revert(said + "cannot withdraw to staker")
    held = state.deposits.get(number)
    if held is not None and held.stakes:
        raise Revert(said + "cannot withdraw token while staked")
    if held is None or held.owner != doing.ctx.sender:
        raise Revert(said + "only owner can withdraw token")
    doing.undo.drop(state.deposits, number)
    doing.log("DepositTransferred", tokenId=number, oldOwner=held.owner, newOwner=NOBODY)
    doing.pass_token(number, state.account, to)
