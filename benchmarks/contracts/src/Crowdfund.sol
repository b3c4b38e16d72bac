// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title Crowdfund
/// @notice All or nothing: the creator is paid if the goal is reached in time; otherwise each pledge goes back.
contract Crowdfund {
    struct Pledge {
        address backer;
        uint96 amount;
        bool refunded;
    }

    address public immutable creator;
    uint256 public immutable goal;
    uint256 public immutable deadline;

    Pledge[] public pledges;
    uint256 public raised;
    bool public paidOut;

    event Pledged(uint256 indexed id, address indexed backer, uint256 amount);
    event Refunded(uint256 indexed id, address indexed backer, uint256 amount);
    event PaidOut(uint256 amount);

    constructor(uint256 goal_, uint256 duration) {
        require(goal_ > 0, "no goal");
        creator = msg.sender;
        goal = goal_;
        deadline = block.timestamp + duration;
    }

    function pledge() external payable returns (uint256 id) {
        require(block.timestamp < deadline, "campaign is over");
        require(msg.value > 0 && msg.value <= type(uint96).max, "bad amount");
        id = pledges.length;
        pledges.push(Pledge(msg.sender, uint96(msg.value), false));
        raised += msg.value;
        emit Pledged(id, msg.sender, msg.value);
    }

    function pledgeCount() external view returns (uint256) {
        return pledges.length;
    }

    function succeeded() public view returns (bool) {
        return raised >= goal;
    }

    function refund(uint256 id) public virtual {
        require(block.timestamp >= deadline, "campaign is running");
        require(!succeeded(), "goal was reached");
        Pledge memory mine = pledges[id];
        require(mine.backer == msg.sender, "not your pledge");
        require(!mine.refunded, "already refunded");
        mine.refunded = true;
        emit Refunded(id, msg.sender, mine.amount);
        (bool ok,) = msg.sender.call{value: mine.amount}("");
        require(ok, "refund failed");
    }

    function payOut() external {
        require(msg.sender == creator, "not the creator");
        require(block.timestamp >= deadline, "campaign is running");
        require(succeeded(), "goal was missed");
        require(!paidOut, "already paid out");
        paidOut = true;
        emit PaidOut(raised);
        (bool ok,) = creator.call{value: raised}("");
        require(ok, "payment failed");
    }
}
