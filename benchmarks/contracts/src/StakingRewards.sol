// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IToken} from "./IToken.sol";

/// @title StakingRewards
/// @notice Tokens are staked, and ether that the owner brings is shared out over a week, by stake and time. The clock
/// stands still while nobody stakes.
contract StakingRewards {
    uint256 public constant DURATION = 7 days;
    uint256 private constant SCALE = 1e27;

    IToken public immutable token;
    address public immutable owner;

    uint256 public totalStaked;
    mapping(address => uint256) public stakeOf;

    uint256 public rate;
    uint256 public remainder;
    uint256 public periodEnd;
    uint256 public updatedAt;
    uint256 public perToken;
    mapping(address => uint256) private _paidPerToken;
    mapping(address => uint256) public earned;

    event Funded(uint256 amount, uint256 rate, uint256 periodEnd);
    event Staked(address indexed who, uint256 amount);
    event Unstaked(address indexed who, uint256 amount);
    event Claimed(address indexed who, uint256 amount);

    error NotOwner();
    error TooSmall();
    error StakeTooSmall(uint256 stake, uint256 wanted);
    error TransferFailed();

    constructor(IToken token_) {
        token = token_;
        owner = msg.sender;
    }

    modifier updated(address who) {
        if (block.timestamp > updatedAt) {
            if (totalStaked == 0) {
                if (periodEnd > updatedAt) periodEnd += block.timestamp - updatedAt;
            } else if (periodEnd > updatedAt) {
                uint256 until = block.timestamp < periodEnd ? block.timestamp : periodEnd;
                perToken += ((until - updatedAt) * rate * SCALE) / totalStaked;
            }
            updatedAt = block.timestamp;
        }
        earned[who] += (stakeOf[who] * (perToken - _paidPerToken[who])) / SCALE;
        _paidPerToken[who] = perToken;
        _;
    }

    function fund() external payable updated(address(0)) {
        if (msg.sender != owner) revert NotOwner();
        uint256 amount = msg.value + remainder;
        if (periodEnd > block.timestamp) amount += (periodEnd - block.timestamp) * rate;
        if (amount < DURATION) revert TooSmall();
        rate = amount / DURATION;
        remainder = amount % DURATION;
        periodEnd = block.timestamp + DURATION;
        emit Funded(msg.value, rate, periodEnd);
    }

    function stake(uint256 amount) external updated(msg.sender) {
        if (amount == 0) revert TooSmall();
        totalStaked += amount;
        stakeOf[msg.sender] += amount;
        emit Staked(msg.sender, amount);
        if (!token.transferFrom(msg.sender, address(this), amount)) revert TransferFailed();
    }

    function unstake(uint256 amount) external updated(msg.sender) {
        uint256 staked = stakeOf[msg.sender];
        if (staked < amount) revert StakeTooSmall(staked, amount);
        stakeOf[msg.sender] = staked - amount;
        totalStaked -= amount;
        emit Unstaked(msg.sender, amount);
        if (!token.transfer(msg.sender, amount)) revert TransferFailed();
    }

    function claim() external updated(msg.sender) {
        uint256 amount = earned[msg.sender];
        earned[msg.sender] = 0;
        emit Claimed(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }
}
