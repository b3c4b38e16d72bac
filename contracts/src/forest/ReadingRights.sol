// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ReadingRights: whom owners let read what they keep off the chain
/// @notice A list that the keepers of data are asked to heed. It hides nothing by itself: what is on chain everybody
/// reads, and what was read stays read.
contract ReadingRights {
    mapping(address owner => mapping(address reader => mapping(uint8 scope => uint40 until))) public grants;

    event AccessGranted(address indexed owner, address indexed reader, uint8 scope, uint40 until);
    event AccessRevoked(address indexed owner, address indexed reader, uint8 scope);

    error NothingGranted(address owner, address reader);

    /// @notice Let somebody read what one keeps off the chain.
    /// @param reader who may read
    /// @param scope 0 for predictions, 1 for records
    /// @param until Unix seconds
    function grant(address reader, uint8 scope, uint40 until) external {
        grants[msg.sender][reader][scope] = until;
        emit AccessGranted(msg.sender, reader, scope, until);
    }

    /// @notice Take a grant back. What was read stays read.
    /// @param reader who may no longer read
    /// @param scope 0 for predictions, 1 for records
    function revoke(address reader, uint8 scope) external {
        if (grants[msg.sender][reader][scope] == 0) revert NothingGranted(msg.sender, reader);
        delete grants[msg.sender][reader][scope];
        emit AccessRevoked(msg.sender, reader, scope);
    }

    /// @notice Whether somebody may read what another keeps.
    /// @param owner whose it is
    /// @param reader who asks
    /// @param scope 0 for predictions, 1 for records
    /// @return whether a grant stands
    function mayRead(address owner, address reader, uint8 scope) external view returns (bool) {
        return owner == reader || block.timestamp < grants[owner][reader][scope];
    }
}
