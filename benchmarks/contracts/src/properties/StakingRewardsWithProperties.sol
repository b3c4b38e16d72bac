// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "../IToken.sol";
import {StakingRewards} from "../StakingRewards.sol";

contract StakingRewardsWithProperties is StakingRewards {
    constructor(IToken token_) StakingRewards(token_) {}

    function invariant_stakesAreHeld() external view returns (bool) {
        return token.balanceOf(address(this)) >= totalStaked;
    }

    function invariant_futureRewardsAreHeld() external view {
        uint256 from = block.timestamp > updatedAt && totalStaked > 0 ? block.timestamp : updatedAt;
        uint256 left = periodEnd > from ? (periodEnd - from) * rate : 0;
        require(address(this).balance >= left, "rewards are missing");
    }
}
