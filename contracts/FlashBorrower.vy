# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Whoever takes a flash loan of Aave v3 and gives it back
@notice TEST ONLY, not audited: it approves what is owed and answers as it is told to. Stands for a user's own contract.
"""

interface Token:
    def approve(spender: address, amount: uint256) -> bool: nonpayable

answer: public(bool)


@deploy
def __init__():
    self.answer = True


@external
def set_answer(answer: bool):
    """@notice What `executeOperation` will answer; `False` makes the pool refuse."""
    self.answer = answer


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[1024]
) -> bool:
    """@notice Called by the pool with the loan already here; lets it take loan and premium back."""
    extcall Token(asset).approve(msg.sender, amount + premium)
    return self.answer
