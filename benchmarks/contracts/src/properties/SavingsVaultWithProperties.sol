// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "../IToken.sol";
import {SavingsVault} from "../SavingsVault.sol";

contract SavingsVaultWithProperties is SavingsVault {
    bool private _shortChanged;

    constructor(IToken token) SavingsVault(token) {}

    function deposit(uint256 assets, address receiver) public override returns (uint256 shares) {
        shares = super.deposit(assets, receiver);
        if (convertToAssets(shares) < assets - assets / 100 - 1) _shortChanged = true;
    }

    /// @notice Shares are worth what was just paid for them, but for one percent.
    function invariant_depositorsKeepTheirMoney() external view returns (bool) {
        return !_shortChanged;
    }

    function invariant_sharesAreBacked() external view returns (bool) {
        return totalSupply == 0 || totalAssets() > 0;
    }
}
