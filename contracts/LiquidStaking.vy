# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A liquid staking token whose exchange rate grows, with a queue for withdrawals
@notice Stands for wstETH, rETH and weETH, of which no registry ships the bytecode: written by us from Lido's public description of
    shares, of the oracle's report with its fee, and of the withdrawal queue, which pays the lower of the rate at the request and
    the rate at finalisation. That a deployed one answers the same to the wei is not proven. TEST ONLY, not audited: one reporter
    says what validators earned or lost and brings or takes it, and the base token is any ERC-20 in place of ether.
"""

interface Token:
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

event Staked:
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Rewarded:
    assets: uint256
    feeShares: uint256

event Slashed:
    assets: uint256

event WithdrawalRequested:
    id: indexed(uint256)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event WithdrawalFinalized:
    id: indexed(uint256)
    assets: uint256
    shares: uint256

event WithdrawalClaimed:
    id: indexed(uint256)
    owner: indexed(address)
    assets: uint256

struct Request:
    owner: address
    assets: uint256
    shares: uint256
    time: uint256
    paid: uint256
    claimed: bool

RAY: constant(uint256) = 10**27
WAD: constant(uint256) = 10**18
BPS: constant(uint256) = 10**4
MIN_REQUEST: constant(uint256) = 100
AT_ONCE: constant(uint256) = 256

# Mappings of the token first and in this order: the harness reads their slots (0, 1, 2) directly.
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
totalAssets: public(uint256)
lastFinalized: public(uint256)
requests: DynArray[Request, 1 << 32]

name: public(String[64])
symbol: public(String[32])
decimals: public(immutable(uint8))
asset: public(immutable(address))
reporter: public(immutable(address))
treasury: public(immutable(address))
feeBps: public(immutable(uint256))
maxRequest: public(immutable(uint256))


@deploy
def __init__(
    name_: String[64], symbol_: String[32], decimals_: uint8, asset_: address, reporter_: address, treasury_: address,
    fee_bps: uint256, max_request: uint256,
):
    self.name = name_
    self.symbol = symbol_
    decimals = decimals_
    asset = asset_
    reporter = reporter_
    treasury = treasury_
    feeBps = fee_bps
    maxRequest = max_request


@external
def stake(amount: uint256) -> uint256:
    """@notice Bring `amount` of the base token for shares at the present rate, rounded down."""
    assert amount > 0, "nothing to stake"
    shares: uint256 = self._shares(amount)
    assert shares > 0, "too little for a share"
    self.totalAssets += amount
    self._mint(msg.sender, shares)
    extcall Token(asset).transferFrom(msg.sender, self, amount)
    log Staked(owner=msg.sender, assets=amount, shares=shares)
    return shares


@external
def reportRewards(amount: uint256) -> uint256:
    """@notice Validators earned `amount`; the protocol's part of it is minted as shares, which dilutes everybody alike."""
    assert msg.sender == reporter, "not the reporter"
    assert self.totalSupply > 0, "nothing is staked"
    total: uint256 = self.totalAssets + amount
    fee: uint256 = amount * feeBps * self.totalSupply // (total * BPS - amount * feeBps)
    self.totalAssets = total
    self._mint(treasury, fee)
    extcall Token(asset).transferFrom(msg.sender, self, amount)
    log Rewarded(assets=amount, feeShares=fee)
    return fee


@external
def reportSlashing(amount: uint256):
    """@notice Validators lost `amount`, which leaves with the reporter."""
    assert msg.sender == reporter, "not the reporter"
    assert amount < self.totalAssets, "more than is staked"
    self.totalAssets -= amount
    extcall Token(asset).transfer(msg.sender, amount)
    log Slashed(assets=amount)


@external
def requestWithdrawal(shares: uint256) -> uint256:
    """@notice Put `shares` into the queue; what they are worth now is the most that they will be paid."""
    assert self.balanceOf[msg.sender] >= shares, "balance"
    assets: uint256 = self._assets(shares)
    assert assets >= MIN_REQUEST, "request too small"
    assert assets <= maxRequest, "request too large"
    self._move(msg.sender, self, shares)
    self.requests.append(
        Request(owner=msg.sender, assets=assets, shares=shares, time=block.timestamp, paid=0, claimed=False)
    )
    id: uint256 = len(self.requests)
    log WithdrawalRequested(id=id, owner=msg.sender, assets=assets, shares=shares)
    return id


@external
def finalize(until: uint256) -> uint256:
    """@notice Pay out, at the present rate or the request's own if that is lower, all requests made at `until` or before."""
    assert msg.sender == reporter, "not the reporter"
    rate: uint256 = self._rate()
    assets: uint256 = 0
    shares: uint256 = 0
    last: uint256 = self.lastFinalized
    for i: uint256 in range(AT_ONCE):
        if last == len(self.requests):
            break
        request: Request = self.requests[last]
        if request.time > until:
            break
        paid: uint256 = self._paid(request, rate)
        self.requests[last].paid = paid
        assets += paid
        shares += request.shares
        last += 1
        log WithdrawalFinalized(id=last, assets=paid, shares=request.shares)
    assert last > self.lastFinalized, "nothing to finalize"
    self.lastFinalized = last
    self.totalAssets -= assets
    self.totalSupply -= shares
    self.balanceOf[self] -= shares
    log Transfer(sender=self, receiver=empty(address), amount=shares)
    return assets


@external
def claim(id: uint256) -> uint256:
    """@notice Take what a finalized request is paid."""
    assert id > 0 and id <= len(self.requests), "no such request"
    request: Request = self.requests[id - 1]
    assert request.owner == msg.sender, "not the owner"
    assert id <= self.lastFinalized, "not finalized"
    assert not request.claimed, "already claimed"
    self.requests[id - 1].claimed = True
    extcall Token(asset).transfer(msg.sender, request.paid)
    log WithdrawalClaimed(id=id, owner=msg.sender, assets=request.paid)
    return request.paid


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
def getRate() -> uint256:
    """@notice What a whole share (10**18) is worth."""
    return self._assets(WAD)


@view
@external
def convertToShares(assets: uint256) -> uint256:
    return self._shares(assets)


@view
@external
def convertToAssets(shares: uint256) -> uint256:
    return self._assets(shares)


@view
@external
def requestCount() -> uint256:
    return len(self.requests)


@view
@external
def request(id: uint256) -> Request:
    """@notice A request as made, with what it would be paid now (or what it is paid, once finalized)."""
    found: Request = self.requests[id - 1]
    if id > self.lastFinalized:
        found.paid = self._paid(found, self._rate())
    return found


@view
@internal
def _rate() -> uint256:
    if self.totalSupply == 0:
        return RAY
    return self.totalAssets * RAY // self.totalSupply


@pure
@internal
def _paid(request: Request, rate: uint256) -> uint256:
    if request.assets * RAY // request.shares <= rate:
        return request.assets
    return request.shares * rate // RAY


@view
@internal
def _shares(assets: uint256) -> uint256:
    if self.totalSupply == 0:
        return assets
    return assets * self.totalSupply // self.totalAssets


@view
@internal
def _assets(shares: uint256) -> uint256:
    if self.totalSupply == 0:
        return shares
    return shares * self.totalAssets // self.totalSupply


@internal
def _mint(receiver: address, shares: uint256):
    self.totalSupply += shares
    self.balanceOf[receiver] += shares
    log Transfer(sender=empty(address), receiver=receiver, amount=shares)


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert self.balanceOf[owner] >= amount, "balance"
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=owner, receiver=receiver, amount=amount)
