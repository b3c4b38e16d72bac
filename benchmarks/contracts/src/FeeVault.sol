// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "./IToken.sol";

/// @title FeeVault
/// @notice Pools one token for shares. Half a percent of each withdrawal goes to the manager.
contract FeeVault {
    uint256 private constant VIRTUAL_SHARES = 10 ** 6;
    uint256 public constant FEE_BPS = 50;

    IToken public immutable asset;
    address public immutable manager;

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;

    event Deposit(address indexed caller, address indexed receiver, uint256 assets, uint256 shares);
    event Withdraw(address indexed caller, address indexed receiver, uint256 assets, uint256 fee, uint256 shares);

    error NoShares();
    error TooFewShares(uint256 held, uint256 wanted);
    error TransferFailed();

    constructor(IToken token) {
        asset = token;
        manager = msg.sender;
    }

    function totalAssets() public view returns (uint256) {
        return asset.balanceOf(address(this));
    }

    function convertToShares(uint256 assets) public view returns (uint256) {
        return (assets * (totalSupply + VIRTUAL_SHARES)) / (totalAssets() + 1);
    }

    function convertToAssets(uint256 shares) public view returns (uint256) {
        return (shares * (totalAssets() + 1)) / (totalSupply + VIRTUAL_SHARES);
    }

    function deposit(uint256 assets, address receiver) public virtual returns (uint256 shares) {
        shares = convertToShares(assets);
        if (shares == 0) revert NoShares();
        totalSupply += shares;
        balanceOf[receiver] += shares;
        emit Deposit(msg.sender, receiver, assets, shares);
        if (!asset.transferFrom(msg.sender, address(this), assets)) revert TransferFailed();
    }

    function redeem(uint256 shares, address receiver) public virtual returns (uint256 assets) {
        uint256 held = balanceOf[msg.sender];
        if (shares == 0) revert NoShares();
        if (held < shares) revert TooFewShares(held, shares);
        uint256 gross = convertToAssets(shares);
        uint256 fee = (gross * FEE_BPS + 9_999) / 10_000;
        assets = gross - fee;
        balanceOf[msg.sender] = held - shares;
        totalSupply -= shares;
        emit Withdraw(msg.sender, receiver, assets, fee, shares);
        if (!asset.transfer(manager, fee)) revert TransferFailed();
        if (!asset.transfer(receiver, assets)) revert TransferFailed();
    }
}
