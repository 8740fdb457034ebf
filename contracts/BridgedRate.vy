# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title The exchange rate of a staking token on a network to which the token is bridged
@notice Stands for the rate providers of wstETH, rETH and weETH on other networks: the token there is neither minted nor redeemed for
    what is staked, and its rate is what a feeder last brought, at its heartbeat. Written by us. TEST ONLY, not audited: it
    believes its one feeder.
"""

event RateUpdated:
    rate: uint256
    time: uint256

getRate: public(uint256)
updatedAt: public(uint256)
feeder: public(immutable(address))


@deploy
def __init__(feeder_: address, rate: uint256):
    feeder = feeder_
    self.getRate = rate


@external
def push(rate: uint256):
    """@notice A whole token (10**18) stands for `rate` from now on."""
    assert msg.sender == feeder, "not the feeder"
    assert rate > 0, "no rate"
    self.getRate = rate
    self.updatedAt = block.timestamp
    log RateUpdated(rate=rate, time=block.timestamp)
