// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {SealedSale} from "../SealedSale.sol";

contract SealedSaleWithProperties is SealedSale {
    mapping(bytes32 => address) private _committer;
    bool private _taken;

    constructor(uint256 biddingTime, uint256 revealTime) SealedSale(biddingTime, revealTime) {}

    function commit(bytes32 commitment) public payable override {
        super.commit(commitment);
        _committer[commitment] = msg.sender;
    }

    function reveal(uint256 bid, bytes32 salt) public override {
        super.reveal(bid, salt);
        if (_committer[commitmentOf(bid, salt)] != msg.sender) _taken = true;
    }

    function invariant_depositsGoToThoseWhoCommitted() external view returns (bool) {
        return !_taken;
    }
}
