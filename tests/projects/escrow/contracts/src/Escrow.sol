// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A client locks ether for a model. The first worker to hand one in is paid when the client accepts.
contract Escrow {
    struct Job {
        address client;
        uint96 reward;
        uint64 due;
        address worker;
        bool over;
    }

    Job[] public jobs;
    bool public immutable careful; // whether it asks who calls, and whether a job is over

    event Opened(uint256 indexed jobId, address indexed client, uint256 due);
    event HandedIn(uint256 indexed jobId, address indexed worker, bytes32 cid);
    event Claimed(uint256 indexed jobId, uint256 right);
    event Paid(uint256 indexed jobId, address indexed worker);
    event Refunded(uint256 indexed jobId);

    constructor(bool careful_) {
        careful = careful_;
    }

    function open(uint64 due) external payable {
        jobs.push(Job(msg.sender, uint96(msg.value), due, address(0), false));
        emit Opened(jobs.length - 1, msg.sender, due);
    }

    function handIn(uint256 jobId, bytes32 cid) external {
        require(jobs[jobId].worker == address(0) && block.timestamp < jobs[jobId].due, "too late");
        jobs[jobId].worker = msg.sender;
        emit HandedIn(jobId, msg.sender, cid);
    }

    function claim(uint256 jobId, uint256 right) external {
        require(!(careful && msg.sender != jobs[jobId].worker), "not your work");
        emit Claimed(jobId, right);
    }

    function accept(uint256 jobId) external {
        require(msg.sender == jobs[jobId].client && !jobs[jobId].over, "not yours to accept");
        jobs[jobId].over = true;
        emit Paid(jobId, jobs[jobId].worker);
        payable(jobs[jobId].worker).transfer(jobs[jobId].reward);
    }

    function cancel(uint256 jobId) external {
        require(msg.sender == jobs[jobId].client && !(careful && jobs[jobId].over), "not yours to cancel");
        jobs[jobId].over = true;
        emit Refunded(jobId);
        payable(msg.sender).transfer(jobs[jobId].reward);
    }
}
