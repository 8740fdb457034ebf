# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title One side of a liquidity bridge for one token
@notice Stands for bridges by intents (Across, ERC-7683), whose public rule this is: an amount is locked here, and what is asked for on the
    other side is that less a fee; whoever has money there pays it before the deadline; a settlement repays him from what is locked, or gives
    it back where nobody paid. Ours: of no registry's bridge is this the bytecode. TEST ONLY, not audited: the settler is believed.
"""

from ethereum.ercs import IERC20

event Sent:
    number: indexed(uint256)
    owner: indexed(address)
    amount: uint256
    output: uint256
    deadline: uint256

event Paid:
    number: indexed(uint256)
    owner: indexed(address)
    output: uint256
    relayer: address

event Settled:
    number: indexed(uint256)
    receiver: indexed(address)
    amount: uint256

struct Ticket:
    owner: address
    amount: uint256
    output: uint256
    deadline: uint256
    settled: bool

BPS: constant(uint256) = 10_000

token: public(immutable(address))
settler: public(immutable(address))
feeBps: public(immutable(uint256))
flatFee: public(immutable(uint256))
expiry: public(immutable(uint256))
settleAfter: public(immutable(uint256))

count: public(uint256)
tickets: public(HashMap[uint256, Ticket])
filled: public(HashMap[uint256, bool])


@deploy
def __init__(token_: address, settler_: address, feeBps_: uint256, flatFee_: uint256, expiry_: uint256, settleAfter_: uint256):
    token = token_
    settler = settler_
    feeBps = feeBps_
    flatFee = flatFee_
    expiry = expiry_
    settleAfter = settleAfter_


@view
@external
def fee(amount: uint256) -> uint256:
    """@notice What is kept of `amount`."""
    return self._fee(amount)


@external
def send(amount: uint256) -> uint256:
    """@notice Lock `amount` for who pays it, less the fee, to the sender on the other side."""
    kept: uint256 = self._fee(amount)
    assert amount > kept, "the fee takes all of it"
    self.count += 1
    deadline: uint256 = block.timestamp + expiry
    self.tickets[self.count] = Ticket(
        owner=msg.sender, amount=amount, output=amount - kept, deadline=deadline, settled=False
    )
    log Sent(number=self.count, owner=msg.sender, amount=amount, output=amount - kept, deadline=deadline)
    assert extcall IERC20(token).transferFrom(msg.sender, self, amount)
    return self.count


@external
def fill(number: uint256, owner: address, output: uint256, deadline: uint256):
    """@notice Pay what somebody asked for on the other side, from the caller's own money."""
    assert block.timestamp <= deadline, "expired"
    assert not self.filled[number], "filled already"
    self.filled[number] = True
    log Paid(number=number, owner=owner, output=output, relayer=msg.sender)
    assert extcall IERC20(token).transferFrom(msg.sender, owner, output)


@external
def settle(number: uint256, relayer: address):
    """@notice Pay out what is locked: to `relayer` where one paid on the other side, back to its owner where it is nobody."""
    assert msg.sender == settler, "not the settler"
    ticket: Ticket = self.tickets[number]
    assert ticket.owner != empty(address), "no such ticket"
    assert not ticket.settled, "settled already"
    assert block.timestamp >= ticket.deadline + settleAfter, "too early"
    self.tickets[number].settled = True
    receiver: address = relayer
    if relayer == empty(address):
        receiver = ticket.owner
    log Settled(number=number, receiver=receiver, amount=ticket.amount)
    assert extcall IERC20(token).transfer(receiver, ticket.amount)


@view
@internal
def _fee(amount: uint256) -> uint256:
    return flatFee + (amount * feeBps + BPS - 1) // BPS
