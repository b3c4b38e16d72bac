// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {CharityAuction} from "../CharityAuction.sol";

contract CharityAuctionWithProperties is CharityAuction {
    constructor(uint256 reserve_, uint256 duration) CharityAuction(reserve_, duration) {}

    function invariant_booksBalance() external view returns (bool) {
        return address(this).balance == totalOwed + (settled ? 0 : highestBid);
    }

    function invariant_endIsBounded() external view {
        require(endsAt <= latestEnd, "the auction is prolonged forever");
    }
}
