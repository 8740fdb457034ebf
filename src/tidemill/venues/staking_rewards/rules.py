"""Reward accrual of StakingRewards: a stream of ``reward_rate`` raw units per second, shared by stake.

Source: the contract's documented behaviour (Synthetix SIP-31 and the Uniswap liquidity-staker artefact).
``reward_per_token`` is a running total of reward per staked unit, scaled by 1e18 and rounded down at each touch.
"""

from __future__ import annotations

from tidemill.units import Uint, div_down, rule, wide

__all__ = ["WAD", "earned_down", "reward_per_token_down", "reward_rate_down"]

WAD = wide(10**18)


@rule
def reward_per_token_down(stored: Uint, elapsed: Uint, reward_rate: Uint, total_staked: Uint) -> Uint:
    """Running reward per staked unit (1e18 scale) after ``elapsed`` seconds; frozen while nothing is staked."""
    if total_staked == 0:
        return stored
    return stored + div_down(elapsed * reward_rate * WAD, total_staked)


@rule
def earned_down(staked: Uint, per_token: Uint, per_token_paid: Uint, pending: Uint) -> Uint:
    """Reward owed to a staker (raw units): what accrued since the last touch, rounded down, plus what was pending."""
    return div_down(staked * (per_token - per_token_paid), WAD) + pending


@rule
def reward_rate_down(reward: Uint, remaining: Uint, current_rate: Uint, duration: Uint) -> Uint:
    """Reward per second after adding ``reward`` to a stream with ``remaining`` seconds left (0 if over)."""
    if remaining == 0:
        return div_down(reward, duration)
    return div_down(reward + remaining * current_rate, duration)
