// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {EnglishAuction} from "../EnglishAuction.sol";

contract EnglishAuctionWithProperties is EnglishAuction {
    constructor(uint256 reserve_, uint256 duration) EnglishAuction(reserve_, duration) {}

    /// @notice All that is held belongs to somebody, and all that is owed is held.
    function invariant_booksBalance() external view returns (bool) {
        return address(this).balance >= totalPending + (settled ? 0 : highestBid);
    }

    function invariant_settledMeansSold() external view returns (bool) {
        return !settled || address(this).balance == totalPending;
    }
}
