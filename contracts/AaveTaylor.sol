// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MathUtils} from "@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/math/MathUtils.sol";

/// @title The compounded interest of Aave v3.6, made callable
/// @notice TEST ONLY, not audited. Stands for the pool of v3.6, whose library grows debts by it.
contract AaveTaylor {
    function compounded(uint256 rate, uint256 elapsed) external pure returns (uint256) {
        return MathUtils.calculateCompoundedInterest(rate, 0, elapsed);
    }
}
