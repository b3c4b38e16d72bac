// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {VoucherDesk} from "../VoucherDesk.sol";

contract VoucherDeskWithProperties is VoucherDesk {
    mapping(bytes32 => uint256) private _paid;
    bool private _twice;

    constructor(address issuer_, address to, uint256 amount, bytes memory signature)
        payable
        VoucherDesk(issuer_, to, amount, signature)
    {}

    function redeem(address to, uint256 amount, bytes calldata signature) public override {
        super.redeem(to, amount, signature);
        if (++_paid[keccak256(signature)] > 1) _twice = true;
    }

    function invariant_noVoucherIsPaidTwice() external view returns (bool) {
        return !_twice;
    }
}
