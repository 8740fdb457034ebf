"""What staking a network's token pays: gross, minus the growth of the supply, net. From dated facts, in basis points a year.

A rate that is paid in new tokens hangs on how much is staked, which no fact tells: rows are given for some parts of the supply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from tidemill.facts import Fact, Facts
from tidemill.networks.starknet import staking_apr_bps_down
from tidemill.units import BPS, isqrt_down, mul_div_down

__all__ = ["StakeYield", "real_bps_down", "staking"]


class StakeYield(Struct, frozen=True):
    """A case: ``staked`` part of the supply (``None`` where the rate does not hang on it), rates in basis points a year before a
    validator's commission, ``None`` for unknown. ``facts`` are behind it.
    """

    token: str
    case: str
    staked: int | None
    gross: int
    inflation: int | None
    net: int | None
    facts: Mapping[str, Fact]


def real_bps_down(gross_bps: int, inflation_bps: int) -> int:
    """Return what a yield leaves against everybody else when supply grows as well (negative for a loss).

    >>> real_bps_down(300, 200)
    98
    """
    grown, diluted = BPS + gross_bps, BPS + inflation_bps
    # floor, also below zero: never flattering
    return grown * BPS // diluted - BPS


def staking(name: str, facts: Facts, time: int) -> tuple[StakeYield, ...]:
    """Return the cases of a network at ``time`` (seconds); none where nothing is paid for staking, or nothing is known."""
    found = _NETWORKS.get(name)
    return found(facts, time) if found else ()


def _case(token: str, case: str, staked: int, gross: int, inflation: int, used: Mapping[str, Fact]) -> StakeYield:
    return StakeYield(token, case, staked, gross, inflation, real_bps_down(gross, inflation), used)


def _pol(facts: Facts, time: int) -> tuple[StakeYield, ...]:
    """A year's new POL over what is staked; the treasury's new POL dilutes as well."""
    used = {name: facts.fact(name) for name in ("supply", "treasury_emission_bps")}
    supply, emission = facts.integer("supply"), facts.timeline("validator_emission").at(time)
    assert isinstance(emission, int)
    inflation = mul_div_down(emission, BPS, supply) + facts.integer("treasury_emission_bps")
    what = f"{emission:,} POL a year to validators, the treasury's beside it"
    return tuple(
        _case("POL", what, staked, mul_div_down(emission, BPS * BPS, supply * staked), inflation, used)
        for staked in (2_000, 3_300, 5_000)
    )


def _strk(facts: Facts, time: int) -> tuple[StakeYield, ...]:
    """The minting curve with the code's coefficient and with that of the published table; a quarter is for stakers of bitcoin."""
    del time
    rows = []
    for name, said in (("mint_coefficient", "the code's default"), ("mint_coefficient_table", "the published table's")):
        used = {key: facts.fact(key) for key in (name, "bitcoin_part_bps")}
        ceiling = facts.integer(name)
        for staked in (900, 2_500):
            gross = staking_apr_bps_down(ceiling, staked, facts.integer("bitcoin_part_bps"))
            minted = isqrt_down(ceiling * ceiling * staked) // 100
            rows.append(_case("STRK", f"minting coefficient {ceiling}, {said}", staked, gross, minted, used))
    return tuple(rows)


def _zk(facts: Facts, time: int) -> tuple[StakeYield, ...]:
    """The pilot's most; how the supply grew meanwhile no fact tells."""
    del time
    used = {name: facts.fact(name) for name in ("pilot_rate_bps", "pilot_cap")}
    case = f"pilot: at most this, until {facts.integer('pilot_cap'):,} ZK are paid: a subsidy with an end"
    return (StakeYield("ZK", case, None, facts.integer("pilot_rate_bps"), None, None, used),)


_NETWORKS: Mapping[str, Callable[[Facts, int], tuple[StakeYield, ...]]] = {
    "polygon-pos": _pol,
    "starknet": _strk,
    "zksync-era": _zk,
}
