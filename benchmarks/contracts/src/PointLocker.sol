// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "./IToken.sol";

/// @title PointLocker
/// @notice Locks loyalty points for a while. Several locks may be held, each with an end of its own.
contract PointLocker {
    struct Lock {
        address owner;
        uint256 amount;
        uint256 until;
    }

    uint256 public constant MIN_LOCK = 1 days;
    uint256 public constant MAX_LOCK = 365 days;

    IToken public immutable points;
    Lock[] public locks;
    uint256 public totalLocked;

    event Locked(uint256 indexed id, address indexed owner, uint256 amount, uint256 until);
    event Extended(uint256 indexed id, uint256 until);
    event Released(uint256 indexed id, address indexed owner, uint256 amount);

    error BadDuration(uint256 duration);
    error NothingToLock();
    error NotYours(uint256 id);
    error StillLocked(uint256 until);

    constructor(IToken points_) {
        points = points_;
    }

    function lockCount() external view returns (uint256) {
        return locks.length;
    }

    function lock(uint256 amount, uint256 duration) external returns (uint256 id) {
        if (amount == 0) revert NothingToLock();
        if (duration < MIN_LOCK || duration > MAX_LOCK) revert BadDuration(duration);
        points.transferFrom(msg.sender, address(this), amount);
        id = locks.length;
        locks.push(Lock(msg.sender, amount, block.timestamp + duration));
        totalLocked += amount;
        emit Locked(id, msg.sender, amount, block.timestamp + duration);
    }

    function extend(uint256 id, uint256 duration) external {
        Lock storage one = locks[id];
        if (one.owner != msg.sender) revert NotYours(id);
        if (duration > MAX_LOCK) revert BadDuration(duration);
        one.until += duration;
        emit Extended(id, one.until);
    }

    function release(uint256 id) external {
        Lock memory one = locks[id];
        if (one.owner != msg.sender) revert NotYours(id);
        if (block.timestamp < one.until) revert StillLocked(one.until);
        delete locks[id];
        totalLocked -= one.amount;
        points.transfer(msg.sender, one.amount);
        emit Released(id, msg.sender, one.amount);
    }
}
