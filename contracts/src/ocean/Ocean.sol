// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Job, Outcome, Rules, State} from "./OceanTypes.sol";
import {Audits} from "./Audits.sol";
import {DataNFT} from "./DataNFT.sol";
import {Datatoken} from "./Datatoken.sol";
import {OceanStorage} from "./OceanStorage.sol";
import {Cause} from "../common/Vault.sol";

/// @title Ocean: algorithms travel to data that never move, paid for from an escrow
/// @notice A consumer orders a job on published data with a published algorithm from a provider, which locks what it may
/// cost, runs it where the data lie, and claims for the minutes.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; an order takes exactly 1e18 of a datatoken; a
/// claim is never above its lock; anybody can end what is overdue.
contract Ocean is Audits {
    event Claimed(uint256 indexed id, address indexed provider, uint32 minutes_, bytes32 result, uint8 status, uint40 due);

    error ClaimTooHigh(uint256 amount, uint256 locked);
    error NoResult(uint256 id);
    error NoSuchStatus(uint8 status);

    constructor(IERC20 token_, Rules memory rules_) OceanStorage(token_, rules_, address(new Datatoken()), new DataNFT()) {}

    /// @notice Claim for a job that was run: minutes times the rate, at most what is locked. By its provider. Too late,
    /// the lock is cancelled instead. Where claims are final, nobody looks at the result.
    /// @param id the job's number
    /// @param minutes_ that it took
    /// @param result the result's CID; where there are auditors, a commitment to it and the minutes
    /// @param status 70: finished; 31: no data; 32: no algorithm
    function claim(uint256 id, uint32 minutes_, bytes32 result, uint8 status) external {
        Job storage job = _inState(id, _jobs[id].free ? State.ORDERED : State.LOCKED);
        _only(job.provider);
        if (status != 70 && status != 31 && status != 32) revert NoSuchStatus(status);
        if (block.timestamp >= job.due) return _lapse(id);
        uint256 amount = _bill(id, minutes_);
        if (amount > job.locked) revert ClaimTooHigh(amount, job.locked);
        if (rules.auditors != 0 && result == 0 && status == 70) revert NoResult(id);
        (job.status, job.minutes_, job.result) = (status, minutes_, result);
        job.due = uint40(block.timestamp + rules.disputeWindow);
        emit Claimed(id, msg.sender, minutes_, result, status, job.due);
        if (job.free) return _close(id, status == 70 ? State.DONE : State.FAILED, result, msg.sender);
        if (status != 70) {
            uint32 paid = rules.paysOkOnly ? 0 : minutes_;
            return _finish(id, Outcome(State.FAILED, true, paid, 0, _pool[id]));
        }
        uint256 drawn = uint256(keccak256(abi.encode(block.prevrandao, id))) % BPS;
        if (drawn < rules.auditBps && _pool[id].length != 0) _audit(id);
        else if (rules.disputeWindow == 0) _finish(id, Outcome(State.DONE, false, minutes_, result, _pool[id]));
        else job.state = State.CLAIMED;
    }

    function _bill(uint256 id, uint32 minutes_) private view returns (uint256) {
        Job storage job = _jobs[id];
        return job.free ? 0 : uint256(job.rate) * minutes_;
    }

    function _lapse(uint256 id) internal override {
        Job storage job = _jobs[id];
        bool locked = job.state == State.LOCKED;
        if (locked) _fine(id, job.provider, rules.collateral);
        if (job.free) return _close(id, State.LAPSED, 0, address(0));
        _finish(id, Outcome(locked ? State.EXPIRED : State.LAPSED, true, 0, 0, _pool[id]));
    }

    /// @dev Pay the bill, the price, the bonds and who stood by; then nothing is held for the job.
    function _finish(uint256 id, Outcome memory end) internal override {
        Job storage job = _jobs[id];
        bool ran = job.state >= State.LOCKED && end.state != State.EXPIRED;
        uint256 bill = job.state >= State.LOCKED ? _settleLock(id, end) : 0;
        if (ran) _collateral(id, end);
        if (end.refund) _pay(id, job.consumer, job.price, Cause.REFUND);
        else _pay(id, nft.publisherOf(job.asset), _taxed(id, job.price, rules.consumeFee, ONE), Cause.REWARD);
        if (job.disputed && end.state == State.DONE) _share(id, end.good, rules.disputeBond, Cause.SLASH);
        else if (job.disputed) _pay(id, job.consumer, rules.disputeBond, Cause.STAKE);
        _share(id, end.good, rules.auditFee, Cause.REWARD);
        _bonds(id, end.good);
        job.paid = !end.refund;
        bool paid = bill != 0 || end.state == State.DONE;
        address winner = !paid ? address(0) : end.state == State.OVERTURNED ? end.good[0] : job.provider;
        _close(id, end.state, end.cid, winner);
    }

    /// @dev Pay what is due of the lock, to the provider or to those who did its work, and release the rest.
    function _settleLock(uint256 id, Outcome memory end) private returns (uint256 bill) {
        Job storage job = _jobs[id];
        bill = _bill(id, end.minutes_);
        if (bill > job.locked) bill = job.locked;
        _unlock(id, bill);
        uint256 net = _taxed(id, bill, rules.escrowFeeBps, BPS);
        if (end.state == State.OVERTURNED) _share(id, end.good, net, Cause.REWARD);
        else _pay(id, job.provider, net, Cause.REWARD);
    }

    /// @dev What is left of an amount when the community has had its part.
    function _taxed(uint256 id, uint256 amount, uint256 part, uint256 whole) private returns (uint256) {
        uint256 fee = amount * part / whole;
        _jobs[id].held -= fee;
        _retain(id, fee, Cause.FEE);
        return amount - fee;
    }

    /// @dev Back to a provider; of one whose result is wrong half to the consumer, and half to who found out.
    function _collateral(uint256 id, Outcome memory end) private {
        uint256 amount = rules.collateral;
        Job storage job = _jobs[id];
        if (end.state == State.VOID) return _fine(id, job.provider, amount);
        if (end.state != State.OVERTURNED) return _pay(id, job.provider, amount, Cause.STAKE);
        if (amount != 0) emit Fined(id, job.provider, amount);
        _pay(id, job.consumer, amount - amount / 2, Cause.SLASH);
        _share(id, end.good, amount / 2, Cause.SLASH);
    }

    /// @dev Equal parts; what is left over, and all where nobody is there, is the consumer's.
    function _share(uint256 id, address[] memory who, uint256 amount, Cause cause) private {
        uint256 part = who.length == 0 ? 0 : amount / who.length;
        for (uint256 i; i < who.length; i++) _pay(id, who[i], part, cause);
        _pay(id, _jobs[id].consumer, amount - part * who.length, Cause.REFUND);
    }

    /// @dev The bonds of those who stood by and were not asked, and of those who were right.
    function _bonds(uint256 id, address[] memory good) private {
        address[] storage pool = _pool[id];
        for (uint256 i = _jobs[id].panel; i < pool.length; i++) _pay(id, pool[i], rules.auditBond, Cause.STAKE);
        if (_jobs[id].panel == 0) return;
        for (uint256 i; i < good.length; i++) _pay(id, good[i], rules.auditBond, Cause.STAKE);
    }
}
