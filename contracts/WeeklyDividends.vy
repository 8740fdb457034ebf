# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Weekly dividends for those who lock: a token shared by what each held of the votes when the week began
@notice Stands for the fee distributors that vote-escrowed tokens have: written by us from the public rule (weeks of seven
    days; what arrives is spread evenly over the time since the last checkpoint; a week is paid out once it is over, by the
    balance at its start; at most 50 weeks a claim). Not a deployed one, nor proven equal to any. TEST ONLY, not audited.
"""

interface Escrow:
    def balanceOf(user: address, time: uint256) -> uint256: view
    def totalSupply(time: uint256) -> uint256: view
    def user_point_history__ts(user: address, number: uint256) -> uint256: view

interface Token:
    def balanceOf(owner: address) -> uint256: view
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable

event CheckpointToken:
    time: uint256
    tokens: uint256

event Claimed:
    recipient: indexed(address)
    amount: uint256
    claim_until: uint256

WEEK: constant(uint256) = 7 * 86400
MOST_SPREAD: constant(uint256) = 20
MOST_CLAIMED: constant(uint256) = 50

ESCROW: public(immutable(address))
TOKEN: public(immutable(address))

# Plain words first, then mappings, in this order: the harness reads their slots (0 to 4) directly.
last_token_time: public(uint256)
token_last_balance: public(uint256)
tokens_per_week: public(HashMap[uint256, uint256])
time_cursor_of: public(HashMap[address, uint256])
start_time: public(uint256)


@deploy
def __init__(escrow: address, token: address):
    ESCROW = escrow
    TOKEN = token
    self.last_token_time = block.timestamp
    self.start_time = block.timestamp // WEEK * WEEK


@external
def checkpoint_token():
    """@notice Spread what has arrived since the last checkpoint over the weeks since then."""
    arrived: uint256 = staticcall Token(TOKEN).balanceOf(self) - self.token_last_balance
    t: uint256 = self.last_token_time
    since: uint256 = block.timestamp - t
    spread: uint256 = 0
    for i: uint256 in range(MOST_SPREAD):
        week: uint256 = t // WEEK * WEEK
        until: uint256 = min(week + WEEK, block.timestamp)
        share: uint256 = arrived
        if since != 0:
            share = arrived * (until - t) // since
        self.tokens_per_week[week] += share
        spread += share
        t = until
        if t == block.timestamp:
            break
    self.last_token_time = t
    # What rounding or the bound leaves over is there at the next checkpoint.
    self.token_last_balance += spread
    log CheckpointToken(time=block.timestamp, tokens=spread)


@external
def claim(user: address = msg.sender) -> uint256:
    """@notice Pay `user` the weeks that are over, 50 at most; anybody may ask for it."""
    week: uint256 = self.time_cursor_of[user]
    if week == 0:
        first: uint256 = staticcall Escrow(ESCROW).user_point_history__ts(user, 1)
        if first == 0:
            log Claimed(recipient=user, amount=0, claim_until=0)
            return 0
        week = max((first + WEEK - 1) // WEEK * WEEK, self.start_time)
    over: uint256 = self.last_token_time // WEEK * WEEK
    due: uint256 = 0
    for i: uint256 in range(MOST_CLAIMED):
        if week >= over:
            break
        held: uint256 = staticcall Escrow(ESCROW).balanceOf(user, week)
        if held > 0:
            due += held * self.tokens_per_week[week] // staticcall Escrow(ESCROW).totalSupply(week)
        week += WEEK
    self.time_cursor_of[user] = week
    if due > 0:
        self.token_last_balance -= due
        assert extcall Token(TOKEN).transfer(user, due)
    log Claimed(recipient=user, amount=due, claim_until=week)
    return due
