# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title An ERC-4626 vault that lends its asset in several Morpho Blue markets
@notice Stands for MetaMorpho vaults, of which no registry ships the bytecode: written by us from their public description
    (a supply queue with caps, a withdraw queue, a performance fee taken as shares on interest, losses kept in the price of a
    share). Roles and time locks are left out: an owner does it all at once. Not a deployed one, nor proven equal to any.
    TEST ONLY, not audited.
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

struct Position:
    supplyShares: uint256
    borrowShares: uint128
    collateral: uint128

struct Place:
    morpho: address
    params: Params
    id: bytes32
    cap: uint256

interface Morpho:
    def market(id: bytes32) -> Market: view
    def position(id: bytes32, user: address) -> Position: view
    def supply(params: Params, assets: uint256, shares: uint256, owner: address, data: Bytes[32]) -> (uint256, uint256): nonpayable
    def withdraw(params: Params, assets: uint256, shares: uint256, owner: address, receiver: address) -> (uint256, uint256): nonpayable

interface Irm:
    def borrowRateView(params: Params, market: Market) -> uint256: view

interface Token:
    def decimals() -> uint8: view
    def approve(spender: address, amount: uint256) -> bool: nonpayable
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

event AccrueInterest:
    newTotalAssets: uint256
    feeShares: uint256

WAD: constant(uint256) = 10**18
MOST_FEE: constant(uint256) = 5 * 10**17
MOST: constant(uint256) = 8
VIRTUAL_SHARES: constant(uint256) = 10**6

# The share's balances first: the harness and rehearsals read and write their slot (0) directly.
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
lastTotalAssets: public(uint256)
lostAssets: public(uint256)
fee: public(uint256)
feeRecipient: public(address)
places: public(DynArray[Place, MOST])
_supply_queue: DynArray[uint256, MOST]
_withdraw_queue: DynArray[uint256, MOST]
asset: public(immutable(address))
owner: public(immutable(address))
decimals: public(immutable(uint8))
UNIT: immutable(uint256)
name: public(String[64])
symbol: public(String[32])


@deploy
def __init__(asset_: address, owner_: address, name_: String[64], symbol_: String[32], offset: uint8):
    asset = asset_
    owner = owner_
    decimals = staticcall Token(asset_).decimals() + offset
    UNIT = 10**convert(offset, uint256)
    self.name = name_
    self.symbol = symbol_


# --- the owner --------------------------------------------------------------------------------------------------------

@external
def add_market(morpho: address, params: Params, cap: uint256):
    assert msg.sender == owner, "not owner"
    assert params.loanToken == asset, "another asset"
    id: bytes32 = keccak256(abi_encode(params))
    assert (staticcall Morpho(morpho).market(id)).lastUpdate != 0, "no such market"
    for place: Place in self.places:
        assert place.morpho != morpho or place.id != id, "already there"
    self.places.append(Place(morpho=morpho, params=params, id=id, cap=cap))
    self._withdraw_queue.append(len(self.places) - 1)
    assert extcall Token(asset).approve(morpho, max_value(uint256))


@external
def set_cap(index: uint256, cap: uint256):
    assert msg.sender == owner, "not owner"
    assert index < len(self.places), "no such market"
    self.places[index].cap = cap
    if cap > 0 and index not in self._withdraw_queue:
        self._withdraw_queue.append(index)


@external
def set_supply_queue(queue: DynArray[uint256, MOST]):
    assert msg.sender == owner, "not owner"
    for index: uint256 in queue:
        assert index < len(self.places), "no such market"
        assert self.places[index].cap > 0, "no cap"
    self._supply_queue = queue


@external
def set_withdraw_queue(queue: DynArray[uint256, MOST]):
    assert msg.sender == owner, "not owner"
    seen: uint256 = 0
    for index: uint256 in queue:
        assert index < len(self.places), "no such market"
        assert (seen >> index) & 1 == 0, "twice"
        seen |= 1 << index
    for index: uint256 in range(len(self.places), bound=MOST):
        if (seen >> index) & 1 == 0:
            place: Place = self.places[index]
            assert place.cap == 0, "still capped"
            assert (staticcall Morpho(place.morpho).position(place.id, self)).supplyShares == 0, "still supplied"
    self._withdraw_queue = queue


