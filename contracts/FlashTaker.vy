# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Takes a flash loan of Morpho Blue and gives it back
@notice TEST ONLY, not audited: anybody may let it take any loan; what it holds of the token is at anybody's mercy.
"""

from ethereum.ercs import IERC20

interface Lender:
    def flashLoan(token: address, assets: uint256, data: Bytes[32]): nonpayable

back: transient(uint256)
token: transient(address)


@external
def take(lender: address, token: address, assets: uint256, back: uint256):
    """@notice Borrow `assets` and let the lender fetch at most `back`."""
    self.token = token
    self.back = back
    extcall Lender(lender).flashLoan(token, assets, b"")


@external
def onMorphoFlashLoan(assets: uint256, data: Bytes[32]):
    """@notice The lender's callback, the money being here."""
    extcall IERC20(self.token).approve(msg.sender, self.back)
