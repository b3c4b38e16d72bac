// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ClubFund} from "../ClubFund.sol";

contract ClubFundWithProperties is ClubFund {
    bool private _fell;

    function buy(uint256 units) public payable override {
        (uint256 assets, uint256 before) = (address(this).balance - msg.value, totalUnits);
        super.buy(units);
        _compare(assets, before);
    }

    function withdraw(uint256 amount) public override {
        (uint256 assets, uint256 before) = (address(this).balance, totalUnits);
        super.withdraw(amount);
        _compare(assets, before);
    }

    function _compare(uint256 assets, uint256 units) private {
        if (units > 0 && totalUnits > 0 && address(this).balance * units < assets * totalUnits) _fell = true;
    }

    /// @notice Nobody who comes or goes makes the others' units worth less.
    function invariant_unitsNeverLoseValue() external view returns (bool) {
        return !_fell;
    }
}