@external
def reallocate(source: uint256, target: uint256, assets: uint256):
    assert msg.sender == owner, "not owner"
    assert max(source, target) < len(self.places), "no such market"
    place: Place = self.places[source]
    extcall Morpho(place.morpho).withdraw(place.params, assets, 0, self, self)
    place = self.places[target]
    assert self._held(place)[0] + assets <= place.cap, "cap exceeded"
    extcall Morpho(place.morpho).supply(place.params, assets, 0, self, b"")


@external
def set_fee(fee: uint256, recipient: address):
    assert msg.sender == owner, "not owner"
    assert fee <= MOST_FEE, "fee too high"
    assert recipient != empty(address), "no recipient"
    self._accrue()
    self.fee = fee
    self.feeRecipient = recipient


# --- everybody --------------------------------------------------------------------------------------------------------

@external
def accrue():
    self._accrue()


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    total: uint256 = self._accrue()
    shares: uint256 = assets * (self.totalSupply + UNIT) // (total + 1)
    self._enter(assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    total: uint256 = self._accrue()
    assets: uint256 = self._up(shares * (total + 1), self.totalSupply + UNIT)
    self._enter(assets, shares, receiver)
    return assets


@external
def withdraw(assets: uint256, receiver: address, owner_: address) -> uint256:
    total: uint256 = self._accrue()
    shares: uint256 = self._up(assets * (self.totalSupply + UNIT), total + 1)
    self._leave(assets, shares, receiver, owner_)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner_: address) -> uint256:
    total: uint256 = self._accrue()
    assets: uint256 = shares * (total + 1) // (self.totalSupply + UNIT)
    self._leave(assets, shares, receiver, owner_)
    return assets


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, amount=amount)
    return True


@external
def transferFrom(holder: address, receiver: address, amount: uint256) -> bool:
    assert self.allowance[holder][msg.sender] >= amount, "allowance"
    self.allowance[holder][msg.sender] -= amount
    self._move(holder, receiver, amount)
    return True


# --- views ------------------------------------------------------------------------------------------------------------

@view
@external
def supplyQueue() -> DynArray[uint256, MOST]:
    return self._supply_queue


@view
@external
def withdrawQueue() -> DynArray[uint256, MOST]:
    return self._withdraw_queue


@view
@external
def marketCount() -> uint256:
    return len(self.places)


@view
@external
def cap(index: uint256) -> uint256:
    return self.places[index].cap


@view
@external
def totalAssets() -> uint256:
    return self._ahead()[0]


@view
@external
def convertToAssets(shares: uint256) -> uint256:
    total: uint256 = 0
    supply: uint256 = 0
    total, supply = self._grown()
    return shares * (total + 1) // (supply + UNIT)


@view
@external
def convertToShares(assets: uint256) -> uint256:
    total: uint256 = 0
    supply: uint256 = 0
    total, supply = self._grown()
    return assets * (supply + UNIT) // (total + 1)


@view
@external
def maxDeposit(receiver: address) -> uint256:
    room: uint256 = 0
    for index: uint256 in self._supply_queue:
        place: Place = self.places[index]
        held: uint256 = self._held(place)[0]
        room += max(place.cap, held) - held
    return room


