// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What a fair takes, in a library of its own so that there is something to link.
library Odds {
    function fee(uint256 value, uint256 share) external pure returns (uint256) {
        return (value * share) / 1000;
    }
}
