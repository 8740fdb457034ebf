# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A savings vault: ERC-4626 shares over a rate per second that compounds
@notice Stands for sDAI and sUSDS, of which no registry ships the bytecode: written by us from their public rule. A share is worth
    `chi`, a ray; each second multiplies it by `rate`, a ray, and whatever touches the vault brings it up to date. That a
    deployed one answers the same to the wei is not proven. TEST ONLY, not audited: interest is minted out of nothing, as the
    issuer's own right to mint, and its token must let everybody mint.
"""

interface Token:
    def mint(receiver: address, amount: uint256): nonpayable
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    amount: uint256

event Deposit:
    sender: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Withdraw:
    sender: indexed(address)
    receiver: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Drip:
    chi: uint256
    interest: uint256

event RateSet:
    rate: uint256

RAY: constant(uint256) = 10**27
HALF_RAY: constant(uint256) = 5 * 10**26

# Mappings of the token first and in this order: the harness reads their slots (0, 1, 2) directly.
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
chi: public(uint256)
rho: public(uint256)
rate: public(uint256)

name: public(String[64])
symbol: public(String[32])
decimals: public(immutable(uint8))
asset: public(immutable(address))
governor: public(immutable(address))


@deploy
def __init__(
    name_: String[64], symbol_: String[32], decimals_: uint8, asset_: address, governor_: address, rate_: uint256, since: uint256
):
    self.name = name_
    self.symbol = symbol_
    decimals = decimals_
    asset = asset_
    governor = governor_
    self.chi = RAY
    self.rho = since
    self.rate = rate_


@external
def drip() -> uint256:
    """@notice Bring what a share is worth up to date, and mint the interest."""
    return self._drip()


@external
def setRate(rate: uint256):
    """@notice Another rate from now on; until now the old one counts."""
    assert msg.sender == governor, "not the governor"
    assert rate >= RAY, "rate below one"
    self._drip()
    self.rate = rate
    log RateSet(rate=rate)


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    shares: uint256 = assets * RAY // self._drip()
    self._enter(assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    assets: uint256 = self._up(shares * self._drip(), RAY)
    self._enter(assets, shares, receiver)
    return assets


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    shares: uint256 = self._up(assets * RAY, self._drip())
    self._leave(assets, shares, receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    assets: uint256 = shares * self._drip() // RAY
    self._leave(assets, shares, receiver, owner)
    return assets


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, amount=amount)
    return True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "allowance"
        self.allowance[owner][msg.sender] = allowed - amount
    self._move(owner, receiver, amount)
    return True


@view
@external
def totalAssets() -> uint256:
    return self.totalSupply * self._chi() // RAY


@view
@external
def convertToShares(assets: uint256) -> uint256:
    return assets * RAY // self._chi()


@view
@external
def convertToAssets(shares: uint256) -> uint256:
    return shares * self._chi() // RAY


@view
@external
def previewDeposit(assets: uint256) -> uint256:
    return assets * RAY // self._chi()


@view
@external
def previewMint(shares: uint256) -> uint256:
    return self._up(shares * self._chi(), RAY)


@view
@external
def previewWithdraw(assets: uint256) -> uint256:
    return self._up(assets * RAY, self._chi())


@view
@external
def previewRedeem(shares: uint256) -> uint256:
    return shares * self._chi() // RAY


@view
@external
def maxWithdraw(owner: address) -> uint256:
    return self.balanceOf[owner] * self._chi() // RAY


@view
@external
def maxRedeem(owner: address) -> uint256:
    return self.balanceOf[owner]


@view
@internal
def _chi() -> uint256:
    if block.timestamp == self.rho:
        return self.chi
    return self._pow(self.rate, block.timestamp - self.rho) * self.chi // RAY


@pure
@internal
def _pow(rate: uint256, seconds: uint256) -> uint256:
    # By squares; each product is rounded to the nearest ray, halves up.
    power: uint256 = rate
    out: uint256 = RAY
    rest: uint256 = seconds
    if rest % 2 == 1:
        out = rate
    for i: uint256 in range(64):
        rest = rest // 2
        if rest == 0:
            break
        power = (power * power + HALF_RAY) // RAY
        if rest % 2 == 1:
            out = (out * power + HALF_RAY) // RAY
    return out


@internal
def _drip() -> uint256:
    if block.timestamp == self.rho:
        return self.chi
    now: uint256 = self._chi()
    interest: uint256 = self.totalSupply * now // RAY - self.totalSupply * self.chi // RAY
    self.chi = now
    self.rho = block.timestamp
    extcall Token(asset).mint(self, interest)
    log Drip(chi=now, interest=interest)
    return now


@internal
def _enter(assets: uint256, shares: uint256, receiver: address):
    self.totalSupply += shares
    self.balanceOf[receiver] += shares
    log Transfer(sender=empty(address), receiver=receiver, amount=shares)
    extcall Token(asset).transferFrom(msg.sender, self, assets)
    log Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _leave(assets: uint256, shares: uint256, receiver: address, owner: address):
    assert owner == msg.sender, "not the owner"
    assert self.balanceOf[owner] >= shares, "insufficient balance"
    self.balanceOf[owner] -= shares
    self.totalSupply -= shares
    log Transfer(sender=owner, receiver=empty(address), amount=shares)
    extcall Token(asset).transfer(receiver, assets)
    log Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)


@pure
@internal
def _up(numerator: uint256, denominator: uint256) -> uint256:
    if numerator == 0:
        return 0
    return (numerator - 1) // denominator + 1


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert self.balanceOf[owner] >= amount, "balance"
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=owner, receiver=receiver, amount=amount)
