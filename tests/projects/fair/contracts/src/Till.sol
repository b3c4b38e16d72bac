// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Keeps one worker's pay. Not a clone: each has code of its own, for its owner is written into it.
contract Till {
    address public immutable owner;

    event Filled(uint256 value);
    event Emptied(uint256 value);
    error NotYours(address owner);

    constructor(address owner_) payable {
        owner = owner_;
        emit Filled(msg.value);
    }

    function empty() external {
        if (msg.sender != owner) revert NotYours(owner);
        emit Emptied(address(this).balance);
        payable(owner).transfer(address(this).balance);
    }
}
