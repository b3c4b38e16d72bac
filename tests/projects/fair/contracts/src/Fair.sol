// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Odds} from "./Odds.sol";
import {Stall} from "./Stall.sol";
import {Voucher} from "./Voucher.sol";

/// @notice A factory of stalls. It speaks of a stall after the stall has spoken, as many factories do.
contract Fair {
    address public immutable stall;
    address public immutable voucher;
    uint256 public immutable share; // per mille of each reward
    uint256 public immutable prize; // wei that it was deployed with

    event StallOpened(address indexed stall, address indexed client, uint256 due);
    event VoucherBorn(address voucher);

    constructor(address stall_, address voucher_, uint256 share_) payable {
        (stall, voucher, share, prize) = (stall_, voucher_, share_, msg.value);
    }

    function open(uint64 due) external payable {
        address one = _clone(stall);
        Stall(one).begin{value: msg.value - Odds.fee(msg.value, share)}(msg.sender, due);
        emit StallOpened(one, msg.sender, due);
    }

    function issue(string calldata name) external {
        address one = _clone(voucher);
        Voucher(one).begin(name, msg.sender);
        emit VoucherBorn(one);
    }

    /// @notice Hands work in at a stall, so that the stall's error comes back through here.
    function handInFor(Stall one, bytes32 cid) external {
        one.handIn(cid);
    }

    function _clone(address kind) private returns (address made) {
        bytes memory code =
            abi.encodePacked(hex"3d602d80600a3d3981f3363d3d373d3d3d363d73", kind, hex"5af43d82803e903d91602b57fd5bf3");
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), "no clone");
    }
}
