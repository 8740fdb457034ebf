"""What Polygon's validators earn, as pure integer functions: checkpoint rewards, and the division of tips (PIP-65).

Amounts are wei of POL, stakes any one unit. Sources: 0xPolygon/pos-contracts StakeManager; PIP-26, PIP-65, PIP-86.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.errors import BadInput

__all__ = [
    "SECONDS_PER_YEAR",
    "checkpoint_reward_down",
    "checkpoint_reward_for_target_down",
    "emission_split_down",
    "supply_after_down",
    "tip_shares_down",
]

SECONDS_PER_YEAR = 31_536_000
_HUNDRED = 100
_MILLION = 1_000_000
_WAD = 10**18
_LN2 = 693_147_180_559_945_309_417_232_121_458_176_568_075_500_134_360_255_254_120_680  # times 10^60
_LN2_ONE = 10**60


def checkpoint_reward_down(
    blocks: int, interval: int, reward: int, signed_power: int, total_stake: int, decrease_percent: int = 0
) -> int:
    """Return the reward of a checkpoint over ``blocks`` blocks, signed by ``signed_power`` of ``total_stake``.

    One full ``interval`` of blocks earns ``reward``. What a checkpoint covers beyond earns less with each further
    interval, by ``decrease_percent`` more each time, nothing once that reaches the whole; parts of one count by blocks.
    """
    if interval <= 0 or total_stake <= 0 or not 0 <= signed_power <= total_stake or blocks < 0:
        raise BadInput(f"{blocks} blocks of {interval}, {signed_power} of {total_stake} signed: not a checkpoint")
    full, rest = divmod(blocks, interval)
    earned, left = 0, _HUNDRED
    for _ in range(full):
        earned += reward * left // _HUNDRED
        left -= decrease_percent
        if left <= 0:
            return earned * signed_power // total_stake
    earned += reward * left // _HUNDRED * rest // interval
    return earned * signed_power // total_stake


def checkpoint_reward_for_target_down(annual_target: int, block_time_ms: int, blocks: int = 5_120) -> int:
    """Return the reward of one checkpoint that pays ``annual_target`` in a year (PIP-86).

    >>> checkpoint_reward_for_target_down(103_530_000 * 10**18, 1_500) // 10**18
    25212
    """
    return annual_target * block_time_ms * blocks // (1_000 * SECONDS_PER_YEAR)


def supply_after_down(start_supply: int, seconds: int, log2_growth: int) -> int:
    """Return the supply that an emission of ``2**(log2_growth / 10**18)`` a year makes of ``start_supply``.

    The power is the Taylor sum of ``e**(x ln 2)`` on integers of 60 digits, so it is exact to far below a wei.
    """
    exponent = _LN2 * log2_growth * seconds // (_WAD * SECONDS_PER_YEAR)
    term, total, index = _LN2_ONE, 0, 1
    while term > 0:
        total += term
        term = term * exponent // (_LN2_ONE * index)
        index += 1
    return start_supply * total // _LN2_ONE


def emission_split_down(minted: int) -> tuple[int, int]:
    """Return what of newly minted POL goes to validators and what to the treasury: three fifths and two (2.5 % a year)."""
    treasury = minted * 2 // 5
    return minted - treasury, treasury


def tip_shares_down(
    tips: int,
    commission: int,
    equal_part: int,
    stakes: Mapping[str, int],
    performance: Mapping[str, int],
    blocks: Mapping[str, int],
) -> dict[str, int]:
    """Return what each validator gets of the ``tips`` (PIP-65); ``commission``, parts and performance in millionths.

    Producers keep ``commission``: ``equal_part`` of that goes to them alike, the rest by ``blocks`` made. What is left
    goes to all by stake times performance. Roundings stay undivided.
    """
    if not any(blocks.values()) or not any(stakes.values()):
        raise BadInput("tips are divided among validators with stake, of whom one at least made a block")
    producers = [name for name, made in blocks.items() if made]
    kept = tips * commission // _MILLION
    alike = kept * equal_part // _MILLION
    weights = {name: stake * performance[name] for name, stake in stakes.items()}
    out = {name: (tips - kept) * weight // sum(weights.values()) for name, weight in weights.items()}
    for name in producers:
        out[name] = out.get(name, 0) + alike // len(producers)
        out[name] += (kept - alike) * blocks[name] // sum(blocks.values())
    return out
