// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {PassbookBank} from "../PassbookBank.sol";

contract PassbookBankWithProperties is PassbookBank {
    function invariant_bankIsSolvent() external view {
        require(address(this).balance >= totalDeposits, "deposits are not covered");
    }
}
