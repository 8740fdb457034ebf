# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A borrow rate for Morpho Blue that adapts to demand
@notice Stands for Morpho's AdaptiveCurveIRM, of which no registry ships the bytecode: written by us from its public
    specification (steepness 4, target 90 %, speed 50 a year, 4 % at the start, bounds 0.1 % and 200 % a year). Its numbers are
    the specification's; that a deployed one answers the same to the wei is not proven. TEST ONLY, not audited.
"""

struct Params:
    loanToken: address
    collateralToken: address
    oracle: address
    irm: address
    lltv: uint256

struct Market:
    totalSupplyAssets: uint128
    totalSupplyShares: uint128
    totalBorrowAssets: uint128
    totalBorrowShares: uint128
    lastUpdate: uint128
    fee: uint128

event BorrowRateUpdate:
    id: indexed(bytes32)
    avgBorrowRate: uint256
    rateAtTarget: uint256

WAD: constant(int256) = 10**18
YEAR: constant(int256) = 365 * 86400
TARGET: constant(int256) = 9 * 10**17
STEEPNESS: constant(int256) = 4 * 10**18
SPEED: constant(int256) = 50 * 10**18 // (365 * 86400)
INITIAL: constant(int256) = 4 * 10**16 // (365 * 86400)
LEAST: constant(int256) = 10**15 // (365 * 86400)
MOST: constant(int256) = 2 * 10**18 // (365 * 86400)
LN2: constant(int256) = 693147180559945309
FAR: constant(int256) = 93 * 10**18

MORPHO: public(immutable(address))
rateAtTarget: public(HashMap[bytes32, int256])


@deploy
def __init__(morpho: address):
    MORPHO = morpho


@external
def borrowRate(params: Params, market: Market) -> uint256:
    """@notice The mean rate since the market's last accrual; remembers where the rate at target has come to."""
    assert msg.sender == MORPHO, "not Morpho"
    id: bytes32 = keccak256(abi_encode(params))
    mean: uint256 = 0
    end: int256 = 0
    mean, end = self._rate(id, market)
    self.rateAtTarget[id] = end
    log BorrowRateUpdate(id=id, avgBorrowRate=mean, rateAtTarget=convert(end, uint256))
    return mean


@view
@external
def borrowRateView(params: Params, market: Market) -> uint256:
    """@notice What `borrowRate` would answer now."""
    return self._rate(keccak256(abi_encode(params)), market)[0]


@view
@internal
def _rate(id: bytes32, market: Market) -> (uint256, int256):
    used: int256 = 0
    if market.totalSupplyAssets > 0:
        used = convert(
            convert(market.totalBorrowAssets, uint256) * 10**18 // convert(market.totalSupplyAssets, uint256), int256
        )
    room: int256 = TARGET
    if used > TARGET:
        room = WAD - TARGET
    error: int256 = (used - TARGET) * WAD // room

    start: int256 = self.rateAtTarget[id]
    mean: int256 = INITIAL
    end: int256 = INITIAL
    if start != 0:
        elapsed: int256 = convert(block.timestamp - convert(market.lastUpdate, uint256), int256)
        exponent: int256 = (SPEED * error // WAD) * elapsed
        if exponent == 0:
            mean = start
            end = start
        else:
            end = self._moved(start, exponent)
            mean = (start + end + 2 * self._moved(start, exponent // 2)) // 4

    factor: int256 = STEEPNESS - WAD
    if error < 0:
        factor = WAD - WAD * WAD // STEEPNESS
    return convert((factor * error // WAD + WAD) * mean // WAD, uint256), end


@pure
@internal
def _moved(start: int256, exponent: int256) -> int256:
    return max(LEAST, min(MOST, start * self._exp(exponent) // WAD))


@pure
@internal
def _exp(exponent: int256) -> int256:
    # 2**q times the second-order series of what is left, q rounded to the nearest.
    x: int256 = max(-FAR, min(FAR, exponent))
    half: int256 = LN2 // 2
    if x < 0:
        half = -half
    q: int256 = (x + half) // LN2
    rest: int256 = x - q * LN2
    series: uint256 = convert(WAD + rest + rest * rest // WAD // 2, uint256)
    if q < 0:
        return convert(series >> convert(-q, uint256), int256)
    return convert(series << convert(q, uint256), int256)
