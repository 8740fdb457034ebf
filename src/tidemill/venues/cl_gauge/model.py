"""The v3 staker in memory: position tokens held, incentives shared by seconds in range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import BadInput, Revert, UnknownName
from tidemill.interfaces import Action, Context, Position, Rate, Result
from tidemill.venues.cl_gauge.actions import NOBODY, VERBS, Args, earned, key_of, number_of
from tidemill.venues.cl_gauge.doing import Doing, RangePool
from tidemill.venues.cl_gauge.state import NO_INCENTIVE, Deposit, GaugeState, Key, Stake
from tidemill.venues.shared.words import count_words

__all__ = ["GaugeModel"]

NO_DEPOSIT, NO_STAKE = Deposit(NOBODY, 0, 0, 0), Stake(0, 0)


class GaugeModel:
    """`Model` of a staker over one pool.

    Verbs: create_incentive, end_incentive; deposit, stake, unstake, claim, withdraw, transfer_deposit; and two of the
    contract's multicalls: harvest (unstake, stake again, claim) and exit (unstake, claim, withdraw). ``position`` is
    ``pool#number``; the incentive is the state's own where ``reward``, ``pool``, ``start``, ``end`` or ``refundee`` are not
    given. Amounts are raw units.

    Parameters
    ----------
    pool : whose position tokens are staked; a world passes it in later (`GaugeStage`).
    """

    def __init__(self, pool: RangePool | None = None) -> None:
        self.given = pool

    @property
    def pool(self) -> RangePool:
        """The pool; raises ``BadInput`` before one was passed in."""
        if self.given is None:
            raise BadInput("a gauge stands beside a pool; no world has passed one in", field="pool")
        return self.given

    def init(self, params: Mapping[str, Any]) -> GaugeState:
        """Make a staker without incentives; ``params``: account, own (a `Key`), lead, longest (seconds)."""
        return GaugeState(params["account"], Key(*params["own"]), int(params["lead"]), int(params["longest"]))

    def apply(self, state: GaugeState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts, here or at the pool. Features count storage words."""
        if action.verb not in VERBS:
            raise UnknownName("verb of a gauge", action.verb, VERBS)
        doing = Doing(ctx, self.pool)
        owner = _owner(state, doing, action.args)
        before = _words(state, doing, action.args, owner)
        try:
            amounts = VERBS[action.verb](state, doing, action.args)
        except Revert:
            doing.take_back()
            raise
        for name, times in count_words(zip(before, _words(state, doing, action.args, owner), strict=True)).items():
            doing.count(name, times)
        return doing.result(amounts)

    def read(self, state: GaugeState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name: ``incentives`` (a key), ``deposits`` (number), ``stakes`` (number, key),
        ``rewards`` (token, account), ``getRewardInfo`` (number, key, the time). A key is its five fields in order, the
        own one where none is given; ``key`` returns that, and the time stands last.
        """
        if query == "key":
            return tuple(state.own)
        if query == "incentives":
            return tuple(state.incentives.get(_key(state, args), NO_INCENTIVE))
        if query == "deposits":
            return tuple(state.deposits.get(args[0], NO_DEPOSIT))
        if query == "stakes":
            return tuple(state.stakes.get((args[0], _key(state, args[1:])), NO_STAKE))
        if query == "rewards":
            return state.rewards.get((args[0], args[1]), 0)
        if query == "getRewardInfo":
            number, *key, now = args
            return self.earned(state, number, _key(state, key), now)
        raise KeyError(query)

    def earned(self, state: GaugeState, number: int, key: Key, now: int) -> tuple[int, int]:
        """Return what a stake would be paid at ``now`` and its Q128 seconds inside, as ``getRewardInfo``."""
        if (number, key) not in state.stakes:
            raise Revert("UniswapV3Staker::getRewardInfo: stake does not exist")
        held = state.deposits[number]
        inside = self.pool.read("snapshotCumulativesInside", held.tick_lower, held.tick_upper, now)[1]
        return earned(state, number, key, inside, now)

    def positions(
        self, state: GaugeState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the owner's position tokens held here, as the pool shows them, and one position of all rewards.

        A token keeps its id and its fees while it lies here, so nothing of it vanishes or doubles; what it earns here stands
        in ``venue#rewards``: credited, and what unstaking at ``now`` would credit.
        """
        mine = {number for number, held in state.deposits.items() if held.owner == owner}
        out = [p for p in self.pool.positions(state.account) if number_of(p.id) in mine]
        due: dict[str, int] = {token: amount for (token, who), amount in state.rewards.items() if who == owner}
        staked = 0
        for number, key in state.stakes:
            if number in mine:
                staked += state.stakes[number, key].liquidity
                due[key.reward] = due.get(key.reward, 0) + self.earned(state, number, key, now)[0]
        claimable = {token: amount for token, amount in due.items() if amount}
        if staked or claimable:
            out.append(Position(f"{venue}#rewards", venue, "gauge", {"staked": staked}, {}, claimable))
        return tuple(out)

    def rates(self, state: GaugeState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A gauge issues no receipt token."""
        return {}


def _key(state: GaugeState, fields: Sequence[Any]) -> Key:
    return Key(*fields) if fields else state.own


def _owner(state: GaugeState, doing: Doing, args: Args) -> str:
    """Return whose reward an action may credit or pay."""
    held = state.deposits.get(number_of(args["position"])) if "position" in args else None
    return held.owner if held else doing.ctx.sender


def _words(state: GaugeState, doing: Doing, args: Args, owner: str) -> list[int]:
    """Return every storage word of the staker and of the reward token that an action may write."""
    key, me = key_of(state, args), doing.ctx.sender
    incentive = state.incentives.get(key, NO_INCENTIVE)
    words = [incentive.left, incentive.claimed_x128 | incentive.stakes << 160]
    if "position" in args:
        number = number_of(args["position"])
        held, stake = state.deposits.get(number), state.stakes.get((number, key), NO_STAKE)
        # Owner, count and range share a word; so do the first reading and a liquidity below 2**96, else there are two.
        words.append(_number(held) if held else 0)
        words.append(stake.inside_x128 | min(stake.liquidity, _NARROW) << 160)
        words.append(stake.liquidity if stake.liquidity >= _NARROW else 0)
    words.append(state.rewards.get((key.reward, owner), 0))
    people = dict.fromkeys((me, state.account, key.refundee, str(args.get("to", me))))
    return words + [doing.balance(key.reward, who) for who in people]


_NARROW = (1 << 96) - 1


def _number(held: Deposit) -> int:
    """Return a number that differs wherever owner or count do, and is not zero."""
    return int.from_bytes(held.owner.encode(), "big") << 48 | held.stakes + 1
