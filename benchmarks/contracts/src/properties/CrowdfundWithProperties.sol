// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Crowdfund} from "../Crowdfund.sol";

contract CrowdfundWithProperties is Crowdfund {
    mapping(uint256 => uint256) private _returned;

    constructor(uint256 goal_, uint256 duration) Crowdfund(goal_, duration) {}

    function refund(uint256 id) public override {
        super.refund(id);
        _returned[id] += pledges[id].amount;
    }

    function invariant_noPledgeGoesBackTwice() external view returns (bool) {
        for (uint256 id = 0; id < pledges.length; id++) {
            if (_returned[id] > pledges[id].amount) return false;
        }
        return true;
    }

    function invariant_pledgesAreHeldWhileRunning() external view returns (bool) {
        return block.timestamp >= deadline || address(this).balance >= raised;
    }
}
