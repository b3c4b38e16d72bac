// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {VillageRaffle} from "../VillageRaffle.sol";

contract VillageRaffleWithProperties is VillageRaffle {
    constructor(uint256 duration) VillageRaffle(duration) {}

    /// @notice Once the sale is over, money that lies here belongs to somebody, or can be drawn for.
    function invariant_noMoneyIsLeftBehind() external view returns (bool) {
        if (block.timestamp < closesAt || address(this).balance == 0) return true;
        return winner != address(0) || ticketsSold() >= MIN_TICKETS;
    }

    function invariant_potIsThere() external view returns (bool) {
        return winner != address(0) || address(this).balance >= ticketsSold() * PRICE;
    }
}
