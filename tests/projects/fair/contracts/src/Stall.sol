// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Till} from "./Till.sol";
import {Voucher} from "./Voucher.sol";

/// @notice One commission: a clone of this one, which holds its reward.
contract Stall {
    address public client;
    uint64 public due;
    address public worker;

    event Ready(address indexed client);
    event HandedIn(address indexed worker, bytes32 cid);
    event Paid(address indexed worker, address till);
    event Closed();
    error TooLate(uint256 due, uint256 time);
    error OnlyClient(address client);

    function begin(address client_, uint64 due_) external payable {
        require(client == address(0), "begun already");
        (client, due) = (client_, due_);
        emit Ready(client_);
    }

    /// @notice Whether it is the caller's: a view whose answer depends on who asks.
    function mine() external view returns (bool) {
        return msg.sender == client;
    }

    function handIn(bytes32 cid) external {
        if (worker != address(0) || block.timestamp >= due) revert TooLate(due, block.timestamp);
        worker = msg.sender;
        emit HandedIn(msg.sender, cid);
    }

    function pay() external {
        if (msg.sender != client) revert OnlyClient(client);
        Till till = new Till{value: address(this).balance}(worker);
        emit Paid(worker, address(till));
    }

    function close() external {
        if (msg.sender != client) revert OnlyClient(client);
        emit Closed();
        payable(client).transfer(address(this).balance);
    }
}
