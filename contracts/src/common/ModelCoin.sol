// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title ModelCoin (MDC): the token that rewards and stakes are counted in
/// @notice One million coins, all of them the treasury's at first. While the airdrop is open, each address may take
/// one thousand of the treasury's, once: whoever makes addresses for nothing then has stake for nothing.
/// @dev Invariant: the supply never changes, and equals the sum of all balances.
contract ModelCoin is ERC20 {
    uint256 public constant SUPPLY = 1_000_000e18;
    uint256 public constant AIRDROP = 1_000e18;

    address public immutable treasury; // the deployer
    bool public immutable airdropOpen;
    mapping(address who => bool) public claimed;

    event Airdropped(address indexed who, uint256 amount);

    error AirdropClosed();
    error AlreadyClaimed(address who);

    constructor(bool open) ERC20("ModelCoin", "MDC") {
        treasury = msg.sender;
        airdropOpen = open;
        _mint(msg.sender, SUPPLY);
    }

    /// @notice Take one thousand coins from the treasury, once per address, while it has them.
    function claimAirdrop() external {
        if (!airdropOpen) revert AirdropClosed();
        if (claimed[msg.sender]) revert AlreadyClaimed(msg.sender);
        claimed[msg.sender] = true;
        emit Airdropped(msg.sender, AIRDROP);
        _transfer(treasury, msg.sender, AIRDROP);
    }
}
