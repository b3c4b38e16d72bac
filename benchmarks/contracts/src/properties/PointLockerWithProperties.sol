// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "../IToken.sol";
import {PointLocker} from "../PointLocker.sol";

contract PointLockerWithProperties is PointLocker {
    constructor(IToken points_) PointLocker(points_) {}

    function invariant_everyLockIsCovered() external view returns (bool) {
        return points.balanceOf(address(this)) >= totalLocked;
    }
}
