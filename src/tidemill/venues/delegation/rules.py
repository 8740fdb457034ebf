"""What delegated stake is paid, as pure integer functions; every division says how it rounds.

Sources: Polygon's staking documentation with PIP-26, PIP-65, PIP-78, PIP-85 and PIP-86 (checkpoint rewards, priority fees);
Starknet's staking documentation (minting curve, epochs). Where a specification gives percentages and no order of divisions,
products come first and one division rounds down.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.networks.staking import real_bps_down
from tidemill.units import BPS, div_down, isqrt_down, minimum, mul_div_down

__all__ = [
    "REWARD_PRECISION",
    "YEAR",
    "checkpoint_pay_down",
    "checkpoint_reward_down",
    "earned_down",
    "per_share_down",
    "priority_fees_down",
    "real_bps_down",
    "reward_of_target_down",
    "tips_for_stakers_down",
    "validator_pay_down",
    "yearly_mint_down",
]

YEAR = 31_536_000
REWARD_PRECISION = 10**25
"""What rewards per unit of stake are scaled by (Polygon)."""
_PERCENT = 100
_MINT_DENOMINATOR = 10_000


def checkpoint_reward_down(
    interval: int, signed: int, total: int, reward: int, base_interval: int, decrease: int = 0
) -> int:
    """Return what a checkpoint of ``interval`` blocks pays to all who signed, and its proposer.

    Each ``base_interval`` of blocks pays ``reward``, a part of one pays in proportion; the second pays ``decrease`` per cent
    less, the third twice that, down to nothing. What was not signed (``signed`` of ``total`` stake) is not paid.

    >>> checkpoint_reward_down(2_560, 80, 100, 10_000, 1_024, 10)
    18400
    """
    paid, left, part = 0, interval, _PERCENT
    while left > 0 and part > 0:
        blocks = minimum(left, base_interval)
        paid += reward * part * blocks
        left, part = left - blocks, part - minimum(part, decrease)
        if decrease == 0:
            paid, left = paid + reward * _PERCENT * left, 0
    return div_down(paid * signed, _PERCENT * base_interval * total)


def reward_of_target_down(yearly: int, block_seconds_x100: int, base_interval: int) -> int:
    """Return the reward of a checkpoint that adds up to ``yearly`` at a block time in hundredths of a second (PIP-86).

    >>> reward_of_target_down(103_530_000 * 100, 175, 5_120)
    2941491
    """
    return div_down(yearly * block_seconds_x100 * base_interval, _PERCENT * YEAR)


def checkpoint_pay_down(
    pay: int, own: int, delegated: int, signed: int, bonus: int, commission: int, *, proposer: bool
) -> int:
    """Return what all delegators of one validator get of a checkpoint that pays ``pay``.

    The proposer takes ``bonus`` per cent first; the rest is shared by stake among ``signed``. Of a validator's part its
    delegators get what belongs to their stake, less ``commission`` per cent of it.
    """
    mine = _of_validator(pay, own, delegated, signed, bonus, proposer=proposer)
    theirs = mul_div_down(mine, delegated, own + delegated)
    return theirs - mul_div_down(theirs, commission, _PERCENT)


def validator_pay_down(
    pay: int, own: int, delegated: int, signed: int, bonus: int, commission: int, *, proposer: bool
) -> int:
    """Return what a validator keeps of the same checkpoint: all of its part that its delegators do not get, which is its own
    stake's reward and the commission on theirs.

    >>> validator_pay_down(10_000, 10, 90, 1_000, 10, 5, proposer=False)
    130
    """
    mine = _of_validator(pay, own, delegated, signed, bonus, proposer=proposer)
    return mine - checkpoint_pay_down(pay, own, delegated, signed, bonus, commission, proposer=proposer)


def _of_validator(pay: int, own: int, delegated: int, signed: int, bonus: int, *, proposer: bool) -> int:
    of_proposer = mul_div_down(pay, bonus, _PERCENT)
    return mul_div_down(pay - of_proposer, own + delegated, signed) + (of_proposer if proposer else 0)


def priority_fees_down(
    fees: int,
    stakes: Mapping[str, int],
    performance: Mapping[str, int],
    blocks: Mapping[str, int],
    *,
    commission_bps: int = 2_000,
    equal_bps: int = 6_000,
) -> dict[str, int]:
    """Return what each validator gets of ``fees`` (PIP-65), each part rounded down; what rounding leaves is paid to nobody.

    Block producers (those with ``blocks``) get a commission, ``equal_bps`` of it in equal parts and the rest by their blocks; all
    validators share the remainder by stake times ``performance`` (basis points).
    """
    commission = mul_div_down(fees, commission_bps, BPS)
    equal = mul_div_down(commission, equal_bps, BPS)
    producers = [name for name, made in blocks.items() if made]
    made = sum(blocks[name] for name in producers)
    weight = {name: stake * performance[name] for name, stake in stakes.items()}
    if not producers or not sum(weight.values()):
        raise ValueError("fees need a producer, and a validator who performed")
    paid = {name: mul_div_down(fees - commission, each, sum(weight.values())) for name, each in weight.items()}
    for name in producers:
        paid[name] = paid.get(name, 0) + div_down(equal, len(producers))
        paid[name] += mul_div_down(commission - equal, blocks[name], made)
    return paid


def yearly_mint_down(numerator: int, stake: int, supply: int) -> int:
    """Return what Starknet mints in a year at ``stake`` of ``supply``: a curve that grows with the root of the stake.

    >>> yearly_mint_down(213, 10**27, 10**28)
    67356514161586479771576432
    """
    return div_down(numerator * isqrt_down(stake * supply), _MINT_DENOMINATOR)


def per_share_down(stored: int, paid: int, shares: int) -> int:
    """Return the running reward per unit of stake after ``paid`` more; what comes while nothing is staked is nobody's."""
    return stored + div_down(paid * REWARD_PRECISION, shares) if shares else stored


def earned_down(shares: int, per_share: int, per_share_paid: int) -> int:
    """Return what a stake has earned since it was last paid."""
    return mul_div_down(shares, per_share - per_share_paid, REWARD_PRECISION)


def tips_for_stakers_down(fees: int, commission_bps: int, stakers_bps: int) -> int:
    """Return what of priority fees all stakers get: block producers take their commission (PIP-65), of the rest validators
    keep theirs and hand on ``stakers_bps`` (PIP-85).

    >>> tips_for_stakers_down(10_000, 2_600, 5_000)
    3700
    """
    return mul_div_down(fees - mul_div_down(fees, commission_bps, BPS), stakers_bps, BPS)
