// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title Subscriptions
/// @notice A service is paid by the month in advance. Fees gather here until the treasurer is sent them.
contract Subscriptions {
    uint256 public constant MONTH = 30 days;

    address public owner;
    address public treasurer;
    uint256 public monthlyFee;
    bool public paused;
    uint256 public earned;

    mapping(address => uint256) public paidUntil;

    event Subscribed(address indexed who, uint256 months, uint256 paidUntil);
    event FeeChanged(uint256 fee);
    event TreasurerChanged(address indexed treasurer);
    event Swept(address indexed treasurer, uint256 amount);

    modifier onlyOwner() {
        require(msg.sender == owner, "Subscriptions: not the owner");
        _;
    }

    modifier whenOpen() {
        require(!paused, "Subscriptions: paused");
        _;
    }

    constructor(uint256 fee) {
        owner = msg.sender;
        treasurer = msg.sender;
        monthlyFee = fee;
    }

    function subscribe(uint256 months) external payable whenOpen {
        require(months > 0 && months <= 24, "Subscriptions: one to 24 months");
        require(msg.value == months * monthlyFee, "Subscriptions: wrong payment");
        uint256 from = paidUntil[msg.sender] > block.timestamp ? paidUntil[msg.sender] : block.timestamp;
        paidUntil[msg.sender] = from + months * MONTH;
        earned += msg.value;
        emit Subscribed(msg.sender, months, paidUntil[msg.sender]);
    }

    function isActive(address who) external view returns (bool) {
        return paidUntil[who] > block.timestamp;
    }

    function setFee(uint256 fee) external onlyOwner {
        monthlyFee = fee;
        emit FeeChanged(fee);
    }

    function setPaused(bool to) external onlyOwner {
        paused = to;
    }

    function setTreasurer(address to) public virtual {
        require(to != address(0), "Subscriptions: nobody");
        treasurer = to;
        emit TreasurerChanged(to);
    }

    function transferOwnership(address to) external onlyOwner {
        require(to != address(0), "Subscriptions: nobody");
        owner = to;
    }

    function sweep() external {
        uint256 amount = earned;
        require(amount > 0, "Subscriptions: nothing earned");
        earned = 0;
        emit Swept(treasurer, amount);
        (bool ok,) = treasurer.call{value: amount}("");
        require(ok, "Subscriptions: payment failed");
    }
}
