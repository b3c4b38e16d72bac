// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {FeeVault} from "../FeeVault.sol";
import {IToken} from "../IToken.sol";

contract FeeVaultWithProperties is FeeVault {
    bool private _shortChanged;

    constructor(IToken token) FeeVault(token) {}

    function deposit(uint256 assets, address receiver) public override returns (uint256 shares) {
        shares = super.deposit(assets, receiver);
        if (convertToAssets(shares + 1) + 1 < assets) _shortChanged = true;
    }

    /// @notice A depositor loses less than the price of one share to rounding.
    function invariant_depositorsAreNotShortChanged() external view returns (bool) {
        return !_shortChanged;
    }

    function invariant_allSharesCanBeRedeemed() external view returns (bool) {
        return convertToAssets(totalSupply) <= totalAssets();
    }
}
