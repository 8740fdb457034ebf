"""What delegation remembers: the terms of the network, who delegated how much to one validator, and what is owed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from msgspec import Struct

__all__ = ["FORMS", "DelegationState", "Terms", "Unbonding"]


FORMS = ("pol", "strk", "subsidy")
"""By number, as the contract has them."""


class Terms(Struct, frozen=True):
    """What a network pays delegators by; amounts are raw units.

    Parameters
    ----------
    form : ``pol`` (checkpoints), ``strk`` (a minting curve) or ``subsidy`` (a programme with an end and a purse).
    own : the validator's own stake. elsewhere : stake at all others. commission : per cent of delegators' rewards.
    supply : tokens there are at the start. other_mint : what is minted a year beside what stakers get.
    unbonding : seconds. least : of a delegation, or of a claim that is staked again.
    reward, interval, decrease, bonus, yearly : of a checkpoint, and what a year of them adds up to.
    numerator, alpha_bps : of the curve, and what of it is not for this token.
    rate_bps, purse, ends : of a subsidy: a year, in all, and when (seconds).
    tips : of users' priority fees, what a year of them is for all stakers; paid with checkpoints, not minted.
    """

    form: str
    own: int
    elsewhere: int
    commission: int
    supply: int
    other_mint: int
    unbonding: int
    least: int
    reward: int = 0
    interval: int = 1
    decrease: int = 0
    bonus: int = 0
    yearly: int = 0
    numerator: int = 0
    alpha_bps: int = 0
    rate_bps: int = 0
    purse: int = 0
    ends: int = 0
    tips: int = 0


@dataclass
class Unbonding:
    """Stake taken out and not yet paid: whose, how much, from when on it can be claimed (seconds)."""

    owner: str
    amount: int
    ready: int
    claimed: bool = False


@dataclass
class DelegationState:
    """``shares`` are delegations to the validator by owner, one for one (nothing has been slashed).

    Rewards are kept in two running totals per unit of stake: ``pace`` is the part that only makes up for tokens minted at
    the same time, ``beyond`` the rest; ``owed`` are both, settled, by owner.
    """

    venue: str
    account: str
    token: str
    terms: Terms
    at: int
    total: int = 0
    minted: int = 0
    spent: int = 0
    pace: int = 0
    beyond: int = 0
    shares: dict[str, int] = field(default_factory=dict)
    paid: dict[str, tuple[int, int]] = field(default_factory=dict)
    owed: dict[str, tuple[int, int]] = field(default_factory=dict)
    leaving: list[Unbonding] = field(default_factory=list)

    def __deepcopy__(self, memo: object) -> DelegationState:
        """Copy quickly: stages copy before every action."""
        made = copy.copy(self)
        made.shares, made.paid, made.owed = dict(self.shares), dict(self.paid), dict(self.owed)
        made.leaving = [copy.copy(one) for one in self.leaving]
        return made
