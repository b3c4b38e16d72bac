// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Datatoken: one of them, given up, is access to one asset
/// @notice The hub mints them, and takes them for orders without an allowance.
/// @dev The code behind EIP-1167 clones, one an asset: the hub is in the code, so a clone needs no initialiser.
contract Datatoken is ERC20 {
    address public immutable hub;

    error NotHub(address who);

    constructor() ERC20("Datatoken", "DT") {
        hub = msg.sender;
    }

    /// @notice Make tokens. By the hub.
    /// @param who gets them
    /// @param amount of 1e18 a token
    function mint(address who, uint256 amount) external {
        if (msg.sender != hub) revert NotHub(msg.sender);
        _mint(who, amount);
    }

    /// @notice Destroy tokens. By the hub.
    /// @param who has them
    /// @param amount of 1e18 a token
    function burn(address who, uint256 amount) external {
        if (msg.sender != hub) revert NotHub(msg.sender);
        _burn(who, amount);
    }

    /// @notice Move tokens. By the hub.
    /// @param from who has them
    /// @param to who gets them
    /// @param amount of 1e18 a token
    function take(address from, address to, uint256 amount) external {
        if (msg.sender != hub) revert NotHub(msg.sender);
        _transfer(from, to, amount);
    }
}
