"""What Arbitrum charges for data on Ethereum, and the controller that sets its price; integers only.

A transaction's *units* are 16 for each byte of it after brotli. The *price per unit* is steered so that what users paid
covers what the batch poster spent. The controller has a long memory and overshoots, down to 0 if need be: it is the
node's, not to be smoothed. Divisions round towards minus infinity (Go's Euclidean division by positive divisors).
Sources: Arbitrum's documentation of parent-chain pricing; vectors in ``tests/networks``.
"""

from __future__ import annotations

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = [
    "EQUILIBRATION_UNITS_V0",
    "EQUILIBRATION_UNITS_V6",
    "PER_BATCH_GAS_V6",
    "PER_BATCH_GAS_V12",
    "UNITS_PER_BYTE",
    "FeeSplit",
    "L1Pricing",
    "Settled",
    "brotli_length",
    "estimated_poster_gas",
    "fee_split",
    "poster_fee_down",
    "poster_gas_down",
    "poster_units",
    "settle",
]

UNITS_PER_BYTE = 16
EQUILIBRATION_UNITS_V0 = 96_000_000
EQUILIBRATION_UNITS_V6 = 160_000_000
PER_BATCH_GAS_V6 = 100_000
PER_BATCH_GAS_V12 = 210_000
"""Gas beside the data that a batch is counted with, ArbOS 6 and 12."""

_BIPS = 10_000
_PADDING_UNITS = 256
_PADDING_BIPS = 100
_COST_PADDING_BIPS = 11_000
_WINDOW = 22


def brotli_length(signed: bytes, level: int) -> int:
    """Return the length of a signed transaction after brotli at the ``level`` that ArbOS holds in its state.

    Raises
    ------
    BadInput : the package ``brotli`` is not installed, or the level is none of 0 to 11.
    """
    if not 0 <= level <= 11:
        raise BadInput(f"brotli has levels 0 to 11, not {level}", field="brotli_level")
    try:
        import brotli  # noqa: PLC0415
    except ImportError:
        raise BadInput("the package brotli is not installed; install tidemill[chain]", field="brotli_length") from None
    return len(brotli.compress(signed, quality=level, lgwin=_WINDOW))


def poster_units(length: int) -> int:
    """Return the units of a transaction of ``length`` bytes after brotli."""
    return UNITS_PER_BYTE * length


def poster_gas_down(units: int, price_per_unit: int, base_fee: int) -> int:
    """Return the gas of a transaction's data part: its cost over the price of gas, rounded down."""
    if base_fee <= 0:
        raise BadInput(f"base fee {base_fee} must be positive", field="base_fee")
    return units * price_per_unit // base_fee


def poster_fee_down(units: int, price_per_unit: int, base_fee: int) -> int:
    """Return what the data part costs: whole gas at the price of gas, so at most the cost itself.

    >>> poster_fee_down(1_600, 1_000, 30_000)
    1590000
    """
    return base_fee * poster_gas_down(units, price_per_unit, base_fee)


def estimated_poster_gas(units: int, price_per_unit: int, base_fee: int, min_base_fee: int) -> int:
    """Return the data gas that ``eth_estimateGas`` answers: padded by 256 units and 1 %, its cost by 10 %.

    The price of gas is taken an eighth lower than now, yet not below the minimum, in case it falls.
    """
    padded = (units + _PADDING_UNITS) * (_BIPS + _PADDING_BIPS) // _BIPS
    cost = padded * price_per_unit * _COST_PADDING_BIPS // _BIPS
    return cost // max(base_fee * 7 // 8, min_base_fee)


class FeeSplit(Struct, frozen=True):
    """Who gets what users pay, in wei: infrastructure account, network account, and the pool that pays batch posters."""

    infra: int
    network: int
    l1_pool: int


def fee_split(gas_used: int, units: int, price_per_unit: int, base_fee: int, min_base_fee: int) -> FeeSplit:
    """Return where the fee of ``gas_used`` gas (without data) and ``units`` of data goes, to the wei."""
    infra = gas_used * min(base_fee, min_base_fee)
    return FeeSplit(infra, gas_used * base_fee - infra, poster_fee_down(units, price_per_unit, base_fee))


class L1Pricing(Struct, frozen=True):
    """The controller's state.

    Parameters
    ----------
    price_per_unit, per_unit_reward : wei.
    available : wei in the pool.
    units : charged to users since the last update.
    last_update, last_surplus : seconds of the last report, and the pool's wei above its debts then.
    due_poster, due_rewards : wei owed.
    equilibration_units, inertia : over how many units a surplus is to vanish, and how slowly the price moves.
    cap_bips : the most that a batch's cost may count per unit, in basis points of the L1 base fee; 0 is no cap.
    """

    price_per_unit: int
    available: int = 0
    units: int = 0
    last_update: int = 0
    last_surplus: int = 0
    due_poster: int = 0
    due_rewards: int = 0
    per_unit_reward: int = 10
    equilibration_units: int = EQUILIBRATION_UNITS_V6
    inertia: int = 10
    cap_bips: int = 0


class Settled(Struct, frozen=True):
    """What a batch poster's report led to: the state after it, and wei paid for rewards and to the poster."""

    state: L1Pricing
    rewards: int
    poster: int


def settle(state: L1Pricing, update_time: int, now: int, spent: int, l1_base_fee: int) -> Settled:
    """Return what follows a batch posted at ``update_time`` for ``spent`` wei and reported at ``now``.

    Raises
    ------
    BadInput : the times do not rise from the last report over this one to now.
    """
    last = state.last_update or max(0, update_time - 1)
    if not last <= update_time <= now:
        raise BadInput(f"times must rise: last report {last}, this one {update_time}, now {now}", field="update_time")
    part, whole = (update_time - last, now - last) if now > last else (1, 1)
    units = state.units * part // whole
    if state.cap_bips:
        spent = min(spent, l1_base_fee * units * state.cap_bips // _BIPS)
    reward = state.per_unit_reward * units
    paid_rewards = min(state.available, reward)
    available = state.available - paid_rewards
    due_rewards = state.due_rewards + reward - paid_rewards
    paid_poster = min(available, state.due_poster + spent)
    available -= paid_poster
    due_poster = state.due_poster + spent - paid_poster
    surplus = available - due_poster - due_rewards
    price, remembered = state.price_per_unit, state.last_surplus
    if units:
        price, remembered = _steered(state, surplus, units), surplus
    after = L1Pricing(
        price_per_unit=price,
        available=available,
        units=state.units - units,
        last_update=update_time,
        last_surplus=remembered,
        due_poster=due_poster,
        due_rewards=due_rewards,
        per_unit_reward=state.per_unit_reward,
        equilibration_units=state.equilibration_units,
        inertia=state.inertia,
        cap_bips=state.cap_bips,
    )
    return Settled(after, paid_rewards, paid_poster)


def _steered(state: L1Pricing, surplus: int, units: int) -> int:
    wanted = -surplus // state.equilibration_units
    moved = (surplus - state.last_surplus) // units
    change = (wanted - moved) * units // (state.equilibration_units // state.inertia + units)
    return max(0, state.price_per_unit + change)
