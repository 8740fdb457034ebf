"""Gross, growth of the supply, net: against the published tables and the sums by hand; unknown stays unknown."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from kit import tidemill
from tidemill import networks
from tidemill.networks.staking import StakeYield, real_bps_down, staking
from tidemill.venues.delegation import rules

NOW = int(dt.datetime(2026, 5, 1, tzinfo=dt.UTC).timestamp())


def rows(name: str, time: int = NOW) -> tuple[StakeYield, ...]:
    return staking(name, networks.get(name).facts, time)


def test_new_pol_over_what_is_staked_and_the_treasurys_dilutes_too():
    # 103.53 of 10,353 million: 1 % to validators and 1 % to the treasury
    assert [(one.staked, one.gross, one.inflation, one.net) for one in rows("polygon-pos")] == [
        (2_000, 500, 200, 294),
        (3_300, 303, 200, 100),
        (5_000, 200, 200, 0),
    ]
    before = rows("polygon-pos", int(dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp()))
    assert before[2].gross == 290 and before[2].inflation == 245  # 150.3 million a year then


def test_strk_is_the_published_table_and_the_codes_own_curve():
    found = {(one.case.split()[2].strip(","), one.staked): one for one in rows("starknet")}
    table = [found["400", staked] for staked in (900, 2_500)]
    assert [(one.gross, one.inflation, one.net) for one in table] == [(1_000, 120, 869), (600, 200, 392)]
    staked, supply = 9 * 10**26, 10**28
    minted = rules.yearly_mint_down(213, staked, supply)
    own = found["213", 900]
    assert (own.gross, own.inflation) == (minted * 7_500 // staked, minted * 10_000 // supply)


def test_the_pilot_says_what_is_not_known():
    (pilot,) = rows("zksync-era")
    assert (pilot.staked, pilot.gross, pilot.inflation, pilot.net) == (None, 1_000, None, None)
    assert "37,500,000 ZK" in pilot.case and "subsidy" in pilot.case


def test_a_network_that_pays_nothing_for_staking_has_no_row():
    assert rows("op-mainnet") == rows("arbitrum-one") == ()


def test_net_is_against_everybody_elses_tokens():
    assert real_bps_down(1_000, 120) == 869 and real_bps_down(0, 200) == -197
    assert rules.real_bps_down is real_bps_down


@pytest.mark.parametrize(
    ("name", "says"), [("polygon-pos", "2.94 %"), ("starknet", "8.69 %"), ("zksync-era", "unknown")]
)
def test_networks_show_gives_all_three(name: str, says: str):
    said = tidemill("networks", "show", name, "--on", "2026-05-01")
    assert said.code == 0 and "What staking pays a year" in said.out and says in said.out
    told = json.loads(tidemill("networks", "show", name, "--on", "2026-05-01", "--json").out)
    assert len(told["staking"]) == len(rows(name)) and {"gross", "inflation", "net"} <= told["staking"][0].keys()
    assert told["staking"][0]["facts"]
