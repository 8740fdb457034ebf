# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Pays cumulative amounts by merkle proof
@notice Stands for the distributors of reward campaigns, whose public rule this is: an owner submits a root each epoch; its leaves
    say how much of a token an account has earned in all so far; a claim pays what has not been paid yet. A root comes into
    force after a delay in which anybody may dispute it for a bond; the owner resolves the dispute. Ours: of no registry's
    distributor is this the bytecode. TEST ONLY, not audited.
"""

from ethereum.ercs import IERC20

event RootSubmitted:
    root: bytes32
    activeAt: uint256

event Disputed:
    disputer: indexed(address)

event Resolved:
    valid: bool

event Claimed:
    account: indexed(address)
    token: indexed(address)
    amount: uint256

event Recovered:
    token: indexed(address)
    amount: uint256

DEPTH: constant(uint256) = 32

owner: public(immutable(address))
delay: public(immutable(uint256))
bondToken: public(immutable(address))
bond: public(immutable(uint256))

# In this order: the harness reads their slots directly.
lastRoot: public(bytes32)
nextRoot: public(bytes32)
activeAt: public(uint256)
disputer: public(address)
claimed: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(owner_: address, delay_: uint256, bondToken_: address, bond_: uint256):
    owner = owner_
    delay = delay_
    bondToken = bondToken_
    bond = bond_


@view
@external
def root() -> bytes32:
    """@notice The root that claims are proven against now."""
    return self._root()


@external
def submit(next: bytes32):
    """@notice Let `next` come into force after the delay; the one before must be in force already."""
    assert msg.sender == owner, "not the owner"
    assert self.disputer == empty(address), "disputed"
    assert block.timestamp >= self.activeAt, "a root is pending"
    self.lastRoot = self.nextRoot
    self.nextRoot = next
    self.activeAt = block.timestamp + delay
    log RootSubmitted(root=next, activeAt=self.activeAt)


@external
def dispute():
    """@notice Hold up the root that is pending, for a bond."""
    assert block.timestamp < self.activeAt, "nothing to dispute"
    assert self.disputer == empty(address), "disputed"
    self.disputer = msg.sender
    log Disputed(disputer=msg.sender)
    assert extcall IERC20(bondToken).transferFrom(msg.sender, self, bond)


@external
def resolve(valid: bool):
    """@notice Drop the root and give the bond back, or keep both and let the delay begin anew."""
    assert msg.sender == owner, "not the owner"
    assert self.disputer != empty(address), "no dispute"
    to: address = owner
    if valid:
        to = self.disputer
        self.nextRoot = self.lastRoot
        self.activeAt = block.timestamp
    else:
        self.activeAt = block.timestamp + delay
    self.disputer = empty(address)
    log Resolved(valid=valid)
    assert extcall IERC20(bondToken).transfer(to, bond)


@external
def claim(account: address, token: address, cumulative: uint256, proof: DynArray[bytes32, DEPTH]) -> uint256:
    """@notice Pay `account` what it has earned of `token` and not been paid; anybody may bring the proof."""
    node: bytes32 = keccak256(abi_encode(account, token, cumulative))
    for other: bytes32 in proof:
        if convert(node, uint256) < convert(other, uint256):
            node = keccak256(concat(node, other))
        else:
            node = keccak256(concat(other, node))
    assert node == self._root(), "proof"
    paid: uint256 = self.claimed[account][token]
    assert paid < cumulative, "nothing to claim"
    self.claimed[account][token] = cumulative
    log Claimed(account=account, token=token, amount=cumulative - paid)
    assert extcall IERC20(token).transfer(account, cumulative - paid)
    return cumulative - paid


@external
def recover(token: address, to: address, amount: uint256):
    """@notice Take tokens out again; what is owed is not kept back."""
    assert msg.sender == owner, "not the owner"
    log Recovered(token=token, amount=amount)
    assert extcall IERC20(token).transfer(to, amount)


@view
@internal
def _root() -> bytes32:
    if block.timestamp >= self.activeAt and self.disputer == empty(address):
        return self.nextRoot
    return self.lastRoot
