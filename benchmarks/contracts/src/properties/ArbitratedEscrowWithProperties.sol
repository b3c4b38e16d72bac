// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ArbitratedEscrow} from "../ArbitratedEscrow.sol";

contract ArbitratedEscrowWithProperties is ArbitratedEscrow {
    function invariant_holdsWhatIsOpenAndOwed() external view returns (bool) {
        uint256 expected = totalOwed;
        for (uint256 id = 0; id < deals.length; id++) {
            if (deals[id].status != Status.Closed) expected += deals[id].amount;
        }
        return address(this).balance == expected;
    }

    function invariant_dealsHaveAStatusAndAPast() external view returns (bool) {
        for (uint256 id = 0; id < deals.length; id++) {
            if (deals[id].since > block.timestamp || deals[id].status == Status.None) return false;
        }
        return true;
    }
}