@view
@external
def maxWithdraw(holder: address) -> uint256:
    total: uint256 = 0
    supply: uint256 = 0
    total, supply = self._grown()
    free: uint256 = 0
    for index: uint256 in self._withdraw_queue:
        held: uint256 = 0
        liquid: uint256 = 0
        held, liquid = self._held(self.places[index])
        free += min(held, liquid)
    return min(self.balanceOf[holder] * (total + 1) // (supply + UNIT), free)


# --- inside -----------------------------------------------------------------------------------------------------------

@view
@internal
def _held(place: Place) -> (uint256, uint256):
    # What is supplied to a market with its interest up to now, and how much of the market is not lent out.
    market: Market = staticcall Morpho(place.morpho).market(place.id)
    assets: uint256 = convert(market.totalSupplyAssets, uint256)
    shares: uint256 = convert(market.totalSupplyShares, uint256)
    lent: uint256 = convert(market.totalBorrowAssets, uint256)
    elapsed: uint256 = block.timestamp - convert(market.lastUpdate, uint256)
    if elapsed > 0 and lent > 0 and place.params.irm != empty(address):
        first: uint256 = elapsed * staticcall Irm(place.params.irm).borrowRateView(place.params, market)
        second: uint256 = first * first // (2 * WAD)
        interest: uint256 = lent * (first + second + second * first // (3 * WAD)) // WAD
        lent += interest
        assets += interest
        part: uint256 = interest * convert(market.fee, uint256) // WAD
        shares += part * (shares + VIRTUAL_SHARES) // (assets - part + 1)
    own: uint256 = (staticcall Morpho(place.morpho).position(place.id, self)).supplyShares
    return own * (assets + 1) // (shares + VIRTUAL_SHARES), assets - lent


@view
@internal
def _ahead() -> (uint256, uint256, uint256):
    # All assets, losses counted as if they were there; what is lost; the fee in shares.
    there: uint256 = 0
    for index: uint256 in self._withdraw_queue:
        there += self._held(self.places[index])[0]
    lost: uint256 = self.lostAssets
    last: uint256 = self.lastTotalAssets
    if there + lost < last:
        lost = last - there
    total: uint256 = there + lost
    part: uint256 = (total - last) * self.fee // WAD
    return total, lost, part * (self.totalSupply + UNIT) // (total - part + 1)


@view
@internal
def _grown() -> (uint256, uint256):
    total: uint256 = 0
    lost: uint256 = 0
    shares: uint256 = 0
    total, lost, shares = self._ahead()
    return total, self.totalSupply + shares


@internal
def _accrue() -> uint256:
    total: uint256 = 0
    lost: uint256 = 0
    shares: uint256 = 0
    total, lost, shares = self._ahead()
    if shares > 0:
        self._mint(self.feeRecipient, shares)
    self.lastTotalAssets = total
    self.lostAssets = lost
    log AccrueInterest(newTotalAssets=total, feeShares=shares)
    return total


@internal
def _enter(assets: uint256, shares: uint256, receiver: address):
    assert extcall Token(asset).transferFrom(msg.sender, self, assets)
    self._mint(receiver, shares)
    left: uint256 = assets
    for index: uint256 in self._supply_queue:
        place: Place = self.places[index]
        held: uint256 = self._held(place)[0]
        part: uint256 = min(max(place.cap, held) - held, left)
        if part > 0:
            extcall Morpho(place.morpho).supply(place.params, part, 0, self, b"")
            left -= part
    assert left == 0, "all caps reached"
    self.lastTotalAssets += assets
    log Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _leave(assets: uint256, shares: uint256, receiver: address, holder: address):
    assert msg.sender == holder, "not the holder"
    assert self.balanceOf[holder] >= shares, "balance"
    left: uint256 = assets
    for index: uint256 in self._withdraw_queue:
        place: Place = self.places[index]
        held: uint256 = 0
        liquid: uint256 = 0
        held, liquid = self._held(place)
        part: uint256 = min(min(held, liquid), left)
        if part > 0:
            extcall Morpho(place.morpho).withdraw(place.params, part, 0, self, self)
            left -= part
    assert left == 0, "not enough liquidity"
    self.totalSupply -= shares
    self.balanceOf[holder] -= shares
    log Transfer(sender=holder, receiver=empty(address), amount=shares)
    last: uint256 = self.lastTotalAssets
    self.lastTotalAssets = max(last, assets) - assets
    assert extcall Token(asset).transfer(receiver, assets)
    log Withdraw(sender=msg.sender, receiver=receiver, owner=holder, assets=assets, shares=shares)


@internal
def _mint(receiver: address, amount: uint256):
    self.totalSupply += amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=empty(address), receiver=receiver, amount=amount)


@internal
def _move(holder: address, receiver: address, amount: uint256):
    assert self.balanceOf[holder] >= amount, "balance"
    self.balanceOf[holder] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=holder, receiver=receiver, amount=amount)


@pure
@internal
def _up(a: uint256, b: uint256) -> uint256:
    return (a + b - 1) // b
