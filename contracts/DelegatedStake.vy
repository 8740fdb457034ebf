# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Stake delegated to one validator, paid by epoch
@notice Stands for POL's share contracts behind its staking manager, for Starknet's pools and for programmes that pay for delegated tokens;
    no registry ships the bytecode of any. Written by us from published rules: PIP-26, PIP-65, PIP-85, PIP-86 and Polygon's staking pages
    (checkpoints), Starknet's (its minting curve). That a deployed one answers the same to the wei is not proven. TEST ONLY, not audited:
    anybody may call an epoch, and what it pays is minted out of nothing by a token that lets everybody mint.
"""

interface Token:
    def mint(receiver: address, amount: uint256): nonpayable
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable

event Delegated:
    owner: indexed(address)
    amount: uint256

event Claimed:
    owner: indexed(address)
    amount: uint256

event Restaked:
    owner: indexed(address)
    amount: uint256

event Unbonding:
    id: indexed(uint256)
    owner: indexed(address)
    amount: uint256
    ready: uint256

event Unbonded:
    id: indexed(uint256)
    owner: indexed(address)
    amount: uint256

event Epoch:
    minted: uint256
    paid: uint256

struct Terms:
    form: uint256  # 0 checkpoints, 1 a minting curve, 2 a programme
    own: uint256
    elsewhere: uint256
    commission: uint256
    supply: uint256
    otherMint: uint256
    unbonding: uint256
    least: uint256
    reward: uint256
    interval: uint256
    decrease: uint256
    bonus: uint256
    numerator: uint256
    alphaBps: uint256
    rateBps: uint256
    purse: uint256
    ends: uint256
    tips: uint256  # priority fees of a year that are for all stakers, paid with checkpoints

struct Leaving:
    owner: address
    amount: uint256
    ready: uint256
    claimed: bool

YEAR: constant(uint256) = 31_536_000
PRECISION: constant(uint256) = 10**25
BPS: constant(uint256) = 10_000

token: public(immutable(address))
terms: public(Terms)
total: public(uint256)
minted: public(uint256)
spent: public(uint256)
at: public(uint256)
pace: public(uint256)
beyond: public(uint256)
leavingCount: public(uint256)
shares: public(HashMap[address, uint256])
pacePaid: public(HashMap[address, uint256])
beyondPaid: public(HashMap[address, uint256])
leaving: public(HashMap[uint256, Leaving])


@deploy
def __init__(token_: address, terms_: Terms, since: uint256):
    token = token_
    self.terms = terms_
    self.at = since


@external
def delegate(amount: uint256):
    assert amount >= self.terms.least, "too little to delegate"
    self._pay(msg.sender)
    extcall Token(token).transferFrom(msg.sender, self, amount)
    self.shares[msg.sender] += amount
    self.total += amount
    log Delegated(owner=msg.sender, amount=amount)


@external
def undelegate(amount: uint256) -> uint256:
    assert amount > 0 and amount <= self.shares[msg.sender], "not delegated so much"
    self._pay(msg.sender)
    self.shares[msg.sender] -= amount
    self.total -= amount
    self.leavingCount += 1
    ready: uint256 = block.timestamp + self.terms.unbonding
    self.leaving[self.leavingCount] = Leaving(owner=msg.sender, amount=amount, ready=ready, claimed=False)
    log Unbonding(id=self.leavingCount, owner=msg.sender, amount=amount, ready=ready)
    return self.leavingCount


@external
def claimUnbonded(id: uint256) -> uint256:
    one: Leaving = self.leaving[id]
    assert one.amount > 0, "no such unbonding"
    assert one.owner == msg.sender, "not the owner"
    assert not one.claimed, "already claimed"
    assert block.timestamp >= one.ready, "still unbonding"
    self.leaving[id].claimed = True
    extcall Token(token).transfer(msg.sender, one.amount)
    log Unbonded(id=id, owner=msg.sender, amount=one.amount)
    return one.amount


@external
def claim() -> uint256:
    reward: uint256 = self._pay(msg.sender)
    assert reward > 0, "nothing to claim"
    return reward


@external
def restake() -> uint256:
    reward: uint256 = self._rewards(msg.sender)
    assert reward >= self.terms.least, "too little to restake"
    self._settle(msg.sender)
    self.shares[msg.sender] += reward
    self.total += reward
    log Restaked(owner=msg.sender, amount=reward)
    return reward


@external
def epoch(blocks: uint256, signedBps: uint256, proposer: bool):
    """@notice Pay for the time since the last epoch; a checkpoint pays for `blocks` signed by `signedBps` of all stake."""
    passed: uint256 = block.timestamp - self.at
    self.at = block.timestamp
    mint: uint256 = 0
    paid: uint256 = 0
    if self.terms.own + self.total > 0:
        if self.terms.form == 0:
            mint, paid = self._checkpoint(blocks, signedBps, proposer)
            paid += self.terms.tips * self.total * passed // (YEAR * self._all())
        elif self.terms.form == 1:
            mint, paid = self._curve(passed)
        else:
            paid = self._programme(passed)
    mint += self.terms.otherMint * passed // YEAR
    kept: uint256 = min(paid, self.total * mint // (self.terms.supply + self.minted))
    if self.total > 0:
        self.pace += kept * PRECISION // self.total
        self.beyond += (paid - kept) * PRECISION // self.total
    self.minted += mint
    self.spent += paid
    extcall Token(token).mint(self, paid)
    log Epoch(minted=mint, paid=paid)


@view
@external
def rewards(owner: address) -> uint256:
    return self._rewards(owner)


@view
@external
def owed(owner: address) -> (uint256, uint256):
    return self._owed(owner)


@view
@external
def totalStake() -> uint256:
    return self._all()


@view
@internal
def _all() -> uint256:
    return self.terms.own + self.total + self.terms.elsewhere


@view
@internal
def _owed(owner: address) -> (uint256, uint256):
    held: uint256 = self.shares[owner]
    kept: uint256 = held * (self.pace - self.pacePaid[owner]) // PRECISION
    return kept, held * (self.beyond - self.beyondPaid[owner]) // PRECISION


@view
@internal
def _rewards(owner: address) -> uint256:
    kept: uint256 = 0
    more: uint256 = 0
    kept, more = self._owed(owner)
    return kept + more


@internal
def _settle(owner: address):
    self.pacePaid[owner] = self.pace
    self.beyondPaid[owner] = self.beyond


@internal
def _pay(owner: address) -> uint256:
    reward: uint256 = self._rewards(owner)
    self._settle(owner)
    if reward > 0:
        extcall Token(token).transfer(owner, reward)
        log Claimed(owner=owner, amount=reward)
    return reward


@view
@internal
def _checkpoint(blocks: uint256, signedBps: uint256, proposer: bool) -> (uint256, uint256):
    terms: Terms = self.terms
    everybody: uint256 = self._all()
    signed: uint256 = everybody * signedBps // BPS
    # Each length of blocks pays `decrease` per cent less than the one before it.
    whole: uint256 = 0
    left: uint256 = blocks
    part: uint256 = 100
    for i: uint256 in range(101):
        if left == 0 or part == 0:
            break
        length: uint256 = left if terms.decrease == 0 else min(left, terms.interval)
        whole += terms.reward * part * length
        left -= length
        part -= min(part, terms.decrease)
    pay: uint256 = whole * signed // (100 * terms.interval * everybody)
    first: uint256 = pay * terms.bonus // 100
    mine: uint256 = (pay - first) * (terms.own + self.total) // signed
    if proposer:
        mine += first
    theirs: uint256 = mine * self.total // (terms.own + self.total)
    return pay, theirs - theirs * terms.commission // 100


@view
@internal
def _curve(passed: uint256) -> (uint256, uint256):
    terms: Terms = self.terms
    everybody: uint256 = self._all()
    yearly: uint256 = terms.numerator * isqrt(everybody * (terms.supply + self.minted)) // 10_000
    mint: uint256 = yearly * passed // YEAR
    ours: uint256 = (mint - mint * terms.alphaBps // BPS) * self.total // everybody
    return mint, ours - ours * terms.commission // 100


@view
@internal
def _programme(passed: uint256) -> uint256:
    terms: Terms = self.terms
    late: uint256 = min(passed, max(block.timestamp, terms.ends) - terms.ends)
    pays: uint256 = self.total * (passed - late) * terms.rateBps // (YEAR * BPS)
    return min(pays, terms.purse - self.spent)
