// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Subscriptions} from "../Subscriptions.sol";

contract SubscriptionsWithProperties is Subscriptions {
    bool private _appointedByOthers;

    constructor(uint256 fee) Subscriptions(fee) {}

    function setTreasurer(address to) public override {
        if (msg.sender != owner) _appointedByOthers = true;
        super.setTreasurer(to);
    }

    function invariant_onlyTheOwnerAppoints() external view {
        require(!_appointedByOthers, "a stranger appointed the treasurer");
    }

    function invariant_feesAreHere() external view {
        require(address(this).balance >= earned, "fees are missing");
    }
}
